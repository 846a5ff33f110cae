//! Cost: amounts by day, account, service and owner, and the reports made of them.
//!
//! Amounts are decimals with a currency. Days are UTC. Where amounts come from is unknown here:
//! `trailtab-cost-explorer` makes a [`table::CostTable`] of Cost Explorer's answers.
//!
//! ```text
//! settings ─ audiences;  CostTable → one CostReport for each audience
//! ```

pub mod amount;
pub mod audience;
pub mod budget;
pub mod channel;
pub mod charge;
pub mod commitment;
pub mod condition;
pub mod dimension;
pub mod estimate;
pub mod forecast;
pub mod growth;
pub mod label;
pub mod money;
pub mod owner;
pub mod period;
pub mod recipient;
pub mod report;
pub mod secret;
pub mod settings;
pub mod table;
pub mod tag_usage;
pub mod unusual;
pub mod wording;
