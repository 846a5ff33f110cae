//! Runs every command of the README and of the demo's hints as a new user types it.

use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use jiff::ToSpan as _;
use jiff::civil::Date;
use serde_json::Value;

use crate::lookup_events::lab::{busy, now};
use crate::support::aws::{Bill, Charge, Member, Server, World, today};
use crate::support::bucket::Bucket;
use crate::support::cloudformation::Stack;
use crate::support::cloudwatch::CloudWatch;
use crate::support::digests::{Signer, Trail};
use crate::support::smtp::{MailServer, Mode};
use crate::support::{Finished, Sandbox, files_below, installed};

/// The account whose credentials the user has, and another one of its organisation.
const MANAGEMENT: &str = "111122223333";
const PRODUCTION: &str = "444455556666";

/// The command whose stack is not in the account of the other commands.
const USAGE_HEALTH: &str = "trailtab usage health";

/// The role and the bucket that the README names.
const ROLE: &str = "SecurityAudit";
const BUCKET: &str = "my-trail-bucket";

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

pub(crate) fn read(name: &str) -> String {
    fs::read_to_string(root().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// A command of a document, and the lines of output that the document shows for it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Example {
    pub(crate) command: String,
    pub(crate) output: Vec<String>,
}

/// The commands in a document's indented blocks. `$ ` marks a command that is followed by its output.
pub(crate) fn examples(text: &str) -> Vec<Example> {
    let mut examples: Vec<Example> = Vec::new();
    let mut in_fence = false;
    let mut shows_output = false;
    for line in text.lines() {
        in_fence ^= line.trim_start().starts_with("```");
        let code = line.strip_prefix("    ").filter(|_| !in_fence);
        let Some(code) = code else {
            shows_output = false;
            continue;
        };
        let last = examples.last_mut();
        if let Some(command) = code.strip_prefix("$ ") {
            shows_output = true;
            let (command, output) = (command.to_owned(), Vec::new());
            examples.push(Example { command, output });
        } else if let Some(last) = last.filter(|_| shows_output) {
            last.output.push(code.to_owned());
        } else if let Some(last) = (examples.last_mut()).filter(|last| last.command.ends_with('\\'))
        {
            last.command.push('\n');
            last.command.push_str(code);
        } else {
            let (command, output) = (code.to_owned(), Vec::new());
            examples.push(Example { command, output });
        }
    }
    examples
}

/// The words of a command, without its comment, its explanation in a further column and continuation marks. A command
/// whose output a variable takes stands for itself.
#[track_caller]
fn words(command: &str) -> Vec<String> {
    let command = command.replace("\\\n", " ");
    let command = command.trim_start().trim_start_matches("result=$(");
    let end = match command.find("   ") {
        Some(at) if !command[at..].trim_start().starts_with("--") => at,
        _ => command.len(),
    };
    let words = shlex::split(command[..end].trim_end_matches(')'));
    words.unwrap_or_else(|| panic!("a shell does not understand: {command}"))
}

/// The options among a command's words.
fn options(words: &[String]) -> impl Iterator<Item = &str> {
    let options = words.iter().filter(|word| word.starts_with("--"));
    options.map(|word| word.split('=').next().unwrap())
}

/// A user's machine, with `trailtab` on the PATH, and the AWS that it talks to.
struct Machine {
    sandbox: Sandbox,
    server: Server,
    bucket: Bucket,
    mail: MailServer,
}

impl Machine {
    fn new() -> Machine {
        let sandbox = Sandbox::new();
        let program = env!("CARGO_BIN_EXE_trailtab");
        for link in ["bin/trailtab", "target/debug/trailtab"] {
            let link = sandbox.path(link);
            fs::create_dir_all(link.parent().unwrap()).unwrap();
            symlink(program, link).unwrap();
        }
        let mail = MailServer::start(Mode::Plain, None);
        sandbox.write("trailtab.toml", settings(mail.port()));
        let trail = Trail::new(BUCKET, 3);
        let mut bucket = Bucket::new(BUCKET);
        bucket.put(&trail.logs);
        for digest in &trail.digests {
            bucket.put_signed(&digest.file, &digest.signature);
        }
        Machine {
            sandbox,
            server: Server::start(world()),
            bucket,
            mail,
        }
    }

    /// Runs a command by a shell.
    fn shell(&self, command: &str) -> Finished {
        let mut shell = self.sandbox.command("/bin/sh");
        let path = format!("{}:/usr/bin:/bin", self.sandbox.path("bin").display());
        shell
            .args(["-c", command])
            .env("PATH", path)
            .envs(self.server.environment(MANAGEMENT));
        if command.contains("--verify-digests") {
            // The digests of the bucket end here, and a trail delivers one each hour.
            shell.env("TRAILTAB_NOW", "2026-09-07T03:30:00Z");
        }
        let cloudwatch = CloudWatch::start();
        if command.starts_with(USAGE_HEALTH) {
            let stack = Stack {
                name: "trailtab",
                parameters: vec![("Namespace", "API-COUNT"), ("MemoryMegabytes", "128")],
                outputs: vec![
                    ("FunctionName", "trailtab-Function-1"),
                    (
                        "DeadLetterQueueUrl",
                        "https://sqs.us-east-1.amazonaws.com/111122223333/trailtab-DeadLetters-1",
                    ),
                ],
            };
            shell
                .env("AWS_ENDPOINT_URL_CLOUDFORMATION", stack.serve())
                .env("AWS_ENDPOINT_URL_CLOUDWATCH", cloudwatch.url());
        }
        let s3 = self.bucket.access().into_iter();
        let s3 = s3.filter(|(name, _)| *name == "AWS_ENDPOINT_URL");
        shell.envs(s3.map(|(_, url)| ("AWS_ENDPOINT_URL_S3", url)));
        self.sandbox.finish(shell, b"")
    }

    /// Runs an example, which must succeed, and compares its output.
    fn run(&self, example: &Example) -> Finished {
        let command = &example.command;
        let finished = self.shell(command);
        let expected = expected_code(command);
        assert_eq!(
            finished.code,
            Some(expected),
            "{command}\n{}\n{:.3000}",
            finished.err,
            finished.out
        );
        assert!(
            !finished.err.contains("panicked"),
            "{command}\n{}",
            finished.err
        );
        let mut printed = finished.out.lines();
        for line in example.output.iter().filter(|line| *line != "…") {
            assert!(
                printed.any(|it| it.trim_end() == line.trim_end()),
                "{command} does not print, or not in this order: {line}\n{}",
                finished.out
            );
        }
        finished
    }
}

/// All commands succeed, except that on the first day of a month there is no month to date yet.
fn expected_code(command: &str) -> i32 {
    if command.starts_with(USAGE_HEALTH) {
        // The function of this stack has published nothing yet, which is no health.
        return 3;
    }
    let is_live_cost = command.starts_with("trailtab cost")
        && !["--offline", "check", "--send"]
            .iter()
            .any(|word| command.contains(word));
    match is_live_cost && today(now()).day() == 1 {
        true => 2,
        false => 0,
    }
}

/// An organisation of two accounts with events and a bill.
fn world() -> World {
    let now = now();
    let member = |id: &str, name: &str| Member {
        id: id.to_owned(),
        name: name.to_owned(),
        state: "ACTIVE",
    };
    let members = vec![
        member(MANAGEMENT, "Management"),
        member(PRODUCTION, "Production"),
    ];
    let mut world = World::new(now)
        .organization(MANAGEMENT, members)
        .bill(MANAGEMENT, Bill::new(charges(today(now))))
        .public_key("us-east-1", Signer::of_cloudtrail().public_key());
    for account in [MANAGEMENT, PRODUCTION] {
        world = world.role(account, ROLE);
        for region in ["us-east-1", "eu-central-1"] {
            world = world.region(account, region, busy(account, region, 60, now));
        }
    }
    world
}

/// What the accounts were charged from the first day of last month until yesterday.
fn charges(today: Date) -> Vec<Charge> {
    let first = today.first_of_month().saturating_sub(1.month());
    let days = first.series(1.day()).take_while(|day| *day < today);
    days.flat_map(|day| {
        [MANAGEMENT, PRODUCTION]
            .map(|account| Charge::new(day, account, "AWS Lambda", "12.5").owner("ann@example.com"))
    })
    .collect()
}

fn settings(port: u16) -> String {
    format!(
        r#"
users = ["ann@example.com"]
executives = ["cfo@example.com"]

[managers]
"head@example.com" = ["Production"]

[mail]
from = "Costs <costs@example.com>"

[mail.server]
host = "127.0.0.1"
port = {port}
tls = "none"
"#
    )
}

/// What cargo knows of the packages in the repository.
fn metadata() -> Value {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args([
        "metadata",
        "--no-deps",
        "--offline",
        "--format-version",
        "1",
    ]);
    let output = cargo.current_dir(root()).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The programs of a package.
fn programs(package: &Value) -> Vec<&str> {
    let targets = package["targets"].as_array().unwrap().iter();
    let programs = targets.filter(|target| target["kind"][0] == "bin");
    programs.map(|it| it["name"].as_str().unwrap()).collect()
}

/// Asserts that the help of a program lists the options.
fn has_options(help: &mut Command, options: &[&str]) {
    let output = help.stdin(Stdio::null()).output().unwrap();
    let help = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success() && help.len() > 500, "{output:?}");
    let listed: BTreeSet<_> = help
        .split(|c: char| !c.is_ascii_alphanumeric() && c != '-')
        .collect();
    for option in options {
        assert!(listed.contains(option), "{option} is not in\n{help}");
    }
}

/// `cargo run -- …` finds the program to run. The command that built this test has built it.
fn cargo_run_finds_the_program() {
    let program = Path::new(env!("CARGO_BIN_EXE_trailtab"));
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["run", "--quiet", "--locked", "--offline"]);
    if !cfg!(debug_assertions) {
        cargo.arg("--release");
    }
    let mut target = program.parent().unwrap().parent().unwrap();
    if env::var_os("CARGO_BUILD_TARGET").is_some() {
        target = target.parent().unwrap();
    }
    cargo
        .arg("--target-dir")
        .arg(target)
        .args(["--", "--version"]);
    let output = cargo.current_dir(root()).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{}", text(&output.stderr));
    let version = format!("trailtab {}\n", env!("CARGO_PKG_VERSION"));
    assert_eq!(text(&output.stdout), version);
}

