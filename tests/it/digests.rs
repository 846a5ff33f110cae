//! Verifying log files by digests: local copies, S3, and everything that an intruder may do to them.

use std::io::BufReader;
use std::net::{Ipv4Addr, TcpListener};
use std::sync::{Arc, Mutex};
use std::thread;

use serde_json::{Value, json};

use crate::support::bucket::{Bucket, Run, keys, save};
use crate::support::digests::{BUCKET, QUIET, Signer, Trail, gunzip, log, sha256};
use crate::support::http::Message;
use crate::support::proxy::{Fault, Request};
use crate::support::trail::{File, gzip_text};
use crate::support::{Sandbox, at};

/// The latest time at which the digest after so many hours may still be on its way, and the log files
/// of these hours are not.
fn soon_after(hours: usize) -> (&'static str, String) {
    let now = format!("2026-09-07T{:02}:59:00Z", hours + 2);
    ("TRAILTAB_NOW", now)
}

/// Verifies a local copy of up to nine hours with keys from a file.
fn verify(files: &[File], args: &[&str]) -> Run {
    verify_with(&Signer::of_cloudtrail().key_file(), files, args)
}

fn verify_with(keys: &str, files: &[File], args: &[&str]) -> Run {
    verify_at(soon_after(9), keys, files, args)
}

