//! Where log files lie in a bucket: which folders to search, which keys to list, by account, region
//! and day.

use super::{MAX_LATE_DAYS, NETWORK_ACTIVITY, S3Request};
use trailtab_core::integrity::ReadPrefix;
use trailtab_core::scope::{AccountId, Scope};
use trailtab_core::time::{self, Seconds, TimeWindow};

const SECONDS_PER_DAY: Seconds = 86_400;

/// A prefix to list, usually the folder of an account and region.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct KeyListing {
    pub(super) prefix: String,
    /// Skip keys up to this one (`StartAfter`).
    pub(super) after: Option<String>,
    /// Stop at this key.
    pub(super) before: Option<String>,
    /// Account and region, if the folder is theirs.
    pub(super) scope: Option<Scope>,
    /// Whether digests are wanted as well.
    pub(super) digests: bool,
    /// Whether network activity is wanted as well.
    pub(super) network_activity: bool,
}

impl KeyListing {
    pub(super) fn all(prefix: String) -> KeyListing {
        KeyListing {
            prefix,
            after: None,
            before: None,
            scope: None,
            digests: false,
            network_activity: false,
        }
    }

    /// Returns whether to read a key: not a folder marker and not below a sibling of `CloudTrail/`.
    pub(super) fn wants(&self, key: &str) -> bool {
        let is_foreign = |part| {
            is_sibling(part)
                && !(self.digests && part == "CloudTrail-Digest")
                && !(self.network_activity && part == NETWORK_ACTIVITY)
        };
        !key.ends_with('/') && (key == self.prefix || !key.rsplit('/').skip(1).any(is_foreign))
    }
}

/// Kind of a folder, decided from the end of its prefix.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum FolderKind {
    /// `…/ACCOUNT/CloudTrail/REGION/`
    Region(Scope),
    /// `…/AWSLogs/ACCOUNT/`, also with an organisation's id in between.
    Account(AccountId),
    /// `…/ACCOUNT/CloudTrail-NetworkActivity/`
    NetworkActivity,
    /// `…/ACCOUNT/CloudTrail-NetworkActivity/REGION/`
    NetworkActivityOfRegion(Scope),
    /// `…/ACCOUNT/CloudTrail-Digest/`
    Digests,
    /// `…/ACCOUNT/CloudTrail-Digest/REGION/`
    DigestsOfRegion(Scope),
    /// `…/AWSLogs/`, or an organisation's folder below it.
    OnTheWay,
    /// A folder that may lead to `AWSLogs/`, such as Control Tower's, which begins with the
    /// organization id.
    Unknown,
    Other,
}

impl FolderKind {
    pub(super) fn of(prefix: &str) -> FolderKind {
        let Some(folder) = prefix.strip_suffix('/') else {
            return FolderKind::Other;
        };
        let parts: Vec<&str> = folder.split('/').collect();
        let scope = |account: &str, region: &str| {
            Some(Scope {
                account: account.parse().ok()?,
                region: region.parse().ok()?,
            })
        };
        match *parts.as_slice() {
            [.., account, "CloudTrail", region] if AccountId::is_id(account) => {
                scope(account, region).map_or(FolderKind::OnTheWay, FolderKind::Region)
            }
            [.., account, "CloudTrail"] if AccountId::is_id(account) => FolderKind::OnTheWay,
            [.., account, "CloudTrail-Digest", region] if AccountId::is_id(account) => {
                scope(account, region).map_or(FolderKind::Other, FolderKind::DigestsOfRegion)
            }
            [.., account, "CloudTrail-Digest"] if AccountId::is_id(account) => FolderKind::Digests,
            [.., account, NETWORK_ACTIVITY, region] if AccountId::is_id(account) => {
                scope(account, region)
                    .map_or(FolderKind::Other, FolderKind::NetworkActivityOfRegion)
            }
            [.., account, NETWORK_ACTIVITY] if AccountId::is_id(account) => {
                FolderKind::NetworkActivity
            }
            [.., account, sibling] if AccountId::is_id(account) && is_sibling(sibling) => {
                FolderKind::Other
            }
            [.., "AWSLogs"] => FolderKind::OnTheWay,
            [.., "AWSLogs", organization] if is_organization(organization) => FolderKind::OnTheWay,
            [.., parent, account] if parent == "AWSLogs" || is_organization(parent) => {
                match account.parse() {
                    Ok(account) => FolderKind::Account(account),
                    // Other services keep their logs below the account as well.
                    Err(_) if parts.contains(&"AWSLogs") || parts.len() > 6 => FolderKind::Other,
                    Err(_) => FolderKind::Unknown,
                }
            }
            _ if parts.contains(&"AWSLogs") || parts.len() > 6 => FolderKind::Other,
            _ => FolderKind::Unknown,
        }
    }
}

