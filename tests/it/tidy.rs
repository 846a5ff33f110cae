//! Rules that neither the crates' dependencies nor the lints can hold: see ARCHITECTURE.md.
//!
//! Each rule is a function from files to faults, so that a test can show that it finds some.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// What each part of crates/trailtab-app may import from the others.
const MAY_IMPORT: [(&str, &[&str]); 6] = [
    ("aws", &["clock"]),
    ("clock", &[]),
    ("source", &["aws"]),
    ("cost_source", &["aws"]),
    ("deliver", &["aws"]),
    ("job", &["aws", "cost_source", "deliver", "source"]),
];

/// Crates whose functions depend on nothing but their arguments.
const PURE: [&str; 5] = [
    "crates/trailtab-athena/src/",
    "crates/trailtab-core/src/",
    "crates/trailtab-cost-explorer/src/",
    "crates/trailtab-demo/src/",
    "crates/trailtab-render/src/",
];

/// The parts of the standard library that pure crates do not use.
const OUTSIDE: [&str; 10] = [
    "std::fs",
    "std::env",
    "std::process",
    "std::net::Tcp",
    "std::net::Udp",
    "SystemTime::now",
    "Instant::now",
    "Timestamp::now",
    "Zoned::now",
    "std::io::std",
];

const BUILDS_CLIENTS: [&str; 5] = [
    "Client::new(",
    "Client::from_conf(",
    "aws_config::defaults(",
    "aws_config::load",
    "config::Builder",
];

/// A file of the repository, by its path from the root.
struct File {
    path: String,
    text: String,
}

impl File {
    fn new(path: &str, text: &str) -> File {
        File {
            path: path.to_owned(),
            text: text.to_owned(),
        }
    }

    fn is_product(&self) -> bool {
        let is_test = self.path.contains("/tests/") || self.path.ends_with("/tests.rs");
        self.path.starts_with("crates/") && self.path.ends_with(".rs") && !is_test
    }

    /// The lines before the tests, numbered from 1, without comments on lines of their own.
    fn product_lines(&self) -> impl Iterator<Item = (usize, &str)> {
        let lines = self.text.lines().enumerate();
        lines
            .map(|(at, line)| (at + 1, line.trim()))
            .take_while(|(_, line)| *line != "#[cfg(test)]")
            .filter(|(_, line)| !line.starts_with("//"))
    }

    fn fault(&self, line: usize, what: &str) -> String {
        format!("{}:{line}: {what}", self.path)
    }
}

fn directions(files: &[File]) -> Vec<String> {
    let mut faults = Vec::new();
    for file in files.iter().filter(|file| file.is_product()) {
        let Some(path) = file.path.strip_prefix("crates/trailtab-app/src/") else {
            continue;
        };
        let part = path.split(['/', '.']).next().unwrap_or_default();
        let Some((_, allowed)) = MAY_IMPORT.iter().find(|(name, _)| *name == part) else {
            if part != "lib" {
                faults.push(file.fault(1, "give this part a row in MAY_IMPORT"));
            }
            continue;
        };
        for (number, line) in file.product_lines() {
            for (at, _) in line.match_indices("crate::") {
                let path = &line[at + "crate::".len()..];
                let end = path.find(|c: char| !c.is_alphanumeric() && c != '_');
                let import = &path[..end.unwrap_or(path.len())];
                if import != part && !allowed.contains(&import) {
                    faults.push(file.fault(number, &format!("{part} must not import {import:?}")));
                }
            }
        }
    }
    faults
}

fn looks_outside(files: &[File]) -> Vec<String> {
    let pure = |file: &File| PURE.iter().any(|crate_| file.path.starts_with(crate_));
    names(files, &OUTSIDE, pure, "is not for a pure crate")
}

fn knows_its_counters(files: &[File]) -> Vec<String> {
    let reads = |file: &File| file.path.starts_with("crates/trailtab-core/src/event");
    names(files, &["crate::activity"], reads, "is not for what reads")
}

fn builds_clients(files: &[File]) -> Vec<String> {
    let elsewhere = |file: &File| !file.path.starts_with("crates/trailtab-app/src/aws");
    names(files, &BUILDS_CLIENTS, elsewhere, "is for aws.rs and aws/")
}

fn names(
    files: &[File],
    words: &[&str],
    applies: impl Fn(&File) -> bool,
    why: &str,
) -> Vec<String> {
    let mut faults = Vec::new();
    for file in files
        .iter()
        .filter(|file| file.is_product() && applies(file))
    {
        for (number, line) in file.product_lines() {
            for word in words.iter().filter(|word| line.contains(**word)) {
                faults.push(file.fault(number, &format!("`{word}` {why}")));
            }
        }
    }
    faults
}

/// Names of types that a crate may use several times: clap's arguments, and associated types.
const NAMES_OF_MANY: [&str; 7] = ["ActorId", "Args", "Err", "Error", "Item", "Output", "Value"];

/// Finds types of one crate with the same name: a name says which one it is.
fn shared_type_names(files: &[File]) -> Vec<String> {
    let mut known: BTreeMap<(&str, &str), &str> = BTreeMap::new();
    let mut faults = Vec::new();
    for file in files.iter().filter(|file| file.is_product()) {
        let crate_name = file.path.split('/').nth(1).unwrap_or_default();
        for (number, line) in file.product_lines() {
            let words: Vec<&str> = line
                .split(|c: char| !(c.is_alphanumeric() || "_()".contains(c)))
                .skip_while(|word| word.starts_with("pub"))
                .collect();
            let ["struct" | "enum" | "trait" | "type", name, ..] = words[..] else {
                continue;
            };
            if NAMES_OF_MANY.contains(&name) {
                continue;
            }
            if let Some(other) = known.insert((crate_name, name), &file.path) {
                let what = format!("{other} has a type `{name}` as well");
                faults.push(file.fault(number, &what));
            }
        }
    }
    faults
}

