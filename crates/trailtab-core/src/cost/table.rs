//! Cost lines, and how they add up.

use std::collections::BTreeMap;

use jiff::civil::Date;
use rust_decimal::Decimal;

use super::charge::ChargeType;
use super::owner::CostOwner;

/// An amount with its attributes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CostLine {
    /// The day of the cost, in UTC.
    pub day: Date,
    /// The account id, twelve digits; absent for costs that Cost Explorer assigns to no account.
    pub account: Option<String>,
    /// The charge type.
    pub charge: ChargeType,
    /// Absent for costs without an owner, such as tax, and in cuts by service.
    pub owner: Option<CostOwner>,
    /// Absent if it is not known.
    pub service: Option<String>,
    /// The amount in `currency`; negative for credits, refunds and discounts.
    pub amount: Decimal,
    /// The currency, such as `USD`.
    pub currency: String,
    /// Whether Cost Explorer still estimates the amount.
    pub estimated: bool,
    /// The cuts that contain the line.
    pub cuts: LineCuts,
}

/// A way to cut the same costs into lines. Each cut adds up to the same totals by day, account and
/// charge type, so lines of two cuts are never added.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineCut {
    /// Usage by owner.
    Owners,
    /// Usage by service.
    Services,
    /// Usage of single owners by service. It does not contain all costs: only owners with a report are certain to be
    /// in it.
    Personal,
}

/// A set of cuts. Costs without an owner, such as tax, are in both of the first two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LineCuts {
    /// Whether the line is in [`LineCut::Owners`].
    pub owners: bool,
    /// Whether the line is in [`LineCut::Services`].
    pub services: bool,
    /// Whether the line is in [`LineCut::Personal`].
    pub personal: bool,
}

impl LineCuts {
    /// The cuts that contain all costs.
    pub const WHOLE: LineCuts = LineCuts {
        owners: true,
        services: true,
        personal: false,
    };

    /// Tells whether the line is in this cut.
    pub fn has(self, cut: LineCut) -> bool {
        match cut {
            LineCut::Owners => self.owners,
            LineCut::Services => self.services,
            LineCut::Personal => self.personal,
        }
    }

    fn only(cut: LineCut) -> LineCuts {
        LineCuts {
            owners: cut == LineCut::Owners,
            services: cut == LineCut::Services,
            personal: cut == LineCut::Personal,
        }
    }
}

/// All lines of a run. The lines of two tables together are a table.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CostTable {
    /// The lines, in no order.
    pub lines: Vec<CostLine>,
}

/// The key of a total: day, account, charge type and currency.
type TotalKey = (Date, Option<String>, ChargeType, String);

impl CostTable {
    /// The lines of one cut.
    pub fn cut(&self, cut: LineCut) -> impl Iterator<Item = &CostLine> {
        self.lines.iter().filter(move |line| line.cuts.has(cut))
    }

    /// The last day with a line.
    pub fn data_through(&self) -> Option<Date> {
        let lines = self.lines.iter().filter(|line| !line.amount.is_zero());
        lines.map(|line| line.day).max()
    }

    /// Adds lines without owner and service, so that a cut adds up to the costs by charge type. Two
    /// answers given one after the other may differ, since figures of the last days change.
    pub fn balance(&mut self, cut: LineCut, truth: &[CostLine]) {
        let mut missing: BTreeMap<TotalKey, (Decimal, bool)> = BTreeMap::new();
        let mut add = |line: &CostLine, amount| {
            let (account, currency) = (line.account.clone(), line.currency.clone());
            let place = (line.day, account, line.charge, currency);
            let total = missing.entry(place).or_default();
            total.0 += amount;
            total.1 |= line.estimated;
        };
        truth.iter().for_each(|line| add(line, line.amount));
        self.cut(cut).for_each(|line| add(line, -line.amount));
        let lines = missing
            .into_iter()
            .filter(|(_, (amount, _))| !amount.is_zero());
        let lines = lines.map(
            |((day, account, charge, currency), (amount, estimated))| CostLine {
                day,
                account,
                charge,
                owner: None,
                service: None,
                amount,
                currency,
                estimated,
                cuts: LineCuts::only(cut),
            },
        );
        self.lines.extend(lines.collect::<Vec<_>>());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(amount: &str, charge: ChargeType, cuts: LineCuts) -> CostLine {
        CostLine {
            day: "2026-11-02".parse().unwrap(),
            account: Some("111122223333".to_owned()),
            charge,
            owner: None,
            service: None,
            amount: amount.parse().unwrap(),
            currency: "USD".to_owned(),
            estimated: true,
            cuts,
        }
    }

    #[test]
    fn a_cut_adds_up_to_the_answer_by_charge_type() {
        let truth = [
            line("10.5", ChargeType::Usage, LineCuts::default()),
            line("-3", ChargeType::Credit, LineCuts::default()),
        ];
        let mut table = CostTable {
            lines: vec![
                line("10", ChargeType::Usage, LineCuts::only(LineCut::Services)),
                line("0.25", ChargeType::Usage, LineCuts::only(LineCut::Services)),
                line("7", ChargeType::Usage, LineCuts::only(LineCut::Personal)),
            ],
        };
        table.balance(LineCut::Services, &truth);
        let sum: Decimal = table.cut(LineCut::Services).map(|line| line.amount).sum();
        assert_eq!(sum, "7.5".parse().unwrap());
        let rest: Vec<_> = table.lines[3..]
            .iter()
            .map(|line| (line.charge, line.amount))
            .collect();
        let expected = [(ChargeType::Usage, "0.25"), (ChargeType::Credit, "-3")];
        assert_eq!(
            rest,
            expected.map(|(charge, amount)| (charge, amount.parse().unwrap()))
        );
        let before = table.clone();
        table.balance(LineCut::Services, &truth);
        assert_eq!(table, before);
    }
}
