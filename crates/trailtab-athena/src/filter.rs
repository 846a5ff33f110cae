//! Filters as conditions of SQL.
//!
//! A condition admits at least the events that the filter admits: each row is filtered again when it is read. Where SQL
//! cannot tell, as with principals, which are resolved from several members, the condition looks for a word that all
//! matching records must have.

use trailtab_core::event::filter::{AccessKind, ActivityType, EventFilter, FilterValues, network};
use trailtab_core::event::resource::{ResourceContext, ResourceKey};

use crate::sql::{SqlText, like_pattern};
use crate::table::LogTable;

/// The shortest word that a condition looks for, in bytes.
const MIN_WORD_BYTES: usize = 3;

/// Words of principals and resource keys that stand for kinds, and are in no record.
const KINDS: [&str; 12] = [
    "assumed-role",
    "ds",
    "federated-user",
    "group",
    "identitycenteruser",
    "oidc",
    "policy",
    "role",
    "root",
    "saml",
    "unknown",
    "user",
];

/// The condition that all events meet which the filters may admit; absent if the filters leave nothing out.
pub(crate) fn condition(filter: &EventFilter, table: &LogTable) -> Option<SqlText> {
    let columns = FilterColumns { table };
    let identity = columns.searched(&["userIdentity"], &["additionalEventData"]);
    let bodies = columns.searched(
        &["requestParameters"],
        &[
            "responseElements",
            "resources",
            "serviceEventDetails",
            "additionalEventData",
            "userIdentity",
        ],
    );
    let conditions = [
        columns.activity(filter.activity_type, filter.only_denied),
        columns.access(filter.access),
        columns.names(&filter.names),
        columns.sources(&filter.sources),
        columns.error_codes(&filter.error_codes),
        columns.patterns(&filter.regions, &["awsRegion"], "Unknown"),
        columns.accounts(&filter.accounts),
        columns.origins(&filter.origins),
        columns.user_agents(&filter.user_agents),
        columns.access_keys(&filter.access_keys),
        words(&filter.principals, identity.as_ref(), longest_word),
        words(&filter.persons, identity.as_ref(), longest_word),
        words(&filter.sessions, identity.as_ref(), longest_word),
        words(&filter.resources, bodies.as_ref(), word_of_resource),
        requests(&filter.requests, columns.everything().as_ref()),
    ];
    let conditions: Vec<SqlText> = conditions.into_iter().flatten().collect();
    (!conditions.is_empty()).then(|| SqlText::all(&conditions))
}

/// Returns whether the condition admits exactly the events that the filter admits, in a table of CloudTrail's columns.
pub(crate) fn is_exact(filter: &EventFilter, table: &LogTable) -> bool {
    let EventFilter {
        sources,
        regions,
        access,
        access_keys,
        user_agents,
        ..
    } = filter;
    let exact = EventFilter {
        sources: sources.clone(),
        regions: regions.clone(),
        access: *access,
        access_keys: access_keys.clone(),
        user_agents: user_agents.clone(),
        ..EventFilter::default()
    };
    let columns: [(&[&str], bool); 5] = [
        (&["eventSource"], *sources != FilterValues::default()),
        (&["awsRegion"], *regions != FilterValues::default()),
        (&["readOnly"], access.is_some()),
        (
            &["userIdentity", "accessKeyId"],
            *access_keys != FilterValues::default(),
        ),
        (&["userAgent"], *user_agents != FilterValues::default()),
    ];
    let lists = [sources, regions, access_keys, user_agents];
    exact == *filter
        && columns
            .iter()
            .all(|(path, is_used)| !is_used || table.member(path).is_some())
        && lists
            .iter()
            .all(|list| list.given().iter().all(|value| value.is_ascii()))
}

/// The members of a table that filters compare.
struct FilterColumns<'t> {
    table: &'t LogTable,
}

