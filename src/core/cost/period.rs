//! Days: the period that a report is about, and those that it is compared with. All of it is UTC.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

/// Some days in a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) struct Days {
    /// The first day.
    pub(crate) from: Date,
    /// The last day, which is never before the first.
    pub(crate) through: Date,
}
