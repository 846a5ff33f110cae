//! What became of a call: failed or not, and refused or not.
//!
//! Most records say so by an error code or message. Sign-ins and events of services state their
//! result in a member of `responseElements` or `serviceEventDetails` instead.

use crate::event::record::{CallOutcome, EventRecord};
use crate::event::scan::{JsonScanner, JsonText, ScanResult};

/// The result that a record states in words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum StatedResult {
    Success,
    Failure,
}

/// Where the events of a service state their result, below `serviceEventDetails`.
pub(super) struct StatedPlace {
    /// The service, without its domain.
    pub(super) source: &'static str,
    /// The event; None for all events of the service.
    pub(super) name: Option<&'static str>,
    /// The names of the members that lead to the result. A leading `*` stands for any beginning.
    pub(super) path: &'static [&'static str],
}

/// The results of events that do not stand under the event's own name.
pub(super) const STATED_PLACES: [StatedPlace; 8] = [
    StatedPlace {
        source: "organizations",
        name: Some("CreateAccountResult"),
        path: &["createAccountStatus", "state"],
    },
    // S3 Batch Operations.
    StatedPlace {
        source: "s3",
        name: Some("JobStatusChanged"),
        path: &["status"],
    },
    // Control Tower: `createManagedAccountStatus`, `setupLandingZoneStatus` and others.
    StatedPlace {
        source: "controltower",
        name: None,
        path: &["*Status", "state"],
    },
    // Calls of the Grafana API.
    StatedPlace {
        source: "grafana",
        name: None,
        path: &["result", "statusType"],
    },
    StatedPlace {
        source: "backup",
        name: Some("BackupJobCompleted"),
        path: &["state"],
    },
    StatedPlace {
        source: "backup",
        name: Some("CopyJobCompleted"),
        path: &["state"],
    },
    StatedPlace {
        source: "backup",
        name: Some("ReportJobCompleted"),
        path: &["state"],
    },
    StatedPlace {
        source: "backup",
        name: Some("RestoreCompleted"),
        path: &["state"],
    },
];

/// The words for a failure. Case is ignored.
pub(super) const FAILURES: [&str; 4] = ["failure", "failed", "aborted", "expired"];

/// The words for a success.
pub(super) const SUCCESSES: [&str; 5] = [
    "success",
    "succeeded",
    "successful",
    "complete",
    "completed",
];

/// Parts of error codes that refuse a caller. Case is ignored.
const REFUSING_CODES: [TextParts; 3] = [
    TextParts {
        letter: b'd',
        parts: &[("accessdenied", 6), ("explicitdeny", 8)],
    },
    TextParts {
        letter: b'z',
        parts: &[
            ("unauthorized", 9),
            ("notauthorized", 10),
            ("authorizationerror", 7),
        ],
    },
    TextParts {
        letter: b'f',
        parts: &[("authfailure", 4), ("forbidden", 0)],
    },
];

/// Parts of error messages that refuse a caller, whatever the code, in lower case. Case is ignored.
pub const REFUSING_MESSAGE_PARTS: [&str; 3] = [
    "not authorized to perform",
    "access denied",
    "explicit deny",
];

/// [`REFUSING_MESSAGE_PARTS`], by one of their letters.
const REFUSING_MESSAGES: [TextParts; 2] = [
    TextParts {
        letter: b'z',
        parts: &[("not authorized to perform", 11)],
    },
    TextParts {
        letter: b'd',
        parts: &[("access denied", 7), ("explicit deny", 9)],
    },
];

/// HTTP statuses used in place of an error code.
const REFUSING_STATUSES: [&str; 2] = ["401", "403"];

