//! The pure part: bytes in, counts out. Nothing here looks outside: no file, environment, clock,
//! process, network or async.

pub mod activity;
pub mod cost;
pub mod coverage;
pub mod event;
pub mod history;
pub mod integrity;
pub mod nearest;
pub mod regions;
pub mod scope;
pub mod time;