impl FilterColumns<'_> {
    /// The text of a member; an absent one is the empty text.
    fn text(&self, path: &[&str]) -> Option<SqlText> {
        let member = self.table.member(path)?;
        Some(SqlText::of("coalesce(?, '')", &[&member.sql]))
    }

    /// All texts below some members, in lower case, in which words can be looked for. Absent if the table lacks the
    /// first of them: then no condition is possible.
    fn searched(&self, first: &[&str], others: &[&str]) -> Option<SqlText> {
        let below = |name: &str| {
            let members = self.table.members.iter();
            let mut texts = Vec::new();
            for member in
                members.filter(|member| member.path.first().is_some_and(|own| own == name))
            {
                texts.push(SqlText::of("coalesce(?, '')", &[&member.sql]));
            }
            texts
        };
        let mut texts: Vec<SqlText> = first.iter().flat_map(|name| below(name)).collect();
        if texts.is_empty() {
            return None;
        }
        texts.extend(others.iter().flat_map(|name| below(name)));
        Some(joined(&texts))
    }

    /// All members of a record.
    fn everything(&self) -> Option<SqlText> {
        let texts = self.table.members.iter();
        let texts = texts.map(|member| SqlText::of("coalesce(?, '')", &[&member.sql]));
        let texts: Vec<SqlText> = texts.collect();
        let has_bodies = self.table.member(&["requestParameters"]).is_some();
        has_bodies.then(|| joined(&texts))
    }

    /// One of the patterns must match the whole text, and no exception may match it. An absent text is `absent`.
    fn patterns(
        &self,
        values: &FilterValues,
        path: &[&str],
        absent: &'static str,
    ) -> Option<SqlText> {
        let member = self.table.member(path)?;
        let absent = SqlText::text(absent);
        let text = SqlText::of("lower(coalesce(nullif(?, ''), ?))", &[&member.sql, &absent]);
        admits(values, |pattern| like(&text, pattern))
    }

    /// `CreateFunction` is short for `CreateFunction20150331`. An event without a name is admitted by exceptions only.
    fn names(&self, values: &FilterValues) -> Option<SqlText> {
        let member = self.table.member(&["eventName"])?;
        let full = SqlText::of("lower(coalesce(?, ''))", &[&member.sql]);
        let dated = SqlText::fixed("'(20[0-9]{6}|20[0-9]{2}_[0-9]{2}_[0-9]{2})(v[0-9]+)?$'");
        let short = SqlText::of("regexp_replace(?, ?)", &[&full, &dated]);
        let wanted = values.wanted().map(|pattern| {
            let either = [like(&full, pattern)?, like(&short, pattern)?];
            Some(SqlText::any(&either))
        });
        any_of(wanted)
    }

    /// `ec2` is short for `ec2.amazonaws.com`.
    fn sources(&self, values: &FilterValues) -> Option<SqlText> {
        let member = self.table.member(&["eventSource"])?;
        let full = SqlText::of("lower(coalesce(nullif(?, ''), 'Unknown'))", &[&member.sql]);
        let short = SqlText::of("split_part(?, '.', 1)", &[&full]);
        admits(values, |pattern| {
            let either = [like(&full, pattern)?, like(&short, pattern)?];
            Some(SqlText::any(&either))
        })
    }

    /// Codes may also be in the response, so those records are admitted. Exceptions are left to the reader.
    fn error_codes(&self, values: &FilterValues) -> Option<SqlText> {
        let code = self.text(&["errorCode"])?;
        let lower = SqlText::of("lower(?)", &[&code]);
        let in_code = any_of(values.wanted().map(|pattern| like(&lower, pattern)))?;
        let none = SqlText::of("? = ''", &[&code]);
        let elsewhere = SqlText::all(&[none, self.may_state()]);
        Some(SqlText::any(&[in_code, elsewhere]))
    }

    /// Whether a record without an error code may state a failure in another member.
    fn may_state(&self) -> SqlText {
        let mut signs = Vec::new();
        if let Some(response) = self.text(&["responseElements"]) {
            signs.push(SqlText::of("strpos(?, '\"error') > 0", &[&response]));
            signs.push(SqlText::of("strpos(?, '\\u') > 0", &[&response]));
        }
        match self.text(&["eventType"]) {
            Some(kind) => signs.push(SqlText::of("? <> 'AwsApiCall'", &[&kind])),
            None => signs.push(SqlText::fixed("true")),
        }
        if let Some(source) = self.text(&["eventSource"]) {
            signs.push(SqlText::of("? = ''", &[&source]));
            signs.push(SqlText::of("? LIKE 'signin.%'", &[&source]));
        }
        SqlText::any(&signs)
    }

    /// Calls that may have failed. Whether a call succeeded is left to the reader.
    fn activity(&self, kind: ActivityType, only_denied: bool) -> Option<SqlText> {
        if kind != ActivityType::Failed && !only_denied {
            return None;
        }
        let mut signs = vec![self.may_state()];
        for path in [["errorCode"], ["errorMessage"]] {
            if let Some(text) = self.text(&path) {
                signs.push(SqlText::of("? <> ''", &[&text]));
            }
        }
        Some(SqlText::any(&signs))
    }

    fn access(&self, access: Option<AccessKind>) -> Option<SqlText> {
        let read_only = self.text(&["readOnly"])?;
        let template = match access? {
            AccessKind::ReadOnly => "lower(?) = 'true'",
            AccessKind::WriteOnly => "lower(?) = 'false'",
        };
        Some(SqlText::of(template, &[&read_only]))
    }

    /// Events that do not name their account are admitted: they belong to the caller's.
    fn accounts(&self, values: &FilterValues) -> Option<SqlText> {
        let account = self.text(&["recipientAccountId"])?;
        let lower = SqlText::of("lower(?)", &[&account]);
        let matching = admits(values, |pattern| like(&lower, pattern))?;
        let absent = SqlText::of("? = ''", &[&account]);
        Some(SqlText::any(&[absent, matching]))
    }

    /// Networks of IPv4 are looked for by the octets that all their addresses begin with; exceptions are left to the
    /// reader if one is a network.
    fn origins(&self, values: &FilterValues) -> Option<SqlText> {
        let member = self.table.member(&["sourceIPAddress"])?;
        let text = SqlText::of("lower(coalesce(nullif(?, ''), 'Unknown'))", &[&member.sql]);
        let colon = SqlText::of("strpos(?, ':') > 0", &[&text]);
        any_of(values.wanted().map(|value| match network(value) {
            None => like(&text, value),
            Some(network) if network.addr().is_ipv6() => Some(colon.clone()),
            Some(network) => {
                let octets = usize::from(network.prefix_len()) / 8;
                let address = network.network().to_string();
                let parts: Vec<&str> = address.split('.').take(octets).collect();
                if parts.is_empty() {
                    return None;
                }
                let end = if octets < 4 { "." } else { "" };
                let begin = SqlText::text(&format!("{}{end}", parts.join(".")));
                let found = SqlText::of("strpos(?, ?) > 0", &[&text, &begin]);
                // An address of IPv6 may contain one of IPv4 in another notation.
                Some(SqlText::any(&[found, colon.clone()]))
            }
        }))
    }

    /// A value without a wildcard matches any user agent that contains it.
    fn user_agents(&self, values: &FilterValues) -> Option<SqlText> {
        let member = self.table.member(&["userAgent"])?;
        let text = SqlText::of("lower(coalesce(nullif(?, ''), 'Unknown'))", &[&member.sql]);
        admits(values, |value| match value.contains(['*', '?']) {
            true => like(&text, value),
            false => like(&text, &format!("*{value}*")),
        })
    }

    fn access_keys(&self, values: &FilterValues) -> Option<SqlText> {
        let key = self.text(&["userIdentity", "accessKeyId"])?;
        let lower = SqlText::of("lower(?)", &[&key]);
        admits(values, |pattern| like(&lower, pattern))
    }
}

