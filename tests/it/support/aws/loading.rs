//! Bills that are still loading: what Cost Explorer has of a bill on a morning.

use std::collections::BTreeMap;

use jiff::ToSpan as _;
use jiff::civil::Date;
use rust_decimal::Decimal;

use super::bill::{Bill, COSTS, Charge};

/// Percent of yesterday's usage, and of the usage of the day before, that are there in the morning.
const LOADED_PERCENT: [i64; 2] = [30, 97];

/// The day of the next month on which a month's support is billed.
const SUPPORT_DAY: i8 = 7;

/// The day of the next month from which on a month is no longer estimated.
const FINAL_DAY: i8 = 9;

/// Tax and support of a month, in percent of its usage, dated on its first day.
const TAX_PERCENT: i64 = 8;
const SUPPORT_PERCENT: i64 = 10;

/// A bill as a function of the day on which it is looked at.
#[derive(Debug, Clone)]
pub(crate) struct LoadingBill {
    /// Usage, and any other charges with the day on which they are billed, which may be long after their own.
    charges: Vec<(Charge, Option<Date>)>,
    /// Tags, and the day on which they are activated: usage before has them never.
    activations: BTreeMap<String, Date>,
}

impl LoadingBill {
    /// Usage that loads within three days, with tax and support on it.
    pub(crate) fn new(usage: Vec<Charge>) -> LoadingBill {
        LoadingBill {
            charges: usage.into_iter().map(|charge| (charge, None)).collect(),
            activations: BTreeMap::new(),
        }
    }

    /// Adds a charge that is there as a whole from a day on.
    pub(crate) fn billed_on(mut self, day: Date, charge: Charge) -> LoadingBill {
        self.charges.push((charge, Some(day)));
        self
    }

    /// Lets a tag be activated on a day.
    pub(crate) fn activated_on(mut self, tag: &str, day: Date) -> LoadingBill {
        self.activations.insert(tag.to_owned(), day);
        self
    }

    /// What Cost Explorer has in the morning of a day.
    pub(crate) fn on(&self, today: Date) -> Bill {
        let last_month = today.first_of_month().saturating_sub(1.month());
        let estimated_from = match today.day() < FINAL_DAY {
            true => last_month,
            false => today.first_of_month(),
        };
        self.seen(Some(today)).estimated_from(estimated_from)
    }

    /// The bill when nothing changes any more, without charges that are billed after a day: nobody could have known
    /// of them then.
    pub(crate) fn at_last(&self, known_on: Date) -> Bill {
        let mut known = self.clone();
        let is_known = |billed: &Option<Date>| billed.is_none_or(|billed| billed <= known_on);
        known.charges.retain(|(_, billed)| is_known(billed));
        known.seen(None)
    }

    /// The bill on a day, or at last.
    fn seen(&self, today: Option<Date>) -> Bill {
        let charges = self.charges.iter();
        let seen = charges.filter_map(|(charge, billed)| {
            let loaded = match (billed, today) {
                (_, None) => 100,
                (Some(billed), Some(today)) => 100 * i64::from(*billed <= today),
                (None, Some(today)) => loaded_percent(charge.day, today),
            };
            (loaded != 0).then(|| self.tagged(&scaled(charge, loaded)))
        });
        let mut seen: Vec<Charge> = seen.collect();
        let monthly = monthly(&seen, today);
        seen.extend(monthly);
        Bill::new(seen)
    }

    /// The charge with the tags that were active on its day.
    fn tagged(&self, charge: &Charge) -> Charge {
        let mut charge = charge.clone();
        let is_active = |tag: &str| {
            let activated = self.activations.get(tag);
            activated.is_none_or(|activated| *activated <= charge.day)
        };
        charge.tags.retain(|tag, _| is_active(tag));
        charge
    }
}

fn loaded_percent(day: Date, today: Date) -> i64 {
    let age = day.until(today).map_or(0, |age| age.get_days());
    match usize::try_from(age) {
        Ok(0) | Err(_) => 0,
        Ok(age) => LOADED_PERCENT.get(age - 1).copied().unwrap_or(100),
    }
}

