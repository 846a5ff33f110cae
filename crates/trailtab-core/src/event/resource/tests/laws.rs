//! What holds for all records and all texts.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::scope::{AccountId, Region};

/// Names of members and events that the tables and rules know, and others.
fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        prop::sample::select(vec![
            "arn",
            "items",
            "item",
            "instancesSet",
            "instanceId",
            "roleArn",
            "bucketName",
            "key",
            "content",
            "name",
            "id",
            "CreateVpcRequest",
            "resourceArn",
            "tableName",
            "clusterName",
            "targets",
            "values",
            "logGroupName",
            "logStreamName",
            "ARN",
            "accountId",
            "type",
            "ARNPrefix",
            "functionArn",
            "functionName",
        ])
        .prop_map(str::to_owned),
        "\\PC{0,8}",
    ]
}

/// Texts that look like names of resources, and others.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z]{1,3}(-attach)?-[0-9a-f]{8}",
        "arn:aws:(s3|ec2|iam|lambda|logs|sns|x|wafv2|rds|apigateway):[a-z0-9-]{0,9}:([0-9]{12})?:[a-z]{0,8}[:/]?[a-zA-Z0-9:/*_ -]{0,20}",
        "(s3|ec2|iam|lambda|x):[a-z0-9-]{0,9}:([0-9]{12})?:[a-z]{0,8}/[a-zA-Z0-9:/*_-]{0,12}",
        "(s3|ec2|rds):(bucket|instance|cluster)/[a-zA-Z0-9:/* -]{0,30}",
        "(table|function|cluster|role)[:/][a-zA-Z0-9:/* -]{0,12}",
        "https://sqs\\.[a-z0-9-]{0,9}\\.amazonaws\\.com/([0-9]{12})?/[a-z/*]{0,9}",
        "\\PC{0,40}",
    ]
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        text().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        Just(Value::Null)
    ];
    leaf.prop_recursive(5, 60, 8, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::vec((name(), inner), 0..8)
                .prop_map(|members| members.into_iter().collect()),
        ]
    })
}

fn service() -> impl Strategy<Value = String> {
    prop_oneof![
        prop::sample::select(vec![
            "ec2",
            "s3",
            "iam",
            "lambda",
            "ssm",
            "logs",
            "rds",
            "AmazonEFS",
            "kms",
            "newservice"
        ])
        .prop_map(str::to_owned),
        "\\PC{0,8}",
    ]
}

fn kind() -> impl Strategy<Value = Option<ResourceKind>> {
    prop::option::of(prop::sample::select(
        ResourceKind::all().collect::<Vec<_>>(),
    ))
}

proptest! {
    #[test]
    fn resources_are_distinct_sorted_and_limited(
        source in service(), event in "(Create|Delete|Run|Describe|Put|Attach)?\\PC{0,12}",
        request in value(), response in value(), listed in value(), failed in any::<bool>(),
    ) {
        let mut event = json!({
            "eventSource": source, "eventName": event, "requestParameters": request, "responseElements": response,
            "resources": listed,
        });
        if failed {
            event["errorCode"] = "AccessDenied".into();
        }
        let text = event.to_string();
        let found = resources_of(&record(&text));
        prop_assert!(found.list.len() <= MAX_RESOURCES_PER_RECORD);
        prop_assert!(found.list.is_sorted_by(|a, b| (a.role, &a.key) < (b.role, &b.key)));
        let keys: std::collections::BTreeSet<_> = found.list.iter().map(|resource| &resource.key).collect();
        prop_assert_eq!(keys.len(), found.list.len());
        prop_assert!(!failed || found.list.iter().all(|resource| resource.is_attempt));
        for resource in &found.list {
            prop_assert_eq!(resource.key.as_str().parse(), Ok(resource.key.clone()));
        }
    }

    #[test]
    fn the_key_of_a_key_is_the_key(
        text in text(), service in service(), kind in kind(), account in prop::option::of("[0-9]{12}"), region in "[a-z]{2}-[a-z]{4}-1",
    ) {
        let region: Region = region.parse().unwrap();
        let account: Option<AccountId> = account.map(|account| account.parse().unwrap());
        let context = ResourceContext { account, region: Some(&region), service: Some(&service), kind };
        if let Some(key) = ResourceKey::of_text(&text, &context) {
            prop_assert_eq!(key.as_str().parse(), Ok(key.clone()));
            prop_assert_eq!(ResourceKey::of_text(key.as_str(), &context), Some(key.clone()));
            prop_assert_eq!(ResourceKey::of_text(key.as_str(), &ResourceContext::default()), Some(key));
        }
    }

    #[test]
    fn damaged_records_are_read_as_far_as_they_go(cut in 0_usize..2_000, bytes in prop::collection::vec(any::<u8>(), 0..4)) {
        let mut json = include_str!("documented.jsonl").as_bytes().get(..2_000).unwrap_or_default().to_vec();
        let cut = cut.min(json.len());
        json.splice(cut..(cut + 1).min(json.len()), bytes);
        let name = crate::event::scan::JsonText::plain(b"CreateStack");
        let damaged = EventRecord {
            raw: &json, response_elements: &json, service_event_details: &json, user_identity: &json,
            event_name: Some(name), ..EventRecord::default()
        };
        prop_assert!(resources_of(&damaged).list.len() <= MAX_RESOURCES_PER_RECORD);
    }
}
