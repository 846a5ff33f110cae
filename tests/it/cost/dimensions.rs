//! Usage by region and other dimensions: `--by`.

use std::fs;

use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::{Lab, account, amounts, charges, day, is_usage, money, part, row, rows, truth};
use crate::support::aws::Charge;

const REGIONS: [&str; 3] = ["eu-west-1", "us-east-1", "=cmd|'/c calc'!A1"];

/// Charges in three regions, bought in two ways.
fn cut() -> Vec<Charge> {
    let charges = charges(3, 6, 12).into_iter().enumerate();
    let charge = |(number, charge): (usize, Charge)| {
        let bought = ["On Demand Instances", "Savings Plans"][number % 2];
        let charge = charge.dimension("REGION", REGIONS[number % 3]);
        charge.dimension("PURCHASE_TYPE", bought)
    };
    charges.map(charge).collect()
}

fn by<'r>(report: &'r Value, dimension: &str) -> &'r Value {
    let mut lists = rows(&part(report)["by"]).iter();
    let found = lists.find(|list| list["dimension"] == dimension);
    &found.unwrap_or_else(|| panic!("not by {dimension}"))["rows"]
}

fn usage(report: &Value) -> Decimal {
    money(&part(report)["usage"]["amount"])
}

#[test]
fn rows_are_the_usage_of_the_accounts_and_take_one_request() {
    let charges = cut();
    let lab = Lab::organized(charges.clone());
    let id = account(1);
    for args in [&[][..], &["--account", &id]] {
        let before = lab.granted().len();
        let without = lab.report(args);
        let plain = lab.granted().len() - before;
        assert_eq!(part(&without)["by"], json!([]));
        let report = lab.report(&[args, &["--by", "region", "--by", "region"]].concat());
        assert_eq!(lab.granted().len() - before - plain, plain + 1);
        assert_eq!(amounts(by(&report, "region")), usage(&report));
        for region in REGIONS {
            let is_there = |charge: &Charge| {
                let is_seen = args.is_empty() || charge.account.as_ref() == Some(&id);
                is_seen && is_usage(charge) && charge.value("REGION") == region
            };
            let row = row(by(&report, "region"), region);
            assert_eq!(money(&row["amount"]), truth(&charges, is_there));
            assert!(row["before"].is_string(), "{row}");
        }
    }
    let both = ["--by", "purchase-type", "--by", "usage-type"];
    let report = lab.report(&both);
    assert_eq!(amounts(by(&report, "purchase_type")), usage(&report));
    row(by(&report, "usage_type"), "NoUsageType");
    let page = lab
        .cost(&[&both[..], &["--since", &day(1).to_string()]].concat())
        .expect(0)
        .out;
    assert!(page.contains("Usage by purchase type"), "{page}");
    let csv = [
        "--by",
        "region",
        "--format",
        "csv",
        "--since",
        &day(1).to_string(),
    ];
    let csv = lab.cost(&csv).expect(0).out;
    assert!(csv.contains("\nregion,,,region,'=cmd"), "{csv}");
    let plan = lab.cost(&["--by", "region", "--plan", "--since", &day(1).to_string()]);
    let plan = plan.expect(0).err;
    assert!(plan.contains("usage by the dimensions of --by"), "{plan}");
    let refused = lab.cost(&["--by", "region", "--owner", "user3@example.com"]);
    assert_eq!(refused.code, Some(2));
}

#[test]
fn saved_answers_have_the_dimensions_that_were_saved() {
    let lab = Lab::organized(cut());
    let saved = lab.report(&["--by", "region", "--save", "saved"]);
    let offline = lab.report(&["--by", "region", "--offline", "saved"]);
    assert_eq!(part(&offline)["by"], part(&saved)["by"]);
    let other = lab.report_with(&["--by", "usage-type", "--offline", "saved"], 3);
    assert_eq!(part(&other)["by"], json!([]));
    let problems = other["basis"]["problems"].to_string();
    assert!(
        problems.contains("usage by usage type could not be read"),
        "{problems}"
    );
}

#[test]
fn printed_answers_have_the_dimensions_that_were_printed() {
    let lab = Lab::organized(cut());
    let usage_types = json!(["Usage", "DiscountedUsage", "SavingsPlanCoveredUsage"]);
    let print = |file: &str, keys: [&str; 2], filter: Option<Value>| {
        let groups = keys.map(|key| json!({"Type": "DIMENSION", "Key": key}));
        let mut asked = json!({
            "TimePeriod": {"Start": day(-9).to_string(), "End": day(11).to_string()},
            "Granularity": "DAILY", "Metrics": ["UnblendedCost"], "GroupBy": groups,
        });
        if let Some(filter) = filter {
            asked["Filter"] = filter;
        }
        let printed = lab.server.print_costs(super::PAYER, asked);
        lab.sandbox.write(format!("bill/{file}"), printed);
    };
    let filter = json!({"Dimensions": {"Key": "RECORD_TYPE", "Values": usage_types}});
    print("charges.json", ["LINKED_ACCOUNT", "RECORD_TYPE"], None);
    print("regions.json", ["LINKED_ACCOUNT", "REGION"], Some(filter));
    let report = |args: &[&str]| {
        let args = [&["--offline", "bill", "--by", "region"], args].concat();
        lab.report_with(&args, 3)
    };
    let id = account(2);
    for args in [&[][..], &["--account", &id]] {
        let printed = report(args);
        assert_eq!(amounts(by(&printed, "region")), usage(&printed));
        assert_eq!(rows(by(&printed, "region")).len(), 3);
    }
    // With tax and credits it is not usage.
    print("regions.json", ["LINKED_ACCOUNT", "REGION"], None);
    let problems = report(&[])["basis"]["problems"].to_string();
    assert!(
        problems.contains("no usage by region: regions.json has other days"),
        "{problems}"
    );
    fs::remove_file(lab.sandbox.path("bill/regions.json")).unwrap();
    let problems = report(&[])["basis"]["problems"].to_string();
    assert!(problems.contains("Key=REGION asks for one"), "{problems}");
}
