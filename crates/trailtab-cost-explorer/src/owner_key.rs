//! Owner keys in requests and answers of Cost Explorer.

use trailtab_core::cost::owner::OwnerKey;

use crate::query::{CostFilter, FilterValues, GroupKey, GroupType, MatchOption};

/// How Cost Explorer writes an owner key.
pub trait OwnerKeyQuery {
    /// The `GroupBy` element that groups amounts by this key.
    fn group(&self) -> GroupKey;
    /// A filter for amounts that lack the key.
    fn absent(&self) -> CostFilter;
    /// A filter for amounts with any of these values.
    fn any_of(&self, values: Vec<String>) -> CostFilter;
    /// The value in a group's key, which is `Key$value`. Only the requested key is removed, and
    /// only once: a value may contain `$`.
    fn value<'k>(&self, group_key: &'k str) -> &'k str;
}

impl OwnerKeyQuery for OwnerKey {
    fn group(&self) -> GroupKey {
        GroupKey {
            r#type: match self {
                OwnerKey::Tag(_) => GroupType::Tag,
                OwnerKey::CostCategory(_) => GroupType::CostCategory,
            },
            key: self.name().to_owned(),
        }
    }

    fn absent(&self) -> CostFilter {
        filter(self, Vec::new(), vec![MatchOption::Absent])
    }

    fn any_of(&self, values: Vec<String>) -> CostFilter {
        filter(self, values, Vec::new())
    }

    fn value<'k>(&self, group_key: &'k str) -> &'k str {
        let value = group_key.strip_prefix(self.name());
        value
            .and_then(|rest| rest.strip_prefix('$'))
            .unwrap_or(group_key)
    }
}

fn filter(key: &OwnerKey, values: Vec<String>, match_options: Vec<MatchOption>) -> CostFilter {
    let values = FilterValues {
        key: key.name().to_owned(),
        values,
        match_options,
    };
    match key {
        OwnerKey::Tag(_) => CostFilter::Tags(values),
        OwnerKey::CostCategory(_) => CostFilter::CostCategories(values),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_is_cut_off_once() {
        let key: OwnerKey = "Owner".parse().unwrap();
        assert_eq!(key.value("Owner$ann"), "ann");
        assert_eq!(key.value("Owner$team$a"), "team$a");
        assert_eq!(key.value("Owner$Owner$a"), "Owner$a");
        assert_eq!(key.value("Owner$"), "");
        // A key that was not requested is kept whole.
        assert_eq!(key.value("owner$a"), "owner$a");
        let money: OwnerKey = "a$b".parse().unwrap();
        assert_eq!(money.value("a$b$c"), "c");
    }
}
