//! Generates the organisation's bill as Cost Explorer answers.
//!
//! The bill covers July to 20 September 2026 by day, and March to August by month. Owners are the people of the logs. From the day of the incident on,
//! untagged instances run in the sandbox.

use std::collections::BTreeMap;

use jiff::civil::Date;
use rust_decimal::Decimal;

use super::organisation::{
    ACCOUNTS, DEVELOPMENT, MANAGEMENT, PRODUCTION, SANDBOX, SECURITY, STAGING,
};
use super::rng;
use trailtab_core::cost::charge::CostMetric;
use trailtab_core::cost::owner::OwnerKey;
use trailtab_core::cost::period::DayRange;
use trailtab_core::time::Seconds;
use trailtab_cost_explorer::answer::{
    AmountsByMetric, AnswerGroup, AnswerPage, CostAnswer, DimensionValue, MetricValue, ResultByTime,
};
use trailtab_cost_explorer::plan::{MonthNeeds, ReportNeeds};
use trailtab_cost_explorer::query::{CostQuery, QueryGranularity};

/// Account names, in the order of [`ACCOUNTS`].
const NAMES: [&str; 6] = [
    "Management",
    "Security",
    "Production",
    "Staging",
    "Development",
    "Sandbox",
];

/// The first and the last day of the bill.
const DAYS: DayRange = DayRange {
    from: jiff::civil::date(2026, 7, 1),
    through: jiff::civil::date(2026, 9, 20),
};

/// The months that are answered by month: the six before the month in progress.
const MONTHS: DayRange = DayRange {
    from: jiff::civil::date(2026, 3, 1),
    through: jiff::civil::date(2026, 8, 31),
};

/// The first day whose amounts are estimates.
const ESTIMATED_FROM: Date = jiff::civil::date(2026, 9, 1);

/// A daily cost: account, value of the tag `Owner` (empty if untagged), service, and cents per day.
type SpendHabit = (usize, &'static str, &'static str, u32);

const COMPUTE: &str = "Amazon Elastic Compute Cloud - Compute";
const OTHER: &str = "EC2 - Other";
const DATABASE: &str = "Amazon Relational Database Service";
const STORAGE: &str = "Amazon Simple Storage Service";

#[rustfmt::skip]
const HABITS: [SpendHabit; 34] = [
    (MANAGEMENT, "anna.lindqvist@example.com", "AWS CloudTrail", 310),
    (MANAGEMENT, "jonas.weber@example.com", "AWS Cost Explorer", 23),
    (MANAGEMENT, "", "AmazonCloudWatch", 180),
    (SECURITY, "ines.duarte@example.com", "Amazon GuardDuty", 920),
    (SECURITY, "ines.duarte@example.com", STORAGE, 240),
    (SECURITY, "noah.fischer@example.com", "AWS Config", 460),
    (PRODUCTION, "anna.lindqvist@example.com", COMPUTE, 9800),
    (PRODUCTION, "anna.lindqvist@example.com", OTHER, 2100),
    (PRODUCTION, "anna.lindqvist@example.com", "Amazon Elastic Load Balancing", 640),
    (PRODUCTION, "bela.horvath@example.com", DATABASE, 5200),
    (PRODUCTION, "bela.horvath@example.com", "Amazon ElastiCache", 1450),
    (PRODUCTION, "farid.haddad@example.com", "AWS Glue", 1700),
    (PRODUCTION, "farid.haddad@example.com", STORAGE, 2300),
    (PRODUCTION, "farid.haddad@example.com", "Amazon Athena", 380),
    (PRODUCTION, "i-0a1b2c3d4e5f60718", COMPUTE, 2600),
    (PRODUCTION, "i-0b776655443322110", COMPUTE, 900),
    (PRODUCTION, "", "AmazonCloudWatch", 890),
    (PRODUCTION, "", "AWS Key Management Service", 130),
    (STAGING, "bela.horvath@example.com", COMPUTE, 1900),
    (STAGING, "bela.horvath@example.com", DATABASE, 1300),
    (STAGING, "chiara.rossi@example.com", COMPUTE, 410),
    (STAGING, "grace.okafor@example.com", "AWS Lambda", 95),
    (DEVELOPMENT, "chiara.rossi@example.com", COMPUTE, 1250),
    (DEVELOPMENT, "daan.devries@example.com", COMPUTE, 980),
    (DEVELOPMENT, "elif.yilmaz@example.com", "AWS Lambda", 120),
    (DEVELOPMENT, "grace.okafor@example.com", DATABASE, 760),
    (DEVELOPMENT, "kate.murphy@example.com", COMPUTE, 540),
    (DEVELOPMENT, "priya.raman@example.com", "AWS CodeBuild", 330),
    (DEVELOPMENT, "", OTHER, 270),
    (SANDBOX, "maya.chen@example.com", "Amazon SageMaker", 3100),
    (SANDBOX, "maya.chen@example.com", STORAGE, 420),
    (SANDBOX, "daan.devries@example.com", COMPUTE, 150),
    (SANDBOX, "kate.murphy@example.com", "Amazon Bedrock", 210),
    (SANDBOX, "", STORAGE, 35),
];

/// Charges on the first day of each month: account, record type, service, and cents.
#[rustfmt::skip]
const MONTHLY: [(usize, &str, &str, i64); 6] = [
    (PRODUCTION, "RIFee", COMPUTE, 112_000),
    (PRODUCTION, "Credit", COMPUTE, -40_000),
    (MANAGEMENT, "Support", "AWS Support (Business)", 29_900),
    (MANAGEMENT, "Tax", "Tax", 86_300),
    (PRODUCTION, "Tax", "Tax", 143_100),
    (DEVELOPMENT, "Refund", DATABASE, -1_850),
];

