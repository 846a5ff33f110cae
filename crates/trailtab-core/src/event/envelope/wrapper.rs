//! The wrappers of records that are known by their names.

use crate::event::scan::{ByteBlocks, JsonScanner, JsonText, ScanResult};

/// What an open wrapper contains.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum WrapperPlace {
    /// Any content.
    Anywhere,
    /// The array of a log file: an element that is not an event is an unreadable record.
    Records,
    /// The array of LookupEvents: an item without a record is an unreadable record.
    LookupItems,
    /// The rows of a query, each an array of cells.
    Rows,
    /// The log events of a control message.
    Control,
    /// The object with the base64 payload that Lambda gets from CloudWatch Logs.
    AwsLogs,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum WrapperFrame {
    Array(WrapperPlace),
    Object,
    /// An object of an unknown form that is too large to be held.
    LargeObject,
    /// A wrapper whose next value is the record.
    Value(WrapperPlace),
}

/// Determines which wrapper a member is, by its name and the type of its value.
pub(super) fn wrapper_of<B: ByteBlocks>(
    name: JsonText<'_>,
    place: WrapperPlace,
    scanner: &mut JsonScanner<'_, B>,
) -> ScanResult<Option<WrapperFrame>> {
    let is_array = |scanner: &mut JsonScanner<'_, B>| Ok(scanner.peek()? == b'[');
    let is_object = |scanner: &mut JsonScanner<'_, B>| Ok(scanner.peek()? == b'{');
    let Some(name) = name.unescaped() else {
        return Ok(None);
    };
    Ok(match name {
        b"Records" if is_array(scanner)? => Some(WrapperFrame::Array(WrapperPlace::Records)),
        b"Events" if is_array(scanner)? => Some(WrapperFrame::Array(WrapperPlace::LookupItems)),
        // filter-log-events; Logs Insights; a subscription's payload.
        b"events" if is_array(scanner)? => Some(WrapperFrame::Array(WrapperPlace::Anywhere)),
        b"results" if is_array(scanner)? => Some(WrapperFrame::Array(WrapperPlace::Rows)),
        b"logEvents" if is_array(scanner)? => Some(WrapperFrame::Array(place)),
        // EventBridge, and wrappers of other log collectors.
        b"detail" | b"_raw" if is_object(scanner)? => {
            Some(WrapperFrame::Value(WrapperPlace::Anywhere))
        }
        b"awslogs" if is_object(scanner)? => Some(WrapperFrame::Value(WrapperPlace::AwsLogs)),
        _ => None,
    })
}
