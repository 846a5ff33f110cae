//! `trailtab cost` without `--send`: prints one report, and writes it to files with `--output`.

use std::collections::BTreeSet;
use std::path::PathBuf;

use anyhow::{Context as _, anyhow, bail};
use rust_decimal::Decimal;

use super::args::{ByDimension, CostArgs};
use super::open::{self, OpenRun};
use crate::format::Format;
use crate::ui::Ui;
use crate::{RunEnd, UsageError};
use trailtab_app::cost_source::cost_explorer::PRICE;
use trailtab_app::deliver::files::{self, NewFile};
use trailtab_app::deliver::temporary::Readers;
use trailtab_app::job::cost::{CostRun, ReportPeriod};
use trailtab_app::job::read::start_runtime;
use trailtab_core::cost::audience::{self, SettingsProblem};
use trailtab_core::cost::owner::CostOwner;
use trailtab_core::cost::report::{Audience, CostReport};
use trailtab_core::cost::wording::MailWording;
use trailtab_cost_explorer::plan::ReportNeeds;
use trailtab_render as render;
use trailtab_render::cost;

/// Prints the report. Also returns the files that it wrote.
pub(super) fn run(args: &CostArgs, ui: Ui) -> anyhow::Result<(RunEnd, Vec<PathBuf>)> {
    start_runtime()?.block_on(async {
        let config = open::config(args).await?;
        let mut opened = open::open(args, &config, ui).await?;
        let by: BTreeSet<ByDimension> = args.audience.by.iter().copied().collect();
        opened.run.by = by.into_iter().map(Into::into).collect();
        let occasion = occasion(args, &opened.run)?;
        let report = report(args, &mut opened, occasion, ui).await;
        // Paid answers are saved even if there is no report.
        opened.save(&args.asking, ui)?;
        opened.tell_what_it_cost(ui);
        let Some(report) = report? else {
            return Ok((RunEnd::Done, Vec::new()));
        };
        let written = show(args, &report, ui)?;
        let ended = match report.basis.problems.is_empty() {
            true => RunEnd::Done,
            false => RunEnd::Partial,
        };
        Ok((ended, written))
    })
}

fn occasion(args: &CostArgs, run: &CostRun) -> anyhow::Result<ReportPeriod> {
    if let Some(asked) = args.period.asked(run)? {
        return Ok(asked);
    }
    // Saved answers that end with a month are about that month.
    let last_month = || run.answers.are_saved().then(|| run.last_month());
    run.month_to_date().or_else(last_month).ok_or_else(|| {
        let error = "the month begins today, and Cost Explorer has little data for today: --last-month shows the previous month, --include-today this one";
        UsageError(error.to_owned()).into()
    })
}

async fn report(
    args: &CostArgs,
    opened: &mut OpenRun,
    occasion: ReportPeriod,
    ui: Ui,
) -> anyhow::Result<Option<CostReport>> {
    let wants_names = !args.audience.account.is_empty();
    if wants_names && !opened.run.has_directory && !args.asking.plan {
        opened.run.learn_names(&[occasion]).await?;
    }
    let (mut audience, owner, mut problems) = requested_audience(args, &opened.run)?;
    let need = opened.run.need(&[(&audience, owner.as_ref())], &[occasion]);
    if args.asking.offline.is_none() {
        say_price(&opened.run, &need, opened.accounts(), args.asking.plan, ui).await;
    }
    if args.asking.plan {
        return Ok(None);
    }
    let books = opened.run.books(&need).await?;
    let run = &opened.run;
    if let Some(cuts) = &books.cuts
        && let Some(reason) = cuts.nothing_for(&audience, occasion.days)
    {
        bail!("no report can be made: {reason}");
    }
    // An unknown owner or account is an error, not a report of $0.00.
    if let Some(owner) = &owner
        && let Some(doubt) = run.owner_doubt(&books, owner)
    {
        match run.is_user(owner) {
            true => problems.push(doubt.to_string()),
            false => bail!("--owner: {doubt}"),
        }
    }
    let unknown = match wants_names {
        true => run.unknown_accounts(&books, &audience),
        false => Vec::new(),
    };
    if !unknown.is_empty() && unknown.len() == audience.accounts.len() {
        bail!("--account: {}", unknown.join("; "));
    }
    problems.extend(unknown);
    let left_out = books.left_out_of(&audience, occasion.kind).into_iter();
    problems.extend(left_out.map(|problem| problem.hint));
    // The answers have named all accounts by now.
    audience = match audience.owner.is_none() && !wants_names {
        true => audience::executive(&run.directory),
        false => audience,
    };
    Ok(Some(run.report(
        &books,
        &audience,
        owner.as_ref(),
        occasion,
        &problems,
    )))
}

