//! Charge types, and the metrics of Cost Explorer.

use serde::{Deserialize, Serialize};

/// The type of a charge: Cost Explorer's `RECORD_TYPE`, in groups.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChargeType {
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

impl ChargeType {
    /// Returns the charge type of a record type. Its spelling differs between accounts in spaces
    /// and case.
    pub fn of(record_type: &str) -> ChargeType {
        let letters = record_type.chars().filter(|c| c.is_alphanumeric());
        let name: String = letters.map(|c| c.to_ascii_lowercase()).collect();
        let has = |part: &str| name.contains(part);
        match name.as_str() {
            "usage" | "discountedusage" | "savingsplancoveredusage" => ChargeType::Usage,
            "recurring" | "upfront" => ChargeType::Commitment,
            _ if name.starts_with("savingsplan")
                || name.starts_with("rifee")
                || has("reservation") =>
            {
                ChargeType::Commitment
            }
            _ if has("discount") => ChargeType::Discount,
            _ if has("credit") => ChargeType::Credit,
            _ if has("refund") => ChargeType::Refund,
            _ if name == "tax" => ChargeType::Tax,
            _ if has("support") => ChargeType::Support,
            _ => ChargeType::Other,
        }
    }

    /// Whether AWS charges it at most once a month, dated on the first day, and often bills it days later: support of a
    /// month comes on the sixth or seventh day of the next one (Data Exports user guide).
    pub fn is_billed_monthly(self) -> bool {
        match self {
            ChargeType::Tax | ChargeType::Support | ChargeType::Commitment | ChargeType::Other => {
                true
            }
            ChargeType::Usage | ChargeType::Discount | ChargeType::Credit | ChargeType::Refund => {
                false
            }
        }
    }

    /// Whether the 1st of a month may be settled long before AWS bills a charge of that day.
    pub fn is_billed_late(self) -> bool {
        matches!(self, ChargeType::Tax | ChargeType::Support)
    }

    /// The name in reports.
    pub fn label(self) -> &'static str {
        match self {
            ChargeType::Usage => "Usage",
            ChargeType::Commitment => "Commitments",
            ChargeType::Discount => "Discounts",
            ChargeType::Credit => "Credits",
            ChargeType::Refund => "Refunds",
            ChargeType::Tax => "Tax",
            ChargeType::Support => "Support",
            ChargeType::Other => "Other charges",
        }
    }
}

/// The metric of cost, with the names of Cost Explorer's API.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
pub enum CostMetric {
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

impl CostMetric {
    /// All metrics.
    pub const ALL: [CostMetric; 5] = [
        CostMetric::UnblendedCost,
        CostMetric::AmortizedCost,
        CostMetric::NetUnblendedCost,
        CostMetric::NetAmortizedCost,
        CostMetric::BlendedCost,
    ];

    /// The name in Cost Explorer's API.
    pub fn name(self) -> &'static str {
        match self {
            CostMetric::UnblendedCost => "UnblendedCost",
            CostMetric::AmortizedCost => "AmortizedCost",
            CostMetric::NetUnblendedCost => "NetUnblendedCost",
            CostMetric::NetAmortizedCost => "NetAmortizedCost",
            CostMetric::BlendedCost => "BlendedCost",
        }
    }
}
