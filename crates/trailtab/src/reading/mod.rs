//! Reads events for all verbs that count them: arguments, plan, progress, and the errors if there is nothing to read.

mod args;
mod values;

use std::sync::Arc;

use anyhow::anyhow;

pub(crate) use self::args::{CredentialArgs, ReadingArgs};
pub(crate) use self::values::results as results_folder;
use super::UsageError;
use super::ui::Ui;
use trailtab_app::aws;
use trailtab_app::job::athena::{self, AthenaOptions};
use trailtab_app::job::read::{self, ReadError, ReadOutcome, ReadRequest};
use trailtab_app::job::verify::VerifyOptions;
use trailtab_app::source::Source;
use trailtab_app::source::archive::EventArchive;
use trailtab_app::source::interrupt::Interrupt;
use trailtab_app::source::lookup_events::{self, LookupError, PushedAttribute};
use trailtab_app::source::progress::ReadProgress;
use trailtab_core::activity::provenance::ReadingCoverage;
use trailtab_core::activity::summary::RunContext;
use trailtab_core::coverage::Severity;
use trailtab_core::event::counter::EventCounter;
use trailtab_core::event::filter::{EventFilter, ScopeMatcher};
use trailtab_core::event::ingest::{IngestRules, RawCopy};
use trailtab_core::time::{Seconds, TimeWindow};

/// Most problems printed on standard error, for results without a place for them.
const MAX_PROBLEMS_SHOWN: usize = 10;

/// The sources, window and filters of a run.
pub(crate) struct ReadingPlan {
    pub(crate) window: TimeWindow,
    pub(crate) filter: EventFilter,
    network_activity: bool,
    now: Seconds,
    late_days: u32,
    requester_pays: bool,
    sources: Vec<Source>,
    athena: AthenaOptions,
    prints_sql: bool,
    lookup: Option<lookup_events::LookupRequest>,
    access: aws::CredentialOptions,
}

/// What a verb does with the events besides counting them.
#[derive(Default)]
pub(crate) struct ReadingOptions<'w> {
    pub(crate) per_account: bool,
    pub(crate) dump: Option<RawCopy<'w>>,
    pub(crate) verify: Option<VerifyOptions>,
}

impl ReadingPlan {
    /// Makes a plan from the arguments. With `keeps_all`, events are kept independently of filters, so that no filter
    /// is passed to AWS.
    ///
    /// # Errors
    ///
    /// If the arguments do not fit together, or the archive cannot be opened.
    pub(crate) fn new(
        args: &ReadingArgs,
        credentials: &CredentialArgs,
        keeps_all: bool,
        now: Seconds,
    ) -> anyhow::Result<ReadingPlan> {
        let access = credentials.access();
        let lookup = args
            .sources
            .is_empty()
            .then(|| lookup(args, access.clone(), keeps_all, now))
            .transpose()?;
        let window = match &lookup {
            Some(asked) => TimeWindow {
                since: Some(asked.window.from),
                until: Some(asked.window.until),
            },
            None => {
                args.lookup.refuse_with_sources()?;
                args.time.window(now)?
            }
        };
        Ok(ReadingPlan {
            window,
            filter: args.filter(),
            network_activity: args.network_activity
                || args.sources.iter().any(Source::is_network_activity),
            now,
            late_days: args.buckets.late_days,
            requester_pays: args.buckets.requester_pays,
            sources: args.sources.clone(),
            athena: args.athena.options(&args.sources)?,
            prints_sql: args.athena.print_sql,
            lookup,
            access,
        })
    }

    /// The facts of the run that are known before anything is read.
    pub(crate) fn context(&self) -> RunContext {
        RunContext {
            window: self.window,
            activity_type: self.filter.activity_type.name(),
            invocation: invocation(),
            now: self.now,
            version: env!("CARGO_PKG_VERSION"),
            caller: None,
            no_match: None,
        }
    }

    /// Reads all sources, counts the events with counters like `empty`, and shows the progress. If interrupted, the
    /// coverage says what was not read. With `--print-sql`, only prints the statement, and returns `None`.
    ///
    /// # Errors
    ///
    /// If nothing at all could be read.
    pub(crate) fn run<C: EventCounter>(
        self,
        options: ReadingOptions<'_>,
        empty: &C,
        interrupt: &Interrupt,
        ui: Ui,
    ) -> anyhow::Result<Option<ReadOutcome<C>>> {
        let request = ReadRequest {
            sources: self.sources,
            lookup: self.lookup,
            access: self.access,
            now: self.now,
            late_days: self.late_days,
            requester_pays: self.requester_pays,
            rules: IngestRules {
                window: self.window,
                filter: self.filter,
                per_account: options.per_account,
                network_activity: self.network_activity,
            },
            dump: options.dump,
            verify: options.verify,
            athena: self.athena,
            interrupt: interrupt.clone(),
        };
        if self.prints_sql {
            print_sql(&request, empty, ui)?;
            return Ok(None);
        }
        let progress = Arc::new(ReadProgress::default());
        let outcome = ui.watch(&progress, || read::run(request, empty, &progress));
        let outcome = outcome.map_err(|error| match error {
            ReadError::LookupEvents(LookupError::Region(error)) => {
                UsageError(error.to_string()).into()
            }
            error => anyhow::Error::from(error),
        })?;
        // An interrupted run always has a result, even an empty one.
        if !interrupt.is_requested() {
            refuse_nothing(&outcome)?;
        }
        Ok(Some(outcome))
    }
}

