//! Tests of reports: property tests, and the texts for known bills.

mod closing;
mod commitments;
mod dimension;
mod laws;
mod outlook;
mod says;
mod trend;
