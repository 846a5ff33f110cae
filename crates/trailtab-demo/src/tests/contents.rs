//! Tests of the incident, the people, the regions and the times.

use std::collections::BTreeSet;
use std::net::IpAddr;

use serde_json::Value;

use super::super::calendar::{self, Rhythm};
use super::super::organisation::{ACCOUNTS, MACHINES, PEOPLE};
use super::super::world::{self, DemoWorld};
use super::super::{FROM, UNTIL, identity};
use super::{body, events, events_about, is_log, plan, text};

#[test]
fn events_stay_in_their_fortnight_and_some_arrive_late() {
    let bound = |time| {
        let mut out = Vec::new();
        calendar::timestamp(&mut out, time);
        String::from_utf8(out).unwrap()
    };
    assert_eq!(
        (
            bound(calendar::START).as_str(),
            bound(calendar::END).as_str()
        ),
        (FROM, UNTIL)
    );
    let events = events(&plan(15_000));
    for (key, record) in &events {
        let time = text(record, "/eventTime");
        assert!((FROM..UNTIL).contains(&time), "{time}");
        let created = text(
            record,
            "/userIdentity/sessionContext/attributes/creationDate",
        );
        assert!(created <= time, "{key}: {created} {time}");
    }
    let elsewhere = |(key, record): &&(String, Value)| {
        record.get("addendum").is_some()
            && !key.contains(&format!("/09/{}/", &text(record, "/eventTime")[8..10]))
    };
    assert!(events.iter().filter(elsewhere).count() > 2);
}

#[test]
fn the_incident_is_the_same_at_every_size() {
    let story = |size| -> BTreeSet<(String, String, String, String)> {
        let part = |record: &Value, path| text(record, path).to_owned();
        let addresses = ["203.0.113.219", "203.0.113.221"];
        let events = events_about(&plan(size), &addresses);
        let intruder = |record: &&Value| addresses.contains(&text(record, "/sourceIPAddress"));
        events
            .iter()
            .filter(intruder)
            .map(|record| {
                (
                    part(record, "/eventTime"),
                    part(record, "/eventName"),
                    part(record, "/awsRegion"),
                    part(record, "/errorCode"),
                )
            })
            .collect()
    };
    let small = story(1_000);
    assert_eq!(small, story(50_000));
    assert_eq!(small.len(), 79);
    assert!(small.iter().all(|(time, ..)| {
        ("2026-09-17T01:12:08Z"..="2026-09-17T03:41:19Z").contains(&time.as_str())
    }));
    for (name, error) in [
        ("CreateUser", ""),
        ("CreateAccessKey", ""),
        ("AttachUserPolicy", ""),
        ("RunInstances", ""),
        ("RunInstances", "Client.VcpuLimitExceeded"),
        ("StopLogging", "AccessDenied"),
        ("GetObject", ""),
    ] {
        assert!(
            small.iter().any(|step| step.1 == name && step.3 == error),
            "{name} {error}"
        );
    }
    let refused = small
        .iter()
        .filter(|step| step.3.contains("AccessDenied") || step.3.contains("Unauthorized"));
    assert!(refused.count() >= 40);
}

#[test]
fn nobody_else_does_what_the_intruder_does() {
    let own = identity::access_key("legacy-backup", "444455556666");
    let rogue = identity::access_key("svc-metrics-sync", "444455556666");
    let (mut made, mut removed, mut stopped) = (false, false, false);
    let words = ["sa-east-1", "legacy-backup", "svc-metrics-sync"];
    for record in events_about(&plan(10_000), &words) {
        let user = text(&record, "/userIdentity/userName");
        if text(&record, "/awsRegion") == "sa-east-1" {
            let responder = text(&record, "/userIdentity/arn").contains("IncidentResponse");
            assert!(
                responder || matches!(user, "svc-metrics-sync" | "legacy-backup"),
                "{user}"
            );
        }
        if user == "legacy-backup" {
            assert_eq!(text(&record, "/userIdentity/accessKeyId"), own);
            assert!(matches!(
                text(&record, "/sourceIPAddress"),
                "203.0.113.219" | "192.0.2.44"
            ));
        }
        let key = text(&record, "/requestParameters/accessKeyId");
        match text(&record, "/eventName") {
            "CreateAccessKey" => {
                made |= text(&record, "/responseElements/accessKey/accessKeyId") == rogue;
            }
            "DeleteAccessKey" => removed |= key == own,
            "TerminateInstances" => {
                stopped |= record["requestParameters"]
                    .to_string()
                    .contains("i-0decafbadc0ffee02")
                    && record.get("errorCode").is_none();
            }
            _ => {}
        }
    }
    assert!(made && removed && stopped);
}

