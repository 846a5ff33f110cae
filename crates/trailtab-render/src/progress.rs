//! Renders the progress of reading event histories, and the plan of reading a bucket.

use super::escape;
use super::page::{counted, thousands, wrap};
use rust_decimal::Decimal;
use trailtab_core::history::walk::View;
use trailtab_core::s3_requests::S3RequestPlan;
use trailtab_core::time;

/// Regions with a line of their own.
const MAX_REGIONS_SHOWN: usize = 8;

/// Account, region, progress, and whether the region is done.
pub type RegionLine<'r> = (&'r str, &'r str, View, bool);

/// Sums up all regions in the first line, then shows the slowest in a line each.
pub fn regions(rows: &[RegionLine<'_>]) -> String {
    let open = rows.iter().filter(|(.., done)| !done);
    let mut open: Vec<&RegionLine<'_>> = open.collect();
    open.sort_by(|a, b| b.2.seconds_left.total_cmp(&a.2.seconds_left));
    let sum = |of: fn(&View) -> u64| -> String {
        thousands(rows.iter().map(|(_, _, view, _)| of(view)).sum::<u64>())
    };
    let mut text = format!(
        "{}/{} regions, {} events in {} requests, {} throttled",
        rows.len() - open.len(),
        rows.len(),
        sum(|view| view.events),
        sum(|view| view.requests),
        sum(|view| view.throttles),
    );
    if let Some((_, _, slowest, _)) = open.first() {
        text += &format!(", about {} left", duration(slowest.seconds_left));
    }
    for (account, region, view, _) in open.iter().take(MAX_REGIONS_SHOWN) {
        let reached = view.reached.map_or_else(String::new, time::iso);
        text += &format!(
            "\n     {} {:<14} {:>9} events {:>6} requests {:>4} throttled, back to {reached:<20}, {} left",
            escape::terminal(account),
            escape::terminal(region),
            thousands(view.events),
            thousands(view.requests),
            thousands(view.throttles),
            duration(view.seconds_left),
        );
    }
    text
}

/// Says which requests reading a bucket takes, and what they cost.
pub fn s3_plan(bucket: &str, plan: &S3RequestPlan) -> String {
    let (more, so_far) = match plan.is_complete {
        true => ("", ""),
        false => (" and more", " so far"),
    };
    format!(
        "s3://{bucket}: {} ({}){more}: {} GET and {} LIST requests{so_far}, {} at the list prices of us-east-1",
        counted(plan.objects, "file"),
        bytes(plan.bytes),
        thousands(plan.get_requests),
        thousands(plan.list_requests),
        dollars(plan.usd()),
    )
}

/// What a query of Athena will scan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AthenaScan<'s> {
    /// Why the objects could not be listed. Then all other numbers are 0.
    pub not_listed: Option<&'s str>,
    /// Number of objects.
    pub objects: u64,
    /// Their size as stored, in bytes.
    pub bytes: u64,
    /// What the query costs, in dollars: the scan, the GETs and the listing.
    pub usd: Decimal,
    /// What the GETs cost, in dollars.
    pub get_usd: Decimal,
    /// Seconds that S3 needs at least to serve the objects.
    pub least_seconds: u64,
    /// Number of days whose counts are kept.
    pub kept_days: u64,
}

/// Says what a query of Athena will scan, and what that costs.
pub fn athena_plan(table: &impl std::fmt::Display, scan: &AthenaScan<'_>) -> String {
    let kept = match scan.kept_days {
        0 => String::new(),
        days => format!("; {} counted already", are(days, "day")),
    };
    if let Some(reason) = scan.not_listed {
        return format!("{table}: what the query will scan is not known{kept}: {reason}");
    }
    if scan.objects == 0 {
        return format!("{table}: nothing to scan{kept}");
    }
    let requests = match scan.get_usd < CENT {
        true => String::new(),
        false => format!(" ({} of it for GET requests)", dollars(scan.get_usd)),
    };
    format!(
        "{table}: the query scans {} ({}): {}{requests} at the list prices of us-east-1, and at least {}{kept}",
        counted(scan.objects, "file"),
        bytes(scan.bytes),
        dollars(scan.usd),
        duration(scan.least_seconds.max(1) as f64),
    )
}

/// The width of a suggestion.
const SUGGESTION_COLUMNS: usize = 80;

const CENT: Decimal = Decimal::from_parts(1, 0, 0, false, 2);

/// Reading a bucket here against a query of Athena.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AthenaAlternative {
    /// Seconds on two cores.
    pub here_seconds: u64,
    /// Seconds for the transfer at 100 Mbit/s.
    pub slow_line_seconds: u64,
    /// Dollars for the transfer out of AWS.
    pub transfer_usd: Decimal,
    /// Dollars for the query.
    pub athena_usd: Decimal,
}

/// Suggests Athena for a large bucket, with what speaks for it, in lines of at most 80 columns. The command has a line
/// of its own.
pub fn athena_suggestion(bucket: &str, prefix: &str, other: &AthenaAlternative) -> Vec<String> {
    let text = format!(
        "s3://{bucket}: reading takes about {} on two cores, and {} at 100 Mbit/s; outside AWS the transfer costs {} more. Athena counts the same for {}, and the next day for a part of it (docs/scale.md):",
        duration(other.here_seconds as f64),
        duration(other.slow_line_seconds as f64),
        dollars(other.transfer_usd),
        dollars(other.athena_usd),
    );
    let mut lines = wrap(&text, SUGGESTION_COLUMNS);
    lines.push(format!("    trailtab athena setup s3://{bucket}/{prefix}"));
    lines
}

