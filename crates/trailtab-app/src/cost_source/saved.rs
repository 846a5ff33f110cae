//! Reads and writes saved answers: a directory with one JSON file per answer, in the format of the
//! API.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;

use super::accounts::AccountListing;
use trailtab_cost_explorer::answer::CostAnswer;
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
    /// Empty if no account list was saved.
    pub accounts: Vec<AccountListing>,
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
    #[error("{} is not what --save writes", path.display())]
    Broken {
        /// The file.
        path: PathBuf,
        /// The error of the JSON parser.
        source: serde_json::Error,
    },
    /// The last page of a saved answer has a `NextPageToken`.
    #[error("{} is incomplete: its last page has the token of another page", path.display())]
    Incomplete {
        /// The file.
        path: PathBuf,
    },
    /// The directory holds no saved answer.
    #[error("{} holds no answers: --save DIR writes some", directory.display())]
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

/// Loads a directory: all files with the extension `.json`.
///
/// # Errors
///
/// Fails if a file is not a complete answer, or if there is no answer: a report with missing
/// answers would show lower costs.
pub fn load(directory: &Path) -> Result<SavedAnswers, LoadError> {
    let mut saved = SavedAnswers::default();
    let mut answers = BTreeMap::new();
    for path in files(directory)? {
        if path.file_name().is_some_and(|name| name == ACCOUNTS) {
            saved.accounts = read(&path)?;
            continue;
        }
        let answer: CostAnswer = read(&path)?;
        let is_whole = answer
            .pages
            .last()
            .is_some_and(|page| page.next_page_token.is_none());
        if !is_whole {
            return Err(LoadError::Incomplete { path });
        }
        let known = answers.get(&answer.request);
        if known.is_none_or(|known: &CostAnswer| known.asked < answer.asked) {
            answers.insert(answer.request.clone(), answer);
        }
    }
    saved.answers = answers.into_values().collect();
    match saved.answers.is_empty() {
        true => Err(LoadError::Nothing {
            directory: directory.to_owned(),
        }),
        false => Ok(saved),
    }
}

/// The JSON files of a directory, by name.
fn files(directory: &Path) -> Result<Vec<PathBuf>, LoadError> {
    let failed = |source| LoadError::Unreadable {
        path: directory.to_owned(),
        source,
    };
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

fn read<T: DeserializeOwned>(path: &Path) -> Result<T, LoadError> {
    let bytes = bounded(path, MAX_FILE_BYTES)?;
    serde_json::from_slice(&bytes).map_err(|source| LoadError::Broken {
        path: path.to_owned(),
        source,
    })
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
    fn incomplete_files_are_rejected() {
        let fails = |name: &str, bytes: &[u8]| {
            let good = save(&answer("Owner", 1)).unwrap();
            let files = [good, (name.to_owned(), bytes.to_vec())];
            load(directory(&files).path()).unwrap_err()
        };
        let error = fails("broken.json", b"{\"request\":");
        assert!(error.to_string().contains("broken.json"), "{error}");
        assert!(matches!(error, LoadError::Broken { .. }));
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
