//! Packs data into as few requests as the limits of CloudWatch allow.

use super::metrics::MinuteDatum;
use crate::time::Seconds;

/// Maximum number of data in a PutMetricData request (API Reference, `PutMetricData`).
pub const MOST_DATA: usize = 1000;

/// Maximum size of the data of one request in bytes, before compression. The limit is 1 MB, which
/// includes the rest of the request and the encoding.
const MOST_BYTES: usize = 900_000;

/// Maximum age of a datum in seconds (API Reference, `MetricDatum`: two weeks).
pub const OLDEST: Seconds = 14 * 86_400;

/// How far in the future a datum may be, in seconds (`MetricDatum`: two hours).
pub const NEWEST: Seconds = 2 * 3600;

/// Splits data into requests, in order.
pub fn chunks(data: Vec<MinuteDatum>) -> Vec<Vec<MinuteDatum>> {
    let mut chunks = vec![Vec::new()];
    let mut bytes = 0;
    for datum in data {
        let size = size(&datum);
        let last = chunks.len() - 1;
        if chunks[last].len() == MOST_DATA || bytes + size > MOST_BYTES {
            chunks.push(vec![datum]);
            bytes = size;
        } else {
            chunks[last].push(datum);
            bytes += size;
        }
    }
    chunks.retain(|chunk| !chunk.is_empty());
    chunks
}

/// Upper bound for the size of a datum in bytes, in any protocol of CloudWatch.
fn size(datum: &MinuteDatum) -> usize {
    let metric = &datum.metric;
    let dimensions = metric.dimensions();
    160 + metric.name.len()
        + dimensions
            .map(|(name, value)| 40 + name.len() + value.len())
            .sum::<usize>()
}

/// Returns whether CloudWatch accepts a datum of this minute. It refuses a whole request otherwise.
pub fn is_timely(minute: Seconds, now: Seconds) -> bool {
    // Stay inside the limits by five minutes, since sending takes time.
    (now - OLDEST + 300..=now + NEWEST - 300).contains(&minute)
}
