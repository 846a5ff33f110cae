//! The use cases, from sources to results. Prints nothing and chooses no output paths; the callers
//! do.

pub mod archive;
pub mod athena;
pub mod backfill;
pub mod cost;
pub mod events;
pub mod health;
pub mod parallel;
pub mod plot;
pub mod read;
pub mod usage;
pub mod verify;
