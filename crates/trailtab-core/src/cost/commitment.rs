//! Commitments: what reservations and savings plans cover, as far as Cost Explorer's charge types tell.
//!
//! What an amount means depends on the metric. An unblended amount of usage that a savings plan covers is at on-demand
//! rates, and is taken off again; how much of the fees was used is not told. An amortized amount of covered usage is
//! the part of the fees that it used, and the amortized amount of a fee is the part that nothing used (AWS's
//! Well-Architected Labs, the query `amortized_cost_by_charge_type`).

use std::collections::BTreeMap;

use jiff::civil::Date;
use rust_decimal::Decimal;

use super::charge::CostMetric;

/// A charge type of commitments.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum CommitmentCharge {
    /// Usage that a savings plan covers.
    SavingsPlanUsage,
    /// Usage that a reservation covers.
    ReservedUsage,
    /// The recurring fee of a savings plan.
    SavingsPlanFee,
    /// The recurring fee of a reservation.
    ReservationFee,
}

impl CommitmentCharge {
    /// The charge of a record type, whose spelling differs between accounts in spaces and case.
    pub fn of(record_type: &str) -> Option<CommitmentCharge> {
        let letters = record_type.chars().filter(|c| c.is_alphanumeric());
        let name: String = letters.map(|c| c.to_ascii_lowercase()).collect();
        match name.as_str() {
            "savingsplancoveredusage" => Some(CommitmentCharge::SavingsPlanUsage),
            "discountedusage" => Some(CommitmentCharge::ReservedUsage),
            "savingsplanrecurringfee" => Some(CommitmentCharge::SavingsPlanFee),
            "rifee" => Some(CommitmentCharge::ReservationFee),
            _ => None,
        }
    }

    /// The meaning of its amounts in a metric.
    pub fn meaning(self, metric: CostMetric) -> Option<CommitmentMeaning> {
        let is_usage = match self {
            CommitmentCharge::SavingsPlanUsage | CommitmentCharge::ReservedUsage => true,
            CommitmentCharge::SavingsPlanFee | CommitmentCharge::ReservationFee => false,
        };
        match metric {
            CostMetric::AmortizedCost | CostMetric::NetAmortizedCost => Some(match is_usage {
                true => CommitmentMeaning::Used,
                false => CommitmentMeaning::Unused,
            }),
            // Usage that a reservation covers is free of charge here, so its amount means nothing.
            CostMetric::UnblendedCost if self == CommitmentCharge::SavingsPlanUsage => {
                Some(CommitmentMeaning::Covered)
            }
            CostMetric::UnblendedCost | CostMetric::NetUnblendedCost | CostMetric::BlendedCost => {
                None
            }
        }
    }
}

/// The meaning of an amount of a commitment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum CommitmentMeaning {
    /// Usage that savings plans cover, at on-demand rates.
    Covered,
    /// The part of the fees that usage took.
    Used,
    /// The part of the fees that nothing took.
    Unused,
}

/// Where an amount belongs: day, account, currency and charge.
pub type CommitmentKey = (Date, Option<String>, String, CommitmentCharge);

/// Amounts of commitments.
pub type CommitmentLines = BTreeMap<CommitmentKey, Decimal>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_amount_tells_depends_on_the_metric() {
        use CommitmentMeaning::{Covered, Unused, Used};
        for (record_type, unblended, amortized) in [
            ("SavingsPlanCoveredUsage", Some(Covered), Some(Used)),
            ("DiscountedUsage", None, Some(Used)),
            ("Savings Plan Recurring Fee", None, Some(Unused)),
            ("RIFee", None, Some(Unused)),
            ("SavingsPlanNegation", None, None),
            ("SavingsPlanUpfrontFee", None, None),
            ("Usage", None, None),
        ] {
            let of = |metric| CommitmentCharge::of(record_type)?.meaning(metric);
            assert_eq!(of(CostMetric::UnblendedCost), unblended, "{record_type}");
            assert_eq!(of(CostMetric::AmortizedCost), amortized, "{record_type}");
            assert_eq!(of(CostMetric::NetAmortizedCost), amortized, "{record_type}");
            assert_eq!(of(CostMetric::NetUnblendedCost), None, "{record_type}");
            assert_eq!(of(CostMetric::BlendedCost), None, "{record_type}");
        }
    }
}
