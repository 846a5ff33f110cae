//! The organisation's accounts, regions, people and machines.
//!
//! All names are invented. Account IDs, addresses and mail domains are those that AWS and the RFCs reserve for
//! documentation. Weights are shares of the ordinary traffic, about ten thousand in total.

use super::calendar::Rhythm::{self, *};
use super::habits as does;

/// An account of the organisation.
pub(super) struct DemoAccount {
    pub(super) number: &'static str,
}

pub(super) const MANAGEMENT: usize = 0;
pub(super) const SECURITY: usize = 1;
pub(super) const PRODUCTION: usize = 2;
pub(super) const STAGING: usize = 3;
pub(super) const DEVELOPMENT: usize = 4;
pub(super) const SANDBOX: usize = 5;

pub(super) const ACCOUNTS: [DemoAccount; 6] = [
    DemoAccount {
        number: "111122223333",
    }, // management
    DemoAccount {
        number: "123456789012",
    }, // security
    DemoAccount {
        number: "444455556666",
    }, // production
    DemoAccount {
        number: "555566667777",
    }, // staging
    DemoAccount {
        number: "777788889999",
    }, // development
    // sandbox; a reader that parses account IDs as numbers loses the leading zero.
    DemoAccount {
        number: "012345678901",
    },
];

/// The regions with ordinary traffic. The incident happens in sa-east-1, which has no ordinary traffic.
pub(super) const REGIONS: [&str; 7] = [
    "eu-central-1",
    "us-east-1",
    "eu-west-1",
    "us-west-2",
    "eu-north-1",
    "ap-southeast-2",
    "ap-northeast-1",
];
/// The region in which global services are recorded.
pub(super) const GLOBAL_REGION: usize = 1;

/// Regions of a principal's calls, with weights.
pub(super) type RegionWeights = &'static [(usize, u32)];
const HOME: RegionWeights = &[(0, 100)];
const EUROPE: RegionWeights = &[(0, 88), (2, 10), (1, 2)];
const AMERICA: RegionWeights = &[(1, 62), (3, 36), (0, 2)];
const BOTH: RegionWeights = &[(0, 70), (1, 18), (2, 7), (3, 5)];
const WIDE: RegionWeights = &[(0, 46), (1, 22), (2, 14), (3, 9), (5, 4), (4, 3), (6, 2)];
const EAST: RegionWeights = &[(5, 100)];

/// A user agent and the way its calls reach AWS.
#[derive(Clone, Copy)]
pub(super) struct ClientTool {
    pub(super) agent: &'static str,
    pub(super) via: Via,
}

/// The way a call reaches AWS.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Via {
    Sdk,
    Console,
    /// Through a VPC interface endpoint.
    Endpoint,
    /// A service calls on behalf of the principal; its name is the source address and user agent.
    Forward(&'static str),
    /// The principal is a service.
    Itself,
}

const fn sdk(agent: &'static str) -> ClientTool {
    ClientTool {
        agent,
        via: Via::Sdk,
    }
}

const fn console(agent: &'static str) -> ClientTool {
    ClientTool {
        agent,
        via: Via::Console,
    }
}

const fn forward(service: &'static str) -> ClientTool {
    ClientTool {
        agent: service,
        via: Via::Forward(service),
    }
}

type Tools = &'static [ClientTool];
const CHROME: ClientTool = console(
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/139.0.0.0 Safari/537.36",
);
const FIREFOX: ClientTool =
    console("Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:142.0) Gecko/20100101 Firefox/142.0");
