//! Activity from the event history, against a server that is faithful to LookupEvents.

mod advice;
mod complete;
mod crash;
pub(crate) mod lab;
