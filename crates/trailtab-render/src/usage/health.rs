//! Renders the health of a usage function as a terminal page and as CSV.

use std::fmt::{self, Write as _};

use console::Style;
use rust_decimal::Decimal;

use super::price::money;
use crate::document::{ColumnKind, TableColumn};
use crate::escape::{self, cell};
use crate::page::{TextPage, TextStyle, counted, plain, thousands};
use trailtab_core::activity::usage::health::{FunctionHealth, HealthCost};

/// How a count without data is written: it is not zero.
const NO_DATA: &str = "no data";

/// A row of a table: the name, the count, and what it means.
type Row = (&'static str, Option<u64>, &'static str);

/// Renders the health of a function.
pub fn health(health: &FunctionHealth, look: TextStyle) -> String {
    TextPage::render(look, |page| page.health(health))
}

impl TextPage {
    fn health(&mut self, health: &FunctionHealth) -> fmt::Result {
        let title = format!("Health of {} in {}", health.stack, health.region);
        let title = self.bold(&escape::terminal(&title));
        writeln!(self.out, "{title}")?;
        let (since, until) = (plain(&health.since), plain(&health.until));
        writeln!(self.out, "{since} – {until} UTC")?;
        let line = format!("function {}", health.function);
        self.paragraph(&line, 0, &Style::new())?;
        self.heading("Events")?;
        self.table(columns(&events(health)))?;
        self.heading("Deliveries")?;
        self.table(columns(&deliveries(health)))?;
        self.heading("Spent, at list prices of us-east-1")?;
        self.table(spent(&health.spent))?;
        let notes = notes(&health.spent);
        self.notes(notes.iter().map(String::as_str))?;
        self.heading("Findings")?;
        if health.is_well() {
            return writeln!(self.out, "  Nothing was lost.");
        }
        for finding in &health.findings {
            self.paragraph(&finding.to_string(), 2, &Style::new().red())?;
        }
        Ok(())
    }
}

fn events(health: &FunctionHealth) -> [Row; 9] {
    let events = &health.events;
    [
        ("received", events.received, "the sum of the next six"),
        ("published", events.published, "in the metrics"),
        ("skipped", events.skipped, "no calls, or counted before"),
        ("refused", events.refused, "too old or too far ahead"),
        ("unconfirmed", events.unconfirmed, "sent without an answer"),
        ("unsent", events.unsent, "not taken in time"),
        ("unreadable", events.unreadable, "could not be read"),
        ("lost", events.lost, "refused + unsent + unreadable"),
        (
            "deferred",
            events.deferred,
            "of failed deliveries, which Lambda repeats",
        ),
    ]
}

fn deliveries(health: &FunctionHealth) -> [Row; 5] {
    let deliveries = &health.deliveries;
    [
        ("invocations", deliveries.invocations, "repeated ones too"),
        ("errors", deliveries.errors, "failed; repeated twice"),
        (
            "throttled",
            deliveries.throttled,
            "put off for lack of concurrency",
        ),
        (
            "dead letters",
            deliveries.dead_letters,
            "in the queue, at most",
        ),
        (
            "dead letter errors",
            deliveries.dead_letter_errors,
            "failed for good, in no queue",
        ),
    ]
}

fn columns(rows: &[Row]) -> Vec<TableColumn> {
    let names = rows.iter().map(|(name, ..)| (*name).to_owned());
    let counts = rows.iter().map(|(_, count, _)| number(*count));
    let meanings = rows.iter().map(|(.., meaning)| (*meaning).to_owned());
    vec![
        TableColumn::new("", ColumnKind::Text, names),
        TableColumn::new("count", ColumnKind::Number, counts),
        TableColumn::new("what", ColumnKind::Text, meanings),
    ]
}

fn number(count: Option<u64>) -> String {
    count.map_or_else(|| NO_DATA.to_owned(), thousands)
}

fn spent(spent: &HealthCost) -> Vec<TableColumn> {
    let usd = |usd: Option<Decimal>| usd.map_or_else(|| NO_DATA.to_owned(), money);
    let seconds = spent
        .gigabyte_seconds
        .map(|seconds| format!("{} GB-seconds", seconds.round_dp(1).normalize()));
    let rows = [
        (
            "metrics",
            spent.metrics.map(|metrics| counted(metrics, "metric")),
            usd(spent.metrics_usd),
        ),
        (
            "PutMetricData",
            spent.requests.map(|requests| counted(requests, "request")),
            usd(spent.requests_usd),
        ),
        ("Lambda", seconds, usd(spent.lambda_usd)),
        ("together", Some(String::new()), usd(spent.usd)),
    ];
    let names = rows.iter().map(|(name, ..)| (*name).to_owned());
    let amounts = rows
        .iter()
        .map(|(_, amount, _)| amount.clone().unwrap_or_else(|| NO_DATA.to_owned()));
    let prices = rows.iter().map(|(.., price)| price.clone());
    vec![
        TableColumn::new("", ColumnKind::Text, names),
        TableColumn::new("amount", ColumnKind::Number, amounts),
        TableColumn::new("price", ColumnKind::Number, prices),
    ]
}

/// What is estimated, and what is left out.
fn notes(spent: &HealthCost) -> [String; 3] {
    [
        "no data: CloudWatch has none, which is not zero. Lambda and SQS publish errors, throttles and dead letters only \
         while there are any."
            .to_owned(),
        "metrics: those with data in the last two weeks, as if each had data in every hour of the range. So their \
         price is the most that it can be."
            .to_owned(),
        format!(
            "Lambda: {} MB, invocations included, starts of sandboxes not. Not included: logs, alarms, S3, free tiers.",
            thousands(spent.memory_megabytes)
        ),
    ]
}

/// Writes a row for each figure; one without data is empty.
///
/// # Errors
///
/// Never in practice: writing to memory does not fail.
pub fn health_csv(health: &FunctionHealth) -> csv::Result<Vec<u8>> {
    let mut table = csv::Writer::from_writer(Vec::new());
    table.write_record(["group", "name", "value"])?;
    for (group, rows) in [
        ("events", &events(health)[..]),
        ("deliveries", &deliveries(health)[..]),
    ] {
        for (name, count, _) in rows {
            let count = count.map(|count| count.to_string()).unwrap_or_default();
            table.write_record([group, &name.replace(' ', "_"), &count])?;
        }
    }
    let spent = &health.spent;
    let usd = |usd: Option<Decimal>| {
        let usd = usd.map(|usd| usd.round_dp(9).normalize().to_string());
        usd.unwrap_or_default()
    };
    let count = |count: Option<u64>| count.map(|count| count.to_string()).unwrap_or_default();
    for (name, value) in [
        ("metrics", count(spent.metrics)),
        ("metrics_usd", usd(spent.metrics_usd)),
        ("requests", count(spent.requests)),
        ("requests_usd", usd(spent.requests_usd)),
        ("gigabyte_seconds", usd(spent.gigabyte_seconds)),
        ("lambda_usd", usd(spent.lambda_usd)),
        ("usd", usd(spent.usd)),
    ] {
        table.write_record(["spent", name, &value])?;
    }
    for finding in &health.findings {
        table.write_record(["findings", finding.kind(), &cell(&finding.to_string())])?;
    }
    table
        .into_inner()
        .map_err(|error| error.into_error().into())
}
