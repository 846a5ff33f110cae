//! Verification case by case, with fake hashes and signatures.

use serde_json::json;

use super::chains::HOUR;
use super::*;
use crate::digits::hex;
use crate::event::filter::EventFilter;
use crate::integrity::digest::ListedLogFile;
use crate::time;

const BUCKET: &str = "bucket";

fn day(hour: i64) -> Seconds {
    time::parse(b"2026-09-07T00:00:00Z").unwrap() + hour * HOUR
}

fn stamp(time: Seconds) -> String {
    time::compact(time)
}

fn log_key(time: Seconds) -> String {
    let stamp = stamp(time);
    format!(
        "AWSLogs/111122223333/CloudTrail/us-east-1/2026/09/07/\
         111122223333_CloudTrail_us-east-1_{}T{}Z_aaaaaaaaaaaaaaaa.json.gz",
        &stamp[..8],
        &stamp[8..12]
    )
}

fn digest_key(trail: &str, end: Seconds) -> String {
    let stamp = stamp(end);
    format!(
        "AWSLogs/111122223333/CloudTrail-Digest/us-east-1/2026/09/{}/\
         111122223333_CloudTrail-Digest_us-east-1_{trail}_us-east-1_{}T{}Z.json.gz",
        &stamp[6..8],
        &stamp[..8],
        &stamp[8..]
    )
}

/// A fake SHA-256, since these tests have no file contents.
fn hash(text: &str) -> Sha256Hash {
    let mut hash = [0_u8; 32];
    for (at, byte) in text.bytes().enumerate() {
        hash[at % 32] = hash[at % 32].rotate_left(3) ^ byte;
    }
    hash
}

/// The digests of one trail that end at the hours after 1 and up to `hours`, each with a log file
/// that was delivered in the middle of its hour; local copies.
fn chain(trail: &str, hours: std::ops::Range<i64>) -> DigestEvidence {
    let mut evidence = DigestEvidence::default();
    let mut previous = json!(null);
    for hour in hours {
        let (start, end) = (day(hour), day(hour + 1));
        let log = log_key(start + 1800);
        let times = [time::iso(start + 1500), time::iso(start + 1700)];
        let mut value = json!({
            "digestStartTime": time::iso(start),
            "digestEndTime": time::iso(end),
            "digestS3Bucket": BUCKET,
            "digestS3Object": digest_key(trail, end),
            "digestPublicKeyFingerprint": "key",
            "digestSignatureAlgorithm": "SHA256withRSA",
            "logFiles": [{
                "s3Bucket": BUCKET, "s3Object": log, "hashValue": hex(&hash(&log)),
                "hashAlgorithm": "SHA-256", "oldestEventTime": times[0], "newestEventTime": times[1],
            }],
        });
        if let Some(members) = previous.as_object() {
            value.as_object_mut().unwrap().extend(members.clone());
        }
        let digest = DigestFile::parse(value.to_string().as_bytes()).unwrap();
        let own = hash(&value.to_string());
        previous = json!({
            "previousDigestS3Bucket": BUCKET,
            "previousDigestS3Object": digest.object,
            "previousDigestHashValue": hex(&own),
            "previousDigestHashAlgorithm": "SHA-256",
            "previousDigestSignature": sign(&digest.string_to_sign(&own)),
        });
        evidence.logs.push(FoundLog {
            document: format!("copy/{log}"),
            hash: Some(hash(&log)),
            has_more: false,
            events: Some((start + 1500, start + 1700)),
            needs_digest: true,
        });
        evidence.digests.push(FoundDigest {
            document: format!("copy/{}", digest.object),
            digest: Ok(digest),
            hash: own,
            metadata: DigestMetadata::default(),
        });
    }
    evidence
}

fn sign(text: &str) -> String {
    hex(&hash(text))
}

/// Verifies soon after the last of five hours.
fn run_in(evidence: &DigestEvidence, window: TimeWindow) -> (Integrity, Vec<String>) {
    run_at(evidence, window, day(6), &[])
}

