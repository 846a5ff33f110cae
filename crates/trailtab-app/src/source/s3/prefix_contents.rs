//! Describes the contents of a bucket, for the error message when no log files were found.

use super::layout::{KeyListing, is_number};
use super::pages::{folders_of, objects_of};
use super::{S3Error, S3Store};
use trailtab_core::coverage::RunCoverage;
use trailtab_core::nearest;

/// Number of keys and folders listed, and shown in the message.
const MAX_NAMES_LISTED: i32 = 100;
const MAX_NAMES_SHOWN: usize = 8;

/// Maximum number of regions whose first and last day are looked up when no log file lies in the
/// window.
const MAX_DATED_REGIONS: usize = 20;

/// The contents of the requested prefix, or of the nearest folder above it that is not empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PrefixContents {
    /// The prefix of the folder; empty for the bucket as a whole.
    prefix: String,
    /// The first keys and folders; folders end in a slash.
    names: Vec<String>,
    has_more: bool,
}

/// Which of a region's days with log files to find.
#[derive(Debug, Clone, Copy)]
enum DayEnd {
    First,
    Last,
}

/// Describes what there is instead of log files.
pub(super) fn describe(bucket: &str, wanted: &str, contents: Option<&PrefixContents>) -> String {
    let Some(contents) = contents else {
        return String::new();
    };
    let at = format!("s3://{bucket}/{}", contents.prefix);
    if contents.names.is_empty() {
        return format!(": {at} is empty");
    }
    let names: Vec<&str> = contents
        .names
        .iter()
        .take(MAX_NAMES_SHOWN)
        .map(String::as_str)
        .collect();
    let has_more = contents.has_more || names.len() < contents.names.len();
    let more = if has_more { " and more" } else { "" };
    let missing = wanted
        .strip_prefix(contents.prefix.as_str())
        .unwrap_or_default();
    let missing = missing.split('/').next().unwrap_or_default();
    let folders = contents
        .names
        .iter()
        .filter_map(|name| name.strip_suffix('/'));
    let meant = match missing {
        "" => None,
        missing => nearest::meant(missing, folders),
    };
    let meant = meant.map_or(String::new(), |(_, meant)| {
        format!("; did you mean {at}{meant}/?")
    });
    format!(": {at} holds {}{more}{meant}", names.join(", "))
}

impl S3Store {
    /// The error for a prefix without log files.
    pub(super) async fn empty_error(&self, prefix: &str) -> S3Error {
        S3Error::Empty {
            bucket: self.bucket.clone(),
            prefix: prefix.to_owned(),
            contents: self.prefix_contents(prefix).await,
        }
    }

    /// Lists a prefix, or else the nearest folder above it that is not empty. Returns `None` if the
    /// listing fails.
    async fn prefix_contents(&self, prefix: &str) -> Option<PrefixContents> {
        let mut at = prefix;
        loop {
            let request = self.list_request(at).delimiter("/");
            let page = request.max_keys(MAX_NAMES_LISTED).send().await.ok()?;
            let folder = &at[..at.rfind('/').map_or(0, |slash| slash + 1)];
            let keys = objects_of(&page).map(|object| object.key);
            let names = folders_of(&page).into_iter().chain(keys);
            let names: Vec<String> = names
                .filter(|name| name != at)
                .map(|name| name.strip_prefix(folder).unwrap_or(&name).to_owned())
                .collect();
            if !names.is_empty() || at.is_empty() {
                return Some(PrefixContents {
                    prefix: folder.to_owned(),
                    names,
                    has_more: page.is_truncated() == Some(true),
                });
            }
            let above = at.trim_end_matches('/');
            at = &above[..above.rfind('/').map_or(0, |slash| slash + 1)];
        }
    }

    /// Adds the first and last day with log files of some regions to the coverage.
    pub(super) async fn add_days_stored(&self, listings: &[KeyListing]) {
        let regions = listings.iter().filter(|listing| listing.scope.is_some());
        for listing in regions.take(MAX_DATED_REGIONS) {
            let days = (
                self.day(&listing.prefix, DayEnd::First).await,
                self.day(&listing.prefix, DayEnd::Last).await,
            );
            if let (Some(first), Some(last)) = days {
                let dated = RunCoverage {
                    days_stored: Some((first, last)),
                    ..RunCoverage::default()
                };
                self.coverage.lock().await.merge(dated);
            }
        }
    }

    /// Finds the first or last day in a region's folder (`YYYY/MM/DD/`), as `YYYY-MM-DD`.
    async fn day(&self, region: &str, end: DayEnd) -> Option<String> {
        let mut folder = region.to_owned();
        for _ in ["year", "month", "day"] {
            let found = self.children(&folder).await.ok()?;
            let numbers = found.into_iter().filter(|child| {
                let name = child.strip_prefix(folder.as_str());
                name.is_some_and(|name| is_number(name.trim_end_matches('/')))
            });
            folder = match end {
                DayEnd::First => numbers.min()?,
                DayEnd::Last => numbers.max()?,
            };
        }
        let day = folder.strip_prefix(region)?.trim_end_matches('/');
        Some(day.replace('/', "-"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(wanted: &str, prefix: &str, names: &[&str], has_more: bool) -> String {
        let contents = PrefixContents {
            prefix: prefix.to_owned(),
            names: names.iter().map(|name| (*name).to_owned()).collect(),
            has_more,
        };
        describe("b", wanted, Some(&contents))
    }

    #[test]
    fn the_error_of_a_wrong_prefix_lists_what_exists() {
        assert_eq!(said("", "", &[], false), ": s3://b/ is empty");
        assert_eq!(
            said("AWSLog/1/", "", &["AWSLogs/", "folder/"], false),
            ": s3://b/ holds AWSLogs/, folder/; did you mean s3://b/AWSLogs/?"
        );
        assert_eq!(
            said(
                "AWSLogs/o-a1b2c3d4e5/",
                "AWSLogs/",
                &["111122223333/"],
                true
            ),
            ": s3://b/AWSLogs/ holds 111122223333/ and more"
        );
        let many: Vec<String> = (0..10).map(|n| format!("{n}/")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        assert!(said("x/", "", &many, false).ends_with(" 7/ and more"));
        assert_eq!(describe("b", "x", None), "");
    }
}