/// Texts one after the other, in lower case.
fn joined(texts: &[SqlText]) -> SqlText {
    SqlText::of("lower(?)", &[&SqlText::join(texts, " || ' ' || ")])
}

/// Comparison with a pattern; absent if SQL might fold the case of its letters otherwise than this program does.
fn like(text: &SqlText, pattern: &str) -> Option<SqlText> {
    pattern
        .is_ascii()
        .then(|| SqlText::of("? LIKE ? ESCAPE '\\'", &[text, &like_pattern(pattern)]))
}

/// One of the values must match, and no exception. A value that SQL cannot compare admits everything.
fn admits(values: &FilterValues, compare: impl Fn(&str) -> Option<SqlText>) -> Option<SqlText> {
    let wanted = any_of(values.wanted().map(&compare));
    let unwanted = values.exceptions().filter_map(&compare);
    let unwanted = unwanted.map(|condition| SqlText::of("NOT (?)", &[&condition]));
    let conditions: Vec<SqlText> = wanted.into_iter().chain(unwanted).collect();
    (!conditions.is_empty()).then(|| SqlText::all(&conditions))
}

/// One of the conditions; absent if there is no condition, or one of them admits everything.
fn any_of(conditions: impl Iterator<Item = Option<SqlText>>) -> Option<SqlText> {
    let conditions: Vec<SqlText> = conditions.collect::<Option<_>>()?;
    (!conditions.is_empty()).then(|| SqlText::any(&conditions))
}

