//! Reports from answers that others printed: each is one cut of the same money, and its filter is not known.
//!
//! One cut gives the total; which one depends on the audience. Lists that it lacks come from other cuts of the same
//! days. Amounts of two cuts are never added. What no cut tells is absent, and a problem of the report says so.

use std::collections::BTreeSet;

use jiff::civil::Date;

use super::cut_dimension;
use super::cut_months;
use super::cut_sections::{self, CutReport};
use super::gather::GatheredCosts;
use super::{CostRun, ReportPeriod};
use trailtab_core::cost::commitment::CommitmentLines;
use trailtab_core::cost::dimension::UsageDimension;
use trailtab_core::cost::owner::CostOwner;
use trailtab_core::cost::period::{self, DayRange};
use trailtab_core::cost::report::{
    Audience, AudienceKind, CostReport, CutScope, PeriodKind, ReportBasis, ReportPart,
    ReportQuestion, UnreadCut, trend_months,
};
use trailtab_core::cost::table::{CostTable, LineCut};
use trailtab_core::time::{self, Seconds};
use trailtab_cost_explorer::query::TimePeriod;

/// What the groups of a cut tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CutDimensions {
    /// Accounts.
    pub account: bool,
    /// Charge types.
    pub charge: bool,
    /// Owners.
    pub owner: bool,
    /// Services.
    pub service: bool,
}

/// A cut, read as a table of its own.
#[derive(Debug)]
pub struct SavedCut {
    pub(super) has: CutDimensions,
    /// Whether it holds usage alone; unknown if its filter is.
    pub(super) is_usage: Option<bool>,
    /// Whether another cut shows that all of it is usage.
    pub(super) is_all_usage: bool,
    pub(super) table: CostTable,
    /// Its amounts that tell of commitments.
    pub(super) commitments: CommitmentLines,
    pub(super) blocks: Vec<TimePeriod>,
    pub(super) files: Vec<String>,
    /// The further dimension that it is by, if it is.
    pub(super) dimension: Option<UsageDimension>,
    pub(super) grouping: String,
    pub(super) asked: Seconds,
}

/// All cuts of a run.
#[derive(Debug, Default)]
pub struct SavedCuts {
    pub(super) cuts: Vec<SavedCut>,
    /// Why a cut is not among them.
    pub(super) problems: Vec<String>,
}

impl SavedCut {
    /// Tells whether a report for this audience can be made of it.
    fn is_for(&self, kind: AudienceKind) -> bool {
        match kind {
            AudienceKind::Executive => true,
            AudienceKind::Manager => self.has.account,
            AudienceKind::Individual => self.has.owner,
        }
    }

    /// How well its total serves an audience.
    pub(super) fn rank(&self, kind: AudienceKind) -> (bool, u8, bool) {
        let CutDimensions {
            account,
            charge,
            owner,
            service,
        } = self.has;
        let rank = match kind {
            AudienceKind::Individual => 4 * u8::from(account) + 2 * u8::from(service),
            AudienceKind::Manager | AudienceKind::Executive => {
                8 * u8::from(account)
                    + 4 * u8::from(charge)
                    + 2 * u8::from(service)
                    + u8::from(owner)
            }
        };
        (self.is_usage != Some(true), rank, self.is_daily())
    }

    pub(super) fn is_daily(&self) -> bool {
        self.blocks.iter().all(|block| block.days().len() == 1)
    }

    /// The periods that touch these days, the last ones without a gap between them.
    fn run(&self, days: DayRange) -> &[TimePeriod] {
        let touches = |block: &TimePeriod| {
            let block = block.days();
            block.from <= days.through && days.from <= block.through
        };
        let Some(end) = self.blocks.iter().rposition(touches) else {
            return &[];
        };
        let mut start = end;
        while start > 0
            && touches(&self.blocks[start - 1])
            && self.blocks[start - 1].end == self.blocks[start].start
        {
            start -= 1;
        }
        &self.blocks[start..=end]
    }

    /// The whole periods that touch these days.
    pub(super) fn covered(&self, days: DayRange) -> Option<DayRange> {
        let run = self.run(days);
        let (first, last) = (run.first()?, run.last()?);
        Some(DayRange {
            from: first.days().from,
            through: last.days().through,
        })
    }

    /// Number of these days that it has amounts of.
    fn overlap(&self, days: DayRange) -> usize {
        let Some(covered) = self.covered(days) else {
            return 0;
        };
        let common = DayRange {
            from: covered.from.max(days.from),
            through: covered.through.min(days.through),
        };
        common.len()
    }

