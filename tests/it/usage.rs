//! `trailtab usage`: tables, throttling, metrics, dashboards, alarms and prices, from logs.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::lookup_events::lab::{ANN, Lab, busy};
use crate::real_data::{data, is_skipped};
use crate::support::envelopes::{plain, records_in};
use crate::support::{Finished, Sandbox, at, files_below, installed, sum};

const DATA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/data");

/// A call, identified by its number.
fn call(number: usize, time: &str, principal: &str, api: &str, region: &str) -> Value {
    let (source, name) = api.split_once(':').unwrap();
    json!({
        "eventVersion": "1.11",
        "userIdentity": { "type": "IAMUser", "accountId": "111122223333", "userName": principal },
        "eventTime": time,
        "eventSource": format!("{source}.amazonaws.com"),
        "eventName": name,
        "awsRegion": region,
        "eventID": format!("00000000-0000-4000-8000-{number:012}"),
        "readOnly": name.starts_with("Get") || name.starts_with("Describe"),
        "recipientAccountId": "111122223333",
    })
}

/// A day on which a scraper uses up the quota: mostly the calls of others are refused.
fn a_day_with_a_scraper() -> Vec<Value> {
    let mut calls = Vec::new();
    let mut add = |time: String, principal: &str, api: &str, region: &str, error: Option<&str>| {
        let mut call = call(calls.len(), &time, principal, api, region);
        if let Some(error) = error {
            call["errorCode"] = error.into();
        }
        calls.push(call);
    };
    let (describe, throttled) = ("ec2:DescribeInstances", "Client.RequestLimitExceeded");
    for hour in 0..24 {
        add(
            format!("2026-09-07T{hour:02}:00:00Z"),
            "ann",
            describe,
            "eu-west-1",
            None,
        );
        add(
            format!("2026-09-07T{hour:02}:30:00Z"),
            "ann",
            "s3:GetBucketAcl",
            "us-east-1",
            None,
        );
        add(
            format!("2026-09-07T{hour:02}:31:00Z"),
            "bob",
            describe,
            "us-east-1",
            None,
        );
    }
    for minute in 0..3 {
        for second in 0..40 {
            let error = (second == 39).then_some(throttled);
            let time = format!("2026-09-07T09:{minute:02}:{second:02}Z");
            add(time, "scraper", describe, "eu-west-1", error);
        }
        let time = format!("2026-09-07T09:{minute:02}:50Z");
        add(time, "ann", describe, "eu-west-1", Some(throttled));
    }
    add(
        "2026-09-07T10:00:00Z".to_owned(),
        "eve",
        "iam:GetUser",
        "us-east-1",
        Some("AccessDenied"),
    );
    calls
}

fn log(records: &[Value]) -> String {
    json!({ "Records": records }).to_string()
}

/// A sandbox with that day.
fn day() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("day/log.json", log(&a_day_with_a_scraper()));
    sandbox
}

/// Runs `trailtab usage` with these words.
#[track_caller]
fn usage(sandbox: &Sandbox, words: &str, code: i32) -> Finished {
    let words = ["usage", "--quiet"].into_iter().chain(words.split(' '));
    sandbox.run(words).expect(code)
}

/// The same, as JSON whose parts add up.
#[track_caller]
fn report(sandbox: &Sandbox, words: &str, code: i32) -> Value {
    let report = usage(sandbox, &format!("{words} --format json"), code).summary();
    let rows = report["rows"].as_array().unwrap();
    for count in ["calls", "errors", "throttles", "reads", "writes"] {
        let all: u64 = rows.iter().map(|row| sum(&row[count])).sum();
        assert_eq!(all, report["totals"][count], "{count}");
    }
    let coverage = &report["coverage"];
    assert_eq!(coverage["complete"], json!(code == 0));
    assert_eq!(
        sum(&report["totals"]["calls"]) + sum(&coverage["incomplete"]),
        sum(at(coverage, "counts/counted"))
    );
    report
}

/// The rows as calls by the value of a column.
fn calls_by(report: &Value, columns: &[&str]) -> BTreeMap<Vec<String>, u64> {
    let rows = report["rows"].as_array().unwrap().iter();
    let key = |row: &Value, column: &&str| row[*column].as_str().unwrap().to_owned();
    rows.map(|row| {
        let key = columns.iter().map(|column| key(row, column));
        (key.collect(), sum(&row["calls"]))
    })
    .collect()
}

