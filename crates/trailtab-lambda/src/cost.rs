//! `cost`: mails the reports that are due, triggered by a schedule. Each mail is sent once. Ignores
//! the event except for `{"dry_run": true}`, with which nothing is sent.

use std::env;
use std::error::Error;
use std::time::{Duration, Instant};

use lambda_runtime::{Context, Diagnostic, LambdaEvent, service_fn};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::runtime;
use trailtab_app::aws::SdkConfig;

use super::health;
use super::log::{self, LogLevel};
use super::settings::CostSettings;
use trailtab_app::aws;
use trailtab_app::clock;
use trailtab_app::deliver::ledger::{ClaimOwner, SendLedger};
use trailtab_app::deliver::mail::files::MailFolder;
use trailtab_app::job::cost::answers::{AnswerCache, MAX_AGE};
use trailtab_app::job::cost::open;
use trailtab_app::job::cost::round::{self, MailRound, SendOptions};
use trailtab_app::job::cost::send::{Limit, RETRY_DELAYS, SendOutcome, SendResult};
use trailtab_app::source::interrupt::Interrupt;
use trailtab_core::time::Seconds;
use trailtab_render::escape;

/// Part of an invocation's time reserved for logging the results.
const SHUTDOWN_RESERVE: Duration = Duration::from_secs(5);

/// State of a sandbox, kept between runs.
struct CostFunction {
    settings: CostSettings,
    config: SdkConfig,
    ledger: SendLedger,
}

/// The numbers returned to the caller.
#[derive(Debug, Serialize)]
struct CostInvocationResult {
    sent: u64,
    skipped: u64,
    failed: u64,
    requests: u64,
}

/// The outcome of a run.
#[derive(Debug, Default)]
struct RunSummary {
    sent: Vec<SendResult>,
    /// Requests to Cost Explorer.
    requests: u64,
    /// Further problems.
    troubles: Vec<String>,
}

impl RunSummary {
    fn count(&self, is: impl Fn(&SendOutcome) -> bool) -> u64 {
        round::count(&self.sent, is)
    }
}

/// The error if reports were certainly not sent and a retry by Lambda may succeed.
#[derive(Debug)]
struct UnsentReports(String);

impl From<UnsentReports> for Diagnostic {
    fn from(unsent: UnsentReports) -> Diagnostic {
        Diagnostic {
            error_type: "ReportsUnsent".to_owned(),
            error_message: unsent.0,
        }
    }
}

/// The keys of the event that are used.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct CostEvent {
    dry_run: bool,
}

/// Handles invocations until Lambda ends the process.
///
/// # Errors
///
/// Fails if a setting is invalid or Lambda's runtime API does not answer.
pub(super) fn main() -> Result<(), lambda_runtime::Error> {
    let settings = CostSettings::read(|name| env::var(name).ok())?;
    let runtime = runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let config = aws::function_config();
        let (bucket, prefix) = settings.ledger.clone();
        let function = &CostFunction {
            ledger: SendLedger::in_s3(&config, &bucket, prefix),
            config,
            settings,
        };
        lambda_runtime::run(service_fn(|event: LambdaEvent<Value>| async move {
            // A schedule's default event has no such key, and other events need not be objects.
            let asked: CostEvent = serde_json::from_value(event.payload).unwrap_or_default();
            function.answer(&asked, &event.context).await
        }))
        .await
    })
}