    pub(super) fn files(&self) -> String {
        match self.files.is_empty() {
            true => "what --save wrote".to_owned(),
            false => self.files.join(" and "),
        }
    }
}

impl SavedCuts {
    pub(super) fn cuts_for(&self, kind: AudienceKind) -> impl Iterator<Item = &SavedCut> {
        self.cuts.iter().filter(move |cut| cut.is_for(kind))
    }

    /// The cut that gives the total: of those with most of the days, the best one.
    fn base(&self, kind: AudienceKind, days: DayRange) -> Option<&SavedCut> {
        let cuts = self.cuts_for(kind).filter(|cut| cut.overlap(days) > 0);
        cuts.max_by_key(|cut| (cut.overlap(days), cut.rank(kind)))
    }

    /// Why no report can be made for an audience and these days.
    pub fn nothing_for(&self, audience: &Audience, days: DayRange) -> Option<String> {
        let kind = audience.kind;
        if self.base(kind, days).is_some() {
            return None;
        }
        let has: BTreeSet<&str> = self.cuts.iter().map(|cut| cut.grouping.as_str()).collect();
        let has = has.into_iter().collect::<Vec<_>>().join(", ");
        let lack = match kind {
            _ if self.cuts_for(kind).next().is_some() => {
                let days: BTreeSet<String> = self
                    .cuts_for(kind)
                    .flat_map(|cut| cut.blocks.first().zip(cut.blocks.last()))
                    .map(|(first, last)| {
                        let (from, through) = (first.days().from, last.days().through);
                        DayRange { from, through }.label()
                    })
                    .collect();
                let days: Vec<String> = days.into_iter().collect();
                format!(
                    "of {}: choose days of these with --since and --until",
                    days.join(" and ")
                )
            }
            AudienceKind::Individual => {
                format!("{has}, and not by owner: --group-by Type=TAG,Key=… adds it")
            }
            _ => format!(
                "{has}, and not by account: --group-by Type=DIMENSION,Key=LINKED_ACCOUNT adds it"
            ),
        };
        let problems = self.problems.iter().map(|problem| format!("; {problem}"));
        let problems: String = problems.collect();
        Some(format!("the saved answers are {lack}{problems}"))
    }
}

/// Makes the report of one audience. There is none if [`SavedCuts::nothing_for`] has a reason.
pub(super) fn report(
    run: &CostRun,
    books: &GatheredCosts,
    cuts: &SavedCuts,
    audience: &Audience,
    owner: Option<&CostOwner>,
    occasion: ReportPeriod,
    problems: &[String],
) -> Option<CostReport> {
    let base = cuts.base(audience.kind, occasion.days)?;
    let days = base.covered(occasion.days)?;
    let kind = match days.from == occasion.days.from {
        true => occasion.kind,
        false => PeriodKind::Range,
    };
    let cut_scope = match base.has.charge || base.is_all_usage {
        true => CutScope::Usage,
        false => CutScope::AllCharges,
    };
    let contacts = run.contacts();
    let mut said = cuts.problems.clone();
    let months: Vec<DayRange> = trend_months(kind, days).collect();
    let months = cut_months::known(cuts, audience, base, &months, &mut said);
    let by = cut_dimension::known(cuts, audience, base, days, &run.by, &mut said);
    let of = |cut: &SavedCut| -> CutReport {
        let has = CutDimensions {
            // An individual has no other charges.
            charge: cut.has.charge || cut.is_all_usage && audience.kind == AudienceKind::Individual,
            ..cut.has
        };
        let data_through = base.table.data_through();
        let settled_through = settled_through(run, cut);
        let settled = data_through.map(|through| through.min(settled_through));
        let compared = period::compared(kind, days, settled);
        let is_whole = |compared: &DayRange| cut.covered(*compared) == Some(*compared);
        let compared = compared.filter(is_whole);
        let question = ReportQuestion {
            kind,
            days,
            data_from: compared.map_or(days.from, |compared| compared.from),
            months: months.clone(),
            commitments: &cut.commitments,
            by: by.clone(),
            data_through,
            settled_through,
            today: run.today(),
            names: run.directory.names(),
            metric: run.settings.metric,
            owner_keys: run.settings.owner.keys.clone(),
            unusual: &run.settings.unusual,
            // A budget is about a whole bill, of which a printed answer may be a part.
            budgets: &[],
            tags: &books.tags,
            aws_forecast: books.forecast_of(audience, kind),
            contacts: &contacts,
            basis: ReportBasis {
                cut_scope,
                ..run.basis(books, audience, owner, problems)
            },
            unread: unread(has),
        };
        let mut report =
            trailtab_core::cost::report::report(&cut.table, audience, owner, &question);
        cut_sections::leave_out(&mut report, has);
        let shown = compared.map_or(days.from, |compared| compared.from.min(days.from));
        let shown = DayRange {
            from: shown,
            ..days
        };
        if !cut.run(shown).iter().all(|block| block.days().len() == 1) {
            report.parts.iter_mut().for_each(ReportPart::forget_days);
            let estimated = &mut report.period.estimated;
            let blocks = cut.blocks.iter().map(|block| block.days());
            *estimated = blocks
                .filter(|block| estimated.contains(&block.through))
                .flat_map(DayRange::iter)
                .collect();
        }
        CutReport {
            report,
            has,
            is_usage: cut.is_usage == Some(true),
            files: cut.files(),
        }
    };
    let mut made = of(base);
    if days != occasion.days {
        let by = if base.is_daily() { "" } else { ", by month" };
        said.push(format!(
            "{} has amounts of {}{by}, and not of {}: the report is about those",
            base.files(),
            days.label(),
            occasion.days.label()
        ));
    }
    if made.is_usage && audience.kind != AudienceKind::Individual {
        said.push("the total is of usage alone: no answer has all charge types".to_owned());
    }
    made.report.basis.as_of = Some(time::iso(base.asked));
    let others = cuts.cuts_for(audience.kind);
    let others = others.filter(|cut| cut.covered(days) == Some(days));
    let mut others: Vec<&SavedCut> = others.filter(|cut| !std::ptr::eq(*cut, base)).collect();
    // Charge types first: they tell what lists of others add up to.
    others.sort_by_key(|cut| std::cmp::Reverse((cut.has.charge, cut.rank(audience.kind))));
    for cut in others {
        let adds = CutDimensions {
            account: false,
            charge: cut.has.charge && !made.has.charge,
            owner: cut.has.owner && !made.has.owner,
            service: cut.has.service && !made.has.service,
        };
        if adds != CutDimensions::default() || cut.has.account != made.has.account {
            cut_sections::take(&mut made, &of(cut), adds, &mut said);
        }
    }
    said.extend(lacking(made.has, audience.kind, cuts));
    let mut report = made.report;
    cut_sections::place_services(&mut report);
    report.basis.problems.extend(said);
    if report.period.compared.is_none()
        && let Some(compared) = period::compared(kind, days, report.period.settled_through)
    {
        let note = format!(
            "There is no comparison with {}: the saved answers have no amounts of exactly these days.",
            compared.label()
        );
        report.basis.notes.push(note);
    }
    Some(report)
}

