//! Reads and writes saved answers: a directory with one JSON file per answer, in the format of the
//! API. Also reads answers that the AWS CLI printed.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::accounts::AccountListing;
use trailtab_cost_explorer::answer::CostAnswer;
use trailtab_cost_explorer::forecast::ForecastAnswer;
use trailtab_cost_explorer::plain::{self, PlainCut, PrintedPage, SavedDocument};
use trailtab_cost_explorer::query::{CostQuery, GroupType};

/// The file with the organization's accounts.
pub const ACCOUNTS: &str = "accounts.json";

/// Maximum size of a file. Two months of a large organization take about 50 MB.
const MAX_FILE_BYTES: u64 = 256 << 20;

/// Maximum characters of a group key in a file name. Tag keys may have 128.
const MAX_KEY_CHARS: usize = 40;

/// The contents of a directory of saved answers.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SavedAnswers {
    /// The newest answer to each query.
    pub answers: Vec<CostAnswer>,
    /// All forecasts.
    pub forecasts: Vec<ForecastAnswer>,
    /// Empty if no account list was saved.
    pub accounts: Vec<AccountListing>,
    /// Answers without their requests, one for each grouping.
    pub cuts: Vec<PlainCut>,
    /// Files that cannot be used, or not wholly.
    pub problems: Vec<String>,
    /// Files that hold something else.
    pub notes: Vec<String>,
}

/// Why saved answers cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// A file or directory cannot be read.
    #[error("cannot read {}", path.display())]
    Unreadable {
        /// The file or directory.
        path: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
    /// A file exceeds the size limit.
    #[error("{} is larger than {} MB, more than any answer of Cost Explorer", path.display(), MAX_FILE_BYTES >> 20)]
    TooLarge {
        /// The file.
        path: PathBuf,
    },
    /// A file is not JSON of the expected shape.
    #[error("{} is no answer of Cost Explorer by days or months in JSON (aws ce get-cost-and-usage --output json)", path.display())]
    Broken {
        /// The file.
        path: PathBuf,
        /// The error of the JSON parser.
        source: serde_json::Error,
    },
    /// A file is JSON and holds no answer.
    #[error("{} holds no answer of Cost Explorer and is not used", path.display())]
    NoAnswer {
        /// The file.
        path: PathBuf,
    },
    /// The last page of a saved answer has a `NextPageToken`.
    #[error("{} is incomplete: its last page has the token of another page", path.display())]
    Incomplete {
        /// The file.
        path: PathBuf,
    },
    /// The directory holds no saved answer.
    #[error("{} holds no answers: --save DIR writes some, and so does aws ce get-cost-and-usage > DIR/NAME.json", directory.display())]
    Nothing {
        /// The directory.
        directory: PathBuf,
    },
}

/// The file name of an answer: its days, its group keys, and the query's fingerprint, which makes
/// it unique.
pub fn file_name(query: &CostQuery) -> String {
    let days = query.time_period.days();
    let mut parts = vec![format!("{}-to-{}", days.from, days.through)];
    for group in &query.group_by {
        let kind = match group.r#type {
            GroupType::Dimension => "",
            GroupType::Tag => "tag_",
            GroupType::CostCategory => "category_",
        };
        let safe = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
        let key: String = group.key.chars().take(MAX_KEY_CHARS).map(safe).collect();
        parts.push(format!("{kind}{}", key.to_ascii_lowercase()));
    }
    parts.push(query.fingerprint());
    format!("{}.json", parts.join("-"))
}

/// The file name and content of a saved answer.
///
/// # Errors
///
/// Fails if serialization fails, which no answer causes.
pub fn save(answer: &CostAnswer) -> serde_json::Result<(String, Vec<u8>)> {
    Ok((file_name(&answer.request), lines(answer)?))
}

/// The file name and content of a saved forecast.
///
/// # Errors
///
/// As [`save`].
pub fn save_forecast(answer: &ForecastAnswer) -> serde_json::Result<(String, Vec<u8>)> {
    let days = answer.request.time_period.days();
    let hash = answer.request.fingerprint();
    let name = format!("{}-to-{}-forecast-{hash}.json", days.from, days.through);
    Ok((name, lines(answer)?))
}

