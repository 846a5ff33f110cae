//! Escapes in JSON strings.

use wide::u8x16;

use super::{ScanResult, ScanStop};

/// Appends the unescaped contents of a string. Unknown escapes are kept as they are; an unpaired
/// surrogate becomes U+FFFD.
pub(super) fn unescape(raw: &[u8], out: &mut Vec<u8>) {
    // A string that contains JSON has an escape every few bytes. Copying a whole block and
    // truncating it is faster than copying a few bytes.
    out.reserve(raw.len() + BLOCK);
    let mut rest = raw;
    while let Some(block) = rest.first_chunk::<BLOCK>() {
        let backslashes = u8x16::new(*block).simd_eq(u8x16::splat(b'\\'));
        out.extend_from_slice(block);
        let plain = match backslashes.to_bitmask() {
            0 => {
                rest = &rest[BLOCK..];
                continue;
            }
            mask => mask.trailing_zeros() as usize,
        };
        out.truncate(out.len() - (BLOCK - plain));
        rest = escape(&rest[plain..], out);
    }
    while let Some(plain) = rest.iter().position(|&b| b == b'\\') {
        out.extend_from_slice(&rest[..plain]);
        rest = escape(&rest[plain..], out);
    }
    out.extend_from_slice(rest);
}

/// A buffer for unescaped strings, one after the other.
#[derive(Debug, Default)]
pub(in crate::event) struct UnescapedText {
    /// The strings, and bytes without a meaning after them: whole blocks are written.
    bytes: Vec<u8>,
    len: usize,
}

impl UnescapedText {
    /// The length of all strings.
    pub(in crate::event) fn len(&self) -> usize {
        self.len
    }

    /// The bytes of all strings, which need not be UTF-8.
    pub(in crate::event) fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }

    /// Removes the strings after the first `len` bytes.
    pub(in crate::event) fn truncate(&mut self, len: usize) {
        self.len = self.len.min(len);
    }

    /// Appends what [`unescape`] makes of the contents of a string, and finds the end of the string
    /// on the way. `json` begins after the opening quote. Returns the offset after the closing quote.
    ///
    /// # Errors
    ///
    /// Fails if the string does not end. Nothing is appended then.
    pub(in crate::event) fn push_string(&mut self, json: &[u8]) -> ScanResult<usize> {
        let (mut from, mut to) = (0, self.len);
        loop {
            let rest = json.get(from..).unwrap_or_default();
            let room = self.bytes.get_mut(to..).unwrap_or_default();
            let blocks = unescape_blocks(rest, room);
            (from, to) = (from + blocks.read, to + blocks.written);
            if blocks.is_end {
                self.len = to;
                return Ok(from);
            }
            if self.bytes.len() < to + BLOCK {
                self.bytes.resize(to + MORE_BYTES, 0);
            } else if blocks.written == 0 {
                return self.push_end(json, from, to);
            }
        }
    }

    /// Goes on with a string that has other escapes, or ends within a block: `from` is the offset in
    /// `json`, `to` the one in the buffer.
    #[cold]
    fn push_end(&mut self, json: &[u8], from: usize, to: usize) -> ScanResult<usize> {
        let rest = json.get(from..).unwrap_or_default();
        let (mut end, mut is_escaped) = (0, false);
        let end = loop {
            match rest.get(end) {
                None => return Err(ScanStop::Incomplete),
                Some(b'"') if !is_escaped => break end,
                Some(byte) => is_escaped = *byte == b'\\' && !is_escaped,
            }
            end += 1;
        };
        self.bytes.truncate(to);
        unescape(rest.get(..end).unwrap_or_default(), &mut self.bytes);
        self.len = self.bytes.len();
        Ok(from + end + 1)
    }
}

/// What [`unescape_blocks`] did.
struct UnescapedBlocks {
    read: usize,
    written: usize,
    /// Whether the closing quote was read.
    is_end: bool,
}

