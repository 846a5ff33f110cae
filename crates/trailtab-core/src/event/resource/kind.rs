//! The kinds of resources: how AWS calls them, and how their ids are written.

use std::fmt;
use std::sync::LazyLock;

use foldhash::fast::FixedState;
use hashbrown::HashMap;

/// The kinds as data; the head of the file explains its columns.
const KINDS: &str = include_str!("kinds.txt");

static TABLE: LazyLock<KindTable> = LazyLock::new(|| KindTable::of(KINDS));

/// What a resource is, by the type name of CloudFormation and of CloudTrail's `resources[].type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ResourceKind(&'static str);

impl ResourceKind {
    /// A kind that the table of kinds does not have.
    pub const UNKNOWN: ResourceKind = ResourceKind("");

    /// The kind with a type name such as `AWS::EC2::Instance`; unknown if the table does not have it.
    pub fn of_type(type_name: &str) -> ResourceKind {
        row_of_type(type_name).map_or(ResourceKind::UNKNOWN, |row| row.kind)
    }

    /// The type name, such as `AWS::EC2::Instance`; empty if the kind is unknown.
    pub fn as_str(self) -> &'static str {
        self.0
    }

    /// All known kinds, in the order of the table.
    pub fn all() -> impl Iterator<Item = ResourceKind> {
        TABLE.rows.iter().map(|row| row.kind)
    }
}

/// The type name, or `unknown`.
impl fmt::Display for ResourceKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(if self.0.is_empty() { "unknown" } else { self.0 })
    }
}

/// Where no two resources of a kind have the same id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum IdScope {
    World,
    Account,
    Region,
}

/// How an id is brought to one spelling.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum IdRule {
    Whole,
    Lower,
    Colon,
    First,
    Two,
    Last,
    Root,
    Rds,
    Secret,
}

/// One kind: a row of the table.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct KindRow {
    pub(super) kind: ResourceKind,
    /// The service in ARNs.
    pub(super) service: &'static str,
    /// The type of the resource in ARNs and keys.
    pub(super) noun: &'static str,
    /// What stands for `noun` in ARNs and names of APIs: squashed, and without `noun` itself.
    names: Vec<String>,
    pub(super) scope: IdScope,
    pub(super) rule: IdRule,
    /// How ids begin that are unique in the world; empty if all ids of the kind are.
    prefixes: Vec<&'static str>,
    /// Whether a name without kind is of this kind.
    is_bare: bool,
    /// Whether ARNs of this kind do not name the type of the resource.
    is_plain: bool,
}

impl KindRow {
    /// Reads a row; None if it has too few columns, or a word that is not known.
    fn of(line: &'static str) -> Option<KindRow> {
        let mut columns = line.split_whitespace();
        let type_name = columns.next()?;
        let service = columns.next()?;
        let mut nouns = columns.next()?.split(',');
        let noun = nouns.next()?;
        let scope = match columns.next()? {
            "world" => IdScope::World,
            "account" => IdScope::Account,
            "region" => IdScope::Region,
            _ => return None,
        };
        let rule = match columns.next()? {
            "whole" => IdRule::Whole,
            "lower" => IdRule::Lower,
            "colon" => IdRule::Colon,
            "first" => IdRule::First,
            "two" => IdRule::Two,
            "last" => IdRule::Last,
            "root" => IdRule::Root,
            "rds" => IdRule::Rds,
            "secret" => IdRule::Secret,
            _ => return None,
        };
        let rest: Vec<_> = columns.collect();
        let own = type_name.rsplit("::").next().unwrap_or_default();
        Some(KindRow {
            kind: ResourceKind(type_name),
            service,
            noun,
            names: [noun, own].into_iter().chain(nouns).map(squash).collect(),
            scope,
            rule,
            is_plain: rest.contains(&"plain"),
            is_bare: rest.contains(&"plain") || rest.contains(&"bare"),
            prefixes: rest
                .into_iter()
                .filter(|word| word.ends_with('-'))
                .collect(),
        })
    }

    /// Returns whether an id is unique in the world.
    pub(super) fn is_unique(&self, id: &str) -> bool {
        let begins = |prefix: &&str| id.len() > prefix.len() && id.starts_with(*prefix);
        match self.rule {
            // `cluster-` or `db-`, and 26 characters of base32: capitals in CloudTrail, small letters in bills.
            IdRule::Rds => id.rsplit_once('-').is_some_and(|(before, random)| {
                matches!(before, "cluster" | "db")
                    && random.len() == 26
                    && random
                        .bytes()
                        .all(|b| b.is_ascii_alphabetic() || matches!(b, b'2'..=b'7'))
            }),
            _ => {
                self.scope == IdScope::World
                    && (self.prefixes.is_empty() || self.prefixes.iter().any(begins))
            }
        }
    }

