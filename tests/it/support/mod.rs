//! Runs the program in a directory of its own, and reads its results.

pub(crate) mod athena;
pub(crate) mod athena_tables;
pub(crate) mod aws;
pub(crate) mod bills;
pub(crate) mod bucket;
pub(crate) mod calls;
pub(crate) mod cloudformation;
pub(crate) mod cloudwatch;
pub(crate) mod digests;
pub(crate) mod emf;
pub(crate) mod envelopes;
pub(crate) mod function;
pub(crate) mod http;
pub(crate) mod metrics;
pub(crate) mod ministack;
pub(crate) mod moto;
pub(crate) mod objects;
pub(crate) mod proxy;
pub(crate) mod python;
pub(crate) mod queue;
pub(crate) mod runtime_api;
pub(crate) mod smtp;
pub(crate) mod smtp_forger;
pub(crate) mod trail;
pub(crate) mod webhook;

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

/// The five sections of aws-summarize-account-activity.
pub(crate) const SECTIONS: [&str; 5] = [
    "api_calls_by_principal",
    "api_calls_by_region",
    "error_codes_by_principal",
    "ip_addresses_by_principal",
    "user_agents_by_principal",
];

/// A directory of its own for each test: the program's home and the place where it runs.
pub(crate) struct Sandbox {
    directory: tempfile::TempDir,
    /// What programs take for the current time; the system's if absent.
    now: Option<&'static str>,
}

impl Sandbox {
    pub(crate) fn new() -> Sandbox {
        Sandbox {
            directory: tempfile::tempdir().unwrap(),
            now: None,
        }
    }

    /// A sandbox whose programs take this for the current time.
    pub(crate) fn at(now: &'static str) -> Sandbox {
        Sandbox {
            now: Some(now),
            ..Sandbox::new()
        }
    }

    pub(crate) fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Writes a file, with the directories that lead to it.
    pub(crate) fn write(&self, name: impl AsRef<Path>, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, bytes).unwrap();
        path
    }

    /// The names of all files below a directory, sorted, with the run's time written `TIME`.
    pub(crate) fn files(&self, directory: &str) -> Vec<String> {
        let root = self.path(directory);
        let mut names: Vec<String> = files_below(&root)
            .iter()
            .map(|path| without_times(&path.strip_prefix(&root).unwrap().to_string_lossy()))
            .collect();
        names.sort();
        names
    }

    /// The program, in an empty environment.
    pub(crate) fn trailtab(&self) -> Command {
        self.command(env!("CARGO_BIN_EXE_trailtab"))
    }

    /// A program, in an empty environment.
    pub(crate) fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command
            .env_clear()
            .env("HOME", self.directory.path())
            .envs(self.now.map(|now| ("TRAILTAB_NOW", now)))
            .current_dir(self.directory.path());
        command
    }

    pub(crate) fn run<A: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = A>) -> Finished {
        self.run_with(args, b"")
    }

    /// Runs the program with something on its standard input.
    pub(crate) fn run_with<A: AsRef<OsStr>>(
        &self,
        args: impl IntoIterator<Item = A>,
        input: &[u8],
    ) -> Finished {
        let mut command = self.trailtab();
        command.args(args);
        self.finish(command, input)
    }

    /// Waits for a program that gets `input`.
    pub(crate) fn finish(&self, mut command: Command, input: &[u8]) -> Finished {
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let output = std::thread::scope(|scope| {
            // The program may stop reading early; the test checks its result.
            scope.spawn(move || stdin.write_all(input));
            child.wait_with_output().unwrap()
        });
        let directory = self.directory.path().to_str().unwrap();
        let normal = |bytes: &[u8]| {
            without_times(&String::from_utf8_lossy(bytes).replace(directory, "[DIR]"))
        };
        Finished {
            code: output.status.code(),
            out: normal(&output.stdout),
            err: normal(&output.stderr),
            stdout: output.stdout,
        }
    }

    /// Runs `trailtab activity` to its successful end, and returns a summary that reconciles.
    pub(crate) fn activity<A: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = A>) -> Value {
        self.activity_with(args, b"", 0)
    }

    /// The same, with something on standard input and an exit code.
    pub(crate) fn activity_with<A: AsRef<OsStr>>(
        &self,
        args: impl IntoIterator<Item = A>,
        input: &[u8],
        code: i32,
    ) -> Value {
        let mut command = self.trailtab();
        command
            .args(["activity", "--quiet", "--format", "json"])
            .args(args);
        let summary = self.finish(command, input).expect(code).summary();
        reconcile(&summary);
        assert_eq!(
            summary["trailtab"]["coverage"]["complete"],
            json!(code == 0)
        );
        summary
    }
}

