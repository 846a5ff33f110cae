//! Verification case by case, with fake hashes and signatures.

use serde_json::json;

use super::chains::HOUR;
use super::*;
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
        "AWSLogs/111122223333/CloudTrail-Digest/us-east-1/2026/09/07/\
         111122223333_CloudTrail-Digest_us-east-1_{trail}_us-east-1_{}T{}Z.json.gz",
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

fn hex(hash: &Sha256Hash) -> String {
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
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
        });
        evidence.digests.push(FoundDigest {
            document: format!("copy/{}", digest.object),
            digest: Ok(digest),
            hash: own,
            signature: None,
        });
    }
    evidence
}

fn sign(text: &str) -> String {
    hex(&hash(text))
}

fn run_in(evidence: &DigestEvidence, window: TimeWindow) -> (Integrity, Vec<String>) {
    let check = |digest: &DigestFile, text: &str, signature: &str| match digest.fingerprint.as_str()
    {
        "key" if sign(text) == signature => KeyVerdict::Valid,
        "key" => KeyVerdict::Invalid,
        _ => KeyVerdict::KeyUnknown,
    };
    let filter = EventFilter::default();
    let scope = VerifyScope {
        window,
        filter: &filter,
        addresses: &[],
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
    );
    assert_eq!(
        i.log_files,
        i.log_files_valid
            + i.log_files_changed
            + i.log_files_added
            + i.log_files_unproven
            + i.log_files_not_yet_covered
            + i.log_files_not_covered
    );
    let problems = coverage.problems.iter();
    let name = |p: &ReadProblem| format!("{}: {}", digest::file_name(&p.document), p.reason);
    (integrity, problems.map(name).collect())
}

fn run(evidence: &DigestEvidence) -> (Integrity, Vec<String>) {
    run_in(evidence, TimeWindow::default())
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
    last.signature = Some(sign(&text));
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
        problems.iter().any(|p| p.contains("would prove 2 digests")),
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
    one(&problems, &evidence.logs[1].document, "was changed");
}

#[test]
fn every_missing_digest_is_counted() {
    for (removed, count) in [(2..3, 1), (1..3, 2), (1..4, 3)] {
        let mut evidence = chain("t", 0..6);
        let name = evidence.digests[removed.end - 1].document.clone();
        evidence.digests.drain(removed.clone());
        let (integrity, problems) = run(&evidence);
        assert_eq!(integrity.digests_missing, count, "{problems:?}");
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
fn the_first_digest_at_hand_may_have_others_before_it() {
    let mut evidence = chain("t", 0..6);
    evidence.digests.drain(..2);
    evidence.logs.drain(..2);
    assert_eq!(run(&evidence).1, [""; 0]);
    // Older log files are not covered.
    let mut evidence = chain("t", 0..6);
    evidence.digests.drain(..2);
    let (integrity, problems) = run(&evidence);
    assert_eq!(integrity.log_files_not_covered, 2);
    one(
        &problems,
        "digests of 111122223333 in us-east-1",
        "2 documents",
    );
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
    // Unless the next digest is overdue.
    evidence.logs.push(added(day(9)));
    let (integrity, problems) = run(&evidence);
    assert_eq!(
        (
            integrity.log_files_not_yet_covered,
            integrity.log_files_not_covered
        ),
        (0, 3)
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
    one(&problems, &name, "not proven");
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
