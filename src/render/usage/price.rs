//! What metrics would cost, for a person at a terminal.

use std::fmt::{self, Write as _};

use console::Style;
use rust_decimal::Decimal;

use super::page::{Column, Kind};
use crate::core::usage::price::{Bill, Metrics, Price};
use crate::render::page::{Look, Page, counted, thousands};

/// Writes a page about the price.
pub(crate) fn price(price: &Price, look: Look) -> String {
    let mut page = Page::new(look);
    // Writing to a String cannot fail.
    let _ = page.price(price);
    page.out
}

impl Page {
    fn price(&mut self, price: &Price) -> fmt::Result {
        self.usage_head(
            "What metrics of these calls would cost a month",
            &price.basis,
        )?;
        writeln!(
            self.out,
            "{}, taken for a month of {}",
            counted(price.hours, "hour"),
            counted(price.month_hours, "hour"),
        )?;
        if price.is_guess() {
            let line = "Less than a day: this is a guess. Give it the logs of a week.";
            let line = self.style(Style::new().red().bold(), line);
            writeln!(self.out, "{line}")?;
        }
        let limit = thousands(price.top);
        let heading = self.bold("Metrics");
        writeln!(self.out, "\n{heading}")?;
        self.table_of(&sets(price, &limit))?;
        let heading = self.bold("A month of the function, with its health metrics");
        writeln!(self.out, "\n{heading}")?;
        self.table_of(&bills(&price.bills))?;
        let logs = &price.log_group;
        let prices = &price.prices;
        let notes = format!(
            "
  billed: metrics by the hours in which they have data. top: the limit of a set (--top, or the
  function's TRAILTAB_USAGE_TOP); what is beyond counts under __other__.
  PutMetricData: one request for each account, region and minute with calls, at most. EMF: written to
  the function's log in its place, {} bytes a month for all sets with the limit. Both are estimates.
  CloudTrail's log group takes in about {} bytes a month besides: {}.
  List prices of {} on {} ({}), without free tiers. Lambda and S3 are not in it.",
            price.bills.last().map_or(0.to_string(), |bill| thousands(bill.emf.bytes)),
            thousands(logs.bytes),
            money(logs.usd),
            prices.region,
            prices.as_of,
            prices.source,
        );
        let notes = self.dim(&notes);
        writeln!(self.out, "{notes}")?;
        self.usage_coverage(&price.basis.coverage)
    }
}

/// A row for each set, and one for the function's health.
fn sets(price: &Price, limit: &str) -> Vec<Column> {
    type Cell = fn(&Metrics) -> String;
    let count: Cell = |metrics| thousands(metrics.metrics);
    let billed: Cell = |metrics| tenths(metrics.metric_months);
    let usd: Cell = |metrics| money(metrics.usd);
    let names = price.sets.iter().map(|set| set.set.to_owned());
    let mut columns = vec![Column::new(
        "set",
        Kind::Text,
        names.chain(["health".to_owned()]),
    )];
    for (title, cell) in [("metrics", count), ("billed", billed), ("a month", usd)] {
        let cells = price.sets.iter().map(|set| cell(&set.uncapped));
        columns.push(Column::new(
            title,
            Kind::Number,
            cells.chain([cell(&price.health)]),
        ));
    }
    let title = format!("top {limit}: metrics");
    for (title, cell) in [(title.as_str(), count), ("a month", usd)] {
        let cells = price.sets.iter().map(|set| cell(&set.capped));
        columns.push(Column::new(
            title,
            Kind::Number,
            cells.chain([cell(&price.health)]),
        ));
    }
    columns
}

fn bills(bills: &[Bill]) -> Vec<Column> {
    let column = |title: &str, kind: Kind, cell: &dyn Fn(&Bill) -> String| {
        Column::new(title, kind, bills.iter().map(cell))
    };
    vec![
        column("sets", Kind::Text, &|bill| match bill.sets.as_slice() {
            [set] => (*set).to_owned(),
            _ => "all sets".to_owned(),
        }),
        column("top", Kind::Number, &|bill| {
            bill.top.map_or("none".to_owned(), thousands)
        }),
        column("metrics", Kind::Number, &|bill| money(bill.metrics.usd)),
        column("requests", Kind::Number, &|bill| thousands(bill.requests)),
        column("", Kind::Number, &|bill| money(bill.requests_usd)),
        column("together", Kind::Number, &|bill| money(bill.usd)),
        column("by EMF", Kind::Number, &|bill| money(bill.usd_by_emf)),
    ]
}

/// Writes dollars and cents; what is more than nothing never looks like it.
pub(super) fn money(usd: Decimal) -> String {
    let cents = usd.round_dp(2);
    if cents.is_zero() && !usd.is_zero() {
        return "<$0.01".to_owned();
    }
    format!("${}", grouped(&format!("{cents:.2}")))
}

fn tenths(number: Decimal) -> String {
    grouped(&format!("{:.1}", number.round_dp(1)))
}

/// Groups the digits before the point by threes.
fn grouped(number: &str) -> String {
    let (whole, rest) = number.split_once('.').unwrap_or((number, ""));
    match whole.parse() {
        Ok(whole) => format!("{}.{rest}", thousands(whole)),
        Err(_) => number.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_is_told_to_the_cent() {
        assert_eq!(money(Decimal::new(123_456_789, 4)), "$12,345.68");
        assert_eq!(money(Decimal::new(1, 4)), "<$0.01");
        assert_eq!(money(Decimal::ZERO), "$0.00");
        assert_eq!(tenths(Decimal::new(123_456, 2)), "1,234.6");
    }
}