fn run_at(
    evidence: &DigestEvidence,
    window: TimeWindow,
    now: Seconds,
    prefixes: &[ReadPrefix],
) -> (Integrity, Vec<String>) {
    let check = |digest: &DigestFile, text: &str, signature: &str| match digest.fingerprint.as_str()
    {
        "key" if sign(text) == signature => KeyVerdict::Valid,
        "key" => KeyVerdict::Invalid,
        _ => KeyVerdict::KeyUnknown,
    };
    let scopes = ScopeMatcher::new(&EventFilter::default());
    let scope = VerifyScope {
        window,
        scopes: &scopes,
        prefixes,
        now,
    };
    let mut coverage = RunCoverage::default();
    let integrity = judge(evidence, &check, scope, &mut coverage);
    let i = &integrity;
    assert_eq!(
        i.digests,
        i.digests_valid
            + i.digests_invalid
            + i.digests_key_unknown
            + i.digests_signature_not_at_hand
            + i.digests_copies
    );
    assert_eq!(
        i.log_files,
        i.log_files_valid
            + i.log_files_changed
            + i.log_files_added
            + i.log_files_unproven
            + i.log_files_not_yet_covered
            + i.log_files_not_covered
            + i.log_files_copies
    );
    let problems = coverage.problems.iter();
    let name = |p: &ReadProblem| format!("{}: {}", digest::file_name(&p.document), p.reason);
    (integrity, problems.map(name).collect())
}

fn run(evidence: &DigestEvidence) -> (Integrity, Vec<String>) {
    run_in(evidence, TimeWindow::default())
}

/// Asserts that a problem names this place and has this in its reason.
#[track_caller]
fn some(problems: &[String], place: &str, reason: &str) {
    let name = digest::file_name(place);
    let is_it = |problem: &&String| problem.starts_with(name) && problem.contains(reason);
    assert!(
        problems.iter().any(|problem| is_it(&problem)),
        "{problems:#?}"
    );
}

/// Asserts that there is one problem, with this document and this text in its reason.
#[track_caller]
fn one(problems: &[String], place: &str, reason: &str) {
    let [problem] = problems else {
        panic!("{problems:#?}");
    };
    assert!(problem.starts_with(digest::file_name(place)), "{problem}");
    assert!(problem.contains(reason), "{problem}");
}

#[test]
fn a_whole_chain_is_valid_but_for_the_last_signature() {
    let (integrity, problems) = run(&chain("t", 0..5));
    assert_eq!(problems, [""; 0]);
    let expected = Integrity {
        digests: 5,
        digests_valid: 4,
        digests_signature_not_at_hand: 1,
        log_files: 5,
        log_files_valid: 4,
        log_files_unproven: 1,
        ..Integrity::default()
    };
    assert_eq!(integrity, expected);
    let mut evidence = chain("t", 0..5);
    let last = evidence.digests.last_mut().unwrap();
    let text = last.digest.as_ref().unwrap().string_to_sign(&last.hash);
    last.metadata.signature = Some(sign(&text));
    let (integrity, _) = run(&evidence);
    assert_eq!((integrity.digests_valid, integrity.log_files_valid), (5, 5));
}

#[test]
fn a_changed_log_file_is_found() {
    let mut evidence = chain("t", 0..5);
    evidence.logs[1].hash = Some([0; 32]);
    evidence.logs[2].hash = None;
    let (integrity, problems) = run(&evidence);
    assert_eq!((integrity.log_files_changed, problems.len()), (2, 2));
    let mut evidence = chain("t", 0..5);
    evidence.logs[1].has_more = true;
    let (integrity, problems) = run(&evidence);
    assert_eq!(integrity.log_files_changed, 1);
    one(&problems, &evidence.logs[1].document, "was added to");
}

#[test]
fn a_changed_digest_is_found_by_its_hash_and_by_its_signature() {
    let mut evidence = chain("t", 0..5);
    evidence.digests[2].hash = [0; 32];
    let (integrity, problems) = run(&evidence);
    one(
        &problems,
        &evidence.digests[2].document,
        "signature does not fit",
    );
    assert_eq!(
        (integrity.digests_invalid, integrity.log_files_unproven),
        (1, 2)
    );
    // With an unknown key, the hash in the next digest still proves it.
    for found in &mut evidence.digests[..3] {
        found.digest.as_mut().unwrap().fingerprint = "other".to_owned();
    }
    let (integrity, problems) = run(&evidence);
    assert_eq!(integrity.digests_invalid, 1);
    assert!(
        problems.iter().any(|p| p.contains("names another hash")),
        "{problems:?}"
    );
    assert!(
        problems
            .iter()
            .any(|p| p.contains("would prove 2 digests of us-east-1")),
        "{problems:?}"
    );
}

