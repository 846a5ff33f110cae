//! Renders results as text, CSV, JSON, HTML, mail and charts. Pure functions from data to bytes or strings: no
//! input or output here.

pub mod archive;
pub mod calls;
pub mod chart;
pub mod cost;
pub mod csv;
mod document;
pub mod emf;
pub mod escape;
mod folded;
pub mod json;
pub mod mail;
mod no_match;
pub mod page;
pub mod plots;
pub mod policy;
pub mod progress;
mod reading;
pub mod text;
pub mod usage;
