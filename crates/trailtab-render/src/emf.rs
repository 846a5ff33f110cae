//! Writes metrics in CloudWatch's embedded metric format (EMF), one document per line.
//!
//! Metric values and dimension values are members of the same JSON object, so no metric may have the name of a
//! dimension; `trailtab_core::activity::usage::metrics` ensures that. Limits: "Embedded metric format" in the
//! CloudWatch User Guide.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use trailtab_core::activity::usage::metrics::{MinuteDatum, UNIT};

/// Limit of EMF.
const MAX_METRICS_PER_DOCUMENT: usize = 100;

/// Writes all data; data with the same minute and dimensions share a line.
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
        for data in data.chunks(MAX_METRICS_PER_DOCUMENT) {
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

/// Writes one document. `milliseconds` is Unix time; `metrics` are names, units and values.
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
