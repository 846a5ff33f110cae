//! Real bills from public repositories, as charges: see the README beside them. They are not part of this repository.

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;

use jiff::civil::Date;
use serde_json::Value;

use super::aws::Charge;
use super::installed;
use crate::real_data::folder;

/// A FOCUS export of September 2024, in which 942 lines are of AWS, and of others those that `others` asks for.
pub(crate) fn focus(others: bool) -> Vec<Charge> {
    let lines = lines("focus_sample/focus_sample.csv");
    let wanted = |line: &&Line| others || text(line, "ProviderName") == "AWS";
    lines.iter().filter(wanted).map(focus_charge).collect()
}

fn focus_charge(line: &Line) -> Charge {
    let kind = match text(line, "ChargeCategory") {
        "Purchase" => "RIFee",
        "Adjustment" => "Refund",
        category => category,
    };
    // The invented account numbers do not have twelve digits.
    let account = format!("{:0>12}", text(line, "SubAccountId"));
    let mut charge = Charge::new(
        day(text(line, "ChargePeriodStart")),
        &account,
        text(line, "ServiceName"),
        text(line, "BilledCost"),
    )
    .kind(kind)
    .dimension("REGION", text(line, "RegionId"))
    .metric("AmortizedCost", text(line, "EffectiveCost"))
    .currency(text(line, "BillingCurrency"));
    let tags: Value = serde_json::from_str(text(line, "Tags")).unwrap_or_default();
    for (key, value) in tags.as_object().into_iter().flatten() {
        charge = charge.tag(key, value.as_str().unwrap_or_default());
    }
    charge
}

/// A cost and usage report in its older form, of November 2023.
pub(crate) fn legacy() -> Vec<Charge> {
    let lines = lines("cur_legacy_csv/sample-anonymous-aws-export-dataset.csv");
    let charge = |line: &Line| {
        Charge::new(
            day(text(line, "lineItem/UsageStartDate")),
            text(line, "lineItem/UsageAccountId"),
            text(line, "lineItem/ProductCode"),
            text(line, "lineItem/UnblendedCost"),
        )
        .kind(text(line, "lineItem/LineItemType"))
        .dimension("USAGE_TYPE", text(line, "lineItem/UsageType"))
        .dimension("OPERATION", text(line, "lineItem/Operation"))
        .metric("BlendedCost", text(line, "lineItem/BlendedCost"))
        .currency(text(line, "lineItem/CurrencyCode"))
    };
    lines.iter().map(charge).collect()
}

/// An answer of Cost Explorer, of six months by services; each amount is charged on the first day of its month.
pub(crate) fn answered() -> Vec<Charge> {
    let path = folder("cost").join("cost_explorer/get_cost_and_usage.json");
    let answer: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    let mut charges = Vec::new();
    for result in answer["ResultsByTime"].as_array().unwrap() {
        let day = day(result["TimePeriod"]["Start"].as_str().unwrap());
        for group in result["Groups"].as_array().unwrap() {
            let service = group["Keys"][0].as_str().unwrap();
            let amount = group["Metrics"]["UnblendedCost"]["Amount"]
                .as_str()
                .unwrap();
            charges.push(Charge::new(day, "111122223333", service, amount));
        }
    }
    charges
}

/// An hourly cost and usage report of October 2018, added up by days: two accounts, reservations, and tags.
///
/// # Panics
///
/// If Python with DuckDB is not installed, so that no test is skipped silently.
pub(crate) fn parquet() -> Vec<Charge> {
    const SCRIPT: &str = "
import csv, duckdb, sys
rows = duckdb.connect().execute('''
    select strftime(line_item_usage_start_date, '%Y-%m-%d'), line_item_usage_account_id, product_product_name,
        line_item_line_item_type, coalesce(resource_tags_user_name, ''), line_item_currency_code,
        -- Sums of doubles are rounded to what Cost Explorer tells.
        sum(line_item_unblended_cost::decimal(38, 20))::decimal(38, 10)
    from read_parquet(?) group by all order by all''', [sys.argv[1]]).fetchall()
csv.writer(sys.stdout).writerows([['day', 'account', 'service', 'kind', 'owner', 'currency', 'amount']] + rows)
";
    let path = folder("cost").join("cur_walabs/Oct2018-WorkshopCUR-00001.snappy.parquet");
    let python = installed("test-venv", "python");
    let ran = Command::new(python)
        .args(["-c", SCRIPT])
        .arg(path)
        .output()
        .unwrap();
    assert!(
        ran.status.success(),
        "{}",
        String::from_utf8_lossy(&ran.stderr)
    );
    let charge = |line: &Line| {
        let charge = Charge::new(
            day(text(line, "day")),
            text(line, "account"),
            text(line, "service"),
            text(line, "amount"),
        );
        let charge = charge
            .kind(text(line, "kind"))
            .currency(text(line, "currency"));
        match text(line, "owner") {
            "" => charge,
            owner => charge.owner(owner),
        }
    };
    table(&ran.stdout).iter().map(charge).collect()
}

/// The same charges, so many days later: Cost Explorer keeps 14 months.
pub(crate) fn later(charges: Vec<Charge>, days: i64) -> Vec<Charge> {
    let later = |charge: Charge| Charge {
        day: charge.day.saturating_add(jiff::Span::new().days(days)),
        ..charge
    };
    charges.into_iter().map(later).collect()
}

type Line = BTreeMap<String, String>;

fn lines(path: &str) -> Vec<Line> {
    table(&fs::read(folder("cost").join(path)).unwrap())
}

fn table(csv: &[u8]) -> Vec<Line> {
    let mut reader = csv::Reader::from_reader(csv);
    reader.deserialize().map(Result::unwrap).collect()
}

fn text<'l>(line: &'l Line, column: &str) -> &'l str {
    line.get(column)
        .unwrap_or_else(|| panic!("{column} is missing"))
}

/// The day of a time such as `2024-09-18 23:00:00`.
fn day(time: &str) -> Date {
    time[..10].parse().unwrap()
}