fn scaled(charge: &Charge, percent: i64) -> Charge {
    let mut scaled = charge.clone();
    for amount in scaled.amounts.values_mut() {
        *amount *= Decimal::new(percent, 2);
    }
    scaled
}

/// Tax on the usage that is there, and support of the months for which it is billed.
fn monthly(seen: &[Charge], today: Option<Date>) -> Vec<Charge> {
    let mut usage: BTreeMap<(Date, &str), Decimal> = BTreeMap::new();
    for charge in seen {
        if let ("Usage", Some(account)) = (charge.value("RECORD_TYPE").as_str(), &charge.account) {
            let month = charge.day.first_of_month();
            *usage.entry((month, account)).or_default() += charge.amount(COSTS[0]);
        }
    }
    let mut monthly = Vec::new();
    for ((month, account), usage) in usage {
        let mut add = |kind: &str, service: &str, percent: i64| {
            let amount = (usage * Decimal::new(percent, 2)).round_dp(2).to_string();
            monthly.push(Charge::new(month, account, service, &amount).kind(kind));
        };
        add("Tax", "Tax", TAX_PERCENT);
        let support_day = month
            .saturating_add(1.month())
            .saturating_add((SUPPORT_DAY - 1).days());
        if today.is_none_or(|today| support_day <= today) {
            add("Support", "AWS Support (Business)", SUPPORT_PERCENT);
        }
    }
    monthly
}

#[test]
fn a_bill_loads_as_cost_explorer_does() {
    let day = |text: &str| text.parse::<Date>().unwrap();
    let usage = |at: &str| Charge::new(day(at), "111122223333", "EC2", "100").owner("ann");
    let refund = Charge::new(day("2026-10-01"), "111122223333", "EC2", "-500").kind("Refund");
    let bill = LoadingBill::new(vec![
        usage("2026-10-31"),
        usage("2026-11-01"),
        usage("2026-11-02"),
    ])
    .billed_on(day("2026-11-10"), refund)
    .activated_on("Owner", day("2026-11-01"));
    let of = |bill: &Bill, kind: &str, at: &str| {
        let is_meant =
            |charge: &Charge| charge.value("RECORD_TYPE") == kind && charge.day == day(at);
        bill.sum(COSTS[0], is_meant).normalize().to_string()
    };
    let seen = bill.on(day("2026-11-03"));
    let days = ["2026-10-31", "2026-11-01", "2026-11-02", "2026-11-03"];
    let loaded = days.map(|day| of(&seen, "Usage", day));
    assert_eq!(loaded, ["100", "97", "30", "0"]);
    assert_eq!(of(&seen, "Tax", "2026-11-01"), "10.16");
    assert_eq!(of(&seen, "Support", "2026-10-01"), "0");
    assert_eq!(seen.estimated_from, Some(day("2026-10-01")));
    let tagged = seen.charges.iter().filter(|charge| !charge.tags.is_empty());
    assert_eq!(tagged.count(), 2);
    let seen = bill.on(day("2026-11-09"));
    assert_eq!(of(&seen, "Support", "2026-10-01"), "10");
    assert_eq!(of(&seen, "Refund", "2026-10-01"), "0");
    assert_eq!(seen.estimated_from, Some(day("2026-11-01")));
    let known = bill.at_last(day("2026-11-09"));
    assert_eq!(of(&known, "Refund", "2026-10-01"), "0");
    for whole in [bill.on(day("2026-12-20")), bill.at_last(day("2026-11-10"))] {
        assert_eq!(of(&whole, "Usage", "2026-11-02"), "100");
        assert_eq!(of(&whole, "Tax", "2026-11-01"), "16");
        assert_eq!(of(&whole, "Support", "2026-11-01"), "20");
        assert_eq!(of(&whole, "Refund", "2026-10-01"), "-500");
    }
}
