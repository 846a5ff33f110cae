//! trailtab tells who did what in AWS accounts, how often, and what it cost.
//!
//! This is the map of the house; ARCHITECTURE.md says why it is built like this.
//!
//! ```text
//! source: LookupEvents, archive, files, stdin, S3 ── documents
//!           core: envelope → record → intake (window, dedupe, filters) ┬ Tally → Summary
//!                                                                      └ Usage → metrics
//!                                             render: text, json, csv, charts, openmetrics, emf
//!                                               deliver: files, CloudWatch, each metric once
//! ```
//!
//! LookupEvents is asked at the speed of its quota: `core::walk` says which page of a region comes next
//! and when, `source::lookup_events` does it.
//!
//! Imports point one way: `cli`, `lambda` → `job` → `source`, `cost_source`, `deliver`, `render`, `demo` → `core`.
//!
//! | module | holds |
//! |---|---|
//! | `core` | the pure part: bytes in, counts out; it looks at nothing outside |
//! | `source` | where records come from |
//! | `cost_source` | where amounts of money come from: Cost Explorer, or answers that were saved |
//! | `render` | one result, many forms: bytes out |
//! | `deliver` | where bytes go |
//! | `job` | the use cases, on all cores |
//! | `demo` | a synthetic organisation, pure as well |
//! | `aws` | the one place that builds clients |
//! | `clock` | the one place that reads the clock |
//! | `cli` | arguments, printing, exit codes; one file for each verb |
//! | `lambda` | settings, log and health of the functions; one file for each trigger |

mod aws;
mod clock;
mod core;
mod cost_source;
mod deliver;
mod demo;
mod job;
mod render;
mod source;

pub mod cli;
pub mod lambda;
