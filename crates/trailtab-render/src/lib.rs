//! One result, many forms: data in, bytes out. Writing them is elsewhere.

pub mod archive;
pub mod chart;
pub mod cost;
pub mod csv;
pub mod emf;
pub mod escape;
pub mod json;
pub mod mail;
mod no_match;
pub mod page;
pub mod plots;
pub mod progress;
mod table;
pub mod text;
pub mod usage;