/// How a program ended, and what it said.
pub(crate) struct Finished {
    /// `None` if a signal ended it.
    pub(crate) code: Option<i32>,
    pub(crate) stdout: Vec<u8>,
    /// Standard output and error with the sandbox's directory written `[DIR]` and the times of runs
    /// `TIME`.
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Finished {
    /// Asserts an exit code.
    #[track_caller]
    pub(crate) fn expect(self, code: i32) -> Finished {
        assert_eq!(
            self.code,
            Some(code),
            "stderr: {}\nstdout: {:.2000}",
            self.err,
            self.out
        );
        assert!(!self.err.contains("panicked"), "{}", self.err);
        self
    }

    pub(crate) fn summary(&self) -> Value {
        serde_json::from_slice(&self.stdout).unwrap()
    }
}

/// The program of the Lambda functions. It belongs to another package, which has a test named `it` as well, so each
/// command that builds this test also builds that program, into the same directory as trailtab.
pub(crate) fn lambda() -> PathBuf {
    let program = Path::new(env!("CARGO_BIN_EXE_trailtab")).with_file_name("lambda");
    assert!(
        program.exists(),
        "{} is missing: run the tests of the whole workspace, without -p",
        program.display()
    );
    program
}

/// A program of a virtual environment that `./test` makes in `target`, such as `test-venv`; or of
/// the one that a variable names, such as TRAILTAB_TEST_VENV.
///
/// # Panics
///
/// If it is not there, so that no test is skipped silently.
pub(crate) fn installed(venv: &str, program: &str) -> PathBuf {
    let variable = format!("TRAILTAB_{}", venv.to_uppercase().replace('-', "_"));
    let default = || {
        Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
            .join("target")
            .join(venv)
    };
    let folder = env::var_os(&variable).map_or_else(default, PathBuf::from);
    let path = folder.join("bin").join(program);
    assert!(
        path.exists(),
        "{} is missing: ./test installs it, or set {variable} to a virtual environment that has it",
        path.display()
    );
    path
}

pub(crate) fn files_below(directory: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => files.append(&mut files_below(&path)),
            false => files.push(path),
        }
    }
    files.sort();
    files
}

/// Writes `TIME` for 14 digits in a row that no other digit follows or precedes.
pub(crate) fn without_times(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(start) = rest.find(|c: char| c.is_ascii_digit()) {
        let digits = rest[start..].bytes().take_while(u8::is_ascii_digit).count();
        out.push_str(&rest[..start]);
        let number = &rest[start..start + digits];
        out.push_str(if digits == 14 && number.starts_with("20") {
            "TIME"
        } else {
            number
        });
        rest = &rest[start + digits..];
    }
    out + rest
}

/// Follows a path of names into JSON; names must not contain `/`.
pub(crate) fn at<'v>(json: &'v Value, path: &str) -> &'v Value {
    path.split('/').fold(json, |json, name| &json[name])
}

/// Sums up all numbers of a value, however deep.
pub(crate) fn sum(json: &Value) -> u64 {
    match json {
        Value::Object(members) => members.values().map(sum).sum(),
        Value::Number(number) => number.as_u64().unwrap(),
        other => panic!("{other} is no count"),
    }
}

/// Sums up one member of each value of an object.
pub(crate) fn sum_of(json: &Value, member: &str) -> u64 {
    let members = json.as_object().unwrap().values();
    members.map(|value| value[member].as_u64().unwrap()).sum()
}

/// Checks that a summary's counts add up in every way.
#[track_caller]
pub(crate) fn reconcile(summary: &Value) {
    let extension = &summary["trailtab"];
    let counts = &extension["counts"];
    let counted = sum(&counts["counted"]);
    let parts = ["counted", "filtered", "duplicate", "unreadable"];
    assert_eq!(
        parts.iter().map(|part| sum(&counts[part])).sum::<u64>(),
        counts["read"],
        "{counts}"
    );
    parts_add_up(summary, counted);
}

/// A number of what is not listed; zero if everything is.
pub(crate) fn folded(summary: &Value, path: &str) -> u64 {
    let folded = at(&summary["trailtab"], "folded");
    at(folded, path).as_u64().unwrap_or_default()
}

/// The calls of the rows of one name that a table does not list.
fn folded_of(summary: &Value, table: &str, name: &str) -> u64 {
    let by_name = &summary["trailtab"]["folded"]["tables"][table]["by_name"];
    by_name[name]["calls"].as_u64().unwrap_or_default()
}

