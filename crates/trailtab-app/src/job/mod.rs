//! The use cases: from sources to results. What they print and where they write is the shell's.

pub mod archive;
pub mod backfill;
pub mod cost;
pub mod parallel;
pub mod plot;
pub mod read;
pub mod usage;
pub mod verify;
