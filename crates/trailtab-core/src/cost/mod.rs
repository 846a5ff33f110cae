//! Cost: the requests to Cost Explorer, its answers, and the reports made of them.
//!
//! Amounts are decimals with a currency. Days are UTC, as in Cost Explorer.
//!
//! ```text
//! settings ─ plan ─ queries → answers → CostTable (lines) → one Report for each audience
//! ```

pub mod answer;
pub mod audience;
pub mod charge;
pub mod lines;
pub mod money;
pub mod owner;
pub mod period;
pub mod plan;
pub mod query;
pub mod report;
pub mod secret;
pub mod settings;
pub mod settled;
pub mod table;
pub mod wording;
