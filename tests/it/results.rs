//! No file is overwritten or half written, and no temporary file is left behind.

#![cfg(unix)]

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};

use serde_json::Value;

use crate::lookup_events::lab::{ANN, Lab, busy, now};
use crate::support::{Finished, Sandbox, files_below, without_times};

const LOG: &str = r#"{"Records":[{
    "eventVersion": "1.11",
    "userIdentity": { "type": "IAMUser", "accountId": "111122223333", "userName": "ann" },
    "eventTime": "2026-09-07T08:00:00Z",
    "eventSource": "ec2.amazonaws.com",
    "eventName": "DescribeInstances",
    "awsRegion": "eu-west-1",
    "sourceIPAddress": "192.0.2.10",
    "userAgent": "aws-cli/2.17.0",
    "eventID": "00000000-0000-4000-8000-000000000001",
    "recipientAccountId": "111122223333"
}]}"#;

/// A place with one log.
fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("log.json", LOG);
    sandbox
}

/// Runs a line of shell, in which `trailtab` is the program.
fn shell(sandbox: &Sandbox, line: &str) -> Finished {
    let mut command = sandbox.command("/bin/sh");
    let program = env!("CARGO_BIN_EXE_trailtab");
    command
        .arg("-c")
        .arg(line.replace("trailtab", &format!("'{program}'")));
    sandbox.finish(command, b"")
}

/// The names in a directory, those that begin with a dot among them.
fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).unwrap();
    let mut names: Vec<_> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn twenty_runs_at_the_same_time_leave_twenty_results() {
    for extra in [&[][..], &["--dump-raw-cloudtrail-data", "--plot-results"]] {
        let sandbox = sandbox();
        let run = |_| -> Child {
            let mut command = sandbox.trailtab();
            let args = ["activity", "log.json", "--quiet"];
            command
                .args(args)
                .args(extra)
                .stdout(Stdio::piped())
                .stderr(Stdio::piped());
            command.spawn().unwrap()
        };
        let children: Vec<Child> = (0..20).map(run).collect();
        let mut told: Vec<PathBuf> = Vec::new();
        for child in children {
            let output = child.wait_with_output().unwrap();
            assert!(output.status.success(), "{output:?}");
            let path = String::from_utf8(output.stdout).unwrap();
            told.push(sandbox.path(path.trim_end()));
        }
        told.sort();
        told.dedup();
        assert_eq!(told.len(), 20);
        for path in &told {
            let summary: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
            assert_eq!(summary["trailtab"]["counts"]["counted"], 1);
            if !extra.is_empty() {
                // All files of a run begin with its name.
                let stem = path.with_extension("").display().to_string();
                let (charts, raw) = (
                    format!("{stem}_plots"),
                    format!("{stem}_raw_cloudtrail_data"),
                );
                assert!(files_below(Path::new(&charts)).len() > 5);
                let copy = fs::read_to_string(Path::new(&raw).join("eu-west-1.jsonl")).unwrap();
                assert_eq!(copy.lines().count(), 1);
            }
        }
        let expected = if extra.is_empty() { 20 } else { 60 };
        assert_eq!(names(&sandbox.path("results")).len(), expected);
    }
}

#[test]
fn planted_links_are_not_followed() {
    let sandbox = sandbox();
    let victim = sandbox.write("victim", "precious");
    fs::create_dir(sandbox.path("results")).unwrap();
    fs::create_dir(sandbox.path("elsewhere")).unwrap();
    // The exact time of the run is unknown, but it is within ten minutes.
    for second in 0..600 {
        let time = jiff::Timestamp::from_second(now() + second).unwrap();
        let time = time.strftime("%Y%m%d%H%M%S");
        let stem = sandbox.path(format!("results/account_activity_111122223333_{time}"));
        let with = |ending: &str| PathBuf::from(format!("{}{ending}", stem.display()));
        symlink(&victim, with(".json")).unwrap();
        symlink(sandbox.path("missing"), with("_2.json")).unwrap();
        symlink(sandbox.path("elsewhere"), with("_3_plots")).unwrap();
        symlink(sandbox.path("elsewhere"), with("_4_raw_cloudtrail_data")).unwrap();
    }
    let args = [
        "activity",
        "log.json",
        "--plot-results",
        "--dump-raw-cloudtrail-data",
    ];
    let ended = sandbox.run(args).expect(0);
    assert!(
        ended
            .err
            .contains("wrote results/account_activity_111122223333_TIME_5.json\n")
    );
    assert_eq!(fs::read_to_string(victim).unwrap(), "precious");
    assert!(!sandbox.path("missing").exists());
    assert_eq!(names(&sandbox.path("elsewhere")), [""; 0]);
}

#[test]
fn what_cannot_be_written_leaves_nothing_behind() {
    let sandbox = sandbox();
    let ended = sandbox
        .run(["activity", "log.json", "--output", "log.json/x"])
        .expect(1);
    assert!(
        ended.err.contains("cannot write log.json/x"),
        "{}",
        ended.err
    );
    // A disk that is full after some blocks.
    let full = |blocks: u32, args: &str| {
        shell(
            &sandbox,
            &format!("trap '' XFSZ; ulimit -f {blocks}; exec trailtab {args}"),
        )
    };
    let activity = "activity log.json --output full --dump-raw-cloudtrail-data --plot-results";
    let ended = full(1, activity).expect(1);
    assert!(ended.err.contains("File too large"), "{}", ended.err);
    assert_eq!(names(&sandbox.path("full")), [""; 0]);
    // There is room for the summary, and for no chart.
    let ended = full(16, activity).expect(1);
    assert!(ended.err.contains("File too large"), "{}", ended.err);
    let left: Vec<_> = names(&sandbox.path("full"))
        .iter()
        .map(|name| without_times(name))
        .collect();
    assert_eq!(left, ["account_activity_111122223333_TIME.json"]);
    let json = format!("full/{}", names(&sandbox.path("full"))[0]);
    full(16, &format!("plot {json} --output charts")).expect(1);
    assert_eq!(names(&sandbox.path("charts")), [""; 0]);
}

