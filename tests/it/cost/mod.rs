//! `trailtab cost` against a fake Cost Explorer with a known bill, which every figure of every report is compared
//! with.

mod bills;
mod budgets;
mod bugs;
mod cache;
mod channels;
mod check;
mod dimensions;
mod forecasts;
mod function;
mod mails;
mod months;
mod mornings;
mod printed;
mod reports;
mod requests;
mod troubles;
mod unknown;

use std::process::Command;

use jiff::civil::Date;
use jiff::{Timestamp, ToSpan as _};
use rust_decimal::Decimal;
use serde_json::{Value, json};

use crate::support::aws::{
    Bill, Charge, Entry, Member, Random, Server, World, decimal, rfc3339, today,
};
use crate::support::{Finished, Sandbox};

/// The payer account, which makes the requests.
const PAYER: &str = "111122223333";
const LAB: &str = "444455556666";

const ASK: &str = "ce:GetCostAndUsage";

/// The program reads the clock, and so does the world.
fn now() -> i64 {
    Timestamp::now().as_second()
}

/// The first day of a month that is over: bills of these tests are about it, and about the days before it.
fn first() -> Date {
    today(now()).first_of_month().saturating_sub(1.month())
}

/// A day of that month, from 1; of the one before it, from -27 to 0.
fn day(number: i64) -> Date {
    first().saturating_add((number - 1).days())
}

/// A server with a bill, and the program.
struct Lab {
    server: Server,
    sandbox: Sandbox,
}

impl Lab {
    /// With a bill of an account that is in no organisation.
    fn new(bill: Bill) -> Lab {
        Lab::of(World::new(now()).bill(PAYER, bill))
    }

    /// With charges whose accounts are an organisation.
    fn organized(charges: Vec<Charge>) -> Lab {
        let bill = Bill::new(charges);
        let members = members(&bill);
        Lab::of(
            World::new(now())
                .bill(PAYER, bill)
                .organization(PAYER, members),
        )
    }

    fn of(world: World) -> Lab {
        Lab {
            server: Server::start(world),
            sandbox: Sandbox::new(),
        }
    }

    /// The program, which keeps nothing from run to run.
    fn command(&self) -> Command {
        let mut command = self.sandbox.trailtab();
        command.envs(self.server.environment(PAYER)).arg("cost");
        command
    }

    /// Runs `trailtab cost` without a cache.
    fn cost(&self, args: &[&str]) -> Finished {
        let mut command = self.command();
        command.arg("--no-cache").args(args);
        self.sandbox.finish(command, b"")
    }

    /// The report on the first ten days of that month, which adds up.
    fn report(&self, args: &[&str]) -> Value {
        self.report_with(args, 0)
    }

    fn report_with(&self, args: &[&str], code: i32) -> Value {
        let (since, until) = (day(1).to_string(), day(10).to_string());
        let period = ["--format", "json", "--since", &since, "--until", &until];
        report_of(&self.cost(&[&period[..], args].concat()), code)
    }

    /// Writes all mails on the first ten days of that month into `mails`.
    fn send(&self, config: &Value, args: &[&str], code: i32) -> Finished {
        self.sandbox.write("config.json", config.to_string());
        let (since, until) = (day(1).to_string(), day(10).to_string());
        let period = ["--since", &since, "--until", &until];
        let send = [
            "--config",
            "config.json",
            "--send",
            "--dry-run",
            "--output",
            "mails",
        ];
        self.cost(&[&send[..], &period, args].concat()).expect(code)
    }

    fn granted(&self) -> Vec<Entry> {
        self.server.granted(ASK)
    }
}

/// The report that a run printed, which adds up.
#[track_caller]
fn report_of(finished: &Finished, code: i32) -> Value {
    let report: Value = serde_json::from_slice(&finished.stdout).unwrap_or_default();
    let problems = &report["basis"]["problems"];
    assert_eq!(finished.code, Some(code), "{}\n{problems}", finished.err);
    adds_up(&report);
    report
}

/// All accounts of a bill, as an organisation has them.
fn members(bill: &Bill) -> Vec<Member> {
    let member = |id: &str| Member {
        id: id.to_owned(),
        name: format!("Account {id}"),
        state: "ACTIVE",
    };
    bill.accounts().into_iter().map(member).collect()
}

/// A number of an account.
fn account(number: u64) -> String {
    format!("2000000{number:05}")
}