/// The last settled day of a cut. When it was printed is not known, so days that Cost Explorer no longer estimates are
/// settled too. How amounts by month load is not known either.
fn settled_through(run: &CostRun, cut: &SavedCut) -> Date {
    if !cut.is_daily() {
        return Date::MAX;
    }
    let mut lines = cut.table.lines();
    let estimated = lines.find(|(_, amount)| amount.estimated);
    let first_estimated = estimated.map(|(key, _)| key.day);
    let final_through = first_estimated.map_or(Ok(Date::MAX), Date::yesterday);
    run.settled_through()
        .max(final_through.unwrap_or(Date::MIN))
}

/// The cuts that an answer does not tell.
fn unread(has: CutDimensions) -> Vec<UnreadCut> {
    let all = |cut| UnreadCut { cut, account: None };
    let cuts = [
        (has.owner, LineCut::Owners),
        (has.service, LineCut::Services),
    ];
    let cuts = cuts.into_iter().filter(|(is_told, _)| !is_told);
    cuts.map(|(_, cut)| all(cut)).collect()
}

/// What no answer tells, for the reader.
fn lacking(has: CutDimensions, kind: AudienceKind, cuts: &SavedCuts) -> Option<String> {
    let is_person = kind == AudienceKind::Individual;
    let lists = [
        (has.account, "accounts"),
        (has.owner || is_person, "owners"),
        (has.service, "services"),
        (has.charge || is_person, "charge types"),
    ];
    let lacks: Vec<&str> = lists
        .iter()
        .filter(|(has, _)| !has)
        .map(|(_, name)| *name)
        .collect();
    if lacks.is_empty() {
        return None;
    }
    let groupings: BTreeSet<&str> = cuts
        .cuts_for(kind)
        .map(|cut| cut.grouping.as_str())
        .collect();
    let groupings: Vec<&str> = groupings.into_iter().collect();
    let apart = match lacks.contains(&"charge types") {
        true => "; usage and other charges are not told apart",
        false => "",
    };
    Some(format!(
        "the saved answers are {} only: no {}{apart}",
        groupings.join(", "),
        lacks.join(", no ")
    ))
}
