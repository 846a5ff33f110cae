//! The months before a period in printed answers.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use super::cuts::{SavedCut, SavedCuts};
use trailtab_core::cost::money;
use trailtab_core::cost::period::{DayRange, label_of};
use trailtab_core::cost::report::{Audience, AudienceKind, KnownMonths, total_of};

/// The cut that holds most of the months, as the source of all of them: amounts of two cuts may have different filters, so
/// a series is never made of two. Where it differs from the cut of the total about a month that both have, there is no
/// series, and a problem says so.
pub(super) fn known<'c>(
    cuts: &'c SavedCuts,
    audience: &Audience,
    base: &SavedCut,
    months: &[DayRange],
    said: &mut Vec<String>,
) -> Vec<KnownMonths<'c>> {
    let kind = audience.kind;
    if kind == AudienceKind::Individual {
        return Vec::new();
    }
    let has = |cut: &SavedCut, month: &DayRange| cut.covered(*month) == Some(*month);
    let count = |cut: &SavedCut| months.iter().filter(|month| has(cut, month)).count();
    // Usage alone is no bill.
    let cuts = cuts.cuts_for(kind).filter(|cut| cut.is_usage != Some(true));
    let best = cuts.max_by_key(|cut| (count(cut), std::ptr::eq(*cut, base), cut.rank(kind)));
    let Some(best) = best.filter(|cut| count(cut) > 0) else {
        return Vec::new();
    };
    let mut common = months
        .iter()
        .filter(|month| has(best, month) && has(base, month));
    let differs =
        |month: &&DayRange| total(best, audience, **month) != total(base, audience, **month);
    if let Some(month) = common.find(differs) {
        said.push(format!(
            "the files disagree about the month from {}: it is {} in {} and {} in {}; one of them may have a filter, or be \
             older, so the months before are left out",
            label_of(month.from),
            words(&total(base, audience, *month)),
            base.files(),
            words(&total(best, audience, *month)),
            best.files(),
        ));
        return Vec::new();
    }
    let months = months.iter().filter(|month| has(best, month));
    vec![KnownMonths {
        table: &best.table,
        months: months.map(|month| month.from).collect(),
        has_charges: best.has.charge || best.is_all_usage,
    }]
}

/// What an audience may see of a month, by currency.
fn total(cut: &SavedCut, audience: &Audience, month: DayRange) -> BTreeMap<String, Decimal> {
    let mut totals = total_of(&cut.table, audience, None, month);
    totals.retain(|_, total| !total.is_zero());
    totals
}

fn words(totals: &BTreeMap<String, Decimal>) -> String {
    let words = totals
        .iter()
        .map(|(currency, total)| money::words(*total, currency));
    let words: Vec<String> = words.collect();
    match words.is_empty() {
        true => "nothing".to_owned(),
        false => words.join(" + "),
    }
}
