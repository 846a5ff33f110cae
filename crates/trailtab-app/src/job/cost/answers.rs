//! Answers of Cost Explorer from where they cost least: this run, what was saved, the cache, and only
//! then Cost Explorer itself.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::cost_source::cost_explorer::{AskError, CostExplorer};
use crate::deliver::ledger::{Ledger, LedgerError, Version};
use trailtab_core::cost::answer::Answer;
use trailtab_core::cost::lines::{AnswerError, Reader};
use trailtab_core::cost::query::{Group, Query, TimePeriod};
use trailtab_core::cost::settled::{self, Left};
use trailtab_core::time::Seconds;

/// Seconds for which an answer is good for all its days: Cost Explorer has new figures once a day or a
/// little more often.
pub const MAX_AGE: Seconds = 6 * 3600;

/// Where answers come from.
#[derive(Debug)]
pub enum Source {
    /// Cost Explorer, which takes money for each page.
    Asked(Box<CostExplorer>),
    /// What an earlier run saved.
    Saved(Vec<Answer>),
}

/// Where answers are kept from run to run.
#[derive(Debug)]
pub struct Cache {
    /// The ledger in which answers are kept.
    pub place: Ledger,
    /// The account that asks: what others are answered is another matter.
    pub account: String,
    /// Seconds for which an answer is good for all its days.
    pub max_age: Seconds,
}

impl Cache {
    fn key(&self, query: &Query) -> String {
        format!("cost/answers/{}/{}.json", self.account, shape(query))
    }
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum NoAnswer {
    /// Cost Explorer gave no answer.
    #[error(transparent)]
    Ask(#[from] AskError),
    /// The answer makes no sense.
    #[error(transparent)]
    Answer(#[from] AnswerError),
    /// None of the saved answers is one to this question.
    #[error(
        "what was saved does not answer which {about}: save again with --save, and with the same settings and period"
    )]
    NotSaved {
        /// What the question is about, for the message.
        about: String,
    },
}

/// All answers of a run.
#[derive(Debug)]
pub struct Answers {
    source: Source,
    cache: Option<Cache>,
    now: Seconds,
    given: Mutex<Vec<Arc<Answer>>>,
    troubles: Mutex<Vec<String>>,
    /// Questions whose kept answers are good for settled days only.
    anew: Mutex<BTreeSet<Query>>,
}

impl Answers {
    /// Creates an empty set of answers. `now` is the time of the run in seconds since
    /// 1970-01-01T00:00:00Z.
    pub fn new(source: Source, cache: Option<Cache>, now: Seconds) -> Answers {
        Answers {
            source,
            cache,
            now,
            given: Mutex::default(),
            troubles: Mutex::default(),
            anew: Mutex::default(),
        }
    }

    /// Answers a question.
    ///
    /// # Errors
    ///
    /// If it cannot be answered whole.
    pub async fn answer(&self, query: &Query) -> Result<Arc<Answer>, NoAnswer> {
        if let Some(answer) = lock(&self.given)
            .iter()
            .find(|given| given.request == *query)
        {
            return Ok(answer.clone());
        }
        let answer = match &self.source {
            Source::Saved(answers) => saved(answers, query)?,
            Source::Asked(explorer) => match &self.cache {
                Some(cache) => self.cached(cache, explorer, query).await?,
                None => explorer.ask(query, self.now).await?,
            },
        };
        let answer = Arc::new(answer);
        lock(&self.given).push(answer.clone());
        Ok(answer)
    }

    /// Tells whether a question can be answered without asking anybody who has no answer: what was saved is all
    /// there is.
    pub fn has(&self, query: &Query) -> bool {
        match &self.source {
            Source::Saved(answers) => saved(answers, query).is_ok(),
            Source::Asked(_) => true,
        }
    }

    /// The record types that are usage in all that was saved: saved questions name them all, also if some do not
    /// occur in the days or accounts that are looked at now.
    pub fn saved_usage(&self) -> Option<Vec<String>> {
        let Source::Saved(answers) = &self.source else {
            return None;
        };
        let mut reader = Reader::default();
        let by_charge = |answer: &&Answer| {
            let groups = &answer.request.group_by;
            groups.iter().any(|group| group.key == "RECORD_TYPE")
        };
        for answer in answers.iter().filter(by_charge) {
            // Whatever makes no sense is told where it is used.
            let _ = reader.charges(answer);
        }
        Some(reader.usage.into_iter().collect())
    }

    /// Tells whether answers are those that were saved, and cost nothing.
    pub fn are_saved(&self) -> bool {
        matches!(self.source, Source::Saved(_))
    }

