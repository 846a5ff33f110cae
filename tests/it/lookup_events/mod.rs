//! Activity from the event history, against a server that is faithful to LookupEvents.

mod advice;
mod complete;
mod crash;
mod credentials;
mod faults;
mod filters;
mod hostile;
pub(crate) mod lab;
mod organization;
mod output;
mod quota;
mod refusals;
mod regions;
mod window;
