//! Types of columns as Glue writes them: `struct<type:string,arn:string>`.

/// The type of a column, as far as reading it depends on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ColumnType {
    /// `string`, `varchar(…)` or `char(…)`.
    Text,
    /// `boolean`.
    Boolean,
    /// A whole number: `tinyint` to `bigint`.
    Integer,
    /// A struct, by the names of its members in order.
    Struct(Vec<(String, ColumnType)>),
    /// `array<…>`.
    Array(Box<ColumnType>),
    /// `map<…,…>`.
    Map,
    /// Any other type, such as `timestamp`.
    Other,
}

/// Maximum depth of types inside a type. OCSF's tables have six.
const MAX_TYPE_DEPTH: usize = 16;

/// Maximum length of the text of a type, in bytes. Glue's limit is 131,072.
const MAX_TYPE_BYTES: usize = 131_072;

impl ColumnType {
    /// Reads the text of a type. A text that is not a Hive type is [`ColumnType::Other`].
    pub fn of(text: &str) -> ColumnType {
        if text.len() > MAX_TYPE_BYTES {
            return ColumnType::Other;
        }
        let lower = text.to_ascii_lowercase();
        match read(&lower, 0) {
            Some((found, "")) => found,
            _ => ColumnType::Other,
        }
    }

    /// The type of a member of a struct.
    pub fn member(&self, name: &str) -> Option<&ColumnType> {
        match self {
            ColumnType::Struct(members) => {
                let found = members.iter().find(|(member, _)| member == name);
                found.map(|(_, kind)| kind)
            }
            _ => None,
        }
    }
}

/// Reads one type; also returns what follows it.
fn read(text: &str, depth: usize) -> Option<(ColumnType, &str)> {
    if depth > MAX_TYPE_DEPTH {
        return None;
    }
    let text = text.trim_start();
    let end = text
        .find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
        .unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    let rest = rest.trim_start();
    match name {
        "" => None,
        // Trino's own name for a struct is `row(…)`; Athena's GetTableMetadata and Glue use `struct<…>`.
        "struct" => read_struct(rest.strip_prefix('<')?, depth),
        "array" => {
            let (inner, rest) = read(rest.strip_prefix('<')?, depth + 1)?;
            let rest = rest.trim_start().strip_prefix('>')?;
            Some((ColumnType::Array(Box::new(inner)), rest.trim_start()))
        }
        "map" => {
            let (_, rest) = read(rest.strip_prefix('<')?, depth + 1)?;
            let (_, rest) = read(rest.trim_start().strip_prefix(',')?, depth + 1)?;
            let rest = rest.trim_start().strip_prefix('>')?;
            Some((ColumnType::Map, rest.trim_start()))
        }
        _ => {
            let rest = match rest.strip_prefix('(') {
                Some(arguments) => arguments.split_once(')')?.1.trim_start(),
                None => rest,
            };
            let kind = match name {
                "string" | "varchar" | "char" => ColumnType::Text,
                "boolean" => ColumnType::Boolean,
                "tinyint" | "smallint" | "int" | "integer" | "bigint" | "long" => {
                    ColumnType::Integer
                }
                _ => ColumnType::Other,
            };
            Some((kind, rest))
        }
    }
}

fn read_struct(mut rest: &str, depth: usize) -> Option<(ColumnType, &str)> {
    let mut members = Vec::new();
    loop {
        rest = rest.trim_start();
        let (name, after) = rest.split_once(':')?;
        let name = name.trim().trim_matches('`');
        if name.is_empty() || name.contains(['<', '>', ',']) {
            return None;
        }
        let (kind, after) = read(after, depth + 1)?;
        members.push((name.to_owned(), kind));
        let after = after.trim_start();
        if let Some(after) = after.strip_prefix('>') {
            return Some((ColumnType::Struct(members), after.trim_start()));
        }
        rest = after.strip_prefix(',')?;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn types_of_glue_are_read() {
        let kind = ColumnType::of(
            "struct<Type:string, sessioncontext:struct<attributes:struct<mfaauthenticated:string>,\
             webidfederationdata:struct<federatedprovider:string,attributes:map<string,string>>>,n:bigint>",
        );
        assert_eq!(kind.member("type"), Some(&ColumnType::Text));
        let session = kind.member("sessioncontext").unwrap();
        let attributes = session.member("attributes").unwrap();
        assert_eq!(
            attributes.member("mfaauthenticated"),
            Some(&ColumnType::Text)
        );
        let federation = session.member("webidfederationdata").unwrap();
        assert_eq!(federation.member("attributes"), Some(&ColumnType::Map));
        assert_eq!(kind.member("n"), Some(&ColumnType::Integer));
        assert_eq!(kind.member("arn"), None);
        for (text, expected) in [
            ("string", ColumnType::Text),
            ("varchar(20)", ColumnType::Text),
            ("BOOLEAN", ColumnType::Boolean),
            ("timestamp", ColumnType::Other),
            ("decimal(10,2)", ColumnType::Other),
            ("struct<a:string", ColumnType::Other),
            ("string>", ColumnType::Other),
        ] {
            assert_eq!(ColumnType::of(text), expected, "{text}");
        }
        assert_eq!(
            ColumnType::of("array<struct<arn:string>>"),
            ColumnType::Array(Box::new(ColumnType::Struct(vec![(
                "arn".to_owned(),
                ColumnType::Text
            )])))
        );
    }

    #[test]
    fn depth_is_bounded() {
        let deep = format!("{}string{}", "array<".repeat(100_000), ">".repeat(100_000));
        assert_eq!(ColumnType::of(&deep[..MAX_TYPE_BYTES]), ColumnType::Other);
        let deep = format!("{}string{}", "array<".repeat(100), ">".repeat(100));
        assert_eq!(ColumnType::of(&deep), ColumnType::Other);
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "[a-z<>:,()` ]{0,60}") {
            ColumnType::of(&text);
        }
    }
}
