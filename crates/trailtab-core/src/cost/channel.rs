//! Channels: chat rooms and programs that get reports by a webhook, and the secret URL of each.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::settings::MailFrequency;

/// Maximum length of a webhook's URL. Those of Teams have some 300 characters.
const MAX_URL_BYTES: usize = 2048;

/// Maximum length of a channel's name, in characters.
const MAX_NAME_CHARS: usize = 80;

/// A part of a URL that is at least this long may be its secret.
const MIN_SECRET_BYTES: usize = 6;

/// The form of a channel's messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ChannelKind {
    /// An incoming webhook of Slack.
    Slack,
    /// A webhook of Workflows in Microsoft Teams.
    Teams,
    /// Any other receiver; gets JSON that this program defines.
    Webhook,
}

impl ChannelKind {
    /// The kind as in the settings.
    pub fn name(self) -> &'static str {
        match self {
            ChannelKind::Slack => "slack",
            ChannelKind::Teams => "teams",
            ChannelKind::Webhook => "webhook",
        }
    }

    /// Returns whether webhooks of this kind are usually on this host.
    pub fn is_usual_host(self, host: &str) -> bool {
        let host = host.to_ascii_lowercase();
        let usual: &[&str] = match self {
            ChannelKind::Slack => &["hooks.slack.com", "hooks.slack-gov.com"],
            ChannelKind::Teams => &[
                ".logic.azure.com",
                ".api.powerplatform.com",
                ".logic.azure.us",
            ],
            ChannelKind::Webhook => return true,
        };
        usual.iter().any(|usual| match usual.starts_with('.') {
            true => host.ends_with(usual),
            false => host == *usual,
        })
    }
}

/// A channel of the settings. Exactly one of `accounts`, `owner` and `all` says what its reports show.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChannelSettings {
    /// Names the channel in results and in the ledger; unique.
    pub name: String,
    /// The form of its messages.
    pub kind: ChannelKind,
    /// Name or ARN of the secret in Secrets Manager that holds the URL.
    pub url_secret: String,
    /// The accounts of a manager's report, by name or id.
    pub accounts: Option<Vec<String>>,
    /// The owner of an individual's report.
    pub owner: Option<String>,
    /// Whether it gets the executive's report.
    #[serde(default)]
    pub all: bool,
    /// How often it gets a report.
    #[serde(default)]
    pub schedule: MailFrequency,
}

impl ChannelSettings {
    /// Says what is wrong with the name, if anything.
    pub(super) fn wrong_name(&self) -> Option<&'static str> {
        match self.name.trim() {
            "" => Some("the channel has no name"),
            name if name.chars().count() > MAX_NAME_CHARS || name.contains(char::is_control) => {
                Some("the channel's name is longer than 80 characters, or has control characters")
            }
            _ => None,
        }
    }
}

/// The URL of a webhook. Anyone with it can write into the channel, so neither debug output nor errors contain
/// any of it except the host.
#[derive(Clone, PartialEq, Eq)]
pub struct WebhookUrl {
    url: String,
    host: String,
}

impl fmt::Debug for WebhookUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(a webhook's URL)")
    }
}

/// Why a secret is not the URL of a webhook.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WebhookUrlError {
    /// The secret is JSON, but not of the one form that is accepted.
    #[error("the secret must be the URL alone, or JSON of the form {{\"url\": \"https://…\"}}")]
    Form,
    /// It is not a URL with `https`.
    #[error("the secret must be a URL that begins with https://")]
    NotHttps,
    /// It is not well formed.
    #[error(
        "the secret's URL is not well formed: it must be https://HOST/PATH, in ASCII, without spaces, user names and #"
    )]
    Malformed,
}

impl WebhookUrl {
    /// Reads the URL from a secret: the URL alone, or `{"url": "https://…"}`, as the console of Secrets Manager
    /// writes it.
    ///
    /// # Errors
    ///
    /// Says what is wrong, without any part of the secret.
    pub fn of_secret(text: &str) -> Result<WebhookUrl, WebhookUrlError> {
        let text = text.trim();
        if !text.starts_with(['{', '"', '[']) {
            return WebhookUrl::parse(text);
        }
        match serde_json::from_str(text) {
            Ok(Value::String(url)) => WebhookUrl::parse(url.trim()),
            Ok(Value::Object(members)) => match (members.get("url"), members.len()) {
                (Some(Value::String(url)), 1) => WebhookUrl::parse(url.trim()),
                _ => Err(WebhookUrlError::Form),
            },
            _ => Err(WebhookUrlError::Form),
        }
    }