#[test]
fn a_changed_last_digest_is_not_believed() {
    let mut evidence = chain("t", 0..5);
    let last = evidence.digests.last_mut().unwrap();
    last.digest.as_mut().unwrap().log_files.clear();
    last.hash = [0; 32];
    let (integrity, problems) = run(&evidence);
    assert_eq!(integrity.log_files_valid, 4);
    one(&problems, &evidence.logs[4].document, "was added");
}

#[test]
fn a_proven_digest_proves_those_before_it() {
    let mut evidence = chain("t", 0..5);
    for found in &mut evidence.digests[..3] {
        found.digest.as_mut().unwrap().fingerprint = "older".to_owned();
    }
    let (integrity, problems) = run(&evidence);
    assert_eq!(
        (integrity.digests_valid, problems.len()),
        (4, 0),
        "{problems:?}"
    );
    // A proven digest overrules an unproven one.
    let mut other = chain("u", 1..2).digests.remove(0);
    other.digest.as_mut().unwrap().log_files[0].hash = [7; 32];
    evidence.digests.push(other);
    evidence.logs[1].hash = Some([7; 32]);
    let (integrity, problems) = run(&evidence);
    assert_eq!(integrity.log_files_changed, 1);
    some(&problems, &evidence.logs[1].document, "was changed");
}

#[test]
fn a_gap_between_digests_is_found() {
    for (removed, count) in [(2..3, 1), (1..3, 2), (1..4, 3)] {
        let mut evidence = chain("t", 0..6);
        let name = evidence.digests[removed.end - 1].document.clone();
        evidence.digests.drain(removed.clone());
        let (integrity, problems) = run(&evidence);
        // How many others there were between is not known.
        assert_eq!(integrity.digests_missing, 1, "{problems:?}");
        assert_eq!(integrity.log_files_not_covered, count);
        assert!(
            problems
                .iter()
                .any(|p| p.starts_with(digest::file_name(&name))),
            "{problems:?}"
        );
        // Files outside the window are not missing.
        let window = TimeWindow {
            since: Some(day(5)),
            until: None,
        };
        assert_eq!(run_in(&evidence, window).1, [""; 0]);
    }
}

#[test]
fn a_wiped_beginning_is_found() {
    let mut evidence = chain("t", 0..6);
    let name = evidence.digests[1].document.clone();
    evidence.digests.drain(..2);
    evidence.logs.drain(..2);
    let since = |since| TimeWindow {
        since: Some(since),
        until: None,
    };
    for window in [TimeWindow::default(), since(day(0)), since(day(2))] {
        let (integrity, problems) = run_in(&evidence, window);
        assert_eq!(integrity.digests_missing, 1);
        one(&problems, &name, "is missing, and perhaps others before it");
    }
    assert_eq!(run_in(&evidence, since(day(2) + 1)).1, [""; 0]);
    // Nothing vouches for log files that are older.
    let mut evidence = chain("t", 0..6);
    evidence.digests.drain(..2);
    let (integrity, problems) = run(&evidence);
    assert_eq!(integrity.log_files_not_covered, 2);
    some(
        &problems,
        "digests of 111122223333 in us-east-1",
        "2 documents",
    );
}

#[test]
fn a_copy_may_begin_with_any_day() {
    let mut evidence = chain("t", -5..6);
    // The digest that ends at midnight lies under the new day.
    evidence.digests.drain(..4);
    evidence.logs.drain(..4);
    let (integrity, problems) = run(&evidence);
    assert_eq!(problems, [""; 0]);
    assert_eq!(integrity.digests_not_read, 1);
    assert_eq!(integrity.not_read, [digest_key("t", day(-1))]);
    let window = TimeWindow {
        since: Some(day(-24)),
        until: None,
    };
    let (integrity, problems) = run_in(&evidence, window);
    assert_eq!(integrity.digests_missing, 1);
    one(&problems, &digest_key("t", day(-1)), "is missing");
}