/// After the command, a shell that knows no other `trailtab` finds the one that `cargo run` built.
fn puts_the_built_program_on_the_path(machine: &Machine, command: &str) {
    let found = machine.shell(&format!(
        "PATH=/usr/bin:/bin; {command}; command -v trailtab"
    ));
    // What is printed has [DIR] for the sandbox's folder.
    assert_eq!(found.expect(0).out, "[DIR]/target/debug/trailtab\n");
}

/// `cargo install --path crates/trailtab --locked` installs `trailtab` and nothing else.
fn cargo_installs_one_program(words: &[String]) {
    assert_eq!(words[2..], ["--path", "crates/trailtab", "--locked"]);
    let metadata = metadata();
    let packages = metadata["packages"].as_array().unwrap().iter();
    let manifest = root()
        .canonicalize()
        .unwrap()
        .join("crates/trailtab/Cargo.toml");
    let mut here = packages.filter(|it| it["manifest_path"] == manifest.to_str().unwrap());
    assert_eq!(programs(here.next().unwrap()), ["trailtab"]);
}

/// `./test` is there, and is all that CI runs.
fn the_tests_are_what_ci_runs() {
    for name in ["test", ".ci/run"] {
        let mode = fs::metadata(root().join(name))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o111, 0o111, "{name}");
    }
    let ci = read(".ci/run");
    let runs: Vec<_> = ci
        .lines()
        .filter(|line| line.starts_with("exec "))
        .collect();
    assert_eq!(runs, ["exec ./test"]);
}

