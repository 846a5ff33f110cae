//! A forward-only JSON scanner that extracts the few values in use and skips the rest.
//!
//! Most bytes of a CloudTrail record are request and response bodies, which are not counted. A
//! general parser looks at each of their tokens. This scanner skips a nested value 64 bytes at a
//! time and looks only for quotes, backslashes and brackets. It therefore accepts slightly more
//! than JSON inside skipped values (`{"a":,}` passes there). Everything that serde_json accepts it
//! reads in the same way, which the fuzz target `records` checks.

mod blocks;
mod name_order;
mod name_pattern;
mod nested;
mod unescape;

use std::borrow::Cow;

pub use blocks::{BlockOperation, ByteBlocks, PortableBlocks, with_best_blocks};
pub use name_order::{NameOrder, NameTable, NextMember};
pub use name_pattern::NamePattern;
use nested::end_of_nested;
pub(super) use unescape::UnescapedText;
use unescape::unescape;

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

/// The contents of a JSON string (or the text of a number), as written in the document.
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

    /// Returns whether the text is empty.
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
            // `from_utf8` is the fast path; almost all text is valid.
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

    /// Returns whether the text looks like a JSON object or array inside a string.
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

/// A position in a buffer of JSON text, and the instructions that blocks of it are compared with.
#[derive(Debug, Clone)]
pub struct JsonScanner<'a, B = PortableBlocks> {
    buf: &'a [u8],
    pos: usize,
    blocks: B,
}

impl<'a> JsonScanner<'a> {
    /// Creates a scanner of `buf` that begins at the offset `pos`.
    pub fn new(buf: &'a [u8], pos: usize) -> Self {
        let blocks = PortableBlocks;
        JsonScanner { buf, pos, blocks }
    }

    /// Returns a scanner of the same buffer at the same position that uses other instructions.
    #[inline(always)]
    pub fn using<B: ByteBlocks>(&self, blocks: B) -> JsonScanner<'a, B> {
        let JsonScanner { buf, pos, .. } = *self;
        JsonScanner { buf, pos, blocks }
    }
}

