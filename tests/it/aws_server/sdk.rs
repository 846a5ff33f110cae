//! The clients that the program uses understand what the server says.

use std::fmt::Debug;

use aws_config::retry::RetryConfig;
use aws_config::{AppName, BehaviorVersion, SdkConfig};
use aws_credential_types::Credentials;
use aws_sdk_cloudtrail::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_cloudtrail::primitives::DateTime;
use aws_sdk_cloudtrail::types::LookupAttributeKey::Username;
use aws_sdk_cloudtrail::types::{EventCategory, LookupAttribute};
use aws_sdk_organizations::types::{AccountState, AccountStatus};
use serde_json::json;

use super::client::{ANN, HOUR, NOW, fast, id};
use crate::support::aws::{
    Fault, Key, Member, OptIn, Region, Request, SECRET, Server, World, events,
};

const BOB: &str = "012345678901";

/// Settings that lead to the server, in a region and with a key.
async fn config(server: &Server, region: &'static str, key: Key) -> SdkConfig {
    let credentials = Credentials::new(key.access_key, SECRET, key.session_token, None, "test");
    aws_config::defaults(BehaviorVersion::latest())
        .endpoint_url(server.url())
        .region(region)
        .credentials_provider(credentials)
        .app_name(AppName::new("trailtab").unwrap())
        .retry_config(RetryConfig::disabled())
        .load()
        .await
}

async fn cloudtrail(server: &Server, region: &'static str) -> aws_sdk_cloudtrail::Client {
    let key = server.issue(ANN, f64::INFINITY);
    aws_sdk_cloudtrail::Client::new(&config(server, region, key).await)
}

/// The code and the message of an error.
#[track_caller]
fn error<T: Debug, E: ProvideErrorMetadata, R>(
    result: Result<T, SdkError<E, R>>,
) -> (String, String) {
    let error = result.err().unwrap();
    let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
    (text(error.code()), text(error.message()))
}

/// A server with an organisation of 23 accounts, of which one can look at its events.
fn server() -> Server {
    let events = events(ANN, "us-east-1", 120, NOW - HOUR, NOW, 1);
    let states = [
        "ACTIVE",
        "SUSPENDED",
        "PENDING_CLOSURE",
        "CLOSED",
        "PENDING_ACTIVATION",
    ];
    let member = |number: usize| Member {
        id: match number {
            0 => ANN.to_owned(),
            1 => BOB.to_owned(),
            _ => format!("2000000000{number:02}"),
        },
        name: format!("account {number}"),
        state: states[number.saturating_sub(1) % states.len()],
    };
    let mut world = World::new(NOW)
        .region(ANN, "us-east-1", fast().events(events))
        .region(ANN, "eu-west-1", Region::new().quota(1e-4, 1.0))
        .region(ANN, "me-south-1", Region::new().opt_in(OptIn::Disabled))
        .region(ANN, "af-south-1", Region::new().opt_in(OptIn::Enabled))
        .account(BOB)
        .role(BOB, "audit")
        .deny(BOB, "account:ListRegions")
        .deny(BOB, "cloudtrail:DescribeTrails")
        .organization(ANN, (0..23).map(member).collect());
    for (name, region, everywhere) in [("all", "us-east-1", true), ("one", "eu-west-1", false)] {
        world = world.trail(
            ANN,
            json!({
                "Name": name,
                "TrailARN": format!("arn:aws:cloudtrail:{region}:{ANN}:trail/{name}"),
                "S3BucketName": "logs",
                "HomeRegion": region,
                "IsMultiRegionTrail": everywhere,
                "IsOrganizationTrail": false,
                "LogFileValidationEnabled": true,
            }),
        );
    }
    let key = |start: i64, end: i64| {
        json!({
            "Value": "MIIBCgKC",
            "ValidityStartTime": start as f64,
            "ValidityEndTime": end as f64,
            "Fingerprint": format!("of {start}"),
        })
    };
    Server::start(
        world
            .public_key("us-east-1", key(NOW - HOUR, NOW + HOUR))
            .public_key("us-east-1", key(NOW - 3 * HOUR, NOW - 2 * HOUR)),
    )
}

