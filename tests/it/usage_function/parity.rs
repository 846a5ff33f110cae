//! The function and `trailtab usage` give the same numbers for the same events.

use serde_json::{Value, json};

use super::lab::{Counts, Lab, assert_counts};
use crate::support::calls::{ANN, BOB, Calls, numbered, payload, with};
use crate::support::emf;
use crate::support::metrics::sums;
use crate::support::{Sandbox, trail};

const SETS: &str = "errors,throttles,access,principals,accounts";

/// Calls of all kinds, some of them repeated, and some that belong to no metric.
fn records() -> Vec<Value> {
    let calls = Calls {
        accounts: vec![ANN, BOB],
        errors: vec!["", "", "AccessDenied", "ThrottlingException"],
        apis: 60,
        ..Calls::new(1200)
    };
    let mut records = calls.records();
    records.extend_from_within(100..200);
    for (seed, members) in [
        json!({ "awsRegion": null }),
        json!({ "eventTime": "soon" }),
        json!({ "eventName": "Größe" }),
        json!({ "errorMessage": "Rate exceeded" }),
    ]
    .iter()
    .enumerate()
    {
        records.push(with(numbered(seed as u64 + 90_000), members));
    }
    records
}

/// The metrics that the command line makes from a file.
fn by_command_line(name: &str, file: &[u8], args: &[&str]) -> Counts {
    let sandbox = Sandbox::new();
    let path = sandbox.write(name, file);
    let args = [&["usage", "--quiet", "--format", "emf"], args].concat();
    let args = args.into_iter().chain(path.to_str());
    let ended = sandbox.run(args).expect(0);
    sums(&emf::read(ended.out.lines()))
}

#[test]
fn the_function_and_the_command_line_count_the_same() {
    let records = records();
    for (settings, args) in [
        (&[][..], &[][..]),
        (&[("TRAILTAB_USAGE_METRICS", SETS)], &["--metrics", SETS]),
        (
            &[
                ("TRAILTAB_USAGE_METRICS", SETS),
                ("TRAILTAB_USAGE_TOP", "10"),
            ],
            &["--metrics", SETS, "--top", "10"],
        ),
        (
            &[("TRAILTAB_USAGE_NAMESPACE", "mine")],
            &["--namespace", "mine"],
        ),
    ] {
        let mut lab = Lab::new(settings);
        lab.deliver(&records);
        let texts: Vec<_> = records.iter().map(Value::to_string).collect();
        let found = by_command_line("log.json.gz", &trail::gzip(&texts), args);
        assert_counts(&found, &lab.sums());
        let found = by_command_line("payload.json", &payload(&records), args);
        assert_counts(&found, &lab.sums());
    }
}
