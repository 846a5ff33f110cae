//! APIs of identities, organisation, audit, deployment, monitoring and billing.

use super::{ApiSpec, EventKind, ServiceSpec, r, service, w};

pub(super) const SERVICES: &[ServiceSpec] = &[
    service("iam", "AccessDenied", IAM).global(),
    service("sts", "AccessDenied", STS),
    service("sso", "AccessDeniedException", SSO),
    service("signin", "AccessDenied", SIGNIN).global(),
    service("organizations", "AccessDeniedException", ORGANIZATIONS).global(),
    service("cloudtrail", "AccessDenied", CLOUDTRAIL),
    service("config", "AccessDeniedException", CONFIG),
    service("guardduty", "AccessDeniedException", GUARDDUTY),
    service("securityhub", "AccessDeniedException", SECURITYHUB),
    service("access-analyzer", "AccessDeniedException", ACCESS_ANALYZER),
    service("cloudformation", "AccessDenied", CLOUDFORMATION),
    service("logs", "AccessDeniedException", LOGS),
    service("monitoring", "AccessDenied", MONITORING).acting_as("cloudwatch"),
    service("support", "AccessDeniedException", SUPPORT).global(),
    service("health", "AccessDeniedException", HEALTH).global(),
    service("budgets", "AccessDeniedException", BUDGETS).global(),
    service("ce", "AccessDeniedException", COST_EXPLORER).global(),
    service("servicequotas", "AccessDeniedException", SERVICE_QUOTAS),
    service("tagging", "AccessDeniedException", TAGGING).acting_as("tag"),
    service("ram", "AccessDeniedException", RAM),
    service("codebuild", "AccessDeniedException", CODEBUILD),
    service("codepipeline", "AccessDeniedException", CODEPIPELINE),
    service(
        "resource-explorer-2",
        "AccessDeniedException",
        RESOURCE_EXPLORER,
    ),
    service("notifications", "AccessDeniedException", NOTIFICATIONS),
];

