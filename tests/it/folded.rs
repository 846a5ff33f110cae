//! Results of logs with more sessions, user agents and roles than a result lists.

use std::fs;

use serde_json::{Value, json};

use crate::support::{SECTIONS, Sandbox, at, files_below, reconcile, sum, sum_of};

/// Calls of six roles, the last of which has the most, each call in a session and from an address of its own.
fn log() -> Vec<u8> {
    let mut records = Vec::new();
    for role in 1..=6 {
        for call in 0..role * 2 {
            let session = format!("session-{role}-{call}@example.com");
            let arn = format!("arn:aws:sts::111122223333:assumed-role/role-{role}/{session}");
            records.push(json!({
                "eventVersion": "1.11",
                "userIdentity": { "type": "AssumedRole", "accountId": "111122223333", "arn": arn },
                "eventTime": "2026-09-07T08:00:00Z",
                "eventSource": "s3.amazonaws.com",
                "eventName": "GetObject",
                "awsRegion": "eu-west-1",
                "sourceIPAddress": format!("192.0.2.{}", role * 20 + call),
                "userAgent": format!("agent/{role}.{call}"),
                "errorCode": (call == 1).then_some("AccessDenied"),
                "eventID": format!("00000000-0000-4000-8000-{role:06}{call:06}"),
                "recipientAccountId": "111122223333",
            }));
        }
    }
    serde_json::to_vec(&json!({ "Records": records })).unwrap()
}

fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("log.json", log());
    sandbox
}

#[test]
fn an_ordinary_result_says_nothing_of_folded_rows() {
    let summary = sandbox().activity(["log.json"]);
    reconcile(&summary);
    assert_eq!(summary["trailtab"].get("folded"), None);
}

/// Listed and folded calls of each table are all calls.
#[test]
fn listed_and_folded_rows_add_up() {
    let sandbox = sandbox();
    let full = sandbox.activity(["log.json"]);
    let short = sandbox.activity(["log.json", "--max-rows", "1"]);
    let extension = &short["trailtab"];
    assert_eq!(extension["counts"], full["trailtab"]["counts"]);
    assert_eq!(extension["accounts"], full["trailtab"]["accounts"]);
    let folded = &extension["folded"];
    for section in SECTIONS {
        let calls = at(folded, &format!("tables/{section}/calls"));
        let calls = calls.as_u64().unwrap_or_default();
        assert_eq!(
            sum(&short[section]) + calls,
            sum(&full[section]),
            "{section}"
        );
    }
    for section in ["principals", "persons"] {
        let names = at(folded, &format!("names/{section}"));
        let listed = extension[section].as_object().unwrap();
        assert_eq!(listed.len(), 5);
        for member in ["calls", "failed", "denied"] {
            assert_eq!(
                sum_of(&extension[section], member) + names[member].as_u64().unwrap(),
                sum_of(&full["trailtab"][section], member),
                "{section} {member}"
            );
        }
    }
    // The role with the fewest calls is left out, with all that it did.
    let principals = extension["principals"].as_object().unwrap();
    assert!(!principals.contains_key("111122223333:role/role-1"));
    let sessions = at(folded, "tables/sessions_by_principal");
    let expected = json!({
        "rows": 37, "calls": 37, "names_not_listed": 1,
        "of_names_not_listed": { "rows": 2, "calls": 2 },
        "by_name": {
            "111122223333:role/role-2": { "rows": 3, "calls": 3 },
            "111122223333:role/role-3": { "rows": 5, "calls": 5 },
            "111122223333:role/role-4": { "rows": 7, "calls": 7 },
            "111122223333:role/role-5": { "rows": 9, "calls": 9 },
            "111122223333:role/role-6": { "rows": 11, "calls": 11 },
        },
    });
    assert_eq!(sessions, &expected);
    let of = |role: u8| format!("111122223333:role/role-{role}");
    assert_eq!(
        at(extension, "sessions_by_principal")[of(6)]
            .as_object()
            .unwrap()
            .keys()
            .collect::<Vec<_>>(),
        ["session-6-0@example.com"]
    );
}

#[test]
fn page_and_csv_say_what_is_folded() {
    let sandbox = sandbox();
    let args = ["activity", "log.json", "--no-output", "--max-rows", "1"];
    let page = sandbox.run(args).expect(0).out;
    insta::assert_snapshot!(page);
    let csv = sandbox
        .run(args.into_iter().chain(["--format", "csv"]))
        .expect(0);
    let folded: String = csv
        .out
        .lines()
        .filter(|line| line.starts_with("folded_ip") || line.starts_with("folded_principals,"))
        .map(|line| format!("{line}\n"))
        .collect();
    insta::assert_snapshot!(folded);
}

#[test]
fn charts_beyond_the_limit_are_left_out_and_counted() {
    let sandbox = sandbox();
    let args = [
        "activity",
        "log.json",
        "--plot-results",
        "--plot-format",
        "svg",
    ];
    let limit = ["--max-charts", "17", "--max-rows", "2", "--output", "few"];
    let ended = sandbox.run(args.into_iter().chain(limit)).expect(0);
    // Seven of the whole summary, one of the region, four of each of the two roles with the most calls.
    assert!(
        ended.err.contains("wrote 16 charts to few/"),
        "{}",
        ended.err
    );
    let left_out =
        "left out 16 charts of principals and regions with fewer calls: --max-charts draws more";
    assert!(ended.err.contains(left_out), "{}", ended.err);
    let of = |name: &str| {
        let charts = files_below(&sandbox.path("few")).into_iter();
        charts
            .filter(|path| path.to_str().unwrap().ends_with(name))
            .collect::<Vec<_>>()
    };
    assert!(of("role-4.svg").is_empty());
    assert_eq!(of("role-6.svg").len(), 4);
    let agents = of("user_agents_by_principal/111122223333_role_role-6.svg");
    let chart = fs::read_to_string(&agents[0]).unwrap();
    assert!(chart.contains("… and 10 more"), "{chart}");
    let roles = of("user_agents_by_principal_summary.svg");
    let chart = fs::read_to_string(&roles[0]).unwrap();
    assert!(chart.contains("role-6: 12"), "{chart}");
    let none = ["--max-charts", "0", "--output", "none"];
    let ended = sandbox.run(args.into_iter().chain(none)).expect(0);
    assert!(
        ended.err.contains("wrote 7 charts to none/"),
        "{}",
        ended.err
    );
}

/// Nothing depends on the order of the files, nor on who reads them.
#[test]
fn what_is_listed_does_not_depend_on_the_order_of_files() {
    let sandbox = sandbox();
    let whole = sandbox.activity(["log.json", "--max-rows", "1"]);
    let records: Value = serde_json::from_slice(&log()).unwrap();
    let records = records["Records"].as_array().unwrap();
    for (index, record) in records.iter().rev().enumerate() {
        sandbox.write(format!("parts/{index:02}.json"), record.to_string());
    }
    let parts = sandbox.activity(["parts", "--max-rows", "1"]);
    for section in SECTIONS {
        assert_eq!(parts[section], whole[section], "{section}");
    }
    let folded = |summary: &Value| at(summary, "trailtab/folded").clone();
    assert_eq!(folded(&parts), folded(&whole));
}
