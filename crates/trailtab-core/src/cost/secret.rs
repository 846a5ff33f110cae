//! The mail server settings in a secret.
//!
//! A secret is JSON: either `{"address": "password"}`, as in awsauditor, or members such as `host` and `password`.
//! Errors and debug output never contain parts of a secret, not even the names of members, since a swapped pair has
//! the password as its name.

use std::fmt;

use serde::Deserialize;
use serde_json::{Map, Value};

/// The mail server that awsauditor uses.
const GMAIL: &str = "smtp.gmail.com";

/// The names of members, for messages; synonyms are accepted too.
const NAMES: &str = "host, port, username, password, from and tls";

/// How a connection to a mail server is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TlsMode {
    /// The connection switches to TLS by STARTTLS; nothing else is sent before.
    Starttls,
    /// TLS from the start of the connection.
    #[serde(rename = "tls")]
    Implicit,
    /// No encryption.
    None,
}

impl TlsMode {
    /// The default port.
    fn port(self) -> u16 {
        match self {
            TlsMode::Starttls => 587,
            TlsMode::Implicit => 465,
            TlsMode::None => 25,
        }
    }
}

/// A password. Debug output does not contain it.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretPassword(String);

impl SecretPassword {
    /// The password, to send it to the server.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SecretPassword {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(a password)")
    }
}

/// Credentials for a mail server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SmtpLogin {
    /// The user name, often a mail address.
    pub user: String,
    /// The password.
    pub password: SecretPassword,
}

/// A mail server and how to connect to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailServer {
    /// The DNS name or address of the server.
    pub host: String,
    /// The TCP port.
    pub port: u16,
    /// How the connection is encrypted.
    pub tls: TlsMode,
    /// Absent for a server that requires no credentials.
    pub login: Option<SmtpLogin>,
    /// The sender address; absent if neither the secret nor the user name contains one.
    pub from: Option<String>,
    /// The name that the client gives itself in EHLO; absent for the domain of the sender.
    pub ehlo: Option<String>,
}

/// Server settings outside the secret. They only complete the secret, so that write access to the settings is not
/// enough to redirect the password to another host.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ServerOverrides {
    /// The DNS name or address of the server; the secret's own comes first. Must not name another host than a secret
    /// that is a pair implies.
    pub host: Option<String>,
    /// The TCP port; the secret's own comes first.
    pub port: Option<u16>,
    /// How the connection is encrypted; the secret's own comes first.
    pub tls: Option<TlsMode>,
    /// The user name; the secret's own comes first.
    pub username: Option<String>,
    /// The name that the client gives itself in EHLO, such as `costs.example.com`.
    pub ehlo: Option<String>,
}

/// An invalid secret, or a server that cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    /// The secret is not a JSON object.
    #[error(
        "the secret is not a JSON object: it must be {{\"ADDRESS\": \"PASSWORD\"}}, or have the members {NAMES}"
    )]
    NoObject,
    /// The secret has no known member and not exactly one pair; the value is the number of its
    /// members.
    #[error(
        "the secret has {0} pairs of which none has a name that is understood: it must be one pair {{\"ADDRESS\": \"PASSWORD\"}}, or have the members {NAMES}"
    )]
    Ambiguous(usize),
    /// The name of the only pair is not a mail address.
    #[error(
        "the secret's only pair does not begin with a mail address: it must be {{\"ADDRESS\": \"PASSWORD\"}}, or have the members {NAMES}"
    )]
    NoAddress,
    /// The secret has an unknown member besides known ones.
    #[error("the secret has a member that is not understood besides {NAMES}")]
    Unknown,
    /// Two members mean the same; the value is what they mean, such as `username`.
    #[error("the secret names the {0} twice")]
    Twice(&'static str),
    /// A member has a value that cannot be used: the member and what it must be.
    #[error("the secret's {0} must be {1}")]
    Bad(&'static str, &'static str),
    /// The secret has the first of these members and lacks the second: `username` and `password`.
    #[error("the secret has a {0} and no {1}")]
    Half(&'static str, &'static str),
    /// Neither the secret nor the settings name a host.
    #[error("neither the secret nor the settings name the mail server's host")]
    NoHost,
    /// The settings name a host, and the secret is a pair, which implies another one.
    #[error(
        "the secret is a pair {{\"ADDRESS\": \"PASSWORD\"}}, whose password goes to {GMAIL} alone, and mail.server.host of the settings names another host: write the secret with the members host, username and password"
    )]
    OtherHost,
    /// Credentials would be sent unencrypted to a server that is not on this machine.
    #[error(
        "without TLS, credentials go to no server but one on this machine: set tls to starttls or tls"
    )]
    Exposed,
}

