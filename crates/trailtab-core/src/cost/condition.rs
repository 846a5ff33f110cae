//! When a scheduled report is worth a mail.

use rust_decimal::Decimal;
use serde::Deserialize;

use super::amount::positive_if_set;
use super::report::CostReport;

/// Conditions of a report on the month so far, or on the last days. A closing report is always sent. Without any, every
/// report is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SendCondition {
    /// Usage changed by this amount at least against the days compared with, up or down.
    #[serde(deserialize_with = "positive_if_set")]
    pub change: Option<Decimal>,
    /// Usage changed by this many percent at least.
    #[serde(deserialize_with = "positive_if_set")]
    pub change_percent: Option<Decimal>,
    /// Something was spent.
    pub spent: bool,
}

impl SendCondition {
    /// Why a report is not worth a mail; absent if it is. Where nothing can be compared, a change cannot be ruled out.
    pub fn unmet(&self, report: &CostReport) -> Option<String> {
        let spends = |amount: Decimal| !amount.is_zero();
        if self.spent && !report.parts.iter().any(|part| spends(part.total.amount)) {
            return Some("nothing was spent".to_owned());
        }
        let has_threshold = self.change.is_some() || self.change_percent.is_some();
        let is_large = |usage: &super::report::RowFigure| {
            let (Some(change), Some(before)) = (usage.change(), usage.before) else {
                return true;
            };
            let change = change.abs();
            let share = self
                .change_percent
                .map(|percent| before.abs().saturating_mul(percent) / Decimal::ONE_HUNDRED);
            spends(change)
                && [share, self.change]
                    .into_iter()
                    .flatten()
                    .all(|least| least <= change)
        };
        let is_any_large = report.parts.iter().any(|part| is_large(&part.usage));
        (has_threshold && !is_any_large)
            .then(|| "usage changed by less than only_if asks for".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cost::report::sample;

    fn unmet(settings: &str, report: &CostReport) -> Option<String> {
        let condition: SendCondition = toml::from_str(settings).unwrap();
        condition.unmet(report)
    }

    #[test]
    fn reports_are_sent_above_a_change() {
        // Usage went from $801.59 to $865.18: by 7.9 %.
        let report = sample::small();
        for settings in [
            "",
            "change = 60",
            "change_percent = 7",
            "change = 60\nchange_percent = 7",
            "spent = true",
        ] {
            assert_eq!(unmet(settings, &report), None, "{settings}");
        }
        for settings in [
            "change = 70",
            "change_percent = 8",
            "change = 60\nchange_percent = 8",
        ] {
            assert!(unmet(settings, &report).is_some(), "{settings}");
        }
        let nothing = sample::nothing();
        assert_eq!(
            unmet("spent = true", &nothing).unwrap(),
            "nothing was spent"
        );
        assert!(unmet("change = 1", &nothing).is_some());
    }

    #[test]
    fn a_change_that_is_unknown_may_be_large() {
        let mut report = sample::small();
        report.parts[0].usage.before = None;
        assert_eq!(unmet("change = 1000000", &report), None);
    }
}
