//! What is known of an object: its members that are in use, and its kind.

use super::content::ContentKind;
use super::wrapper::{WrapperFrame, WrapperPlace, wrapper_of};
use crate::event::record::EventRecord;
use crate::event::record::member::{RECORD_MEMBERS, RECORD_NAMES, RecordMember, record_member};
use crate::event::scan::{
    BlockOperation, ByteBlocks, JsonScanner, JsonText, NameOrder, NextMember, ScanResult,
};

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
    pub(super) fn member(
        &mut self,
        name: JsonText<'a>,
        scanner: &mut JsonScanner<'a>,
    ) -> ScanResult<bool> {
        match name.with_bytes(record_member) {
            Some(member) => {
                self.record.read(member, scanner, self.near)?;
                Ok(true)
            }
            None => self.other_member(name, scanner),
        }
    }

    /// Reads a member that records do not have, if it is relevant; returns whether it was.
    #[inline(never)]
    pub(super) fn other_member<B: ByteBlocks>(
        &mut self,
        name: JsonText<'a>,
        scanner: &mut JsonScanner<'a, B>,
    ) -> ScanResult<bool> {
        let decoded = name.decode();
        let mark = match decoded.as_bytes() {
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

    /// Determines whether a member that is not relevant wraps records. If not, skips its value.
    #[inline(never)]
    pub(super) fn wrapper<B: ByteBlocks>(
        &self,
        name: JsonText<'_>,
        scanner: &mut JsonScanner<'a, B>,
    ) -> ScanResult<Option<WrapperFrame>> {
        let log_events = match self.is_control {
            true => WrapperPlace::Control,
            false => WrapperPlace::Anywhere,
        };
        let frame = wrapper_of(name, log_events, scanner)?.filter(|_| !self.record.is_event());
        if frame.is_none() {
            scanner.skip()?;
        }
        Ok(frame)
    }

    /// Returns the kind of the object if it is not an event.
    pub(super) fn kind(&self) -> Option<ContentKind> {
        let is = |field: Option<JsonText<'_>>, value| field.is_some_and(|text| text.is(value));
        let (kind, category) = (self.record.event_type, self.record.event_category);
        let is_marked =
            self.is_insight || self.is_digest || self.is_summary || self.is_notification;
        // Nearly all records.
        if !is_marked && is_api_call(kind, category) {
            return None;
        }
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

/// Returns whether an event is a call of an API, by its most frequent types and categories.
#[inline(always)]
fn is_api_call(kind: Option<JsonText<'_>>, category: Option<JsonText<'_>>) -> bool {
    kind.and_then(JsonText::unescaped) == Some(b"AwsApiCall")
        && category
            .is_none_or(|category| matches!(category.unescaped(), Some(b"Management" | b"Data")))
}

/// The order of the members of the records that were read before.
#[derive(Debug)]
pub(super) struct RecordOrder(NameOrder);

impl Default for RecordOrder {
    fn default() -> Self {
        RecordOrder(NameOrder::of(&RECORD_NAMES))
    }
}

/// Reads the members of an object up to its end, or up to a member that wraps records.
pub(super) struct MemberReading<'o, 's, 'a> {
    /// Stands before the object.
    pub(super) scanner: &'s JsonScanner<'a>,
    pub(super) order: &'o mut RecordOrder,
    pub(super) object: &'o mut OpenObject<'a>,
}

impl BlockOperation for MemberReading<'_, '_, '_> {
    /// The offset where reading ended, and the wrapper that begins there.
    type Output = ScanResult<(usize, Option<WrapperFrame>)>;

    #[inline(always)]
    fn with<B: ByteBlocks>(self, blocks: B) -> Self::Output {
        let MemberReading { order, object, .. } = self;
        let RecordOrder(order) = order;
        let mut scanner = self.scanner.using(blocks);
        scanner.expect(b'{')?;
        order.restart();
        loop {
            match order.next(&mut scanner)? {
                NextMember::Known(index) => {
                    let member = RECORD_MEMBERS.get(index).map(|(_, member)| *member);
                    let member = member.unwrap_or(RecordMember::Skipped);
                    object.record.read(member, &mut scanner, object.near)?;
                }
                NextMember::Other(name) => {
                    let frame = scanner.detour(|scanner| {
                        let is_read = object.other_member(name, scanner)?;
                        match is_read {
                            true => Ok(None),
                            false => object.wrapper(name, scanner),
                        }
                    })?;
                    if frame.is_some() {
                        return Ok((scanner.pos(), frame));
                    }
                }
                NextMember::End => return Ok((scanner.pos(), None)),
            }
        }
    }
}
