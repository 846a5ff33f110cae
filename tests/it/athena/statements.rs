//! Values that others choose never change what a statement is.

use super::*;

/// Values that would end a literal, a name, a pattern or a statement, were they not quoted.
const HOSTILE: [&str; 14] = [
    "'",
    "''",
    "'; DROP TABLE x; --",
    "' OR '1'='1",
    "\\'",
    "\\",
    "\"; --",
    "/* */",
    "a\nb\r\nc",
    "100%_x",
    "ü-Müller-\u{1f600}",
    "\u{2028}\u{fffd}",
    "${account}",
    "?*?",
];

const OPTIONS: [&str; 8] = [
    "--event-name",
    "--user-agent",
    "--principal",
    "--session",
    "--resource",
    "--error-code",
    "--event-source",
    "--person",
];

fn record(number: u64, value: &str) -> String {
    let mut record: Value = serde_json::from_str(&trail::call(
        number,
        ANN,
        "us-east-1",
        "2026-09-07T08:00:00Z",
    ))
    .unwrap();
    for name in ["eventName", "userAgent", "errorCode", "eventSource"] {
        record[name] = value.into();
    }
    record["userIdentity"]["userName"] = value.into();
    record["userIdentity"]["accessKeyId"] = value.into();
    record["requestParameters"] = json!({"bucketName": value});
    record.to_string()
}

/// Puts a record with each hostile value, and one with all of them.
fn hostile_lake(bucket: &'static str) -> Lake {
    let mut lake = Lake::new(bucket);
    let records = (0..)
        .zip(HOSTILE)
        .map(|(number, value)| record(number, value));
    let records: Vec<String> = records
        .chain([record(99, "plain"), record(98, "a\0b")])
        .collect();
    let key = trail::key("AWSLogs/", ANN, "us-east-1", "2026/09/07", 1);
    let bytes = trail::gzip(&records);
    lake.put(&[File { key, bytes }]);
    lake.make_table("AWSLogs/", date(2026, 9, 1), &["us-east-1"]);
    lake
}

#[test]
fn hostile_values_of_filters_give_what_files_give() {
    let lake = hostile_lake("athena-hostile");
    let source = format!("s3://{}/AWSLogs/", lake.bucket);
    let verb = ["activity", "--quiet", "--no-output", "--format", "json"];
    // Several values in one run, each with its exception in another, so that few queries try all of them.
    for option in OPTIONS {
        for sign in ["", "!"] {
            let values = HOSTILE.map(|value| format!("{sign}{value}"));
            let values: Vec<&str> = values.iter().flat_map(|value| [option, value]).collect();
            let args = [&verb[..], &values].concat();
            let table = result(lake.ask(&args, &["--recount"]), 0);
            let files = result(lake.run(&[&args[..], &[&source]].concat()), 0);
            assert_agree(&table, &files, &format!("{option} {sign}"));
        }
    }
    assert_eq!(lake.refusals(), Ok(()));
}

/// The columns of statements by sqlglot, one number for each; a statement that is more than one is none.
const COUNT_COLUMNS: &str = "
import sys, sqlglot
for sql in sys.stdin.read().split('\\0'):
    trees = sqlglot.parse(sql, read='athena')
    print(len(trees), len(trees[0].expressions), len(list(trees[0].find_all(sqlglot.exp.Select))))
";

#[test]
fn a_hostile_value_changes_neither_columns_nor_statements() {
    let lake = hostile_lake("athena-hostile-shape");
    let mut statements = Vec::new();
    let mut print = |option: &str, values: &[String]| {
        let values: Vec<&str> = values.iter().flat_map(|value| [option, value]).collect();
        let args = [&["activity", "--print-sql", TABLE][..], &values].concat();
        statements.push(String::from_utf8(lake.run(&args).expect(0).stdout).unwrap());
    };
    for option in OPTIONS.into_iter().chain(["--request"]) {
        let path = if option == "--request" {
            "bucketName="
        } else {
            ""
        };
        // Words of ASCII, as other texts are left to the reader.
        let values = HOSTILE.iter().filter(|value| value.is_ascii());
        let (hostile, plain): (Vec<String>, Vec<String>) = values
            .map(|value| (format!("{path}{value}abcd"), format!("{path}plainabcd")))
            .unzip();
        print(option, &hostile);
        print(option, &plain);
    }
    let queries: Vec<&str> = statements.iter().map(String::as_str).collect();
    assert_eq!(refusals(&queries), Ok(()));
    let mut command = lake
        .sandbox
        .command(installed("test-venv", "python").to_str().unwrap());
    command.args(["-c", COUNT_COLUMNS]);
    let shapes = lake
        .sandbox
        .finish(command, queries.join("\0").as_bytes())
        .expect(0);
    let shapes: Vec<&str> = shapes.out.lines().collect();
    assert_eq!(shapes.len(), queries.len());
    for (pair, sql) in shapes.chunks(2).zip(queries.chunks(2)) {
        assert_eq!(pair[0], pair[1], "{}", sql[0]);
        assert!(pair[0].starts_with("1 "), "{}", sql[0]);
    }
}

#[test]
fn hostile_names_of_tables_and_accounts_start_nothing() {
    let lake = hostile_lake("athena-hostile-names");
    for address in [
        "athena://trailtab/x'; DROP TABLE y; --",
        "athena://trailtab/x\" OR 1=1",
        "athena://trailtab/\n",
        "athena://a\\b/c`d",
        "athena://w'g@trailtab/cloudtrail_logs",
    ] {
        let results = lake.results();
        let run = lake.run(&["activity", "--quiet", address, "--athena-results", &results]);
        assert!(
            matches!(run.code, Some(1 | 2)),
            "{address:?}: {:?} {}",
            run.code,
            run.err
        );
        assert!(!run.err.contains("panicked"), "{}", run.err);
    }
    assert_eq!(lake.athena.count("AmazonAthena.StartQueryExecution"), 0);
}
