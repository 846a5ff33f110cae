//! Finds the folders of regions below a prefix.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use tokio::task::JoinSet;

use super::layout::{
    FolderKind, KeyListing, account_of, digests_within_region, has_trail_layout, within_region,
};
use super::pages::{ListedPages, failure_of_list, folders_of, objects_of};
use super::{MAX_CONCURRENT_LISTINGS, NETWORK_ACTIVITY, S3Error, S3Request, S3Store};
use crate::aws::AwsFailure;
use trailtab_core::coverage::ReadScope;
use trailtab_core::event::filter::Criterion;
use trailtab_core::scope::Scope;

/// Maximum number of unrecognized folders to search for `AWSLogs/`.
const MAX_UNKNOWN_FOLDERS: usize = 200;

impl S3Store {
    /// Finds the folders to list.
    pub(super) async fn find_listings(
        self: &Arc<Self>,
        prefix: &str,
        asked: S3Request<'_>,
    ) -> Result<Vec<KeyListing>, S3Error> {
        let listings = match within_region(prefix, asked) {
            Some(_) if self.is_empty(prefix).await => return Err(self.empty_error(prefix).await),
            Some(listing) => [Some(listing), digests_within_region(prefix, asked)]
                .into_iter()
                .flatten()
                .collect(),
            None => self.search(prefix, asked).await?,
        };
        for listing in &listings {
            if let Some(scope) = &listing.scope {
                self.coverage.lock().await.ask(scope.clone());
            }
        }
        Ok(listings)
    }

    /// Searches for the folders of regions.
    async fn search(
        self: &Arc<Self>,
        prefix: &str,
        asked: S3Request<'_>,
    ) -> Result<Vec<KeyListing>, S3Error> {
        let mut search = RegionSearch::default();
        let first = self.children(prefix).await;
        let first = first.map_err(|failure| S3Error::List {
            bucket: self.bucket.clone(),
            prefix: prefix.to_owned(),
            reason: failure.explanation,
        })?;
        if first.is_empty() {
            return Err(self.empty_error(prefix).await);
        }
        let mut level = search.sort(first, asked);
        if asked.digests
            && let Some((before, after)) = prefix.rsplit_once("/CloudTrail/")
        {
            let sibling = format!("{before}/CloudTrail-Digest/{after}");
            level.extend(search.sort(self.children_of(&[sibling]).await, asked));
        }
        while !level.is_empty() {
            level = search.sort(self.children_of(&level).await, asked);
        }
        let left_out = std::mem::take(&mut search.left_out);
        if search.listings.is_empty() && left_out.is_empty() {
            if !search.met_layout && !has_trail_layout(prefix) {
                // Log files may also lie in custom folders.
                return Ok(vec![KeyListing {
                    digests: asked.digests,
                    network_activity: asked.network_activity,
                    ..KeyListing::all(prefix.to_owned())
                }]);
            }
            if self.coverage.lock().await.is_complete() {
                return Err(self.empty_error(prefix).await);
            }
        }
        self.coverage.lock().await.left_out = left_out;
        if search.gave_up {
            let reason = "too many folders: name the one that holds AWSLogs/";
            self.cannot_list(prefix, None, None, reason).await;
        }
        Ok(search.listings)
    }

    /// Returns whether no key begins with a prefix. False if the request fails; the listing that
    /// follows reports the error.
    async fn is_empty(&self, prefix: &str) -> bool {
        let request = self.list_request(prefix).max_keys(1);
        let page = request.send().await;
        page.is_ok_and(|page| page.contents().is_empty())
    }

    /// Lists the folders below several others concurrently.
    async fn children_of(self: &Arc<Self>, folders: &[String]) -> Vec<String> {
        let mut children = Vec::new();
        for batch in folders.chunks(MAX_CONCURRENT_LISTINGS) {
            let mut looks = JoinSet::new();
            for folder in batch.iter().cloned() {
                let store = self.clone();
                looks.spawn(async move { (store.children(&folder).await, folder) });
            }
            for (result, folder) in looks.join_all().await {
                match result {
                    Ok(found) => children.extend(found),
                    Err(failure) => {
                        let scope = account_of(&folder).map(ReadScope::Account);
                        self.failed(&folder, scope, failure).await;
                    }
                }
            }
        }
        children
    }

