//! Counts events: which principal called which API, and how often.

pub mod memory;
mod packed;
pub mod policy;
pub mod provenance;
pub mod summary;
pub mod tally;
pub mod usage;
