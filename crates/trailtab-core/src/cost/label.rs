//! Labels: what the rows of a report are about.

use serde::Serialize;

/// What a row is about. Rows with the same name and different kinds are different.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct RowLabel {
    /// What kind of thing the row is about.
    pub kind: LabelKind,
    /// The text in reports: a tag's value, a service, an account or a charge type. Our own labels
    /// are in parentheses, and a tag value that looks like one is quoted.
    pub name: String,
}

/// What kind of thing a row is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LabelKind {
    /// An owner: a value of the tag or cost category that the settings name.
    Owner,
    /// All owners that are EC2 instances, combined.
    Instances,
    /// Costs without an owner.
    Untagged,
    /// An AWS service.
    Service,
    /// An AWS Region.
    Region,
    /// What is metered.
    UsageType,
    /// How usage was bought.
    PurchaseType,
    /// An account.
    Account,
    /// A charge type, such as tax.
    Charge,
    /// Costs that a total includes and that no owner, service or account has: mostly figures that
    /// changed between two answers of Cost Explorer.
    Unassigned,
    /// Costs that a total includes and whose owners, services or accounts were not read.
    Unread,
}
