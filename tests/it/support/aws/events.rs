//! Events: the records of Event history, and a generator of some that look like real ones.

use serde_json::{Value, json};

/// A record, with its fields in LookupEvents.
#[derive(Debug, Clone)]
pub(crate) struct Event {
    /// In seconds since 1970.
    pub(crate) time: i64,
    pub(crate) id: String,
    /// As JSON.
    pub(crate) record: String,
    /// The members of an entry of LookupEvents that are strings.
    members: Vec<(&'static str, String)>,
}

impl Event {
    /// Derives the fields of LookupEvents from a record with this `eventTime`.
    pub(crate) fn new(time: i64, record: String) -> Event {
        let json: Value = serde_json::from_str(&record).unwrap();
        let identity = &json["userIdentity"];
        let session = identity["arn"].as_str().unwrap_or_default();
        let session = session.rsplit_once('/').map(|(_, name)| name);
        let user = match identity["type"].as_str() {
            Some("AssumedRole") => session,
            Some("Root") => Some("root"),
            _ => identity["userName"].as_str(),
        };
        let read_only = json["readOnly"].as_bool().map(|value| value.to_string());
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let id = text(&json["eventID"]).unwrap_or_default();
        let members = [
            ("EventId", Some(id.clone())),
            ("EventName", text(&json["eventName"])),
            ("EventSource", text(&json["eventSource"])),
            ("ReadOnly", read_only),
            ("AccessKeyId", text(&identity["accessKeyId"])),
            ("Username", user.map(str::to_owned)),
            // Of the resources of an entry, the generator has buckets only.
            (
                "ResourceName",
                text(&json["requestParameters"]["bucketName"]),
            ),
        ];
        let members = members.into_iter();
        Event {
            time,
            id,
            record,
            members: members
                .filter_map(|(name, value)| Some((name, value?)))
                .collect(),
        }
    }

    /// The entry of LookupEvents.
    pub(crate) fn entry(&self) -> Value {
        let mut entry = json!({ "EventTime": self.time as f64, "Resources": [] });
        // An event may come without its record.
        if !self.record.is_empty() {
            entry["CloudTrailEvent"] = self.record.as_str().into();
        }
        for (name, value) in &self.members {
            match *name {
                "ResourceName" => entry["Resources"] = json!([{ "ResourceName": value }]),
                name => entry[name] = value.as_str().into(),
            }
        }
        entry
    }

