//! What the figures of a report are based on.

use super::{ReportForm, ReportLayout};
use crate::page::{counted, plain};
use trailtab_core::cost::charge::CostMetric;
use trailtab_core::cost::money;
use trailtab_core::cost::report::{AudienceKind, CutScope};

impl ReportLayout<'_> {
    /// The basis of the figures.
    pub(super) fn notes(&self) -> Vec<String> {
        let (report, basis) = (self.report, &self.report.basis);
        let mut notes = self.listed(&basis.notes);
        let keys: Vec<String> = report.owner_keys.iter().map(ToString::to_string).collect();
        let owners = (!keys.is_empty()).then(|| format!("Owners come from {}.", keys.join(", ")));
        let price = money::words(basis.requests_usd, "USD");
        if let ReportForm::Page = self.form {
            notes.extend(owners);
            notes.push(
                "Amounts are rounded to cents here; CSV and JSON have all digits.".to_owned(),
            );
            let as_of = basis.as_of.as_deref();
            let as_of = as_of.map(|time| format!("As of {} UTC. ", plain(time)));
            notes.push(format!(
                "{}This run: {} to Cost Explorer, {price}.",
                as_of.unwrap_or_default(),
                counted(basis.requests, "request"),
            ));
            return notes;
        }
        let problems = self.listed(&basis.problems);
        let left_out = problems
            .into_iter()
            .map(|problem| format!("Left out: {problem}. The operator of trailtab has been told."));
        notes.splice(0..0, left_out);
        let metric = report.metric;
        notes.push(format!("Metric: {}, {}.", metric.name(), meaning(metric)));
        notes.push(match (report.audience.kind, basis.cut_scope) {
            (_, CutScope::AllCharges) => {
                "Totals, accounts, owners and services hold all charge types, credits and tax included."
            }
            (AudienceKind::Individual, _) => {
                "This is the usage with the owner's name. Credits, refunds, tax and support have no owner and are not included."
            }
            (AudienceKind::Manager | AudienceKind::Executive, _) => {
                "Accounts, owners and services hold usage alone; the bill has all charge types. Charges that come once a month are never compared day by day."
            }
        }.to_owned());
        if report.parts.iter().any(|part| part.outlook.is_some()) {
            notes.push(
                "Expected amounts are estimates from settled days: about 8 of 10 months end within such a range."
                    .to_owned(),
            );
        }
        notes.extend(owners);
        notes.push(match self.has_table() {
            true => {
                "Each amount is rounded to cents; the attached CSV has all rows and all digits."
                    .to_owned()
            }
            false => "Each amount is rounded to cents.".to_owned(),
        });
        let as_of = basis
            .as_of
            .as_ref()
            .map(|time| format!(" from answers of {time}"));
        let requests = match basis.requests {
            0 => "no paid requests".to_owned(),
            requests => counted(requests, "paid request"),
        };
        notes.push(format!(
            "Made by trailtab {} at {}{}. The run made {requests} to Cost Explorer ({price}).",
            basis.version,
            basis.run_time,
            as_of.unwrap_or_default(),
        ));
        notes.push(
            "You get this mail because your address is in the settings of trailtab. To stop it, unsubscribe in your mail program or tell the person who runs trailtab for you.".to_owned(),
        );
        notes
    }
}

fn meaning(metric: CostMetric) -> &'static str {
    match metric {
        CostMetric::UnblendedCost => "what is charged on each day",
        CostMetric::AmortizedCost => "fees of commitments spread over the days that they cover",
        CostMetric::NetUnblendedCost => "what is charged on each day, after discounts",
        CostMetric::NetAmortizedCost => {
            "fees spread over the days that they cover, after discounts"
        }
        CostMetric::BlendedCost => "rates averaged over the organisation",
    }
}
