//! Sends requests for objects, as many at once as S3 accepts, and counts requests.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::window::{RequestEnd, RequestWindow};
use crate::aws::{AwsFailure, Backoff, FailureKind, ObjectAnswer, ObjectClient, ObjectRequest};
use trailtab_core::s3_requests::S3RequestPlan;

/// Maximum number of requests for an object while S3 asks to slow down. With the waits between them that is about two
/// minutes; S3 takes more requests after a while.
const SLOW_DOWN_ATTEMPTS: u32 = 12;

/// Maximum number of requests for an object that fail for another reason that may pass.
const ATTEMPTS: u32 = 8;

/// Maximum number of requests for an object while S3 does not accept the signature: after the first answer, the client
/// knows how wrong the clock of this machine is.
const SIGNATURE_ATTEMPTS: u32 = 2;

const FIRST_WAIT: Duration = Duration::from_millis(100);

const LONGEST_WAIT: Duration = Duration::from_secs(20);

/// Sends requests for objects of one bucket.
pub(super) struct ObjectRequests {
    /// Does not retry: the window must see each 503.
    objects: ObjectClient,
    window: Mutex<RequestWindow>,
    began: Instant,
}

impl ObjectRequests {
    pub(super) fn new(objects: ObjectClient) -> ObjectRequests {
        ObjectRequests {
            objects,
            window: Mutex::default(),
            began: Instant::now(),
        }
    }

    /// Maximum number of requests in flight at present.
    pub(super) fn limit(&self) -> usize {
        self.window().limit()
    }

    /// Sends a request until it is answered, or has failed often enough.
    pub(super) async fn send(
        &self,
        request: ObjectRequest<'_>,
    ) -> Result<ObjectAnswer, AwsFailure> {
        let mut waits = Backoff::new(FIRST_WAIT, LONGEST_WAIT);
        let mut attempt = 1;
        loop {
            let sent = self.window().send(self.began.elapsed());
            let answer = self.objects.get(request).await;
            let (end, attempts) = match &answer {
                Ok(_) => (RequestEnd::Answered, 0),
                Err(failure) => meaning_of(failure),
            };
            self.window().end(sent, end, self.began.elapsed());
            if attempt >= attempts {
                return answer;
            }
            sleep(waits.next_wait()).await;
            attempt += 1;
        }
    }

    fn window(&self) -> MutexGuard<'_, RequestWindow> {
        // No step of the window can fail.
        self.window.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How a request that failed ended, and after how many such requests to give up.
fn meaning_of(failure: &AwsFailure) -> (RequestEnd, u32) {
    let end = match failure.status {
        Some(503) => RequestEnd::SlowDown,
        _ if failure.kind == FailureKind::Throttled => RequestEnd::SlowDown,
        Some(_) => RequestEnd::Answered,
        None => RequestEnd::Lost,
    };
    let attempts = match (end, failure.kind) {
        (RequestEnd::SlowDown, _) => SLOW_DOWN_ATTEMPTS,
        (_, FailureKind::Transient) => ATTEMPTS,
        (_, FailureKind::CredentialsRefused) => SIGNATURE_ATTEMPTS,
        _ => 0,
    };
    (end, attempts)
}

/// What was listed so far, and with how many requests.
#[derive(Debug, Default)]
pub(super) struct RequestCounts {
    objects: AtomicU64,
    bytes: AtomicU64,
    get_requests: AtomicU64,
    list_requests: AtomicU64,
}

impl RequestCounts {
    /// Counts a request that lists.
    pub(super) fn list(&self) {
        self.list_requests.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts an object of so many bytes, which takes so many requests.
    pub(super) fn find(&self, bytes: u64, get_requests: u64) {
        self.objects.fetch_add(1, Ordering::Relaxed);
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
        self.get_requests.fetch_add(get_requests, Ordering::Relaxed);
    }

    /// The counts so far, as a plan of all or of a part.
    pub(super) fn plan(&self, is_complete: bool) -> S3RequestPlan {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        S3RequestPlan {
            objects: count(&self.objects),
            bytes: count(&self.bytes),
            get_requests: count(&self.get_requests),
            list_requests: count(&self.list_requests),
            is_complete,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_503_is_distinguished_from_other_failures() {
        for (kind, status, end, attempts) in [
            (
                FailureKind::Throttled,
                Some(503),
                RequestEnd::SlowDown,
                SLOW_DOWN_ATTEMPTS,
            ),
            (
                FailureKind::Throttled,
                Some(429),
                RequestEnd::SlowDown,
                SLOW_DOWN_ATTEMPTS,
            ),
            (
                FailureKind::Transient,
                Some(503),
                RequestEnd::SlowDown,
                SLOW_DOWN_ATTEMPTS,
            ),
            (
                FailureKind::Transient,
                Some(500),
                RequestEnd::Answered,
                ATTEMPTS,
            ),
            (FailureKind::Transient, None, RequestEnd::Lost, ATTEMPTS),
            (
                FailureKind::CredentialsRefused,
                Some(403),
                RequestEnd::Answered,
                SIGNATURE_ATTEMPTS,
            ),
            (FailureKind::Denied, Some(403), RequestEnd::Answered, 0),
            (FailureKind::Unreachable, None, RequestEnd::Lost, 0),
        ] {
            let failure = AwsFailure {
                kind,
                status,
                ..AwsFailure::of_answer("")
            };
            assert_eq!(meaning_of(&failure), (end, attempts), "{kind:?} {status:?}");
        }
    }
}
