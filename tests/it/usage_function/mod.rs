//! The function `usage`, the real program, between a Lambda and a CloudWatch that are played.

mod counts;
pub(crate) mod lab;
mod messages;
mod mixes;
mod other;
mod output;
mod parity;
mod real_logs;
mod repeats;
mod retries;
mod settings;