impl CostFunction {
    async fn answer(
        &self,
        event: &CostEvent,
        context: &Context,
    ) -> Result<CostInvocationResult, UnsentReports> {
        let began = Instant::now();
        // Boxed, because the futures of all steps are too deep for the compiler in one.
        let ran = Box::pin(self.run(event, context)).await;
        let request = context.request_id.as_str();
        let none = RunSummary::default();
        let done = ran.as_ref().unwrap_or(&none);
        for trouble in &done.troubles {
            log::line(LogLevel::Warn, trouble, request, &[]);
        }
        for sent in &done.sent {
            let level = match sent.outcome.is_well() && sent.note.is_none() {
                true => LogLevel::Info,
                false => LogLevel::Error,
            };
            let more = [("report", serde_json::json!(sent))];
            log::line(level, "a report", request, &more);
        }
        let answer = CostInvocationResult {
            sent: done.count(|it| matches!(it, SendOutcome::Sent | SendOutcome::Corrected)),
            skipped: done
                .count(|it| matches!(it, SendOutcome::AlreadySent | SendOutcome::WouldSend)),
            failed: done.count(|it| !it.is_well()) + u64::from(ran.is_err()),
            requests: done.requests,
        };
        let milliseconds = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        let health = health::CostHealth {
            sent: answer.sent,
            skipped: answer.skipped,
            failed: answer.failed,
            requests: answer.requests,
        };
        health::cost(&context.env_config.function_name, &health, milliseconds);
        if let Err(reason) = ran {
            log::line(LogLevel::Error, &reason, request, &[]);
            return Err(UnsentReports(reason));
        }
        let unsent = done.count(SendOutcome::may_be_repeated);
        match done.sent.iter().find(|sent| sent.outcome.may_be_repeated()) {
            Some(first) => Err(UnsentReports(format!(
                "{unsent} of {} reports were not sent, the first one: {}",
                done.sent.len(),
                first.outcome.reason().unwrap_or_default()
            ))),
            None => Ok(answer),
        }
    }

    async fn run(&self, event: &CostEvent, context: &Context) -> Result<RunSummary, String> {
        let now = clock::since_1970();
        let left = Duration::from_millis(context.deadline).saturating_sub(now);
        let limit = Limit {
            deadline: Some(tokio::time::Instant::now() + left.saturating_sub(SHUTDOWN_RESERVE)),
            interrupt: Interrupt::never(),
            retry_delays: &RETRY_DELAYS,
        };
        let settings = open::settings(&self.settings.config, &self.config);
        let settings = in_time(&limit, "the settings", settings).await?;
        let folder = event.dry_run.then(|| {
            let place = env::temp_dir().join("trailtab");
            MailFolder::create(place.join(escape::file_name(&context.request_id)))
        });
        let folder = folder
            .transpose()
            .map_err(|error| aws::with_causes(&error))?;
        let account = context.invoked_function_arn.split(':').nth(4);
        let cache = AnswerCache {
            // Paid answers are kept in the same ledger as the sent mails.
            place: self.ledger.clone(),
            account: account.unwrap_or_default().to_owned(),
            max_age: MAX_AGE,
        };
        let unknown = settings.unknown.keys();
        let mut troubles: Vec<String> = unknown
            .map(|name| format!("the settings have an unknown key: {name:?}"))
            .collect();
        let opened = open::live(settings, &self.config, Some(cache), seconds(now));
        let (mut run, _) = in_time(&limit, "the list of accounts", opened).await?;
        let round = MailRound::plan(&mut run, None, |_| true);
        let round = in_time(&limit, "the recipients of reports", round).await?;
        let way = SendOptions {
            config: &self.config,
            ledger: &self.ledger,
            sender: ClaimOwner {
                // Lambda retries an event under the same id.
                name: format!("{} {}", context.request_id, now.as_nanos()),
                now: seconds(now),
                until: seconds(now + left) + 1,
            },
            limit,
            folder,
        };
        let sent = round.send(&mut run, way).await;
        let sent = sent.map_err(|error| aws::with_causes(&error))?;
        troubles.extend(run.answers.troubles());
        Ok(RunSummary {
            sent,
            requests: run.answers.requests().0,
            troubles,
        })
    }
}

/// Waits for a step before anything is sent, until the run must end.
async fn in_time<T, E: Error + 'static>(
    limit: &Limit,
    awaited: &'static str,
    step: impl Future<Output = Result<T, E>>,
) -> Result<T, String> {
    let done = limit.within(awaited, step).await;
    let done = done.map_err(|error| error.to_string())?;
    done.map_err(|error| aws::with_causes(&error))
}

fn seconds(time: Duration) -> Seconds {
    Seconds::try_from(time.as_secs()).unwrap_or(Seconds::MAX)
}
