//! Explains why no event was counted: which filter removed how many events, which values exist
//! instead, and the time range of the events.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::coverage::RunCoverage;
use crate::event::filter::{Criterion, EventFilter};
use crate::event::ingest::{IngestRules, IngestStats};
use crate::event::removals::Removed;
use crate::nearest::{self, Likeness};
use crate::scope::AccountId;
use crate::time;

/// Maximum number of values that a report lists for each filter.
const MAX_LISTED_VALUES: usize = 50;

/// Maximum number of edits by which an id may be mistyped. An id that differs by more is another
/// id.
const MAX_EDITS_OF_IDS: usize = 2;

/// Why no event was counted. Times are UTC, written `2026-09-07T08:00:00Z`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct NoMatch {
    /// The time of the first event that was read; null if no event has a time.
    pub first_event: Option<String>,
    /// The time of the last event that was read; null if no event has a time.
    pub last_event: Option<String>,
    /// The first day of the log files in S3, written `2026-09-07`; absent unless the time window
    /// excludes all of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_day_stored: Option<String>,
    /// The last day of the log files in S3, written `2026-09-07`; absent unless the time window
    /// excludes all of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_day_stored: Option<String>,
    /// Number of events outside the time window. The filters were not applied to them.
    pub outside_window: u64,
    /// Number of events that Athena left out by the filters; it does not tell by which of them. Absent if it is 0.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub refused_by_engine: u64,
    /// The filters that removed events or excluded log files from reading.
    pub filters: Vec<RemovedBy>,
}

/// What one filter removed.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct RemovedBy {
    /// The option, such as `--region`.
    pub option: String,
    /// The values that were given to the option.
    pub given: Vec<String>,
    /// Number of events that the filter removes, including those that other filters remove as well.
    pub removed: u64,
    /// Number of events that only this filter removes: without it they would be counted.
    pub removed_alone: u64,
    /// Number of accounts or regions in S3 whose log files the filter excluded from reading.
    pub not_read: u64,
    /// For each value that was given, the existing value or a pattern that is most similar to it,
    /// if there is one.
    pub did_you_mean: Vec<String>,
    /// Values of the removed events, the most similar to the given values first; at most 50.
    pub values: Vec<String>,
    /// Number of values beyond those listed; a lower bound if there are more than 10,000.
    pub values_not_listed: u64,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes a reference"
)]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

impl NoMatch {
    /// Explains why nothing was counted. Returns nothing if an event was counted.
    pub fn of<C>(
        intaken: &IngestStats<C>,
        coverage: &RunCoverage,
        rules: &IngestRules,
    ) -> Option<NoMatch> {
        if intaken.counts.counted > 0 {
            return None;
        }
        let removals = &intaken.removals;
        let nothing = Removed::default();
        let none_left_out = BTreeSet::new();
        let filters = Criterion::ALL.into_iter().filter_map(|criterion| {
            let removed = removals.filters.get(criterion as usize);
            let removed = removed.unwrap_or(&nothing);
            let left_out = coverage.left_out.get(&criterion);
            let left_out = left_out.unwrap_or(&none_left_out);
            (removed.events > 0 || !left_out.is_empty())
                .then(|| RemovedBy::of(criterion, removed, left_out, &rules.filter))
        });
        let days = coverage.days_stored.clone();
        let (first_day_stored, last_day_stored) = days.unzip();
        Some(NoMatch {
            first_event: removals.first.map(time::iso),
            last_event: removals.last.map(time::iso),
            first_day_stored,
            last_day_stored,
            outside_window: removals.outside_window,
            refused_by_engine: removals.refused_by_engine,
            filters: filters.collect(),
        })
    }
}

impl RemovedBy {
    fn of(
        criterion: Criterion,
        removed: &Removed,
        left_out: &BTreeSet<String>,
        filter: &EventFilter,
    ) -> RemovedBy {
        let given = match criterion {
            Criterion::ActivityType => vec![filter.activity_type.name().to_owned()],
            _ => filter
                .values(criterion)
                .map_or_else(Vec::new, |values| values.given().to_vec()),
        };
        let wanted = given.iter().filter(|value| !value.starts_with('!'));
        // A comma-separated list in one value never matches, but its parts may.
        let texts: Vec<&str> = wanted.flat_map(|value| value.split(',')).collect();
        let values: BTreeSet<&str> = removed
            .values
            .iter()
            .chain(left_out.iter().map(String::as_str))
            .filter(|value| !value.is_empty())
            .collect();
        let mut did_you_mean: Vec<String> = Vec::new();
        for text in &texts {
            if let Some(meant) = meant(criterion, text, &values)
                && !did_you_mean.contains(&meant)
            {
                did_you_mean.push(meant);
            }
        }
        let sorted = nearest::sorted(&texts, values);
        let listed = sorted.iter().take(MAX_LISTED_VALUES);
        let not_listed = sorted.len().saturating_sub(MAX_LISTED_VALUES) as u64;
        RemovedBy {
            option: criterion.option().to_owned(),
            did_you_mean,
            values: listed.map(|(_, value)| (*value).to_owned()).collect(),
            values_not_listed: not_listed + u64::from(removed.values.has_more),
            given,
            removed: removed.events,
            removed_alone: removed.alone,
            not_read: left_out.len() as u64,
        }
    }
}

