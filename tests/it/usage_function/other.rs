//! A set never exceeds its limit of metrics, metrics keep their places, and no call is lost.

use serde_json::{Value, json};

use super::lab::{AMPLE, Counts, Lab, assert_counts, count, key, response};
use crate::support::aws::rfc3339;
use crate::support::calls::{OTHER, counted, name, numbered, payload, recently, with};
use crate::support::metrics::Key;

/// This many calls of each API, all in one minute of one region and service.
fn calls(minute: i64, seed: u64, apis: &[(usize, usize)]) -> Vec<Value> {
    let mut records = Vec::new();
    for &(api, times) in apis {
        for time in 0..times {
            let members = json!({
                "eventName": name(api), "eventSource": "s", "awsRegion": "r",
                "eventTime": rfc3339(minute + time as i64 % 60),
            });
            let seed = seed * 1_000_000 + (api * 1000 + time) as u64;
            records.push(with(numbered(seed), &members));
        }
    }
    records
}

fn own(api: usize, minute: i64) -> Key {
    key(
        &name(api),
        &[("awsRegion", "r"), ("eventSource", "s")],
        minute,
    )
}

fn other(minute: i64) -> Key {
    key(
        OTHER,
        &[("awsRegion", OTHER), ("eventSource", OTHER)],
        minute,
    )
}

#[test]
fn the_most_called_have_metrics_of_their_own() {
    let minute = recently();
    let mut lab = Lab::new(&[("TRAILTAB_USAGE_TOP", "3")]);
    let records = calls(minute, 1, &[(5, 1), (4, 2), (1, 9), (3, 7), (2, 8)]);
    let response = lab.deliver(&records);
    assert_eq!(count(&response, "published"), 27);
    let expected = Counts::from([
        (own(1, minute), 9),
        (own(2, minute), 8),
        (own(3, minute), 7),
        (other(minute), 3),
    ]);
    assert_counts(&lab.sums(), &expected);
}

#[test]
fn where_calls_are_equal_the_name_decides() {
    let minute = recently();
    for apis in [[(1, 4), (2, 4), (3, 4)], [(3, 4), (2, 4), (1, 4)]] {
        let mut lab = Lab::new(&[("TRAILTAB_USAGE_TOP", "2")]);
        lab.deliver(&calls(minute, 1, &apis));
        let expected = [(own(1, minute), 4), (own(2, minute), 4), (other(minute), 4)];
        assert_counts(&lab.sums(), &Counts::from(expected));
    }
}

/// Delivers calls that would displace a metric if places could be taken.
fn deliver_rivals(lab: &mut Lab, minute: i64, seed: u64) -> Counts {
    lab.deliver(&calls(minute, seed, &[(1, 1), (7, 50), (8, 40)]));
    Counts::from([(own(1, minute), 1), (other(minute), 90)])
}

#[test]
fn a_metric_that_is_kept_stays_kept() {
    let minute = recently();
    let mut lab = Lab::new(&[("TRAILTAB_USAGE_TOP", "2")]);
    lab.deliver(&calls(minute, 1, &[(1, 2), (2, 3)]));
    let mut expected = Counts::from([(own(1, minute), 2), (own(2, minute), 3)]);
    for round in 1..4 {
        let minute = minute + round * 60;
        expected.append(&mut deliver_rivals(&mut lab, minute, round as u64 + 1));
    }
    assert_counts(&lab.sums(), &expected);
}

#[test]
fn with_a_ledger_a_metric_stays_kept_in_all_sandboxes() {
    let minute = recently();
    let mut lab = Lab::with_ledger("kept", &[("TRAILTAB_USAGE_TOP", "2")]);
    lab.deliver(&calls(minute, 1, &[(1, 2), (2, 3)]));
    let mut expected = Counts::from([(own(1, minute), 2), (own(2, minute), 3)]);
    for round in 1..4 {
        lab.function.restart();
        let minute = minute + round * 60;
        expected.append(&mut deliver_rivals(&mut lab, minute, round as u64 + 1));
    }
    assert_counts(&lab.sums(), &expected);
    let keys: Vec<_> = lab.ledger().into_iter().map(|(_, key)| key).collect();
    assert!(
        keys.iter().any(|key| key.starts_with("some/usage/kept/")),
        "{keys:?}"
    );
}

#[test]
fn places_that_are_free_are_taken_later() {
    let minute = recently();
    let mut lab = Lab::with_ledger("places", &[("TRAILTAB_USAGE_TOP", "3")]);
    lab.deliver(&calls(minute, 1, &[(1, 2)]));
    lab.function.restart();
    lab.deliver(&calls(minute + 60, 2, &[(2, 2)]));
    lab.function.restart();
    lab.deliver(&calls(minute + 120, 3, &[(1, 1), (2, 1), (3, 5), (4, 4)]));
    let third = minute + 120;
    let expected = Counts::from([
        (own(1, minute), 2),
        (own(2, minute + 60), 2),
        (own(1, third), 1),
        (own(2, third), 1),
        (own(3, third), 5),
        (other(third), 4),
    ]);
    assert_counts(&lab.sums(), &expected);
}

