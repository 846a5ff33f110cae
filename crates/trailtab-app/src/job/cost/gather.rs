//! Requests all costs that a set of reports needs, following the plan.

mod concurrent;
mod sections;

use std::collections::{BTreeMap, BTreeSet};
use std::iter;
use std::sync::Arc;

use jiff::civil::Date;
use rust_decimal::Decimal;

use self::concurrent::all_answers;
use super::answers::{NoAnswer, RunAnswers};
use super::cut_reading;
use super::cuts::SavedCuts;
use super::needs;
use trailtab_core::cost::audience::SettingsProblem;
use trailtab_core::cost::charge::ChargeType;
use trailtab_core::cost::commitment::CommitmentLines;
use trailtab_core::cost::dimension::UsageDimension;
use trailtab_core::cost::forecast::AskedForecast;
use trailtab_core::cost::owner::{CostOwner, OwnerRules};
use trailtab_core::cost::period::DayRange;
use trailtab_core::cost::report::{Audience, AudienceKind, PeriodKind, UnreadCut};
use trailtab_core::cost::table::{CostTable, LineCut, LineCuts};
use trailtab_core::cost::tag_usage::TagUsage;
use trailtab_cost_explorer::forecast::ForecastScope;
use trailtab_cost_explorer::lines::{LineReader, MonthLines};
use trailtab_cost_explorer::plan::{self, AccountsByOwner, ReportNeeds, UsageStrategy};
use trailtab_cost_explorer::query::CostQuery;

/// A cost that could not be read, and the reports affected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MissingPart {
    /// The account affected; all if not set.
    pub account: Option<String>,
    /// The owner affected; all if not set.
    pub owner: Option<CostOwner>,
    /// Whether totals are affected as well.
    pub in_totals: bool,
    /// Why it is missing.
    pub reason: String,
}

/// All costs of a run, from whatever source, and what is missing of them.
#[derive(Debug)]
pub struct GatheredCosts {
    /// All cost lines.
    pub table: CostTable,
    /// Account names by id, as returned by Cost Explorer.
    pub names: BTreeMap<String, String>,
    /// What is missing.
    pub gaps: Vec<MissingPart>,
    /// Whether any usage has an owner.
    pub has_owners: bool,
    /// All owners in the answers, including those of the compared days.
    pub owners: BTreeSet<CostOwner>,
    /// All accounts in the answers, including those of the compared days.
    pub accounts: BTreeSet<String>,
    /// The days queried.
    pub asked: DayRange,
    /// Cuts that were not read, though costs by charge type were.
    pub unread: Vec<UnreadCut>,
    /// The months before, in total and by account, as far as they were asked for.
    pub months: GatheredMonths,
    /// Amounts that tell of commitments.
    pub commitments: CommitmentLines,
    /// Usage by further dimensions.
    pub by: Vec<(UsageDimension, CostTable)>,
    /// What was asked for beside the figures and could not be read. Reports go without it, and say so.
    pub left_out: Vec<String>,
    /// Usage by the tags that budgets are about, by the key of the tag.
    pub tags: BTreeMap<String, TagUsage>,
    /// What AWS itself forecasts, as far as it was asked for.
    pub forecasts: BTreeMap<ForecastScope, AskedForecast>,
    /// Why it is not known how budgets on tags stand.
    pub budget_doubts: Vec<SettingsProblem>,
    /// Whether there is any usage that costs something.
    pub has_usage: bool,
    /// The first day with owners, if only untagged usage is before it and much has an owner from then on.
    pub tagged_from: Option<Date>,
    /// Whether it is known who the owners are: owners were read, in all accounts.
    pub knows_owners: bool,
    /// The cuts that reports are made of one by one, if saved answers do not fit together.
    pub cuts: Option<SavedCuts>,
}

/// Costs of whole months. The two are the same money, which answers by account do not hold completely.
#[derive(Debug, Default)]
pub struct GatheredMonths {
    /// Of all accounts, with what belongs to none.
    pub in_total: MonthLines,
    /// Of each account.
    pub by_account: MonthLines,
}

