//! Digest and insight files, which lie beside the log files and hold no events.

use super::calendar::{self, HOUR, at};
use super::fixed::ORGANISATION;
use super::organisation::PRODUCTION;
use super::rng::{self, Rng};
use super::template::{JsonTemplate, Scene};

/// A digest or insight file.
pub(super) enum SiblingDocument {
    /// The digest of one hour, delivered at `time`. An `empty` one lists no log files.
    Digest {
        region: &'static str,
        time: u32,
        empty: bool,
    },
    Insight {
        region: &'static str,
        time: u32,
        records: &'static [&'static str],
    },
}

const ACCOUNT: &str = "444455556666";

/// Three digests for each of two regions, the last one empty, and the insights on the incident.
#[rustfmt::skip] // One document, one row.
pub(super) const ALL: &[SiblingDocument] = &[
    SiblingDocument::Digest { region: "eu-central-1", time: at(17, 1, 1, 31), empty: false },
    SiblingDocument::Digest { region: "eu-central-1", time: at(17, 2, 1, 31), empty: false },
    SiblingDocument::Digest { region: "eu-central-1", time: at(17, 3, 1, 31), empty: false },
    SiblingDocument::Digest { region: "sa-east-1", time: at(17, 2, 1, 31), empty: false },
    SiblingDocument::Digest { region: "sa-east-1", time: at(17, 3, 1, 31), empty: false },
    SiblingDocument::Digest { region: "sa-east-1", time: at(17, 5, 1, 31), empty: true },
    SiblingDocument::Insight { region: "us-east-1", time: at(17, 1, 45, 0), records: &[DENIED_START, DENIED_END] },
    SiblingDocument::Insight { region: "sa-east-1", time: at(17, 2, 40, 0), records: &[RUN_START] },
];

const DENIED_START: &str = r#"{"eventVersion":"1.09","eventTime":"2026-09-17T01:12:00Z","awsRegion":"us-east-1","eventID":"$uuid","eventType":"AwsCloudTrailInsight","recipientAccountId":"444455556666","sharedEventID":"0e5f0a11-7a1b-4c0d-9e00-0000000000d1","insightDetails":{"state":"Start","eventSource":"iam.amazonaws.com","eventName":"ListUsers","insightType":"ApiErrorRateInsight","errorCode":"AccessDenied","insightContext":{"statistics":{"baseline":{"average":0.0002},"insight":{"average":2.4},"insightDuration":5,"baselineDuration":10080},"attributions":[{"attribute":"userIdentityArn","insight":[{"value":"arn:aws:iam::444455556666:user/legacy-backup","average":2.4}],"baseline":[]}]}},"eventCategory":"Insight"}"#;
const DENIED_END: &str = r#"{"eventVersion":"1.09","eventTime":"2026-09-17T01:20:00Z","awsRegion":"us-east-1","eventID":"$uuid","eventType":"AwsCloudTrailInsight","recipientAccountId":"444455556666","sharedEventID":"0e5f0a11-7a1b-4c0d-9e00-0000000000d1","insightDetails":{"state":"End","eventSource":"iam.amazonaws.com","eventName":"ListUsers","insightType":"ApiErrorRateInsight","errorCode":"AccessDenied","insightContext":{"statistics":{"baseline":{"average":0.0002},"insight":{"average":1.9},"insightDuration":8,"baselineDuration":10080}}},"eventCategory":"Insight"}"#;
const RUN_START: &str = r#"{"eventVersion":"1.09","eventTime":"2026-09-17T02:06:00Z","awsRegion":"sa-east-1","eventID":"$uuid","eventType":"AwsCloudTrailInsight","recipientAccountId":"444455556666","sharedEventID":"0e5f0a11-7a1b-4c0d-9e00-0000000000d2","insightDetails":{"state":"Start","eventSource":"ec2.amazonaws.com","eventName":"RunInstances","insightType":"ApiCallRateInsight","insightContext":{"statistics":{"baseline":{"average":0.0},"insight":{"average":1.6},"insightDuration":5,"baselineDuration":10080},"attributions":[{"attribute":"userIdentityArn","insight":[{"value":"arn:aws:iam::444455556666:user/svc-metrics-sync","average":1.6}],"baseline":[]}]}},"eventCategory":"Insight"}"#;

impl SiblingDocument {
    pub(super) fn is_insight(&self) -> bool {
        matches!(self, SiblingDocument::Insight { .. })
    }

