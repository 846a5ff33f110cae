//! Invalid requests and injected faults.

use aws_sdk_costexplorer::types::{
    Expression, Granularity, GroupDefinitionType, MatchOption, TagValues,
};
use serde_json::json;

use super::{
    ANN, NOW, ask, bill, by, by_dimension, client, client_in, code, day, dimension, server, tag,
};
use crate::support::aws::{Fault, Outcome, Server, World};
use aws_sdk_costexplorer::types::Dimension::{self, LinkedAccount, RecordType};

const INVALID: &str = "ValidationException";

#[tokio::test]
async fn questions_that_make_no_sense() {
    let server = server(bill());
    let client = client(&server).await;
    let month = || ask(&client, day(11, 1), day(11, 21));
    // Days.
    assert_eq!(code(ask(&client, day(11, 2), day(11, 2))).await, INVALID);
    assert_eq!(code(ask(&client, day(11, 22), day(11, 23))).await, INVALID);
    let year = day(11, 1).with().year(2025).build().unwrap();
    let first = year.with().month(10).build().unwrap();
    assert_eq!(
        code(ask(&client, first.yesterday().unwrap(), day(11, 1))).await,
        INVALID
    );
    assert!(ask(&client, first, day(11, 1)).send().await.is_ok());
    assert!(
        ask(&client, day(11, 21), day(11, 22)).send().await.is_ok(),
        "today"
    );
    assert_eq!(
        code(month().granularity(Granularity::Hourly)).await,
        "DataUnavailableException"
    );
    // What is measured.
    assert_eq!(code(month().metrics("ListCost")).await, INVALID);
    assert_eq!(code(month().set_metrics(None)).await, INVALID);
    // Groups.
    let three = ["SERVICE", "REGION", "LINKED_ACCOUNT"].map(by_dimension);
    assert_eq!(
        code(month().set_group_by(Some(three.into()))).await,
        INVALID
    );
    assert_eq!(
        code(month().group_by(by_dimension("CHARGE_TYPE"))).await,
        INVALID
    );
    assert_eq!(
        code(month().group_by(by(GroupDefinitionType::Tag, ""))).await,
        INVALID
    );
    let twice = ["SERVICE", "SERVICE"].map(by_dimension);
    assert_eq!(
        code(month().set_group_by(Some(twice.into()))).await,
        INVALID
    );
    // Filters.
    let usage = || dimension(RecordType, "Usage");
    let wrong = [
        Expression::builder().build(),
        Expression::builder().and(usage()).build(),
        Expression::builder().set_or(Some(Vec::new())).build(),
        Expression::builder()
            .not(usage())
            .or(usage())
            .or(usage())
            .build(),
        Expression::builder()
            .not(Expression::builder().build())
            .build(),
        dimension(Dimension::from("CHARGE_TYPE"), "Usage"),
        tag("", &["x"]),
    ];
    for filter in wrong {
        assert_eq!(
            code(month().filter(filter.clone())).await,
            INVALID,
            "{filter:?}"
        );
    }
    for (options, values) in [
        (MatchOption::Absent, Some(vec!["x".to_owned()])),
        (MatchOption::StartsWith, Some(vec!["x".to_owned()])),
    ] {
        let tag = TagValues::builder().key("Owner").set_values(values);
        let filter = Expression::builder().tags(tag.match_options(options).build());
        assert_eq!(code(month().filter(filter.build())).await, INVALID);
    }
    assert!(server.granted("ce:GetCostAndUsage").len() == 2);
}

#[tokio::test]
async fn tokens_are_bound_to_their_question() {
    let server = server(bill().page(1));
    let client = client(&server).await;
    let month = || ask(&client, day(11, 1), day(11, 21)).group_by(by_dimension("SERVICE"));
    let page = month().send().await.unwrap();
    let token = page.next_page_token().unwrap();
    let other = month()
        .filter(dimension(LinkedAccount, ANN))
        .next_page_token(token);
    assert_eq!(code(other).await, "RequestChangedException");
    assert_eq!(
        code(month().next_page_token("x")).await,
        "InvalidNextTokenException"
    );
    assert!(month().next_page_token(token).send().await.is_ok());
    assert_eq!(server.violations().len(), 2);
    server.fail(1, Fault::SameToken, |_| true);
    let page = month().next_page_token(token).send().await.unwrap();
    assert_eq!(page.next_page_token(), Some(token));
}

#[tokio::test]
async fn callers_without_permission_or_cost_explorer_get_errors() {
    let world = World::new(NOW)
        .bill(ANN, bill())
        .deny(ANN, "ce:GetCostAndUsage");
    let denied = Server::start(world.account("777788889999"));
    let month = |client| ask(&client, day(11, 1), day(11, 21));
    assert_eq!(
        code(month(client(&denied).await)).await,
        "AccessDeniedException"
    );
    let stranger = client_in(&denied, "777788889999", "us-east-1").await;
    assert_eq!(code(month(stranger)).await, "DataUnavailableException");
    let server = server(bill());
    let elsewhere = client_in(&server, ANN, "eu-west-1").await;
    assert_eq!(code(month(elsewhere)).await, "InvalidSignatureException");
}

#[tokio::test]
async fn the_rate_is_limited_and_things_break() {
    let server = server(bill().quota(1e-6, 2.0));
    let client = client(&server).await;
    let month = || ask(&client, day(11, 1), day(11, 21));
    assert!(month().send().await.is_ok() && month().send().await.is_ok());
    assert_eq!(code(month()).await, "LimitExceededException");
    let outcomes: Vec<_> = server
        .requests()
        .into_iter()
        .map(|entry| entry.outcome)
        .collect();
    assert_eq!(
        outcomes,
        [Outcome::Granted, Outcome::Granted, Outcome::Throttled]
    );
    assert_eq!(server.granted("ce:GetCostAndUsage").len(), 2);
    let request = &server.requests()[0].request;
    assert_eq!(
        request.parameters["TimePeriod"],
        json!({"Start": "2026-11-01", "End": "2026-11-21"})
    );

    let server = self::server(bill());
    let client = self::client(&server).await;
    let month = || ask(&client, day(11, 1), day(11, 21));
    for fault in [Fault::Drop, Fault::Cut, Fault::Garbage] {
        server.fail(1, fault, |_| true);
        assert_eq!(code(month()).await, "");
    }
    server.fail(1, Fault::error(500, "InternalFailure", ""), |_| true);
    assert_eq!(code(month()).await, "InternalFailure");
    assert!(month().send().await.is_ok());
}
