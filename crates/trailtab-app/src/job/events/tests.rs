//! Tests of the spool: its order, its limits and its failures.

use std::path::Path;

use proptest::prelude::*;

use super::counter::SpoolOptions;
use super::*;
use crate::source::interrupt;
use trailtab_core::event::dedupe::SeenIds;
use trailtab_core::event::envelope::EnvelopeReader;
use trailtab_core::event::ingest::{EventIngest, IngestRules};

/// Small enough that a few records fill a buffer, and that runs are merged on the way.
const TINY_BUFFER_BYTES: usize = 1_000;

fn record(second: Option<u32>, id: u32) -> String {
    let time = second.map(|second| {
        let (minute, second) = (second / 60 % 60, second % 60);
        format!(r#""eventTime":"2026-09-07T08:{minute:02}:{second:02}Z","#)
    });
    let time = time.unwrap_or_default();
    format!(
        r#"{{ "eventVersion":"1.08", {time} "eventName":"GetObject","eventSource":"s3.amazonaws.com","eventID":"id-{id:05}" }}"#
    )
}

fn options(order: EventOrder, limit: Option<usize>, buffer_bytes: usize) -> SpoolOptions {
    SpoolOptions {
        order,
        limit: limit.unwrap_or(usize::MAX),
        buffer_bytes,
        directory: std::env::temp_dir(),
    }
}

/// Reads each part on a thread of its own, and returns the records in the order of the spool.
fn spooled(
    parts: &[&[String]],
    order: EventOrder,
    limit: Option<usize>,
    bytes: usize,
) -> Vec<String> {
    let (stop, _interrupt) = interrupt::channel();
    let spool = EventSpool::with_options(options(order, limit, bytes), stop);
    let (rules, seen) = (IngestRules::default(), SeenIds::default());
    std::thread::scope(|scope| {
        for part in parts {
            scope.spawn(|| {
                let mut intake = EventIngest::new(&rules, &spool, &seen, None);
                EnvelopeReader::default().feed(part.join("\n").as_bytes(), true, &mut intake);
                intake.finish();
            });
        }
    });
    let mut sorted = spool.into_sorted().unwrap();
    let mut records = Vec::new();
    while let Some(record) = sorted.next_record().unwrap() {
        records.push(String::from_utf8(record.to_vec()).unwrap());
    }
    records
}

/// What the spool must give: sorted by time and eventID, those without a time last.
fn reference(records: &[String], order: EventOrder) -> Vec<String> {
    let compact = |record: &String| record.replace(' ', "");
    let key = |record: &String| {
        let of = |name: &str| {
            let (_, rest) = record.split_once(&format!("\"{name}\":\""))?;
            rest.split_once('"').map(|(value, _)| value.to_owned())
        };
        (of("eventTime"), of("eventID"))
    };
    let mut records: Vec<String> = records.iter().map(compact).collect();
    records.sort_by_key(key);
    records.dedup();
    if order == EventOrder::NewestFirst {
        records.reverse();
    }
    let (timed, others): (Vec<_>, Vec<_>) = records
        .into_iter()
        .partition(|record| key(record).0.is_some());
    [timed, others].concat()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn the_order_is_that_of_a_sort_however_records_are_split_and_repeated(
        made in prop::collection::vec((prop::option::weighted(0.9, 0..300_u32), 0..60_u32), 0..120),
        cuts in (0..120_usize, 0..120_usize),
        newest in any::<bool>(),
        limit in prop::option::of(1..150_usize),
        bytes in prop::sample::select(vec![TINY_BUFFER_BYTES, 1 << 20]),
    ) {
        let mut seconds = std::collections::HashMap::new();
        // Records with one eventID are copies of each other.
        let records: Vec<String> = made
            .iter()
            .map(|(second, id)| record(*seconds.entry(*id).or_insert(*second), *id))
            .collect();
        let (one, rest) = records.split_at(cuts.0.min(records.len()));
        let (two, three) = rest.split_at(cuts.1.min(rest.len()));
        let order = match newest {
            true => EventOrder::NewestFirst,
            false => EventOrder::OldestFirst,
        };
        let mut expected = reference(&records, order);
        expected.truncate(limit.unwrap_or(usize::MAX));
        prop_assert_eq!(spooled(&[one, two, three], order, limit, bytes), expected);
    }
}

#[test]
fn many_runs_are_merged_on_the_way() {
    // Each buffer holds a handful of records, so there are more runs than may be open.
    let records: Vec<String> = (0..2_000)
        .map(|id| record(Some((id * 7919) % 3_000), id))
        .collect();
    let order = EventOrder::OldestFirst;
    let sorted = spooled(&[&records], order, None, TINY_BUFFER_BYTES);
    assert_eq!(sorted, reference(&records, order));
}

#[test]
fn records_are_written_on_one_line_each() {
    let spread =
        "{\n\"eventVersion\": \"1.08\",\n\"eventName\": \"a b\",\n\"eventSource\": \"s3\"\n}";
    let sorted = spooled(
        &[&[spread.to_owned()]],
        EventOrder::OldestFirst,
        None,
        1 << 20,
    );
    assert_eq!(
        sorted,
        [r#"{"eventVersion":"1.08","eventName":"a b","eventSource":"s3"}"#]
    );
}

/// Reads records with a small buffer whose files are created in a directory.
fn spool_in(directory: &Path) -> (EventSpool, interrupt::Interrupt) {
    let (stop, interrupt) = interrupt::channel();
    let options = SpoolOptions {
        directory: directory.to_owned(),
        ..options(EventOrder::OldestFirst, None, TINY_BUFFER_BYTES)
    };
    let spool = EventSpool::with_options(options, stop);
    let (rules, seen) = (IngestRules::default(), SeenIds::default());
    let mut intake = EventIngest::new(&rules, &spool, &seen, None);
    let records: Vec<String> = (0..100).map(|id| record(Some(id), id)).collect();
    EnvelopeReader::default().feed(records.join("\n").as_bytes(), true, &mut intake);
    intake.finish();
    (spool, interrupt)
}

#[test]
fn a_run_has_no_name_that_could_be_left_behind() {
    let directory = tempfile::tempdir().unwrap();
    let (spool, _) = spool_in(directory.path());
    let mut sorted = spool.into_sorted().unwrap();
    assert!(sorted.next_record().unwrap().is_some());
    assert_eq!(directory.path().read_dir().unwrap().count(), 0);
}

#[test]
fn what_cannot_be_written_stops_the_reading_and_is_an_error() {
    let directory = tempfile::tempdir().unwrap();
    let (spool, interrupt) = spool_in(&directory.path().join("none"));
    assert!(interrupt.is_requested());
    let error = spool.into_sorted().err().unwrap().to_string();
    assert!(
        error.contains("TMPDIR") && error.contains("none"),
        "{error}"
    );
}
