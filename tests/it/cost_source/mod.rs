//! The fake Cost Explorer behaves as AWS's, as far as that is known.

mod bills;
mod refusals;
mod rules;

use aws_config::retry::RetryConfig;
use aws_config::{AppName, BehaviorVersion};
use aws_credential_types::Credentials;
use aws_sdk_costexplorer::Client;
use aws_sdk_costexplorer::error::ProvideErrorMetadata as _;
use aws_sdk_costexplorer::operation::get_cost_and_usage::GetCostAndUsageOutput;
use aws_sdk_costexplorer::operation::get_cost_and_usage::builders::GetCostAndUsageFluentBuilder;
use aws_sdk_costexplorer::types::{
    DateInterval, Dimension, DimensionValues, Expression, Granularity, GroupDefinition,
    GroupDefinitionType, TagValues,
};
use jiff::civil::{Date, date};
use rust_decimal::Decimal;

use crate::support::aws::{Bill, Charge, SECRET, Server, World, decimal};

/// The payer account and its members.
const ANN: &str = "111122223333";
const BOB: &str = "444455556666";

/// 2026-11-21, six in the morning.
const NOW: i64 = 1_795_240_800;

fn day(month: i8, day: i8) -> Date {
    date(2026, month, day)
}

/// A bill with all kinds of charges.
fn bill() -> Bill {
    let charge = |day, account, service, amount| Charge::new(day, account, service, amount);
    let charges = vec![
        charge(day(11, 1), ANN, "Amazon EC2", "10.25").owner("ann@example.com"),
        charge(day(11, 1), ANN, "Amazon EC2", "0.75").owner("a$b"),
        charge(day(11, 1), BOB, "Amazon EC2", "2").owner("Ann@example.com"),
        charge(day(11, 1), BOB, "Amazon S3", "0.0000000289").cost_category("Team", "x$y"),
        charge(day(11, 2), BOB, "Amazon S3", "-0.5").kind("Credit"),
        charge(day(11, 4), ANN, "Tax", "3.20").kind("Tax"),
        charge(day(10, 31), ANN, "Amazon EC2", "100")
            .metric("AmortizedCost", "7")
            .dimension("REGION", "eu-west-1"),
        charge(day(11, 4), ANN, "AWS Support", "29")
            .kind("Support")
            .without_account(),
    ];
    Bill::new(charges)
        .name(ANN, "Management")
        .name(BOB, "Lab, \"quoted\"")
}

fn server(bill: Bill) -> Server {
    Server::start(World::new(NOW).bill(ANN, bill))
}

async fn client_in(server: &Server, account: &str, region: &'static str) -> Client {
    let key = server.issue(account, f64::INFINITY);
    let credentials = Credentials::new(key.access_key, SECRET, key.session_token, None, "test");
    let config = aws_config::defaults(BehaviorVersion::latest())
        .endpoint_url(server.url())
        .region(region)
        .credentials_provider(credentials)
        .app_name(AppName::new("trailtab").unwrap())
        .retry_config(RetryConfig::disabled())
        .load()
        .await;
    Client::new(&config)
}

async fn client(server: &Server) -> Client {
    client_in(server, ANN, "us-east-1").await
}

/// A question by days, to be made more precise.
fn ask(client: &Client, from: Date, until: Date) -> GetCostAndUsageFluentBuilder {
    let days = DateInterval::builder()
        .start(from.to_string())
        .end(until.to_string());
    client
        .get_cost_and_usage()
        .time_period(days.build().unwrap())
        .granularity(Granularity::Daily)
        .metrics("UnblendedCost")
}

fn by(kind: GroupDefinitionType, key: &str) -> GroupDefinition {
    GroupDefinition::builder().r#type(kind).key(key).build()
}

fn by_dimension(key: &str) -> GroupDefinition {
    by(GroupDefinitionType::Dimension, key)
}

fn dimension(key: Dimension, value: &str) -> Expression {
    let values = DimensionValues::builder().key(key).values(value).build();
    Expression::builder().dimensions(values).build()
}

fn tag(key: &str, values: &[&str]) -> Expression {
    let values = values
        .iter()
        .map(|&value| value.to_owned())
        .collect::<Vec<_>>();
    let values = (!values.is_empty()).then_some(values);
    let tag = TagValues::builder().key(key).set_values(values).build();
    Expression::builder().tags(tag).build()
}

/// Groups, in their order, as `day: keys amount currency`.
fn told(page: &GetCostAndUsageOutput) -> Vec<String> {
    let mut told = Vec::new();
    for result in page.results_by_time() {
        let day = result.time_period().unwrap().start();
        let value = |metrics: &std::collections::HashMap<
            String,
            aws_sdk_costexplorer::types::MetricValue,
        >| {
            let value = metrics.values().next().unwrap();
            format!("{} {}", value.amount().unwrap(), value.unit().unwrap())
        };
        match result.total().filter(|total| !total.is_empty()) {
            Some(total) => told.push(format!("{day}: {}", value(total))),
            None if result.groups().is_empty() => told.push(format!("{day}: nothing")),
            None => {}
        }
        for group in result.groups() {
            let amount = value(group.metrics().unwrap());
            told.push(format!("{day}: {} {amount}", group.keys().join(", ")));
        }
    }
    told
}

/// The sum of all groups and totals of a page.
fn sum(page: &GetCostAndUsageOutput) -> Decimal {
    let results = page.results_by_time().iter();
    let metrics = results.flat_map(|result| {
        let groups = result.groups().iter().filter_map(|group| group.metrics());
        groups.chain(result.total())
    });
    let values = metrics.flat_map(std::collections::HashMap::values);
    values.map(|value| decimal(value.amount().unwrap())).sum()
}

/// The code of an error.
async fn code(request: GetCostAndUsageFluentBuilder) -> String {
    let error = request.send().await.unwrap_err();
    error.code().unwrap_or_default().to_owned()
}
