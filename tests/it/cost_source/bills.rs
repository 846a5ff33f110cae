//! The fake Cost Explorer gives the sums in the README of real bills.

use aws_sdk_costexplorer::types::{Granularity, GroupDefinitionType};
use jiff::Timestamp;
use jiff::civil::{Date, date};
use rust_decimal::Decimal;

use super::{ANN, ask, by, by_dimension, client, sum};
use crate::real_data::is_skipped;
use crate::support::aws::{Bill, Charge, Server, World, decimal};
use crate::support::bills;

/// Asks for all that was charged until a day, in several ways, of pages of 100 groups.
async fn sums(charges: Vec<Charge>, from: Date, until: Date) -> Vec<Decimal> {
    let now: Timestamp = format!("{until}T12:00:00Z").parse().unwrap();
    let bill = Bill::new(charges).page(100).empty_pages();
    let server = Server::start(World::new(now.as_second()).bill(ANN, bill));
    let client = client(&server).await;
    let owner = by(GroupDefinitionType::Tag, "Owner");
    let ways = [
        vec![],
        vec![by_dimension("SERVICE")],
        vec![by_dimension("LINKED_ACCOUNT"), by_dimension("RECORD_TYPE")],
        vec![by_dimension("LINKED_ACCOUNT"), owner],
    ];
    let mut sums = Vec::new();
    for groups in ways {
        let (mut all, mut token) = (Decimal::ZERO, None);
        loop {
            let request = ask(&client, from, until).set_group_by(Some(groups.clone()));
            let page = request.set_next_page_token(token).send().await.unwrap();
            all += sum(&page);
            token = page.next_page_token().map(str::to_owned);
            if token.is_none() {
                break;
            }
        }
        sums.push(all.round_dp(4));
    }
    let monthly = ask(&client, from, until).granularity(Granularity::Monthly);
    sums.push(sum(&monthly.send().await.unwrap()).round_dp(4));
    sums
}

#[tokio::test]
async fn a_focus_export() {
    if is_skipped() {
        return;
    }
    let (from, until) = (date(2024, 9, 1), date(2024, 10, 1));
    let charges = bills::focus(true);
    assert_eq!(charges.len(), 1000);
    assert_eq!(sums(charges, from, until).await, [decimal("20.5202"); 5]);
    let charges = bills::focus(false);
    assert_eq!(charges.len(), 942);
    assert_eq!(sums(charges, from, until).await, [decimal("18.0066"); 5]);
}

#[tokio::test]
async fn an_older_cost_and_usage_report() {
    if is_skipped() {
        return;
    }
    let charges = bills::legacy();
    assert_eq!(charges.len(), 1281);
    let sums = sums(charges, date(2023, 11, 1), date(2023, 12, 1)).await;
    assert_eq!(sums, [decimal("1.6823"); 5]);
}

#[tokio::test]
async fn an_answer_of_cost_explorer() {
    if is_skipped() {
        return;
    }
    let charges = bills::answered();
    assert_eq!(charges.len(), 160);
    let exact: Decimal = charges
        .iter()
        .map(|charge| charge.amount("UnblendedCost"))
        .sum();
    assert_eq!(exact, decimal("1957.6799440971"));
    let day = |charge: &Charge| charge.day;
    let from = charges.iter().map(day).min().unwrap();
    let until = charges
        .iter()
        .map(day)
        .max()
        .unwrap()
        .last_of_month()
        .tomorrow()
        .unwrap();
    assert_eq!(sums(charges, from, until).await, [decimal("1957.6799"); 5]);
}

#[tokio::test]
async fn an_hourly_cost_and_usage_report() {
    if is_skipped() {
        return;
    }
    let charges = bills::parquet();
    let sums = sums(charges, date(2018, 10, 1), date(2018, 11, 1)).await;
    assert_eq!(sums, [decimal("4064.4831"); 5]);
}
