//! What a month will come to, how its budgets stand, and which of its days are unusual. All of it looks at settled days
//! alone.
use std::collections::BTreeMap;

use jiff::civil::Date;
use rust_decimal::Decimal;

use super::build::ReportBuilder;
use super::cuts::{AccountCuts, CurrencyLines, service_label};
use super::sums::{DayFrame, DaySeries};
use super::unread::UsagePart;
use super::{
    AudienceKind, BillLine, BillOutlook, BudgetRow, MonthOutlook, UnusualDays, UnusualRow, words,
};
use crate::cost::budget::{BudgetFigures, BudgetStatus, BudgetTarget, MonthlyBudget};
use crate::cost::charge::ChargeType;
use crate::cost::estimate::{self, BillEstimate, MonthCourse, MonthEstimate, MonthlyChargeHistory};
use crate::cost::money;
use crate::cost::period::{DayRange, in_a_row, label_of};
use crate::cost::tag_usage::{TagDoubt, TagValue};
use crate::cost::unusual::{self, ComparedDays, UnusualUsage};

/// What the usage of the month in progress will come to, day by day; absent for other periods, and without enough
/// settled days.
pub(super) fn usage(frame: &DayFrame, usage: &DaySeries) -> Option<MonthCourse> {
    let month = frame.month_in_progress?;
    let (first, daily) = frame.settled_series(usage)?;
    estimate::course_of_month(first, &daily, month)
}

/// What the month in progress will come to.
pub(super) fn month(
    frame: &DayFrame,
    usage: Option<&DaySeries>,
    bill: &[BillLine],
    currency: &str,
    is_month_before_estimated: bool,
) -> Option<MonthOutlook> {
    let course = self::usage(frame, usage?)?;
    let charges = charges(bill);
    let estimated = (!charges.is_empty()).then(|| estimate::of_bill(&course.estimate, &charges));
    let month_before = |counts: fn(&BillLine) -> bool| {
        let lines = bill.iter().filter(|line| counts(line));
        let amounts = lines.map(|line| line.month_before);
        let sum = amounts.fold(Decimal::ZERO, Decimal::saturating_add);
        frame.month_before.map(|_| sum)
    };
    let mut outlook = MonthOutlook {
        month: frame.month_in_progress?,
        usage: course.estimate,
        usage_month_before: month_before(|line| line.charge == ChargeType::Usage),
        bill: estimated.map(
            |BillEstimate {
                 total, left_out, ..
             }| BillOutlook {
                total,
                month_before: month_before(|_| true),
                left_out,
            },
        ),
        sentence: String::new(),
    };
    outlook.sentence = sentence(&outlook, currency, is_month_before_estimated);
    Some(outlook)
}

/// The charges that come on top of usage, as far as they are known.
fn charges(bill: &[BillLine]) -> Vec<MonthlyChargeHistory> {
    let mut usage = bill.iter().filter(|line| line.charge == ChargeType::Usage);
    let last_usage = usage.next().map(|line| line.month_before);
    let others = bill.iter().filter(|line| line.charge != ChargeType::Usage);
    let history = others.map(|line| MonthlyChargeHistory {
        charge: line.charge,
        // Nothing last month may mean that it is not billed yet.
        last_month: Some(line.month_before).filter(|amount| !amount.is_zero()),
        last_usage,
        billed: line.so_far,
    });
    history.collect()
}

/// Describes an outlook. The bill of the month before is one so far while Cost Explorer estimates it.
fn sentence(outlook: &MonthOutlook, currency: &str, is_month_before_estimated: bool) -> String {
    let month = |day: Date| day.strftime("%B").to_string();
    let name = month(outlook.month.from);
    let before = outlook
        .month
        .from
        .yesterday()
        .map_or_else(|_| String::new(), month);
    let beside = |amount: Option<Decimal>, so_far: &str| {
        let words = amount.map(|amount| money::words(amount, currency));
        words.map_or_else(String::new, |words| format!(" ({before}{so_far}: {words})"))
    };
    let so_far = match is_month_before_estimated {
        true => " so far",
        false => "",
    };
    let range = |estimate: &MonthEstimate| money::range(estimate.low, estimate.high, currency);
    let mut out = format!(
        "Expected for all of {name}: usage of {}{}",
        range(&outlook.usage),
        beside(outlook.usage_month_before, ""),
    );
    if let Some(bill) = &outlook.bill {
        out += &format!(
            ", and a bill of {}{}",
            range(&bill.total),
            beside(bill.month_before, so_far)
        );
        if !bill.left_out.is_empty() {
            let names = bill
                .left_out
                .iter()
                .map(|charge| charge.label().to_lowercase());
            let names: Vec<String> = names.collect();
            out += &format!(
                ", with no more {} than is billed so far",
                names.join(" and ")
            );
        }
    }
    out + "."
}

