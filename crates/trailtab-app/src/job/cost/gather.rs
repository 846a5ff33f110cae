//! Requests all costs that a set of reports needs, following the plan.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use tokio::task::JoinSet;

use super::answers::{NoAnswer, RunAnswers};
use trailtab_core::cost::owner::{CostOwner, OwnerRules};
use trailtab_core::cost::table::{CostTable, LineCut, LineCuts};
use trailtab_cost_explorer::answer::CostAnswer;
use trailtab_cost_explorer::lines::LineReader;
use trailtab_cost_explorer::plan::{self, AccountsByOwner, ReportNeeds, UsageStrategy};
use trailtab_cost_explorer::query::CostQuery;

/// Concurrent queries to Cost Explorer.
const MAX_CONCURRENT_QUERIES: usize = 8;

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

/// The gathered costs.
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
}

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
    let mut gathering = CostGathering {
        need,
        rules,
        answers,
        reader: LineReader::default(),
        gaps: Vec::new(),
    };
    gathering.charges().await?;
    gathering.usage().await;
    let CostGathering { reader, gaps, .. } = gathering;
    let (names, has_owners) = (reader.names.clone(), reader.has_owners);
    let owners = reader.seen.keys().cloned().collect();
    let accounts = reader.charged_accounts();
    let whole: &[LineCut] = match need.whole_accounts {
        true => &[LineCut::Owners, LineCut::Services],
        false => &[],
    };
    Ok(GatheredCosts {
        table: reader.finish(whole),
        names,
        gaps,
        has_owners,
        owners,
        accounts,
    })
}

struct CostGathering<'g> {
    need: &'g ReportNeeds,
    rules: &'g OwnerRules,
    answers: &'g Arc<RunAnswers>,
    reader: LineReader,
    gaps: Vec<MissingPart>,
}

impl CostGathering<'_> {
    async fn charges(&mut self) -> Result<(), NoAnswer> {
        let mut queries = vec![self.need.charges()];
        queries.extend(self.need.control());
        self.answers.together(&queries).await;
        let mut given = all(self.answers, queries).await.into_iter();
        if let Some(charges) = given.next() {
            let charges = charges?;
            self.reader.charges(&charges)?;
        }
        if let Some(control) = given.next() {
            let read = control.and_then(|control| Ok(self.reader.control(&control)?));
            if let Err(error) = read {
                self.gap(None, None, true, "the costs without an account", &error);
            }
        }
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
        let usage = self.usage_types();
        let queries: Vec<CostQuery> = need.owners(&usage).collect();
        for (key, answer) in all(self.answers, queries).await.into_iter().enumerate() {
            let read = answer.and_then(|answer| {
                Ok(self
                    .reader
                    .usage(&answer, self.rules, key, LineCuts::only(LineCut::Owners))?)
            });
            if let Err(error) = read {
                self.gap(None, None, false, "owners", &error);
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
            self.services(&usage).await;
        }
        self.people(&people, &usage).await;
        let is_theirs = |owner: &CostOwner| need.people.contains(owner) && !people.contains(owner);
        self.crossed(&in_accounts, LineCuts::only(LineCut::Personal), &is_theirs)
            .await;
    }

    /// Chooses the strategy for usage queries. Saved answers cost nothing, so the most detailed
    /// ones are used if present.
    fn way(&self, accounts: &BTreeSet<String>) -> UsageStrategy {
        if !self.answers.are_saved() {
            return self.need.way(accounts.len());
        }
        let usage = self.usage_types();
        let mut crossed = accounts
            .iter()
            .flat_map(|account| self.need.crossed(account, &usage));
        match crossed.all(|query| self.answers.has(&query)) {
            true => UsageStrategy::Crossed,
            false => UsageStrategy::Cut,
        }
    }

    async fn services(&mut self, usage: &[String]) {
        let answer = self.answers.answer(&self.need.services(usage)).await;
        let read = answer.and_then(|answer| {
            Ok(self
                .reader
                .usage(&answer, self.rules, 0, LineCuts::only(LineCut::Services))?)
        });
        if let Err(error) = read {
            self.gap(None, None, false, "services", &error);
        }
    }

    async fn people(&mut self, people: &BTreeSet<CostOwner>, usage: &[String]) {
        let seen = &self.reader.seen;
        let asked = people.iter().filter_map(|person| {
            let query = self.need.person(usage, seen.get(person)?)?;
            Some((person, query))
        });
        let (people, queries): (Vec<&CostOwner>, Vec<CostQuery>) = asked.unzip();
        let given = all(self.answers, queries).await;
        for (person, answer) in people.into_iter().zip(given) {
            let read = answer.and_then(|answer| Ok(self.reader.person(&answer, person)?));
            if let Err(error) = read {
                self.gap(None, Some(person.clone()), true, "their usage", &error);
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
        let usage = self.usage_types();
        let of_account = |account| self.need.crossed(account, &usage).enumerate();
        let asked = accounts
            .iter()
            .flat_map(|account| of_account(account).map(move |(key, query)| (account, key, query)));
        let (places, queries): (Vec<_>, Vec<_>) = asked
            .map(|(account, key, query)| ((account, key), query))
            .unzip();
        let given = all(self.answers, queries).await;
        for ((account, key), answer) in places.into_iter().zip(given) {
            let read = answer.and_then(|answer| {
                Ok(self
                    .reader
                    .usage_of(&answer, self.rules, key, cuts, wanted)?)
            });
            if let Err(error) = read {
                let what = format!("the usage by owner in account {account}");
                if cuts != LineCuts::only(LineCut::Personal) {
                    self.gap(Some(account.clone()), None, false, &what, &error);
                    continue;
                }
                // Only people with costs in this account are affected.
                for person in &self.need.people {
                    let places = self.reader.places.get(person);
                    if wanted(person) && places.is_some_and(|places| places.contains(account)) {
                        self.gap(None, Some(person.clone()), true, &what, &error);
                    }
                }
            }
        }
    }

    fn usage_types(&self) -> Vec<String> {
        match self.answers.saved_usage() {
            Some(usage) => usage,
            None => self.reader.usage.iter().cloned().collect(),
        }
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

/// Answers queries concurrently; returns the answers in order.
async fn all(
    answers: &Arc<RunAnswers>,
    queries: Vec<CostQuery>,
) -> Vec<Result<Arc<CostAnswer>, NoAnswer>> {
    let mut given: Vec<Option<Result<Arc<CostAnswer>, NoAnswer>>> = Vec::new();
    given.resize_with(queries.len(), || None);
    let mut waiting = JoinSet::new();
    let mut queries = queries.into_iter().enumerate();
    loop {
        while waiting.len() < MAX_CONCURRENT_QUERIES
            && let Some((place, query)) = queries.next()
        {
            let answers = answers.clone();
            waiting.spawn(async move { (place, answers.answer(&query).await) });
        }
        match waiting.join_next().await {
            None => break,
            Some(Ok((place, answer))) => {
                if let Some(slot) = given.get_mut(place) {
                    *slot = Some(answer);
                }
            }
            // Not reached: tasks are neither cancelled nor panic.
            Some(Err(_)) => {}
        }
    }
    given.into_iter().flatten().collect()
}
