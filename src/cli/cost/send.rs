//! Everybody's report, by mail.

use std::fmt::Write as _;

use anyhow::{Context as _, bail};

use super::args::CostArgs;
use super::{open, view};
use crate::cli::Ended;
use crate::cli::ui::Ui;
use crate::clock;
use crate::core::cost::audience::Recipient;
use crate::core::cost::owner::Owner;
use crate::core::cost::report::Audience;
use crate::deliver::ledger::{Ledger, Owner as Sender};
use crate::deliver::mail::files::Folder;
use crate::job::cost::mails::{self, PostOffice};
use crate::job::cost::send::{Memory, Outcome, Sent};
use crate::job::cost::{Occasion, Wanted};
use crate::render;
use crate::render::escape::terminal;

/// Seconds in which a run is over for certain.
const LONGEST: i64 = 3600;

pub(super) fn run(args: &CostArgs, ui: Ui) -> anyhow::Result<Ended> {
    open::runtime()?.block_on(async {
        let config = open::config(args).await;
        let mut opened = open::open(args, &config, ui).await?;
        let asked = args.period.asked(&opened.run)?;
        let occasions = asked.map_or_else(|| opened.run.occasions(), |asked| vec![asked]);
        let mut recipients = opened.run.recipients(&occasions).await?;
        if !args.sending.to.is_empty() {
            let is_meant = |address: &str| {
                args.sending
                    .to
                    .iter()
                    .any(|to| to.eq_ignore_ascii_case(address))
            };
            recipients
                .accepted
                .retain(|recipient| is_meant(&recipient.address));
            recipients.refused.retain(|refused| is_meant(&refused.name));
            if recipients.accepted.is_empty() && recipients.refused.is_empty() {
                bail!("--to: the settings have no such recipient");
            }
        }
        let wanted = match asked {
            Some(occasion) => on(occasion, &recipients.accepted),
            None => opened.run.due(&recipients.accepted),
        };
        let mut sent: Vec<Sent> = mails::refused(&recipients.refused).collect();
        if wanted.is_empty() {
            ui.remark("nothing is due today");
        } else {
            let audiences: Vec<(&Audience, Option<&Owner>)> = wanted
                .iter()
                .map(|wanted| (&wanted.recipient.audience, wanted.recipient.owner.as_ref()))
                .collect();
            let need = opened.run.need(&audiences, &occasions);
            if args.asking.offline.is_none() {
                ui.remark(&view::price(need.most_requests(opened.accounts())));
            }
            if args.asking.plan {
                return Ok(Ended::Done);
            }
            let books = opened.run.books(&need).await;
            opened.save(&args.asking, ui)?;
            let books = books?;
            let mut office = match &args.output {
                Some(directory) if args.sending.dry_run => {
                    PostOffice::dry(&opened.run.settings, Folder::create(directory.clone())?)
                }
                _ => PostOffice::open(&opened.run.settings, &config).await?,
            };
            let ledger = ledger(args, &config)?;
            let now = clock::now();
            let memory = Memory {
                ledger: &ledger,
                owner: Sender {
                    name: format!("{}", clock::since_1970().as_nanos()),
                    now,
                    until: now + LONGEST,
                },
            };
            let run = &opened.run;
            sent.extend(
                mails::send_all(run, &books, &wanted, &mut office, Some(&memory), None).await,
            );
            office.mailer.close().await;
        }
        let printed = match args.format {
            super::args::Format::Json => render::json::ascii(&sent)?,
            _ => table(&sent).into_bytes(),
        };
        ui.data(&printed).context("cannot print what was sent")?;
        Ok(
            match sent
                .iter()
                .all(|sent| sent.outcome.is_well() && sent.note.is_none())
            {
                true => Ended::Done,
                false => Ended::Partial,
            },
        )
    })
}

fn on(occasion: Occasion, recipients: &[Recipient]) -> Vec<Wanted> {
    let wanted = |recipient: &Recipient| Wanted {
        recipient: recipient.clone(),
        occasion,
    };
    recipients.iter().map(wanted).collect()
}

fn ledger(args: &CostArgs, config: &aws_config::SdkConfig) -> anyhow::Result<Ledger> {
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
