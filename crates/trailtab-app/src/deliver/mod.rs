//! Destinations: files, ledgers, CloudWatch, and mail.

pub mod cloudwatch;
pub mod files;
pub mod ledger;
pub mod mail;
pub mod manifest;
pub mod raw_dump;
pub mod sent_hash;
pub mod temporary;