#[test]
fn records_are_for_their_owner_and_results_as_the_umask_says() {
    let lab =
        Lab::new(|world, now| world.region(ANN, "eu-west-1", busy(ANN, "eu-west-1", 60, now)));
    let mut command = lab.trailtab(ANN);
    let program = command.get_program().to_str().unwrap().to_owned();
    command = lab.sandbox.command("/bin/sh");
    command.envs(lab.server.environment(ANN)).arg("-c").arg(format!(
        "umask 022; exec '{program}' activity --archive archive --plot-results --dump-raw-cloudtrail-data"
    ));
    lab.sandbox.finish(command, b"").expect(0);
    let mut checked = 0;
    for folder in ["archive", "results"] {
        let folder = lab.sandbox.path(folder);
        let mut paths = files_below(&folder);
        let folders: Vec<_> = paths
            .iter()
            .flat_map(|path| {
                path.ancestors()
                    .take_while(|path| path.starts_with(&folder))
                    .skip(1)
            })
            .map(Path::to_owned)
            .collect();
        paths.extend(folders);
        for path in paths {
            let name = path.to_str().unwrap();
            let is_private = name.contains("/archive") || name.contains("_raw_cloudtrail_data");
            let expected = match (is_private, path.is_dir()) {
                (true, true) => 0o700,
                (true, false) => 0o600,
                (false, true) => 0o755,
                (false, false) => 0o644,
            };
            assert_eq!(mode(&path), expected, "{name}");
            checked += 1;
        }
    }
    assert!(checked > 20);
}

#[test]
fn a_quick_question_writes_nothing() {
    let sandbox = sandbox();
    let page = sandbox
        .run(["activity", "log.json", "--no-output"])
        .expect(0);
    assert!(
        page.out
            .starts_with("CloudTrail activity of account 111122223333")
    );
    assert_eq!(page.err, "");
    let quiet = sandbox
        .run(["activity", "log.json", "--no-output", "--quiet"])
        .expect(0);
    assert_eq!(quiet.out, page.out);
    assert_eq!(names(&sandbox.path("")), ["log.json"]);
    for demanding in [
        "log.json --output x",
        "log.json --per-account",
        "log.json --plot-results",
        "log.json --plot-format svg",
        "log.json --dump-raw-cloudtrail-data",
        "--archive x",
    ] {
        let words = ["activity", "--no-output"]
            .into_iter()
            .chain(demanding.split(' '));
        let ended = sandbox.run(words).expect(2);
        assert!(ended.err.contains("cannot be used with"), "{}", ended.err);
    }
    assert_eq!(names(&sandbox.path("")), ["log.json"]);
}

#[test]
fn scripts_read_the_path_of_the_result() {
    let sandbox = sandbox();
    let path = sandbox
        .run(["activity", "log.json", "--quiet", "--output", "a b"])
        .expect(0);
    assert_eq!(path.out, "a b/account_activity_111122223333_TIME.json\n");
    assert_eq!(path.err, "");
    let line = String::from_utf8(path.stdout).unwrap();
    let written = fs::read(sandbox.path(line.trim_end())).unwrap();
    // An explicit --format is printed.
    for (format, start) in [
        ("text", "CloudTrail activity"),
        ("json", "{\n"),
        ("csv", "section,"),
    ] {
        let args = [
            "activity", "log.json", "--quiet", "--output", "a b", "--format", format,
        ];
        let ended = sandbox.run(args).expect(0);
        assert!(ended.out.starts_with(start), "{format}: {}", ended.out);
    }
    let summary: Value = serde_json::from_slice(&written).unwrap();
    assert_eq!(summary["trailtab"]["counts"]["counted"], 1);
}

#[test]
fn charts_are_drawn_again_without_overwriting() {
    let sandbox = sandbox();
    sandbox
        .run(["activity", "log.json", "--output", "."])
        .expect(0);
    let [summary, _] = &files_below(&sandbox.path(""))[..] else {
        panic!("a log and a summary");
    };
    fs::rename(summary, sandbox.path("x.json")).unwrap();
    let plot = |format: &str| {
        sandbox
            .run(["plot", "x.json", "--plot-format", format])
            .expect(0)
    };
    let first = plot("png").err;
    let said = |folder: &str| first.replace("x_plots", folder);
    assert!(first.ends_with("charts to x_plots\n"), "{first}");
    // The same charts, then others beside them.
    assert_eq!(plot("png").err, said("x_plots"));
    plot("svg");
    let files = sandbox.files("x_plots");
    let count = |ending: &str| files.iter().filter(|name| name.ends_with(ending)).count();
    assert_eq!(count(".png"), count(".svg"));
    assert_eq!(names(&sandbox.path("")), ["log.json", "x.json", "x_plots"]);
    // A chart that the user has changed stays.
    let changed = sandbox.path("x_plots").join(&files[0]);
    fs::write(&changed, "mine").unwrap();
    assert_eq!(plot("png").err, said("x_plots_2"));
    assert_eq!(fs::read_to_string(changed).unwrap(), "mine");
    assert_eq!(sandbox.files("x_plots_2").len(), count(".png"));
}
