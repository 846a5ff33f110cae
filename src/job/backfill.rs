//! Publishing metrics after the fact: hour by hour, so that a run that was interrupted can go on, and a
//! longer one later repeats nothing.

use std::time::Duration;

use tokio::time::Instant;

use super::usage::{self, Account, Publication, Way};
use crate::core::usage::backfill::Plan;
use crate::core::usage::metrics::Datum;
use crate::core::window::{self, Seconds};
use crate::deliver::cloudwatch::Publisher;
use crate::deliver::ledger::{Ledger, Owner};

/// How long one hour's data may take to be published.
const PATIENCE: Duration = Duration::from_secs(60);

/// Publishes a plan; `told` is told after each hour.
pub(crate) async fn publish(
    plan: Plan,
    namespace: &str,
    publisher: &Publisher,
    ledger: &Ledger,
    now: impl Fn() -> Seconds,
    mut told: impl FnMut(),
) -> Account {
    let mut account = Account::default();
    for (hour, data) in plan.hours {
        let began = now();
        let publication = Publication {
            way: Way::Request(publisher),
            ledger: Some(ledger),
            key: format!("usage/backfill/{namespace}/{}", window::hour(hour)),
            owner: Owner {
                name: format!("{:032x}", fastrand::u128(..)),
                now: began,
                until: began + 2 * PATIENCE.as_secs().cast_signed(),
            },
            deadline: Instant::now() + PATIENCE,
        };
        account.received += data.iter().map(Datum::events).sum::<u64>();
        usage::publish(data, publication, &mut account).await;
        told();
    }
    account
}