/// The same files in a bucket, the digests with their signatures.
fn in_s3(mut evidence: DigestEvidence, bucket: &str) -> DigestEvidence {
    for log in &mut evidence.logs {
        log.document = log.document.replace("copy/", &format!("s3://{bucket}/"));
    }
    for found in &mut evidence.digests {
        found.document = found.document.replace("copy/", &format!("s3://{bucket}/"));
        let text = found.digest.as_ref().unwrap().string_to_sign(&found.hash);
        found.metadata.signature = Some(sign(&text));
    }
    evidence
}

fn prefix(bucket: &str, key: &str) -> ReadPrefix {
    ReadPrefix {
        logs: format!("s3://{bucket}/{key}"),
        digests: format!("s3://{bucket}/{key}"),
        until: None,
    }
}

fn run_in_s3(evidence: &DigestEvidence, window: TimeWindow) -> (Integrity, Vec<String>) {
    run_at(evidence, window, day(6), &[prefix(BUCKET, "")])
}

#[test]
fn in_s3_each_digest_must_be_proven() {
    let mut evidence = in_s3(chain("t", 0..5), BUCKET);
    let (integrity, problems) = run_in_s3(&evidence, TimeWindow::default());
    assert_eq!((integrity.digests_valid, problems.len()), (5, 0));
    // The next one repeats the signature.
    evidence.digests[2].metadata.signature = None;
    let (integrity, problems) = run_in_s3(&evidence, TimeWindow::default());
    assert_eq!((integrity.digests_valid, problems.len()), (5, 0));
    evidence.digests[4].metadata.signature = None;
    let (integrity, problems) = run_in_s3(&evidence, TimeWindow::default());
    assert_eq!((integrity.digests_valid, integrity.digests_invalid), (4, 1));
    one(&problems, &evidence.digests[4].document, "has no signature");
    // Rewritten ones that no longer name each other.
    for found in &mut evidence.digests {
        found.metadata.signature = None;
        found.digest.as_mut().unwrap().previous = None;
    }
    let (integrity, problems) = run_in_s3(&evidence, TimeWindow::default());
    assert_eq!((integrity.digests_invalid, problems.len()), (5, 5));
    assert_eq!(integrity.log_files_valid, 0);
}

#[test]
fn in_a_copy_only_the_last_digest_may_lack_proof() {
    let mut evidence = chain("t", 0..5);
    for found in &mut evidence.digests {
        found.digest.as_mut().unwrap().previous = None;
    }
    let (integrity, problems) = run(&evidence);
    assert_eq!(integrity.digests_signature_not_at_hand, 5);
    assert_eq!(problems.len(), 4, "{problems:?}");
    assert!(
        problems
            .iter()
            .all(|problem| problem.contains("is not proven"))
    );
    // Nor does it help to call them the last ones of trails of their own.
    let mut evidence = DigestEvidence::default();
    for hour in 0..6 {
        evidence.merge(chain(&format!("t{hour}"), hour..hour + 1));
    }
    let (_, problems) = run(&evidence);
    assert_eq!(problems.len(), 3, "{problems:?}");
    // Or backfill digests.
    let mut evidence = chain("t", 0..5);
    for found in &mut evidence.digests {
        let digest = found.digest.as_mut().unwrap();
        digest.previous = None;
        digest.object = digest.object.replace(".json", "_backfill.json");
        found.document = digest.object.clone();
    }
    let (_, problems) = run(&evidence);
    assert_eq!(problems.len(), 5, "{problems:?}");
}

#[test]
fn a_wiped_end_is_found_in_s3() {
    let evidence = in_s3(chain("t", 0..5), BUCKET);
    let all = [prefix(BUCKET, "")];
    let until = |hour| TimeWindow {
        since: None,
        until: Some(day(hour)),
    };
    let open = TimeWindow::default();
    for (window, now, is_found) in [
        (open, day(8), false),
        (open, day(8) + 1, true),
        (until(5), day(100), false),
        (until(6), day(100), true),
        (until(6), day(8), false),
    ] {
        let (_, problems) = run_at(&evidence, window, now, &all);
        match is_found {
            true => one(
                &problems,
                "digests of 111122223333 in us-east-1",
                "end too early",
            ),
            false => assert_eq!(problems, [""; 0], "{now}"),
        }
    }
    // A prefix of a day asks for no other day.
    let day_only = ReadPrefix {
        until: Some(day(5)),
        ..prefix(BUCKET, "")
    };
    assert_eq!(run_at(&evidence, open, day(100), &[day_only]).1, [""; 0]);
    // A copy ends when it was made.
    assert_eq!(run_at(&chain("t", 0..5), open, day(100), &[]).1, [""; 0]);
}