fn are(count: u64, noun: &str) -> String {
    let verb = if count == 1 { "is" } else { "are" };
    format!("{} {verb}", counted(count, noun))
}

/// Says what queries of Athena scanned.
pub fn athena_scanned(scanned_bytes: u64, usd: Decimal, is_reused: bool) -> String {
    match is_reused {
        true => "Athena scanned nothing: the result of an earlier query is used again".to_owned(),
        false => format!(
            "Athena scanned {}: {} at the list price of us-east-1",
            bytes(scanned_bytes),
            dollars(usd)
        ),
    }
}

/// An amount with cents; less than one cent is not shown.
pub fn dollars(usd: Decimal) -> String {
    match usd < CENT {
        true => "less than $0.01".to_owned(),
        false => format!("${:.2}", usd.round_dp(2)),
    }
}

/// A size in its natural decimal unit.
pub fn bytes(bytes: u64) -> String {
    let units = ["KB", "MB", "GB", "TB"];
    let mut size = bytes as f64 / 1000.0;
    let mut unit = units[0];
    for larger in &units[1..] {
        if size < 1000.0 {
            break;
        }
        size /= 1000.0;
        unit = larger;
    }
    match size < 10.0 {
        true => format!("{size:.1} {unit}"),
        false => format!("{size:.0} {unit}"),
    }
}

/// An estimated duration in its natural unit.
fn duration(seconds: f64) -> String {
    match seconds {
        s if s < 90.0 => format!("{} s", s.ceil()),
        s if s < 5400.0 => format!("{} min", (s / 60.0).round()),
        s if s < 172_800.0 => format!("{} h", (s / 3600.0).round()),
        s => format!("{} days", (s / 86_400.0).round()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_plan_of_a_bucket_tells_its_price() {
        let plan = |objects, bytes, lists, is_complete| {
            let plan = S3RequestPlan {
                objects,
                bytes,
                get_requests: objects,
                list_requests: lists,
                is_complete,
            };
            s3_plan("logs", &plan)
        };
        let plans = [
            plan(1, 940, 4, true),
            plan(10_000, 29_600_000, 12, false),
            plan(3_000_000, 90_000_000_000, 3020, true),
        ];
        insta::assert_snapshot!(plans.join("\n"), @r"
        s3://logs: 1 file (0.9 KB): 1 GET and 4 LIST requests, less than $0.01 at the list prices of us-east-1
        s3://logs: 10,000 files (30 MB) and more: 10,000 GET and 12 LIST requests so far, less than $0.01 at the list prices of us-east-1
        s3://logs: 3,000,000 files (90 GB): 3,000,000 GET and 3,020 LIST requests, $1.22 at the list prices of us-east-1
        ");
    }

    #[test]
    fn the_plan_of_a_query_tells_its_price() {
        let scan = AthenaScan {
            not_listed: None,
            objects: 33_000_000,
            bytes: 1 << 40,
            usd: Decimal::new(18_365, 3),
            get_usd: Decimal::new(132, 1),
            least_seconds: 600,
            kept_days: 0,
        };
        let small = AthenaScan {
            objects: 1,
            bytes: 900,
            usd: Decimal::new(1, 4),
            get_usd: Decimal::new(4, 7),
            least_seconds: 1,
            kept_days: 30,
            ..scan
        };
        let nothing = AthenaScan {
            objects: 0,
            kept_days: 1,
            ..scan
        };
        let unknown = AthenaScan {
            not_listed: Some("access denied"),
            ..scan
        };
        let plans = [scan, small, nothing, unknown].map(|scan| athena_plan(&"athena://d/t", &scan));
        insta::assert_snapshot!(plans.join("\n"));
        insta::assert_snapshot!(athena_scanned(1 << 40, Decimal::from(5), false));
        insta::assert_snapshot!(athena_scanned(0, Decimal::ZERO, true));
    }

    #[test]
    fn athena_is_suggested_with_numbers() {
        let other = AthenaAlternative {
            here_seconds: 6_200,
            slow_line_seconds: 80_000,
            transfer_usd: Decimal::from(90),
            athena_usd: Decimal::new(1788, 2),
        };
        insta::assert_snapshot!(athena_suggestion("logs", "AWSLogs/", &other).join("\n"));
    }

    #[test]
    fn the_slowest_regions_come_first() {
        let view = |events, seconds_left| View {
            requests: 12,
            throttles: 1,
            events,
            reached: Some(1_788_768_000),
            events_left: 0,
            seconds_left,
        };
        let text = regions(&[
            ("111122223333", "eu-west-1", view(600, 12.4), false),
            ("111122223333", "us-east-1", view(12_000, 7300.0), false),
            ("111122223333", "us-west-2", view(0, 0.0), true),
        ]);
        insta::assert_snapshot!(text, @r"
        1/3 regions, 12,600 events in 36 requests, 3 throttled, about 2 h left
             111122223333 us-east-1         12,000 events     12 requests    1 throttled, back to 2026-09-07T08:00:00Z, 2 h left
             111122223333 eu-west-1            600 events     12 requests    1 throttled, back to 2026-09-07T08:00:00Z, 13 s left
        ");
    }
}