impl GatheredCosts {
    /// What the report of an audience on a period goes without, beside [`GatheredCosts::gaps_of`]; nothing for
    /// individuals, whose reports do not have it.
    pub fn left_out_of(&self, audience: &Audience, period: PeriodKind) -> Vec<SettingsProblem> {
        let sections = self.left_out.iter().map(|reason| SettingsProblem {
            short: reason.clone(),
            hint: reason.clone(),
        });
        let doubts = self.budget_doubts.iter().cloned();
        let forecast = self.forecast_problem(audience, period);
        match (audience.kind, period) {
            (AudienceKind::Individual, _) => Vec::new(),
            // Budgets are told for the month to date, and those on tags to readers of all costs.
            (AudienceKind::Executive, PeriodKind::MonthToDate) => {
                sections.chain(doubts).chain(forecast).collect()
            }
            (AudienceKind::Manager | AudienceKind::Executive, _) => {
                sections.chain(forecast).collect()
            }
        }
    }

    /// What AWS itself forecasts for the report of an audience on a period, if it was asked for.
    pub(super) fn forecast_of(
        &self,
        audience: &Audience,
        period: PeriodKind,
    ) -> Option<&AskedForecast> {
        let is_in_progress = period == PeriodKind::MonthToDate;
        let scope = needs::forecast_scope(audience).filter(|_| is_in_progress)?;
        self.forecasts.get(&scope)
    }

    /// Why the forecast of a report could not be read. Too little history is no problem: nothing can be done about it.
    fn forecast_problem(&self, audience: &Audience, period: PeriodKind) -> Option<SettingsProblem> {
        match self.forecast_of(audience, period)? {
            AskedForecast::Unread { reason } => Some(SettingsProblem {
                short: "AWS's own forecast could not be read".to_owned(),
                hint: format!("AWS's own forecast could not be read: {reason}"),
            }),
            AskedForecast::Answered(_) | AskedForecast::TooLittleHistory => None,
        }
    }

    /// The missing parts that affect the report of one audience.
    pub fn gaps_of<'b>(
        &'b self,
        audience: &'b Audience,
        owner: Option<&'b CostOwner>,
    ) -> impl Iterator<Item = &'b MissingPart> {
        self.gaps.iter().filter(move |gap| match audience.kind {
            AudienceKind::Executive => gap.owner.is_none(),
            AudienceKind::Manager => {
                let has = |id: &String| audience.accounts.iter().any(|account| account.id == *id);
                gap.owner.is_none() && gap.account.as_ref().is_none_or(has) && !gap.in_totals
            }
            AudienceKind::Individual => match &gap.owner {
                None => gap.account.is_some(),
                Some(of) => Some(of) == owner,
            },
        })
    }
}

const OWNERS: LineCuts = LineCuts::only(LineCut::Owners);
const SERVICES: LineCuts = LineCuts::only(LineCut::Services);
const PERSONAL: LineCuts = LineCuts::only(LineCut::Personal);

/// Requests what is needed and lists what could not be read.
///
/// # Errors
///
/// Fails if the costs by charge type cannot be read; everything else is optional.
pub async fn gather(
    need: &ReportNeeds,
    rules: &OwnerRules,
    answers: &Arc<RunAnswers>,
) -> Result<GatheredCosts, NoAnswer> {
    if answers.are_cuts(&need.charges()) {
        return cut_reading::gather(need, rules, answers);
    }
    let mut gathering = CostGathering {
        need,
        rules,
        answers,
        reader: LineReader::default(),
        usage_types: Vec::new(),
        gaps: Vec::new(),
        unread: Vec::new(),
        left_out: Vec::new(),
    };
    gathering.charges().await?;
    gathering.usage().await;
    // Last, so that the requests of a run that reaches its limit are those for the figures.
    let by = gathering.by().await;
    let tags = gathering.budget_tags().await;
    let months = gathering.months().await;
    let forecasts = gathering.forecasts().await;
    let CostGathering {
        reader,
        gaps,
        unread,
        left_out,
        ..
    } = gathering;
    let (names, has_owners) = (reader.names.clone(), reader.has_owners);
    let owners = reader.seen.keys().cloned().collect();
    let accounts = reader.charged_accounts();
    let whole: &[LineCut] = match need.whole_accounts {
        true => &[LineCut::Owners, LineCut::Services],
        false => &[],
    };
    let has_usage = reader.has_usage();
    let commitments = reader.commitments.clone();
    let table = reader.finish(whole);
    let knows_owners = !unread.iter().any(|unread| unread.cut == LineCut::Owners);
    Ok(GatheredCosts {
        months,
        commitments,
        by,
        left_out,
        tags,
        forecasts,
        budget_doubts: Vec::new(),
        has_usage,
        tagged_from: tagged_from(&table).filter(|_| knows_owners),
        table,
        names,
        gaps,
        has_owners,
        owners,
        accounts,
        asked: need.time_period.days(),
        knows_owners,
        unread,
        cuts: None,
    })
}

