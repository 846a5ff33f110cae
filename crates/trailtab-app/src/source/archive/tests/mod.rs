//! Tests archives that are interrupted, damaged and reopened.

use std::collections::BTreeMap;

use flate2::read::MultiGzDecoder;
use proptest::prelude::*;

use super::*;
use trailtab_core::time;

/// 2026-09-07T23:50:00Z: windows reach over a midnight.
const START: Seconds = 1_788_825_000;

fn scope() -> Scope {
    Scope {
        account: "111122223333".parse().unwrap(),
        region: "eu-west-1".parse().unwrap(),
    }
}

fn span(from: Seconds, until: Seconds) -> TimeRange {
    TimeRange {
        from: START + from,
        until: START + until,
    }
}

/// The events that AWS has, at seconds from [`START`].
#[derive(Debug, Clone)]
struct Event {
    time: Seconds,
    id: String,
    json: String,
}

fn events(times: &[Seconds]) -> Vec<Event> {
    let event = |(number, time): (usize, &Seconds)| {
        let (time, id) = (START + time, format!("id-{number}"));
        let json = serde_json::json!({
            "eventVersion": "1.11", "eventID": id, "eventName": "DescribeInstances",
            "eventSource": "ec2.amazonaws.com", "eventTime": time::iso(time),
        });
        Event {
            time,
            id,
            json: json.to_string(),
        }
    };
    let mut events: Vec<Event> = times.iter().enumerate().map(event).collect();
    events.sort_by_key(|event| std::cmp::Reverse(event.time));
    events
}

fn page(events: &[Event]) -> Vec<PageEvent<'_>> {
    let page = events.iter().map(|event| PageEvent {
        time: event.time,
        id: &event.id,
        json: &event.json,
    });
    page.collect()
}

/// Fetches what is missing as LookupEvents does: newest first, in pages, both ends of the window
/// included.
fn fetch(
    archive: &EventArchive,
    aws: &[Event],
    window: TimeRange,
    page_size: usize,
) -> Result<(), ArchiveError> {
    for gap in archive.missing(&scope(), window) {
        let inside = |event: &&Event| gap.from <= event.time && event.time <= gap.until;
        let inside: Vec<Event> = aws.iter().filter(inside).cloned().collect();
        let pages: Vec<&[Event]> = inside.chunks(page_size).collect();
        let mut until = gap.until;
        for (number, events) in pages.iter().enumerate() {
            let is_last = number + 1 == pages.len();
            // Events of a page's oldest second may continue on the next page.
            let oldest = events.last().map_or(gap.from, |event| event.time + 1);
            let from = if is_last { gap.from } else { oldest.min(until) };
            archive.add(&scope(), TimeRange { from, until }, &page(events))?;
            until = from;
        }
        if pages.is_empty() {
            archive.add(&scope(), gap, &[])?;
        }
    }
    Ok(())
}

/// All eventIDs in the files below `AWSLogs`, with the number of occurrences.
fn ids(root: &Path) -> BTreeMap<String, usize> {
    let mut ids = BTreeMap::new();
    for path in files_below(&root.join("AWSLogs")) {
        assert!(path.to_str().unwrap().ends_with(".json.gz"), "{path:?}");
        let file = File::open(path).unwrap();
        let log: serde_json::Value = serde_json::from_reader(MultiGzDecoder::new(file)).unwrap();
        for record in log["Records"].as_array().unwrap() {
            let id = record["eventID"].as_str().unwrap().to_owned();
            *ids.entry(id).or_default() += 1;
        }
    }
    ids
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => files.append(&mut files_below(&path)),
            false => files.push(path),
        }
    }
    files.sort();
    files
}

fn each_once(events: &[Event]) -> BTreeMap<String, usize> {
    events.iter().map(|event| (event.id.clone(), 1)).collect()
}

/// Opens an archive long after its events.
fn open(root: &Path) -> EventArchive {
    EventArchive::open(root, START + 1_000_000).unwrap()
}

