//! The calls of each kind of principal, as words `service:Api=weight`.
//!
//! `service:*` means all APIs of a service, `service:read` its reading ones, and `*:read` all reading management APIs
//! except those of STS. The weight then applies to each API.

pub(super) const PLATFORM: &str = "
    ec2:DescribeInstances=30 ec2:DescribeSecurityGroups=18 ec2:DescribeSubnets=9 ec2:DescribeVpcs=9
    ec2:DescribeImages=6 ec2:DescribeVolumes=5 ec2:DescribeLaunchTemplates=3 ec2:DescribeTags=4
    ec2:DescribeRegions=3 ec2:DescribeInstanceTypes=4 ec2:DescribeNatGateways=2 ec2:CreateTags=5
    ec2:RunInstances=3 ec2:StartInstances=2 ec2:StopInstances=3 ec2:TerminateInstances=2
    ec2:RebootInstances=1 ec2:ModifyInstanceAttribute=1 ec2:CreateSecurityGroup=1
    ec2:AuthorizeSecurityGroupIngress=3 ec2:RevokeSecurityGroupIngress=2 ec2:CreateVolume=1
    ec2:AttachVolume=1 ec2:DeleteVolume=1 ec2:CreateImage=1 ec2:AssociateAddress=1 ec2:DeleteTags=1
    autoscaling:*=2 elasticloadbalancing:*=2 eks:*=2 cloudformation:*=3 iam:GetRole=8 iam:ListRoles=4
    iam:GetPolicy=3 iam:GetPolicyVersion=3 iam:ListAttachedRolePolicies=4 iam:CreateRole=1
    iam:AttachRolePolicy=2 iam:PutRolePolicy=1 iam:DeleteRole=1 iam:UpdateAssumeRolePolicy=1
    iam:CreateServiceLinkedRole=1 ssm:StartSession=3 ssm:TerminateSession=2 ssm:SendCommand=1
    ssm:DescribeInstanceInformation=2 ssm:PutParameter=1 s3:ListBuckets=6 s3:GetBucketLocation=6
    s3:GetBucketPolicy=2 s3:PutBucketPolicy=1 s3:PutBucketLifecycle=1 s3:CreateBucket=1
    rds:DescribeDBInstances=4 rds:ModifyDBInstance=1 rds:RebootDBInstance=1 route53:*=2 acm:*=1
    wafv2:*=1 elasticache:*=1 monitoring:DescribeAlarms=5 monitoring:PutMetricAlarm=1
    logs:DescribeLogGroups=5 logs:PutRetentionPolicy=1 organizations:read=1 organizations:MoveAccount=1
    organizations:UpdatePolicy=1 sso:CreateAccountAssignment=1 sso:ListPermissionSets=1 servicequotas:*=1
    ram:*=1 resource-explorer-2:*=1 signin:ConsoleLogin=3 signin:GetSigninToken=2 signin:RenewRole=1 sts:GetCallerIdentity=6
    sts:DecodeAuthorizationMessage=1 health:*=2 notifications:*=3 support:*=1 kinesis:UpdateShardCount=1";

pub(super) const DEVELOPER: &str = "
    logs:DescribeLogGroups=14 logs:DescribeLogStreams=14 logs:FilterLogEvents=18 logs:StartQuery=5
    logs:GetQueryResults=14 lambda:ListFunctions20150331=9 lambda:GetFunction20150331v2=12
    lambda:GetPolicy20150331v2=4 lambda:ListEventSourceMappings20150331=3
    lambda:UpdateFunctionCode20150331v2=4 lambda:UpdateFunctionConfiguration20150331v2=2
    lambda:PublishVersion20150331=1 cloudformation:DescribeStacks=9 cloudformation:DescribeStackEvents=10
    cloudformation:UpdateStack=2 cloudformation:CreateChangeSet=1 dynamodb:ListTables=4
    dynamodb:DescribeTable=6 dynamodb:Query=4 dynamodb:CreateTable=1 dynamodb:DescribeTimeToLive=1
    s3:ListBuckets=6 s3:GetBucketLocation=4 s3:ListObjects=5 s3:GetObject=4 s3:PutObject=2
    s3:CreateBucket=1 s3:DeleteBucket=1 ecr:DescribeRepositories=3 ecr:GetAuthorizationToken=4
    ecr:DescribeImageScanFindings=2 ecs:*=2 sqs:*=1 sns:ListTopics=2 sns:Subscribe=1
    states:*=2 events:*=1 apigateway:*=2 cognito-idp:DescribeUserPool=1 cognito-idp:ListUserPools=1
    codebuild:*=2 codepipeline:*=2 monitoring:GetMetricData=12 monitoring:DescribeAlarms=6
    monitoring:ListDashboards=2 secretsmanager:ListSecrets=3 secretsmanager:GetSecretValue=2
    secretsmanager:PutSecretValue=1 ssm:GetParameter=5 ssm:DescribeParameters=3 ec2:DescribeInstances=8
    ec2:DescribeSecurityGroups=4 ec2:GetConsoleOutput=1 ec2:RunInstances=1 ec2:TerminateInstances=1
    iam:ListRoles=5 iam:GetRole=4 iam:ListPolicies=2 bedrock:*=2 ses:ListIdentities=1
    signin:ConsoleLogin=4 sts:GetCallerIdentity=7 health:DescribeEventAggregates=4 notifications:*=4
    resource-explorer-2:*=1";