    /// Lists the folders below a prefix; a key that lies there itself is given as it is. The empty
    /// objects that stand for folders are left out: each would be found below itself again.
    pub(super) async fn children(&self, prefix: &str) -> Result<Vec<String>, AwsFailure> {
        let mut children = Vec::new();
        let mut pages = ListedPages::default();
        loop {
            let request = self.list_request(prefix).delimiter("/");
            let request = request.set_continuation_token(pages.token.clone());
            let page = request
                .send()
                .await
                .map_err(|error| failure_of_list(&error))?;
            let folders: Vec<String> = folders_of(&page);
            let keys = objects_of(&page).map(|object| object.key);
            let keys: Vec<String> = keys.filter(|key| !key.ends_with('/')).collect();
            let last = folders.iter().chain(&keys).max().cloned();
            children.extend(folders.into_iter().chain(keys.into_iter().take(1)));
            if !pages.turn(&page, last)? {
                return Ok(children);
            }
        }
    }
}

/// The search for the folders of regions.
#[derive(Default)]
struct RegionSearch {
    listings: Vec<KeyListing>,
    unknown_folders: usize,
    /// Accounts and regions excluded by a filter.
    left_out: BTreeMap<Criterion, BTreeSet<String>>,
    /// Whether any folder belongs to the layout of a trail.
    met_layout: bool,
    gave_up: bool,
}

impl RegionSearch {
    /// Moves region folders into the listings, and returns the folders to search next.
    fn sort(&mut self, found: Vec<String>, asked: S3Request<'_>) -> Vec<String> {
        let mut next = Vec::new();
        for folder in found {
            let place = FolderKind::of(&folder);
            self.met_layout |= matches!(
                place,
                FolderKind::Region(_) | FolderKind::Account(_) | FolderKind::OnTheWay
            );
            match place {
                FolderKind::Region(scope) if asked.wants(&scope) => {
                    self.listings.push(asked.days(folder, Some(scope)));
                }
                FolderKind::Account(account) if asked.wants_account(account) => {
                    next.push(format!("{folder}CloudTrail/"));
                    if asked.network_activity {
                        next.push(format!("{folder}{NETWORK_ACTIVITY}/"));
                    }
                    if asked.digests {
                        next.push(format!("{folder}CloudTrail-Digest/"));
                    }
                }
                FolderKind::NetworkActivity if asked.network_activity => next.push(folder),
                FolderKind::NetworkActivityOfRegion(scope)
                    if asked.network_activity && asked.wants(&scope) =>
                {
                    self.listings.push(KeyListing {
                        network_activity: true,
                        ..asked.days(folder, Some(scope))
                    });
                }
                FolderKind::Digests if asked.digests => next.push(folder),
                FolderKind::DigestsOfRegion(scope) if asked.digests && asked.wants(&scope) => {
                    self.listings.push(asked.digests_of_days(folder));
                }
                FolderKind::Region(Scope { account, .. }) | FolderKind::Account(account)
                    if !asked.wants_account(account) =>
                {
                    self.leave_out(Criterion::Account, account.to_string());
                }
                FolderKind::Region(Scope { region, .. }) => {
                    self.leave_out(Criterion::Region, region.to_string());
                }
                FolderKind::Account(_) => {}
                FolderKind::OnTheWay => next.push(folder),
                FolderKind::Unknown if self.unknown_folders < MAX_UNKNOWN_FOLDERS => {
                    self.unknown_folders += 1;
                    next.push(folder);
                }
                FolderKind::Unknown => self.gave_up = true,
                FolderKind::Digests
                | FolderKind::DigestsOfRegion(_)
                | FolderKind::NetworkActivity
                | FolderKind::NetworkActivityOfRegion(_)
                | FolderKind::Other => {}
            }
        }
        next
    }

    fn leave_out(&mut self, criterion: Criterion, value: String) {
        self.left_out.entry(criterion).or_default().insert(value);
    }
}
