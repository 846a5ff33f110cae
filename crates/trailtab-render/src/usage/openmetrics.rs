//! Writes metrics as OpenMetrics text for backfilling Prometheus.
//!
//! A sample is a gauge: the calls of one minute, timestamped with the minute's last second. That makes
//! `sum_over_time` over whole minutes exact, also across gaps and files; a counter would need a sample in every
//! minute and restart in every file.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use trailtab_core::activity::usage::MINUTE;
use trailtab_core::activity::usage::metrics::{MetricSet, MinuteDatum, UsageMetric};
use trailtab_core::time::Seconds;

/// Writes all data, grouped by metric and ordered by time, as OpenMetrics requires.
pub fn data(data: &[MinuteDatum], namespace: &str) -> Vec<u8> {
    let mut families = BTreeMap::<MetricSet, BTreeMap<&UsageMetric, BTreeMap<Seconds, u64>>>::new();
    for datum in data {
        let metrics = families.entry(datum.metric.set).or_default();
        let minutes = metrics.entry(&datum.metric).or_default();
        *minutes.entry(datum.minute).or_default() += datum.value;
    }
    let mut text = String::new();
    for (set, metrics) in families {
        let (name, meaning) = (family(namespace, set), set.shape().meaning);
        // Writing to a String cannot fail.
        let _ = write!(
            text,
            "# TYPE {name} gauge\n# UNIT {name} calls\n# HELP {name} {}, in the minute that ends here.\n",
            help(meaning)
        );
        for (metric, minutes) in metrics {
            let labels = labels(metric);
            for (minute, value) in minutes {
                let last_second = minute + MINUTE - 1;
                let _ = writeln!(text, "{name}{{{labels}}} {value} {last_second}");
            }
        }
    }
    text.push_str("# EOF\n");
    text.into_bytes()
}

/// The metric family of a set: namespace, set, and the unit `calls` as OpenMetrics requires.
pub fn family(namespace: &str, set: MetricSet) -> String {
    let prefix = snake(namespace);
    // A name must not begin with a digit.
    let prefix = match prefix.as_bytes().first() {
        Some(b'0'..=b'9') => format!("_{prefix}"),
        _ => prefix,
    };
    match set {
        MetricSet::Calls => format!("{prefix}_calls"),
        set => format!("{prefix}_{}_calls", set.shape().word),
    }
}

fn labels(metric: &UsageMetric) -> String {
    let dimensions = metric
        .dimensions()
        .map(|(name, value)| (snake(name), value));
    // If the metric is named after the API, the name becomes a label.
    let name = match metric.set.shape().metric {
        Some(_) => None,
        None => Some(("event_name".to_owned(), metric.name.as_str())),
    };
    let labels = dimensions
        .chain(name)
        .map(|(name, value)| format!("{name}=\"{}\"", label(value)));
    labels.collect::<Vec<_>>().join(",")
}

/// `awsRegion` and `API-COUNT` as `aws_region` and `api_count`.
fn snake(name: &str) -> String {
    let mut snake = String::new();
    let mut was_lower = false;
    for character in name.chars() {
        if character.is_ascii_uppercase() && was_lower {
            snake.push('_');
        }
        was_lower = character.is_ascii_lowercase() || character.is_ascii_digit();
        snake.push(match character {
            character if character.is_ascii_alphanumeric() => character.to_ascii_lowercase(),
            _ => '_',
        });
    }
    snake
}

/// Escapes a label value as OpenMetrics requires.
fn label(value: &str) -> String {
    value
        .replace('\\', r"\\")
        .replace('\n', r"\n")
        .replace('"', r#"\""#)
}

/// Escapes a help text, without the Markdown backquotes.
fn help(text: &str) -> String {
    label(&text.replace('`', ""))
}

#[cfg(test)]
mod tests {
    use super::*;
    use trailtab_core::activity::usage::metrics::{NAMESPACE, SHAPES};

    #[test]
    fn the_table_in_docs_is_that_of_the_code() {
        let text = include_str!("../../../../docs/metrics.md");
        let rows = text.lines().filter(|line| line.starts_with("| `"));
        let expected = SHAPES.iter().map(|shape| {
            let name = match shape.metric {
                Some(name) => format!("`{name}`"),
                None => "the API's name".to_owned(),
            };
            let dimensions = shape.dimensions.iter();
            let dimensions: Vec<String> = dimensions
                .map(|dimension| format!("`{}`", dimension.name()))
                .collect();
            format!(
                "| `{}` | {name} | {} | {} | `{}` |",
                shape.word,
                dimensions.join(", "),
                shape.meaning,
                family(NAMESPACE, shape.set),
            )
        });
        let rows: Vec<&str> = rows.collect();
        assert_eq!(rows, expected.collect::<Vec<_>>());
    }

    #[test]
    fn names_are_derived_from_the_table() {
        assert_eq!(family("API-COUNT", MetricSet::Calls), "api_count_calls");
        assert_eq!(family("My/Team", MetricSet::Errors), "my_team_errors_calls");
        assert_eq!(family("9lives", MetricSet::Calls), "_9lives_calls");
        assert_eq!(snake("recipientAccountId"), "recipient_account_id");
    }

    #[test]
    fn hostile_texts_stay_inside_their_label() {
        let datum = MinuteDatum {
            metric: UsageMetric {
                set: MetricSet::Calls,
                name: "Get\"} 1 1\nevil{a=\"\\".to_owned(),
                values: vec!["eu-west-1".to_owned(), "s".to_owned()],
            },
            minute: 120,
            value: 3,
        };
        let text = String::from_utf8(data(&[datum], "n")).unwrap();
        let line = text.lines().nth(3).unwrap();
        assert_eq!(
            line,
            r#"n_calls{aws_region="eu-west-1",event_source="s",event_name="Get\"} 1 1\nevil{a=\"\\"} 3 179"#
        );
        assert!(text.ends_with("\n# EOF\n"));
    }
}