fn cargo_lambda_builds_the_functions(words: &[String]) {
    let options: Vec<_> = options(words).collect();
    let tool = installed("deploy-venv", "cargo-lambda");
    has_options(
        Command::new(tool).args(["lambda", "build", "--help"]),
        &options,
    );
    let bin = words.iter().position(|word| word == "--bin").unwrap();
    let metadata = metadata();
    let packages = metadata["packages"].as_array().unwrap().iter();
    let wanted = words[bin + 1].as_str();
    let mut packages = packages.filter(|package| programs(package).contains(&wanted));
    // Without -p, cargo looks for the program in the default members.
    let defaults = metadata["workspace_default_members"].as_array().unwrap();
    assert!(defaults.contains(&packages.next().unwrap()["id"]));
}

/// A `sam deploy` of a document names a template, options and parameters that exist; returns the parameters.
fn sam_deploys(words: &[String]) -> BTreeSet<&str> {
    let options: Vec<_> = options(words).collect();
    let tool = installed("deploy-venv", "sam");
    has_options(
        Command::new(tool)
            .args(["deploy", "--help"])
            .env("SAM_CLI_TELEMETRY", "0"),
        &options,
    );
    let after = |option: &'static str| words.iter().skip_while(move |word| *word != option).skip(1);
    let template = read(after("--template-file").next().unwrap());
    let known = template.split("\nConditions:").next().unwrap();
    let parameters = after("--parameter-overrides").take_while(|word| !word.starts_with("--"));
    let parameters: BTreeSet<_> = parameters
        .map(|word| word.split_once('=').unwrap().0)
        .collect();
    for parameter in &parameters {
        assert!(
            known.contains(&format!("\n  {parameter}:\n")),
            "{parameter}"
        );
    }
    parameters
}

