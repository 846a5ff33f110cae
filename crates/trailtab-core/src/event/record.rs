//! The fields of one CloudTrail record that are in use, for every eventVersion.
//!
//! The fields are those of "CloudTrail record contents" in the CloudTrail User Guide. Fields that
//! are not counted are skipped, unknown fields are ignored, and a value of the wrong type counts as
//! absent.

pub(super) mod member;

use std::sync::LazyLock;

use memchr::memmem::Finder;

use self::member::{RecordMember, record_member};
use crate::event::scan::{ByteBlocks, JsonScanner, JsonText, ScanResult};
use crate::time::{Seconds, TimeParser};

/// One record, borrowed from its document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct EventRecord<'a> {
    /// The bytes of the whole record in the document.
    pub raw: &'a [u8],
    /// `eventVersion`, such as `1.11`.
    pub event_version: Option<JsonText<'a>>,
    /// A UUID in all records since eventVersion 1.01.
    pub event_id: Option<JsonText<'a>>,
    /// `eventTime` in UTC, `2026-09-07T08:00:00Z`.
    pub event_time: Option<JsonText<'a>>,
    /// The service, such as `ec2.amazonaws.com`.
    pub event_source: Option<JsonText<'a>>,
    /// `eventName`: the API that was called.
    pub event_name: Option<JsonText<'a>>,
    /// `eventType`, such as `AwsApiCall`.
    pub event_type: Option<JsonText<'a>>,
    /// `eventCategory`, such as `Management` or `Data`.
    pub event_category: Option<JsonText<'a>>,
    /// `awsRegion`: the region that the call was made to.
    pub aws_region: Option<JsonText<'a>>,
    /// An IPv4 or IPv6 address, a service's DNS name, or `AWS Internal`.
    pub source_ip_address: Option<JsonText<'a>>,
    /// `userAgent`: the software that made the call, as it names itself.
    pub user_agent: Option<JsonText<'a>>,
    /// `errorCode` at the top level of the record.
    pub error_code: Option<JsonText<'a>>,
    /// `errorMessage` at the top level of the record.
    pub error_message: Option<JsonText<'a>>,
    /// `readOnly`: whether the call changes nothing; absent if the record does not say.
    pub read_only: Option<bool>,
    /// `recipientAccountId`: the account whose trail recorded the event.
    pub recipient_account_id: Option<JsonText<'a>>,
    /// The JSON of `userIdentity`, empty if absent; see [`super::identity`].
    pub user_identity: &'a [u8],
    /// The JSON of `responseElements`, empty if it is not an object.
    pub response_elements: &'a [u8],
    /// The JSON of `serviceEventDetails`, empty if it is not an object.
    pub service_event_details: &'a [u8],
    /// The JSON of `additionalEventData`, empty if it is not an object.
    pub additional_event_data: &'a [u8],
    /// The JSON of `addendum`, empty if it is not an object; see [`EventRecord::updates`].
    pub addendum: &'a [u8],
}

/// The value used if a record has no address, user agent, region or service.
pub const UNKNOWN: JsonText<'static> = JsonText::plain(b"Unknown");

/// What a record says about its caller outside of `userIdentity`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CallerHints<'a> {
    /// `additionalEventData.UserName` of a sign-in to IAM Identity Center.
    pub user_name: Option<JsonText<'a>>,
    /// Whether the call came through the AWS MCP Server, by its user agent or address.
    pub is_mcp: bool,
}

/// The beginning of the AWS MCP Server's user agent and DNS name.
const MCP_SERVER: &[u8] = b"aws-mcp.";

/// The beginnings of the services whose sign-ins name the user in `additionalEventData`.
const SIGN_IN_SOURCES: [&[u8]; 3] = [b"signin.", b"sso", b"identitystore"];

/// Which system wrote a record that has the shape of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecordOrigin {
    /// CloudTrail, or a program that writes records as CloudTrail does.
    CloudTrail,
    /// An event source of Lambda, such as a queue: what it delivers may contain records.
    LambdaTrigger,
    /// The audit log of another cloud.
    OtherCloud,
}

/// How the names of event sources of other clouds end: Alibaba Cloud and Tencent Cloud.
const OTHER_CLOUDS: [&[u8]; 5] = [
    b".aliyuncs.com",
    b".aliyun.com",
    b".tencentcloudapi.com",
    b".qcloud.com",
    b".tencentcloud.com",
];

