//! Dimensions that usage can be cut by besides owners and services.

use serde::Serialize;

use super::label::LabelKind;

/// A dimension of Cost Explorer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum UsageDimension {
    /// AWS Regions, and `global`.
    Region,
    /// What is metered, such as `EU-BoxUsage:m5.large`.
    UsageType,
    /// How it was bought: on demand, as spot, or covered by a commitment.
    PurchaseType,
}

impl UsageDimension {
    /// All of them.
    pub const ALL: [UsageDimension; 3] = [
        UsageDimension::Region,
        UsageDimension::UsageType,
        UsageDimension::PurchaseType,
    ];

    /// The name in Cost Explorer's API.
    pub fn key(self) -> &'static str {
        match self {
            UsageDimension::Region => "REGION",
            UsageDimension::UsageType => "USAGE_TYPE",
            UsageDimension::PurchaseType => "PURCHASE_TYPE",
        }
    }

    /// What one of its values is called.
    pub fn noun(self) -> &'static str {
        match self {
            UsageDimension::Region => "region",
            UsageDimension::UsageType => "usage type",
            UsageDimension::PurchaseType => "purchase type",
        }
    }

    /// What a row of it is about.
    pub fn label_kind(self) -> LabelKind {
        match self {
            UsageDimension::Region => LabelKind::Region,
            UsageDimension::UsageType => LabelKind::UsageType,
            UsageDimension::PurchaseType => LabelKind::PurchaseType,
        }
    }
}