#[test]
fn what_lies_outside_of_what_was_read_is_said() {
    // The trail was moved to another bucket after two hours.
    let mut evidence = in_s3(chain("t", 0..5), BUCKET);
    for found in &mut evidence.digests[2..3] {
        let previous = found.digest.as_mut().unwrap().previous.as_mut();
        "old".clone_into(&mut previous.unwrap().bucket);
    }
    evidence.digests.drain(..2);
    evidence.logs.drain(..2);
    let third = &mut evidence.digests[0];
    let text = third.digest.as_ref().unwrap().string_to_sign(&third.hash);
    third.metadata.signature = Some(sign(&text));
    let (integrity, problems) = run_in_s3(&evidence, TimeWindow::default());
    assert_eq!(problems, [""; 0]);
    let place = format!("s3://old/{}", digest_key("t", day(2)));
    assert_eq!(integrity.not_read, std::slice::from_ref(&place));
    let window = TimeWindow {
        since: Some(day(0)),
        until: None,
    };
    let (_, problems) = run_in_s3(&evidence, window);
    one(&problems, &place, "was not read");
    // Its log files may be there as well.
    let third = &mut evidence.digests[0].digest.as_mut().unwrap().log_files[0];
    "old".clone_into(&mut third.bucket);
    let (integrity, _) = run_in_s3(&evidence, TimeWindow::default());
    assert_eq!(integrity.log_files_not_checked, 1);
}

#[test]
fn a_replica_is_held_against_what_its_digests_name() {
    let replica = |evidence| {
        run_at(
            &evidence,
            TimeWindow::default(),
            day(6),
            &[prefix("replica", "")],
        )
    };
    let (integrity, problems) = replica(in_s3(chain("t", 0..5), "replica"));
    assert_eq!(problems, [""; 0]);
    assert_eq!((integrity.digests_valid, integrity.log_files_valid), (5, 5));
    assert_eq!(integrity.copy_of, [BUCKET]);
    let mut evidence = in_s3(chain("t", 0..5), "replica");
    let removed = evidence.logs.remove(1);
    let (integrity, problems) = replica(evidence);
    assert_eq!(integrity.log_files_missing, 1);
    one(&problems, &removed.document, "is missing");
    let mut evidence = in_s3(chain("t", 0..5), "replica");
    evidence.logs[1].hash = Some([0; 32]);
    let (integrity, _) = replica(evidence);
    assert_eq!(integrity.log_files_changed, 1);
}

#[test]
fn a_copy_beside_the_original_is_a_copy() {
    let rename = |name: &str| name.replace(".json", " (1).json");
    let mut evidence = chain("t", 0..5);
    let mut log = added(day(1));
    log.document = rename(&evidence.logs[1].document);
    log.hash = evidence.logs[1].hash;
    evidence.logs.push(log);
    let mut copies = chain("t", 0..5);
    let mut copy = copies.digests.remove(2);
    copy.document = rename(&copy.document);
    evidence.digests.push(copy);
    let (integrity, problems) = run(&evidence);
    assert_eq!(problems, [""; 0]);
    assert_eq!(
        (integrity.log_files_copies, integrity.digests_copies),
        (1, 1)
    );
    assert_eq!((integrity.log_files_valid, integrity.digests_valid), (4, 4));
    // Bytes behind it are none of the original's.
    evidence.logs.last_mut().unwrap().has_more = true;
    let (integrity, _) = run(&evidence);
    assert_eq!(
        (integrity.log_files_copies, integrity.log_files_added),
        (0, 1)
    );
}

#[test]
fn an_unreadable_digest_is_one_problem() {
    let mut evidence = chain("t", 0..5);
    evidence.digests[2].digest = Err("is not a digest: it is too large".to_owned());
    let (integrity, problems) = run(&evidence);
    assert_eq!(
        (integrity.digests_invalid, integrity.digests_missing),
        (1, 0)
    );
    some(&problems, &evidence.digests[2].document, "is not a digest");
    let about_digests = problems.iter().filter(|p| p.contains("CloudTrail-Digest_"));
    assert_eq!(about_digests.count(), 1, "{problems:?}");
}