/// A value or pattern for an option that matches the value most similar to `text`. A principal is recognised by its
/// name, so the account becomes a wildcard if the text contains no account.
fn meant(criterion: Criterion, text: &str, values: &BTreeSet<&str>) -> Option<String> {
    let (likeness, value) = nearest::meant(text, values.iter().copied())?;
    match (criterion, likeness) {
        // Addresses that differ by one digit are different hosts.
        (Criterion::Ip, _) => return None,
        (Criterion::Account | Criterion::AccessKey, Likeness::Typo(edits))
            if edits > MAX_EDITS_OF_IDS =>
        {
            return None;
        }
        _ => {}
    }
    let names_account = text.starts_with(|c: char| c.is_ascii_digit());
    Some(match value.split_once(':') {
        Some((account, name))
            if criterion == Criterion::Principal && !names_account && AccountId::is_id(account) =>
        {
            format!("*:{name}")
        }
        _ => value.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::activity::tally::Tally;
    use crate::event::dedupe::SeenIds;
    use crate::event::envelope::EnvelopeReader;
    use crate::event::filter::{AccessKind, ActivityType, FilterValues};
    use crate::event::ingest::EventIngest;
    use crate::time::TimeWindow;

    fn record(number: usize, user: &str, region: &str, name: &str, minute: usize) -> String {
        format!(
            r#"{{"eventVersion":"1.11","eventID":"00000000-0000-4000-8000-{number:012}","eventTime":"2026-09-07T08:{minute:02}:00Z","eventSource":"ec2.amazonaws.com","eventName":"{name}","awsRegion":"{region}","sourceIPAddress":"192.0.2.{minute}","userAgent":"aws-cli/2","readOnly":{},"recipientAccountId":"111122223333","userIdentity":{{"type":"IAMUser","accountId":"111122223333","userName":"{user}"}}}}"#,
            number.is_multiple_of(2),
        )
    }

    fn patterns(values: &[&str]) -> FilterValues {
        FilterValues::new(values)
    }

    /// Reads records as if each part of them were read by a thread of its own.
    fn read(parts: &[&[String]], rules: &IngestRules) -> IngestStats<Tally> {
        let (seen, empty) = (SeenIds::default(), Tally::default());
        let mut all = IngestStats::default();
        for part in parts {
            let mut intake = EventIngest::new(rules, &empty, &seen, None);
            EnvelopeReader::default().feed(part.join("\n").as_bytes(), true, &mut intake);
            all.merge(intake.finish());
        }
        all
    }

    fn why(records: &[String], filter: EventFilter) -> NoMatch {
        let rules = IngestRules {
            filter,
            ..IngestRules::default()
        };
        let intaken = read(&[records], &rules);
        NoMatch::of(&intaken, &RunCoverage::default(), &rules).unwrap()
    }

    fn some() -> Vec<String> {
        let all = [
            ("ann", "eu-west-1", "RunInstances"),
            ("ann", "us-east-1", "StopInstances"),
            ("bob", "eu-west-1", "RunInstances"),
        ];
        let each = all.into_iter().enumerate();
        each.map(|(n, (user, region, name))| record(n, user, region, name, n))
            .collect()
    }

    #[test]
    fn a_filter_that_removes_all_names_the_nearest_value() {
        let no_match = why(
            &some(),
            EventFilter {
                regions: patterns(&["eu-wst-1"]),
                ..EventFilter::default()
            },
        );
        assert_eq!(
            (
                no_match.first_event.as_deref(),
                no_match.last_event.as_deref()
            ),
            (Some("2026-09-07T08:00:00Z"), Some("2026-09-07T08:02:00Z"))
        );
        let [region] = no_match.filters.as_slice() else {
            panic!("{no_match:?}");
        };
        assert_eq!((region.removed, region.removed_alone), (3, 3));
        assert_eq!(region.values, ["eu-west-1", "us-east-1"]);
        assert_eq!(region.did_you_mean, ["eu-west-1"]);
    }

    #[test]
    fn principals_are_found_by_their_names() {
        let meant = |given: &str| {
            let principals = patterns(&[given]);
            let no_match = why(
                &some(),
                EventFilter {
                    principals,
                    ..EventFilter::default()
                },
            );
            no_match.filters[0].did_you_mean.join(" ")
        };
        assert_eq!(meant("an"), "*:user/ann");
        assert_eq!(meant("anna"), "*:user/ann");
        assert_eq!(meant("bob"), "*:user/bob");
        assert_eq!(meant("anne,role/bob,x"), "*:user/ann *:user/bob");
        assert_eq!(meant("111122223333:role/bob"), "111122223333:user/bob");
        assert_eq!(meant("!*"), "");
        assert_eq!(meant("zoe"), "");
    }

    #[test]
    fn filters_that_only_together_remove_all_say_so() {
        let no_match = why(
            &some(),
            EventFilter {
                persons: patterns(&["*:user/bob"]),
                names: patterns(&["Stop*"]),
                ..EventFilter::default()
            },
        );
        let removed: Vec<_> = no_match
            .filters
            .iter()
            .map(|by| (by.option.as_str(), by.removed, by.removed_alone))
            .collect();
        assert_eq!(removed, [("--person", 2, 1), ("--event-name", 2, 1)]);
    }

    #[test]
    fn listed_values_are_bounded() {
        let records: Vec<String> = (0..200)
            .map(|n| record(n, &format!("user{n}"), "eu-west-1", "RunInstances", n % 60))
            .collect();
        let no_match = why(
            &records,
            EventFilter {
                principals: patterns(&["nobody"]),
                ..EventFilter::default()
            },
        );
        let by = &no_match.filters[0];
        assert_eq!((by.values.len(), by.values_not_listed), (50, 150));
    }

    #[test]
    fn what_s3_was_not_asked_for_is_known() {
        let mut coverage = RunCoverage::default();
        let regions = ["eu-west-1", "us-east-1"].map(str::to_owned);
        coverage.left_out.insert(Criterion::Region, regions.into());
        let rules = IngestRules {
            filter: EventFilter {
                regions: patterns(&["eu-wst-1"]),
                ..EventFilter::default()
            },
            ..IngestRules::default()
        };
        let no_match = NoMatch::of(&IngestStats::<Tally>::default(), &coverage, &rules).unwrap();
        let by = &no_match.filters[0];
        assert_eq!((by.removed, by.not_read), (0, 2));
        assert_eq!(by.did_you_mean, ["eu-west-1"]);
    }

    proptest! {
        /// However records are split over threads, the removed events are the filtered ones, and each filter removes
        /// what it would remove on its own.
        #[test]
        fn what_was_removed_adds_up(
            made in prop::collection::vec((0..3_usize, 0..3_usize, 0..3_usize, 0..60_usize), 1..40),
            cut in 0..40_usize,
            minutes in (0..60_i64, 0..60_i64),
            which in prop::collection::vec(any::<bool>(), 5),
        ) {
            let records: Vec<String> = made
                .iter()
                .enumerate()
                .map(|(n, (user, region, name, minute))| {
                    let user = ["ann", "bob", "cat"][*user];
                    let region = ["eu-west-1", "us-east-1", "eu-west-2"][*region];
                    let name = ["RunInstances", "StopInstances", "GetUser"][*name];
                    record(n, user, region, name, *minute)
                })
                .collect();
            let base = time::parse(b"2026-09-07T08:00:00Z").unwrap();
            let alone = |which: &[bool]| EventFilter {
                principals: patterns(if which[0] { &["*:user/ann"] } else { &[] }),
                regions: patterns(if which[1] { &["!eu-*"] } else { &[] }),
                names: patterns(if which[2] { &["get*"] } else { &[] }),
                origins: patterns(if which[3] { &["192.0.2.0/28"] } else { &[] }),
                access: which[4].then_some(AccessKind::ReadOnly),
                activity_type: ActivityType::All,
                ..EventFilter::default()
            };
            let of = |filter| IngestRules {
                window: TimeWindow {
                    since: Some(base + minutes.0 * 60),
                    until: Some(base + (minutes.0 + minutes.1) * 60),
                },
                filter,
                ..IngestRules::default()
            };
            let rules = of(alone(&which));
            let (one, other) = records.split_at(cut.min(records.len()));
            let intaken = read(&[one, other], &rules);
            let Some(no_match) = NoMatch::of(&intaken, &RunCoverage::default(), &rules) else {
                prop_assert!(intaken.counts.counted > 0);
                return Ok(());
            };
            let reached = intaken.counts.filtered - no_match.outside_window;
            let removed: u64 = no_match.filters.iter().map(|by| by.removed).sum();
            let removed_alone: u64 = no_match.filters.iter().map(|by| by.removed_alone).sum();
            prop_assert!(removed_alone <= reached && reached <= removed);
            let places = [
                Criterion::Principal,
                Criterion::Region,
                Criterion::EventName,
                Criterion::Ip,
                Criterion::ReadOnly,
            ];
            for (place, criterion) in places.into_iter().enumerate() {
                let mut only = [false; 5];
                only[place] = which[place];
                let expected = read(&[&records], &of(alone(&only))).counts.filtered;
                let by = no_match.filters.iter().find(|by| by.option == criterion.option());
                let removed = by.map_or(0, |by| by.removed);
                prop_assert_eq!(removed, expected - no_match.outside_window);
                prop_assert!(by.is_none_or(|by| by.removed_alone <= by.removed));
            }
        }
    }
}
