//! `trailtab athena setup`: tables over the trails of a bucket, shown, made, compared and replaced.

use serde_json::json;

use crate::support::athena::{Athena, Fault};
use crate::support::bucket::{Bucket, Run, assert_same};
use crate::support::trail::{beside, log};
use crate::support::{Finished, Sandbox};

const ANN: &str = "111122223333";
const BOB: &str = "012345678901";
const NOW: &str = "2026-11-30T12:00:00Z";
const TABLE: &str = "athena://trailtab/cloudtrail_logs";

/// A bucket with log files, and the fake that reads it.
struct Trail {
    bucket: Bucket,
    athena: Athena,
}

impl Trail {
    /// Two accounts in two Regions each, and what lies beside their logs, below each root.
    fn new(name: &'static str, roots: &[&str]) -> Trail {
        Trail::in_bucket(Bucket::new(name), roots)
    }

    fn in_bucket(mut bucket: Bucket, roots: &[&str]) -> Trail {
        let mut number = 0;
        for root in roots {
            for (account, region) in [(ANN, "eu-west-1"), (ANN, "us-east-1"), (BOB, "us-east-1")] {
                for day in ["2026/09/07", "2026/10/01"] {
                    bucket.put(&[log(root, account, region, day, number)]);
                    number += 1;
                }
            }
            bucket.put(&beside(root, ANN, "eu-west-1"));
        }
        let athena = Athena::start();
        athena.set_time(NOW);
        let location = bucket.at("results/");
        let configuration = json!({"ResultConfiguration": {"OutputLocation": location}});
        athena.set_workgroup("primary", &configuration);
        Trail { bucket, athena }
    }

    fn setup(&self, prefix: &str, more: &[&str]) -> Finished {
        self.setup_with(prefix, more, &[])
    }

    /// The same with further variables of the environment.
    fn setup_with(&self, prefix: &str, more: &[&str], further: &[(&str, String)]) -> Finished {
        let sandbox = Sandbox::at(NOW);
        let mut command = sandbox.trailtab();
        command
            .args(["athena", "setup", &self.bucket.at(prefix)])
            .args(more)
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .envs(self.athena.access())
            .envs(further.iter().map(|(name, value)| (name, value)));
        sandbox.finish(command, b"")
    }

    fn activity(&self, source: &str) -> Run {
        let mut access = self.athena.access();
        access.push(("TRAILTAB_NOW", NOW.to_owned()));
        Run::of(&[source], &access)
    }

    /// Checks that a table is counted as the folder is.
    #[track_caller]
    fn counts_as(&self, table: &str, prefix: &str) {
        let files = self.activity(&self.bucket.at(prefix));
        files.is_complete();
        assert!(files.count("counted") > 0);
        let counted = self.activity(table);
        assert_eq!(counted.code, 0, "{}", counted.errors);
        assert_same(&files, &counted);
    }

    /// What the catalog says of a property of our table.
    fn property(&self, name: &str) -> String {
        let request = json!({"DatabaseName": "trailtab", "Name": "cloudtrail_logs"});
        let (_, answer) = self.athena.call("AWSGlue.GetTable", &request);
        let value = &answer["Table"]["Parameters"][name];
        value.as_str().unwrap_or_default().to_owned()
    }
}

/// The statements on standard output, which holds nothing else.
#[track_caller]
fn statements(finished: &Finished) -> Vec<String> {
    let text = finished.out.strip_suffix(";\n").expect(&finished.out);
    let statements: Vec<_> = text.split(";\n").map(str::to_owned).collect();
    for statement in &statements {
        let starts = ["CREATE ", "DROP "]
            .iter()
            .any(|it| statement.starts_with(it));
        assert!(starts, "{statement}");
    }
    statements
}

#[track_caller]
fn says(finished: &Finished, words: &[&str]) {
    for word in words {
        assert!(finished.err.contains(word), "{word:?} in {}", finished.err);
    }
}

