//! Metrics as CloudWatch takes and keeps them: what it refuses, and the sums that it makes.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{SystemTime, UNIX_EPOCH};

/// The range of a datum's time, in seconds before and after the clock.
pub(crate) const OLDEST: f64 = 14.0 * 86_400.0;
pub(crate) const NEWEST: f64 = 2.0 * 3600.0;

const UNITS: [&str; 27] = [
    "Seconds",
    "Microseconds",
    "Milliseconds",
    "Bytes",
    "Kilobytes",
    "Megabytes",
    "Gigabytes",
    "Terabytes",
    "Bits",
    "Kilobits",
    "Megabits",
    "Gigabits",
    "Terabits",
    "Percent",
    "Count",
    "Bytes/Second",
    "Kilobytes/Second",
    "Megabytes/Second",
    "Gigabytes/Second",
    "Terabytes/Second",
    "Bits/Second",
    "Kilobits/Second",
    "Megabits/Second",
    "Gigabits/Second",
    "Terabits/Second",
    "Count/Second",
    "None",
];

/// A value, or several, of a metric at a time.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Datum {
    pub(crate) name: String,
    /// Names and values in the order in which they were given.
    pub(crate) dimensions: Vec<(String, String)>,
    /// In seconds since 1970.
    pub(crate) time: f64,
    /// Values, each with how often it was seen.
    pub(crate) values: Vec<(f64, f64)>,
    pub(crate) unit: String,
}

impl Datum {
    /// The series and minute that it adds to.
    pub(crate) fn key(&self, namespace: &str) -> Key {
        let mut dimensions = self.dimensions.clone();
        dimensions.sort();
        Key {
            namespace: namespace.to_owned(),
            name: self.name.clone(),
            dimensions,
            minute: (self.time / 60.0).floor() as i64 * 60,
        }
    }

    /// Adds it to what is kept.
    pub(crate) fn add_to(&self, table: &mut Table, namespace: &str) {
        let kept = table.entry(self.key(namespace)).or_default();
        for (value, count) in &self.values {
            assert_eq!(value.fract(), 0.0, "{self:?} is no count");
            *kept = kept.with(Kept {
                sum: (value * count) as u64,
                samples: *count as u64,
                least: Some(*value as u64),
                most: Some(*value as u64),
            });
        }
    }

    pub(crate) fn sum(&self) -> u64 {
        self.values
            .iter()
            .map(|(value, count)| (value * count) as u64)
            .sum()
    }
}

/// A metric at a minute. To CloudWatch the order of dimensions does not matter.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key {
    pub(crate) namespace: String,
    pub(crate) name: String,
    pub(crate) dimensions: Vec<(String, String)>,
    /// In seconds since 1970.
    pub(crate) minute: i64,
}

/// CloudWatch's statistics; data that are sent twice count twice.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Kept {
    pub(crate) sum: u64,
    pub(crate) samples: u64,
    /// The lowest value, if there is any.
    pub(crate) least: Option<u64>,
    /// The highest value, if there is any.
    pub(crate) most: Option<u64>,
}

impl Kept {
    /// The statistics of both sets of data together.
    pub(crate) fn with(self, other: Kept) -> Kept {
        Kept {
            sum: self.sum + other.sum,
            samples: self.samples + other.samples,
            least: self.least.into_iter().chain(other.least).min(),
            most: self.most.max(other.most),
        }
    }
}

pub(crate) type Table = BTreeMap<Key, Kept>;

/// Adds the data of one table to another.
pub(crate) fn merge(table: &mut Table, other: &Table) {
    for (key, kept) in other {
        let both = table.entry(key.clone()).or_default();
        *both = both.with(*kept);
    }
}

/// The statistic Sum of each metric and minute.
pub(crate) fn sums(table: &Table) -> BTreeMap<Key, u64> {
    let sums = table.iter().map(|(key, kept)| (key.clone(), kept.sum));
    sums.collect()
}

/// Why CloudWatch refuses a request: the code for old clients, and the message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) code: &'static str,
    pub(crate) message: String,
}

