//! Reads records and bills, counts and plans: data in, data out. Must not use files, the environment, the clock,
//! processes, the network or async.

pub mod activity;
pub mod calls;
pub mod cost;
pub mod coverage;
pub mod digits;
pub mod event;
pub mod history;
pub mod integrity;
pub mod nearest;
pub mod regions;
pub mod s3_requests;
pub mod scope;
pub mod time;
