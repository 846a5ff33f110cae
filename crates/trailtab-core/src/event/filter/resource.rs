//! Patterns of the resources that a record names.

use super::pattern::TextPattern;
use crate::event::resource::{EventResource, ResourceContext, ResourceKey};

/// A pattern of a resource: of its id, name, ARN or key, or one of its spellings.
#[derive(Debug, Clone)]
pub(super) struct ResourcePattern {
    pattern: TextPattern,
    /// The key, if the text names one resource.
    key: Option<ResourceKey>,
}

impl ResourcePattern {
    pub(super) fn new(text: &str) -> ResourcePattern {
        ResourcePattern {
            pattern: TextPattern::new(text),
            key: ResourceKey::of_text(text, &ResourceContext::default()),
        }
    }

    pub(super) fn matches(&self, resource: &EventResource) -> bool {
        let key = resource.key.as_str();
        // The name alone: what follows the noun of the key, with and without a path.
        let name = key.split_once('/').map_or(key, |(_, name)| name);
        let last = name.rsplit('/').next().unwrap_or(name);
        self.key.as_ref() == Some(&resource.key)
            || self.pattern.matches(key)
            || self.pattern.matches(name)
            || self.pattern.matches(last)
            || self.pattern.matches(&resource.written)
            || resource
                .arn
                .as_deref()
                .is_some_and(|arn| self.pattern.matches(arn))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::resource::{ResourceKind, ResourceRole, ResourceSource};

    #[test]
    fn a_resource_matches_by_each_of_its_spellings() {
        let resource = |text: &str, arn: Option<&str>| EventResource {
            key: ResourceKey::of_text(text, &ResourceContext::default()).unwrap(),
            kind: ResourceKind::UNKNOWN,
            role: ResourceRole::Created,
            is_attempt: false,
            source: ResourceSource::Table,
            written: text.to_owned(),
            arn: arn.map(str::to_owned),
        };
        let instance = resource("i-0decafbadc0ffee01", None);
        for text in [
            "i-0decafbadc0ffee01",
            "i-0decafbad*",
            "arn:aws:ec2:eu-west-1:111122223333:instance/i-0decafbadc0ffee01",
            "ec2:instance/i-0decafbadc0ffee01",
        ] {
            assert!(ResourcePattern::new(text).matches(&instance), "{text}");
        }
        for text in ["i-0decafbadc0ffee02", "instance", "*bucket*"] {
            assert!(!ResourcePattern::new(text).matches(&instance), "{text}");
        }
        let arn = "arn:aws:iam::111122223333:user/team/ann";
        let user = resource(arn, Some(arn));
        for text in ["ann", "*:user/*ann", arn] {
            assert!(ResourcePattern::new(text).matches(&user), "{text}");
        }
    }
}