impl Refusal {
    pub(crate) fn value(message: String) -> Refusal {
        Refusal {
            code: "InvalidParameterValue",
            message,
        }
    }

    pub(crate) fn missing(parameter: &str) -> Refusal {
        Refusal {
            code: "MissingParameter",
            message: format!("The parameter {parameter} is required."),
        }
    }
}

/// Refuses reserved namespaces and those with invalid characters.
pub(crate) fn check_namespace(namespace: &str) -> Result<(), Refusal> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || ".-_/#: ".contains(c);
    let is_good = (1..=255).contains(&namespace.len())
        && namespace.chars().all(allowed)
        && !namespace.trim().is_empty()
        && !namespace.starts_with(':')
        && !namespace.starts_with("AWS/");
    is_good.then_some(()).ok_or_else(|| {
        Refusal::value(format!(
            "The value {namespace} for parameter Namespace is invalid."
        ))
    })
}

/// Refuses a datum that CloudWatch would refuse at this time; `place` is its name in the request.
pub(crate) fn check(datum: &Datum, place: &str, now: f64) -> Result<(), Refusal> {
    check_text(&datum.name, &format!("{place}.MetricName"), 255)?;
    let count = datum.dimensions.len();
    if count > 30 {
        return Err(Refusal::value(format!(
            "The collection {place}.Dimensions must not have a size greater than 30."
        )));
    }
    let mut names = BTreeSet::new();
    for (at, (name, value)) in datum.dimensions.iter().enumerate() {
        let place = format!("{place}.Dimensions.member.{}", at + 1);
        check_text(name, &format!("{place}.Name"), 255)?;
        check_text(value, &format!("{place}.Value"), 1024)?;
        if name.starts_with(':') || !names.insert(name) {
            return Err(Refusal::value(format!(
                "The value {name} for parameter {place}.Name is invalid."
            )));
        }
    }
    if datum.time < now - OLDEST {
        return Err(Refusal::value(format!(
            "The parameter {place}.Timestamp must specify a time within the past two weeks."
        )));
    }
    if datum.time > now + NEWEST {
        return Err(Refusal::value(format!(
            "The parameter {place}.Timestamp must specify a time no more than two hours in the future."
        )));
    }
    let different: BTreeSet<_> = datum
        .values
        .iter()
        .map(|(value, _)| value.to_bits())
        .collect();
    if datum.values.is_empty() || different.len() > 150 || different.len() < datum.values.len() {
        return Err(Refusal::value(format!(
            "The collection {place}.Values must not have a size greater than 150."
        )));
    }
    let limit = 2f64.powi(360);
    for (value, count) in &datum.values {
        // NaN fails this comparison, and is refused.
        if !(value.abs() <= limit && *count > 0.0) {
            return Err(Refusal::value(format!(
                "The value {value} for parameter {place}.Value is invalid."
            )));
        }
    }
    if !UNITS.contains(&datum.unit.as_str()) {
        return Err(Refusal::value(format!(
            "The value {} for parameter {place}.Unit is invalid.",
            datum.unit
        )));
    }
    Ok(())
}

fn check_text(text: &str, place: &str, longest: usize) -> Result<(), Refusal> {
    if text.is_empty() {
        return Err(Refusal::missing(place));
    }
    if text.len() > longest {
        return Err(Refusal::value(format!(
            "The parameter {place} must be shorter than {} characters.",
            longest + 1
        )));
    }
    if !text.bytes().all(|b| (b' '..=b'~').contains(&b)) || text.trim().is_empty() {
        return Err(Refusal::value(format!(
            "The parameter {place} must contain only printable ASCII characters, one of them not a space."
        )));
    }
    Ok(())
}

/// The time by the clock that a service compares times with.
#[expect(
    clippy::disallowed_methods,
    reason = "no shell stands above a service that could pass the clock on"
)]
pub(crate) fn clock() -> f64 {
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    since_1970.as_secs_f64()
}
