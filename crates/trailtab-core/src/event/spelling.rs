//! Records in other spellings than CloudTrail's own, written as CloudTrail writes them.
//!
//! Athena and Hive fold the names of members to lower case, Logs Insights and Sentinel flatten
//! `userIdentity` into columns, CloudTrail Lake prints structs as `{type=IAMUser, arn=…}`, and
//! Security Lake maps records to OCSF. Each becomes the JSON of one record with CloudTrail's names,
//! which is then read like any other record.

mod cells;
mod ocsf;
mod structs;
mod times;

use serde_json::{Map, Value};

pub(super) use cells::{NamedCells, is_present};
pub(super) use ocsf::respell_ocsf;
use structs::struct_of;
use times::time_of;

use crate::time;

/// A record in CloudTrail's own spelling.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RespelledRecord {
    /// The JSON of the record.
    pub json: String,
    /// Whether the cells have a time that cannot be read.
    pub has_odd_time: bool,
}

/// The meaning of a row's cells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum CellsContent {
    /// A record.
    Record(RespelledRecord),
    /// A record whose identity cannot be read, so that the call would be counted for a principal that
    /// did not make it.
    IdentityUnreadable,
    /// No record: eventName, or both eventSource and eventVersion, are absent.
    NoRecord,
}

/// The names that a member of a record or of `userIdentity` may have. Others are kept as they are.
const NAMES: [&str; 62] = [
    "accessKeyId",
    "accountId",
    "additionalEventData",
    "addendum",
    "apiVersion",
    "arn",
    "assumedRoot",
    "attributes",
    "awsRegion",
    "creationDate",
    "credentialId",
    "credentialsIssuedTo",
    "ec2RoleDelivery",
    "edgeDeviceDetails",
    "errorCode",
    "errorMessage",
    "eventCategory",
    "eventID",
    "eventName",
    "eventSource",
    "eventTime",
    "eventType",
    "eventVersion",
    "federatedProvider",
    "identityProvider",
    "identityStoreArn",
    "inScopeOf",
    "insightDetails",
    "invokedBy",
    "invokedByDelegate",
    "issuerType",
    "managementEvent",
    "mfaAuthenticated",
    "onBehalfOf",
    "originalEventID",
    "principalId",
    "readOnly",
    "reason",
    "recipientAccountId",
    "requestID",
    "requestParameters",
    "resources",
    "responseElements",
    "serviceEventDetails",
    "sessionContext",
    "sessionCredentialFromConsole",
    "sessionIssuer",
    "sharedEventID",
    "signInSessionArn",
    "sourceAccount",
    "sourceArn",
    "sourceIdentity",
    "sourceIPAddress",
    "tlsDetails",
    "type",
    "userAgent",
    "userId",
    "userIdentity",
    "userName",
    "vpcEndpointAccountId",
    "vpcEndpointId",
    "webIdFederationData",
];

/// Columns that hold the same as a member of a record, by their folded names.
const SYNONYMS: [(&str, &str); 12] = [
    ("awseventid", "eventID"),
    ("awsrequestid", "requestID"),
    ("eventtypename", "eventType"),
    ("recipientaccount", "recipientAccountId"),
    ("region", "awsRegion"),
    ("sourceip", "sourceIPAddress"),
    ("timestamp", "eventTime"),
    ("timegenerated", "eventTime"),
    ("timegeneratedutc", "eventTime"),
    ("messagetime", "eventTime"),
    ("time", "eventTime"),
    ("starttime", "eventTime"),
];

/// Columns of `userIdentity` that exports name without its prefix, by their folded names.
const BARE_IDENTITY: [(&str, &str); 6] = [
    ("accountid", "accountId"),
    ("arn", "arn"),
    ("invokedby", "invokedBy"),
    ("principalid", "principalId"),
    ("type", "type"),
    ("username", "userName"),
];

/// Members whose value is an object; some exports write it as a string of JSON.
const OBJECTS: [&str; 5] = [
    "additionalEventData",
    "addendum",
    "requestParameters",
    "responseElements",
    "serviceEventDetails",
];

/// Folds a name: letters and digits only, in lower case.
pub(super) fn fold(name: &[u8]) -> String {
    let letters = name.iter().filter(|b| b.is_ascii_alphanumeric());
    letters
        .map(|b| char::from(b.to_ascii_lowercase()))
        .collect()
}

