//! Records in other spellings than CloudTrail's own, written as CloudTrail writes them.
//!
//! Athena and Hive fold the names of members to lower case, Logs Insights and Sentinel flatten
//! `userIdentity` into columns, CloudTrail Lake prints structs as `{type=IAMUser, arn=…}`, and
//! Security Lake maps records to OCSF. Each becomes the JSON of one record with CloudTrail's names,
//! which is then read like any other record.

use serde_json::{Map, Value};

use crate::time;

/// A row of a table, or an object, by the names of its columns or members.
pub(super) type NamedCells = Map<String, Value>;

/// A record in CloudTrail's own spelling.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RespelledRecord {
    /// The JSON of the record.
    pub json: String,
    /// Whether the cells have a time that cannot be read.
    pub has_odd_time: bool,
}

/// What cells are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum CellsContent {
    /// A record.
    Record(RespelledRecord),
    /// A record whose identity stands there and cannot be read, so that the call would be counted
    /// for a principal that did not make it.
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

/// Maximum depth of structs inside a struct.
const MAX_STRUCT_DEPTH: usize = 8;

/// Tells whether a column says who acted, by its folded name.
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

/// Tells whether a cell holds anything.
pub(super) fn is_present(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::String(text) => !matches!(text.trim(), "" | "-" | "null"),
        _ => true,
    }
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

/// Reads a struct as Athena and CloudTrail Lake print it: `{type=IAMUser, arn=arn:aws:…}`.
fn struct_of(text: &str) -> Option<Map<String, Value>> {
    let (members, rest) = struct_members(text.trim(), 0)?;
    rest.trim().is_empty().then_some(members)
}

fn struct_members(text: &str, depth: usize) -> Option<(Map<String, Value>, &str)> {
    if depth > MAX_STRUCT_DEPTH {
        return None;
    }
    let mut rest = text.strip_prefix('{')?;
    let mut members = Map::new();
    loop {
        rest = rest.trim_start_matches([' ', ',']);
        if let Some(rest) = rest.strip_prefix('}') {
            return Some((members, rest));
        }
        let name = struct_name(rest)?;
        rest = &rest[name.len() + 1..];
        let value = if rest.starts_with('{') {
            let (inner, after) = struct_members(rest, depth + 1)?;
            rest = after;
            Value::Object(inner)
        } else {
            let end = struct_value_end(rest)?;
            let value = &rest[..end];
            rest = &rest[end..];
            Value::from(value)
        };
        members.insert(name.to_owned(), value);
    }
}

/// The name that a member of a struct begins with; an equals sign follows it.
fn struct_name(text: &str) -> Option<&str> {
    let len = text.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))?;
    (len > 0 && text[len..].starts_with('=')).then(|| &text[..len])
}

/// Where a value ends: before the next member, or the end of the struct. Values may contain commas.
fn struct_value_end(text: &str) -> Option<usize> {
    let ends = text.match_indices([',', '}']);
    let is_end = |(at, mark): &(usize, &str)| {
        *mark == "}" || struct_name(text[at + 1..].trim_start()).is_some()
    };
    ends.into_iter().find(is_end).map(|(at, _)| at)
}

/// Reads a time: text in one of the forms that exports use, or seconds or milliseconds since 1970.
fn time_of(value: &Value) -> Option<time::Seconds> {
    match value {
        Value::Number(number) => epoch(number.as_f64()?),
        Value::String(text) => match text.trim().parse::<f64>() {
            Ok(number) if text.trim().len() >= 9 => epoch(number),
            _ => time::parse(text.as_bytes()).or_else(|| time::parse_exported(text)),
        },
        _ => None,
    }
}

