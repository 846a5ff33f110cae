//! The laws of reports, and what they say.

mod laws;
mod says;
