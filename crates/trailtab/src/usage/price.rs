//! `trailtab usage price`: estimates what metrics of the calls would cost.

use super::counted::CountedUsage;
use crate::RunEnd;
use crate::format::{ResultArgs, ResultForms};
use crate::reading::{CredentialArgs, ReadingArgs};
use crate::ui::Ui;
use trailtab_core::activity::usage::metrics::{MetricSets, NAMESPACE};
use trailtab_core::activity::usage::price::UsagePrice;
use trailtab_render as render;
use trailtab_render::emf;

/// Estimate how many metrics the calls would make, and what they would cost a month
///
/// Shows each set of metrics and all sets together, without a limit and with --top, projected from the time in SOURCE
/// to a month. Sends nothing.
#[derive(Debug, clap::Args)]
#[command(after_help = crate::examples::USAGE_PRICE)]
#[command(mut_arg("organization", |arg| arg.help("Read all active accounts of the organisation")))]
pub(super) struct PriceArgs {
    #[command(flatten)]
    reading: ReadingArgs,
    /// Most metrics of a set, not counting __other__
    #[arg(
        long,
        value_name = "K",
        default_value_t = 1000,
        help_heading = "Metrics"
    )]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=100_000))]
    top: u32,
    #[command(flatten)]
    result: ResultArgs,
    #[command(flatten)]
    credentials: CredentialArgs,
}

pub(super) fn run(args: &PriceArgs, ui: Ui) -> anyhow::Result<RunEnd> {
    args.result.files.prepare()?;
    let Some(counted) =
        CountedUsage::for_metrics(&args.reading, &args.credentials, &MetricSets::all(), ui)?
    else {
        return Ok(RunEnd::Done);
    };
    let emf = |data: &[_]| emf::data(data, NAMESPACE);
    let (usage, basis) = (&counted.usage, counted.basis.clone());
    let price = UsagePrice::of(usage, args.top as usize, counted.extent, basis, &emf);
    let format = args.result.format;
    counted.tell_beside(format, ui);
    ResultForms {
        name: "usage_price",
        page: &|look| render::usage::price(&price, look),
        json: &|| Ok(render::json::ascii(&price)?),
        csv: &|| Ok(render::usage::price_csv(&price)?),
    }
    .deliver(format, &args.result.files, ui)?;
    Ok(counted.ended())
}
