//! Amounts by what they were spent on, and how they add up.

use std::collections::BTreeMap;

use jiff::civil::Date;
use rust_decimal::Decimal;

use super::charge::ChargeType;
use super::owner::CostOwner;

/// What an amount was spent on. Amounts with equal keys are one line of a table.
///
/// A dimension is absent where the source does not split by it. A source that splits by further
/// dimensions needs further fields here, absent in [`CostKey::new`].
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct CostKey {
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
    /// A value of the further dimension that a table is cut by; absent if it is cut by none.
    pub value: Option<String>,
    /// The currency, such as `USD`.
    pub currency: String,
    /// The cuts that contain the line.
    pub cuts: LineCuts,
}

impl CostKey {
    /// A key in all the given cuts, with all other dimensions absent.
    pub fn new(day: Date, charge: ChargeType, currency: &str, cuts: LineCuts) -> CostKey {
        CostKey {
            day,
            account: None,
            charge,
            owner: None,
            service: None,
            value: None,
            currency: currency.to_owned(),
            cuts,
        }
    }
}

/// An amount of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CostAmount {
    /// The amount in the currency of its key; negative for credits, refunds and discounts.
    pub amount: Decimal,
    /// Whether Cost Explorer still estimates it, or a part of it.
    pub estimated: bool,
}

/// A line of a table: an amount, and what it was spent on.
pub type CostLine<'t> = (&'t CostKey, &'t CostAmount);

impl CostAmount {
    /// Adds another amount. The sum is exact up to 28 digits, and saturates instead of overflowing.
    fn add(&mut self, other: CostAmount) {
        self.amount = self.amount.saturating_add(other.amount);
        self.estimated |= other.estimated;
    }
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct LineCuts {
    /// Whether the line is in [`LineCut::Owners`].
    pub owners: bool,
    /// Whether the line is in [`LineCut::Services`].
    pub services: bool,
    /// Whether the line is in [`LineCut::Personal`].
    pub personal: bool,
}

impl LineCuts {
    /// All cuts: of lines that have both an owner and a service.
    pub const ALL: LineCuts = LineCuts {
        personal: true,
        ..LineCuts::WHOLE
    };

    /// The cuts that contain all costs.
    pub const WHOLE: LineCuts = LineCuts {
        owners: true,
        services: true,
        personal: false,
    };

    /// Returns whether the line is in this cut.
    pub fn has(self, cut: LineCut) -> bool {
        match cut {
            LineCut::Owners => self.owners,
            LineCut::Services => self.services,
            LineCut::Personal => self.personal,
        }
    }

    /// One cut alone.
    pub const fn only(cut: LineCut) -> LineCuts {
        LineCuts {
            owners: matches!(cut, LineCut::Owners),
            services: matches!(cut, LineCut::Services),
            personal: matches!(cut, LineCut::Personal),
        }
    }
}

/// All costs of a run, in lines: one amount for each key.
///
/// A table is a monoid: any two can be merged, in any order, with the same result, and the empty
/// table changes nothing. So each source of costs can have a table of its own.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CostTable {
    amounts: BTreeMap<CostKey, CostAmount>,
}

impl CostTable {
    /// Adds an amount to the line of its key.
    pub fn add(&mut self, key: CostKey, amount: CostAmount) {
        self.amounts.entry(key).or_default().add(amount);
    }

    /// Adds all lines of another table.
    pub fn merge(&mut self, other: CostTable) {
        for (key, amount) in other.amounts {
            self.add(key, amount);
        }
    }

    /// Returns whether there is no line, not even one of zero.
    pub fn is_empty(&self) -> bool {
        self.amounts.is_empty()
    }