pub(super) const DATA: &str = "
    athena:StartQueryExecution=12 athena:GetQueryExecution=34 athena:GetQueryResults=14
    athena:StopQueryExecution=1 athena:ListWorkGroups=4 athena:GetWorkGroup=5 glue:*=6
    redshift-data:*=6 s3:ListObjects=16 s3:GetObject=18 s3:PutObject=6 s3:DeleteObject=1
    s3:ListBuckets=5 s3:PutBucketTagging=1 elasticmapreduce:*=3 sagemaker:*=4 bedrock:InvokeModel=6
    kinesis:read=2 batch:*=2 kms:Decrypt=8 kms:ListAliases=2 logs:FilterLogEvents=5
    signin:ConsoleLogin=3 sts:GetCallerIdentity=5 servicequotas:ListServiceQuotas=1
    servicequotas:RequestServiceQuotaIncrease=1";

pub(super) const SUPPORT: &str = "
    monitoring:*=8 logs:FilterLogEvents=22 logs:StartQuery=8 logs:GetQueryResults=20
    logs:DescribeLogGroups=8 ecs:DescribeServices=14 ecs:DescribeTasks=10 ecs:ListTasks=8
    ecs:ExecuteCommand=1 rds:DescribeDBInstances=8 rds:DescribeEvents=5
    rds:DownloadDBLogFilePortion=4 sqs:GetQueueAttributes=8 sqs:PurgeQueue=1 ec2:DescribeInstances=14
    ec2:DescribeInstanceStatus=12 ec2:RebootInstances=1 ec2:GetConsoleOutput=2
    elasticloadbalancing:DescribeTargetHealth=10 elasticloadbalancing:DescribeLoadBalancers=6
    ssm:StartSession=2 ssm:ListCommandInvocations=2 support:*=3 health:*=6 signin:ConsoleLogin=4
    states:DescribeExecution=6 cloudfront:*=2 notifications:*=4 wafv2:UpdateIPSet=1 iam:ListUsers=1";

pub(super) const SECURITY: &str = "
    guardduty:*=10 securityhub:*=9 access-analyzer:*=6 cloudtrail:*=7 config:read=6
    iam:ListUsers=6 iam:ListAccessKeys=8 iam:GetAccessKeyLastUsed=8 iam:GetAccountSummary=3
    iam:GetCredentialReport=3 iam:GenerateCredentialReport=2 iam:ListMFADevices=4 iam:GetLoginProfile=2
    iam:SimulatePrincipalPolicy=2 iam:GetAccountAuthorizationDetails=2 iam:ListAttachedUserPolicies=3
    iam:GetAccountPasswordPolicy=1 organizations:read=2 kms:GetKeyPolicy=2 kms:ListKeys=2
    s3:GetBucketPolicyStatus=3 s3:GetAccountPublicAccessBlock=2 ec2:DescribeSecurityGroupRules=3
    ec2:DescribeFlowLogs=2 athena:StartQueryExecution=3 athena:GetQueryExecution=8
    athena:GetQueryResults=4 signin:ConsoleLogin=4 sts:GetCallerIdentity=3 ram:*=1 wafv2:*=1";