fn verify_at(now: (&'static str, String), keys: &str, files: &[File], args: &[&str]) -> Run {
    let (logs, keys_at) = (save(files), Sandbox::new());
    let (path, keys) = (logs.path(""), keys_at.write("keys.json", keys));
    let own = [
        path.to_str().unwrap(),
        "--verify-digests",
        "--public-keys",
        keys.to_str().unwrap(),
    ];
    Run::of(&[&own, args].concat(), &[now])
}

/// Verifies a bucket that a trail delivered to for so many hours, with keys from a file.
fn verify_bucket(bucket: &Bucket, hours: usize, prefix: &str, args: &[&str]) -> Run {
    let sandbox = Sandbox::new();
    let keys = sandbox.write("keys.json", Signer::of_cloudtrail().key_file());
    let source = bucket.at(prefix);
    let own = [
        source.as_str(),
        "--verify-digests",
        "--public-keys",
        keys.to_str().unwrap(),
    ];
    let mut environment = bucket.access();
    environment.push(soon_after(hours));
    Run::of(&[&own, args].concat(), &environment)
}

fn put(bucket: &mut Bucket, trail: &Trail) {
    bucket.put(&trail.logs);
    for digest in &trail.digests {
        bucket.put_signed(&digest.file, &digest.signature);
    }
}

/// The counts that are not zero.
fn integrity(run: &Run) -> Value {
    let mut counts = run.json["trailtab"]["integrity"].clone();
    let members = counts.as_object_mut().unwrap();
    let sum = |names: &[&str]| -> u64 { names.iter().map(|n| members[*n].as_u64().unwrap()).sum() };
    assert_eq!(
        members["digests"],
        sum(&[
            "digests_valid",
            "digests_invalid",
            "digests_key_unknown",
            "digests_signature_not_at_hand",
            "digests_copies"
        ])
    );
    assert_eq!(
        members["log_files"],
        sum(&[
            "log_files_valid",
            "log_files_changed",
            "log_files_added",
            "log_files_unproven",
            "log_files_not_yet_covered",
            "log_files_not_covered",
            "log_files_copies"
        ])
    );
    members.retain(|_, count| *count != 0 && *count != json!([]));
    counts
}

#[test]
fn a_local_copy_is_verified_but_for_the_last_signature() {
    let run = verify(&Trail::new(BUCKET, 8).files(), &[]);
    run.is_complete();
    let expected = json!({
        "digests": 8, "digests_valid": 7, "digests_signature_not_at_hand": 1,
        "log_files": 14, "log_files_valid": 12, "log_files_unproven": 2,
    });
    assert_eq!((integrity(&run), run.count("counted")), (expected, 28));
}

#[test]
fn the_page_says_what_was_verified() {
    let mut trail = Trail::new(BUCKET, 8);
    trail.logs.remove(0);
    let sandbox = Sandbox::new();
    for file in trail.files() {
        sandbox.write(format!("logs/{}", file.key), &file.bytes);
    }
    sandbox.write("keys.json", Signer::of_cloudtrail().key_file());
    let words = [
        "activity",
        "logs",
        "--verify-digests",
        "--public-keys",
        "keys.json",
    ];
    let page = sandbox.run(words).expect(3).out;
    for line in [
        "Log files by their digests: 11 valid, 1 missing, 2 unproven",
        "Digests: 7 valid, 1 with no signature available",
        "Incomplete or not verified, for 1 reason:",
        "is missing: a digest names it",
    ] {
        assert!(page.contains(line), "{line:?} in {page}");
    }
}

#[test]
fn a_copy_may_be_unpacked_or_start_deeper() {
    let trail = Trail::new(BUCKET, 4);
    let unpacked = trail.files().into_iter().map(|file| File {
        key: file.key.strip_suffix(".gz").unwrap().to_owned(),
        bytes: gunzip(&file.bytes),
    });
    let flat = trail.files().into_iter().map(|file| File {
        key: file.key.rsplit('/').next().unwrap().to_owned(),
        ..file
    });
    for files in [unpacked.collect::<Vec<_>>(), flat.collect()] {
        let run = verify(&files, &[]);
        run.is_complete();
        assert_eq!(integrity(&run)["log_files_valid"], 6);
    }
}

#[test]
fn a_bucket_is_verified_to_the_last_signature() {
    let mut bucket = Bucket::new("digests");
    let trail = Trail::new("digests", 8);
    put(&mut bucket, &trail);
    for prefix in [
        "",
        "AWSLogs/111122223333/",
        "AWSLogs/111122223333/CloudTrail/",
        "AWSLogs/111122223333/CloudTrail/us-east-1/",
        "AWSLogs/111122223333/CloudTrail/us-east-1/2026/09/",
        "AWSLogs/111122223333/CloudTrail/us-east-1/2026/09/07/",
    ] {
        let run = verify_bucket(&bucket, 8, prefix, &[]);
        run.is_complete();
        let expected =
            json!({ "digests": 8, "digests_valid": 8, "log_files": 14, "log_files_valid": 14 });
        assert_eq!(integrity(&run), expected, "{prefix}");
    }
    // Objects outside the prefix are not missing.
    let hour = "AWSLogs/111122223333/CloudTrail/us-east-1/2026/09/07/\
                111122223333_CloudTrail_us-east-1_20260907T00";
    let run = verify_bucket(&bucket, 8, hour, &[]);
    run.is_complete();
    assert_eq!(integrity(&run)["log_files_valid"], 2);
    // No object is fetched twice, and no digest without --verify-digests.
    let (digests, logs) = (
        trail.digests.iter().map(|signed| &signed.file),
        &trail.logs[..2],
    );
    let of_hour: Vec<File> = logs.iter().chain(digests).cloned().collect();
    let mut all = [(); 6].map(|()| keys(&trail.files())).concat();
    all.extend(keys(&of_hour));
    all.sort();
    assert_eq!(bucket.fetched(), all);
    let run = bucket.run("", &[]);
    run.is_complete();
    assert_eq!(run.json["trailtab"].get("integrity"), None);
    assert_eq!(bucket.fetched().len(), all.len() + trail.logs.len());
}

#[test]
fn only_the_days_of_the_window_are_fetched() {
    let mut bucket = Bucket::new("digest-days");
    let trail = Trail::new("digest-days", 8);
    put(&mut bucket, &trail);
    let window = ["--since", "2026-09-08", "--until", "2026-09-08"];
    let run = verify_bucket(&bucket, 8, "", &window);
    assert_eq!(bucket.fetched(), [""; 0]);
    run.failed_with(&["digests none found"]);
    let window = ["--since", "2026-09-05", "--until", "2026-09-05"];
    verify_bucket(&bucket, 8, "", &window);
    assert_eq!(
        bucket.fetched().len(),
        trail.digests.len(),
        "they may list what came on the day before"
    );
}

/// What an intruder does to a trail of nine hours, where it shows, why, and what is counted.
pub(crate) struct Attack {
    pub(crate) act: fn(&mut Trail),
    reason: &'static str,
    counts: &'static [(&'static str, u64)],
}

