//! Describes a report in words. Names are not escaped: the caller escapes a sentence where it is
//! shown.
use std::collections::BTreeSet;

use jiff::civil::Date;
use rust_decimal::{Decimal, RoundingStrategy};

use super::sums::DayFrame;
use super::{
    Audience, AudienceKind, CostReport, CutScope, LabelKind, Mover, ReportBasis, ReportPart,
    ReportRange, ReportRow, RowLabel,
};
use crate::cost::money;
use crate::cost::period::{DayRange, label_of};

/// The label of costs that are in one answer of Cost Explorer and not in another.
pub(super) const UNASSIGNED_USAGE: &str = "(changed between requests)";

/// The label of costs that belong to no account.
pub(super) const UNASSIGNED_ACCOUNT: &str = "(no account)";

/// Maximum length of a name in a sentence, in characters.
const MOST_OF_A_NAME: usize = 48;

/// The label of a service. Marketplace sellers choose names too: a name that looks like one of our
/// own labels is quoted.
pub(super) fn service(name: &str) -> RowLabel {
    let name = match name.starts_with(['(', '"']) {
        true => format!("\"{name}\""),
        false => name.to_owned(),
    };
    let kind = LabelKind::Service;
    RowLabel { kind, name }
}

impl CostReport {
    /// One or two sentences for each currency. There is always at least one.
    pub fn sentences(&self) -> Vec<String> {
        let period = &self.period;
        if !self.parts.is_empty() {
            let sentences = self.parts.iter().map(|part| part.sentence.clone());
            return sentences.collect();
        }
        let nothing = nothing(self.audience.kind, self.basis.problems.is_empty());
        vec![match (period.settled(), period.loading()) {
            (Some(settled), _) => format!("{nothing} in {}.", settled.label()),
            (None, Some(loading)) => format!("{}: no usage so far.", still_loading(loading)),
            (None, None) => format!("There is no data for {} yet.", period.label),
        }]
    }

    /// What a part has so far of the days that are not settled, in a sentence; absent if all are settled.
    pub fn loading_sentence(&self, part: &ReportPart) -> Option<String> {
        let days = self.period.loading()?;
        let so_far = money::words(part.usage.loading(), &part.currency);
        Some(format!("{}: {so_far} so far.", still_loading(days)))
    }
}

/// What is said instead of an amount. If something could not be read, an individual's usage is not known.
fn nothing(kind: AudienceKind, is_complete: bool) -> &'static str {
    match kind {
        AudienceKind::Individual if !is_complete => "It is not known whether there was usage",
        _ => "No usage",
    }
}

fn still_loading(days: DayRange) -> String {
    let verb = match days.len() {
        1 => "is",
        _ => "are",
    };
    format!("{} {verb} still loading", days.label())
}

/// Describes the usage of the settled days, its difference to the days compared with, and the largest change. Of a
/// whole month, describes the bill as well.
pub(super) fn sentence(
    audience: &Audience,
    frame: &DayFrame,
    part: &ReportPart,
    basis: &ReportBasis,
) -> String {
    let Some(settled) = frame.settled else {
        return unsettled(frame, part);
    };
    let amount = |amount| money::words(amount, &part.currency);
    let shown = settled.label();
    let is_idle = is_idle(part, settled.len());
    let mut out = match is_idle {
        true => format!(
            "{} in {shown}",
            nothing(audience.kind, basis.problems.is_empty())
        ),
        false => {
            let what = match basis.cut_scope {
                CutScope::Usage => "Usage",
                CutScope::AllCharges => "Costs",
            };
            format!("{what} of {shown} came to {}", amount(part.usage.settled))
        }
    };
    if let (Some(days), Some(before)) = (frame.compared, part.usage.before) {
        out += &against(part, is_idle, (settled, days), before);
    }
    out.push('.');
    // The sum of a longer month is larger, although nothing changed.
    let is_changed = part.usage.before.is_none_or(|before| {
        let compared = frame.compared.unwrap_or(settled);
        !is_as_much_a_day((part.usage.settled, settled), (before, compared))
    });
    if let Some(mover) = part.movers.first().filter(|_| is_changed) {
        out += &format!(" {}", largest(mover, &part.currency));
    }
    let is_whole = settled.is_a_month() && audience.kind != AudienceKind::Individual;
    if is_whole && part.total.settled != part.usage.settled {
        out += &charges(frame, part);
        if let (Some(days), Some(before)) = (frame.compared, part.total.before) {
            out += &format!(
                "; {} came to {}",
                days.label_beside(settled),
                amount(before)
            );
        }
        out.push('.');
    }
    out
}