pub(super) const FINANCE: &str = "
    ce:*=14 budgets:*=8 organizations:ListAccounts=4 organizations:DescribeOrganization=2
    signin:ConsoleLogin=5 health:DescribeEventAggregates=3 ec2:DescribeReservedInstances=2
    support:DescribeTrustedAdvisorChecks=1 tagging:GetResources=2 notifications:*=3 iam:ListUsers=1";

pub(super) const AUDIT: &str = "
    iam:read=3 s3:read=2 ec2:read=1 kms:read=2 cloudtrail:read=4 config:read=3 organizations:read=3
    rds:read=2 signin:ConsoleLogin=8 signin:SwitchRole=1 access-analyzer:read=2 securityhub:read=2";

pub(super) const PORTAL: &str = "
    sso:ListAccounts=4 sso:ListAccountRoles=6 sso:GetRoleCredentials=5 sso:Federate=6";

pub(super) const WEB: &str = "
    s3:GetObject=34 s3:PutObject=8 s3:HeadObject=10 kms:Decrypt=18 kms:GenerateDataKey=8
    secretsmanager:GetSecretValue=4 ssm:UpdateInstanceInformation=14 ssm:UpdateInstanceAssociationStatus=2
    ssm:GetParametersByPath=4 ec2:DescribeTags=4 ec2:DescribeInstances=2 cognito-idp:InitiateAuth=9
    cognito-idp:RespondToAuthChallenge=8 logs:CreateLogStream=3 sqs:GetQueueUrl=2 sns:Publish=3";

pub(super) const WORKER: &str = "
    dynamodb:GetItem=22 dynamodb:PutItem=16 dynamodb:Query=10 s3:GetObject=14 s3:PutObject=12
    kms:Decrypt=14 kms:GenerateDataKey=9 sns:Publish=8 sqs:GetQueueAttributes=6 sqs:GetQueueUrl=2
    secretsmanager:GetSecretValue=3 ssm:GetParameter=3 states:StartExecution=5 ecs:SubmitTaskStateChange=2
    logs:CreateLogStream=3";

pub(super) const CHECKOUT: &str = "
    dynamodb:GetItem=30 dynamodb:PutItem=18 dynamodb:Query=8 secretsmanager:GetSecretValue=5
    ssm:GetParameter=4 kms:Decrypt=10 sns:Publish=6 states:StartExecution=5 logs:CreateLogStream=7
    lambda:Invoke=8 ec2:CreateNetworkInterface=1 ec2:DeleteNetworkInterface=1
    ec2:DescribeNetworkInterfaces=3";

pub(super) const IMAGES: &str = "
    s3:GetObject=30 s3:PutObject=26 s3:HeadObject=10 kms:Decrypt=8 kms:GenerateDataKey=8
    logs:CreateLogStream=6 logs:CreateLogGroup=1";

pub(super) const PROJECTOR: &str = "
    dynamodb:PutItem=30 dynamodb:GetItem=12 kms:Decrypt=8 sqs:GetQueueAttributes=3
    logs:CreateLogStream=4 sns:Publish=4";

pub(super) const REPORT: &str = "
    athena:StartQueryExecution=8 athena:GetQueryExecution=30 athena:GetQueryResults=8 s3:GetObject=9
    s3:PutObject=7 glue:GetTable=6 glue:GetPartitions=8 kms:Decrypt=6 ses:SendEmail=3 rds:CreateDBSnapshot=2
    rds:DescribeDBSnapshots=4 rds:DeleteDBSnapshot=2 logs:CreateLogStream=2";

pub(super) const PIPELINE: &str = "
    s3:GetObject=34 s3:PutObject=30 s3:ListObjects=12 s3:DeleteObject=4 glue:GetTable=10
    glue:GetPartitions=10 glue:BatchCreatePartition=6 glue:UpdateTable=2 glue:GetJobRun=8
    glue:StartJobRun=1 kms:Decrypt=14 kms:GenerateDataKey=12 logs:CreateLogStream=2
    redshift-data:ExecuteStatement=2 redshift-data:DescribeStatement=6 batch:SubmitJob=1 batch:DescribeJobs=3";

