//! Reading the event history: which page to request next and when, and which seconds an archive covers.

pub mod holdings;
pub mod pace;
pub mod spans;
pub mod walk;
