//! Where the trails of a bucket begin: the folders that hold accounts' folders, and the first day of their log files.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::civil::Date;
use tokio::task::JoinSet;

use super::list_only::{ListingRun, list_only};
use super::pages::{failure_of_list, objects_of};
use super::{MAX_CONCURRENT_LISTINGS, S3Error, S3Request, S3Store};
use crate::aws::AwsFailure;
use trailtab_core::coverage::{ReadScope, RunCoverage};
use trailtab_core::scope::{AccountId, Scope};
use trailtab_core::time;

/// The part of a key that sorts before all days since CloudTrail began, in November 2013.
const BEFORE_CLOUDTRAIL: &str = "2013/11/";

/// Number of keys of a Region's folder among which a log file is looked for.
const MAX_FIRST_KEYS: i32 = 20;

/// A folder that holds accounts' folders, such as `AWSLogs/` or `AWSLogs/o-a1b2c3d4e5/`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogRoot {
    /// The prefix of its keys, with a slash at its end; empty if accounts lie in the bucket itself.
    pub prefix: String,
    /// The accounts and Regions that were found in it.
    pub scopes: BTreeSet<Scope>,
    /// The first day under which log files lie; None if no log file was found, or it was not looked for.
    pub first_day: Option<Date>,
    /// Whether the requested prefix is a part of the folder only.
    pub is_wider: bool,
}

/// The trails of a bucket.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TrailLayout {
    /// The folders, in the order of their names. Without any, the bucket has no layout of a trail there.
    pub roots: Vec<LogRoot>,
    /// The Region of the bucket, if it is known.
    pub region: Option<String>,
    /// What could not be listed.
    pub coverage: RunCoverage,
}

/// Finds the trails below a prefix, or the one that the prefix lies in, and their first days if `dates` is set.
///
/// # Errors
///
/// Fails if the bucket cannot be listed or holds nothing under the prefix.
pub async fn trail_layout(
    config: &aws_config::SdkConfig,
    bucket: &str,
    prefix: &str,
    asked: S3Request<'_>,
    dates: bool,
) -> Result<TrailLayout, S3Error> {
    let run = list_only(config, bucket, prefix, asked, async |store| {
        store.roots(prefix, asked, dates).await
    });
    let ListingRun {
        store,
        found,
        coverage,
    } = run.await?;
    let region = |store: Arc<S3Store>| store.client.config().region().map(ToString::to_string);
    Ok(TrailLayout {
        roots: found.unwrap_or_default(),
        region: store.and_then(region),
        coverage,
    })
}

impl S3Store {
    async fn roots(
        self: &Arc<Self>,
        prefix: &str,
        asked: S3Request<'_>,
        dates: bool,
    ) -> Result<Vec<LogRoot>, S3Error> {
        let mut roots: BTreeMap<String, LogRoot> = BTreeMap::new();
        let listings = self.find_listings(prefix, asked).await?;
        for listing in listings {
            let (Some(scope), Some(root)) = (listing.scope, root_of(&listing.prefix)) else {
                continue;
            };
            let entry = roots.entry(root.to_owned()).or_insert_with(|| LogRoot {
                prefix: root.to_owned(),
                scopes: BTreeSet::new(),
                first_day: None,
                is_wider: prefix.len() > root.len(),
            });
            entry.scopes.insert(scope);
        }
        let mut roots: Vec<LogRoot> = roots.into_values().collect();
        if dates {
            for root in &mut roots {
                root.first_day = self.first_day(root, asked.now).await;
            }
        }
        Ok(roots)
    }

    /// The first day of a root's log files, by one request for each account and Region.
    async fn first_day(self: &Arc<Self>, root: &LogRoot, now: time::Seconds) -> Option<Date> {
        let mut first = None;
        let scopes: Vec<&Scope> = root.scopes.iter().collect();
        for batch in scopes.chunks(MAX_CONCURRENT_LISTINGS) {
            let mut looks = JoinSet::new();
            for scope in batch.iter().copied().cloned() {
                let (account, region) = (scope.account, &scope.region);
                let folder = format!("{}{account}/CloudTrail/{region}/", root.prefix);
                let store = self.clone();
                looks.spawn(async move { (store.first_day_in(&folder).await, folder, scope) });
            }
            for (found, folder, scope) in looks.join_all().await {
                match found {
                    Ok(day) => {
                        // A writer to the bucket can write keys of the future.
                        let day = day.filter(|day| *day <= time::date_of(now));
                        first = first.into_iter().chain(day).min();
                    }
                    Err(failure) => {
                        let scope = Some(ReadScope::Region(scope));
                        self.failed(&folder, scope, failure).await;
                    }
                }
            }
        }
        first
    }

    /// The first day in a Region's folder: keys come in order.
    async fn first_day_in(&self, folder: &str) -> Result<Option<Date>, AwsFailure> {
        let request = self.list_request(folder).max_keys(MAX_FIRST_KEYS);
        let request = request.start_after(format!("{folder}{BEFORE_CLOUDTRAIL}"));
        let page = request.send().await;
        let page = page.map_err(|error| failure_of_list(&error))?;
        let mut days = objects_of(&page).filter_map(|object| {
            let path = object.key.strip_prefix(folder)?;
            let (day, _) = path.split_at_checked(FOLDER_OF_DAY_BYTES)?;
            Date::strptime("%Y/%m/%d/", day).ok()
        });
        Ok(days.next())
    }
}

/// The length of `2026/11/30/`.
const FOLDER_OF_DAY_BYTES: usize = 11;

/// The folder that holds the account's folder which a key or a prefix lies in.
fn root_of(prefix: &str) -> Option<&str> {
    let (before, _) = prefix.rsplit_once("/CloudTrail/")?;
    let start = before.rfind('/').map_or(0, |slash| slash + 1);
    AccountId::is_id(&before[start..]).then(|| &prefix[..start])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_root_ends_where_the_account_begins() {
        let region = "111122223333/CloudTrail/eu-west-1/";
        for root in ["", "AWSLogs/", "AWSLogs/o-a1/", "o-a1/AWSLogs/o-a1/"] {
            for rest in ["", "2026/", "2026/11/30/f.json.gz"] {
                assert_eq!(root_of(&format!("{root}{region}{rest}")), Some(root));
            }
        }
        for none in [
            "AWSLogs/111122223333/CloudTrail-NetworkActivity/eu-west-1/",
            "AWSLogs/x/CloudTrail/eu-west-1/",
            "CloudTrail/eu-west-1/",
            "",
        ] {
            assert_eq!(root_of(none), None, "{none}");
        }
    }
}
