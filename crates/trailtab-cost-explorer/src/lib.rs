//! Cost Explorer's requests and answers: which requests a set of reports needs, and what their
//! answers say. It sends nothing, and looks at nothing outside its arguments.
//!
//! ```text
//! reports ─ plan ─ queries → answers ─ settled (kept answers reused) ─ lines → core's CostTable
//! ```

pub mod answer;
pub mod forecast;
pub mod lines;
pub mod owner_key;
pub mod plain;
pub mod plan;
pub mod query;
pub mod settled;