#[test]
fn every_listed_file_is_expected_whatever_its_name() {
    let list = |object: &str| {
        let mut evidence = chain("t", 0..5);
        let line = ListedLogFile {
            bucket: BUCKET.to_owned(),
            object: object.to_owned(),
            hash: [7; 32],
            events: None,
        };
        // What it says is signed in this test, whatever it lists.
        evidence.digests[1]
            .digest
            .as_mut()
            .unwrap()
            .log_files
            .push(line);
        evidence
    };
    let odd = "AWSLogs/111122223333/CloudTrail/us-east-1/2026/09/07/odd.json.gz";
    let insight = "AWSLogs/111122223333/CloudTrail-Insight/us-east-1/2026/09/07/\
                   111122223333_CloudTrail-Insight_us-east-1_20260907T0130Z_a.json.gz";
    let (integrity, problems) = run(&list(odd));
    assert_eq!(integrity.log_files_missing, 1);
    one(&problems, odd, "is missing");
    let (integrity, problems) = run(&list(insight));
    assert_eq!((integrity.log_files_not_checked, problems.len()), (1, 0));
    // A copy that has such files is held against them.
    for (hash, valid) in [([7; 32], 5), ([8; 32], 4)] {
        for object in [odd, insight] {
            let mut evidence = list(object);
            evidence.logs.push(FoundLog {
                document: format!("copy/{object}"),
                hash: Some(hash),
                has_more: false,
                events: None,
                needs_digest: false,
            });
            let (integrity, problems) = run(&evidence);
            assert_eq!(integrity.log_files_valid, valid, "{problems:?}");
            assert_eq!(integrity.log_files_changed, 5 - valid);
        }
    }
    // One that no digest lists is none of theirs.
    let mut evidence = chain("t", 0..5);
    evidence.logs.push(FoundLog {
        needs_digest: false,
        ..added(day(1))
    });
    assert_eq!(run(&evidence).0.log_files, 5);
}

#[test]
fn a_chain_that_begins_anew_is_said_to() {
    let mut evidence = chain("t", 0..2);
    evidence.merge(chain("t", 4..6));
    let (integrity, problems) = run(&evidence);
    assert_eq!(integrity.digests_missing, 0);
    one(&problems, &evidence.digests[2].document, "begins anew");
}

#[test]
fn missing_log_files_are_found_in_the_window_only() {
    let mut evidence = chain("t", 0..5);
    let removed = evidence.logs.remove(1);
    let (integrity, problems) = run(&evidence);
    assert_eq!(integrity.log_files_missing, 1);
    one(&problems, &removed.document, "is missing");
    let window = TimeWindow {
        since: Some(day(2)),
        until: None,
    };
    let (integrity, problems) = run_in(&evidence, window);
    assert_eq!((integrity.log_files_missing, problems.len()), (0, 0));
}

fn added(time: Seconds) -> FoundLog {
    FoundLog {
        document: log_key(time).replace("aaaa", "bbbb"),
        hash: Some([1; 32]),
        has_more: false,
        events: Some((time, time)),
        needs_digest: true,
    }
}

#[test]
fn added_log_files_are_found_where_digests_cover_their_time() {
    let mut evidence = chain("t", 0..5);
    evidence.logs.push(added(day(2) + 60));
    let (integrity, problems) = run(&evidence);
    assert_eq!(integrity.log_files_added, 1);
    one(&problems, &added(day(2) + 60).document, "was added");
    // Log files of the last minutes and later will be in the next digest.
    let mut evidence = chain("t", 0..5);
    evidence.logs.push(added(day(5) - 60));
    evidence.logs.push(added(day(5) + 1800));
    let (integrity, problems) = run(&evidence);
    assert_eq!(
        (integrity.log_files_not_yet_covered, problems.len()),
        (2, 0)
    );
    // Unless that one is overdue.
    let (integrity, problems) = run_at(&evidence, TimeWindow::default(), day(9), &[]);
    assert_eq!(
        (
            integrity.log_files_not_yet_covered,
            integrity.log_files_not_covered
        ),
        (0, 2)
    );
    one(&problems, "digests of", "none at hand covers");
}

