//! What the answer of a webhook says about a message.

use crate::aws::WebhookAnswer;
use crate::deliver::mail::SendError;
use trailtab_core::cost::channel::{ChannelKind, WebhookUrl};

/// Maximum length of a foreign answer in a message.
const MAX_ANSWER_CHARS: usize = 200;

/// What became of a message.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum PostVerdict {
    Taken,
    Failed(SendError),
    /// Refused because of too many messages; may be posted again after the wait that the answer asks for.
    Later(SendError),
}

/// Judges an answer.
pub(super) fn of(kind: ChannelKind, answer: &WebhookAnswer, url: &WebhookUrl) -> PostVerdict {
    let said = said(answer, url);
    let refused = |is_lasting, advice: &str| SendError::Refused {
        reason: format!("HTTP status {}{said}{advice}", answer.status),
        is_lasting,
    };
    match answer.status {
        200..=299 => success(kind, answer, &said),
        429 => PostVerdict::Later(refused(false, " (too many messages)")),
        300..=399 => PostVerdict::Failed(refused(
            true,
            " (redirects are not followed: put the final URL into the secret)",
        )),
        408 | 425 | 500 | 503 => PostVerdict::Failed(refused(false, "")),
        // A gateway did not get the answer of the server behind it, which may have taken the message.
        500..=599 => PostVerdict::Failed(SendError::Unconfirmed(format!(
            "HTTP status {}{said}",
            answer.status
        ))),
        status => PostVerdict::Failed(refused(true, &advice(kind, status, &answer.body))),
    }
}

/// The verdict of an answer 2xx.
fn success(kind: ChannelKind, answer: &WebhookAnswer, said: &str) -> PostVerdict {
    match kind {
        // Any other page comes from something that is not Slack.
        ChannelKind::Slack if answer.body != "ok" => {
            PostVerdict::Failed(SendError::Unconfirmed(format!(
                "HTTP status {}{said}, where Slack says \"ok\"",
                answer.status
            )))
        }
        // The connectors that Workflows replace report failures with the status 200.
        ChannelKind::Teams if answer.body.contains("delivery failed with error") => {
            PostVerdict::Failed(SendError::Refused {
                reason: format!("Teams answered{said} (make a webhook of Workflows)"),
                is_lasting: true,
            })
        }
        _ => PostVerdict::Taken,
    }
}

/// The answer's body for a message: `: invalid_blocks`. Nothing, if the server repeats the secret URL.
fn said(answer: &WebhookAnswer, url: &WebhookUrl) -> String {
    let body = &answer.body;
    match body.is_empty() || url.occurs_in(body) {
        true => String::new(),
        false => {
            let shown: String = body.chars().take(MAX_ANSWER_CHARS).collect();
            format!(": {shown}")
        }
    }
}

/// What to do about an answer 4xx.
fn advice(kind: ChannelKind, status: u16, body: &str) -> String {
    let slack = match body {
        "invalid_token" | "no_service" | "no_service_id" | "no_team" | "team_disabled" => {
            "the webhook was removed or its URL is wrong: make a new one and put its URL into the secret"
        }
        "channel_not_found" | "channel_is_archived" | "user_not_found" => {
            "the webhook's channel is gone: make a webhook for another channel and put its URL into the secret"
        }
        "action_prohibited" | "posting_to_general_channel_denied" => {
            "an administrator of Slack restricts who may post there"
        }
        "invalid_blocks"
        | "invalid_payload"
        | "no_text"
        | "msg_blocks_too_long"
        | "msg_too_long"
        | "too_many_attachments" => {
            "Slack does not take the message; please report this as an error of trailtab"
        }
        _ => "",
    };
    let other = match (kind, status) {
        (_, 413) => "the message is too large for the receiver",
        (ChannelKind::Teams, 401 | 403) => {
            "the URL's signature is not valid: copy the URL of the workflow into the secret again"
        }
        (ChannelKind::Teams, 400) => {
            "is it the URL of a workflow that posts a card when a webhook request is received?"
        }
        (_, 404 | 410) => "there is no such webhook: put its URL into the secret again",
        _ => "",
    };
    let advice = match kind {
        ChannelKind::Slack if !slack.is_empty() => slack,
        _ => other,
    };
    match advice {
        "" => String::new(),
        advice => format!(" ({advice})"),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn judged(kind: ChannelKind, status: u16, body: &str) -> PostVerdict {
        let url = WebhookUrl::of_secret("https://hooks.example.com/x/hunter2hunter2").unwrap();
        let answer = WebhookAnswer {
            status,
            retry_after: Some(Duration::from_secs(1)),
            body: body.to_owned(),
        };
        of(kind, &answer, &url)
    }

    fn failed(kind: ChannelKind, status: u16, body: &str) -> SendError {
        match judged(kind, status, body) {
            PostVerdict::Failed(error) | PostVerdict::Later(error) => error,
            PostVerdict::Taken => panic!("{status} {body}"),
        }
    }

    #[test]
    fn only_a_clear_answer_says_that_a_message_was_taken() {
        use ChannelKind::{Slack, Teams, Webhook};
        for (kind, status, body) in [
            (Slack, 200, "ok"),
            (Teams, 202, ""),
            (Teams, 200, "1"),
            (Webhook, 204, ""),
            (Webhook, 201, "anything"),
        ] {
            assert_eq!(judged(kind, status, body), PostVerdict::Taken);
        }
        for (kind, status, body) in [
            (Slack, 200, "<html>Please sign in"),
            (Slack, 200, ""),
            (Webhook, 502, ""),
            (Teams, 504, ""),
        ] {
            let error = failed(kind, status, body);
            assert!(matches!(error, SendError::Unconfirmed(_)), "{error:?}");
        }
        let old = "Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP error 429";
        assert!(failed(Teams, 200, old).is_lasting());
    }

    #[test]
    fn refusals_say_what_to_do_and_whether_they_last() {
        use ChannelKind::{Slack, Teams, Webhook};
        for (kind, status, body, is_lasting, words) in [
            (Slack, 403, "invalid_token", true, "make a new one"),
            (Slack, 404, "no_service", true, "make a new one"),
            (Slack, 410, "channel_is_archived", true, "another channel"),
            (Slack, 403, "action_prohibited", true, "administrator"),
            (
                Slack,
                400,
                "invalid_blocks",
                true,
                "invalid_blocks (Slack does not",
            ),
            (Slack, 400, "no_text", true, "error of trailtab"),
            (Slack, 400, "msg_blocks_too_long", true, "error of trailtab"),
            (Slack, 500, "rollup_error", false, "500: rollup_error"),
            (Teams, 401, "", true, "signature"),
            (Teams, 413, "", true, "too large"),
            (Webhook, 301, "", true, "redirects are not followed"),
            (Webhook, 404, "", true, "no such webhook"),
            (Webhook, 503, "", false, "503"),
        ] {
            let error = failed(kind, status, body);
            assert!(matches!(error, SendError::Refused { .. }), "{error:?}");
            assert_eq!(error.is_lasting(), is_lasting, "{status} {body}");
            assert!(error.to_string().contains(words), "{error}");
        }
        assert!(matches!(judged(Slack, 429, ""), PostVerdict::Later(_)));
    }

    #[test]
    fn an_answer_that_repeats_the_secret_is_not_shown() {
        for status in [200, 400, 404, 500, 502] {
            let error = failed(ChannelKind::Slack, status, "no hook /x/hunter2hunter2");
            assert!(!format!("{error} {error:?}").contains("hunter2"), "{error}");
        }
    }
}
