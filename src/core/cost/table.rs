//! Cost lines, and how they add up.

use jiff::civil::Date;
use rust_decimal::Decimal;

use super::charge::Charge;
use super::owner::Owner;

/// An amount with all that is known of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Line {
    pub(crate) day: Date,
    /// Twelve digits; `None` for what Cost Explorer assigns to no account.
    pub(crate) account: Option<String>,
    pub(crate) charge: Charge,
    /// `None` where nobody owns it, as tax, or where it is not known, as in a cut by service.
    pub(crate) owner: Option<Owner>,
    /// `None` where it is not known.
    pub(crate) service: Option<String>,
    pub(crate) amount: Decimal,
    pub(crate) currency: String,
    pub(crate) estimated: bool,
    /// In which cuts it is.
    pub(crate) cuts: Cuts,
}

/// A way to cut the same money into lines. Each cut adds up to the same totals of a day, account and
/// charge, so one of them is looked at and never two together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cut {
    /// Usage by owner.
    Owners,
    /// Usage by service.
    Services,
    /// Usage of single owners by service. It is not all of the money: only owners who get a report are in it.
    Personal,
}

/// Some cuts. What nobody owns, such as tax, is in both of the first two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cuts {
    pub(crate) owners: bool,
    pub(crate) services: bool,
    pub(crate) personal: bool,
}

/// All lines of a run. Any two can be merged.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct CostTable {
    pub(crate) lines: Vec<Line>,
}

impl CostTable {
    /// The lines of one cut.
    pub(crate) fn cut(&self, cut: Cut) -> impl Iterator<Item = &Line> {
        self.lines.iter().filter(move |line| match cut {
            Cut::Owners => line.cuts.owners,
            Cut::Services => line.cuts.services,
            Cut::Personal => line.cuts.personal,
        })
    }

    pub(crate) fn merge(&mut self, other: CostTable) {
        self.lines.extend(other.lines);
    }
}
