//! Quoting for Athena's SQL (Trino) and its DDL (Hive).
//!
//! Names of tables, values of filters and accounts are an attacker's to choose. They become part of a statement only
//! through the functions of this module.

use std::fmt;

/// A part of a statement that is valid where an expression or a name stands.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct SqlText(String);

impl SqlText {
    /// A part of a statement that is written in the program, and holds no value from outside.
    pub(crate) fn fixed(text: &'static str) -> SqlText {
        SqlText(text.to_owned())
    }

    /// A name of a column, table or database, in double quotes. Athena folds names to lower case.
    pub fn name(name: &str) -> SqlText {
        let clean = without_controls(name);
        SqlText(format!("\"{}\"", clean.replace('"', "\"\"")))
    }

    /// A text in single quotes.
    pub fn text(text: &str) -> SqlText {
        // Trino reads text literals without escapes, except that a quote is written twice.
        let clean = text.replace('\0', "\u{fffd}");
        SqlText(format!("'{}'", clean.replace('\'', "''")))
    }

    /// A whole number.
    pub fn number(number: i64) -> SqlText {
        SqlText(number.to_string())
    }

    /// A name in DDL, in backticks.
    pub fn ddl_name(name: &str) -> SqlText {
        let clean = without_controls(name);
        SqlText(format!("`{}`", clean.replace('`', "``")))
    }

    /// A text in DDL, in single quotes. Hive reads backslashes as escapes.
    pub fn ddl_text(text: &str) -> SqlText {
        let clean = without_controls(text);
        let escaped = clean.replace('\\', "\\\\").replace('\'', "\\'");
        SqlText(format!("'{escaped}'"))
    }

    /// Puts parts together: each `?` of the template stands for the next part. The template is written in the program.
    pub(crate) fn of(template: &'static str, parts: &[&SqlText]) -> SqlText {
        let mut pieces = template.split('?');
        let mut text = pieces.next().unwrap_or_default().to_owned();
        let mut parts = parts.iter();
        for piece in pieces {
            // A template with too few parts is a fault of the program, which the tests of statements show.
            text.push_str(parts.next().map_or("NULL", |part| part.as_str()));
            text.push_str(piece);
        }
        SqlText(text)
    }

    /// Puts parts together with something written in the program between them.
    pub(crate) fn join<'s>(
        parts: impl IntoIterator<Item = &'s SqlText>,
        between: &'static str,
    ) -> SqlText {
        let parts: Vec<&str> = parts.into_iter().map(SqlText::as_str).collect();
        SqlText(parts.join(between))
    }

    /// Conditions of which all must hold; `true` without any.
    pub(crate) fn all(conditions: &[SqlText]) -> SqlText {
        SqlText::conditions(conditions, " AND ", "true")
    }

    /// Conditions of which one must hold; `false` without any.
    pub(crate) fn any(conditions: &[SqlText]) -> SqlText {
        SqlText::conditions(conditions, " OR ", "false")
    }

    fn conditions(conditions: &[SqlText], between: &'static str, none: &'static str) -> SqlText {
        match conditions {
            [] => SqlText::fixed(none),
            [only] => only.clone(),
            _ => SqlText(format!("({})", SqlText::join(conditions, between))),
        }
    }

    /// The text of the statement.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SqlText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Names and DDL with control characters exist nowhere in AWS; a statement with them could not be shown.
fn without_controls(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { '\u{fffd}' } else { c })
        .collect()
}

/// The pattern of `LIKE … ESCAPE '\'` for a pattern in which `*` stands for any characters and `?` for one. It is in
/// lower case: what it is compared with must be, too.
pub(crate) fn like_pattern(pattern: &str) -> SqlText {
    let mut like = String::with_capacity(pattern.len());
    for c in pattern.to_lowercase().chars() {
        match c {
            '*' => like.push('%'),
            '?' => like.push('_'),
            '%' | '_' | '\\' => like.extend(['\\', c]),
            _ => like.push(c),
        }
    }
    SqlText::text(&like)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Reads a quoted text as Trino does; absent if it ends early or goes on after its end.
    fn unquoted(sql: &str, quote: char) -> Option<String> {
        let mut chars = sql.chars();
        if chars.next() != Some(quote) {
            return None;
        }
        let mut text = String::new();
        loop {
            match chars.next()? {
                c if c == quote => match chars.next() {
                    None => return Some(text),
                    Some(c) if c == quote => text.push(quote),
                    Some(_) => return None,
                },
                c => text.push(c),
            }
        }
    }

    fn hostile() -> impl Strategy<Value = String> {
        let piece = prop::sample::select(vec![
            "'", "''", "\"", "`", "\\", "\\'", ";", "--", "/*", "*/", "a", "ü", "%", "_", "*", "?",
            "\n", "\0", "$", "{", "}", " OR 1=1",
        ]);
        prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn a_text_is_read_back_as_it_was(text in hostile()) {
            let sql = SqlText::text(&text);
            let expected = text.replace('\0', "\u{fffd}");
            prop_assert_eq!(unquoted(sql.as_str(), '\''), Some(expected));
        }

        #[test]
        fn a_name_never_ends_before_its_quote(name in hostile()) {
            prop_assert!(unquoted(SqlText::name(&name).as_str(), '"').is_some());
            prop_assert!(unquoted(SqlText::ddl_name(&name).as_str(), '`').is_some());
        }

        /// Hive's lexer: a backslash takes the next character with it.
        #[test]
        fn a_text_of_ddl_ends_at_its_last_quote(text in hostile()) {
            let sql = SqlText::ddl_text(&text);
            let inner = &sql.as_str()[1..];
            let mut chars = inner.char_indices();
            let end = loop {
                match chars.next() {
                    Some((_, '\\')) => drop(chars.next()),
                    Some((at, '\'')) => break Some(at),
                    Some(_) => {}
                    None => break None,
                }
            };
            prop_assert_eq!(end, Some(inner.len() - 1));
        }
    }

    #[test]
    fn wildcards_become_those_of_like_and_nothing_else_does() {
        for (pattern, like) in [
            ("*:role/CI-?", "'%:role/ci-_'"),
            ("100%_\\", "'100\\%\\_\\\\'"),
            ("it's", "'it''s'"),
        ] {
            assert_eq!(like_pattern(pattern).as_str(), like);
        }
    }

    #[test]
    fn parts_take_the_places_of_a_template() {
        let part = SqlText::text("?");
        assert_eq!(
            SqlText::of("a = ? AND ? = b", &[&part, &part]).as_str(),
            "a = '?' AND '?' = b"
        );
        assert_eq!(SqlText::all(&[]).as_str(), "true");
        assert_eq!(SqlText::any(&[]).as_str(), "false");
        let both = [SqlText::fixed("a"), SqlText::fixed("b")];
        assert_eq!(SqlText::any(&both).as_str(), "(a OR b)");
    }
}
