//! Owners of costs: the values of a tag or cost category, and the names used in reports.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::label::{LabelKind, RowLabel};

/// The owner of a cost.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CostOwner {
    /// A value of the tag, normalized by the settings.
    Named(String),
    /// Resources created by another EC2 instance: their owner is the name of its role session,
    /// `i-…`.
    Instances,
    /// Costs without the tag, or with an empty value.
    Untagged,
}

impl CostOwner {
    /// The label in reports. Our own labels are in parentheses; a tag value that looks like one is
    /// quoted, to distinguish it.
    pub fn label(&self) -> RowLabel {
        let (kind, name) = match self {
            CostOwner::Named(name) if name.starts_with(['(', '"']) => {
                (LabelKind::Owner, format!("\"{name}\""))
            }
            CostOwner::Named(name) => (LabelKind::Owner, name.clone()),
            CostOwner::Instances => (LabelKind::Instances, "(instances i-*)".to_owned()),
            CostOwner::Untagged => (LabelKind::Untagged, "(untagged)".to_owned()),
        };
        RowLabel { kind, name }
    }
}

/// Where the owner of a cost is found.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum OwnerKey {
    /// A cost allocation tag. Case matters.
    Tag(String),
    /// A cost category, written `cost-category:NAME` in the settings. Case matters.
    CostCategory(String),
}

/// The prefix of cost categories in the settings.
const COST_CATEGORY: &str = "cost-category:";

impl FromStr for OwnerKey {
    type Err = String;

    fn from_str(text: &str) -> Result<OwnerKey, String> {
        let (key, name) = match text.strip_prefix(COST_CATEGORY) {
            Some(name) => (OwnerKey::CostCategory(name.to_owned()), name),
            None => (OwnerKey::Tag(text.to_owned()), text),
        };
        match name.trim().is_empty() {
            true => Err(format!(
                "{text:?} is not an owner key: write the key of a tag, or {COST_CATEGORY}NAME"
            )),
            false => Ok(key),
        }
    }
}

impl TryFrom<String> for OwnerKey {
    type Error = String;

    fn try_from(text: String) -> Result<OwnerKey, String> {
        text.parse()
    }
}

impl From<OwnerKey> for String {
    fn from(key: OwnerKey) -> String {
        match key {
            OwnerKey::Tag(name) => name,
            OwnerKey::CostCategory(name) => format!("{COST_CATEGORY}{name}"),
        }
    }
}

/// For people: `the tag Owner`, `the cost category Team`. The settings' form is `String::from`.
impl fmt::Display for OwnerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            OwnerKey::Tag(name) => write!(f, "the tag {name}"),
            OwnerKey::CostCategory(name) => write!(f, "the cost category {name}"),
        }
    }
}

impl OwnerKey {
    /// The key of the tag, or the name of the cost category.
    pub fn name(&self) -> &str {
        match self {
            OwnerKey::Tag(name) | OwnerKey::CostCategory(name) => name,
        }
    }
}

/// How the value of a tag becomes an owner.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OwnerRules {
    /// Owner keys in order: costs that lack the first are looked up by the second.
    pub keys: Vec<OwnerKey>,
    /// Whether `Ann@Example.com` and `ann@example.com` are the same.
    pub fold_case: bool,
    /// Values that stand for another owner, by value.
    pub aliases: BTreeMap<String, String>,
    /// The domain of the organisation's mail addresses: with it, `ann` and `ann@example.com` are
    /// the same owner.
    pub domain: Option<String>,
    /// The address that gets the reports of owners without an address.
    pub fallback_contact: Option<String>,
}

impl Default for OwnerRules {
    fn default() -> OwnerRules {
        OwnerRules {
            keys: vec![OwnerKey::Tag("Owner".to_owned())],
            fold_case: true,
            aliases: BTreeMap::new(),
            domain: None,
            fallback_contact: None,
        }
    }
}

/// Returns whether a text is the id of an EC2 instance: `i-` and 8 or 17 hexadecimal digits.
fn is_instance_id(text: &str) -> bool {
    let digits = text.strip_prefix("i-").unwrap_or_default();
    matches!(digits.len(), 8 | 17) && digits.bytes().all(|b| b.is_ascii_hexdigit())
}

impl OwnerRules {
    /// Returns the owner that a value stands for.
    pub fn owner(&self, value: &str) -> CostOwner {
        let value = value.trim();
        let alias = self
            .aliases
            .iter()
            .find(|(alias, _)| self.same(alias, value));
        let name = self.canonical(alias.map_or(value, |(_, owner)| owner));
        match name {
            name if name.is_empty() => CostOwner::Untagged,
            name if is_instance_id(&name) => CostOwner::Instances,
            name => CostOwner::Named(name),
        }
    }

