//! A request to stop reading early, such as Ctrl-C.
//!
//! Every reader checks for the request wherever it waits, stops, and records in the coverage what
//! it did not read.

use std::future;
use std::io;

use tokio::sync::watch;

use trailtab_core::coverage::{ReadProblem, Severity};

/// Reason that the coverage gives for a document not read to its end.
pub const REASON: &str = "stopped by a signal before everything was read";

/// Error code of a region not read to its end.
pub const CODE: &str = "Interrupted";

/// The end that makes the request.
#[derive(Debug, Clone)]
pub struct Requester(watch::Sender<bool>);

/// The end that observes the request.
#[derive(Debug, Clone)]
pub struct Interrupt(watch::Receiver<bool>);

/// Error of a read that was abandoned because of the request.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("{REASON}")]
pub struct Interrupted;

/// Returns both ends of a request.
pub fn channel() -> (Requester, Interrupt) {
    let (sender, receiver) = watch::channel(false);
    (Requester(sender), Interrupt(receiver))
}

impl Requester {
    /// Makes the request. All clones of the other end see it.
    pub fn request(&self) {
        self.0.send_replace(true);
    }
}

impl Interrupt {
    /// A request that is never made.
    pub fn never() -> Interrupt {
        channel().1
    }

    /// Returns whether the request was made.
    pub fn is_requested(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits for the request.
    pub async fn requested(&self) {
        let mut receiver = self.0.clone();
        if receiver.wait_for(|requested| *requested).await.is_err() {
            // The requester is gone, so no request can come.
            future::pending::<()>().await;
        }
    }

    /// Runs some work until it is done or the request is made; `None` in the latter case.
    pub async fn or<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            () = self.requested() => None,
            done = work => Some(done),
        }
    }

    /// Fails if the request was made.
    ///
    /// # Errors
    ///
    /// Fails with [`Interrupted`] as the cause.
    pub fn check(&self) -> io::Result<()> {
        match self.is_requested() {
            true => Err(io::Error::other(Interrupted)),
            false => Ok(()),
        }
    }
}

/// The problem of a document, or of a place being listed, that was abandoned.
pub fn problem(document: impl Into<String>, severity: Severity) -> ReadProblem {
    ReadProblem::of_document(document, severity, REASON)
}

/// Returns whether a read failed because of the request.
pub fn is_cause(error: &io::Error) -> bool {
    let mut cause: Option<&(dyn std::error::Error + 'static)> =
        error.get_ref().map(|error| error as _);
    while let Some(error) = cause {
        if error.is::<Interrupted>() {
            return true;
        }
        // An `io::Error` can wrap another one; its `source()` skips the wrapped error itself.
        cause = match error
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref)
        {
            Some(inner) => Some(inner as _),
            None => error.source(),
        };
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn work_is_given_up_when_the_request_is_made() {
        let (requester, interrupt) = channel();
        assert_eq!(interrupt.or(async { 1 }).await, Some(1));
        assert!(interrupt.check().is_ok());
        requester.request();
        assert_eq!(interrupt.or(future::pending::<()>()).await, None);
        let error = interrupt.check().unwrap_err();
        assert!(is_cause(&error));
        assert!(is_cause(&io::Error::other(error)));
        assert!(!is_cause(&io::Error::other("another reason")));
    }

    #[tokio::test]
    async fn work_goes_on_if_no_request_can_come() {
        let interrupt = Interrupt::never();
        assert!(!interrupt.is_requested());
        assert_eq!(interrupt.or(tokio::task::yield_now()).await, Some(()));
    }
}
