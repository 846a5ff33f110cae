//! All that reports need, asked for by the plan.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use tokio::task::JoinSet;

use super::answers::{Answers, NoAnswer};
use trailtab_core::cost::answer::Answer;
use trailtab_core::cost::lines::Reader;
use trailtab_core::cost::owner::{Owner, OwnerRules};
use trailtab_core::cost::plan::{self, Need, Places, Way};
use trailtab_core::cost::query::Query;
use trailtab_core::cost::table::{CostTable, Cut, Cuts};

/// Questions that wait for an answer at the same time.
const AT_ONCE: usize = 8;

/// Something that could not be had, and whom it concerns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    /// The account that it is about; `None` for all.
    pub account: Option<String>,
    /// The owner that it is about; `None` for all.
    pub owner: Option<Owner>,
    /// Whether even totals are wrong.
    pub in_totals: bool,
    /// Why it is missing.
    pub reason: String,
}

/// What was gathered.
#[derive(Debug)]
pub struct Gathered {
    /// All cost lines.
    pub table: CostTable,
    /// Names of accounts by their ids, as Cost Explorer tells them.
    pub names: BTreeMap<String, String>,
    /// What is missing.
    pub gaps: Vec<Gap>,
    /// Whether any usage has an owner.
    pub has_owners: bool,
    /// All owners in the answers, of the days that are compared with as well.
    pub owners: BTreeSet<Owner>,
    /// All accounts in the answers, likewise.
    pub accounts: BTreeSet<String>,
}

/// All cuts: what is crossed serves for any.
const CROSSED: Cuts = Cuts {
    owners: true,
    services: true,
    personal: true,
};
const OWNERS: Cuts = Cuts {
    owners: true,
    services: false,
    personal: false,
};
const SERVICES: Cuts = Cuts {
    owners: false,
    services: true,
    personal: false,
};
const PERSONAL: Cuts = Cuts {
    owners: false,
    services: false,
    personal: true,
};

/// Asks what is needed. What cannot be had is named; only without the costs by charge type there is nothing.
///
/// # Errors
///
/// If the costs by charge type cannot be had.
pub async fn gather(
    need: &Need,
    rules: &OwnerRules,
    answers: &Arc<Answers>,
) -> Result<Gathered, NoAnswer> {
    let mut gathering = Gathering {
        need,
        rules,
        answers,
        reader: Reader::default(),
        gaps: Vec::new(),
    };
    gathering.charges().await?;
    gathering.usage().await;
    let Gathering { reader, gaps, .. } = gathering;
    let (names, has_owners) = (reader.names.clone(), reader.has_owners);
    let owners = reader.seen.keys().cloned().collect();
    let accounts = reader.charged_accounts();
    let whole: &[Cut] = match need.whole_accounts {
        true => &[Cut::Owners, Cut::Services],
        false => &[],
    };
    Ok(Gathered {
        table: reader.finish(whole),
        names,
        gaps,
        has_owners,
        owners,
        accounts,
    })
}

struct Gathering<'g> {
    need: &'g Need,
    rules: &'g OwnerRules,
    answers: &'g Arc<Answers>,
    reader: Reader,
    gaps: Vec<Gap>,
}