#[test]
fn two_trails_may_share_a_folder() {
    let mut evidence = chain("t", 0..5);
    let other = chain("u", 0..5);
    evidence.digests.extend(other.digests);
    let (integrity, problems) = run(&evidence);
    assert_eq!(
        (integrity.digests_valid, problems.len()),
        (8, 0),
        "{problems:?}"
    );
    // A file may be in a missing digest of the other trail.
    evidence.digests.remove(7);
    evidence.logs.push(added(day(2) + 60));
    let (integrity, _) = run(&evidence);
    assert_eq!(
        (integrity.log_files_added, integrity.log_files_not_covered),
        (0, 1)
    );
    // Or in a digest before the first available one.
    let mut evidence = chain("t", 0..5);
    evidence.digests.extend(chain("u", 0..5).digests.drain(3..));
    evidence.logs.push(added(day(2) + 60));
    let (integrity, _) = run(&evidence);
    assert_eq!(
        (integrity.log_files_added, integrity.log_files_not_covered),
        (0, 1)
    );
}

#[test]
fn a_digest_that_is_not_proven_excuses_nothing() {
    let intruder = added(day(2) + 60);
    let name = digest::file_name(&intruder.document).to_owned();
    let line = ListedLogFile {
        bucket: BUCKET.to_owned(),
        object: intruder.document.clone(),
        hash: intruder.hash.unwrap(),
        events: None,
    };
    // An unknown trail with one digest.
    let mut evidence = chain("t", 0..5);
    let mut other = chain("u", 2..3).digests.remove(0);
    other.digest.as_mut().unwrap().log_files = vec![line.clone()];
    evidence.digests.push(other);
    evidence.logs.push(intruder);
    let (integrity, problems) = run(&evidence);
    assert_eq!(integrity.log_files_unproven, 2);
    some(&problems, &name, "not proven");
    // The last digest, which has no signature yet.
    evidence.digests.pop();
    let last = evidence.digests.last_mut().unwrap();
    last.digest.as_mut().unwrap().log_files.push(line);
    let (integrity, problems) = run(&evidence);
    assert_eq!(integrity.log_files_unproven, 2);
    one(&problems, &name, "not proven");
    // Not even if it claims more than its hour.
    evidence.digests[4].digest.as_mut().unwrap().start = day(1);
    let (_, problems) = run(&evidence);
    one(&problems, &name, "not proven");
}

#[test]
fn a_moved_digest_is_invalid() {
    let mut evidence = chain("t", 0..5);
    evidence.digests[2].document = evidence.digests[1].document.clone();
    let (integrity, problems) = run(&evidence);
    assert_eq!(integrity.digests_invalid, 1);
    one(&problems, &evidence.digests[1].document, "was moved");
}

#[test]
fn an_invalid_digest_refutes_no_other() {
    let mut evidence = chain("t", 0..5);
    // The third was rewritten, including the hash and signature of the second in it.
    let other = chain("u", 0..5).digests.remove(2);
    let mut forged = other.digest.unwrap();
    let third = &mut evidence.digests[2];
    let original = third.digest.as_ref().unwrap();
    forged.object.clone_from(&original.object);
    let before = &original.previous.as_ref().unwrap().object;
    forged.previous.as_mut().unwrap().object.clone_from(before);
    (third.digest, third.hash) = (Ok(forged), other.hash);
    let (integrity, problems) = run(&evidence);
    one(&problems, &evidence.digests[2].document, "was changed");
    assert_eq!(integrity.digests_invalid, 1);
}

#[test]
fn without_digests_nothing_is_verified() {
    let mut evidence = chain("t", 0..5);
    evidence.digests.clear();
    let (integrity, problems) = run(&evidence);
    assert_eq!((integrity.log_files_not_covered, problems.len()), (5, 1));
    one(&problems, "digests", "none found");
    // Nor if other regions have digests.
    let mut evidence = chain("t", 0..5);
    let mut other = added(day(1));
    other.document = other.document.replace("us-east-1", "eu-west-1");
    evidence.logs.push(other);
    let (_, problems) = run(&evidence);
    one(
        &problems,
        "digests of 111122223333 in eu-west-1",
        "there are none",
    );
    let mut evidence = chain("t", 0..5);
    let mut other = added(day(1));
    other.document = "export.json".to_owned();
    evidence.logs.push(other);
    let (_, problems) = run(&evidence);
    one(&problems, "digests", "no log file's name");
}
