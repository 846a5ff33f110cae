//! Digests held against AWS's own validator, `aws cloudtrail validate-logs`: what it finds bad must never
//! verify cleanly here.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::thread;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::read::MultiGzDecoder;
use serde_json::{Value, json};

use crate::digests::ATTACKS;
use crate::support::bucket::Run;
use crate::support::digests::{
    ACCOUNT, BUCKET, QUIET, REGION, Signed, Signer, Trail, log, sha256, sign,
};
use crate::support::objects::{self, Object, Objects};
use crate::support::trail::{File, gzip_text};
use crate::support::{Sandbox, installed};

/// The bucket that some trails are moved to.
const MOVED: &str = "moved";

/// The number of attacks that are made at random.
const ATTACKS_AT_RANDOM: u64 = 300;

/// A finding of AWS's validator that is none here.
struct AllowedDifference {
    reason: &'static str,
    /// Tells by a line of the validator, and what is stored at the place that the line names,
    /// whether it is this difference.
    is: fn(&Scenario, &str, &str, Option<&Object>) -> bool,
}

/// Where AWS's validator is stricter, and why that proves nothing.
const ALLOWED: [AllowedDifference; 3] = [
    AllowedDifference {
        reason: "a digest speaks of contents: an object that was stored again without compression \
                 has the contents that CloudTrail signed",
        is: |scenario, line, place, stored| {
            let text = stored.map_or_else(String::new, |object| sha256(&object.bytes));
            line.ends_with("INVALID: invalid format") && scenario.lists(place, &text)
        },
    },
    AllowedDifference {
        reason: "metadata that S3 lost: the next digest, itself valid, repeats the signature and names \
                 the hash",
        is: |scenario, line, place, stored| {
            let lacks = |name| stored.is_some_and(|object| !object.metadata.contains_key(name));
            line.ends_with("INVALID: signature verification failed")
                && (lacks("signature-algorithm") && !lacks("signature")
                    || lacks("signature") && scenario.is_followed(place))
        },
    },
    AllowedDifference {
        reason: "a log file of the hour at the edge of the time window whose events are all outside \
                 of the window was not asked for",
        is: |scenario, line, place, _| {
            line.ends_with("INVALID: not found") && scenario.is_outside(place)
        },
    },
];

/// The buckets of a trail, a time window, and what was done to them.
#[derive(Clone)]
struct Scenario {
    name: String,
    /// The bucket that the trail delivers to now.
    bucket: &'static str,
    objects: Objects,
    since: String,
    until: String,
    now: String,
}

/// Time of 7 September 2026 at which the digest of an hour begins.
fn begins(hour: usize) -> String {
    format!("2026-09-07T{hour:02}:01:31Z")
}

impl Scenario {
    /// The files of a trail in a bucket; verified when the next digest is not due.
    fn new(name: impl Into<String>, bucket: &'static str, trail: &Trail, hours: usize) -> Scenario {
        let mut scenario = Scenario {
            name: name.into(),
            bucket,
            objects: Objects::new(),
            since: "2026-09-07T00:00:00Z".to_owned(),
            until: "2026-09-08T00:00:00Z".to_owned(),
            now: format!("2026-09-07T{:02}:30:00Z", hours + 2),
        };
        for file in &trail.logs {
            scenario.put(bucket, file);
        }
        for signed in &trail.digests {
            scenario.put_signed(bucket, signed);
        }
        scenario
    }

    fn put(&mut self, bucket: &str, file: &File) {
        let object = Object {
            bytes: file.bytes.clone(),
            metadata: BTreeMap::new(),
        };
        let place = (bucket.to_owned(), file.key.clone());
        self.objects.insert(place, object);
    }

    fn put_signed(&mut self, bucket: &str, signed: &Signed) {
        let mut metadata = BTreeMap::from([
            ("signature".to_owned(), signed.signature.clone()),
            ("signature-algorithm".to_owned(), "SHA256withRSA".to_owned()),
        ]);
        if signed.file.key.ends_with("_backfill.json.gz") {
            let made = "2026-09-07T12:00:00Z".to_owned();
            metadata.insert("backfill-generation-timestamp".to_owned(), made);
        }
        let object = Object {
            bytes: signed.file.bytes.clone(),
            metadata,
        };
        let place = (bucket.to_owned(), signed.file.key.clone());
        self.objects.insert(place, object);
    }

    fn places(&self, folder: &str) -> Vec<(String, String)> {
        let places = self.objects.keys();
        places
            .filter(|(_, key)| key.contains(folder))
            .cloned()
            .collect()
    }

