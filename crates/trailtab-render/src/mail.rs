//! Encodes a letter as a MIME message.
//!
//! Text from settings or bills must never add headers or parts to a message.

use std::time::{Duration, UNIX_EPOCH};

use lettre::Message;
use lettre::address::AddressError;
use lettre::message::header::{
    ContentId, ContentTransferEncoding, ContentType, ContentTypeErr, Header, HeaderName,
    HeaderValue,
};
use lettre::message::{Body, Mailbox, MessageBuilder, MultiPart, SinglePart};
use thiserror::Error;

use super::cost::MailLetter;
use super::escape;
use trailtab_core::time::Seconds;

/// Addresses and other headers of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailEnvelope {
    /// `Name <mail@example.com>` or `mail@example.com`.
    pub from: String,
    /// The only recipient, in the same form.
    pub to: String,
    /// `left@right`, with or without angle brackets. Must be unique.
    pub message_id: String,
    /// `Date`: Unix time in seconds.
    pub date: Seconds,
    /// `List-Unsubscribe`: a `mailto:` or `https:` link.
    pub list_unsubscribe: Option<String>,
}

/// Why a message cannot be encoded.
#[derive(Debug, Error)]
pub enum MessageError {
    /// An address is invalid.
    #[error("cannot address a mail {which} {address:?}: {source}")]
    Address {
        /// `from` or `to`.
        which: &'static str,
        /// The address as given.
        address: String,
        /// Why it is invalid.
        source: AddressError,
    },
    /// A header value is invalid.
    #[error("cannot put the {name} {value:?} on a mail: {reason}")]
    Header {
        /// The header's name.
        name: &'static str,
        /// The value as given.
        value: String,
        /// Why it is invalid.
        reason: &'static str,
    },
    /// The MIME type of a picture or an attachment is invalid.
    #[error("cannot attach a file of type {content_type}: {source}")]
    ContentType {
        /// The MIME type as given.
        content_type: String,
        /// Why it is invalid.
        source: ContentTypeErr,
    },
    /// lettre cannot build the message.
    #[error("cannot write the mail: {0}")]
    Build(#[from] lettre::error::Error),
}

/// Encodes a letter as a complete MIME message: ASCII only, lines end with CRLF.
///
/// # Errors
///
/// If an address, a header value or a MIME type is invalid.
pub fn message(letter: &MailLetter, envelope: &MailEnvelope) -> Result<Vec<u8>, MessageError> {
    let message = headers(&letter.subject, envelope)?;
    Ok(message.multipart(parts(letter)?)?.formatted())
}

/// Encodes a plain text as a complete MIME message, like [`message`]. The subject must be one line.
///
/// # Errors
///
/// If an address or a header value is invalid.
pub fn plain_message(
    subject: &str,
    words: &str,
    envelope: &MailEnvelope,
) -> Result<Vec<u8>, MessageError> {
    let message = headers(subject, envelope)?;
    let message = message.singlepart(text(ContentType::TEXT_PLAIN, words))?;
    Ok(message.formatted())
}

fn headers(subject: &str, envelope: &MailEnvelope) -> Result<MessageBuilder, MessageError> {
    let mut message = Message::builder()
        .from(mailbox("from", &envelope.from)?)
        .to(mailbox("to", &envelope.to)?)
        .subject(subject)
        .date(UNIX_EPOCH + Duration::from_secs(u64::try_from(envelope.date).unwrap_or(0)))
        .message_id(Some(message_id(&envelope.message_id)?))
        // Suppresses out-of-office replies (RFC 3834).
        .raw_header(raw("Auto-Submitted", "auto-generated"));
    if let Some(unsubscribe) = &envelope.list_unsubscribe {
        message = message.raw_header(raw("List-Unsubscribe", &link(unsubscribe)?));
    }
    Ok(message)
}

/// multipart/mixed of text and HTML alternatives (the HTML with its inline pictures) and the attachments.
fn parts(letter: &MailLetter) -> Result<MultiPart, MessageError> {
    let mut related = MultiPart::related()
        .boundary(boundary("related"))
        .singlepart(text(ContentType::TEXT_HTML, &letter.html));
    for picture in &letter.pictures {
        let part = SinglePart::builder()
            .header(content_type("image/png")?)
            .header(PartDisposition::new("inline", &picture.name))
            .header(ContentId::from(format!("<{}>", picture.cid)));
        related = related.singlepart(part.body(binary(&picture.png)));
    }
    let alternative = MultiPart::alternative()
        .boundary(boundary("alternative"))
        .singlepart(text(ContentType::TEXT_PLAIN, &letter.text))
        .multipart(related);
    let mut mixed = MultiPart::mixed()
        .boundary(boundary("mixed"))
        .multipart(alternative);
    for file in &letter.attachments {
        let part = SinglePart::builder()
            .header(content_type(file.content_type)?)
            .header(PartDisposition::new("attachment", &file.name));
        mixed = mixed.singlepart(part.body(binary(&file.bytes)));
    }
    Ok(mixed)
}

/// A boundary that cannot occur in a part: quoted-printable has only a hexadecimal digit or a line break after
/// `=`, and base64 has no `_`.
fn boundary(part: &str) -> String {
    format!("=_trailtab_{part}")
}

/// A text part in quoted-printable, even if it is ASCII, to keep lines short and exclude the boundary.
fn text(content_type: ContentType, words: &str) -> SinglePart {
    let encoding = ContentTransferEncoding::QuotedPrintable;
    let body = match Body::new_with_encoding(words.to_owned(), encoding) {
        Ok(body) => body,
        // Unreachable: quoted-printable encodes any text.
        Err(bytes) => Body::new(bytes),
    };
    SinglePart::builder().content_type(content_type).body(body)
}

/// A binary body in base64.
fn binary(bytes: &[u8]) -> Body {
    match Body::new_with_encoding(bytes.to_vec(), ContentTransferEncoding::Base64) {
        Ok(body) => body,
        // Unreachable: base64 encodes any bytes.
        Err(bytes) => Body::new(bytes),
    }
}

/// `Content-Disposition` with a file name. lettre would split a long name (RFC 2231), which some mail programs
/// do not support.
#[derive(Debug, Clone)]
struct PartDisposition(String);

impl PartDisposition {
    fn new(what: &str, name: &str) -> PartDisposition {
        // Safe in a quoted string: at most 180 of `A-Za-z0-9_+=,.@-`.
        let name = escape::file_name(name);
        PartDisposition(format!("{what};\r\n filename=\"{name}\""))
    }
}

impl Header for PartDisposition {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Content-Disposition")
    }

