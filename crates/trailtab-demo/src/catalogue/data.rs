//! APIs of storage, databases, messaging, keys and edge networking.

use super::{ApiSpec, EventKind, ServiceSpec, r, service, w};

pub(super) const SERVICES: &[ServiceSpec] = &[
    service("s3", "AccessDenied", S3),
    service("dynamodb", "AccessDenied", DYNAMODB),
    service("rds", "AccessDenied", RDS),
    service("kms", "AccessDenied", KMS),
    service("secretsmanager", "AccessDenied", SECRETS_MANAGER),
    service("sqs", "AccessDenied", SQS),
    service("sns", "AuthorizationErrorException", SNS),
    service("kinesis", "AccessDeniedException", KINESIS),
    service("glue", "AccessDeniedException", GLUE),
    service("athena", "AccessDeniedException", ATHENA),
    service("redshift-data", "AccessDeniedException", REDSHIFT_DATA),
    service("elasticache", "AccessDenied", ELASTICACHE),
    service("elasticmapreduce", "AccessDeniedException", EMR),
    service("backup", "AccessDeniedException", BACKUP),
    service("bedrock", "AccessDenied", BEDROCK),
    service("sagemaker", "AccessDeniedException", SAGEMAKER),
    service("states", "AccessDeniedException", STATES),
    service("events", "AccessDeniedException", EVENTS),
    service("apigateway", "AccessDeniedException", API_GATEWAY),
    service("cognito-idp", "AccessDeniedException", COGNITO),
    service("cloudfront", "AccessDenied", CLOUDFRONT).global(),
    service("route53", "AccessDenied", ROUTE53).global(),
    service("acm", "AccessDeniedException", ACM),
    service("wafv2", "AccessDeniedException", WAF),
    service("ses", "AccessDenied", SES),
];

const BUCKET: &str = "arn:aws:s3:::$bucket";
const OBJECT: &str = "arn:aws:s3:::$bucket/$object";
const TRANSFER: &str = r#"{"SignatureVersion":"SigV4","CipherSuite":"TLS_AES_128_GCM_SHA256","bytesTransferredIn":0,"AuthenticationMethod":"AuthHeader","x-amz-id-2":"$t75=","bytesTransferredOut":$n4}"#;