    fn logs(&self) -> Vec<(String, String)> {
        self.places("/CloudTrail/")
    }

    /// The digests, the first one first.
    fn digests(&self) -> Vec<(String, String)> {
        let mut places = self.places("/CloudTrail-Digest/");
        places.retain(|(_, key)| !key.contains("_backfill"));
        places.sort_by(|a, b| a.1.cmp(&b.1));
        places
    }

    /// The digests that can be read, with their places.
    fn contents(&self) -> Vec<((String, String), Value)> {
        let places = self.places("/CloudTrail-Digest/").into_iter();
        let contents = places.filter_map(|place| {
            let digest = self.digest(&place)?;
            Some((place, digest))
        });
        contents.collect()
    }

    /// The contents of a digest, unless an attack spoiled them.
    fn digest(&self, place: &(String, String)) -> Option<Value> {
        let text = inflate(&self.objects.get(place)?.bytes)?;
        let digest: Value = serde_json::from_slice(&text).ok()?;
        digest["digestS3Object"].is_string().then_some(digest)
    }

    /// Tells whether a digest lists a file with this hash.
    fn lists(&self, place: &str, hash: &str) -> bool {
        self.lines(place).any(|line| line["hashValue"] == hash)
    }

    /// Tells whether the events of a file are outside of the time window.
    fn is_outside(&self, place: &str) -> bool {
        let is_outside = |line: Value| {
            let [oldest, newest] = ["oldestEventTime", "newestEventTime"]
                .map(|name| line[name].as_str().unwrap().to_owned());
            newest < self.since || self.until <= oldest
        };
        let mut lines = self.lines(place).peekable();
        lines.peek().is_some() && lines.all(is_outside)
    }

    fn lines(&self, place: &str) -> impl Iterator<Item = Value> {
        let contents = self.contents().into_iter();
        let lines = contents
            .flat_map(|(_, digest)| digest["logFiles"].as_array().cloned().unwrap_or_default());
        let place = place.to_owned();
        lines.filter(move |line| {
            let text = |name: &str| line[name].as_str().unwrap_or_default().to_owned();
            format!("s3://{}/{}", text("s3Bucket"), text("s3Object")) == place
        })
    }

    /// Tells whether a digest with a signature follows on this one.
    fn is_followed(&self, place: &str) -> bool {
        self.contents().iter().any(|(_, digest)| {
            let text = |name: &str| digest[name].as_str().unwrap_or_default().to_owned();
            let (bucket, object) = (
                text("previousDigestS3Bucket"),
                text("previousDigestS3Object"),
            );
            format!("s3://{bucket}/{object}") == place
        })
    }

    fn change(&mut self, place: &(String, String), act: impl FnOnce(&mut Vec<u8>)) {
        act(&mut self.objects.get_mut(place).unwrap().bytes);
    }

    /// Changes what a digest says; its signature stays.
    fn edit(&mut self, place: &(String, String), act: impl FnOnce(&mut Value)) {
        if let Some(mut digest) = self.digest(place) {
            act(&mut digest);
            self.change(place, |bytes| *bytes = gzip_text(digest.to_string()));
        }
    }

    /// The question to AWS's validator.
    fn question(&self) -> Value {
        let mut objects = json!({});
        for ((bucket, key), object) in &self.objects {
            let body = STANDARD.encode(&object.bytes);
            objects[bucket][key] = json!({ "body": body, "metadata": object.metadata });
        }
        json!({
            "trail": format!("arn:aws:cloudtrail:{REGION}:{ACCOUNT}:trail/trail"),
            "bucket": self.bucket, "region": REGION, "since": self.since, "until": self.until,
            "keys": keys(), "objects": objects,
        })
    }

    /// Verifies the buckets, and returns how the program ended.
    fn run(&self) -> Run {
        let port = objects::serve(self.objects.clone());
        let sandbox = Sandbox::new();
        let keys = json!({ "PublicKeyList": keys() }).to_string();
        let keys = sandbox.write("keys.json", keys);
        let environment = [
            ("AWS_ENDPOINT_URL", format!("http://127.0.0.1:{port}")),
            ("AWS_ACCESS_KEY_ID", ACCOUNT.to_owned()),
            ("AWS_SECRET_ACCESS_KEY", "test".to_owned()),
            ("TRAILTAB_NOW", self.now.clone()),
        ];
        let sources = [BUCKET, MOVED].map(|bucket| format!("s3://{bucket}/"));
        let has = |source: &&String| {
            let mut buckets = self.objects.keys().map(|(bucket, _)| bucket);
            buckets.any(|bucket| **source == format!("s3://{bucket}/"))
        };
        let sources: Vec<&str> = sources.iter().filter(has).map(String::as_str).collect();
        let own = [
            "--verify-digests",
            "--public-keys",
            keys.to_str().unwrap(),
            "--since",
            &self.since,
            "--until",
            &self.until,
        ];
        Run::of(&[&sources[..], &own].concat(), &environment)
    }
}

