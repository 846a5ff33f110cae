//! Renders a backfill plan and its outcome as terminal text.

use std::fmt::{self, Write as _};

use super::price::money;
use crate::escape;
use crate::page::{TextPage, TextStyle, counted, minute, thousands};
use trailtab_core::activity::usage::backfill::BackfillPlan;
use trailtab_core::activity::usage::metrics::MinuteDatum;

/// Renders a plan. `unchecked` says why CloudWatch could not be checked for existing data.
pub fn plan(
    plan: &BackfillPlan,
    namespace: &str,
    region: &str,
    unchecked: Option<&str>,
    look: TextStyle,
) -> String {
    TextPage::render(look, |page| page.plan(plan, namespace, region, unchecked))
}

impl TextPage {
    fn plan(
        &mut self,
        plan: &BackfillPlan,
        namespace: &str,
        region: &str,
        unchecked: Option<&str>,
    ) -> fmt::Result {
        let heading = format!("Metrics for CloudWatch in {}", escape::terminal(region));
        let heading = self.bold(&heading);
        writeln!(self.out, "{heading}, namespace {namespace}")?;
        let data = plan.data().count() as u64;
        let calls: u64 = plan.data().map(MinuteDatum::events).sum();
        writeln!(
            self.out,
            "  {} in {} of {}, in {}",
            counted(calls, "call"),
            counted(data, "data point"),
            counted(plan.metrics() as u64, "metric"),
            counted(plan.hours.len() as u64, "hour"),
        )?;
        if let (Some(first), Some(last)) = (plan.hours.keys().next(), plan.hours.keys().next_back())
        {
            let (first, last) = (minute(*first), minute(last + 3600));
            writeln!(self.out, "  from {first} to {last} UTC")?;
        }
        writeln!(
            self.out,
            "  {}, {} at list prices, if these were the only metrics",
            counted(plan.requests() as u64, "request"),
            money(plan.price()),
        )?;
        if plan.refused > 0 {
            writeln!(
                self.out,
                "  left out: {} in hours older than 14 days, which CloudWatch refuses",
                counted(plan.refused, "call"),
            )?;
        }
        if plan.cut > 0 {
            writeln!(
                self.out,
                "  left out: {} in hours that are only partly inside the window",
                counted(plan.cut, "call"),
            )?;
        }
        if plan.unsettled > 0 {
            writeln!(
                self.out,
                "  left out: {} in hours that ended less than 15 minutes ago, or had not ended, when reading began",
                counted(plan.unsettled, "call"),
            )?;
        }
        if let (Some(first), Some(last)) =
            (plan.present.keys().next(), plan.present.keys().next_back())
        {
            let (first, last) = (minute(*first), minute(last + 3600));
            writeln!(
                self.out,
                "  left out: {} in {} for which CloudWatch already has data, from {first} to {last}",
                counted(plan.present.values().sum(), "call"),
                counted(plan.present.len() as u64, "hour"),
            )?;
        }
        if let Some(reason) = unchecked {
            writeln!(
                self.out,
                "  not checked for existing data, which would be counted twice: {}",
                escape::terminal(reason)
            )?;
        }
        Ok(())
    }
}

/// Renders the outcome of a backfill: calls by outcome, requests and retries.
pub fn account(rows: &[(&str, u64)], requests: u64, retries: u64) -> String {
    let rows = rows.iter().filter(|(_, calls)| *calls > 0);
    let rows = rows.map(|(name, calls)| format!("  {:>12} {name}\n", thousands(*calls)));
    let requests = counted(requests, "request");
    rows.collect::<String>() + &format!("  in {requests}, {} repeated\n", thousands(retries))
}