/// Replaces texts that differ between runs and machines.
fn normal(json: &str) -> String {
    let lines = json.lines().map(|line| match line.trim_start() {
        line if line.starts_with("\"run_time\"") => "  \"run_time\": \"TIME\",".to_owned(),
        _ => line.replace(DATA, "[DATA]"),
    });
    lines.map(|line| line + "\n").collect()
}

// Tables.

#[test]
fn a_page_tells_how_often() {
    let sandbox = day();
    assert_snapshot!("page", usage(&sandbox, "day", 0).out);
    assert_eq!(sandbox.files("."), ["day/log.json"], "nothing is written");
}

#[test]
fn tables_tell_calls_apart_as_asked() {
    let sandbox = day();
    let mut pages = String::new();
    for words in [
        "day --by region",
        "day --by principal,api --top 2",
        "day --by account --by region --per day",
        "day --by principal --per hour --since 2026-09-07T09:00:00Z --until 2026-09-07T11:00:00Z",
        "day --activity-type FAILED --event-source ec2",
        "day --errors --by error-code,ip",
    ] {
        let page = usage(&sandbox, words, 0).out;
        pages.push_str(&format!("$ trailtab usage {words}\n{page}\n"));
    }
    assert_snapshot!("pages", pages);
}

#[test]
fn tables_can_be_had_as_json_and_csv() {
    let sandbox = day();
    let json = usage(&sandbox, "day --format json --by api,region", 0).out;
    assert_snapshot!("table_json", normal(&json));
    let csv = usage(&sandbox, "day --format csv --by api,region --per hour", 0).out;
    assert_snapshot!("table_csv", csv);
    // Every form that records come in.
    let ended = sandbox.run([
        "usage",
        "-q",
        DATA,
        "--format",
        "json",
        "--by",
        "api,principal",
    ]);
    assert_snapshot!("every_form", normal(&ended.expect(0).out));
}

#[test]
fn what_is_missing_is_told_in_every_format() {
    let sandbox = day();
    let mut bare = call(
        900,
        "2026-09-07T08:00:00Z",
        "ann",
        "s3:GetObject",
        "eu-west-1",
    );
    bare.as_object_mut().unwrap().remove("awsRegion");
    sandbox.write("day/bare.json", log(&[bare]));
    sandbox.write("day/old.zip", b"PK\x03\x04rest");
    let ended = usage(&sandbox, "day --by region", 3);
    assert_snapshot!("page_of_a_partial_result", ended.out);
    let report = report(&sandbox, "day", 3);
    assert_eq!(report["coverage"]["incomplete"], 1);
    assert_eq!(report["coverage"]["problems"][0]["severity"], "failed");
    for words in [
        "day --format csv",
        "day --format openmetrics",
        "day --format emf",
        "day --throttled --format csv",
        "day --dashboard json",
        "day --alarm getbucketacl=3",
        "price day --format csv",
    ] {
        let ended = sandbox.run(["usage"].into_iter().chain(words.split(' ')));
        let ended = ended.expect(3);
        assert!(ended.err.contains("old.zip"), "{words}: {}", ended.err);
        assert!(ended.err.contains("which are left out: 1"), "{}", ended.err);
    }
}

