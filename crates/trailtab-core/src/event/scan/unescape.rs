//! Escapes in JSON strings.

use wide::u8x16;

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