/// Days with usage and without owners that a tag's activation leaves behind; fewer may be chance.
const MIN_UNTAGGED_DAYS: usize = 2;

/// The smallest part of the usage that has an owner once a tag is active: one of so many.
const MIN_TAGGED_PART: i64 = 10;

/// The first day with owners, if it looks like the day on which a tag was activated.
pub(super) fn tagged_from(table: &CostTable) -> Option<Date> {
    let usage = || {
        let lines = table.cut(LineCut::Owners);
        lines.filter(|(key, line)| key.charge == ChargeType::Usage && !line.amount.is_zero())
    };
    let has_owner = |owner: &Option<CostOwner>| {
        owner
            .as_ref()
            .is_some_and(|owner| *owner != CostOwner::Untagged)
    };
    let (first, _) = usage().find(|(key, _)| has_owner(&key.owner))?;
    let before: BTreeSet<Date> = usage()
        .map(|(key, _)| key.day)
        .filter(|day| *day < first.day)
        .collect();
    let since = usage().filter(|(key, _)| key.day >= first.day);
    let (mut all, mut tagged) = (Decimal::ZERO, Decimal::ZERO);
    for (key, line) in since {
        all = all.saturating_add(line.amount);
        if has_owner(&key.owner) {
            tagged = tagged.saturating_add(line.amount);
        }
    }
    let is_much = tagged.saturating_mul(Decimal::from(MIN_TAGGED_PART)) >= all;
    (before.len() >= MIN_UNTAGGED_DAYS && is_much).then_some(first.day)
}

struct CostGathering<'g> {
    need: &'g ReportNeeds,
    rules: &'g OwnerRules,
    answers: &'g Arc<RunAnswers>,
    reader: LineReader,
    /// The record types that are usage.
    usage_types: Vec<String>,
    gaps: Vec<MissingPart>,
    unread: Vec<UnreadCut>,
    left_out: Vec<String>,
}