const EDGE: ClientTool = console(
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/139.0.0.0 Safari/537.36 Edg/139.0.0.0",
);
const INTERNAL: ClientTool = console("AWS Internal");
const CLI_MAC: ClientTool = sdk(
    "aws-cli/2.28.11 md/awscrt#0.26.1 ua/2.1 os/macos#25.0.0 md/arch#arm64 lang/python#3.13.4 md/pyimpl#CPython m/Z,b,E,C cfg/retry-mode#standard md/installer#exe md/prompt#off",
);
const CLI_LINUX: ClientTool = sdk(
    "aws-cli/2.27.49 md/awscrt#0.26.1 ua/2.1 os/linux#6.8.0-64-generic md/arch#x86_64 lang/python#3.13.4 md/pyimpl#CPython m/Z,b cfg/retry-mode#standard md/installer#exe md/distrib#ubuntu.24",
);
const TERRAFORM: ClientTool = sdk(
    "APN/1.0 HashiCorp/1.0 Terraform/1.13.1 (+https://www.terraform.io) terraform-provider-aws/6.11.0 (+https://registry.terraform.io/providers/hashicorp/aws) aws-sdk-go-v2/1.38.3 ua/2.1 os/linux lang/go#1.24.6 md/GOOS#linux md/GOARCH#amd64",
);
const BOTO: ClientTool = sdk(
    "Boto3/1.40.18 md/Botocore#1.40.18 ua/2.1 os/linux#6.1.147-172.266.amzn2023.x86_64 md/arch#x86_64 lang/python#3.12.11 md/pyimpl#CPython cfg/retry-mode#legacy Botocore/1.40.18",
);
const BOTO_LAMBDA: ClientTool = sdk(
    "Boto3/1.40.4 md/Botocore#1.40.4 ua/2.1 os/linux#5.10.239-264.948.amzn2.aarch64 md/arch#aarch64 lang/python#3.13.5 md/pyimpl#CPython exec-env/AWS_Lambda_python3.13 cfg/retry-mode#legacy Botocore/1.40.4",
);
const GO: ClientTool = sdk(
    "aws-sdk-go-v2/1.37.1 ua/2.1 os/linux lang/go#1.24.5 md/GOOS#linux md/GOARCH#arm64 api/s3#1.86.0 m/E",
);
const GO_V1: ClientTool =
    sdk("aws-sdk-go/1.55.7 (go1.23.11; linux; amd64) cluster-autoscaler/1.33.0");
const RUST: ClientTool = sdk(
    "aws-sdk-rust/1.3.8 ua/2.1 api/dynamodb/1.86.0 os/linux lang/rust/1.88.0 exec-env/AWS_Lambda_provided.al2023",
);
const JAVA: ClientTool = ClientTool {
    agent: "aws-sdk-java/2.32.16 md/io#async md/http#NettyNio ua/2.1 os/Linux#6.1.147 lang/java#21.0.8 md/OpenJDK_64-Bit_Server_VM#21.0.8+9-LTS md/vendor#Amazon.com_Inc. m/D",
    via: Via::Endpoint,
};
const JS: ClientTool = sdk(
    "aws-sdk-js/3.864.0 ua/2.1 os/linux#5.10.239-264.948.amzn2.x86_64 lang/js md/nodejs#22.17.1 api/dynamodb#3.864.0 exec-env/AWS_Lambda_nodejs22.x",
);
const SSM_AGENT: ClientTool = ClientTool {
    agent: "aws-sdk-go/1.55.5 (go1.23.8; linux; amd64) amazon-ssm-agent/3.3.987.0",
    via: Via::Endpoint,
};
const OLD_CLI: ClientTool =
    sdk("aws-cli/1.16.220 Python/2.7.16 Linux/4.14.133-88.105.amzn1.x86_64 botocore/1.12.210");
const GITHUB: ClientTool = sdk(
    "aws-sdk-js/3.859.0 ua/2.1 os/linux#6.11.0-1018-azure lang/js md/nodejs#20.19.4 api/sts#3.859.0 configure-aws-credentials-for-github-actions",
);
const CFN: ClientTool = forward("cloudformation.amazonaws.com");
const ATHENA: ClientTool = forward("athena.amazonaws.com");
const SERVICE_ITSELF: Tools = &[ClientTool {
    agent: "AWS Internal",
    via: Via::Itself,
}];