#[tokio::test]
async fn lookup_events() {
    let server = server();
    let client = cloudtrail(&server, "us-east-1").await;
    let pages = client
        .lookup_events()
        .start_time(DateTime::from_secs_f64((NOW - HOUR) as f64 + 0.25))
        .end_time(DateTime::from_secs(NOW))
        .into_paginator();
    let mut pages = pages.items().send();
    let mut found = Vec::new();
    while let Some(event) = pages.next().await {
        found.push(event.unwrap());
    }
    let truth = server.world().truth(ANN, "us-east-1", NOW - HOUR, NOW);
    assert_eq!(found.len(), 120);
    for (event, truth) in found.iter().zip(truth) {
        assert_eq!(event.event_id(), Some(id(truth).as_str()));
        assert_eq!(event.event_time(), Some(&DateTime::from_secs(truth.time)));
        assert_eq!(event.cloud_trail_event(), Some(truth.record.as_str()));
        assert!(matches!(event.read_only(), Some("true" | "false")));
        assert!(event.event_name().is_some() && event.event_source().is_some());
    }
    let user = LookupAttribute::builder()
        .attribute_key(Username)
        .attribute_value("user-1");
    let request = client
        .lookup_events()
        .lookup_attributes(user.build().unwrap())
        .send();
    let page = request.await.unwrap();
    assert!(!page.events().is_empty());
    assert!(
        page.events()
            .iter()
            .all(|event| event.username() == Some("user-1"))
    );
    let insight = client
        .lookup_events()
        .event_category(EventCategory::Insight)
        .send();
    assert!(insight.await.unwrap().events().is_empty());
    assert_eq!(server.violations(), [""; 0]);
}

#[tokio::test]
async fn errors_of_lookup_events() {
    let server = server();
    let client = cloudtrail(&server, "us-east-1").await;
    let look = || client.lookup_events().send();
    server.fail(1, Fault::throttling(), |_| true);
    let throttled = ("ThrottlingException".to_owned(), "Rate exceeded".to_owned());
    assert_eq!(error(look().await), throttled);
    server.fail(1, Fault::forbidden_by_policy(), |_| true);
    let (code, message) = error(look().await);
    assert_eq!(code, "AccessDeniedException");
    assert!(message.contains("with an explicit deny in a service control policy"));
    for fault in [Fault::Drop, Fault::Cut, Fault::Garbage] {
        server.fail(1, fault, |_| true);
        assert_eq!(error(look().await).0, "");
    }
    for (status, code) in [(500, "InternalFailure"), (503, "ServiceUnavailable")] {
        server.fail(1, Fault::error(status, code, ""), |_| true);
        assert_eq!(error(look().await).0, code);
    }
    server.fail(1, Fault::not_opted_in(), |_| true);
    assert_eq!(error(look().await).0, "OptInRequired");
    let result = client.lookup_events().next_token("x").send().await;
    assert_eq!(error(result).0, "InvalidNextTokenException");
    let result = client.lookup_events().max_results(51).send().await;
    assert_eq!(error(result).0, "InvalidMaxResultsException");
    let (late, early) = (DateTime::from_secs(NOW), DateTime::from_secs(NOW - 1));
    let result = client
        .lookup_events()
        .start_time(late)
        .end_time(early)
        .send();
    assert_eq!(error(result.await).0, "InvalidTimeRangeException");

    let slow = cloudtrail(&server, "eu-west-1").await;
    assert!(slow.lookup_events().send().await.is_ok());
    assert_eq!(error(slow.lookup_events().send().await), throttled);
    for region in ["me-south-1", "mars-1"] {
        let client = cloudtrail(&server, region).await;
        let (code, _) = error(client.lookup_events().send().await);
        assert_eq!(code, "UnrecognizedClientException");
    }
    let ended = config(&server, "us-east-1", server.issue(ANN, 0.0)).await;
    let client = aws_sdk_cloudtrail::Client::new(&ended);
    assert_eq!(
        error(client.lookup_events().send().await).0,
        "ExpiredTokenException"
    );
    let client = aws_sdk_sts::Client::new(&ended);
    assert_eq!(
        error(client.get_caller_identity().send().await).0,
        "ExpiredToken"
    );
    let client = aws_sdk_organizations::Client::new(&ended);
    assert_eq!(
        error(client.list_accounts().send().await).0,
        "ExpiredTokenException"
    );
    let client = aws_sdk_account::Client::new(&ended);
    assert_eq!(
        error(client.list_regions().send().await).0,
        "ExpiredTokenException"
    );
}

