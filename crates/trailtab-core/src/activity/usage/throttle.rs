//! Which calls AWS refused for their rate.

use crate::event::record::{CallOutcome, EventRecord};
use crate::event::scan::JsonText;

/// The error codes, without `Client.` and `Server.`: those that the AWS SDKs slow down on ("Retry behavior" in the
/// AWS SDKs and Tools Reference Guide), and those of services that have their own. `LimitExceededException` is not
/// included: it mostly limits the number of resources, not the rate of calls.
const CODES: [&str; 17] = [
    "BandwidthLimitExceeded",
    "EC2ThrottledException",
    "PriorRequestNotComplete",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "RequestLimitExceededException",
    "RequestThrottled",
    "RequestThrottledException",
    "RequestThrottlingException",
    "SlowDown",
    "Throttled",
    "ThrottledException",
    "Throttling",
    "ThrottlingException",
    "ThrottlingErrorException",
    "TooManyRequests",
    "TooManyRequestsException",
];

/// Returns whether AWS refused a call for its rate.
pub(super) fn is_throttled(record: &EventRecord<'_>, outcome: CallOutcome<'_>) -> bool {
    match outcome {
        CallOutcome::Succeeded => false,
        CallOutcome::Failed(Some(code)) => is_throttle(code),
        // Some records carry a message only.
        CallOutcome::Failed(None) => record.error_message.is_some_and(says_rate),
    }
}

fn is_throttle(code: JsonText<'_>) -> bool {
    let code = code.decode();
    let code = code
        .strip_prefix("Client.")
        .or_else(|| code.strip_prefix("Server."))
        .unwrap_or(&code);
    CODES.iter().any(|known| known.eq_ignore_ascii_case(code))
}

/// Words of error messages by which a throttled call without an error code is known.
pub const THROTTLING_MESSAGE_PARTS: [&str; 3] =
    ["Rate exceeded", "Too Many Requests", "Throttling"];

fn says_rate(message: JsonText<'_>) -> bool {
    let message = message.decode();
    let mut parts = THROTTLING_MESSAGE_PARTS.iter();
    parts.any(|part| message.contains(part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_of_rates_are_told_from_other_codes() {
        let plain = |text: &'static str| JsonText::plain(text.as_bytes());
        for code in [
            "Client.RequestLimitExceeded",
            "ThrottlingException",
            "throttling",
            "SlowDown",
        ] {
            assert!(is_throttle(plain(code)), "{code}");
        }
        for code in ["AccessDenied", "LimitExceededException", "Client.", ""] {
            assert!(!is_throttle(plain(code)), "{code}");
        }
        let record = EventRecord {
            error_message: Some(plain("Rate exceeded")),
            ..EventRecord::default()
        };
        assert!(is_throttled(&record, record.outcome()));
        assert!(!is_throttled(
            &EventRecord::default(),
            CallOutcome::Succeeded
        ));
    }
}