/// Prints the expected number of requests and their price, and with `in_detail` each step.
pub(super) async fn say_price(
    run: &CostRun,
    need: &ReportNeeds,
    accounts: Option<usize>,
    in_detail: bool,
    ui: Ui,
) {
    let usd = |requests: u64| PRICE * Decimal::from(requests);
    let expected = run.answers.page_history().await.expected(need, accounts);
    let (total, price) = (expected.total, usd(expected.total));
    let again = "saved answers are not asked for again";
    ui.remark(&match expected.counts_pages {
        true => format!(
            "about {total} requests to Cost Explorer (${price}), with as many pages as last time; {again}"
        ),
        false => format!(
            "at most {total} requests to Cost Explorer (${price}), not counting further pages; {again}"
        ),
    });
    for (step, requests) in expected.steps.iter().filter(|_| in_detail) {
        let about = step.about();
        ui.remark(&format!("  {requests:>4}  ${:>5}  {about}", usd(*requests)));
    }
}

/// The audience of the report by the arguments, its owner if there is one, and hints on unknown accounts.
fn requested_audience(
    args: &CostArgs,
    run: &CostRun,
) -> anyhow::Result<(Audience, Option<CostOwner>, Vec<String>)> {
    let wanted = &args.audience;
    if !wanted.account.is_empty() {
        let found = audience::manager(&wanted.account, &run.directory);
        let hints = |problems: Vec<SettingsProblem>| -> Vec<String> {
            problems.into_iter().map(|problem| problem.hint).collect()
        };
        let (audience, problems) =
            found.map_err(|problems| anyhow!("--account: {}", hints(problems).join("; ")))?;
        return Ok((audience, None, hints(problems)));
    }
    let owner = match &wanted.owner {
        Some(name) => Some(run.settings.owner.owner(name)),
        None => wanted.untagged.then_some(CostOwner::Untagged),
    };
    let audience = match &owner {
        Some(owner) => audience::individual(owner),
        None => audience::executive(&run.directory),
    };
    Ok((audience, owner, Vec::new()))
}

fn show(args: &CostArgs, report: &CostReport, ui: Ui) -> anyhow::Result<Vec<PathBuf>> {
    let json = || render::json::ascii(report).context("cannot write the report as JSON");
    let csv = || cost::csv(report).context("cannot write the report as CSV");
    let mut written = Vec::new();
    if let Some(directory) = &args.output {
        files::make_directory(directory, Readers::Umask)?;
        let letter = cost::letter(
            report,
            &MailWording::default(),
            cost::LetterOccasion::First,
            false,
        )?;
        let new = |ending, bytes| NewFile { ending, bytes };
        let (json, csv, page) = (json()?, csv()?, letter.page());
        let new = [
            new(".json", &json),
            new(".csv", &csv),
            new(".html", page.as_bytes()),
        ];
        written = files::create_together(&directory.join("cost"), &new, &[], Readers::Umask)?;
        for path in &written {
            ui.remark(&format!("wrote {}", path.display()));
        }
    }
    let printed = match args.format {
        Format::Text => cost::page(report, ui.look()).into_bytes(),
        Format::Json => json()?,
        Format::Csv => {
            for problem in &report.basis.problems {
                ui.remark(&format!(
                    "incomplete: {}",
                    render::escape::terminal(problem)
                ));
            }
            csv()?
        }
    };
    ui.data(&printed).context("cannot print the report")?;
    Ok(written)
}
