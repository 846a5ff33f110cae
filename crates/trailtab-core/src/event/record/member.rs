//! The members of a CloudTrail record, by name.

use crate::event::scan::NameTable;

/// How a member of a record is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::event) enum RecordMember {
    EventVersion,
    UserIdentity,
    EventTime,
    /// `@timestamp`: Logstash and Elastic rename eventTime when they export records.
    ExportTime,
    EventSource,
    EventName,
    AwsRegion,
    SourceIpAddress,
    UserAgent,
    ErrorCode,
    ErrorMessage,
    ResponseElements,
    AdditionalEventData,
    EventId,
    ReadOnly,
    EventType,
    RecipientAccountId,
    ServiceEventDetails,
    EventCategory,
    Addendum,
    /// A member that is skipped.
    Skipped,
}

/// The members that CloudTrail writes, in the order in which it writes them to log files, and the names that
/// exports give to them.
pub(in crate::event) const RECORD_MEMBERS: [(&str, RecordMember); 30] = [
    ("eventVersion", RecordMember::EventVersion),
    ("userIdentity", RecordMember::UserIdentity),
    ("eventTime", RecordMember::EventTime),
    ("eventSource", RecordMember::EventSource),
    ("eventName", RecordMember::EventName),
    ("awsRegion", RecordMember::AwsRegion),
    ("sourceIPAddress", RecordMember::SourceIpAddress),
    ("userAgent", RecordMember::UserAgent),
    ("errorCode", RecordMember::ErrorCode),
    ("errorMessage", RecordMember::ErrorMessage),
    ("requestParameters", RecordMember::Skipped),
    ("responseElements", RecordMember::ResponseElements),
    ("additionalEventData", RecordMember::AdditionalEventData),
    ("requestID", RecordMember::Skipped),
    ("eventID", RecordMember::EventId),
    ("readOnly", RecordMember::ReadOnly),
    ("resources", RecordMember::Skipped),
    ("eventType", RecordMember::EventType),
    ("apiVersion", RecordMember::Skipped),
    ("managementEvent", RecordMember::Skipped),
    ("recipientAccountId", RecordMember::RecipientAccountId),
    ("serviceEventDetails", RecordMember::ServiceEventDetails),
    ("sharedEventID", RecordMember::Skipped),
    ("vpcEndpointId", RecordMember::Skipped),
    ("vpcEndpointAccountId", RecordMember::Skipped),
    ("eventCategory", RecordMember::EventCategory),
    ("addendum", RecordMember::Addendum),
    ("tlsDetails", RecordMember::Skipped),
    ("sessionCredentialFromConsole", RecordMember::Skipped),
    ("@timestamp", RecordMember::ExportTime),
];

/// The names of [`RECORD_MEMBERS`].
pub(in crate::event) static RECORD_NAMES: NameTable = NameTable::of(&RECORD_MEMBERS);

/// Finds a member by its name.
pub(in crate::event) fn record_member(name: &[u8]) -> Option<RecordMember> {
    let known = |(known, _): &&(&str, RecordMember)| known.as_bytes() == name;
    RECORD_MEMBERS.iter().find(known).map(|(_, member)| *member)
}