const OFFICE: &[&str] = &[
    "198.51.100.17",
    "198.51.100.17",
    "198.51.100.18",
    "2001:db8:4f8:12::a7",
];
const HOME_A: &[&str] = &["192.0.2.131", "192.0.2.131", "198.51.100.17"];
const HOME_B: &[&str] = &["192.0.2.146", "2001:db8:85a3:1::9c4", "198.51.100.18"];
const NEW_YORK: &[&str] = &["198.51.100.201", "198.51.100.201", "2001:db8:a11:7::52"];
const SEATTLE: &[&str] = &["198.51.100.225", "2001:db8:5ea:3::1f"];
const CHENNAI: &[&str] = &["192.0.2.177", "2001:db8:c4e:9::33"];
const NAT: &[&str] = &["192.0.2.20", "192.0.2.21", "192.0.2.22"];
const RUNNERS: &[&str] = &[
    "203.0.113.5",
    "203.0.113.9",
    "203.0.113.14",
    "203.0.113.27",
    "203.0.113.31",
];
const LAMBDA_POOL: &[&str] = &[
    "192.0.2.61",
    "192.0.2.64",
    "192.0.2.70",
    "192.0.2.77",
    "192.0.2.83",
    "2001:db8:1a3b::4d",
];
const VENDOR: &[&str] = &["203.0.113.40", "203.0.113.41"];
const BACKUP_HOST: &[&str] = &["192.0.2.44"];

/// A person with permission sets in some accounts.
pub(super) struct OrgPerson {
    pub(super) mail: &'static str,
    pub(super) rhythm: Rhythm,
    pub(super) weight: u32,
    /// Account, permission set, and share of the person's calls in percent.
    pub(super) sets: &'static [(usize, &'static str, u32)],
    pub(super) places: RegionWeights,
    pub(super) from: &'static [&'static str],
    pub(super) tools: Tools,
    pub(super) habits: &'static str,
}

