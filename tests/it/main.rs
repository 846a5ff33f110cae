//! The program as its users run it, and what its documents say of it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "what fails in a test shall stop it, in its helpers as well"
)]

mod archive;
mod athena;
mod athena_client;
mod athena_fake;
mod athena_setup;
mod aws_server;
mod cli;
mod conformance;
mod cost;
mod cost_source;
mod deploy;
mod digest_oracle;
mod digests;
mod docs;
mod errors;
mod events;
mod first_hour;
mod folded;
mod lookup_events;
mod no_match;
mod parity;
mod policy;
mod properties;
mod questions;
mod real_data;
mod resources;
mod results;
mod s3;
mod signals;
mod support;
mod tidy;
mod tls;
mod usage;
mod usage_fakes;
mod usage_function;
mod usage_health;
mod usage_publish;
