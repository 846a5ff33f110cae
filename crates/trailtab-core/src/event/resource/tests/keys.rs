//! The same resource has the same key, however it is written.

use super::*;
use crate::scope::{AccountId, Region};

/// The key of a text of a service in eu-west-1 of account 111122223333.
fn key(service: &str, text: &str) -> Option<String> {
    key_with(service, None, text)
}

fn key_with(service: &str, kind: Option<&str>, text: &str) -> Option<String> {
    let account: AccountId = "111122223333".parse().unwrap();
    let region: Region = "eu-west-1".parse().unwrap();
    let context = ResourceContext {
        account: Some(account),
        region: Some(&region),
        service: Some(service),
        kind: kind.map(ResourceKind::of_type),
    };
    ResourceKey::of_text(text, &context).map(|key| key.to_string())
}

#[test]
fn all_spellings_of_a_resource_have_one_key() {
    // Each: the key, the service as a bill or event source has it, and texts without further context.
    let cases: &[(&str, &str, &[&str])] = &[
        (
            "ec2:instance/i-0123456789abcdef0",
            "AmazonEC2",
            &[
                "i-0123456789abcdef0",
                "arn:aws:ec2:us-east-1:444455556666:instance/i-0123456789abcdef0",
                "arn:aws:ec2:::instance/i-0123456789abcdef0",
                "arn:aws-us-gov:ec2:us-gov-west-1:444455556666:instance/i-0123456789abcdef0",
                "instance/i-0123456789abcdef0",
            ],
        ),
        (
            "ec2:elastic-ip/eipalloc-0123456789abcdef0",
            "ec2",
            &[
                "eipalloc-0123456789abcdef0",
                "arn:aws:ec2:eu-west-1:111122223333:elastic-ip/eipalloc-0123456789abcdef0",
                "arn:aws:ec2:eu-west-1:111122223333:eip-allocation/eipalloc-0123456789abcdef0",
            ],
        ),
        (
            "elasticfilesystem:file-system/fs-0123456789abcdef0",
            "AmazonEFS",
            &["fs-0123456789abcdef0"],
        ),
        (
            "fsx:file-system/fs-0123456789abcdef0",
            "AmazonFSx",
            &[
                "fs-0123456789abcdef0",
                "arn:aws:fsx:eu-west-1:111122223333:file-system/fs-0123456789abcdef0",
            ],
        ),
        (
            "rds:cluster/cluster-abcdefghijklmnopqrstuvwxyz",
            "AmazonRDS",
            &[
                "cluster:cluster-ABCDEFGHIJKLMNOPQRSTUVWXYZ",
                "arn:aws:rds:us-east-1:444455556666:cluster:cluster-ABCDEFGHIJKLMNOPQRSTUVWXYZ",
                "arn:aws:rds:us-east-1:444455556666:cluster:cluster-abcdefghijklmnopqrstuvwxyz",
            ],
        ),
        (
            "rds:eu-west-1:111122223333:cluster/cluster-of-mine",
            "rds",
            &[
                "arn:aws:rds:eu-west-1:111122223333:cluster:cluster-of-mine",
                "cluster:Cluster-Of-Mine",
            ],
        ),
        (
            "rds:eu-west-1:111122223333:db/orders",
            "rds.amazonaws.com",
            &[
                "Orders",
                "arn:aws:rds:eu-west-1:111122223333:db:orders",
                "db:orders",
            ],
        ),
        (
            "s3:bucket/logs",
            "AmazonS3",
            &[
                "logs",
                "arn:aws:s3:::logs",
                "arn:aws:s3:::logs/*",
                "arn:aws:s3:::logs/",
                "arn:aws-cn:s3:::logs",
            ],
        ),
        (
            "s3:object/logs/2026/09/a.json",
            "s3",
            &["arn:aws:s3:::logs/2026/09/a.json"],
        ),
        (
            "s3:eu-west-1:111122223333:accesspoint/public",
            "s3",
            &[
                "arn:aws:s3:eu-west-1:111122223333:accesspoint/public",
                "arn:aws:s3:eu-west-1:111122223333:accesspoint/public/object/a",
            ],
        ),
        (
            "lambda:eu-west-1:111122223333:function/resize",
            "AWSLambda",
            &[
                "resize",
                "resize:7",
                "resize:$LATEST",
                "function:resize",
                "111122223333:function:resize",
                "arn:aws:lambda:eu-west-1:111122223333:function:resize",
                "arn:aws:lambda:eu-west-1:111122223333:function:resize:live",
            ],
        ),
        (
            "logs:eu-west-1:111122223333:log-group//aws/lambda/resize",
            "logs",
            &[
                "/aws/lambda/resize",
                "arn:aws:logs:eu-west-1:111122223333:log-group:/aws/lambda/resize",
                "arn:aws:logs:eu-west-1:111122223333:log-group:/aws/lambda/resize:*",
            ],
        ),
        (
            "logs:eu-west-1:111122223333:log-stream//aws/lambda/resize:2026/[1]a",
            "logs",
            &[
                "arn:aws:logs:eu-west-1:111122223333:log-group:/aws/lambda/resize:log-stream:2026/[1]a",
            ],
        ),
        (
            "iam::111122223333:role/deploy",
            "iam",
            &[
                "arn:aws:iam::111122223333:role/deploy",
                "arn:aws:iam::111122223333:role/service-role/deploy",
                "arn:aws:sts::111122223333:assumed-role/deploy/session",
                "role/team/deploy",
            ],
        ),
        (
            "iam::aws:policy/AdministratorAccess",
            "iam",
            &["arn:aws:iam::aws:policy/AdministratorAccess"],
        ),
        (
            "kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab",
            "awskms",
            &[
                "1234abcd-12ab-34cd-56ef-1234567890ab",
                "key/1234abcd-12ab-34cd-56ef-1234567890ab",
                "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab",
            ],
        ),
        (
            "kms:eu-west-1:111122223333:alias/aws/s3",
            "kms",
            &[
                "alias/aws/s3",
                "arn:aws:kms:eu-west-1:111122223333:alias/aws/s3",
            ],
        ),
        (
            "sqs:eu-west-1:111122223333:queue/jobs",
            "AWSQueueService",
            &[
                "jobs",
                "arn:aws:sqs:eu-west-1:111122223333:jobs",
                "https://sqs.eu-west-1.amazonaws.com/111122223333/jobs",
                "https://eu-west-1.queue.amazonaws.com/111122223333/jobs",
            ],
        ),
        (
            "sns:eu-west-1:111122223333:topic/alerts",
            "AmazonSNS",
            &["alerts", "arn:aws:sns:eu-west-1:111122223333:alerts"],
        ),
        (
            "dynamodb:eu-west-1:111122223333:table/orders",
            "AmazonDynamoDB",
            &[
                "orders",
                "table/orders",
                "arn:aws:dynamodb:eu-west-1:111122223333:table/orders",
                "arn:aws:dynamodb:eu-west-1:111122223333:table/orders/index/by-day",
                "arn:aws:dynamodb:eu-west-1:111122223333:table/orders/stream/2026-09-07T08:00:00.000",
            ],
        ),
        (
            "ecs:eu-west-1:111122223333:task/0123456789abcdef0123456789abcdef",
            "ecs",
            &[
                "arn:aws:ecs:eu-west-1:111122223333:task/0123456789abcdef0123456789abcdef",
                "arn:aws:ecs:eu-west-1:111122223333:task/web/0123456789abcdef0123456789abcdef",
            ],
        ),
        (
            "elasticloadbalancing:eu-west-1:111122223333:loadbalancer/app/web/0123456789abcdef",
            "AWSELB",
            &[
                "arn:aws:elasticloadbalancing:eu-west-1:111122223333:loadbalancer/app/web/0123456789abcdef",
                "app/web/0123456789abcdef",
            ],
        ),
        (
            "elasticloadbalancing:eu-west-1:111122223333:loadbalancer/classic",
            "AWSELB",
            &[
                "arn:aws:elasticloadbalancing:eu-west-1:111122223333:loadbalancer/classic",
                "classic",
            ],
        ),
        (
            "cloudfront:distribution/E2EXAMPLE",
            "AmazonCloudFront",
            &[
                "E2EXAMPLE",
                "arn:aws:cloudfront::111122223333:distribution/E2EXAMPLE",
            ],
        ),
        (
            "route53:hostedzone/Z0EXAMPLE",
            "AmazonRoute53",
            &[
                "Z0EXAMPLE",
                "/hostedzone/Z0EXAMPLE",
                "arn:aws:route53:::hostedzone/Z0EXAMPLE",
            ],
        ),
        (
            "secretsmanager:eu-west-1:111122223333:secret/db-secret",
            "AWSSecretsManager",
            &[
                "db-secret",
                "arn:aws:secretsmanager:eu-west-1:111122223333:secret:db-secret-a1B2c3",
            ],
        ),
        (
            "autoscaling:eu-west-1:111122223333:autoScalingGroup/web",
            "autoscaling",
            &[
                "web",
                "arn:aws:autoscaling:eu-west-1:111122223333:autoScalingGroup:12345678-1234-1234-1234-123456789012:autoScalingGroupName/web",
            ],
        ),
        (
            "glue:eu-west-1:111122223333:crawler/daily",
            "AWSGlue",
            &[
                "crawler/daily",
                "arn:aws:glue:eu-west-1:111122223333:crawler/daily",
            ],
        ),
        (
            "glue:eu-west-1:111122223333:devEndpoint/mine",
            "AWSGlue",
            &[
                "devEndpoint/mine",
                "arn:aws:glue:eu-west-1:111122223333:devEndpoint/mine",
            ],
        ),
        (
            "cloudformation:eu-west-1:111122223333:stack/web",
            "cloudformation",
            &[
                "web",
                "arn:aws:cloudformation:eu-west-1:111122223333:stack/web/12345678-1234-1234-1234-123456789012",
            ],
        ),
        (
            "eks:eu-west-1:111122223333:nodegroup/prod/blue",
            "eks",
            &[
                "arn:aws:eks:eu-west-1:111122223333:nodegroup/prod/blue/12345678-1234-1234-1234-123456789012",
            ],
        ),
        (
            "kafka:eu-west-1:111122223333:cluster/events",
            "AmazonMSK",
            &[
                "events",
                "arn:aws:kafka:eu-west-1:111122223333:cluster/events/12345678-1234-1234-1234-123456789012-1",
            ],
        ),
        (
            "ssm:eu-west-1:111122223333:parameter/app/password",
            "ssm",
            &[
                "parameter/app/password",
                "arn:aws:ssm:eu-west-1:111122223333:parameter/app/password",
            ],
        ),
        (
            "apigateway:eu-west-1:111122223333:stages/a1b2c3/prod",
            "AmazonApiGateway",
            &["arn:aws:apigateway:eu-west-1::/restapis/a1b2c3/stages/prod"],
        ),
        (
            "wafv2:eu-west-1:111122223333:webacl/12345678-1234-1234-1234-123456789012",
            "wafv2",
            &[
                "arn:aws:wafv2:eu-west-1:111122223333:regional/webacl/web/12345678-1234-1234-1234-123456789012",
            ],
        ),
        (
            "sagemaker:eu-west-1:111122223333:notebook-instance/mine",
            "AmazonSageMaker",
            &[
                "notebook-instance/Mine",
                "arn:aws:sagemaker:eu-west-1:111122223333:notebook-instance/mine",
            ],
        ),
        // A service and a kind that the table does not have.
        (
            "newservice:eu-west-1:111122223333:gizmogroup/a/b",
            "newservice",
            &[
                "arn:aws:newservice:eu-west-1:111122223333:gizmo-group/a/b",
                "arn:aws:newservice:eu-west-1:111122223333:GizmoGroup:a/b",
                "arn:aws:newservice:eu-west-1:111122223333:gizmo-group/a/b/*",
            ],
        ),
    ];
    for (expected, service, texts) in cases {
        for text in *texts {
            assert_eq!(
                key(service, text).as_deref(),
                Some(*expected),
                "{service} {text}"
            );
        }
        assert_eq!(key(service, expected).as_deref(), Some(*expected));
        assert_eq!(
            expected
                .parse::<ResourceKey>()
                .map(|key| key.to_string())
                .as_deref(),
            Ok(*expected)
        );
    }
}