/// CloudTrail's own spelling of a member of a record or of `userIdentity`, in any case: `sourceipaddress` is
/// `sourceIPAddress`. None if it is not such a member.
pub fn cloudtrail_name(name: &str) -> Option<&'static str> {
    respelled(&fold(name.as_bytes()))
}

/// CloudTrail's own spelling of a folded name.
fn respelled(folded: &str) -> Option<&'static str> {
    NAMES
        .into_iter()
        .find(|name| name.len() == folded.len() && name.eq_ignore_ascii_case(folded))
}

/// Members that group others, so that a flattened name may begin with theirs.
const GROUPS: [&str; 7] = [
    "sessionContext",
    "sessionIssuer",
    "attributes",
    "webIdFederationData",
    "onBehalfOf",
    "inScopeOf",
    "invokedByDelegate",
];

/// What `userIdentity.type` may be. Exports have other columns of the name `type`.
const IDENTITY_TYPES: [&str; 12] = [
    "AssumedRole",
    "AWSAccount",
    "AWSService",
    "Directory",
    "FederatedUser",
    "IAMUser",
    "IdentityCenterUser",
    "Role",
    "Root",
    "SAMLUser",
    "Unknown",
    "WebIdentityUser",
];

/// Returns whether a column says who acted, by its folded name.
pub(super) fn is_identity_column(folded: &str) -> bool {
    let is_bare = |(bare, _): &(&str, &str)| *bare == folded && *bare != "type";
    folded.starts_with("useridentity")
        || folded.starts_with("sessionissuer")
        || BARE_IDENTITY.iter().any(is_bare)
}

/// Writes cells as a record.
pub(super) fn respell(cells: &NamedCells) -> CellsContent {
    let mut spelling = Respelling::default();
    for (name, value) in cells {
        if is_present(value) && spelling.take(name, value).is_none() {
            return CellsContent::IdentityUnreadable;
        }
    }
    spelling.finish()
}

/// The members of a record, as far as the cells were read.
#[derive(Default)]
struct Respelling {
    record: Map<String, Value>,
    identity: Map<String, Value>,
    /// The parts of the identity whose columns do not say that they are of the identity.
    bare_identity: Map<String, Value>,
    synonyms: Vec<(&'static str, Value)>,
    has_odd_time: bool,
}

impl Respelling {
    /// Reads one cell; None if it is an identity that cannot be read.
    fn take(&mut self, name: &str, value: &Value) -> Option<()> {
        let folded = fold(name.as_bytes());
        if folded == "useridentity" {
            self.identity.extend(identity_of(value)?);
        } else if let Some(path) = identity_path(name, &folded) {
            insert(&mut self.identity, &path, value.clone());
        } else if let Some((_, bare)) = BARE_IDENTITY.iter().find(|(bare, _)| *bare == folded) {
            self.bare_identity.insert((*bare).to_owned(), value.clone());
        } else if let Some(own) = respelled(&folded) {
            self.insert(own, value.clone());
        } else if let Some((_, own)) = SYNONYMS.iter().find(|(synonym, _)| *synonym == folded) {
            self.synonyms.push((own, value.clone()));
        } else {
            self.record.insert(name.to_owned(), value.clone());
        }
        Some(())
    }

    fn insert(&mut self, own: &str, value: Value) {
        let value = match own {
            "eventTime" => match time_of(&value) {
                Some(time) => time::iso(time).into(),
                None => {
                    self.has_odd_time = true;
                    value
                }
            },
            _ if OBJECTS.contains(&own) => object_of(value),
            _ => value,
        };
        self.record.insert(own.to_owned(), value);
    }

