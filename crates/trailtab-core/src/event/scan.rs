//! A forward-only JSON scanner that extracts the few values in use and skips the rest.
//!
//! Most bytes of a CloudTrail record are request and response bodies, which are not counted. A
//! general parser looks at each of their tokens. This scanner skips a nested value 64 bytes at a
//! time and looks only for quotes, backslashes and brackets. It therefore accepts slightly more
//! than JSON inside skipped values (`{"a":,}` passes there). Everything that serde_json accepts it
//! reads in the same way, which the fuzz target `records` checks.

use std::borrow::Cow;
use std::convert::Infallible;
use std::ops::ControlFlow;

use wide::{u8x16, u8x32};

/// Why scanning stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScanStop {
    /// The buffer ended inside a value, which may be valid once more bytes arrive.
    Incomplete,
    /// The byte at this offset is not valid JSON.
    Broken(usize),
}

/// The result of reading one part of a document.
pub type ScanResult<T> = Result<T, ScanStop>;

/// The contents of a JSON string (or the text of a number), as they stand in the document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct JsonText<'a> {
    raw: &'a [u8],
    escaped: bool,
}

impl<'a> JsonText<'a> {
    /// Wraps a text without JSON escapes, such as a CSV cell.
    pub const fn plain(raw: &'a [u8]) -> Self {
        JsonText {
            raw,
            escaped: false,
        }
    }

    /// Returns the bytes if they need no unescaping.
    #[inline]
    pub fn unescaped(self) -> Option<&'a [u8]> {
        (!self.escaped).then_some(self.raw)
    }

    /// Tells whether the text is empty.
    pub fn is_empty(self) -> bool {
        self.raw.is_empty()
    }

    /// Returns the unescaped text. Invalid UTF-8 becomes U+FFFD.
    pub fn decode(self) -> Cow<'a, str> {
        if self.escaped {
            let mut bytes = Vec::new();
            unescape(self.raw, &mut bytes);
            Cow::Owned(into_string_lossy(bytes))
        } else {
            // Nearly always valid, which is found out much faster than what is not.
            match str::from_utf8(self.raw) {
                Ok(text) => Cow::Borrowed(text),
                Err(_) => String::from_utf8_lossy(self.raw),
            }
        }
    }

    /// Appends the unescaped bytes, which need not be UTF-8.
    pub fn decode_into(self, out: &mut Vec<u8>) {
        if self.escaped {
            unescape(self.raw, out);
        } else {
            out.extend_from_slice(self.raw);
        }
    }

    /// Passes the unescaped bytes, which need not be UTF-8, to a function.
    #[inline]
    pub fn with_bytes<R>(self, read: impl FnOnce(&[u8]) -> R) -> R {
        match self.unescaped() {
            Some(raw) => read(raw),
            None => {
                let mut bytes = Vec::new();
                unescape(self.raw, &mut bytes);
                read(&bytes)
            }
        }
    }

    /// Tells whether the text looks like a JSON object or array inside a string.
    pub fn holds_json(self) -> bool {
        let mut letters = self.raw.iter().filter(|b| !b.is_ascii_whitespace());
        // In a string, the quote or line break that follows the bracket is escaped.
        matches!(letters.next(), Some(b'{' | b'['))
    }

    /// Compares the unescaped text.
    #[inline]
    pub fn is_exactly(self, other: &str) -> bool {
        match self.unescaped() {
            Some(raw) => raw == other.as_bytes(),
            None => self.decode() == other,
        }
    }

    /// Compares, ignoring ASCII case, with a text that contains no characters that JSON escapes.
    #[inline]
    pub fn is(self, other: &str) -> bool {
        match self.unescaped() {
            Some(raw) => raw.eq_ignore_ascii_case(other.as_bytes()),
            None => self.decode().eq_ignore_ascii_case(other),
        }
    }
}

fn into_string_lossy(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap_or_else(|e| String::from_utf8_lossy(e.as_bytes()).into_owned())
}

