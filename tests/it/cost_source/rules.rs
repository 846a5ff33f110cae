//! The contents of responses: groups, totals, pages and rounding.

use std::collections::HashMap;

use aws_sdk_costexplorer::types::{
    CostCategoryValues, Expression, Granularity, GroupDefinitionType, ResultByTime,
};

use super::{
    ANN, BOB, ask, bill, by, by_dimension, client, client_in, day, dimension, server, sum, tag,
    told,
};
use crate::support::aws::{Bill, Charge, Fault, decimal};
use aws_sdk_costexplorer::types::Dimension::{LinkedAccount, RecordType, Service};

#[tokio::test]
async fn totals_are_of_days_and_the_end_is_left_out() {
    let server = server(bill());
    let client = client(&server).await;
    let page = ask(&client, day(10, 31), day(11, 4)).send().await.unwrap();
    assert_eq!(
        told(&page),
        [
            "2026-10-31: 100 USD",
            "2026-11-01: 13.0000000289 USD",
            "2026-11-02: -0.5 USD",
            "2026-11-03: 0 USD"
        ]
    );
    let estimated: Vec<_> = page
        .results_by_time()
        .iter()
        .map(ResultByTime::estimated)
        .collect();
    assert_eq!(
        estimated,
        [false, true, true, true],
        "this month is not closed"
    );
    assert!(page.results_by_time()[0].groups().is_empty());
    let request = ask(&client, day(10, 1), day(11, 21)).granularity(Granularity::Monthly);
    let page = request.metrics("AmortizedCost").send().await.unwrap();
    assert_eq!(page.results_by_time().len(), 2);
    let october = page.results_by_time()[0].total().unwrap();
    assert_eq!(october["UnblendedCost"].amount(), Some("100"));
    assert_eq!(october["AmortizedCost"].amount(), Some("7"));
}

#[tokio::test]
async fn groups_have_no_total_and_days_may_have_no_groups() {
    let server = server(bill());
    let client = client(&server).await;
    let accounts = by_dimension("LINKED_ACCOUNT");
    let request = ask(&client, day(11, 1), day(11, 5)).group_by(accounts);
    let page = request
        .group_by(by_dimension("RECORD_TYPE"))
        .send()
        .await
        .unwrap();
    assert_eq!(
        told(&page),
        [
            "2026-11-01: 111122223333, Usage 11 USD",
            "2026-11-01: 444455556666, Usage 2.0000000289 USD",
            "2026-11-02: 444455556666, Credit -0.5 USD",
            "2026-11-03: nothing",
            // Support belongs to no account, and is missing here.
            "2026-11-04: 111122223333, Tax 3.2 USD",
        ]
    );
    assert!(
        page.results_by_time()
            .iter()
            .all(|day| day.total().is_some_and(HashMap::is_empty))
    );
    let names = page.dimension_value_attributes().iter().map(|account| {
        let attributes = account.attributes().unwrap();
        format!("{} {}", account.value().unwrap(), attributes["description"])
    });
    assert_eq!(
        names.collect::<Vec<_>>(),
        ["111122223333 Management", "444455556666 Lab, \"quoted\""]
    );
    let request = ask(&client, day(11, 1), day(11, 5)).group_by(by_dimension("RECORD_TYPE"));
    let page = request.send().await.unwrap();
    assert!(told(&page).contains(&"2026-11-04: Support 29 USD".to_owned()));
    assert!(page.dimension_value_attributes().is_empty());
}

#[tokio::test]
async fn values_of_tags_follow_their_key() {
    let server = server(bill());
    let client = client(&server).await;
    let owner = by(GroupDefinitionType::Tag, "Owner");
    let page = ask(&client, day(11, 1), day(11, 2))
        .group_by(owner)
        .send()
        .await
        .unwrap();
    assert_eq!(
        told(&page),
        [
            "2026-11-01: Owner$ 0.0000000289 USD",
            "2026-11-01: Owner$Ann@example.com 2 USD",
            "2026-11-01: Owner$a$b 0.75 USD",
            "2026-11-01: Owner$ann@example.com 10.25 USD",
        ]
    );
    let team = by(GroupDefinitionType::CostCategory, "Team");
    let page = ask(&client, day(11, 1), day(11, 2))
        .group_by(team)
        .send()
        .await
        .unwrap();
    assert_eq!(
        told(&page),
        [
            "2026-11-01: Team$ 13 USD",
            "2026-11-01: Team$x$y 0.0000000289 USD"
        ]
    );
}