#[test]
fn a_kind_tells_what_a_name_names() {
    let cases = [
        ("iam", "AWS::IAM::User", "ada", "iam::111122223333:user/ada"),
        (
            "ec2",
            "AWS::EC2::SecurityGroup",
            "sg-1",
            "ec2:security-group/sg-1",
        ),
        // Only ids are unique in the world.
        (
            "ec2",
            "AWS::EC2::SecurityGroup",
            "default",
            "ec2:eu-west-1:111122223333:security-group/default",
        ),
        (
            "kms",
            "AWS::KMS::Key",
            "alias/mine",
            "kms:eu-west-1:111122223333:alias/mine",
        ),
        (
            "ssm",
            "AWS::SSM::Parameter",
            "/app/password",
            "ssm:eu-west-1:111122223333:parameter/app/password",
        ),
        // An ARN is believed before the kind.
        (
            "ssm",
            "AWS::EC2::Instance",
            "arn:aws:s3:::logs",
            "s3:bucket/logs",
        ),
        (
            "ssm",
            "AWS::EC2::Instance",
            "mi-0123456789abcdef0",
            "ssm:managed-instance/mi-0123456789abcdef0",
        ),
        // A repository may be named as an instance.
        (
            "ecr",
            "AWS::ECR::Repository",
            "i-0123456789abcdef0",
            "ecr:eu-west-1:111122223333:repository/i-0123456789abcdef0",
        ),
    ];
    for (service, kind, text, expected) in cases {
        assert_ne!(ResourceKind::of_type(kind), ResourceKind::UNKNOWN, "{kind}");
        assert_eq!(
            key_with(service, Some(kind), text).as_deref(),
            Some(expected),
            "{kind} {text}"
        );
    }
}