/// The file name and content of the saved accounts.
///
/// # Errors
///
/// Fails if serialization fails, which no account list causes.
pub fn save_accounts(accounts: &[AccountListing]) -> serde_json::Result<(String, Vec<u8>)> {
    Ok((ACCOUNTS.to_owned(), lines(&accounts)?))
}

fn lines(value: &impl serde::Serialize) -> serde_json::Result<Vec<u8>> {
    let mut bytes = serde_json::to_vec(value)?;
    bytes.push(b'\n');
    Ok(bytes)
}

/// Loads what a directory holds: all its files with the extension `.json`; or one file.
///
/// A file that cannot be used is a problem of the result, as long as another one can.
///
/// # Errors
///
/// Fails if there is no answer.
pub fn load(directory: &Path) -> Result<SavedAnswers, LoadError> {
    let mut saved = SavedAnswers::default();
    let mut answers = BTreeMap::new();
    let mut printed = Vec::new();
    let mut faults = Vec::new();
    for path in files(directory)? {
        // Costs by account may have this name too.
        if path.file_name().is_some_and(|name| name == ACCOUNTS)
            && let Ok(accounts) = accounts(&path)
        {
            saved.accounts = accounts;
            continue;
        }
        match answers_of(&path) {
            Ok(of_file) => {
                for answer in of_file.answers {
                    let known = answers.get(&answer.request);
                    if known.is_none_or(|known: &CostAnswer| known.asked < answer.asked) {
                        answers.insert(answer.request.clone(), answer);
                    }
                }
                saved.forecasts.extend(of_file.forecasts);
                let name = path.file_name().unwrap_or(path.as_os_str());
                printed.push((name.to_string_lossy().into_owned(), of_file.pages));
            }
            Err(error @ LoadError::NoAnswer { .. }) => saved.notes.push(error.to_string()),
            Err(error) => faults.push(error),
        }
    }
    saved.answers = answers.into_values().collect();
    let assembled = plain::assemble(printed);
    saved.cuts = assembled.cuts;
    saved.problems = faults
        .iter()
        .map(|fault| crate::aws::with_causes(fault))
        .collect();
    saved.problems.extend(assembled.problems);
    if saved.answers.is_empty() && saved.cuts.is_empty() {
        let directory = directory.to_owned();
        return Err(match faults.into_iter().next() {
            Some(fault) => fault,
            None => LoadError::Nothing { directory },
        });
    }
    Ok(saved)
}

/// The answers of a file.
#[derive(Default)]
struct FileAnswers {
    /// With their requests.
    answers: Vec<CostAnswer>,
    /// Forecasts, with their requests.
    forecasts: Vec<ForecastAnswer>,
    /// Without.
    pages: Vec<PrintedPage>,
}

fn answers_of(path: &Path) -> Result<FileAnswers, LoadError> {
    let broken = |source| LoadError::Broken {
        path: path.to_owned(),
        source,
    };
    let text = text(bounded(path, MAX_FILE_BYTES)?);
    let mut of_file = FileAnswers::default();
    for document in plain::documents(&text).map_err(broken)? {
        match document {
            SavedDocument::Answer(answer) => {
                let last = answer.pages.last();
                if last.is_none_or(|page| page.next_page_token.is_some()) {
                    let path = path.to_owned();
                    return Err(LoadError::Incomplete { path });
                }
                of_file.answers.push(answer);
            }
            SavedDocument::Forecast(answer) => of_file.forecasts.push(answer),
            SavedDocument::Page(page) => of_file.pages.push(page),
            SavedDocument::Other => {}
        }
    }
    let answers = of_file.answers.len() + of_file.forecasts.len() + of_file.pages.len();
    match answers == 0 {
        true => Err(LoadError::NoAnswer {
            path: path.to_owned(),
        }),
        false => Ok(of_file),
    }
}

