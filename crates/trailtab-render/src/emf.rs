//! Metrics as text in a log: CloudWatch's embedded metric format, one document a line.
//!
//! A document names its metrics and holds their values beside those of their dimensions, so neither may
//! have the name of the other; `core::usage::metrics` sees to that. Limits are those of the
//! specification ("Embedded metric format" in the CloudWatch User Guide).

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use trailtab_core::activity::usage::metrics::{MinuteDatum, UNIT};

/// Metrics that one document may hold.
const MOST_METRICS: usize = 100;

/// Writes all data, one line for those with the same minute and dimensions.
pub fn data(data: &[MinuteDatum], namespace: &str) -> Vec<u8> {
    let mut documents = BTreeMap::<_, Vec<&MinuteDatum>>::new();
    for datum in data {
        let dimensions: Vec<_> = datum.metric.dimensions().collect();
        documents
            .entry((datum.minute, dimensions))
            .or_default()
            .push(datum);
    }
    let mut lines = Vec::new();
    for ((minute, dimensions), data) in documents {
        for data in data.chunks(MOST_METRICS) {
            let metrics = data
                .iter()
                .map(|datum| (datum.metric.name.as_str(), UNIT, datum.value));
            let line = document(minute * 1000, namespace, &dimensions, metrics);
            lines.extend_from_slice(line.as_bytes());
            lines.push(b'\n');
        }
    }
    lines
}

/// Writes one document: its time in milliseconds since 1970, and names, units and values of metrics.
pub fn document<'m>(
    milliseconds: i64,
    namespace: &str,
    dimensions: &[(&str, &str)],
    metrics: impl Iterator<Item = (&'m str, &'m str, u64)>,
) -> String {
    let mut members = Map::new();
    let mut named = Vec::new();
    for (name, unit, value) in metrics {
        named.push(json!({ "Name": name, "Unit": unit }));
        members.insert(name.to_owned(), value.into());
    }
    for &(name, value) in dimensions {
        members.insert(name.to_owned(), value.into());
    }
    let names: Vec<&str> = dimensions.iter().map(|(name, _)| *name).collect();
    let directive = json!({
        "Timestamp": milliseconds,
        "CloudWatchMetrics": [{ "Namespace": namespace, "Dimensions": [names], "Metrics": named }],
    });
    members.insert("_aws".to_owned(), directive);
    Value::Object(members).to_string()
}