#[test]
fn stored_pages_are_covered_and_found_again() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().join("deep/archive");
    let aws = events(&[0, 10, 20, 599, 600, 700]);
    let archive = open(&root);
    assert_eq!(archive.missing(&scope(), span(0, 1000)), [span(0, 1000)]);
    archive
        .add(&scope(), span(500, 800), &page(&aws[..3]))
        .unwrap();
    let missing = [span(800, 1000), span(0, 500)];
    assert_eq!(archive.missing(&scope(), span(0, 1000)), missing);
    drop(archive);
    let archive = open(&root);
    assert_eq!(archive.missing(&scope(), span(0, 1000)), missing);
    let other_account = Scope {
        account: "444455556666".parse().unwrap(),
        ..scope()
    };
    assert_eq!(archive.missing(&other_account, span(0, 1)), [span(0, 1)]);
    // A file for each day, found by the window that it has events of.
    let found = |from, until| archive.documents(&scope(), span(from, until)).len();
    assert_eq!((found(0, 1000), found(0, 600), found(600, 601)), (2, 1, 1));
    assert_eq!((found(0, 599), found(601, 700), found(5, 5)), (0, 1, 0));
}

#[test]
fn the_last_quarter_of_an_hour_is_never_covered() {
    let directory = tempfile::tempdir().unwrap();
    let archive = EventArchive::open(directory.path(), START + 1000).unwrap();
    let aws = events(&[50, 500]);
    fetch(&archive, &aws, span(0, 1001), 50).unwrap();
    assert_eq!(archive.missing(&scope(), span(0, 1001)), [span(100, 1001)]);
    // What was there already is not written again when the rest is.
    let aws = events(&[50, 500, 600, 50]);
    drop(archive);
    let archive = open(directory.path());
    fetch(&archive, &aws, span(0, 1001), 1).unwrap();
    assert_eq!(archive.missing(&scope(), span(0, 1001)), []);
    let mut expected = each_once(&aws);
    // It appeared in a second that was already covered.
    expected.remove("id-3");
    assert_eq!(ids(directory.path()), expected);
}

#[test]
fn many_events_of_one_second_come_in_several_pages() {
    let directory = tempfile::tempdir().unwrap();
    let archive = open(directory.path());
    let aws = events(&[7; 130]);
    fetch(&archive, &aws, span(0, 20), 50).unwrap();
    assert_eq!(ids(directory.path()), each_once(&aws));
    assert_eq!(archive.missing(&scope(), span(0, 20)), []);
}

#[test]
fn only_one_run_writes() {
    let directory = tempfile::tempdir().unwrap();
    let first = open(directory.path());
    let second = EventArchive::open(directory.path(), START);
    let told = second.unwrap_err().to_string();
    assert!(told.contains("another run writes"), "{told}");
    assert!(told.contains(directory.path().to_str().unwrap()), "{told}");
    drop(first);
    open(directory.path());
}

#[test]
fn invalid_events_are_rejected() {
    let directory = tempfile::tempdir().unwrap();
    let archive = open(directory.path());
    for json in ["", "[]", "{", "{}{}", "1"] {
        let event = PageEvent {
            time: START,
            id: "x",
            json,
        };
        let refused = archive.add(&scope(), span(0, 1), &[event]);
        assert!(matches!(refused, Err(ArchiveError::Event(_))), "{json}");
    }
    assert_eq!(ids(directory.path()), BTreeMap::new());
}

#[test]
fn threads_keep_pages_of_the_same_region() {
    let directory = tempfile::tempdir().unwrap();
    let archive = open(directory.path());
    let aws = events(&(0..200).map(|n| n * 6).collect::<Vec<_>>());
    std::thread::scope(|scope| {
        for part in 0..4 {
            let (archive, aws) = (&archive, &aws);
            let window = span(part * 300, (part + 1) * 300);
            scope.spawn(move || fetch(archive, aws, window, 7).unwrap());
        }
    });
    assert_eq!(archive.missing(&scope(), span(0, 1200)), []);
    assert_eq!(ids(directory.path()), each_once(&aws));
}

/// What can happen to an archive between two runs.
#[derive(Debug, Clone, Copy)]
enum Accident {
    /// The process is killed at a step, of which a share of the bytes is written.
    Killed {
        step: u32,
        share: f64,
    },
    Deleted {
        file: usize,
    },
    Truncated {
        file: usize,
        bytes: usize,
    },
    /// The ledger is cut off within its last line.
    Torn {
        bytes: usize,
    },
}

