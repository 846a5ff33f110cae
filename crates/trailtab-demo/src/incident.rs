//! The records of the incident: a leaked access key, and the response the next morning.
//!
//! On Thursday, 2026-09-17, between 01:12 and 03:41 UTC, the access key of the IAM user `legacy-backup` in the
//! production account is used from 203.0.113.219, an address of a hosting provider, with an unfamiliar user agent.
//! After a burst of denied calls, the user attaches AdministratorAccess to itself and creates the user
//! `svc-metrics-sync`, which starts large GPU instances in sa-east-1, a region without other traffic. A service control
//! policy denies its attempts to stop the trail and GuardDuty. From 07:46 on, Inês of the security team investigates
//! and cleans up.

use super::calendar::at;
use super::catalogue::{ApiSpec, r, services, w};
use super::identity;
use super::organisation::{ACCOUNTS, MachineKind, PRODUCTION, Via};

const QUIET: &str = "sa-east-1";
const GLOBAL: &str = "us-east-1";
const HOME: &str = "eu-central-1";

/// A principal of the incident, with its client.
#[derive(Clone, Copy)]
pub(super) enum Player {
    /// The IAM user with the leaked key.
    Leaked,
    /// The user that the intruder creates, by access key and in the console.
    Rogue,
    RogueConsole,
    /// The security engineer, by command line and in the console.
    Responder,
    ResponderConsole,
}

/// A player's fields in a record.
pub(super) struct DescribedPlayer {
    pub(super) identity: String,
    pub(super) arn: String,
    pub(super) address: &'static str,
    pub(super) agent: &'static str,
    pub(super) via: Via,
    pub(super) created: u32,
}

/// One record of the incident.
pub(super) struct StepRow {
    pub(super) time: u32,
    pub(super) player: Player,
    pub(super) region: &'static str,
    pub(super) service: &'static str,
    pub(super) api: &'static ApiSpec,
    pub(super) failure: Option<(&'static str, &'static str)>,
    /// Whether it is denied with the service's own error.
    pub(super) refused: bool,
}

impl Player {
    pub(super) fn describe(self) -> DescribedPlayer {
        let account = ACCOUNTS[PRODUCTION].number;
        let (who, address, agent, via) = match self {
            Player::Leaked => (
                MachineKind::User("legacy-backup"),
                "203.0.113.219",
                "Boto3/1.34.162 md/Botocore#1.34.162 ua/2.0 os/linux#6.8.11-amd64 md/arch#x86_64 lang/python#3.12.4 md/pyimpl#CPython cfg/retry-mode#legacy Botocore/1.34.162",
                Via::Sdk,
            ),
            Player::Rogue => (
                MachineKind::User("svc-metrics-sync"),
                "203.0.113.221",
                "aws-cli/2.17.20 md/awscrt#0.20.11 ua/2.0 os/linux#6.8.11-amd64 md/arch#x86_64 lang/python#3.11.9 md/pyimpl#CPython cfg/retry-mode#standard md/installer#exe md/distrib#kali.2024",
                Via::Sdk,
            ),
            Player::RogueConsole => (
                MachineKind::User("svc-metrics-sync"),
                "203.0.113.221",
                "Mozilla/5.0 (Windows NT 10.0; rv:128.0) Gecko/20100101 Firefox/128.0",
                Via::Console,
            ),
            Player::Responder => (
                RESPONDER,
                "198.51.100.17",
                "aws-cli/2.27.49 md/awscrt#0.26.1 ua/2.1 os/linux#6.8.0-64-generic md/arch#x86_64 lang/python#3.13.4 md/pyimpl#CPython m/Z,b cfg/retry-mode#standard md/installer#exe md/distrib#ubuntu.24",
                Via::Sdk,
            ),
            Player::ResponderConsole => (
                RESPONDER,
                "198.51.100.17",
                "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/139.0.0.0 Safari/537.36",
                Via::Console,
            ),
        };
        DescribedPlayer {
            identity: identity::identity(who, account),
            arn: identity::arn(who, account),
            address,
            agent,
            via,
            created: at(17, 7, 44, 3),
        }
    }
}

const RESPONDER: MachineKind = MachineKind::Person {
    mail: "ines.duarte@example.com",
    set: "IncidentResponse",
};