    /// All lines, in the order of their keys.
    pub fn lines(&self) -> impl DoubleEndedIterator<Item = CostLine<'_>> {
        self.amounts.iter()
    }

    /// The lines of one cut, in the order of their keys.
    pub fn cut(&self, cut: LineCut) -> impl Iterator<Item = CostLine<'_>> {
        self.lines().filter(move |(key, _)| key.cuts.has(cut))
    }

    /// The last day with an amount that is not zero.
    pub fn data_through(&self) -> Option<Date> {
        let mut spent = self
            .lines()
            .rev()
            .filter(|(_, line)| !line.amount.is_zero());
        spent.next().map(|(key, _)| key.day)
    }

    /// Adds lines without owner and service, so that a cut adds up to the costs by charge type. Two
    /// answers given one after the other may differ, since figures of the last days change.
    pub fn balance(&mut self, cut: LineCut, truth: &CostTable) {
        self.merge(self.missing(cut, truth));
    }

    /// What a cut lacks of the costs by account and charge type, in lines of that cut.
    pub fn missing(&self, cut: LineCut, truth: &CostTable) -> CostTable {
        let total = |key: &CostKey| CostKey {
            account: key.account.clone(),
            ..CostKey::new(key.day, key.charge, &key.currency, LineCuts::only(cut))
        };
        let mut missing = CostTable::default();
        for (key, amount) in truth.lines() {
            missing.add(total(key), *amount);
        }
        for (key, known) in self.cut(cut) {
            let amount = -known.amount;
            missing.add(total(key), CostAmount { amount, ..*known });
        }
        missing.amounts.retain(|_, line| !line.amount.is_zero());
        missing
    }
}

impl FromIterator<(CostKey, CostAmount)> for CostTable {
    fn from_iter<I: IntoIterator<Item = (CostKey, CostAmount)>>(lines: I) -> CostTable {
        let mut table = CostTable::default();
        for (key, amount) in lines {
            table.add(key, amount);
        }
        table
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use jiff::civil::date;
    use proptest::prelude::*;

    use super::*;

    const CUTS: [LineCut; 3] = [LineCut::Owners, LineCut::Services, LineCut::Personal];

    fn amount() -> impl Strategy<Value = Decimal> {
        let digits = prop_oneof![
            -1_000_000_000_000_000_i64..1_000_000_000_000_000,
            -300_i64..300
        ];
        (digits, 0_u32..=12).prop_map(|(digits, scale)| Decimal::new(digits, scale))
    }

    fn owner() -> impl Strategy<Value = Option<CostOwner>> {
        let named = |name: &str| Some(CostOwner::Named(name.to_owned()));
        proptest::sample::select(vec![
            named("alice@example.com"),
            named("(untagged)"),
            Some(CostOwner::Untagged),
            Some(CostOwner::Instances),
            None,
        ])
    }

    prop_compose! {
        /// Any line in any cuts: they need not fit together.
        fn line()(
            day in 0_i64..75,
            account in proptest::sample::select(vec![Some("111122223333"), Some("444455556666"), Some("777788889999"), None]),
            charge in proptest::sample::select(vec![ChargeType::Usage, ChargeType::Usage, ChargeType::Usage, ChargeType::Tax, ChargeType::Credit]),
            owner in owner(),
            service in proptest::sample::select(vec![Some("Amazon S3"), Some("AWS Lambda"), Some("(no account)"), None]),
            amount in amount(),
            currency in proptest::sample::select(vec!["USD", "USD", "USD", "EUR"]),
            (estimated, owners, services, personal) in any::<(bool, bool, bool, bool)>(),
        ) -> (CostKey, CostAmount) {
            let key = CostKey {
                day: date(2026, 9, 27).saturating_add(jiff::SignedDuration::from_hours(24 * day)),
                account: account.map(str::to_owned),
                charge,
                owner,
                service: service.map(str::to_owned),
                value: service.map(str::to_owned),
                currency: currency.to_owned(),
                cuts: LineCuts { owners, services, personal },
            };
            (key, CostAmount { amount, estimated })
        }
    }

    /// Lines that a table may be made of, some of them with the same key.
    pub(crate) fn lines() -> impl Strategy<Value = Vec<(CostKey, CostAmount)>> {
        let few = prop::collection::vec(line(), 0..50);
        (few, any::<bool>()).prop_map(|(mut lines, meet)| {
            if meet {
                lines
                    .iter_mut()
                    .for_each(|(key, _)| key.day = date(2026, 11, 2));
            }
            lines
        })
    }

    fn table(lines: &[(CostKey, CostAmount)]) -> CostTable {
        lines.iter().cloned().collect()
    }

    fn merged(one: &CostTable, other: &CostTable) -> CostTable {
        let mut merged = one.clone();
        merged.merge(other.clone());
        merged
    }

    /// What adds up to the costs by charge type.
    fn totals<'t>(
        lines: impl Iterator<Item = CostLine<'t>>,
    ) -> BTreeMap<(Date, Option<&'t str>, ChargeType, &'t str), Decimal> {
        let mut totals = BTreeMap::new();
        for (key, line) in lines {
            let place = (key.day, key.account.as_deref(), key.charge, &*key.currency);
            *totals.entry(place).or_default() += line.amount;
        }
        totals.retain(|_, total: &mut Decimal| !total.is_zero());
        totals
    }

