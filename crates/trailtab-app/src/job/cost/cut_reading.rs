//! Reads printed answers as cuts, each in a table of its own.

use std::collections::{BTreeMap, BTreeSet};

use rust_decimal::Decimal;

use super::answers::{NoAnswer, RunAnswers};
use super::cuts::{CutDimensions, SavedCut, SavedCuts};
use super::gather::{self, GatheredCosts, GatheredMonths};
use trailtab_core::cost::charge::{ChargeType, CostMetric};
use trailtab_core::cost::commitment::CommitmentLines;
use trailtab_core::cost::dimension::UsageDimension;
use trailtab_core::cost::forecast::AskedForecast;
use trailtab_core::cost::owner::{CostOwner, OwnerKey, OwnerRules};
use trailtab_core::cost::period::DayRange;
use trailtab_core::cost::report::AudienceKind;
use trailtab_core::cost::table::{CostTable, LineCut};
use trailtab_core::nearest::Likeness;
use trailtab_cost_explorer::forecast::ForecastScope;
use trailtab_cost_explorer::lines;
use trailtab_cost_explorer::plain::PlainCut;
use trailtab_cost_explorer::plan::ReportNeeds;
use trailtab_cost_explorer::query::GroupType;

/// The forecasts that reports need: a printed one does not say its metric and accounts.
fn forecasts_unread(need: &ReportNeeds) -> BTreeMap<ForecastScope, AskedForecast> {
    let unread = || AskedForecast::Unread {
        reason:
            "the saved answers are printed ones, which do not tell of which accounts a forecast is"
                .to_owned(),
    };
    need.forecasts()
        .map(|(scope, _)| (scope, unread()))
        .collect()
}

/// Reads all saved answers as cuts.
///
/// # Errors
///
/// Fails if no answer has the metric.
pub(super) fn gather(
    need: &ReportNeeds,
    rules: &OwnerRules,
    answers: &RunAnswers,
) -> Result<GatheredCosts, NoAnswer> {
    let mut plain = answers.cuts();
    let mut problems = Vec::new();
    plain.retain(|cut| {
        let has = cut.metrics.contains(&need.metric);
        if !has {
            problems.push(other_metrics(cut, need.metric));
        }
        has
    });
    if plain.is_empty() {
        let reasons = problems.join("; ");
        return Err(NoAnswer::NoMetric { reasons });
    }
    let is_by =
        |cut: &PlainCut, key: &OwnerKey| lines::is_by_owner(&cut.answer.request.group_by, key);
    let key = rules
        .keys
        .iter()
        .find(|key| plain.iter().any(|cut| is_by(cut, key)));
    match key {
        None => problems.extend(plain.iter().filter_map(|cut| other_tag(cut, &rules.keys))),
        Some(key) if rules.keys.len() > 1 => {
            problems.push(format!(
                "owners come from {key} alone: answers that others printed cannot be combined"
            ));
        }
        Some(_) => {}
    }
    let mut names = BTreeMap::new();
    let mut cuts = Vec::new();
    for mut cut in plain {
        cut.answer.request.metrics = [need.metric];
        names.extend(answers_names(&cut));
        match read(&cut, rules, key) {
            Ok(cut) => cuts.push(cut),
            Err(error) => problems.push(format!("{}: {error}", cut.files.join(" and "))),
        }
    }
    add_costs_without_account(&mut cuts);
    learn_usage(&mut cuts);
    let lines = || cuts.iter().flat_map(|cut| cut.table.lines());
    let owners: BTreeSet<CostOwner> = lines().filter_map(|(key, _)| key.owner.clone()).collect();
    let has_usage =
        lines().any(|(key, line)| key.charge == ChargeType::Usage && !line.amount.is_zero());
    let accounts = lines().filter_map(|(key, _)| key.account.clone()).collect();
    let days = cuts
        .iter()
        .flat_map(|cut| cut.blocks.iter().map(|block| block.days()));
    let days = days.reduce(|one, other| DayRange {
        from: one.from.min(other.from),
        through: one.through.max(other.through),
    });
    let most = cuts
        .iter()
        .max_by_key(|cut| cut.rank(AudienceKind::Executive));
    Ok(GatheredCosts {
        table: most.map(|cut| cut.table.clone()).unwrap_or_default(),
        names,
        gaps: Vec::new(),
        months: GatheredMonths::default(),
        commitments: CommitmentLines::new(),
        by: Vec::new(),
        left_out: Vec::new(),
        tags: BTreeMap::new(),
        forecasts: forecasts_unread(need),
        budget_doubts: Vec::new(),
        unread: Vec::new(),
        has_owners: owners.iter().any(|owner| *owner != CostOwner::Untagged),
        knows_owners: key.is_some(),
        has_usage,
        tagged_from: cuts
            .iter()
            .filter(|cut| cut.has.owner)
            .find_map(|cut| gather::tagged_from(&cut.table)),
        owners,
        accounts,
        asked: days.unwrap_or_else(|| need.time_period.days()),
        cuts: Some(SavedCuts { cuts, problems }),
    })
}

