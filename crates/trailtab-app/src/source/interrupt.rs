//! A request, such as Ctrl-C, to stop reading before everything was read.
//!
//! Whatever reads looks for the request where it waits, stops, and says in the coverage what it did not
//! read.

use std::future;
use std::io;

use tokio::sync::watch;

use trailtab_core::coverage::{ReadProblem, Severity};

/// What the coverage says about something that was not read to its end for this reason.
pub const REASON: &str = "stopped by a signal before everything was read";

/// The code of a region that was not read to its end for this reason.
pub const CODE: &str = "Interrupted";

/// Makes the request.
#[derive(Debug)]
pub struct Requester(watch::Sender<bool>);

/// Tells whether the request was made.
#[derive(Debug, Clone)]
pub struct Interrupt(watch::Receiver<bool>);

/// What a read fails with that was given up because of the request.
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

    /// Tells whether the request was made.
    pub fn is_requested(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits for the request.
    pub async fn requested(&self) {
        let mut receiver = self.0.clone();
        if receiver.wait_for(|requested| *requested).await.is_err() {
            // The other end is gone: the request will not come.
            future::pending::<()>().await;
        }
    }

    /// Does some work, or gives it up when the request is made: then there is no result.
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
    /// With [`Interrupted`] as its cause.
    pub fn check(&self) -> io::Result<()> {
        match self.is_requested() {
            true => Err(io::Error::other(Interrupted)),
            false => Ok(()),
        }
    }
}

/// The problem of a document, or a place where documents were looked for, that was given up.
pub fn problem(document: impl Into<String>, severity: Severity) -> ReadProblem {
    ReadProblem::of_document(document, severity, REASON)
}

/// Tells whether a read failed because of the request.
pub fn is_cause(error: &io::Error) -> bool {
    let mut cause: Option<&(dyn std::error::Error + 'static)> =
        error.get_ref().map(|error| error as _);
    while let Some(error) = cause {
        if error.is::<Interrupted>() {
            return true;
        }
        // An error of the system may carry another one, whose own source would pass it by.
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
