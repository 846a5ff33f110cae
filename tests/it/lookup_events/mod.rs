//! Activity from the event history, against a server that is faithful to LookupEvents.

mod complete;
pub(crate) mod lab;
