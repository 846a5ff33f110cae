//! Rules of the house that the compiler cannot check: see ARCHITECTURE.md.
//!
//! Each rule is a function from files to faults, so that a test can show that it finds some.

use std::fs;
use std::path::Path;

/// What each module may import from the rest of the house. One direction, no way back.
const MAY_IMPORT: [(&str, &[&str]); 11] = [
    ("core", &[]),
    ("demo", &["core"]),
    ("aws", &[]),
    ("clock", &["core"]),
    ("render", &["core"]),
    // File names are escaped like everything else that comes from records.
    ("deliver", &["aws", "core", "render"]),
    ("source", &["aws", "core"]),
    ("cost_source", &["aws", "core"]),
    (
        "job",
        &[
            "aws",
            "core",
            "cost_source",
            "deliver",
            "demo",
            "render",
            "source",
        ],
    ),
    (
        "cli",
        &[
            "aws",
            "clock",
            "core",
            "cost_source",
            "deliver",
            "demo",
            "job",
            "render",
            "source",
        ],
    ),
    (
        "lambda",
        &[
            "aws",
            "clock",
            "core",
            "cost_source",
            "deliver",
            "job",
            "render",
            "source",
        ],
    ),
];

/// Modules that look at nothing outside.
const PURE: [&str; 2] = ["core", "demo"];

/// What would be a look outside. Addresses as such are data: `std::net::IpAddr` is none of these.
const OUTSIDE: [&str; 21] = [
    "aws_config::",
    "aws_credential_types::",
    "aws_sdk",
    "aws_smithy",
    "aws_types::",
    "tokio::",
    "fs::",
    "env::",
    "env!(",
    "process::",
    "TcpStream",
    "TcpListener",
    "UdpSocket",
    "SystemTime",
    "Instant::now",
    "Timestamp::now",
    "Zoned::now",
    "stdin()",
    "stdout()",
    "async fn",
    ".await",
];

const PRINTS: [&str; 7] = [
    "print!(",
    "println!(",
    "eprint!(",
    "eprintln!(",
    "dbg!(",
    "stdout()",
    "stderr()",
];

const BUILDS_CLIENTS: [&str; 5] = [
    "Client::new(",
    "Client::from_conf(",
    "aws_config::defaults(",
    "aws_config::load",
    "config::Builder",
];

const GIVES_UP: [&str; 6] = [
    ".unwrap()",
    ".expect(\"",
    "panic!(",
    "unreachable!(",
    "unwrap_unchecked",
    "exit(",
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

    /// The names that lead to the file's module, `["core", "scan"]`; none for the crate's root.
    fn module(&self) -> Vec<&str> {
        let Some(path) = self
            .path
            .strip_prefix("src/")
            .and_then(|path| path.strip_suffix(".rs"))
        else {
            return Vec::new();
        };
        path.split('/')
            .filter(|name| !["mod", "lib", "main", "bin"].contains(name))
            .collect()
    }

    /// The part of the house that the file belongs to.
    fn part(&self) -> &str {
        self.module().first().copied().unwrap_or_default()
    }

    fn is_rust(&self) -> bool {
        self.path.ends_with(".rs")
    }

    /// Whether the file is compiled into the program.
    fn is_product(&self) -> bool {
        let is_test = self.path.contains("/tests/") || self.path.ends_with("/tests.rs");
        self.path.starts_with("src/") && self.is_rust() && !is_test
    }

    /// The lines of the file without comments and what stands in quotes, numbered from 1.
    fn code(&self) -> Vec<(usize, String)> {
        let code = blank(&self.text);
        code.lines()
            .enumerate()
            .map(|(at, line)| (at + 1, line.to_owned()))
            .collect()
    }

    /// The same without the tests, which are the last thing in a file.
    fn product_code(&self) -> Vec<(usize, String)> {
        let mut code = self.code();
        let tests = code.windows(2).position(|lines| {
            lines[0].1.trim().starts_with("#[cfg(test)]")
                && lines[1].1.trim().starts_with("mod tests")
        });
        code.truncate(tests.unwrap_or(code.len()));
        code
    }

    fn fault(&self, line: usize, what: &str) -> String {
        format!("{}:{line}: {what}", self.path)
    }
}