/// Runs the commands that can run here, and checks the others as far as possible without network.
fn check(machine: &Machine, example: &Example) {
    let words = words(&example.command);
    let first: Vec<_> = words.iter().take(2).map(String::as_str).collect();
    match first[..] {
        ["trailtab", _] => {
            machine.run(example);
        }
        ["cargo", "run"] => {
            cargo_run_finds_the_program();
            assert_eq!(words[2..], ["--", "demo"]);
        }
        ["cargo", "install"] => cargo_installs_one_program(&words),
        ["export", _] => puts_the_built_program_on_the_path(machine, &example.command),
        ["./test"] => the_tests_are_what_ci_runs(),
        ["pip", "install"] => {
            assert_eq!(words[2], "-r");
            assert!(read("test").contains(&format!("install deploy-venv {}", words[3])));
        }
        ["cargo", "lambda"] => cargo_lambda_builds_the_functions(&words),
        ["sam", "deploy"] => {
            let parameters = sam_deploys(&words);
            assert!(
                parameters.contains("CloudTrailLogGroupName"),
                "a second trail"
            );
        }
        _ => panic!("this test does not know how to run: {}", example.command),
    }
}

#[test]
fn every_command_of_the_readme_and_every_hint_of_the_demo_works() {
    let machine = Machine::new();
    let demo = machine.shell("trailtab demo").expect(0);
    assert_page_has_three_parts(&demo.out);
    let hints = hints(&demo.err, "trailtab");
    assert!(hints.len() >= 8, "{}", demo.err);
    for hint in hints {
        let finished = machine.run(&hint);
        let rows = finished.out.lines().count();
        assert!(
            rows > 10,
            "{} finds too little: {}",
            hint.command,
            finished.out
        );
        assert!(!finished.out.contains("\n0 calls"), "{}", hint.command);
    }
    the_index_names_what_is_there(&machine.sandbox);

    let examples = examples(&read("README.md"));
    let programs: BTreeSet<_> = (examples.iter())
        .map(|example| words(&example.command)[0].clone())
        .collect();
    assert_eq!(
        Vec::from_iter(programs),
        ["./test", "cargo", "export", "pip", "sam", "trailtab"]
    );
    assert!(examples.len() > 25, "{examples:?}");
    for example in &examples {
        check(&machine, example);
    }
    let mut recipients = machine.mail.recipients();
    recipients.sort();
    recipients.dedup();
    assert_eq!(
        recipients,
        ["ann@example.com", "cfo@example.com", "head@example.com"]
    );
    assert_eq!(machine.server.violations(), [""; 0]);
}

fn assert_page_has_three_parts(page: &str) {
    let parts = [
        "CloudTrail activity of 6 accounts\n",
        "\nUsage\n",
        "\nCost of all accounts, ",
    ];
    let places = parts.map(|part| page.find(part));
    assert!(
        places.is_sorted() && places[0] == Some(0),
        "{places:?} {page}"
    );
}

/// The commands among a demo's remarks.
fn hints(remarks: &str, program: &str) -> Vec<Example> {
    let start = format!("  {program} ");
    let lines = remarks.lines().filter(|line| line.starts_with(&start));
    lines
        .map(|line| Example {
            command: line.trim_start().to_owned(),
            output: Vec::new(),
        })
        .collect()
}