#[tokio::test]
async fn trails_and_the_keys_of_their_digests() {
    let server = server();
    let client = cloudtrail(&server, "us-east-1").await;
    let trails = client.describe_trails().send().await.unwrap();
    let [trail] = trails.trail_list() else {
        panic!("{trails:?}");
    };
    assert_eq!(
        (trail.name(), trail.s3_bucket_name()),
        (Some("all"), Some("logs"))
    );
    assert_eq!(trail.is_multi_region_trail(), Some(true));
    let west = cloudtrail(&server, "eu-west-1").await;
    let count = |trails: Vec<_>| trails.len();
    let trails = west.describe_trails().send().await.unwrap();
    assert_eq!(count(trails.trail_list.unwrap()), 2);
    let trails = west
        .describe_trails()
        .include_shadow_trails(false)
        .send()
        .await;
    assert_eq!(count(trails.unwrap().trail_list.unwrap()), 1);
    let trails = west.describe_trails().trail_name_list("all").send().await;
    assert_eq!(count(trails.unwrap().trail_list.unwrap()), 1);

    let keys = client.list_public_keys().send().await.unwrap();
    let [key] = keys.public_key_list() else {
        panic!("{keys:?}");
    };
    assert_eq!(key.value().unwrap().as_ref().len(), 6);
    let start = DateTime::from_secs(NOW - 2 * HOUR);
    let keys = client.list_public_keys().start_time(start).send().await;
    assert_eq!(keys.unwrap().public_key_list().len(), 2);
    let keys = west.list_public_keys().send().await.unwrap();
    assert!(keys.public_key_list().is_empty());

    let bob = config(&server, "us-east-1", server.issue(BOB, 60.0)).await;
    let client = aws_sdk_cloudtrail::Client::new(&bob);
    let denied = error(client.describe_trails().send().await);
    assert_eq!(denied.0, "AccessDeniedException");
}

#[tokio::test]
async fn identities_and_roles() {
    let server = server();
    let ann = config(&server, "us-east-1", server.issue(ANN, 60.0)).await;
    let sts = aws_sdk_sts::Client::new(&ann);
    let identity = sts.get_caller_identity().send().await.unwrap();
    assert_eq!(identity.account(), Some(ANN));
    let role = |name: &str| {
        let arn = format!("arn:aws:iam::{BOB}:role/{name}");
        sts.assume_role()
            .role_arn(arn)
            .role_session_name("me")
            .send()
    };
    let given = role("audit").await.unwrap();
    let arn = "arn:aws:sts::012345678901:assumed-role/audit/me";
    assert_eq!(given.assumed_role_user().unwrap().arn(), arn);
    let given = given.credentials().unwrap();
    let key = Key {
        access_key: given.access_key_id().to_owned(),
        session_token: Some(given.session_token().to_owned()),
        ..server.issue(BOB, 60.0)
    };
    let bob = config(&server, "us-east-1", key).await;
    let identity = aws_sdk_sts::Client::new(&bob)
        .get_caller_identity()
        .send()
        .await;
    assert_eq!(identity.unwrap().arn(), Some(arn));
    assert_eq!(error(role("admin").await).0, "AccessDenied");
    server.fail(1, Fault::error(500, "InternalFailure", ""), |request| {
        request.action == "sts:GetCallerIdentity"
    });
    assert_eq!(
        error(sts.get_caller_identity().send().await).0,
        "InternalFailure"
    );
}

