//! Selects the lines that an audience may see, before anything is added up.
use std::collections::{BTreeMap, BTreeSet};

use rust_decimal::Decimal;

use super::sums::plus;
use super::{Audience, Kind};
use crate::cost::charge::Charge;
use crate::cost::owner::Owner;
use crate::cost::period::Days;
use crate::cost::table::{CostTable, Cut, Line};

/// The lines that one audience may see. No other line reaches its report.
pub(super) struct Sight<'a> {
    kind: Kind,
    accounts: BTreeSet<&'a str>,
    owner: Option<&'a Owner>,
}

impl<'a> Sight<'a> {
    pub(super) fn new(audience: &'a Audience, owner: Option<&'a Owner>) -> Sight<'a> {
        let accounts = audience.accounts.iter();
        Sight {
            kind: audience.kind,
            accounts: accounts.map(|account| account.id.as_str()).collect(),
            owner,
        }
    }

    /// The lines that add up to the total, with owners if the report shows them.
    pub(super) fn money<'t>(&self, table: &'t CostTable) -> impl Iterator<Item = &'t Line> {
        self.cut(table, Cut::Owners)
    }

    /// The usage lines with services.
    pub(super) fn services<'t>(&self, table: &'t CostTable) -> impl Iterator<Item = &'t Line> {
        let lines = self.cut(table, Cut::Services);
        lines.filter(|line| line.charge == Charge::Usage)
    }

    /// The lines of the audience. The lines of an individual are in a cut of their own.
    fn cut<'t>(&self, table: &'t CostTable, cut: Cut) -> impl Iterator<Item = &'t Line> {
        let cut = match self.kind {
            Kind::Individual => Cut::Personal,
            Kind::Manager | Kind::Executive => cut,
        };
        table.cut(cut).filter(|line| self.sees(line))
    }

    /// Tells whether the audience may see a line. A manager without accounts sees nothing, and
    /// neither does an individual without an owner.
    fn sees(&self, line: &Line) -> bool {
        match self.kind {
            Kind::Executive => true,
            Kind::Manager => {
                let account = line.account.as_deref();
                account.is_some_and(|account| self.accounts.contains(account))
            }
            Kind::Individual => {
                let theirs = self.owner.is_some() && line.owner.as_ref() == self.owner;
                theirs && line.charge == Charge::Usage
            }
        }
    }
}

/// Adds up the costs of an audience on some days, in each currency.
pub fn total_of(
    table: &CostTable,
    audience: &Audience,
    owner: Option<&Owner>,
    days: Days,
) -> BTreeMap<String, Decimal> {
    let mut totals = BTreeMap::new();
    for line in Sight::new(audience, owner).money(table) {
        if days.contains(line.day) {
            let total = totals.entry(line.currency.clone()).or_default();
            *total = plus(*total, line.amount);
        }
    }
    totals
}
