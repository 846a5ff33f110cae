//! `trailtab cost --send`: sends each recipient the reports that are due, by mail or to a channel.

use std::fmt::Write as _;

use anyhow::{Context as _, bail};
use trailtab_app::aws::SdkConfig;

use super::args::CostArgs;
use super::open::{self, OpenRun};
use super::view;
use crate::RunEnd;
use crate::format::Format;
use crate::signals;
use crate::ui::Ui;
use trailtab_app::clock;
use trailtab_app::deliver::ledger::{ClaimOwner as Sender, SendLedger};
use trailtab_app::deliver::mail::files::MailFolder;
use trailtab_app::job::cost::round::{MailRound, SendOptions};
use trailtab_app::job::cost::send::{Limit, RETRY_DELAYS, SendOutcome, SendResult};
use trailtab_app::job::read::start_runtime;
use trailtab_core::cost::recipient::ReportDestination;
use trailtab_render as render;
use trailtab_render::escape::terminal;

/// Seconds for which a run claims its mails in the ledger; no run takes longer.
const MAX_RUN_SECONDS: i64 = 3600;

pub(super) fn run(args: &CostArgs, ui: Ui) -> anyhow::Result<RunEnd> {
    start_runtime()?.block_on(async {
        let config = open::config(args).await?;
        let mut opened = open::open(args, &config, ui).await?;
        let asked = args.period.asked(&opened.run)?;
        let to = &args.sending.to;
        let is_meant = |destination: &ReportDestination| {
            let is_named = |to: &String| to.to_lowercase() == destination.name().to_lowercase();
            to.is_empty() || to.iter().any(is_named)
        };
        if args.asking.plan && !opened.run.has_directory {
            let need = opened.run.most_needed();
            view::say_price(&opened.run, &need, None, true, ui).await;
            return Ok(RunEnd::Done);
        }
        let round = MailRound::plan(&mut opened.run, asked, is_meant).await?;
        match round.need(&opened.run) {
            None if round.refused.is_empty() && !to.is_empty() => {
                bail!("--to: no report is due to this recipient today")
            }
            None => ui.remark("nothing is due today"),
            Some(need) if args.asking.offline.is_none() => {
                let accounts = opened.accounts();
                view::say_price(&opened.run, &need, accounts, args.asking.plan, ui).await;
            }
            Some(_) => {}
        }
        if args.asking.plan {
            return Ok(RunEnd::Done);
        }
        let sent = send(args, &mut opened, round, &config).await;
        // Paid answers are saved even if no mail was sent.
        opened.save(&args.asking, ui)?;
        opened.tell_what_it_cost(ui);
        let sent = sent?;
        let printed = match args.format {
            Format::Json => render::json::ascii(&sent)?,
            _ => table(&sent).into_bytes(),
        };
        ui.data(&printed).context("cannot print what was sent")?;
        let is_well = |sent: &SendResult| sent.outcome.is_well() && sent.note.is_none();
        Ok(match sent.iter().all(is_well) {
            true => RunEnd::Done,
            false => RunEnd::Partial,
        })
    })
}

async fn send(
    args: &CostArgs,
    opened: &mut OpenRun,
    round: MailRound,
    config: &SdkConfig,
) -> anyhow::Result<Vec<SendResult>> {
    let folder = match &args.output {
        Some(directory) if args.sending.dry_run => Some(MailFolder::create(directory.clone())?),
        _ => None,
    };
    let ledger = ledger(args, config)?;
    // On a signal, the mail in flight still gets its answer; then the run ends.
    let sending = signals::interruptible(signals::STOPS_SENDING);
    let now = clock::now();
    let way = SendOptions {
        config,
        ledger: &ledger,
        sender: Sender {
            name: format!("{}-{}", clock::since_1970().as_nanos(), std::process::id()),
            now,
            until: now + MAX_RUN_SECONDS,
        },
        limit: Limit {
            deadline: None,
            interrupt: sending.interrupt.clone(),
            retry_delays: &RETRY_DELAYS,
        },
        folder,
    };
    Ok(round.send(&mut opened.run, way).await?)
}

fn ledger(args: &CostArgs, config: &SdkConfig) -> anyhow::Result<SendLedger> {
    match &args.sending.ledger {
        Some(place) => open::ledger(place, config),
        None => match open::home("XDG_STATE_HOME", ".local/state") {
            Some(directory) => Ok(SendLedger::Directory(directory)),
            None => bail!("there is no place for the ledger of sent mails: name one with --ledger"),
        },
    }
}

/// A line for each report with its outcome, and a total.
fn table(sent: &[SendResult]) -> String {
    let mut lines = String::new();
    for line in sent {
        let outcome = match &line.outcome {
            SendOutcome::Sent => "sent",
            SendOutcome::Corrected => "corrected",
            SendOutcome::AlreadySent => "sent before",
            SendOutcome::WouldSend => "written",
            SendOutcome::NoData => "no data yet",
            SendOutcome::NotNeeded { .. } => "not needed",
            SendOutcome::Unknown { .. } => "UNKNOWN",
            SendOutcome::Skipped { .. } => "skipped",
            SendOutcome::Unconfirmed { .. } => "unconfirmed",
            SendOutcome::Failed { .. } => "FAILED",
        };
        let what = format!("{} {}", line.report, line.period);
        let recipient = line.destination.to_string();
        let (what, recipient) = (terminal(what.trim()), terminal(&recipient));
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
    let _ = writeln!(lines, "{well} of {} reports without a problem", sent.len());
    lines
}
