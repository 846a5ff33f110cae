//! Digest files: the log files that CloudTrail delivered in an hour, with their hashes.
//!
//! A digest lists log files with their hashes, and contains the hash and signature of the previous
//! digest, so that digests form a chain. Hashes are SHA-256 of inflated contents. [`super`]
//! verifies files with them.

use serde::Deserialize;

use crate::digits::{hex, unhex};
use crate::scope::AccountId;
use crate::time::{self, Seconds};

/// A SHA-256.
pub type Sha256Hash = [u8; 32];

/// A digest file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DigestFile {
    /// `digestStartTime`: the first second of the deliveries that the digest covers.
    pub start: Seconds,
    /// `digestEndTime`: the first second after them.
    pub end: Seconds,
    /// `digestS3Bucket`: the bucket that CloudTrail delivered the digest to.
    pub bucket: String,
    /// `digestS3Object`: the key of the digest in the bucket.
    pub object: String,
    /// `digestPublicKeyFingerprint`: identifies the public key that verifies the signature.
    pub fingerprint: String,
    /// The previous digest; absent for the first digest after logging started or restarted.
    pub previous: Option<PreviousDigest>,
    /// `logFiles`: the log files that the digest vouches for.
    pub log_files: Vec<ListedLogFile>,
    /// `digestEndTime` as written, since these characters are signed.
    end_text: String,
    previous_signature: Option<String>,
}

/// The previous digest, as a digest describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PreviousDigest {
    /// `previousDigestS3Bucket`: the bucket of the digest before.
    pub bucket: String,
    /// `previousDigestS3Object`: the key of the digest before.
    pub object: String,
    /// `previousDigestHashValue`: SHA-256 of the contents of the digest before.
    pub hash: Sha256Hash,
}

/// A log file, as a digest describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedLogFile {
    /// `s3Bucket`: the bucket of the log file.
    pub bucket: String,
    /// `s3Object`: the key of the log file.
    pub object: String,
    /// `hashValue`: SHA-256 of the inflated contents of the log file.
    pub hash: Sha256Hash,
    /// The times of the oldest and newest event; absent if the digest does not contain them.
    pub events: Option<(Seconds, Seconds)>,
}

