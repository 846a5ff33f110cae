//! Usage by further dimensions in printed answers.

use super::cuts::{SavedCut, SavedCuts};
use trailtab_core::cost::dimension::UsageDimension;
use trailtab_core::cost::period::DayRange;
use trailtab_core::cost::report::{Audience, AudienceKind, DimensionTable, total_of, usage_of};

/// The cuts by the dimensions that were asked for. A cut that does not add up to the usage of the cut of the total is left
/// out, as it may have another filter or be older; a problem says why one is missing.
pub(super) fn known<'c>(
    cuts: &'c SavedCuts,
    audience: &Audience,
    base: &SavedCut,
    days: DayRange,
    asked: &[UsageDimension],
    said: &mut Vec<String>,
) -> Vec<DimensionTable<'c>> {
    if audience.kind == AudienceKind::Individual {
        return Vec::new();
    }
    let has_all = |cut: &SavedCut| base.blocks.iter().all(|block| cut.blocks.contains(block));
    let adds_up = |cut: &SavedCut| {
        let of = match base.has.charge {
            true => usage_of,
            false => total_of,
        };
        of(&base.table, audience, None, days) == total_of(&cut.table, audience, None, days)
    };
    let mut known = Vec::new();
    for &dimension in asked {
        let by = || {
            cuts.cuts_for(audience.kind)
                .filter(move |cut| cut.dimension == Some(dimension))
        };
        let found = by().filter(|cut| has_all(cut)).find(|cut| adds_up(cut));
        match found {
            Some(cut) => known.push(DimensionTable {
                dimension,
                table: &cut.table,
            }),
            None => said.push(lacking(dimension, base, by().next())),
        }
    }
    known
}

/// Why there is no usage by a dimension.
fn lacking(dimension: UsageDimension, base: &SavedCut, other: Option<&SavedCut>) -> String {
    let noun = dimension.noun();
    match other {
        None => format!(
            "no usage by {noun}: no saved answer is by it; --group-by Type=DIMENSION,Key=LINKED_ACCOUNT \
             Type=DIMENSION,Key={} asks for one",
            dimension.key()
        ),
        Some(other) => format!(
            "no usage by {noun}: {} has other days than {}, or does not add up to its usage; print both with the same \
             days, at the same time, and this one with the filter of usage",
            other.files(),
            base.files()
        ),
    }
}
