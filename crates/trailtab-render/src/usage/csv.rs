//! Writes usage as CSV. Names may be attacker-controlled and must never become formulas.

use crate::escape::cell;
use trailtab_core::activity::usage::causes::{ThrottleReport, ThrottledApi};
use trailtab_core::activity::usage::metrics::OTHER;
use trailtab_core::activity::usage::price::{MetricCost, UsagePrice};
use trailtab_core::activity::usage::report::UsageReport;

type UsageCsv = csv::Writer<Vec<u8>>;

/// Writes the usage table.
///
/// # Errors
///
/// Never in practice: writing to memory does not fail.
pub fn report(report: &UsageReport) -> csv::Result<Vec<u8>> {
    let mut table = UsageCsv::from_writer(Vec::new());
    let time = report.per.map(|_| "time");
    let keys = report.by.iter().map(|by| by.name());
    let counts = [
        "calls",
        "errors",
        "throttles",
        "reads",
        "writes",
        "peak_per_minute",
        "peak_minute",
        "first_minute",
        "last_minute",
    ];
    table.write_record(time.into_iter().chain(keys).chain(counts))?;
    for row in &report.rows {
        if let Some(time) = &row.time {
            table.write_field(time)?;
        }
        for by in &report.by {
            table.write_field(&*cell(row.key.get(by).map_or("", String::as_str)))?;
        }
        let counts = &row.counts;
        for count in [
            counts.calls,
            counts.errors,
            counts.throttles,
            counts.reads,
            counts.writes,
            counts.peak_per_minute,
        ] {
            table.write_field(count.to_string())?;
        }
        for minute in [
            &counts.peak_minute,
            &counts.first_minute,
            &counts.last_minute,
        ] {
            table.write_field(minute.as_deref().unwrap_or_default())?;
        }
        table.write_record(None::<&[u8]>)?;
    }
    finish(table)
}

/// Writes a row per throttled API and caller; callers that are not listed are one row, `__other__`.
///
/// # Errors
///
/// Never in practice: writing to memory does not fail.
pub fn causes(causes: &ThrottleReport) -> csv::Result<Vec<u8>> {
    let mut table = UsageCsv::from_writer(Vec::new());
    let place = ["account", "region", "api"];
    let keys = causes.by.iter().map(|by| by.name());
    let counts = [
        "calls_in_throttled_minutes",
        "all_calls_in_throttled_minutes",
        "throttles",
        "calls",
        "peak_per_minute",
        "first_throttled_minute",
        "last_throttled_minute",
        "all_throttles",
        "all_calls",
        "all_peak_per_minute",
        "all_peak_minute",
        "throttled_minutes",
    ];
    table.write_record(place.into_iter().chain(keys).chain(counts))?;
    for place in &causes.places {
        for caller in &place.callers {
            let key = |by| caller.key.get(by).map_or("", String::as_str);
            let keys: Vec<&str> = causes.by.iter().map(key).collect();
            let counts = [
                caller.calls_in_throttled_minutes,
                caller.throttles,
                caller.calls,
            ];
            let own = [
                &caller.peak_per_minute.to_string(),
                caller.first_throttled_minute.as_deref().unwrap_or_default(),
                caller.last_throttled_minute.as_deref().unwrap_or_default(),
            ];
            caller_row(&mut table, place, &keys, counts, own)?;
        }
        if let Some(folded) = &place.folded {
            let keys = vec![OTHER; causes.by.len()];
            let counts = [
                folded.calls_in_throttled_minutes,
                folded.throttles,
                folded.calls,
            ];
            caller_row(&mut table, place, &keys, counts, [""; 3])?;
        }
    }
    finish(table)
}

/// Writes a row of callers: their names; their calls in throttled minutes, throttles and calls; and their peak with the
/// first and last throttled minute.
fn caller_row(
    table: &mut UsageCsv,
    place: &ThrottledApi,
    keys: &[&str],
    [calls_in_throttled_minutes, throttles, calls]: [u64; 3],
    own: [&str; 3],
) -> csv::Result<()> {
    let names = [&*place.account, &place.region, &place.api];
    for name in names.iter().chain(keys) {
        table.write_field(&*cell(name))?;
    }
    for count in [
        calls_in_throttled_minutes,
        place.calls_in_throttled_minutes,
        throttles,
        calls,
    ] {
        table.write_field(count.to_string())?;
    }
    for text in own {
        table.write_field(text)?;
    }
    table.write_record([
        &place.throttles.to_string(),
        &place.calls.to_string(),
        &place.peak_per_minute.to_string(),
        place.peak_minute.as_deref().unwrap_or_default(),
        &place.throttled_minutes.to_string(),
    ])
}

/// Writes two rows per metric set (without and with the limit), one for the health metrics, two per bill (by requests
/// and by EMF), and one for the log group.
///
/// # Errors
///
/// Never in practice: writing to memory does not fail.
pub fn price(price: &UsagePrice) -> csv::Result<Vec<u8>> {
    let mut table = UsageCsv::from_writer(Vec::new());
    table.write_record([
        "item",
        "sets",
        "top",
        "metrics",
        "metric_months",
        "requests",
        "log_bytes",
        "usd",
    ])?;
    let top = price.top.to_string();
    let mut row =
        |item: &str, sets: &str, top: &str, metrics: Option<&MetricCost>, rest: [&str; 3]| {
            let counts = metrics.map(|metrics| metrics.metrics.to_string());
            let months = metrics.map(|metrics| metrics.metric_months.round_dp(4).normalize());
            let [requests, bytes, usd] = rest;
            table.write_record([
                item,
                sets,
                top,
                &counts.unwrap_or_default(),
                &months.map(|months| months.to_string()).unwrap_or_default(),
                requests,
                bytes,
                usd,
            ])
        };
    let money = |usd: &rust_decimal::Decimal| usd.round_dp(4).normalize().to_string();
    for set in &price.sets {
        let (all, few) = (&set.uncapped, &set.capped);
        row("set", set.set, "", Some(all), ["", "", &money(&all.usd)])?;
        row("set", set.set, &top, Some(few), ["", "", &money(&few.usd)])?;
    }
    let health = &price.health;
    row(
        "health",
        "",
        "",
        Some(health),
        ["", "", &money(&health.usd)],
    )?;
    for bill in &price.bills {
        let top = bill.top.map(|top| top.to_string()).unwrap_or_default();
        let (sets, metrics) = (bill.sets.join(" "), Some(&bill.metrics));
        let (requests, bytes) = (bill.requests.to_string(), bill.emf.bytes.to_string());
        let (usd, by_emf) = (money(&bill.usd), money(&bill.usd_by_emf));
        row("bill", &sets, &top, metrics, [&requests, "", &usd])?;
        row("bill_by_emf", &sets, &top, metrics, ["", &bytes, &by_emf])?;
    }
    let logs = &price.log_group;
    let (bytes, usd) = (logs.bytes.to_string(), money(&logs.usd));
    row("log_group", "", "", None, ["", &bytes, &usd])?;
    finish(table)
}

fn finish(table: UsageCsv) -> csv::Result<Vec<u8>> {
    table
        .into_inner()
        .map_err(|error| error.into_error().into())
}