/// Checks that each section of a summary adds up to the events counted.
#[track_caller]
pub(crate) fn parts_add_up(summary: &Value, counted: u64) {
    let extension = &summary["trailtab"];
    for section in SECTIONS
        .iter()
        .filter(|section| !section.starts_with("error"))
    {
        let calls = sum(&summary[section]) + folded(summary, &format!("tables/{section}/calls"));
        assert_eq!(calls, counted, "{section}");
    }
    for section in ["accounts", "principals", "calls_per_hour"] {
        let without_time = match section {
            "calls_per_hour" => sum(at(extension, "coverage/events_without_time")),
            _ => 0,
        };
        assert_eq!(
            sum_of(&extension[section], "calls")
                + without_time
                + folded(summary, &format!("names/{section}/calls")),
            counted,
            "{section}"
        );
    }
    let regions = at(extension, "coverage/accounts")
        .as_object()
        .unwrap()
        .values();
    assert_eq!(
        regions
            .map(|regions| sum_of(regions, "events"))
            .sum::<u64>(),
        counted
    );
    let of_principals = |member: &str| {
        let not_listed = folded(summary, &format!("names/principals/{member}"));
        sum_of(&extension["principals"], member) + not_listed
    };
    let failed = of_principals("failed");
    assert_eq!(sum_of(&extension["accounts"], "failed"), failed);
    assert!(sum_of(&extension["calls_per_hour"], "failed") <= failed);
    let denied = of_principals("denied");
    let by_api = |section: &str| {
        sum(&extension[section]) + folded(summary, &format!("tables/{section}/calls"))
    };
    assert_eq!(by_api("denied_by_principal_and_api"), denied);
    assert_eq!(sum_of(&extension["accounts"], "denied"), denied);
    assert!(denied <= failed);
    let coded = sum(&summary["error_codes_by_principal"])
        + folded(summary, "tables/error_codes_by_principal/calls");
    assert_eq!(by_api("errors_by_principal_and_api"), coded);
    assert!(coded <= failed);
    for (name, principal) in extension["principals"].as_object().unwrap() {
        let calls = sum(&principal["calls"]);
        for section in SECTIONS
            .iter()
            .filter(|section| section.ends_with("principal"))
        {
            let parts =
                summary[section].get(name).map_or(0, sum) + folded_of(summary, section, name);
            match section.starts_with("error") {
                true => assert!(parts <= sum(&principal["failed"]), "{section} {name}"),
                false => assert_eq!(parts, calls, "{section} {name}"),
            }
        }
        assert_eq!(sum(&principal["identity_types"]), calls, "{name}");
        for part in ["by_services", "agents"] {
            let part = principal.get(part).map_or(0, sum);
            assert!(part <= calls, "{name}");
        }
        assert!(
            sum(&principal["read_only"]) + sum(&principal["write"]) <= calls,
            "{name}"
        );
        if let Some(sessions) = extension["sessions_by_principal"].get(name) {
            assert!(sum_of(sessions, "calls") <= calls, "{name}");
        }
    }
    for (name, workload) in extension["workloads"].as_object().unwrap() {
        let parts =
            sum(&workload["principals"]) + folded_of(summary, "principals_by_workload", name);
        assert_eq!(parts, sum(&workload["calls"]), "{name}");
    }
    for (name, person) in extension["persons"].as_object().unwrap() {
        let parts = sum(&person["principals"]) + folded_of(summary, "principals_by_person", name);
        assert_eq!(parts, sum(&person["calls"]), "{name}");
        assert!(!person["evidence"].as_array().unwrap().is_empty(), "{name}");
    }
}

/// The parts of a summary about events, without those about their documents.
pub(crate) fn essence(summary: &Value) -> Value {
    let mut essence = json!({});
    for section in SECTIONS {
        essence[section] = summary[section].clone();
    }
    let extension = &summary["trailtab"];
    for section in [
        "accounts",
        "calls_per_hour",
        "denied_by_principal_and_api",
        "errors_by_principal_and_api",
        "persons",
        "principals",
        "sessions_by_principal",
        "workloads",
    ] {
        essence[section] = extension[section].clone();
    }
    for section in [
        "event_versions",
        "events_without_time",
        "unknown_identities",
    ] {
        essence["coverage"][section] = extension["coverage"][section].clone();
    }
    // Some sources ask regions without events, and count their requests.
    for (account, regions) in at(extension, "coverage/accounts").as_object().unwrap() {
        for (region, report) in regions.as_object().unwrap() {
            if report["events"] != 0 {
                for member in ["events", "first_seen", "last_seen"] {
                    essence["coverage"]["accounts"][account][region][member] =
                        report[member].clone();
                }
            }
        }
    }
    essence["counted"] = extension["counts"]["counted"].clone();
    essence
}

/// Asserts that two summaries agree about the events; names the sections that differ.
#[track_caller]
pub(crate) fn assert_same(one: &Value, other: &Value, what: &str) {
    let (one, other) = (essence(one), essence(other));
    for (section, counts) in one.as_object().unwrap() {
        assert_eq!(counts, &other[section], "{section} differs: {what}");
    }
}

#[test]
fn times_of_runs_are_told_from_other_numbers() {
    assert_eq!(
        without_times("a_111122223333_20260907080000.json"),
        "a_111122223333_TIME.json"
    );
    assert_eq!(without_times("20260907080000"), "TIME");
    assert_eq!(
        without_times("120260907080000 2026"),
        "120260907080000 2026"
    );
}
