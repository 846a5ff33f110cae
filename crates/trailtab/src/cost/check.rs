//! `trailtab cost check`: whether the settings are good, before anything is sent.

use std::fmt::Write as _;

use anyhow::Context as _;
use clap::ValueEnum;
use clap::builder::{OsStringValueParser, TypedValueParser as _};

use crate::Ended;
use crate::reading::CredentialArgs;
use crate::ui::Ui;
use trailtab_app::aws;
use trailtab_app::clock;
use trailtab_app::job::cost::check::{self, Checked, Verdict};
use trailtab_app::job::read::start_runtime;
use trailtab_app::source::Source;
use trailtab_core::cost::report::{Account, Kind};
use trailtab_render::escape::terminal;

/// Check the settings against the account, and send nothing
///
/// Looks for accounts that nobody knows, tags that are not active, a secret that cannot be read, senders that
/// are not verified and permissions that are missing; says who would get which report, and what a run
/// costs. Makes at most two paid requests to Cost Explorer ($0.02).
#[derive(Debug, clap::Args)]
#[command(after_help = crate::examples::COST_CHECK)]
pub(super) struct CheckArgs {
    /// Settings, a file or s3://BUCKET/KEY
    #[arg(long, value_name = "PLACE")]
    #[arg(value_parser = OsStringValueParser::new().try_map(Source::try_from))]
    config: Source,
    /// Form of what is found
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    #[command(flatten)]
    credentials: CredentialArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Lines for people
    #[value(alias = "table")]
    Text,
    /// All of it
    Json,
}

pub(super) fn run(args: &CheckArgs, ui: Ui) -> anyhow::Result<Ended> {
    start_runtime()?.block_on(async {
        let config = aws::config(&args.credentials.access()).await?;
        let settings = trailtab_app::job::cost::open::settings(&args.config, &config).await?;
        let now = clock::now();
        let (mut run, listed) =
            trailtab_app::job::cost::open::live(settings, &config, None, now).await?;
        let accounts = (!listed.is_empty()).then_some(listed.len());
        let checked = check::check(&mut run, accounts, &config).await;
        let printed = match args.format {
            Format::Text => lines(&checked).into_bytes(),
            Format::Json => trailtab_render::json::ascii(&checked)?,
        };
        ui.data(&printed).context("cannot print what was found")?;
        Ok(match checked.is_good() {
            true => Ended::Done,
            false => Ended::Partial,
        })
    })
}

fn lines(checked: &Checked) -> String {
    let mut out = String::new();
    for finding in &checked.findings {
        let verdict = match finding.verdict {
            Verdict::Good => "good",
            Verdict::Doubtful => "doubtful",
            Verdict::Bad => "BAD",
        };
        // Writing to a String cannot fail.
        let _ = writeln!(out, "{verdict:<8}  {}", terminal(&finding.what));
    }
    let _ = writeln!(out, "\nReports");
    for report in &checked.reports {
        let audience = &report.audience;
        let about = match audience.kind {
            Kind::Executive => "all accounts".to_owned(),
            Kind::Manager => {
                let accounts: Vec<String> = audience.accounts.iter().map(Account::label).collect();
                accounts.join(", ")
            }
            Kind::Individual => {
                let owner = audience
                    .owner
                    .as_ref()
                    .map_or("", |owner| owner.name.as_str());
                format!("what {owner} used")
            }
        };
        let (recipient, about) = (terminal(&report.recipient), terminal(&about));
        let _ = writeln!(out, "  {recipient}: {about}");
    }
    let _ = writeln!(
        out,
        "A run takes at most {} requests to Cost Explorer (${}), further pages apart: ${} a month if it runs each day.",
        checked.requests, checked.usd, checked.usd_a_month
    );
    let _ = writeln!(
        out,
        "This check made {} paid requests.",
        checked.requests_made
    );
    out
}
