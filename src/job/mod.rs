//! The use cases: from sources to results. What they print and where they write is the shell's.

pub(crate) mod archive;
pub(crate) mod backfill;
pub(crate) mod cost;
pub(crate) mod demo;
pub(crate) mod parallel;
pub(crate) mod plot;
pub(crate) mod read;
pub(crate) mod usage;
pub(crate) mod verify;