    fn finish(mut self) -> CellsContent {
        for (own, value) in std::mem::take(&mut self.synonyms) {
            if !self.record.contains_key(own) {
                self.insert(own, value);
            }
        }
        if self.identity.is_empty() {
            let kind = self.bare_identity.get("type").and_then(Value::as_str);
            if !kind.is_some_and(|kind| IDENTITY_TYPES.contains(&kind)) {
                self.bare_identity.remove("type");
            }
            self.identity = self.bare_identity;
        }
        if !self.identity.is_empty() {
            let identity = Value::Object(self.identity);
            self.record.insert("userIdentity".to_owned(), identity);
        }
        let has = |name| self.record.get(name).is_some_and(is_present);
        if !has("eventName") || !(has("eventSource") || has("eventVersion")) {
            return CellsContent::NoRecord;
        }
        CellsContent::Record(RespelledRecord {
            json: Value::Object(self.record).to_string(),
            has_odd_time: self.has_odd_time,
        })
    }
}

/// Inserts a value below nested objects.
fn insert(object: &mut Map<String, Value>, path: &[String], value: Value) {
    let [first, rest @ ..] = path else { return };
    if rest.is_empty() {
        object.insert(first.clone(), value);
        return;
    }
    let inner = object
        .entry(first.clone())
        .or_insert_with(|| Value::Object(Map::new()));
    if let Value::Object(inner) = inner {
        insert(inner, rest, value);
    }
}

/// The place inside `userIdentity` that a flattened column stands for; None for other columns.
fn identity_path(name: &str, folded: &str) -> Option<Vec<String>> {
    let own = |part: &str| {
        let folded = fold(part.as_bytes());
        respelled(&folded).map_or(folded, str::to_owned)
    };
    if let Some((first, rest)) = name.split_once('.')
        && fold(first.as_bytes()) == "useridentity"
    {
        return Some(rest.split('.').map(own).collect());
    }
    let session = |part: &[&str]| {
        let path = std::iter::once("sessionContext").chain(part.iter().copied());
        Some(path.map(str::to_owned).collect())
    };
    match folded {
        "sessionmfaauthenticated" => session(&["attributes", "mfaAuthenticated"]),
        "sessioncreationdate" => session(&["attributes", "creationDate"]),
        _ => match folded.strip_prefix("sessionissuer") {
            Some(rest) => session(&["sessionIssuer", respelled(rest)?]),
            None => folded.strip_prefix("useridentity").map(unflattened),
        },
    }
}

/// Splits a flattened name, such as `sessioncontextsessionissuerarn`, at the names of groups.
fn unflattened(folded: &str) -> Vec<String> {
    if let Some(own) = respelled(folded) {
        return vec![own.to_owned()];
    }
    let group = GROUPS.into_iter().find_map(|group| {
        let rest = folded.strip_prefix(&group.to_ascii_lowercase())?;
        (!rest.is_empty()).then_some((group, rest))
    });
    match group {
        Some((group, rest)) => {
            let mut path = vec![group.to_owned()];
            path.extend(unflattened(rest));
            path
        }
        None => vec![folded.to_owned()],
    }
}

/// Reads an identity: an object, its JSON, or a struct as text.
fn identity_of(value: &Value) -> Option<Map<String, Value>> {
    let members = match value {
        Value::Object(members) => members.clone(),
        Value::String(text) if text.starts_with("arn:") => {
            Map::from_iter([("arn".to_owned(), value.clone())])
        }
        Value::String(text) => match serde_json::from_str(text) {
            Ok(Value::Object(members)) => members,
            _ => struct_of(text)?,
        },
        _ => return None,
    };
    match renamed(Value::Object(members)) {
        Value::Object(members) => Some(members),
        _ => None,
    }
}

/// Gives the members of a value CloudTrail's own names, and leaves out those without a value.
fn renamed(value: Value) -> Value {
    match value {
        Value::Object(members) => {
            let members = members.into_iter().filter(|(_, value)| is_present(value));
            let members = members.map(|(name, value)| {
                let own = respelled(&fold(name.as_bytes())).map_or(name, str::to_owned);
                (own, renamed(value))
            });
            Value::Object(members.collect())
        }
        other => other,
    }
}

/// Reads a string of JSON as the object that it contains; leaves other values as they are.
fn object_of(value: Value) -> Value {
    let object = value
        .as_str()
        .and_then(|text| serde_json::from_str(text).ok());
    match object {
        Some(object @ Value::Object(_)) => object,
        _ => value,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn record(cells: &Value) -> Value {
        match respell(cells.as_object().unwrap()) {
            CellsContent::Record(record) => serde_json::from_str(&record.json).unwrap(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn names_of_any_case_become_cloudtrails() {
        let record = record(&json!({
            "eventversion": "1.08", "EVENTNAME": "ConsoleLogin", "eventsource": "signin.amazonaws.com",
            "eventid": "a", "sourceipaddress": "203.0.113.7", "useridentity": {
                "type": "AssumedRole", "principalid": "AROA:s", "accountid": "111122223333", "invokedby": null,
                "sessioncontext": { "sessionissuer": { "arn": "arn:aws:iam::111122223333:role/r" } },
            },
            "responseelements": "{\"ConsoleLogin\":\"Failure\"}",
        }));
        assert_eq!(
            record["userIdentity"],
            json!({
                "type": "AssumedRole", "principalId": "AROA:s", "accountId": "111122223333",
                "sessionContext": { "sessionIssuer": { "arn": "arn:aws:iam::111122223333:role/r" } },
            })
        );
        assert_eq!(record["responseElements"]["ConsoleLogin"], "Failure");
        assert_eq!(
            (&record["eventID"], &record["sourceIPAddress"]),
            (&json!("a"), &json!("203.0.113.7"))
        );
    }

    #[test]
    fn flattened_columns_become_an_identity() {
        let expected = json!({
            "type": "AssumedRole", "arn": "arn:aws:sts::1:assumed-role/r/s",
            "sessionContext": { "sessionIssuer": { "userName": "r" } },
        });
        for cells in [
            json!({
                "eventName": "A", "eventSource": "s", "userIdentity.type": "AssumedRole",
                "userIdentity.arn": "arn:aws:sts::1:assumed-role/r/s",
                "userIdentity.sessionContext.sessionIssuer.userName": "r",
            }),
            json!({
                "EventName": "A", "EventSource": "s", "UserIdentityType": "AssumedRole", "Type": "AWSCloudTrail",
                "UserIdentityArn": "arn:aws:sts::1:assumed-role/r/s", "SessionIssuerUserName": "r",
            }),
            json!({
                "event_name": "A", "event_source": "s", "user_identity_type": "AssumedRole",
                "user_identity_arn": "arn:aws:sts::1:assumed-role/r/s",
                "user_identity_session_context_session_issuer_user_name": "r",
            }),
            json!({
                "eventname": "A", "eventsource": "s",
                "useridentity": "{type=AssumedRole, arn=arn:aws:sts::1:assumed-role/r/s, invokedby=null, \
                    sessioncontext={sessionissuer={username=r}}}",
            }),
        ] {
            assert_eq!(record(&cells)["userIdentity"], expected);
        }
        let bare = record(&json!({ "Event name": "A", "Event source": "s", "User name": "ann" }));
        assert_eq!(bare["userIdentity"], json!({ "userName": "ann" }));
    }

    #[test]
    fn structs_may_have_commas_in_their_values() {
        let members = struct_of("{username=Doe, Ann, arn=a=b, empty={}, type=IAMUser}").unwrap();
        assert_eq!(
            Value::Object(members),
            json!({ "username": "Doe, Ann", "arn": "a=b", "empty": {}, "type": "IAMUser" })
        );
        for broken in [
            "{type=IAMUser",
            "type=IAMUser}",
            "{IAMUser, x}",
            "{a={b=c}",
            "{a=b}c",
            "é",
        ] {
            assert_eq!(struct_of(broken), None, "{broken}");
        }
    }

    #[test]
    fn an_identity_that_cannot_be_read_is_no_unknown_principal() {
        let cells =
            json!({ "eventName": "A", "eventSource": "s", "userIdentity": "{IAMUser, ann}" });
        assert_eq!(
            respell(cells.as_object().unwrap()),
            CellsContent::IdentityUnreadable
        );
    }

    #[test]
    fn times_of_exports_are_read() {
        for time in [
            json!("2026-09-07 08:00:00.000"),
            json!("9/7/2026, 8:00:00.000 AM"),
            json!("09/07/2026 08:00:00.000 +0000"),
            json!("2026-09-07T08:00:00.000+0000"),
            json!("2026-09-07T10:00:00+02:00"),
            json!(1_788_768_000),
            json!("1788768000000"),
        ] {
            let record =
                record(&json!({ "eventName": "A", "eventSource": "s", "@timestamp": time }));
            assert_eq!(record["eventTime"], "2026-09-07T08:00:00Z", "{time}");
        }
        let odd = json!({ "eventName": "A", "eventSource": "s", "eventTime": "07.09.2026 10:00" });
        let CellsContent::Record(odd) = respell(odd.as_object().unwrap()) else {
            panic!("no record");
        };
        assert!(odd.has_odd_time);
    }
}