#[rustfmt::skip] // One API, one row.
const S3: &[ApiSpec] = &[
    r("ListBuckets", r#"{"Host":"s3.$region.amazonaws.com"}"#).with(TRANSFER),
    r("GetBucketLocation", r#"{"bucketName":"$bucket","location":"","Host":"s3.$region.amazonaws.com"}"#).with(TRANSFER).on("AWS::S3::Bucket", BUCKET),
    r("GetBucketAcl", r#"{"bucketName":"$bucket","acl":"","Host":"$bucket.s3.$region.amazonaws.com"}"#).with(TRANSFER).on("AWS::S3::Bucket", BUCKET),
    r("GetBucketPolicy", r#"{"bucketName":"$bucket","policy":"","Host":"$bucket.s3.$region.amazonaws.com"}"#).with(TRANSFER).on("AWS::S3::Bucket", BUCKET).fails("NoSuchBucketPolicy", "The bucket policy does not exist"),
    r("GetBucketPolicyStatus", r#"{"bucketName":"$bucket","policyStatus":"","Host":"$bucket.s3.$region.amazonaws.com"}"#).on("AWS::S3::Bucket", BUCKET).fails("NoSuchBucketPolicy", "The bucket policy does not exist"),
    r("GetBucketPublicAccessBlock", r#"{"bucketName":"$bucket","publicAccessBlock":"","Host":"$bucket.s3.$region.amazonaws.com"}"#).with(TRANSFER).on("AWS::S3::Bucket", BUCKET).fails("NoSuchPublicAccessBlockConfiguration", "The public access block configuration was not found"),
    r("GetBucketEncryption", r#"{"bucketName":"$bucket","encryption":"","Host":"$bucket.s3.$region.amazonaws.com"}"#).on("AWS::S3::Bucket", BUCKET),
    r("GetBucketVersioning", r#"{"bucketName":"$bucket","versioning":"","Host":"$bucket.s3.$region.amazonaws.com"}"#).on("AWS::S3::Bucket", BUCKET),
    r("GetBucketTagging", r#"{"bucketName":"$bucket","tagging":"","Host":"$bucket.s3.$region.amazonaws.com"}"#).on("AWS::S3::Bucket", BUCKET).fails("NoSuchTagSet", "The TagSet does not exist"),
    r("GetBucketLogging", r#"{"bucketName":"$bucket","logging":"","Host":"$bucket.s3.$region.amazonaws.com"}"#).on("AWS::S3::Bucket", BUCKET),
    r("GetBucketLifecycle", r#"{"bucketName":"$bucket","lifecycle":"","Host":"$bucket.s3.$region.amazonaws.com"}"#).on("AWS::S3::Bucket", BUCKET).fails("NoSuchLifecycleConfiguration", "The lifecycle configuration does not exist"),
    r("GetBucketReplication", r#"{"bucketName":"$bucket","replication":"","Host":"$bucket.s3.$region.amazonaws.com"}"#).on("AWS::S3::Bucket", BUCKET).fails("ReplicationConfigurationNotFoundError", "The replication configuration was not found"),
    r("GetBucketWebsite", r#"{"bucketName":"$bucket","website":"","Host":"$bucket.s3.$region.amazonaws.com"}"#).on("AWS::S3::Bucket", BUCKET).fails("NoSuchWebsiteConfiguration", "The specified bucket does not have a website configuration"),
    r("GetAccountPublicAccessBlock", r#"{"publicAccessBlock":"","Host":"$account.s3-control.$region.amazonaws.com"}"#).fails("NoSuchPublicAccessBlockConfiguration", "The public access block configuration was not found"),
    r("HeadObject", r#"{"bucketName":"$bucket","Host":"$bucket.s3.$region.amazonaws.com","key":"$object"}"#).with(TRANSFER).on("AWS::S3::Object", OBJECT).of(EventKind::Data).fails("NoSuchKey", "The specified key does not exist."),
    r("GetObject", r#"{"bucketName":"$bucket","Host":"$bucket.s3.$region.amazonaws.com","key":"$object"}"#).with(TRANSFER).on("AWS::S3::Object", OBJECT).of(EventKind::Data).fails("NoSuchKey", "The specified key does not exist."),
    r("ListObjects", r#"{"list-type":"2","bucketName":"$bucket","encoding-type":"url","prefix":"orders/2026/09/","Host":"$bucket.s3.$region.amazonaws.com"}"#).with(TRANSFER).on("AWS::S3::Object", "arn:aws:s3:::$bucket/").of(EventKind::Data),
    w("PutObject", r#"{"bucketName":"$bucket","Host":"$bucket.s3.$region.amazonaws.com","key":"$object","x-amz-server-side-encryption":"aws:kms"}"#, r#"{"x-amz-server-side-encryption":"aws:kms","x-amz-server-side-encryption-aws-kms-key-id":"arn:aws:kms:$region:$account:key/$key"}"#).with(TRANSFER).on("AWS::S3::Object", OBJECT).of(EventKind::Data).fails("SlowDown", "Please reduce your request rate."),
    w("DeleteObject", r#"{"bucketName":"$bucket","Host":"$bucket.s3.$region.amazonaws.com","key":"$object"}"#, "null").with(TRANSFER).on("AWS::S3::Object", OBJECT).of(EventKind::Data),
    w("CreateBucket", r#"{"bucketName":"example-scratch-$d6","Host":"s3.$region.amazonaws.com","CreateBucketConfiguration":{"LocationConstraint":"$region","xmlns":"http://s3.amazonaws.com/doc/2006-03-01/"}}"#, "null").with(TRANSFER).fails("BucketAlreadyOwnedByYou", "Your previous request to create the named bucket succeeded and you already own it."),
    w("DeleteBucket", r#"{"bucketName":"example-scratch-$d6","Host":"s3.$region.amazonaws.com"}"#, "null").with(TRANSFER).fails("BucketNotEmpty", "The bucket you tried to delete is not empty"),
    w("PutBucketPolicy", r#"{"bucketName":"$bucket","bucketPolicy":{"Version":"2012-10-17","Statement":[{"Sid":"TLSOnly","Effect":"Deny","Principal":"*","Action":"s3:*","Resource":["arn:aws:s3:::$bucket/*"],"Condition":{"Bool":{"aws:SecureTransport":"false"}}}]},"policy":"","Host":"s3.$region.amazonaws.com"}"#, "null").with(TRANSFER).on("AWS::S3::Bucket", BUCKET).fails("MalformedPolicy", "Invalid principal in policy"),
    w("PutBucketTagging", r#"{"bucketName":"$bucket","tagging":"","Tagging":{"TagSet":{"Tag":[{"Key":"cost-centre","Value":"4200"}]}}}"#, "null").on("AWS::S3::Bucket", BUCKET),
    w("PutBucketLifecycle", r#"{"bucketName":"$bucket","lifecycle":"","LifecycleConfiguration":{"Rule":{"ID":"expire","Status":"Enabled","Expiration":{"Days":90}}}}"#, "null").on("AWS::S3::Bucket", BUCKET),
];

#[rustfmt::skip] // One API, one row.
const DYNAMODB: &[ApiSpec] = &[
    r("GetItem", r#"{"tableName":"$table","key":{"pk":"HIDDEN_DUE_TO_SECURITY_REASONS"},"consistentRead":true}"#).on("AWS::DynamoDB::Table", "arn:aws:dynamodb:$region:$account:table/$table").of(EventKind::Data),
    r("Query", r#"{"tableName":"$table","indexName":"by-day","limit":100,"scanIndexForward":false}"#).on("AWS::DynamoDB::Table", "arn:aws:dynamodb:$region:$account:table/$table").of(EventKind::Data).fails("ProvisionedThroughputExceededException", "The level of configured provisioned throughput for the table was exceeded. Consider increasing your provisioning level with the UpdateTable API."),
    r("DescribeTable", r#"{"tableName":"$table"}"#).on("AWS::DynamoDB::Table", "arn:aws:dynamodb:$region:$account:table/$table").fails("ResourceNotFoundException", "Requested resource not found: Table: $table-old not found"),
    r("ListTables", r#"{"limit":100}"#),
    r("DescribeContinuousBackups", r#"{"tableName":"$table"}"#),
    r("DescribeTimeToLive", r#"{"tableName":"$table"}"#),
    w("PutItem", r#"{"tableName":"$table","key":{"pk":"HIDDEN_DUE_TO_SECURITY_REASONS"},"items":["pk","sk","total","currency","status"],"conditionExpression":"attribute_not_exists(pk)"}"#, "null").on("AWS::DynamoDB::Table", "arn:aws:dynamodb:$region:$account:table/$table").of(EventKind::Data).fails("ConditionalCheckFailedException", "The conditional request failed"),
    w("UpdateTable", r#"{"tableName":"$table","billingMode":"PAY_PER_REQUEST"}"#, r#"{"tableDescription":{"tableName":"$table","tableStatus":"UPDATING","tableArn":"arn:aws:dynamodb:$region:$account:table/$table","itemCount":$n6,"tableSizeBytes":$n9}}"#).on("AWS::DynamoDB::Table", "arn:aws:dynamodb:$region:$account:table/$table").fails("ResourceInUseException", "Attempt to change a resource which is still in use: Table is being updated: $table"),
    w("CreateTable", r#"{"tableName":"scratch-$d6","billingMode":"PAY_PER_REQUEST","attributeDefinitions":[{"attributeName":"pk","attributeType":"S"}],"keySchema":[{"attributeName":"pk","keyType":"HASH"}]}"#, r#"{"tableDescription":{"tableName":"scratch-$d6","tableStatus":"CREATING","itemCount":0}}"#),
];

#[rustfmt::skip] // One API, one row.
const RDS: &[ApiSpec] = &[
    r("DescribeDBInstances", r#"{"dBInstanceIdentifier":"$database","maxRecords":100}"#).fails("DBInstanceNotFound", "DBInstance $database-old not found."),
    r("DescribeDBClusters", r#"{"maxRecords":100}"#),
    r("DescribeDBSnapshots", r#"{"dBInstanceIdentifier":"$database","snapshotType":"manual"}"#),
    r("DescribeDBParameterGroups", "null"),
    r("DescribeEvents", r#"{"sourceType":"db-instance","duration":1440}"#),
    r("ListTagsForResource", r#"{"resourceName":"arn:aws:rds:$region:$account:db:$database"}"#),
    r("DownloadDBLogFilePortion", r#"{"dBInstanceIdentifier":"$database","logFileName":"error/postgresql.log.2026-09-14-10","numberOfLines":1000}"#),
    w("CreateDBSnapshot", r#"{"dBSnapshotIdentifier":"nightly-$d8","dBInstanceIdentifier":"$database","tags":[{"key":"keep","value":"14"}]}"#, r#"{"dBSnapshotIdentifier":"nightly-$d8","dBInstanceIdentifier":"$database","engine":"postgres","engineVersion":"16.4","allocatedStorage":500,"status":"creating","availabilityZone":"$region$letter","vpcId":"$vpc","masterUsername":"shop","snapshotType":"manual","percentProgress":0,"encrypted":true,"dBSnapshotArn":"arn:aws:rds:$region:$account:snapshot:nightly-$d8"}"#).fails("SnapshotQuotaExceeded", "Cannot create more than 100 manual snapshots"),
    w("ModifyDBInstance", r#"{"dBInstanceIdentifier":"$database","allocatedStorage":600,"applyImmediately":false,"masterUserPassword":"****"}"#, r#"{"dBInstanceIdentifier":"$database","dBInstanceClass":"db.r6g.xlarge","engine":"postgres","dBInstanceStatus":"available","pendingModifiedValues":{"allocatedStorage":600}}"#).fails("InvalidDBInstanceState", "Database instance is not in available state."),
    w("RebootDBInstance", r#"{"dBInstanceIdentifier":"$database"}"#, r#"{"dBInstanceIdentifier":"$database","dBInstanceStatus":"rebooting"}"#),
    w("DeleteDBSnapshot", r#"{"dBSnapshotIdentifier":"nightly-$d8"}"#, r#"{"dBSnapshotIdentifier":"nightly-$d8","status":"deleted"}"#).fails("DBSnapshotNotFound", "DBSnapshot not found: nightly-$d8"),
];

const KEY: &str = "arn:aws:kms:$region:$account:key/$key";

#[rustfmt::skip] // One API, one row.
const KMS: &[ApiSpec] = &[
    r("Decrypt", r#"{"encryptionContext":{"aws:s3:arn":"arn:aws:s3:::$bucket"},"keyId":"arn:aws:kms:$region:$account:key/$key","encryptionAlgorithm":"SYMMETRIC_DEFAULT"}"#).on("AWS::KMS::Key", KEY),
    r("GenerateDataKey", r#"{"keyId":"arn:aws:kms:$region:$account:key/$key","keySpec":"AES_256","encryptionContext":{"aws:s3:arn":"arn:aws:s3:::$bucket"}}"#).on("AWS::KMS::Key", KEY),
    r("Encrypt", r#"{"keyId":"arn:aws:kms:$region:$account:key/$key","encryptionAlgorithm":"SYMMETRIC_DEFAULT","encryptionContext":{"PARAMETER_ARN":"arn:aws:ssm:$region:$account:parameter$param"}}"#).on("AWS::KMS::Key", KEY),
    r("DescribeKey", r#"{"keyId":"arn:aws:kms:$region:$account:key/$key"}"#).on("AWS::KMS::Key", KEY).fails("NotFoundException", "Key 'arn:aws:kms:$region:$account:key/$uuid' does not exist"),
    r("ListAliases", r#"{"limit":100}"#),
    r("ListKeys", r#"{"limit":1000}"#),
    r("GetKeyRotationStatus", r#"{"keyId":"arn:aws:kms:$region:$account:key/$key"}"#).on("AWS::KMS::Key", KEY),
    r("GetKeyPolicy", r#"{"keyId":"arn:aws:kms:$region:$account:key/$key","policyName":"default"}"#).on("AWS::KMS::Key", KEY),
    w("CreateGrant", r#"{"keyId":"arn:aws:kms:$region:$account:key/$key","operations":["Decrypt","Encrypt","GenerateDataKeyWithoutPlaintext"],"granteePrincipal":"arn:aws:iam::$account:role/aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling","constraints":{"encryptionContextSubset":{"aws:ebs:id":"$volume"}}}"#, r#"{"grantId":"$h64","keyId":"arn:aws:kms:$region:$account:key/$key"}"#).on("AWS::KMS::Key", KEY),
    w("RetireGrant", r#"{"keyId":"arn:aws:kms:$region:$account:key/$key"}"#, "null").on("AWS::KMS::Key", KEY),
    w("RotateKey", "null", "null").on("AWS::KMS::Key", KEY).of(EventKind::ServiceEvent),
];

#[rustfmt::skip] // One API, one row.
const SECRETS_MANAGER: &[ApiSpec] = &[
    r("GetSecretValue", r#"{"secretId":"$secret"}"#).fails("ResourceNotFoundException", "Secrets Manager can't find the specified secret."),
    r("DescribeSecret", r#"{"secretId":"arn:aws:secretsmanager:$region:$account:secret:$secret-$h6"}"#),
    r("ListSecrets", r#"{"maxResults":100}"#),
    w("PutSecretValue", r#"{"secretId":"$secret","clientRequestToken":"$uuid"}"#, r#"{"arn":"arn:aws:secretsmanager:$region:$account:secret:$secret-$h6","name":"$secret","versionId":"$uuid"}"#),
    w("RotationSucceeded", "null", "null").of(EventKind::ServiceEvent),
];

#[rustfmt::skip] // One API, one row.
const SQS: &[ApiSpec] = &[
    r("GetQueueAttributes", r#"{"queueUrl":"https://sqs.$region.amazonaws.com/$account/$queue","attributeNames":["All"]}"#).fails("AWS.SimpleQueueService.NonExistentQueue", "The specified queue does not exist."),
    r("ListQueues", r#"{"maxResults":1000}"#),
    r("GetQueueUrl", r#"{"queueName":"$queue"}"#).fails("AWS.SimpleQueueService.NonExistentQueue", "The specified queue does not exist."),
    w("SetQueueAttributes", r#"{"queueUrl":"https://sqs.$region.amazonaws.com/$account/$queue","attributes":{"VisibilityTimeout":"120"}}"#, "null"),
    w("PurgeQueue", r#"{"queueUrl":"https://sqs.$region.amazonaws.com/$account/$queue"}"#, "null").fails("AWS.SimpleQueueService.PurgeQueueInProgress", "Only one PurgeQueue operation on $queue is allowed every 60 seconds."),
];

#[rustfmt::skip] // One API, one row.
const SNS: &[ApiSpec] = &[
    r("GetTopicAttributes", r#"{"topicArn":"arn:aws:sns:$region:$account:$topic"}"#).fails("NotFoundException", "Topic does not exist"),
    r("ListTopics", "null"),
    r("ListSubscriptionsByTopic", r#"{"topicArn":"arn:aws:sns:$region:$account:$topic"}"#),
    w("Publish", r#"{"topicArn":"arn:aws:sns:$region:$account:$topic","message":"HIDDEN_DUE_TO_SECURITY_REASONS","subject":"HIDDEN_DUE_TO_SECURITY_REASONS"}"#, r#"{"messageId":"$uuid"}"#).on("AWS::SNS::Topic", "arn:aws:sns:$region:$account:$topic").of(EventKind::Data),
    w("Subscribe", r#"{"topicArn":"arn:aws:sns:$region:$account:$topic","protocol":"email","endpoint":"HIDDEN_DUE_TO_SECURITY_REASONS","returnSubscriptionArn":true}"#, r#"{"subscriptionArn":"arn:aws:sns:$region:$account:$topic:$uuid"}"#),
];

#[rustfmt::skip] // One API, one row.
const KINESIS: &[ApiSpec] = &[
    r("DescribeStreamSummary", r#"{"streamName":"clickstream"}"#).fails("ResourceNotFoundException", "Stream clickstream-old under account $account not found."),
    r("ListShards", r#"{"streamName":"clickstream"}"#),
    r("ListStreams", r#"{"limit":100}"#),
    w("UpdateShardCount", r#"{"streamName":"clickstream","targetShardCount":$n1,"scalingType":"UNIFORM_SCALING"}"#, r#"{"streamName":"clickstream","currentShardCount":4}"#).fails("LimitExceededException", "Rate exceeded for stream clickstream"),
];

#[rustfmt::skip] // One API, one row.
const GLUE: &[ApiSpec] = &[
    r("GetTable", r#"{"databaseName":"lake","name":"$table"}"#).fails("EntityNotFoundException", "Entity Not Found"),
    r("GetTables", r#"{"databaseName":"lake","maxResults":100}"#),
    r("GetDatabases", r#"{"maxResults":100}"#),
    r("GetPartitions", r#"{"databaseName":"lake","tableName":"$table","expression":"day >= '2026-09-01'"}"#),
    r("GetJobRun", r#"{"jobName":"curate-orders","runId":"jr_$h64"}"#),
    w("StartJobRun", r#"{"jobName":"curate-orders","arguments":{"--day":"2026-09-14","--conf":"HIDDEN_DUE_TO_SECURITY_REASONS"}}"#, r#"{"jobRunId":"jr_$h64"}"#).fails("ConcurrentRunsExceededException", "Concurrent runs exceeded for curate-orders"),
    w("BatchCreatePartition", r#"{"databaseName":"lake","tableName":"$table","partitionInputList":[{"values":["2026-09-14"],"storageDescriptor":{"location":"s3://example-data-lake-curated/$table/day=2026-09-14/","compressed":true,"numberOfBuckets":-1}}]}"#, r#"{"errors":[]}"#),
    w("UpdateTable", r#"{"databaseName":"lake","tableInput":{"name":"$table","tableType":"EXTERNAL_TABLE","parameters":{"classification":"parquet"}}}"#, "null").fails("ConcurrentModificationException", "Update table failed due to concurrent modifications."),
];

#[rustfmt::skip] // One API, one row.
const ATHENA: &[ApiSpec] = &[
    r("GetQueryExecution", r#"{"queryExecutionId":"$uuid"}"#).fails("InvalidRequestException", "QueryExecution $uuid was not found"),
    r("GetQueryResults", r#"{"queryExecutionId":"$uuid","maxResults":1000}"#),
    r("ListWorkGroups", r#"{"maxResults":50}"#),
    r("GetWorkGroup", r#"{"workGroup":"$workgroup"}"#),
    w("StartQueryExecution", r#"{"queryString":"***OMITTED***","clientRequestToken":"$uuid","queryExecutionContext":{"database":"lake"},"resultConfiguration":{"outputLocation":"s3://example-data-lake-curated/athena/"},"workGroup":"$workgroup"}"#, r#"{"queryExecutionId":"$uuid"}"#).fails("InvalidRequestException", "line 3:8: Column 'customer_naem' cannot be resolved"),
    w("StopQueryExecution", r#"{"queryExecutionId":"$uuid"}"#, "null"),
];

#[rustfmt::skip] // One API, one row.
const REDSHIFT_DATA: &[ApiSpec] = &[
    r("DescribeStatement", r#"{"id":"$uuid"}"#).fails("ResourceNotFoundException", "Query does not exist."),
    w("ExecuteStatement", r#"{"workgroupName":"$workgroup","database":"reporting","sql":"HIDDEN_DUE_TO_SECURITY_REASONS","withEvent":false}"#, r#"{"id":"$uuid","createdAt":"$now","database":"reporting","workgroupName":"$workgroup"}"#).fails("ActiveStatementsExceededException", "Active statements exceeded the allowed quota (500)."),
];

#[rustfmt::skip] // One API, one row.
const ELASTICACHE: &[ApiSpec] = &[
    r("DescribeReplicationGroups", r#"{"maxRecords":100}"#),
    r("DescribeCacheClusters", r#"{"maxRecords":100,"showCacheNodeInfo":true}"#),
    w("ModifyReplicationGroup", r#"{"replicationGroupId":"shop-basket","applyImmediately":true,"cacheNodeType":"cache.r7g.large"}"#, r#"{"replicationGroupId":"shop-basket","status":"modifying"}"#),
];

#[rustfmt::skip] // One API, one row.
const EMR: &[ApiSpec] = &[
    r("ListClusters", r#"{"clusterStates":["RUNNING","WAITING"]}"#),
    r("DescribeCluster", r#"{"clusterId":"j-$d8"}"#),
    // The only API here that returns its error in a successful response.
    w("AddJobFlowSteps", r#"{"jobFlowId":"j-$d8","steps":[{"name":"recommender","actionOnFailure":"CONTINUE","hadoopJarStep":{"jar":"command-runner.jar","args":["HIDDEN_DUE_TO_SECURITY_REASONS"]}}]}"#, r#"{"errorCode":"ValidationException","errorMessage":"Maximum number of active steps(State = 'Running', 'Pending' or 'Cancel_Pending') for cluster exceeded."}"#),
];

#[rustfmt::skip] // One API, one row.
const BACKUP: &[ApiSpec] = &[
    r("ListRecoveryPointsByBackupVault", r#"{"backupVaultName":"nightly","maxResults":100}"#),
    r("DescribeBackupJob", r#"{"backupJobId":"$uuid"}"#),
    w("StartBackupJob", r#"{"backupVaultName":"nightly","resourceArn":"arn:aws:rds:$region:$account:db:$database","iamRoleArn":"arn:aws:iam::$account:role/service-role/AWSBackupDefaultServiceRole","idempotencyToken":"$uuid"}"#, r#"{"backupJobId":"$uuid","creationDate":"$now","isParent":false}"#),
    w("BackupJobCompleted", "null", "null").of(EventKind::ServiceEvent),
];

#[rustfmt::skip] // One API, one row.
const BEDROCK: &[ApiSpec] = &[
    r("InvokeModel", r#"{"modelId":"anthropic.claude-example-v1:0"}"#).fails("ThrottlingException", "Too many requests, please wait before trying again."),
    r("ListFoundationModels", "null"),
];

#[rustfmt::skip] // One API, one row.
const SAGEMAKER: &[ApiSpec] = &[
    r("DescribeTrainingJob", r#"{"trainingJobName":"recommender-$d6"}"#),
    r("ListEndpoints", r#"{"maxResults":100}"#),
    w("CreateTrainingJob", r#"{"trainingJobName":"recommender-$d6","roleArn":"arn:aws:iam::$account:role/data-pipeline","resourceConfig":{"instanceType":"ml.m5.xlarge","instanceCount":1,"volumeSizeInGB":50},"stoppingCondition":{"maxRuntimeInSeconds":3600}}"#, r#"{"trainingJobArn":"arn:aws:sagemaker:$region:$account:training-job/recommender-$d6"}"#).fails("ResourceLimitExceeded", "The account-level service limit 'ml.m5.xlarge for training job usage' is 2 Instances, with current utilization of 2 Instances and a request delta of 1 Instances."),
];

#[rustfmt::skip] // One API, one row.
const STATES: &[ApiSpec] = &[
    r("DescribeExecution", r#"{"executionArn":"arn:aws:states:$region:$account:execution:order-flow:$uuid"}"#),
    r("ListStateMachines", r#"{"maxResults":100}"#),
    w("StartExecution", r#"{"stateMachineArn":"arn:aws:states:$region:$account:stateMachine:order-flow","name":"$uuid","input":"HIDDEN_DUE_TO_SECURITY_REASONS"}"#, r#"{"executionArn":"arn:aws:states:$region:$account:execution:order-flow:$uuid","startDate":"$now"}"#).fails("ExecutionAlreadyExists", "Execution Already Exists: 'arn:aws:states:$region:$account:execution:order-flow:$uuid'"),
];

#[rustfmt::skip] // One API, one row.
const EVENTS: &[ApiSpec] = &[
    r("ListRules", r#"{"limit":100}"#),
    r("DescribeRule", r#"{"name":"nightly-report"}"#).fails("ResourceNotFoundException", "Rule nightly-old does not exist on EventBus default."),
    w("PutRule", r#"{"name":"nightly-report","scheduleExpression":"cron(0 2 * * ? *)","state":"ENABLED"}"#, r#"{"ruleArn":"arn:aws:events:$region:$account:rule/nightly-report"}"#),
    w("PutTargets", r#"{"rule":"nightly-report","targets":[{"id":"1","arn":"arn:aws:lambda:$region:$account:function:nightly-report"}]}"#, r#"{"failedEntryCount":0,"failedEntries":[]}"#),
];

#[rustfmt::skip] // One API, one row.
const API_GATEWAY: &[ApiSpec] = &[
    r("GetRestApis", r#"{"limit":500}"#),
    r("GetStages", r#"{"restApiId":"a1b2$h6"}"#).fails("NotFoundException", "Invalid API identifier specified"),
    w("CreateDeployment", r#"{"restApiId":"a1b2$h6","createDeploymentInput":{"stageName":"live","description":"$h12"}}"#, r#"{"id":"$h6","createdDate":"$now"}"#),
];

#[rustfmt::skip] // One API, one row.
const COGNITO: &[ApiSpec] = &[
    r("DescribeUserPool", r#"{"userPoolId":"$region_Example1"}"#),
    r("ListUserPools", r#"{"maxResults":60}"#),
    w("InitiateAuth", r#"{"authFlow":"USER_SRP_AUTH","authParameters":"HIDDEN_DUE_TO_SECURITY_REASONS","clientId":"HIDDEN_DUE_TO_SECURITY_REASONS"}"#, r#"{"challengeName":"PASSWORD_VERIFIER","challengeParameters":"HIDDEN_DUE_TO_SECURITY_REASONS"}"#).fails("NotAuthorizedException", "Incorrect username or password."),
    w("RespondToAuthChallenge", r#"{"challengeName":"PASSWORD_VERIFIER","challengeResponses":"HIDDEN_DUE_TO_SECURITY_REASONS","clientId":"HIDDEN_DUE_TO_SECURITY_REASONS"}"#, r#"{"authenticationResult":{"tokenType":"Bearer","accessToken":"HIDDEN_DUE_TO_SECURITY_REASONS","expiresIn":3600}}"#).fails("NotAuthorizedException", "Incorrect username or password."),
];

#[rustfmt::skip] // One API, one row.
const CLOUDFRONT: &[ApiSpec] = &[
    r("ListDistributions", r#"{"maxItems":"100"}"#),
    r("GetDistribution", r#"{"id":"E1EXAMPLE$d4"}"#).fails("NoSuchDistribution", "The specified distribution does not exist."),
    w("CreateInvalidation", r#"{"distributionId":"E1EXAMPLE0001","invalidationBatch":{"paths":{"quantity":1,"items":["/*"]},"callerReference":"$uuid"}}"#, r#"{"location":"https://cloudfront.amazonaws.com/2020-05-31/distribution/E1EXAMPLE0001/invalidation/I$h12","invalidation":{"id":"I$h12","status":"InProgress","createTime":"$now"}}"#).fails("TooManyInvalidationsInProgress", "Processing your request will cause you to exceed the maximum number of in-progress wildcard invalidations."),
];

#[rustfmt::skip] // One API, one row.
const ROUTE53: &[ApiSpec] = &[
    r("ListHostedZones", r#"{"maxItems":"100"}"#),
    r("ListResourceRecordSets", r#"{"hostedZoneId":"$zone","maxItems":"300"}"#).fails("NoSuchHostedZone", "No hosted zone found with ID: $zone"),
    r("GetChange", r#"{"id":"C$h16"}"#),
    w("ChangeResourceRecordSets", r#"{"hostedZoneId":"$zone","changeBatch":{"changes":[{"action":"UPSERT","resourceRecordSet":{"name":"$domain","type":"A","tTL":60,"resourceRecords":[{"value":"192.0.2.$d2"}]}}]}}"#, r#"{"changeInfo":{"id":"/change/C$h16","status":"PENDING","submittedAt":"$now"}}"#).fails("InvalidChangeBatch", "[Tried to create resource record set [name='$domain', type='A'] but it already exists]"),
];

#[rustfmt::skip] // One API, one row.
const ACM: &[ApiSpec] = &[
    r("ListCertificates", r#"{"maxItems":1000}"#),
    r("DescribeCertificate", r#"{"certificateArn":"arn:aws:acm:$region:$account:certificate/$uuid"}"#),
];

#[rustfmt::skip] // One API, one row.
const WAF: &[ApiSpec] = &[
    r("ListWebACLs", r#"{"scope":"REGIONAL"}"#),
    r("GetWebACL", r#"{"name":"shop","scope":"REGIONAL","id":"$uuid"}"#).fails("WAFNonexistentItemException", "AWS WAF couldn't perform the operation because your resource doesn't exist."),
    w("UpdateIPSet", r#"{"name":"blocked","scope":"REGIONAL","id":"$uuid","addresses":["203.0.113.0/28"],"lockToken":"$uuid"}"#, r#"{"nextLockToken":"$uuid"}"#).fails("WAFOptimisticLockException", "AWS WAF couldn't save your changes because someone changed the resource after you started to edit it."),
];

#[rustfmt::skip] // One API, one row.
const SES: &[ApiSpec] = &[
    r("GetSendQuota", "null"),
    r("ListIdentities", r#"{"maxItems":100}"#),
    w("SendEmail", r#"{"source":"HIDDEN_DUE_TO_SECURITY_REASONS","destination":"HIDDEN_DUE_TO_SECURITY_REASONS","configurationSetName":"shop"}"#, r#"{"messageId":"0100$h12-$uuid-000000"}"#).of(EventKind::Data).fails("MessageRejected", "Email address is not verified."),
];