impl S3Request<'_> {
    pub(super) fn wants_account(&self, account: AccountId) -> bool {
        self.scopes.admits_account(account.as_str())
    }

    pub(super) fn wants(&self, scope: &Scope) -> bool {
        self.wants_account(scope.account) && self.scopes.admits_region(scope.region.as_str())
    }

    /// A second of the first day whose deliveries are not read; None if all are.
    pub(super) fn undelivered_from(&self) -> Option<Seconds> {
        let late = i64::from(self.late_days) * SECONDS_PER_DAY;
        let last = self.window.until?.saturating_sub(1).saturating_add(late);
        Some(last.saturating_add(SECONDS_PER_DAY))
    }

    /// The first second whose deliveries are not read, though CloudTrail may have delivered events of
    /// the window since; None if there is none.
    pub(crate) fn late_from(&self) -> Option<Seconds> {
        let from = self.undelivered_from()?.div_euclid(SECONDS_PER_DAY) * SECONDS_PER_DAY;
        (from <= self.now && self.late_days < MAX_LATE_DAYS).then_some(from)
    }

    /// Narrows a region's folder to the days asked for: log files lie under the day on which they
    /// were delivered, which may be a later one.
    pub(super) fn days(&self, prefix: String, scope: Option<Scope>) -> KeyListing {
        let key = |time| {
            let (year, month, day) = time::day(time);
            format!("{prefix}{year:04}/{month:02}/{day:02}")
        };
        KeyListing {
            after: self.window.since.map(key),
            before: self.undelivered_from().map(key),
            scope,
            digests: false,
            network_activity: false,
            prefix,
        }
    }

    /// Narrows a region's folder of digests. Digests of the last day's log files may lie one day
    /// later still.
    pub(super) fn digests_of_days(&self, prefix: String) -> KeyListing {
        let later = |until: Seconds| until.saturating_add(86_400);
        let window = TimeWindow {
            until: self.window.until.map(later),
            ..self.window
        };
        let days = S3Request { window, ..*self }.days(prefix, None);
        KeyListing {
            digests: true,
            ..days
        }
    }
}

/// Returns the account whose regions are the folders below `…/ACCOUNT/CloudTrail/`.
pub(super) fn account_of(folder: &str) -> Option<AccountId> {
    let account = folder.strip_suffix("/CloudTrail/")?;
    account.rsplit('/').next()?.parse().ok()
}

/// The folders beside `CloudTrail/`: their files have another format, or repeat events of the log files.
fn is_sibling(part: &str) -> bool {
    let kind = part.strip_prefix("CloudTrail-");
    kind.is_some_and(|kind| ["Digest", "Insight", "NetworkActivity", "Aggregated"].contains(&kind))
}

/// `o-` followed by letters and digits.
fn is_organization(part: &str) -> bool {
    part.strip_prefix("o-")
        .is_some_and(|id| id.bytes().all(|b| b.is_ascii_alphanumeric()))
}

pub(super) fn has_trail_layout(prefix: &str) -> bool {
    prefix.split('/').any(|part| part == "AWSLogs")
}

