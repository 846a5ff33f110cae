//! The result as JSON: keys sorted, indented by two spaces and all ASCII, as the predecessor wrote it.

use std::fmt::Write as _;

use serde::Serialize;

use trailtab_core::activity::summary::Summary;

/// Writes the summary, with a line break at its end.
///
/// # Errors
///
/// None that the summary's types allow.
pub fn summary(summary: &Summary) -> serde_json::Result<Vec<u8>> {
    ascii(summary)
}

/// Writes anything, with a line break at its end.
///
/// # Errors
///
/// If the value is nothing that JSON can hold.
pub fn ascii(value: &impl Serialize) -> serde_json::Result<Vec<u8>> {
    let json = serde_json::to_string_pretty(value)?;
    let mut ascii = String::with_capacity(json.len() + 1);
    // Only strings hold other characters, and a terminal may obey some of them.
    for character in json.chars() {
        if character.is_ascii() && character != '\u{7f}' {
            ascii.push(character);
            continue;
        }
        for unit in character.encode_utf16(&mut [0; 2]) {
            // Writing to a String cannot fail.
            let _ = write!(ascii, "\\u{unit:04x}");
        }
    }
    ascii.push('\n');
    Ok(ascii.into_bytes())
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
