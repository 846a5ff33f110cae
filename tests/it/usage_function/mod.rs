//! The function `usage`: the real program, between a fake Lambda and a fake CloudWatch.

mod counts;
pub(crate) mod lab;
mod losses;
mod messages;
mod mixes;
mod other;
mod output;
mod parity;
mod real_logs;
mod repeats;
pub(crate) mod retries;
mod settings;
