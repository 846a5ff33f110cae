//! Escapes in JSON strings.

use wide::u8x16;

use super::{BlockOperation, ByteBlocks, ScanResult, ScanStop, with_best_blocks};

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
            if self.bytes.len() < to + 2 * WIDE_BLOCK {
                self.bytes.resize(to + MORE_BYTES, 0);
            }
            let blocks = with_best_blocks(BlockUnescaping {
                json: json.get(from..).unwrap_or_default(),
                room: self.bytes.get_mut(to..).unwrap_or_default(),
            });
            (from, to) = (from + blocks.read, to + blocks.written);
            match blocks.stop {
                UnescapingStop::StringEnd => {
                    self.len = to;
                    return Ok(from);
                }
                UnescapingStop::NoRoom => {}
                UnescapingStop::Other => return self.push_end(json, from, to),
            }
        }
    }

    /// Continues with a string that has other escapes, or is near the end of the text: `from` is the offset in
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

/// What [`BlockUnescaping`] did.
struct UnescapedBlocks {
    read: usize,
    written: usize,
    stop: UnescapingStop,
}

/// Why [`BlockUnescaping`] ended.
enum UnescapingStop {
    /// The closing quote was read.
    StringEnd,
    /// The room is full.
    NoRoom,
    /// Another escape than `\"`, `\\` and `\/` follows, or there are too few bytes for a block.
    Other,
}

/// Unescapes a string, block by block.
struct BlockUnescaping<'a> {
    json: &'a [u8],
    room: &'a mut [u8],
}

impl BlockOperation for BlockUnescaping<'_> {
    type Output = UnescapedBlocks;

    /// Removes each backslash that begins an escape: writes the rest of the block in its place, whatever the distance
    /// to the next one.
    #[inline(always)]
    fn with<B: ByteBlocks>(self, blocks: B) -> UnescapedBlocks {
        let (mut read, mut written) = (0, 0);
        let stop = loop {
            let ahead = self.json.get(read..).and_then(<[u8]>::first_chunk);
            let Some(bytes): Option<&[u8; 2 * WIDE_BLOCK]> = ahead else {
                break UnescapingStop::Other;
            };
            let room = self.room.get_mut(written..);
            let room = room.and_then(<[u8]>::first_chunk_mut);
            let Some(room): Option<&mut [u8; 2 * WIDE_BLOCK]> = room else {
                break UnescapingStop::NoRoom;
            };
            let (block, _) = bytes.split_at(WIDE_BLOCK);
            let Some(block) = block.first_chunk() else {
                break UnescapingStop::Other;
            };
            let masks = blocks.masks(block);
            let escapes = escapes(masks.backslash);
            let mut left = escapes;
            room[..WIDE_BLOCK].copy_from_slice(block);
            let mut removed = 0;
            while left != 0 {
                let at = left.trailing_zeros() as usize % WIDE_BLOCK;
                let to = at - removed.min(at);
                room[to..to + WIDE_BLOCK].copy_from_slice(&bytes[at + 1..at + 1 + WIDE_BLOCK]);
                removed += 1;
                left &= left - 1;
            }
            let quotes = masks.quote & !(escapes << 1);
            let others = others(escapes & !((masks.quote | masks.backslash) >> 1), bytes);
            // The last escape may be cut; the next block begins with it.
            let stops = quotes | others | escapes & CUT_ESCAPE;
            if stops == 0 {
                (read, written) = (read + WIDE_BLOCK, written + WIDE_BLOCK - removed);
                continue;
            }
            let end = stops.trailing_zeros();
            let before = (escapes & !(u64::MAX << end)).count_ones();
            (read, written) = (read + end as usize, written + (end - before) as usize);
            if quotes >> end & 1 == 1 {
                read += 1;
                break UnescapingStop::StringEnd;
            }
            if others >> end & 1 == 1 {
                break UnescapingStop::Other;
            }
        };
        UnescapedBlocks {
            read,
            written,
            stop,
        }
    }
}

/// Which backslashes begin an escape, if the byte before the first one does not: every second one of each run.
#[inline(always)]
fn escapes(backslashes: u64) -> u64 {
    const EVEN: u64 = 0x5555_5555_5555_5555;
    let begins = backslashes & !(backslashes << 1);
    // The carry of a run that begins at an even bit clears it.
    let of_odd = backslashes & backslashes.wrapping_add(begins & EVEN);
    let of_even = backslashes & !of_odd;
    of_even & EVEN | of_odd & !EVEN
}

/// Which escapes are not `\/` either. Ignores the last one of a block.
#[inline(always)]
fn others(escapes: u64, bytes: &[u8; 2 * WIDE_BLOCK]) -> u64 {
    let mut left = escapes & !CUT_ESCAPE;
    let mut others = 0;
    while left != 0 {
        let at = left.trailing_zeros() as usize % WIDE_BLOCK;
        if bytes[at + 1] != b'/' {
            others |= 1 << at;
        }
        left &= left - 1;
    }
    others
}

/// The bit of the last byte of a block.
const CUT_ESCAPE: u64 = 1 << (WIDE_BLOCK - 1);

/// Number of bytes of [`BlockUnescaping`] that are processed together.
const WIDE_BLOCK: usize = 64;

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

    /// Contents of a string with escapes at any distance, also across blocks.
    fn contents() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            4 => prop::sample::select(&["\\\"", "\\\\", "\\/", "/", "x"][..])
                .prop_map(str::to_owned),
            1 => (0..80_usize).prop_map(|len| "x".repeat(len)),
            1 => (0..80_usize).prop_map(|len| r"\\".repeat(len)),
        ];
        let pieces = prop::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat());
        let end = prop::sample::select(&["", r"\n", r"\u00e9", r"\ud83d\ude00"][..]);
        (pieces.clone(), end, pieces).prop_map(|(a, end, b)| [&a, end, &b].concat())
    }

    proptest! {
        #[test]
        fn escapes_at_any_distance_are_read_as_serde_json_reads_them(
            contents in contents(),
            after in 0..200_usize,
        ) {
            let json = format!("{contents}\"{}", ",".repeat(after));
            let mut out = UnescapedText::default();
            prop_assert_eq!(out.push_string(json.as_bytes()), Ok(contents.len() + 1));
            let expected: String = serde_json::from_str(&format!("\"{contents}\"")).unwrap();
            prop_assert_eq!(str::from_utf8(out.bytes()).unwrap(), expected);
        }

        #[test]
        fn strings_are_appended_as_serde_json_reads_them(texts: Vec<String>, after: String) {
            check(&texts, &after);
        }
    }
}
