//! The use cases of both programs: sources, deliveries, and the jobs that connect them.
//!
//! Imports point one way: `job` → `source`, `cost_source`, `deliver` → `aws`.

pub mod aws;
pub mod clock;
pub mod cost_source;
pub mod deliver;
pub mod job;
pub mod source;
