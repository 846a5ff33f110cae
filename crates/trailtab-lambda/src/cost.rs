//! `cost`: a schedule asks for the day's mails. Whatever the event says, all that is due is sent, each mail once;
//! with `{"dry_run": true}` in it, nothing is.

use std::env;
use std::time::{Duration, Instant};

use lambda_runtime::{Context, Diagnostic, LambdaEvent, service_fn};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::runtime;
use trailtab_app::aws::SdkConfig;

use super::health;
use super::log::{self, Level};
use super::settings::CostSettings;
use trailtab_app::aws;
use trailtab_app::clock;
use trailtab_app::deliver::ledger::{Ledger, Owner};
use trailtab_app::deliver::mail::files::Folder;
use trailtab_app::job::cost::answers::{Cache, MAX_AGE};
use trailtab_app::job::cost::open;
use trailtab_app::job::cost::round::{self, Round, Way};
use trailtab_app::job::cost::send::{Limit, Outcome, Sent};
use trailtab_app::source::interrupt::Interrupt;
use trailtab_core::time::Seconds;
use trailtab_render::escape;

/// What is left of an invocation's time for its last words.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// What a sandbox needs for each run.
struct Function {
    settings: CostSettings,
    config: SdkConfig,
    ledger: Ledger,
}

/// What a run did, for whoever called it.
#[derive(Debug, Serialize)]
struct Answer {
    sent: u64,
    skipped: u64,
    failed: u64,
    requests: u64,
}

/// What became of a run.
#[derive(Debug, Default)]
struct Done {
    sent: Vec<Sent>,
    /// Requests to Cost Explorer.
    requests: u64,
    /// What went wrong besides.
    troubles: Vec<String>,
}

impl Done {
    fn count(&self, is: impl Fn(&Outcome) -> bool) -> u64 {
        round::count(&self.sent, is)
    }
}

/// What was certainly not sent, and may be when Lambda tries again.
#[derive(Debug)]
struct Unsent(String);

impl From<Unsent> for Diagnostic {
    fn from(unsent: Unsent) -> Diagnostic {
        Diagnostic {
            error_type: "ReportsUnsent".to_owned(),
            error_message: unsent.0,
        }
    }
}

/// The event, as far as it says anything.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Event {
    dry_run: bool,
}

/// Answers until Lambda ends the process.
///
/// # Errors
///
/// If a setting makes no sense, or Lambda's runtime API does not answer.
pub(super) fn main() -> Result<(), lambda_runtime::Error> {
    let settings = CostSettings::read(|name| env::var(name).ok())?;
    let runtime = runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let config = aws::function_config().await?;
        let (bucket, prefix) = settings.ledger.clone();
        let function = &Function {
            ledger: Ledger::in_s3(&config, bucket, prefix),
            config,
            settings,
        };
        lambda_runtime::run(service_fn(|event: LambdaEvent<Value>| async move {
            // A schedule's own event says nothing of this, nor need it be an object.
            let asked: Event = serde_json::from_value(event.payload).unwrap_or_default();
            function.answer(&asked, &event.context).await
        }))
        .await
    })
}

impl Function {
    async fn answer(&self, event: &Event, context: &Context) -> Result<Answer, Unsent> {
        let began = Instant::now();
        let ran = self.run(event, context).await;
        let request = context.request_id.as_str();
        let none = Done::default();
        let done = ran.as_ref().unwrap_or(&none);
        for trouble in &done.troubles {
            log::line(Level::Warn, trouble, request, &[]);
        }
        for sent in &done.sent {
            let level = match sent.outcome.is_well() && sent.note.is_none() {
                true => Level::Info,
                false => Level::Error,
            };
            let more = [("report", serde_json::json!(sent))];
            log::line(level, "a report", request, &more);
        }
        let answer = Answer {
            sent: done.count(|it| matches!(it, Outcome::Sent | Outcome::Corrected)),
            skipped: done.count(|it| matches!(it, Outcome::AlreadySent | Outcome::WouldSend)),
            failed: done.count(|it| !it.is_well()) + u64::from(ran.is_err()),
            requests: done.requests,
        };
        let milliseconds = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        let health = health::Cost {
            sent: answer.sent,
            skipped: answer.skipped,
            failed: answer.failed,
            requests: answer.requests,
        };
        health::cost(&context.env_config.function_name, &health, milliseconds);
        if let Err(reason) = ran {
            log::line(Level::Error, &reason, request, &[]);
            return Err(Unsent(reason));
        }
        let unsent = done.count(Outcome::may_be_repeated);
        match done.sent.iter().find(|sent| sent.outcome.may_be_repeated()) {
            Some(first) => Err(Unsent(format!(
                "{unsent} of {} reports were not sent, the first one: {}",
                done.sent.len(),
                first.outcome.reason().unwrap_or_default()
            ))),
            None => Ok(answer),
        }
    }

    async fn run(&self, event: &Event, context: &Context) -> Result<Done, String> {
        let now = clock::since_1970();
        let left = Duration::from_millis(context.deadline).saturating_sub(now);
        let settings = open::settings(&self.settings.config, &self.config).await;
        let settings = settings.map_err(|error| aws::in_words(&error))?;
        let folder = event.dry_run.then(|| {
            let place = env::temp_dir().join("trailtab");
            Folder::create(place.join(escape::file_name(&context.request_id)))
        });
        let folder = folder.transpose().map_err(|error| aws::in_words(&error))?;
        let account = context.invoked_function_arn.split(':').nth(4);
        let cache = Cache {
            // Beside what was sent, the answers that were paid for.
            place: self.ledger.clone(),
            account: account.unwrap_or_default().to_owned(),
            max_age: MAX_AGE,
        };
        let unknown = settings.unknown.keys();
        let mut troubles: Vec<String> = unknown
            .map(|name| format!("the settings have a member that means nothing: {name:?}"))
            .collect();
        let opened = open::live(settings, &self.config, Some(cache), seconds(now)).await;
        let (mut run, _) = opened.map_err(|error| aws::in_words(&error))?;
        let way = Way {
            config: &self.config,
            ledger: &self.ledger,
            sender: Owner {
                // Lambda repeats an event under the same id.
                name: format!("{} {}", context.request_id, now.as_nanos()),
                now: seconds(now),
                until: seconds(now + left) + 1,
            },
            limit: Limit {
                deadline: Some(tokio::time::Instant::now() + left.saturating_sub(LAST_WORDS)),
                interrupt: Interrupt::never(),
            },
            folder,
        };
        let sent = match Round::plan(&mut run, None, |_| true).await {
            Ok(round) => round.send(&mut run, way).await,
            Err(error) => Err(error.into()),
        };
        let sent = sent.map_err(|error| aws::in_words(&error))?;
        troubles.extend(run.answers.troubles());
        Ok(Done {
            sent,
            requests: run.answers.requests().0,
            troubles,
        })
    }
}

fn seconds(time: Duration) -> Seconds {
    Seconds::try_from(time.as_secs()).unwrap_or(Seconds::MAX)
}
