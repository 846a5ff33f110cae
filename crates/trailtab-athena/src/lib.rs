//! Statements for Amazon Athena that count CloudTrail events, and the rows of their results: text in, text out. Sends
//! nothing.
//!
//! A statement deduplicates events and groups those that no counter and no filter of the run distinguishes. It
//! returns the members of records that they read. So identities, outcomes and resources are resolved in one place, in
//! trailtab-core, for all engines: the statement never resolves any. Filters are in the statement as far as SQL can
//! express a condition that admits at least the same events; each row is filtered again when it is read.

pub mod address;
pub mod columns;
pub mod compare;
pub mod ddl;
mod filter;
pub mod kept;
mod members;
pub mod partition;
pub mod price;
pub mod row;
pub mod sql;
pub mod statement;
pub mod table;
#[cfg(test)]
mod tests;