pub(super) const NODE: &str = "
    ecr:GetAuthorizationToken=8 ecr:BatchGetImage=10 ecr:GetDownloadUrlForLayer=16
    ecr:BatchCheckLayerAvailability=4 ec2:DescribeInstances=8 ec2:DescribeNetworkInterfaces=10
    ec2:CreateNetworkInterface=1 eks:AccessKubernetesApi=3 eks:DescribeCluster=3
    ecs:DiscoverPollEndpoint=2 ssm:UpdateInstanceInformation=8 ec2:DescribeInstanceTypes=2";

pub(super) const AUTOSCALER: &str = "
    autoscaling:DescribeAutoScalingGroups=40 autoscaling:DescribeAutoScalingInstances=10
    autoscaling:DescribeScalingActivities=8 ec2:DescribeLaunchTemplateVersions=8
    ec2:DescribeInstanceTypes=5 ec2:DescribeImages=3 eks:DescribeNodegroup=6
    autoscaling:SetDesiredCapacity=3 autoscaling:TerminateInstanceInAutoScalingGroup=2";

pub(super) const DEPLOY: &str = "
    ec2:DescribeInstances=7 ec2:DescribeSecurityGroups=9 ec2:DescribeSubnets=7 ec2:DescribeVpcs=7
    ec2:DescribeVpcAttribute=8 ec2:DescribeRouteTables=6 ec2:DescribeNetworkAcls=3
    ec2:DescribeInternetGateways=3 ec2:DescribeLaunchTemplateVersions=3 ec2:DescribeInstanceAttribute=6
    ec2:CreateSecurityGroup=1 ec2:DeleteSecurityGroup=1 ec2:AuthorizeSecurityGroupIngress=2
    ec2:CreateLaunchTemplateVersion=2 ec2:CreateTags=3 iam:GetRole=12 iam:ListRolePolicies=9
    iam:ListAttachedRolePolicies=9 iam:GetPolicy=6 iam:GetPolicyVersion=6 iam:GetRolePolicy=5
    iam:ListInstanceProfilesForRole=2 iam:CreateRole=1 iam:DeleteRole=1 iam:PutRolePolicy=1
    iam:AttachRolePolicy=1 iam:CreatePolicyVersion=1 iam:TagRole=1 s3:read=2 s3:PutBucketPolicy=1
    s3:PutObject=6 dynamodb:DescribeTable=4 dynamodb:DescribeContinuousBackups=3
    dynamodb:DescribeTimeToLive=3 dynamodb:UpdateTable=1 lambda:GetFunction20150331v2=6
    lambda:GetPolicy20150331v2=4 lambda:UpdateFunctionCode20150331v2=4 lambda:PublishVersion20150331=3
    ecs:DescribeServices=6 ecs:DescribeTaskDefinition=5 ecs:RegisterTaskDefinition=4 ecs:UpdateService=4
    ecs:RunTask=2 ecr:GetAuthorizationToken=3 ecr:BatchCheckLayerAvailability=6
    ecr:InitiateLayerUpload=4 ecr:CompleteLayerUpload=4 ecr:PutImage=3 cloudformation:DescribeStacks=4
    cloudformation:CreateChangeSet=1 cloudformation:ExecuteChangeSet=1 cloudformation:ListStackResources=1
    kms:DescribeKey=4 kms:GetKeyRotationStatus=3 secretsmanager:DescribeSecret=4 ssm:GetParameter=4
    sns:GetTopicAttributes=3 sqs:GetQueueAttributes=3 logs:DescribeLogGroups=4 events:DescribeRule=2
    events:PutRule=1 events:PutTargets=1 route53:ListResourceRecordSets=2
    route53:ChangeResourceRecordSets=1 route53:GetChange=2 cloudfront:GetDistribution=1
    cloudfront:CreateInvalidation=1 apigateway:CreateDeployment=1 acm:DescribeCertificate=1
    eks:UpdateNodegroupVersion=1 elasticloadbalancing:DescribeListeners=3
    elasticloadbalancing:DescribeRules=3 elasticloadbalancing:ModifyRule=1 sts:GetCallerIdentity=8
    tagging:TagResources=1 codebuild:StartBuild=1 codepipeline:StartPipelineExecution=1";

