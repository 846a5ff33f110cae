//! Which events count: filters that combine.
//!
//! Values of one filter are alternatives; different filters must all agree. Patterns know `*` and
//! `?` and ignore case.

use std::net::IpAddr;
use std::str::FromStr;

use ipnet::IpNet;
use wildmatch::WildMatch;

use super::principal::Actor;
use super::record::{Outcome, Record};
use super::scan::Text;
use super::tally::UNKNOWN;

/// Which calls by their outcome; the predecessor's `--activity-type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum ActivityType {
    #[default]
    All,
    Successful,
    Failed,
}

impl ActivityType {
    /// The predecessor's word for it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            ActivityType::All => "ALL",
            ActivityType::Successful => "SUCCESSFUL",
            ActivityType::Failed => "FAILED",
        }
    }
}

/// Which calls by what they do; a record that does not say is neither.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    ReadOnly,
    WriteOnly,
}

/// A pattern of a whole text.
#[derive(Debug, Clone)]
pub(crate) struct Pattern(WildMatch);

impl Pattern {
    pub(crate) fn new(pattern: &str) -> Self {
        Pattern(WildMatch::new_case_insensitive(pattern))
    }

    /// A pattern that, without a wildcard, stands for any text that contains it.
    pub(crate) fn containing(pattern: &str) -> Self {
        if pattern.contains(['*', '?']) {
            Pattern::new(pattern)
        } else {
            Pattern::new(&format!("*{pattern}*"))
        }
    }

    fn matches(&self, text: &str) -> bool {
        self.0.matches(text)
    }
}

/// An address, a network, or a pattern of what stands in place of an address.
#[derive(Debug, Clone)]
pub(crate) enum Origin {
    Network(IpNet),
    Name(Pattern),
}

impl Origin {
    pub(crate) fn new(text: &str) -> Self {
        let address = || IpAddr::from_str(text).map(IpNet::from);
        match IpNet::from_str(text).or_else(|_| address()) {
            Ok(network) => Origin::Network(network),
            Err(_) => Origin::Name(Pattern::new(text)),
        }
    }

    fn matches(&self, text: &str) -> bool {
        match self {
            Origin::Network(network) => {
                IpAddr::from_str(text).is_ok_and(|address| network.contains(&address))
            }
            Origin::Name(pattern) => pattern.matches(text),
        }
    }
}

/// All filters of a run. An empty list lets everything pass.
#[derive(Debug, Clone, Default)]
pub(crate) struct Filter {
    pub(crate) activity_type: ActivityType,
    pub(crate) principals: Vec<Pattern>,
    pub(crate) persons: Vec<Pattern>,
    pub(crate) sources: Vec<Pattern>,
    pub(crate) names: Vec<Pattern>,
    pub(crate) error_codes: Vec<Pattern>,
    pub(crate) origins: Vec<Origin>,
    pub(crate) user_agents: Vec<Pattern>,
    pub(crate) regions: Vec<Pattern>,
    pub(crate) accounts: Vec<Pattern>,
    pub(crate) access: Option<Access>,
    pub(crate) without_aws_services: bool,
}

impl Filter {
    /// Tells whether an actor's events may pass.
    pub(crate) fn admits_actor(&self, actor: &Actor) -> bool {
        let person = actor.person.as_ref().map_or("", |person| &person.name);
        any(&self.principals, |pattern| {
            pattern.matches(&actor.principal)
        }) && any(&self.persons, |pattern| pattern.matches(person))
            && !(self.without_aws_services && actor.is_aws_service())
    }

    /// Tells whether an event may pass, whoever its actor is. What a record leaves out is known by
    /// the word that stands for it in results; `account` counts if none recorded the event.
    pub(crate) fn admits(&self, record: &Record<'_>, outcome: Outcome<'_>, account: &str) -> bool {
        let failed = outcome != Outcome::Succeeded;
        let by_outcome = match self.activity_type {
            ActivityType::All => true,
            ActivityType::Successful => !failed,
            ActivityType::Failed => failed,
        };
        let by_access = match self.access {
            None => true,
            Some(Access::ReadOnly) => record.read_only == Some(true),
            Some(Access::WriteOnly) => record.read_only == Some(false),
        };
        let code = match outcome {
            Outcome::Failed(code) => code,
            Outcome::Succeeded => None,
        };
        by_outcome
            && by_access
            && any_text(&self.names, record.event_name)
            && any_text(&self.error_codes, code)
            && any_text(&self.user_agents, record.user_agent.or(Some(UNKNOWN)))
            && any_text(&self.regions, record.aws_region.or(Some(UNKNOWN)))
            && self.admits_recorder(record.recipient_account_id, account)
            && self.admits_source(record.event_source)
            && self.admits_origin(record.source_ip_address)
    }

    /// Tells whether an account's events may pass.
    pub(crate) fn admits_account(&self, account: &str) -> bool {
        any(&self.accounts, |pattern| pattern.matches(account))
    }

