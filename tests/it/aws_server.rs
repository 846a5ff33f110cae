//! The AWS that tests run against behaves as AWS does.

mod client;
mod faults;
mod lookup;
mod quota;
mod sdk;
mod services;
