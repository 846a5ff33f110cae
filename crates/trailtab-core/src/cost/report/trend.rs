//! The months before the one of a report.
use std::collections::{BTreeMap, BTreeSet};

use jiff::ToSpan as _;
use jiff::civil::Date;
use rust_decimal::Decimal;
use serde::Serialize;

use super::sight::AudienceFilter;
use super::sums::plus;
use super::{AudienceKind, ReportQuestion};
use crate::cost::charge::ChargeType;
use crate::cost::money::{exact, exact_if_known};
use crate::cost::period::{self, DayRange};
use crate::cost::table::CostTable;

/// Number of months before the shown one.
const TREND_MONTHS: i64 = 6;

/// Decimal places of an amount a day.
const DAILY_PLACES: u32 = 10;

/// A table that holds all costs of some months.
#[derive(Debug, Clone)]
pub struct KnownMonths<'a> {
    /// Its lines are dated on any day of their month.
    pub table: &'a CostTable,
    /// The first days of these months.
    pub months: BTreeSet<Date>,
    /// Whether charge types are told apart.
    pub has_charges: bool,
}

/// The bill of a whole month.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct MonthAmounts {
    /// The month.
    pub month: DayRange,
    /// All charges.
    #[serde(serialize_with = "exact")]
    pub total: Decimal,
    /// Usage alone; null where charge types are not told apart.
    #[serde(serialize_with = "exact_if_known")]
    pub usage: Option<Decimal>,
    /// Usage divided by the number of days, which months of different lengths are compared by.
    #[serde(serialize_with = "exact_if_known")]
    pub usage_a_day: Option<Decimal>,
    /// Whether Cost Explorer still estimates it.
    pub is_estimated: bool,
}

impl MonthAmounts {
    /// The bill of a month, with what follows from its amounts.
    pub fn new(
        month: DayRange,
        total: Decimal,
        usage: Option<Decimal>,
        is_estimated: bool,
    ) -> MonthAmounts {
        let a_day = |usage: Decimal| usage.checked_div(Decimal::from(month.len()));
        MonthAmounts {
            month,
            total,
            usage,
            usage_a_day: usage
                .and_then(a_day)
                .map(|usage| usage.round_dp(DAILY_PLACES)),
            is_estimated,
        }
    }
}

/// The six months before the one that a period is or begins, in order; none for other periods.
pub fn trend_months(kind: period::PeriodKind, days: DayRange) -> impl Iterator<Item = DayRange> {
    let last = period::month_before(kind, days);
    let months = last.into_iter().flat_map(|last| {
        let earlier = (0..TREND_MONTHS).rev();
        earlier.map(move |back| last.from.saturating_sub(back.months()))
    });
    months.map(DayRange::month_of)
}

/// The months before the shown one that are known, by currency. A month without any line is absent: the audience had no
/// account yet. An individual has none, since answers by month do not have owners.
pub(super) fn trend<'t>(
    question: &ReportQuestion<'t>,
    kind: AudienceKind,
    sight: &AudienceFilter<'_>,
) -> BTreeMap<&'t str, Vec<MonthAmounts>> {
    if kind == AudienceKind::Individual {
        return BTreeMap::new();
    }
    let months: Vec<DayRange> = trend_months(question.kind, question.days).collect();
    let mut sums: BTreeMap<(&str, usize), MonthSum> = BTreeMap::new();
    for (at, known) in question.months.iter().enumerate() {
        let earlier = &question.months[..at];
        let is_new = |month: &Date| !earlier.iter().any(|known| known.months.contains(month));
        for (key, line) in sight.money(known.table) {
            let month = key.day.first_of_month();
            let place = months.iter().position(|shown| shown.from == month);
            let Some(place) = place.filter(|_| known.months.contains(&month) && is_new(&month))
            else {
                continue;
            };
            let sum = sums.entry((&key.currency, place)).or_default();
            sum.total = plus(sum.total, line.amount);
            if key.charge == ChargeType::Usage {
                sum.usage = plus(sum.usage, line.amount);
            }
            sum.is_estimated |= line.estimated;
            sum.has_charges = known.has_charges;
        }
    }
    let mut trends: BTreeMap<&str, Vec<MonthAmounts>> = BTreeMap::new();
    for ((currency, place), sum) in sums {
        let usage = sum.has_charges.then_some(sum.usage);
        let amounts = MonthAmounts::new(months[place], sum.total, usage, sum.is_estimated);
        trends.entry(currency).or_default().push(amounts);
    }
    trends
}

/// The lines of a month, added up.
#[derive(Default)]
struct MonthSum {
    total: Decimal,
    usage: Decimal,
    is_estimated: bool,
    has_charges: bool,
}