#[rustfmt::skip] // One person, one row.
pub(super) const PEOPLE: &[OrgPerson] = &[
    OrgPerson { mail: "anna.lindqvist@example.com", rhythm: Europe, weight: 170, sets: &[(PRODUCTION, "AdministratorAccess", 50), (MANAGEMENT, "AdministratorAccess", 30), (STAGING, "AdministratorAccess", 20)], places: EUROPE, from: OFFICE, tools: &[CHROME, CLI_MAC, TERRAFORM, CFN], habits: does::PLATFORM },
    OrgPerson { mail: "bela.horvath@example.com", rhythm: Europe, weight: 130, sets: &[(PRODUCTION, "PowerUserAccess", 45), (STAGING, "PowerUserAccess", 35), (DEVELOPMENT, "AdministratorAccess", 20)], places: BOTH, from: HOME_A, tools: &[FIREFOX, CLI_LINUX, CLI_LINUX], habits: does::PLATFORM },
    OrgPerson { mail: "chiara.rossi@example.com", rhythm: Europe, weight: 120, sets: &[(DEVELOPMENT, "DeveloperAccess", 70), (STAGING, "DeveloperAccess", 25), (PRODUCTION, "ReadOnlyAccess", 5)], places: EUROPE, from: OFFICE, tools: &[CHROME, INTERNAL, CLI_MAC], habits: does::DEVELOPER },
    OrgPerson { mail: "daan.devries@example.com", rhythm: Europe, weight: 110, sets: &[(DEVELOPMENT, "DeveloperAccess", 60), (STAGING, "DeveloperAccess", 30), (SANDBOX, "AdministratorAccess", 10)], places: HOME, from: HOME_B, tools: &[FIREFOX, CLI_LINUX, CFN], habits: does::DEVELOPER },
    OrgPerson { mail: "elif.yilmaz@example.com", rhythm: Europe, weight: 90, sets: &[(DEVELOPMENT, "DeveloperAccess", 80), (SANDBOX, "AdministratorAccess", 20)], places: EUROPE, from: HOME_A, tools: &[CHROME, INTERNAL], habits: does::DEVELOPER },
    OrgPerson { mail: "farid.haddad@example.com", rhythm: Europe, weight: 120, sets: &[(PRODUCTION, "DataEngineer", 70), (STAGING, "DataEngineer", 30)], places: HOME, from: OFFICE, tools: &[CHROME, BOTO, ATHENA], habits: does::DATA },
    OrgPerson { mail: "grace.okafor@example.com", rhythm: EastCoast, weight: 120, sets: &[(DEVELOPMENT, "DeveloperAccess", 55), (STAGING, "DeveloperAccess", 30), (PRODUCTION, "ReadOnlyAccess", 15)], places: AMERICA, from: NEW_YORK, tools: &[CHROME, CLI_MAC], habits: does::DEVELOPER },
    OrgPerson { mail: "hugo.marchetti@example.com", rhythm: EastCoast, weight: 90, sets: &[(PRODUCTION, "SupportAccess", 80), (STAGING, "SupportAccess", 20)], places: AMERICA, from: NEW_YORK, tools: &[EDGE, INTERNAL], habits: does::SUPPORT },
    OrgPerson { mail: "ines.duarte@example.com", rhythm: Europe, weight: 110, sets: &[(SECURITY, "SecurityAudit", 60), (PRODUCTION, "SecurityAudit", 30), (MANAGEMENT, "SecurityAudit", 10)], places: WIDE, from: OFFICE, tools: &[CHROME, CLI_LINUX], habits: does::SECURITY },
    OrgPerson { mail: "jonas.weber@example.com", rhythm: Europe, weight: 40, sets: &[(MANAGEMENT, "Billing", 100)], places: HOME, from: OFFICE, tools: &[EDGE, INTERNAL], habits: does::FINANCE },
    OrgPerson { mail: "kate.murphy@example.com", rhythm: WestCoast, weight: 100, sets: &[(DEVELOPMENT, "DeveloperAccess", 50), (PRODUCTION, "PowerUserAccess", 30), (SANDBOX, "AdministratorAccess", 20)], places: AMERICA, from: SEATTLE, tools: &[CHROME, CLI_MAC, TERRAFORM], habits: does::PLATFORM },
    OrgPerson { mail: "liam.obrien@example.com", rhythm: Europe, weight: 100, sets: &[(PRODUCTION, "SupportAccess", 90), (STAGING, "SupportAccess", 10)], places: BOTH, from: HOME_B, tools: &[CHROME, CLI_MAC], habits: does::SUPPORT },
    OrgPerson { mail: "maya.chen@example.com", rhythm: WestCoast, weight: 90, sets: &[(SANDBOX, "DataScientist", 60), (DEVELOPMENT, "DataScientist", 40)], places: AMERICA, from: SEATTLE, tools: &[FIREFOX, BOTO, ATHENA], habits: does::DATA },
    OrgPerson { mail: "noah.fischer@example.com", rhythm: Europe, weight: 50, sets: &[(SECURITY, "ReadOnlyAccess", 50), (PRODUCTION, "ReadOnlyAccess", 50)], places: EUROPE, from: OFFICE, tools: &[EDGE, INTERNAL], habits: does::AUDIT },
    OrgPerson { mail: "priya.raman@example.com", rhythm: India, weight: 110, sets: &[(DEVELOPMENT, "DeveloperAccess", 60), (STAGING, "DeveloperAccess", 40)], places: &[(0, 60), (5, 40)], from: CHENNAI, tools: &[CHROME, CLI_LINUX], habits: does::DEVELOPER },
];

