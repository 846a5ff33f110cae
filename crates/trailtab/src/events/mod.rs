//! `trailtab events`: shows the calls themselves, in order of time.

mod args;

use std::io::{self, Write};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};

pub(crate) use self::args::Args;
use self::args::{CallFormat, CallOutputArgs};
use super::RunEnd;
use super::reading::{self, ReadingOptions, ReadingPlan};
use super::signals::{self, Interruptible};
use super::ui::Ui;
use trailtab_app::clock;
use trailtab_app::job::events::{EventOrder, EventSpool, EventStream, SortedEvents};
use trailtab_app::job::read::ReadOutcome;
use trailtab_app::source::interrupt::Interrupt;
use trailtab_core::activity::summary::RunContext;
use trailtab_core::calls::{CallsProvenance, CredentialForest, CredentialLog};
use trailtab_core::event::counter::EventCounter;
use trailtab_core::event::filter::TextPattern;
use trailtab_core::event::record::EventRecord;
use trailtab_core::time::Seconds;
use trailtab_render as render;
use trailtab_render::calls::{CallWriter, CsvCalls, JsonCalls, JsonLines, RawCalls, Timeline};

/// How old an event may be that `--wait` waits for, in seconds, if no time is given: CloudTrail delivers within
/// about as long.
const WAIT_AGE_SECONDS: Seconds = 15 * 60;

/// How often a pause looks for a signal.
const PAUSE_STEP: Duration = Duration::from_millis(200);

pub(crate) fn run(args: &Args, ui: Ui) -> anyhow::Result<RunEnd> {
    let (format, columns) = args.output.form()?;
    let now = clock::now();
    let plan = ReadingPlan::new(&args.reading, &args.credentials, false, now)?;
    let mut run = plan.context();
    let reading = signals::interruptible(signals::STOPS_READING);
    if let Some(wanted) = &args.output.follow {
        return follow(wanted, format, plan, &mut run, reading, ui);
    }
    let writer: Box<dyn CallWriter + Send> = match format {
        CallFormat::Text => Box::new(Timeline::new(ui.look())),
        CallFormat::Json => Box::new(JsonCalls::new(columns)),
        CallFormat::Jsonl => Box::new(JsonLines { columns }),
        CallFormat::Csv => Box::new(CsvCalls::new(columns)),
        CallFormat::Raw => Box::new(RawCalls::default()),
    };
    let mut output = CallOutput {
        writer,
        out: ui.stream(),
        failure: None,
    };
    let basis = match (args.wait.wait, args.output.unsorted) {
        (Some(longest), _) => output.wait(longest, args, &mut run, reading, ui)?,
        (None, true) => output.stream(plan, &mut run, &reading, ui)?,
        (None, false) => output.sort(plan, &mut run, reading, &args.output, ui)?,
    };
    // Only the statement of a query was printed.
    let Some(basis) = basis else {
        return Ok(RunEnd::Done);
    };
    output.finish(&basis)?;
    match format {
        CallFormat::Text => {}
        CallFormat::Json => reading::tell_no_match(&render::calls::no_match(&basis), ui),
        CallFormat::Jsonl | CallFormat::Csv | CallFormat::Raw => {
            reading::tell_no_match(&render::calls::no_match(&basis), ui);
            reading::tell_problems(&basis.coverage, ui);
        }
    }
    Ok(ended(&basis))
}

/// Shows the chains of credentials that contain what was asked for.
fn follow(
    wanted: &str,
    format: CallFormat,
    plan: ReadingPlan,
    run: &mut RunContext,
    reading: Interruptible,
    ui: Ui,
) -> anyhow::Result<RunEnd> {
    let empty = CredentialLog::default();
    let outcome = plan.run(ReadingOptions::default(), &empty, &reading.interrupt, ui)?;
    let Some(outcome) = outcome else {
        return Ok(RunEnd::Done);
    };
    drop(reading);
    let mut log = CredentialLog::default();
    let parts = outcome.intaken.tallies.values();
    parts.for_each(|part| log.merge(part));
    let forest = CredentialForest::follow(&log, &TextPattern::new(wanted));
    let basis = provenance(&outcome, run, None);
    let printed = match format {
        CallFormat::Json => render::calls::chains_json(&forest, &basis)?,
        _ => render::calls::chains(&forest, wanted, &basis, ui.look()).into_bytes(),
    };
    ui.data(&printed).context("cannot print the chain")?;
    Ok(ended(&basis))
}

fn ended(basis: &CallsProvenance) -> RunEnd {
    match basis.coverage.complete {
        true => RunEnd::Done,
        false => RunEnd::Partial,
    }
}

/// Where calls are written to.
struct CallOutput<W> {
    writer: Box<dyn CallWriter + Send>,
    out: W,
    /// The first failure to write. Nothing is written after it.
    failure: Option<io::Error>,
}

impl<W: Write + Send> CallOutput<W> {
    /// Writes the call of a record; returns whether the output still takes calls.
    fn call(&mut self, record: &[u8]) -> bool {
        if self.failure.is_none()
            && let Some(record) = EventRecord::of(record)
        {
            self.failure = self.writer.call(&record, &mut self.out).err();
        }
        self.failure.is_none()
    }

