//! Activity from the event history, against a server that is faithful to LookupEvents.

mod complete;
mod crash;
pub(crate) mod lab;