#[test]
fn hostile_text_is_there_and_survives() {
    let events = events(&plan(0));
    let agents: Vec<&str> = events
        .iter()
        .map(|(_, record)| text(record, "/userAgent"))
        .collect();
    assert!(agents.iter().any(|agent| agent.starts_with("<script>")));
    assert!(agents.iter().any(|agent| agent.starts_with("=cmd|")
        && agent.contains('\n')
        && agent.contains('\u{1b}')
        && agent.contains("日本語")));
    assert!(agents.iter().any(|agent| agent.len() == 1024));
    assert!(
        events
            .iter()
            .any(|(_, record)| text(record, "/userIdentity/arn").ends_with("/=2+5@example.com"))
    );
}

#[test]
fn nothing_real_is_named() {
    for (_, record) in events(&plan(8_000)) {
        let address = text(&record, "/sourceIPAddress");
        match address.parse() {
            Ok(IpAddr::V4(ip)) => assert!(
                matches!(
                    ip.octets(),
                    [192, 0, 2, _] | [198, 51, 100, _] | [203, 0, 113, _]
                ),
                "{ip}"
            ),
            Ok(IpAddr::V6(ip)) => assert_eq!(ip.segments()[..2], [0x2001, 0xdb8]),
            Err(_) => assert!(
                address.is_empty()
                    || address.ends_with(".amazonaws.com")
                    || address == "AWS Internal",
                "{address}"
            ),
        }
        let key = text(&record, "/userIdentity/accessKeyId");
        assert!(
            key.is_empty() || key.len() == 20 && key.ends_with("EXAMPLE"),
            "{key}"
        );
        let account = text(&record, "/userIdentity/accountId");
        let ours = ACCOUNTS.iter().any(|known| known.number == account);
        assert!(
            ours || matches!(account, "" | "anonymous" | "999988887777"),
            "{account}"
        );
    }
}

#[test]
fn every_habit_is_known_and_every_api_is_used() {
    let world = DemoWorld::new();
    let mut used = BTreeSet::new();
    for words in PEOPLE
        .iter()
        .map(|person| person.habits)
        .chain(MACHINES.iter().map(|machine| machine.habits))
    {
        for word in words.split_whitespace() {
            let calls = world::habits(word, &world.calls);
            assert!(!calls.is_empty(), "{word}");
            assert!(
                word.split_once('=')
                    .is_some_and(|(_, weight)| weight.parse::<u32>().is_ok()),
                "{word}"
            );
            used.extend(calls.into_iter().map(|(_, call)| call));
        }
    }
    let unused: Vec<_> = (0..world.calls.len())
        .filter(|call| !used.contains(call))
        .collect();
    let names: Vec<_> = unused
        .into_iter()
        .map(|call| (world.calls[call].service, world.calls[call].api.name))
        .collect();
    assert_eq!(names, []);
}

#[test]
fn traffic_is_varied_and_records_have_a_believable_size() {
    let plan = plan(20_000);
    let events = events(&plan);
    let pairs: BTreeSet<_> = events
        .iter()
        .map(|(_, record)| (text(record, "/eventSource"), text(record, "/eventName")))
        .collect();
    let services: BTreeSet<_> = pairs.iter().map(|(source, _)| source).collect();
    assert!(
        pairs.len() > 340 && services.len() > 55,
        "{} {}",
        pairs.len(),
        services.len()
    );
    let bytes: usize = plan
        .files()
        .iter()
        .filter(|file| is_log(file))
        .map(|file| body(file).len())
        .sum();
    assert!(
        (1_200..1_600).contains(&(bytes / events.len())),
        "{}",
        bytes / events.len()
    );
    let failed = events
        .iter()
        .filter(|(_, record)| record.get("errorCode").is_some())
        .count();
    assert!((1..4).contains(&(failed * 100 / events.len())), "{failed}");
}

#[test]
fn days_and_nights_look_alive() {
    let sum = |rhythm: Rhythm, day: usize, hours: std::ops::Range<usize>| -> u32 {
        hours.map(|hour| rhythm.weight(day * 24 + hour)).sum()
    };
    // Tuesday and Sunday of the first week; office hours in Frankfurt and Seattle, and night.
    assert!(sum(Rhythm::Europe, 1, 7..15) > 10 * sum(Rhythm::Europe, 6, 7..15));
    assert!(sum(Rhythm::Europe, 1, 7..15) > 20 * sum(Rhythm::Europe, 1, 21..24));
    assert!(sum(Rhythm::WestCoast, 1, 16..23) > 10 * sum(Rhythm::WestCoast, 1, 7..14));
    // The first Monday is Labor Day; it is over in Seattle at 07:00 UTC of Tuesday.
    assert!(sum(Rhythm::WestCoast, 7, 16..23) > 10 * sum(Rhythm::WestCoast, 0, 16..23));
    assert!(sum(Rhythm::Night, 3, 1..4) > 10 * sum(Rhythm::Night, 3, 9..12));
}
