//! What a document is, by the bytes that it begins with.

use trailtab_core::event::csv::{self, CsvForm};
use trailtab_core::event::envelope;
use trailtab_core::event::gunzip;

/// Number of bytes in which the header and the first rows of a table are looked for.
const TABLE_HEAD: usize = 64 << 10;

/// What a document's first bytes say that it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DocumentFormat {
    Json,
    Csv(CsvForm),
    /// Text with records in it, such as a syslog.
    Text,
    /// Records behind one more layer.
    Wrapped(Wrapping),
    /// Several documents.
    Archive(ArchiveKind),
    /// A known format that is not supported: its name, and what the user can do.
    NotRead(&'static str, &'static str),
    /// Nothing that holds events.
    Other,
}

/// A layer around a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wrapping {
    Gzip,
    Zstd,
    Bzip2,
    Xz,
    Base64,
    Utf16LittleEndian,
    Utf16BigEndian,
}

impl Wrapping {
    pub(super) fn name(self) -> &'static str {
        match self {
            Wrapping::Gzip => "gzip",
            Wrapping::Zstd => "zstd",
            Wrapping::Bzip2 => "bzip2",
            Wrapping::Xz => "xz",
            Wrapping::Base64 => "base64",
            Wrapping::Utf16LittleEndian | Wrapping::Utf16BigEndian => "UTF-16",
        }
    }
}

/// A file of several files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ArchiveKind {
    Tar,
    Zip,
}

const UNPACK: &str = "unpack it first";

/// Layers and archives by the bytes that they begin with.
const SIGNATURES: [(&[u8], DocumentFormat); 18] = [
    (b"\x28\xb5\x2f\xfd", DocumentFormat::Wrapped(Wrapping::Zstd)),
    (b"BZh", DocumentFormat::Wrapped(Wrapping::Bzip2)),
    (b"\xfd7zXZ\0", DocumentFormat::Wrapped(Wrapping::Xz)),
    (
        b"\xff\xfe",
        DocumentFormat::Wrapped(Wrapping::Utf16LittleEndian),
    ),
    (
        b"\xfe\xff",
        DocumentFormat::Wrapped(Wrapping::Utf16BigEndian),
    ),
    (b"{\0", DocumentFormat::Wrapped(Wrapping::Utf16LittleEndian)),
    (b"[\0", DocumentFormat::Wrapped(Wrapping::Utf16LittleEndian)),
    (b"\0{", DocumentFormat::Wrapped(Wrapping::Utf16BigEndian)),
    (b"\0[", DocumentFormat::Wrapped(Wrapping::Utf16BigEndian)),
    (b"PK\x03\x04", DocumentFormat::Archive(ArchiveKind::Zip)),
    (b"PAR1", DocumentFormat::NotRead("a Parquet file", UNPACK)),
    (b"ORC", DocumentFormat::NotRead("an ORC file", UNPACK)),
    (b"Obj\x01", DocumentFormat::NotRead("an Avro file", UNPACK)),
    (
        b"7z\xbc\xaf\x27\x1c",
        DocumentFormat::NotRead("a 7z archive", UNPACK),
    ),
    (
        b"Rar!\x1a\x07",
        DocumentFormat::NotRead("a RAR archive", UNPACK),
    ),
    (
        b"\x04\x22\x4d\x18",
        DocumentFormat::NotRead("compressed with LZ4", UNPACK),
    ),
    (
        b"\xff\x06\0\0sNaPpY",
        DocumentFormat::NotRead("compressed with Snappy", UNPACK),
    ),
    (
        b"\x82SNAPPY\0",
        DocumentFormat::NotRead("compressed with Snappy", UNPACK),
    ),
];

/// Returns what a document is. `head` is its beginning, as far as it was read.
pub(super) fn format_of(head: &[u8]) -> DocumentFormat {
    let text = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
    let text = text.trim_ascii_start();
    let mut letters = text.iter().filter(|b| !b.is_ascii_whitespace());
    match (letters.next(), letters.next()) {
        (Some(b'{'), Some(b'\0')) | (Some(b'['), Some(b'\0')) => {}
        (Some(b'{'), _) => return DocumentFormat::Json,
        (Some(b'['), None | Some(b'{' | b'[' | b'"' | b']')) => return DocumentFormat::Json,
        (Some(b'"'), Some(b'{' | b'[')) => return DocumentFormat::Json,
        // A CloudWatch Logs export: a time, a space, and the event.
        (Some(b'0'..=b'9'), _) if is_export(text) => return DocumentFormat::Json,
        _ => {}
    }
    if gunzip::is_gzip(head) {
        return DocumentFormat::Wrapped(Wrapping::Gzip);
    }
    let known = SIGNATURES
        .iter()
        .find(|(signature, _)| head.starts_with(signature));
    if let Some((_, format)) = known {
        return *format;
    }
    if head.get(257..262) == Some(b"ustar") {
        return DocumentFormat::Archive(ArchiveKind::Tar);
    }
    if is_base64_of_gzip(text) {
        return DocumentFormat::Wrapped(Wrapping::Base64);
    }
    if let Some(form) = csv::form_of(&text[..text.len().min(TABLE_HEAD)]) {
        return DocumentFormat::Csv(form);
    }
    match envelope::looks_like_cloud_trail(text) {
        true if is_yaml(text) => {
            DocumentFormat::NotRead("YAML", "write it with --output json instead")
        }
        true => DocumentFormat::Text,
        false => DocumentFormat::Other,
    }
}