    /// Reads, and writes each call as it comes. This function and the next two return `None` if only the statement
    /// of a query was printed.
    fn stream(
        &mut self,
        plan: ReadingPlan,
        run: &mut RunContext,
        reading: &Interruptible,
        ui: Ui,
    ) -> anyhow::Result<Option<CallsProvenance>> {
        let output = Mutex::new(self);
        let sink = |record: &[u8]| {
            let mut output = output.lock().unwrap_or_else(PoisonError::into_inner);
            if !output.call(record) {
                reading.requester.request();
            }
        };
        let counter = EventStream::new(&sink);
        let outcome = plan.run(ReadingOptions::default(), &counter, &reading.interrupt, ui)?;
        Ok(outcome.map(|outcome| provenance(&outcome, run, None)))
    }

    /// Reads everything, and then writes the calls in order.
    fn sort(
        &mut self,
        plan: ReadingPlan,
        run: &mut RunContext,
        reading: Interruptible,
        args: &CallOutputArgs,
        ui: Ui,
    ) -> anyhow::Result<Option<CallsProvenance>> {
        let Some((sorted, basis)) = sorted(plan, run, &reading, args, ui)? else {
            return Ok(None);
        };
        // From here on a signal ends the program, also while a pager holds the output back.
        drop(reading);
        self.calls(sorted)?;
        Ok(Some(basis))
    }

    fn calls(&mut self, mut sorted: SortedEvents) -> anyhow::Result<()> {
        while let Some(record) = sorted.next_record()? {
            if !self.call(record) {
                break;
            }
        }
        Ok(())
    }

    /// Reads the event history again and again, until a call matches.
    fn wait(
        &mut self,
        longest: Duration,
        args: &Args,
        run: &mut RunContext,
        reading: Interruptible,
        ui: Ui,
    ) -> anyhow::Result<Option<CallsProvenance>> {
        let begun = Instant::now();
        let mut asked = args.reading.clone().with_default_age(WAIT_AGE_SECONDS);
        loop {
            run.now = clock::now();
            let plan = ReadingPlan::new(&asked, &args.credentials, false, run.now)?;
            run.window = plan.window;
            if let Some(since) = plan.window.since {
                // All readings begin at the same time, however long the wait is.
                asked = asked.since(since);
            }
            let Some((calls, basis)) = sorted(plan, run, &reading, &args.output, ui)? else {
                return Ok(None);
            };
            let left = longest.saturating_sub(begun.elapsed());
            if basis.no_match.is_none() || reading.interrupt.is_requested() {
                drop(reading);
                self.calls(calls)?;
                return Ok(Some(basis));
            }
            if left.is_zero() {
                bail!(
                    "no matching event arrived in {} s. CloudTrail usually delivers within 5 minutes, and at times later: wait longer, or see with trailtab activity what there is",
                    longest.as_secs()
                );
            }
            let next = Duration::from_secs(args.wait.every).min(left);
            let seconds = next.as_secs();
            ui.remark(&format!(
                "no matching event yet; reading again in {seconds} s"
            ));
            pause(next, &reading.interrupt);
        }
    }

    /// Writes the end of the output. A closed pipe, such as of `head`, is not an error.
    fn finish(mut self, basis: &CallsProvenance) -> anyhow::Result<()> {
        let written = match self.failure.take() {
            Some(failure) => Err(failure),
            None => self
                .writer
                .finish(basis, &mut self.out)
                .and_then(|()| self.out.flush()),
        };
        match written {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            result => result.context("cannot print the events"),
        }
    }
}

/// Reads everything; returns the calls in order. `None` if only the statement of a query was printed.
fn sorted(
    plan: ReadingPlan,
    run: &mut RunContext,
    reading: &Interruptible,
    args: &CallOutputArgs,
    ui: Ui,
) -> anyhow::Result<Option<(SortedEvents, CallsProvenance)>> {
    let order = match args.newest {
        true => EventOrder::NewestFirst,
        false => EventOrder::OldestFirst,
    };
    let limit = args.limit;
    let kept = limit.map(|limit| usize::try_from(limit).unwrap_or(usize::MAX));
    let spool = EventSpool::new(order, kept, reading.requester.clone());
    let outcome = plan.run(ReadingOptions::default(), &spool, &reading.interrupt, ui)?;
    let Some(outcome) = outcome else {
        return Ok(None);
    };
    let sorted = spool.into_sorted()?;
    Ok(Some((sorted, provenance(&outcome, run, limit))))
}

/// Waits, unless a stop is requested.
fn pause(length: Duration, interrupt: &Interrupt) {
    let begun = Instant::now();
    while begun.elapsed() < length && !interrupt.is_requested() {
        thread::sleep(PAUSE_STEP.min(length));
    }
}

fn provenance<C: EventCounter>(
    outcome: &ReadOutcome<C>,
    run: &mut RunContext,
    limit: Option<u64>,
) -> CallsProvenance {
    run.no_match.clone_from(&outcome.no_match);
    CallsProvenance::of(&outcome.intaken, &outcome.coverage, run, limit)
}