/// Charges of the first ten days of that month and of the ten days before it: usage of all owners, and charges of all
/// other types.
fn charges(accounts: u64, owners: u64, seed: u64) -> Vec<Charge> {
    const SERVICES: [&str; 5] = [
        "Amazon Elastic Compute Cloud - Compute",
        "EC2 - Other",
        "Amazon Simple Storage Service",
        "AWS Lambda",
        "=cmd|'/c calc'!A1 <b>&\u{202e}",
    ];
    const OTHERS: [(&str, &str, bool); 8] = [
        ("Tax", "Tax", false),
        ("Credit", "AWS Lambda", true),
        ("Refund", "EC2 - Other", true),
        ("Support", "AWS Support (Business)", false),
        ("RIFee", "EC2 - Other", false),
        ("SavingsPlanNegation", "AWS Lambda", true),
        ("BundledDiscount", "AWS Lambda", true),
        ("Out of cycle", "AWS Marketplace", false),
    ];
    let mut random = Random(seed);
    let mut amount = |most: u64| {
        // Ten digits behind the point, as Cost Explorer has them.
        let number = random.below(most * 10_000_000_000);
        Decimal::from_i128_with_scale(i128::from(number), 10).to_string()
    };
    let mut charges = Vec::new();
    for number in -9..=10 {
        for at in 0..accounts {
            let id = account(at);
            for owner in 0..owners {
                // Each owner has usage in at least one account, and most owners not in all.
                if owner % accounts != at && (owner + at) % 3 != 0 {
                    continue;
                }
                let service = SERVICES[(owner + at) as usize % SERVICES.len()];
                let charge = Charge::new(day(number), &id, service, &amount(50));
                charges.push(match owner {
                    0 => charge,
                    1 => charge.owner("i-0123456789abcdef0"),
                    _ => charge.owner(&format!("user{owner}@example.com")),
                });
            }
            let (kind, service, is_negative) = OTHERS[(at as i64 + number).rem_euclid(8) as usize];
            let sign = if is_negative { "-" } else { "" };
            let amount = format!("{sign}{}", amount(5));
            charges.push(Charge::new(day(number), &id, service, &amount).kind(kind));
        }
    }
    charges
}

/// What all charges of the report's ten days add up to.
fn truth(charges: &[Charge], meant: impl Fn(&Charge) -> bool) -> Decimal {
    let meant = charges
        .iter()
        .filter(|charge| (day(1)..=day(10)).contains(&charge.day) && meant(charge));
    meant.map(|charge| charge.amount("UnblendedCost")).sum()
}

fn is_usage(charge: &Charge) -> bool {
    ["Usage", "DiscountedUsage", "SavingsPlanCoveredUsage"]
        .contains(&charge.value("RECORD_TYPE").as_str())
}

fn money(value: &Value) -> Decimal {
    decimal(
        value
            .as_str()
            .unwrap_or_else(|| panic!("{value} is no amount")),
    )
}

/// The one part of a report.
#[track_caller]
fn part(report: &Value) -> &Value {
    let parts = report["parts"].as_array().unwrap();
    assert_eq!(parts.len(), 1, "{parts:?}");
    &parts[0]
}

fn total(report: &Value) -> Decimal {
    money(&part(report)["total"]["amount"])
}

/// The row of a list with this name.
#[track_caller]
fn row<'r>(rows: &'r Value, name: &str) -> &'r Value {
    let rows = rows.as_array().unwrap();
    let found = rows.iter().find(|row| row["label"]["name"] == name);
    found.unwrap_or_else(|| panic!("no {name} among {:?}", names(rows)))
}

fn names(rows: &[Value]) -> Vec<&str> {
    rows.iter()
        .filter_map(|row| row["label"]["name"].as_str())
        .collect()
}

fn rows(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

fn amounts(value: &Value) -> Decimal {
    rows(value).iter().map(|row| money(&row["amount"])).sum()
}

/// Asserts that the parts of a report add up, in every direction.
#[track_caller]
fn adds_up(report: &Value) {
    for part in rows(&report["parts"]) {
        let total = money(&part["total"]["amount"]);
        let days: Decimal = rows(&part["daily"]).iter().map(money).sum();
        assert_eq!(days, total, "days");
        whole_adds_up(part, total);
        if !rows(&part["accounts"]).is_empty() {
            assert_eq!(amounts(&part["accounts"]), total, "accounts");
        }
        for account in rows(&part["accounts"]) {
            whole_adds_up(account, money(&account["amount"]));
            row_adds_up(account);
        }
        for place in 0..rows(&part["daily"]).len() {
            let day = |row: &Value| money(&row["daily"][place]);
            let charges: Decimal = rows(&part["charges"]).iter().map(day).sum();
            assert_eq!(
                charges,
                money(&part["daily"][place]),
                "charges of day {place}"
            );
        }
    }
}

#[track_caller]
fn whole_adds_up(whole: &Value, total: Decimal) {
    assert_eq!(amounts(&whole["charges"]), total, "charges");
    let usage = rows(&whole["charges"])
        .iter()
        .find(|row| row["charge"] == "usage");
    let usage = usage.map_or(Decimal::ZERO, |row| money(&row["amount"]));
    for list in ["owners", "services"] {
        if !rows(&whole[list]).is_empty() {
            assert_eq!(amounts(&whole[list]), usage, "{list}");
        }
        rows(&whole[list]).iter().for_each(row_adds_up);
    }
    rows(&whole["charges"]).iter().for_each(row_adds_up);
}

#[track_caller]
fn row_adds_up(row: &Value) {
    let days: Decimal = rows(&row["daily"]).iter().map(money).sum();
    assert_eq!(days, money(&row["amount"]), "{}", row["label"]);
}

/// awsauditor's settings, for managers of these accounts and these users.
fn config(managers: &[(&str, &[&str])], users: &[&str]) -> Value {
    let managers = managers
        .iter()
        .map(|(address, accounts)| ((*address).to_owned(), json!(accounts)));
    json!({
        "managers": Value::Object(managers.collect()),
        "users": users,
        "secret_name": "emailsecret",
    })
}

#[test]
fn days_of_these_tests_are_over() {
    let now = now();
    assert!(day(28) < today(now), "{}", rfc3339(now));
    assert_eq!(day(1), first());
    assert_eq!(day(0), first().yesterday().unwrap());
}
