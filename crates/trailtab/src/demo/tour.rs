//! The end of a demo: commands to try next, and an index of the written files.

use std::path::Path;

use trailtab_demo as demo;
use trailtab_render::escape::shell_word;
use trailtab_render::page::thousands;

/// The account and the person of the example commands.
const SANDBOX: &str = "Sandbox";
const RESEARCHER: &str = "maya.chen@example.com";

/// The night of the incident in the demo's data.
const NIGHT: &str = "2026-09-17";

/// Example commands under a heading.
pub(super) struct ExampleHints {
    heading: String,
    commands: Vec<String>,
}

/// The commands to try next. `program` is how the user started this program.
pub(super) fn hints(program: &str, folder: &Path) -> [ExampleHints; 3] {
    let program = shell_word(program);
    let place = |name: &str| shell_word(&folder.join(name).to_string_lossy());
    let (logs, bill) = (place("AWSLogs"), place("bill"));
    let hints = |heading: &str, commands: &[String]| ExampleHints {
        heading: heading.to_owned(),
        commands: commands
            .iter()
            .map(|command| format!("{program} {command}"))
            .collect(),
    };
    [
        hints(
            &format!("Something happened in the night of {NIGHT}. Who did what?"),
            &[
                format!(
                    "activity {logs} --since {NIGHT} --until {NIGHT} --account 444455556666 --activity-type FAILED"
                ),
                format!("activity {logs} --ip 203.0.113.208/28"),
                format!("activity {logs} --region sa-east-1 --write-only"),
                format!("activity {logs} --person 'ines.duarte@*' --format csv"),
            ],
        ),
        hints(
            "How often is each API called, and who causes throttling?",
            &[
                format!("usage {logs} --by principal,api --per day"),
                format!("usage {logs} --throttled"),
                format!("usage price {logs}"),
            ],
        ),
        hints(
            "What did one account cost, and what did one person spend?",
            &[
                format!("cost --offline {bill} --account {SANDBOX}"),
                format!("cost --offline {bill} --owner {RESEARCHER}"),
            ],
        ),
    ]
}

/// The commands as text for a terminal.
pub(super) fn text(hints: &[ExampleHints], index: &Path) -> String {
    let mut text = format!(
        "\nWhat was written, and what it shows: {}\n",
        index.display()
    );
    for ExampleHints { heading, commands } in hints {
        text.push_str(&format!("\n{heading}\n\n  {}\n", commands.join("\n  ")));
    }
    text.truncate(text.trim_end().len());
    text
}

/// The index of a demo's folder, as Markdown.
pub(super) fn index(truth: demo::DemoTruth, seed: u64, hints: &[ExampleHints]) -> String {
    let (from, until) = (demo::FROM, demo::UNTIL);
    let (events, files) = (thousands(truth.records), thousands(truth.log_files));
    let mut text = format!(
        "# What `trailtab demo` wrote

The logs and the bill of a fictional organisation: six accounts, from {from} to {until}, made from seed
{seed}. The same seed gives the same data. Nothing here was read from AWS.

| path | what it is |
|---|---|
| `AWSLogs/` | CloudTrail log files in the layout of an organisation's S3 bucket, with some digest and Insights files between them |
| `imported-archive/` | a few older log files, in the layout of a single account |
| `bill/` | Cost Explorer's answers about the same organisation, as `trailtab cost --save` writes them |
| `results/account_activity_*.json` | **activity**: who called which API, from where, with which errors |
| `results/account_activity_*_plots/` | the same as charts: calls over time, by hour and weekday, by principal, region and API |
| `results/cost.html` | **cost**: the report on all accounts, as it is mailed. Open it in a browser |
| `results/cost.csv`, `results/cost.json` | the same report as a table, and with all figures day by day |

There are {events} events in {files} log files. `trailtab usage` prints its tables and writes no file.
"
    );
    for ExampleHints { heading, commands } in hints {
        text.push_str(&format!("\n{heading}\n\n    {}\n", commands.join("\n    ")));
    }
    text.push_str("\nThe next `trailtab demo` replaces the files listed here.\n");
    text
}