/// Replaces comments, and what stands in string and character literals, by spaces.
fn blank(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let starts = |at: usize, what: &str| {
        what.chars()
            .enumerate()
            .all(|(offset, c)| chars.get(at + offset) == Some(&c))
    };
    let find = |from: usize, what: &str| (from..chars.len()).find(|&at| starts(at, what));
    let mut out = String::new();
    let mut at = 0;
    while at < chars.len() {
        let hashes = match chars[at] {
            'r' => chars[at + 1..].iter().take_while(|c| **c == '#').count(),
            _ => 0,
        };
        let is_raw = chars[at] == 'r' && chars.get(at + 1 + hashes) == Some(&'"');
        let end = if starts(at, "//") {
            find(at, "\n")
        } else if starts(at, "/*") {
            find(at, "*/").map(|at| at + 2)
        } else if is_raw {
            let close = format!("\"{}", "#".repeat(hashes));
            find(at + hashes + 2, &close).map(|at| at + close.len())
        } else if chars[at] == '"' {
            end_of_string(&chars, at)
        } else if starts(at, "'\\") {
            find(at + 3, "'").map(|at| at + 1)
        } else if chars[at] == '\'' && chars.get(at + 2) == Some(&'\'') {
            Some(at + 3)
        } else {
            out.push(chars[at]);
            at += 1;
            continue;
        };
        let end = end.unwrap_or(chars.len());
        let is_string = chars[at] == '"';
        for (place, &c) in chars.iter().enumerate().take(end).skip(at) {
            let stays = c == '\n' || is_string && (place == at || place + 1 == end);
            out.push(if stays { c } else { ' ' });
        }
        at = end;
    }
    out
}

/// Finds the place behind the string that begins here.
fn end_of_string(chars: &[char], start: usize) -> Option<usize> {
    let mut at = start + 1;
    while *chars.get(at)? != '"' {
        at += if chars[at] == '\\' { 2 } else { 1 };
    }
    Some(at + 1)
}

/// Tells whether code holds a name that no other letter comes before.
fn holds(code: &str, name: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    let free = name.starts_with(is_part);
    code.match_indices(name)
        .any(|(at, _)| !free || !code[..at].ends_with(is_part))
}

fn directions(files: &[File]) -> Vec<String> {
    let mut faults = Vec::new();
    for file in files
        .iter()
        .filter(|file| file.path.starts_with("src/") && file.is_rust())
    {
        let part = file.part();
        if part.is_empty() {
            continue;
        }
        let Some((_, allowed)) = MAY_IMPORT.iter().find(|(name, _)| *name == part) else {
            faults.push(file.fault(
                1,
                "is in no part of the house: give it a place in MAY_IMPORT",
            ));
            continue;
        };
        // Nothing pure looks outside, not even to test itself.
        let product = file.product_code().len();
        let code = if PURE.contains(&part) {
            file.code()
        } else {
            file.product_code()
        };
        for (line, code) in code {
            let depth = file.module().len() + usize::from(line > product);
            for import in imports(&code, depth) {
                if import == "{" {
                    faults.push(
                        file.fault(line, "imports several parts at once: name them one by one"),
                    );
                } else if import != part && !allowed.contains(&import) {
                    faults.push(file.fault(line, &format!("{part} must not know {import}")));
                }
            }
        }
    }
    faults
}

/// The parts of the house that a line names, from a module `depth` levels below the root.
fn imports(code: &str, depth: usize) -> Vec<&str> {
    let mut imports = Vec::new();
    for (at, _) in code.match_indices("crate::") {
        imports.push(&code[at + "crate::".len()..]);
    }
    let mut rest = code;
    while let Some(at) = rest.find("super::") {
        let mut supers = 0;
        rest = &rest[at..];
        while let Some(after) = rest.strip_prefix("super::") {
            supers += 1;
            rest = after;
        }
        if supers >= depth {
            imports.push(rest);
        }
    }
    let name = |path: &str| {
        path.find(|c: char| !c.is_alphanumeric() && c != '_')
            .unwrap_or(path.len())
    };
    imports
        .into_iter()
        .map(|path| &path[..name(path).max(usize::from(path.starts_with('{')))])
        .collect()
}

