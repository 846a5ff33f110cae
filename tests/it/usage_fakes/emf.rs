//! The reader of embedded metric format adds up what is well formed, and refuses the rest.

use serde_json::{Value, json};

use crate::support::emf::{data, read};
use crate::support::metrics::clock;

/// A document with two metrics, one of them with several values.
fn document() -> Value {
    json!({
        "_aws": {
            "Timestamp": (clock() * 1000.0) as u64,
            "CloudWatchMetrics": [{
                "Namespace": "n",
                "Dimensions": [["a", "b"], ["a"]],
                "Metrics": [{ "Name": "x", "Unit": "Count" }, { "Name": "y" }],
            }],
        },
        "a": "1", "b": "2", "x": 3, "y": [1, 1, 5], "other": null,
    })
}

fn edited(change: impl Fn(&mut Value)) -> String {
    let mut document = document();
    change(&mut document);
    document.to_string()
}

#[test]
fn metrics_add_up() {
    let lines = [
        document().to_string(),
        r#"{"level":"INFO","message":"no metrics"}"#.to_owned(),
        document().to_string(),
    ];
    let table = read(&lines);
    let mut kept: Vec<_> = table
        .into_iter()
        .map(|(key, kept)| (key.name, key.dimensions.len(), kept.sum, kept.samples))
        .collect();
    // Between the two documents a minute may have passed.
    kept.dedup_by(|later, earlier| {
        let is_same = (&later.0, later.1) == (&earlier.0, earlier.1);
        if is_same {
            earlier.2 += later.2;
            earlier.3 += later.3;
        }
        is_same
    });
    kept.sort();
    let expected = [
        ("x", 1, 6, 2),
        ("x", 2, 6, 2),
        ("y", 1, 14, 6),
        ("y", 2, 14, 6),
    ];
    assert_eq!(
        kept,
        expected.map(|(name, n, sum, count)| (name.to_owned(), n, sum, count))
    );
}

#[test]
fn what_cloudwatch_would_drop_is_a_fault() {
    let directive = |name: &'static str, value: Value| {
        edited(move |it| it["_aws"]["CloudWatchMetrics"][0][name] = value.clone())
    };
    let member = |name: &'static str, value: Value| edited(move |it| it[name] = value.clone());
    let metrics = |count: usize| {
        let metric = |number: usize| json!({ "Name": format!("m{number}") });
        let metrics: Vec<_> = (0..count).map(metric).collect();
        edited(move |it| {
            it["_aws"]["CloudWatchMetrics"][0]["Metrics"] = metrics.clone().into();
            for number in 0..count {
                it[format!("m{number}")] = 1.into();
            }
        })
    };
    let time = |seconds: f64| {
        edited(move |it| it["_aws"]["Timestamp"] = json!(((clock() + seconds) * 1000.0) as u64))
    };
    assert_eq!(data(&metrics(100)).unwrap().len(), 200);
    let twice = document()
        .to_string()
        .replacen("\"x\":3", "\"x\":3,\"x\":3", 1);
    let faults = [
        (metrics(101), "101 metrics"),
        (directive("Metrics", json!([])), "0 metrics"),
        (
            directive("Metrics", json!([{ "Name": "z" }])),
            "z has no value",
        ),
        (
            directive("Metrics", json!([{ "Name": "a" }])),
            "is no number",
        ),
        (
            directive("Metrics", json!([{ "Name": "x", "Unit": "Calls" }])),
            "Unit",
        ),
        (
            directive("Metrics", json!([{ "Name": "x", "StorageResolution": 5 }])),
            "Resolution",
        ),
        (
            directive("Dimensions", json!(["a"])),
            "Dimensions is no array",
        ),
        (directive("Dimensions", json!([["c"]])), "c has no value"),
        (directive("Dimensions", json!([["x"]])), "x is no string"),
        (
            directive("Dimensions", json!([vec!["a"; 31]])),
            "greater than 30",
        ),
        (directive("Namespace", json!("AWS/x")), "Namespace"),
        (directive("Namespace", json!(null)), "Namespace"),
        (member("x", json!(vec![1; 101])), "101 values"),
        (member("x", json!([])), "0 values"),
        (member("x", json!("3")), "is no number"),
        (member("a", json!("")), "required"),
        (member("a", json!("é")), "ASCII"),
        (member("a", json!(1)), "a is no string"),
        (member("b", json!("v".repeat(1025))), "shorter"),
        (member("more", json!("v".repeat(1 << 18))), "bytes"),
        (time(-14.0 * 86_400.0 - 60.0), "two weeks"),
        (time(7200.0 + 60.0), "two hours"),
        (
            edited(|it| it["_aws"]["Timestamp"] = json!("now")),
            "Timestamp",
        ),
        (
            edited(|it| it["_aws"] = json!({ "Timestamp": 1 })),
            "CloudWatchMetrics",
        ),
        (twice, "two members are named x"),
        ("no JSON".to_owned(), "expected"),
        ("[]".to_owned(), "an object"),
    ];
    for (line, words) in faults {
        let fault = data(&line).expect_err(words);
        assert!(fault.contains(words), "{words}: {fault}");
    }
}
