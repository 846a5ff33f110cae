//! Renders the estimated price of metrics as a terminal page.

use std::fmt::{self, Write as _};

use console::Style;
use rust_decimal::Decimal;

use crate::document::{ColumnKind, TableColumn};
use crate::page::{TextPage, TextStyle, counted, size, thousands};
use trailtab_core::activity::usage::price::{MetricCost, MonthlyBill, UsagePrice};
use trailtab_core::digits::grouped;

/// Renders a price estimate.
pub fn price(price: &UsagePrice, look: TextStyle) -> String {
    TextPage::render(look, |page| page.price(price))
}

impl TextPage {
    fn price(&mut self, price: &UsagePrice) -> fmt::Result {
        self.usage_head("Monthly cost of metrics of these calls", &price.basis)?;
        if price.basis.no_match.is_some() {
            return self.usage_coverage(&price.basis);
        }
        let (hours, month) = (price.hours, counted(price.month_hours, "hour"));
        writeln!(
            self.out,
            "{}, extrapolated to a month of {month}",
            counted(hours, "hour")
        )?;
        if price.is_guess() {
            let line = "Less than a day of logs: this is a guess. Use the logs of a week.";
            let line = self.style(Style::new().red().bold(), line);
            writeln!(self.out, "{line}")?;
        }
        let limit = thousands(price.top);
        self.heading("Metrics")?;
        self.table(sets(price, &limit))?;
        self.heading("A month of the function, with its health metrics")?;
        self.table(bills(&price.bills))?;
        let notes = notes(price);
        self.notes(notes.iter().map(String::as_str))?;
        self.usage_coverage(&price.basis)
    }
}

/// How to read the page, and what is estimated.
fn notes(price: &UsagePrice) -> [String; 5] {
    let (logs, prices) = (&price.log_group, &price.prices);
    let emf = price.bills.last().map_or(0, |bill| bill.emf.bytes);
    [
        "billed: metrics by the hours in which they have data. top: how many metrics a set may have \
         (--top, or TRAILTAB_USAGE_TOP of the function); all others count under __other__."
            .to_owned(),
        "PutMetricData: an estimate, of one request for each account, region and minute with calls."
            .to_owned(),
        format!(
            "by EMF: metrics as text in the function's log instead of requests, an estimated {} a \
             month for all sets with the limit.",
            size(emf)
        ),
        format!(
            "Not included: Lambda, S3, and ingestion into CloudTrail's log group, about {} a month for {}.",
            size(logs.bytes),
            money(logs.usd)
        ),
        format!(
            "List prices of {} on {}, without free tiers: {}",
            prices.region, prices.as_of, prices.source
        ),
    ]
}

/// A row per metric set, and one for the function's health metrics.
fn sets(price: &UsagePrice, limit: &str) -> Vec<TableColumn> {
    type Cell = fn(&MetricCost) -> String;
    let count: Cell = |metrics| thousands(metrics.metrics);
    let billed: Cell = |metrics| tenths(metrics.metric_months);
    let usd: Cell = |metrics| money(metrics.usd);
    let names = price.sets.iter().map(|set| set.set.to_owned());
    let mut columns = vec![TableColumn::new(
        "set",
        ColumnKind::Text,
        names.chain(["health".to_owned()]),
    )];
    for (title, cell) in [("metrics", count), ("billed", billed), ("a month", usd)] {
        let cells = price.sets.iter().map(|set| cell(&set.uncapped));
        let cells = cells.chain([cell(&price.health)]);
        let column = TableColumn::new(title, ColumnKind::Number, cells);
        columns.push(match title {
            "billed" => column.dispensable(1),
            _ => column,
        });
    }
    let title = format!("top {limit}: metrics");
    for (title, cell) in [(title.as_str(), count), ("a month", usd)] {
        let cells = price.sets.iter().map(|set| cell(&set.capped));
        let cells = cells.chain([cell(&price.health)]);
        columns.push(TableColumn::new(title, ColumnKind::Number, cells));
    }
    columns
}

fn bills(bills: &[MonthlyBill]) -> Vec<TableColumn> {
    let column = |title: &str, kind: ColumnKind, cell: &dyn Fn(&MonthlyBill) -> String| {
        TableColumn::new(title, kind, bills.iter().map(cell))
    };
    vec![
        column(
            "sets",
            ColumnKind::Text,
            &|bill| match bill.sets.as_slice() {
                [set] => (*set).to_owned(),
                _ => "all sets".to_owned(),
            },
        ),
        column("top", ColumnKind::Number, &|bill| {
            bill.top.map_or("none".to_owned(), thousands)
        }),
        column("metrics", ColumnKind::Number, &|bill| {
            money(bill.metrics.usd)
        }),
        column("PutMetricData", ColumnKind::Number, &|bill| {
            let requests = thousands(bill.requests);
            format!("{requests}: {}", money(bill.requests_usd))
        })
        .dispensable(1),
        column("together", ColumnKind::Number, &|bill| money(bill.usd)),
        column("by EMF", ColumnKind::Number, &|bill| money(bill.usd_by_emf)),
    ]
}

/// US dollars with cents. An amount that rounds to zero but is not is `<$0.01`, never `$0.00`.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_has_cents() {
        assert_eq!(money(Decimal::new(123_456_789, 4)), "$12,345.68");
        assert_eq!(money(Decimal::new(1, 4)), "<$0.01");
        assert_eq!(money(Decimal::ZERO), "$0.00");
        assert_eq!(tenths(Decimal::new(123_456, 2)), "1,234.6");
    }
}