/// The records of the incident: first the denied probes, then the story, each by time.
pub(super) fn steps() -> impl Iterator<Item = StepRow> {
    let probes = PROBES
        .iter()
        .enumerate()
        .filter_map(|(number, &(region, service, name))| {
            let service = services().find(|known| known.name == service)?;
            let api = service.apis.iter().find(|api| api.name == name)?;
            let time = at(17, 1, 12, 31) + 9 * number as u32 + (number as u32 * 7) % 5;
            Some(StepRow {
                time,
                player: Player::Leaked,
                region,
                service: service.name,
                api,
                failure: None,
                refused: true,
            })
        });
    let told = STORY.iter().map(|row| StepRow {
        time: row.0,
        player: row.1,
        region: row.2,
        service: row.3,
        api: &row.4,
        failure: row.5,
        refused: false,
    });
    probes.chain(told)
}

/// The intruder's first calls, all of which are denied.
#[rustfmt::skip] // One probe, one row.
const PROBES: &[(&str, &str, &str)] = &[
    (GLOBAL, "iam", "ListUsers"), (GLOBAL, "iam", "ListRoles"), (GLOBAL, "iam", "GetAccountAuthorizationDetails"),
    (GLOBAL, "iam", "ListPolicies"), (GLOBAL, "iam", "GetAccountSummary"), (GLOBAL, "iam", "ListAccountAliases"),
    (GLOBAL, "organizations", "DescribeOrganization"), (GLOBAL, "organizations", "ListAccounts"),
    (HOME, "secretsmanager", "ListSecrets"), (GLOBAL, "secretsmanager", "ListSecrets"),
    (HOME, "ssm", "DescribeParameters"), (HOME, "ssm", "GetParametersByPath"), (HOME, "lambda", "ListFunctions20150331"),
    (HOME, "rds", "DescribeDBInstances"), (HOME, "rds", "DescribeDBSnapshots"), (HOME, "dynamodb", "ListTables"),
    (HOME, "kms", "ListKeys"), (HOME, "eks", "ListClusters"), (HOME, "ecs", "ListClusters"),
    (GLOBAL, "ses", "GetSendQuota"), (GLOBAL, "ses", "ListIdentities"), (GLOBAL, "bedrock", "ListFoundationModels"),
    (GLOBAL, "bedrock", "InvokeModel"), ("us-west-2", "bedrock", "InvokeModel"), ("eu-west-1", "bedrock", "InvokeModel"),
    (HOME, "cloudtrail", "DescribeTrails"), (HOME, "guardduty", "ListDetectors"), (HOME, "ec2", "DescribeInstances"),
    (GLOBAL, "ec2", "DescribeInstances"), ("us-west-2", "ec2", "DescribeInstances"), ("eu-west-1", "ec2", "DescribeInstances"),
    ("eu-north-1", "ec2", "DescribeInstances"), ("ap-southeast-2", "ec2", "DescribeInstances"),
    ("ap-northeast-1", "ec2", "DescribeInstances"), (QUIET, "ec2", "DescribeInstances"), (QUIET, "ec2", "DescribeRegions"),
    (GLOBAL, "servicequotas", "GetServiceQuota"), (QUIET, "servicequotas", "GetServiceQuota"),
    (GLOBAL, "sts", "GetSessionToken"), (GLOBAL, "sts", "GetFederationToken"),
];

type StoryRow = (
    u32,
    Player,
    &'static str,
    &'static str,
    ApiSpec,
    Option<(&'static str, &'static str)>,
);
const OK: Option<(&str, &str)> = None;
const SCP: Option<(&str, &str)> = Some((
    "AccessDenied",
    "User: $arn is not authorized to perform: $action on resource: arn:aws:cloudtrail:eu-central-1:111122223333:trail/organisation with an explicit deny in a service control policy: arn:aws:organizations::111122223333:policy/o-exampleorg1/service_control_policy/p-example1",
));
const SCP_GUARD: Option<(&str, &str)> = Some((
    "AccessDeniedException",
    "User: $arn is not authorized to perform: $action on resource: arn:aws:guardduty:eu-central-1:444455556666:detector/12abc34d567e8fa901bc2d34eexample with an explicit deny in a service control policy",
));
const LIMIT: Option<(&str, &str)> = Some((
    "Client.VcpuLimitExceeded",
    "You have requested more vCPU capacity than your current vCPU limit of 0 allows for the instance bucket that the specified instance type belongs to. Please visit http://aws.amazon.com/contact-us/ec2-request to request an adjustment to this limit.",
));
const ADMIN: &str =
    r#"{"userName":"svc-metrics-sync","policyArn":"arn:aws:iam::aws:policy/AdministratorAccess"}"#;
