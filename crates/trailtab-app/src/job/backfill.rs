//! Publishing metrics after the fact: hour by hour, so that a run that was interrupted can go on, and a
//! longer one later repeats nothing.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::time::Instant;

use super::usage::{self, Account, Keys, Publication, Way};
use crate::deliver::cloudwatch::{Publisher, ReadError};
use crate::deliver::ledger::{Ledger, LedgerError, Owner};
use crate::source::interrupt::Interrupt;
use trailtab_core::activity::usage::backfill::Plan;
use trailtab_core::activity::usage::metrics::Datum;
use trailtab_core::time::Seconds;

/// How long one hour's data may take to be published.
const PATIENCE: Duration = Duration::from_secs(60);

/// Why it is not known what CloudWatch holds already.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// CloudWatch could not be asked which metrics it holds.
    #[error(transparent)]
    CloudWatch(#[from] ReadError),
    /// The ledger could not be read.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}

/// Finds the hours of a plan that CloudWatch holds data of, and that the ledger knows nothing of: those
/// were published by somebody else. The ledger decides about the others, chunk by chunk.
///
/// # Errors
///
/// If CloudWatch or the ledger cannot be asked.
pub async fn published_by_others(
    plan: &Plan,
    keys: &Keys,
    publisher: &Publisher,
    ledger: &Ledger,
) -> Result<BTreeSet<Seconds>, CheckError> {
    let (witnesses, from, until) = plan.witnesses();
    let mut others = BTreeSet::new();
    if witnesses.is_empty() {
        return Ok(others);
    }
    for hour in publisher.present(&witnesses, from, until).await? {
        if !ledger.knows(&usage::chunk(&keys.hour(hour), 0)).await? {
            others.insert(hour);
        }
    }
    Ok(others)
}

/// Publishes a plan, hour by hour. If it is interrupted, the hour that is being sent gets its answer, and the
/// others are left to the next run.
pub async fn publish(
    plan: Plan,
    keys: &Keys,
    publisher: &Publisher,
    ledger: &Ledger,
    now: impl Fn() -> Seconds,
    interrupt: &Interrupt,
) -> Account {
    let mut account = Account::default();
    let mut is_interrupted = false;
    for (hour, data) in plan.hours {
        let events = data.iter().map(Datum::events).sum::<u64>();
        account.received += events;
        if interrupt.is_requested() {
            account.unsent += events;
            account.unsent_data += data.len() as u64;
            is_interrupted = true;
            continue;
        }
        let began = now();
        let publication = Publication {
            way: Way::Request(publisher),
            ledger: Some(ledger),
            key: keys.hour(hour),
            owner: Owner {
                name: format!("{:032x}", fastrand::u128(..)),
                now: began,
                until: began + 2 * PATIENCE.as_secs().cast_signed(),
            },
            deadline: Instant::now() + PATIENCE,
        };
        usage::publish(data, publication, &mut account).await;
    }
    if is_interrupted {
        let trouble = "stopped by a signal before everything was sent: run again to send the rest";
        account.troubles.push(trouble.to_owned());
    }
    account
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws;
    use crate::source::interrupt;
    use trailtab_core::activity::usage::metrics::{Metric, Set};
    use trailtab_core::time::Window;

    #[tokio::test]
    async fn no_hour_is_begun_after_the_interrupt() {
        let now = 1_800_000_000;
        let data = (1..=3).map(|hours| Datum {
            metric: Metric {
                set: Set::Calls,
                name: "GetObject".to_owned(),
                values: vec!["eu-west-1".to_owned(), "s3.amazonaws.com".to_owned()],
            },
            minute: (now / 3600 - 24 - hours) * 3600,
            value: 5,
        });
        let plan = Plan::new(data.collect(), Window::default(), now);
        assert_eq!(plan.hours.len(), 3);
        let directory = tempfile::tempdir().unwrap();
        let ledger = Ledger::Directory(directory.path().join("ledger"));
        let config = aws::nobody();
        let publisher = Publisher::new(aws::cloudwatch(&config), "test");
        let keys = Keys::new("test", "111122223333", "eu-west-1");
        let (requester, interrupt) = interrupt::channel();
        requester.request();
        let account = publish(plan, &keys, &publisher, &ledger, || now, &interrupt).await;
        assert_eq!((account.received, account.unsent), (15, 15));
        assert_eq!((account.published, account.unsent_data), (0, 3));
        assert_eq!(account.troubles.len(), 1);
        // Nothing is claimed, so that another run can send it.
        assert!(!directory.path().join("ledger").exists());
    }
}
