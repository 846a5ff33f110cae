//! Everybody's report, by mail.

use std::fmt::Write as _;

use anyhow::{Context as _, bail};
use trailtab_app::aws::SdkConfig;

use super::args::CostArgs;
use super::open::{self, Opened};
use super::view;
use crate::Ended;
use crate::format::Format;
use crate::signals;
use crate::ui::Ui;
use trailtab_app::clock;
use trailtab_app::deliver::ledger::{Ledger, Owner as Sender};
use trailtab_app::deliver::mail::files::Folder;
use trailtab_app::job::cost::round::{Round, Way};
use trailtab_app::job::cost::send::{Limit, Outcome, Sent};
use trailtab_app::job::read::start_runtime;
use trailtab_render as render;
use trailtab_render::escape::terminal;

/// Seconds in which a run is over for certain.
const LONGEST: i64 = 3600;

pub(super) fn run(args: &CostArgs, ui: Ui) -> anyhow::Result<Ended> {
    start_runtime()?.block_on(async {
        let config = open::config(args).await?;
        let mut opened = open::open(args, &config, ui).await?;
        let asked = args.period.asked(&opened.run)?;
        let to = &args.sending.to;
        let is_meant =
            |address: &str| to.is_empty() || to.iter().any(|to| to.eq_ignore_ascii_case(address));
        if args.asking.plan && !opened.run.has_directory {
            view::say_price(&opened.run.most_needed(), None, true, ui);
            return Ok(Ended::Done);
        }
        let round = Round::plan(&mut opened.run, asked, is_meant).await?;
        match round.need(&opened.run) {
            None if round.refused.is_empty() && !to.is_empty() => {
                bail!("--to: nothing is due to such a recipient today")
            }
            None => ui.remark("nothing is due today"),
            Some(need) if args.asking.offline.is_none() => {
                view::say_price(&need, opened.accounts(), args.asking.plan, ui);
            }
            Some(_) => {}
        }
        if args.asking.plan {
            return Ok(Ended::Done);
        }
        let sent = send(args, &mut opened, round, &config).await;
        // What was paid for is saved, whatever became of the mails.
        opened.save(&args.asking, ui)?;
        opened.tell_what_it_cost(ui);
        let sent = sent?;
        let printed = match args.format {
            Format::Json => render::json::ascii(&sent)?,
            _ => table(&sent).into_bytes(),
        };
        ui.data(&printed).context("cannot print what was sent")?;
        let is_well = |sent: &Sent| sent.outcome.is_well() && sent.note.is_none();
        Ok(match sent.iter().all(is_well) {
            true => Ended::Done,
            false => Ended::Partial,
        })
    })
}

async fn send(
    args: &CostArgs,
    opened: &mut Opened,
    round: Round,
    config: &SdkConfig,
) -> anyhow::Result<Vec<Sent>> {
    let folder = match &args.output {
        Some(directory) if args.sending.dry_run => Some(Folder::create(directory.clone())?),
        _ => None,
    };
    let ledger = ledger(args, config)?;
    // The mail that is being sent gets its answer; after that, a signal ends the run.
    let sending = signals::interruptible(signals::STOPS_SENDING);
    let now = clock::now();
    let way = Way {
        config,
        ledger: &ledger,
        sender: Sender {
            name: format!("{}-{}", clock::since_1970().as_nanos(), std::process::id()),
            now,
            until: now + LONGEST,
        },
        limit: Limit {
            deadline: None,
            interrupt: sending.interrupt.clone(),
        },
        folder,
    };
    Ok(round.send(&mut opened.run, way).await?)
}

fn ledger(args: &CostArgs, config: &SdkConfig) -> anyhow::Result<Ledger> {
    match &args.sending.ledger {
        Some(place) => open::ledger(place, config),
        None => match open::home("XDG_STATE_HOME", ".local/state") {
            Some(directory) => Ok(Ledger::Directory(directory)),
            None => bail!("there is no place to remember what was sent: name one with --ledger"),
        },
    }
}

/// What became of each report, in lines.
fn table(sent: &[Sent]) -> String {
    let mut lines = String::new();
    for line in sent {
        let outcome = match &line.outcome {
            Outcome::Sent => "sent",
            Outcome::Corrected => "corrected",
            Outcome::AlreadySent => "sent before",
            Outcome::WouldSend => "written",
            Outcome::NoData => "no data yet",
            Outcome::Skipped { .. } => "skipped",
            Outcome::Unconfirmed { .. } => "unconfirmed",
            Outcome::Failed { .. } => "FAILED",
        };
        let what = format!("{} {}", line.report, line.period);
        let (what, recipient) = (terminal(what.trim()), terminal(&line.recipient));
        let reasons = line
            .outcome
            .reason()
            .into_iter()
            .chain(line.note.as_deref());
        let reasons: Vec<_> = reasons.map(terminal).collect();
        let colon = if reasons.is_empty() { "" } else { ": " };
        let reasons = reasons.join("; ");
        // Writing to a String cannot fail.
        let _ = writeln!(lines, "{outcome:<11}  {recipient}, {what}{colon}{reasons}");
    }
    let well = sent.iter().filter(|line| line.outcome.is_well()).count();
    let _ = writeln!(lines, "{well} of {} reports are well", sent.len());
    lines
}
