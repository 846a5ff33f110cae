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
use trailtab_app::aws::{self, SdkConfig};
use trailtab_app::clock;
use trailtab_app::deliver::cloudwatch::MetricPublisher;
use trailtab_app::deliver::ledger::{ClaimOwner, SendLedger};
use trailtab_app::job::usage::dead_letters::DeadLetterQueue;
use trailtab_app::job::usage::delivery::{self, ReadDelivery};
use trailtab_app::job::usage::unreadable::UnreadableMessages;
use trailtab_app::job::usage::{
    self, DeliveryReport, KeptMetrics, LedgerKeys, MetricPublication, MetricSink, RunClaims,
    SendDeadlines,
};
use trailtab_core::activity::usage::UsageTally;
use trailtab_core::activity::usage::metrics::MinuteDatum;
use trailtab_core::time::Seconds;
use trailtab_render::emf;

/// Part of an invocation's time reserved for logging the results.
const SHUTDOWN_RESERVE: Duration = Duration::from_millis(500);

/// Part of an invocation's time reserved for recording in the ledger what was sent.
const RECORD_RESERVE: Duration = Duration::from_secs(1);

/// Reasons for not counting events that are normal in any log group. They are not logged as a warning.
const EXPECTED_SKIP_REASONS: [&str; 4] = ["control_message", "duplicate", "own", "repeated"];

/// Maximum number of messages of a delivery that have a line of their own in the log.
const MAX_NAMED_MESSAGES: usize = 20;

/// Maximum number of IDs in one line of the log. They have 56 digits, and an event of CloudWatch Logs 256 KB at most.
const MAX_IDS_IN_LINE: usize = 1000;

/// State of a sandbox, kept between deliveries.
struct UsageFunction {
    settings: UsageSettings,
    /// Set if anything is asked of AWS.
    config: Option<SdkConfig>,
    publisher: Option<MetricPublisher>,
    ledger: Option<SendLedger>,
    /// Never contended: Lambda sends a sandbox one delivery at a time.
    memory: Mutex<KeptMetrics>,
}

/// The error if part of a delivery was not published and Lambda should retry it.
#[derive(Debug)]
struct IncompleteDelivery {
    reason: String,
}

impl From<IncompleteDelivery> for Diagnostic {
    fn from(incomplete: IncompleteDelivery) -> Diagnostic {
        Diagnostic {
            error_type: "DeliveryIncomplete".to_owned(),
            error_message: incomplete.reason,
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
        let function = &UsageFunction::start(settings);
        lambda_runtime::run(service_fn(|event: LambdaEvent<Box<RawValue>>| async move {
            function
                .answer(event.payload.get().as_bytes(), &event.context)
                .await
        }))
        .await
    })
}

impl UsageFunction {
    fn start(settings: UsageSettings) -> UsageFunction {
        let needs_aws = settings.output == MetricOutput::CloudWatch
            || settings.ledger.is_some()
            || settings.dead_letters.is_some();
        let config = match needs_aws {
            true => Some(aws::function_config()),
            false => None,
        };
        let publisher = config
            .as_ref()
            .filter(|_| settings.output == MetricOutput::CloudWatch);
        let publisher = publisher
            .map(|config| MetricPublisher::new(aws::cloudwatch(config), &settings.namespace));
        let ledger = config.as_ref().zip(settings.ledger.clone());
        let ledger =
            ledger.map(|(config, (bucket, prefix))| SendLedger::in_s3(config, &bucket, prefix));
        let memory = Mutex::new(KeptMetrics::new(settings.top));
        UsageFunction {
            settings,
            config,
            publisher,
            ledger,
            memory,
        }
    }

    /// Publishes one delivery. Fails only if a retry may help.
    async fn answer(
        &self,
        payload: &[u8],
        context: &Context,
    ) -> Result<DeliveryReport, IncompleteDelivery> {
        let began = Instant::now();
        let report = self.handle(payload, context).await;
        let request = context.request_id.as_str();
        for trouble in &report.troubles {
            log::line(LogLevel::Error, trouble, request, &[]);
        }
        let fits = |kind: &str| EXPECTED_SKIP_REASONS.contains(&kind);
        if report.refused > 0 || !report.skipped.keys().all(|kind| fits(kind)) {
            let more = [
                ("skipped", serde_json::json!(report.skipped)),
                ("refused", report.refused.into()),
            ];
            let message = "some events were not counted: they are not CloudTrail events, they are too old or too far in the future, or CloudWatch refused their data";
            log::line(LogLevel::Warn, message, request, &more);
        }
        let milliseconds = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        health::usage(&context.env_config.function_name, &report, milliseconds);
        match report.retry_reason() {
            Some(reason) => Err(IncompleteDelivery { reason }),
            None => Ok(report),
        }
    }

