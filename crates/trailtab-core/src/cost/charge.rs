//! Charge types, and the metrics of Cost Explorer.

use serde::{Deserialize, Serialize};

/// The type of a charge: Cost Explorer's `RECORD_TYPE`, in groups.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Charge {
    /// Usage; the only charge type that has an owner.
    Usage,
    /// Fees of reservations and savings plans, and the negations of usage that they cover.
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
    /// Any other record type, such as out-of-cycle charges.
    Other,
}

impl Charge {
    /// Returns the charge type of a record type. Its spelling differs between accounts in spaces
    /// and case.
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

    /// The name in reports.
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

/// The metric of cost, with the names of Cost Explorer's API.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
pub enum Metric {
    /// Costs on the day on which they are charged.
    #[default]
    UnblendedCost,
    /// Like unblended cost, but fees of commitments are spread over the days that they cover.
    AmortizedCost,
    /// Unblended cost after discounts by contract.
    NetUnblendedCost,
    /// Amortized cost after discounts by contract.
    NetAmortizedCost,
    /// Cost at rates averaged over the organisation, which awsauditor reports.
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
