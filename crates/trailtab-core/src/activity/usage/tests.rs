//! Property tests of usage: it is a monoid, and its metrics and tables add up for every query.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use proptest::prelude::*;

use super::basis::{ReportProvenance, part_of, report_extent};
use super::bounded::{BoundedUsage, SortedUsage};
use super::causes::{self, ThrottleReport};
use super::chunks::{MOST_DATA, chunks};
use super::dimension::CallDimension;
use super::kept::MetricLimit;
use super::metrics::{MetricSet, MetricSets, MinuteDatum, SHAPES, UsageMetric};
use super::popular::{self, AlarmError, AlarmSpec, PopularApi};
use super::price::UsagePrice;
use super::report::{ColumnKey, RowCounts, TableQuery, TimeStep, UsageReport};
use super::{Calls, UsageTally, UsageTotals};
use crate::activity::memory::CountMemory;
use crate::activity::summary::RunContext;
use crate::activity::tally::tests::VecStore;
use crate::activity::tally::{CountTable, Tally};
use crate::coverage::RunCoverage;
use crate::event::counter::EventCounter;
use crate::event::dedupe::SeenIds;
use crate::event::envelope::EnvelopeReader;
use crate::event::ingest::{EventIngest, IngestRules, IngestStats};
use crate::time::TimeWindow;

/// The dimensions of all metrics.
pub(crate) const FOR_METRICS: [CallDimension; 5] = [
    CallDimension::Region,
    CallDimension::EventSource,
    CallDimension::EventName,
    CallDimension::Account,
    CallDimension::Principal,
];

const COLUMNS: [ColumnKey; 10] = [
    ColumnKey::Api,
    ColumnKey::Region,
    ColumnKey::Account,
    ColumnKey::Principal,
    ColumnKey::Session,
    ColumnKey::Person,
    ColumnKey::UserAgent,
    ColumnKey::IpAddress,
    ColumnKey::ErrorCode,
    ColumnKey::Resource,
];

