//! Paths and file names of an archive.
//!
//! Accounts and regions come from outside. A [`Scope`] is the proof that both can be names of folders;
//! every path is made from one.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use trailtab_core::scope::Scope;
use trailtab_core::time::{self, Seconds};

/// The folder of everything but log files. `trailtab activity` skips it.
pub const HIDDEN: &str = ".trailtab";

/// Suffix of a log file that is incomplete or not yet in the ledger.
pub const UNFINISHED: &str = ".json.gz.part";

const ENDING: &str = ".json.gz";

pub(super) const DAY: Seconds = 86_400;

/// The part of a log file's name that distinguishes it from others of its minute.
pub(super) type UniqueSuffix = [u8; 16];

/// The paths of one account and region. A [`Scope`] holds only names that are safe in paths.
pub(super) trait ArchivePaths {
    /// The folder of all log files.
    fn logs(&self, root: &Path) -> PathBuf;
    /// The folder of a day's log files.
    fn day(&self, root: &Path, time: Seconds) -> PathBuf;
    /// The file of the ledger.
    fn ledger(&self, root: &Path) -> PathBuf;
    /// The name of a log file whose newest event is of this time.
    fn name(&self, newest: Seconds, unique: &UniqueSuffix) -> String;
    /// Reads the part that distinguishes a log file; the rest must fit the newest event's time.
    fn unique(&self, name: &str, newest: Seconds) -> Option<UniqueSuffix>;
    /// Returns whether an archive could have begun to write this file.
    fn is_unfinished(&self, name: &OsStr) -> bool;
}

impl ArchivePaths for Scope {
    fn logs(&self, root: &Path) -> PathBuf {
        let account = root.join("AWSLogs").join(self.account.as_str());
        account.join("CloudTrail").join(self.region.as_str())
    }

    fn day(&self, root: &Path, time: Seconds) -> PathBuf {
        let (year, month, day) = time::day(time);
        self.logs(root)
            .join(format!("{year:04}/{month:02}/{day:02}"))
    }

    fn ledger(&self, root: &Path) -> PathBuf {
        let folder = ledgers(root).join(self.account.as_str());
        folder.join(format!("{}.jsonl", self.region))
    }

    fn name(&self, newest: Seconds, unique: &UniqueSuffix) -> String {
        let time = time::compact(newest);
        // 20260907080000
        let (date, minute) = (time.get(..8), time.get(8..12));
        let (date, minute) = (date.unwrap_or_default(), minute.unwrap_or_default());
        let Scope { account, region } = self;
        let unique = String::from_utf8_lossy(unique);
        format!("{account}_CloudTrail_{region}_{date}T{minute}Z_{unique}{ENDING}")
    }

    fn unique(&self, name: &str, newest: Seconds) -> Option<UniqueSuffix> {
        let unique = name.strip_suffix(ENDING)?.as_bytes().last_chunk()?;
        (unique.iter().all(u8::is_ascii_alphanumeric) && self.name(newest, unique) == name)
            .then_some(*unique)
    }

    fn is_unfinished(&self, name: &OsStr) -> bool {
        let Scope { account, region } = self;
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
        let scope = Scope {
            account: "111122223333".parse().unwrap(),
            region: "eu-west-1".parse().unwrap(),
        };
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
}
