//! What is true of a bill in the end, and how mails write days and amounts.

use std::collections::BTreeMap;

use jiff::civil::Date;
use rust_decimal::Decimal;

use super::super::{LAB, PAYER};
use super::worlds::{self, EXECUTIVE, MANAGER, OWNER};
use crate::support::aws::Charge;

/// Days from one to another, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Days {
    pub(super) from: Date,
    pub(super) through: Date,
}

impl Days {
    /// Reads `22 October`, `1–22 October 2026`, `28 October – 3 November 2026`. All are of one year.
    pub(super) fn read(label: &str) -> Option<Days> {
        let label = label
            .trim()
            .strip_suffix(&format!(" {}", worlds::YEAR))
            .unwrap_or(label.trim());
        if let Some((from, through)) = label.split_once(" – ") {
            return Some(Days {
                from: day(from)?,
                through: day(through)?,
            });
        }
        let (from, through) = match label.split_once('–') {
            Some((from, through)) => (format!("{from} {}", through.split_once(' ')?.1), through),
            None => (label.to_owned(), label),
        };
        Some(Days {
            from: day(&from)?,
            through: day(through)?,
        })
    }

    pub(super) fn month_of(day: Date) -> Days {
        Days {
            from: day.first_of_month(),
            through: day.last_of_month(),
        }
    }

    pub(super) fn len(self) -> i64 {
        i64::from(self.from.until(self.through).unwrap().get_days()) + 1
    }
}

/// Reads `22 October`.
fn day(label: &str) -> Option<Date> {
    let (number, month) = label.split_once(' ')?;
    Date::new(worlds::YEAR, month_number(month)?, number.parse().ok()?).ok()
}

/// The number of a month by its name.
pub(super) fn month_number(name: &str) -> Option<i8> {
    const MONTHS: [&str; 12] = [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ];
    let place = MONTHS.iter().position(|month| *month == name)?;
    i8::try_from(place + 1).ok()
}

/// Reads `$1,234.56`, `-$5.00`, `+$1.20`, `±$0.00` and `<$0.01`.
pub(super) fn money(text: &str) -> Option<Decimal> {
    let text = text
        .trim()
        .trim_start_matches(['<', '>', '+', '±'])
        .trim_start_matches('<');
    let (sign, digits) = match text.strip_prefix('-') {
        Some(rest) => (Decimal::NEGATIVE_ONE, rest),
        None => (Decimal::ONE, text),
    };
    let digits = digits.strip_prefix('$')?;
    let amount: Decimal = digits.replace(',', "").parse().ok()?;
    Some(sign * amount)
}

/// Which usage is meant; what is absent is all of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Meant {
    pub(super) account: Option<String>,
    /// The owner, or nothing if usage without an owner is meant.
    pub(super) owner: Option<Option<String>>,
    pub(super) service: Option<String>,
}

impl Meant {
    pub(super) fn in_account(account: Option<&str>) -> Meant {
        Meant {
            account: account.map(str::to_owned),
            ..Meant::default()
        }
    }

    pub(super) fn owner(self, label: &str) -> Meant {
        let owner = (label != "(untagged)").then(|| label.to_owned());
        Meant {
            owner: Some(owner),
            ..self
        }
    }

    pub(super) fn service(self, name: &str) -> Meant {
        Meant {
            service: Some(name.to_owned()),
            ..self
        }
    }
}

/// A charge that a recipient may see.
struct SeenCharge {
    account: String,
    owner: Option<String>,
    service: String,
    /// The charge type as reports call it.
    kind: &'static str,
    amount: Decimal,
}

/// What a recipient may know of a bill that nothing changes any more.
pub(super) struct Truth {
    by_day: BTreeMap<Date, Vec<SeenCharge>>,
}

impl Truth {
    pub(super) fn new(charges: &[Charge], recipient: &str) -> Truth {
        let mut by_day: BTreeMap<Date, Vec<SeenCharge>> = BTreeMap::new();
        for charge in charges {
            let seen = SeenCharge {
                account: charge.account.clone().unwrap_or_default(),
                owner: charge.tags.get("Owner").cloned(),
                service: charge.value("SERVICE"),
                kind: match charge.value("RECORD_TYPE").as_str() {
                    "Usage" => "Usage",
                    "Tax" => "Tax",
                    "Support" => "Support",
                    "Refund" => "Refunds",
                    "RIFee" => "Commitments",
                    other => panic!("{other}"),
                },
                amount: charge.amount("UnblendedCost"),
            };
            let may_see = match recipient {
                EXECUTIVE => true,
                MANAGER => [PAYER, LAB].contains(&seen.account.as_str()),
                OWNER => seen.owner.as_deref() == Some(OWNER),
                other => panic!("{other}"),
            };
            if may_see {
                by_day.entry(charge.day).or_default().push(seen);
            }
        }
        Truth { by_day }
    }

    fn sum(&self, days: Days, is_meant: impl Fn(&SeenCharge) -> bool) -> Decimal {
        let charges = self
            .by_day
            .range(days.from..=days.through)
            .flat_map(|(_, charges)| charges);
        charges
            .filter(|charge| is_meant(charge))
            .map(|charge| charge.amount)
            .sum()
    }

    pub(super) fn usage(&self, meant: &Meant, days: Days) -> Decimal {
        self.sum(days, |charge| {
            charge.kind == "Usage"
                && meant
                    .account
                    .as_ref()
                    .is_none_or(|account| *account == charge.account)
                && meant
                    .owner
                    .as_ref()
                    .is_none_or(|owner| *owner == charge.owner)
                && meant
                    .service
                    .as_ref()
                    .is_none_or(|service| *service == charge.service)
        })
    }

    /// The charges of a type, or all, of an account, or of all accounts.
    pub(super) fn charged(&self, kind: Option<&str>, account: Option<&str>, days: Days) -> Decimal {
        self.sum(days, |charge| {
            kind.is_none_or(|kind| kind == charge.kind)
                && account.is_none_or(|account| account == charge.account)
        })
    }
}

#[test]
fn days_and_amounts_are_read_as_mails_write_them() {
    let of = |label: &str| {
        let days = Days::read(label)?;
        Some(format!("{} {}", days.from, days.through))
    };
    for (label, days) in [
        ("22 October", "2026-10-22 2026-10-22"),
        ("1–22 October 2026", "2026-10-01 2026-10-22"),
        ("28 October – 3 November 2026", "2026-10-28 2026-11-03"),
    ] {
        assert_eq!(of(label).unwrap(), days);
    }
    for label in [
        "",
        "October",
        "1–40 October",
        "change vs",
        "31 November 2026",
    ] {
        assert_eq!(of(label), None, "{label}");
    }
    for (text, amount) in [
        ("$1,234.56", Some("1234.56")),
        ("-$5.00", Some("-5.00")),
        ("+$0.20", Some("0.20")),
        ("+<$0.01", Some("0.01")),
        ("3.3 %", None),
        ("$", None),
    ] {
        assert_eq!(
            money(text),
            amount.map(|amount| amount.parse().unwrap()),
            "{text}"
        );
    }
}
