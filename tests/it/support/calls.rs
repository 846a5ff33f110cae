//! Generated calls, the payloads in which CloudWatch Logs delivers them, and the rule by which they are counted.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::aws::{Random, rfc3339};
use super::envelopes::gzip;
use super::metrics::{Key, clock};

pub(crate) const ANN: &str = "111122223333";
pub(crate) const BOB: &str = "012345678901";
pub(crate) const OTHER: &str = "__other__";
pub(crate) const NAMESPACE: &str = "API-COUNT";

/// The parameters of generated calls. The rest is random with a fixed seed.
#[derive(Debug, Clone)]
pub(crate) struct Calls {
    pub(crate) count: usize,
    /// How many APIs there are: `DescribeThing0` and so on.
    pub(crate) apis: usize,
    pub(crate) regions: Vec<&'static str>,
    pub(crate) accounts: Vec<&'static str>,
    /// The users `user-0` and so on.
    pub(crate) users: usize,
    /// Error codes; an empty one stands for success.
    pub(crate) errors: Vec<&'static str>,
    /// The first second, and how many minutes there are from it.
    pub(crate) since: i64,
    pub(crate) minutes: u64,
    pub(crate) seed: u64,
}

impl Calls {
    pub(crate) fn new(count: usize) -> Calls {
        Calls {
            count,
            apis: 10,
            regions: vec!["us-east-1", "eu-west-1"],
            accounts: vec![ANN],
            users: 3,
            errors: vec![""],
            since: recently(),
            minutes: 3,
            seed: 1,
        }
    }

    pub(crate) fn records(&self) -> Vec<Value> {
        let mut random = Random(self.seed);
        (0..self.count).map(|_| self.record(&mut random)).collect()
    }

    fn record(&self, random: &mut Random) -> Value {
        let mut below = |end: usize| random.below(end as u64) as usize;
        let api = below(self.apis);
        let user = below(self.users);
        let account = self.accounts[below(self.accounts.len())];
        let region = self.regions[below(self.regions.len())];
        let error = self.errors[below(self.errors.len())];
        let read_only = [json!(true), json!(false), json!(null)][api % 3].clone();
        let time = self.since + below(self.minutes as usize * 60) as i64;
        let mut record = json!({
            "eventVersion": "1.11",
            "userIdentity": {
                "type": "IAMUser",
                "principalId": format!("AIDAEXAMPLE{user}"),
                "arn": format!("arn:aws:iam::{account}:user/user-{user}"),
                "accountId": account,
                "userName": format!("user-{user}"),
            },
            "eventTime": rfc3339(time),
            "eventSource": format!("service-{}.amazonaws.com", api % 4),
            "eventName": name(api),
            "awsRegion": region,
            "sourceIPAddress": "192.0.2.1",
            "userAgent": "aws-cli/2.0",
            "requestParameters": { "eventName": "no", "name": "quo\"te \\ back } slash" },
            "responseElements": null,
            "requestID": random.uuid(),
            "eventID": random.uuid(),
            "eventType": "AwsApiCall",
            "managementEvent": true,
            "recipientAccountId": account,
            "eventCategory": "Management",
        });
        if !read_only.is_null() {
            record["readOnly"] = read_only;
        }
        if !error.is_empty() {
            record["errorCode"] = error.into();
            record["errorMessage"] = "no".into();
        }
        record
    }
}

/// The name of an API by its number.
pub(crate) fn name(api: usize) -> String {
    format!("DescribeThing{api:05}")
}

/// The beginning of a minute some minutes ago.
pub(crate) fn recently() -> i64 {
    ago(600)
}

/// The beginning of the minute so many seconds ago.
pub(crate) fn ago(seconds: i64) -> i64 {
    let time = clock() as i64 - seconds;
    time - time.rem_euclid(60)
}

/// One call to change as a test needs it.
pub(crate) fn call() -> Value {
    numbered(1)
}

/// A call that is unique to this number.
pub(crate) fn numbered(seed: u64) -> Value {
    let calls = Calls {
        seed,
        ..Calls::new(1)
    };
    calls.records().remove(0)
}

