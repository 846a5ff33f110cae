//! What a scan of a bucket would read, by account, region and day, without fetching anything.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aws_lc_rs::digest::{Context, SHA256};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::list_only::{ListingRun, list_only};
use super::pages::ListedObject;
use super::{ListingCursor, MAX_CONCURRENT_LISTINGS, S3Error, S3Request, S3Store};
use trailtab_core::coverage::RunCoverage;
use trailtab_core::s3_requests::S3RequestPlan;
use trailtab_core::scope::Scope;

/// Maximum number of places that are counted separately. A thousand regions of accounts have as many in three years.
const MAX_PLACES: usize = 1 << 20;

/// The place of log files: the account and region, and the day under which they were delivered.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct SurveyPlace {
    /// The account and region of the folder, or of the name of the file; None if neither tells.
    pub scope: Option<Scope>,
    /// The year, month and day of the folders (`…/2026/09/07/…`); None if they are not a date.
    pub day: Option<(u16, u8, u8)>,
}

/// A sum over the names, sizes, entity tags and times of objects, the same in any order. It shows whether
/// objects were added, removed or replaced; it does not protect against chosen names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ObjectFingerprint(u128);

/// 32 hexadecimal digits.
impl fmt::Display for ObjectFingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl ObjectFingerprint {
    fn of(object: &ListedObject) -> ObjectFingerprint {
        let mut sum = Context::new(&SHA256);
        sum.update(&(object.key.len() as u64).to_be_bytes());
        sum.update(object.key.as_bytes());
        sum.update(&object.size.to_be_bytes());
        // No time is the least number, so it represents an absent time.
        sum.update(&object.modified.unwrap_or(i64::MIN).to_be_bytes());
        sum.update(object.etag.as_deref().unwrap_or_default().as_bytes());
        let sum = sum.finish();
        let half = sum.as_ref().first_chunk().copied().unwrap_or_default();
        ObjectFingerprint(u128::from_be_bytes(half))
    }

    /// The fingerprint of the objects of both.
    #[must_use]
    pub fn with(self, other: ObjectFingerprint) -> ObjectFingerprint {
        ObjectFingerprint(self.0.wrapping_add(other.0))
    }
}

/// Objects of one place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SurveyedObjects {
    /// Their number.
    pub objects: u64,
    /// Their size in bytes as stored.
    pub bytes: u64,
    /// The fingerprint of these objects.
    pub fingerprint: ObjectFingerprint,
}

/// What a scan would read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ScanSurvey {
    /// The objects by place. Beyond about a million places, objects are counted as of an unknown place.
    pub places: BTreeMap<SurveyPlace, SurveyedObjects>,
    /// The totals, and the requests that reading takes. The listing is complete unless the coverage says
    /// otherwise.
    pub plan: S3RequestPlan,
    /// What could not be listed.
    pub coverage: RunCoverage,
}

/// Lists what [`super::fetch`] would read.
///
/// # Errors
///
/// Fails if the bucket cannot be listed or holds nothing under the prefix.
pub async fn survey(
    config: &aws_config::SdkConfig,
    bucket: &str,
    prefix: &str,
    asked: S3Request<'_>,
) -> Result<ScanSurvey, S3Error> {
    let places = Arc::new(SharedPlaces::default());
    let run = list_only(config, bucket, prefix, asked, async |store| {
        list_all(store, prefix, asked, &places).await
    });
    let ListingRun {
        store, coverage, ..
    } = run.await?;
    let is_complete = coverage.is_complete();
    let plan = store.map(|store| store.requests.plan(is_complete));
    let places = std::mem::take(&mut *places.lock());
    Ok(ScanSurvey {
        places,
        plan: plan.unwrap_or_default(),
        coverage,
    })
}

async fn list_all(
    store: &Arc<S3Store>,
    prefix: &str,
    asked: S3Request<'_>,
    places: &Arc<SharedPlaces>,
) -> Result<(), S3Error> {
    let listings = store.find_listings(prefix, asked).await?;
    let mut listers = JoinSet::new();
    let permits = Arc::new(Semaphore::new(MAX_CONCURRENT_LISTINGS));
    for listing in listings {
        let (store, permits, places) = (store.clone(), permits.clone(), places.clone());
        listers.spawn(async move {
            let _permit = permits.acquire().await;
            let scope = listing.scope.clone();
            let mut cursor = ListingCursor::new(listing);
            while let Some(objects) = store.next_wanted(&mut cursor).await {
                places.add(scope.as_ref(), &objects);
            }
        });
    }
    listers.join_all().await;
    Ok(())
}

