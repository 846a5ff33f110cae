//! A trail with log file validation: logs, and digests with real signatures.

use std::sync::OnceLock;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::trail::{File, call, gzip, gzip_text};

pub(crate) const ACCOUNT: &str = "111122223333";
pub(crate) const REGION: &str = "us-east-1";
pub(crate) const BUCKET: &str = "trail";

/// The hour without log files.
pub(crate) const QUIET: usize = 4;

/// A key pair of CloudTrail's.
pub(crate) struct Signer(KeyPair);

impl Signer {
    /// The key that signs; shared, since generating a key is slow.
    pub(crate) fn of_cloudtrail() -> &'static Signer {
        static KEY: OnceLock<Signer> = OnceLock::new();
        KEY.get_or_init(Signer::generate)
    }

    /// The key that follows on the first one.
    pub(crate) fn second_of_cloudtrail() -> &'static Signer {
        static KEY: OnceLock<Signer> = OnceLock::new();
        KEY.get_or_init(Signer::generate)
    }

    /// A key that signs nothing.
    pub(crate) fn stranger() -> &'static Signer {
        static KEY: OnceLock<Signer> = OnceLock::new();
        KEY.get_or_init(Signer::generate)
    }

    fn generate() -> Signer {
        Signer(KeyPair::generate(KeySize::Rsa2048).unwrap())
    }

    pub(crate) fn sign(&self, text: &str) -> String {
        let mut signature = vec![0; self.0.public_modulus_len()];
        let random = SystemRandom::new();
        self.0
            .sign(&RSA_PKCS1_SHA256, &random, text.as_bytes(), &mut signature)
            .unwrap();
        hex(&signature)
    }

    pub(crate) fn fingerprint(&self) -> String {
        sha256(self.0.public_key().as_ref())[..32].to_owned()
    }

    /// The key as ListPublicKeys gives it, with PKCS#1 DER as its value.
    pub(crate) fn public_key(&self) -> Value {
        json!({
            "Value": STANDARD.encode(self.0.public_key().as_ref()),
            "ValidityStartTime": 1_788_000_000.0,
            "ValidityEndTime": 1_790_000_000.0,
            "Fingerprint": self.fingerprint(),
        })
    }

    /// What `aws cloudtrail list-public-keys` prints.
    pub(crate) fn key_file(&self) -> String {
        json!({ "PublicKeyList": [self.public_key()] }).to_string()
    }
}

/// Files of a trail in one region.
#[derive(Clone)]
pub(crate) struct Trail {
    pub(crate) logs: Vec<File>,
    pub(crate) digests: Vec<Signed>,
}

/// A digest file, and the signature that S3 keeps beside it.
#[derive(Clone)]
pub(crate) struct Signed {
    pub(crate) file: File,
    pub(crate) signature: String,
}

impl Trail {
    /// Two log files an hour from 00:01:31 of 7 September 2026 on, but for the quiet one, and a digest
    /// at the end of each hour.
    pub(crate) fn new(bucket: &str, hours: usize) -> Trail {
        let (mut logs, mut digests) = (Vec::new(), Vec::new());
        let mut previous = json!({ "previousDigestSignature": null });
        for hour in 0..hours {
            let times = if hour == QUIET {
                &[][..]
            } else {
                &["10", "40"]
            };
            let of_hour: Vec<File> = times.iter().map(|minute| log(hour, minute)).collect();
            let signer = Signer::of_cloudtrail();
            let signed = sign(signer, bucket, hour, &of_hour, &previous, false);
            previous = signed.as_previous(bucket);
            logs.extend(of_hour);
            digests.push(signed);
        }
        Trail { logs, digests }
    }

    /// All files, as they lie in a local copy.
    pub(crate) fn files(&self) -> Vec<File> {
        let digests = self.digests.iter().map(|signed| signed.file.clone());
        self.logs.iter().cloned().chain(digests).collect()
    }

