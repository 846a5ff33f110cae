//! The documents agree with the program: its arguments, its results, and the paths and names in the repository.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::support::{Sandbox, files_below};

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

fn read(name: &str) -> String {
    fs::read_to_string(root().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The verbs that a help text lists.
fn verbs_of(help: &str) -> impl Iterator<Item = &str> {
    let lines = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let lines = lines.take_while(|line| !line.trim().is_empty());
    // The description of a verb may continue on the next line.
    let starts = lines.filter(|line| !line.starts_with("   "));
    starts
        .filter_map(|line| line.split_whitespace().next())
        .filter(|verb| *verb != "help")
}

/// The command line reference is what `--help` prints; UPDATE_DOCS=1 writes it.
#[test]
fn the_reference_of_the_command_line_is_what_help_prints() {
    let sandbox = Sandbox::new();
    let help = |args: &[&str]| sandbox.run(args.iter().chain(&["--help"])).expect(0).out;
    let main = help(&[]);
    let mut reference = format!(
        "# Command line reference\n\n\
         Made from `--help` by `UPDATE_DOCS=1 cargo test`; a test holds the two together.\n\n\
         | exit code | meaning |\n|---|---|\n\
         | 0 | done |\n\
         | 1 | failed: there is no result |\n\
         | 2 | wrong usage |\n\
         | 3 | partial: the result is written, and something is missing in it; see \
         [coverage](summary.md#coverage-and-exit-codes) |\n\n\
         ## trailtab\n\n```text\n{main}```\n"
    );
    let mut count = 0;
    for verb in verbs_of(&main) {
        let text = help(&[verb]);
        reference.push_str(&format!("\n## trailtab {verb}\n\n```text\n{text}```\n"));
        for verb_of_verb in verbs_of(&text) {
            let text = help(&[verb, verb_of_verb]);
            let heading = format!("\n### trailtab {verb} {verb_of_verb}\n");
            reference.push_str(&format!("{heading}\n```text\n{text}```\n"));
        }
        count += 1;
    }
    assert!(count >= 5, "{main}");
    // clap pads lines that separate paragraphs.
    let reference: String = reference
        .lines()
        .map(|line| format!("{}\n", line.trim_end()))
        .collect();
    let path = root().join("docs/cli.md");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, &reference).unwrap();
    }
    let written = fs::read_to_string(path).unwrap_or_default();
    assert!(
        written == reference,
        "docs/cli.md is not up to date. It should be:\n{reference}"
    );
}

#[test]
fn the_short_help_names_every_option() {
    let sandbox = Sandbox::new();
    let (short, long) = (
        sandbox.run(["activity", "-h"]).expect(0).out,
        sandbox.run(["activity", "--help"]).expect(0).out,
    );
    let options = |text: &str| -> BTreeSet<String> {
        let words = text
            .split_whitespace()
            .filter(|word| word.starts_with("--"));
        words
            .map(|word| word.trim_end_matches(',').to_owned())
            .collect()
    };
    assert_eq!(options(&short), options(&long));
}

fn schema() -> Value {
    serde_json::from_str(&read("docs/summary.schema.json")).unwrap()
}

/// Collects the names of all properties of a schema.
fn properties(schema: &Value, names: &mut BTreeSet<String>) {
    match schema {
        Value::Object(members) => {
            if let Some(Value::Object(properties)) = members.get("properties") {
                names.extend(properties.keys().cloned());
            }
            members
                .values()
                .for_each(|member| properties(member, names));
        }
        Value::Array(items) => items.iter().for_each(|item| properties(item, names)),
        _ => {}
    }
}

#[test]
fn every_property_of_the_result_is_described() {
    let mut names = BTreeSet::new();
    properties(&schema(), &mut names);
    assert!(names.len() > 40, "{names:?}");
    let text = read("docs/summary.md");
    let missing: Vec<_> = names
        .iter()
        .filter(|name| !text.contains(&format!("`{name}`")))
        .collect();
    assert!(
        missing.is_empty(),
        "docs/summary.md says nothing of {missing:?}"
    );
    // And describes no other name that looks like a property.
    let known = |word: &str| names.contains(word) || text.contains(&format!("`{word}` (value)"));
    let tables = text
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split_once('`'));
    let unknown: Vec<_> = tables
        .map(|(word, _)| word)
        .filter(|word| {
            word.contains('_')
                && word.chars().all(|c| c.is_ascii_lowercase() || c == '_')
                && !known(word)
        })
        .collect();
    assert!(
        unknown.is_empty(),
        "docs/summary.md describes {unknown:?}, which no result has"
    );
}