/// The places that all listings add to.
#[derive(Debug, Default)]
struct SharedPlaces(Mutex<BTreeMap<SurveyPlace, SurveyedObjects>>);

impl SharedPlaces {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<SurveyPlace, SurveyedObjects>> {
        // Additions cannot fail half way.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, scope: Option<&Scope>, objects: &[ListedObject]) {
        let mut places = self.lock();
        for object in objects {
            let mut place = SurveyPlace {
                scope: scope.cloned().or_else(|| Scope::of_log_file(&object.key)),
                day: day_of(&object.key),
            };
            if places.len() >= MAX_PLACES && !places.contains_key(&place) {
                place = SurveyPlace::default();
            }
            let sum = places.entry(place).or_default();
            sum.objects += 1;
            sum.bytes = sum.bytes.saturating_add(object.size);
            sum.fingerprint = sum.fingerprint.with(ObjectFingerprint::of(object));
        }
    }
}

/// The date of the last three folders of a key that are one.
fn day_of(key: &str) -> Option<(u16, u8, u8)> {
    let (folders, _) = key.rsplit_once('/')?;
    let parts: Vec<&str> = folders.split('/').collect();
    parts.windows(3).rev().find_map(|parts| {
        let [year, month, day] = parts else {
            return None;
        };
        let number = |part: &str, digits: usize| {
            let is_number = part.len() == digits && part.bytes().all(|b| b.is_ascii_digit());
            is_number.then(|| part.parse::<u16>().ok()).flatten()
        };
        let month = number(month, 2).filter(|month| (1..=12).contains(month))?;
        let day = number(day, 2).filter(|day| (1..=31).contains(day))?;
        let (month, day) = (u8::try_from(month).ok()?, u8::try_from(day).ok()?);
        Some((number(year, 4)?, month, day))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(key: &str, size: u64) -> ListedObject {
        ListedObject {
            key: key.to_owned(),
            size,
            etag: Some("\"e\"".to_owned()),
            modified: Some(1),
        }
    }

    #[test]
    fn the_day_is_that_of_the_folders() {
        for (key, day) in [
            (
                "AWSLogs/1/CloudTrail/r/2026/09/07/f.json.gz",
                Some((2026, 9, 7)),
            ),
            ("2020/01/01/x/2026/09/07/f", Some((2026, 9, 7))),
            ("2026/09/07/extra/f", Some((2026, 9, 7))),
            ("a/2026/13/07/f", None),
            ("a/2026/9/07/f", None),
            ("a/2026/09/f", None),
            ("f", None),
            ("2026/09/07", None),
        ] {
            assert_eq!(day_of(key), day, "{key}");
        }
    }

    #[test]
    fn the_fingerprint_is_that_of_the_set() {
        let of = |objects: &[ListedObject]| {
            let places = SharedPlaces::default();
            places.add(None, objects);
            let places = places.lock();
            let [(_, sum)] = places.iter().collect::<Vec<_>>()[..] else {
                panic!("{places:?}");
            };
            *sum
        };
        let (a, b) = (object("a", 1), object("b", 2));
        let both = of(&[a.clone(), b.clone()]);
        assert_eq!(both, of(&[b.clone(), a.clone()]));
        assert_eq!((both.objects, both.bytes), (2, 3));
        let changed = [
            object("c", 2),
            object("b", 1),
            ListedObject {
                etag: None,
                ..b.clone()
            },
            ListedObject {
                modified: None,
                ..b.clone()
            },
            ListedObject {
                modified: Some(2),
                ..b
            },
        ];
        for other in changed {
            let changed = of(&[a.clone(), other]).fingerprint;
            assert_ne!(both.fingerprint, changed);
        }
        assert_eq!(ObjectFingerprint(10).to_string(), format!("{:0>32}", "a"));
    }

    #[test]
    fn the_account_comes_from_the_folder_or_else_from_the_name() {
        let places = SharedPlaces::default();
        let scope = Scope {
            account: "111122223333".parse().unwrap(),
            region: "eu-west-1".parse().unwrap(),
        };
        let named = "x/444455556666_CloudTrail_us-east-1_20260907T0805Z_a.json.gz";
        places.add(Some(&scope), &[object(named, 1)]);
        places.add(None, &[object(named, 1), object("other", 1)]);
        let scopes: Vec<String> = places
            .lock()
            .keys()
            .map(|place| {
                place
                    .scope
                    .as_ref()
                    .map_or("none".to_owned(), Scope::to_string)
            })
            .collect();
        assert_eq!(
            scopes,
            ["none", "111122223333:eu-west-1", "444455556666:us-east-1"]
        );
    }
}
