//! Escapes text from records for the place where it is shown or stored. Names and user agents may be
//! attacker-controlled.

use std::borrow::Cow;
use std::fmt::Write as _;

/// Escapes control characters, and characters that reorder or hide text, for terminals.
pub fn terminal(text: &str) -> Cow<'_, str> {
    if !text.contains(is_deceptive) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        if is_deceptive(character) {
            // Writing to a String cannot fail.
            let _ = write!(out, "\\u{{{:x}}}", u32::from(character));
        } else {
            out.push(character);
        }
    }
    Cow::Owned(out)
}

/// Characters that act on a terminal, break lines, reorder text or are invisible: control characters, line and
/// paragraph separators, and all characters of Unicode's Bidi_Control and Default_Ignorable_Code_Point (version 16),
/// with the annotation characters and the last two of the plane, which XML forbids.
pub(crate) fn is_deceptive(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}' | '\u{fffe}' | '\u{ffff}' | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// Escapes a CSV cell so that spreadsheets do not evaluate it (CWE-1236), and for terminals.
pub fn cell(text: &str) -> Cow<'_, str> {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        Cow::Owned(format!("'{}", terminal(text)))
    } else {
        terminal(text)
    }
}

/// Converts text to a file name: ASCII letters, digits and `_+=,.@-` are kept as in the predecessor's plots, other
/// characters become `_`.
pub fn file_name(text: &str) -> String {
    let keep = |c: char| c.is_ascii_alphanumeric() || "_+=,.@-".contains(c);
    let name: String = text
        .chars()
        .map(|c| if keep(c) { c } else { '_' })
        .collect();
    // Common file systems allow 255 bytes, which must include a suffix and an extension.
    let name = &name[..name.len().min(180)];
    match name.trim_matches('.') {
        "" => "_".to_owned(),
        _ => name.to_owned(),
    }
}

/// Quotes a word for a POSIX shell if needed. Drops NUL, which no command line can hold.
pub fn shell_word(word: &str) -> String {
    let word = word.replace('\0', "");
    shlex::try_quote(&word).map_or_else(|_| String::new(), Cow::into_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_quoted_for_a_shell_where_they_need_it() {
        assert_eq!(shell_word("demo/AWSLogs"), "demo/AWSLogs");
        assert_eq!(shell_word("my demo/bill"), "'my demo/bill'");
        assert_eq!(shell_word("it's"), "\"it's\"");
        assert_eq!(shell_word("a$b`c`"), "'a$b`c`'");
        assert_eq!(shell_word("a\0b"), "ab");
    }

    #[test]
    fn control_characters_are_escaped_for_terminals() {
        assert_eq!(
            terminal("a\u{1b}[2Jb\nc\u{202e}d"),
            "a\\u{1b}[2Jb\\u{a}c\\u{202e}d"
        );
        assert_eq!(terminal("Ünïcode 名"), "Ünïcode 名");
    }

    #[test]
    fn all_that_unicode_calls_invisible_or_reordering_is_escaped() {
        let tables = r"[\p{Default_Ignorable_Code_Point}\p{Bidi_Control}\p{Cc}\p{Zl}\p{Zp}]";
        let config = proptest::test_runner::Config::with_cases(8000);
        let mut runner = proptest::test_runner::TestRunner::new(config);
        let deceptive = proptest::string::string_regex(tables).unwrap();
        let is_escaped = |text: String| {
            proptest::prop_assert!(terminal(&text).starts_with("\\u{"), "{text:?}");
            Ok(())
        };
        runner.run(&deceptive, is_escaped).unwrap();
    }

    #[test]
    fn cells_are_never_formulas() {
        for text in ["=cmd|'/c calc'!A1", "+1", "-1", "@x", "\tx"] {
            assert!(cell(text).starts_with('\''));
        }
        assert_eq!(cell("a=b"), "a=b");
    }

    #[test]
    fn file_names_stay_inside_their_folder() {
        assert_eq!(file_name("../../etc/passwd"), ".._.._etc_passwd");
        assert_eq!(file_name(".."), "_");
        assert_eq!(file_name(""), "_");
        assert_eq!(file_name("111122223333:role/Ä b"), "111122223333_role___b");
        assert_eq!(file_name(&"x".repeat(999)).len(), 180);
    }
}