/// Why a file is not a valid digest.
#[derive(Debug, thiserror::Error)]
pub enum DigestError {
    /// The file is not JSON with the members of a digest.
    #[error("is not a digest: {0}")]
    Json(#[from] serde_json::Error),
    /// A time cannot be read; the value is its text.
    #[error("is not a digest: {0:?} is not a time")]
    Time(String),
    /// A hash is not a SHA-256 in hexadecimal digits; the value is its text.
    #[error("is not a digest: {0:?} is not a SHA-256")]
    Hash(String),
    /// The signature or hash algorithm is not known; the value is its name.
    #[error("is a digest of a kind that is not known: it uses {0:?}")]
    Algorithm(String),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawDigest {
    digest_start_time: String,
    digest_end_time: String,
    digest_s3_bucket: String,
    digest_s3_object: String,
    digest_public_key_fingerprint: String,
    digest_signature_algorithm: String,
    previous_digest_s3_bucket: Option<String>,
    previous_digest_s3_object: Option<String>,
    previous_digest_hash_value: Option<String>,
    previous_digest_hash_algorithm: Option<String>,
    previous_digest_signature: Option<String>,
    // Null stands for an empty list; a digest without the member is none.
    #[serde(deserialize_with = "Option::deserialize")]
    log_files: Option<Vec<RawLogFile>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawLogFile {
    s3_bucket: String,
    s3_object: String,
    hash_value: String,
    hash_algorithm: String,
    newest_event_time: Option<String>,
    oldest_event_time: Option<String>,
}

impl DigestFile {
    /// Parses the inflated contents of a digest.
    ///
    /// # Errors
    ///
    /// If the contents are not a digest, or use algorithms other than the documented ones.
    pub fn parse(json: &[u8]) -> Result<DigestFile, DigestError> {
        let raw: RawDigest = serde_json::from_slice(json)?;
        if raw.digest_signature_algorithm != "SHA256withRSA" {
            return Err(DigestError::Algorithm(raw.digest_signature_algorithm));
        }
        let previous = match (
            raw.previous_digest_s3_bucket,
            raw.previous_digest_s3_object,
            raw.previous_digest_hash_value,
        ) {
            (Some(bucket), Some(object), Some(hash)) => Some(PreviousDigest {
                bucket,
                object,
                hash: sha256(
                    raw.previous_digest_hash_algorithm.as_deref().unwrap_or(""),
                    &hash,
                )?,
            }),
            _ => None,
        };
        let log_files = raw.log_files.into_iter().flatten();
        let log_files = log_files.map(ListedLogFile::try_from);
        Ok(DigestFile {
            start: time(&raw.digest_start_time)?,
            end: time(&raw.digest_end_time)?,
            bucket: raw.digest_s3_bucket,
            object: raw.digest_s3_object,
            fingerprint: raw.digest_public_key_fingerprint,
            previous,
            log_files: log_files.collect::<Result<_, _>>()?,
            end_text: raw.digest_end_time,
            previous_signature: raw.previous_digest_signature,
        })
    }

    /// The string that CloudTrail signs; `hash` is the hash of the digest's own contents.
    pub fn string_to_sign(&self, hash: &Sha256Hash) -> String {
        format!(
            "{}\n{}/{}\n{}\n{}",
            self.end_text,
            self.bucket,
            self.object,
            hex(hash),
            // CloudTrail writes this word if there is no signature.
            self.previous_signature.as_deref().unwrap_or("null"),
        )
    }

    /// The signature of the previous digest, in hexadecimal digits.
    pub fn previous_signature(&self) -> Option<&str> {
        self.previous_signature.as_deref()
    }
}

impl TryFrom<RawLogFile> for ListedLogFile {
    type Error = DigestError;

    fn try_from(raw: RawLogFile) -> Result<Self, DigestError> {
        let events = match (raw.oldest_event_time, raw.newest_event_time) {
            (Some(oldest), Some(newest)) => Some((time(&oldest)?, time(&newest)?)),
            _ => None,
        };
        Ok(ListedLogFile {
            hash: sha256(&raw.hash_algorithm, &raw.hash_value)?,
            bucket: raw.s3_bucket,
            object: raw.s3_object,
            events,
        })
    }
}

fn time(text: &str) -> Result<Seconds, DigestError> {
    time::parse(text.as_bytes()).ok_or_else(|| DigestError::Time(text.to_owned()))
}

fn sha256(algorithm: &str, text: &str) -> Result<Sha256Hash, DigestError> {
    if algorithm != "SHA-256" {
        return Err(DigestError::Algorithm(algorithm.to_owned()));
    }
    let hash = unhex(text).and_then(|bytes| bytes.try_into().ok());
    hash.ok_or_else(|| DigestError::Hash(text.to_owned()))
}

/// The parts of the name of a log file or digest: `ACCOUNT_CloudTrail_REGION_TIME_UNIQUE.json.gz`
/// or `ACCOUNT_CloudTrail-Digest_REGION_TRAIL_HOMEREGION_TIME.json.gz`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogFileName<'n> {
    /// The account id, twelve digits.
    pub account: &'n str,
    /// The region that recorded the events.
    pub region: &'n str,
    kind: &'n str,
    rest: &'n str,
}

impl<'n> LogFileName<'n> {
    /// Parses the file name of a path or address, if it is that of a log file or digest.
    pub fn of(path: &'n str) -> Option<LogFileName<'n>> {
        let mut parts = file_name(path).splitn(4, '_');
        let (account, kind) = (parts.next()?, parts.next()?);
        let (region, rest) = (parts.next()?, parts.next()?);
        (account.parse::<AccountId>().is_ok() && kind.starts_with("CloudTrail")).then_some(
            LogFileName {
                account,
                region,
                kind,
                rest,
            },
        )
    }

    /// Returns whether it is the name of a log file.
    pub fn is_log_file(&self) -> bool {
        self.kind == "CloudTrail"
    }

    /// Returns whether it is the name of a digest.
    pub fn is_digest(&self) -> bool {
        self.kind == "CloudTrail-Digest"
    }

    /// The kind of the file: `CloudTrail`, `CloudTrail-Digest`, `CloudTrail-Insight` and so on.
    pub fn kind(&self) -> &'n str {
        self.kind
    }

    /// The delivery time of a log file, to the minute.
    pub fn delivered(&self) -> Option<Seconds> {
        let stamp = self.rest.split('_').next()?;
        let digits = stamp.strip_suffix('Z')?;
        let (date, minute) = digits.split_once('T')?;
        let all_digits = digits.bytes().filter(u8::is_ascii_digit).count() == 12;
        if (date.len(), minute.len(), all_digits) != (8, 4, true) {
            return None;
        }
        let (year, month, day) = (&date[..4], &date[4..6], &date[6..]);
        let time = format!("{year}-{month}-{day}T{}:{}:00Z", &minute[..2], &minute[2..]);
        time::parse(time.as_bytes())
    }

    /// Returns whether it is a backfill digest, which lists log files that earlier digests missed.
    pub fn is_backfill(&self) -> bool {
        self.rest.contains("_backfill.json")
    }

    /// The end of the time that a digest covers. None unless it is a digest's name to the letter: one
    /// that a download or a copy made, such as `….json (1).gz`, is not.
    pub fn ended(&self) -> Option<Seconds> {
        let stem = stem(self.rest).strip_suffix(".json")?;
        let stem = stem.strip_suffix("_backfill").unwrap_or(stem);
        let digits = stem.rsplit('_').next()?.strip_suffix('Z')?;
        let (date, of_day) = digits.split_once('T')?;
        let all_digits = digits.bytes().filter(u8::is_ascii_digit).count() == 14;
        if (date.len(), of_day.len(), all_digits, self.is_digest()) != (8, 6, true, true) {
            return None;
        }
        let (year, month, day) = (&date[..4], &date[4..6], &date[6..]);
        let (hour, minute, second) = (&of_day[..2], &of_day[2..4], &of_day[4..]);
        time::parse(format!("{year}-{month}-{day}T{hour}:{minute}:{second}Z").as_bytes())
    }

    /// The trail of a digest, and its home region.
    pub fn trail(&self) -> &'n str {
        let stem = self.rest.split(".json").next().unwrap_or(self.rest);
        let stem = stem.strip_suffix("_backfill").unwrap_or(stem);
        stem.rsplit_once('_').map_or(stem, |(trail, _)| trail)
    }
}

/// The last component of a path or address.
pub fn file_name(path: &str) -> &str {
    path.rsplit(['/', '\\']).next().unwrap_or(path)
}

/// The name without the suffix for compression. A copy that was decompressed lacks the suffix and
/// has the same hash.
pub fn stem(name: &str) -> &str {
    name.strip_suffix(".gz").unwrap_or(name)
}

/// Where a document is, seen from the place that an object was delivered to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DocumentPlace {
    /// At the place of the object, as far as that can be told.
    Delivered,
    /// Under the key of the object in another bucket: a replica.
    OtherBucket,
    /// Somewhere else.
    Elsewhere,
}