/// Collects the names of all members of reports on usage; those of counts by name are data.
fn members(value: &Value, names: &mut BTreeSet<String>) {
    match value {
        Value::Object(members_of) => {
            for (name, member) in members_of {
                names.insert(name.clone());
                if !["other_content", "regions_failed"].contains(&name.as_str()) {
                    members(member, names);
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| members(item, names)),
        _ => {}
    }
}

#[test]
fn every_member_of_the_reports_on_usage_is_described() {
    let sandbox = Sandbox::new();
    sandbox
        .run(["demo", "-q", "--events", "3000", "--output", "logs"])
        .expect(0);
    sandbox.write("logs/broken.json", "{");
    let mut names = BTreeSet::new();
    for words in [
        "usage logs --by api,region,account,principal,session,person,user-agent,ip,error-code,resource --per day",
        "usage logs --throttled",
        "usage price logs",
    ] {
        let words = words.split(' ').chain(["--format", "json"]);
        members(&sandbox.run(words).expect(3).summary(), &mut names);
    }
    members(&crate::usage_health::a_report(), &mut names);
    assert!(names.len() > 60, "{names:?}");
    let text = read("docs/usage.md");
    let described = |name: &&String| text.contains(&format!("`{name}`"));
    let missing: Vec<_> = names.iter().filter(|name| !described(name)).collect();
    assert!(
        missing.is_empty(),
        "docs/usage.md says nothing of {missing:?}"
    );
    // And describes no others: each row of a table is a member, or absent where it does not apply.
    let rare = ["event_history", "folded", "last_delivery_day", "no_match"];
    let is_rare = |word: &str| rare.contains(&word);
    let rows = text
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split_once('`'));
    let is_known = |word: &&str| names.contains(*word) || is_rare(word) || word.contains(' ');
    let unknown: Vec<_> = rows
        .map(|(word, _)| word)
        .filter(|word| !is_known(word))
        .collect();
    assert!(
        unknown.is_empty(),
        "docs/usage.md describes {unknown:?}, which no report has"
    );
}

/// Checks a value against the parts of JSON Schema in use, and that it has no unknown member.
fn validate(value: &Value, schema: &Value, root: &Value, path: &str) {
    if let Some(reference) = schema["$ref"].as_str() {
        let target = root.pointer(reference.trim_start_matches('#')).unwrap();
        return validate(value, target, root, path);
    }
    if let Some(choices) = schema["anyOf"].as_array() {
        let is_null = |choice: &&Value| choice["type"] == "null";
        let choice = choices
            .iter()
            .find(|choice| is_null(choice) == value.is_null())
            .unwrap();
        return validate(value, choice, root, path);
    }
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    let kinds = match &schema["type"] {
        Value::Array(kinds) => kinds.clone(),
        kind => vec![kind.clone()],
    };
    assert!(
        kinds.contains(&kind.into()),
        "{path} is {kind}, not {kinds:?}"
    );
    match value {
        Value::Object(members) => {
            for name in schema["required"].as_array().into_iter().flatten() {
                assert!(
                    members.contains_key(name.as_str().unwrap()),
                    "{path} has no {name}"
                );
            }
            for (name, member) in members {
                let known = schema["properties"]
                    .get(name)
                    .or_else(|| schema.get("additionalProperties"));
                let known = known.unwrap_or_else(|| panic!("{path}/{name} is not in the schema"));
                validate(member, known, root, &format!("{path}/{name}"));
            }
        }
        Value::Array(items) => items
            .iter()
            .for_each(|item| validate(item, &schema["items"], root, path)),
        _ => {}
    }
}

#[test]
fn results_keep_to_the_schema() {
    let sandbox = Sandbox::new();
    let schema = schema();
    sandbox
        .run(["demo", "-q", "--events", "500", "--output", "logs"])
        .expect(0);
    sandbox.write("logs/broken.json", "{");
    sandbox.write(
        "keys.json",
        r#"{"PublicKeyList":[{"Value":"","Fingerprint":""}]}"#,
    );
    for verify in [&[][..], &["--verify-digests", "--public-keys", "keys.json"]] {
        let words = ["logs", "--since", "2026-09-08"].iter().chain(verify);
        let summary = sandbox.activity_with(words, b"", 3);
        validate(&summary, &schema, &schema, "");
        assert_eq!(
            summary["trailtab"].get("integrity").is_some(),
            !verify.is_empty()
        );
    }
    let earlier_tool = serde_json::from_str(&read("tests/data/predecessor.json")).unwrap();
    validate(&earlier_tool, &schema, &schema, "");
}

/// The places that a document's links lead to.
fn links(text: &str) -> Vec<&str> {
    let mut links = Vec::new();
    let mut in_code = false;
    for line in text.lines() {
        in_code ^= line.trim_start().starts_with("```");
        if !in_code {
            let parts = line.split("](").skip(1);
            links.extend(parts.filter_map(|part| Some(part.split_once(')')?.0)));
        }
    }
    links
}

/// The anchors of a document's headings, as GitHub makes them.
fn anchors(text: &str) -> Vec<String> {
    let headings = text.lines().filter_map(|line| line.strip_prefix('#'));
    let anchor = |heading: &str| {
        let heading = heading
            .trim_start_matches('#')
            .trim()
            .to_lowercase()
            .replace(' ', "-");
        heading
            .chars()
            .filter(|c| c.is_alphanumeric() || "-_".contains(*c))
            .collect()
    };
    headings.map(anchor).collect()
}

#[test]
fn links_lead_somewhere() {
    let mut documents = files_below(&root().join("docs"));
    documents.extend(files_below(&root().join("deploy")));
    documents.extend(
        fs::read_dir(root())
            .unwrap()
            .map(|entry| entry.unwrap().path()),
    );
    let mut dead = Vec::new();
    for path in documents
        .into_iter()
        .filter(|path| path.extension().is_some_and(|ending| ending == "md"))
    {
        let text = fs::read_to_string(&path).unwrap();
        for link in links(&text)
            .into_iter()
            .filter(|link| !link.contains("://") && !link.starts_with("mailto:"))
        {
            let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
            let target = if file.is_empty() {
                path.clone()
            } else {
                path.parent().unwrap().join(file)
            };
            let found = target.exists()
                && (anchor.is_empty()
                    || anchors(&fs::read_to_string(&target).unwrap()).contains(&anchor.to_owned()));
            if !found {
                dead.push((
                    path.strip_prefix(root()).map(PathBuf::from).unwrap(),
                    link.to_owned(),
                ));
            }
        }
    }
    assert!(dead.is_empty(), "dead links: {dead:?}");
}

#[test]
fn links_and_anchors_are_found() {
    assert_eq!(
        links("a [b](c.md) [d](e#f)\n```\n[g](h)\n```\n![i](j.png)"),
        ["c.md", "e#f", "j.png"]
    );
    assert_eq!(
        anchors("# A b\ntext\n## Coverage, and `exit codes`"),
        ["a-b", "coverage-and-exit-codes"]
    );
}

/// The code spans of a document, outside of code blocks.
fn code_spans(text: &str) -> Vec<&str> {
    let prose = text.lines().filter(|line| !line.starts_with("    "));
    prose
        .flat_map(|line| line.split('`').skip(1).step_by(2))
        .collect()
}

/// Whether a code span is an identifier, or several joined by `::`.
fn is_identifier(span: &str) -> bool {
    span.split("::").all(|name| {
        let is_start = |c: char| c.is_ascii_alphabetic() || c == '_';
        name.starts_with(is_start) && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    })
}

/// Whether a code span is a path of the repository.
fn is_path(span: &str) -> bool {
    !span.contains([' ', '{']) && span.contains(['/', '.'])
}

/// The names in a document that are not in the repository. Identifiers must be words of `source`.
fn unknown_names<'t>(text: &'t str, source: &BTreeSet<String>) -> Vec<&'t str> {
    let is_known = |span: &str| {
        if is_path(span) {
            root().join(span).exists()
        } else if is_identifier(span) {
            span.split("::").all(|name| source.contains(name))
        } else {
            // A command, a rule of thumb, a piece of JSON.
            true
        }
    };
    let spans = code_spans(text).into_iter();
    spans.filter(|span| !is_known(span)).collect()
}