const LEGACY: &str = r#"{"userName":"legacy-backup"}"#;
const ROGUE: &str = r#"{"userName":"svc-metrics-sync"}"#;
const TRAIL: &str = r#"{"name":"arn:aws:cloudtrail:eu-central-1:111122223333:trail/organisation"}"#;
const RETURNED: &str = r#"{"requestId":"$request","_return":true}"#;
const GPUS: &str = r#"{"requestId":"$request","reservationId":"r-0$h16","ownerId":"$account","groupSet":{},"instancesSet":{"items":[{"instanceId":"i-0decafbadc0ffee01","imageId":"ami-0bad5eed000000001","instanceState":{"code":0,"name":"pending"},"instanceType":"g5.48xlarge","placement":{"availabilityZone":"sa-east-1a","tenancy":"default"},"keyName":"k8s-sync"},{"instanceId":"i-0decafbadc0ffee02","imageId":"ami-0bad5eed000000001","instanceState":{"code":0,"name":"pending"},"instanceType":"g5.48xlarge","placement":{"availabilityZone":"sa-east-1a","tenancy":"default"},"keyName":"k8s-sync"}]}}"#;

const fn run(request: &'static str, response: &'static str) -> ApiSpec {
    w("RunInstances", request, response)
}

const P5: &str = r#"{"instancesSet":{"items":[{"imageId":"ami-0bad5eed000000001","minCount":1,"maxCount":8,"keyName":"k8s-sync"}]},"groupSet":{"items":[{"groupId":"sg-0bad5eed000000001"}]},"instanceType":"p5.48xlarge","userData":"<sensitiveDataRemoved>","blockDeviceMapping":{},"monitoring":{"enabled":false},"disableApiTermination":true}"#;
const P4: &str = r#"{"instancesSet":{"items":[{"imageId":"ami-0bad5eed000000001","minCount":1,"maxCount":8,"keyName":"k8s-sync"}]},"groupSet":{"items":[{"groupId":"sg-0bad5eed000000001"}]},"instanceType":"p4d.24xlarge","userData":"<sensitiveDataRemoved>","blockDeviceMapping":{},"monitoring":{"enabled":false},"disableApiTermination":true}"#;
const G5: &str = r#"{"instancesSet":{"items":[{"imageId":"ami-0bad5eed000000001","minCount":1,"maxCount":2,"keyName":"k8s-sync"}]},"groupSet":{"items":[{"groupId":"sg-0bad5eed000000001"}]},"instanceType":"g5.48xlarge","userData":"<sensitiveDataRemoved>","blockDeviceMapping":{},"monitoring":{"enabled":false},"disableApiTermination":true}"#;