/// Shows, makes and counts a table in a layout.
#[track_caller]
fn check(name: &'static str, root: &str, prefix: &str) {
    let trail = Trail::new(name, &[root]);
    let shown = trail.setup(prefix, &[]).expect(0);
    assert_eq!(trail.athena.calls().len(), 0, "nothing is run or asked");
    assert_eq!(statements(&shown).len(), 2);
    let place = trail.bucket.at(root);
    let found = [
        BOB,
        ANN,
        "eu-west-1, us-east-1",
        "2026-09-07",
        TABLE,
        &place,
    ];
    says(&shown, &found);
    says(&shown, &["nothing was made", "--yes"]);
    let made = trail.setup(prefix, &["--yes"]).expect(0);
    assert_eq!(made.out, shown.out, "what was shown is run");
    assert_eq!(trail.athena.statements(), statements(&made));
    says(
        &made,
        &[
            &format!("made {TABLE}"),
            &format!("trailtab activity {TABLE}"),
        ],
    );
    let regions = trail.property("projection.region.values");
    assert!(regions.contains("ap-southeast-4"), "{regions}");
    trail.counts_as(TABLE, root);
}

#[test]
fn a_table_over_a_single_account_s_trail() {
    check("setup-plain", "AWSLogs/", "");
}

#[test]
fn a_table_over_an_organization_s_trail() {
    check(
        "setup-organization",
        "trails/AWSLogs/o-a1b2c3d4e5/",
        "trails",
    );
}

#[test]
fn a_table_over_control_tower_s_trail() {
    let root = "o-a1b2c3d4e5/AWSLogs/o-a1b2c3d4e5/";
    check("setup-control-tower", root, "o-a1b2c3d4e5/");
}

#[test]
fn a_table_is_over_the_whole_trail_that_a_folder_lies_in() {
    let trail = Trail::new("setup-part", &["AWSLogs/"]);
    let shown = trail.setup(&format!("AWSLogs/{ANN}/CloudTrail/eu-west-1/2026/10/"), &[]);
    let shown = shown.expect(0);
    says(
        &shown,
        &["not only the folder that was named", "2026-09-07"],
    );
    assert!(
        shown.out.contains("LOCATION 's3://setup-part/AWSLogs/'"),
        "{}",
        shown.out
    );
}

#[test]
fn each_trail_of_a_bucket_gets_a_table() {
    let roots = ["AWSLogs/", "AWSLogs/o-a1b2c3d4e5/"];
    let trail = Trail::new("setup-several", &roots);
    let made = trail.setup("", &["--yes"]).expect(0);
    says(&made, &["2 places", "there is a table for each"]);
    let created = trail.athena.statements();
    assert_eq!(created.len(), 3, "one database: {created:?}");
    trail.counts_as(&format!("{TABLE}_o_a1b2c3d4e5"), roots[1]);
    let request = json!({"DatabaseName": "trailtab", "Name": "cloudtrail_logs"});
    let (status, _) = trail.athena.call("AWSGlue.GetTable", &request);
    assert_eq!(status, 200);
}

#[test]
fn the_database_the_table_and_the_first_day_are_the_user_s() {
    let trail = Trail::new("setup-named", &["AWSLogs/"]);
    trail.athena.make_database("security");
    let location = "s3://setup-named/audit/";
    let configuration = json!({"ResultConfiguration": {"OutputLocation": location}});
    trail.athena.set_workgroup("audit", &configuration);
    let named = [
        "--yes",
        "--table",
        "audit@security/trail",
        "--since",
        "2026-10-01",
    ];
    let made = trail.setup("", &named).expect(0);
    says(&made, &["trailtab activity athena://audit@security/trail"]);
    // A caller without the permission to make databases can use one that exists.
    let [create] = &statements(&made)[..] else {
        panic!("{}", made.out);
    };
    assert!(create.contains("'2026/10/01,NOW'"), "{create}");
    let calls = trail.athena.calls();
    let start = calls
        .iter()
        .find(|it| it.operation.ends_with("StartQueryExecution"));
    let start = &start.unwrap().request;
    assert_eq!(start["WorkGroup"], "audit");
    assert_eq!(start["ResultConfiguration"]["OutputLocation"], location);
}