/// The names that the source code defines (items and public fields), and the template's names.
fn source_words() -> BTreeSet<String> {
    let mut files = files_below(&root().join("crates"));
    files.extend(files_below(&root().join("tests/it")));
    files.retain(|path| path.extension().is_some_and(|ending| ending == "rs"));
    let mut words = BTreeSet::new();
    for path in files {
        let text = fs::read_to_string(path).unwrap();
        let parts: Vec<_> = text.split_whitespace().collect();
        let defined = parts
            .windows(2)
            .filter(|pair| DEFINES.contains(&pair[0]))
            .map(|pair| pair[1].split(|c: char| !c.is_ascii_alphanumeric() && c != '_'));
        words.extend(defined.filter_map(|mut name| name.next().map(str::to_owned)));
        let variables = text.split('"').filter(|text| text.starts_with("TRAILTAB_"));
        words.extend(variables.map(str::to_owned));
    }
    let template = read("deploy/template.yaml");
    let keys = template.lines().filter_map(|line| line.split_once(':'));
    words.extend(keys.map(|(key, _)| key.trim().to_owned()));
    words
}

/// The words before a defined name.
const DEFINES: [&str; 9] = [
    "fn",
    "struct",
    "enum",
    "trait",
    "type",
    "const",
    "static",
    "pub",
    "pub(crate)",
];