#[rustfmt::skip] // One event, one row.
const STORY: &[StoryRow] = &[
    // The intruder tests the key.
    (at(17, 1, 12, 8), Player::Leaked, GLOBAL, "sts", r("GetCallerIdentity", "null"), OK),
    (at(17, 1, 12, 14), Player::Leaked, GLOBAL, "s3", r("ListBuckets", r#"{"Host":"s3.amazonaws.com"}"#), OK),
    (at(17, 1, 20, 2), Player::Leaked, GLOBAL, "iam", r("ListAttachedUserPolicies", LEGACY), OK),
    (at(17, 1, 20, 9), Player::Leaked, GLOBAL, "iam", r("ListUserPolicies", LEGACY), OK),
    (at(17, 1, 20, 15), Player::Leaked, GLOBAL, "iam", r("GetUserPolicy", r#"{"userName":"legacy-backup","policyName":"backup-2017"}"#), OK),
    // An old inline policy allows iam:AttachUserPolicy.
    (at(17, 1, 26, 41), Player::Leaked, GLOBAL, "iam", w("AttachUserPolicy", r#"{"userName":"legacy-backup","policyArn":"arn:aws:iam::aws:policy/AdministratorAccess"}"#, "null"), OK),
    (at(17, 1, 27, 30), Player::Leaked, GLOBAL, "iam", r("ListUsers", r#"{"maxItems":1000}"#), OK),
    (at(17, 1, 28, 12), Player::Leaked, GLOBAL, "iam", w("CreateUser", ROGUE, r#"{"user":{"path":"/","userName":"svc-metrics-sync","userId":"AIDAKAHRRQVWL4EXAMPLE","arn":"arn:aws:iam::444455556666:user/svc-metrics-sync","createDate":"Sep 17, 2026, 1:28:12 AM"}}"#), OK),
    (at(17, 1, 28, 20), Player::Leaked, GLOBAL, "iam", w("AttachUserPolicy", ADMIN, "null"), OK),
    (at(17, 1, 28, 33), Player::Leaked, GLOBAL, "iam", w("CreateAccessKey", ROGUE, r#"{"accessKey":{"userName":"svc-metrics-sync","accessKeyId":"AKIAJ7WPAZC4REXAMPLE","status":"Active","createDate":"Sep 17, 2026, 1:28:33 AM"}}"#), OK),
    (at(17, 1, 28, 59), Player::Leaked, GLOBAL, "iam", w("CreateLoginProfile", r#"{"userName":"svc-metrics-sync","passwordResetRequired":false}"#, r#"{"loginProfile":{"userName":"svc-metrics-sync","createDate":"Sep 17, 2026, 1:28:59 AM","passwordResetRequired":false}}"#), OK),
    // The new user explores, tries to stop logging, and reads secrets.
    (at(17, 1, 35, 4), Player::Rogue, GLOBAL, "sts", r("GetCallerIdentity", "null"), OK),
    (at(17, 1, 36, 10), Player::Rogue, HOME, "cloudtrail", r("DescribeTrails", r#"{"includeShadowTrails":true}"#), OK),
    (at(17, 1, 36, 42), Player::Rogue, HOME, "cloudtrail", w("StopLogging", TRAIL, "null"), SCP),
    (at(17, 1, 36, 58), Player::Rogue, HOME, "cloudtrail", w("DeleteTrail", TRAIL, "null"), SCP),
    (at(17, 1, 37, 40), Player::Rogue, HOME, "guardduty", r("ListDetectors", r#"{"maxResults":50}"#), OK),
    (at(17, 1, 37, 55), Player::Rogue, HOME, "guardduty", w("DeleteDetector", r#"{"detectorId":"12abc34d567e8fa901bc2d34eexample"}"#, "null"), SCP_GUARD),
    (at(17, 1, 41, 3), Player::Rogue, HOME, "secretsmanager", r("ListSecrets", r#"{"maxResults":100}"#), OK),
    (at(17, 1, 41, 20), Player::Rogue, HOME, "secretsmanager", r("GetSecretValue", r#"{"secretId":"shop/payment-provider"}"#), OK),
    (at(17, 1, 41, 28), Player::Rogue, HOME, "secretsmanager", r("GetSecretValue", r#"{"secretId":"shop/database"}"#), OK),
    (at(17, 1, 41, 35), Player::Rogue, HOME, "secretsmanager", r("GetSecretValue", r#"{"secretId":"mail/smtp"}"#), OK),
    (at(17, 1, 55, 12), Player::RogueConsole, GLOBAL, "signin", w("ConsoleLogin", "null", r#"{"ConsoleLogin":"Success"}"#), OK),
    // GPU instances in an unused region.
    (at(17, 2, 3, 1), Player::Rogue, QUIET, "ec2", r("DescribeVpcs", r#"{"vpcSet":{},"filterSet":{}}"#), OK),
    (at(17, 2, 3, 40), Player::Rogue, QUIET, "ec2", w("CreateDefaultVpc", r#"{"CreateDefaultVpcRequest":""}"#, RETURNED), OK),
    (at(17, 2, 4, 11), Player::Rogue, QUIET, "ec2", w("CreateKeyPair", r#"{"keyName":"k8s-sync","keyType":"rsa","keyFormat":"pem"}"#, r#"{"requestId":"$request","keyName":"k8s-sync","keyPairId":"key-0bad5eed000000001","keyMaterial":"<sensitiveDataRemoved>"}"#), OK),
    (at(17, 2, 4, 30), Player::Rogue, QUIET, "ec2", w("CreateSecurityGroup", r#"{"groupName":"k8s-sync","groupDescription":"k8s"}"#, r#"{"requestId":"$request","_return":true,"groupId":"sg-0bad5eed000000001"}"#), OK),
    (at(17, 2, 4, 44), Player::Rogue, QUIET, "ec2", w("AuthorizeSecurityGroupIngress", r#"{"groupId":"sg-0bad5eed000000001","ipPermissions":{"items":[{"ipProtocol":"-1","ipRanges":{"items":[{"cidrIp":"0.0.0.0/0"}]}}]}}"#, RETURNED), OK),
    (at(17, 2, 6, 2), Player::Rogue, QUIET, "ec2", run(P5, "null"), LIMIT),
    (at(17, 2, 6, 20), Player::Rogue, QUIET, "ec2", run(P5, "null"), LIMIT),
    (at(17, 2, 6, 51), Player::Rogue, QUIET, "ec2", run(P4, "null"), LIMIT),
    (at(17, 2, 7, 15), Player::Rogue, QUIET, "ec2", run(P4, "null"), LIMIT),
    (at(17, 2, 8, 4), Player::Rogue, QUIET, "ec2", run(G5, GPUS), OK),
    (at(17, 2, 9, 12), Player::Rogue, QUIET, "ec2", run(G5, "null"), LIMIT),
    (at(17, 2, 9, 48), Player::Rogue, QUIET, "ec2", run(G5, "null"), LIMIT),
    (at(17, 2, 15, 0), Player::Rogue, QUIET, "servicequotas", w("RequestServiceQuotaIncrease", r#"{"serviceCode":"ec2","quotaCode":"L-417A185B","desiredValue":768.0}"#, r#"{"requestedQuota":{"id":"$h32","serviceCode":"ec2","quotaCode":"L-417A185B","desiredValue":768.0,"status":"CASE_OPENED"}}"#), OK),
    (at(17, 2, 31, 7), Player::Rogue, QUIET, "ec2", r("DescribeInstances", r#"{"instancesSet":{},"filterSet":{}}"#), OK),
    (at(17, 3, 2, 50), Player::Rogue, HOME, "s3", r("ListObjects", r#"{"bucketName":"example-customer-exports","prefix":"","Host":"example-customer-exports.s3.eu-central-1.amazonaws.com"}"#), OK),
    (at(17, 3, 3, 20), Player::Rogue, HOME, "s3", r("GetObject", r#"{"bucketName":"example-customer-exports","key":"exports/customers-2026-08.csv.gz","Host":"example-customer-exports.s3.eu-central-1.amazonaws.com"}"#), OK),
    (at(17, 3, 41, 19), Player::Rogue, QUIET, "ec2", r("DescribeInstances", r#"{"instancesSet":{},"filterSet":{}}"#), OK),
    // The response the next morning.
    (at(17, 7, 46, 30), Player::ResponderConsole, GLOBAL, "signin", w("ConsoleLogin", "null", r#"{"ConsoleLogin":"Success"}"#), OK),
    (at(17, 7, 48, 2), Player::ResponderConsole, HOME, "guardduty", r("ListFindings", r#"{"detectorId":"12abc34d567e8fa901bc2d34eexample","maxResults":50}"#), OK),
    (at(17, 7, 48, 15), Player::ResponderConsole, HOME, "guardduty", r("GetFindings", r#"{"detectorId":"12abc34d567e8fa901bc2d34eexample","findingIds":["$h32"]}"#), OK),
    (at(17, 7, 52, 40), Player::ResponderConsole, HOME, "cloudtrail", r("LookupEvents", r#"{"lookupAttributes":[{"attributeKey":"Username","attributeValue":"legacy-backup"}],"maxResults":50}"#), OK),
    (at(17, 7, 55, 11), Player::ResponderConsole, QUIET, "cloudtrail", r("LookupEvents", r#"{"lookupAttributes":[{"attributeKey":"Username","attributeValue":"svc-metrics-sync"}],"maxResults":50}"#), OK),
    (at(17, 7, 58, 5), Player::Responder, GLOBAL, "iam", w("UpdateAccessKey", r#"{"userName":"legacy-backup","accessKeyId":"AKIAXB55TLOPLEXAMPLE","status":"Inactive"}"#, "null"), OK),
    (at(17, 7, 58, 21), Player::Responder, GLOBAL, "iam", w("DeleteLoginProfile", ROGUE, "null"), OK),
    (at(17, 7, 58, 36), Player::Responder, GLOBAL, "iam", w("DeleteAccessKey", r#"{"userName":"svc-metrics-sync","accessKeyId":"AKIAJ7WPAZC4REXAMPLE"}"#, "null"), OK),
    (at(17, 7, 58, 50), Player::Responder, GLOBAL, "iam", w("DetachUserPolicy", ADMIN, "null"), OK),
    (at(17, 7, 59, 2), Player::Responder, GLOBAL, "iam", w("DeleteUser", ROGUE, "null"), OK),
    (at(17, 8, 3, 12), Player::Responder, QUIET, "ec2", r("DescribeInstances", r#"{"instancesSet":{},"filterSet":{}}"#), OK),
    (at(17, 8, 4, 1), Player::Responder, QUIET, "ec2", w("TerminateInstances", r#"{"instancesSet":{"items":[{"instanceId":"i-0decafbadc0ffee01"},{"instanceId":"i-0decafbadc0ffee02"}]}}"#, "null"), Some(("Client.OperationNotPermitted", "The instance 'i-0decafbadc0ffee01' may not be terminated. Modify its 'disableApiTermination' instance attribute and try again."))),
    (at(17, 8, 4, 40), Player::Responder, QUIET, "ec2", w("ModifyInstanceAttribute", r#"{"instanceId":"i-0decafbadc0ffee01","disableApiTermination":{"value":false}}"#, RETURNED), OK),
    (at(17, 8, 4, 49), Player::Responder, QUIET, "ec2", w("ModifyInstanceAttribute", r#"{"instanceId":"i-0decafbadc0ffee02","disableApiTermination":{"value":false}}"#, RETURNED), OK),
    (at(17, 8, 5, 6), Player::Responder, QUIET, "ec2", w("TerminateInstances", r#"{"instancesSet":{"items":[{"instanceId":"i-0decafbadc0ffee01"},{"instanceId":"i-0decafbadc0ffee02"}]}}"#, r#"{"requestId":"$request","instancesSet":{"items":[{"instanceId":"i-0decafbadc0ffee01","currentState":{"code":32,"name":"shutting-down"},"previousState":{"code":16,"name":"running"}},{"instanceId":"i-0decafbadc0ffee02","currentState":{"code":32,"name":"shutting-down"},"previousState":{"code":16,"name":"running"}}]}}"#), OK),
    (at(17, 8, 7, 30), Player::Responder, QUIET, "ec2", w("DeleteSecurityGroup", r#"{"groupId":"sg-0bad5eed000000001"}"#, RETURNED), OK),
    (at(17, 8, 7, 44), Player::Responder, QUIET, "ec2", w("DeleteKeyPair", r#"{"keyName":"k8s-sync"}"#, RETURNED), OK),
    (at(17, 8, 15, 9), Player::Responder, GLOBAL, "iam", w("DetachUserPolicy", r#"{"userName":"legacy-backup","policyArn":"arn:aws:iam::aws:policy/AdministratorAccess"}"#, "null"), OK),
    (at(17, 8, 16, 0), Player::Responder, GLOBAL, "iam", w("DeleteAccessKey", r#"{"userName":"legacy-backup","accessKeyId":"AKIAXB55TLOPLEXAMPLE"}"#, "null"), OK),
    (at(17, 8, 20, 33), Player::Responder, HOME, "secretsmanager", w("RotateSecret", r#"{"secretId":"shop/payment-provider"}"#, r#"{"name":"shop/payment-provider","versionId":"$uuid"}"#), OK),
    (at(17, 8, 20, 45), Player::Responder, HOME, "secretsmanager", w("RotateSecret", r#"{"secretId":"shop/database"}"#, r#"{"name":"shop/database","versionId":"$uuid"}"#), OK),
    (at(17, 8, 20, 58), Player::Responder, HOME, "secretsmanager", w("RotateSecret", r#"{"secretId":"mail/smtp"}"#, r#"{"name":"mail/smtp","versionId":"$uuid"}"#), OK),
];
