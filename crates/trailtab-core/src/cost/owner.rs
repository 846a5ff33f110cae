//! Whose a cost is: the values of a tag, and the names that people know.

use std::collections::BTreeMap;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::query::{Filter, Group, GroupType, MatchOption, Values};
use super::report::{Label, LabelKind};

/// Whose a cost is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Owner {
    /// The value of the tag, folded and looked up as the settings say.
    Named(String),
    /// Resources that another EC2 instance created: their owner is the name of its role's session, `i-…`.
    Instances,
    /// Without the tag, or with an empty value.
    Untagged,
}

impl Owner {
    /// How it is shown. Labels of ours are in parentheses; a tag's value that looks like one is in quotes,
    /// so that the two stay apart.
    pub fn label(&self) -> Label {
        let (kind, name) = match self {
            Owner::Named(name) if name.starts_with(['(', '"']) => {
                (LabelKind::Owner, format!("\"{name}\""))
            }
            Owner::Named(name) => (LabelKind::Owner, name.clone()),
            Owner::Instances => (LabelKind::Instances, "(instances i-*)".to_owned()),
            Owner::Untagged => (LabelKind::Untagged, "(untagged)".to_owned()),
        };
        Label { kind, name }
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

/// How cost categories are told from tags in the settings.
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
                "{text:?} is no owner key: write the key of a tag, or {COST_CATEGORY}NAME"
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

impl OwnerKey {
    fn name(&self) -> &str {
        match self {
            OwnerKey::Tag(name) | OwnerKey::CostCategory(name) => name,
        }
    }

    /// The `GroupBy` element that groups amounts by this key.
    pub fn group(&self) -> Group {
        Group {
            r#type: match self {
                OwnerKey::Tag(_) => GroupType::Tag,
                OwnerKey::CostCategory(_) => GroupType::CostCategory,
            },
            key: self.name().to_owned(),
        }
    }

    fn values(&self, values: Vec<String>, match_options: Vec<MatchOption>) -> Filter {
        let values = Values {
            key: self.name().to_owned(),
            values,
            match_options,
        };
        match self {
            OwnerKey::Tag(_) => Filter::Tags(values),
            OwnerKey::CostCategory(_) => Filter::CostCategories(values),
        }
    }

    /// Amounts that lack it.
    pub fn absent(&self) -> Filter {
        self.values(Vec::new(), vec![MatchOption::Absent])
    }

    /// Amounts with any of these values.
    pub fn any_of(&self, values: Vec<String>) -> Filter {
        self.values(values, Vec::new())
    }

    /// The value in a group's key, which is `Key$value`. Only the key that was asked for is cut off, and
    /// once: values may hold `$` themselves.
    pub fn value<'k>(&self, group_key: &'k str) -> &'k str {
        let value = group_key.strip_prefix(self.name());
        value
            .and_then(|rest| rest.strip_prefix('$'))
            .unwrap_or(group_key)
    }
}

/// How a tag's value becomes an owner.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OwnerRules {
    /// Where to look, in this order: what lacks the first may have the second.
    pub keys: Vec<OwnerKey>,
    /// Whether `Ann@Example.com` and `ann@example.com` are the same.
    pub fold_case: bool,
    /// Values that stand for another owner.
    pub aliases: BTreeMap<String, String>,
    /// The domain of the organisation's mail: `ann` and `ann@example.com` are the same then.
    pub domain: Option<String>,
    /// Who gets the reports of owners without an address.
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

impl OwnerRules {
    /// Finds the owner that a value stands for.
    pub fn owner(&self, value: &str) -> Owner {
        let value = value.trim();
        let alias = self
            .aliases
            .iter()
            .find(|(alias, _)| self.same(alias, value));
        let name = self.canonical(alias.map_or(value, |(_, owner)| owner));
        match name {
            name if name.is_empty() => Owner::Untagged,
            name if name.starts_with("i-") => Owner::Instances,
            name => Owner::Named(name),
        }
    }

    /// The address that a person's reports go to, if there is one.
    pub fn address(&self, user: &str) -> Option<String> {
        let user = user.trim();
        let alias = self
            .aliases
            .iter()
            .find(|(alias, _)| self.same(alias, user));
        let user = alias.map_or(user, |(_, owner)| owner.trim());
        // A team or a project is no name of a mailbox.
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
        // Domains have no case, whatever names have.
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

    fn named(name: &str) -> Owner {
        Owner::Named(name.to_owned())
    }

    #[test]
    fn the_key_is_cut_off_once() {
        let key: OwnerKey = "Owner".parse().unwrap();
        assert_eq!(key.value("Owner$ann"), "ann");
        assert_eq!(key.value("Owner$team$a"), "team$a");
        assert_eq!(key.value("Owner$Owner$a"), "Owner$a");
        assert_eq!(key.value("Owner$"), "");
        // Not what was asked for: better shown whole than cut.
        assert_eq!(key.value("owner$a"), "owner$a");
        let money: OwnerKey = "a$b".parse().unwrap();
        assert_eq!(money.value("a$b$c"), "c");
    }

    #[test]
    fn values_become_owners() {
        let rules = OwnerRules::default();
        assert_eq!(rules.owner("Ann@Example.com "), named("ann@example.com"));
        assert_eq!(rules.owner(" "), Owner::Untagged);
        assert_eq!(rules.owner("i-0abc"), Owner::Instances);
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
        // An alias stands for somebody, and mail goes to them.
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
        for ours in [Owner::Untagged.label(), Owner::Instances.label()] {
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