    /// Asks for those days only that are not settled in the cache.
    async fn cached(
        &self,
        cache: &Cache,
        explorer: &CostExplorer,
        query: &Query,
    ) -> Result<Answer, NoAnswer> {
        let key = cache.key(query);
        let (known, version) = self.kept(cache, query).await;
        let max_age = match lock(&self.anew).contains(query) {
            true => 0,
            false => cache.max_age,
        };
        let left = known
            .as_ref()
            .map(|known| settled::left(query, known, self.now, max_age));
        let (answer, known) = match (left, known) {
            (Some(Left::Nothing), Some(known)) => {
                return Ok(settled::cut(&known, query.time_period));
            }
            (Some(Left::From(start)), Some(known)) => {
                let mut rest = query.clone();
                rest.time_period.start = start;
                (explorer.ask(&rest, self.now).await?, Some(known))
            }
            _ => (explorer.ask(query, self.now).await?, None),
        };
        let joined = match &known {
            Some(known) => settled::join(known, answer),
            None => answer,
        };
        if let Ok(bytes) = serde_json::to_vec(&joined) {
            // Whoever was quicker keeps what is as good.
            if let Err(error) = cache.place.store(&key, &bytes, version.as_ref()).await {
                self.trouble(&error);
            }
        }
        Ok(settled::cut(&joined, query.time_period))
    }

    /// The answer to a question that is kept, for whatever days, and the version of its place.
    async fn kept(&self, cache: &Cache, query: &Query) -> (Option<Answer>, Option<Version>) {
        let known = match cache.place.load(&cache.key(query)).await {
            Ok(known) => known,
            Err(error) => {
                self.trouble(&error);
                None
            }
        };
        let Some((bytes, version)) = known else {
            return (None, None);
        };
        // What was kept of another question, or cannot be read, is as good as nothing.
        let known = serde_json::from_slice::<Answer>(&bytes).ok();
        let known = known.filter(|known| same_but_days(&known.request, query));
        (known, Some(version))
    }

    /// Lets some questions be answered at the same time, if one of them has to be asked: figures of the last
    /// days grow from hour to hour, and what one is to be subtracted from the other must be as old.
    pub async fn together(&self, queries: &[Query]) {
        let Some(cache) = &self.cache else { return };
        for query in queries {
            let (known, _) = self.kept(cache, query).await;
            let left = known.map(|known| settled::left(query, &known, self.now, cache.max_age));
            if left != Some(Left::Nothing) {
                return lock(&self.anew).extend(queries.iter().cloned());
            }
        }
    }

    /// The cache is for saving money; nothing of the result depends on it.
    fn trouble(&self, error: &LedgerError) {
        lock(&self.troubles).push(format!("answers are not kept: {error}"));
    }

    /// What went wrong with keeping answers, once.
    pub fn troubles(&self) -> Vec<String> {
        lock(&self.troubles).first().cloned().into_iter().collect()
    }

    /// All answers that were given.
    pub fn given(&self) -> Vec<Arc<Answer>> {
        lock(&self.given).clone()
    }

    /// When the oldest answer was asked for.
    pub fn as_of(&self) -> Option<Seconds> {
        lock(&self.given).iter().map(|answer| answer.asked).min()
    }

    /// Requests that were sent, and those that are charged.
    pub fn requests(&self) -> (u64, u64) {
        match &self.source {
            Source::Asked(explorer) => (explorer.requests(), explorer.charged()),
            Source::Saved(_) => (0, 0),
        }
    }
}

/// Nothing is left half done by those who panic, since nothing here does.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Finds a saved answer to the same question about at least these days, or about the most of them that were
/// saved; or one about all accounts, of which it takes those that are meant.
fn saved(answers: &[Answer], query: &Query) -> Result<Answer, NoAnswer> {
    if let Some(best) = best(answers, query) {
        return Ok(settled::cut(best, query.time_period));
    }
    let nothing = || NoAnswer::NotSaved {
        about: about(query),
    };
    let (all, accounts) = query.without_accounts().ok_or_else(nothing)?;
    let is_account = |group: &Group| group.key == "LINKED_ACCOUNT";
    let place = query.group_by.iter().position(is_account);
    let (best, place) = best(answers, &all).zip(place).ok_or_else(nothing)?;
    let mut answer = settled::cut(best, query.time_period);
    answer.request = query.clone();
    let pages = answer.pages.iter_mut();
    for result in pages.flat_map(|page| &mut page.results_by_time) {
        let is_meant = |id: &String| accounts.contains(id);
        result
            .groups
            .retain(|group| group.keys.get(place).is_some_and(is_meant));
    }
    Ok(answer)
}

fn best<'a>(answers: &'a [Answer], query: &Query) -> Option<&'a Answer> {
    let TimePeriod { start, end } = query.time_period;
    let fits = answers.iter().filter(|answer| {
        let has = answer.request.time_period;
        same_but_days(&answer.request, query) && has.start <= start && has.end > start
    });
    fits.max_by_key(|answer| (answer.request.time_period.end.min(end), answer.asked))
}

/// What a question is about, in words.
fn about(query: &Query) -> String {
    let groups: Vec<&str> = query
        .group_by
        .iter()
        .map(|group| group.key.as_str())
        .collect();
    let TimePeriod { start, end } = query.time_period;
    format!(
        "costs by {} from {start} to before {end}",
        groups.join(" and ")
    )
}

fn same_but_days(one: &Query, other: &Query) -> bool {
    let days = other.time_period;
    Query {
        time_period: days,
        ..one.clone()
    } == *other
}

/// A name for a question that does not depend on its days.
fn shape(query: &Query) -> String {
    let day = jiff::civil::Date::ZERO;
    let time_period = TimePeriod {
        start: day,
        end: day,
    };
    let query = Query {
        time_period,
        ..query.clone()
    };
    query.fingerprint()
}