    /// Counts and publishes one delivery, and keeps what could not be read.
    async fn handle(&self, payload: &[u8], context: &Context) -> DeliveryReport {
        let settings = &self.settings;
        let arn: Vec<&str> = context.invoked_function_arn.split(':').take(7).collect();
        let rules = usage::ingest_rules(settings.own_role.as_ref(), &arn.join(":"));
        let read = delivery::read(payload, &settings.sets, &rules);
        let identity = read.identity(payload);
        let ReadDelivery {
            counted,
            unreadable,
        } = read;
        let mut report = DeliveryReport::open(&counted);
        let part = |index: usize| arn.get(index).copied().unwrap_or_default();
        let keys = LedgerKeys::new(&settings.namespace, part(4), part(3));
        let claims = claims_of(context, self.ledger.as_ref());
        match counted.tallies.values().next() {
            Some(counted) => self.publish(counted, &keys, &claims, &mut report).await,
            None => report.is_repeatable = true,
        }
        if let Some(unreadable) = unreadable {
            log_unreadable(&unreadable, &context.request_id);
            if let Some((config, url)) = self.config.as_ref().zip(settings.dead_letters.as_ref()) {
                let queue = DeadLetterQueue {
                    config,
                    url,
                    claims: &claims,
                    keys: &keys,
                };
                queue.send(&unreadable, &mut report).await;
            }
        }
        report.claim_rest(&identity, &keys, &claims).await;
        report
    }

    /// Publishes the counts of one delivery.
    async fn publish(
        &self,
        counted: &UsageTally,
        keys: &LedgerKeys,
        claims: &RunClaims<'_>,
        report: &mut DeliveryReport,
    ) {
        let kept = keys.kept();
        let mut memory = self.memory.lock().await;
        let remembered = self.ledger.as_ref().map(|ledger| (ledger, kept.as_str()));
        let data = memory.data(counted, &self.settings.sets, remembered);
        let data = match &self.ledger {
            Some(ledger) => {
                ledger
                    .with_deadline(claims.deadlines.send, &kept, data)
                    .await
            }
            None => data.await,
        };
        report.troubles.extend(memory.trouble.take());
        let data = match data {
            Ok(data) => data,
            Err(error) => return report.leave_to_retry(counted, error.to_string()),
        };
        let log = |data: &[MinuteDatum]| log::raw(&emf::data(data, &self.settings.namespace));
        let publication = MetricPublication {
            sink: match &self.publisher {
                Some(publisher) => MetricSink::Request(publisher),
                None => MetricSink::Log(&log),
            },
            claims: claims.clone(),
            key: keys.delivery(counted.fingerprint()),
            shown_sum: None,
        };
        usage::publish(data, &publication, report).await;
    }
}

/// The claims of one attempt at a delivery, which end before Lambda ends the attempt.
fn claims_of<'l>(context: &Context, ledger: Option<&'l SendLedger>) -> RunClaims<'l> {
    let now = clock::since_1970();
    let left = Duration::from_millis(context.deadline).saturating_sub(now);
    let record = left.saturating_sub(SHUTDOWN_RESERVE);
    let start = tokio::time::Instant::now();
    RunClaims {
        ledger,
        owner: ClaimOwner {
            // Lambda retries a delivery under the same id.
            name: format!("{} {}", context.request_id, now.as_nanos()),
            now: seconds(now),
            until: seconds(now + left) + 1,
        },
        deadlines: SendDeadlines {
            send: start + record.saturating_sub(RECORD_RESERVE),
            record: start + record,
        },
    }
}

/// Logs the IDs of messages that could not be read. Leaves out their text, which may be more sensitive than the
/// function's log.
fn log_unreadable(unreadable: &UnreadableMessages, request: &str) {
    let messages = &unreadable.messages;
    for message in messages.iter().take(MAX_NAMED_MESSAGES) {
        let more = [
            ("logGroup", serde_json::json!(unreadable.log_group)),
            ("logStream", serde_json::json!(unreadable.log_stream)),
            ("messageId", serde_json::json!(message.id)),
            ("messageTimestamp", serde_json::json!(message.timestamp)),
        ];
        let what = match message.id {
            Some(_) => "a message could not be read",
            None => "a delivery could not be read",
        };
        let text = format!("{what}: {}", message.reason);
        log::line(LogLevel::Error, &text, request, &more);
    }
    let others = messages.get(MAX_NAMED_MESSAGES..).unwrap_or_default();
    for others in others.chunks(MAX_IDS_IN_LINE) {
        let ids: Vec<_> = others.iter().map(|message| &message.id).collect();
        let more = [
            ("logGroup", serde_json::json!(unreadable.log_group)),
            ("logStream", serde_json::json!(unreadable.log_stream)),
            ("messageIds", serde_json::json!(ids)),
        ];
        let count = others.len();
        let text = format!("{count} more messages of the delivery could not be read");
        log::line(LogLevel::Error, &text, request, &more);
    }
}

fn seconds(time: Duration) -> Seconds {
    Seconds::try_from(time.as_secs()).unwrap_or(Seconds::MAX)
}