impl ReportBuilder<'_, '_> {
    /// The unusual days among the last settled ones; absent if the days before them are too few to tell.
    pub(super) fn unusual(
        &self,
        frame: &DayFrame,
        currency: &str,
        ledger: &CurrencyLines<'_>,
    ) -> Option<UnusualDays> {
        let mut first = None;
        let mut series = BTreeMap::new();
        for (account, cuts) in &ledger.accounts {
            for (service, daily) in &cuts.services {
                let (from, daily) = frame.settled_series(daily)?;
                first = Some(from);
                series.insert((*account, *service), daily);
            }
        }
        let first = trim(first?, &mut series)?;
        let days = looked_at(first, series.values().map(Vec::len).max()?)?;
        let found = unusual::unusual_days(first, &series, days, self.unusual);
        let is_one = ledger.accounts.len() == 1;
        let rows = found.into_iter().map(|found| {
            let (account, service) = found.key;
            let account = account.filter(|_| !is_one).map(|id| self.account(id));
            let label = service_label(service);
            let mut place = words::short(&label.name);
            if let Some(account) = &account {
                place += &format!(" in {}", words::short(&account.name));
            }
            UnusualRow {
                sentence: unusual_sentence(&place, &found, days, currency),
                label,
                account,
                days: found.days,
                amount: found.amount,
                usual: found.usual,
                is_new: found.is_new,
            }
        });
        Some(UnusualDays {
            looked_at: days,
            found: rows.collect(),
        })
    }

    /// How the budgets stand that the audience may see.
    pub(super) fn budgets(
        &self,
        frame: &DayFrame,
        currency: &str,
        ledger: &CurrencyLines<'_>,
        all: &AccountCuts<'_>,
    ) -> Vec<BudgetRow> {
        let Some(month) = frame.month_in_progress else {
            return Vec::new();
        };
        let of_currency = self
            .budgets
            .iter()
            .filter(|budget| budget.currency == currency);
        let rows = of_currency.filter_map(|budget| {
            let unknown = |doubt: &TagDoubt| BudgetRow {
                name: budget.name.clone(),
                sentence: unknown_budget_sentence(budget, doubt),
                status: BudgetStatus::unknown(budget.amount),
            };
            let (spent, usage, bill) = match self.budgeted(frame, budget, ledger, all)? {
                Ok(figures) => figures,
                Err(doubt) => return Some(unknown(&doubt)),
            };
            let course = self::usage(frame, &usage);
            let estimate = course
                .as_ref()
                .map(|course| estimate::of_bill(&course.estimate, &charges(&bill)).total);
            let settled = frame.settled.map_or(0, DayRange::len);
            let figures = BudgetFigures {
                month,
                spent: &spent.daily()[..settled],
                estimate,
                ahead: course.as_ref().map_or(&[][..], |course| &course.ahead),
            };
            let status = BudgetStatus::of(budget.amount, &figures);
            Some(BudgetRow {
                name: budget.name.clone(),
                sentence: budget_sentence(budget, &status),
                status,
            })
        });
        rows.collect()
    }

    /// What counts towards a budget, if it is known; absent if the audience may not see it.
    fn budgeted(
        &self,
        frame: &DayFrame,
        budget: &MonthlyBudget,
        ledger: &CurrencyLines<'_>,
        all: &AccountCuts<'_>,
    ) -> Option<Result<BudgetedCosts, TagDoubt>> {
        let of_cuts = |cuts: &AccountCuts<'_>| {
            let usage = cuts.charges.get(&ChargeType::Usage).cloned();
            let usage = usage.unwrap_or_else(|| frame.nothing());
            Ok((cuts.total(frame), usage, cuts.bill(frame)))
        };
        let of_usage = |usage: DaySeries| Ok((usage.clone(), usage, Vec::new()));
        let kind = self.audience.kind;
        match (&budget.target, kind) {
            (BudgetTarget::Bill, AudienceKind::Executive) => Some(of_cuts(all)),
            (BudgetTarget::Account(id), AudienceKind::Executive | AudienceKind::Manager) => {
                let mut accounts = self.audience.accounts.iter();
                let is_theirs =
                    kind == AudienceKind::Executive || accounts.any(|account| account.id == *id);
                let none = AccountCuts::new(self.unread, Some(id));
                let cuts = ledger.accounts.get(&Some(id.as_str())).unwrap_or(&none);
                is_theirs.then(|| of_cuts(cuts))
            }
            (BudgetTarget::Owner(owner), AudienceKind::Executive) => {
                let usage = all.owners.get(&UsagePart::Named(owner)).cloned();
                Some(of_usage(usage.unwrap_or_else(|| frame.nothing())))
            }
            (BudgetTarget::Owner(owner), AudienceKind::Individual) => {
                (self.owner == Some(owner)).then(|| of_usage(all.total(frame)))
            }
            (BudgetTarget::Tag(tag), AudienceKind::Executive) => {
                let usage = self.tagged_with(frame, tag, &budget.currency);
                Some(usage.and_then(of_usage))
            }
            _ => None,
        }
    }

    /// The usage of all accounts with a tag value.
    fn tagged_with(
        &self,
        frame: &DayFrame,
        tag: &TagValue,
        currency: &str,
    ) -> Result<DaySeries, TagDoubt> {
        let usage = self.tags.get(&tag.key).ok_or_else(|| TagDoubt::Unread {
            key: tag.key.clone(),
            reason: "it was not asked for".to_owned(),
        })?;
        let mut series = frame.nothing();
        let lines = usage.lines_of(tag)?.into_iter();
        for (key, line) in lines.filter(|(key, _)| key.currency == currency) {
            series.add(frame, key.day, line.amount);
        }
        Ok(series)
    }
}

