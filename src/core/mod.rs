//! The pure part: bytes in, counts out. Nothing here looks outside: no file, environment, clock,
//! process, network or async.

pub(crate) mod cost;
pub(crate) mod coverage;
pub(crate) mod csv;
pub(crate) mod digest;
pub(crate) mod envelope;
pub(crate) mod filter;
pub(crate) mod gunzip;
pub(crate) mod holdings;
pub(crate) mod intake;
pub(crate) mod integrity;
pub(crate) mod intern;
pub(crate) mod nearest;
pub(crate) mod no_match;
#[cfg(any(test, fuzzing))]
pub(crate) mod oracle;
pub(crate) mod pace;
pub(crate) mod principal;
pub(crate) mod record;
pub(crate) mod scan;
pub(crate) mod seen;
pub(crate) mod spans;
pub(crate) mod summary;
pub(crate) mod tally;
pub(crate) mod usage;
pub(crate) mod walk;
pub(crate) mod window;
