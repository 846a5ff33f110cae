//! Where bytes go.

pub(crate) mod files;