/// Records must have a word of one of the values. Exceptions are left to the reader.
fn words(
    values: &FilterValues,
    text: Option<&SqlText>,
    word: impl Fn(&str) -> Option<String>,
) -> Option<SqlText> {
    let text = text?;
    any_of(values.wanted().map(|value| {
        let word = SqlText::text(&word(value)?);
        Some(SqlText::of("strpos(?, ?) > 0", &[text, &word]))
    }))
}

/// A word for each value of `--request`: the patterns of different paths must all match, those of one path are
/// alternatives. To be simple, one word of all values must be there.
fn requests(values: &FilterValues, text: Option<&SqlText>) -> Option<SqlText> {
    words(values, text, |value| {
        let (_, pattern) = value.split_once('=')?;
        longest_word(pattern)
    })
}

/// The longest part of a pattern that each matching text must contain as it is, in lower case. Names of kinds are not:
/// `role` occurs in principals, and not in records.
fn longest_word(pattern: &str) -> Option<String> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '@' | '+');
    let words = pattern.split(|c: char| !is_plain(c));
    let lower = words.map(str::to_ascii_lowercase);
    let known = lower.filter(|word| {
        word.len() >= MIN_WORD_BYTES && !KINDS.contains(&word.as_str()) && !word.contains("hidden")
    });
    // A pattern with other letters may be folded otherwise by SQL.
    let found = known.max_by_key(String::len)?;
    pattern.is_ascii().then_some(found)
}

/// The longest word of the name of a resource: what stands before it in a key or an ARN may be in no record.
fn word_of_resource(pattern: &str) -> Option<String> {
    let key = (!pattern.contains(['*', '?']))
        .then(|| ResourceKey::of_text(pattern, &ResourceContext::default()))
        .flatten();
    let text = key.as_ref().map_or(pattern, |key| key.as_str());
    let name = text.rsplit(['/', ':']).next()?;
    longest_word(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_in_every_text_that_matches() {
        for (pattern, word) in [
            ("111122223333:role/deploy-prod", Some("111122223333")),
            ("*:role/deploy-*", Some("deploy-")),
            ("*:role/*", None),
            ("ann@*", Some("ann@")),
            ("*", None),
            ("b?b*ab", None),
            ("*:user/Müller-Lüdenscheidt", None),
            ("*:user/(hidden)", None),
        ] {
            assert_eq!(longest_word(pattern).as_deref(), word, "{pattern}");
        }
        for (pattern, word) in [
            ("i-0decafbadc0ffee01", Some("i-0decafbadc0ffee01")),
            ("arn:aws:s3:::logs-*", Some("logs-")),
            ("lambda:function/fn", None),
            ("arn:aws:iam::111122223333:role/team/deploy", Some("deploy")),
        ] {
            assert_eq!(word_of_resource(pattern).as_deref(), word, "{pattern}");
        }
    }
}