/// The same call with other members; null takes one away.
pub(crate) fn with(mut record: Value, members: &Value) -> Value {
    for (name, value) in members.as_object().unwrap() {
        match value {
            Value::Null => drop(record.as_object_mut().unwrap().remove(name)),
            value => record[name] = value.clone(),
        }
    }
    record
}

/// The payload that a subscription delivers to a function: messages of a log group.
pub(crate) fn payload(records: &[Value]) -> Vec<u8> {
    let messages: Vec<_> = records.iter().map(Value::to_string).collect();
    payload_of(&messages)
}

/// The same with arbitrary messages.
pub(crate) fn payload_of<S: AsRef<str>>(messages: &[S]) -> Vec<u8> {
    let event = |(number, message): (usize, &S)| {
        json!({
            "id": format!("{:056}", number),
            "timestamp": (clock() * 1000.0) as u64,
            "message": message.as_ref(),
        })
    };
    let events = messages.iter().enumerate().map(event);
    subscription("DATA_MESSAGE", ANN, &events.collect::<Vec<_>>())
}

/// The control message that tests a new subscription.
pub(crate) fn control_message() -> Vec<u8> {
    let event = json!({
        "id": "",
        "timestamp": (clock() * 1000.0) as u64,
        "message": "CWL CONTROL MESSAGE: Checking health of destination Lambda function.",
    });
    subscription("CONTROL_MESSAGE", "CloudwatchLogs", &[event])
}

/// Its members stand in the order in which AWS writes them.
fn subscription(kind: &str, owner: &str, events: &[Value]) -> Vec<u8> {
    let text = |value: &str| Value::from(value);
    let message = format!(
        "{{\"messageType\":{},\"owner\":{},\"logGroup\":\"CloudTrail/trailtab\",\
         \"logStream\":\"{ANN}_CloudTrail_us-east-1\",\"subscriptionFilters\":[\"trailtab\"],\
         \"logEvents\":{}}}",
        text(kind),
        text(owner),
        json!(events)
    );
    wrap_bytes(&gzip(message.as_bytes()))
}

/// Wraps what should be gzip.
pub(crate) fn wrap_bytes(data: &[u8]) -> Vec<u8> {
    let payload = json!({ "awslogs": { "data": STANDARD.encode(data) } });
    payload.to_string().into_bytes()
}

/// The rule of AWS API Usage Tracker, with times rolled up to the minute: calls by API, region and source. Records of
/// which one member is missing are not counted.
pub(crate) fn counted(records: &[Value]) -> BTreeMap<Key, u64> {
    let dimensions = |record: &Value| {
        let text = |name: &str| Some((name.to_owned(), record[name].as_str()?.to_owned()));
        Some(vec![text("awsRegion")?, text("eventSource")?])
    };
    count(records, |record| {
        let name = record["eventName"].as_str()?.to_owned();
        Some((name, dimensions(record)?))
    })
}

/// Counts by `series` of a record (its metric and dimensions) and by minute. Records with the eventID of an earlier
/// one are not counted.
pub(crate) fn count(
    records: &[Value],
    series: impl Fn(&Value) -> Option<(String, Vec<(String, String)>)>,
) -> BTreeMap<Key, u64> {
    let mut counts = BTreeMap::new();
    let mut met = BTreeSet::new();
    for record in records {
        if record["eventID"].as_str().is_some_and(|id| !met.insert(id)) {
            continue;
        }
        let (Some((name, mut dimensions)), Some(minute)) = (series(record), minute(record)) else {
            continue;
        };
        dimensions.sort();
        let key = Key {
            namespace: NAMESPACE.to_owned(),
            name,
            dimensions,
            minute,
        };
        *counts.entry(key).or_default() += 1;
    }
    counts
}

/// The minute of a record's eventTime.
fn minute(record: &Value) -> Option<i64> {
    let time: jiff::Timestamp = record["eventTime"].as_str()?.parse().ok()?;
    Some(time.as_second().div_euclid(60) * 60)
}