impl<'a> EventRecord<'a> {
    /// Whether the call failed: an error code or message is at the top level or in the response, or
    /// the record states that it failed.
    #[inline]
    pub fn outcome(&self) -> CallOutcome<'a> {
        let response = self.response_error();
        let code = self.error_code.or(response.0);
        let message = self.error_message.or(response.1);
        match (code, message) {
            // Some services write the status of a success as an error code.
            (Some(code), _) if is_success_status(code) => CallOutcome::Succeeded,
            (Some(_), _) if self.stated() == Some(StatedResult::Success) => CallOutcome::Succeeded,
            (Some(_), _) => CallOutcome::Failed(code),
            (None, Some(_)) => CallOutcome::Failed(None),
            (None, None) if self.may_state() && self.stated() == Some(StatedResult::Failure) => {
                CallOutcome::Failed(None)
            }
            (None, None) => CallOutcome::Succeeded,
        }
    }

    /// Returns whether AWS refused the caller: for want of a permission, by an explicit deny, or at
    /// signing in.
    pub fn is_denied(&self, outcome: CallOutcome<'_>) -> bool {
        let CallOutcome::Failed(code) = outcome else {
            return false;
        };
        let refuses = |text: Option<JsonText<'_>>, parts: &[TextParts]| {
            text.is_some_and(|text| contains_any(text, parts))
        };
        let message = self.error_message.or_else(|| self.response_error().1);
        refuses(code, &REFUSING_CODES)
            || code.is_some_and(|code| REFUSING_STATUSES.iter().any(|status| code.is(status)))
            || self.is_sign_in()
            || refuses(message, &REFUSING_MESSAGES)
    }

    /// Returns whether the record is about signing in.
    fn is_sign_in(&self) -> bool {
        let is_name = |name| SIGN_INS.iter().any(|sign_in| JsonText::is(name, sign_in));
        self.is_of("signin")
            || self
                .event_type
                .is_some_and(|kind| kind.is("AwsConsoleSignIn"))
            || self.event_name.is_some_and(is_name)
    }

    /// Returns whether the record may state its result in words. Records of API calls do not: their
    /// responses are the largest part of a log and are not searched.
    fn may_state(&self) -> bool {
        let is_call = self
            .event_type
            .is_some_and(|kind| kind.is_exactly("AwsApiCall"));
        let is_sign_in =
            |source: JsonText<'_>| source.with_bytes(|source| source.starts_with(b"signin."));
        !is_call || self.event_source.is_none_or(is_sign_in)
    }

    /// The result that the record states.
    fn stated(&self) -> Option<StatedResult> {
        let own = [self.response_elements, self.service_event_details];
        if own.iter().all(|object| object.is_empty()) {
            return None;
        }
        let name = self.event_name?.decode();
        let own = own
            .into_iter()
            .find_map(|object| result_at(object, &[&name]));
        own.or_else(|| {
            let places = STATED_PLACES.iter().filter(|place| {
                place.name.is_none_or(|event| event == name) && self.is_of(place.source)
            });
            let mut found = places.map(|place| result_at(self.service_event_details, place.path));
            found.find_map(|result| result)
        })
    }

    /// Returns whether a service wrote the record: `s3` is short for `s3.amazonaws.com`.
    fn is_of(&self, service: &str) -> bool {
        let is_service = |source: &[u8]| {
            let rest = source.strip_prefix(service.as_bytes());
            rest.is_some_and(|rest| matches!(rest.first(), None | Some(b'.')))
        };
        self.event_source
            .is_some_and(|source| source.with_bytes(is_service))
    }
}

/// The events of a sign-in that other services than `signin` write, such as IAM Identity Center.
const SIGN_INS: [&str; 6] = [
    "ConsoleLogin",
    "SwitchRole",
    "CheckMfa",
    "UserAuthentication",
    "CredentialVerification",
    "CredentialChallenge",
];

/// Finds a result by the names of the members that lead to it.
fn result_at(json: &[u8], path: &[&str]) -> Option<StatedResult> {
    if json.is_empty() {
        return None;
    }
    let mut found = None;
    // The scanner only skipped this object before, so its contents may be invalid.
    let _ = read_result(&mut JsonScanner::new(json, 0), path, &mut found);
    found
}

fn read_result(
    scanner: &mut JsonScanner<'_>,
    path: &[&str],
    found: &mut Option<StatedResult>,
) -> ScanResult<()> {
    let Some((wanted, rest)) = path.split_first() else {
        if let Some(text) = scanner.text()? {
            let is_one_of = |words: &[&str]| words.iter().any(|word| text.is(word));
            if is_one_of(&FAILURES) {
                *found = Some(StatedResult::Failure);
            } else if is_one_of(&SUCCESSES) {
                *found = Some(StatedResult::Success);
            }
        }
        return Ok(());
    };
    if scanner.peek()? != b'{' {
        return scanner.skip().map(drop);
    }
    scanner.members(|scanner, name| {
        let is_wanted = match wanted.strip_prefix('*') {
            Some(end) => name.decode().ends_with(end),
            None => name.is_exactly(wanted),
        };
        match is_wanted {
            true => read_result(scanner, rest, found),
            false => scanner.skip().map(drop),
        }
    })
}

