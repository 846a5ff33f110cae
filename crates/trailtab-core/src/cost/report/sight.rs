//! Selects the lines that an audience may see, before anything is added up.
use std::collections::{BTreeMap, BTreeSet};

use rust_decimal::Decimal;

use super::sums::plus;
use super::{Audience, AudienceKind};
use crate::cost::charge::ChargeType;
use crate::cost::owner::CostOwner;
use crate::cost::period::DayRange;
use crate::cost::table::{CostKey, CostLine, CostTable, LineCut};

/// The lines that one audience may see. No other line reaches its report.
pub(super) struct AudienceFilter<'a> {
    kind: AudienceKind,
    accounts: BTreeSet<&'a str>,
    owner: Option<&'a CostOwner>,
}

impl<'a> AudienceFilter<'a> {
    pub(super) fn new(audience: &'a Audience, owner: Option<&'a CostOwner>) -> AudienceFilter<'a> {
        let accounts = audience.accounts.iter();
        AudienceFilter {
            kind: audience.kind,
            accounts: accounts.map(|account| account.id.as_str()).collect(),
            owner,
        }
    }

    /// The lines that add up to the total, with owners if the report shows them.
    pub(super) fn money<'t>(&self, table: &'t CostTable) -> impl Iterator<Item = CostLine<'t>> {
        self.cut(table, LineCut::Owners)
    }

    /// The usage lines with services.
    pub(super) fn services<'t>(&self, table: &'t CostTable) -> impl Iterator<Item = CostLine<'t>> {
        let lines = self.cut(table, LineCut::Services);
        lines.filter(|(key, _)| key.charge == ChargeType::Usage)
    }

    /// The lines of the audience. The lines of an individual are in a cut of their own.
    fn cut<'t>(&self, table: &'t CostTable, cut: LineCut) -> impl Iterator<Item = CostLine<'t>> {
        let cut = match self.kind {
            AudienceKind::Individual => LineCut::Personal,
            AudienceKind::Manager | AudienceKind::Executive => cut,
        };
        table.cut(cut).filter(|(key, _)| self.sees(key))
    }

    /// Returns whether the audience may see a line. A manager without accounts sees nothing, and
    /// neither does an individual without an owner.
    fn sees(&self, line: &CostKey) -> bool {
        match self.kind {
            AudienceKind::Executive => true,
            AudienceKind::Manager => {
                let account = line.account.as_deref();
                account.is_some_and(|account| self.accounts.contains(account))
            }
            AudienceKind::Individual => {
                let theirs = self.owner.is_some() && line.owner.as_ref() == self.owner;
                theirs && line.charge == ChargeType::Usage
            }
        }
    }
}

/// Adds up the costs of an audience on some days, in each currency.
pub fn total_of(
    table: &CostTable,
    audience: &Audience,
    owner: Option<&CostOwner>,
    days: DayRange,
) -> BTreeMap<String, Decimal> {
    sum_of(table, audience, owner, days, |_| true)
}

/// Adds up the usage of an audience on some days, in each currency.
pub fn usage_of(
    table: &CostTable,
    audience: &Audience,
    owner: Option<&CostOwner>,
    days: DayRange,
) -> BTreeMap<String, Decimal> {
    sum_of(table, audience, owner, days, |charge| {
        charge == ChargeType::Usage
    })
}

fn sum_of(
    table: &CostTable,
    audience: &Audience,
    owner: Option<&CostOwner>,
    days: DayRange,
    counts: impl Fn(ChargeType) -> bool,
) -> BTreeMap<String, Decimal> {
    let mut totals = BTreeMap::new();
    for (key, line) in AudienceFilter::new(audience, owner).money(table) {
        if days.contains(key.day) && counts(key.charge) {
            let total = totals.entry(key.currency.clone()).or_default();
            *total = plus(*total, line.amount);
        }
    }
    totals
}
