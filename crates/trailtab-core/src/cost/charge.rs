//! What a charge is for, and by which metric it is measured.

use serde::{Deserialize, Serialize};

/// What a charge is for: Cost Explorer's `RECORD_TYPE`, in the groups that people tell apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Charge {
    /// What somebody used; the only charge that has an owner.
    Usage,
    /// Fees of reservations and savings plans, and what they take off again.
    Commitment,
    /// Discounts by contract.
    Discount,
    /// Credits.
    Credit,
    /// Refunds.
    Refund,
    /// Taxes.
    Tax,
    /// Fees for AWS Support.
    Support,
    /// Whatever else Cost Explorer names, such as out-of-cycle charges.
    Other,
}

impl Charge {
    /// Finds out what a record type means. Names differ between accounts, in spaces and case.
    pub fn of(record_type: &str) -> Charge {
        let letters = record_type.chars().filter(|c| c.is_alphanumeric());
        let name: String = letters.map(|c| c.to_ascii_lowercase()).collect();
        let has = |part: &str| name.contains(part);
        match name.as_str() {
            "usage" | "discountedusage" | "savingsplancoveredusage" => Charge::Usage,
            "recurring" | "upfront" => Charge::Commitment,
            _ if name.starts_with("savingsplan")
                || name.starts_with("rifee")
                || has("reservation") =>
            {
                Charge::Commitment
            }
            _ if has("discount") => Charge::Discount,
            _ if has("credit") => Charge::Credit,
            _ if has("refund") => Charge::Refund,
            _ if name == "tax" => Charge::Tax,
            _ if has("support") => Charge::Support,
            _ => Charge::Other,
        }
    }

    /// The name that people read.
    pub fn label(self) -> &'static str {
        match self {
            Charge::Usage => "Usage",
            Charge::Commitment => "Commitments",
            Charge::Discount => "Discounts",
            Charge::Credit => "Credits",
            Charge::Refund => "Refunds",
            Charge::Tax => "Tax",
            Charge::Support => "Support",
            Charge::Other => "Other charges",
        }
    }
}

/// How Cost Explorer measures cost. The names are those of its API.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
pub enum Metric {
    /// What is charged on the day.
    #[default]
    UnblendedCost,
    /// Fees of commitments are spread over the days that they cover.
    AmortizedCost,
    /// After discounts by contract.
    NetUnblendedCost,
    /// Amortized cost after discounts by contract.
    NetAmortizedCost,
    /// Averaged over the organisation, as the predecessor had it.
    BlendedCost,
}

impl Metric {
    /// All metrics.
    pub const ALL: [Metric; 5] = [
        Metric::UnblendedCost,
        Metric::AmortizedCost,
        Metric::NetUnblendedCost,
        Metric::NetAmortizedCost,
        Metric::BlendedCost,
    ];

    /// The name in Cost Explorer's API.
    pub fn name(self) -> &'static str {
        match self {
            Metric::UnblendedCost => "UnblendedCost",
            Metric::AmortizedCost => "AmortizedCost",
            Metric::NetUnblendedCost => "NetUnblendedCost",
            Metric::NetAmortizedCost => "NetAmortizedCost",
            Metric::BlendedCost => "BlendedCost",
        }
    }
}