/// Seconds or, from the year 1973 on, milliseconds since 1970.
fn epoch(number: f64) -> Option<time::Seconds> {
    /// Seconds until the year 5138, and milliseconds until 1973.
    const FIRST_MILLISECOND: f64 = 1e11;
    let seconds = match number {
        n if !(0.0..1e14).contains(&n) => return None,
        n if n < FIRST_MILLISECOND => n,
        n => n / 1000.0,
    };
    Some(seconds as time::Seconds)
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

/// The classes of OCSF that CloudTrail's records are mapped to: account change, authentication, API
/// activity, and data store activity.
const OCSF_CLASSES: [u64; 4] = [3001, 3002, 6003, 6005];

/// Writes an event of OCSF that was a CloudTrail record as that record. None if it is anything else.
pub(super) fn respell_ocsf(event: &NamedCells) -> Option<String> {
    let text = |path: &[&str]| -> Option<Value> {
        let mut value = event.get(*path.first()?)?;
        for name in &path[1..] {
            value = value.get(name)?;
        }
        Some(value.clone()).filter(|value| is_present(value) && !value.is_object())
    };
    let class = event.get("class_uid").and_then(Value::as_u64)?;
    let product = text(&["metadata", "product", "name"])?;
    if !OCSF_CLASSES.contains(&class) || !product.as_str()?.eq_ignore_ascii_case("cloudtrail") {
        return None;
    }
    // Before version 1.0, Security Lake had some of the names without a dot.
    let first = |paths: &[&[&str]]| paths.iter().find_map(|path| text(path));
    let user = |name: &str| {
        let found = text(&["actor", "user", name]);
        found.or_else(|| text(&["actor", "session", name]).filter(|_| name == "credential_uid"))
    };
    let identity = object([
        ("type", user("type")),
        ("principalId", user("uid_alt").or_else(|| user("uuid"))),
        ("arn", user("uid")),
        (
            "accountId",
            first(&[
                &["actor", "user", "account", "uid"],
                &["actor", "user", "account_uid"],
            ]),
        ),
        ("accessKeyId", user("credential_uid")),
        ("userName", user("name")),
        ("invokedBy", text(&["actor", "invoked_by"])),
        (
            "sessionContext",
            text(&["actor", "session", "issuer"])
                .map(|issuer| object([("sessionIssuer", Some(object([("arn", Some(issuer))])))])),
        ),
    ]);
    let time = first(&[&["time_dt"], &["time"]]);
    // Activity 2 is a read; 1, 3 and 4 create, update and delete.
    let read_only = match text(&["activity_id"]).and_then(|id| id.as_u64()) {
        Some(2) => Some(true.into()),
        Some(1 | 3 | 4) => Some(false.into()),
        _ => None,
    };
    let record = object([
        ("eventVersion", text(&["metadata", "product", "version"])),
        ("userIdentity", Some(identity)),
        (
            "eventTime",
            time.as_ref()
                .and_then(time_of)
                .map(|time| time::iso(time).into()),
        ),
        ("eventSource", text(&["api", "service", "name"])),
        ("eventName", text(&["api", "operation"])),
        ("awsRegion", text(&["cloud", "region"])),
        (
            "sourceIPAddress",
            first(&[&["src_endpoint", "ip"], &["src_endpoint", "domain"]]),
        ),
        ("userAgent", text(&["http_request", "user_agent"])),
        ("errorCode", text(&["api", "response", "error"])),
        (
            "errorMessage",
            first(&[
                &["api", "response", "message"],
                &["api", "response", "error_message"],
            ]),
        ),
        ("requestID", text(&["api", "request", "uid"])),
        ("eventID", text(&["metadata", "uid"])),
        ("readOnly", read_only),
        ("eventType", text(&["metadata", "event_code"])),
        (
            "recipientAccountId",
            first(&[
                &["unmapped", "recipientAccountId"],
                &["cloud", "account", "uid"],
                &["cloud", "account_uid"],
            ]),
        ),
        (
            "eventCategory",
            text(&["metadata", "product", "feature", "name"]),
        ),
    ]);
    let has = |name| record.get(name).is_some_and(is_present);
    (has("eventName") && (has("eventSource") || has("eventVersion"))).then(|| record.to_string())
}

/// An object of those members that have a value.
fn object<const N: usize>(members: [(&str, Option<Value>); N]) -> Value {
    let members = members.into_iter();
    Value::Object(
        members
            .filter_map(|(name, value)| Some((name.to_owned(), value?)))
            .collect(),
    )
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