/// What counts towards a budget: all of it, the usage in it, and the bill.
type BudgetedCosts = (DaySeries, DaySeries, Vec<BillLine>);

/// Removes the days before the first usage of all, of which nothing is known: an account is new, or nothing had a tag.
/// Returns the first day that is left.
fn trim<K>(first: Date, series: &mut BTreeMap<K, Vec<Decimal>>) -> Option<Date> {
    let is_spent = |amount: &Decimal| !amount.is_zero();
    let starts = series
        .values()
        .filter_map(|daily| daily.iter().position(is_spent));
    let start = starts.min()?;
    for daily in series.values_mut() {
        daily.drain(..start.min(daily.len()));
    }
    let mut days = DayRange {
        from: first,
        through: Date::MAX,
    }
    .iter();
    days.nth(start)
}

/// The last days of a series that are looked at, if enough days are before them.
fn looked_at(first: Date, days: usize) -> Option<DayRange> {
    let before = days.checked_sub(unusual::MAX_DAYS_LOOKED_AT)?;
    let mut all = DayRange {
        from: first,
        through: Date::MAX,
    }
    .iter();
    let from = all.nth(before)?;
    let through = all.nth(unusual::MAX_DAYS_LOOKED_AT.checked_sub(2)?)?;
    (unusual::LEAST_DAYS_BEFORE <= before).then_some(DayRange { from, through })
}

fn unusual_sentence<K>(
    place: &str,
    found: &UnusualUsage<K>,
    looked_at: DayRange,
    currency: &str,
) -> String {
    let days = in_a_row(&found.days).into_iter();
    let days: Vec<String> = days.map(|days| days.label_beside(looked_at)).collect();
    let amount = money::words(found.amount, currency);
    let usual = match (found.is_new, found.compared) {
        (true, _) => "it was not used before".to_owned(),
        (false, compared) => {
            let days = match compared {
                ComparedDays::SameWeekdays => "the same weekdays before",
                ComparedDays::AllDays => "the days before",
                ComparedDays::SameDayOfMonth => "the same day of the months before",
            };
            format!(
                "usual is {}, as on {days}",
                money::words(found.usual, currency)
            )
        }
    };
    format!("{place} cost {amount} on {}; {usual}.", days.join(", "))
}

fn budget_sentence(budget: &MonthlyBudget, status: &BudgetStatus) -> String {
    let amount = |amount| money::words(amount, &budget.currency);
    let used = status.used.unwrap_or_default();
    let share = words::percent(used, status.amount).unwrap_or_default();
    let mut out = format!(
        "Budget {}: {} of {} used ({share})",
        words::short(&budget.name),
        amount(used),
        amount(status.amount)
    );
    if let Some(estimate) = &status.estimate {
        let range = money::range(estimate.low, estimate.high, &budget.currency);
        out += &format!("; {range} expected at the end of the month");
    }
    if let Some(day) = status.passed_on {
        out += &format!("; passed on {}", label_of(day));
    } else if let Some(day) = status.will_pass_on {
        out += &format!("; will be passed on about {}", label_of(day));
    }
    out + "."
}

fn unknown_budget_sentence(budget: &MonthlyBudget, doubt: &TagDoubt) -> String {
    format!(
        "Budget {}: it is not known how much of {} is used, since {}.",
        words::short(&budget.name),
        money::words(budget.amount, &budget.currency),
        doubt.short()
    )
}
