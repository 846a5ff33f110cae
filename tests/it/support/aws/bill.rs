//! Bills: the charges of accounts, which the fake Cost Explorer reports.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use rust_decimal::Decimal;

use super::quota::Quota;

/// A metric of Cost Explorer, by its name.
pub(crate) const COSTS: [&str; 5] = [
    "UnblendedCost",
    "AmortizedCost",
    "NetUnblendedCost",
    "NetAmortizedCost",
    "BlendedCost",
];

/// A line of a bill.
#[derive(Debug, Clone)]
pub(crate) struct Charge {
    pub(crate) day: Date,
    /// `None` for charges that belong to no account. These are missing if amounts are grouped by accounts.
    pub(crate) account: Option<String>,
    /// Values of all other dimensions, such as `SERVICE`.
    pub(crate) dimensions: BTreeMap<&'static str, String>,
    pub(crate) tags: BTreeMap<String, String>,
    pub(crate) cost_categories: BTreeMap<String, String>,
    /// By metric; nothing is zero.
    pub(crate) amounts: BTreeMap<&'static str, Decimal>,
    pub(crate) currency: String,
}

/// Reads an amount, also one as `1.3E-9`.
pub(crate) fn decimal(text: &str) -> Decimal {
    let read = |text: &str| text.parse().ok();
    let scientific = |text: &str| Decimal::from_scientific(text).ok();
    read(text)
        .or_else(|| scientific(text))
        .unwrap_or_else(|| panic!("{text:?} is no amount"))
}

impl Charge {
    /// Usage without an owner in US dollars, the same by every metric.
    pub(crate) fn new(day: Date, account: &str, service: &str, amount: &str) -> Charge {
        let amount = decimal(amount);
        let charge = Charge {
            day,
            account: Some(account.to_owned()),
            dimensions: BTreeMap::new(),
            tags: BTreeMap::new(),
            cost_categories: BTreeMap::new(),
            amounts: COSTS.map(|metric| (metric, amount)).into(),
            currency: "USD".to_owned(),
        };
        charge.dimension("SERVICE", service).kind("Usage")
    }

    /// Sets the record type of a charge that is not usage: `Tax`, `Credit`, …
    pub(crate) fn kind(self, record_type: &str) -> Charge {
        self.dimension("RECORD_TYPE", record_type)
    }

    pub(crate) fn dimension(mut self, key: &'static str, value: &str) -> Charge {
        self.dimensions.insert(key, value.to_owned());
        self
    }

    pub(crate) fn tag(mut self, key: &str, value: &str) -> Charge {
        self.tags.insert(key.to_owned(), value.to_owned());
        self
    }

    pub(crate) fn owner(self, value: &str) -> Charge {
        self.tag("Owner", value)
    }

    pub(crate) fn cost_category(mut self, key: &str, value: &str) -> Charge {
        self.cost_categories
            .insert(key.to_owned(), value.to_owned());
        self
    }

    /// Sets the amount by one metric.
    pub(crate) fn metric(mut self, metric: &'static str, amount: &str) -> Charge {
        self.amounts.insert(metric, decimal(amount));
        self
    }

    pub(crate) fn currency(mut self, currency: &str) -> Charge {
        self.currency = currency.to_owned();
        self
    }

    pub(crate) fn without_account(mut self) -> Charge {
        self.account = None;
        self
    }

    pub(crate) fn amount(&self, metric: &str) -> Decimal {
        self.amounts.get(metric).copied().unwrap_or_default()
    }

    /// Its value of a dimension, as groups show it.
    pub(crate) fn value(&self, dimension: &str) -> String {
        let value = match dimension {
            "LINKED_ACCOUNT" => self.account.clone(),
            _ => self.dimensions.get(dimension).cloned(),
        };
        value.unwrap_or_else(|| {
            let none = match dimension {
                "LINKED_ACCOUNT" => "NoLinkedAccount",
                "SERVICE" => "NoService",
                "REGION" => "NoRegion",
                "USAGE_TYPE" => "NoUsageType",
                "OPERATION" => "NoOperation",
                _ => "NoValue",
            };
            none.to_owned()
        })
    }
}

/// The bill of a payer, for all accounts it pays for.
#[derive(Debug, Clone)]
pub(crate) struct Bill {
    pub(crate) charges: Vec<Charge>,
    /// Names of accounts.
    pub(crate) names: BTreeMap<String, String>,
    /// Groups on a page.
    pub(crate) page: usize,
    /// Whether an empty page stands before every page but the first.
    pub(crate) empty_pages: bool,
    /// From this day on, amounts are estimated; from the first day of this month if it is not set.
    pub(crate) estimated_from: Option<Date>,
    pub(crate) quota: Quota,
}

impl Bill {
    /// A bill whose answers fit on one page each, without a rate limit.
    pub(crate) fn new(charges: Vec<Charge>) -> Bill {
        Bill {
            charges,
            names: BTreeMap::new(),
            page: 5000,
            empty_pages: false,
            estimated_from: None,
            quota: Quota {
                rate: 1e6,
                burst: 1e6,
                others: Vec::new(),
            },
        }
    }

    pub(crate) fn name(mut self, account: &str, name: &str) -> Bill {
        self.names.insert(account.to_owned(), name.to_owned());
        self
    }

    pub(crate) fn page(mut self, groups: usize) -> Bill {
        self.page = groups;
        self
    }

    pub(crate) fn empty_pages(mut self) -> Bill {
        self.empty_pages = true;
        self
    }

    pub(crate) fn estimated_from(mut self, day: Date) -> Bill {
        self.estimated_from = Some(day);
        self
    }

    /// Limits the rate in requests per second, and the burst.
    pub(crate) fn quota(mut self, rate: f64, burst: f64) -> Bill {
        (self.quota.rate, self.quota.burst) = (rate, burst);
        self
    }

    /// All accounts that are charged.
    pub(crate) fn accounts(&self) -> BTreeSet<&str> {
        let accounts = self.charges.iter();
        accounts
            .filter_map(|charge| charge.account.as_deref())
            .collect()
    }

    /// The sum of the selected charges, by a metric.
    pub(crate) fn sum(&self, metric: &str, meant: impl Fn(&Charge) -> bool) -> Decimal {
        let meant = self.charges.iter().filter(|charge| meant(charge));
        meant.map(|charge| charge.amount(metric)).sum()
    }
}