#[test]
fn what_is_not_known_is_empty() {
    let nothing = ResourceContext::default();
    let key = |text| ResourceKey::of_text(text, &nothing).map(|key| key.to_string());
    assert_eq!(
        key("arn:aws:sns:::alerts").as_deref(),
        Some("sns:::topic/alerts")
    );
    assert_eq!(
        key("i-0123456789abcdef0").as_deref(),
        Some("ec2:instance/i-0123456789abcdef0")
    );
    let context = ResourceContext {
        service: Some("newservice"),
        ..nothing
    };
    let of_service = ResourceKey::of_text("mine/*", &context).map(|key| key.to_string());
    assert_eq!(of_service.as_deref(), Some("newservice:::resource/mine"));
    // Without a service, a name names nothing.
    assert_eq!(key("alerts"), None);
}

#[test]
fn what_names_nothing_has_no_key() {
    let long = "a".repeat(2_049);
    for text in [
        "",
        " ",
        "*",
        "-",
        "null",
        "HIDDEN_DUE_TO_SECURITY_REASONS",
        "arn:aws:s3:::",
        "arn:aws:s3:::*",
        "/",
        &long,
    ] {
        assert_eq!(key("s3", text), None, "{text}");
    }
    for text in [
        "ec2:instance/x",
        "lambda:eu-west-1:1:function/a",
        "s3",
        "s3:bucket/",
        "arn:aws:s3:::logs",
        "S3:bucket/a",
    ] {
        assert_eq!(
            text.parse::<ResourceKey>(),
            Err(InvalidResourceKey),
            "{text}"
        );
    }
}
