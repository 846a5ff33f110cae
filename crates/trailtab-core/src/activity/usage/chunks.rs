//! Packing data into as few requests as CloudWatch's limits allow.

use super::metrics::Datum;
use crate::time::Seconds;

/// Data in one PutMetricData request (API Reference, `PutMetricData`).
pub const MOST_DATA: usize = 1000;

/// Bytes in one request, before compression: the limit is 1 MB, and the rest of the request and its
/// encoding want room as well.
const MOST_BYTES: usize = 900_000;

/// How far back a datum may lie (API Reference, `MetricDatum`: two weeks).
pub const OLDEST: Seconds = 14 * 86_400;

/// How far ahead a datum may lie (there: two hours).
pub const NEWEST: Seconds = 2 * 3600;

/// Cuts data into requests, in their order.
pub fn chunks(data: Vec<Datum>) -> Vec<Vec<Datum>> {
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

/// The bytes that a datum takes at most, in any of CloudWatch's protocols.
fn size(datum: &Datum) -> usize {
    let metric = &datum.metric;
    let dimensions = metric.dimensions();
    160 + metric.name.len()
        + dimensions
            .map(|(name, value)| 40 + name.len() + value.len())
            .sum::<usize>()
}

/// Tells whether CloudWatch takes a datum of this minute; it refuses the whole request otherwise.
pub fn is_timely(minute: Seconds, now: Seconds) -> bool {
    // A little inside the limits: the request takes its time.
    (now - OLDEST + 300..=now + NEWEST - 300).contains(&minute)
}