#[tokio::test]
async fn filters_are_trees() {
    let server = server(bill());
    let client = client(&server).await;
    let of = async |filter: Expression| {
        let request = ask(&client, day(11, 1), day(11, 5)).filter(filter);
        sum(&request.send().await.unwrap()).normalize().to_string()
    };
    let and = |one, other| Expression::builder().and(one).and(other).build();
    let or = |one, other| Expression::builder().or(one).or(other).build();
    let not = |filter| Expression::builder().not(filter).build();
    assert_eq!(of(dimension(LinkedAccount, BOB)).await, "1.5000000289");
    assert_eq!(of(dimension(Service, "of nobody")).await, "0");
    assert_eq!(of(tag("Owner", &["ann@example.com"])).await, "10.25");
    assert_eq!(
        of(tag("Owner", &["ann@example.com", "Ann@example.com"])).await,
        "12.25"
    );
    // Without values, and with an empty one, it is the absence of the tag.
    let untagged = "31.7000000289";
    assert_eq!(of(tag("Owner", &[])).await, untagged);
    assert_eq!(of(tag("Owner", &[""])).await, untagged);
    let usage = || dimension(RecordType, "Usage");
    assert_eq!(of(and(usage(), tag("Owner", &[]))).await, "0.0000000289");
    assert_eq!(
        of(and(not(usage()), dimension(LinkedAccount, ANN))).await,
        "3.2"
    );
    let either = or(
        dimension(RecordType, "Tax"),
        dimension(RecordType, "Credit"),
    );
    assert_eq!(of(either).await, "2.7");
    let team = CostCategoryValues::builder()
        .key("Team")
        .values("x$y")
        .build();
    assert_eq!(
        of(Expression::builder().cost_categories(team).build()).await,
        "0.0000000289"
    );
}

#[tokio::test]
async fn pages_are_cut_anywhere_and_may_be_empty() {
    let whole = server(bill());
    let group = || by(GroupDefinitionType::Tag, "Owner");
    let request = ask(&client(&whole).await, day(10, 31), day(11, 6)).group_by(group());
    let whole = told(&request.send().await.unwrap());
    for (size, empty) in [(1, false), (2, true), (3, false)] {
        let bill = bill().page(size);
        let server = server(if empty { bill.empty_pages() } else { bill });
        server.fail(1, Fault::EmptyPage, |request| request.nth == 2);
        let client = client(&server).await;
        let mut token: Option<String> = None;
        let mut all = Vec::new();
        loop {
            let request = ask(&client, day(10, 31), day(11, 6)).group_by(group());
            let page = request.set_next_page_token(token).send().await.unwrap();
            all.extend(told(&page));
            token = page.next_page_token().map(str::to_owned);
            if token.is_none() {
                break;
            }
        }
        assert_eq!(all, whole);
        let pages = whole.len().div_ceil(size);
        let empty = 1 + if empty { pages - 1 } else { 0 };
        assert_eq!(server.requests().len(), pages + empty);
        assert_eq!(server.violations(), [""; 0]);
    }
}

#[tokio::test]
async fn amounts_are_rounded_and_currencies_stay_apart() {
    let charge = |amount: &str| Charge::new(day(11, 1), ANN, "S3", amount);
    let third = "0.33333333333";
    let charges = vec![
        charge(third),
        charge(third),
        charge(third),
        charge("5").currency("CNY"),
    ];
    let server = server(Bill::new(charges).estimated_from(day(11, 2)));
    let request = ask(&client(&server).await, day(11, 1), day(11, 2));
    let page = request
        .group_by(by_dimension("SERVICE"))
        .send()
        .await
        .unwrap();
    assert_eq!(
        told(&page),
        ["2026-11-01: S3 5 CNY", "2026-11-01: S3 1 USD"]
    );
    assert!(!page.results_by_time()[0].estimated());
    assert_eq!(decimal("1.3E-9").to_string(), "0.0000000013");
}

#[tokio::test]
async fn members_see_their_own() {
    let server = server(bill());
    let client = client_in(&server, BOB, "us-east-1").await;
    let page = ask(&client, day(10, 31), day(11, 5)).send().await.unwrap();
    assert_eq!(sum(&page), decimal("1.5000000289"));
}
