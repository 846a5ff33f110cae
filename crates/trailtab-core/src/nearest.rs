//! Finds the existing values that are most similar to a given one.

/// Maximum number of characters that are compared; the rest of a longer text is ignored.
const MAX_COMPARED_CHARS: usize = 128;

/// Maximum number of existing values to list.
const MAX_VALUES_NAMED: usize = 5;

/// How similar a value is to a given text. Smaller is more similar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Likeness {
    /// A part of the value equals the text, as `ci` in `111122223333:role/ci`.
    Part,
    /// A part of the value begins with the text.
    Beginning,
    /// The value contains the text, or the text contains the value.
    Inside,
    /// The value or a part of it differs from the text by this number of edits, which is small for
    /// its length.
    Typo(usize),
    /// The value is not similar; it differs from the text by this number of edits.
    Other(usize),
}

impl Likeness {
    /// Compares a value with a text. Ignores case and wildcards.
    pub fn of(text: &str, value: &str) -> Likeness {
        let text: String = folded(text)
            .chars()
            .filter(|c| !matches!(c, '*' | '?'))
            .collect();
        let whole = Likeness::of_folded(&text, value);
        // The part after `role/` identifies a principal or an API better than the rest.
        match text.rsplit_once([':', '/']) {
            Some((_, name)) if name.len() > 2 => whole.min(Likeness::of_folded(name, value)),
            _ => whole,
        }
    }

    fn of_folded(text: &str, value: &str) -> Likeness {
        let value = folded(value);
        let parts = || {
            value
                .split([':', '/', '@', '.', ' ', '(', ')'])
                .filter(|part| !part.is_empty())
        };
        if text.is_empty() {
            return Likeness::Other(value.chars().count());
        }
        if value == text || parts().any(|part| part == text) {
            return Likeness::Part;
        }
        // One or two letters occur in nearly every text.
        let begins = value.starts_with(text) || parts().any(|part| part.starts_with(text));
        if text.len() > 1 && begins {
            return Likeness::Beginning;
        }
        if (text.len() > 2 && value.contains(text)) || (value.len() > 2 && text.contains(&value)) {
            return Likeness::Inside;
        }
        let of_parts = parts().map(|part| strsim::osa_distance(text, part)).min();
        let whole = strsim::osa_distance(text, &value);
        let edits = of_parts.map_or(whole, |of_parts| of_parts.min(whole));
        match edits * 3 <= text.chars().count() {
            true => Likeness::Typo(edits),
            false => Likeness::Other(whole),
        }
    }

    /// Returns whether the value may be what the user meant.
    pub fn is_near(self) -> bool {
        !matches!(self, Likeness::Other(_))
    }
}

/// Sorts values by their similarity to any of the texts, the most similar first, then by name.
pub fn sorted<'v>(
    texts: &[impl AsRef<str>],
    values: impl IntoIterator<Item = &'v str>,
) -> Vec<(Likeness, &'v str)> {
    let likeness = |value: &str| {
        let of_texts = texts.iter().map(|text| Likeness::of(text.as_ref(), value));
        of_texts.min().unwrap_or(Likeness::Other(0))
    };
    let mut values: Vec<_> = values
        .into_iter()
        .map(|value| (likeness(value), value))
        .collect();
    values.sort_unstable();
    values
}

/// Returns the value that is most similar to the text, if the user may have meant it.
pub fn meant<'v>(
    text: &str,
    values: impl IntoIterator<Item = &'v str>,
) -> Option<(Likeness, &'v str)> {
    let values = values.into_iter().filter(|value| !value.is_empty());
    let nearest = values
        .map(|value| (Likeness::of(text, value), value))
        .min()?;
    nearest.0.is_near().then_some(nearest)
}

/// The end of a sentence about a text that is not an existing value: the nearest value, or else some of the values.
/// `noun` names the values in the plural. Empty if there are none.
pub fn hint<'v>(text: &str, values: impl IntoIterator<Item = &'v str>, noun: &str) -> String {
    let sorted = sorted(&[text], values);
    match sorted.first() {
        None => return String::new(),
        Some((likeness, first)) if likeness.is_near() => {
            return format!(": did you mean {first:?}?");
        }
        Some(_) => {}
    }
    let names = sorted.iter().take(MAX_VALUES_NAMED);
    let names: Vec<String> = names.map(|(_, name)| format!("{name:?}")).collect();
    let more = match sorted.len() - names.len() {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!("; {noun}: {}{more}", names.join(", "))
}

fn folded(text: &str) -> String {
    text.chars()
        .take(MAX_COMPARED_CHARS)
        .flat_map(char::to_lowercase)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_beginnings_and_typos_are_near() {
        for (text, value, likeness) in [
            ("ci-deploy", "111122223333:role/ci-deploy", Likeness::Part),
            ("CI-Deploy", "111122223333:role/ci-deploy", Likeness::Part),
            ("an", "111122223333:user/ann", Likeness::Beginning),
            ("dam", "111122223333:user/adam", Likeness::Inside),
            ("nn", "111122223333:user/ann", Likeness::Other(0)),
            ("a", "111122223333:user/ann", Likeness::Other(0)),
            ("ec2:RunInstances", "RunInstances", Likeness::Part),
            ("anna", "ann@example.com", Likeness::Typo(1)),
            ("eu-centrl-1", "eu-central-1", Likeness::Typo(1)),
            ("eu-cenrtal-1", "eu-central-1", Likeness::Typo(1)),
            (
                "*:role/ci-depoy",
                "111122223333:role/ci-deploy",
                Likeness::Typo(1),
            ),
            ("eu-centrl-1", "eu-west-1", Likeness::Other(0)),
            ("Production", "111122223333", Likeness::Other(0)),
            ("", "x", Likeness::Other(0)),
        ] {
            let found = match Likeness::of(text, value) {
                Likeness::Other(_) => Likeness::Other(0),
                near => near,
            };
            assert_eq!(found, likeness, "{text} {value}");
        }
    }

    #[test]
    fn the_nearest_come_first() {
        let values = ["us-east-1", "eu-west-2", "eu-west-1"];
        let sorted: Vec<_> = sorted(&["eu-wst-1"], values)
            .into_iter()
            .map(|(_, value)| value)
            .collect();
        assert_eq!(sorted, ["eu-west-1", "eu-west-2", "us-east-1"]);
        let beginning = Some((Likeness::Beginning, "Production"));
        assert_eq!(meant("Prod", ["Sandbox", "Production"]), beginning);
        assert_eq!(meant("Prod", ["Sandbox", "Total"]), None);
        assert_eq!(meant("Prod", [""]), None);
    }
}