pub(super) const CONFIGURATION: &str = "
    s3:GetBucketPolicy=5 s3:GetBucketAcl=5 s3:GetBucketEncryption=4 s3:GetBucketVersioning=4
    s3:GetBucketTagging=4 s3:GetBucketLogging=3 s3:GetBucketLifecycle=3 s3:GetBucketReplication=3
    s3:GetBucketWebsite=2 s3:GetBucketPublicAccessBlock=4 ec2:DescribeInstances=4
    ec2:DescribeVolumes=4 ec2:DescribeSecurityGroups=6 ec2:DescribeNetworkInterfaces=6
    ec2:DescribeVpcEndpoints=2 ec2:DescribeNetworkAcls=2 ec2:DescribeTransitGateways=1
    iam:GetRole=5 iam:ListAttachedRolePolicies=4 iam:GetPolicyVersion=3 iam:GetUser=2 iam:ListGroups=1
    rds:DescribeDBInstances=3 rds:DescribeDBParameterGroups=1 rds:ListTagsForResource=3
    lambda:GetFunction20150331v2=4 dynamodb:DescribeTable=3 kms:DescribeKey=4 kms:GetKeyPolicy=2
    config:PutEvaluations=4 elasticloadbalancing:DescribeLoadBalancers=2 sqs:GetQueueAttributes=2
    sns:GetTopicAttributes=2 sns:ListSubscriptionsByTopic=2 acm:ListCertificates=1";

pub(super) const MONITORING: &str = "
    monitoring:GetMetricData=40 monitoring:ListMetrics=20 tagging:GetResources=12
    ec2:DescribeInstances=14 ec2:DescribeVolumes=6 rds:DescribeDBInstances=5
    elasticloadbalancing:DescribeLoadBalancers=5 elasticloadbalancing:DescribeTags=4
    lambda:ListFunctions20150331=4 dynamodb:ListTables=2 sqs:ListQueues=2 elasticache:DescribeCacheClusters=2
    ecs:ListClusters=2 ecs:DescribeClusters=2 kinesis:ListStreams=1 cloudfront:ListDistributions=1
    support:DescribeTrustedAdvisorChecks=1 organizations:DescribeOrganization=1";

pub(super) const HUB: &str = "
    securityhub:BatchImportFindings=8 securityhub:BatchUpdateFindings=1 config:DescribeConfigRules=5
    config:GetComplianceDetailsByConfigRule=8 config:DescribeConfigurationRecorderStatus=3
    organizations:ListAccounts=1 guardduty:ListDetectors=1";

pub(super) const ADVISOR: &str = "
    ec2:DescribeInstances=3 ec2:DescribeReservedInstances=2 ec2:DescribeAddresses=2
    ec2:DescribeSnapshots=2 rds:DescribeDBInstances=2 s3:GetBucketAcl=2 iam:GetAccountSummary=1
    iam:GetAccountPasswordPolicy=1 route53:ListHostedZones=1 elasticloadbalancing:DescribeLoadBalancers=1";

pub(super) const SCALING: &str = "
    ec2:DescribeInstanceStatus=12 ec2:RunInstances=3 ec2:TerminateInstances=3 ec2:CreateTags=3
    ec2:DescribeLaunchTemplateVersions=3 elasticloadbalancing:RegisterTargets=3
    elasticloadbalancing:DeregisterTargets=3 elasticloadbalancing:DescribeTargetHealth=8
    kms:CreateGrant=2 kms:RetireGrant=1 autoscaling:CompleteLifecycleAction=1";

pub(super) const SCHEDULER: &str = "
    elasticloadbalancing:RegisterTargets=4 elasticloadbalancing:DeregisterTargets=4
    elasticloadbalancing:DescribeTargetHealth=12 ec2:CreateNetworkInterface=3
    ec2:DeleteNetworkInterface=3 ec2:DescribeSubnets=2 ec2:DescribeSecurityGroups=2";

pub(super) const BACKUP: &str = "
    ec2:CreateSnapshot=10 ec2:DescribeSnapshots=8 ec2:DeleteSnapshot=4 ec2:CreateTags=8
    rds:CreateDBSnapshot=4 rds:DescribeDBSnapshots=6 dynamodb:DescribeContinuousBackups=2
    kms:CreateGrant=4 kms:GenerateDataKey=4 backup:StartBackupJob=2 backup:DescribeBackupJob=3
    backup:ListRecoveryPointsByBackupVault=1";

pub(super) const OLD_BACKUP: &str = "
    s3:PutObject=30 s3:ListObjects=5 s3:ListBuckets=2 ec2:DescribeVolumes=3 ec2:CreateSnapshot=5
    ec2:DescribeSnapshots=4";
