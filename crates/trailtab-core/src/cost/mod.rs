//! Cost: amounts by day, account, service and owner, and the reports made of them.
//!
//! Amounts are decimals with a currency. Days are UTC. Where amounts come from is unknown here:
//! `trailtab-cost-explorer` makes a [`table::CostTable`] of Cost Explorer's answers.
//!
//! ```text
//! settings ─ audiences;  CostTable → one CostReport for each audience
//! ```

pub mod audience;
pub mod channel;
pub mod charge;
pub mod label;
pub mod money;
pub mod owner;
pub mod period;
pub mod recipient;
pub mod report;
pub mod secret;
pub mod settings;
pub mod table;
pub mod wording;