/// A position in a buffer of JSON text.
#[derive(Debug, Clone)]
pub struct JsonScanner<'a> {
    buf: &'a [u8],
    pos: usize,
}

impl<'a> JsonScanner<'a> {
    /// Creates a scanner of `buf` that begins at the offset `pos`.
    pub fn new(buf: &'a [u8], pos: usize) -> Self {
        JsonScanner { buf, pos }
    }

    /// The offset of the next unread byte.
    pub fn pos(&self) -> usize {
        self.pos
    }

    /// Returns the error that the byte at the current offset is not valid.
    pub fn broken<T>(&self) -> ScanResult<T> {
        Err(ScanStop::Broken(self.pos))
    }

    /// Skips one byte that `peek` has returned.
    pub fn bump(&mut self) {
        self.pos += 1;
    }

    /// Returns up to `len` of the next bytes without skipping them.
    pub fn ahead(&self, len: usize) -> &'a [u8] {
        let rest = self.buf.get(self.pos..).unwrap_or_default();
        &rest[..len.min(rest.len())]
    }

    /// Skips bytes that `ahead` has returned.
    pub fn advance(&mut self, len: usize) {
        self.pos += len;
    }

    /// Returns the bytes from here to the position of a later clone of this scanner.
    pub fn until(&self, later: &JsonScanner<'a>) -> &'a [u8] {
        self.buf.get(self.pos..later.pos).unwrap_or_default()
    }

    /// Returns the next byte that is not white space, without skipping it.
    #[inline(always)]
    pub fn peek(&mut self) -> ScanResult<u8> {
        loop {
            match self.buf.get(self.pos) {
                Some(b' ' | b'\n' | b'\r' | b'\t') => self.pos += 1,
                Some(&b) => return Ok(b),
                None => return Err(ScanStop::Incomplete),
            }
        }
    }

    /// Skips `wanted`, which must be the next byte that is not white space.
    #[inline]
    pub fn expect(&mut self, wanted: u8) -> ScanResult<()> {
        if self.peek()? != wanted {
            return self.broken();
        }
        self.bump();
        Ok(())
    }

    /// Reads a member's name and the colon after it.
    #[inline(always)]
    pub fn name(&mut self) -> ScanResult<JsonText<'a>> {
        if self.peek()? != b'"' {
            return self.broken();
        }
        let name = self.string()?;
        // Compact JSON, as CloudTrail writes it, has the colon directly after the name.
        match self.buf.get(self.pos) {
            Some(b':') => self.bump(),
            _ => self.expect(b':')?,
        }
        Ok(name)
    }

    /// Reads a string; the opening quote is the next byte.
    #[inline(always)]
    pub fn string(&mut self) -> ScanResult<JsonText<'a>> {
        let start = self.pos + 1;
        // Names and most values end within two blocks.
        let rest = self.buf.get(start..).unwrap_or_default();
        if let Some(chunk) = rest.first_chunk::<32>() {
            let bytes = u8x32::new(*chunk);
            let quotes = bytes.simd_eq(u8x32::splat(b'"')).to_bitmask();
            let backslashes = bytes.simd_eq(u8x32::splat(b'\\')).to_bitmask();
            let len = quotes.trailing_zeros();
            if len < backslashes.trailing_zeros() {
                let raw = rest.get(..len as usize).unwrap_or_default();
                self.pos = start + raw.len() + 1;
                let escaped = false;
                return Ok(JsonText { raw, escaped });
            }
        }
        self.long_string(start)
    }

    #[inline(never)]
    fn long_string(&mut self, start: usize) -> ScanResult<JsonText<'a>> {
        let mut at = start;
        let mut escaped = false;
        loop {
            at = find_quote_or_backslash(self.buf, at).ok_or(ScanStop::Incomplete)?;
            if self.buf[at] == b'"' {
                break;
            }
            escaped = true;
            at += 2;
        }
        self.pos = at + 1;
        Ok(JsonText {
            raw: &self.buf[start..at],
            escaped,
        })
    }

    /// Reads a value as text: the contents of a string, or the characters of a number or boolean. Skips `null`,
    /// objects and arrays, and returns nothing, as if the member were absent.
    #[inline(always)]
    pub fn text(&mut self) -> ScanResult<Option<JsonText<'a>>> {
        match self.peek()? {
            b'"' => self.string().map(Some),
            b'{' | b'[' => self.nested().map(|_| None),
            _ => {
                let raw = self.literal()?;
                Ok((raw != b"null").then_some(JsonText::plain(raw)))
            }
        }
    }

    /// Reads `true` or `false`, also as a string; any other value counts as absent.
    pub fn boolean(&mut self) -> ScanResult<Option<bool>> {
        Ok(self.text()?.and_then(|text| match text.unescaped() {
            Some(raw) if raw.eq_ignore_ascii_case(b"true") => Some(true),
            Some(raw) if raw.eq_ignore_ascii_case(b"false") => Some(false),
            _ => None,
        }))
    }

    /// Skips a value and returns its bytes.
    #[inline]
    pub fn skip(&mut self) -> ScanResult<&'a [u8]> {
        match self.peek()? {
            b'"' => {
                let start = self.pos;
                self.string()?;
                Ok(&self.buf[start..self.pos])
            }
            b'{' | b'[' => self.nested(),
            _ => self.literal(),
        }
    }

    /// Skips the next value if it equals `known`, the bytes of a whole object; returns whether it
    /// did.
    #[inline]
    pub fn skip_known(&mut self, known: &[u8]) -> ScanResult<bool> {
        self.peek()?;
        let rest = self.buf.get(self.pos..).unwrap_or_default();
        let is_known = !known.is_empty() && rest.starts_with(known);
        self.pos += if is_known { known.len() } else { 0 };
        Ok(is_known)
    }

    /// Calls `member` for each member of the next object; it must read or skip the value.
    #[inline]
    pub fn members(
        &mut self,
        mut member: impl FnMut(&mut Self, JsonText<'a>) -> ScanResult<()>,
    ) -> ScanResult<()> {
        self.members_until::<Infallible>(|scanner, name| {
            member(scanner, name)?;
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(())
    }

    /// Like [`JsonScanner::members`], but stops when `member` breaks.
    #[inline]
    pub fn members_until<B>(
        &mut self,
        mut member: impl FnMut(&mut Self, JsonText<'a>) -> ScanResult<ControlFlow<B>>,
    ) -> ScanResult<ControlFlow<B>> {
        self.expect(b'{')?;
        loop {
            match self.peek()? {
                b'}' => {
                    self.bump();
                    return Ok(ControlFlow::Continue(()));
                }
                b',' => self.bump(),
                _ => {
                    let name = self.name()?;
                    if let ControlFlow::Break(at) = member(self, name)? {
                        return Ok(ControlFlow::Break(at));
                    }
                }
            }
        }
    }

    /// Calls `element` for each element of the next array; it must read or skip the value.
    pub fn elements(
        &mut self,
        mut element: impl FnMut(&mut Self) -> ScanResult<()>,
    ) -> ScanResult<()> {
        self.expect(b'[')?;
        loop {
            match self.peek()? {
                b']' => {
                    self.bump();
                    return Ok(());
                }
                b',' => self.bump(),
                _ => element(self)?,
            }
        }
    }

    /// Reads a number or a word: everything up to the next delimiter.
    fn literal(&mut self) -> ScanResult<&'a [u8]> {
        let rest = &self.buf[self.pos..];
        let len = rest
            .iter()
            .position(|b| !(b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.')))
            .ok_or(ScanStop::Incomplete)?;
        if len == 0 {
            return self.broken();
        }
        self.pos += len;
        Ok(&rest[..len])
    }

    /// Skips an object or array, whose bracket is the next byte, and returns its bytes.
    fn nested(&mut self) -> ScanResult<&'a [u8]> {
        let start = self.pos;
        let mut blocks = BlockState::default();
        let mut at = start;
        while let Some(block) = self.buf[at..].first_chunk::<64>() {
            if let Some(end) = blocks.step(block) {
                self.pos = at + end;
                return Ok(&self.buf[start..self.pos]);
            }
            at += 64;
        }
        let rest = &self.buf[at..];
        let mut padded = [b' '; 64];
        padded[..rest.len()].copy_from_slice(rest);
        let end = blocks.step(&padded).ok_or(ScanStop::Incomplete)?;
        self.pos = at + end;
        Ok(&self.buf[start..self.pos])
    }
}

/// The state of skipping a nested value, carried from block to block.
#[derive(Default)]
struct BlockState {
    depth: u64,
    /// All ones while the block begins inside a string.
    in_string: u64,
    /// One if the block's first byte is escaped by the last byte of the block before.
    escaped: u64,
}

impl BlockState {
    /// Takes 64 bytes; returns the offset after the bracket that closes the value, if it is in this
    /// block.
    #[inline]
    fn step(&mut self, block: &[u8; 64]) -> Option<usize> {
        let masks = BlockMasks::of(block);
        let escaped = self.escape(masks.backslash);
        let inside = prefix_xor(masks.quote & !escaped) ^ self.in_string;
        // The sign bit says whether the block ends inside a string; spread it over all bits.
        self.in_string = ((inside as i64) >> 63) as u64;
        self.find_end(masks.open & !inside, masks.close & !inside)
    }

    /// Checks the brackets one by one: few blocks have more than one or two.
    #[inline]
    fn find_end(&mut self, open: u64, close: u64) -> Option<usize> {
        let mut brackets = open | close;
        while brackets != 0 {
            let at = brackets.trailing_zeros();
            if open >> at & 1 == 1 {
                self.depth += 1;
            } else if self.depth == 1 {
                return Some(at as usize + 1);
            } else {
                self.depth -= 1;
            }
            brackets &= brackets - 1;
        }
        None
    }

    /// Returns which bytes are escaped by a backslash before them.
    #[inline]
    fn escape(&mut self, backslash: u64) -> u64 {
        let mut escaped = self.escaped;
        let mut left = backslash & !escaped;
        self.escaped = 0;
        while left != 0 {
            let at = left.trailing_zeros();
            if at == 63 {
                self.escaped = 1;
                break;
            }
            let next = 1 << (at + 1);
            escaped |= next;
            left &= left - 1;
            left &= !next;
        }
        escaped
    }
}

/// One bit for each byte of a block, set if the byte is of that kind.
struct BlockMasks {
    quote: u64,
    backslash: u64,
    open: u64,
    close: u64,
}

impl BlockMasks {
    #[inline]
    fn of(block: &[u8; 64]) -> BlockMasks {
        let mut masks = BlockMasks {
            quote: 0,
            backslash: 0,
            open: 0,
            close: 0,
        };
        let (chunks, _) = block.as_chunks::<16>();
        for (i, chunk) in chunks.iter().enumerate() {
            let bytes = u8x16::new(*chunk);
            // `{` and `[` differ only in bit 0x20, and so do `}` and `]`.
            let folded = bytes | u8x16::splat(0x20);
            let mask = |b: u8, bytes: u8x16| u64::from(bytes.simd_eq(u8x16::splat(b)).to_bitmask());
            masks.quote |= mask(b'"', bytes) << (16 * i);
            masks.backslash |= mask(b'\\', bytes) << (16 * i);
            masks.open |= mask(b'{', folded) << (16 * i);
            masks.close |= mask(b'}', folded) << (16 * i);
        }
        masks
    }
}

/// Sets each bit to the parity of the bits up to and including it.
#[inline]
fn prefix_xor(mut bits: u64) -> u64 {
    for shift in [1, 2, 4, 8, 16, 32] {
        bits ^= bits << shift;
    }
    bits
}

/// Returns the offset of the first quote or backslash at or after `at`.
#[inline]
fn find_quote_or_backslash(buf: &[u8], mut at: usize) -> Option<usize> {
    loop {
        let rest = buf.get(at..)?;
        let Some(chunk) = rest.first_chunk::<16>() else {
            let found = rest.iter().position(|b| matches!(b, b'"' | b'\\'))?;
            return Some(at + found);
        };
        let bytes = u8x16::new(*chunk);
        let found = bytes.simd_eq(u8x16::splat(b'"')) | bytes.simd_eq(u8x16::splat(b'\\'));
        match found.to_bitmask() {
            0 => at += 16,
            mask => return Some(at + mask.trailing_zeros() as usize),
        }
    }
}

/// Appends the unescaped contents of a string. Unknown escapes are kept as they are; an unpaired
/// surrogate becomes U+FFFD.
fn unescape(raw: &[u8], out: &mut Vec<u8>) {
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

    fn skip(json: &str) -> ScanResult<&[u8]> {
        JsonScanner::new(json.as_bytes(), 0).skip()
    }

    #[test]
    fn nested_values_end_at_their_own_bracket() {
        let cases = [
            r#"{}"#,
            r#"[]"#,
            r#"{"a":"}"}"#,
            r#"{"a":"\"}"}"#,
            r#"{"a":"\\"}"#,
            r#"{"policy":"{\"Statement\":[{\"Effect\":\"Allow\"}]}","b":[[],{"c":"]"}]}"#,
        ];
        for case in cases {
            for padding in 0..130 {
                let json = format!(r#"{{"p":"{}","v":{case}}}"#, "x".repeat(padding));
                assert_eq!(skip(&format!("{json}]}}")), Ok(json.as_bytes()), "{json}");
                assert_eq!(skip(&json[..json.len() - 1]), Err(ScanStop::Incomplete));
            }
        }
    }

    #[test]
    fn backslashes_at_the_seam_of_two_blocks_escape_the_next_byte() {
        for run in 0..6 {
            for padding in 50..70 {
                let json = format!(r#"["{}{}"]"#, "x".repeat(padding), r"\\".repeat(run));
                assert_eq!(skip(&json), Ok(json.as_bytes()), "{json}");
            }
        }
    }

    #[test]
    fn text_of_other_types() {
        let read = |json: &'static str| JsonScanner::new(json.as_bytes(), 0).text();
        assert_eq!(read("null,"), Ok(None));
        assert_eq!(read("{\"a\":1},"), Ok(None));
        assert_eq!(read("012345,"), Ok(Some(JsonText::plain(b"012345"))));
        assert_eq!(read("true}"), Ok(Some(JsonText::plain(b"true"))));
        assert_eq!(read("tru"), Err(ScanStop::Incomplete));
        assert_eq!(read("?"), Err(ScanStop::Broken(0)));
    }

    #[test]
    fn half_a_surrogate_and_unknown_escapes_are_kept_readable() {
        let decode = |raw: &'static [u8]| JsonText { raw, escaped: true }.decode().into_owned();
        assert_eq!(decode(br"\ud83d\ude00"), "\u{1f600}");
        assert_eq!(decode(br"\ud83d!"), "\u{fffd}!");
        assert_eq!(decode(br"\q\u12"), "\\q\u{fffd}12");
        assert_eq!(decode(b"\\n\xff"), "\n\u{fffd}");
    }

    proptest! {
        #[test]
        fn strings_read_like_serde_json(text: String) {
            let json = serde_json::to_string(&text).unwrap();
            let mut scanner = JsonScanner::new(json.as_bytes(), 0);
            prop_assert_eq!(scanner.string().unwrap().decode(), text);
            prop_assert_eq!(scanner.pos(), json.len());
        }
    }
}
