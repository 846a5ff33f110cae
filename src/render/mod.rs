//! One result, many forms: data in, bytes out. Writing them is elsewhere.

pub(crate) mod archive;
pub(crate) mod chart;
pub(crate) mod cost;
pub(crate) mod csv;
pub(crate) mod emf;
pub(crate) mod escape;
pub(crate) mod json;
pub(crate) mod mail;
mod no_match;
pub(crate) mod page;
pub(crate) mod plots;
pub(crate) mod progress;
mod table;
pub(crate) mod text;
pub(crate) mod usage;