/// The members of a secret that are present.
#[derive(Default)]
struct SecretMembers {
    host: Option<String>,
    port: Option<u16>,
    user: Option<String>,
    password: Option<String>,
    from: Option<String>,
    tls: Option<TlsMode>,
}

impl MailServer {
    /// Parses a secret, and completes it with `overrides`.
    ///
    /// # Errors
    ///
    /// If it has neither of the two forms, if no host is set, or if a password would be sent
    /// unencrypted.
    pub fn of_secret(text: &str, overrides: &ServerOverrides) -> Result<MailServer, SecretError> {
        let Ok(Value::Object(members)) = serde_json::from_str(text) else {
            return Err(SecretError::NoObject);
        };
        let members = match members.keys().any(|name| member(name).is_some()) {
            true => SecretMembers::named(members)?,
            false => SecretMembers::pair(members, overrides)?,
        };
        members.server(overrides)
    }

    /// A server that requires no credentials.
    ///
    /// # Errors
    ///
    /// If no host is set.
    pub fn open(overrides: &ServerOverrides) -> Result<MailServer, SecretError> {
        SecretMembers::default().server(overrides)
    }
}

/// The canonical name of a member.
fn member(name: &str) -> Option<&'static str> {
    Some(match name.to_ascii_lowercase().as_str() {
        "host" | "server" => "host",
        "port" => "port",
        "username" | "user" => "username",
        "password" => "password",
        "from" => "from",
        "tls" => "tls",
        _ => return None,
    })
}

impl SecretMembers {
    /// Parses a single pair of address and password.
    fn pair(
        members: Map<String, Value>,
        overrides: &ServerOverrides,
    ) -> Result<SecretMembers, SecretError> {
        let pairs = members.len();
        let mut pairs_left = members.into_iter();
        let (Some((address, password)), None) = (pairs_left.next(), pairs_left.next()) else {
            return Err(SecretError::Ambiguous(pairs));
        };
        if !is_address(&address) {
            return Err(SecretError::NoAddress);
        }
        let Value::String(password) = password else {
            return Err(SecretError::Bad("password", "text"));
        };
        // Otherwise write access to the settings would be enough to get the password.
        if let Some(host) = &overrides.host
            && !host.eq_ignore_ascii_case(GMAIL)
        {
            return Err(SecretError::OtherHost);
        }
        Ok(SecretMembers {
            host: Some(GMAIL.to_owned()),
            user: Some(address),
            password: Some(password),
            ..SecretMembers::default()
        })
    }

    fn named(members: Map<String, Value>) -> Result<SecretMembers, SecretError> {
        let mut found = SecretMembers::default();
        for (name, value) in members {
            let name = member(&name).ok_or(SecretError::Unknown)?;
            // The Secrets Manager console converts all values to strings.
            let text = match value {
                Value::String(text) => text,
                Value::Number(number) => number.to_string(),
                Value::Null => continue,
                _ => return Err(SecretError::Bad(name, "text")),
            };
            let trimmed = text.trim();
            if trimmed.is_empty() && name != "password" {
                continue;
            }
            let is_first = match name {
                "host" => found.host.replace(trimmed.to_owned()).is_none(),
                "port" => {
                    let port = trimmed.parse().ok().filter(|port| *port > 0);
                    let port = port.ok_or(SecretError::Bad("port", "a number from 1 to 65535"))?;
                    found.port.replace(port).is_none()
                }
                "username" => found.user.replace(trimmed.to_owned()).is_none(),
                // Leading and trailing spaces may belong to the password.
                "password" => found.password.replace(text).is_none(),
                "from" => found.from.replace(trimmed.to_owned()).is_none(),
                _ => found.tls.replace(tls(trimmed)?).is_none(),
            };
            if !is_first {
                return Err(SecretError::Twice(name));
            }
        }
        Ok(found)
    }

