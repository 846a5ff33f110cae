//! When a run stops sending: by the time that it has left, or by a signal.

use tokio::time::{self, Duration, Instant};

use crate::deliver::mail::SendError;
use crate::source::interrupt::{self, Interrupt};

/// Minimum time left to start a mail. With less, it could be cut off before the answer, leaving it
/// unconfirmed.
const MIN_SEND_TIME: Duration = Duration::from_secs(45);

/// Part of the time left that is reserved for recording in the ledger what became of a mail.
const RECORD_RESERVE: Duration = Duration::from_secs(10);

/// The waits before mails that failed for now are sent again. Servers that throttle want seconds; those that greylist
/// unknown senders want minutes, and are left to the next run.
pub const RETRY_DELAYS: [Duration; 3] = [
    Duration::from_secs(1),
    Duration::from_secs(5),
    Duration::from_secs(25),
];

/// When to stop starting mails.
#[derive(Debug, Clone)]
pub struct Limit {
    /// When the run must end. No mail starts that may not finish before this time.
    pub deadline: Option<Instant>,
    /// The request to stop.
    pub interrupt: Interrupt,
    /// The waits before what failed for now is sent again; usually [`RETRY_DELAYS`].
    pub retry_delays: &'static [Duration],
}

/// The error if what must be known before sending was not known when the run had to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("nothing was sent: waiting for {awaited} took all the time that was left")]
pub struct OutOfTime {
    awaited: &'static str,
}

impl Limit {
    /// Waits for work that must be done before mails are sent, until the run must end.
    ///
    /// # Errors
    ///
    /// Fails if the work is not done by then; `awaited` names it in the message.
    pub async fn within<T>(
        &self,
        awaited: &'static str,
        work: impl Future<Output = T>,
    ) -> Result<T, OutOfTime> {
        match self.deadline {
            Some(deadline) => {
                let done = time::timeout_at(deadline, work).await;
                done.map_err(|_| OutOfTime { awaited })
            }
            None => Ok(work.await),
        }
    }

    /// Waits for a mail that is being sent, as long as time remains to record what became of it.
    pub(super) async fn sent(
        &self,
        sending: impl Future<Output = Result<(), SendError>>,
    ) -> Result<(), SendError> {
        match self.before_end(RECORD_RESERVE) {
            Some(deadline) => time::timeout_at(deadline, sending)
                .await
                .unwrap_or_else(|_| {
                    let reason = "the time of the run was over";
                    Err(SendError::Unconfirmed(reason.to_owned()))
                }),
            None => sending.await,
        }
    }

    /// The last time at which a mail may start.
    pub(super) fn last_start(&self) -> Option<Instant> {
        self.before_end(MIN_SEND_TIME)
    }

    fn before_end(&self, time: Duration) -> Option<Instant> {
        let deadline = self.deadline?;
        Some(deadline.checked_sub(time).unwrap_or(deadline))
    }

    /// Whether a mail can still start after a wait.
    pub(super) fn allows(&self, wait: Duration) -> bool {
        let is_in_time = |start| Instant::now() + wait <= start;
        self.last_start().is_none_or(is_in_time) && !self.interrupt.is_requested()
    }

    /// Why no further mail may start.
    pub(super) fn reached(&self) -> Option<&'static str> {
        let is_late = |start| Instant::now() > start;
        match self.last_start().is_some_and(is_late) {
            true => Some("no time was left to send it"),
            false if self.interrupt.is_requested() => Some(interrupt::REASON),
            false => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future;

    use super::*;

    /// Of a run that ends in this time.
    fn limit(left: Duration) -> Limit {
        Limit {
            deadline: Some(Instant::now() + left),
            interrupt: Interrupt::never(),
            retry_delays: &[],
        }
    }

    #[tokio::test]
    async fn a_mail_that_hangs_is_unconfirmed() {
        let limit = limit(RECORD_RESERVE);
        let sent = limit.sent(future::pending()).await;
        assert!(matches!(sent, Err(SendError::Unconfirmed(_))), "{sent:?}");
        assert_eq!(limit.sent(future::ready(Ok(()))).await, Ok(()));
    }

    #[test]
    fn no_mail_starts_that_may_not_end() {
        const HOUR: Duration = Duration::from_secs(3600);
        let (late, early) = (
            limit(MIN_SEND_TIME - Duration::from_secs(1)),
            limit(2 * HOUR),
        );
        assert!(late.reached().is_some());
        assert_eq!(early.reached(), None);
        assert!(early.allows(HOUR));
        assert!(!early.allows(2 * HOUR));
    }

    #[tokio::test]
    async fn what_hangs_before_sending_is_named() {
        let limit = limit(Duration::ZERO);
        let late = limit.within("the settings", future::pending::<()>()).await;
        assert!(late.unwrap_err().to_string().contains("the settings"));
        assert_eq!(limit.within("anything", future::ready(1)).await, Ok(1));
    }
}