#[test]
fn a_table_that_exists_and_is_the_same_is_left() {
    let trail = Trail::new("setup-again", &["AWSLogs/"]);
    // It may begin earlier.
    trail
        .setup("", &["--yes", "--since", "2026-01-01"])
        .expect(0);
    let count = trail.athena.statements().len();
    for more in [&["--yes"][..], &["--yes", "--replace"]] {
        let again = trail.setup("", more).expect(0);
        says(&again, &["exists already, and is the same"]);
        assert_eq!(again.out, "");
    }
    assert_eq!(trail.athena.statements().len(), count);
}

#[test]
fn a_table_that_differs_is_replaced_only_if_that_is_asked_for() {
    let mut trail = Trail::new("setup-differs", &["AWSLogs/"]);
    trail.setup("", &["--yes"]).expect(0);
    let count = trail.athena.statements().len();
    trail.bucket.put(&[
        log("AWSLogs/", BOB, "eu-west-99", "2026/10/01", 100),
        log("AWSLogs/", BOB, "us-east-1", "2026/08/30", 101),
    ]);
    let refused = trail.setup("", &["--yes"]).expect(1);
    says(
        &refused,
        &[
            "lacks the Regions eu-west-99",
            "2026-08-30",
            "--replace",
            "deletes no log file",
        ],
    );
    assert_eq!(trail.athena.statements().len(), count);
    // The same statements as those that made it, once more.
    for _ in 0..2 {
        let replaced = trail.setup("", &["--yes", "--replace"]).expect(0);
        let run = &trail.athena.statements()[count..];
        assert_eq!(run.len(), 2, "{run:?}");
        if !replaced.out.is_empty() {
            says(&replaced, &[&format!("replaced {TABLE}")]);
            assert_eq!(run, statements(&replaced));
        }
    }
    trail.counts_as(TABLE, "AWSLogs/");
    let elsewhere = Trail::new("setup-differs-2", &["AWSLogs/"]);
    let table = elsewhere.bucket.at("AWSLogs/");
    let shown = elsewhere.setup("", &["--replace"]).expect(0);
    trail.athena.run("DROP TABLE trailtab.cloudtrail_logs");
    trail.athena.run(&statements(&shown)[2]);
    let refused = trail.setup("", &["--yes"]).expect(1);
    says(
        &refused,
        &[
            &format!("it lies at {table}, not at"),
            "storage.location.template",
        ],
    );
}

#[test]
fn a_table_of_another_kind_is_never_replaced() {
    let trail = Trail::new("setup-foreign", &["AWSLogs/"]);
    trail.athena.make_database("trailtab");
    let place = trail.bucket.at("orders/");
    let create =
        format!("CREATE EXTERNAL TABLE trailtab.cloudtrail_logs (id string) LOCATION '{place}'");
    trail.athena.run(&create);
    let differs = trail.setup("", &["--yes"]).expect(1);
    says(&differs, &["lacks columns", &format!("it lies at {place}")]);
    let refused = trail.setup("", &["--yes", "--replace"]).expect(1);
    says(
        &refused,
        &["is not a table over log files of CloudTrail", "--table"],
    );
    assert_eq!(trail.athena.statements().len(), 0);
}

#[test]
fn a_table_is_made_again_after_it_was_removed() {
    let trail = Trail::new("setup-removed", &["AWSLogs/"]);
    for _ in 0..2 {
        trail.setup("", &["--yes"]).expect(0);
        trail.athena.run("DROP TABLE trailtab.cloudtrail_logs");
    }
}