/// The day on which untagged instances start in the sandbox.
const INCIDENT: Date = jiff::civil::date(2026, 9, 17);

/// An amount of the bill.
struct BillItem {
    day: Date,
    account: usize,
    record_type: &'static str,
    owner: &'static str,
    service: &'static str,
    /// Millionths of a dollar.
    amount: i64,
}

/// Builds all answers that reports on the bill need. `asked` is the time of the requests, Unix time in seconds.
pub fn answers(seed: u64, asked: Seconds) -> Vec<CostAnswer> {
    let items = items(seed);
    let need = ReportNeeds {
        time_period: DAYS.into(),
        metric: CostMetric::UnblendedCost,
        keys: vec![OwnerKey::Tag("Owner".to_owned())],
        accounts: None,
        whole_accounts: true,
        total: true,
        people: Default::default(),
        months: Some(MonthNeeds {
            time_period: MONTHS.into(),
            by_account: true,
        }),
        by: Vec::new(),
        budget_tags: Default::default(),
        forecasts: None,
    };
    let usage = ["Usage".to_owned()];
    let mut queries = vec![need.charges()];
    queries.extend(need.control());
    queries.extend(need.months_by_account());
    queries.extend(need.months_in_total());
    for account in &ACCOUNTS {
        queries.extend(need.crossed(account.number, &usage));
    }
    let answer = |query| answer(query, &items, asked);
    queries.into_iter().map(answer).collect()
}

/// Account IDs and names.
pub fn accounts() -> impl Iterator<Item = (&'static str, &'static str)> {
    ACCOUNTS
        .iter()
        .zip(NAMES)
        .map(|(account, name)| (account.number, name))
}

fn items(seed: u64) -> Vec<BillItem> {
    let mut items = Vec::new();
    let all = DayRange {
        from: MONTHS.from,
        ..DAYS
    };
    // The number of a day is 0 on the first of July.
    let first = -i64::from(DAYS.from.day_of_year() - MONTHS.from.day_of_year());
    for (number, day) in (first..).zip(all.iter()) {
        for (place, (account, owner, service, cents)) in (0_u64..).zip(HABITS) {
            let random = rng::combine(&[seed, number.cast_unsigned(), place]);
            // 80 % to 120 %, growing by 0.2 % of the base per day; 70 % of that at weekends.
            let weekend = matches!(day.weekday().to_monday_zero_offset(), 5 | 6);
            let share = 800 + i64::from(rng::scale(random, 400)) + number * 2;
            let share = if weekend { share * 7 / 10 } else { share };
            items.push(BillItem {
                day,
                account,
                record_type: "Usage",
                owner,
                service,
                amount: i64::from(cents) * share * 10 + i64::from(rng::scale(random >> 7, 997)),
            });
        }
        if day >= INCIDENT {
            items.push(BillItem {
                day,
                account: SANDBOX,
                record_type: "Usage",
                owner: "",
                service: COMPUTE,
                amount: 186_400_000 * (1 + i64::from(day.day() - INCIDENT.day())),
            });
        }
        if day.day() == 1 {
            items.extend(
                MONTHLY.map(|(account, record_type, service, cents)| BillItem {
                    day,
                    account,
                    record_type,
                    owner: "",
                    service,
                    amount: cents * 10_000,
                }),
            );
        }
    }
    items
}

/// Answers one of the queries that `answers` builds.
fn answer(query: CostQuery, items: &[BillItem], asked: Seconds) -> CostAnswer {
    let account = query.only("LINKED_ACCOUNT");
    let days = query.time_period.days();
    let block = |day: Date| match query.granularity {
        QueryGranularity::Daily => DayRange {
            from: day,
            through: day,
        },
        QueryGranularity::Monthly => DayRange::month_of(day),
    };
    // Queries about one account are limited to usage.
    let is_meant = |item: &&BillItem| {
        days.contains(item.day)
            && account.is_none_or(|account| {
                ACCOUNTS[item.account].number == account && item.record_type == "Usage"
            })
    };
    let mut sums: BTreeMap<DayRange, BTreeMap<Vec<String>, i64>> = BTreeMap::new();
    for item in items.iter().filter(is_meant) {
        let keys = query.group_by.iter().map(|group| match group.key.as_str() {
            "LINKED_ACCOUNT" => ACCOUNTS[item.account].number.to_owned(),
            "SERVICE" => item.service.to_owned(),
            "RECORD_TYPE" => item.record_type.to_owned(),
            key => format!("{key}${}", item.owner),
        });
        let sum = sums
            .entry(block(item.day))
            .or_default()
            .entry(keys.collect());
        *sum.or_default() += item.amount;
    }
    let metric = query.metrics[0].name();
    let group = |(keys, amount): (Vec<String>, i64)| AnswerGroup {
        keys: keys.into(),
        metrics: BTreeMap::from([(
            metric.to_owned(),
            MetricValue {
                amount: Decimal::new(amount, 6).to_string(),
                unit: "USD".to_owned(),
            },
        )])
        .into(),
    };
    let result = |(days, groups): (DayRange, BTreeMap<Vec<String>, i64>)| ResultByTime {
        time_period: days.into(),
        total: AmountsByMetric::default(),
        groups: groups.into_iter().map(group).collect(),
        estimated: days.through >= ESTIMATED_FROM,
    };
    let named = accounts().map(|(id, name)| DimensionValue {
        value: id.to_owned(),
        attributes: BTreeMap::from([("description".to_owned(), name.to_owned())]),
    });
    let page = AnswerPage {
        results_by_time: sums.into_iter().map(result).collect(),
        dimension_value_attributes: named.collect(),
        next_page_token: None,
    };
    CostAnswer {
        request: query,
        asked,
        pages: vec![page],
    }
}
