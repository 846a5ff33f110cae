//! Sums of a report: by day, and of the days compared with.
use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use rust_decimal::Decimal;

use super::build::ReportQuestion;
use super::{ReportRow, RowFigure, RowLabel};
use crate::cost::charge::ChargeType;
use crate::cost::period::{self, DayRange};

/// The days that a report needs.
#[derive(Debug, Clone, Copy)]
pub(super) struct DayFrame {
    /// The days of the period that have data.
    pub(super) shown: DayRange,
    /// The shown days that are settled, if any.
    pub(super) settled: Option<DayRange>,
    /// What the settled days are compared with.
    pub(super) compared: Option<DayRange>,
    /// The whole month before, if the period is a month or begins one.
    pub(super) month_before: Option<DayRange>,
    /// Whether the period is a month whose invoice is final.
    pub(super) is_final: bool,
}

impl DayFrame {
    /// Determines the days, if any day has data.
    pub(super) fn of(question: &ReportQuestion<'_>) -> Option<DayFrame> {
        let ReportQuestion {
            kind,
            days,
            data_from,
            data_through,
            settled_through,
            ..
        } = *question;
        let is_known = |range: &DayRange| range.from >= data_from;
        let shown = days.known(data_through)?;
        let settled = shown.known(Some(settled_through));
        let compared = period::compared(kind, days, settled.map(|settled| settled.through));
        Some(DayFrame {
            shown,
            settled,
            compared: compared.filter(is_known),
            month_before: period::month_before(kind, days).filter(is_known),
            is_final: false,
        })
    }

    /// The same days, with what Cost Explorer says of its estimates.
    pub(super) fn with_estimates(self, estimated: &BTreeSet<Date>) -> DayFrame {
        let is_settled_month = self.settled.is_some_and(DayRange::is_a_month);
        DayFrame {
            is_final: is_settled_month && self.settled == Some(self.shown) && estimated.is_empty(),
            ..self
        }
    }

    /// Whether AWS is still to bill a charge of which there is nothing yet, although there was in the month before.
    pub(super) fn is_to_come(&self, charge: ChargeType) -> bool {
        let is_first_settled = self.settled.is_some();
        charge.is_billed_monthly()
            && !self.is_final
            && (charge.is_billed_late() || !is_first_settled)
    }

    /// The days before the period that its days are drawn against: the whole month before, or those compared with.
    pub(super) fn history(&self) -> Option<DayRange> {
        self.month_before.or(self.compared)
    }

    /// Tells whether a report covers a day.
    pub(super) fn contains(&self, day: Date) -> bool {
        let history = self.history().is_some_and(|days| days.contains(day));
        history || self.shown.contains(day)
    }

    pub(super) fn nothing(&self) -> DaySeries {
        DaySeries {
            daily: vec![Decimal::ZERO; self.shown.len()],
            before: Decimal::ZERO,
            month_before: Decimal::ZERO,
        }
    }

    pub(super) fn figure(&self, series: &DaySeries) -> RowFigure {
        let settled = self.settled.map_or(0, DayRange::len);
        let settled = &series.daily[..settled.min(series.daily.len())];
        let mut latest = settled.iter().rev().copied();
        RowFigure {
            amount: sum(&series.daily),
            settled: sum(settled),
            before: self.compared.map(|_| series.before),
            last_day: latest.next(),
            day_before: latest.next(),
        }
    }

    pub(super) fn row(&self, label: RowLabel, series: &DaySeries) -> ReportRow {
        ReportRow {
            label,
            figure: self.figure(series),
            daily: series.daily.clone(),
        }
    }

    /// Makes rows, the largest first; rows without any amount are left out.
    pub(super) fn rows<K>(
        &self,
        sums: &BTreeMap<K, DaySeries>,
        label: impl Fn(&K) -> RowLabel,
    ) -> Vec<ReportRow> {
        let spent = sums.iter().filter(|(_, series)| !series.is_zero());
        let mut rows: Vec<ReportRow> = spent
            .map(|(key, series)| self.row(label(key), series))
            .collect();
        rows.sort_by(largest_first);
        rows
    }
}

/// Amounts by day, and the amounts that they are compared with.
#[derive(Debug, Clone)]
pub(super) struct DaySeries {
    daily: Vec<Decimal>,
    before: Decimal,
    /// The amount of the whole month before.
    month_before: Decimal,
}

impl DaySeries {
    /// Adds an amount to its day, if the report covers that day.
    pub(super) fn add(&mut self, frame: &DayFrame, day: Date, amount: Decimal) {
        if let Some(at) = frame.shown.place(day) {
            if let Some(sum) = self.daily.get_mut(at) {
                *sum = plus(*sum, amount);
            }
            return;
        }
        let is_in = |days: Option<DayRange>| days.is_some_and(|days| days.contains(day));
        if is_in(frame.compared) {
            self.before = plus(self.before, amount);
        }
        if is_in(frame.month_before) {
            self.month_before = plus(self.month_before, amount);
        }
    }

    pub(super) fn add_all(&mut self, other: &DaySeries) {
        for (sum, amount) in self.daily.iter_mut().zip(&other.daily) {
            *sum = plus(*sum, *amount);
        }
        self.before = plus(self.before, other.before);
        self.month_before = plus(self.month_before, other.month_before);
    }

    pub(super) fn subtract_all(&mut self, other: &DaySeries) {
        for (sum, amount) in self.daily.iter_mut().zip(&other.daily) {
            *sum = sum.saturating_sub(*amount);
        }
        self.before = self.before.saturating_sub(other.before);
        self.month_before = self.month_before.saturating_sub(other.month_before);
    }

    pub(super) fn is_zero(&self) -> bool {
        self.before.is_zero() && self.daily.iter().all(Decimal::is_zero)
    }

    pub(super) fn daily(&self) -> &[Decimal] {
        &self.daily
    }

    pub(super) fn month_before(&self) -> Decimal {
        self.month_before
    }

    /// The amount of all shown days.
    pub(super) fn amount(&self) -> Decimal {
        sum(&self.daily)
    }
}

fn sum(amounts: &[Decimal]) -> Decimal {
    amounts.iter().copied().fold(Decimal::ZERO, plus)
}

/// Adds two amounts, saturating instead of overflowing.
pub(super) fn plus(one: Decimal, other: Decimal) -> Decimal {
    one.saturating_add(other)
}

pub(super) fn largest_first(one: &ReportRow, other: &ReportRow) -> std::cmp::Ordering {
    let (amounts, labels) = (
        other.figure.amount.cmp(&one.figure.amount),
        one.label.cmp(&other.label),
    );
    amounts.then(labels)
}