/// Prints the statement of a run over a table of Athena.
fn print_sql<C: EventCounter>(request: &ReadRequest<'_>, empty: &C, ui: Ui) -> anyhow::Result<()> {
    let needs = request.rules.needs(empty, request.dump.is_some());
    for source in &request.sources {
        if let Source::Athena(address) = source {
            let statement = athena::statement_of(request, address, needs)?;
            ui.data(format!("{}\n", statement.sql).as_bytes())?;
        }
    }
    Ok(())
}

/// Makes the request to the event history from the arguments.
fn lookup(
    args: &ReadingArgs,
    access: aws::CredentialOptions,
    keeps_all: bool,
    now: Seconds,
) -> anyhow::Result<lookup_events::LookupRequest> {
    let options = &args.lookup;
    let window = args.time.span(now, options.archive.is_some())?;
    let archive = options.archive.as_deref();
    let archive = archive
        .map(|directory| EventArchive::open(directory, now))
        .transpose()?;
    let filter = args.filter();
    let keeps_all = keeps_all || archive.is_some();
    Ok(lookup_events::LookupRequest {
        access,
        window,
        now,
        regions: args.filters.region.clone(),
        accounts: args.filters.account.clone(),
        max_tps: options.max_tps.unwrap_or(lookup_events::QUOTA),
        attribute: if keeps_all {
            None
        } else {
            PushedAttribute::choose(&filter)
        },
        organization: options.organization.then(|| options.role_name.clone()),
        scopes: ScopeMatcher::new(&filter),
        archive,
    })
}

/// Fails if there was nothing at all to read, so that no result is written.
fn refuse_nothing<C>(outcome: &ReadOutcome<C>) -> anyhow::Result<()> {
    let (intaken, coverage) = (&outcome.intaken, &outcome.coverage);
    let is_failed = |severity: &Option<Severity>| *severity == Some(Severity::Failed);
    if outcome.caller.is_some() && !coverage.asked.values().all(is_failed) {
        return Ok(());
    }
    if intaken.counts.read > 0 {
        return Ok(());
    }
    let (documents, others) = (coverage.documents, &intaken.others);
    let first_problem = || {
        let problem = coverage.problems.first();
        problem.map(|problem| anyhow!("{} {}", problem.document, problem.reason))
    };
    let is_unread = others.is_empty() && coverage.unread == documents;
    if (is_unread || documents <= 1)
        && let Some(problem) = first_problem()
    {
        return Err(problem.context("nothing could be read"));
    }
    // No documents is not an error: a bucket can hold log files outside the window only.
    if is_unread && documents > 0 {
        return Err(match documents {
            1 => anyhow!("nothing could be read: the only file there is empty"),
            n => anyhow!("nothing could be read: all {n} files are empty"),
        });
    }
    if !others.is_empty() && others.keys().all(|kind| kind.is_foreign()) {
        let none = match documents {
            1 => "the one document there holds no CloudTrail records".to_owned(),
            n => format!("none of {n} documents holds CloudTrail records"),
        };
        return Err(match first_problem() {
            Some(problem) => problem.context(none),
            None => anyhow!(none),
        });
    }
    Ok(())
}

/// Prints to standard error why nothing matched; nothing if the explanation is empty.
pub(crate) fn tell_no_match(explanation: &str, ui: Ui) {
    explanation.lines().for_each(|line| ui.remark(line));
}

/// Prints to standard error what is missing, for results that have no place for it.
pub(crate) fn tell_problems(coverage: &ReadingCoverage, ui: Ui) {
    let all = coverage.problems.len() as u64 + coverage.problems_not_listed;
    for problem in coverage.problems.iter().take(MAX_PROBLEMS_SHOWN) {
        let (document, reason) = (&problem.document, &problem.reason);
        ui.error(&anyhow!("incomplete: {document}: {reason}"));
    }
    if let Some(more @ 1..) = all.checked_sub(MAX_PROBLEMS_SHOWN as u64) {
        ui.error(&anyhow!("incomplete: {more} more problems"));
    }
}

/// The command line, with the program's name instead of its path.
pub(crate) fn invocation() -> String {
    let args = std::env::args_os().skip(1);
    let words = args.map(|word| word.to_string_lossy().into_owned());
    std::iter::once("trailtab".to_owned())
        .chain(words)
        .collect::<Vec<_>>()
        .join(" ")
}
