//! Writes results as JSON: indented by two spaces and ASCII only, as the predecessor did.

use std::io;

use serde::Serialize;

use trailtab_core::activity::summary::Summary;

/// Writes a summary and a final line break.
///
/// # Errors
///
/// Never in practice: the summary's types always serialize.
pub fn summary(summary: &Summary) -> serde_json::Result<Vec<u8>> {
    ascii(summary)
}

/// Writes a value and a final line break.
///
/// # Errors
///
/// If the value cannot be expressed in JSON.
pub fn ascii(value: &impl Serialize) -> serde_json::Result<Vec<u8>> {
    let mut ascii = AsciiText(Vec::new());
    serde_json::to_writer_pretty(&mut ascii, value)?;
    ascii.0.push(b'\n');
    Ok(ascii.0)
}

/// Writes a value on one line, without a line break.
///
/// # Errors
///
/// If the value cannot be expressed in JSON.
pub(super) fn ascii_line(value: &impl Serialize) -> serde_json::Result<Vec<u8>> {
    let mut ascii = AsciiText(Vec::new());
    serde_json::to_writer(&mut ascii, value)?;
    Ok(ascii.0)
}

/// Receives JSON and escapes what is not ASCII. Such characters occur only in strings. Escaping them also disarms
/// terminal control characters.
struct AsciiText(Vec<u8>);

impl io::Write for AsciiText {
    fn write(&mut self, json: &[u8]) -> io::Result<usize> {
        let is_plain = |byte: &u8| byte.is_ascii() && *byte != 0x7f;
        if json.iter().all(is_plain) {
            self.0.extend_from_slice(json);
            return Ok(json.len());
        }
        // Strings are written in parts that end before characters of ASCII.
        let text = str::from_utf8(json).map_err(io::Error::other)?;
        for character in text.chars() {
            if character.is_ascii() && character != '\u{7f}' {
                self.0.push(character as u8);
                continue;
            }
            for unit in character.encode_utf16(&mut [0; 2]) {
                self.0.extend(format!("\\u{unit:04x}").bytes());
            }
        }
        Ok(json.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_is_ascii_and_reads_back() {
        let mut given = Summary::default();
        let key = "\u{202e}\u{9b}31m \u{7f} \u{1b}[2J 名 \u{1f600} \"quoted\"";
        given.metadata.invocation = key.to_owned();
        let json = summary(&given).unwrap();
        assert!(json.iter().all(|b| matches!(b, b'\n' | b' '..=b'~')));
        assert_eq!(serde_json::from_slice::<Summary>(&json).unwrap(), given);
    }
}