    /// Returns whether the squashed noun of an API is this kind, in singular or plural: `instances` of
    /// `RunInstances` is.
    pub(super) fn is_called(&self, noun: &str) -> bool {
        self.names.iter().any(|name| {
            let rest = noun.strip_prefix(name.as_str());
            matches!(rest, Some("" | "s" | "es"))
                || name
                    .strip_suffix('y')
                    .is_some_and(|stem| noun.strip_prefix(stem) == Some("ies"))
        })
    }
}

type TextMap<K, V> = HashMap<K, V, FixedState>;

/// The table of kinds, with what it is searched by.
struct KindTable {
    rows: Vec<KindRow>,
    by_type: TextMap<&'static str, usize>,
    /// By service and squashed noun.
    by_noun: TextMap<&'static str, TextMap<String, usize>>,
    bare: TextMap<&'static str, usize>,
    /// How ids begin that are unique in the world.
    by_prefix: TextMap<&'static str, Vec<usize>>,
}

impl KindTable {
    fn of(text: &'static str) -> KindTable {
        let rows: Vec<_> = rows(text).filter_map(KindRow::of).collect();
        let mut table = KindTable {
            by_type: TextMap::default(),
            by_noun: TextMap::default(),
            bare: TextMap::default(),
            by_prefix: TextMap::default(),
            rows: Vec::new(),
        };
        for (at, row) in rows.iter().enumerate() {
            table.by_type.entry(row.kind.0).or_insert(at);
            let nouns = table.by_noun.entry(row.service).or_default();
            for name in &row.names {
                nouns.entry(name.clone()).or_insert(at);
            }
            if row.is_bare {
                table.bare.entry(row.service).or_insert(at);
            }
            for prefix in &row.prefixes {
                table.by_prefix.entry(*prefix).or_default().push(at);
            }
        }
        table.rows = rows;
        table
    }

    fn row(&self, at: Option<&usize>) -> Option<&KindRow> {
        self.rows.get(*at?)
    }
}

/// The rows of a table that is kept as text: its lines without comments and empty ones.
pub(crate) fn rows(text: &'static str) -> impl Iterator<Item = &'static str> {
    let lines = text.lines().map(str::trim);
    lines.filter(|line| !line.is_empty() && !line.starts_with('#'))
}

/// A noun as nouns are compared: `internet-gateway`, `internetGateway` and `InternetGateway` are one.
pub(super) fn squash(noun: &str) -> String {
    let letters = noun.chars().filter(char::is_ascii_alphanumeric);
    letters.map(|c| c.to_ascii_lowercase()).collect()
}

pub(super) fn row_of_type(type_name: &str) -> Option<&'static KindRow> {
    TABLE.row(TABLE.by_type.get(type_name))
}

/// The kind that a service calls by a noun, in an ARN or in the name of an API.
pub(super) fn row_of_noun(service: &str, noun: &str) -> Option<&'static KindRow> {
    TABLE.row(TABLE.by_noun.get(service)?.get(&squash(noun)))
}

/// The kind of a service's names that say nothing of their kind.
pub(super) fn bare_row(service: &str) -> Option<&'static KindRow> {
    TABLE.row(TABLE.bare.get(service))
}

/// The kind of a service whose ARNs do not name the type of the resource.
pub(super) fn plain_row(service: &str) -> Option<&'static KindRow> {
    bare_row(service).filter(|row| row.is_plain)
}

/// The kind of an id that is unique in the world, such as `i-0abcdef1234567890`. Some services share a
/// prefix: the kind is that of the given service, or else the first in the table.
pub(super) fn row_of_unique_id(id: &str, service: Option<&str>) -> Option<&'static KindRow> {
    let (before, digits) = id.rsplit_once('-')?;
    let is_id = matches!(digits.len(), 8 | 17) && digits.bytes().all(|b| b.is_ascii_hexdigit());
    let prefix = id.get(..before.len() + 1).filter(|_| is_id)?;
    let mut rows = TABLE
        .by_prefix
        .get(prefix)?
        .iter()
        .filter_map(|at| TABLE.rows.get(*at));
    let first = rows.clone().next();
    rows.find(|row| Some(row.service) == service).or(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_of_the_table_is_read() {
        for line in rows(KINDS) {
            assert!(KindRow::of(line).is_some(), "{line}");
        }
        let services = TABLE.rows.iter().map(|row| row.service);
        assert!(services.is_sorted(), "sort the table by service");
        assert_eq!(TABLE.by_type.len(), TABLE.rows.len(), "a type has two rows");
    }
}