pub(crate) const ATTACKS: [Attack; 12] = [
    Attack {
        act: |trail| trail.logs[3].bytes = gzip_text(r#"{"Records":[]}"#),
        reason: "its hash is not the one",
        counts: &[("log_files_changed", 1)],
    },
    Attack {
        act: |trail| {
            let more = trail.logs[4].bytes.clone();
            trail.logs[3].bytes.extend(more);
        },
        reason: "bytes follow the gzip member",
        counts: &[("log_files_changed", 1)],
    },
    Attack {
        // The end of the member again, so that the file ends as it should.
        act: |trail| {
            let bytes = &mut trail.logs[3].bytes;
            bytes.extend_from_within(bytes.len() - 8..);
        },
        reason: "bytes follow the gzip member",
        counts: &[("log_files_changed", 1)],
    },
    Attack {
        act: |trail| drop(trail.logs.remove(3)),
        reason: "is missing: a digest names it",
        counts: &[("log_files_missing", 1)],
    },
    Attack {
        act: |trail| trail.logs.push(log(1, "25")),
        reason: "was added: no digest lists it",
        counts: &[("log_files_added", 1)],
    },
    Attack {
        act: |trail| {
            // Even in the hour without other log files.
            trail.logs.push(log(QUIET, "25"));
        },
        reason: "was added: no digest lists it",
        counts: &[("log_files_added", 1)],
    },
    Attack {
        act: |trail| {
            let bytes = &mut trail.digests[3].file.bytes;
            let text = String::from_utf8(gunzip(bytes)).unwrap();
            let (old, new) = (sha256(&gunzip(&trail.logs[6].bytes)), sha256(b""));
            assert!(text.contains(&old));
            *bytes = gzip_text(text.replace(&old, &new));
        },
        reason: "its signature does not fit",
        counts: &[("digests_invalid", 1)],
    },
    Attack {
        act: |trail| drop(trail.digests.remove(3)),
        reason: "is missing: no digest covers 2026-09-07T03:01:31Z to 2026-09-07T04:01:31Z",
        counts: &[("digests_missing", 1), ("log_files_not_covered", 2)],
    },
    Attack {
        act: |trail| drop(trail.digests.drain(2..4)),
        reason: "is missing, and perhaps others before it",
        counts: &[("digests_missing", 1), ("log_files_not_covered", 4)],
    },
    Attack {
        act: |trail| drop(trail.digests.drain(4..)),
        reason: "none at hand covers the time",
        counts: &[("log_files_not_covered", 8)],
    },
    Attack {
        act: |trail| {
            // An older digest in its place, with its own signature.
            let key = trail.digests[3].file.key.clone();
            trail.digests[3] = trail.digests[2].clone();
            trail.digests[3].file.key = key;
        },
        reason: "was moved: it is the digest",
        counts: &[("digests_invalid", 1), ("digests_missing", 1)],
    },
    Attack {
        act: |trail| trail.digests[3].file.bytes.extend(b"more"),
        reason: "was added to: bytes follow its gzip member",
        counts: &[("digests_invalid", 1)],
    },
];

#[track_caller]
fn finds(attack: &Attack, run: &Run) {
    run.is_partial();
    let problems = run.problems();
    let found = problems
        .iter()
        .any(|(_, reason)| reason.contains(attack.reason));
    assert!(found, "{}: {problems:#?}", attack.reason);
    for (name, count) in attack.counts {
        assert_eq!(
            run.json["trailtab"]["integrity"][name], *count,
            "{name}, {}: {problems:#?}",
            attack.reason
        );
    }
}

#[test]
fn attacks_on_a_local_copy_are_found() {
    for attack in &ATTACKS {
        let mut trail = Trail::new(BUCKET, 9);
        (attack.act)(&mut trail);
        finds(attack, &verify(&trail.files(), &[]));
    }
}

#[test]
fn attacks_on_a_bucket_are_found() {
    let names = [
        "attack-0",
        "attack-1",
        "attack-2",
        "attack-3",
        "attack-4",
        "attack-5",
        "attack-6",
        "attack-7",
        "attack-8",
        "attack-9",
        "attack-10",
        "attack-11",
    ];
    for (attack, name) in ATTACKS.iter().zip(names) {
        let mut trail = Trail::new(name, 9);
        (attack.act)(&mut trail);
        let mut bucket = Bucket::new(name);
        put(&mut bucket, &trail);
        finds(attack, &verify_bucket(&bucket, 9, "", &[]));
    }
}

#[test]
fn what_cannot_be_fetched_is_not_missing() {
    let trail = Trail::new("denied", 5);
    let mut bucket = Bucket::new("denied");
    put(&mut bucket, &trail);
    let (log, digest) = (trail.logs[2].key.clone(), trail.digests[3].file.key.clone());
    let is_denied = move |r: &Request| r.gets(&log) || r.gets(&digest);
    bucket
        .proxy
        .fail(usize::MAX, Fault::Error(403, "AccessDenied"), is_denied);
    let run = verify_bucket(&bucket, 5, "", &[]);
    run.is_partial();
    let denied = run
        .problems()
        .iter()
        .filter(|(_, reason)| reason.contains("AccessDenied"))
        .count();
    assert_eq!(denied, 2);
    let counts = integrity(&run);
    for name in ["log_files_missing", "digests_missing"] {
        assert_eq!(counts.get(name), None, "{name}");
    }
}

#[test]
fn a_swapped_signature_is_found() {
    let mut trail = Trail::new("swapped", 5);
    trail.digests[3].signature = trail.digests[2].signature.clone();
    let mut bucket = Bucket::new("swapped");
    put(&mut bucket, &trail);
    let run = verify_bucket(&bucket, 5, "", &[]);
    run.is_partial();
    let place = bucket.at(&trail.digests[3].file.key);
    let [(document, reason)] = run.problems()[..] else {
        panic!("{:?}", run.problems());
    };
    assert_eq!(document, place);
    assert!(reason.contains("its signature does not fit"), "{reason}");
}

#[test]
fn a_replica_in_another_bucket_is_valid_and_said_to_be_one() {
    let mut trail = Trail::new(BUCKET, 3);
    let mut bucket = Bucket::new("another");
    put(&mut bucket, &trail);
    let run = verify_bucket(&bucket, 3, "", &[]);
    run.is_complete();
    let expected = json!({
        "digests": 3, "digests_valid": 3, "log_files": 6, "log_files_valid": 6,
        "copy_of": [BUCKET],
    });
    assert_eq!(integrity(&run), expected);
    // What its digests name is missing there, or changed.
    let mut bucket = Bucket::new("another-in-part");
    trail.logs.remove(1);
    trail.logs[1].bytes = gzip_text(r#"{"Records":[]}"#);
    put(&mut bucket, &trail);
    let run = verify_bucket(&bucket, 3, "", &[]);
    run.is_partial();
    let counts = integrity(&run);
    assert_eq!(
        (&counts["log_files_missing"], &counts["log_files_changed"]),
        (&json!(1), &json!(1))
    );
}

#[test]
fn a_digest_without_a_signature_is_invalid_in_a_bucket() {
    let mut trail = Trail::new("unsigned", 4);
    let mut bucket = Bucket::new("unsigned");
    let last = trail.digests.pop().unwrap();
    put(&mut bucket, &trail);
    bucket.put(std::slice::from_ref(&last.file));
    let run = verify_bucket(&bucket, 4, "", &[]);
    run.is_partial();
    assert_eq!(integrity(&run)["digests_invalid"], 1);
    let [(document, reason)] = run.problems()[..] else {
        panic!("{:?}", run.problems());
    };
    assert_eq!(document, bucket.at(&last.file.key));
    assert!(reason.contains("no signature"), "{reason}");
}

#[test]
fn a_wiped_beginning_and_a_wiped_end_are_found() {
    for (name, wiped) in [("wiped-beginning", 0..3), ("wiped-end", 5..9)] {
        let mut trail = Trail::new(name, 9);
        trail.digests.drain(wiped.clone());
        // Two log files an hour, and none in the quiet one behind the third.
        let logs = match wiped.start {
            0 => 0..6,
            _ => 8..16,
        };
        trail.logs.drain(logs);
        let mut bucket = Bucket::new(name);
        put(&mut bucket, &trail);
        for window in [&[][..], &["--since", "2026-09-07", "--until", "2026-09-08"]] {
            let run = verify_bucket(&bucket, 9, "", window);
            run.is_partial();
            let [(place, reason)] = run.problems()[..] else {
                panic!("{:?}", run.problems());
            };
            match wiped.start {
                0 => {
                    assert!(place.contains("T030131Z"), "{place}");
                    assert!(reason.contains("is missing"), "{reason}");
                }
                _ => assert!(reason.contains("end too early: none covers"), "{reason}"),
            }
        }
        // What remains is whole.
        let window = ["--since", "2026-09-07T03:30", "--until", "2026-09-07T05:00"];
        verify_bucket(&bucket, 9, "", &window).is_complete();
    }
}

#[test]
fn a_copy_beside_its_original_is_no_addition() {
    let mut files = Trail::new(BUCKET, 4).files();
    let mut copies: Vec<File> = [1, 9].map(|at| files[at].clone()).into();
    for copy in &mut copies {
        copy.key = copy.key.replace(".json", " (1).json");
    }
    files.extend(copies);
    let run = verify(&files, &[]);
    run.is_complete();
    let counts = integrity(&run);
    assert_eq!(
        (&counts["log_files_copies"], &counts["digests_copies"]),
        (&json!(1), &json!(1))
    );
    assert_eq!(counts["log_files_valid"], 6);
}

#[test]
fn an_unknown_key_proves_nothing() {
    let files = Trail::new(BUCKET, 4).files();
    let run = verify_with(&Signer::stranger().key_file(), &files, &[]);
    run.is_partial();
    let counts = integrity(&run);
    assert_eq!(counts["digests_key_unknown"], 3);
    assert_eq!(counts.get("log_files_valid"), None);
    let [(document, _)] = run.problems()[..] else {
        panic!("{:?}", run.problems());
    };
    assert!(document.contains(&Signer::of_cloudtrail().fingerprint()));
    // Nor does one that takes another's name.
    let mut forged: Value = serde_json::from_str(&Signer::stranger().key_file()).unwrap();
    forged["PublicKeyList"][0]["Fingerprint"] = Signer::of_cloudtrail().fingerprint().into();
    let run = verify_with(&forged.to_string(), &files, &[]);
    run.is_partial();
    assert_eq!(integrity(&run).get("digests_valid"), None);
}

#[test]
fn the_newest_log_files_wait_for_their_digest() {
    let mut trail = Trail::new(BUCKET, 5);
    trail.digests.pop();
    trail.logs.push(log(4, "25"));
    let keys = Signer::of_cloudtrail().key_file();
    let run = verify_at(soon_after(4), &keys, &trail.files(), &[]);
    run.is_complete();
    assert_eq!(integrity(&run)["log_files_not_yet_covered"], 1);
    // But not for ever.
    let run = verify_at(soon_after(9), &keys, &trail.files(), &[]);
    run.is_partial();
    assert_eq!(integrity(&run)["log_files_not_covered"], 1);
}

#[test]
fn a_backfill_digest_lists_what_others_missed() {
    let mut trail = Trail::new("backfill", 6);
    let late = log(2, "25");
    trail.logs.push(late.clone());
    trail.backfill("backfill", &[late]);
    let mut bucket = Bucket::new("backfill");
    put(&mut bucket, &trail);
    let run = verify_bucket(&bucket, 6, "", &[]);
    run.is_complete();
    assert_eq!(integrity(&run)["log_files_valid"], 11);
    // Its signature is beside it, in S3 only, and anyone could have written the copy.
    let run = verify(&trail.files(), &[]);
    run.is_partial();
    let [(_, reason)] = run.problems()[..] else {
        panic!("{:?}", run.problems());
    };
    assert!(
        reason.contains("in a digest that is not proven"),
        "{reason}"
    );
}

#[test]
fn what_was_not_asked_for_is_not_missing() {
    let mut trail = Trail::new(BUCKET, 9);
    trail.logs.drain(..2);
    trail.digests.remove(1);
    let files = trail.files();
    verify(&files, &[]).is_partial();
    let later = ["--since", "2026-09-07T05:00:00Z"];
    verify(&files, &later).is_complete();
    verify(&files, &["--region", "eu-*"]).is_complete();
}

#[test]
fn any_byte_that_is_changed_is_found() {
    let trail = Trail::new(BUCKET, 4);
    let files = trail.files();
    // The last digest of a local copy is not proven, and not reported as proven.
    for index in 0..files.len() - 1 {
        let text = gunzip(&files[index].bytes);
        for at in (index..text.len()).step_by(text.len() / 5) {
            let mut changed = text.clone();
            changed[at] ^= 1;
            let mut files = files.clone();
            files[index].bytes = gzip_text(&changed);
            let run = verify(&files, &[]);
            assert_eq!(run.code, 3, "byte {at} of {}", files[index].key);
            let name = files[index].key.as_str();
            let problems = run.problems();
            let found = problems
                .iter()
                .any(|(document, _)| document.ends_with(name));
            assert!(found, "byte {at} of {name}: {problems:?}");
        }
    }
}

#[test]
fn without_digests_nothing_is_verified() {
    let trail = Trail::new(BUCKET, 3);
    let run = verify(&trail.logs, &[]);
    run.is_partial();
    assert_eq!(run.count("counted"), 12);
    let [(_, reason)] = run.problems()[..] else {
        panic!("{:?}", run.problems());
    };
    assert!(reason.contains("none found"), "{reason}");
}

#[test]
fn wrong_usage_is_refused() {
    let sandbox = Sandbox::new();
    let run = |words: &[&str]| sandbox.run(["activity"].iter().chain(words));
    let error = run(&["-", "--verify-digests"]).expect(2).err;
    assert!(error.contains("standard input has no digests"), "{error}");
    run(&["x", "--public-keys", "keys.json"]).expect(2);
    sandbox.write("keys.json", r#"{"PublicKeyList":[]}"#);
    let error = run(&["x", "--verify-digests", "--public-keys", "keys.json"]);
    let error = error.expect(1).err;
    assert!(error.contains("it holds no key"), "{error}");
}

/// A CloudTrail that answers with these bodies, one after the other, and the requests it got.
fn cloudtrail(status: &'static str, bodies: Vec<Value>) -> (String, Arc<Mutex<Vec<Message>>>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let requests = Arc::new(Mutex::new(Vec::new()));
    let got = requests.clone();
    thread::spawn(move || {
        let mut bodies = bodies.into_iter();
        for stream in listener.incoming().flatten() {
            let mut client = BufReader::new(stream);
            while let Ok(Some(request)) = Message::read(&mut client) {
                got.lock().unwrap().push(request);
                let Some(body) = bodies.next() else { return };
                let answer = Message::new(status, body.to_string().as_bytes());
                answer.write(client.get_mut()).unwrap();
            }
        }
    });
    (address, requests)
}

fn verify_online(endpoint: &str) -> Run {
    let logs = save(&Trail::new(BUCKET, 4).files());
    let path = logs.path("");
    let environment = [
        ("AWS_ENDPOINT_URL_CLOUDTRAIL", endpoint.to_owned()),
        ("AWS_ACCESS_KEY_ID", "111122223333".to_owned()),
        ("AWS_SECRET_ACCESS_KEY", "test".to_owned()),
    ];
    Run::of(&[path.to_str().unwrap(), "--verify-digests"], &environment)
}

#[test]
fn cloudtrail_is_asked_for_keys_page_by_page() {
    let pages = vec![
        json!({ "PublicKeyList": [Signer::stranger().public_key()], "NextToken": "next" }),
        json!({ "PublicKeyList": [Signer::of_cloudtrail().public_key()] }),
    ];
    let (endpoint, requests) = cloudtrail("HTTP/1.1 200 OK", pages);
    let run = verify_online(&endpoint);
    run.is_complete();
    assert_eq!(integrity(&run)["digests_valid"], 3);
    let requests = requests.lock().unwrap();
    let bodies: Vec<Value> = requests
        .iter()
        .map(|request| {
            let target = request.header("X-Amz-Target").unwrap();
            assert!(target.ends_with(".ListPublicKeys"), "{target}");
            let scope = request.header("Authorization").unwrap();
            assert!(scope.contains("/us-east-1/cloudtrail/"), "{scope}");
            serde_json::from_slice(&request.body).unwrap()
        })
        .collect();
    assert_eq!(bodies.len(), 2);
    assert_eq!(at(&bodies[1], "NextToken"), "next");
    // 2026-09-07T00:01:31Z to 04:01:31Z, and two hours on both sides.
    let time = |name: &str| bodies[0][name].as_f64().unwrap() as i64;
    assert_eq!(time("StartTime"), 1_788_739_291 - 7200);
    assert_eq!(time("EndTime"), 1_788_739_291 + 4 * 3600 + 7200);
}

#[test]
fn keys_that_are_refused_are_a_problem() {
    let refusal = json!({ "__type": "AccessDeniedException", "message": "not yours" });
    let (endpoint, _) = cloudtrail("HTTP/1.1 400 Bad Request", vec![refusal]);
    let run = verify_online(&endpoint);
    run.is_partial();
    assert_eq!(integrity(&run)["digests_key_unknown"], 3);
    let problems = run.problems();
    let (_, reason) = problems
        .iter()
        .find(|(document, _)| *document == "public keys of us-east-1")
        .unwrap();
    for part in ["AccessDenied", "not yours", "cloudtrail:ListPublicKeys"] {
        assert!(reason.contains(part), "{reason}");
    }
}