/// What all charges of a whole month came to, as the beginning of a sentence; so far, until its invoice is final.
fn charges(frame: &DayFrame, part: &ReportPart) -> String {
    let amount = money::words(part.total.settled, &part.currency);
    if frame.is_final {
        return format!(" All charges came to {amount}");
    }
    let to_come = part.bill.iter().filter(|line| line.is_to_come);
    let to_come: Vec<&str> = to_come.map(|line| line.charge.label()).collect();
    match to_come.is_empty() {
        true => format!(" Charges so far came to {amount}"),
        false => format!(
            " Charges so far came to {amount}, without {}, not yet billed",
            to_come.join(" and ")
        ),
    }
}

/// Describes a period of which no day is settled.
fn unsettled(frame: &DayFrame, part: &ReportPart) -> String {
    let so_far = money::words(part.usage.amount, &part.currency);
    format!("{}: {so_far} of usage so far.", still_loading(frame.shown))
}

/// The usage of the days compared with, as the end of a sentence.
fn against(
    part: &ReportPart,
    is_idle: bool,
    (settled, compared): (DayRange, DayRange),
    before: Decimal,
) -> String {
    let days = compared.label_beside(settled);
    let amount = |amount| money::words(amount, &part.currency);
    let change = part.usage.change().unwrap_or_default();
    if is_idle {
        return format!("; {days} came to {}", amount(before));
    }
    if before.is_zero() {
        return format!(", against nothing in {days}");
    }
    if change.is_zero() {
        return format!(", as much as {days}");
    }
    if is_as_much_a_day((part.usage.settled, settled), (before, compared)) {
        return format!(", about as much a day as {days} ({})", amount(before));
    }
    if is_about_equal(change, before) {
        return format!(", about as much as {days} ({})", amount(before));
    }
    let percent = percent(change, before);
    let percent = percent.map(|percent| format!(" ({percent})"));
    let more = match change.is_sign_positive() {
        true => "more",
        false => "less",
    };
    format!(
        ", {}{} {more} than {days}",
        amount(change.abs()),
        percent.unwrap_or_default()
    )
}

/// Returns whether months of different lengths have about the same amount for each day.
fn is_as_much_a_day(now: (Decimal, DayRange), before: (Decimal, DayRange)) -> bool {
    let times = |amount: Decimal, days: DayRange| amount.checked_mul(Decimal::from(days.len()));
    let amounts = times(now.0, before.1).zip(times(before.0, now.1));
    let is_about_equal =
        |(now, before): (Decimal, Decimal)| is_about_equal(now.saturating_sub(before), before);
    now.1.len() != before.1.len() && amounts.is_some_and(is_about_equal)
}

/// Returns whether a change is less than half a percent of what it is compared with.
fn is_about_equal(change: Decimal, before: Decimal) -> bool {
    let parts = change
        .abs()
        .checked_mul(Decimal::TWO * Decimal::ONE_HUNDRED);
    parts.is_some_and(|parts| parts < before)
}

fn largest(mover: &Mover, currency: &str) -> String {
    let account = mover.account.as_ref();
    let place = account.map(|account| format!(" in {}", short(&account.name)));
    let change = mover.figure.change().unwrap_or_default();
    format!(
        "Largest change: {}{}, {}.",
        short(&mover.label.name),
        place.unwrap_or_default(),
        money::change(change, currency),
    )
}