impl<'a, B: ByteBlocks> JsonScanner<'a, B> {
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
    pub fn until(&self, later: &JsonScanner<'a, B>) -> &'a [u8] {
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

    /// Skips a comma, or the bracket that ends an object, if it is the next byte; returns whether it was the
    /// bracket.
    #[inline(always)]
    pub fn skip_comma_or_end(&mut self) -> bool {
        let next = self.buf.get(self.pos);
        let is_end = next == Some(&b'}');
        self.pos += usize::from(next == Some(&b',') || is_end);
        is_end
    }

    /// Calls a function that may not be inlined. It gets a copy, so that this scanner can stay in registers.
    #[inline(always)]
    pub fn detour<R>(&mut self, read: impl FnOnce(&mut Self) -> R) -> R {
        let mut copy = self.clone();
        let result = read(&mut copy);
        self.pos = copy.pos;
        result
    }

    /// Skips a name and its colon if they are the next bytes, without white space; returns whether it did.
    #[inline(always)]
    pub fn skip_name(&mut self, name: &NamePattern) -> bool {
        let is_next = match self.block(self.pos) {
            Some(block) => self.blocks.equal(block, &name.bytes) & name.mask == name.mask,
            None => name.begins(self.buf.get(self.pos..).unwrap_or_default()),
        };
        self.pos += if is_next { name.len } else { 0 };
        is_next
    }

    /// The bytes from `at`, if there are enough for a block.
    #[inline(always)]
    fn block<const N: usize>(&self, at: usize) -> Option<&'a [u8; N]> {
        self.buf.get(at..)?.first_chunk()
    }

    /// Reads a string; the opening quote is the next byte.
    #[inline(always)]
    pub fn string(&mut self) -> ScanResult<JsonText<'a>> {
        let start = self.pos + 1;
        // Names and most values end within 32 bytes, and UUIDs within 64.
        for at in [start, start + 32] {
            let Some(block) = self.block::<32>(at) else {
                break;
            };
            let found = self.blocks.quotes_and_backslashes(block);
            if found != 0 {
                let end = at + found.trailing_zeros() as usize;
                if self.buf.get(end) != Some(&b'"') {
                    break;
                }
                let raw = self.buf.get(start..end).unwrap_or_default();
                self.pos = end + 1;
                let escaped = false;
                return Ok(JsonText { raw, escaped });
            }
        }
        let (end, escaped) = end_of_string(self.blocks, self.buf, start)?;
        self.pos = end + 1;
        let raw = self.buf.get(start..end).unwrap_or_default();
        Ok(JsonText { raw, escaped })
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
    #[inline(always)]
    pub fn boolean(&mut self) -> ScanResult<Option<bool>> {
        let (value, len) = match self.buf.get(self.pos..).unwrap_or_default() {
            [b't', b'r', b'u', b'e', b',' | b'}', ..] => (true, 4),
            [b'f', b'a', b'l', b's', b'e', b',' | b'}', ..] => (false, 5),
            _ => return self.detour(Self::odd_boolean),
        };
        self.pos += len;
        Ok(Some(value))
    }

    /// Reads a boolean that is not written as CloudTrail writes it.
    #[inline(never)]
    fn odd_boolean(&mut self) -> ScanResult<Option<bool>> {
        Ok(self.text()?.and_then(|text| match text.unescaped() {
            Some(raw) if raw.eq_ignore_ascii_case(b"true") => Some(true),
            Some(raw) if raw.eq_ignore_ascii_case(b"false") => Some(false),
            _ => None,
        }))
    }

    /// Skips a value and returns its bytes.
    #[inline(always)]
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
        self.expect(b'{')?;
        loop {
            match self.peek()? {
                b'}' => {
                    self.bump();
                    return Ok(());
                }
                b',' => self.bump(),
                _ => {
                    let name = self.name()?;
                    member(self, name)?;
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
    #[inline(always)]
    fn literal(&mut self) -> ScanResult<&'a [u8]> {
        let rest = self.buf.get(self.pos..).unwrap_or_default();
        let len = match rest {
            [b'n', b'u', b'l', b'l', b',' | b'}', ..]
            | [b't', b'r', b'u', b'e', b',' | b'}', ..] => 4,
            [b'f', b'a', b'l', b's', b'e', b',' | b'}', ..] => 5,
            _ => literal_len(rest).ok_or(ScanStop::Incomplete)?,
        };
        if len == 0 {
            return self.broken();
        }
        self.pos += len;
        Ok(rest.get(..len).unwrap_or_default())
    }

    /// Skips an object or array, whose bracket is the next byte, and returns its bytes.
    #[inline(always)]
    fn nested(&mut self) -> ScanResult<&'a [u8]> {
        let start = self.pos;
        self.pos = end_of_nested(self.blocks, self.buf, start).ok_or(ScanStop::Incomplete)?;
        Ok(self.buf.get(start..self.pos).unwrap_or_default())
    }
}

/// Finds the quote that ends the string whose contents begin at `start`; also tells whether it has escapes.
#[inline(never)]
fn end_of_string<B: ByteBlocks>(blocks: B, buf: &[u8], start: usize) -> ScanResult<(usize, bool)> {
    let mut at = start;
    let mut escaped = false;
    loop {
        at = quote_or_backslash(blocks, buf, at).ok_or(ScanStop::Incomplete)?;
        if buf.get(at) == Some(&b'"') {
            return Ok((at, escaped));
        }
        escaped = true;
        at += 2;
    }
}

/// Finds the offset of the first quote or backslash at or after `at`.
#[inline(always)]
fn quote_or_backslash<B: ByteBlocks>(blocks: B, buf: &[u8], at: usize) -> Option<usize> {
    blocks.run(
        #[inline(always)]
        || {
            let mut at = at;
            loop {
                let rest = buf.get(at..)?;
                let Some(block) = rest.first_chunk::<32>() else {
                    let found = rest.iter().position(|b| matches!(b, b'"' | b'\\'))?;
                    return Some(at + found);
                };
                match blocks.quotes_and_backslashes(block) {
                    0 => at += block.len(),
                    mask => return Some(at + mask.trailing_zeros() as usize),
                }
            }
        },
    )
}

/// The length of the number or word at the beginning of `text`; none if it may go on after the end.
#[cold]
fn literal_len(text: &[u8]) -> Option<usize> {
    text.iter()
        .position(|b| !(b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.')))
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