#[tokio::test]
async fn regions() {
    let server = server();
    let ann = config(&server, "us-east-1", server.issue(ANN, 60.0)).await;
    let client = aws_sdk_account::Client::new(&ann);
    let mut pages = client.list_regions().max_results(3).into_paginator().send();
    let mut found = Vec::new();
    while let Some(page) = pages.next().await {
        for region in page.unwrap().regions() {
            let status = region.region_opt_status().unwrap().as_str();
            found.push(format!("{} {status}", region.region_name().unwrap()));
        }
    }
    assert_eq!(
        found,
        [
            "af-south-1 ENABLED",
            "eu-west-1 ENABLED_BY_DEFAULT",
            "me-south-1 DISABLED",
            "us-east-1 ENABLED_BY_DEFAULT"
        ]
    );
    let disabled = aws_sdk_account::types::RegionOptStatus::Disabled;
    let page = client
        .list_regions()
        .region_opt_status_contains(disabled)
        .send()
        .await;
    assert_eq!(page.unwrap().regions().len(), 1);
    let page = client.list_regions().account_id(BOB).send().await.unwrap();
    assert_eq!(page.regions().len(), 1);
    let own = client.list_regions().account_id(ANN).send().await;
    assert_eq!(error(own).0, "AccessDeniedException");
    let bob = config(&server, "us-east-1", server.issue(BOB, 60.0)).await;
    let client = aws_sdk_account::Client::new(&bob);
    assert_eq!(
        error(client.list_regions().send().await).0,
        "AccessDeniedException"
    );
}

#[tokio::test]
async fn organizations() {
    let server = server();
    let ann = config(&server, "us-east-1", server.issue(ANN, 60.0)).await;
    let client = aws_sdk_organizations::Client::new(&ann);
    let organization = client.describe_organization().send().await.unwrap();
    let organization = organization.organization().unwrap();
    assert_eq!(organization.master_account_id(), Some(ANN));
    let mut pages = client.list_accounts().into_paginator().send();
    let (mut sizes, mut accounts) = (Vec::new(), Vec::new());
    while let Some(page) = pages.next().await {
        let mut page = page.unwrap().accounts.unwrap();
        sizes.push(page.len());
        accounts.append(&mut page);
    }
    assert_eq!(sizes, [20, 3]);
    assert_eq!(
        (accounts[1].id(), accounts[1].name()),
        (Some(BOB), Some("account 1"))
    );
    assert_eq!(accounts[4].state(), Some(&AccountState::Closed));
    assert_eq!(accounts[4].status(), Some(&AccountStatus::Suspended));
    server.fail(
        1,
        Fault::error(400, "TooManyRequestsException", ""),
        Request::has_token,
    );
    let page = client.list_accounts().next_token("page-20").send().await;
    assert_eq!(error(page).0, "TooManyRequestsException");
    let page = client.list_accounts().max_results(21).send().await;
    assert_eq!(error(page).0, "InvalidInputException");

    let bob = config(&server, "us-east-1", server.issue(BOB, 60.0)).await;
    let client = aws_sdk_organizations::Client::new(&bob);
    assert!(client.describe_organization().send().await.is_ok());
    assert_eq!(
        error(client.list_accounts().send().await).0,
        "AccessDeniedException"
    );

    let alone = Server::start(World::new(NOW).account(ANN));
    let ann = config(&alone, "us-east-1", alone.issue(ANN, 60.0)).await;
    let client = aws_sdk_organizations::Client::new(&ann);
    let (code, _) = error(client.list_accounts().send().await);
    assert_eq!(code, "AWSOrganizationsNotInUseException");
}
