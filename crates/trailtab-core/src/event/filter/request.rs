//! Patterns of values inside a record, `PATH=PATTERN`.

use std::str::FromStr;

use super::pattern::TextPattern;
use crate::event::json_path::JsonPath;
use crate::event::record::EventRecord;

/// The members of a record that a path may begin with. All other paths begin in `requestParameters`.
const RECORD_MEMBERS: [&str; 14] = [
    "additionalEventData",
    "apiVersion",
    "eventCategory",
    "eventType",
    "eventVersion",
    "managementEvent",
    "requestParameters",
    "responseElements",
    "serviceEventDetails",
    "sessionCredentialFromConsole",
    "sharedEventID",
    "tlsDetails",
    "userIdentity",
    "vpcEndpointId",
];

/// A path to a value of a record, in `requestParameters` unless it begins with another member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordPath {
    path: JsonPath,
    is_in_request: bool,
}

impl FromStr for RecordPath {
    type Err = String;

    fn from_str(text: &str) -> Result<RecordPath, String> {
        let path: JsonPath = text
            .parse()
            .map_err(|error| format!("{text:?} is not a path: {error}"))?;
        let is_member = |name: &&str| name.eq_ignore_ascii_case(path.first_name());
        Ok(RecordPath {
            is_in_request: !RECORD_MEMBERS.iter().any(is_member),
            path,
        })
    }
}

impl RecordPath {
    /// Calls `found` with each value at the path.
    pub fn each(&self, record: &EventRecord<'_>, found: impl FnMut(&str)) {
        let json = match self.is_in_request {
            true => record.part("requestParameters"),
            false => record.raw,
        };
        self.path.each(json, found);
    }
}

/// A path, and a pattern that one of its values must match.
#[derive(Debug, Clone)]
pub struct RequestPattern {
    path: RecordPath,
    pattern: TextPattern,
}

impl FromStr for RequestPattern {
    type Err = String;

    /// Reads `PATH=PATTERN`.
    fn from_str(text: &str) -> Result<RequestPattern, String> {
        let (path, pattern) = text.split_once('=').ok_or(
            "write a path and a pattern, such as bucketName=logs-* or responseElements.ConsoleLogin=Failure",
        )?;
        Ok(RequestPattern {
            path: path.parse()?,
            pattern: TextPattern::new(pattern),
        })
    }
}

impl RequestPattern {
    /// Returns whether both patterns are about the same value.
    pub(super) fn has_path_of(&self, other: &RequestPattern) -> bool {
        self.path == other.path
    }

    /// Returns whether one of the values at the path matches.
    pub(super) fn matches(&self, record: &EventRecord<'_>) -> bool {
        let mut is_found = false;
        self.path.each(record, |value| {
            is_found |= self.pattern.matches(value);
        });
        is_found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RECORD: &str = r#"{"eventName":"PutObject","requestParameters":{"bucketName":"logs-eu","tags":[{"key":"a"},{"key":"b"}]},
        "additionalEventData":{"MFAUsed":"No"},"sessionCredentialFromConsole":"true"}"#;

    fn matches(text: &str) -> bool {
        let record = EventRecord::of(RECORD.as_bytes()).unwrap();
        text.parse::<RequestPattern>().unwrap().matches(&record)
    }

    #[test]
    fn values_of_the_request_and_of_the_record_are_compared() {
        for text in [
            "bucketName=logs-*",
            "requestParameters.bucketName=LOGS-EU",
            "tags.key=b",
            "additionalEventData.MFAUsed=no",
            "sessionCredentialFromConsole=true",
        ] {
            assert!(matches(text), "{text}");
        }
        for text in ["bucketName=logs", "MFAUsed=No", "tags.key=c", "none=*"] {
            assert!(!matches(text), "{text}");
        }
    }

    #[test]
    fn texts_without_a_path_or_a_pattern_are_refused() {
        for text in ["", "bucketName", "=x", "a..b=x"] {
            assert!(text.parse::<RequestPattern>().is_err(), "{text}");
        }
    }
}