/// The keys of CloudTrail, of which the second one follows on the first.
fn keys() -> Vec<Value> {
    vec![
        Signer::of_cloudtrail().public_key(),
        Signer::second_of_cloudtrail().public_key(),
    ]
}

/// Numbers that are the same in each run.
struct Random(u64);

impl Random {
    /// A number below a limit; SplitMix64.
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % limit as u64) as usize
    }

    fn is_one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    fn pick<T: Clone>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())].clone()
    }
}

/// A trail as CloudTrail delivers it: with a change of keys, a new bucket, a backfill digest, or
/// validation that was off for a while.
fn honest(random: &mut Random) -> Scenario {
    let hours = 6 + random.below(4);
    let rotation = random.is_one_in(3).then(|| random.below(hours));
    let restart = random.is_one_in(8).then(|| 1 + random.below(hours - 1));
    let moved = random.is_one_in(6).then(|| 1 + random.below(hours - 1));
    let mut trail = Trail {
        logs: Vec::new(),
        digests: Vec::new(),
    };
    let first = json!({ "previousDigestSignature": null });
    let mut previous = first.clone();
    let mut buckets = Vec::new();
    for hour in 0..hours {
        let bucket = match moved.is_some_and(|moved| moved <= hour) {
            true => MOVED,
            false => BUCKET,
        };
        if restart == Some(hour) {
            previous = first.clone();
            continue;
        }
        let signer = match rotation.is_some_and(|rotation| rotation <= hour) {
            true => Signer::second_of_cloudtrail(),
            false => Signer::of_cloudtrail(),
        };
        let minutes = match hour == QUIET {
            true => &[][..],
            false => &["10", "40"][..=random.below(2)],
        };
        let logs: Vec<File> = minutes.iter().map(|minute| log(hour, minute)).collect();
        let signed = sign(signer, bucket, hour, &logs, &previous, false);
        previous = signed.as_previous(bucket);
        buckets.push((bucket, logs, signed));
    }
    let bucket = buckets.last().unwrap().0;
    let mut scenario = Scenario::new("", bucket, &trail, hours);
    for (bucket, logs, signed) in buckets {
        for log in &logs {
            scenario.put(bucket, log);
        }
        scenario.put_signed(bucket, &signed);
    }
    if random.is_one_in(5) && moved.is_none() {
        let late = log(2, "25");
        trail.backfill(bucket, std::slice::from_ref(&late));
        scenario.put(bucket, &late);
        scenario.put_signed(bucket, &trail.digests[0]);
    }
    match random.below(4) {
        0 => scenario.since = begins(2),
        1 => (scenario.since, scenario.until) = (begins(1), begins(hours - 1)),
        2 => scenario.until = "2026-09-07T04:30:00Z".to_owned(),
        _ => {}
    }
    scenario.name = format!(
        "{hours} hours, keys {rotation:?}, restart {restart:?}, moved {moved:?}, since {}, until {}",
        scenario.since, scenario.until
    );
    scenario
}

