//! How commitments were used.
use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde::Serialize;

use super::build::ReportBuilder;
use super::sums::{DayFrame, plus};
use super::{AudienceKind, words};
use crate::cost::commitment::CommitmentMeaning;
use crate::cost::money::{self, exact_if_known};
use crate::cost::period::DayRange;

/// Reservations and savings plans on settled days. A value that the metric does not have is null and never zero.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CommitmentUse {
    /// The days.
    pub days: DayRange,
    /// Usage that savings plans cover, at on-demand rates; known by `UnblendedCost`.
    #[serde(serialize_with = "exact_if_known")]
    pub covered: Option<Decimal>,
    /// The part of the fees that usage of these accounts took; known by amortized metrics.
    #[serde(serialize_with = "exact_if_known")]
    pub used: Option<Decimal>,
    /// The part of the fees of these accounts that nothing took; known by amortized metrics.
    #[serde(serialize_with = "exact_if_known")]
    pub unused: Option<Decimal>,
    /// The same in words.
    pub sentence: String,
}

impl ReportBuilder<'_, '_> {
    /// How commitments were used on settled days; absent for individuals, and where no amount is of a commitment.
    pub(super) fn commitments(&self, frame: &DayFrame, currency: &str) -> Option<CommitmentUse> {
        let days = frame.settled?;
        let accounts = &self.audience.accounts;
        let is_theirs = |account: Option<&String>| match self.audience.kind {
            AudienceKind::Executive => true,
            AudienceKind::Manager => accounts.iter().any(|it| Some(&it.id) == account),
            AudienceKind::Individual => false,
        };
        let mut sums: BTreeMap<CommitmentMeaning, Decimal> = BTreeMap::new();
        for ((day, account, unit, charge), amount) in self.commitments {
            let is_meant = days.contains(*day) && unit == currency && is_theirs(account.as_ref());
            if let Some(meaning) = charge.meaning(self.metric).filter(|_| is_meant) {
                let sum = sums.entry(meaning).or_default();
                *sum = plus(*sum, *amount);
            }
        }
        if sums.is_empty() {
            return None;
        }
        let of = |meaning| sums.get(&meaning).copied();
        let mut found = CommitmentUse {
            days,
            covered: of(CommitmentMeaning::Covered),
            used: of(CommitmentMeaning::Used),
            unused: of(CommitmentMeaning::Unused),
            sentence: String::new(),
        };
        found.sentence = sentence(&found, self.audience.kind, currency);
        Some(found)
    }
}

fn sentence(found: &CommitmentUse, kind: AudienceKind, currency: &str) -> String {
    let amount = |amount| money::words(amount, currency);
    let days = found.days.label();
    if let Some(covered) = found.covered {
        let covered = amount(covered);
        return format!("Savings plans covered usage of {covered} at on-demand rates on {days}.");
    }
    let used = found.used.map(|used| format!("{} used", amount(used)));
    // Commitments of one account also cover others: only of all accounts is a part a part of the whole.
    let whole = found
        .used
        .zip(found.unused)
        .filter(|_| kind == AudienceKind::Executive);
    let share = found.unused.zip(whole).and_then(|(unused, (used, _))| {
        words::percent(unused, plus(used, unused)).map(|percent| format!(" ({percent})"))
    });
    let unused = found
        .unused
        .map(|unused| format!("{}{} unused", amount(unused), share.unwrap_or_default()));
    let parts: Vec<String> = used.into_iter().chain(unused).collect();
    format!("Commitments on {days}: {}.", parts.join(", "))
}