    proptest! {
        #[test]
        fn tables_are_a_monoid((one, two, three) in (lines(), lines(), lines())) {
            let (one, two, three) = (table(&one), table(&two), table(&three));
            prop_assert_eq!(merged(&one, &two), merged(&two, &one));
            prop_assert_eq!(
                merged(&merged(&one, &two), &three),
                merged(&one, &merged(&two, &three))
            );
            let nothing = CostTable::default();
            prop_assert_eq!(&merged(&one, &nothing), &one);
            prop_assert_eq!(&merged(&nothing, &one), &one);
        }

        #[test]
        fn lines_in_any_order_and_in_any_parts_are_the_same_table(
            (lines, other, at) in lines().prop_flat_map(|lines| {
                let at = 0..=lines.len();
                (Just(lines.clone()), Just(lines).prop_shuffle(), at)
            }),
        ) {
            let whole = table(&lines);
            prop_assert_eq!(&table(&other), &whole);
            let (one, two) = other.split_at(at);
            prop_assert_eq!(&merged(&table(one), &table(two)), &whole);
            prop_assert_eq!(totals(whole.lines()), totals(lines.iter().map(|(key, line)| (key, line))));
            let keys: Vec<&CostKey> = whole.lines().map(|(key, _)| key).collect();
            prop_assert!(keys.is_sorted_by(|one, next| one < next));
        }

        #[test]
        fn a_balanced_cut_adds_up_and_other_cuts_stay((lines, truth) in (lines(), lines())) {
            let (before, truth) = (table(&lines), table(&truth));
            for cut in CUTS {
                let mut after = before.clone();
                after.balance(cut, &truth);
                prop_assert_eq!(totals(after.cut(cut)), totals(truth.lines()));
                for other in CUTS.into_iter().filter(|other| *other != cut) {
                    prop_assert!(after.cut(other).eq(before.cut(other)));
                }
                let once = after.clone();
                after.balance(cut, &truth);
                prop_assert_eq!(&after, &once);
            }
        }
    }

    #[test]
    fn what_a_cut_lacks_is_a_line_of_its_own() {
        let line = |amount: &str, charge, cuts| {
            let day = date(2026, 11, 2);
            let amount = CostAmount {
                amount: amount.parse().unwrap(),
                estimated: true,
            };
            (CostKey::new(day, charge, "USD", cuts), amount)
        };
        let services = LineCuts::only(LineCut::Services);
        let personal = LineCuts::only(LineCut::Personal);
        let truth = table(&[
            line("10.5", ChargeType::Usage, LineCuts::WHOLE),
            line("-3", ChargeType::Credit, LineCuts::WHOLE),
        ]);
        let known = table(&[
            line("10", ChargeType::Usage, services),
            line("0.25", ChargeType::Usage, services),
            line("7", ChargeType::Usage, personal),
        ]);
        let expected = table(&[
            line("0.25", ChargeType::Usage, services),
            line("-3", ChargeType::Credit, services),
        ]);
        assert_eq!(known.missing(LineCut::Services, &truth), expected);
    }
}