#[test]
fn sandboxes_at_the_same_time_share_the_places() {
    let minute = recently();
    let settings = [("TRAILTAB_USAGE_TOP", "5")];
    let mut lab = Lab::with_ledger("share", &settings);
    let mut second = lab.second(&settings);
    let mut total = 0;
    for round in 0..6 {
        let mine = calls(minute, 2 * round + 1, &[(round as usize, 3)]);
        let yours = calls(minute, 2 * round + 2, &[(round as usize + 100, 2)]);
        let deliveries = [
            lab.function.begin(&payload(&mine), AMPLE),
            second.begin(&payload(&yours), AMPLE),
        ];
        response(lab.end(&deliveries[0]));
        response(second.end(&deliveries[1]));
        total += 5;
    }
    let sums = lab.sums();
    let own = sums.keys().filter(|key| key.name != OTHER).count();
    assert_eq!(own, 5, "{sums:#?}");
    assert_eq!(sums.values().sum::<u64>(), total);
}

#[test]
fn every_set_has_its_own_places_and_adds_up_to_the_calls() {
    let minute = recently();
    let settings = [
        ("TRAILTAB_USAGE_TOP", "1"),
        ("TRAILTAB_USAGE_METRICS", "access,principals,accounts"),
    ];
    let mut lab = Lab::new(&settings);
    let user = |(at, record): (usize, Value)| {
        let mut record = with(record, &json!({ "readOnly": true }));
        record["userIdentity"]["userName"] = format!("user-{}", at % 3).into();
        record["recipientAccountId"] = format!("11112222333{}", at % 2).into();
        record
    };
    let records = calls(minute, 1, &[(1, 6), (2, 4)]).into_iter().enumerate();
    lab.deliver(&records.map(user).collect::<Vec<_>>());
    let sums = lab.sums();
    let of = |name: &str, dimensions: usize, first: &str| -> Vec<u64> {
        let series = sums.iter().filter(|(key, _)| {
            let named = key.name == name || name.is_empty() && key.name != "CallCount";
            named && key.dimensions.len() == dimensions && key.dimensions[0].0 == first
        });
        series.map(|(_, count)| *count).collect()
    };
    for (name, dimensions, first) in [
        ("", 2, "awsRegion"),
        ("CallCount", 4, "awsRegion"),
        ("CallCount", 1, "principal"),
        ("CallCount", 1, "recipientAccountId"),
    ] {
        let series = of(name, dimensions, first);
        assert_eq!(series.iter().sum::<u64>(), 10, "{first} {sums:#?}");
        assert_eq!(
            series.len(),
            2,
            "one of its own and the others: {first} {sums:#?}"
        );
    }
    let rest = sums
        .keys()
        .filter(|key| key.dimensions.iter().any(|(_, value)| value == OTHER));
    for key in rest {
        assert!(
            key.dimensions.iter().all(|(_, value)| value == OTHER),
            "{key:?}"
        );
    }
}

#[test]
fn texts_that_cloudwatch_refuses_count_under_other() {
    let minute = recently();
    let mut lab = Lab::new(&[]);
    let longest = "n".repeat(255);
    let edit = |(seed, members): (usize, &Value)| {
        let record = calls(minute, seed as u64 + 1, &[(1, 1)]).remove(0);
        with(record, members)
    };
    let good = [json!({}), json!({ "eventName": longest })];
    let bad = [
        json!({ "eventName": "n".repeat(256) }),
        json!({ "eventName": "Größe" }),
        json!({ "eventName": "bell\u{7}" }),
        json!({ "eventName": "   " }),
        json!({ "eventSource": "schlüssel.amazonaws.com" }),
        json!({ "awsRegion": "r".repeat(1025) }),
    ];
    let records: Vec<_> = good.iter().chain(&bad).enumerate().map(edit).collect();
    let response = lab.deliver(&records);
    assert_eq!(count(&response, "published"), 8, "{response}");
    let mut expected = counted(&records[..2]);
    expected.insert(other(minute), 6);
    assert_counts(&lab.sums(), &expected);
}

#[test]
fn principals_that_cloudwatch_refuses_count_under_other() {
    let minute = recently();
    let mut lab = Lab::new(&[("TRAILTAB_USAGE_METRICS", "principals")]);
    let mut records = calls(minute, 1, &[(1, 3)]);
    for record in &mut records[1..] {
        record["userIdentity"]["userName"] = "Jürgen".into();
    }
    lab.deliver(&records);
    let sums = lab.sums();
    assert_eq!(sums[&key("CallCount", &[("principal", OTHER)], minute)], 2);
    assert_eq!(sums[&own(1, minute)], 3);
}