    fn parse(value: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(PartDisposition(value.to_owned()))
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::dangerous_new_pre_encoded(Self::name(), self.0.clone(), self.0.clone())
    }
}

fn content_type(name: &str) -> Result<ContentType, MessageError> {
    ContentType::parse(name).map_err(|source| MessageError::ContentType {
        content_type: name.to_owned(),
        source,
    })
}

fn mailbox(which: &'static str, address: &str) -> Result<Mailbox, MessageError> {
    let error = |source| MessageError::Address {
        which,
        address: address.to_owned(),
        source,
    };
    if address.contains(char::is_control) {
        return Err(error(AddressError::InvalidInput));
    }
    address.parse().map_err(error)
}

/// Validates a message ID and puts it in angle brackets.
fn message_id(id: &str) -> Result<String, MessageError> {
    let bare = id.trim_start_matches('<').trim_end_matches('>');
    let good = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~.".contains(c);
    let reason = match bare.split_once('@') {
        _ if 250 < bare.len() => "it is too long",
        Some((left, right))
            if [left, right]
                .iter()
                .all(|part| !part.is_empty() && part.chars().all(good)) =>
        {
            return Ok(format!("<{bare}>"));
        }
        _ => "it must look like left@right",
    };
    Err(header_error("Message-ID", id, reason))
}

/// Validates a link and puts it in angle brackets (RFC 2369).
fn link(link: &str) -> Result<String, MessageError> {
    let reason = if !(link.starts_with("mailto:") || link.starts_with("https://")) {
        "it must begin with mailto: or https://"
    } else if !link
        .chars()
        .all(|c| c.is_ascii_graphic() && !"<>\"".contains(c))
    {
        "it must be a link in ASCII without spaces"
    } else if 900 < link.len() {
        "it is too long"
    } else {
        return Ok(format!("<{link}>"));
    };
    Err(header_error("List-Unsubscribe", link, reason))
}

fn header_error(name: &'static str, value: &str, reason: &'static str) -> MessageError {
    MessageError::Header {
        name,
        value: value.to_owned(),
        reason,
    }
}