    fn parse(url: &str) -> Result<WebhookUrl, WebhookUrlError> {
        let (scheme, rest) = url.split_once("://").ok_or(WebhookUrlError::NotHttps)?;
        if !scheme.eq_ignore_ascii_case("https") {
            return Err(WebhookUrlError::NotHttps);
        }
        let (authority, path) = rest.split_once('/').ok_or(WebhookUrlError::Malformed)?;
        let (host, port) = match authority.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (authority, None),
        };
        let is_port = |port: &str| port.parse().is_ok_and(|port: u16| port > 0);
        let is_host = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '.';
        let is_path = |c: char| c.is_ascii_graphic() && !"#\"<>\\^`{|}".contains(c);
        let is_good = url.len() <= MAX_URL_BYTES
            && !host.is_empty()
            && !host.starts_with(['.', '-'])
            && host.chars().all(is_host)
            && port.is_none_or(is_port)
            && path.chars().all(is_path);
        match is_good {
            true => Ok(WebhookUrl {
                url: format!("https://{rest}"),
                host: host.to_owned(),
            }),
            false => Err(WebhookUrlError::Malformed),
        }
    }

    /// The URL, to send to it.
    pub fn reveal(&self) -> &str {
        &self.url
    }

    /// The host, which is not secret.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Returns whether a text contains a part of the URL that may be secret.
    pub fn occurs_in(&self, text: &str) -> bool {
        let path = self.url.splitn(4, '/').nth(3).unwrap_or_default();
        let parts = path.split(['/', '?', '&', '=']);
        let mut parts = parts.filter(|part| part.len() >= MIN_SECRET_BYTES);
        parts.any(|part| text.contains(part))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SLACK: &str = "https://hooks.slack.com/services/T000/B000/hunter2hunter2";

    #[test]
    fn a_secret_holds_the_url_alone_or_as_the_console_writes_it() {
        for secret in [
            SLACK.to_owned(),
            format!("  {SLACK}\n"),
            format!("\"{SLACK}\""),
            format!("{{\"url\": \"{SLACK}\"}}"),
        ] {
            let url = WebhookUrl::of_secret(&secret).unwrap();
            assert_eq!((url.reveal(), url.host()), (SLACK, "hooks.slack.com"));
            assert_eq!(format!("{url:?}"), "(a webhook's URL)");
        }
        let teams = "HTTPS://prod-1.westeurope.logic.azure.com:443/workflows/1/triggers/manual/paths/invoke?api-version=2016-06-01&sig=a_b-c";
        let url = WebhookUrl::of_secret(teams).unwrap();
        assert!(url.reveal().starts_with("https://prod-1."));
        assert!(ChannelKind::Teams.is_usual_host(url.host()));
        assert!(!ChannelKind::Slack.is_usual_host(url.host()));
        assert!(!ChannelKind::Slack.is_usual_host("hooks.slack.com.example.net"));
    }

    #[test]
    fn what_is_no_url_is_an_error_that_tells_nothing() {
        use WebhookUrlError::{Form, Malformed, NotHttps};
        for (secret, expected) in [
            ("hunter2", NotHttps),
            ("http://hooks.slack.com/hunter2", NotHttps),
            ("ftp://hunter2/", NotHttps),
            ("https://hunter2", Malformed),
            ("https:///hunter2", Malformed),
            ("https://user:hunter2@example.com/x", Malformed),
            ("https://example.com:99999/hunter2", Malformed),
            ("https://example.com/hunter2 x", Malformed),
            ("https://example.com/hunter2\r\nHost: x", Malformed),
            ("https://example.com/x#hunter2", Malformed),
            ("https://exämple.com/hunter2", Malformed),
            ("{\"url\": \"https://a.b/hunter2\", \"x\": 1}", Form),
            ("{\"hunter2\": \"https://a.b/c\"}", Form),
            ("[\"https://a.b/hunter2\"]", Form),
            ("{hunter2", Form),
        ] {
            let error = WebhookUrl::of_secret(secret).unwrap_err();
            assert_eq!(error, expected, "{secret}");
            assert!(!format!("{error} {error:?}").contains("hunter2"));
        }
        let long = format!("https://example.com/{}", "x".repeat(MAX_URL_BYTES));
        assert_eq!(WebhookUrl::of_secret(&long).unwrap_err(), Malformed);
    }

    #[test]
    fn the_secret_part_of_a_url_is_found_in_a_text() {
        let url = WebhookUrl::of_secret(SLACK).unwrap();
        assert!(url.occurs_in("no such hook: hunter2hunter2"));
        assert!(!url.occurs_in("invalid_blocks at hooks.slack.com"));
    }
}
