//! What calls do to the resources that they name.

use super::*;

/// The resources of a call with these request parameters and response elements.
fn of(source: &str, name: &str, request: &str, response: &str) -> Vec<String> {
    resources(
        source,
        name,
        &format!(r#""requestParameters":{request},"responseElements":{response}"#),
    )
}

#[test]
fn parents_are_changed_and_what_is_used_is_read() {
    let cases: &[(&str, &str, &str, &str, &[&str])] = &[
        (
            "ec2",
            "CreateSubnet",
            r#"{"vpcId":"vpc-01234567"}"#,
            r#"{"subnet":{"subnetId":"subnet-01234567"}}"#,
            &[
                "Created ec2:subnet/subnet-01234567",
                "Changed ec2:vpc/vpc-01234567",
            ],
        ),
        (
            "ec2",
            "CreateVolume",
            r#"{"snapshotId":"snap-01234567"}"#,
            r#"{"volumeId":"vol-01234567","snapshotId":"snap-01234567"}"#,
            &[
                "Created ec2:volume/vol-01234567",
                "Read ec2:snapshot/snap-01234567",
            ],
        ),
        (
            "ec2",
            "CreateNatGateway",
            r#"{"CreateNatGatewayRequest":{"AllocationId":"eipalloc-01234567","SubnetId":"subnet-01234567"}}"#,
            r#"{"CreateNatGatewayResponse":{"natGateway":{"natGatewayId":"nat-01234567"}}}"#,
            &[
                "Created ec2:natgateway/nat-01234567",
                "Read ec2:elastic-ip/eipalloc-01234567",
                "Read ec2:subnet/subnet-01234567",
            ],
        ),
        (
            "ec2",
            "CreateRoute",
            r#"{"routeTableId":"rtb-01234567","gatewayId":"igw-01234567"}"#,
            r#"{"_return":true}"#,
            &[
                "Changed ec2:route-table/rtb-01234567",
                "Read ec2:internet-gateway/igw-01234567",
            ],
        ),
        (
            "ec2",
            "AttachVolume",
            r#"{"volumeId":"vol-01234567","instanceId":"i-01234567"}"#,
            "null",
            &[
                "Changed ec2:instance/i-01234567",
                "Changed ec2:volume/vol-01234567",
            ],
        ),
        (
            "ec2",
            "TerminateInstances",
            r#"{"instancesSet":{"items":[{"instanceId":"i-01234567"},{"instanceId":"i-89abcdef"}]}}"#,
            "null",
            &[
                "Deleted ec2:instance/i-01234567",
                "Deleted ec2:instance/i-89abcdef",
            ],
        ),
        (
            "ec2",
            "DescribeClassicLinkInstances",
            r#"{"instancesSet":{"item":[{"instanceId":"i-01234567"}]}}"#,
            "null",
            &["Read ec2:instance/i-01234567"],
        ),
        (
            "ec2",
            "DeleteFlowLogs",
            r#"{"DeleteFlowLogsRequest":{"FlowLogId":{"tag":1,"content":"fl-0123456789abcdef0"}}}"#,
            "null",
            &["Deleted ec2:vpc-flow-log/fl-0123456789abcdef0"],
        ),
        (
            "ec2",
            "DeleteTransitGatewayVpcAttachment",
            r#"{"DelTGwVpcAttachReq":{"TransitGatewayAttachmentId":"tgw-attach-01234567"}}"#,
            "null",
            &["Deleted ec2:transit-gateway-attachment/tgw-attach-01234567"],
        ),
        (
            "logs",
            "DeleteLogStream",
            r#"{"logGroupName":"/app","logStreamName":"1"}"#,
            "null",
            &[
                "Deleted logs:eu-west-1:111122223333:log-stream//app:1",
                "Changed logs:eu-west-1:111122223333:log-group//app",
            ],
        ),
        (
            "s3",
            "PutBucketVersioning",
            r#"{"bucketName":"logs"}"#,
            "null",
            &["Changed s3:bucket/logs"],
        ),
        (
            "s3",
            "DeleteBucketPolicy",
            r#"{"bucketName":"logs"}"#,
            "null",
            &["Changed s3:bucket/logs"],
        ),
        // Clusters of Aurora are billed by their resource id.
        (
            "rds",
            "CreateDBCluster",
            r#"{"dBClusterIdentifier":"Orders"}"#,
            r#"{"dBClusterArn":"arn:aws:rds:eu-west-1:111122223333:cluster:orders","dbClusterResourceId":"cluster-ABCDEFGHIJKLMNOPQRSTUVWXYZ"}"#,
            &[
                "Created rds:cluster/cluster-abcdefghijklmnopqrstuvwxyz",
                "Created rds:eu-west-1:111122223333:cluster/orders",
            ],
        ),
        (
            "ecs",
            "CreateService",
            r#"{"cluster":"arn:aws:ecs:eu-west-1:111122223333:cluster/web","serviceName":"api"}"#,
            "null",
            &[
                "Created ecs:eu-west-1:111122223333:service/web/api",
                "Changed ecs:eu-west-1:111122223333:cluster/web",
            ],
        ),
    ];
    for (source, name, request, response, expected) in cases {
        assert_eq!(of(source, name, request, response), *expected, "{name}");
    }
}

#[test]
fn permissions_are_granted() {
    let role = "iam::111122223333:role/deploy";
    let arn = "arn:aws:iam::111122223333:role/deploy";
    let cases: &[(&str, &str, String, &[&str])] = &[
        ("sts", "AssumeRole", format!(r#"{{"roleArn":"{arn}"}}"#), &[&format!("Granted {role}")]),
        ("lambda", "CreateFunction20150331", format!(r#"{{"functionName":"resize","role":"{arn}"}}"#),
         &["Created lambda:eu-west-1:111122223333:function/resize", &format!("Granted {role}")]),
        ("newservice", "CreateGizmo", format!(r#"{{"gizmoName":"mine","actsAs":"{arn}"}}"#),
         &["Created newservice:eu-west-1:111122223333:gizmo/mine", &format!("Granted {role}")]),
        ("newservice", "DescribeGizmo", format!(r#"{{"gizmoName":"mine","actsAs":"{arn}"}}"#),
         &[&format!("Read {role}"), "Read newservice:eu-west-1:111122223333:gizmo/mine"]),
        ("iam", "AttachUserPolicy", r#"{"userName":"ada","policyArn":"arn:aws:iam::aws:policy/AdministratorAccess"}"#.to_owned(),
         &["Granted iam::aws:policy/AdministratorAccess", "Changed iam::111122223333:user/ada"]),
        ("iam", "UpdateAssumeRolePolicy", r#"{"roleName":"deploy"}"#.to_owned(), &[&format!("Changed {role}")]),
        ("ec2", "ModifySnapshotAttribute", r#"{"snapshotId":"snap-01234567","createVolumePermission":{"add":{"items":[{"userId":"444455556666"}]}}}"#.to_owned(),
         &["Granted ec2:snapshot/snap-01234567"]),
        ("ec2", "ModifySnapshotAttribute", r#"{"snapshotId":"snap-01234567","createVolumePermission":{"remove":{}}}"#.to_owned(),
         &["Changed ec2:snapshot/snap-01234567"]),
    ];
    for (source, name, request, expected) in cases {
        assert_eq!(
            of(source, name, request, "null"),
            *expected,
            "{name} {request}"
        );
    }
}

#[test]
fn a_call_without_user_name_acts_on_the_caller() {
    let caller = |arn: &str| {
        format!(r#""requestParameters":null,"userIdentity":{{"type":"IAMUser","arn":"{arn}"}}"#)
    };
    let found = resources(
        "iam",
        "CreateAccessKey",
        &caller("arn:aws:iam::111122223333:user/team/ada"),
    );
    assert_eq!(found, ["Changed iam::111122223333:user/ada"]);
}

#[test]
fn targets_that_name_an_instance_are_instances() {
    let targets =
        |values: &str| format!(r#"{{"targets":[{{"key":"InstanceIds","values":{values}}}]}}"#);
    let found = |values| of("ssm", "SendCommand", &targets(values), "null");
    assert_eq!(
        found(r#"["i-01234567","i-89abcdef"]"#),
        [
            "Changed ec2:instance/i-01234567",
            "Changed ec2:instance/i-89abcdef"
        ]
    );
    // All instances of the account, and the value of a tag.
    assert_eq!(found(r#"["*"]"#), <[&str; 0]>::default());
    assert_eq!(found(r#"["web"]"#), <[&str; 0]>::default());
}

#[test]
fn listed_resources_have_the_account_beside_them() {
    let members = r#""readOnly":true,"resources":[
        {"accountId":"444455556666","type":"AWS::KMS::Key","ARN":"arn:aws:kms:eu-west-1:444455556666:key/1"},
        {"accountId":"444455556666","type":"AWS::SQS::Queue","ARN":"jobs"},
        {"type":"AWS::S3::Object","ARNPrefix":"arn:aws:s3:::logs/"}, 7, {"type":"AWS::S3::Bucket"}]"#;
    let expected = [
        "Read kms:eu-west-1:444455556666:key/1",
        "Read s3:bucket/logs",
        "Read sqs:eu-west-1:444455556666:queue/jobs",
    ];
    assert_eq!(resources("kms", "Decrypt", members), expected);
}

#[test]
fn a_resource_that_is_named_twice_is_one() {
    let json = r#"{"eventSource":"s3.amazonaws.com","eventName":"DeleteBucket","requestParameters":{"bucketName":"logs"},
        "resources":[{"type":"AWS::S3::Bucket","ARN":"arn:aws:s3:::logs","accountId":"111122223333"}]}"#;
    let found = resources_of(&record(json));
    let [bucket] = &found.list[..] else {
        panic!("{found:?}");
    };
    assert_eq!(
        (bucket.role, bucket.source, bucket.written.as_str()),
        (ResourceRole::Deleted, ResourceSource::Listed, "logs")
    );
    assert_eq!(bucket.arn.as_deref(), Some("arn:aws:s3:::logs"));
}

#[test]
fn resources_of_unknown_events_are_guessed() {
    let cases: &[(&str, &str, &str, &str)] = &[
        (
            "CreateGizmo",
            r#"{"name":"mine"}"#,
            r#"{"gizmo":{"arn":"arn:aws:newservice:eu-west-1:111122223333:gizmo/mine"}}"#,
            "Created newservice:eu-west-1:111122223333:gizmo/mine",
        ),
        (
            "CreateGizmo",
            r#"{"gizmoName":"mine"}"#,
            "null",
            "Created newservice:eu-west-1:111122223333:gizmo/mine",
        ),
        (
            "CreateGizmo",
            r#"{"name":"other"}"#,
            r#"{"gizmoId":"mine"}"#,
            "Created newservice:eu-west-1:111122223333:gizmo/mine",
        ),
        (
            "DeleteGizmo",
            r#"{"gizmoIdentifier":"mine"}"#,
            "null",
            "Deleted newservice:eu-west-1:111122223333:gizmo/mine",
        ),
        (
            "BatchUpdateGizmos",
            r#"{"gizmoId":"mine"}"#,
            "null",
            "Changed newservice:eu-west-1:111122223333:gizmo/mine",
        ),
        (
            "DescribeGizmo20200131",
            r#"{"gizmo":"mine"}"#,
            "null",
            "Read newservice:eu-west-1:111122223333:gizmo/mine",
        ),
        (
            "TagResource",
            r#"{"resourceArn":"arn:aws:newservice:eu-west-1:111122223333:gizmo/mine"}"#,
            "null",
            "Changed newservice:eu-west-1:111122223333:gizmo/mine",
        ),
    ];
    for (name, request, response, expected) in cases {
        let json = format!(
            r#"{{"eventSource":"newservice.amazonaws.com","eventName":"{name}","awsRegion":"eu-west-1","recipientAccountId":"111122223333","requestParameters":{request},"responseElements":{response}}}"#
        );
        let found = resources_of(&record(&json));
        let [one] = &found.list[..] else {
            panic!("{json}: {found:?}");
        };
        assert_eq!(format!("{:?} {}", one.role, one.key), *expected, "{json}");
        assert_eq!(
            (one.source, one.kind),
            (ResourceSource::Guessed, ResourceKind::UNKNOWN)
        );
    }
    assert_eq!(
        of("newservice", "CreateGizmo", r#"{"size":1}"#, "null"),
        <[&str; 0]>::default()
    );
}

#[test]
fn a_record_has_a_limited_number_of_resources() {
    let instances: Vec<_> = (0..1_500)
        .map(|n| format!(r#"{{"instanceId":"i-{n:08x}"}}"#))
        .collect();
    let json = format!(
        r#"{{"eventSource":"ec2.amazonaws.com","eventName":"StopInstances","requestParameters":{{"instancesSet":{{"items":[{}]}}}}}}"#,
        instances.join(",")
    );
    let found = resources_of(&record(&json));
    assert_eq!(found.list.len(), MAX_RESOURCES_PER_RECORD);
    assert!(found.left_out >= 500, "{}", found.left_out);
}