fn looks_outside(files: &[File]) -> Vec<String> {
    named(
        files,
        &OUTSIDE,
        |file| PURE.contains(&file.part()),
        "looks outside",
    )
}

fn prints(files: &[File]) -> Vec<String> {
    named(
        files,
        &PRINTS,
        |file| !["src/cli/ui.rs", "src/lambda/log.rs"].contains(&file.path.as_str()),
        "prints, which is for cli/ui.rs and lambda/log.rs",
    )
}

fn builds_clients(files: &[File]) -> Vec<String> {
    named(
        files,
        &BUILDS_CLIENTS,
        |file| file.path != "src/aws.rs",
        "builds a client, which is for aws.rs",
    )
}

fn named(
    files: &[File],
    names: &[&str],
    wanted: impl Fn(&File) -> bool,
    what: &str,
) -> Vec<String> {
    let mut faults = Vec::new();
    for file in files
        .iter()
        .filter(|file| file.is_product() && wanted(file))
    {
        for (line, code) in file.product_code() {
            for name in names.iter().filter(|name| holds(&code, name)) {
                faults.push(file.fault(line, &format!("`{name}` {what}")));
            }
        }
    }
    faults
}

/// What ends the program needs a comment that proves that it never does, within three lines above.
fn gives_up(files: &[File]) -> Vec<String> {
    let mut faults = Vec::new();
    for file in files.iter().filter(|file| file.is_product()) {
        let lines: Vec<&str> = file.text.lines().collect();
        for (line, code) in file.product_code() {
            let above = &lines[line.saturating_sub(4)..line - 1];
            let explained = above.iter().any(|line| line.contains("// "));
            if GIVES_UP.iter().any(|name| holds(&code, name)) && !explained {
                faults.push(file.fault(
                    line,
                    "may end the program, and no comment above says why it cannot",
                ));
            }
        }
    }
    faults
}

fn modules_without_doc(files: &[File]) -> Vec<String> {
    let rust = files.iter().filter(|file| file.is_rust());
    rust.filter(|file| !file.text.starts_with("//! "))
        .map(|file| file.fault(1, "does not say what it is for"))
        .collect()
}

fn unfinished(files: &[File]) -> Vec<String> {
    // Written in two halves, or this file would be its own fault.
    lines_with(
        files,
        &[&["TO", "DO"].concat(), &["FIX", "ME"].concat()],
        "is for the list of issues",
    )
}

fn machine_paths(files: &[File]) -> Vec<String> {
    let homes = [
        ["/ho", "me/"],
        ["/ro", "ot/"],
        ["/Us", "ers/"],
        ["/wo", "rk/"],
        ["C:", r"\"],
    ];
    let homes = homes.map(|halves| halves.concat());
    lines_with(
        files,
        &homes.each_ref().map(String::as_str),
        "is a path of one machine",
    )
}

fn lines_with(files: &[File], words: &[&str], what: &str) -> Vec<String> {
    let mut faults = Vec::new();
    for file in files {
        for (at, line) in file.text.lines().enumerate() {
            for word in words.iter().filter(|word| line.contains(**word)) {
                faults.push(file.fault(at + 1, &format!("{word} {what}")));
            }
        }
    }
    faults
}

fn trailing_space(files: &[File]) -> Vec<String> {
    let mut faults = Vec::new();
    for file in files {
        for (at, line) in file.text.split('\n').enumerate() {
            if line.ends_with([' ', '\t', '\r']) {
                faults.push(file.fault(at + 1, "ends in white space"));
            }
        }
        if !file.text.is_empty() && !file.text.ends_with('\n') {
            faults.push(file.fault(file.text.lines().count(), "has no line break at its end"));
        }
    }
    faults
}

fn forgotten_tests(files: &[File]) -> Vec<String> {
    let Some(main) = files.iter().find(|file| file.path == "tests/it/main.rs") else {
        return vec!["tests/it/main.rs is missing".to_owned()];
    };
    let name = |file: &File| -> Option<String> {
        let path = file
            .path
            .strip_prefix("tests/it/")?
            .strip_suffix(".rs")?
            .to_owned();
        (!path.contains('/') && path != "main").then_some(path)
    };
    let listed = |name: &String| main.text.lines().any(|line| line == format!("mod {name};"));
    let forgotten = files.iter().filter_map(name).filter(|name| !listed(name));
    forgotten
        .map(|name| format!("tests/it/{name}.rs is not in tests/it/main.rs and never runs"))
        .collect()
}

/// Everything that people write here.
fn repository() -> Vec<File> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    for name in ["src", "lambda", "tests/it", "benches", "fuzz/src", "docs"] {
        collect(root, &root.join(name), &mut files);
    }
    for entry in fs::read_dir(root).unwrap() {
        let path = entry.unwrap().path();
        if path
            .extension()
            .is_some_and(|ending| ending == "md" || ending == "toml")
        {
            files.push(read(root, &path));
        }
    }
    assert!(files.iter().filter(|file| file.is_product()).count() > 40);
    files
}