/// The text of a file in UTF-8. PowerShell writes UTF-16 with a byte order mark.
fn text(bytes: Vec<u8>) -> Vec<u8> {
    let wide = |bytes: &[u8], read: fn([u8; 2]) -> u16| {
        let units = bytes.chunks_exact(2).map(|pair| read([pair[0], pair[1]]));
        let units: Vec<u16> = units.collect();
        String::from_utf16_lossy(&units).into_bytes()
    };
    match bytes.as_slice() {
        [0xef, 0xbb, 0xbf, rest @ ..] => rest.to_vec(),
        [0xff, 0xfe, rest @ ..] => wide(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => wide(rest, u16::from_be_bytes),
        _ => bytes,
    }
}

/// The list of accounts: as `--save` writes it, or as `aws organizations list-accounts` prints it.
fn accounts(path: &Path) -> Result<Vec<AccountListing>, LoadError> {
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct PrintedAccounts {
        accounts: Vec<AccountListing>,
    }
    let text = text(bounded(path, MAX_FILE_BYTES)?);
    if let Ok(PrintedAccounts { accounts }) = serde_json::from_slice(&text) {
        return Ok(accounts);
    }
    serde_json::from_slice(&text).map_err(|source| LoadError::Broken {
        path: path.to_owned(),
        source,
    })
}

/// The JSON files of a directory, by name; or the file itself.
fn files(directory: &Path) -> Result<Vec<PathBuf>, LoadError> {
    let failed = |source| LoadError::Unreadable {
        path: directory.to_owned(),
        source,
    };
    if directory.is_file() {
        return Ok(vec![directory.to_owned()]);
    }
    let mut files = Vec::new();
    for entry in fs::read_dir(directory).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path.extension().is_some_and(|ending| ending == "json") {
            files.push(path);
        }
    }
    files.sort_unstable();
    Ok(files)
}

