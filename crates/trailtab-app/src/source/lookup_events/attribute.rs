//! Chooses the one filter that is passed to LookupEvents.

use std::fmt;

use aws_sdk_cloudtrail::error::BuildError;
use aws_sdk_cloudtrail::types::{LookupAttribute, LookupAttributeKey};

use trailtab_core::event::filter::{AccessKind, EventFilter, without_version};

/// A lookup attribute, evaluated by LookupEvents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PushedAttribute {
    key: LookupAttributeKey,
    value: String,
}

impl PushedAttribute {
    /// Chooses the most selective filter that LookupEvents can evaluate. It supports no patterns,
    /// is case-sensitive, and takes one value.
    pub fn choose(filter: &EventFilter) -> Option<PushedAttribute> {
        let key = |key: LookupAttributeKey, value: &str| {
            let value = value.to_owned();
            PushedAttribute { key, value }
        };
        // Access key ids are in capitals. An empty value means unsigned calls, which LookupEvents
        // cannot filter by.
        if let Some(id) = filter.access_keys.only().filter(|id| !id.is_empty()) {
            let id = id.to_ascii_uppercase();
            return Some(key(LookupAttributeKey::AccessKeyId, &id));
        }
        // An id or a name. CloudTrail lists some resources by ARN and others by name, so a text that may be either is
        // matched locally.
        let resource = filter.resources.only();
        if let Some(name) = resource.filter(|name| !name.contains([':', '/'])) {
            return Some(key(LookupAttributeKey::ResourceName, name));
        }
        // LookupEvents matches EventName case-sensitively, so push down only names written as AWS
        // does. Others are matched locally.
        let name = filter.names.only();
        let name = name.filter(|name| name.starts_with(|c: char| c.is_ascii_uppercase()));
        // The service compares the whole name, and would leave out `CreateFunction20150331`.
        if let Some(name) = name.filter(|name| !may_have_version(name)) {
            return Some(key(LookupAttributeKey::EventName, name));
        }
        // A short name can belong to several services.
        let source = filter.sources.only().filter(|source| source.contains('.'));
        if let Some(source) = source.map(str::to_ascii_lowercase) {
            return Some(key(LookupAttributeKey::EventSource, &source));
        }
        filter.access.map(|access| {
            let value = if access == AccessKind::ReadOnly {
                "true"
            } else {
                "false"
            };
            key(LookupAttributeKey::ReadOnly, value)
        })
    }
}

/// Returns whether Lambda or CloudFront may append the date of a version to the name of an API.
fn may_have_version(name: &str) -> bool {
    without_version(name) == name
        && (VERSIONED.contains(&name) || VERSIONED_NOUNS.iter().any(|noun| name.contains(noun)))
}

/// APIs of Lambda and CloudFront whose names say too little by themselves.
const VERSIONED: [&str; 7] = [
    "GetPolicy",
    "Invoke",
    "ListTags",
    "ListTagsForResource",
    "PublishVersion",
    "TagResource",
    "UntagResource",
];

/// What the other APIs of Lambda and CloudFront are about.
const VERSIONED_NOUNS: [&str; 24] = [
    "AccountSettings",
    "Alias",
    "AnycastIp",
    "CachePolic",
    "CodeSigningConfig",
    "ConnectionGroup",
    "ContinuousDeploymentPolic",
    "Distribution",
    "EventSourceMapping",
    "FieldLevelEncryption",
    "Function",
    "Invalidation",
    "KeyGroup",
    "KeyValueStore",
    "Layer",
    "MonitoringSubscription",
    "OriginAccess",
    "OriginRequestPolic",
    "Permission",
    "PublicKey",
    "RealtimeLogConfig",
    "ResponseHeadersPolic",
    "TrustStore",
    "VpcOrigin",
];

impl TryFrom<PushedAttribute> for LookupAttribute {
    type Error = BuildError;

    fn try_from(attribute: PushedAttribute) -> Result<LookupAttribute, BuildError> {
        LookupAttribute::builder()
            .attribute_key(attribute.key)
            .attribute_value(attribute.value)
            .build()
    }
}

impl fmt::Display for PushedAttribute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.key.as_str(), self.value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use trailtab_core::event::filter::FilterValues;

    #[test]
    fn ids_and_names_of_resources_are_left_to_the_service() {
        let pushed = |resource: &str| {
            let filter = EventFilter {
                resources: FilterValues::new(&[resource]),
                names: FilterValues::new(&["StopInstances"]),
                ..EventFilter::default()
            };
            PushedAttribute::choose(&filter).map(|attribute| attribute.to_string())
        };
        assert_eq!(pushed("i-0abc").as_deref(), Some("ResourceName=i-0abc"));
        for other in ["*i-0abc", "arn:aws:s3:::logs", "role/deploy"] {
            assert_eq!(pushed(other).as_deref(), Some("EventName=StopInstances"));
        }
    }

    #[test]
    fn names_that_may_have_a_version_are_not_left_to_the_service() {
        let pushed = |name: &str| {
            let filter = EventFilter {
                names: FilterValues::new(&[name]),
                ..EventFilter::default()
            };
            PushedAttribute::choose(&filter).map(|attribute| attribute.to_string())
        };
        for name in ["RunInstances", "CreateFunction20150331", "AssumeRole"] {
            assert_eq!(pushed(name), Some(format!("EventName={name}")));
        }
        for name in [
            "CreateFunction",
            "TagResource",
            "UpdateDistribution",
            "runInstances",
        ] {
            assert_eq!(pushed(name), None, "{name}");
        }
    }
}