/// Truncates a long name.
pub(super) fn short(name: &str) -> String {
    match name.char_indices().nth(MOST_OF_A_NAME) {
        Some((end, _)) => format!("{}…", &name[..end]),
        None => name.to_owned(),
    }
}

/// Returns whether there is no usage on the first days of the period.
fn is_idle(part: &ReportPart, days: usize) -> bool {
    let is_zero = |row: &ReportRow| row.daily.iter().take(days).all(Decimal::is_zero);
    let usage = super::usage_row(&part.charges).into_iter();
    usage.chain(&part.owners).chain(&part.services).all(is_zero)
}

/// A change as a percentage of an earlier amount, without a sign: `12.3 %`. Absent if that amount was zero or
/// negative.
pub fn percent(change: Decimal, before: Decimal) -> Option<String> {
    if before <= Decimal::ZERO {
        return None;
    }
    let share = change.abs().checked_div(before)?;
    let share = share.checked_mul(Decimal::ONE_HUNDRED)?;
    let rounded = share.round_dp_with_strategy(1, RoundingStrategy::MidpointAwayFromZero);
    Some(match rounded {
        _ if rounded >= Decimal::ONE_THOUSAND => ">999 %".to_owned(),
        _ if rounded.is_zero() && !share.is_zero() => "<0.1 %".to_owned(),
        _ => format!("{rounded:.1} %"),
    })
}

/// Notes for the reader on the figures.
pub(super) fn notes(parts: &[ReportPart], today: Date, period: &ReportRange) -> Vec<String> {
    let mut notes = Vec::new();
    if period.is_settled_month() && !period.is_final_month() {
        let month = period.days.from.strftime("%B");
        notes.push(format!(
            "Cost Explorer still estimates {month}: its amounts may change until its invoice is final."
        ));
    }
    if period
        .days
        .known(period.data_through)
        .is_some_and(|shown| shown.contains(today))
    {
        let today = label_of(today);
        notes.push(format!("{today} is not over: its amounts will grow."));
    }
    let unassigned = |row: &ReportRow| row.label.kind == LabelKind::Unassigned;
    let by = parts.iter().flat_map(|part| &part.by);
    let changed: BTreeSet<&str> = by
        .filter(|by| by.rows.iter().any(unassigned))
        .map(|by| by.dimension.noun())
        .collect();
    notes.extend(changed.into_iter().map(|noun| {
        format!(
            "Usage by {noun} comes from a request of its own, and Cost Explorer's data changed between the requests: \
             {UNASSIGNED_USAGE} is the difference."
        )
    }));
    if parts
        .iter()
        .any(|part| part.services.iter().any(unassigned))
    {
        notes.push(format!(
            "Owners and services come from two requests, and Cost Explorer's data changed between them: \
             {UNASSIGNED_USAGE} is the difference."
        ));
    }
    notes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_of_something() {
        let of =
            |change: &str, before: &str| percent(change.parse().unwrap(), before.parse().unwrap());
        assert_eq!(of("12.345", "100").unwrap(), "12.3 %");
        assert_eq!(of("-50", "100").unwrap(), "50.0 %");
        assert_eq!(of("0.0001", "100").unwrap(), "<0.1 %");
        assert_eq!(of("999.96", "100").unwrap(), ">999 %");
        assert_eq!(of("1", "0"), None);
        assert_eq!(of("1", "-5"), None);
        let (most, least) = (Decimal::MAX, Decimal::new(1, 28));
        assert_eq!(percent(most, least), None);
    }

    #[test]
    fn sentences_have_no_room_for_very_long_names() {
        assert_eq!(short(&"名".repeat(49)), format!("{}…", "名".repeat(48)));
        assert_eq!(short("Amazon S3"), "Amazon S3");
    }

    #[test]
    fn services_are_no_labels_of_ours() {
        assert_eq!(service("(no service)").name, "\"(no service)\"");
        assert_eq!(service("Amazon S3").name, "Amazon S3");
    }
}
