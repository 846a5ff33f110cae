//! Usage by the values of a tag, which budgets may be about. Tags come from Cost Explorer, where case matters in keys
//! and values, and where an inactive tag is on nothing.

use std::collections::BTreeSet;
use std::fmt;

use super::period::DayRange;
use super::table::{CostLine, CostTable};
use crate::nearest;

/// A value of a cost allocation tag.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct TagValue {
    /// The key of the tag.
    pub key: String,
    /// The value.
    pub value: String,
}

/// For people: `project=apollo`.
impl fmt::Display for TagValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.key, self.value)
    }
}

/// What is known of the usage of all accounts by the values of a tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TagUsage {
    /// It was read.
    Read {
        /// The days that were asked for.
        days: DayRange,
        /// Lines with the value in [`CostKey::value`](super::table::CostKey::value), which is absent in lines without
        /// the tag.
        table: CostTable,
    },
    /// No account has any usage, so that no value has any.
    NoUsage,
    /// It could not be read.
    Unread {
        /// Why, as the rest of a sentence.
        reason: String,
    },
}

/// Why it is not known what was used with a tag value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TagDoubt {
    /// The usage could not be read.
    Unread {
        /// The key of the tag.
        key: String,
        /// Why, as the rest of a sentence.
        reason: String,
    },
    /// There is usage, and none of it has the tag.
    NothingTagged {
        /// The key of the tag.
        key: String,
        /// The days that were asked for.
        days: DayRange,
    },
    /// Usage has the tag, and none of it has this value.
    NotSeen {
        /// The tag and the value that is missing.
        tag: TagValue,
        /// The days that were asked for.
        days: DayRange,
        /// The most similar values, as the end of a sentence.
        hint: String,
    },
}

impl TagDoubt {
    /// The doubt for a reader who cannot change the settings.
    pub fn short(&self) -> String {
        match self {
            TagDoubt::Unread { key, .. } => {
                format!("usage by the tag {key} could not be read")
            }
            TagDoubt::NothingTagged { key, days } => {
                format!("nothing has the tag {key} in the costs of {}", days.label())
            }
            TagDoubt::NotSeen { tag, days, .. } => format!(
                "the tag {} has no value {:?} in the costs of {}",
                tag.key,
                tag.value,
                days.label()
            ),
        }
    }
}

/// For the operator: with what to do about it.
impl fmt::Display for TagDoubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let short = self.short();
        match self {
            TagDoubt::Unread { reason, .. } => write!(f, "{short}: {reason}"),
            TagDoubt::NothingTagged { .. } => write!(
                f,
                "{short}: is it spelled so, and activated for cost allocation in the management account? trailtab cost check \
                 names the active tag that is most similar"
            ),
            TagDoubt::NotSeen { hint, .. } => write!(f, "{short}{hint}"),
        }
    }
}

impl TagUsage {
    /// The lines of usage with a value of the tag.
    ///
    /// # Errors
    ///
    /// Says why it is not known what was used. A value without usage in a part of the days that were asked for is
    /// known.
    pub fn lines_of<'u>(&'u self, tag: &TagValue) -> Result<Vec<CostLine<'u>>, TagDoubt> {
        let key = tag.key.clone();
        let (days, table) = match self {
            TagUsage::NoUsage => return Ok(Vec::new()),
            TagUsage::Unread { reason } => {
                let reason = reason.clone();
                return Err(TagDoubt::Unread { key, reason });
            }
            TagUsage::Read { days, table } => (*days, table),
        };
        let has_value = |(key, _): &CostLine<'_>| key.value.as_ref() == Some(&tag.value);
        let lines: Vec<CostLine<'_>> = table.lines().filter(has_value).collect();
        if !lines.is_empty() {
            return Ok(lines);
        }
        let values: BTreeSet<&str> = table
            .lines()
            .filter_map(|(key, _)| key.value.as_deref())
            .collect();
        if values.is_empty() {
            return Err(TagDoubt::NothingTagged { key, days });
        }
        Err(TagDoubt::NotSeen {
            tag: tag.clone(),
            days,
            hint: nearest::hint(&tag.value, values, "values"),
        })
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;
    use crate::cost::charge::ChargeType;
    use crate::cost::table::{CostAmount, CostKey, LineCuts};

    fn usage(values: &[Option<&str>]) -> TagUsage {
        let day = date(2026, 11, 2);
        let line = |value: &Option<&str>| {
            let key = CostKey::new(day, ChargeType::Usage, "USD", LineCuts::default());
            let value = value.map(str::to_owned);
            (CostKey { value, ..key }, CostAmount::default())
        };
        TagUsage::Read {
            days: DayRange {
                from: date(2026, 11, 1),
                through: date(2026, 11, 20),
            },
            table: values.iter().map(line).collect(),
        }
    }

    fn said(usage: &TagUsage, value: &str) -> String {
        let tag = TagValue {
            key: "project".to_owned(),
            value: value.to_owned(),
        };
        match usage.lines_of(&tag) {
            Ok(lines) => format!("{} lines", lines.len()),
            Err(doubt) => doubt.to_string(),
        }
    }

    #[test]
    fn a_value_that_nothing_has_is_a_doubt_and_no_amount() {
        let known = usage(&[None, Some("apollo"), Some("Zeus")]);
        assert_eq!(said(&known, "apollo"), "1 lines");
        assert_eq!(
            said(&known, "Apolo"),
            "the tag project has no value \"Apolo\" in the costs of 1–20 November 2026: did you mean \"apollo\"?"
        );
        // Case matters.
        assert!(said(&known, "zeus").ends_with(": did you mean \"Zeus\"?"));
        assert!(said(&known, "mercury").ends_with("; values: \"Zeus\", \"apollo\""));
        // Lines without the tag are of no value.
        for untagged in [usage(&[None]), usage(&[])] {
            let doubt = said(&untagged, "apollo");
            assert!(doubt.starts_with("nothing has the tag project"), "{doubt}");
        }
        assert_eq!(said(&TagUsage::NoUsage, "apollo"), "0 lines");
        let reason = "throttled".to_owned();
        assert_eq!(
            said(&TagUsage::Unread { reason }, "apollo"),
            "usage by the tag project could not be read: throttled"
        );
    }
}
