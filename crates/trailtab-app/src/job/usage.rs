//! Publishes usage metrics: a CloudWatch Logs delivery → calls per minute → metrics, each published
//! once.

mod claims;
pub mod dead_letters;
pub mod delivery;
mod kept;
mod pending;
mod publish;
mod report;
pub mod unreadable;

use trailtab_core::event::filter::{EventFilter, FilterValues};
use trailtab_core::event::ingest::IngestRules;
use trailtab_core::time::{Seconds, UtcHour};
use trailtab_render::escape;

pub use self::claims::{RunClaims, SendDeadlines};
pub use self::kept::KeptMetrics;
pub use self::publish::{MetricPublication, MetricSink, ShownSum, SumFuture, publish};
pub use self::report::{DeliveryReport, EventCounts};

/// Keys of ledger entries, by namespace and by the account and region that the metrics go to.
#[derive(Debug, Clone)]
pub struct LedgerKeys {
    destination: String,
}

impl LedgerKeys {
    /// The keys for a metric namespace in an account and region.
    pub fn new(namespace: &str, account: &str, region: &str) -> LedgerKeys {
        let parts = [account, region, namespace].map(escape::file_name);
        LedgerKeys {
            destination: parts.join("/"),
        }
    }

    /// Key of the kept metrics.
    pub fn kept(&self) -> String {
        format!("usage/kept/{}.json", self.destination)
    }

    /// Key of a delivery, by the fingerprint of its events.
    pub fn delivery(&self, fingerprint: u128) -> String {
        format!("usage/published/{}/{fingerprint:032x}", self.destination)
    }

    /// Key by which the attempts at a delivery agree on which one counts its skipped, refused and unreadable events. Expires
    /// as deliveries do.
    fn rest(&self, delivery: &str) -> String {
        format!("usage/published/{}/rest/{delivery}", self.destination)
    }

    /// Key of messages that could not be read, by a hash of them. Expires as deliveries do.
    pub fn unreadable(&self, hash: &str) -> String {
        format!("usage/published/{}/unreadable/{hash}", self.destination)
    }

    /// Key of a backfilled hour, by its first second.
    pub fn hour(&self, hour: Seconds) -> String {
        format!("usage/backfill/{}/{}", self.destination, UtcHour::of(hour))
    }
}

/// Key of one chunk of a delivery or an hour.
pub fn chunk_key(key: &str, index: usize) -> String {
    format!("{key}/{index}")
}

/// The rules by which a delivery is counted: everything, without the function's own calls if its role
/// is known. `function_arn` is the function's.
pub fn ingest_rules(own_role: Option<&RoleArn>, function_arn: &str) -> IngestRules {
    let mut rules = IngestRules::default();
    if let Some(role) = own_role {
        let exception = format!("!{}", role.principal());
        rules.filter = EventFilter {
            principals: FilterValues::new(&[exception]),
            without_invocations_of: Some(function_arn.to_owned()),
            ..EventFilter::default()
        };
    }
    rules
}

/// The ARN of an IAM role: `arn:PARTITION:iam::ACCOUNT:role/PATH/NAME`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleArn {
    account: String,
    name: String,
}

impl RoleArn {
    /// Parses the ARN; `None` if it is not one of a role.
    pub fn parse(arn: &str) -> Option<RoleArn> {
        let parts: Vec<&str> = arn.splitn(6, ':').collect();
        let ["arn", _, "iam", "", account, resource] = parts[..] else {
            return None;
        };
        let path = resource.strip_prefix("role/")?;
        let name = path.rsplit('/').next()?;
        let is_name = |c: char| c.is_ascii_alphanumeric() || "+=,.@-_".contains(c);
        let is_account = account.len() == 12 && account.bytes().all(|b| b.is_ascii_digit());
        (is_account && !name.is_empty() && name.chars().all(is_name)).then(|| RoleArn {
            account: account.to_owned(),
            name: name.to_owned(),
        })
    }

    /// The role as a principal, `ACCOUNT:role/NAME`.
    fn principal(&self) -> String {
        format!("{}:role/{}", self.account, self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_are_known_by_account_and_name() {
        let principal = |arn| RoleArn::parse(arn).map(|role| role.principal());
        for arn in [
            "arn:aws:iam::111122223333:role/usage-1A",
            "arn:aws-us-gov:iam::111122223333:role/some/path/usage-1A",
        ] {
            assert_eq!(principal(arn).unwrap(), "111122223333:role/usage-1A");
        }
        for arn in [
            "",
            "usage-1A",
            "arn:aws:iam::111122223333:user/usage",
            "arn:aws:iam::1:role/usage",
            "arn:aws:iam::111122223333:role/",
            "arn:aws:iam::111122223333:role/*",
            "arn:aws:sts::111122223333:assumed-role/usage/session",
        ] {
            assert_eq!(principal(arn), None, "{arn}");
        }
    }
}
