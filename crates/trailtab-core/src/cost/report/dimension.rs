//! Usage by a further dimension, such as by region.
use std::collections::BTreeMap;

use serde::Serialize;

use super::build::ReportBuilder;
use super::cuts::label;
use super::sight::AudienceFilter;
use super::sums::{DayFrame, DaySeries};
use super::words::UNASSIGNED_USAGE;
use super::{AudienceKind, LabelKind, ReportRow, RowLabel};
use crate::cost::dimension::UsageDimension;
use crate::cost::table::CostTable;

/// All usage, cut by a dimension.
#[derive(Debug, Clone, Copy)]
pub struct DimensionTable<'a> {
    /// The dimension.
    pub dimension: UsageDimension,
    /// Lines with values of the dimension, in the cut of services.
    pub table: &'a CostTable,
}

/// Usage by a dimension.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DimensionRows {
    /// The dimension.
    pub dimension: UsageDimension,
    /// A row for each value, the largest first; they add up to the usage.
    pub rows: Vec<ReportRow>,
}

impl ReportBuilder<'_, '_> {
    /// The usage of a currency by each dimension that was asked for; none for individuals, whose usage is not cut.
    pub(super) fn by(
        &self,
        frame: &DayFrame,
        currency: &str,
        usage: &DaySeries,
    ) -> Vec<DimensionRows> {
        if self.audience.kind == AudienceKind::Individual {
            return Vec::new();
        }
        let sight = AudienceFilter::new(self.audience, self.owner);
        let rows = |of: &DimensionTable<'_>| {
            let mut missing = usage.clone();
            let mut sums: BTreeMap<RowLabel, DaySeries> = BTreeMap::new();
            let lines = sight.services(of.table);
            for (key, line) in lines.filter(|(key, _)| key.currency == currency) {
                let value = value_label(of.dimension, key.value.as_deref());
                let sum = sums.entry(value).or_insert_with(|| frame.nothing());
                sum.add(frame, key.day, line.amount);
            }
            for sum in sums.values() {
                missing.subtract_all(sum);
            }
            if !missing.is_zero(frame) {
                sums.insert(label(LabelKind::Unassigned, UNASSIGNED_USAGE), missing);
            }
            DimensionRows {
                dimension: of.dimension,
                rows: frame.rows(&sums, RowLabel::clone),
            }
        };
        self.by.iter().map(rows).collect()
    }
}

/// The label of a value. One that looks like a label of ours is quoted.
fn value_label(dimension: UsageDimension, value: Option<&str>) -> RowLabel {
    let name = match value.unwrap_or_default() {
        "" => format!("(no {})", dimension.noun()),
        value if value.starts_with(['(', '"']) => format!("\"{value}\""),
        value => value.to_owned(),
    };
    label(dimension.label_kind(), &name)
}