#[rustfmt::skip] // One API, one row.
const IAM: &[ApiSpec] = &[
    r("GetRole", r#"{"roleName":"$role"}"#).fails("NoSuchEntityException", "The role with name $role-old cannot be found."),
    r("ListRoles", r#"{"maxItems":1000}"#),
    r("ListUsers", r#"{"maxItems":1000}"#),
    r("ListGroups", "null"),
    r("GetUser", r#"{"userName":"$user"}"#).fails("NoSuchEntityException", "The user with name $user cannot be found."),
    r("ListAccessKeys", r#"{"userName":"$user"}"#),
    r("GetAccessKeyLastUsed", r#"{"accessKeyId":"AKIA$d9EXAMPLE"}"#),
    r("ListAttachedRolePolicies", r#"{"roleName":"$role"}"#).fails("NoSuchEntityException", "The role with name $role-old cannot be found."),
    r("ListRolePolicies", r#"{"roleName":"$role"}"#),
    r("GetRolePolicy", r#"{"roleName":"$role","policyName":"inline"}"#).fails("NoSuchEntityException", "The role policy with name inline cannot be found."),
    r("ListAttachedUserPolicies", r#"{"userName":"$user"}"#),
    r("ListMFADevices", r#"{"userName":"$user"}"#),
    r("ListInstanceProfilesForRole", r#"{"roleName":"$role"}"#),
    r("GetPolicy", r#"{"policyArn":"arn:aws:iam::$account:policy/$policy"}"#).fails("NoSuchEntityException", "Policy arn:aws:iam::$account:policy/$policy was not found."),
    r("GetPolicyVersion", r#"{"policyArn":"arn:aws:iam::$account:policy/$policy","versionId":"v$n1"}"#),
    r("ListPolicies", r#"{"scope":"Local","onlyAttached":false,"maxItems":1000}"#),
    r("ListAccountAliases", "null"),
    r("GetAccountSummary", "null"),
    r("GetAccountPasswordPolicy", "null").fails("NoSuchEntityException", "The Password Policy with domain name $account cannot be found."),
    r("GetAccountAuthorizationDetails", r#"{"maxItems":1000}"#),
    r("GetCredentialReport", "null").fails("CredentialReportNotPresentException", "No report exists to download."),
    r("GetLoginProfile", r#"{"userName":"$user"}"#).fails("NoSuchEntityException", "Login Profile for User $user cannot be found."),
    r("SimulatePrincipalPolicy", r#"{"policySourceArn":"arn:aws:iam::$account:role/$role","actionNames":["s3:GetObject","kms:Decrypt"]}"#),
    w("GenerateCredentialReport", "null", r#"{"state":"STARTED","description":"No report exists. Starting a new report generation task"}"#),
    w("CreateRole", r#"{"roleName":"$role-$d3","assumeRolePolicyDocument":"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":{\"Service\":\"lambda.amazonaws.com\"},\"Action\":\"sts:AssumeRole\"}]}","tags":[{"key":"managed-by","value":"terraform"}]}"#, r#"{"role":{"path":"/","roleName":"$role-$d3","roleId":"AROA$d10EXAMPLE","arn":"arn:aws:iam::$account:role/$role-$d3","createDate":"Sep 14, 2026, 9:12:41 AM","assumeRolePolicyDocument":"%7B%22Version%22%3A%222012-10-17%22%7D","tags":[{"key":"managed-by","value":"terraform"}]}}"#).fails("EntityAlreadyExistsException", "Role with name $role already exists."),
    w("DeleteRole", r#"{"roleName":"$role-$d3"}"#, "null").fails("DeleteConflictException", "Cannot delete entity, must detach all policies first."),
    w("AttachRolePolicy", r#"{"roleName":"$role","policyArn":"arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore"}"#, "null").fails("NoSuchEntityException", "The role with name $role cannot be found."),
    w("PutRolePolicy", r#"{"roleName":"$role","policyName":"inline","policyDocument":"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":[\"s3:GetObject\",\"s3:PutObject\"],\"Resource\":\"arn:aws:s3:::$bucket/*\"}]}"}"#, "null").fails("MalformedPolicyDocumentException", "Syntax errors in policy."),
    w("UpdateAssumeRolePolicy", r#"{"roleName":"$role","policyDocument":"{\"Version\":\"2012-10-17\"}"}"#, "null"),
    w("CreatePolicyVersion", r#"{"policyArn":"arn:aws:iam::$account:policy/$policy","policyDocument":"{\"Version\":\"2012-10-17\",\"Statement\":[]}","setAsDefault":true}"#, r#"{"policyVersion":{"versionId":"v$n1","isDefaultVersion":true,"createDate":"Sep 14, 2026, 9:12:41 AM"}}"#).fails("LimitExceededException", "A managed policy can have up to 5 versions. Before you create a new version, you must delete an existing version."),
    w("TagRole", r#"{"roleName":"$role","tags":[{"key":"cost-centre","value":"4200"}]}"#, "null"),
    w("CreateServiceLinkedRole", r#"{"aWSServiceName":"elasticbeanstalk.amazonaws.com"}"#, "null").fails("InvalidInputException", "Service role name AWSServiceRoleForElasticBeanstalk has been taken in this account, please try a different suffix."),
];

#[rustfmt::skip] // One API, one row.
const STS: &[ApiSpec] = &[
    r("GetCallerIdentity", "null"),
    r("AssumeRole", r#"{"roleArn":"arn:aws:iam::$account:role/$partner","roleSessionName":"$partner-$d10","durationSeconds":3600}"#).answers(r#"{"credentials":{"accessKeyId":"$partnerkey","sessionToken":"$t280==","expiration":"$expires"},"assumedRoleUser":{"assumedRoleId":"AROA$d10EXAMPLE:$partner-$d10","arn":"arn:aws:sts::$account:assumed-role/$partner/$partner-$d10"}}"#).on("AWS::IAM::Role", "arn:aws:iam::$account:role/$partner"),
    r("AssumeRoleWithWebIdentity", r#"{"roleArn":"arn:aws:iam::$account:role/$partner","roleSessionName":"GitHubActions","durationSeconds":3600}"#).answers(r#"{"credentials":{"accessKeyId":"$partnerkey","sessionToken":"$t240==","expiration":"$expires"},"subjectFromWebIdentityToken":"repo:example-shop/shop-web:ref:refs/heads/main","assumedRoleUser":{"assumedRoleId":"AROA$d10EXAMPLE:GitHubActions","arn":"arn:aws:sts::$account:assumed-role/$partner/GitHubActions"},"provider":"arn:aws:iam::$account:oidc-provider/token.actions.githubusercontent.com","audience":"sts.amazonaws.com"}"#).on("AWS::IAM::Role", "arn:aws:iam::$account:role/$partner").fails("InvalidIdentityTokenException", "Token audience does not match the ones allowed by the identity provider"),
    r("AssumeRoleWithSAML", r#"{"sAMLAssertionID":"_$h32","roleSessionName":"petra.novak@example.com","principalArn":"arn:aws:iam::$account:saml-provider/legacy-adfs","roleArn":"arn:aws:iam::$account:role/$partner","durationSeconds":3600}"#).answers(r#"{"credentials":{"accessKeyId":"$partnerkey","sessionToken":"$t240==","expiration":"$expires"},"subjectType":"persistent","issuer":"https://adfs.example.com/adfs/services/trust","audience":"https://signin.aws.amazon.com/saml","nameQualifier":"$t27="}"#).on("AWS::IAM::Role", "arn:aws:iam::$account:role/$partner").fails("ExpiredTokenException", "Token must be redeemed within 5 minutes of issuance"),
    r("GetSessionToken", r#"{"durationSeconds":43200,"serialNumber":"arn:aws:iam::$account:mfa/$user"}"#),
    r("GetFederationToken", r#"{"name":"dashboard","durationSeconds":3600}"#),
    r("DecodeAuthorizationMessage", r#"{"encodedMessage":"HIDDEN_DUE_TO_SECURITY_REASONS"}"#),
];

#[rustfmt::skip] // One API, one row.
const SSO: &[ApiSpec] = &[
    r("ListAccounts", "null").with(r#"{"CredentialType":"PORTAL"}"#),
    r("ListAccountRoles", r#"{"account_id":"$member"}"#),
    r("GetRoleCredentials", r#"{"role_name":"PowerUserAccess","account_id":"$member"}"#).fails("ForbiddenException", "No access"),
    r("ListPermissionSets", r#"{"instanceArn":"arn:aws:sso:::instance/ssoins-6987example0001"}"#),
    w("Federate", r#"{"account_id":"$member","role_name":"DeveloperAccess"}"#, "null").of(EventKind::ServiceEvent),
    w("CreateAccountAssignment", r#"{"instanceArn":"arn:aws:sso:::instance/ssoins-6987example0001","targetId":"$member","targetType":"AWS_ACCOUNT","permissionSetArn":"arn:aws:sso:::permissionSet/ssoins-6987example0001/ps-$h16","principalType":"GROUP","principalId":"$uuid"}"#, r#"{"accountAssignmentCreationStatus":{"status":"IN_PROGRESS","requestId":"$uuid"}}"#).fails("ConflictException", "There is a conflicting operation in process"),
];

#[rustfmt::skip] // One API, one row.
const SIGNIN: &[ApiSpec] = &[
    w("ConsoleLogin", "null", r#"{"ConsoleLogin":"Success"}"#).with(r#"{"MobileVersion":"No","MFAUsed":"No","SamlProviderArn":"arn:aws:iam::$account:saml-provider/AWSSSO_$h16_DO_NOT_DELETE"}"#).of(EventKind::SignIn),
    w("GetSigninToken", "null", r#"{"GetSigninToken":"Success"}"#).with(r#"{"MobileVersion":"No","MFAUsed":"No"}"#).of(EventKind::SignIn),
    w("SwitchRole", "null", r#"{"SwitchRole":"Success"}"#).with(r#"{"SwitchFrom":"arn:aws:iam::111122223333:user/break-glass-1","RedirectTo":"https://console.aws.amazon.com/"}"#).of(EventKind::SignIn),
    w("RenewRole", "null", r#"{"RenewRole":"Success"}"#).of(EventKind::ConsoleAction),
];

#[rustfmt::skip] // One API, one row.
const ORGANIZATIONS: &[ApiSpec] = &[
    r("DescribeOrganization", "null").fails("AWSOrganizationsNotInUseException", "Your account is not a member of an organization."),
    r("ListAccounts", "null"),
    r("DescribeAccount", r#"{"accountId":"$member"}"#),
    r("ListPolicies", r#"{"filter":"SERVICE_CONTROL_POLICY"}"#),
    r("ListRoots", "null"),
    r("ListParents", r#"{"childId":"$member"}"#),
    r("DescribePolicy", r#"{"policyId":"p-$h8"}"#),
    w("UpdatePolicy", r#"{"policyId":"p-example1","content":"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Sid\":\"ProtectTrail\",\"Effect\":\"Deny\",\"Action\":[\"cloudtrail:StopLogging\",\"cloudtrail:DeleteTrail\"],\"Resource\":\"*\"}]}"}"#, r#"{"policy":{"policySummary":{"id":"p-example1","name":"guardrails","type":"SERVICE_CONTROL_POLICY","awsManaged":false}}}"#).fails("ConcurrentModificationException", "AWS Organizations can't complete your request because it conflicts with another attempt to modify the same entity. Try again later."),
    w("MoveAccount", r#"{"accountId":"012345678901","sourceParentId":"r-ex01","destinationParentId":"ou-ex01-sandbox1"}"#, "null"),
];

#[rustfmt::skip] // One API, one row.
const CLOUDTRAIL: &[ApiSpec] = &[
    r("LookupEvents", r#"{"startTime":"Sep 13, 2026, 8:00:00 AM","maxResults":50,"lookupAttributes":[{"attributeKey":"ReadOnly","attributeValue":"false"}]}"#),
    r("DescribeTrails", r#"{"trailNameList":[],"includeShadowTrails":true}"#),
    r("GetTrailStatus", r#"{"name":"arn:aws:cloudtrail:eu-central-1:111122223333:trail/organisation"}"#).fails("TrailNotFoundException", "Unknown trail: organisation for the user: $account"),
    r("GetEventSelectors", r#"{"trailName":"arn:aws:cloudtrail:eu-central-1:111122223333:trail/organisation"}"#),
    r("ListTrails", "null"),
];

#[rustfmt::skip] // One API, one row.
const CONFIG: &[ApiSpec] = &[
    r("DescribeConfigRules", r#"{"configRuleNames":["s3-bucket-public-read-prohibited"]}"#),
    r("DescribeConfigurationRecorderStatus", "null"),
    r("GetComplianceDetailsByConfigRule", r#"{"configRuleName":"s3-bucket-public-read-prohibited","complianceTypes":["NON_COMPLIANT"],"limit":100}"#).fails("NoSuchConfigRuleException", "The ConfigRule 'encrypted-volumes' provided in the request is invalid."),
    r("SelectResourceConfig", r#"{"expression":"SELECT resourceId WHERE resourceType = 'AWS::EC2::Instance'","limit":100}"#),
    w("PutEvaluations", r#"{"evaluations":[{"complianceResourceType":"AWS::S3::Bucket","complianceResourceId":"$bucket","complianceType":"COMPLIANT","orderingTimestamp":"$now"}],"resultToken":"HIDDEN_DUE_TO_SECURITY_REASONS","testMode":false}"#, r#"{"failedEvaluations":[]}"#),
];

#[rustfmt::skip] // One API, one row.
const GUARDDUTY: &[ApiSpec] = &[
    r("ListDetectors", r#"{"maxResults":50}"#),
    r("ListFindings", r#"{"detectorId":"$detector","findingCriteria":{"criterion":{"service.archived":{"eq":["false"]}}},"maxResults":50}"#),
    r("GetFindings", r#"{"detectorId":"$detector","findingIds":["$h32"]}"#).fails("BadRequestException", "The request is rejected because the input detectorId is not owned by the current account."),
    w("ArchiveFindings", r#"{"detectorId":"$detector","findingIds":["$h32"]}"#, "null"),
];

#[rustfmt::skip] // One API, one row.
const SECURITYHUB: &[ApiSpec] = &[
    r("GetFindings", r#"{"Filters":{"SeverityLabel":[{"Value":"CRITICAL","Comparison":"EQUALS"}],"RecordState":[{"Value":"ACTIVE","Comparison":"EQUALS"}]},"MaxResults":100}"#),
    r("GetEnabledStandards", "null"),
    w("BatchImportFindings", r#"{"Findings":[{"Id":"$uuid","ProductArn":"arn:aws:securityhub:$region::product/aws/config","GeneratorId":"s3-bucket-public-read-prohibited","AwsAccountId":"$account","Title":"HIDDEN_DUE_TO_SECURITY_REASONS"}]}"#, r#"{"FailedCount":0,"SuccessCount":1,"FailedFindings":[]}"#),
    w("BatchUpdateFindings", r#"{"FindingIdentifiers":[{"Id":"$uuid","ProductArn":"arn:aws:securityhub:$region::product/aws/config"}],"Workflow":{"Status":"RESOLVED"}}"#, r#"{"ProcessedFindings":[],"UnprocessedFindings":[]}"#),
];

#[rustfmt::skip] // One API, one row.
const ACCESS_ANALYZER: &[ApiSpec] = &[
    r("ListAnalyzers", r#"{"type":"ORGANIZATION"}"#),
    r("ListFindingsV2", r#"{"analyzerArn":"arn:aws:access-analyzer:$region:$account:analyzer/organisation","maxResults":100}"#),
];

#[rustfmt::skip] // One API, one row.
const CLOUDFORMATION: &[ApiSpec] = &[
    r("DescribeStacks", r#"{"stackName":"$stack"}"#).fails("ValidationError", "Stack with id $stack-old does not exist"),
    r("DescribeStackEvents", r#"{"stackName":"$stack"}"#),
    r("ListStacks", r#"{"stackStatusFilter":["CREATE_COMPLETE","UPDATE_COMPLETE"]}"#),
    r("ListStackResources", r#"{"stackName":"$stack"}"#),
    w("CreateChangeSet", r#"{"stackName":"$stack","changeSetName":"release-$d6","capabilities":["CAPABILITY_NAMED_IAM"],"tags":[{"key":"commit","value":"$h12"}]}"#, r#"{"id":"arn:aws:cloudformation:$region:$account:changeSet/release-$d6/$uuid","stackId":"arn:aws:cloudformation:$region:$account:stack/$stack/$uuid"}"#),
    w("ExecuteChangeSet", r#"{"stackName":"$stack","changeSetName":"release-$d6","clientRequestToken":"$uuid"}"#, "null").fails("InvalidChangeSetStatus", "ChangeSet [release-$d6] cannot be executed in its current status of [FAILED]"),
    w("UpdateStack", r#"{"stackName":"$stack","usePreviousTemplate":false,"capabilities":["CAPABILITY_IAM"]}"#, r#"{"stackId":"arn:aws:cloudformation:$region:$account:stack/$stack/$uuid"}"#).fails("ValidationError", "No updates are to be performed."),
];

#[rustfmt::skip] // One API, one row.
const LOGS: &[ApiSpec] = &[
    r("DescribeLogGroups", r#"{"logGroupNamePrefix":"$loggroup","limit":50}"#),
    r("DescribeLogStreams", r#"{"logGroupName":"$loggroup","orderBy":"LastEventTime","descending":true}"#).fails("ResourceNotFoundException", "The specified log group does not exist."),
    r("FilterLogEvents", r#"{"logGroupName":"$loggroup","startTime":1789$d9,"filterPattern":"ERROR","interleaved":true}"#),
    r("GetQueryResults", r#"{"queryId":"$uuid"}"#),
    w("StartQuery", r#"{"logGroupNames":["$loggroup"],"startTime":1789$d6,"endTime":1789$d6,"queryString":"HIDDEN_DUE_TO_SECURITY_REASONS","limit":1000}"#, r#"{"queryId":"$uuid"}"#).fails("LimitExceededException", "Account maximum query concurrency limit of [100] reached."),
    w("CreateLogStream", r#"{"logGroupName":"$loggroup","logStreamName":"2026/09/14/[LATEST]$h32"}"#, "null").fails("ResourceAlreadyExistsException", "The specified log stream already exists"),
    w("CreateLogGroup", r#"{"logGroupName":"$loggroup","tags":{}}"#, "null").fails("ResourceAlreadyExistsException", "The specified log group already exists"),
    w("PutRetentionPolicy", r#"{"logGroupName":"$loggroup","retentionInDays":30}"#, "null"),
];

#[rustfmt::skip] // One API, one row.
const MONITORING: &[ApiSpec] = &[
    r("DescribeAlarms", r#"{"alarmNames":["$alarm"],"maxRecords":100}"#),
    r("GetMetricData", r#"{"startTime":"Sep 14, 2026, 8:00:00 AM","endTime":"$now","metricDataQueries":[{"id":"m1","returnData":true}]}"#),
    r("ListMetrics", r#"{"namespace":"AWS/EC2"}"#),
    r("ListDashboards", "null"),
    r("GetDashboard", r#"{"dashboardName":"shop"}"#).fails("ResourceNotFound", "Dashboard shop-old does not exist"),
    w("PutMetricAlarm", r#"{"alarmName":"$alarm","metricName":"HTTPCode_Target_5XX_Count","namespace":"AWS/ApplicationELB","statistic":"Sum","period":60,"evaluationPeriods":5,"threshold":10.0,"comparisonOperator":"GreaterThanThreshold"}"#, "null"),
    w("SetAlarmState", r#"{"alarmName":"$alarm","stateValue":"OK","stateReason":"test"}"#, "null"),
];

#[rustfmt::skip] // One API, one row.
const SUPPORT: &[ApiSpec] = &[
    r("DescribeCases", r#"{"includeResolvedCases":false,"maxResults":25}"#).fails("SubscriptionRequiredException", "Amazon Web Services Premium Support Subscription is required to use this service."),
    r("DescribeTrustedAdvisorChecks", r#"{"language":"en"}"#).fails("SubscriptionRequiredException", "Amazon Web Services Premium Support Subscription is required to use this service."),
    w("AddCommunicationToCase", r#"{"caseId":"case-$account-exen-2026-$h12","communicationBody":"HIDDEN_DUE_TO_SECURITY_REASONS"}"#, r#"{"result":true}"#),
];

#[rustfmt::skip] // One API, one row.
const HEALTH: &[ApiSpec] = &[
    r("DescribeEventAggregates", r#"{"aggregateField":"eventTypeCategory","filter":{"eventStatusCodes":["open","upcoming"]}}"#),
    r("DescribeEvents", r#"{"filter":{"eventStatusCodes":["open","upcoming"]},"maxResults":50}"#),
];

#[rustfmt::skip] // One API, one row.
const BUDGETS: &[ApiSpec] = &[
    r("DescribeBudgets", r#"{"accountId":"$account","maxResults":100}"#),
    r("ViewBudget", r#"{"accountId":"$account","budgetName":"monthly"}"#),
];

#[rustfmt::skip] // One API, one row.
const COST_EXPLORER: &[ApiSpec] = &[
    r("GetCostAndUsage", r#"{"timePeriod":{"start":"2026-09-01","end":"2026-09-14"},"granularity":"DAILY","metrics":["UnblendedCost"],"groupBy":[{"type":"DIMENSION","key":"SERVICE"}]}"#),
    r("GetCostForecast", r#"{"timePeriod":{"start":"2026-09-14","end":"2026-10-01"},"metric":"UNBLENDED_COST","granularity":"MONTHLY"}"#).fails("DataUnavailableException", "Insufficient amount of historical data to generate forecast (minimum is 5 DAYS)."),
    r("GetDimensionValues", r#"{"timePeriod":{"start":"2026-09-01","end":"2026-09-14"},"dimension":"LINKED_ACCOUNT"}"#),
    r("GetReservationCoverage", r#"{"timePeriod":{"start":"2026-08-01","end":"2026-09-01"},"granularity":"MONTHLY"}"#),
];

#[rustfmt::skip] // One API, one row.
const SERVICE_QUOTAS: &[ApiSpec] = &[
    r("ListServiceQuotas", r#"{"serviceCode":"ec2","maxResults":100}"#),
    r("GetServiceQuota", r#"{"serviceCode":"ec2","quotaCode":"L-417A185B"}"#).fails("NoSuchResourceException", "The request failed because the specified resource does not exist."),
    w("RequestServiceQuotaIncrease", r#"{"serviceCode":"lambda","quotaCode":"L-B99A9384","desiredValue":3000.0}"#, r#"{"requestedQuota":{"id":"$h32","serviceCode":"lambda","quotaCode":"L-B99A9384","desiredValue":3000.0,"status":"PENDING"}}"#),
];

#[rustfmt::skip] // One API, one row.
const TAGGING: &[ApiSpec] = &[
    r("GetResources", r#"{"tagFilters":[{"key":"env","values":["live"]}],"resourcesPerPage":100}"#),
    w("TagResources", r#"{"resourceARNList":["arn:aws:ec2:$region:$account:instance/$instance"],"tags":{"cost-centre":"4200"}}"#, r#"{"failedResourcesMap":{}}"#),
];

#[rustfmt::skip] // One API, one row.
const RAM: &[ApiSpec] = &[
    r("GetResourceShares", r#"{"resourceOwner":"SELF"}"#),
    r("ListResources", r#"{"resourceOwner":"OTHER-ACCOUNTS"}"#),
];

#[rustfmt::skip] // One API, one row.
const CODEBUILD: &[ApiSpec] = &[
    r("BatchGetBuilds", r#"{"ids":["$project:$uuid"]}"#),
    r("BatchGetProjects", r#"{"names":["$project"]}"#),
    w("StartBuild", r#"{"projectName":"$project","sourceVersion":"$h40"}"#, r#"{"build":{"arn":"arn:aws:codebuild:$region:$account:build/$project:$uuid","buildNumber":$n4,"buildStatus":"IN_PROGRESS","currentPhase":"QUEUED","initiator":"codepipeline/release"}}"#).fails("AccountLimitExceededException", "Cannot have more than 20 builds in queue for the account"),
];

#[rustfmt::skip] // One API, one row.
const CODEPIPELINE: &[ApiSpec] = &[
    r("GetPipelineState", r#"{"name":"release"}"#),
    r("ListPipelineExecutions", r#"{"pipelineName":"release","maxResults":20}"#),
    w("StartPipelineExecution", r#"{"name":"release"}"#, r#"{"pipelineExecutionId":"$uuid"}"#).fails("PipelineNotFoundException", "Account '$account' does not have a pipeline with name 'release-old'"),
    w("PutApprovalResult", r#"{"pipelineName":"release","stageName":"Live","actionName":"Approve","result":{"summary":"HIDDEN_DUE_TO_SECURITY_REASONS","status":"Approved"},"token":"$uuid"}"#, r#"{"approvedAt":"$now"}"#),
];

#[rustfmt::skip] // One API, one row.
const RESOURCE_EXPLORER: &[ApiSpec] = &[
    r("ListViews", "null"),
    r("Search", r#"{"queryString":"HIDDEN_DUE_TO_SECURITY_REASONS","maxResults":50}"#),
];

#[rustfmt::skip] // One API, one row.
const NOTIFICATIONS: &[ApiSpec] = &[
    r("ListNotificationEvents", r#"{"locale":"en_US","maxResults":25}"#),
];