#[test]
fn mistakes_are_explained() {
    let sandbox = day();
    sandbox.write("none.json", r#"{"Records":[]}"#);
    let mut told = String::new();
    for (code, line) in [
        (2, "usage day --by weekday"),
        (2, "usage day --per second"),
        (2, "usage day --top 0"),
        (2, "usage day --throttled --by api"),
        (2, "usage day --throttled --by session,resource"),
        (2, "usage day --throttled --per hour"),
        (2, "usage day --throttled --top 3"),
        (2, "usage day --format emf --by user-agent"),
        (2, "usage day --throttled --format emf"),
        (2, "usage day --format emf --per hour"),
        (2, "usage day --metrics errors"),
        (2, "usage day --format emf --metrics all"),
        (2, "usage day --format emf --namespace AWS/EC2"),
        (2, "usage day --dashboard json --alarm RunInstances=5"),
        (2, "usage day --dashboard json --format csv"),
        (2, "usage day --alarm RunInstances"),
        (2, "usage --quiet price day"),
        (2, "usage day --archive kept"),
        (1, "usage day --alarm RunInstances=5"),
        (1, "usage none.json --dashboard json"),
        (1, "usage nowhere"),
    ] {
        let ended = sandbox.run(line.split(' ')).expect(code);
        assert_eq!(ended.out, "", "{line}");
        told.push_str(&format!("$ trailtab {line}\n{}{code}\n\n", ended.err));
    }
    assert_snapshot!("mistakes", told);
}

#[test]
fn a_directory_named_like_the_verb_can_be_read() {
    let sandbox = day();
    sandbox.write("price/log.json", log(&a_day_with_a_scraper()));
    assert_eq!(report(&sandbox, "./price", 0)["totals"]["calls"], 196);
    let price = sandbox.run(["usage", "price", "price", "--format", "json"]);
    assert_eq!(
        price.expect(0).summary()["coverage"]["counts"]["counted"],
        196
    );
}

// Causes of throttling.

#[test]
fn who_causes_throttling_is_told() {
    let sandbox = day();
    assert_snapshot!("throttled", usage(&sandbox, "day --throttled", 0).out);
    let json = usage(&sandbox, "day --throttled --format json", 0);
    assert_snapshot!("throttled_json", normal(&json.out));
    let csv = usage(&sandbox, "day --throttled --format csv", 0).out;
    assert_snapshot!("throttled_csv", csv);
    let place = &json.summary()["places"][0];
    let first = &place["callers"][0];
    assert_eq!(first["principal"], "111122223333:user/scraper");
    // 120 of 124: ann called three times while she was refused, and once a minute before.
    assert_eq!(first["calls_in_throttled_minutes"], 120);
    assert_eq!(place["calls_in_throttled_minutes"], 124);
    let none = usage(&sandbox, "day --throttled --region us-east-1", 0).out;
    assert!(none.contains("0 of 49 calls refused"), "{none}");
}

/// A minute in which ten clusters share a role: the seventh calls as often as all others together, and calls of all
/// are refused. The last call of each cluster changes two buckets.
fn ten_clusters() -> Vec<Value> {
    let mut calls = Vec::new();
    for cluster in 0..10 {
        let many = if cluster == 7 { 9 } else { 1 };
        for second in 0..=many {
            let time = format!("2026-09-07T09:00:{second:02}Z");
            let mut call = call(calls.len(), &time, "", "eks:DescribeCluster", "eu-west-1");
            call["userIdentity"] = json!({
                "type": "AssumedRole",
                "accountId": "111122223333",
                "arn": format!("arn:aws:sts::111122223333:assumed-role/nodes/i-{cluster}"),
            });
            call["userAgent"] = format!("kubelet/1.33 cluster-{cluster}").into();
            call["sourceIPAddress"] = format!("192.0.2.{cluster}").into();
            if second == many {
                call["errorCode"] = "ThrottlingException".into();
                call["resources"] = json!([
                    { "ARN": "arn:aws:s3:::one/key" },
                    { "ARN": format!("arn:aws:s3:::bucket-{cluster}") },
                ]);
            }
            calls.push(call);
        }
    }
    calls
}

#[test]
fn clusters_that_share_a_role_are_told_apart() {
    let sandbox = Sandbox::new();
    sandbox.write("log.json", log(&ten_clusters()));
    let of = |words: &str| usage(&sandbox, &format!("log.json --throttled {words}"), 0);
    assert_snapshot!("throttled_by_session", of("--by session").out);
    let csv = of("--by user-agent,ip --format csv").out;
    assert_snapshot!("throttled_by_user_agent_csv", csv);
    let json = of("--by session --format json").summary();
    assert_eq!(json["by"], json!(["session"]));
    let callers = &json["places"][0]["callers"];
    assert_eq!(callers.as_array().unwrap().len(), 10);
    assert_eq!(callers[0]["session"], "i-7");
    assert_eq!(callers[0]["calls_in_throttled_minutes"], 10);
    // Filters combine with it.
    let one = of("--by user-agent --session i-7 --format json").summary();
    let callers = &one["places"][0]["callers"];
    assert_eq!(callers.as_array().unwrap().len(), 1);
    assert_eq!(callers[0]["user_agent"], "kubelet/1.33 cluster-7");
    assert_eq!(callers[0]["throttles"], 1);
}

#[test]
fn calls_are_told_apart_by_what_callers_choose() {
    let sandbox = Sandbox::new();
    sandbox.write("log.json", log(&ten_clusters()));
    let by = |by: &str, column: &str| {
        let report = report(&sandbox, &format!("log.json --by {by}"), 0);
        calls_by(&report, &[column])
    };
    for (name, column, value) in [
        ("session", "session", "i-7"),
        ("user-agent", "user_agent", "kubelet/1.33 cluster-7"),
        ("ip", "ip_address", "192.0.2.7"),
    ] {
        let calls = by(name, column);
        assert_eq!(
            (calls.len(), calls[&vec![value.to_owned()]]),
            (10, 10),
            "{name}"
        );
    }
    let row = |name: &str| vec![name.to_owned()];
    let person = BTreeMap::from([(row(""), 28)]);
    assert_eq!(by("person", "person"), person);
    let codes = BTreeMap::from([(row(""), 18), (row("ThrottlingException"), 10)]);
    assert_eq!(by("error-code", "error_code"), codes);
    // A call counts for each of its resources, and once in the totals.
    let json = usage(&sandbox, "log.json --by resource --format json", 0).summary();
    assert_eq!(json["totals"]["calls"], 28);
    let calls = calls_by(&json, &["resource"]);
    assert_eq!((calls.len(), sum(&json["totals"]["throttles"])), (12, 10));
    assert_eq!((calls[&row("")], calls[&row("s3:bucket/one")]), (18, 10));
    let page = usage(&sandbox, "log.json --by resource --top 2", 0).out;
    assert!(
        page.contains("A call counts once for each resource"),
        "{page}"
    );
    let csv = usage(
        &sandbox,
        "log.json --by session,error-code --format csv --top 1",
        0,
    )
    .out;
    let rows: Vec<&str> = csv.lines().collect();
    assert!(rows[0].starts_with("session,error_code,calls,"), "{csv}");
    assert!(rows[1].starts_with("i-7,,9,0,0,"), "{csv}");
    assert!(rows[2].starts_with("__other__,__other__,19,"), "{csv}");
}

// Metrics.

/// The samples of an OpenMetrics text: name with labels, value and time.
#[track_caller]
fn samples(text: &str) -> Vec<(String, u64, i64)> {
    let mut samples = Vec::new();
    let mut families = BTreeSet::new();
    let mut family = String::new();
    assert!(text.ends_with("\n# EOF\n") || text == "# EOF\n", "{text}");
    for line in text.lines() {
        if let Some(comment) = line.strip_prefix("# ") {
            let mut words = comment.splitn(3, ' ');
            match (words.next().unwrap(), words.next()) {
                ("TYPE", Some(name)) => {
                    assert!(families.insert(name.to_owned()), "{name} comes twice");
                    name.clone_into(&mut family);
                    assert_eq!(words.next(), Some("gauge"));
                }
                ("UNIT", Some(name)) => {
                    let unit = words.next().unwrap();
                    assert!(name == family && name.ends_with(&format!("_{unit}")));
                }
                ("HELP", Some(name)) => assert_eq!(name, family),
                ("EOF", None) => {}
                other => panic!("{other:?}"),
            }
            continue;
        }
        let (series, numbers) = line.rsplit_once("} ").unwrap();
        assert!(series.starts_with(&format!("{family}{{")), "{line}");
        let (value, time) = numbers.split_once(' ').unwrap();
        samples.push((
            series.to_owned(),
            value.parse().unwrap(),
            time.parse().unwrap(),
        ));
    }
    // Grouped by series, each in the order of time, and none twice.
    let mut met = BTreeSet::new();
    for group in samples.chunk_by(|a, b| a.0 == b.0) {
        assert!(
            met.insert(&group[0].0),
            "{} stands in two places",
            group[0].0
        );
        assert!(group.windows(2).all(|pair| pair[0].2 < pair[1].2));
    }
    samples
}

#[test]
fn metrics_can_be_had_for_prometheus_and_cloudwatch() {
    let sandbox = day();
    let words = "day --metrics errors,throttles,access,principals,accounts --top 2";
    let text = usage(&sandbox, &format!("{words} --format openmetrics"), 0).out;
    assert_snapshot!("openmetrics", text);
    let lines = usage(
        &sandbox,
        &format!("{words} --format emf --namespace mine"),
        0,
    )
    .out;
    assert_snapshot!("emf", lines);
    let mut sums = BTreeMap::<String, u64>::new();
    for (series, value, time) in samples(&text) {
        assert_eq!(time.rem_euclid(60), 59, "{series}");
        let family = series.split_once('{').unwrap().0.to_owned();
        *sums.entry(family).or_default() += value;
    }
    let totals = &report(&sandbox, "day", 0)["totals"];
    for (family, count) in [
        ("api_count_calls", "calls"),
        ("api_count_errors_calls", "errors"),
        ("api_count_throttles_calls", "throttles"),
        ("api_count_access_calls", "calls"),
        ("api_count_principals_calls", "calls"),
        ("api_count_accounts_calls", "calls"),
    ] {
        assert_eq!(sums[family], totals[count], "{family}");
    }
    let mut emf = 0;
    for line in lines.lines() {
        let document: Value = serde_json::from_str(line).unwrap();
        let metrics = at(&document, "_aws/CloudWatchMetrics")[0].clone();
        assert_eq!(metrics["Namespace"], "mine");
        for metric in metrics["Metrics"].as_array().unwrap() {
            emf += sum(&document[metric["Name"].as_str().unwrap()]);
        }
    }
    assert_eq!(emf, sums.values().sum::<u64>());
}

#[test]
fn names_from_records_are_harmless_in_every_format() {
    let sandbox = Sandbox::new();
    let names = [
        "=cmd|'/c calc'!A1",
        "x\u{1b}[2J\u{202e}\n# EOF\ny 1 1",
        "a\"} 1 1\\",
        "{{resolve:ssm:x}}${AWS::Region}",
        "名",
        "Get",
    ];
    let mut records = Vec::new();
    for (number, name) in names.into_iter().enumerate() {
        let mut call = call(number, "2026-09-07T08:00:00Z", name, "s3:Get", "eu-west-1");
        call["eventName"] = name.into();
        call["errorCode"] = "SlowDown".into();
        records.push(call);
    }
    sandbox.write("log", log(&records));
    for words in ["log", "log --by principal", "log --throttled", "price log"] {
        let page = sandbox
            .run(["usage"].into_iter().chain(words.split(' ')))
            .expect(0)
            .out;
        let is_bad = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
        assert!(!page.contains(is_bad), "{page:?}");
        let words = format!("{words} --format json");
        let json = sandbox
            .run(["usage"].into_iter().chain(words.split(' ')))
            .expect(0);
        assert!(
            json.stdout
                .iter()
                .all(|byte| matches!(byte, b'\n' | b' '..=b'~'))
        );
    }
    for words in [
        "log --by principal,api --format csv",
        "log --throttled --format csv",
    ] {
        let csv = usage(&sandbox, words, 0).stdout;
        let mut rows = csv::Reader::from_reader(&*csv);
        let rows: Vec<_> = rows.records().map(|row| row.unwrap()).collect();
        assert_eq!(rows.len(), names.len());
        for cell in rows.iter().flatten() {
            assert!(
                !cell.starts_with(['=', '+', '-', '@', '\t', '\r']),
                "{cell}"
            );
            assert!(!cell.contains('\u{1b}'), "{cell}");
        }
    }
    let metrics = "--metrics errors,throttles,access,principals,accounts";
    let text = usage(&sandbox, &format!("log {metrics} --format openmetrics"), 0).out;
    // Two names are not ASCII or no printable text, and count together.
    assert_eq!(
        samples(&text)
            .iter()
            .filter(|(series, ..)| series.starts_with("api_count_calls"))
            .count(),
        5
    );
    let emf = usage(&sandbox, &format!("log {metrics} --format emf"), 0).out;
    let documents = emf.lines().map(serde_json::from_str::<Value>);
    assert!(documents.into_iter().all(|document| document.is_ok()));
    let template = usage(&sandbox, "log --dashboard cloudformation --alarm Get=1", 0).out;
    assert!(
        !template.contains("resolve") && !template.contains("calc"),
        "{template}"
    );
}

// Dashboards and alarms.

#[test]
fn dashboards_and_alarms_are_those_of_the_apis_in_use() {
    let sandbox = day();
    let body = usage(&sandbox, "day --dashboard json --top 2", 0);
    assert_snapshot!("dashboard", body.out);
    let words =
        "day --dashboard cloudformation --alarm ec2:describeinstances=100 --alarm GetUser=5/1h";
    let template = usage(&sandbox, words, 0);
    assert_snapshot!("template", template.out);
    let template = template.summary();
    let resources = template["Resources"].as_object().unwrap();
    let embedded = at(
        &template,
        "Resources/Dashboard/Properties/DashboardBody/Fn::Sub",
    );
    let embedded: Value = serde_json::from_str(embedded.as_str().unwrap()).unwrap();
    let widgets = embedded["widgets"].as_array().unwrap();
    assert_eq!(widgets.len(), 1 + 3);
    for widget in widgets {
        assert_eq!(widget["properties"]["region"], "${AWS::Region}");
        let right = sum(&widget["x"]) + sum(&widget["width"]);
        assert!(right <= 24, "{widget}");
    }
    // All regions, also those that no record names.
    let described = &resources["Alarm1DescribeInstances"]["Properties"];
    assert_eq!(
        described["Metrics"][0]["Expression"],
        "SELECT SUM(\"DescribeInstances\") FROM SCHEMA(\"API-COUNT\", \"awsRegion\", \"eventSource\") \
         WHERE \"eventSource\" = 'ec2.amazonaws.com'"
    );
    assert_eq!(described["Threshold"], 100);
    assert_eq!(described["TreatMissingData"], "notBreaching");
    let hourly = &resources["Alarm2GetUser"]["Properties"];
    assert_eq!(hourly["Metrics"][0]["Period"], 3600);
    for alarm in [described, hourly] {
        let period = sum(&alarm["Metrics"][0]["Period"]);
        assert!(period * sum(&alarm["EvaluationPeriods"]) <= 3 * 3600);
    }
    let alarms_only = usage(&sandbox, "day --alarm GetUser=5", 0).summary();
    assert_eq!(alarms_only["Resources"].as_object().unwrap().len(), 1);
    let lint = installed("deploy-venv", "cfn-lint");
    for (name, template) in [("both", &template), ("alarms", &alarms_only)] {
        let path = sandbox.write(format!("{name}.json"), template.to_string());
        let output = Command::new(&lint).arg(path).output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{name}: {said}");
    }
}

/// An alarm on more than three hours adds up the regions that are known.
#[test]
fn an_alarm_that_cannot_watch_everything_says_so() {
    let sandbox = Sandbox::new();
    let records: Vec<Value> = (0..12)
        .map(|n| {
            call(
                n,
                "2026-09-07T08:00:00Z",
                "ann",
                "s3:Get",
                &format!("xx-west-{n}"),
            )
        })
        .collect();
    sandbox.write("log", log(&records));
    let ended = sandbox.run(["usage", "log", "--alarm", "Get=5"]).expect(0);
    assert_eq!(ended.err, "");
    let metrics = at(&ended.summary(), "Resources/Alarm1Get/Properties/Metrics").clone();
    assert_eq!(metrics.as_array().unwrap().len(), 1);
    for period in ["6h", "1d"] {
        let alarm = format!("Get=5/{period}");
        let ended = sandbox.run(["usage", "log", "--alarm", &alarm]).expect(0);
        let known = "in the 10 of 12 regions with most calls";
        assert!(ended.err.contains(known), "{}", ended.err);
        let properties = &ended.summary()["Resources"]["Alarm1Get"]["Properties"];
        assert_eq!(properties["Metrics"].as_array().unwrap().len(), 11);
        let told = properties["AlarmDescription"].as_str().unwrap();
        assert!(told.contains(known), "{told}");
    }
}

// Prices.

#[test]
fn prices_are_told() {
    let sandbox = day();
    let run = |words: &str| {
        let words = ["usage", "price"].into_iter().chain(words.split(' '));
        sandbox.run(words).expect(0)
    };
    assert_snapshot!("price", run("day --top 2").out);
    let json = run("day --top 2 --format json");
    assert_snapshot!("price_json", normal(&json.out));
    assert_snapshot!("price_csv", run("day --top 2 --format csv").out);
    let short = run("day --since 2026-09-07T09:00:00Z --until 2026-09-07T10:00:00Z").out;
    assert!(short.contains("this is a guess"), "{short}");
    // 24 hours, in each of which ann describes instances in one region, and bob in another.
    let calls = &json.summary()["sets"][0]["uncapped"];
    assert_eq!(calls["metrics"], 4);
    assert_eq!(calls["metric_months"], "3.0417");
    assert_eq!(calls["usd"], "0.9125");
}

// The event history, and real logs.

#[test]
fn the_event_history_is_read_as_well() {
    let lab =
        Lab::new(|world, now| world.region(ANN, "eu-west-1", busy(ANN, "eu-west-1", 170, now)));
    let mut command = lab.trailtab(ANN);
    command.args(["usage", "--quiet", "--by", "region", "--format", "json"]);
    let report = lab.sandbox.finish(command, b"").expect(0).summary();
    assert_eq!(report["rows"][0]["region"], "eu-west-1");
    assert_eq!(report["totals"]["calls"], 170);
    assert!(sum(at(&report, "coverage/event_history/requests")) >= 4);
    assert!(lab.server.violations().is_empty());
}

/// Calls per API, region and service in a folder, counted by the fields of each record as AWS API Usage Tracker does,
/// but each record once.
fn counted_naively(folder: &Path) -> BTreeMap<Vec<String>, u64> {
    let mut records = Vec::new();
    for path in files_below(folder) {
        let bytes = plain(fs::read(path).unwrap());
        if let Ok(json) = serde_json::from_slice(&bytes) {
            records_in(&json, &mut records);
        }
    }
    let mut seen = BTreeSet::new();
    let mut counts = BTreeMap::new();
    for record in &records {
        if !seen.insert(record["eventID"].to_string()) {
            continue;
        }
        let text = |field: &str| record[field].as_str().unwrap_or("-").to_owned();
        let api = format!("{}:{}", text("eventSource"), text("eventName"));
        *counts.entry(vec![api, text("awsRegion")]).or_default() += 1;
    }
    counts
}

#[test]
fn real_logs_give_the_counts_of_activity_and_of_aws_api_usage_tracker() {
    if is_skipped() {
        return;
    }
    let sandbox = Sandbox::new();
    for folder in ["invictus", "stratus", "cloudtrail_watcher", "trailscraper"] {
        let path = data().join(folder);
        let words = format!("{} --by api,region", path.display());
        let report = report(&sandbox, &words, 0);
        assert_eq!(report["coverage"]["incomplete"], 0, "{folder}");
        let mine = calls_by(&report, &["api", "region"]);
        assert_eq!(mine, counted_naively(&path), "{folder}");
        let summary = sandbox.activity([&path]);
        let mut activity = BTreeMap::new();
        for (region, apis) in summary["api_calls_by_region"].as_object().unwrap() {
            for (api, calls) in apis.as_object().unwrap() {
                activity.insert(vec![api.clone(), region.clone()], sum(calls));
            }
        }
        assert_eq!(mine, activity, "{folder}");
        let failed = crate::support::sum_of(at(&summary, "trailtab/accounts"), "failed");
        assert_eq!(report["totals"]["errors"], failed, "{folder}");
        let text = usage(
            &sandbox,
            &format!("{} --format openmetrics", path.display()),
            0,
        )
        .out;
        let sum: u64 = samples(&text).iter().map(|(_, value, _)| value).sum();
        assert_eq!(report["totals"]["calls"], sum, "{folder}");
    }
}

#[test]
fn all_queries_count_the_same_calls() {
    let sandbox = Sandbox::new();
    sandbox
        .run(["demo", "-q", "--events", "2000", "--output", "demo"])
        .expect(0);
    let all = report(&sandbox, "demo", 0);
    for words in [
        "--by region",
        "--by account,principal",
        "--per minute",
        "--per day --by principal --top 3",
        "--top 1",
    ] {
        let report = report(&sandbox, &format!("demo {words}"), 0);
        assert_eq!(report["totals"], all["totals"], "{words}");
    }
}
