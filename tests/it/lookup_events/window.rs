//! The time window of the event history.

use super::lab::{ANN, DAY, Lab, report};
use crate::support::aws::{Event, Region, World, events, rfc3339};

const HERE: &str = "us-east-1";
const HOUR: i64 = 3600;

/// A region with two events at each of these times.
fn pairs(world: World, times: &[i64]) -> World {
    let pair = |(seed, &time): (usize, &i64)| events(ANN, HERE, 2, time, time, seed as u64);
    let events = times.iter().enumerate().flat_map(pair).collect();
    let region = Region::new().quota(1000.0, 1000.0).events(events);
    world.region(ANN, HERE, region)
}

/// What the server knows of two times and the seconds between.
fn between(lab: &Lab, since: i64, until: i64) -> &[Event] {
    lab.server.world().truth(ANN, HERE, since, until)
}

#[test]
fn both_ends_belong_to_the_window() {
    let ends = |now| (now - 5 * DAY, now - 2 * DAY);
    let lab = Lab::new(|world, now| {
        let (first, last) = ends(now);
        let times = [first - 1, first, first + 1, last - 1, last, last + 1];
        pairs(world, &times)
    });
    let (first, last) = ends(lab.now);
    let (since, until) = (rfc3339(first), rfc3339(last + 1));
    let summary = lab.activity(&["--since", &since, "--until", &until], 0);
    let truth = between(&lab, first, last);
    assert_eq!(truth.len(), 8);
    lab.assert_says(&summary, truth, &[], "from end to end");
    // No events outside the window are fetched.
    assert_eq!(summary["trailtab"]["counts"]["read"], 8);
    let asked = &lab.lookups(HERE)[0].request.parameters;
    assert_eq!(asked["StartTime"].as_f64(), Some(first as f64));
    assert_eq!(asked["EndTime"].as_f64(), Some(last as f64));
    assert_eq!(asked["MaxResults"], 50);
    let coverage = &summary["trailtab"]["coverage"];
    assert_eq!(coverage["settled_until"], serde_json::Value::Null);
}

#[test]
fn whole_days_are_named_by_their_date() {
    let midnight = |now: i64| now - now.rem_euclid(DAY) - 3 * DAY;
    let lab = Lab::new(|world, now| {
        let day = midnight(now);
        pairs(world, &[day - 1, day, day + DAY - 1, day + DAY])
    });
    let day = midnight(lab.now);
    let date = &rfc3339(day)[..10];
    let summary = lab.activity(&["--since", date, "--until", date], 0);
    let truth = between(&lab, day, day + DAY - 1);
    assert_eq!(truth.len(), 4);
    lab.assert_says(&summary, truth, &[], "a day");
}

#[test]
fn hours_are_counted_back_from_now() {
    for (args, hours) in [(&[][..], 336), (&["--past-hours", "5"], 5)] {
        let lab = Lab::new(|world, now| {
            let start = now - hours * HOUR;
            // The program's clock has gone on since.
            pairs(world, &[start - 60, start + 60, now - 60, now])
        });
        let summary = lab.activity(args, 0);
        let truth = between(&lab, lab.now - hours * HOUR, lab.now);
        assert_eq!(truth.len(), 6);
        lab.assert_says(&summary, truth, &[], "hours back");
        // The last quarter of an hour may still fill.
        let settled = summary["trailtab"]["coverage"]["settled_until"].as_str();
        assert!(settled.unwrap() >= rfc3339(lab.now - 900).as_str());
        assert!(settled.unwrap() < rfc3339(lab.now).as_str());
    }
}

#[test]
fn an_end_alone_reaches_back_to_the_first_day_that_is_kept() {
    let lab = Lab::new(|world, now| {
        let first = now - 90 * DAY;
        pairs(world, &[first + 60, now - 40 * DAY, now - 20 * DAY])
    });
    let until = rfc3339(lab.now - 30 * DAY);
    let summary = lab.activity(&["--until", &until], 0);
    let truth = between(&lab, 0, lab.now - 30 * DAY);
    assert_eq!(truth.len(), 4);
    lab.assert_says(&summary, truth, &[], "until");
}

#[test]
fn all_ninety_days_can_be_asked_for() {
    let lab = Lab::new(|world, now| pairs(world, &[now - 90 * DAY + 60, now - 60]));
    let summary = lab.activity(&["--past-hours", "2160"], 0);
    lab.assert_true(&summary, &[(ANN, HERE)], "ninety days");
    assert_eq!(summary["trailtab"]["counts"]["counted"], 4);
}

#[test]
fn windows_that_aws_does_not_have_are_refused_before_any_request() {
    let lab = Lab::new(|world, now| pairs(world, &[now - 60]));
    let old = rfc3339(lab.now - 91 * DAY);
    let future = rfc3339(lab.now + 2 * DAY);
    let cases: [(&[&str], &str); 5] = [
        (&["--past-hours", "2161"], "90 days (2160 hours)"),
        (&["--since", &old], "--archive DIR"),
        (&["--since", &old], "bucket of a trail"),
        (&["--since", &future], "no events of the future"),
        (
            &["--since", "2026-09-08", "--until", "2026-09-07"],
            "the time window is empty",
        ),
    ];
    for (args, words) in cases {
        let ended = lab.run(args).expect(2);
        assert!(ended.err.contains(words), "{args:?}: {}", ended.err);
        assert_eq!(ended.out, "");
    }
    assert!(lab.server.requests().is_empty());
}

#[test]
fn an_archive_may_be_asked_for_what_aws_has_not_any_more() {
    let lab = Lab::new(|world, now| pairs(world, &[now - 89 * DAY, now - DAY]));
    let since = rfc3339(lab.now - 100 * DAY);
    let summary = lab.activity(&["--since", &since, "--archive", "archive"], 3);
    lab.assert_true(&summary, &[(ANN, HERE)], "what is left");
    assert_eq!(report(&summary, HERE)["status"], "partial");
    assert_eq!(report(&summary, HERE)["code"], "OlderThan90Days");
    let problem = &summary["trailtab"]["coverage"]["problems"][0]["reason"];
    let problem = problem.as_str().unwrap();
    assert!(problem.contains(&since), "{problem}");
}

#[test]
fn rates_that_the_quota_does_not_allow_are_refused() {
    let lab = Lab::new(|world, now| pairs(world, &[now - 60]));
    for rate in ["0", "0.009", "3", "2.01", "nan", "inf", "-1", "fast", ""] {
        let rate = format!("--max-tps={rate}");
        let ended = lab.run(&[&rate]).expect(2);
        assert!(ended.err.contains("from 0.01 to 2"), "{rate} {}", ended.err);
    }
    assert!(lab.server.requests().is_empty());
}

#[test]
fn a_lower_rate_is_kept() {
    let lab = Lab::new(|world, now| {
        let events = events(ANN, HERE, 300, now - DAY, now - HOUR, 1);
        let region = Region::new().quota(1000.0, 1000.0).events(events);
        world.region(ANN, HERE, region)
    });
    let summary = lab.activity(&["--max-tps", "1.25"], 0);
    lab.assert_true(&summary, &[(ANN, HERE)], "slowly");
    let lookups = lab.lookups(HERE);
    assert_eq!(lookups.len(), 6);
    // Two may come at once. The first one may have been on its way for a while.
    let took = lookups[5].arrived - lookups[1].arrived;
    assert!(took > 4.0 / 1.25 - 0.5, "{took}");
}
