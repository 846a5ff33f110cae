//! Publishes metrics of past hours, hour by hour, so that an interrupted run can be continued and a
//! later, longer one does not repeat anything.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::time::Instant;

use super::usage::{
    self, DeliveryReport, LedgerKeys, MetricPublication, MetricSink, RunClaims, SendDeadlines,
    SumFuture,
};
use crate::deliver::cloudwatch::{MetricPublisher, MetricReadError};
use crate::deliver::ledger::{ClaimOwner, LedgerError, SendLedger};
use crate::source::interrupt::Interrupt;
use trailtab_core::activity::usage::backfill::BackfillPlan;
use trailtab_core::activity::usage::metrics::MinuteDatum;
use trailtab_core::time::Seconds;

/// Maximum time to publish the data of one hour.
const HOUR_TIMEOUT: Duration = Duration::from_secs(60);

/// Time beyond that to record in the ledger what was sent.
const RECORD_TIMEOUT: Duration = Duration::from_secs(10);

/// Why the published hours cannot be determined.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// CloudWatch cannot be queried.
    #[error(transparent)]
    CloudWatch(#[from] MetricReadError),
    /// The ledger cannot be read.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}

/// Finds the hours of a plan for which CloudWatch has data that is not in the ledger: something
/// else published them. The ledger decides about the other hours, chunk by chunk.
///
/// # Errors
///
/// Fails if CloudWatch or the ledger cannot be read.
pub async fn published_by_others(
    plan: &BackfillPlan,
    keys: &LedgerKeys,
    publisher: &MetricPublisher,
    ledger: &SendLedger,
) -> Result<BTreeSet<Seconds>, CheckError> {
    let (witnesses, from, until) = plan.witnesses();
    let mut others = BTreeSet::new();
    if witnesses.is_empty() {
        return Ok(others);
    }
    for hour in publisher.present(&witnesses, from, until).await? {
        if !ledger
            .has_entry(&usage::chunk_key(&keys.hour(hour), 0))
            .await?
        {
            others.insert(hour);
        }
    }
    Ok(others)
}

/// Publishes a plan hour by hour. Resolves claims that an earlier run did not confirm by what CloudWatch
/// shows. On an interrupt, completes the current hour and leaves the rest to the next run.
pub async fn publish(
    plan: BackfillPlan,
    keys: &LedgerKeys,
    publisher: &MetricPublisher,
    ledger: &SendLedger,
    now: impl Fn() -> Seconds,
    interrupt: &Interrupt,
) -> DeliveryReport {
    let shown_sum = |datum: &MinuteDatum| -> SumFuture<'_> {
        let datum = datum.clone();
        Box::pin(async move { publisher.sum(&datum).await })
    };
    let mut account = DeliveryReport::default();
    let mut is_interrupted = false;
    for (hour, data) in plan.hours {
        let events = data.iter().map(MinuteDatum::events).sum::<u64>();
        account.received += events;
        if interrupt.is_requested() {
            account.unsent += events;
            account.unsent_data += data.len() as u64;
            is_interrupted = true;
            continue;
        }
        let began = now();
        let claims = RunClaims {
            ledger: Some(ledger),
            owner: ClaimOwner {
                name: format!("{:032x}", fastrand::u128(..)),
                now: began,
                until: began + 2 * HOUR_TIMEOUT.as_secs().cast_signed(),
            },
            deadlines: SendDeadlines {
                send: Instant::now() + HOUR_TIMEOUT,
                record: Instant::now() + HOUR_TIMEOUT + RECORD_TIMEOUT,
            },
        };
        let publication = MetricPublication {
            sink: MetricSink::Request(publisher),
            claims,
            key: keys.hour(hour),
            shown_sum: Some(&shown_sum),
        };
        usage::publish(data, &publication, &mut account).await;
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
    use trailtab_core::activity::usage::metrics::{MetricSet, UsageMetric};
    use trailtab_core::time::TimeWindow;

    #[tokio::test]
    async fn no_hour_is_begun_after_the_interrupt() {
        let now = 1_800_000_000;
        let data = (1..=3).map(|hours| MinuteDatum {
            metric: UsageMetric {
                set: MetricSet::Calls,
                name: "GetObject".to_owned(),
                values: vec!["eu-west-1".to_owned(), "s3.amazonaws.com".to_owned()],
            },
            minute: (now / 3600 - 24 - hours) * 3600,
            value: 5,
        });
        let plan = BackfillPlan::new(data.collect(), TimeWindow::default(), now, now);
        assert_eq!(plan.hours.len(), 3);
        let directory = tempfile::tempdir().unwrap();
        let ledger = SendLedger::Directory(directory.path().join("ledger"));
        let config = aws::without_credentials();
        let publisher = MetricPublisher::new(aws::cloudwatch(&config), "test");
        let keys = LedgerKeys::new("test", "111122223333", "eu-west-1");
        let (requester, interrupt) = interrupt::channel();
        requester.request();
        let account = publish(plan, &keys, &publisher, &ledger, || now, &interrupt).await;
        assert_eq!((account.received, account.unsent), (15, 15));
        assert_eq!((account.published, account.unsent_data), (0, 3));
        assert_eq!(account.troubles.len(), 1);
        // No hour is claimed, so another run can send them all.
        assert!(!directory.path().join("ledger").exists());
    }
}