type Attack = (&'static str, fn(&mut Scenario, &mut Random));

/// Removes the first or last digests, and mostly their log files with them.
fn wipe(scenario: &mut Scenario, random: &mut Random, at_end: bool) {
    let mut digests = scenario.digests();
    if at_end {
        digests.reverse();
    }
    let count = 1 + random.below(digests.len().saturating_sub(1).max(1));
    let with_logs = !random.is_one_in(3);
    for place in digests.into_iter().take(count) {
        let digest = scenario.digest(&place).unwrap_or_default();
        for line in digest["logFiles"].as_array().into_iter().flatten() {
            let text = |name: &str| line[name].as_str().unwrap().to_owned();
            if with_logs {
                scenario
                    .objects
                    .remove(&(text("s3Bucket"), text("s3Object")));
            }
        }
        scenario.objects.remove(&place);
    }
}

fn alter(bytes: &mut Vec<u8>) {
    let text = inflate(bytes).unwrap_or_default();
    let text = String::from_utf8_lossy(&text).into_owned();
    *bytes = gzip_text(text.replace("aws-cli", "aws-clj"));
}

/// Alters a log file, and its hash in the digests.
fn alter_with_hash(scenario: &mut Scenario, random: &mut Random) {
    let place = random.pick(&scenario.logs());
    let hash =
        |scenario: &Scenario| sha256(&inflate(&scenario.objects[&place].bytes).unwrap_or_default());
    let old = hash(scenario);
    scenario.change(&place, alter);
    let new = hash(scenario);
    for digest in scenario.digests() {
        scenario.edit(&digest, |digest| {
            let text = digest.to_string().replace(&old, &new);
            *digest = serde_json::from_str(&text).unwrap();
        });
    }
}

/// Inflates one gzip member, as far as it goes; None if there is none.
fn inflate(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut text = Vec::new();
    let read = MultiGzDecoder::new(bytes).read_to_end(&mut text);
    read.ok().map(|_| text)
}

const RANDOM_ATTACKS: [Attack; 26] = [
    ("a log file removed", |scenario, random| {
        let place = random.pick(&scenario.logs());
        scenario.objects.remove(&place);
    }),
    ("a log file altered", |scenario, random| {
        let place = random.pick(&scenario.logs());
        scenario.change(&place, alter);
    }),
    ("a log file emptied", |scenario, random| {
        let place = random.pick(&scenario.logs());
        scenario.change(&place, Vec::clear);
    }),
    (
        "a log file stored without compression",
        |scenario, random| {
            let place = random.pick(&scenario.logs());
            scenario.change(&place, |bytes| {
                if let Some(text) = inflate(bytes) {
                    *bytes = text;
                }
            });
        },
    ),
    ("bytes behind a log file", |scenario, random| {
        let place = random.pick(&scenario.logs());
        scenario.change(&place, |bytes| bytes.extend(b"more"));
    }),
    ("a log file cut off", |scenario, random| {
        let place = random.pick(&scenario.logs());
        scenario.change(&place, |bytes| bytes.truncate(bytes.len() / 2));
    }),
    ("two log files exchanged", |scenario, random| {
        let logs = scenario.logs();
        let (a, b) = (random.pick(&logs), random.pick(&logs));
        let bytes = scenario.objects[&a].bytes.clone();
        let other = std::mem::replace(&mut scenario.objects.get_mut(&b).unwrap().bytes, bytes);
        scenario.change(&a, |bytes| *bytes = other);
    }),
    ("a log file added", |scenario, random| {
        let file = log(random.below(6), "33");
        scenario.put(BUCKET, &file);
    }),
    ("a digest removed", |scenario, random| {
        let place = random.pick(&scenario.digests());
        scenario.objects.remove(&place);
    }),
    ("the beginning wiped", |scenario, random| {
        wipe(scenario, random, false);
    }),
    ("the end wiped", |scenario, random| {
        wipe(scenario, random, true);
    }),
    ("the metadata of a digest lost", |scenario, random| {
        let place = random.pick(&scenario.digests());
        scenario.objects.get_mut(&place).unwrap().metadata.clear();
    }),
    ("the algorithm of a signature lost", |scenario, random| {
        let place = random.pick(&scenario.digests());
        let object = scenario.objects.get_mut(&place).unwrap();
        object.metadata.remove("signature-algorithm");
    }),
    ("two signatures exchanged", |scenario, random| {
        let digests = scenario.digests();
        let (a, b) = (random.pick(&digests), random.pick(&digests));
        let metadata = scenario.objects[&a].metadata.clone();
        scenario.objects.get_mut(&b).unwrap().metadata = metadata;
    }),
    ("a signature damaged", |scenario, random| {
        let place = random.pick(&scenario.digests());
        let damaged = random.pick(&["", "no hexadecimal digits", "00", "é"]);
        let object = scenario.objects.get_mut(&place).unwrap();
        let damaged = format!("{damaged}{}", random.below(10));
        object.metadata.insert("signature".to_owned(), damaged);
    }),
    ("a line removed from a digest", |scenario, random| {
        let place = random.pick(&scenario.digests());
        scenario.edit(&place, |digest| {
            digest["logFiles"].as_array_mut().map(Vec::pop);
        });
    }),
    ("a digest without log files", |scenario, random| {
        let place = random.pick(&scenario.digests());
        scenario.edit(&place, |digest| digest["logFiles"] = Value::Null);
    }),
    (
        "a log file altered, and its hash in the digest",
        |scenario, random| {
            alter_with_hash(scenario, random);
        },
    ),
    ("a digest that begins anew", |scenario, random| {
        let place = random.pick(&scenario.digests());
        scenario.edit(&place, unlink);
    }),
    (
        "all digests begin anew, without signatures",
        |scenario, random| {
            alter_with_hash(scenario, random);
            for digest in scenario.digests() {
                scenario.edit(&digest, unlink);
                scenario.objects.get_mut(&digest).unwrap().metadata.clear();
            }
        },
    ),
    ("a digest signed by a stranger", |scenario, random| {
        let place = random.pick(&scenario.digests());
        let takes_name = random.is_one_in(2);
        scenario.edit(&place, |digest| {
            digest["logFiles"] = json!([]);
            if !takes_name {
                digest["digestPublicKeyFingerprint"] = Signer::stranger().fingerprint().into();
            }
        });
        let digest = scenario.digest(&place).unwrap_or_default();
        let text = digest.to_string();
        let member = |name: &str| digest[name].as_str().unwrap_or("null").to_owned();
        let signature = Signer::stranger().sign(&format!(
            "{}\n{}/{}\n{}\n{}",
            member("digestEndTime"),
            member("digestS3Bucket"),
            member("digestS3Object"),
            sha256(text.as_bytes()),
            member("previousDigestSignature"),
        ));
        let object = scenario.objects.get_mut(&place).unwrap();
        object.metadata.insert("signature".to_owned(), signature);
    }),
    ("another digest in the place of one", |scenario, random| {
        let digests = scenario.digests();
        let (a, b) = (random.pick(&digests), random.pick(&digests));
        let other = scenario.objects[&a].clone();
        scenario.objects.insert(b, other);
    }),
    ("a digest moved to another hour", |scenario, random| {
        let place = random.pick(&scenario.digests());
        let object = scenario.objects.remove(&place).unwrap();
        let (bucket, key) = place;
        let key = key.replace("0131Z", "0231Z");
        scenario.objects.insert((bucket, key), object);
    }),
    ("a digest that cannot be read", |scenario, random| {
        let place = random.pick(&scenario.digests());
        let what = random.below(4);
        scenario.change(&place, |bytes| match what {
            0 => bytes.clear(),
            1 => bytes.truncate(bytes.len() / 2),
            2 => *bytes = gzip_text("<html>not here</html>"),
            _ => *bytes = gzip_text("{}"),
        });
    }),
    ("other times in a digest", |scenario, random| {
        let place = random.pick(&scenario.digests());
        let name = random.pick(&["digestStartTime", "digestEndTime"]);
        let time = begins(random.below(9));
        scenario.edit(&place, |digest| digest[name] = time.into());
    }),
    ("a log file moved to another bucket", |scenario, random| {
        let place = random.pick(&scenario.logs());
        let object = scenario.objects.remove(&place).unwrap();
        scenario
            .objects
            .insert(("elsewhere".to_owned(), place.1), object);
    }),
];

fn unlink(digest: &mut Value) {
    for name in [
        "S3Bucket",
        "S3Object",
        "HashValue",
        "HashAlgorithm",
        "Signature",
    ] {
        digest[format!("previousDigest{name}")] = Value::Null;
    }
}

/// What AWS's validator says of each scenario: its exit code, and its findings.
fn validate(scenarios: &[Scenario]) -> Vec<(i64, Vec<String>)> {
    let script = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../tests/it/support/validate_logs.py"
    );
    let mut python = Command::new(installed("test-venv", "python"))
        .arg(script)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = python.stdin.take().unwrap();
    let questions: String = scenarios
        .iter()
        .map(|scenario| scenario.question().to_string() + "\n")
        .collect();
    let writer = thread::spawn(move || input.write_all(questions.as_bytes()));
    let output = python.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    let answers = String::from_utf8(output.stdout).unwrap();
    let answers: Vec<_> = answers
        .lines()
        .map(|line| {
            let answer: Value = serde_json::from_str(line).unwrap();
            let said = answer["said"].as_array().unwrap().iter();
            let said = said.map(|line| line.as_str().unwrap().to_owned());
            (answer["code"].as_i64().unwrap(), said.collect())
        })
        .collect();
    assert_eq!(answers.len(), scenarios.len());
    answers
}

