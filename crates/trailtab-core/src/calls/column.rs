//! The columns of calls in tables for programs.

use std::str::FromStr;

use super::detail::{CallDetail, CallResource};
use crate::event::filter::RecordPath;
use crate::event::record::EventRecord;

/// Reads the text of a call in one column.
type CallField = fn(&CallDetail) -> String;

/// The columns with a name. The first [`DEFAULT_COLUMNS`] make a table if none are chosen.
const COLUMNS: [(&str, CallField); 23] = [
    ("event_time", |call| optional(&call.event_time)),
    ("account", |call| call.account.clone()),
    ("region", |call| call.region.clone()),
    ("principal", |call| call.principal.clone()),
    ("person", |call| optional(&call.person)),
    ("session", |call| optional(&call.session)),
    ("access_key_id", |call| optional(&call.access_key_id)),
    ("event_source", |call| call.event_source.clone()),
    ("event_name", |call| call.event_name.clone()),
    ("resources", |call| joined(call, |resource| &resource.id)),
    ("source_ip_address", |call| {
        optional(&call.source_ip_address)
    }),
    ("user_agent", |call| optional(&call.user_agent)),
    ("read_only", |call| {
        let read_only = call.read_only.map(|read_only| read_only.to_string());
        read_only.unwrap_or_default()
    }),
    ("outcome", |call| call.outcome.name().to_owned()),
    ("error_code", |call| optional(&call.error_code)),
    ("error_message", |call| optional(&call.error_message)),
    ("agent", |call| call.agent.unwrap_or_default().to_owned()),
    ("event_id", |call| optional(&call.event_id)),
    ("by_service", |call| optional(&call.by_service)),
    ("person_evidence", |call| {
        call.person_evidence.unwrap_or_default().to_owned()
    }),
    ("resource_keys", |call| {
        joined(call, |resource| &resource.key)
    }),
    ("resource_roles", |call| {
        joined(call, |resource| resource.role)
    }),
    ("workload", |call| optional(&call.workload)),
];

/// How many of the columns make a table if none are chosen.
const DEFAULT_COLUMNS: usize = 18;

fn optional(text: &Option<String>) -> String {
    text.clone().unwrap_or_default()
}

fn joined(call: &CallDetail, part: fn(&CallResource) -> &str) -> String {
    let parts: Vec<&str> = call.resources.iter().map(part).collect();
    parts.join("; ")
}

/// One column: a field of [`CallDetail`], or a value of the record by its path.
#[derive(Debug, Clone)]
pub struct CallColumn {
    /// The title of the column, as it was asked for.
    pub name: String,
    source: ColumnSource,
}

#[derive(Debug, Clone)]
enum ColumnSource {
    Field(CallField),
    Path(RecordPath),
}

/// A name that is neither a column nor a path.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{name:?} is not a column: write one of {}, or a path into the record such as requestParameters.bucketName",
    COLUMNS.map(|(name, _)| name).join(", ")
)]
pub struct UnknownColumn {
    name: String,
}

impl FromStr for CallColumn {
    type Err = UnknownColumn;

    fn from_str(text: &str) -> Result<CallColumn, UnknownColumn> {
        let name = text.trim().to_owned();
        let known = COLUMNS
            .into_iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(&name));
        // A word without a dot is a mistyped column rather than a parameter of a request.
        let path = || name.contains('.').then(|| name.parse().ok()).flatten();
        let source = match known {
            Some((_, field)) => Some(ColumnSource::Field(field)),
            None => path().map(ColumnSource::Path),
        };
        match source {
            Some(source) => Ok(CallColumn { name, source }),
            None => Err(UnknownColumn { name }),
        }
    }
}

impl CallColumn {
    /// The columns of a table if none are chosen.
    pub fn defaults() -> Vec<CallColumn> {
        let columns = COLUMNS.into_iter().take(DEFAULT_COLUMNS);
        let columns = columns.map(|(name, field)| CallColumn {
            name: name.to_owned(),
            source: ColumnSource::Field(field),
        });
        columns.collect()
    }

    /// The text of a call in this column; empty if the record has none. Several values are joined with `; `.
    pub fn text(&self, call: &CallDetail, record: &EventRecord<'_>) -> String {
        match &self.source {
            ColumnSource::Field(field) => field(call),
            ColumnSource::Path(path) => {
                let mut values = Vec::new();
                path.each(record, |value| values.push(value.to_owned()));
                values.join("; ")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RECORD: &str = r#"{"eventVersion":"1.08","eventName":"DeleteBucket","eventSource":"s3.amazonaws.com","awsRegion":"eu-west-1",
        "eventTime":"2026-09-07T08:00:00Z","eventID":"e-1","readOnly":false,"recipientAccountId":"111122223333","sourceIPAddress":"192.0.2.1",
        "userIdentity":{"type":"IAMUser","accountId":"111122223333","userName":"ann","accessKeyId":"AKIA0000000000000000"},
        "requestParameters":{"bucketName":"logs"},"errorCode":"AccessDenied","errorMessage":"no"}"#;

    fn texts(names: &[&str]) -> Vec<String> {
        let record = EventRecord::of(RECORD.as_bytes()).unwrap();
        let call = CallDetail::of(&record);
        let column = |name: &&str| name.parse::<CallColumn>().unwrap().text(&call, &record);
        names.iter().map(column).collect()
    }

    #[test]
    fn every_named_column_is_known_to_text() {
        let record = EventRecord::of(RECORD.as_bytes()).unwrap();
        let call = CallDetail::of(&record);
        let always = [
            "event_time",
            "account",
            "region",
            "principal",
            "event_source",
            "event_name",
            "resources",
            "resource_keys",
            "resource_roles",
            "read_only",
            "outcome",
            "error_code",
            "error_message",
            "event_id",
            "source_ip_address",
            "access_key_id",
            "person",
            "person_evidence",
        ];
        for (name, _) in COLUMNS {
            let column: CallColumn = name.parse().unwrap();
            let is_empty = column.text(&call, &record).is_empty();
            assert_eq!(is_empty, !always.contains(&name), "{name}");
        }
    }

    #[test]
    fn columns_are_fields_and_paths() {
        assert_eq!(
            texts(&[
                "event_name",
                "OUTCOME",
                "requestParameters.bucketName",
                "userIdentity.userName",
                "a.b"
            ]),
            ["DeleteBucket", "denied", "logs", "ann", ""]
        );
        for name in ["", "bucketName", "a..b", "event time"] {
            assert!(name.parse::<CallColumn>().is_err(), "{name}");
        }
    }
}