fn collect(root: &Path, directory: &Path, files: &mut Vec<File>) {
    let Ok(entries) = fs::read_dir(directory) else {
        return;
    };
    for entry in entries {
        let path = entry.unwrap().path();
        let ending = path
            .extension()
            .unwrap_or_default()
            .to_str()
            .unwrap_or_default();
        if path.is_dir() {
            collect(root, &path, files);
        } else if ["rs", "md", "json", "toml", "py", "sh"].contains(&ending) {
            files.push(read(root, &path));
        }
    }
}

fn read(root: &Path, path: &Path) -> File {
    let name = path.strip_prefix(root).unwrap().to_str().unwrap();
    File::new(&name.replace('\\', "/"), &fs::read_to_string(path).unwrap())
}

type Rule = fn(&[File]) -> Vec<String>;

/// Runs a rule on the repository, and on pieces that break it, each with the number of its faults.
#[track_caller]
fn check(rule: Rule, broken: &[(&str, &str, usize)]) {
    for (path, text, faults) in broken {
        let found = rule(&[File::new(path, text)]);
        assert_eq!(found.len(), *faults, "{path}: {text}\n{found:#?}");
    }
    let faults = rule(&repository());
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn imports_point_one_way() {
    check(
        directions,
        &[
            ("src/core/x.rs", "use crate::aws;", 1),
            (
                "src/core/x.rs",
                "use crate::core::y;\n// crate::aws\nlet x = \"crate::aws\";",
                0,
            ),
            (
                "src/core/x.rs",
                "#[cfg(test)]\nmod tests {\n    use crate::job::y;\n}",
                1,
            ),
            ("src/core/x.rs", "use super::super::render::y;", 1),
            ("src/core/mod.rs", "use super::render;", 1),
            (
                "src/core/x.rs",
                "#[cfg(test)]\nmod tests {\n    use super::super::y;\n}",
                0,
            ),
            ("src/core/x.rs", "use super::y;", 0),
            (
                "src/render/x.rs",
                "use crate::deliver::y; let z = crate::cli::z();",
                2,
            ),
            ("src/render/chart/x.rs", "use super::super::escape;", 0),
            ("src/source/x.rs", "use crate::{core, job};", 1),
            ("src/job/x.rs", "use crate::cli::ui::Ui;", 1),
            (
                "src/job/x.rs",
                "use crate::core::y;\n#[cfg(test)]\nmod tests {\n    use crate::cli::y;\n}",
                0,
            ),
            (
                "src/demo/x.rs",
                "use crate::render::y; use crate::core::z;",
                1,
            ),
            ("src/cost/x.rs", "", 1),
        ],
    );
}

#[test]
fn what_is_pure_looks_at_nothing_outside() {
    check(
        looks_outside,
        &[
            ("src/core/x.rs", "use std::fs;\nlet y = fs::read(z);", 1),
            ("src/core/x.rs", "let y = std::fs::read(z);", 1),
            (
                "src/core/x.rs",
                "let y = offs::read(z); let aws_region = 1; use std::net::IpAddr;",
                0,
            ),
            ("src/core/x.rs", "use aws_sdk_s3::Client;", 1),
            (
                "src/core/x.rs",
                "let now = Instant::now(); let then = SystemTime::now();",
                2,
            ),
            (
                "src/demo/x.rs",
                "std::env::var(x); std::process::id(); tokio::spawn(y).await;",
                4,
            ),
            (
                "src/demo/x.rs",
                "/* std::env::var */ let x = r#\"tokio::\" fs::\"#; // fs::",
                0,
            ),
            ("src/source/x.rs", "let y = std::fs::read(z);", 0),
        ],
    );
}

#[test]
fn one_place_prints() {
    check(
        prints,
        &[
            ("src/job/x.rs", "println!(\"x\");", 1),
            ("src/cli/x.rs", "eprint!(\"x\"); io::stdout().lock();", 2),
            ("src/cli/ui.rs", "eprintln!(\"x\");", 0),
            (
                "src/cli/x.rs",
                "#[cfg(test)]\nmod tests {\n    println!();\n}",
                0,
            ),
        ],
    );
}

#[test]
fn one_place_builds_clients() {
    check(
        builds_clients,
        &[
            (
                "src/source/x.rs",
                "let s3 = aws_sdk_s3::Client::new(&config);",
                1,
            ),
            ("src/source/x.rs", "fn x(s3: &aws_sdk_s3::Client) {}", 0),
            ("src/job/x.rs", "let x = aws_config::load_from_env();", 1),
            ("src/aws.rs", "aws_sdk_s3::Client::from_conf(x)", 0),
        ],
    );
}

#[test]
fn nothing_ends_the_program_without_a_reason() {
    check(
        gives_up,
        &[
            ("src/job/x.rs", "let y = z.unwrap();", 1),
            (
                "src/job/x.rs",
                "// It was checked above.\nlet y = z.unwrap();",
                0,
            ),
            (
                "src/job/x.rs",
                "let y = z.expect(\"y\"); panic!(\"{x}\");",
                1,
            ),
            ("src/core/x.rs", "self.expect(b':')?; y.unwrap_or(z)", 0),
            (
                "src/core/x.rs",
                "#[cfg(test)]\nmod tests {\n    y.unwrap();\n}",
                0,
            ),
            ("src/demo/tests/x.rs", "y.unwrap();", 0),
        ],
    );
}

#[test]
fn every_module_says_what_it_is_for() {
    check(
        modules_without_doc,
        &[
            ("src/x.rs", "use std::fs;\n", 1),
            ("src/x.rs", "//! Why.\n", 0),
        ],
    );
}

#[test]
fn nothing_is_left_unfinished() {
    let note = format!("// {}: later\n", ["TO", "DO"].concat());
    check(
        unfinished,
        &[("src/x.rs", &note, 1), ("docs/x.md", "to do\n", 0)],
    );
}

#[test]
fn no_path_of_one_machine_is_written_down() {
    let path = ["/ho", "me/ann/x"].concat();
    check(
        machine_paths,
        &[
            ("docs/x.md", &path, 1),
            ("docs/x.md", "see /homepage and x/worker\n", 0),
        ],
    );
}

#[test]
fn no_line_ends_in_white_space() {
    check(
        trailing_space,
        &[
            ("docs/x.md", "x \ny\t\n", 2),
            ("docs/x.md", "x\r\n", 1),
            ("docs/x.md", "x", 1),
            ("docs/x.md", "x\n\ny\n", 0),
        ],
    );
}

#[test]
fn no_test_is_forgotten() {
    let faults = forgotten_tests(&[
        File::new("tests/it/main.rs", "mod x;\n"),
        File::new("tests/it/x.rs", ""),
        File::new("tests/it/y.rs", ""),
        File::new("tests/it/support/mod.rs", ""),
    ]);
    assert_eq!(faults.len(), 1, "{faults:?}");
    check(forgotten_tests, &[("tests/it/x.rs", "", 1)]);
}

#[test]
fn quotes_and_comments_are_no_code() {
    for (text, code) in [
        ("a // b\nc /* d\n */ e", "a     \nc     \n    e"),
        (
            r#"x("a\"b", 'c', '\'', '"') + 'a"#,
            r#"x("    ",    ,     ,    ) + 'a"#,
        ),
        ("r#\"a\"b\"# fn r\"c\" bar", "         fn      bar"),
        ("// 'a \"\nlet x = \"//\";", "       \nlet x = \"  \";"),
    ] {
        assert_eq!(blank(text), code, "{text}");
    }
}