fn bounded(path: &Path, most: u64) -> Result<Vec<u8>, LoadError> {
    let failed = |source| LoadError::Unreadable {
        path: path.to_owned(),
        source,
    };
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(failed)?;
    file.take(most + 1)
        .read_to_end(&mut bytes)
        .map_err(failed)?;
    match bytes.len() as u64 > most {
        true => Err(LoadError::TooLarge {
            path: path.to_owned(),
        }),
        false => Ok(bytes),
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;
    use trailtab_core::cost::charge::CostMetric;
    use trailtab_cost_explorer::answer::AnswerPage;
    use trailtab_cost_explorer::query::{GroupKey, QueryGranularity, TimePeriod};

    fn answer(key: &str, asked: i64) -> CostAnswer {
        CostAnswer {
            request: CostQuery {
                time_period: TimePeriod {
                    start: date(2026, 10, 1),
                    end: date(2026, 11, 21),
                },
                granularity: QueryGranularity::Daily,
                metrics: [CostMetric::UnblendedCost],
                filter: None,
                group_by: vec![GroupKey {
                    r#type: GroupType::Tag,
                    key: key.to_owned(),
                }],
            },
            asked,
            pages: vec![AnswerPage::default()],
        }
    }

    /// Writes files into a new directory.
    fn directory(files: &[(String, Vec<u8>)]) -> tempfile::TempDir {
        let directory = tempfile::tempdir().unwrap();
        for (name, bytes) in files {
            fs::write(directory.path().join(name), bytes).unwrap();
        }
        directory
    }

    #[test]
    fn saved_answers_are_loaded_and_the_newest_wins() {
        let account = AccountListing {
            id: "111122223333".to_owned(),
            name: "Größe\u{1b}[2J".to_owned(),
            state: "ACTIVE".to_owned(),
        };
        let (name, old) = save(&answer("Owner", 1)).unwrap();
        let files = [
            ("by-hand.json".to_owned(), old),
            save(&answer("Owner", 2)).unwrap(),
            save(&answer("Team", 1)).unwrap(),
            save_accounts(std::slice::from_ref(&account)).unwrap(),
            ("notes.txt".to_owned(), b"not ours".to_vec()),
        ];
        assert!(
            name.starts_with("2026-10-01-to-2026-11-20-tag_owner-"),
            "{name}"
        );
        let saved = load(directory(&files).path()).unwrap();
        assert_eq!(saved.answers, [answer("Owner", 2), answer("Team", 1)]);
        assert_eq!(saved.accounts, [account]);
    }

    #[test]
    fn answers_that_others_printed_are_loaded() {
        let page = br#"{"GroupDefinitions": [], "ResultsByTime": [{"TimePeriod":
            {"Start": "2026-11-01", "End": "2026-12-01"}, "Groups": [], "Estimated": false,
            "Total": {"UnblendedCost": {"Amount": "3", "Unit": "USD"}}}]}"#;
        let wide = str::from_utf8(page).unwrap().encode_utf16();
        let wide: Vec<u8> = [0xfeff]
            .into_iter()
            .chain(wide)
            .flat_map(u16::to_le_bytes)
            .collect();
        let listed =
            br#"{"Accounts": [{"Id": "111122223333", "Name": "Lab", "Status": "ACTIVE"}]}"#;
        let of = |bytes: &[u8]| {
            let files = [
                ("total.json".to_owned(), bytes.to_vec()),
                (ACCOUNTS.to_owned(), listed.to_vec()),
            ];
            let directory = directory(&files);
            let one = load(&directory.path().join("total.json")).unwrap();
            let all = load(directory.path()).unwrap();
            assert_eq!(all.accounts[0].name, "Lab");
            assert_eq!((&one.cuts, one.problems.len()), (&all.cuts, 0));
            all.cuts
        };
        assert_eq!(of(page), of(&wide));
        assert_eq!(of(page)[0].files, ["total.json"]);
    }

    #[test]
    fn names_of_files_stay_in_their_directory_and_differ() {
        let long = "/../\u{202e}ö".repeat(100);
        let names = [&long, "a/b", "a_b"].map(|key| file_name(&answer(key, 0).request));
        for name in &names {
            let is_safe = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
            assert!(name.chars().all(is_safe) && name.len() < 128, "{name}");
            assert!(!name.contains(".."), "{name}");
        }
        assert_ne!(names[1], names[2]);
    }

    #[test]
    fn incomplete_files_are_not_used() {
        let good = save(&answer("Owner", 1)).unwrap();
        let files = [good, ("broken.json".to_owned(), b"{\"request\":".to_vec())];
        let saved = load(directory(&files).path()).unwrap();
        assert_eq!(saved.answers, [answer("Owner", 1)]);
        assert!(
            saved.problems[0].contains("broken.json"),
            "{:?}",
            saved.problems
        );
        let fails = |name: &str, bytes: &[u8]| {
            let files = [(name.to_owned(), bytes.to_vec())];
            load(directory(&files).path()).unwrap_err()
        };
        let error = fails("broken.json", b"{\"request\":");
        assert!(error.to_string().contains("broken.json"), "{error}");
        assert!(matches!(error, LoadError::Broken { .. }));
        let filter = b"{\"Tags\": {\"Key\": \"Owner\"}}";
        let error = fails("filter.json", filter);
        assert!(matches!(error, LoadError::Nothing { .. }), "{error}");
        let files = [
            save(&answer("Owner", 1)).unwrap(),
            ("filter.json".to_owned(), filter.to_vec()),
        ];
        let saved = load(directory(&files).path()).unwrap();
        assert_eq!((saved.problems.len(), saved.notes.len()), (0, 1));
        let mut half = answer("Team", 1);
        half.pages[0].next_page_token = Some("more".to_owned());
        let (name, bytes) = save(&half).unwrap();
        assert!(matches!(fails(&name, &bytes), LoadError::Incomplete { .. }));
        let none = directory(&[]);
        assert!(matches!(load(none.path()), Err(LoadError::Nothing { .. })));
        let nowhere = none.path().join("nowhere");
        assert!(matches!(load(&nowhere), Err(LoadError::Unreadable { .. })));
        let four = directory(&[("four".to_owned(), b"1234".to_vec())]);
        let four = four.path().join("four");
        assert_eq!(bounded(&four, 4).unwrap(), b"1234");
        assert!(matches!(bounded(&four, 3), Err(LoadError::TooLarge { .. })));
    }
}