    /// Whether a lookup attribute has this value, letter by letter.
    pub(crate) fn has(&self, key: &str, value: &str) -> bool {
        self.members
            .iter()
            .any(|(name, member)| *name == key && member == value)
    }
}

/// Makes events between two times, both included, at random but always the same. Where the times
/// are equal, all are of one second.
pub(crate) fn events(
    account: &str,
    region: &str,
    count: usize,
    since: i64,
    until: i64,
    seed: u64,
) -> Vec<Event> {
    let place = account.bytes().chain(region.bytes());
    let seed = place.fold(seed, |seed, byte| {
        Random(seed.wrapping_mul(257) + u64::from(byte)).next()
    });
    let mut random = Random(seed);
    let seconds = (until - since) as u64 + 1;
    let event = |_| {
        let time = since + random.below(seconds) as i64;
        let record = record(account, region, time, &mut random);
        Event::new(time, record.to_string())
    };
    (0..count).map(event).collect()
}

const CALLS: [(&str, &str, bool); 8] = [
    ("ec2.amazonaws.com", "DescribeInstances", true),
    ("ec2.amazonaws.com", "RunInstances", false),
    ("sts.amazonaws.com", "AssumeRole", true),
    ("s3.amazonaws.com", "GetBucketAcl", true),
    ("iam.amazonaws.com", "ListRoles", true),
    ("kms.amazonaws.com", "Decrypt", true),
    ("cloudtrail.amazonaws.com", "LookupEvents", true),
    (
        "lambda.amazonaws.com",
        "UpdateFunctionCode20150331v2",
        false,
    ),
];

fn record(account: &str, region: &str, time: i64, random: &mut Random) -> Value {
    let (source, name, read_only) = CALLS[random.below(CALLS.len() as u64) as usize];
    let who = random.below(10);
    let mut record = json!({
        "eventVersion": "1.11",
        "userIdentity": identity(account, who, time),
        "eventTime": rfc3339(time),
        "eventSource": source,
        "eventName": name,
        "awsRegion": region,
        "sourceIPAddress": format!("192.0.2.{}", random.below(20)),
        "userAgent": format!("aws-cli/2.{}", random.below(4)),
        "requestParameters": { "name": format!("thing-{}", random.below(100)) },
        "responseElements": null,
        "requestID": random.uuid(),
        "eventID": random.uuid(),
        "readOnly": read_only,
        "eventType": "AwsApiCall",
        "managementEvent": true,
        "recipientAccountId": account,
        "eventCategory": "Management",
    });
    if who == 9 {
        record["sourceIPAddress"] = "ec2.amazonaws.com".into();
        record["userAgent"] = "ec2.amazonaws.com".into();
    }
    match random.below(12) {
        0 => {
            record["errorCode"] = "AccessDenied".into();
            record["errorMessage"] = format!("User \"{who}\" is not authorized: {name}\n").into();
        }
        1 => record["errorCode"] = "Client.RequestLimitExceeded".into(),
        // Text that breaks readers that search for quotes and braces only.
        2 => {
            record["userAgent"] = "quo\"te \\ back } slash, Größe \u{1f511} \u{7}".into();
            record["requestParameters"] = json!({ "eventName": "no", "a": [[{ "b\"": "}]\\" }]] });
        }
        _ => {}
    }
    record
}

/// The caller by a number below 10: users, sessions of a role, the root user, a service.
fn identity(account: &str, who: u64, time: i64) -> Value {
    match who {
        0..=3 => json!({
            "type": "IAMUser",
            "principalId": format!("AIDAEXAMPLE{who}"),
            "arn": format!("arn:aws:iam::{account}:user/user-{who}"),
            "accountId": account,
            "accessKeyId": format!("AKIAEXAMPLE000000{who:03}"),
            "userName": format!("user-{who}"),
        }),
        4..=7 => json!({
            "type": "AssumedRole",
            "principalId": format!("AROAEXAMPLE:session-{who}"),
            "arn": format!("arn:aws:sts::{account}:assumed-role/deploy/session-{who}"),
            "accountId": account,
            "accessKeyId": format!("ASIAEXAMPLE000000{who:03}"),
            "sessionContext": {
                "sessionIssuer": {
                    "type": "Role",
                    "principalId": "AROAEXAMPLE",
                    "arn": format!("arn:aws:iam::{account}:role/deploy"),
                    "accountId": account,
                    "userName": "deploy",
                },
                "attributes": {
                    "creationDate": rfc3339(time - time.rem_euclid(3600)),
                    "mfaAuthenticated": "false",
                },
            },
        }),
        8 => json!({
            "type": "Root",
            "principalId": account,
            "arn": format!("arn:aws:iam::{account}:root"),
            "accountId": account,
        }),
        _ => json!({ "type": "AWSService", "invokedBy": "ec2.amazonaws.com" }),
    }
}

/// SplitMix64: small, and the same everywhere.
#[derive(Debug)]
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    pub(crate) fn uuid(&mut self) -> String {
        let (high, low) = (self.next(), self.next());
        format!(
            "{:08x}-{:04x}-4{:03x}-8{:03x}-{:012x}",
            high >> 32,
            (high >> 16) & 0xffff,
            high & 0xfff,
            low >> 52,
            low & 0xffff_ffff_ffff
        )
    }
}

/// Writes seconds since 1970 as `2026-09-07T08:00:00Z`.
pub(crate) fn rfc3339(time: i64) -> String {
    let (days, second) = (time.div_euclid(86_400), time.rem_euclid(86_400));
    // Years that begin in March have their leap day last, and 400 of them have 146,097 days.
    let shifted = days + 719_468;
    let (era, day) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let date = day - (153 * month + 2) / 5 + 1;
    let (year, month) = match month {
        0..=9 => (era * 400 + year, month + 3),
        _ => (era * 400 + year + 1, month - 9),
    };
    format!(
        "{year:04}-{month:02}-{date:02}T{:02}:{:02}:{:02}Z",
        second / 3600,
        second / 60 % 60,
        second % 60
    )
}