/// A header with a value already validated as short, printable ASCII.
fn raw(name: &'static str, value: &str) -> HeaderValue {
    let name = HeaderName::new_from_ascii_str(name);
    HeaderValue::dangerous_new_pre_encoded(name, value.to_owned(), value.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

    use crate::cost::{LetterOccasion, letter};
    use trailtab_core::cost::report::{CostReport, sample};
    use trailtab_core::cost::wording::MailWording;

    fn envelope() -> MailEnvelope {
        MailEnvelope {
            from: "AWS cost <cost@example.com>".to_owned(),
            to: "dana@example.com".to_owned(),
            message_id: "20261121.abc@example.com".to_owned(),
            date: 1_795_240_800,
            list_unsubscribe: Some("mailto:cost@example.com?subject=unsubscribe".to_owned()),
        }
    }

    fn of(report: &CostReport) -> MailLetter {
        letter(report, &MailWording::default(), LetterOccasion::First, true).unwrap()
    }

    /// A part of a message, parsed strictly.
    #[derive(Debug)]
    struct Part {
        headers: Vec<(String, String)>,
        bytes: Vec<u8>,
        parts: Vec<Part>,
    }

    impl Part {
        fn header(&self, name: &str) -> &str {
            let mut values = self
                .headers
                .iter()
                .filter(|(key, _)| key.eq_ignore_ascii_case(name));
            let value = values
                .next()
                .unwrap_or_else(|| panic!("no {name} in {:?}", self.headers));
            assert!(values.next().is_none(), "{name} stands twice");
            &value.1
        }

        fn is(&self, kind: &str) -> bool {
            self.header("Content-Type").starts_with(kind)
        }
    }

    fn parse(text: &str) -> Part {
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        let mut headers: Vec<(String, String)> = Vec::new();
        for line in head.split("\r\n") {
            assert!(line.len() < 998 && !line.contains(['\r', '\n']), "{line}");
            match line.strip_prefix([' ', '\t']) {
                Some(more) => {
                    let last = &mut headers.last_mut().unwrap().1;
                    last.push(' ');
                    last.push_str(more);
                }
                None => {
                    let (name, value) = line.split_once(": ").unwrap();
                    headers.push((name.to_owned(), value.to_owned()));
                }
            }
        }
        let mut part = Part {
            headers,
            bytes: Vec::new(),
            parts: Vec::new(),
        };
        if part.is("multipart/") {
            let kind = part.header("Content-Type").to_owned();
            let boundary = kind
                .split("boundary=\"")
                .nth(1)
                .unwrap()
                .split('"')
                .next()
                .unwrap();
            let (inside, _) = body.split_once(&format!("--{boundary}--")).unwrap();
            let delimiter = format!("--{boundary}\r\n");
            let pieces = inside.split(&delimiter).skip(1);
            // The line break before a boundary is part of it.
            part.parts = pieces
                .map(|piece| parse(piece.strip_suffix("\r\n").unwrap()))
                .collect();
        } else {
            part.bytes = decode(part.header("Content-Transfer-Encoding"), body);
        }
        part
    }

    fn decode(encoding: &str, body: &str) -> Vec<u8> {
        if encoding == "base64" {
            return STANDARD.decode(body.replace("\r\n", "")).unwrap();
        }
        assert_eq!(encoding, "quoted-printable");
        let soft = body.replace("=\r\n", "");
        let mut out = Vec::new();
        let mut pieces = soft.split('=');
        out.extend(pieces.next().unwrap().bytes());
        for piece in pieces {
            out.push(u8::from_str_radix(&piece[..2], 16).unwrap());
            out.extend(piece[2..].bytes());
        }
        out
    }

    fn sent(letter: &MailLetter, envelope: &MailEnvelope) -> Part {
        let bytes = message(letter, envelope).unwrap();
        let text = String::from_utf8(bytes).unwrap();
        assert!(text.is_ascii());
        for line in text.split("\r\n") {
            assert!(
                line.len() <= 998 && !line.contains(['\r', '\n']),
                "{line:?}"
            );
        }
        parse(&text)
    }

    #[test]
    fn a_message_has_all_its_parts() {
        for report in [
            sample::manager(),
            sample::individual(),
            sample::executive(),
            sample::hostile(),
        ] {
            let letter = of(&report);
            let mixed = sent(&letter, &envelope());
            assert!(mixed.is("multipart/mixed"));
            let [alternative, table] = &mixed.parts[..] else {
                panic!()
            };
            assert!(alternative.is("multipart/alternative"));
            let [plain, related] = &alternative.parts[..] else {
                panic!()
            };
            assert!(plain.is("text/plain; charset=utf-8") && related.is("multipart/related"));
            let text = String::from_utf8(plain.bytes.clone()).unwrap();
            assert_eq!(
                text.replace("\r\n", "\n").trim_end(),
                letter.text.trim_end()
            );
            let [html, pictures @ ..] = &related.parts[..] else {
                panic!()
            };
            assert!(html.is("text/html; charset=utf-8"));
            let text = String::from_utf8(html.bytes.clone()).unwrap();
            assert_eq!(text.replace("\r\n", "\n").trim_end(), letter.html);
            assert_eq!(pictures.len(), letter.pictures.len());
            for (part, picture) in pictures.iter().zip(&letter.pictures) {
                assert!(part.is("image/png") && part.bytes == picture.png);
                assert_eq!(part.header("Content-ID"), format!("<{}>", picture.cid));
                let disposition = format!("inline; filename=\"{}\"", picture.name);
                assert_eq!(part.header("Content-Disposition"), disposition);
            }
            assert!(table.is(letter.attachments[0].content_type));
            let disposition = table.header("Content-Disposition");
            let name = &letter.attachments[0].name;
            assert_eq!(disposition, format!("attachment; filename=\"{name}\""));
            assert_eq!(table.bytes, letter.attachments[0].bytes);
        }
    }

    #[test]
    fn headers_are_complete() {
        let part = sent(&of(&sample::small()), &envelope());
        assert_eq!(part.header("From"), "\"AWS cost\" <cost@example.com>");
        assert_eq!(part.header("To"), "dana@example.com");
        assert_eq!(part.header("Message-ID"), "<20261121.abc@example.com>");
        assert_eq!(part.header("Date"), "Sat, 21 Nov 2026 06:00:00 +0000");
        assert_eq!(part.header("Auto-Submitted"), "auto-generated");
        let unsubscribe = "<mailto:cost@example.com?subject=unsubscribe>";
        assert_eq!(part.header("List-Unsubscribe"), unsubscribe);
        assert_eq!(part.header("MIME-Version"), "1.0");
        assert!(part.header("Subject").contains("=?utf-8?"));
    }

    #[test]
    fn names_put_no_headers_on_a_message() {
        let evil = "x\r\nBcc: all@example.com\r\n\r\nbody";
        let mut letter = of(&sample::small());
        let bad = |change: fn(&mut MailEnvelope, String)| {
            let mut envelope = envelope();
            change(&mut envelope, evil.to_owned());
            message(&of(&sample::small()), &envelope)
                .unwrap_err()
                .to_string()
        };
        bad(|envelope, evil| envelope.to = evil);
        bad(|envelope, evil| envelope.to = format!("{evil} <a@example.com>"));
        bad(|envelope, evil| envelope.from = format!("\"{evil}\" <a@example.com>"));
        bad(|envelope, evil| envelope.message_id = format!("a@{evil}"));
        bad(|envelope, evil| envelope.list_unsubscribe = Some(format!("mailto:{evil}")));
        // `letter` cleans these fields; a letter built elsewhere may not.
        evil.clone_into(&mut letter.subject);
        letter.pictures[0].name = evil.to_owned();
        letter.pictures[0].cid = evil.to_owned();
        letter.attachments[0].name = evil.to_owned();
        let part = sent(&letter, &envelope());
        assert!(part.headers.iter().all(|(name, _)| name != "Bcc"));
        let names = |part: &Part| {
            part.headers
                .iter()
                .map(|(name, _)| name.clone())
                .collect::<Vec<_>>()
        };
        assert!(
            part.parts
                .iter()
                .all(|part| !names(part).contains(&"Bcc".to_owned()))
        );
    }

    #[test]
    fn errors_name_what_is_wrong() {
        let error = |to: &str| {
            let envelope = MailEnvelope {
                to: to.to_owned(),
                ..envelope()
            };
            message(&of(&sample::small()), &envelope)
                .unwrap_err()
                .to_string()
        };
        assert!(error("nobody").starts_with("cannot address a mail to \"nobody\": "));
        let envelope = MailEnvelope {
            list_unsubscribe: Some("javascript:alert(1)".to_owned()),
            ..envelope()
        };
        let error = message(&of(&sample::small()), &envelope)
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("List-Unsubscribe") && error.contains("mailto:"),
            "{error}"
        );
    }

    #[test]
    fn a_page_needs_nothing_else() {
        let page = of(&sample::manager()).page();
        assert!(!page.contains("cid:") && !page.contains("<img"));
        assert_eq!(page.matches("<svg ").count(), 11);
        // A picture is read out as that of a mail is.
        assert!(page.contains(r#"aria-label="All accounts by owner, day by day. Largest, "#));
        let hostile = of(&sample::hostile()).page();
        assert!(hostile.contains("<svg ") && !hostile.contains("<script"));
    }
}