impl DocumentPlace {
    /// Compares a document with the place of an object. The bucket of a local copy is unknown, and so
    /// is what precedes `AWSLogs/`. A copy that starts at a deeper folder is identified by its name,
    /// which contains account, region and time and is unique.
    pub fn of(document: &str, bucket: &str, object: &str) -> DocumentPlace {
        if let Some((holder, key)) = s3_place(document) {
            return match (key == object, holder == bucket) {
                (true, true) => DocumentPlace::Delivered,
                (true, false) => DocumentPlace::OtherBucket,
                (false, _) => DocumentPlace::Elsewhere,
            };
        }
        let is_there = match (below_root(document), below_root(object)) {
            (Some(copy), Some(original)) => stem(copy) == stem(original),
            _ => stem(file_name(document)) == stem(file_name(object)),
        };
        match is_there {
            true => DocumentPlace::Delivered,
            false => DocumentPlace::Elsewhere,
        }
    }
}

/// The bucket and key of a document in S3; None for any other.
pub fn s3_place(document: &str) -> Option<(&str, &str)> {
    document.strip_prefix("s3://")?.split_once('/')
}

/// The folder of a key.
pub fn folder(object: &str) -> &str {
    object.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// Returns whether a key is in a folder beside `CloudTrail/`, such as `CloudTrail-Insight/`.
pub fn is_beside_log_files(object: &str) -> bool {
    folder(object)
        .split('/')
        .any(|part| part.starts_with("CloudTrail-"))
}

/// The part of a path after the folder `AWSLogs`.
fn below_root(path: &str) -> Option<&str> {
    let at = path
        .match_indices("AWSLogs/")
        .find(|(at, _)| *at == 0 || path[..*at].ends_with('/'))?;
    path.get(at.0..)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGEST: &str = r#"{
        "awsAccountId": "111122223333",
        "digestStartTime": "2015-08-17T14:01:31Z",
        "digestEndTime": "2015-08-17T15:01:31Z",
        "digestS3Bucket": "bucket",
        "digestS3Object": "AWSLogs/111122223333/CloudTrail-Digest/us-east-2/2015/08/17/x.json.gz",
        "digestPublicKeyFingerprint": "31e8b5433410dfb61a9dc45cc65b22ff",
        "digestSignatureAlgorithm": "SHA256withRSA",
        "newestEventTime": "2015-08-17T14:52:27Z",
        "oldestEventTime": "2015-08-17T14:42:27Z",
        "previousDigestS3Bucket": "bucket",
        "previousDigestS3Object": "AWSLogs/w.json.gz",
        "previousDigestHashValue": "97fb791cf91ffc440d274f8190dbdd9aa09c34432aba82739df18b6d3c13df2d",
        "previousDigestHashAlgorithm": "SHA-256",
        "previousDigestSignature": "50887ccf",
        "logFiles": [{
            "s3Bucket": "bucket",
            "s3Object": "AWSLogs/log.json.gz",
            "hashValue": "9bb6196fc6b84d6f075a56548feca262bd99ba3c2de41b618e5b6e22c1fc71f6",
            "hashAlgorithm": "SHA-256",
            "newestEventTime": "2015-08-17T14:52:27Z",
            "oldestEventTime": "2015-08-17T14:42:27Z"
        }]
    }"#;

    #[test]
    fn a_digest_is_read_and_signed_as_documented() {
        let digest = DigestFile::parse(DIGEST.as_bytes()).unwrap();
        assert_eq!(digest.end - digest.start, 3600);
        assert_eq!(digest.log_files[0].hash[0], 0x9b);
        assert_eq!(digest.log_files[0].events.map(|(a, b)| b - a), Some(600));
        assert_eq!(
            digest.previous.as_ref().unwrap().object,
            "AWSLogs/w.json.gz"
        );
        let expected = format!(
            "2015-08-17T15:01:31Z\nbucket/{}\n{}\n50887ccf",
            digest.object,
            "0a".repeat(32)
        );
        assert_eq!(digest.string_to_sign(&[10; 32]), expected);
    }

    #[test]
    fn the_first_digest_of_a_trail_has_no_previous_one() {
        let mut value: serde_json::Value = serde_json::from_str(DIGEST).unwrap();
        for (name, member) in value.as_object_mut().unwrap() {
            if name.starts_with("previous") {
                *member = serde_json::Value::Null;
            }
        }
        let digest = DigestFile::parse(value.to_string().as_bytes()).unwrap();
        assert_eq!(digest.previous, None);
        assert!(digest.string_to_sign(&[0; 32]).ends_with("\nnull"));
    }

    #[test]
    fn what_is_no_digest_is_refused() {
        for (good, bad) in [
            ("SHA256withRSA", "MD5withRSA"),
            (
                "\"SHA-256\",\n            \"newest",
                "\"MD5\",\n            \"newest",
            ),
            ("2015-08-17T15:01:31Z", "yesterday"),
            ("9bb6196f", "9bb6196"),
            ("9bb6196f", "9bb6196é"),
            ("\"logFiles\"", "\"files\""),
            ("97fb791c", "zzzzzzzz"),
        ] {
            let text = DIGEST.replacen(good, bad, 1);
            assert_ne!(text, DIGEST);
            assert!(DigestFile::parse(text.as_bytes()).is_err(), "{bad}");
        }
        assert!(DigestFile::parse(b"").is_err());
    }

    #[test]
    fn names_are_taken_apart() {
        let log = "x/111122223333_CloudTrail_us-east-1_20260907T0805Z_aaaaaaaaaaaaaaaa.json.gz";
        let name = LogFileName::of(log).unwrap();
        assert!(name.is_log_file() && !name.is_digest());
        assert_eq!(name.delivered(), time::parse(b"2026-09-07T08:05:00Z"));
        let digest =
            "111122223333_CloudTrail-Digest_us-east-1_my_trail_eu-west-1_20260907T080131Z.json.gz";
        let name = LogFileName::of(digest).unwrap();
        assert!(name.is_digest() && !name.is_backfill());
        assert_eq!(
            (name.trail(), name.region),
            ("my_trail_eu-west-1", "us-east-1")
        );
        let backfill = digest.replace(".json", "_backfill.json");
        let name = LogFileName::of(&backfill).unwrap();
        assert_eq!(
            (name.trail(), name.is_backfill()),
            ("my_trail_eu-west-1", true)
        );
        for odd in ["x.json", "1_2_3_4", "111122223333_Config_x_y", ""] {
            assert_eq!(LogFileName::of(odd), None);
        }
        for odd in ["2026090éT0805Z", "20260907T080Z", "20261307T0805Z", "T", ""] {
            let name = format!("111122223333_CloudTrail_us-east-1_{odd}_a.json.gz");
            assert_eq!(LogFileName::of(&name).unwrap().delivered(), None, "{odd}");
        }
    }

    #[test]
    fn an_empty_list_may_be_written_null() {
        let mut value: serde_json::Value = serde_json::from_str(DIGEST).unwrap();
        value["logFiles"] = serde_json::Value::Null;
        let digest = DigestFile::parse(value.to_string().as_bytes()).unwrap();
        assert_eq!(digest.log_files, []);
    }

    #[test]
    fn names_that_a_copy_made_are_told_from_names_of_digests() {
        let name =
            "111122223333_CloudTrail-Digest_us-east-1_trail_us-east-1_20260907T080131Z.json.gz";
        let ended = |name: &str| LogFileName::of(name).unwrap().ended();
        for exact in [
            name.to_owned(),
            name.replace(".gz", ""),
            name.replace(".json", "_backfill.json"),
        ] {
            assert_eq!(
                ended(&exact),
                time::parse(b"2026-09-07T08:01:31Z"),
                "{exact}"
            );
        }
        for copy in [
            name.replace(".json", " (1).json"),
            name.replace(".gz", ".gz.1"),
            name.replace(".json", "_copy.json"),
            name.replace("-Digest", ""),
            name.replace("0801", "080é"),
        ] {
            assert_eq!(ended(&copy), None, "{copy}");
        }
    }

    #[test]
    fn a_place_is_told_as_far_as_it_is_known() {
        use DocumentPlace::{Delivered, Elsewhere, OtherBucket};

        let object = "prefix/AWSLogs/1/CloudTrail/r/2026/09/07/name.json.gz";
        for (document, place) in [
            (
                "s3://bucket/prefix/AWSLogs/1/CloudTrail/r/2026/09/07/name.json.gz",
                Delivered,
            ),
            (
                "s3://other/prefix/AWSLogs/1/CloudTrail/r/2026/09/07/name.json.gz",
                OtherBucket,
            ),
            (
                "s3://bucket/AWSLogs/1/CloudTrail/r/2026/09/07/name.json.gz",
                Elsewhere,
            ),
            (
                "copy/AWSLogs/1/CloudTrail/r/2026/09/07/name.json.gz",
                Delivered,
            ),
            (
                "copy/AWSLogs/1/CloudTrail/r/2026/09/07/name.json",
                Delivered,
            ),
            (
                "copy/AWSLogs/1/CloudTrail/r/2026/09/08/name.json.gz",
                Elsewhere,
            ),
            ("copy/2026/name.json.gz", Delivered),
            ("copy/2026/other.json.gz", Elsewhere),
        ] {
            assert_eq!(
                DocumentPlace::of(document, "bucket", object),
                place,
                "{document}"
            );
        }
    }
}
