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

pub use api_name::without_version;
pub use asked::{AccessKind, ActivityType, EventFilter, FilterValues};
pub use criterion::{Criterion, Refusals};
pub use matcher::{EventMatcher, ScopeMatcher, actor_value, value};
pub use pattern::{TextPattern, network};

use crate::scope::AccountId;

/// Tells whether a text is an account id: twelve digits.
pub fn is_account_id(text: &str) -> bool {
    text.parse::<AccountId>().is_ok()
}

#[cfg(test)]
mod tests;