/// Few values, so that they repeat; the last of each stands for an absent field.
fn event() -> impl Strategy<Value = String> {
    let of = |values: &'static [&'static str]| proptest::sample::select(values);
    (
        of(&[
            r#"{"type":"IAMUser","accountId":"1","userName":"a"}"#,
            r#"{"type":"AWSService","invokedBy":"x.amazonaws.com"}"#,
            r#"{"type":"AssumedRole","arn":"arn:aws:sts::1:assumed-role/r/s","accountId":"1"}"#,
            r#"{"type":"AssumedRole","arn":"arn:aws:sts::1:assumed-role/r/a@b.c","accountId":"1"}"#,
            "null",
        ]),
        of(&[r#""a.amazonaws.com""#, r#""b.amazonaws.com""#, "null"]),
        of(&[r#""Get""#, r#""Put""#, r#""Réad""#, r#""List""#]),
        of(&[r#""eu-west-1""#, r#""us-east-1""#, "null"]),
        of(&[
            r#""ThrottlingException""#,
            r#""AccessDenied""#,
            "null",
            "null",
        ]),
        of(&[
            r#""2026-09-07T08:00:00Z""#,
            r#""2026-09-07T08:00:59Z""#,
            r#""2026-09-07T08:01:00Z""#,
            r#""2026-09-08T09:59:59Z""#,
            r#""1969-12-31T23:59:59Z""#,
            "null",
        ]),
        of(&["true", "false", "null"]),
        of(&[r#""1""#, r#""3""#, "null"]),
        (
            of(&[r#""curl/8""#, r#""__other__""#, r#""""#, "null"]),
            of(&[r#""192.0.2.1""#, r#""AWS Internal""#, "null"]),
            of(&[
                r#"[{"ARN":"arn:aws:s3:::one/key"},{"ARN":"arn:aws:s3:::one"},{"ARN":"arn:aws:s3:::two"}]"#,
                r#"[{"ARN":"arn:aws:iam::1:role/r"}]"#,
                "null",
            ]),
        ),
    )
        .prop_map(
            |(identity, source, name, region, error, time, read_only, account, (agent, ip, resources))| {
                format!(
                    r#"{{"eventVersion":"1.11","userIdentity":{identity},"eventTime":{time},"eventSource":{source},"eventName":{name},"awsRegion":{region},"errorCode":{error},"readOnly":{read_only},"recipientAccountId":{account},"userAgent":{agent},"sourceIPAddress":{ip},"resources":{resources}}}"#
                )
            },
        )
}

fn events() -> impl Strategy<Value = Vec<String>> {
    prop::collection::vec(event(), 0..40)
}

/// Counts events in documents of so many.
fn counted<C: EventCounter>(events: &[String], empty: &C, per_document: usize) -> C {
    let (rules, seen) = (IngestRules::default(), SeenIds::default());
    let mut intake = EventIngest::new(&rules, empty, &seen, None);
    for document in events.chunks(per_document.max(1)) {
        EnvelopeReader::default().feed(document.join("\n").as_bytes(), true, &mut intake);
    }
    let intaken = intake.finish();
    assert_eq!(intaken.counts.counted, events.len() as u64);
    let counted = intaken.tallies.into_values().next();
    counted.unwrap_or_else(|| empty.empty())
}

fn usage(events: &[String], dimensions: &[CallDimension]) -> UsageTally {
    counted(events, &UsageTally::by(dimensions), events.len())
}

/// A memory of so many bytes.
fn memory(limit_bytes: usize) -> Arc<CountMemory> {
    Arc::new(CountMemory::new(
        Box::new(VecStore::new(usize::MAX)),
        limit_bytes,
    ))
}

/// The same counts for a table, of two threads. Without memory, each document's counts are stored before the next one.
fn sorted(events: &[String], dimensions: &[CallDimension], limit_bytes: usize) -> SortedUsage {
    let empty = BoundedUsage::by(dimensions, memory(limit_bytes));
    let (one, other) = events.split_at(events.len() / 3);
    let mut all = empty.empty();
    all.merge(&counted(one, &empty, 3));
    all.merge(&counted(other, &empty, 3));
    all.sorted().unwrap()
}

fn with_memory(events: &[String], dimensions: &[CallDimension]) -> SortedUsage {
    sorted(events, dimensions, usize::MAX)
}

fn merged(one: &UsageTally, other: &UsageTally) -> UsageTally {
    let mut all = one.empty();
    all.merge(one);
    all.merge(other);
    all
}

/// Everything that usage reports, independent of the order of events.
pub(crate) fn told(usage: &UsageTally) -> (BTreeMap<Vec<String>, [u64; 5]>, u64, u64, u128) {
    let rows = usage.rows().map(|row| {
        let minute = row.minute.to_string();
        let key = [row.region, row.source, row.name, row.account, row.principal];
        let key = key.into_iter().chain([minute.as_str()]);
        let Calls {
            calls,
            errors,
            throttles,
            reads,
            writes,
        } = row.calls;
        (
            key.map(str::to_owned).collect(),
            [calls, errors, throttles, reads, writes],
        )
    });
    let count = usage.rows().count();
    let rows: BTreeMap<_, _> = rows.collect();
    assert_eq!(rows.len(), count, "a row came twice");
    (rows, usage.incomplete(), usage.bytes(), usage.fingerprint())
}

fn calls(usage: &UsageTally) -> u64 {
    usage.rows().map(|row| row.calls.calls).sum()
}

fn basis(usage: &impl AsRef<UsageTotals>) -> ReportProvenance {
    ReportProvenance::of::<UsageTally>(
        usage.as_ref(),
        &IngestStats::default(),
        &RunCoverage::default(),
        &RunContext::default(),
    )
}

fn sum(data: &[MinuteDatum], set: MetricSet) -> u64 {
    let of_set = data.iter().filter(|datum| datum.metric.set == set);
    of_set.map(|datum| datum.value).sum()
}

fn metrics_of(data: &[MinuteDatum], set: MetricSet) -> BTreeSet<UsageMetric> {
    let of_set = data.iter().filter(|datum| datum.metric.set == set);
    of_set.map(|datum| datum.metric.clone()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn usage_is_a_commutative_monoid(a in events(), b in events(), c in events()) {
        for dimensions in [&[][..], &FOR_METRICS] {
            let all = usage(&[&a[..], &b, &c].concat(), dimensions);
            let [a, b, c] = [&a, &b, &c].map(|events| usage(events, dimensions));
            prop_assert_eq!(told(&merged(&a, &b)), told(&merged(&b, &a)));
            let (left, right) = (merged(&merged(&a, &b), &c), merged(&a, &merged(&b, &c)));
            prop_assert_eq!(told(&left), told(&right));
            prop_assert_eq!(told(&left), told(&all));
            let nothing = UsageTally::by(dimensions);
            prop_assert!(nothing.is_empty());
            prop_assert_eq!(told(&merged(&a, &nothing)), told(&a));
            prop_assert_eq!(told(&merged(&nothing, &a)), told(&a));
        }
    }

    #[test]
    fn metrics_add_up_for_any_limit(events in events(), top in 1_usize..6) {
        let usage = usage(&events, &FOR_METRICS);
        let data = MetricLimit::new(top).data(&usage, &MetricSets::all());
        for shape in &SHAPES {
            let expected = match shape.set {
                MetricSet::Errors => usage.rows().map(|row| row.calls.errors).sum(),
                MetricSet::Throttles => usage.rows().map(|row| row.calls.throttles).sum(),
                _ => calls(&usage),
            };
            prop_assert_eq!(sum(&data, shape.set), expected, "{}", shape.word);
            prop_assert!(metrics_of(&data, shape.set).len() <= top + 1, "{}", shape.word);
        }
        let keys: BTreeSet<_> = data.iter().map(|datum| (&datum.metric, datum.minute)).collect();
        prop_assert_eq!(keys.len(), data.len(), "a metric has two values in one minute");
        prop_assert!(data.iter().all(|datum| datum.minute.rem_euclid(60) == 0 && datum.value > 0));
        prop_assert_eq!(data.iter().map(MinuteDatum::events).sum::<u64>(), calls(&usage));
        let ordered = |pair: &[MinuteDatum]| {
            let key = |datum: &MinuteDatum| (datum.metric.set, datum.minute, datum.metric.clone());
            key(&pair[0]) < key(&pair[1])
        };
        prop_assert!(data.windows(2).all(ordered));
    }

    #[test]
    fn who_has_a_place_keeps_it(a in events(), b in events(), top in 1_usize..4) {
        let (a, b) = (usage(&a, &FOR_METRICS), usage(&b, &FOR_METRICS));
        let sets = MetricSets::all();
        let mut kept = MetricLimit::new(top);
        let before = kept.data(&a, &sets);
        let json = kept.to_json();
        let mut read = MetricLimit::read(&json, top).unwrap();
        prop_assert_eq!(&read, &kept);
        let both = merged(&a, &b);
        let after = kept.data(&both, &sets);
        for shape in &SHAPES {
            let (before, after) = (metrics_of(&before, shape.set), metrics_of(&after, shape.set));
            prop_assert!(before.is_subset(&after), "{}: {before:?} {after:?}", shape.word);
        }
        // The stored and reread list makes the same choice.
        prop_assert_eq!(read.data(&both, &sets), after);
    }

    #[test]
    fn tables_add_up_for_any_query(
        events in events(),
        by in proptest::sample::subsequence(COLUMNS.to_vec(), 1..=10).prop_shuffle(),
        per in proptest::option::of(proptest::sample::select(vec![TimeStep::Minute, TimeStep::Hour, TimeStep::Day])),
        top in proptest::option::of(1_usize..4),
    ) {
        let question = TableQuery { by, per, top };
        let usage = with_memory(&events, &question.dimensions());
        let extent = report_extent(usage.as_ref(), TimeWindow::default());
        let report = UsageReport::of(&usage, &question, extent, basis(&usage)).unwrap();
        let count = |count: fn(&RowCounts) -> u64| {
            (count(&report.totals), report.rows.iter().map(|row| count(&row.counts)).sum::<u64>())
        };
        prop_assert_eq!(report.totals.calls + usage.as_ref().incomplete(), events.len() as u64);
        for count in [
            count(|counts| counts.calls),
            count(|counts| counts.errors),
            count(|counts| counts.throttles),
            count(|counts| counts.reads),
            count(|counts| counts.writes),
            count(|counts| counts.course.iter().sum()),
        ] {
            match question.by.contains(&ColumnKey::Resource) {
                true => prop_assert!(count.0 <= count.1),
                false => prop_assert_eq!(count.0, count.1),
            }
        }
        let keys: BTreeSet<_> = report.rows.iter().map(|row| (&row.time, &row.key, row.is_other)).collect();
        prop_assert_eq!(keys.len(), report.rows.len());
        for row in &report.rows {
            let counts = &row.counts;
            prop_assert!(counts.peak_per_minute <= counts.calls && counts.peak_per_minute > 0);
            prop_assert!(counts.throttles <= counts.errors && counts.errors <= counts.calls);
            prop_assert!(counts.first_minute <= counts.peak_minute);
            prop_assert!(counts.peak_minute <= counts.last_minute);
            if per == Some(TimeStep::Minute) {
                prop_assert_eq!(counts.peak_per_minute, counts.calls);
                prop_assert_eq!(&counts.first_minute, &row.time);
            }
        }
        if let (Some(top), None) = (top, per) {
            prop_assert!(report.rows.len() <= top + 1);
        }
    }

    #[test]
    fn reports_are_the_same_however_little_memory_there_is(
        events in events(),
        by in proptest::sample::subsequence(COLUMNS.to_vec(), 1..=3).prop_shuffle(),
        per in proptest::option::of(Just(TimeStep::Hour)),
        top in proptest::option::of(1_usize..4),
    ) {
        let question = TableQuery { by, per, top };
        let report = |limit_bytes| {
            let usage = sorted(&events, &question.dimensions(), limit_bytes);
            let extent = report_extent(usage.as_ref(), TimeWindow::default());
            UsageReport::of(&usage, &question, extent, basis(&usage)).unwrap()
        };
        prop_assert_eq!(report(usize::MAX), report(0));
        let callers = [ColumnKey::UserAgent, ColumnKey::Session];
        let report = |limit_bytes| {
            let usage = sorted(&events, &causes::dimensions(&callers), limit_bytes);
            ThrottleReport::of(&usage, &callers, basis(&usage)).unwrap()
        };
        prop_assert_eq!(report(usize::MAX), report(0));
    }

    /// Sections of activity and tables of usage are counted by different code.
    #[test]
    fn usage_counts_what_activity_counts(events in prop::collection::vec(event(), 1..40)) {
        let complete = |event: &&String| {
            let has = |field: &str| !event.contains(&format!(r#""{field}":null"#));
            has("eventTime") && has("awsRegion") && has("eventSource")
        };
        let events: Vec<String> = events.iter().filter(complete).cloned().collect();
        let tally = counted(&events, &Tally::default(), events.len());
        let mut activity = BTreeMap::<(CountTable, Vec<String>), u64>::new();
        tally.for_each_row(|table, names, stats| {
            let names = names.iter().filter(|name| !name.is_empty()).map(|name| (*name).to_owned());
            *activity.entry((table, names.collect())).or_default() += stats.calls;
        }).unwrap();
        for (table, by) in [
            (CountTable::Principals, &[ColumnKey::Principal][..]),
            (CountTable::Sessions, &[ColumnKey::Principal, ColumnKey::Session]),
            (CountTable::Persons, &[ColumnKey::Person]),
            (CountTable::UserAgents, &[ColumnKey::Principal, ColumnKey::UserAgent]),
            (CountTable::Addresses, &[ColumnKey::Principal, ColumnKey::IpAddress]),
            (CountTable::Errors, &[ColumnKey::Principal, ColumnKey::Api, ColumnKey::ErrorCode]),
        ] {
            let question = TableQuery { by: by.to_vec(), per: None, top: None };
            let usage = with_memory(&events, &question.dimensions());
            let extent = report_extent(usage.as_ref(), TimeWindow::default());
            let report = UsageReport::of(&usage, &question, extent, basis(&usage)).unwrap();
            let rows = report.rows.iter().map(|row| {
                let names = by.iter().flat_map(|by| match by {
                    // One name here and two there.
                    ColumnKey::Api => row.key[by].split(':').map(str::to_owned).collect(),
                    by => vec![row.key[by].clone()],
                });
                (names.collect::<Vec<String>>(), row.counts.calls)
            });
            // Activity has no rows for calls without a session, a person or an error; an empty user agent is one.
            let last = by[by.len() - 1];
            let rows = rows.filter(|(names, _)| last == ColumnKey::UserAgent || names.last().is_some_and(|name| !name.is_empty()));
            let rows = rows.map(|(names, calls)| (names.into_iter().filter(|name| !name.is_empty()).collect(), calls));
            let usage: BTreeMap<Vec<String>, u64> = rows.collect();
            let activity = activity.iter().filter(|((of, _), _)| *of == table);
            let activity: BTreeMap<Vec<String>, u64> = activity.map(|((_, names), calls)| (names.clone(), *calls)).collect();
            prop_assert_eq!(usage, activity, "{:?}", table);
        }
    }

    #[test]
    fn shares_of_throttling_add_up(
        events in events(),
        by in proptest::sample::subsequence(COLUMNS.to_vec(), 1..=9),
    ) {
        let by: Vec<ColumnKey> = by.into_iter().filter(|column| column.is_of_callers()).collect();
        let usage = with_memory(&events, &causes::dimensions(&by));
        let causes = ThrottleReport::of(&usage, &by, basis(&usage)).unwrap();
        prop_assert_eq!(causes.calls + usage.as_ref().incomplete(), events.len() as u64);
        prop_assert_eq!(causes.throttles, causes.places.iter().map(|place| place.throttles).sum::<u64>());
        for place in &causes.places {
            let sum = |count: fn(&causes::ThrottledCaller) -> u64| place.callers.iter().map(count).sum::<u64>();
            prop_assert!(place.throttles > 0 && place.throttled_minutes > 0);
            prop_assert_eq!(sum(|caller| caller.throttles), place.throttles);
            prop_assert_eq!(sum(|caller| caller.calls) + place.calls_of_other_callers, place.calls);
            prop_assert_eq!(sum(|caller| caller.calls_in_throttled_minutes), place.calls_in_throttled_minutes);
            prop_assert!(place.throttles <= place.calls_in_throttled_minutes);
            prop_assert_eq!(place.folded, None);
        }
    }

    #[test]
    fn a_limit_never_makes_metrics_dearer(events in events(), top in 1_usize..6) {
        let usage = usage(&events, &FOR_METRICS);
        let extent = report_extent(usage.as_ref(), TimeWindow::default());
        let price = UsagePrice::of(&usage, top, extent, basis(&usage), &|data| vec![b'\n'; data.len()]);
        for set in &price.sets {
            // One more metric, `__other__`, stands for all others.
            prop_assert!(set.capped.metrics <= set.uncapped.metrics + 1, "{}", set.set);
            prop_assert!(set.capped.metric_months <= set.uncapped.metric_months, "{}", set.set);
            prop_assert!(set.capped.metrics <= top as u64 + 1, "{}", set.set);
        }
        for bill in &price.bills {
            let months: u64 = bill.metrics.metrics;
            prop_assert!(bill.metrics.metric_months <= months.into());
            prop_assert!(bill.usd >= bill.metrics.usd && bill.usd_by_emf >= bill.metrics.usd);
        }
    }

    #[test]
    fn chunks_hold_the_limits_and_lose_nothing(
        texts in prop::collection::vec((1_usize..1024, 0_i64..5), 0..60),
        repeat in 1_usize..60,
    ) {
        let datum = |(at, (length, minute)): (usize, &(usize, i64))| MinuteDatum {
            metric: UsageMetric {
                set: MetricSet::Principals,
                name: "CallCount".to_owned(),
                values: vec![format!("{at}{}", "x".repeat(*length))],
            },
            minute: minute * 60,
            value: 1,
        };
        let data: Vec<MinuteDatum> = texts.iter().cycle().take(texts.len() * repeat).enumerate().map(datum).collect();
        let chunks = chunks(data.clone());
        prop_assert!(chunks.iter().all(|chunk| (1..=MOST_DATA).contains(&chunk.len())));
        let bytes = |chunk: &Vec<MinuteDatum>| chunk.iter().map(|datum| datum.metric.values[0].len()).sum::<usize>();
        prop_assert!(chunks.iter().all(|chunk| bytes(chunk) < 1_000_000));
        prop_assert_eq!(chunks.concat(), data);
    }
}

#[test]
fn the_error_about_an_unknown_set_names_all_that_can_be_added() {
    let error = MetricSets::parse("errors,latency").unwrap_err().to_string();
    assert!(
        error.starts_with("unknown set of metrics \"latency\": expected any of "),
        "{error}"
    );
    for shape in SHAPES.iter().filter(|shape| shape.set != MetricSet::Calls) {
        assert!(error.contains(shape.word), "{error}");
    }
}

#[test]
fn the_table_has_a_row_for_each_set() {
    for (at, shape) in SHAPES.iter().enumerate() {
        assert_eq!(shape.set as usize, at);
        assert_eq!(MetricSet::named(shape.word), Some(shape.set));
    }
    assert_eq!(MetricSets::all().iter().count(), SHAPES.len());
}

fn api(source: &str, name: &str, calls: u64) -> PopularApi {
    PopularApi {
        source: source.to_owned(),
        name: name.to_owned(),
        calls,
        regions: vec![("eu-west-1".to_owned(), calls)],
    }
}

#[test]
fn alarms_are_read_and_find_their_api() {
    let apis = [
        api("iam.amazonaws.com", "GetPolicy", 3),
        api("lambda.amazonaws.com", "GetPolicy", 2),
        api("ec2.amazonaws.com", "RunInstances", 1),
    ];
    let found = |text: &str| text.parse::<AlarmSpec>().unwrap().find(&apis);
    let alarm = found("RunInstances=100").unwrap();
    assert_eq!((alarm.wanted.calls, alarm.wanted.period), (100, 60));
    let alarm = found("LAMBDA:getpolicy=1000/1h").unwrap();
    assert_eq!(alarm.api, apis[1]);
    assert_eq!((alarm.wanted.calls, alarm.wanted.period), (1000, 3600));
    assert_eq!(found("iam.amazonaws.com:GetPolicy=1").unwrap().api, apis[0]);
    assert!(matches!(
        found("GetPolicy=1"),
        Err(AlarmError::Ambiguous { .. })
    ));
    assert!(matches!(
        found("s3:GetPolicy=1"),
        Err(AlarmError::Unknown(_))
    ));
    for text in [
        "", "=", "X", "X=", "X=0", "X=-1", "X=1/2m", ":X=1", "=5", "X=1/",
    ] {
        assert!(text.parse::<AlarmSpec>().is_err(), "{text}");
    }
}

#[test]
fn only_names_that_services_have_are_popular() {
    let record = |name: &str| {
        format!(
            r#"{{"eventVersion":"1.11","eventTime":"2026-09-07T08:00:00Z","eventSource":"a.amazonaws.com","eventName":"{name}","awsRegion":"eu-west-1"}}"#
        )
    };
    let names = [
        "Get",
        "Get",
        "{{resolve:ssm:x}}",
        "${AWS::Region}",
        "__other__",
    ];
    let usage = usage(&names.map(record), &FOR_METRICS);
    let data = MetricLimit::new(9).data(&usage, &MetricSets::default());
    let apis = popular::apis(&data);
    assert_eq!(apis, [api("a.amazonaws.com", "Get", 2)]);
}

#[test]
fn the_extent_is_what_was_asked_for_or_else_what_is_there() {
    let empty = UsageTotals::default();
    let extent = report_extent(&empty, TimeWindow::default());
    assert_eq!((extent.from, extent.until), (0, 0));
    let asked = TimeWindow {
        since: Some(50),
        until: Some(1000),
    };
    let extent = report_extent(&empty, asked);
    assert_eq!((extent.from, extent.until), (50, 1000));
    assert_eq!(
        [0, 540, 940].map(|minute| part_of(extent, minute, 2)),
        [0, 1, 1]
    );
}

/// A call to an API that throttles, by a caller with a user agent of its own.
fn call_of(agent: usize, error: &str) -> String {
    format!(
        r#"{{"eventVersion":"1.11","userIdentity":{{"type":"AssumedRole","arn":"arn:aws:sts::1:assumed-role/r/s","accountId":"1"}},"eventTime":"2026-09-07T08:00:00Z","eventSource":"a.amazonaws.com","eventName":"Get","awsRegion":"eu-west-1","recipientAccountId":"1","userAgent":"agent-{agent:05}","errorCode":{error}}}"#
    )
}

#[test]
fn callers_beyond_the_limit_are_summed_up() {
    let over = causes::MOST_CALLERS + 7;
    let mut events: Vec<String> = (0..over).map(|agent| call_of(agent, "null")).collect();
    // The last one by name calls more than the others, and one that is not listed is refused.
    events.extend([
        call_of(over - 1, "null"),
        call_of(over - 2, r#""SlowDown""#),
    ]);
    let by = [ColumnKey::UserAgent];
    let usage = with_memory(&events, &causes::dimensions(&by));
    let report = ThrottleReport::of(&usage, &by, basis(&usage)).unwrap();
    let place = &report.places[0];
    let agent = |at: usize| place.callers[at].key[&ColumnKey::UserAgent].as_str();
    assert_eq!(place.callers.len(), causes::MOST_CALLERS);
    assert_eq!(
        [agent(0), agent(1), agent(2)],
        ["agent-01005", "agent-01006", "agent-00000"]
    );
    let folded = place.folded.unwrap();
    assert_eq!((folded.callers, folded.calls, folded.throttles), (7, 7, 0));
    assert_eq!(folded.calls_in_throttled_minutes, 7);
}

#[test]
fn a_table_has_no_more_rows_than_it_says() {
    let events: Vec<String> = (0..2500).map(|agent| call_of(agent, "null")).collect();
    let question = TableQuery {
        by: vec![ColumnKey::UserAgent],
        per: None,
        top: Some(1000),
    };
    let usage = with_memory(&events, &question.dimensions());
    let extent = report_extent(usage.as_ref(), TimeWindow::default());
    let report = UsageReport::of(&usage, &question, extent, basis(&usage)).unwrap();
    assert_eq!((report.rows.len(), report.others), (1001, 1500));
    let last = report.rows.last().unwrap();
    assert_eq!((last.is_other, last.counts.calls), (true, 1500));
    assert_eq!(report.rows[999].key[&ColumnKey::UserAgent], "agent-00999");
}

#[test]
fn a_run_that_lost_its_end_is_an_error() {
    let empty = BoundedUsage::by(&[CallDimension::UserAgent], memory(usize::MAX));
    let events = [call_of(1, "null"), call_of(2, "null")];
    let mut whole = Vec::new();
    let usage = counted(&events, &UsageTally::by(&[CallDimension::UserAgent]), 2);
    usage.write_run(&mut whole).unwrap();
    let usage = empty.sorted().unwrap();
    let rows = |bytes: &[u8]| {
        let cut = usage.with_run(bytes.to_vec());
        let mut calls = 0;
        let read = cut.for_each_group(1, |_, minutes| calls += super::report::calls(&minutes));
        read.map(|()| calls)
    };
    assert_eq!(rows(&whole).unwrap(), 2);
    let ends: Vec<usize> = (0..whole.len())
        .filter(|end| rows(&whole[..*end]).is_ok())
        .collect();
    // Between rows only.
    assert_eq!(ends.len(), 2, "{ends:?}");
    // More names in common than there are.
    assert!(rows(&[2, 0, 1, 0, 0, 0, 0]).is_err());
}
