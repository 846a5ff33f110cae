//! What is known of an object: its members that are in use, and its kind.

use super::content::ContentKind;
use crate::event::record::EventRecord;
use crate::event::scan::{JsonScanner, JsonText, ScanResult};

/// What is known of an object before its kind is known.
#[derive(Default)]
pub(super) struct OpenObject<'a> {
    pub(super) record: EventRecord<'a>,
    /// The userIdentity of the previous record.
    near: &'a [u8],
    /// A string that may contain JSON.
    pub(super) text: Option<JsonText<'a>>,
    pub(super) is_control: bool,
    is_digest: bool,
    is_insight: bool,
    is_summary: bool,
    is_notification: bool,
}

impl<'a> OpenObject<'a> {
    /// Creates an object of which nothing is known; `near` is the userIdentity of the previous record.
    pub(super) fn after(near: &'a [u8]) -> Self {
        OpenObject {
            near,
            ..OpenObject::default()
        }
    }

    /// Reads one member if it is relevant; returns whether it was.
    #[inline]
    pub(super) fn member(
        &mut self,
        name: JsonText<'a>,
        scanner: &mut JsonScanner<'a>,
    ) -> ScanResult<bool> {
        let decoded;
        let name = match name.unescaped() {
            Some(name) => name,
            None => {
                decoded = name.decode();
                decoded.as_bytes()
            }
        };
        if self.record.member(name, scanner, self.near)? {
            return Ok(true);
        }
        let mark = match name {
            // In turn: LookupEvents, CloudWatch Logs, other collectors, Lambda's payload, Logs
            // Insights, and SNS or SQS.
            b"CloudTrailEvent" | b"message" | b"_raw" | b"data" | b"value" | b"Message"
            | b"body"
                if scanner.peek()? == b'"' =>
            {
                self.text = Some(scanner.string()?);
                return Ok(true);
            }
            b"messageType" => {
                self.is_control = scanner.text()?.is_some_and(|t| t.is("CONTROL_MESSAGE"));
                return Ok(true);
            }
            b"digestStartTime" => &mut self.is_digest,
            b"insightDetails" => &mut self.is_insight,
            b"api_calls_by_principal" => &mut self.is_summary,
            b"s3ObjectKey" => &mut self.is_notification,
            _ => return Ok(false),
        };
        *mark = true;
        scanner.skip()?;
        Ok(true)
    }

    /// Returns the kind of the object if it is not an event.
    pub(super) fn kind(&self) -> Option<ContentKind> {
        let is = |field: Option<JsonText<'_>>, value| field.is_some_and(|text| text.is(value));
        let (kind, category) = (self.record.event_type, self.record.event_category);
        if self.is_insight || is(kind, "AwsCloudTrailInsight") || is(category, "Insight") {
            Some(ContentKind::Insight)
        } else if is(kind, "AwsAggregatedEvent") || is(category, "Aggregated") {
            Some(ContentKind::Aggregated)
        } else if self.is_digest {
            Some(ContentKind::Digest)
        } else if self.is_summary {
            Some(ContentKind::Summary)
        } else if self.is_notification || is(self.record.event_source, "aws:s3") {
            Some(ContentKind::Notification)
        } else {
            None
        }
    }
}
