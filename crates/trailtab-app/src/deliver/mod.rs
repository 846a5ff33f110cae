//! Destinations: files, ledgers, CloudWatch, mail, and channels.

pub mod channel;
pub mod cloudwatch;
pub mod count_runs;
pub mod files;
pub mod ledger;
pub mod mail;
pub mod manifest;
pub mod outbox;
pub mod raw_dump;
pub mod sent_hash;
pub mod temporary;