fn modules_without_doc(files: &[File]) -> Vec<String> {
    let rust = files.iter().filter(|file| file.path.ends_with(".rs"));
    rust.filter(|file| !file.text.starts_with("//! "))
        .map(|file| file.fault(1, "has no module documentation"))
        .collect()
}

fn unwanted_words(files: &[File]) -> Vec<String> {
    // Written in two halves so that this file does not break its own rule.
    let words = [
        (["TO", "DO"], "belongs in the list of issues"),
        (["FIX", "ME"], "belongs in the list of issues"),
        (["/ho", "me/"], "is a path of one machine"),
        (["/ro", "ot/"], "is a path of one machine"),
        (["/Us", "ers/"], "is a path of one machine"),
        (["/wo", "rk/"], "is a path of one machine"),
        (["C:", r"\"], "is a path of one machine"),
    ];
    let mut faults = Vec::new();
    for file in files {
        for (at, line) in file.text.lines().enumerate() {
            for (halves, why) in &words {
                if line.contains(&halves.concat()) {
                    faults.push(file.fault(at + 1, why));
                }
            }
            if line.ends_with([' ', '\t', '\r']) {
                faults.push(file.fault(at + 1, "ends in white space"));
            }
        }
    }
    faults
}

fn forgotten_tests(files: &[File]) -> Vec<String> {
    let main = files.iter().find(|file| file.path == "tests/it/main.rs");
    let listed = main.map_or("", |main| main.text.as_str());
    let name = |file: &File| -> Option<String> {
        let name = file.path.strip_prefix("tests/it/")?.strip_suffix(".rs")?;
        (!name.contains('/') && name != "main").then(|| name.to_owned())
    };
    files
        .iter()
        .filter_map(name)
        .filter(|name| !listed.lines().any(|line| line == format!("mod {name};")))
        .map(|name| format!("tests/it/{name}.rs is not in tests/it/main.rs and never runs"))
        .collect()
}

/// All text files that people write here.
fn repository() -> Vec<File> {
    let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."));
    let mut files = Vec::new();
    let mut folders: Vec<_> = ["crates", "tests/it", "benches", "fuzz/src", "docs"]
        .map(|name| root.join(name))
        .into();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let ending = path.extension().and_then(|ending| ending.to_str());
            if path.is_dir() {
                folders.push(path);
            } else if ["rs", "md", "json", "toml", "py"].contains(&ending.unwrap_or_default()) {
                let name = path.strip_prefix(root).unwrap().to_str().unwrap();
                files.push(File::new(name, &fs::read_to_string(&path).unwrap()));
            }
        }
    }
    assert!(files.iter().filter(|file| file.is_product()).count() > 40);
    files
}

/// Runs a rule on the repository, and on texts that break it, each with the number of its faults.
#[track_caller]
fn check(rule: fn(&[File]) -> Vec<String>, broken: &[(&str, &str, usize)]) {
    for (path, text, faults) in broken {
        let found = rule(&[File::new(path, text)]);
        assert_eq!(found.len(), *faults, "{path}: {text}\n{found:#?}");
    }
    let faults = rule(&repository());
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn imports_of_the_app_point_one_way() {
    let test = "use crate::aws;\n#[cfg(test)]\nmod tests {\n    use crate::job;\n}";
    check(
        directions,
        &[
            (
                "crates/trailtab-app/src/source/x.rs",
                "use crate::job::y;",
                1,
            ),
            (
                "crates/trailtab-app/src/source/x.rs",
                "use crate::{aws, job};",
                1,
            ),
            ("crates/trailtab-app/src/source/x.rs", test, 0),
            ("crates/trailtab-app/src/unknown.rs", "", 1),
        ],
    );
}

#[test]
fn pure_crates_look_at_nothing_outside() {
    check(
        looks_outside,
        &[
            (
                "crates/trailtab-core/src/x.rs",
                "use std::fs;\nfs::read(z);",
                1,
            ),
            (
                "crates/trailtab-demo/src/x.rs",
                "// std::fs\nInstant::now()",
                1,
            ),
            ("crates/trailtab-app/src/x.rs", "use std::fs;", 0),
        ],
    );
}

#[test]
fn what_reads_events_knows_no_counter_of_them() {
    let import = "use crate::activity::tally::Tally;";
    check(
        knows_its_counters,
        &[
            ("crates/trailtab-core/src/event/x.rs", import, 1),
            ("crates/trailtab-core/src/cost/x.rs", import, 0),
        ],
    );
}

#[test]
fn no_type_name_stands_for_two_types_of_a_crate() {
    check(
        shared_type_names,
        &[
            (
                "crates/x/src/a.rs",
                "pub(crate) struct Line;\nenum Line {",
                1,
            ),
            (
                "crates/x/src/a.rs",
                "type Err = A;\ntype Err = B;\nfn line() {}",
                0,
            ),
        ],
    );
}

#[test]
fn one_folder_builds_clients() {
    let code = "let s3 = aws_sdk_s3::Client::new(&config);";
    check(
        builds_clients,
        &[("crates/trailtab-app/src/source/s3.rs", code, 1)],
    );
}

#[test]
fn texts_are_tidy() {
    check(modules_without_doc, &[("crates/x.rs", "use std::fs;\n", 1)]);
    let note = format!("// {}: later \n", ["TO", "DO"].concat());
    check(unwanted_words, &[("docs/x.md", &note, 2)]);
    check(forgotten_tests, &[("tests/it/x.rs", "", 1)]);
}
