//! Filters that decide which events are counted.
//!
//! The values of one filter are alternatives; values that start with `!` are exceptions. An event
//! must pass all filters. Patterns match the whole value, support `*` and `?`, and ignore case.
//!
//! An [`EventFilter`] says what was asked for; an [`EventMatcher`] is made of it once, and compares.

mod api_name;
mod asked;
mod criterion;
mod matcher;
mod pattern;
mod request;
mod resource;

pub use api_name::without_version;
pub use asked::{AccessKind, ActivityType, EventFilter, FilterValues};
pub use criterion::{Criterion, Refusals};
pub use matcher::{EventMatcher, ScopeMatcher, actor_value, value};
pub use pattern::{TextPattern, network};
pub use request::{RecordPath, RequestPattern};

#[cfg(test)]
mod tests;
