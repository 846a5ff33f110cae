//! One CloudTrail event: from the bytes of a document to a filtered, deduplicated record that a
//! counter receives.

pub mod counter;
pub mod csv;
pub mod dedupe;
pub mod envelope;
pub mod filter;
pub mod gunzip;
pub mod identity;
pub mod ingest;
pub mod intern;
pub mod json_path;
pub mod needs;
pub mod no_match;
#[cfg(any(test, feature = "oracle"))]
pub mod oracle;
pub mod outcome;
pub mod record;
pub mod removals;
pub mod resource;
pub mod scan;
mod spelling;

pub use spelling::cloudtrail_name;