/// Runs the program on all scenarios, some at a time.
fn run_all(scenarios: &[Scenario]) -> Vec<Run> {
    let next = Mutex::new(0..scenarios.len());
    let runs = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                loop {
                    let Some(at) = next.lock().unwrap().next() else {
                        return;
                    };
                    let run = scenarios[at].run();
                    runs.lock().unwrap().push((at, run));
                }
            });
        }
    });
    let mut runs = runs.into_inner().unwrap();
    runs.sort_by_key(|(at, _)| *at);
    runs.into_iter().map(|(_, run)| run).collect()
}

/// Checks that nothing that AWS's validator finds bad verifies cleanly, but for the differences that are
/// allowed. Returns how many scenarios each side found bad.
fn compare(scenarios: &[Scenario]) -> (usize, usize) {
    let (answers, runs) = (validate(scenarios), run_all(scenarios));
    let (mut bad, mut ours) = (0, 0);
    let mut wrong = Vec::new();
    for ((scenario, (code, said)), run) in scenarios.iter().zip(answers).zip(runs) {
        assert!(
            [0, 1, 3].contains(&run.code),
            "{}: {}",
            scenario.name,
            run.errors
        );
        bad += usize::from(code != 0);
        ours += usize::from(run.code != 0);
        let is_allowed = |line: &String| {
            let place = line.split('\t').nth(1).unwrap_or_default();
            let stored = place
                .strip_prefix("s3://")
                .and_then(|place| place.split_once('/'));
            let stored = stored.and_then(|(bucket, key)| {
                scenario.objects.get(&(bucket.to_owned(), key.to_owned()))
            });
            ALLOWED
                .iter()
                .any(|allowed| (allowed.is)(scenario, line, place, stored))
        };
        let mut findings = said.iter().filter(|line| line.contains("INVALID"));
        let is_known = code == 1 && findings.all(is_allowed);
        if code != 0 && run.code == 0 && !is_known {
            wrong.push(format!(
                "{}: {said:#?}\n{}",
                scenario.name, run.json["trailtab"]["integrity"]
            ));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {} verify here and not by AWS, and none of the allowed differences applies:\n{}\n\n{}",
        wrong.len(),
        scenarios.len(),
        ALLOWED.map(|allowed| allowed.reason).join("\n"),
        wrong.join("\n")
    );
    (bad, ours)
}

#[test]
fn trails_of_these_tests_are_judged_as_by_aws() {
    let mut scenarios = Vec::new();
    for (number, attack) in ATTACKS.iter().enumerate() {
        let mut trail = Trail::new(BUCKET, 9);
        (attack.act)(&mut trail);
        scenarios.push(Scenario::new(format!("attack {number}"), BUCKET, &trail, 9));
    }
    compare(&scenarios);
}

#[test]
fn honest_trails_verify_here_and_there() {
    let mut scenarios: Vec<Scenario> = (1..10)
        .map(|hours| {
            Scenario::new(
                format!("{hours} hours"),
                BUCKET,
                &Trail::new(BUCKET, hours),
                hours,
            )
        })
        .collect();
    scenarios.extend((0..60).map(|seed| honest(&mut Random(seed))));
    // Time without digests is said here, and by AWS in passing.
    scenarios.retain(|scenario| !scenario.name.contains("restart Some"));
    assert!(scenarios.len() > 50);
    for (scenario, (code, said)) in scenarios.iter().zip(validate(&scenarios)) {
        assert_eq!(code, 0, "{}: {said:#?}", scenario.name);
    }
    for (scenario, run) in scenarios.iter().zip(run_all(&scenarios)) {
        assert_eq!(
            run.code,
            0,
            "{}: {:#?}{}",
            scenario.name,
            run.problems(),
            run.errors
        );
    }
}

#[test]
fn attacks_at_random_are_found_wherever_aws_finds_them() {
    let scenarios: Vec<Scenario> = (0..ATTACKS_AT_RANDOM)
        .map(|seed| {
            let mut random = Random(seed);
            let mut scenario = honest(&mut random);
            for _ in 0..=random.below(2) {
                let (name, act) = random.pick(&RANDOM_ATTACKS);
                // An earlier attack may have left nothing to attack.
                if !scenario.logs().is_empty() && !scenario.digests().is_empty() {
                    act(&mut scenario, &mut random);
                    scenario.name += &format!("; {name}");
                }
            }
            scenario.name = format!("seed {seed}: {}", scenario.name);
            scenario
        })
        .collect();
    let (bad, ours) = compare(&scenarios);
    assert!(bad > 150 && ours >= bad - 60, "{bad} {ours}");
}