    /// Tells whether a region's events may pass.
    pub(crate) fn admits_region(&self, region: &str) -> bool {
        any(&self.regions, |pattern| pattern.matches(region))
    }

    fn admits_recorder(&self, recorder: Option<Text<'_>>, otherwise: &str) -> bool {
        if self.accounts.is_empty() {
            return true;
        }
        let recorder = recorder.map(Text::decode);
        self.admits_account(recorder.as_deref().unwrap_or(otherwise))
    }

    /// `ec2` is short for `ec2.amazonaws.com`.
    fn admits_source(&self, source: Option<Text<'_>>) -> bool {
        if self.sources.is_empty() {
            return true;
        }
        let source = source.unwrap_or(UNKNOWN).decode();
        let short = source.split_once('.').map_or(&*source, |(short, _)| short);
        any(&self.sources, |pattern| {
            pattern.matches(&source) || pattern.matches(short)
        })
    }

    fn admits_origin(&self, address: Option<Text<'_>>) -> bool {
        if self.origins.is_empty() {
            return true;
        }
        let address = address.unwrap_or(UNKNOWN).decode();
        any(&self.origins, |origin| origin.matches(&address))
    }
}

fn any<T>(list: &[T], matches: impl FnMut(&T) -> bool) -> bool {
    list.is_empty() || list.iter().any(matches)
}

fn any_text(patterns: &[Pattern], text: Option<Text<'_>>) -> bool {
    patterns.is_empty()
        || text.is_some_and(|text| {
            let text = text.decode();
            patterns.iter().any(|pattern| pattern.matches(&text))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> Record<'static> {
        Record {
            event_source: Some(Text::plain(b"ec2.amazonaws.com")),
            event_name: Some(Text::plain(b"RunInstances")),
            aws_region: Some(Text::plain(b"eu-west-1")),
            source_ip_address: Some(Text::plain(b"2001:db8::7")),
            user_agent: Some(Text::plain(b"APN/1.0 HashiCorp/1.0 Terraform/1.7.5")),
            read_only: Some(false),
            ..Record::default()
        }
    }

    #[expect(
        clippy::needless_pass_by_value,
        reason = "filters are written where they are used"
    )]
    fn admits(filter: Filter) -> bool {
        filter.admits(&record(), Outcome::Succeeded, "111122223333")
    }

    fn patterns(patterns: &[&str]) -> Vec<Pattern> {
        patterns
            .iter()
            .map(|pattern| Pattern::new(pattern))
            .collect()
    }

    #[test]
    fn values_are_alternatives_and_filters_combine() {
        let names = patterns(&["Describe*", "run*"]);
        assert!(admits(Filter {
            names: names.clone(),
            ..Filter::default()
        }));
        let regions = patterns(&["us-*"]);
        assert!(!admits(Filter {
            names,
            regions,
            ..Filter::default()
        }));
    }

    #[test]
    fn services_match_by_their_short_name() {
        assert!(admits(Filter {
            sources: patterns(&["ec2"]),
            ..Filter::default()
        }));
        assert!(admits(Filter {
            sources: patterns(&["ec2.amazonaws.com"]),
            ..Filter::default()
        }));
        assert!(!admits(Filter {
            sources: patterns(&["ec"]),
            ..Filter::default()
        }));
    }

    #[test]
    fn addresses_match_by_network_and_names_by_pattern() {
        let origins = |text| Filter {
            origins: vec![Origin::new(text)],
            ..Filter::default()
        };
        assert!(admits(origins("2001:db8::/32")) && admits(origins("2001:db8:0:0::7")));
        assert!(!admits(origins("10.0.0.0/8")) && !admits(origins("*.amazonaws.com")));
        assert!(Origin::new("AWS Internal").matches("AWS Internal"));
    }

    #[test]
    fn user_agents_match_by_a_part() {
        let agents = |text| Filter {
            user_agents: vec![Pattern::containing(text)],
            ..Filter::default()
        };
        assert!(admits(agents("terraform")) && !admits(agents("terraform*")));
    }

    #[test]
    fn outcome_and_access() {
        let failed = Filter {
            activity_type: ActivityType::Failed,
            ..Filter::default()
        };
        assert!(!admits(failed.clone()));
        assert!(failed.admits(&record(), Outcome::Failed(None), ""));
        assert!(admits(Filter {
            access: Some(Access::WriteOnly),
            ..Filter::default()
        }));
        assert!(!admits(Filter {
            access: Some(Access::ReadOnly),
            ..Filter::default()
        }));
    }

    #[test]
    fn services_are_left_out_and_their_users_are_not() {
        let filter = Filter {
            without_aws_services: true,
            ..Filter::default()
        };
        let service = br#"{"type":"AWSService","invokedBy":"ec2.amazonaws.com"}"#;
        assert!(!filter.admits_actor(&Actor::resolve(service)));
        let user = br#"{"type":"IAMUser","accountId":"1","userName":"a","invokedBy":"cloudformation.amazonaws.com"}"#;
        assert!(filter.admits_actor(&Actor::resolve(user)));
    }
}