fn accident() -> impl Strategy<Value = Accident> {
    let share = prop_oneof![Just(0.0), Just(1.0), 0.0..1.0];
    prop_oneof![
        8 => (1_u32..40, share).prop_map(|(step, share)| Accident::Killed { step, share }),
        1 => (0_usize..20).prop_map(|file| Accident::Deleted { file }),
        1 => (0_usize..20, 0_usize..300).prop_map(|(file, bytes)| Accident::Truncated { file, bytes }),
        1 => (1_usize..200).prop_map(|bytes| Accident::Torn { bytes }),
    ]
}

fn run(root: &Path, aws: &[Event], window: TimeRange, page_size: usize, accident: Accident) {
    let disk = ArchiveDisk::default();
    if let Accident::Killed { step, share } = accident {
        disk.fuse.light(step, share);
    }
    // After a kill every later step fails, in whichever function.
    if let Ok(archive) = EventArchive::open_on(disk, root, START + 1_000_000) {
        let fetched = fetch(&archive, aws, window, page_size);
        assert!(fetched.is_ok() || archive.disk.fuse.is_burnt());
    }
    let files = files_below(&root.join("AWSLogs"));
    let pick = |file: usize| files.get(file % files.len().max(1));
    match accident {
        Accident::Killed { .. } => {}
        Accident::Deleted { file } => {
            if let Some(path) = pick(file) {
                fs::remove_file(path).unwrap();
            }
        }
        Accident::Truncated { file, bytes } => {
            if let Some(path) = pick(file) {
                let stored = fs::read(path).unwrap();
                fs::write(path, &stored[..bytes.min(stored.len())]).unwrap();
            }
        }
        Accident::Torn { bytes } => {
            let path = scope().ledger(root);
            let Ok(ledger) = fs::read(&path) else { return };
            let last = ledger[..ledger.len().saturating_sub(1)]
                .iter()
                .rposition(|b| *b == b'\n')
                .map_or(0, |at| at + 1);
            // The state after a kill within the line: its files are not renamed yet.
            let line: Option<LedgerLine> = serde_json::from_slice(&ledger[last..]).ok();
            if let Some(LedgerLine::Page(page)) = line {
                for file in page.files {
                    let scope = scope();
                    let path = scope.day(root, file.newest).join(file.name);
                    fs::rename(&path, unfinished(&path)).unwrap();
                }
                let len = ledger.len().saturating_sub(bytes).max(last);
                fs::write(&path, &ledger[..len]).unwrap();
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_every_event_is_there_once(
        times in prop::collection::vec(0_i64..1200, 0..60),
        accidents in prop::collection::vec((accident(), 0_i64..1200, 0_i64..1200), 0..6),
        page_size in 1_usize..12,
    ) {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path();
        let aws = events(&times);
        for (accident, one, other) in accidents {
            let window = span(one.min(other), one.max(other));
            run(root, &aws, window, page_size, accident);
        }
        let archive = open(root);
        fetch(&archive, &aws, span(0, 1200), page_size).unwrap();
        prop_assert_eq!(archive.missing(&scope(), span(0, 1200)), []);
        prop_assert_eq!(ids(root), each_once(&aws));
        drop(archive);
        // A second open changes nothing.
        let archive = open(root);
        prop_assert_eq!(archive.missing(&scope(), span(0, 1200)), []);
        prop_assert_eq!(ids(root), each_once(&aws));
    }
}

#[test]
fn a_kill_at_any_step_costs_pages_in_flight_only() {
    let aws = events(&[0, 100, 300, 590, 600, 610, 900, 901]);
    for step in 1.. {
        let mut survived = true;
        for share in [0.0, 0.5, 1.0] {
            let directory = tempfile::tempdir().unwrap();
            let disk = ArchiveDisk::default();
            disk.fuse.light(step, share);
            let mut kept = 0;
            let archive = EventArchive::open_on(disk, directory.path(), START + 1_000_000);
            if let Ok(archive) = &archive {
                for (number, events) in (0..).zip(aws.chunks(2)) {
                    let (from, until) = (900 - 300 * number, 1200 - 300 * number);
                    kept += usize::from(
                        archive
                            .add(&scope(), span(from, until), &page(events))
                            .is_ok(),
                    );
                }
                survived &= !archive.disk.fuse.is_burnt();
            } else {
                survived = false;
            }
            drop(archive);
            let archive = open(directory.path());
            let covered = 1200
                - archive
                    .missing(&scope(), span(0, 1200))
                    .iter()
                    .map(|gap| gap.until - gap.from)
                    .sum::<i64>();
            // One more page may be covered than `add` confirmed.
            assert!(covered >= 300 * kept as i64, "{step} {share}");
            assert!(covered <= 300 * (kept as i64 + 1), "{step} {share}");
        }
        if survived {
            assert!(step > 20, "{step}");
            return;
        }
    }
}

#[test]
fn a_lost_file_is_moved_away_and_its_seconds_are_fetched_again() {
    for truncates in [true, false] {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path();
        let aws = events(&[0, 100, 300, 590]);
        fetch(&open(root), &aws, span(0, 1000), 2).unwrap();
        let path = &files_below(&root.join("AWSLogs"))[0];
        match truncates {
            true => fs::write(path, "x").unwrap(),
            false => fs::remove_file(path).unwrap(),
        }
        let archive = open(root);
        let missing = archive.missing(&scope(), span(0, 1000));
        assert!(!missing.is_empty() && missing[0].until <= START + 1000);
        let damaged = files_below(&layout::damaged(root)).len();
        assert_eq!(damaged, usize::from(truncates));
        fetch(&archive, &aws, span(0, 1000), 2).unwrap();
        assert_eq!(ids(root), each_once(&aws));
        drop(archive);
        assert_eq!(open(root).missing(&scope(), span(0, 1000)), []);
    }
}

#[test]
fn the_error_of_a_failed_write_suggests_what_to_do() {
    let directory = tempfile::tempdir().unwrap();
    let archive = open(directory.path());
    // A file in place of a folder.
    fs::write(directory.path().join("AWSLogs"), "").unwrap();
    let told = archive
        .add(&scope(), span(0, 10), &page(&events(&[5])))
        .unwrap_err()
        .to_string();
    assert!(
        told.starts_with("cannot make ") && told.contains("run again"),
        "{told}"
    );
    fs::remove_file(directory.path().join("AWSLogs")).unwrap();
    fetch(&archive, &events(&[5]), span(0, 10), 50).unwrap();
}

#[test]
fn a_lost_file_costs_all_that_its_page_completed() {
    let directory = tempfile::tempdir().unwrap();
    let aws = events(&[500, 1100]);
    let archive = open(directory.path());
    archive
        .add(&scope(), span(0, 900), &page(&aws[1..]))
        .unwrap();
    // No second is marked as complete, but this one must be fetched again.
    archive
        .add(&scope(), span(1200, 1200), &page(&aws[..1]))
        .unwrap();
    archive.add(&scope(), span(900, 1200), &[]).unwrap();
    drop(archive);
    for path in files_below(&directory.path().join("AWSLogs")) {
        fs::remove_file(path).unwrap();
    }
    let missing = open(directory.path()).missing(&scope(), span(0, 1200));
    assert_eq!(missing, [span(1100, 1101), span(0, 900)]);
}

#[test]
fn a_region_whose_ledger_failed_is_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path();
    let archive = open(root);
    let ledger = scope().ledger(root);
    fs::create_dir_all(&ledger).unwrap();
    let aws = events(&[500, 1100]);
    let add = |scope: &Scope| archive.add(scope, span(0, 900), &page(&aws));
    assert!(matches!(add(&scope()), Err(ArchiveError::Disk { .. })));
    fs::remove_dir(&ledger).unwrap();
    assert!(matches!(add(&scope()), Err(ArchiveError::Broken(_))));
    let other_region = Scope {
        region: "us-east-1".parse().unwrap(),
        ..scope()
    };
    add(&other_region).unwrap();
    drop(archive);
    assert_eq!(open(root).missing(&scope(), span(0, 900)), [span(0, 900)]);
}

#[test]
fn a_page_takes_the_place_of_its_damaged_self() {
    let directory = tempfile::tempdir().unwrap();
    let archive = open(directory.path());
    let aws = events(&[100, 200, 300]);
    let add = || archive.add(&scope(), span(0, 500), &page(&aws));
    add().unwrap();
    let path = &files_below(&directory.path().join("AWSLogs"))[0];
    let stored = fs::read(path).unwrap();
    fs::write(path, vec![0; stored.len()]).unwrap();
    add().unwrap();
    assert_eq!(fs::read(path).unwrap(), stored);
    let documents = archive.documents(&scope(), span(0, 500));
    assert_eq!(documents.len(), 1);
    assert_eq!(ids(directory.path()), each_once(&aws));
}