/// Finds the origin of a record by its eventSource, if that is not a service of AWS.
#[cold]
fn origin_of(source: &[u8]) -> RecordOrigin {
    if source.starts_with(b"aws:") {
        return RecordOrigin::LambdaTrigger;
    }
    let host = source.split(|b| *b == b'/').next().unwrap_or_default();
    match OTHER_CLOUDS.iter().any(|end| host.ends_with(end)) {
        true => RecordOrigin::OtherCloud,
        false => RecordOrigin::CloudTrail,
    }
}

/// Whether a call failed, and the error code if there is one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallOutcome<'a> {
    /// The record has no error and states no failure.
    Succeeded,
    /// The record has an error code or message, or states a failure. The code is absent if the record has none.
    Failed(Option<JsonText<'a>>),
}

impl<'a> EventRecord<'a> {
    /// Reads the value of a member. `near` is the userIdentity of the previous record, which is often the same.
    #[inline(always)]
    pub(super) fn read<B: ByteBlocks>(
        &mut self,
        member: RecordMember,
        scanner: &mut JsonScanner<'a, B>,
        near: &'a [u8],
    ) -> ScanResult<()> {
        let field = match member {
            RecordMember::EventVersion => &mut self.event_version,
            RecordMember::EventId => &mut self.event_id,
            RecordMember::EventTime => &mut self.event_time,
            RecordMember::ExportTime if self.event_time.is_none() => &mut self.event_time,
            RecordMember::EventSource => &mut self.event_source,
            RecordMember::EventName => &mut self.event_name,
            RecordMember::EventType => &mut self.event_type,
            RecordMember::EventCategory => &mut self.event_category,
            RecordMember::AwsRegion => &mut self.aws_region,
            RecordMember::SourceIpAddress => &mut self.source_ip_address,
            RecordMember::UserAgent => &mut self.user_agent,
            RecordMember::ErrorCode => &mut self.error_code,
            RecordMember::ErrorMessage => &mut self.error_message,
            RecordMember::RecipientAccountId => &mut self.recipient_account_id,
            RecordMember::ReadOnly => {
                self.read_only = scanner.boolean()?;
                return Ok(());
            }
            RecordMember::UserIdentity => {
                // The calls of one session often follow each other.
                self.user_identity = match scanner.skip_known(near)? {
                    true => near,
                    false => object(scanner)?,
                };
                return Ok(());
            }
            RecordMember::ResponseElements
            | RecordMember::ServiceEventDetails
            | RecordMember::AdditionalEventData
            | RecordMember::Addendum => {
                let json = object(scanner)?;
                match member {
                    RecordMember::ResponseElements => self.response_elements = json,
                    RecordMember::ServiceEventDetails => self.service_event_details = json,
                    RecordMember::AdditionalEventData => self.additional_event_data = json,
                    _ => self.addendum = json,
                }
                return Ok(());
            }
            RecordMember::ExportTime | RecordMember::Skipped => return scanner.skip().map(drop),
        };
        *field = scanner.text()?.filter(|text| !text.is_empty());
        Ok(())
    }

    /// Reads the JSON of one record; None if it is not a JSON object.
    pub fn of(raw: &'a [u8]) -> Option<EventRecord<'a>> {
        let mut record = EventRecord {
            raw,
            ..EventRecord::default()
        };
        let read = JsonScanner::new(raw, 0).members(|scanner, name| {
            match name.with_bytes(record_member) {
                Some(member) => record.read(member, scanner, b""),
                None => scanner.skip().map(drop),
            }
        });
        read.ok().map(|()| record)
    }

    /// Returns the JSON of a member of the record that is not counted, such as `requestParameters`; empty if
    /// the record has none.
    pub fn part(&self, wanted: &str) -> &'a [u8] {
        let mut found = &b""[..];
        // The scanner only skipped the values of the record before, so a fault leaves the part empty.
        let _ = JsonScanner::new(self.raw, 0).members(|scanner, name| {
            let value = scanner.skip()?;
            if name.is_exactly(wanted) {
                found = value;
            }
            Ok(())
        });
        found
    }

    /// Returns whether the record can be counted as an API call: it has an eventName, and an
    /// eventSource or an eventVersion. All other fields have fallbacks.
    pub fn is_event(&self) -> bool {
        self.event_name.is_some() && (self.event_source.is_some() || self.event_version.is_some())
    }

    /// Returns which system wrote a record that has the shape of an event.
    #[inline]
    pub fn origin(&self) -> RecordOrigin {
        match self.event_source.and_then(JsonText::unescaped) {
            Some(source) if !source.ends_with(b".amazonaws.com") => origin_of(source),
            _ => RecordOrigin::CloudTrail,
        }
    }