#[test]
fn refusals_name_what_to_allow() {
    let cases = [
        (
            "setup-denied-glue",
            Fault::Deny {
                operation: "AWSGlue.GetTable",
            },
            "cannot look up",
        ),
        (
            "setup-denied-start",
            Fault::Deny {
                operation: "AmazonAthena.StartQueryExecution",
            },
            "cannot create the database of",
        ),
        (
            "setup-denied-query",
            Fault::Fail {
                reason: "FAILED: AccessDeniedException: not authorized to perform: glue:CreateDatabase",
                retryable: false,
            },
            "not authorized to perform: glue:CreateDatabase",
        ),
    ];
    for (name, fault, words) in cases {
        let trail = Trail::new(name, &["AWSLogs/"]);
        trail.athena.plan(&fault);
        let denied = trail.setup("", &["--yes"]).expect(1);
        let needs = [
            "Setup needs athena:GetWorkGroup",
            "glue:CreateTable, and glue:DeleteTable",
        ];
        says(&denied, &needs);
        says(&denied, &[words, TABLE]);
    }
}

#[test]
fn a_workgroup_without_a_place_for_results_is_told_before_a_table_is_made() {
    let trail = Trail::new("setup-no-place", &["AWSLogs/"]);
    trail.athena.set_workgroup("bare", &json!({}));
    let refused = trail.setup("", &["--yes", "--table", "bare@d/t"]).expect(1);
    says(&refused, &["--athena-results"]);
    assert_eq!(trail.athena.statements().len(), 0);
}

#[test]
fn a_bucket_of_another_region_is_told() {
    let bucket = Bucket::in_region("setup-region", "eu-west-1");
    let through_proxy = format!("http://127.0.0.1:{}", bucket.proxy.port);
    let trail = Trail::in_bucket(bucket, &["AWSLogs/"]);
    let further = [("AWS_ENDPOINT_URL", through_proxy)];
    let shown = trail.setup_with("", &[], &further).expect(0);
    says(
        &shown,
        &["the bucket is in eu-west-1", "AWS_REGION=eu-west-1"],
    );
}

#[test]
fn quotes_and_backslashes_in_a_prefix_are_only_text() {
    let root = r#"it's; DROP TABLE x;\' "b" --/AWSLogs/"#;
    let trail = Trail::new("setup-quotes", &[root]);
    trail.setup("", &["--yes"]).expect(0);
    let request = json!({"DatabaseName": "trailtab", "Name": "cloudtrail_logs"});
    let (_, answer) = trail.athena.call("AWSGlue.GetTable", &request);
    let location = &answer["Table"]["StorageDescriptor"]["Location"];
    assert_eq!(location, &trail.bucket.at(root));
    trail.counts_as(TABLE, root);
}

#[test]
fn prefixes_that_athena_reads_otherwise_are_refused() {
    let cases = [
        ("setup-placeholder", "x${account}/AWSLogs/", "placeholder"),
        ("setup-glob", "x*/AWSLogs/", "wildcards"),
        ("setup-slashes", "x//AWSLogs/", "double slash"),
        ("setup-bidi", "x\u{202e}/AWSLogs/", "reorder text"),
    ];
    for (name, root, reason) in cases {
        let trail = Trail::new(name, &[root]);
        let refused = trail.setup(root, &["--yes"]).expect(1);
        says(&refused, &["cannot be made", reason]);
        assert_eq!(refused.out, "");
        assert_eq!(trail.athena.calls().len(), 0);
    }
}

#[test]
fn faults_of_the_arguments_are_told() {
    let mut trail = Trail::new("setup-faults", &["AWSLogs/"]);
    let table = |name| trail.setup("", &["--table", name]);
    says(&table("cat.d/t").expect(2), &["Glue's catalog"]);
    says(
        &table("d/it's").expect(1),
        &["cannot be the name of a table"],
    );
    table("d").expect(2);
    let sandbox = Sandbox::new();
    sandbox.run(["athena", "setup", "."]).expect(2);
    trail
        .bucket
        .put(&[log("other/AWSLogs/", ANN, "eu-west-1", "2999/01/01", 1)]);
    says(&trail.setup("other/", &[]).expect(1), &["--since"]);
    says(
        &trail.setup("none/", &[]).expect(1),
        &["no log files under"],
    );
    says(
        &trail.setup("results/", &[]).expect(1),
        &["no log files under"],
    );
}