impl CostGathering<'_> {
    async fn charges(&mut self) -> Result<(), NoAnswer> {
        let answers = self.answers;
        let charges = self.need.charges();
        let control = self.need.control();
        let both: Vec<&CostQuery> = iter::once(&charges).chain(&control).collect();
        answers.together(&both).await;
        let control = async {
            match &control {
                Some(control) => Some(answers.answer(control).await),
                None => None,
            }
        };
        let (charges, control) = tokio::join!(answers.answer(&charges), control);
        self.reader.charges(&*charges?)?;
        if let Some(control) = control {
            let read = control.and_then(|control| Ok(self.reader.control(&control)?));
            if let Err(error) = read {
                self.gap(None, None, true, "the costs without an account", &error);
            }
        }
        self.usage_types = match answers.saved_usage() {
            Some(usage) => usage,
            None => self.reader.usage.iter().cloned().collect(),
        };
        Ok(())
    }

    async fn usage(&mut self) {
        let accounts = std::mem::take(&mut self.reader.accounts);
        if accounts.is_empty() {
            return;
        }
        let need = self.need;
        if self.way(&accounts) == UsageStrategy::Crossed {
            return self.crossed(&accounts, LineCuts::ALL, &|_| true).await;
        }
        let queries = need.owners(&self.usage_types).enumerate().collect();
        for (key, answer) in all_answers(self.answers, queries).await {
            let read = answer
                .and_then(|answer| Ok(self.reader.usage(&answer, self.rules, key, OWNERS)?));
            if let Err(error) = read {
                self.gap(None, None, false, "owners", &error);
                self.unread(None, &[LineCut::Owners]);
                // Without owners by account, it is unknown where people have costs.
                for person in &need.people {
                    self.gap(None, Some(person.clone()), true, "their usage", &error);
                }
            }
        }
        let places = &self.reader.places;
        let mine = places
            .iter()
            .filter(|(owner, _)| need.people.contains(owner));
        let places: AccountsByOwner = mine
            .map(|(owner, places)| (owner.clone(), places.clone()))
            .collect();
        let (mut people, mut in_accounts) = plan::cover(&places);
        // With several owner keys, an account takes several queries but a person still one.
        if places.len() < people.len() + in_accounts.len() * need.keys.len() {
            people = places.keys().cloned().collect();
            in_accounts.clear();
        }
        let in_all = people.len() + in_accounts.len() * need.keys.len();
        let rest = usize::from(need.whole_accounts) + in_all;
        if !self.answers.are_saved() && rest > accounts.len() * need.keys.len() {
            self.reader.forget();
            return self.crossed(&accounts, LineCuts::ALL, &|_| true).await;
        }
        if need.whole_accounts {
            self.services().await;
        }
        self.people(&people).await;
        let is_theirs = |owner: &CostOwner| need.people.contains(owner) && !people.contains(owner);
        self.crossed(&in_accounts, PERSONAL, &is_theirs).await;
    }

    /// Chooses the strategy for usage queries. Saved answers cost nothing, so the most detailed
    /// ones are used if present.
    fn way(&self, accounts: &BTreeSet<String>) -> UsageStrategy {
        if !self.answers.are_saved() {
            return self.need.way(accounts.len());
        }
        let mut crossed = accounts
            .iter()
            .flat_map(|account| self.need.crossed(account, &self.usage_types));
        match crossed.all(|query| self.answers.has(&query)) {
            true => UsageStrategy::Crossed,
            false => UsageStrategy::Cut,
        }
    }

    async fn services(&mut self) {
        let query = self.need.services(&self.usage_types);
        let answer = self.answers.answer(&query).await;
        let read =
            answer.and_then(|answer| Ok(self.reader.usage(&answer, self.rules, 0, SERVICES)?));
        if let Err(error) = read {
            self.gap(None, None, false, "services", &error);
            self.unread(None, &[LineCut::Services]);
        }
    }

    async fn people(&mut self, people: &BTreeSet<CostOwner>) {
        let seen = &self.reader.seen;
        let queries = people.iter().filter_map(|person| {
            let query = self.need.person(&self.usage_types, seen.get(person)?)?;
            Some((person.clone(), query))
        });
        for (person, answer) in all_answers(self.answers, queries.collect()).await {
            let read = answer.and_then(|answer| Ok(self.reader.person(&answer, &person)?));
            if let Err(error) = read {
                self.gap(None, Some(person), true, "their usage", &error);
            }
        }
    }

    /// Reads costs by owner and service of some accounts, and keeps the lines of wanted owners.
    async fn crossed(
        &mut self,
        accounts: &BTreeSet<String>,
        cuts: LineCuts,
        wanted: &dyn Fn(&CostOwner) -> bool,
    ) {
        let of_account = |account| self.need.crossed(account, &self.usage_types).enumerate();
        let queries = accounts.iter().flat_map(|account| {
            let queries = of_account(account);
            queries.map(move |(key, query)| ((account.clone(), key), query))
        });
        for ((account, key), answer) in all_answers(self.answers, queries.collect()).await {
            let read = answer.and_then(|answer| {
                Ok(self
                    .reader
                    .usage_of(&answer, self.rules, key, cuts, wanted)?)
            });
            if let Err(error) = read {
                let what = format!("the usage by owner in account {account}");
                if cuts != PERSONAL {
                    self.unread(Some(&account), &[LineCut::Owners, LineCut::Services]);
                    self.gap(Some(account), None, false, &what, &error);
                    continue;
                }
                // Only people with costs in this account are affected.
                for person in &self.need.people {
                    let places = self.reader.places.get(person);
                    if wanted(person) && places.is_some_and(|places| places.contains(&account)) {
                        self.gap(None, Some(person.clone()), true, &what, &error);
                    }
                }
            }
        }
    }

    fn unread(&mut self, account: Option<&str>, cuts: &[LineCut]) {
        let account = account.map(str::to_owned);
        self.unread.extend(cuts.iter().map(|cut| UnreadCut {
            cut: *cut,
            account: account.clone(),
        }));
    }

    fn gap(
        &mut self,
        account: Option<String>,
        owner: Option<CostOwner>,
        in_totals: bool,
        what: &str,
        error: &NoAnswer,
    ) {
        self.gaps.push(MissingPart {
            account,
            owner,
            in_totals,
            reason: format!("{what} could not be read: {error}"),
        });
    }
}
