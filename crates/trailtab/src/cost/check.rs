//! `trailtab cost check`: checks the settings of the cost reports, and sends at most tests.

use std::fmt::Write as _;
use std::mem;

use clap::builder::{OsStringValueParser, TypedValueParser as _};

use super::open;
use crate::RunEnd;
use crate::format::{ResultArgs, ResultForms};
use crate::reading::CredentialArgs;
use crate::ui::Ui;
use trailtab_app::aws;
use trailtab_app::clock;
use trailtab_app::job::cost::check::{self, AskedTests, CheckReport, CheckVerdict, EarlierRuns};
use trailtab_app::job::cost::growth;
use trailtab_app::job::read::start_runtime;
use trailtab_app::source::Source;
use trailtab_core::cost::budget;
use trailtab_core::cost::report::{AccountName, Audience, AudienceKind};
use trailtab_core::cost::settings::MaxRequests;
use trailtab_render as render;
use trailtab_render::escape::terminal;

/// Requests of a check for owners. One more is for the active tags, one for each tag that budgets are about, and one
/// for the forecast of AWS.
const MAX_OWNER_REQUESTS: u64 = 1;

/// Check the settings against the account, and send no report
///
/// Names unknown accounts, users without any usage, tags that are not active, a secret that cannot be read, senders
/// that are not verified and missing permissions, and lists the recipients with their reports and what a run costs.
/// Makes at most two paid requests to Cost Explorer ($0.02), one more for each tag that budgets are about, and one for
/// the forecast of AWS if the settings ask for it.
#[derive(Debug, clap::Args)]
#[command(after_help = crate::examples::COST_CHECK)]
pub(super) struct CheckArgs {
    /// Settings, a file or s3://BUCKET/KEY
    #[arg(long, value_name = "PLACE")]
    #[arg(value_parser = OsStringValueParser::new().try_map(Source::try_from))]
    config: Source,
    /// Send a test mail to this address, in the way that reports are sent
    #[arg(long, value_name = "ADDRESS")]
    test_mail: Option<String>,
    /// Post a test message to this channel of the settings (can be repeated)
    #[arg(long, value_name = "NAME")]
    test_channel: Vec<String>,
    #[command(flatten)]
    result: ResultArgs,
    #[command(flatten)]
    credentials: CredentialArgs,
}

pub(super) fn run(args: &CheckArgs, ui: Ui) -> anyhow::Result<RunEnd> {
    let ResultArgs { format, files } = &args.result;
    files.prepare()?;
    start_runtime()?.block_on(async {
        let config = aws::config(&args.credentials.access()).await?;
        let mut settings = trailtab_app::job::cost::open::settings(&args.config, &config).await?;
        let now = clock::now();
        let tags = budget::tag_keys(&settings.budgets).len();
        let tags = u64::try_from(tags).unwrap_or(u64::MAX);
        let forecasts = u64::from(settings.aws_forecast);
        let most = tags.saturating_add(MAX_OWNER_REQUESTS + forecasts);
        let max_requests = mem::replace(&mut settings.max_requests, MaxRequests(most));
        let (mut run, listed) =
            trailtab_app::job::cost::open::live(settings, &config, None, now).await?;
        run.settings.max_requests = max_requests;
        let accounts = (!listed.is_empty()).then_some(listed.len());
        let tests = AskedTests {
            mail: args.test_mail.clone(),
            channels: args.test_channel.clone(),
        };
        let kept = open::kept_cache(&config).await;
        let (pages, growth) = match &kept {
            // What cannot be read says nothing.
            Some(cache) => (
                cache.pages().await,
                growth::load(cache, run.settings.metric)
                    .await
                    .unwrap_or_default(),
            ),
            None => Default::default(),
        };
        let earlier = EarlierRuns { pages, growth };
        let checked = check::check(&mut run, accounts, &config, &earlier, &tests).await;
        ResultForms {
            name: "cost_check",
            page: &|_| lines(&checked),
            json: &|| Ok(render::json::ascii(&checked)?),
            csv: &|| {
                let names = ["kind", "verdict", "recipient", "what"];
                Ok(render::csv::table(names, rows(&checked))?)
            },
        }
        .deliver(*format, files, ui)?;
        Ok(match checked.is_good() {
            true => RunEnd::Done,
            false => RunEnd::Partial,
        })
    })
}

fn name(verdict: CheckVerdict) -> &'static str {
    match verdict {
        CheckVerdict::Good => "good",
        CheckVerdict::Doubtful => "doubtful",
        CheckVerdict::Bad => "bad",
    }
}

/// What a report shows.
fn about(audience: &Audience) -> String {
    match audience.kind {
        AudienceKind::Executive => "all accounts".to_owned(),
        AudienceKind::Manager => {
            let accounts: Vec<String> = audience.accounts.iter().map(AccountName::label).collect();
            accounts.join(", ")
        }
        AudienceKind::Individual => {
            let owner = audience.owner.as_ref();
            format!("what {} used", owner.map_or("", |owner| &owner.name))
        }
    }
}

/// A row for each finding, and then one for each report: kind, verdict, recipient, and the finding or the content of
/// the report.
fn rows(checked: &CheckReport) -> impl Iterator<Item = [String; 4]> {
    let findings = checked.findings.iter().map(|finding| {
        let verdict = name(finding.verdict).to_owned();
        [
            "finding".to_owned(),
            verdict,
            String::new(),
            finding.what.clone(),
        ]
    });
    let reports = checked.reports.iter().map(|report| {
        let about = about(&report.audience);
        [
            "report".to_owned(),
            String::new(),
            report.destination.to_string(),
            about,
        ]
    });
    findings.chain(reports)
}

fn lines(checked: &CheckReport) -> String {
    let mut out = String::new();
    for finding in &checked.findings {
        let verdict = match finding.verdict {
            CheckVerdict::Bad => "BAD",
            verdict => name(verdict),
        };
        // Writing to a String cannot fail.
        let _ = writeln!(out, "{verdict:<8}  {}", terminal(&finding.what));
    }
    let _ = writeln!(out, "\nReports");
    for report in &checked.reports {
        let about = about(&report.audience);
        let (recipient, about) = (report.destination.to_string(), terminal(&about));
        let _ = writeln!(out, "  {}: {about}", terminal(&recipient));
    }
    let _ = writeln!(
        out,
        "A run takes {} {} requests to Cost Explorer (${}), {}: ${} a month if it runs each day.",
        if checked.counts_pages {
            "about"
        } else {
            "at most"
        },
        checked.requests,
        checked.usd,
        if checked.counts_pages {
            "with as many pages as last time"
        } else {
            "not counting further pages"
        },
        checked.usd_a_month
    );
    let _ = writeln!(
        out,
        "This check made {} paid requests.",
        checked.requests_made
    );
    out
}