/// Unescapes a string, block by block, until it ends, or has another escape than `\"`, `\\` and `\/`,
/// or ends within a block, or the room is full.
fn unescape_blocks(json: &[u8], room: &mut [u8]) -> UnescapedBlocks {
    let (mut read, mut written) = (0, 0);
    let mut is_end = false;
    while let Some(bytes) = json
        .get(read..)
        .and_then(|rest| rest.first_chunk::<{ BLOCK + 1 }>())
        && let Some(room) = room
            .get_mut(written..)
            .and_then(|r| r.first_chunk_mut::<BLOCK>())
        && let Some(block) = bytes.first_chunk::<BLOCK>()
    {
        *room = *block;
        let block = u8x16::new(*block);
        let found = block.simd_eq(u8x16::splat(b'"')) | block.simd_eq(u8x16::splat(b'\\'));
        let found = found.to_bitmask();
        if found == 0 {
            (read, written) = (read + BLOCK, written + BLOCK);
            continue;
        }
        let plain = found.trailing_zeros() as usize % BLOCK;
        let next = bytes[plain + 1];
        if bytes[plain] == b'"' {
            (read, written) = (read + plain + 1, written + plain);
            is_end = true;
            break;
        }
        if !matches!(next, b'"' | b'\\' | b'/') {
            (read, written) = (read + plain, written + plain);
            break;
        }
        room[plain] = next;
        (read, written) = (read + plain + 2, written + plain + 1);
    }
    UnescapedBlocks {
        read,
        written,
        is_end,
    }
}

/// Bytes that are added to a buffer that is full.
const MORE_BYTES: usize = 8 << 10;

/// Number of bytes that are processed together.
const BLOCK: usize = 16;

/// Appends the character of the escape at the start of `raw`, and returns the bytes after it.
#[inline(always)]
fn escape<'a>(raw: &'a [u8], out: &mut Vec<u8>) -> &'a [u8] {
    let (byte, len) = match raw.get(1) {
        Some(&b @ (b'"' | b'\\' | b'/')) => (b, 2),
        Some(b'n') => (b'\n', 2),
        Some(b't') => (b'\t', 2),
        Some(b'r') => (b'\r', 2),
        Some(b'b') => (0x08, 2),
        Some(b'f') => (0x0c, 2),
        Some(b'u') => {
            let (character, len) = unicode_escape(raw);
            out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
            return &raw[len..];
        }
        _ => (b'\\', 1),
    };
    out.push(byte);
    &raw[len..]
}

/// Reads `\uXXXX`, with its second half for a surrogate; also returns its length.
fn unicode_escape(raw: &[u8]) -> (char, usize) {
    let unit = |at: usize| -> Option<u32> {
        let digits = raw.get(at..at + 6)?;
        if !digits.starts_with(b"\\u") || !digits[2..].iter().all(u8::is_ascii_hexdigit) {
            return None;
        }
        u32::from_str_radix(str::from_utf8(&digits[2..]).ok()?, 16).ok()
    };
    let Some(first) = unit(0) else {
        return (char::REPLACEMENT_CHARACTER, 2);
    };
    if let (0xd800..0xdc00, Some(second @ 0xdc00..0xe000)) = (first, unit(6)) {
        let code = 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00);
        return (
            char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER),
            12,
        );
    }
    (
        char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER),
        6,
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Appends all texts as strings of JSON and checks what was appended.
    fn check(texts: &[String], after: &str) {
        let mut out = UnescapedText::default();
        for text in texts {
            let json = serde_json::to_string(text).unwrap();
            let (start, contents) = (out.len(), &json[1..]);
            let cut = &contents[..contents.len() - 1];
            assert_eq!(out.push_string(cut.as_bytes()), Err(ScanStop::Incomplete));
            assert_eq!(out.len(), start, "nothing of a string without an end");
            let end = out.push_string(format!("{contents}{after}").as_bytes());
            assert_eq!(end, Ok(contents.len()));
            assert_eq!(&out.bytes()[start..], text.as_bytes());
        }
    }

    #[test]
    fn strings_of_every_length_are_appended() {
        for length in (0..100).chain([MORE_BYTES - 1, MORE_BYTES, 3 * MORE_BYTES]) {
            for end in ["", "\"", "\\", "\\\"", "\n", "\u{e9}"] {
                let text = ["x".repeat(length), end.to_owned()].concat();
                let quoted = ["\"a\\".repeat(length / 3), end.to_owned()].concat();
                for after in ["", "}", ",\"id\":\"a longer text than one block\""] {
                    check(&[text.clone(), quoted.clone(), text.clone()], after);
                }
            }
        }
    }

    proptest! {
        #[test]
        fn strings_are_appended_as_serde_json_reads_them(texts: Vec<String>, after: String) {
            check(&texts, &after);
        }
    }
}