#[test]
fn contributing_names_what_exists() {
    let (text, source) = (read("CONTRIBUTING.md"), source_words());
    let spans = code_spans(&text);
    let identifiers = spans.iter().filter(|span| is_identifier(span)).count();
    let paths = spans.iter().filter(|span| is_path(span)).count();
    assert!(identifiers > 7 && paths > 15, "{spans:?}");
    assert_eq!(unknown_names(&text, &source), [""; 0]);

    // Filters of `cargo test --test it` are modules, crates are members.
    let mut commands = 0;
    for line in text.lines().filter_map(|line| line.strip_prefix("    ")) {
        let words: Vec<_> = line.split_whitespace().collect();
        if let Some(at) = words.windows(2).position(|pair| pair == ["--test", "it"]) {
            let module = root().join("tests/it").join(words[at + 2]);
            assert!(
                module.is_dir() || module.with_extension("rs").exists(),
                "{line}"
            );
            commands += 1;
        }
        if let Some(at) = words.iter().position(|word| *word == "-p") {
            assert!(root().join("crates").join(words[at + 1]).is_dir(), "{line}");
            commands += 1;
        }
    }
    assert!(commands >= 3, "{commands}");
}

#[test]
fn the_readme_of_the_tests_names_what_exists() {
    let text = read("tests/README.md");
    let (tests, real_data) = text.split_once("## Real data").unwrap();
    // Of the real data, only the tests that read them are in the repository.
    let readers = code_spans(real_data).into_iter();
    let readers = readers.filter(|span| span.starts_with("tests/"));
    let paths = code_spans(tests).into_iter().filter(|span| is_path(span));
    let paths: Vec<_> = paths.chain(readers).collect();
    assert!(paths.len() >= 8, "{paths:?}");
    for path in paths {
        let beside_code = path == "tests.rs";
        assert!(beside_code || root().join(path).exists(), "{path}");
    }
}

#[test]
fn names_that_do_not_exist_are_found() {
    let source = ["known", "Known"].map(str::to_owned).into();
    let text = "`known`, `Known::gone`, `tests/it/docs.rs`, `tests/it/no-such.rs`, `gone.md`, `a b`\n    `code`\n";
    assert_eq!(
        unknown_names(text, &source),
        ["Known::gone", "tests/it/no-such.rs", "gone.md"]
    );
}
