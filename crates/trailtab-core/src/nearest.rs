//! Finds the values that are most like one that was given and does not exist.

/// Characters of a text that are compared; the rest of a longer text is ignored.
const MAX_COMPARED_CHARS: usize = 128;

/// How much a value is like a given text. The smallest is the most alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Likeness {
    /// A part of the value is the text, as `ci` in `111122223333:role/ci`.
    Part,
    /// A part of the value begins with the text.
    Beginning,
    /// The value contains the text, or the text contains the value.
    Inside,
    /// The value or a part of it differs from the text by so many edits, few for its length.
    Typo(usize),
    /// Another value altogether, and by how many edits it differs.
    Other(usize),
}

impl Likeness {
    /// Compares a value with a text. Case and the wildcards of patterns are ignored.
    pub fn of(text: &str, value: &str) -> Likeness {
        let text: String = folded(text)
            .chars()
            .filter(|c| !matches!(c, '*' | '?'))
            .collect();
        let whole = Likeness::of_folded(&text, value);
        // What stands behind `role/` tells more than the rest of a principal or an API.
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
        // One letter, or two, are in nearly any text.
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

    /// Tells whether the value may be what was meant.
    pub fn is_near(self) -> bool {
        !matches!(self, Likeness::Other(_))
    }
}

/// Sorts values, those first that are most like any of the texts; equally alike ones by name.
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

/// Returns the value that is most like the text, if it may be what was meant.
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
