//! `usage`: publishes calls per API as metrics, from CloudTrail events that CloudWatch Logs
//! delivers.

use std::env;
use std::time::{Duration, Instant};

use lambda_runtime::{Context, Diagnostic, LambdaEvent, service_fn};
use serde_json::value::RawValue;
use tokio::runtime;
use tokio::sync::Mutex;

use super::health;
use super::log::{self, LogLevel};
use super::settings::{MetricOutput, UsageSettings};
use trailtab_app::aws;
use trailtab_app::clock;
use trailtab_app::deliver::cloudwatch::MetricPublisher;
use trailtab_app::deliver::ledger::{ClaimOwner, SendLedger};
use trailtab_app::job::usage::{
    self, DeliveryReport, KeptMetrics, LedgerKeys, MetricPublication, MetricSink,
};
use trailtab_core::activity::usage::metrics::MinuteDatum;
use trailtab_core::time::Seconds;
use trailtab_render::emf;

/// Part of an invocation's time reserved for logging the results.
const SHUTDOWN_RESERVE: Duration = Duration::from_secs(1);

/// State of a sandbox, kept between deliveries.
struct UsageFunction {
    settings: UsageSettings,
    publisher: Option<MetricPublisher>,
    ledger: Option<SendLedger>,
    /// Never contended: Lambda sends a sandbox one delivery at a time.
    memory: Mutex<KeptMetrics>,
}

/// The error if part of a delivery was not published and Lambda should retry it.
#[derive(Debug)]
struct IncompleteDelivery {
    unsent: u64,
    received: u64,
    reason: String,
}

impl From<IncompleteDelivery> for Diagnostic {
    fn from(incomplete: IncompleteDelivery) -> Diagnostic {
        let IncompleteDelivery {
            unsent,
            received,
            reason,
        } = incomplete;
        Diagnostic {
            error_type: "EventsUnsent".to_owned(),
            error_message: format!("{unsent} of {received} events were not published: {reason}"),
        }
    }
}

/// Handles deliveries until Lambda ends the process.
///
/// # Errors
///
/// Fails if a setting is invalid or Lambda's runtime API does not answer.
pub(super) fn main() -> Result<(), lambda_runtime::Error> {
    let settings = UsageSettings::read(|name| env::var(name).ok())?;
    // One thread: there is one delivery at a time, and it mostly waits for the network.
    let runtime = runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let function = &UsageFunction::start(settings).await?;
        lambda_runtime::run(service_fn(|event: LambdaEvent<Box<RawValue>>| async move {
            function
                .answer(event.payload.get().as_bytes(), &event.context)
                .await
        }))
        .await
    })
}

impl UsageFunction {
    async fn start(settings: UsageSettings) -> Result<UsageFunction, aws::ConfigError> {
        let needs_aws = settings.output == MetricOutput::CloudWatch || settings.ledger.is_some();
        let config = match needs_aws {
            true => Some(aws::function_config().await?),
            false => None,
        };
        let publisher = config
            .as_ref()
            .filter(|_| settings.output == MetricOutput::CloudWatch);
        let publisher = publisher
            .map(|config| MetricPublisher::new(aws::cloudwatch(config), &settings.namespace));
        let ledger = config.as_ref().zip(settings.ledger.clone());
        let ledger =
            ledger.map(|(config, (bucket, prefix))| SendLedger::in_s3(config, bucket, prefix));
        let memory = Mutex::new(KeptMetrics::new(settings.top));
        Ok(UsageFunction {
            settings,
            publisher,
            ledger,
            memory,
        })
    }

    /// Publishes one delivery. Fails only if a retry may help.
    async fn answer(
        &self,
        payload: &[u8],
        context: &Context,
    ) -> Result<DeliveryReport, IncompleteDelivery> {
        let began = Instant::now();
        let account = self.publish(payload, context).await;
        let request = context.request_id.as_str();
        for trouble in &account.troubles {
            log::line(LogLevel::Error, trouble, request, &[]);
        }
        let fits = |kind: &str| ["duplicate", "repeated", "control_message"].contains(&kind);
        if account.refused > 0 || !account.skipped.keys().all(|kind| fits(kind)) {
            let more = [
                ("skipped", serde_json::json!(account.skipped)),
                ("refused", account.refused.into()),
            ];
            let message = "some events are in no metric: they lack required fields, are not CloudTrail events, or are too old or too far in the future";
            log::line(LogLevel::Warn, message, request, &more);
        }
        let milliseconds = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        health::usage(&context.env_config.function_name, &account, milliseconds);
        match account.troubles.last() {
            Some(reason) if account.unsent_data > 0 && account.is_repeatable => {
                Err(IncompleteDelivery {
                    unsent: account.unsent,
                    received: account.received,
                    reason: reason.clone(),
                })
            }
            _ => Ok(account),
        }
    }

    async fn publish(&self, payload: &[u8], context: &Context) -> DeliveryReport {
        let sets = &self.settings.sets;
        let intaken = usage::count(payload, sets);
        let mut account = DeliveryReport::open(&intaken);
        let Some(counted) = intaken.tallies.values().next() else {
            return account;
        };
        let mut arn = context.invoked_function_arn.split(':').skip(3);
        let (region, account_id) = (
            arn.next().unwrap_or_default(),
            arn.next().unwrap_or_default(),
        );
        let keys = LedgerKeys::new(&self.settings.namespace, account_id, region);
        let kept = keys.kept();
        let remembered = self.ledger.as_ref().map(|ledger| (ledger, kept.as_str()));
        let data = match self
            .memory
            .lock()
            .await
            .data(counted, sets, remembered)
            .await
        {
            Ok(data) => data,
            Err(error) => {
                account.unsent = intaken.counts.counted - counted.incomplete();
                account.unsent_data = account.unsent;
                account.troubles.push(error.to_string());
                account.is_repeatable = true;
                return account;
            }
        };
        let mut log = |data: &[MinuteDatum]| log::raw(&emf::data(data, &self.settings.namespace));
        let now = clock::since_1970();
        let left = Duration::from_millis(context.deadline).saturating_sub(now);
        let publication = MetricPublication {
            way: match &self.publisher {
                Some(publisher) => MetricSink::Request(publisher),
                None => MetricSink::Log(&mut log),
            },
            ledger: self.ledger.as_ref(),
            key: keys.delivery(counted.fingerprint()),
            owner: ClaimOwner {
                // Lambda retries a delivery under the same id.
                name: format!("{} {}", context.request_id, now.as_nanos()),
                now: seconds(now),
                until: seconds(now + left) + 1,
            },
            deadline: tokio::time::Instant::now() + left.saturating_sub(SHUTDOWN_RESERVE),
        };
        usage::publish(data, publication, &mut account).await;
        account
    }
}

fn seconds(time: Duration) -> Seconds {
    Seconds::try_from(time.as_secs()).unwrap_or(Seconds::MAX)
}
