//! Renders the progress of reading event histories.

use super::escape;
use super::page::thousands;
use trailtab_core::history::walk::View;
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