impl Gathering<'_> {
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
                self.gap(None, None, true, "what belongs to no account", &error);
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
        if self.way(&accounts) == Way::Crossed {
            return self.crossed(&accounts, CROSSED, &|_| true).await;
        }
        let usage = self.usage_types();
        let queries: Vec<Query> = need.owners(&usage).collect();
        for (key, answer) in all(self.answers, queries).await.into_iter().enumerate() {
            let read = answer
                .and_then(|answer| Ok(self.reader.usage(&answer, self.rules, key, OWNERS)?));
            if let Err(error) = read {
                self.gap(None, None, false, "owners", &error);
                // Nobody knows any more where people have costs.
                for person in &need.people {
                    self.gap(None, Some(person.clone()), true, "what they used", &error);
                }
            }
        }
        let places = &self.reader.places;
        let mine = places
            .iter()
            .filter(|(owner, _)| need.people.contains(owner));
        let places: Places = mine
            .map(|(owner, places)| (owner.clone(), places.clone()))
            .collect();
        let (mut people, mut in_accounts) = plan::cover(&places);
        // With several keys an account takes several questions, and people one each.
        if places.len() < people.len() + in_accounts.len() * need.keys.len() {
            people = places.keys().cloned().collect();
            in_accounts.clear();
        }
        let in_all = people.len() + in_accounts.len() * need.keys.len();
        let rest = usize::from(need.whole_accounts) + in_all;
        if !self.answers.are_saved() && rest > accounts.len() * need.keys.len() {
            self.reader.forget();
            return self.crossed(&accounts, CROSSED, &|_| true).await;
        }
        if need.whole_accounts {
            self.services(&usage).await;
        }
        self.people(&people, &usage).await;
        let is_theirs = |owner: &Owner| need.people.contains(owner) && !people.contains(owner);
        self.crossed(&in_accounts, PERSONAL, &is_theirs).await;
    }

    /// How usage is asked for. What was saved costs nothing, and is asked for by what holds most, if that is there.
    fn way(&self, accounts: &BTreeSet<String>) -> Way {
        if !self.answers.are_saved() {
            return self.need.way(accounts.len());
        }
        let usage = self.usage_types();
        let mut crossed = accounts
            .iter()
            .flat_map(|account| self.need.crossed(account, &usage));
        match crossed.all(|query| self.answers.has(&query)) {
            true => Way::Crossed,
            false => Way::Cut,
        }
    }

    async fn services(&mut self, usage: &[String]) {
        let answer = self.answers.answer(&self.need.services(usage)).await;
        let read =
            answer.and_then(|answer| Ok(self.reader.usage(&answer, self.rules, 0, SERVICES)?));
        if let Err(error) = read {
            self.gap(None, None, false, "services", &error);
        }
    }

    async fn people(&mut self, people: &BTreeSet<Owner>, usage: &[String]) {
        let seen = &self.reader.seen;
        let asked = people.iter().filter_map(|person| {
            let query = self.need.person(usage, seen.get(person)?)?;
            Some((person, query))
        });
        let (people, queries): (Vec<&Owner>, Vec<Query>) = asked.unzip();
        let given = all(self.answers, queries).await;
        for (person, answer) in people.into_iter().zip(given) {
            let read = answer.and_then(|answer| Ok(self.reader.person(&answer, person)?));
            if let Err(error) = read {
                self.gap(None, Some(person.clone()), true, "what they used", &error);
            }
        }
    }

    /// Reads owners by services of some accounts, and keeps the lines of those who are wanted.
    async fn crossed(
        &mut self,
        accounts: &BTreeSet<String>,
        cuts: Cuts,
        wanted: &dyn Fn(&Owner) -> bool,
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
                let what = format!("who used what in account {account}");
                if cuts != PERSONAL {
                    self.gap(Some(account.clone()), None, false, &what, &error);
                    continue;
                }
                // Only those who have costs there lack something.
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
        owner: Option<Owner>,
        in_totals: bool,
        what: &str,
        error: &NoAnswer,
    ) {
        self.gaps.push(Gap {
            account,
            owner,
            in_totals,
            reason: format!("{what} could not be read: {error}"),
        });
    }
}

/// Answers questions, some at a time, in their order.
async fn all(answers: &Arc<Answers>, queries: Vec<Query>) -> Vec<Result<Arc<Answer>, NoAnswer>> {
    let mut given: Vec<Option<Result<Arc<Answer>, NoAnswer>>> = Vec::new();
    given.resize_with(queries.len(), || None);
    let mut waiting = JoinSet::new();
    let mut queries = queries.into_iter().enumerate();
    loop {
        while waiting.len() < AT_ONCE
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
            // Nothing is ever cancelled, and nothing panics.
            Some(Err(_)) => {}
        }
    }
    given.into_iter().flatten().collect()
}