    /// The mail address for the reports of an owner, if there is one.
    pub fn address(&self, user: &str) -> Option<String> {
        let user = user.trim();
        let alias = self
            .aliases
            .iter()
            .find(|(alias, _)| self.same(alias, user));
        let user = alias.map_or(user, |(_, owner)| owner.trim());
        // The name of a team or project may not be a mailbox.
        let is_name = |c: char| c.is_ascii_alphanumeric() || "._+-".contains(c);
        match &self.domain {
            _ if user.contains('@') => Some(user.to_owned()),
            Some(domain) if !user.is_empty() && user.chars().all(is_name) => {
                Some(format!("{user}@{}", domain.trim_start_matches('@')))
            }
            _ => self.fallback_contact.clone(),
        }
    }

    fn same(&self, one: &str, other: &str) -> bool {
        self.folded(one.trim()) == self.folded(other.trim())
    }

    fn folded(&self, name: &str) -> String {
        match self.fold_case {
            true => name.to_lowercase(),
            false => name.to_owned(),
        }
    }

    fn canonical(&self, name: &str) -> String {
        let name = self.folded(name.trim());
        let Some(domain) = &self.domain else {
            return name;
        };
        // Domains are case-insensitive.
        let suffix = format!("@{}", domain.trim_start_matches('@').to_lowercase());
        match name.to_lowercase().ends_with(&suffix)
            && name.is_char_boundary(name.len().saturating_sub(suffix.len()))
        {
            true if name.len() > suffix.len() => name[..name.len() - suffix.len()].to_owned(),
            _ => name,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(name: &str) -> CostOwner {
        CostOwner::Named(name.to_owned())
    }

    #[test]
    fn values_become_owners() {
        let rules = OwnerRules::default();
        assert_eq!(rules.owner("Ann@Example.com "), named("ann@example.com"));
        assert_eq!(rules.owner(" "), CostOwner::Untagged);
        for id in ["i-0a1b2c3d", "i-0123456789abcdef0", " I-0123456789ABCDEF0 "] {
            assert_eq!(rules.owner(id), CostOwner::Instances, "{id}");
        }
        for name in ["i-chen@example.com", "i-0abc", "i-0123456789abcdefg", "i-"] {
            assert_eq!(rules.owner(name), named(name));
        }
        assert_eq!(rules.owner("team$a"), named("team$a"));
        let exact = OwnerRules {
            fold_case: false,
            ..OwnerRules::default()
        };
        assert_eq!(exact.owner("Ann"), named("Ann"));
    }

    #[test]
    fn aliases_and_the_domain_bring_names_together() {
        let rules = OwnerRules {
            aliases: BTreeMap::from([("ASmith".to_owned(), "Ann@example.com".to_owned())]),
            domain: Some("Example.com".to_owned()),
            ..OwnerRules::default()
        };
        for value in ["asmith", "ann", "ANN@EXAMPLE.COM", " ann@example.com"] {
            assert_eq!(rules.owner(value), named("ann"), "{value}");
        }
        assert_eq!(rules.owner("ann@example.org"), named("ann@example.org"));
        assert_eq!(rules.owner("@example.com"), named("@example.com"));
        assert_eq!(rules.address("bob").unwrap(), "bob@Example.com");
        // An alias stands for an owner, and mail goes to that owner's address.
        assert_eq!(rules.address("asmith").unwrap(), "Ann@example.com");
        assert_eq!(rules.address("shared pool"), None);
    }

    #[test]
    fn labels_of_ours_stay_apart_from_values() {
        let labels = [
            "(untagged)",
            "Untagged",
            "\"x",
            "i-*",
            "Total",
            "(instances i-*)",
        ]
        .map(|value| named(value).label());
        for ours in [CostOwner::Untagged.label(), CostOwner::Instances.label()] {
            assert!(labels.iter().all(|label| label.name != ours.name));
        }
        assert_eq!(labels[0].name, "\"(untagged)\"");
        assert_eq!(labels[2].name, "\"\"x\"");
    }

    #[test]
    fn who_has_no_address_has_the_fallback() {
        let rules = OwnerRules {
            fallback_contact: Some("cloud@example.com".to_owned()),
            ..OwnerRules::default()
        };
        assert_eq!(
            rules.address("shared").as_deref(),
            Some("cloud@example.com")
        );
        assert_eq!(rules.address("a@b").as_deref(), Some("a@b"));
        assert_eq!(OwnerRules::default().address("shared"), None);
    }
}
