//! Parses embedded metric format by its specification. CloudWatch drops malformed lines silently; this reader panics.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error as _, MapAccess, Visitor};
use serde_json::Value;

use super::metrics::{Datum, Table, check, check_namespace, clock};

/// The members of an object, with a fault where two have one name.
struct Members(Vec<(String, Value)>);

impl Members {
    fn get(&self, name: &str) -> Option<&Value> {
        let mut members = self.0.iter();
        members.find(|(key, _)| key == name).map(|(_, value)| value)
    }
}

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Members, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Members;

            fn expecting(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
                to.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members = Members(Vec::new());
                while let Some((name, value)) = map.next_entry::<String, Value>()? {
                    if members.get(&name).is_some() {
                        return Err(A::Error::custom(format!("two members are named {name}")));
                    }
                    members.0.push((name, value));
                }
                Ok(members)
            }
        }
        from.deserialize_map(Reader)
    }
}

/// Adds up the metrics of all lines of a log that hold some.
///
/// # Panics
///
/// If a line is no JSON object, or CloudWatch would drop its metrics.
#[track_caller]
pub(crate) fn read<S: AsRef<str>>(lines: impl IntoIterator<Item = S>) -> Table {
    let mut table = Table::new();
    for line in lines {
        let line = line.as_ref();
        let data = data(line).unwrap_or_else(|fault| panic!("{fault}: {line:.2000}"));
        for (namespace, datum) in data {
            datum.add_to(&mut table, &namespace);
        }
    }
    table
}

/// The metrics of a log line, each with its namespace; empty if the line is not in this format.
pub(crate) fn data(line: &str) -> Result<Vec<(String, Datum)>, String> {
    let members: Members = serde_json::from_str(line).map_err(|error| error.to_string())?;
    match members.get("_aws") {
        Some(_) => document(line, &members),
        None => Ok(Vec::new()),
    }
}

fn document(line: &str, members: &Members) -> Result<Vec<(String, Datum)>, String> {
    if line.len() > 256 * 1024 {
        return Err(format!("{} bytes", line.len()));
    }
    let about = members.get("_aws").ok_or("no _aws")?;
    let time = about["Timestamp"].as_u64().ok_or("Timestamp is no time")?;
    let directives = array(&about["CloudWatchMetrics"], "CloudWatchMetrics")?;
    let mut data = Vec::new();
    let mut metrics = 0;
    for directive in directives {
        let namespace = string(&directive["Namespace"], "Namespace")?;
        check_namespace(namespace).map_err(|refusal| refusal.message)?;
        let definitions = array(&directive["Metrics"], "Metrics")?;
        metrics += definitions.len();
        for definition in definitions {
            let name = string(&definition["Name"], "Name")?;
            let resolution = &definition["StorageResolution"];
            if !resolution.is_null() && *resolution != 60 && *resolution != 1 {
                return Err(format!("StorageResolution {resolution}"));
            }
            let unit = match &definition["Unit"] {
                Value::Null => "None",
                unit => string(unit, "Unit")?,
            };
            let values = values(members.get(name).ok_or(format!("{name} has no value"))?)?;
            for set in array(&directive["Dimensions"], "Dimensions")? {
                let datum = Datum {
                    name: name.to_owned(),
                    dimensions: dimensions(members, set)?,
                    time: time as f64 / 1000.0,
                    values: values.clone(),
                    unit: unit.to_owned(),
                };
                check(&datum, name, clock()).map_err(|refusal| refusal.message)?;
                data.push((namespace.to_owned(), datum));
            }
        }
    }
    match metrics {
        1..=100 => Ok(data),
        _ => Err(format!("{metrics} metrics in one document")),
    }
}

fn dimensions(members: &Members, set: &Value) -> Result<Vec<(String, String)>, String> {
    let dimension = |name: &Value| {
        let name = string(name, "a dimension")?;
        let value = members.get(name).ok_or(format!("{name} has no value"))?;
        Ok((name.to_owned(), string(value, name)?.to_owned()))
    };
    array(set, "Dimensions")?.iter().map(dimension).collect()
}

/// The different values of a metric, each with how often it stands there.
fn values(value: &Value) -> Result<Vec<(f64, f64)>, String> {
    let all = match value {
        Value::Array(values) if (1..=100).contains(&values.len()) => values.as_slice(),
        Value::Array(values) => return Err(format!("{} values", values.len())),
        one => std::slice::from_ref(one),
    };
    let mut values: Vec<(f64, f64)> = Vec::new();
    for value in all {
        let number = value.as_f64().ok_or(format!("{value} is no number"))?;
        match values.iter_mut().find(|(value, _)| *value == number) {
            Some((_, count)) => *count += 1.0,
            None => values.push((number, 1.0)),
        }
    }
    Ok(values)
}

fn array<'v>(value: &'v Value, what: &str) -> Result<&'v [Value], String> {
    let array = value.as_array().map(Vec::as_slice);
    array.ok_or_else(|| format!("{what} is no array"))
}

fn string<'v>(value: &'v Value, what: &str) -> Result<&'v str, String> {
    let string = value.as_str();
    string.ok_or_else(|| format!("{what} is no string"))
}