/// The kind of a principal's identity.
#[derive(Clone, Copy)]
pub(super) enum MachineKind {
    Person {
        mail: &'static str,
        set: &'static str,
    },
    User(&'static str),
    /// A role with its session name and the source of its credentials.
    Role {
        name: &'static str,
        session: &'static str,
        given: Given,
    },
    /// An AWS service (`AWSService`).
    Service(&'static str),
    /// A service that reports an event; its identity has no `type`.
    Untyped(&'static str),
    /// A role of another organisation's account.
    Foreign {
        account: &'static str,
        principal: &'static str,
    },
    WebIdentity(&'static str),
    Saml(&'static str),
    Federated {
        name: &'static str,
        issuer: &'static str,
    },
    IdentityCenter(&'static str),
}

/// The source of a role session's credentials.
#[derive(Clone, Copy)]
pub(super) enum Given {
    Plain,
    Instance,
    Function,
    Kubernetes,
    Oidc,
    ServiceLinked(&'static str),
}

/// A principal other than a person of the Identity Center.
pub(super) struct MachineIdentity {
    pub(super) accounts: &'static [usize],
    pub(super) who: MachineKind,
    pub(super) rhythm: Rhythm,
    pub(super) weight: u32,
    pub(super) places: RegionWeights,
    pub(super) from: &'static [&'static str],
    pub(super) tools: Tools,
    pub(super) habits: &'static str,
    /// Failed calls per thousand.
    pub(super) fails: u32,
    /// The role that this principal assumes, or empty.
    pub(super) partner: &'static str,
}

const ALL: &[usize] = &[0, 1, 2, 3, 4, 5];
const LIVE: &[usize] = &[PRODUCTION, STAGING];
const WORK: &[usize] = &[PRODUCTION, STAGING, DEVELOPMENT];

const fn role(name: &'static str, session: &'static str, given: Given) -> MachineKind {
    MachineKind::Role {
        name,
        session,
        given,
    }
}

const fn linked(name: &'static str, session: &'static str, service: &'static str) -> MachineKind {
    MachineKind::Role {
        name,
        session,
        given: Given::ServiceLinked(service),
    }
}

#[rustfmt::skip] // One machine, one row.
pub(super) const MACHINES: &[MachineIdentity] = &[
    // Applications. The weight applies to each account of the row.
    MachineIdentity { accounts: LIVE, who: role("shop-web", "$host", Given::Instance), rhythm: Customers, weight: 520, places: BOTH, from: NAT, tools: &[JAVA, SSM_AGENT], habits: does::WEB, fails: 6, partner: "" },
    MachineIdentity { accounts: LIVE, who: role("shop-worker", "$task", Given::Plain), rhythm: Customers, weight: 460, places: EUROPE, from: NAT, tools: &[GO, JAVA], habits: does::WORKER, fails: 9, partner: "" },
    MachineIdentity { accounts: WORK, who: role("checkout-api", "checkout-api", Given::Function), rhythm: Customers, weight: 260, places: BOTH, from: LAMBDA_POOL, tools: &[RUST], habits: does::CHECKOUT, fails: 12, partner: "" },
    MachineIdentity { accounts: LIVE, who: role("image-resizer", "image-resizer", Given::Function), rhythm: Customers, weight: 150, places: EUROPE, from: LAMBDA_POOL, tools: &[BOTO_LAMBDA], habits: does::IMAGES, fails: 14, partner: "" },
    MachineIdentity { accounts: LIVE, who: role("order-projector", "order-projector", Given::Function), rhythm: Customers, weight: 140, places: HOME, from: LAMBDA_POOL, tools: &[JS], habits: does::PROJECTOR, fails: 8, partner: "" },
    MachineIdentity { accounts: &[PRODUCTION], who: role("nightly-report", "nightly-report", Given::Function), rhythm: Night, weight: 130, places: HOME, from: LAMBDA_POOL, tools: &[BOTO_LAMBDA], habits: does::REPORT, fails: 10, partner: "" },
    MachineIdentity { accounts: LIVE, who: role("data-pipeline", "GlueJobRunnerSession", Given::Plain), rhythm: Night, weight: 420, places: HOME, from: NAT, tools: &[JAVA, BOTO], habits: does::PIPELINE, fails: 15, partner: "" },
    MachineIdentity { accounts: WORK, who: role("eks-node", "$host", Given::Instance), rhythm: Steady, weight: 120, places: HOME, from: NAT, tools: &[GO, SSM_AGENT], habits: does::NODE, fails: 5, partner: "" },
    MachineIdentity { accounts: LIVE, who: role("cluster-autoscaler", "botocore-session-$task", Given::Kubernetes), rhythm: Steady, weight: 150, places: HOME, from: NAT, tools: &[GO_V1], habits: does::AUTOSCALER, fails: 22, partner: "" },
    MachineIdentity { accounts: &[PRODUCTION], who: role("shop-asia", "$host", Given::Instance), rhythm: Customers, weight: 160, places: EAST, from: NAT, tools: &[JAVA], habits: does::WEB, fails: 6, partner: "" },
    // Deployment.
    MachineIdentity { accounts: WORK, who: role("ci-deploy", "GitHubActions", Given::Oidc), rhythm: Builds, weight: 260, places: EUROPE, from: RUNNERS, tools: &[TERRAFORM, TERRAFORM, CLI_LINUX, CFN], habits: does::DEPLOY, fails: 28, partner: "" },
    MachineIdentity { accounts: WORK, who: MachineKind::WebIdentity("repo:example-shop/shop-web:ref:refs/heads/main"), rhythm: Builds, weight: 16, places: HOME, from: RUNNERS, tools: &[GITHUB], habits: "sts:AssumeRoleWithWebIdentity=1", fails: 20, partner: "ci-deploy" },
    // Monitoring and auditing.
    MachineIdentity { accounts: ALL, who: role("security-scanner", "scan-$d4", Given::Plain), rhythm: Sweep, weight: 110, places: WIDE, from: &["192.0.2.90"], tools: &[BOTO], habits: "*:read=1", fails: 60, partner: "" },
    MachineIdentity { accounts: ALL, who: linked("AWSServiceRoleForConfig", "configLambdaExecution", "config.amazonaws.com"), rhythm: Sweep, weight: 130, places: WIDE, from: &[], tools: SERVICE_ITSELF, habits: does::CONFIGURATION, fails: 12, partner: "" },
    MachineIdentity { accounts: &[PRODUCTION], who: role("vendor-monitoring", "metrics-crawler", Given::Plain), rhythm: Steady, weight: 330, places: BOTH, from: VENDOR, tools: &[GO], habits: does::MONITORING, fails: 25, partner: "" },
    MachineIdentity { accounts: &[PRODUCTION], who: MachineKind::Foreign { account: "999988887777", principal: "AROAVENDOR000EXAMPLE:crawler" }, rhythm: Steady, weight: 18, places: HOME, from: VENDOR, tools: &[GO], habits: "sts:AssumeRole=1", fails: 4, partner: "vendor-monitoring" },
    MachineIdentity { accounts: &[MANAGEMENT, SECURITY], who: linked("AWSServiceRoleForSecurityHub", "securityhub", "securityhub.amazonaws.com"), rhythm: Sweep, weight: 45, places: WIDE, from: &[], tools: SERVICE_ITSELF, habits: does::HUB, fails: 6, partner: "" },
    MachineIdentity { accounts: ALL, who: linked("AWSServiceRoleForTrustedAdvisor", "TrustedAdvisor_$account", "trustedadvisor.amazonaws.com"), rhythm: Sweep, weight: 26, places: BOTH, from: &[], tools: SERVICE_ITSELF, habits: does::ADVISOR, fails: 20, partner: "" },
    // Service-linked roles and services.
    MachineIdentity { accounts: LIVE, who: linked("AWSServiceRoleForAutoScaling", "AutoScaling", "autoscaling.amazonaws.com"), rhythm: Customers, weight: 60, places: BOTH, from: &[], tools: SERVICE_ITSELF, habits: does::SCALING, fails: 14, partner: "" },
    MachineIdentity { accounts: LIVE, who: linked("AWSServiceRoleForECS", "ecs-service-scheduler", "ecs.amazonaws.com"), rhythm: Customers, weight: 70, places: EUROPE, from: &[], tools: SERVICE_ITSELF, habits: does::SCHEDULER, fails: 5, partner: "" },
    MachineIdentity { accounts: &[PRODUCTION], who: linked("AWSServiceRoleForRDS", "SLRManagement", "rds.amazonaws.com"), rhythm: Steady, weight: 30, places: HOME, from: &[], tools: SERVICE_ITSELF, habits: "ec2:DescribeSubnets=2 ec2:DescribeSecurityGroups=3 ec2:DescribeVpcAttribute=2 ec2:DescribeAvailabilityZones=1", fails: 2, partner: "" },
    MachineIdentity { accounts: LIVE, who: linked("AWSBackupDefaultServiceRole", "AWSBackup-AWSBackupDefaultServiceRole", "backup.amazonaws.com"), rhythm: Night, weight: 70, places: HOME, from: &[], tools: SERVICE_ITSELF, habits: does::BACKUP, fails: 8, partner: "" },
    MachineIdentity { accounts: WORK, who: MachineKind::Service("lambda.amazonaws.com"), rhythm: Customers, weight: 190, places: BOTH, from: &[], tools: SERVICE_ITSELF, habits: "sts:AssumeRole=9 lambda:Invoke=3", fails: 1, partner: "checkout-api" },
    MachineIdentity { accounts: WORK, who: MachineKind::Service("ec2.amazonaws.com"), rhythm: Steady, weight: 100, places: BOTH, from: &[], tools: SERVICE_ITSELF, habits: "sts:AssumeRole=1", fails: 1, partner: "shop-web" },
    MachineIdentity { accounts: LIVE, who: MachineKind::Service("ecs-tasks.amazonaws.com"), rhythm: Customers, weight: 70, places: EUROPE, from: &[], tools: SERVICE_ITSELF, habits: "sts:AssumeRole=1", fails: 0, partner: "shop-worker" },
    MachineIdentity { accounts: ALL, who: MachineKind::Service("config.amazonaws.com"), rhythm: Sweep, weight: 22, places: WIDE, from: &[], tools: SERVICE_ITSELF, habits: "sts:AssumeRole=1", fails: 0, partner: "security-scanner" },
    MachineIdentity { accounts: &[SECURITY], who: MachineKind::Service("cloudtrail.amazonaws.com"), rhythm: Steady, weight: 160, places: HOME, from: &[], tools: SERVICE_ITSELF, habits: "kms:GenerateDataKey=5 s3:GetBucketAcl=1", fails: 0, partner: "" },
    MachineIdentity { accounts: LIVE, who: MachineKind::Service("delivery.logs.amazonaws.com"), rhythm: Customers, weight: 60, places: EUROPE, from: &[], tools: SERVICE_ITSELF, habits: "s3:PutObject=8 s3:GetBucketAcl=1 kms:GenerateDataKey=3", fails: 1, partner: "" },
    MachineIdentity { accounts: &[PRODUCTION], who: MachineKind::Untyped("ec2.amazonaws.com"), rhythm: Night, weight: 10, places: HOME, from: &[], tools: SERVICE_ITSELF, habits: "ec2:SharedSnapshotVolumeCreated=5 ec2:BidEvictedEvent=1", fails: 0, partner: "" },
    MachineIdentity { accounts: LIVE, who: MachineKind::Service("ecr.amazonaws.com"), rhythm: Night, weight: 8, places: HOME, from: &[], tools: SERVICE_ITSELF, habits: "ecr:PolicyExecutionEvent=1", fails: 0, partner: "" },
    MachineIdentity { accounts: LIVE, who: MachineKind::Service("backup.amazonaws.com"), rhythm: Night, weight: 8, places: HOME, from: &[], tools: SERVICE_ITSELF, habits: "backup:BackupJobCompleted=3", fails: 0, partner: "" },
    MachineIdentity { accounts: &[PRODUCTION], who: MachineKind::Service("secretsmanager.amazonaws.com"), rhythm: Night, weight: 4, places: HOME, from: &[], tools: SERVICE_ITSELF, habits: "secretsmanager:RotationSucceeded=3 kms:RotateKey=1", fails: 0, partner: "" },
    // Long-lived access keys and other identity types.
    MachineIdentity { accounts: &[PRODUCTION], who: MachineKind::User("legacy-backup"), rhythm: Night, weight: 60, places: HOME, from: BACKUP_HOST, tools: &[OLD_CLI], habits: does::OLD_BACKUP, fails: 10, partner: "" },
    MachineIdentity { accounts: &[PRODUCTION], who: MachineKind::User("ses-smtp"), rhythm: Customers, weight: 55, places: HOME, from: NAT, tools: &[sdk("aws-sdk-php/3.351.1 ua/2.1 OS/Linux#6.8.0 lang/php#8.3.6")], habits: "ses:SendEmail=30 ses:GetSendQuota=1", fails: 12, partner: "" },
    MachineIdentity { accounts: &[DEVELOPMENT], who: MachineKind::User("reporting-script"), rhythm: Builds, weight: 35, places: AMERICA, from: NEW_YORK, tools: &[sdk("Boto3/1.26.165 Python/3.8.10 Linux/5.15.0-1066-aws Botocore/1.29.165")], habits: "sts:GetSessionToken=1 sts:GetFederationToken=2 athena:StartQueryExecution=3 athena:GetQueryExecution=9 athena:GetQueryResults=3 s3:GetObject=4 ce:GetCostAndUsage=1", fails: 40, partner: "" },
    MachineIdentity { accounts: &[STAGING], who: MachineKind::Saml("petra.novak@example.com"), rhythm: Europe, weight: 4, places: HOME, from: HOME_A, tools: &[EDGE], habits: "sts:AssumeRoleWithSAML=1", fails: 50, partner: "legacy-adfs-operator" },
    MachineIdentity { accounts: &[STAGING], who: role("legacy-adfs-operator", "petra.novak@example.com", Given::Plain), rhythm: Europe, weight: 35, places: HOME, from: HOME_A, tools: &[EDGE, INTERNAL], habits: does::SUPPORT, fails: 30, partner: "" },
    MachineIdentity { accounts: &[DEVELOPMENT], who: MachineKind::Federated { name: "dashboard", issuer: "reporting-script" }, rhythm: EastCoast, weight: 14, places: AMERICA, from: NEW_YORK, tools: &[BOTO], habits: "monitoring:GetMetricData=5 monitoring:GetDashboard=2 ec2:DescribeInstances=1", fails: 30, partner: "" },
    MachineIdentity { accounts: &[MANAGEMENT], who: MachineKind::IdentityCenter("906755d2-5011-70ab-cd12-0000000000a1"), rhythm: Europe, weight: 14, places: HOME, from: OFFICE, tools: &[FIREFOX], habits: does::PORTAL, fails: 15, partner: "" },
    MachineIdentity { accounts: &[MANAGEMENT], who: MachineKind::IdentityCenter("906755d2-5011-70ab-cd12-0000000000a7"), rhythm: EastCoast, weight: 8, places: HOME, from: NEW_YORK, tools: &[CHROME], habits: does::PORTAL, fails: 15, partner: "" },
];
