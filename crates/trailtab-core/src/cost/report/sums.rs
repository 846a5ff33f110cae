//! Sums of a report: by day, and of the days compared with.
use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use rust_decimal::Decimal;

use super::build::ReportQuestion;
use super::{ReportRow, RowFigure, RowLabel};
use crate::cost::charge::ChargeType;
use crate::cost::period::{self, DayRange, PeriodKind};

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
    /// The last settled day, in the period or before it.
    settled_through: Date,
    /// The month of the period, if it is in progress.
    pub(super) month_in_progress: Option<DayRange>,
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
            settled_through,
            month_in_progress: (kind == PeriodKind::MonthToDate)
                .then(|| DayRange::month_of(days.from)),
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

    /// Returns whether a report covers a day.
    pub(super) fn contains(&self, day: Date) -> bool {
        let history = self.history().is_some_and(|days| days.contains(day));
        history || self.shown.contains(day)
    }

    pub(super) fn nothing(&self) -> DaySeries {
        DaySeries {
            daily: vec![Decimal::ZERO; self.shown.len()],
            history: vec![Decimal::ZERO; self.history().map_or(0, DayRange::len)],
        }
    }

    /// The amount of some days before the period.
    fn earlier(&self, series: &DaySeries, days: DayRange) -> Decimal {
        let all = self.history().into_iter().flat_map(DayRange::iter);
        let wanted = all.zip(&series.history);
        let wanted = wanted.filter(|(day, _)| days.contains(*day));
        wanted.fold(Decimal::ZERO, |sum, (_, amount)| plus(sum, *amount))
    }

    /// The amount of the whole month before; absent if it is not known.
    pub(super) fn month_before_of(&self, series: &DaySeries) -> Option<Decimal> {
        self.month_before.map(|month| self.earlier(series, month))
    }

    /// The first day and the amounts of all settled days without a gap, from those before the period on; absent if
    /// there is none.
    pub(super) fn settled_series(&self, series: &DaySeries) -> Option<(Date, Vec<Decimal>)> {
        let history = self.history();
        let follows = |history: &DayRange| {
            let next = history.through.tomorrow();
            next.is_ok_and(|next| next == self.shown.from)
        };
        let history = history.filter(follows);
        let first = history.map_or(self.shown.from, |history| history.from);
        let earlier = history.map_or(&[][..], |_| &series.history[..]);
        let mut all: Vec<Decimal> = earlier.iter().chain(&series.daily).copied().collect();
        let through = self.settled_through.min(self.shown.through);
        let settled = DayRange {
            from: first,
            through,
        };
        if through < first {
            return None;
        }
        all.truncate(settled.len());
        Some((first, all))
    }

    pub(super) fn figure(&self, series: &DaySeries) -> RowFigure {
        let settled = self.settled.map_or(0, DayRange::len);
        let settled = &series.daily[..settled.min(series.daily.len())];
        let mut latest = settled.iter().rev().copied();
        RowFigure {
            amount: sum(&series.daily),
            settled: sum(settled),
            before: self.compared.map(|days| self.earlier(series, days)),
            last_day: latest.next(),
            day_before: latest.next(),
        }
    }

    pub(super) fn row(&self, label: RowLabel, series: &DaySeries) -> ReportRow {
        ReportRow {
            label,
            figure: self.figure(series),
            daily: series.daily.clone(),
            estimate: None,
        }
    }

    /// Makes rows, the largest first; rows without any amount are left out.
    pub(super) fn rows<K>(
        &self,
        sums: &BTreeMap<K, DaySeries>,
        label: impl Fn(&K) -> RowLabel,
    ) -> Vec<ReportRow> {
        let spent = sums.iter().filter(|(_, series)| !series.is_zero(self));
        let mut rows: Vec<ReportRow> = spent
            .map(|(key, series)| self.row(label(key), series))
            .collect();
        rows.sort_by(largest_first);
        rows
    }
}

/// Amounts by day, of the period and of the days before it.
#[derive(Debug, Clone)]
pub(super) struct DaySeries {
    daily: Vec<Decimal>,
    /// Amounts of the days of [`DayFrame::history`].
    history: Vec<Decimal>,
}

impl DaySeries {
    /// Adds an amount to its day, if the report covers that day.
    pub(super) fn add(&mut self, frame: &DayFrame, day: Date, amount: Decimal) {
        let earlier = || frame.history().and_then(|history| history.place(day));
        let sum = match frame.shown.place(day) {
            Some(at) => self.daily.get_mut(at),
            None => earlier().and_then(|at| self.history.get_mut(at)),
        };
        if let Some(sum) = sum {
            *sum = plus(*sum, amount);
        }
    }

    pub(super) fn add_all(&mut self, other: &DaySeries) {
        self.combine(other, plus);
    }

    pub(super) fn subtract_all(&mut self, other: &DaySeries) {
        self.combine(other, Decimal::saturating_sub);
    }

    fn combine(&mut self, other: &DaySeries, with: impl Fn(Decimal, Decimal) -> Decimal) {
        let daily = self.daily.iter_mut().zip(&other.daily);
        let history = self.history.iter_mut().zip(&other.history);
        for (sum, amount) in daily.chain(history) {
            *sum = with(*sum, *amount);
        }
    }

    /// Returns whether nothing was spent in the period, nor on the days that it is compared with.
    pub(super) fn is_zero(&self, frame: &DayFrame) -> bool {
        let before = frame.compared.map(|days| frame.earlier(self, days));
        before.is_none_or(|before| before.is_zero()) && self.daily.iter().all(Decimal::is_zero)
    }

    /// The amounts of the days before the period.
    pub(super) fn history(&self) -> &[Decimal] {
        &self.history
    }

    pub(super) fn daily(&self) -> &[Decimal] {
        &self.daily
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

/// The order of rows: by settled amount, then by the amount of all days.
pub(super) fn largest_first(one: &ReportRow, other: &ReportRow) -> std::cmp::Ordering {
    let settled = other.figure.settled.cmp(&one.figure.settled);
    let amounts = other.figure.amount.cmp(&one.figure.amount);
    settled
        .then(amounts)
        .then_with(|| one.label.cmp(&other.label))
}