    /// A backfill digest, which lists log files that earlier ones missed.
    pub(crate) fn backfill(&mut self, bucket: &str, missed: &[File]) {
        let first = json!({ "previousDigestSignature": null });
        let signer = Signer::of_cloudtrail();
        self.digests
            .push(sign(signer, bucket, 2, missed, &first, true));
    }
}

impl Signed {
    /// What the next digest says of this one.
    pub(crate) fn as_previous(&self, bucket: &str) -> Value {
        json!({
            "previousDigestS3Bucket": bucket,
            "previousDigestS3Object": self.file.key,
            "previousDigestHashValue": sha256(&gunzip(&self.file.bytes)),
            "previousDigestHashAlgorithm": "SHA-256",
            "previousDigestSignature": self.signature,
        })
    }
}

/// A log file that was delivered at a minute.
pub(crate) fn log(hour: usize, minute: &str) -> File {
    let number = (hour * 100) as u64 + minute.parse::<u64>().unwrap();
    let time = format!("2026-09-07T{hour:02}:{minute}:00Z");
    let calls = [number * 2, number * 2 + 1].map(|n| call(n, ACCOUNT, REGION, &time));
    File {
        key: format!(
            "AWSLogs/{ACCOUNT}/CloudTrail/{REGION}/2026/09/07/\
             {ACCOUNT}_CloudTrail_{REGION}_20260907T{hour:02}{minute}Z_{number:016}.json.gz"
        ),
        bytes: gzip(&calls),
    }
}

/// The digest of an hour, signed.
pub(crate) fn sign(
    signer: &Signer,
    bucket: &str,
    hour: usize,
    logs: &[File],
    previous: &Value,
    backfill: bool,
) -> Signed {
    let suffix = if backfill { "_backfill" } else { "" };
    let key = format!(
        "AWSLogs/{ACCOUNT}/CloudTrail-Digest/{REGION}/2026/09/07/\
         {ACCOUNT}_CloudTrail-Digest_{REGION}_trail_{REGION}_20260907T{:02}0131Z{suffix}.json.gz",
        hour + 1
    );
    let time = |hour: usize| format!("2026-09-07T{hour:02}:01:31Z");
    let logs = logs.iter().map(|log| {
        json!({
            "s3Bucket": bucket,
            "s3Object": log.key,
            "hashValue": sha256(&gunzip(&log.bytes)),
            "hashAlgorithm": "SHA-256",
            "newestEventTime": time(hour),
            "oldestEventTime": time(hour),
        })
    });
    let mut digest = json!({
        "awsAccountId": ACCOUNT,
        "digestStartTime": time(hour),
        "digestEndTime": time(hour + 1),
        "digestS3Bucket": bucket,
        "digestS3Object": key,
        "digestPublicKeyFingerprint": signer.fingerprint(),
        "digestSignatureAlgorithm": "SHA256withRSA",
        "newestEventTime": null,
        "oldestEventTime": null,
        "previousDigestS3Bucket": null,
        "previousDigestS3Object": null,
        "previousDigestHashValue": null,
        "previousDigestHashAlgorithm": null,
        "logFiles": logs.collect::<Vec<_>>(),
    });
    let members = digest.as_object_mut().unwrap();
    members.extend(previous.as_object().unwrap().clone());
    let text = digest.to_string();
    let signature = signer.sign(&format!(
        "{}\n{bucket}/{key}\n{}\n{}",
        time(hour + 1),
        sha256(text.as_bytes()),
        previous["previousDigestSignature"]
            .as_str()
            .unwrap_or("null"),
    ));
    Signed {
        file: File {
            key,
            bytes: gzip_text(&text),
        },
        signature,
    }
}

pub(crate) fn sha256(bytes: &[u8]) -> String {
    hex(digest(&SHA256, bytes).as_ref())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Inflates what [`gzip`] made.
pub(crate) fn gunzip(gzip: &[u8]) -> Vec<u8> {
    let size = u32::from_le_bytes(*gzip.last_chunk().unwrap()) as usize;
    let mut out = vec![0; size];
    libdeflater::Decompressor::new()
        .gzip_decompress(gzip, &mut out)
        .unwrap();
    out
}
