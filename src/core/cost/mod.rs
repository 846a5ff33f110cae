//! Money: what Cost Explorer is asked, what it answers, and the reports made of it.
//!
//! Amounts are decimals, and each has its currency. Days are UTC, as Cost Explorer's are.
//!
//! ```text
//! settings ─ plan ─ queries → answers → CostTable (lines) → one Report for each audience
//! ```

pub(crate) mod answer;
pub(crate) mod audience;
pub(crate) mod charge;
pub(crate) mod lines;
pub(crate) mod money;
pub(crate) mod owner;
pub(crate) mod period;
pub(crate) mod plan;
pub(crate) mod query;
pub(crate) mod report;
pub(crate) mod secret;
pub(crate) mod settings;
pub(crate) mod settled;
pub(crate) mod table;
pub(crate) mod wording;