    /// Records in an insight file; 0 for a digest.
    pub(super) fn records(&self) -> u64 {
        match self {
            SiblingDocument::Digest { .. } => 0,
            SiblingDocument::Insight { records, .. } => records.len() as u64,
        }
    }

    fn place(&self) -> (&'static str, u32) {
        match self {
            SiblingDocument::Digest { region, time, .. }
            | SiblingDocument::Insight { region, time, .. } => (region, *time),
        }
    }

    pub(super) fn key(&self) -> String {
        let (region, time) = self.place();
        let (day, hour, minute, second) = calendar::parts(time);
        let stamp = format!("202609{day:02}T{hour:02}{minute:02}");
        match self {
            SiblingDocument::Digest { .. } => digest_key(region, time),
            SiblingDocument::Insight { .. } => format!(
                "AWSLogs/{ORGANISATION}/{ACCOUNT}/CloudTrail-Insight/{region}/2026/09/{day:02}/{ACCOUNT}_CloudTrail-Insight_{region}_{stamp}Z_{}.json.gz",
                token(rng::combine(&[u64::from(time), u64::from(second)]))
            ),
        }
    }

    /// Appends the uncompressed body.
    pub(super) fn write(&self, seed: u64, out: &mut Vec<u8>) {
        let (region, time) = self.place();
        let own = rng::combine(&[seed, 0x51b1, u64::from(time), rng::hash(region)]);
        let mut scene = Scene {
            account: PRODUCTION,
            region,
            time,
            created: time - HOUR,
            session: 0,
            partner_session: 0,
            partner: "",
            arn: None,
            action: ("", ""),
            request: 0,
            salt: own,
            rng: Rng::new(own),
        };
        match self {
            SiblingDocument::Digest { empty, .. } => {
                JsonTemplate::new(&digest(region, time, *empty)).write(&mut scene, out);
            }
            SiblingDocument::Insight { records, .. } => {
                let text = format!(r#"{{"Records":[{}]}}"#, records.join(","));
                JsonTemplate::new(&text).write(&mut scene, out);
            }
        }
    }
}

fn digest_key(region: &str, time: u32) -> String {
    let (day, hour, minute, second) = calendar::parts(time);
    format!(
        "AWSLogs/{ORGANISATION}/{ACCOUNT}/CloudTrail-Digest/{region}/2026/09/{day:02}/{ACCOUNT}_CloudTrail-Digest_{region}_organisation_eu-central-1_202609{day:02}T{hour:02}{minute:02}{second:02}Z.json.gz"
    )
}

/// A digest with random hashes and signature: it verifies no file.
fn digest(region: &str, time: u32, empty: bool) -> String {
    let stamp = |time| {
        let mut text = Vec::new();
        calendar::timestamp(&mut text, time);
        String::from_utf8_lossy(&text).into_owned()
    };
    let (from, until) = (stamp(time - HOUR), stamp(time));
    let (newest, files) = match empty {
        true => ("null".to_owned(), String::new()),
        false => (
            format!("\"{from}\""),
            format!(
                r#"{{"s3Bucket":"example-organisation-trail","s3Object":"AWSLogs/{ORGANISATION}/{ACCOUNT}/CloudTrail/{region}/2026/09/17/{ACCOUNT}_CloudTrail_{region}_20260917T0005Z_{}.json.gz","hashValue":"$h64","hashAlgorithm":"SHA-256","newestEventTime":"{from}","oldestEventTime":"{from}"}}"#,
                token(u64::from(time))
            ),
        ),
    };
    format!(
        r#"{{"awsAccountId":"{ACCOUNT}","digestStartTime":"{from}","digestEndTime":"{until}","digestS3Bucket":"example-organisation-trail","digestS3Object":"{}","digestPublicKeyFingerprint":"$h32","digestSignatureAlgorithm":"SHA256withRSA","newestEventTime":{newest},"oldestEventTime":{newest},"previousDigestS3Bucket":"example-organisation-trail","previousDigestS3Object":"{}","previousDigestHashValue":"$h64","previousDigestHashAlgorithm":"SHA-256","previousDigestSignature":"$h256","logFiles":[{files}]}}"#,
        digest_key(region, time),
        digest_key(region, time - HOUR)
    )
}

/// The 16 characters that make a file name unique.
pub(super) fn token(seed: u64) -> String {
    const LETTERS: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    let mut rng = Rng::new(seed);
    (0..16)
        .map(|_| char::from(LETTERS[rng.below(62) as usize]))
        .collect()
}