    /// The eventTime in seconds since 1970-01-01T00:00:00Z, if it is valid.
    pub fn time(&self, clock: &mut TimeParser) -> Option<Seconds> {
        let text = self.event_time?;
        match text.unescaped() {
            Some(raw) => clock.parse(raw),
            None => clock.parse(text.decode().as_bytes()),
        }
    }

    /// Returns whether the record is about a call through a VPC endpoint. The same call has a record of
    /// its own where the service recorded it.
    #[inline]
    pub fn is_network_activity(&self) -> bool {
        let is = |field: Option<JsonText<'_>>, value| field.is_some_and(|text| text.is(value));
        is(self.event_category, "NetworkActivity")
            || is(self.event_type, "AwsVpceEvent")
            || is(self.event_type, "AwsVpceEvents")
    }

    /// The eventID of the event that this record replaces; None if it replaces none. CloudTrail sends
    /// such a record when information was missing from an event that is delivered already.
    pub fn updates(&self) -> Option<JsonText<'a>> {
        let mut original = None;
        let mut is_update = false;
        if self.addendum.is_empty() {
            return None;
        }
        let read = JsonScanner::new(self.addendum, 0).members(|scanner, name| {
            if name.is_exactly("reason") {
                is_update = scanner.text()?.is_some_and(|text| text.is("UPDATED_DATA"));
            } else if name.is_exactly("originalEventID") {
                original = scanner.text()?.filter(|text| !text.is_empty());
            } else {
                scanner.skip()?;
            }
            Ok(())
        });
        let is_other = |id: &JsonText<'_>| self.event_id.is_none_or(|own| own != *id);
        original.filter(|id| is_update && read.is_ok() && is_other(id))
    }

    /// What the record says about its caller outside of `userIdentity`.
    #[inline]
    pub fn caller_hints(&self) -> CallerHints<'a> {
        CallerHints {
            user_name: self.signed_in_name(),
            is_mcp: [self.user_agent, self.source_ip_address]
                .into_iter()
                .flatten()
                .filter_map(JsonText::unescaped)
                .any(|text| text.starts_with(MCP_SERVER)),
        }
    }

    /// The name that IAM Identity Center writes beside the identity of a user who signs in.
    fn signed_in_name(&self) -> Option<JsonText<'a>> {
        let is_sign_in = || {
            let source = self.event_source.and_then(JsonText::unescaped);
            source.is_some_and(|source| SIGN_IN_SOURCES.iter().any(|name| source.starts_with(name)))
        };
        if self.additional_event_data.is_empty() || !is_sign_in() {
            return None;
        }
        let mut found = None;
        let read = JsonScanner::new(self.additional_event_data, 0).members(|scanner, name| {
            if name.is_exactly("UserName") {
                found = scanner.text()?.filter(|text| !text.is_empty());
            } else {
                scanner.skip()?;
            }
            Ok(())
        });
        found.filter(|_| read.is_ok())
    }

    /// Finds `errorCode` and `errorMessage` in the response. Does not parse a response that
    /// contains neither name, also not in an escaped form.
    pub(super) fn response_error(&self) -> (Option<JsonText<'a>>, Option<JsonText<'a>>) {
        let response = self.response_elements;
        let mut found = (None, None);
        static ERROR: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b"\"error"));
        static ESCAPE: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b"\\u"));
        if response.is_empty()
            || ERROR
                .find(response)
                .or_else(|| ESCAPE.find(response))
                .is_none()
        {
            return found;
        }
        let read = JsonScanner::new(response, 0).members(|scanner, name| {
            if name.is_exactly("errorCode") {
                found.0 = scanner.text()?.filter(|text| !text.is_empty());
            } else if name.is_exactly("errorMessage") {
                found.1 = scanner.text()?.filter(|text| !text.is_empty());
            } else {
                scanner.skip()?;
            }
            Ok(())
        });
        // The scanner only skipped this object before, so its contents may be invalid.
        if read.is_err() { (None, None) } else { found }
    }
}

/// Skips a value and returns its JSON if it is an object.
#[inline]
fn object<'a, B: ByteBlocks>(scanner: &mut JsonScanner<'a, B>) -> ScanResult<&'a [u8]> {
    let raw = scanner.skip()?;
    Ok(if raw.starts_with(b"{") { raw } else { b"" })
}