fn is_export(text: &[u8]) -> bool {
    let line = &text[..text.len().min(64)];
    memchr::memmem::find(line, b"Z {").is_some()
}

fn is_base64_of_gzip(text: &[u8]) -> bool {
    let is_base64 =
        |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'=' | b'\r' | b'\n');
    text.starts_with(b"H4sI") && text[..text.len().min(512)].iter().all(is_base64)
}

/// Returns whether a text is a command's output in YAML.
fn is_yaml(text: &[u8]) -> bool {
    const KEYS: [&[u8]; 5] = [
        b"Events:",
        b"CloudTrailEvent:",
        b"EventId:",
        b"NextToken:",
        b"Records:",
    ];
    let lines = text.split(|b| *b == b'\n').take(10);
    lines.into_iter().any(|line| {
        let line = line.trim_ascii_start();
        let line = line.strip_prefix(b"- ").unwrap_or(line);
        KEYS.iter().any(|key| line.starts_with(key))
    })
}

/// Describes a document without events, for users who expected some.
pub(super) fn description(head: &[u8]) -> &'static str {
    let text = head.trim_ascii_start();
    let begins = |prefix: &[u8]| {
        text.get(..prefix.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(prefix))
    };
    if head.iter().all(|b| *b == 0) {
        "it is zeros"
    } else if begins(b"<!doctype html") || begins(b"<html") {
        "it is HTML, such as a page to sign in"
    } else if begins(b"<?xml") || begins(b"<error") {
        "it is XML, such as an error message"
    } else if begins(b"-----BEGIN PGP MESSAGE") || begins(b"age-encryption.org/") {
        "it is encrypted"
    } else if begins(b"version https://git-lfs") {
        "it is a pointer of Git LFS to a file that was not fetched"
    } else if head.starts_with(b"\0\x05\x16\x07") {
        "it is what macOS keeps beside a file"
    } else if head
        .iter()
        .take(4096)
        .any(|b| *b >= 0x80 || (*b < 0x20 && !b.is_ascii_whitespace()))
    {
        "its bytes are of no known form, as if encrypted or damaged"
    } else {
        "it is text of another form"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_are_told_apart_by_their_first_bytes() {
        let json = [
            "{",
            " \n[{",
            "[]",
            "\u{feff}{\"a\":1}",
            "\"{\\\"eventName\\\":1}\"",
            "2026-09-07T08:00:00.000Z {\"eventVersion\":\"1.08\"}",
        ];
        for text in json {
            assert_eq!(format_of(text.as_bytes()), DocumentFormat::Json, "{text}");
        }
        let text = [
            "<134>Sep  7 08:00:00 host app: {\"eventName\":\"A\"}",
            "[2026-09-07] {\"eventName\":\"A\"}",
            "EVENTS\tAKIAEXAMPLE\t{\"eventVersion\": \"1.08\", \"eventName\": \"A\"}",
            "eventName=A eventSource=s",
        ];
        for text in text {
            assert_eq!(format_of(text.as_bytes()), DocumentFormat::Text, "{text}");
        }
        for text in [
            "",
            "eventName",
            "<html>",
            "[2026-09-07] started",
            "version https://git-lfs",
        ] {
            assert_eq!(format_of(text.as_bytes()), DocumentFormat::Other, "{text}");
        }
        for yaml in [
            "Events:\n- CloudTrailEvent: '{\"eventName\":\"A\"}'\n",
            "- EventName: A\n  EventId: a\n",
        ] {
            let format = format_of(yaml.as_bytes());
            assert!(
                matches!(format, DocumentFormat::NotRead("YAML", _)),
                "{format:?}"
            );
        }
        for table in [
            "@timestamp,@message\n2026,\"{\"\"eventName\"\":1}\"",
            "eventName;eventTime\nA;b",
        ] {
            let format = format_of(table.as_bytes());
            assert!(matches!(format, DocumentFormat::Csv(_)), "{format:?}");
        }
        for (head, wrapping) in [
            (&b"\x1f\x8b\x08"[..], Wrapping::Gzip),
            (b"\xff\xfe{\0", Wrapping::Utf16LittleEndian),
            (b"\0{\0\"", Wrapping::Utf16BigEndian),
            (b"{\0\"\0", Wrapping::Utf16LittleEndian),
            (b"H4sIAAAAAAAC\n", Wrapping::Base64),
        ] {
            assert_eq!(format_of(head), DocumentFormat::Wrapped(wrapping));
        }
    }
}
