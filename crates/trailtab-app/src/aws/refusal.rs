//! Explains AWS's error responses, and what to do about them.

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;

use super::credentials::one_line;
use super::failure::is_denied;
use crate::clock;

/// AWS accepts signatures for five minutes.
const MAX_CLOCK_ERROR: i64 = 5 * 60;

/// How many seconds this machine's clock is ahead of AWS's, by the date of an answer.
pub(super) fn clock_error(response: Option<&HttpResponse>) -> Option<i64> {
    let date = response?.headers().get("date")?;
    let theirs = DateTime::from_str(date, Format::HttpDate).ok()?;
    Some(clock::now().saturating_sub(theirs.secs()))
}

/// AWS's code and message with a hint. `ahead` is the number of seconds by which this machine's
/// clock is ahead of AWS's, if known.
pub(super) fn refusal(code: &str, message: Option<&str>, ahead: Option<i64>) -> String {
    let said = said(code, message);
    let message = one_line(message.unwrap_or_default());
    let is_skewed = ahead.is_some_and(|ahead| ahead.abs() > MAX_CLOCK_ERROR)
        || message.starts_with("Signature expired")
        || message.starts_with("Signature not yet current");
    match code {
        "RequestTimeTooSkewed" => clock_is_wrong(code, ahead),
        "SignatureDoesNotMatch"
        | "InvalidSignatureException"
        | "RequestExpired"
        | "AuthFailure"
            if is_skewed =>
        {
            clock_is_wrong(code, ahead)
        }
        "ExpiredToken" | "ExpiredTokenException" => {
            format!("the temporary credentials have expired ({code}): get new ones and run again")
        }
        // The region or service of the signature is wrong, as with an emulator's endpoint; the key
        // may be valid.
        "SignatureDoesNotMatch" | "InvalidSignatureException"
            if message.starts_with("Credential should be scoped") =>
        {
            said
        }
        "SignatureDoesNotMatch" | "InvalidSignatureException" => format!(
            "the secret access key does not belong to the access key ID ({code}): check the profile, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
        ),
        "InvalidClientTokenId" | "UnrecognizedClientException" | "InvalidAccessKeyId" => format!(
            "AWS does not accept the access key ({code}): check that it exists and is active, that a session token belongs to it, and that the region is enabled"
        ),
        _ if is_denied(code) => format!("{said}{}", what_to_allow(&message)),
        _ => said,
    }
}

/// AWS's code and message on one line.
pub(super) fn said(code: &str, message: Option<&str>) -> String {
    match one_line(message.unwrap_or_default()).as_str() {
        "" => code.to_owned(),
        message => format!("{code}: {message}"),
    }
}

fn clock_is_wrong(code: &str, ahead: Option<i64>) -> String {
    let how = match ahead.unwrap_or_default() {
        0 => "differs from AWS's".to_owned(),
        ahead => {
            let (hours, minutes) = (ahead.abs() / 3600, ahead.abs() % 3600 / 60);
            let time = match hours {
                0 => format!("{minutes} min"),
                1..=48 => format!("{hours} h {minutes} min"),
                _ => format!("{} days", hours / 24),
            };
            let side = if ahead > 0 { "ahead of" } else { "behind" };
            format!("is {time} {side} AWS's")
        }
    };
    format!("the clock of this machine {how} ({code}): set it, for example by NTP")
}

/// The permission to grant, if AWS's message names it.
fn what_to_allow(message: &str) -> String {
    let action = message.split_once("not authorized to perform: ");
    let action = action.and_then(|(_, rest)| rest.split_whitespace().next());
    match action {
        Some(_) if message.contains("explicit deny") => {
            " (a policy denies it: that one has to change)".to_owned()
        }
        Some(action) => format!(
            " (allow {} in a policy of the caller)",
            action.trim_end_matches('.')
        ),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_say_what_to_do() {
        for (code, message, ahead, words) in [
            (
                "ExpiredToken",
                "The security token is expired",
                None,
                "get new ones",
            ),
            (
                "SignatureDoesNotMatch",
                "The signature…",
                Some(2),
                "the secret access key",
            ),
            (
                "SignatureDoesNotMatch",
                "The signature…",
                Some(7500),
                "is 2 h 5 min ahead of AWS's",
            ),
            (
                "SignatureDoesNotMatch",
                "Signature expired: 2026… is now earlier",
                None,
                "differs from AWS's",
            ),
            (
                "SignatureDoesNotMatch",
                "Credential should be scoped to a valid region.",
                Some(2),
                "SignatureDoesNotMatch: Credential should be scoped to a valid region.",
            ),
            (
                "RequestTimeTooSkewed",
                "The difference…",
                Some(-400),
                "is 6 min behind AWS's",
            ),
            (
                "InvalidSignatureException",
                "",
                Some(-864_000),
                "is 10 days behind",
            ),
            (
                "InvalidClientTokenId",
                "The security token is invalid",
                Some(0),
                "access key (InvalidClientTokenId)",
            ),
            (
                "AccessDeniedException",
                "User: x is not authorized to perform: ce:GetCostAndUsage on resource: y because no identity-based policy allows it",
                Some(0),
                "(allow ce:GetCostAndUsage in a policy of the caller)",
            ),
            (
                "AccessDenied",
                "User: x is not authorized to perform: s3:ListBucket with an explicit deny in a service control policy",
                None,
                "(a policy denies it",
            ),
            ("Weird", "two\nlines", None, "Weird: two lines"),
        ] {
            let said = refusal(code, Some(message), ahead);
            assert!(said.contains(words) && said.contains(code), "{said}");
        }
        assert_eq!(refusal("AccessDenied", None, None), "AccessDenied");
    }
}
