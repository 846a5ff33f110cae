//! Mails as their readers have them: the subject, the plain text, and the attached table.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::support::smtp::Taken;

/// A mail that was read.
#[derive(Debug, Clone)]
pub(super) struct ReadMail {
    pub(super) to: String,
    pub(super) subject: String,
    pub(super) text: String,
    /// Rows by column.
    pub(super) sheet: Vec<BTreeMap<String, String>>,
}

impl ReadMail {
    pub(super) fn of(taken: &Taken) -> ReadMail {
        let whole = MimePart::read(&taken.bytes);
        let of_type = |kind: &str| {
            let parts = whole.leaves().into_iter();
            let mut parts = parts.filter(|part| part.header("content-type").starts_with(kind));
            parts.next().map(MimePart::decoded)
        };
        let sheet = of_type("text/csv").unwrap_or_default();
        let mut sheet = csv::Reader::from_reader(sheet.as_slice());
        ReadMail {
            to: taken.to[0].clone(),
            subject: words(&whole.header("subject")),
            text: String::from_utf8(of_type("text/plain").unwrap())
                .unwrap()
                .replace("\r\n", "\n"),
            sheet: sheet.deserialize().map(Result::unwrap).collect(),
        }
    }
}

struct MimePart {
    /// By name in lower case.
    headers: BTreeMap<String, String>,
    body: String,
    parts: Vec<MimePart>,
}

impl MimePart {
    fn read(bytes: &[u8]) -> MimePart {
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        let head = head.replace("\r\n ", " ").replace("\r\n\t", " ");
        let headers = head.split("\r\n").map(|line| {
            let (name, value) = line.split_once(':').unwrap();
            (name.to_lowercase(), value.trim().to_owned())
        });
        let headers: BTreeMap<String, String> = headers.collect();
        let boundary = headers.get("content-type").and_then(|kind| {
            let (_, boundary) = kind.split_once("boundary=\"")?;
            boundary.split('"').next()
        });
        let parts = boundary.map(|boundary| {
            let inside = body.split(&format!("--{boundary}--")).next().unwrap();
            let delimiter = format!("--{boundary}\r\n");
            let parts = inside.split(&delimiter).skip(1);
            parts.map(|part| MimePart::read(part.as_bytes())).collect()
        });
        MimePart {
            parts: parts.unwrap_or_default(),
            body: body.to_owned(),
            headers,
        }
    }

    fn header(&self, name: &str) -> String {
        self.headers.get(name).cloned().unwrap_or_default()
    }

    fn leaves(&self) -> Vec<&MimePart> {
        match self.parts.is_empty() {
            true => vec![self],
            false => self.parts.iter().flat_map(MimePart::leaves).collect(),
        }
    }

    fn decoded(&self) -> Vec<u8> {
        match self
            .header("content-transfer-encoding")
            .to_lowercase()
            .as_str()
        {
            "base64" => STANDARD.decode(self.body.replace("\r\n", "")).unwrap(),
            "quoted-printable" => unquoted(&self.body.replace("=\r\n", "")),
            _ => self.body.clone().into_bytes(),
        }
    }
}

/// Decodes `=C3=A9`.
fn unquoted(text: &str) -> Vec<u8> {
    let mut pieces = text.split('=');
    let mut bytes = pieces.next().unwrap_or_default().as_bytes().to_vec();
    for piece in pieces {
        let (code, rest) = piece.split_at(2);
        bytes.push(u8::from_str_radix(code, 16).unwrap());
        bytes.extend(rest.as_bytes());
    }
    bytes
}

/// Decodes the encoded words of a header (RFC 2047). The space between two of them is no part of the text.
fn words(header: &str) -> String {
    let mut out = Vec::new();
    let mut was_encoded = true;
    for word in header.split(' ') {
        let encoded = word
            .strip_prefix("=?utf-8?")
            .and_then(|word| word.strip_suffix("?="));
        let decoded = encoded.and_then(|word| match word.split_once('?')? {
            ("b", word) => STANDARD.decode(word).ok(),
            (_, word) => Some(unquoted(&word.replace('_', " "))),
        });
        if !(was_encoded && (decoded.is_some() || out.is_empty())) {
            out.push(b' ');
        }
        was_encoded = decoded.is_some();
        out.extend(decoded.unwrap_or_else(|| word.as_bytes().to_vec()));
    }
    String::from_utf8(out).unwrap()
}