/// Names of accounts that an answer has.
pub(super) fn answers_names(cut: &PlainCut) -> BTreeMap<String, String> {
    let pages = cut.answer.pages.iter();
    let values = pages.flat_map(|page| &page.dimension_value_attributes);
    let named = values.filter_map(|value| {
        let name = value.attributes.get("description")?;
        Some((value.value.clone(), name.clone()))
    });
    match cut.is_by("LINKED_ACCOUNT") {
        true => named.collect(),
        false => BTreeMap::new(),
    }
}

fn other_metrics(cut: &PlainCut, metric: CostMetric) -> String {
    let files = cut.files.join(" and ");
    let has: Vec<&str> = cut.metrics.iter().map(|metric| metric.name()).collect();
    match has.as_slice() {
        [] => format!("{files} has no metric of cost"),
        has => format!(
            "{files} has {} and not {}: choose it with --metric {}",
            has.join(" and "),
            metric.name(),
            has.join(" or --metric ")
        ),
    }
}

/// A hint on a cut by a tag that is no owner key, though it may be meant.
fn other_tag(cut: &PlainCut, keys: &[OwnerKey]) -> Option<String> {
    let mut groups = cut.answer.request.group_by.iter();
    let tag = groups.find(|group| group.r#type == GroupType::Tag)?;
    let names: Vec<String> = keys.iter().map(ToString::to_string).collect();
    let is_near = keys
        .iter()
        .any(|key| Likeness::of(key.name(), &tag.key).is_near());
    let what = match is_near {
        true => "the case of a tag matters",
        false => "it is another tag",
    };
    Some(format!(
        "{} is by the tag {}, and owners come from {}: {what}; --owner-key {} takes them from there",
        cut.files.join(" and "),
        tag.key,
        names.join(" or "),
        tag.key
    ))
}

fn read(
    cut: &PlainCut,
    rules: &OwnerRules,
    key: Option<&OwnerKey>,
) -> Result<SavedCut, lines::AnswerError> {
    let groups = &cut.answer.request.group_by;
    Ok(SavedCut {
        has: CutDimensions {
            account: cut.is_by("LINKED_ACCOUNT"),
            charge: cut.is_by("RECORD_TYPE"),
            owner: key.is_some_and(|key| lines::is_by_owner(groups, key)),
            service: cut.is_by("SERVICE"),
        },
        is_usage: cut.is_usage,
        is_all_usage: cut.is_usage == Some(true),
        table: lines::table_of(&cut.answer, rules, key)?,
        commitments: lines::commitments_of(&cut.answer)?,
        blocks: cut.blocks.clone(),
        files: cut.files.clone(),
        dimension: UsageDimension::ALL
            .into_iter()
            .find(|dimension| cut.is_by(dimension.key())),
        grouping: cut.grouping(),
        asked: cut.answer.asked,
    })
}

/// Adds what belongs to no account to the costs by account and charge type, if the costs by charge type are there too:
/// answers by account leave it out.
fn add_costs_without_account(cuts: &mut [SavedCut]) {
    let is = |cut: &SavedCut, account| {
        let has = CutDimensions {
            account,
            charge: true,
            ..CutDimensions::default()
        };
        cut.has == has && cut.is_usage != Some(true)
    };
    let Some(by_account) = cuts.iter().position(|cut| is(cut, true)) else {
        return;
    };
    let all = cuts.iter().find(|cut| is(cut, false));
    let Some(all) = all.filter(|all| all.blocks == cuts[by_account].blocks) else {
        return;
    };
    let known: CostTable = cuts[by_account]
        .table
        .lines()
        .map(|(key, amount)| {
            let mut key = key.clone();
            key.account = None;
            (key, *amount)
        })
        .collect();
    let missing = known.missing(LineCut::Owners, &all.table);
    cuts[by_account].table.merge(missing);
}

/// Finds out which cuts hold usage alone: their total is that of the usage in a cut by charge type.
fn learn_usage(cuts: &mut [SavedCut]) {
    let total = |cut: &SavedCut, is_meant: &dyn Fn(ChargeType) -> bool| {
        let mut totals: BTreeMap<String, Decimal> = BTreeMap::new();
        for (key, line) in cut.table.cut(LineCut::Owners) {
            if is_meant(key.charge) {
                let total = totals.entry(key.currency.clone()).or_default();
                *total = total.saturating_add(line.amount);
            }
        }
        totals.retain(|_, total| !total.is_zero());
        totals
    };
    let by_charge = cuts
        .iter()
        .filter(|cut| cut.has.charge && cut.is_usage != Some(true));
    let by_charge: Vec<_> = by_charge
        .map(|cut| {
            let usage = total(cut, &|charge| charge == ChargeType::Usage);
            (cut.blocks.clone(), usage, total(cut, &|_| true))
        })
        .collect();
    for cut in cuts.iter_mut().filter(|cut| !cut.has.charge) {
        let same = by_charge.iter().find(|(blocks, ..)| *blocks == cut.blocks);
        let Some((_, usage, all)) = same else {
            continue;
        };
        if total(cut, &|_| true) == *usage {
            cut.is_all_usage = true;
            // If everything is usage, nothing is left out.
            cut.is_usage = Some(usage != all)
                .filter(|is_less| *is_less)
                .or(cut.is_usage);
        }
    }
}