/// Every path of the index exists, and everything in the folder is named there.
fn the_index_names_what_is_there(sandbox: &Sandbox) {
    let demo = sandbox.path("demo");
    let index = fs::read_to_string(demo.join("index.md")).unwrap();
    let paths: Vec<_> = index
        .lines()
        .filter_map(|line| line.strip_prefix("| `"))
        .flat_map(|row| row.split(" | ").next().unwrap().split('`'))
        .filter(|path| path.contains(['/', '.']))
        .collect();
    let is_there = |path: &str| {
        let (start, end) = path.split_once('*').unwrap_or((path, ""));
        files_below(&demo).iter().any(|file| {
            let file = file.strip_prefix(&demo).unwrap().to_str().unwrap();
            file.strip_prefix(start)
                .is_some_and(|rest| rest.contains(end))
        })
    };
    assert!(paths.len() > 5, "{index}");
    for path in &paths {
        assert!(is_there(path), "{path} is not in {}", demo.display());
    }
    for file in files_below(&demo) {
        let name = file.strip_prefix(&demo).unwrap().to_str().unwrap();
        let is_named = paths.iter().any(|path| {
            let (start, end) = path.split_once('*').unwrap_or((path, ""));
            name.strip_prefix(start)
                .is_some_and(|rest| rest.contains(end))
        });
        assert!(
            is_named || name == "index.md" || name.starts_with('.'),
            "{name}\n{index}"
        );
    }
}

/// As after `cargo run`, where `trailtab` is not on the PATH; and with a folder that a shell would split.
#[test]
fn the_demo_suggests_commands_that_start_as_it_was_started() {
    let machine = Machine::new();
    fs::remove_file(machine.sandbox.path("bin/trailtab")).unwrap();
    let demo = machine
        .shell("target/debug/trailtab demo --output \"Ann's demo\"")
        .expect(0);
    let hints = hints(&demo.err, "target/debug/trailtab");
    assert!(hints.len() >= 8, "{}", demo.err);
    let index = fs::read_to_string(machine.sandbox.path("Ann's demo/index.md")).unwrap();
    let mut verbs = BTreeSet::new();
    for hint in hints {
        assert!(index.contains(&hint.command), "{index}");
        // One of each verb: the others differ in their filters only.
        if verbs.insert(words(&hint.command)[1].clone()) {
            machine.run(&hint);
        }
    }
    assert_eq!(Vec::from_iter(verbs), ["activity", "cost", "usage"]);
}

/// Documents name no option that does not exist: a command with `--help` appended succeeds only if all its options
/// exist.
#[test]
fn every_command_of_the_documents_has_options_that_exist() {
    let mut documents = files_below(&root().join("docs"));
    documents.extend(["README.md", "deploy/README.md"].map(|name| root().join(name)));
    documents.retain(|path| path.extension().is_some_and(|ending| ending == "md"));
    let sandbox = Sandbox::new();
    let mut faults = Vec::new();
    let mut count = 0;
    for path in documents {
        let text = fs::read_to_string(&path).unwrap();
        for Example { command, .. } in examples(&text) {
            let words = words(&command);
            let name = path.strip_prefix(root()).map(PathBuf::from).unwrap();
            if words.starts_with(&["sam".to_owned(), "deploy".to_owned()]) {
                sam_deploys(&words);
            }
            if words[0] != "trailtab" {
                continue;
            }
            count += 1;
            let of_shell = |word: &String| ["|", ">", "<", "&&"].contains(&word.as_str());
            let end = words.iter().position(of_shell).unwrap_or(words.len());
            let asked = words[1..end].iter().map(String::as_str).chain(["--help"]);
            let help = sandbox.run(asked);
            if help.code != Some(0) {
                faults.push(format!("{}: {command}: {}", name.display(), help.err));
            }
        }
    }
    assert!(count > 40, "{count}");
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn commands_are_found_in_documents() {
    let text = "# A\n\n    one --a  # why\n    two \\\n        --b=1\n\ntext\n\n    $ three\n    out\n      …\n\n```\n    four\n```\n    five\n";
    let found = examples(text);
    let commands: Vec<_> = found.iter().map(|it| it.command.as_str()).collect();
    assert_eq!(
        commands,
        ["one --a  # why", "two \\\n    --b=1", "three", "five"]
    );
    assert_eq!(found[2].output, ["out", "  …"]);
    assert_eq!(words(commands[0]), ["one", "--a"]);
    let second = words(commands[1]);
    assert_eq!(options(&second).collect::<Vec<_>>(), ["--b"]);
}