    fn server(self, overrides: &ServerOverrides) -> Result<MailServer, SecretError> {
        let host = self.host.or_else(|| overrides.host.clone());
        let host = host.ok_or(SecretError::NoHost)?;
        let (port, tls) = match (self.port.or(overrides.port), self.tls.or(overrides.tls)) {
            (Some(port), Some(tls)) => (port, tls),
            // Port 465 is the only one on which TLS starts with the connection.
            (Some(465), None) => (465, TlsMode::Implicit),
            (Some(port), None) => (port, TlsMode::Starttls),
            (None, tls) => {
                let tls = tls.unwrap_or(TlsMode::Starttls);
                (tls.port(), tls)
            }
        };
        let login = match (
            self.user.or_else(|| overrides.username.clone()),
            self.password,
        ) {
            (Some(user), Some(password)) => Some(SmtpLogin {
                user,
                password: SecretPassword(password),
            }),
            (None, None) => None,
            (Some(_), None) => return Err(SecretError::Half("username", "password")),
            (None, Some(_)) => return Err(SecretError::Half("password", "username")),
        };
        if tls == TlsMode::None && login.is_some() && !is_loopback(&host) {
            return Err(SecretError::Exposed);
        }
        let user = login.as_ref().map(|login| login.user.clone());
        let from = self.from.or(user.filter(|user| is_address(user)));
        Ok(MailServer {
            host,
            port,
            tls,
            login,
            from,
            ehlo: overrides.ehlo.clone(),
        })
    }
}

fn tls(text: &str) -> Result<TlsMode, SecretError> {
    match text.to_ascii_lowercase().as_str() {
        "starttls" => Ok(TlsMode::Starttls),
        "tls" | "ssl" => Ok(TlsMode::Implicit),
        "none" => Ok(TlsMode::None),
        _ => Err(SecretError::Bad("tls", "starttls, tls or none")),
    }
}

/// Returns whether a text looks like a mail address.
fn is_address(text: &str) -> bool {
    let is_plain = |c: char| !c.is_whitespace() && !c.is_control();
    let parts = text.rsplit_once('@');
    text.chars().all(is_plain)
        && parts.is_some_and(|(local, domain)| !local.is_empty() && !domain.is_empty())
}

