//! Lines of text with an object in them, such as those of a syslog or a CloudWatch Logs export.

use super::words::has_word;
use crate::event::scan::{JsonScanner, ScanResult, ScanStop};

/// Maximum length in bytes of the text before an object on its line.
const MAX_LINE_HEAD: usize = 16 << 10;

/// Returns whether a line of a text begins with something else than JSON.
pub(super) fn begins_with_text(scanner: &JsonScanner<'_>) -> ScanResult<bool> {
    let ahead = scanner.ahead(64);
    let Some((first, rest)) = ahead.split_first() else {
        return Err(ScanStop::Incomplete);
    };
    let is_json = match first {
        b'{' => true,
        bracket @ (b'[' | b'"') => match rest.iter().find(|b| !b.is_ascii_whitespace()) {
            Some(b'{' | b'[') => true,
            Some(b'"' | b']') => *bracket == b'[',
            Some(_) => false,
            // The next character may not have arrived yet.
            None if ahead.len() < 64 => return Err(ScanStop::Incomplete),
            None => true,
        },
        _ => false,
    };
    Ok(!is_json)
}

/// Skips the text before an object on its line, such as the timestamp of a CloudWatch Logs export.
pub(super) fn skip_line_head(is_text: bool, scanner: &mut JsonScanner<'_>) -> ScanResult<()> {
    let ahead = scanner.ahead(MAX_LINE_HEAD);
    let end = memchr::memchr(b'\n', ahead);
    let line = &ahead[..end.unwrap_or(ahead.len())];
    match object_start(line) {
        // What follows the last bracket may not have arrived yet.
        Some(at) if end.is_some() || !line[at + 1..].trim_ascii().is_empty() => {
            let (head, rest) = line.split_at(at);
            // If the first bracket of a record is damaged, the next one is of an object in it.
            let is_whole = !(has_word(head) || has_damage(head)) || has_word(rest);
            match is_whole {
                true => {
                    scanner.advance(at);
                    Ok(())
                }
                false if end.is_none() && ahead.len() < MAX_LINE_HEAD => Err(ScanStop::Incomplete),
                false => scanner.broken(),
            }
        }
        _ if end.is_none() && ahead.len() < MAX_LINE_HEAD => Err(ScanStop::Incomplete),
        _ if is_text && end.is_some() && is_prose(line) => {
            scanner.advance(line.len());
            Ok(())
        }
        _ => scanner.broken(),
    }
}

/// The offset of the first bracket in a line that an object begins with: a member's name, the end of
/// the object or the end of the line follows it.
pub(super) fn object_start(line: &[u8]) -> Option<usize> {
    memchr::memchr_iter(b'{', line).find(|at| {
        let mut rest = line[at + 1..].iter().filter(|b| !b.is_ascii_whitespace());
        matches!(rest.next(), None | Some(b'"' | b'}'))
    })
}

/// Returns whether a line of text is not part of a record: it has neither a record's words nor what only
/// JSON or damage looks like.
pub(super) fn is_prose(line: &[u8]) -> bool {
    !has_word(line) && !has_damage(line) && memchr::memmem::find(line, b"\":").is_none()
}

/// Returns whether a text has bytes that no text has; colours of terminals are none.
fn has_damage(text: &[u8]) -> bool {
    let is_damaged = |b: &u8| b.is_ascii_control() && !b.is_ascii_whitespace() && *b != 0x1b;
    text.iter().any(is_damaged)
}