/// Recognizes a prefix inside a region's folder, down to a single file.
pub(super) fn within_region(prefix: &str, asked: S3Request<'_>) -> Option<KeyListing> {
    let of_folder = |folder: &str| prefix.rsplit_once(&format!("/{folder}/"));
    let ((before, after), network_activity) = match of_folder("CloudTrail") {
        Some(parts) => (parts, false),
        None => (of_folder(NETWORK_ACTIVITY)?, true),
    };
    let account = before.rsplit('/').next()?.parse().ok()?;
    let (region, rest) = after.split_once('/')?;
    let region = region.parse().ok()?;
    let folder = &prefix[..prefix.len() - rest.len()];
    let days = KeyListing {
        network_activity,
        ..asked.days(folder.to_owned(), Some(Scope { account, region }))
    };
    Some(match prefix.ends_with('/') {
        true => KeyListing {
            prefix: prefix.to_owned(),
            ..days
        },
        // An explicitly named file is read regardless of its day.
        false => KeyListing {
            scope: days.scope,
            network_activity,
            ..KeyListing::all(prefix.to_owned())
        },
    })
}

/// The digests of the log files under a prefix inside a region's folder.
pub(super) fn digests_within_region(prefix: &str, asked: S3Request<'_>) -> Option<KeyListing> {
    if !asked.digests {
        return None;
    }
    let (before, after) = prefix.rsplit_once("/CloudTrail/")?;
    let (region, rest) = after.split_once('/')?;
    let folder = format!("{before}/CloudTrail-Digest/{region}/");
    let days = asked.digests_of_days(folder.clone());
    let date: Vec<&str> = rest
        .split('/')
        .take(3)
        .take_while(|part| is_number(part))
        .collect();
    // A digest lies under the day on which it ends: the day of the log files or the next.
    let start = format!("{folder}{}", date.join("/"));
    let days_behind = match date.len() {
        1 => 367,
        2 => 33,
        _ => 3,
    };
    let first = format!("{}-01-01", date.join("-"));
    let end = first
        .get(..10)
        .and_then(|day| time::parse(format!("{day}T00:00:00Z").as_bytes()));
    let end = end.map(|first| {
        let (year, month, day) = time::day(first + days_behind * 86_400);
        format!("{folder}{year:04}/{month:02}/{day:02}")
    });
    let (after, before) = match date.is_empty() {
        true => (None, None),
        false => (Some(start), end),
    };
    Some(KeyListing {
        after: days.after.max(after),
        before: days.before.into_iter().chain(before).min(),
        ..days
    })
}

/// Returns where the log files under a prefix are, and where their digests are: digests of a prefix
/// that ends in a date are mostly under the same date.
pub fn read_prefix(bucket: &str, prefix: &str) -> ReadPrefix {
    let address = |key: &str| format!("s3://{bucket}/{key}");
    let Some((before, after)) = prefix.rsplit_once("/CloudTrail/") else {
        return ReadPrefix {
            logs: address(prefix),
            digests: address(prefix),
            until: None,
        };
    };
    let (region, rest) = after.split_once('/').unwrap_or((after, ""));
    let date: Vec<&str> = rest
        .split('/')
        .take(3)
        .take_while(|part| is_number(part))
        .collect();
    let folder = match after.contains('/') {
        true => format!("{before}/CloudTrail-Digest/{region}/{}", date.join("/")),
        false => format!("{before}/CloudTrail-Digest/{region}"),
    };
    ReadPrefix {
        logs: address(prefix),
        digests: address(&folder),
        until: end_of(rest),
    }
}

/// The first second after the year, month or day that a path begins with.
fn end_of(path: &str) -> Option<Seconds> {
    let first = |year: i64, month: i64| {
        time::parse(format!("{year:04}-{month:02}-01T00:00:00Z").as_bytes())
    };
    let (date, _) = path.rsplit_once('/')?;
    let numbers = date.split('/').take(3).map_while(|part| {
        let number = part.parse::<u16>().ok().filter(|_| is_number(part));
        number.map(i64::from)
    });
    let numbers: Vec<i64> = numbers.collect();
    match *numbers.as_slice() {
        [year] => first(year + 1, 1),
        [year, 12] => first(year + 1, 1),
        [year, month] => first(year, month + 1),
        [year, month, day] => Some(first(year, month)? + day * 86_400),
        _ => None,
    }
}

pub(super) fn is_number(part: &str) -> bool {
    !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit())
}
