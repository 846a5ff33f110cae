//! Describes a report in words. Names are not escaped: the caller escapes a sentence where it is
//! shown.
use jiff::civil::Date;
use rust_decimal::{Decimal, RoundingStrategy};

use super::sums::{DayFrame, plus};
use super::{
    Audience, AudienceKind, CostReport, LabelKind, Mover, ReportPart, ReportRow, RowLabel,
};
use crate::cost::charge::ChargeType;
use crate::cost::money;
use crate::cost::period::label_of;

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
        vec![match period.days.known(period.data_through) {
            Some(shown) => {
                let nothing = nothing(self.audience.kind, self.basis.problems.is_empty());
                format!("{nothing} in {}.", shown.label())
            }
            None => format!("There is no data of {} yet.", period.label),
        }]
    }
}

/// What is said instead of an amount. If something could not be read, an individual's usage is not known.
fn nothing(kind: AudienceKind, is_complete: bool) -> &'static str {
    match kind {
        AudienceKind::Individual if !is_complete => "It is not known whether there was usage",
        AudienceKind::Individual => "No usage",
        AudienceKind::Manager | AudienceKind::Executive => "No activity",
    }
}

/// Describes the total, its difference to the days compared with, and the largest change.
pub(super) fn sentence(
    audience: &Audience,
    frame: &DayFrame,
    part: &ReportPart,
    is_complete: bool,
) -> String {
    let shown = frame.shown.label();
    let amount = |amount| money::words(amount, &part.currency);
    let mut out = match (is_idle(part), audience.kind) {
        (true, kind) => format!("{} in {shown}", nothing(kind, is_complete)),
        (false, AudienceKind::Individual) => {
            format!("Usage of {shown} came to {}", amount(part.total.amount))
        }
        (false, AudienceKind::Manager | AudienceKind::Executive) => {
            format!("{shown} came to {}", amount(part.total.amount))
        }
    };
    let given = given(part);
    if !given.is_zero() {
        out += &format!(" after {} of credits and refunds", amount(-given));
    }
    if let (Some(days), Some(before)) = (frame.compared, part.total.before) {
        let days = days.label_beside(frame.shown);
        let change = part.total.change().unwrap_or_default();
        out += &match is_idle(part) {
            true => format!("; {days} came to {}", amount(before)),
            false if before.is_zero() => format!(", against nothing in {days}"),
            false if change.is_zero() => format!(", as much as {days}"),
            false => {
                let percent = percent(change, before);
                let percent = percent.map(|percent| format!(" ({percent})"));
                let more = match change.is_sign_positive() {
                    true => "more",
                    false => "less",
                };
                let change = amount(change.abs());
                format!(
                    ", {change}{} {more} than {days}",
                    percent.unwrap_or_default()
                )
            }
        };
    }
    out.push('.');
    if let Some(mover) = part.movers.first() {
        out += &format!(" {}", largest(mover, &part.currency));
    }
    out
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
fn short(name: &str) -> String {
    match name.char_indices().nth(MOST_OF_A_NAME) {
        Some((end, _)) => format!("{}…", &name[..end]),
        None => name.to_owned(),
    }
}

/// Tells whether there are no costs and no credits in the period.
fn is_idle(part: &ReportPart) -> bool {
    let idle = |row: &ReportRow| row.daily.iter().all(Decimal::is_zero);
    let charges = part.charges.iter().map(|charge| &charge.row);
    charges.chain(&part.owners).chain(&part.services).all(idle)
}

/// What AWS gave back: zero or negative.
fn given(part: &ReportPart) -> Decimal {
    let given = part.charges.iter();
    let given = given.filter(|row| matches!(row.charge, ChargeType::Credit | ChargeType::Refund));
    let amounts = given.map(|row| row.row.figure.amount);
    amounts.fold(Decimal::ZERO, plus).min(Decimal::ZERO)
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
pub(super) fn notes(parts: &[ReportPart], today: Date, frame: Option<&DayFrame>) -> Vec<String> {
    let mut notes = Vec::new();
    if frame.is_some_and(|frame| frame.shown.contains(today)) {
        let today = label_of(today);
        notes.push(format!("{today} is not over: its amounts will grow."));
    }
    let unassigned = |row: &ReportRow| row.label.kind == LabelKind::Unassigned;
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
