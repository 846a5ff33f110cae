//! Tests of the laws of tallies, and of what stands for fields that a record leaves out.

use std::io::{self, Read};
use std::sync::atomic::{AtomicUsize, Ordering};

use proptest::prelude::*;

use super::run::RunReader;
use super::*;
use crate::activity::memory::{RunStore, WriteBytes};
use crate::activity::summary::{RowLimits, RunContext, Summary};
use crate::coverage::RunCoverage;
use crate::event::dedupe::SeenIds;
use crate::event::envelope::{ContentKind, EnvelopeReader, RecordFault, RecordSink};
use crate::event::ingest::{EngineRow, EventIngest, IngestRules, IngestStats};
use crate::time;

/// Few values, so that they repeat; the last of each stands for an absent field.
pub(crate) fn event() -> impl Strategy<Value = String> {
    let identities = [
        r#"{"type":"IAMUser","accountId":"1","userName":"a"}"#,
        r#"{"type":"AssumedRole","accountId":"2","arn":"arn:aws:sts::2:assumed-role/r/s@t","sessionContext":{"sourceIdentity":"p"}}"#,
        r#"{"type":"AssumedRole","accountId":"2","arn":"arn:aws:sts::2:assumed-role/r/s@t"}"#,
        r#"{"type":"Root","accountId":"1","sessionContext":{"assumedRoot":"true"}}"#,
        r#"{"type":"Root","accountId":"1","invokedBy":"autoscaling.amazonaws.com"}"#,
        r#"{"type":"WebIdentityUser","principalId":"x","userName":"repo:o/r:ref:x"}"#,
        r#"{"type":"IAMUser","accountId":"1","userName":"a","sessionContext":{"signInSessionArn":"s"}}"#,
        r#"{"type":"Martian","userName":"short"}"#,
        r#"{"type":"Martian","userName":"much longer"}"#,
        "null",
    ];
    let of = |values: &'static [&'static str]| proptest::sample::select(values);
    (
        proptest::sample::select(identities.to_vec()).prop_map(str::to_owned),
        of(&[r#""a.amazonaws.com""#, r#""s3.amazonaws.com""#, "null"]),
        of(&[r#""Get""#, r#""DeleteBucket""#]),
        of(&[r#""eu-west-1""#, r#""us-east-1""#, "null"]),
        of(&[r#""E""#, r#""AccessDenied""#, "null"]),
        of(&[r#""1.08""#, r#""1.8""#, r#""1.11""#]),
        of(&[r#""2026-09-07T08:00:00Z""#, r#""2026-09-07T09:59:59Z""#, r#""1969-12-31T23:59:59Z""#, "null"]),
        (of(&[r#""x""#, r#""y""#, "null"]), of(&["true", "false", "null"]), of(&[r#""1""#, r#""3""#, "null"])),
    )
        .prop_map(|(identity, source, name, region, error, version, time, (address, read_only, account))| {
            format!(
                r#"{{"eventVersion":{version},"userIdentity":{identity},"eventTime":{time},"eventSource":{source},"eventName":{name},"awsRegion":{region},"sourceIPAddress":{address},"userAgent":{address},"requestParameters":{{"bucketName":{address}}},"errorCode":{error},"readOnly":{read_only},"recipientAccountId":{account}}}"#
            )
        })
}

fn tally(events: &[String]) -> Tally {
    tally_like(&Tally::default().with_resources(), events, events.len())
}

/// Counts events in documents of so many.
pub(crate) fn tally_like(empty: &Tally, events: &[String], per_document: usize) -> Tally {
    let (rules, seen) = (IngestRules::default(), SeenIds::default());
    let mut intake = EventIngest::new(&rules, empty, &seen, None);
    for document in events.chunks(per_document.max(1)) {
        EnvelopeReader::default().feed(document.join("\n").as_bytes(), true, &mut intake);
    }
    let intaken = intake.finish();
    assert_eq!(intaken.counts.counted, events.len() as u64);
    let tally = intaken.tallies.into_values().next();
    tally.unwrap_or_else(|| empty.empty())
}

/// Stores runs in vectors, up to a number of runs.
#[derive(Debug)]
pub(crate) struct VecStore {
    pub(crate) room: AtomicUsize,
}

impl VecStore {
    /// A store with room for so many runs.
    pub(crate) fn new(room: usize) -> VecStore {
        VecStore {
            room: AtomicUsize::new(room),
        }
    }

    /// An empty tally that stores all rows before each document.
    pub(crate) fn tally(room: usize) -> (Tally, Arc<CountMemory>) {
        let memory = Arc::new(CountMemory::new(Box::new(VecStore::new(room)), 0));
        (
            Tally::in_memory_of(Arc::clone(&memory)).with_resources(),
            memory,
        )
    }
}

#[derive(Debug)]
struct VecRun(Vec<u8>);

impl RunStore for VecStore {
    fn store(&self, write: &mut WriteBytes<'_>) -> io::Result<Arc<dyn StoredRun>> {
        let take = |room: usize| room.checked_sub(1);
        let order = Ordering::Relaxed;
        if self.room.fetch_update(order, order, take).is_err() {
            return Err(io::Error::new(io::ErrorKind::StorageFull, "no room"));
        }
        let mut bytes = Vec::new();
        write(&mut bytes)?;
        Ok(Arc::new(VecRun(bytes)))
    }
}

impl StoredRun for VecRun {
    fn open(&self) -> io::Result<Box<dyn Read + '_>> {
        Ok(Box::new(&self.0[..]))
    }
}

fn merged(one: &Tally, other: &Tally) -> Tally {
    merged_like(&Tally::default().with_resources(), one, other)
}

pub(crate) fn merged_like(empty: &Tally, one: &Tally, other: &Tally) -> Tally {
    let mut all = empty.empty();
    all.merge(one);
    all.merge(other);
    all
}

/// Everything that a tally reports, independent of the order of events.
pub(crate) fn told(tally: &Tally) -> Summary {
    Summary::of(
        tally,
        &IngestStats::default(),
        &RunCoverage::default(),
        &RunContext::default(),
        RowLimits::default(),
    )
    .unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn tallies_are_a_commutative_monoid(
        a in prop::collection::vec(event(), 0..12),
        b in prop::collection::vec(event(), 0..12),
        c in prop::collection::vec(event(), 0..12),
    ) {
        let all = tally(&[&a[..], &b, &c].concat());
        let (a, b, c) = (tally(&a), tally(&b), tally(&c));
        prop_assert_eq!(told(&merged(&a, &b)), told(&merged(&b, &a)));
        let (left, right) = (merged(&merged(&a, &b), &c), merged(&a, &merged(&b, &c)));
        prop_assert_eq!(told(&left), told(&right));
        prop_assert_eq!(told(&left), told(&all));
        let nothing = Tally::default();
        prop_assert_eq!(told(&merged(&a, &nothing)), told(&a));
        prop_assert_eq!(told(&merged(&nothing, &a)), told(&a));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// However many runs there are, and also if the store fails at one of them.
    #[test]
    fn counts_outside_of_memory_are_the_same_counts(
        events in prop::collection::vec(event(), 0..40),
        cut in 0..40_usize,
        per_document in 1..5_usize,
        room in prop_oneof![Just(usize::MAX), 0..5_usize],
    ) {
        let (one, other) = events.split_at(cut.min(events.len()));
        let (empty, memory) = VecStore::tally(room);
        let one = tally_like(&empty, one, per_document);
        let other = tally_like(&empty, other, per_document);
        let both = merged_like(&empty, &one, &other);
        prop_assert_eq!(both.runs.is_empty(), room == 0 || events.is_empty());
        prop_assert!(memory.failure().is_none() || both.runs.len() == room);
        prop_assert_eq!(told(&both), told(&tally(&events)));
    }

    #[test]
    fn damaged_runs_are_errors(
        bytes in prop::collection::vec(prop_oneof![0..20_u8, any::<u8>()], 0..60),
    ) {
        let mut reader = RunReader::new(Box::new(&bytes[..]));
        // Each row takes at least a byte, so this ends.
        while let Ok(true) = reader.advance() {}
    }
}

/// Each run begins with names in full, and cut runs are errors wherever they end within a row.
#[test]
fn rows_are_read_back_as_they_were_written() {
    let stats = SeenStats {
        calls: 300,
        failed: 2,
        denied: 1,
        reads: u64::MAX,
        writes: 0,
        first: Some(-62_135_596_800),
        last: Some(253_402_300_799),
    };
    let rows = [
        (CountTable::Principals, ["p", "", "", ""], stats),
        (
            CountTable::Sessions,
            ["p", "", "", ""],
            SeenStats::of_calls(1),
        ),
        (CountTable::Sessions, ["p", "s\0\u{fffd}", "", ""], stats),
        (
            CountTable::Errors,
            ["p", "s", "n", "c"],
            SeenStats::of_calls(7),
        ),
        (
            CountTable::Errors,
            ["p", "s", "n", "d"],
            SeenStats::of_calls(8),
        ),
        (
            CountTable::Errors,
            ["p", "t", "n", "d"],
            SeenStats::of_calls(9),
        ),
    ];
    let mut bytes = Vec::new();
    let mut writer = RunWriter::new(&mut bytes);
    for (table, names, stats) in &rows {
        writer.row(*table, *names, stats).unwrap();
    }
    writer.flush().unwrap();
    let mut ends = vec![0];
    let mut reader = RunReader::new(Box::new(&bytes[..]));
    for (table, names, stats) in &rows {
        assert!(reader.advance().unwrap());
        assert_eq!((reader.table, reader.stats), (*table, *stats));
        assert_eq!(reader.names.each_ref().map(|name| &**name), *names);
        ends.push(bytes.len() - reader.left());
    }
    assert!(!reader.advance().unwrap());
    for cut in 0..bytes.len() {
        let mut reader = RunReader::new(Box::new(&bytes[..cut]));
        let end = loop {
            match reader.advance() {
                Ok(true) => {}
                end => break end,
            }
        };
        assert_eq!(end.is_ok(), ends.contains(&cut), "{cut}: {end:?}");
    }
}

/// Adds each record as a row of an engine.
struct Rows<'i, 'r> {
    ingest: &'i mut EventIngest<'r, Tally>,
    calls: CallCount,
}

impl RecordSink for Rows<'_, '_> {
    fn events(&mut self, records: &[EventRecord<'_>]) {
        for record in records {
            let calls = self.calls;
            self.ingest.row(EngineRow::Calls { record, calls });
        }
    }

    fn other(&mut self, kind: ContentKind) {
        panic!("{kind:?}");
    }

    fn unreadable(&mut self, fault: RecordFault) {
        panic!("{fault:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// The calls of a group differ in the second only.
    #[test]
    fn a_row_is_added_as_its_calls_one_by_one(
        groups in prop::collection::vec((event(), prop::collection::vec(0..60_i64, 0..5)), 0..12),
    ) {
        let at = |event: &str, second: i64| {
            let second = format!(":{second:02}Z");
            event.replace(":00Z", &second).replace(":59Z", &second)
        };
        let (rules, seen) = (IngestRules::default(), SeenIds::default());
        let empty = Tally::default().with_resources();
        let mut ingest = EventIngest::new(&rules, &empty, &seen, None);
        let mut events = Vec::new();
        for (event, seconds) in &groups {
            events.extend(seconds.iter().map(|second| at(event, *second)));
            let time = |second: Option<&i64>| {
                let event: serde_json::Value = serde_json::from_str(&at(event, *second?)).unwrap();
                time::parse(event["eventTime"].as_str()?.as_bytes())
            };
            let calls = CallCount {
                count: seconds.len() as u64,
                times: time(seconds.iter().min()).zip(time(seconds.iter().max())),
            };
            if calls.count > 0 {
                let mut sink = Rows { ingest: &mut ingest, calls };
                EnvelopeReader::default().feed(event.as_bytes(), true, &mut sink);
            }
        }
        let stats = ingest.finish();
        prop_assert_eq!(stats.counts.counted, events.len() as u64);
        let mut rows = empty.empty();
        stats.tallies.values().for_each(|part| rows.merge(part));
        prop_assert_eq!(rows.is_empty(), events.is_empty());
        prop_assert_eq!(told(&rows), told(&tally(&events)));
    }
}

#[test]
fn what_a_record_leaves_out_is_unknown() {
    let summary = told(&tally(&[
        r#"{"eventVersion":"1.0","eventName":"Get"}"#.to_owned()
    ]));
    let expected = |outer: &str, inner: &str| {
        BTreeMap::from([(outer.to_owned(), BTreeMap::from([(inner.to_owned(), 1)]))])
    };
    assert_eq!(
        summary.api_calls_by_principal,
        expected("unknown", "Unknown:Get")
    );
    assert_eq!(
        summary.api_calls_by_region,
        expected("Unknown", "Unknown:Get")
    );
    assert_eq!(
        summary.ip_addresses_by_principal,
        expected("unknown", "Unknown")
    );
    assert_eq!(
        summary.user_agents_by_principal,
        expected("unknown", "Unknown")
    );
    assert_eq!(summary.metadata.account_id, "unknown");
}