/// Returns whether a host is this machine, without asking a name server.
fn is_loopback(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost")
        || address
            .parse()
            .is_ok_and(|address: std::net::IpAddr| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(secret: &str) -> Result<MailServer, SecretError> {
        MailServer::of_secret(secret, &ServerOverrides::default())
    }

    fn login(server: &MailServer) -> (&str, &str) {
        let login = server.login.as_ref().unwrap();
        (&login.user, login.password.reveal())
    }

    #[test]
    fn awsauditors_secret_is_for_gmail() {
        let server = read(r#" {"reports@example.com": " app password "} "#).unwrap();
        assert_eq!(
            (server.host.as_str(), server.port, server.tls),
            ("smtp.gmail.com", 587, TlsMode::Starttls)
        );
        assert_eq!(login(&server), ("reports@example.com", " app password "));
        assert_eq!(server.from.as_deref(), Some("reports@example.com"));
        let overrides = ServerOverrides {
            host: Some("mail.example.com".to_owned()),
            ..ServerOverrides::default()
        };
        let pair = r#"{"reports@example.com": "hunter2"}"#;
        let error = MailServer::of_secret(pair, &overrides).unwrap_err();
        assert_eq!(error, SecretError::OtherHost);
        let message = error.to_string();
        assert!(message.contains("members host, username and password"));
        assert!(!message.contains("hunter2"));
        let overrides = ServerOverrides {
            host: Some("SMTP.gmail.com".to_owned()),
            port: Some(465),
            ..ServerOverrides::default()
        };
        let server = MailServer::of_secret(pair, &overrides).unwrap();
        assert_eq!((server.host.as_str(), server.port), (GMAIL, 465));
    }

    #[test]
    fn a_secret_names_all_that_matters() {
        let server = read(
            r#"{"host": "mail.example.com", "port": "2525", "username": "AKIAEXAMPLE", "password": "p",
                "from": "costs@example.com", "tls": "TLS"}"#,
        );
        let server = server.unwrap();
        assert_eq!(
            (server.host.as_str(), server.port, server.tls),
            ("mail.example.com", 2525, TlsMode::Implicit)
        );
        assert_eq!(login(&server), ("AKIAEXAMPLE", "p"));
        assert_eq!(server.from.as_deref(), Some("costs@example.com"));
    }

    #[test]
    fn ports_and_tls_follow_from_each_other() {
        let of = |more: &str| {
            let server = read(&format!(r#"{{"host": "mail.example.com"{more}}}"#)).unwrap();
            (server.port, server.tls)
        };
        assert_eq!(of(""), (587, TlsMode::Starttls));
        assert_eq!(of(r#", "port": 465"#), (465, TlsMode::Implicit));
        assert_eq!(of(r#", "port": 2525"#), (2525, TlsMode::Starttls));
        assert_eq!(of(r#", "tls": "tls""#), (465, TlsMode::Implicit));
        assert_eq!(of(r#", "tls": "none""#), (25, TlsMode::None));
        assert_eq!(
            of(r#", "port": 465, "tls": "starttls""#),
            (465, TlsMode::Starttls)
        );
    }

    /// Write access to the settings must not be enough to get the password.
    #[test]
    fn settings_do_not_lead_the_password_elsewhere() {
        let overrides = ServerOverrides {
            host: Some("elsewhere.example.net".to_owned()),
            port: Some(25),
            tls: Some(TlsMode::None),
            username: Some("other".to_owned()),
            ..ServerOverrides::default()
        };
        let secret = r#"{"host": "mail.example.com", "user": "u", "password": "p", "tls": "tls"}"#;
        let server = MailServer::of_secret(secret, &overrides).unwrap();
        assert_eq!(
            (server.host.as_str(), server.tls),
            ("mail.example.com", TlsMode::Implicit)
        );
        assert_eq!(login(&server), ("u", "p"));
    }

    #[test]
    fn a_password_does_not_travel_in_clear() {
        let of = |host: &str| {
            read(&format!(
                r#"{{"host": "{host}", "user": "u", "password": "p", "tls": "none"}}"#
            ))
        };
        assert_eq!(of("mail.example.com").unwrap_err(), SecretError::Exposed);
        assert_eq!(
            of("localhost.example.com").unwrap_err(),
            SecretError::Exposed
        );
        for host in ["localhost", "127.0.0.1", "127.9.9.9", "::1"] {
            assert_eq!(of(host).unwrap().tls, TlsMode::None, "{host}");
        }
        let open = read(r#"{"host": "mail.example.com", "tls": "none"}"#).unwrap();
        assert_eq!((open.login, open.from), (None, None));
    }

    #[test]
    fn what_makes_no_sense_is_an_error_that_tells_nothing() {
        let cases = [
            ("hunter2", SecretError::NoObject),
            (r#"["hunter2"]"#, SecretError::NoObject),
            ("{}", SecretError::Ambiguous(0)),
            (
                r#"{"a@example.com": "hunter2", "b@example.com": "hunter2"}"#,
                SecretError::Ambiguous(2),
            ),
            (r#"{"hunter2": "a@example.com"}"#, SecretError::NoAddress),
            (
                r#"{"a@example.com": 7}"#,
                SecretError::Bad("password", "text"),
            ),
            (
                r#"{"host": "h", "hunter2": "a@example.com"}"#,
                SecretError::Unknown,
            ),
            (
                r#"{"host": "h", "user": "u", "username": "hunter2"}"#,
                SecretError::Twice("username"),
            ),
            (
                r#"{"host": "h", "port": "hunter2"}"#,
                SecretError::Bad("port", "a number from 1 to 65535"),
            ),
            (
                r#"{"host": "h", "tls": "hunter2"}"#,
                SecretError::Bad("tls", "starttls, tls or none"),
            ),
            (
                r#"{"host": "h", "password": "hunter2"}"#,
                SecretError::Half("password", "username"),
            ),
            (
                r#"{"user": "u", "password": "hunter2"}"#,
                SecretError::NoHost,
            ),
        ];
        for (secret, expected) in cases {
            let error = read(secret).unwrap_err();
            assert_eq!(error, expected, "{secret}");
            assert!(!format!("{error} {error:?}").contains("hunter2"), "{error}");
        }
        let server = read(r#"{"a@example.com": "hunter2"}"#).unwrap();
        assert!(!format!("{server:?}").contains("hunter2"));
    }
}
