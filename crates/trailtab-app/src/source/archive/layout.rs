//! Paths and file names of an archive.
//!
//! Accounts and regions are external input. An [`ArchiveScope`] proves that both are valid folder
//! names; every path is made from one.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use trailtab_core::time::{self, Seconds};

/// The folder of everything but log files. `trailtab activity` skips it.
pub const HIDDEN: &str = ".trailtab";

/// Suffix of a log file that is incomplete or not yet in the ledger.
pub const UNFINISHED: &str = ".json.gz.part";

const ENDING: &str = ".json.gz";

pub(super) const DAY: Seconds = 86_400;

/// An account and region, validated for use in paths.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ArchiveScope {
    pub(super) account: String,
    pub(super) region: String,
}

/// The unique part of a log file's name, which distinguishes files of the same minute.
pub(super) type UniqueSuffix = [u8; 16];

impl ArchiveScope {
    pub(super) fn new(account: &str, region: &str) -> Option<ArchiveScope> {
        let is_account = account.len() == 12 && account.bytes().all(|b| b.is_ascii_digit());
        let is_region = (1..=40).contains(&region.len())
            && region.starts_with(|c: char| c.is_ascii_lowercase())
            && region
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        (is_account && is_region).then(|| ArchiveScope {
            account: account.to_owned(),
            region: region.to_owned(),
        })
    }

    /// The folder of all log files of the region.
    pub(super) fn logs(&self, root: &Path) -> PathBuf {
        let account = root.join("AWSLogs").join(&self.account);
        account.join("CloudTrail").join(&self.region)
    }

    /// The folder of a day's log files.
    pub(super) fn day(&self, root: &Path, time: Seconds) -> PathBuf {
        let (year, month, day) = time::day(time);
        self.logs(root)
            .join(format!("{year:04}/{month:02}/{day:02}"))
    }

    pub(super) fn ledger(&self, root: &Path) -> PathBuf {
        let folder = ledgers(root).join(&self.account);
        folder.join(format!("{}.jsonl", self.region))
    }

    /// The name of a log file, given the time of its newest event.
    pub(super) fn name(&self, newest: Seconds, unique: &UniqueSuffix) -> String {
        let time = time::compact(newest);
        // 20260907080000
        let (date, minute) = (time.get(..8), time.get(8..12));
        let (date, minute) = (date.unwrap_or_default(), minute.unwrap_or_default());
        let ArchiveScope { account, region } = self;
        let unique = String::from_utf8_lossy(unique);
        format!("{account}_CloudTrail_{region}_{date}T{minute}Z_{unique}{ENDING}")
    }

    /// Parses the unique part of a log file's name. The rest must match the scope and the newest
    /// event's time.
    pub(super) fn unique(&self, name: &str, newest: Seconds) -> Option<UniqueSuffix> {
        let unique = name.strip_suffix(ENDING)?.as_bytes().last_chunk()?;
        (unique.iter().all(u8::is_ascii_alphanumeric) && self.name(newest, unique) == name)
            .then_some(*unique)
    }

    /// Tells whether a file name is that of an unfinished log file of this scope.
    pub(super) fn is_unfinished(&self, name: &OsStr) -> bool {
        let ArchiveScope { account, region } = self;
        name.to_str().is_some_and(|name| {
            name.starts_with(&format!("{account}_CloudTrail_{region}_"))
                && name.ends_with(UNFINISHED)
        })
    }
}

/// The folder of the ledgers: one folder per account, one file per region.
pub(super) fn ledgers(root: &Path) -> PathBuf {
    root.join(HIDDEN).join("ledger")
}

/// The lock file, which admits one writing run.
pub(super) fn lock(root: &Path) -> PathBuf {
    root.join(HIDDEN).join("lock")
}

/// The folder of damaged log files, moved away from their replacements.
pub(super) fn damaged(root: &Path) -> PathBuf {
    root.join(HIDDEN).join("damaged")
}

/// The name of an unfinished file.
pub(super) fn unfinished(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".part");
    name.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_cloudtrails_own() {
        let scope = ArchiveScope::new("111122223333", "eu-west-1").unwrap();
        let time = time::parse(b"2026-09-07T08:05:09Z").unwrap();
        let name = scope.name(time, b"abcdefgh01234567");
        assert_eq!(
            name,
            "111122223333_CloudTrail_eu-west-1_20260907T0805Z_abcdefgh01234567.json.gz"
        );
        let folder = "x/AWSLogs/111122223333/CloudTrail/eu-west-1/2026/09/07";
        assert_eq!(scope.day(Path::new("x"), time), Path::new(folder));
        assert_eq!(scope.unique(&name, time), Some(*b"abcdefgh01234567"));
        assert_eq!(scope.unique(&name, time + 60), None);
        let odd = name.replace("abcdefgh", "../../..");
        assert_eq!(scope.unique(&odd, time), None);
    }

    #[test]
    fn no_scope_leaves_its_folder() {
        for (account, region) in [
            ("..", "eu-west-1"),
            ("11112222333", "eu-west-1"),
            ("11112222333x", "eu-west-1"),
            ("111122223333", ""),
            ("111122223333", ".."),
            ("111122223333", "eu/west"),
            ("111122223333", "EU-WEST-1"),
            ("111122223333", "-x"),
        ] {
            assert_eq!(
                ArchiveScope::new(account, region),
                None,
                "{account} {region}"
            );
        }
    }
}
