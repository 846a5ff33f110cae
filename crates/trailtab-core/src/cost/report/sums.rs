//! Sums of a report: by day, and of the days compared with.
use std::collections::BTreeMap;

use jiff::civil::Date;
use rust_decimal::Decimal;

use super::build::ReportQuestion;
use super::{ReportRow, RowFigure, RowLabel};
use crate::cost::period::{self, DayRange};

/// The days that a report needs.
#[derive(Debug, Clone, Copy)]
pub(super) struct DayFrame {
    /// The days of the period that have data.
    pub(super) shown: DayRange,
    pub(super) compared: Option<DayRange>,
    /// The days compared with, and the rest of their month.
    pub(super) history: Option<DayRange>,
}

impl DayFrame {
    /// Determines the days, if any day has data.
    pub(super) fn of(question: &ReportQuestion<'_>) -> Option<DayFrame> {
        let ReportQuestion {
            kind,
            days,
            data_from,
            data_through,
            ..
        } = *question;
        let is_known = |compared: &DayRange| compared.from >= data_from;
        let compared = period::compared(kind, days, data_through).filter(is_known);
        Some(DayFrame {
            shown: days.known(data_through)?,
            compared,
            history: compared.and_then(|_| period::history(kind, days, data_through)),
        })
    }

    /// Tells whether a report covers a day.
    pub(super) fn contains(&self, day: Date) -> bool {
        let history = self.history.is_some_and(|days| days.contains(day));
        history || self.shown.contains(day)
    }

    pub(super) fn nothing(&self) -> DaySeries {
        DaySeries {
            daily: vec![Decimal::ZERO; self.shown.len()],
            before: Decimal::ZERO,
        }
    }

    pub(super) fn figure(&self, series: &DaySeries) -> RowFigure {
        let last = series.daily.len().saturating_sub(1);
        let day = |at: usize| series.daily.get(at).copied();
        RowFigure {
            amount: series.amount(),
            before: self.compared.map(|_| series.before),
            last_day: day(last),
            day_before: last.checked_sub(1).and_then(day),
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

/// Amounts by day, and the amount that they are compared with.
#[derive(Debug, Clone)]
pub(super) struct DaySeries {
    daily: Vec<Decimal>,
    before: Decimal,
}

impl DaySeries {
    /// Adds an amount to its day, if the report covers that day.
    pub(super) fn add(&mut self, frame: &DayFrame, day: Date, amount: Decimal) {
        if let Some(at) = frame.shown.place(day) {
            if let Some(sum) = self.daily.get_mut(at) {
                *sum = plus(*sum, amount);
            }
        } else if frame.compared.is_some_and(|days| days.contains(day)) {
            self.before = plus(self.before, amount);
        }
    }

    pub(super) fn add_all(&mut self, other: &DaySeries) {
        for (sum, amount) in self.daily.iter_mut().zip(&other.daily) {
            *sum = plus(*sum, *amount);
        }
        self.before = plus(self.before, other.before);
    }

    pub(super) fn subtract_all(&mut self, other: &DaySeries) {
        for (sum, amount) in self.daily.iter_mut().zip(&other.daily) {
            *sum = sum.saturating_sub(*amount);
        }
        self.before = self.before.saturating_sub(other.before);
    }

    pub(super) fn is_zero(&self) -> bool {
        self.before.is_zero() && self.daily.iter().all(Decimal::is_zero)
    }

    pub(super) fn daily(&self) -> &[Decimal] {
        &self.daily
    }

    fn amount(&self) -> Decimal {
        self.daily.iter().copied().fold(Decimal::ZERO, plus)
    }
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
