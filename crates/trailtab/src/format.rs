//! The form of what a verb prints.

use clap::ValueEnum;

/// The value of `--format`, of all verbs that print one result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// A page for people
    #[value(alias = "table")]
    Text,
    /// All of it
    Json,
    /// All rows as one table
    Csv,
}
