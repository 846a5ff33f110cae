//! `trailtab usage health`: says what became of the events that a deployed function received, and what it spent.

use crate::format::{ResultArgs, ResultForms};
use crate::reading::CredentialArgs;
use crate::ui::Ui;
use crate::{RunEnd, UsageError};
use trailtab_app::aws::{self, StackName};
use trailtab_app::clock;
use trailtab_app::job::{health, read};
use trailtab_core::activity::usage::health::{FunctionHealth, HealthRun};
use trailtab_core::time::{AgeUnit, TimeArgument, TimeRange, TimeWindow};
use trailtab_render as render;

/// The range without `--since`.
const DEFAULT_AGE: TimeArgument = TimeArgument::Age {
    count: 1,
    unit: AgeUnit::Days,
};

/// Show what a deployed usage function received, published, lost and spent
///
/// Reads the stack from CloudFormation, and the metrics of its function and dead-letter queue from CloudWatch, in the
/// region of the credentials. The exit code is 3 if events were lost or may have been, deliveries failed for good, or
/// CloudWatch lacks data that a running function publishes.
#[derive(Debug, clap::Args)]
#[command(after_help = crate::examples::USAGE_HEALTH)]
pub(super) struct HealthArgs {
    /// Name of the stack that deploy/template.yaml made, such as trailtab
    #[arg(value_name = "STACK")]
    stack: StackName,
    /// First day or time to look at: a date (2026-09-07), a time (2026-09-07T08:30:00Z), today, yesterday, or an age
    /// such as 90m, 24h, 7d or 2w; moved back to a full five minutes, or hour if it is more than 63 days ago
    #[arg(long, value_name = "TIME", default_value_t = DEFAULT_AGE, help_heading = "Time window (UTC)")]
    since: TimeArgument,
    /// Last day to look at, or the time to stop before; takes the same forms
    #[arg(long, value_name = "TIME", default_value_t = TimeArgument::Now, help_heading = "Time window (UTC)")]
    until: TimeArgument,
    #[command(flatten)]
    result: ResultArgs,
    #[command(flatten)]
    credentials: CredentialArgs,
}

pub(super) fn run(args: &HealthArgs, ui: Ui) -> anyhow::Result<RunEnd> {
    args.result.files.prepare()?;
    let now = clock::now();
    TimeWindow::between(Some(args.since), Some(args.until), now)
        .map_err(|error| UsageError(format!("--since and --until: {error}")))?;
    let asked = TimeRange {
        from: args.since.start(now),
        // What is in the future costs nothing.
        until: args.until.end(now).min(now + 1),
    };
    if asked.is_empty() {
        let error = "--since and --until: CloudWatch has no data of the future".to_owned();
        return Err(UsageError(error).into());
    }
    let range = health::aligned(asked, now);
    let runtime = read::start_runtime()?;
    let health = runtime.block_on(async {
        let config = aws::config(&args.credentials.access()).await?;
        let stack = health::stack(&config, &args.stack).await?;
        let readings = health::readings(&config, &stack, range, now).await;
        let run = HealthRun {
            version: env!("CARGO_PKG_VERSION"),
            invocation: crate::reading::invocation(),
            now,
            region: aws::region_of(&config).to_string(),
        };
        anyhow::Ok(FunctionHealth::of(&stack, range, &readings, run))
    })?;
    ResultForms {
        name: "usage_health",
        page: &|look| render::usage::health(&health, look),
        json: &|| Ok(render::json::ascii(&health)?),
        csv: &|| Ok(render::usage::health_csv(&health)?),
    }
    .deliver(args.result.format, &args.result.files, ui)?;
    Ok(match health.is_well() {
        true => RunEnd::Done,
        false => RunEnd::Partial,
    })
}
