//! Writes results as JSON: indented by two spaces and ASCII only, as the predecessor did.

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
    let mut ascii = escape(serde_json::to_string_pretty(value)?);
    ascii.push('\n');
    Ok(ascii.into_bytes())
}

/// Writes a value on one line, without a line break.
///
/// # Errors
///
/// If the value cannot be expressed in JSON.
pub(super) fn ascii_line(value: &impl Serialize) -> serde_json::Result<Vec<u8>> {
    Ok(escape(serde_json::to_string(value)?).into_bytes())
}

/// Escapes what is not ASCII. Such characters occur only in strings. Escaping them also disarms terminal control
/// characters.
fn escape(json: String) -> String {
    let is_plain = |byte: u8| byte.is_ascii() && byte != 0x7f;
    if json.bytes().all(is_plain) {
        return json;
    }
    let mut ascii = String::with_capacity(json.len() * 2);
    for character in json.chars() {
        if character.is_ascii() && character != '\u{7f}' {
            ascii.push(character);
            continue;
        }
        for unit in character.encode_utf16(&mut [0; 2]) {
            ascii.push_str(&format!("\\u{unit:04x}"));
        }
    }
    ascii
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
