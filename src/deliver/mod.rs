//! Where bytes go.

pub(crate) mod cloudwatch;
pub(crate) mod files;
pub(crate) mod ledger;
pub(crate) mod mail;
pub(crate) mod manifest;
pub(crate) mod raw_dump;
pub(crate) mod temporary;