/// Returns whether an error code is a status of HTTP that stands for a success.
fn is_success_status(code: JsonText<'_>) -> bool {
    code.with_bytes(|code| {
        code.len() == 3 && code[0] == b'2' && code.iter().all(u8::is_ascii_digit)
    })
}

/// Parts of texts, in lower case, that are found by a letter which they share.
struct TextParts {
    letter: u8,
    /// Each part, and the place of the letter in it.
    parts: &'static [(&'static str, usize)],
}

impl TextParts {
    fn is_one_in(&self, text: &[u8]) -> bool {
        let is_at = |at: usize, (part, place): &(&str, usize)| {
            let found = at
                .checked_sub(*place)
                .and_then(|start| text.get(start..start + part.len()));
            found.is_some_and(|found| found.eq_ignore_ascii_case(part.as_bytes()))
        };
        memchr::memchr2_iter(self.letter, self.letter.to_ascii_uppercase(), text)
            .any(|at| self.parts.iter().any(|part| is_at(at, part)))
    }
}

/// Returns whether a text contains one of the parts, ignoring case.
fn contains_any(text: JsonText<'_>, parts: &[TextParts]) -> bool {
    text.with_bytes(|text| parts.iter().any(|parts| parts.is_one_in(text)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(json: &str) -> EventRecord<'_> {
        EventRecord::of(json.as_bytes()).unwrap()
    }

    /// Whether a record failed, and whether it was refused.
    fn told(json: &str) -> (bool, bool) {
        let record = record(json);
        let outcome = record.outcome();
        (outcome != CallOutcome::Succeeded, record.is_denied(outcome))
    }

    #[test]
    fn all_parts_of_messages_are_looked_for() {
        let parts = REFUSING_MESSAGES.iter().flat_map(|parts| parts.parts);
        let mut parts: Vec<&str> = parts.map(|(part, _)| *part).collect();
        parts.sort_unstable();
        let mut expected = REFUSING_MESSAGE_PARTS;
        expected.sort_unstable();
        assert_eq!(parts, expected);
    }

    #[test]
    fn the_places_of_letters_in_parts_are_right() {
        for TextParts { letter, parts } in REFUSING_CODES.iter().chain(&REFUSING_MESSAGES) {
            for (part, place) in *parts {
                assert_eq!(part.as_bytes()[*place], *letter, "{part}");
            }
        }
    }

    #[test]
    fn a_result_in_words_counts() {
        let cases = [
            (
                r#""eventName":"ConsoleLogin","eventType":"AwsConsoleSignIn","responseElements":{"ConsoleLogin":"Failure"}"#,
                (true, true),
            ),
            (
                r#""eventName":"ConsoleLogin","eventType":"AwsConsoleSignIn","responseElements":{"ConsoleLogin":"Success"}"#,
                (false, false),
            ),
            (
                r#""eventName":"SwitchRole","eventSource":"signin.amazonaws.com","responseElements":{ "SwitchRole" : "Failure" }"#,
                (true, true),
            ),
            (
                r#""eventName":"CredentialVerification","eventType":"AwsServiceEvent","serviceEventDetails":{"CredentialVerification":"Failure"}"#,
                (true, true),
            ),
            (
                r#""eventName":"PasswordUpdated","eventType":"AwsConsoleSignIn","responseElements":{"PasswordUpdated":"Failure"}"#,
                (true, true),
            ),
            (
                r#""eventName":"CheckMfa","eventSource":"signin.amazonaws.com","eventType":"AwsConsoleSignIn","responseElements":{"CheckMfa":"Failure"}"#,
                (true, true),
            ),
            // Another member says nothing of this event.
            (
                r#""eventName":"ConsoleLogin","eventType":"AwsConsoleSignIn","responseElements":{"SwitchRole":"Failure"}"#,
                (false, false),
            ),
            (
                r#""eventName":"CreateAccountResult","eventSource":"organizations.amazonaws.com","eventType":"AwsServiceEvent","serviceEventDetails":{"createAccountStatus":{"id":"car-1","state":"FAILED","failureReason":"EMAIL_ALREADY_EXISTS"}}"#,
                (true, false),
            ),
            (
                r#""eventName":"CreateAccountResult","eventSource":"organizations.amazonaws.com","eventType":"AwsServiceEvent","serviceEventDetails":{"createAccountStatus":{"state":"SUCCEEDED"}}"#,
                (false, false),
            ),
            (
                r#""eventName":"JobStatusChanged","eventSource":"s3.amazonaws.com","eventType":"AwsServiceEvent","serviceEventDetails":{"jobId":"1","status":"Failed"}"#,
                (true, false),
            ),
            (
                r#""eventName":"JobStatusChanged","eventSource":"s3.amazonaws.com","eventType":"AwsServiceEvent","serviceEventDetails":{"jobId":"1","status":"Complete"}"#,
                (false, false),
            ),
            (
                r#""eventName":"CreateManagedAccount","eventSource":"controltower.amazonaws.com","eventType":"AwsServiceEvent","serviceEventDetails":{"createManagedAccountStatus":{"state":"FAILED"}}"#,
                (true, false),
            ),
            (
                r#""eventName":"login-auth.sso","eventSource":"grafana.amazonaws.com","eventType":"AwsServiceEvent","serviceEventDetails":{"result":{"statusType":"failure"}}"#,
                (true, false),
            ),
            // Responses that are not objects, and damage inside of them.
            (
                r#""eventName":"ConsoleLogin","eventType":"AwsConsoleSignIn","responseElements":"Failure""#,
                (false, false),
            ),
            (
                r#""eventName":"ConsoleLogin","eventType":"AwsConsoleSignIn","responseElements":{"ConsoleLogin":"Failure",,}"#,
                (true, true),
            ),
        ];
        for (members, expected) in cases {
            assert_eq!(told(&format!("{{{members}}}")), expected, "{members}");
        }
    }

    #[test]
    fn a_stated_success_is_believed_before_an_error_code() {
        let cases = [
            (
                r#""eventName":"delete","eventSource":"grafana.amazonaws.com","errorCode":"200","serviceEventDetails":{"result":{"statusType":"success","statusCode":"200"}}"#,
                false,
            ),
            (r#""eventName":"Get","errorCode":"200""#, false),
            (r#""eventName":"Get","errorCode":200"#, false),
            (r#""eventName":"Get","errorCode":"404""#, true),
            (
                r#""eventName":"ConsoleLogin","errorCode":"0","responseElements":{"ConsoleLogin":"Success"}"#,
                false,
            ),
            (
                r#""eventName":"delete","eventSource":"grafana.amazonaws.com","errorCode":"500","serviceEventDetails":{"result":{"statusType":"failure"}}"#,
                true,
            ),
            (r#""eventName":"Get","errorMessage":"no""#, true),
        ];
        for (members, failed) in cases {
            assert_eq!(told(&format!("{{{members}}}")).0, failed, "{members}");
        }
    }

    #[test]
    fn refusals_are_known_by_their_codes_and_messages() {
        let refused = [
            "AccessDenied",
            "AccessDeniedException",
            "Client.UnauthorizedOperation",
            "UnauthorizedOperation",
            "Client.UnauthorizedAccess",
            "VpceAccessDenied",
            "KMS.AccessDeniedException",
            "NotAuthorizedException",
            "AuthorizationError",
            "ForbiddenException",
            "403",
        ];
        for code in refused {
            let json = format!(r#"{{"eventName":"Get","errorCode":"{code}"}}"#);
            assert_eq!(told(&json), (true, true), "{code}");
        }
        for code in [
            "ThrottlingException",
            "NoSuchBucket",
            "ValidationException",
            "404",
        ] {
            let json = format!(r#"{{"eventName":"Get","errorCode":"{code}"}}"#);
            assert_eq!(told(&json), (true, false), "{code}");
        }
        let message = r#"{"eventName":"Get","errorCode":"ClientError","errorMessage":"User: x is not authorized to perform: s3:Get with an explicit deny in a service control policy"}"#;
        assert_eq!(told(message), (true, true));
        // A call without an error has succeeded.
        assert_eq!(told(r#"{"eventName":"ConsoleLogin"}"#), (false, false));
    }
}
