//! Answers queries from the cheapest source: this run, saved answers, the cache, and only then Cost
//! Explorer itself.

mod forecasts;
mod saved_match;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use self::saved_match::{SavedMatch, same_but_days};
use super::pages::PageHistory;
use crate::cost_source::cost_explorer::{AskError, CostExplorer};
use crate::deliver::ledger::{LedgerError, ObjectVersion, SendLedger};
use jiff::civil::Date;
use trailtab_core::time::Seconds;
use trailtab_cost_explorer::answer::CostAnswer;
use trailtab_cost_explorer::forecast::{ForecastAnswer, ForecastFault};
use trailtab_cost_explorer::lines::{AnswerError, LineReader};
use trailtab_cost_explorer::plain::PlainCut;
use trailtab_cost_explorer::plan::QueryKind;
use trailtab_cost_explorer::query::{CostQuery, TimePeriod};
use trailtab_cost_explorer::settled::{self, RemainingQuestion};

/// Seconds for which an answer is valid for all its days. Cost Explorer updates its figures about
/// once a day.
pub const MAX_AGE: Seconds = 6 * 3600;

/// The source of answers.
#[derive(Debug)]
pub enum AnswerSource {
    /// Cost Explorer, which charges for each page.
    Asked(Box<CostExplorer>),
    /// Answers saved by an earlier run, or printed by others.
    Saved(SavedSource),
}

/// Saved answers.
#[derive(Debug, Default)]
pub struct SavedSource {
    /// With their requests.
    pub answers: Vec<Arc<CostAnswer>>,
    /// Forecasts, with their requests.
    pub forecasts: Vec<Arc<ForecastAnswer>>,
    /// Without, one for each grouping.
    pub cuts: Vec<PlainCut>,
    /// Files that cannot be used.
    pub problems: Vec<String>,
}

impl AnswerSource {
    /// Answers saved by an earlier run.
    pub fn saved(answers: Vec<CostAnswer>) -> AnswerSource {
        AnswerSource::Saved(SavedSource {
            answers: answers.into_iter().map(Arc::new).collect(),
            ..SavedSource::default()
        })
    }
}

/// The cache of answers, shared between runs.
#[derive(Debug)]
pub struct AnswerCache {
    /// The ledger that holds the answers.
    pub place: SendLedger,
    /// The account that queries. Answers differ between accounts.
    pub account: String,
    /// Seconds for which an answer is valid for all its days.
    pub max_age: Seconds,
}

impl AnswerCache {
    fn key(&self, query: &CostQuery) -> String {
        format!("cost/answers/{}/{}.json", self.account, shape(query))
    }

    fn pages_key(&self) -> String {
        format!("cost/pages/{}.json", self.account)
    }

    /// The pages of earlier answers.
    pub async fn pages(&self) -> PageHistory {
        self.page_history().await.0
    }

    /// The pages of earlier answers, and the version of their object. What cannot be read is not known.
    async fn page_history(&self) -> (PageHistory, Option<ObjectVersion>) {
        match self.place.load(&self.pages_key()).await {
            Ok(Some((bytes, version))) => {
                let history = serde_json::from_slice(&bytes);
                (history.unwrap_or_default(), Some(version))
            }
            Ok(None) | Err(_) => (PageHistory::default(), None),
        }
    }
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum NoAnswer {
    /// The request to Cost Explorer failed.
    #[error(transparent)]
    Ask(#[from] AskError),
    /// The answer is invalid.
    #[error(transparent)]
    Answer(#[from] AnswerError),
    /// The forecast is invalid.
    #[error(transparent)]
    Forecast(#[from] ForecastFault),
    /// No saved answer has the metric.
    #[error("{reasons}")]
    NoMetric {
        /// Which metrics each file has.
        reasons: String,
    },
    /// No saved answer matches the query.
    #[error(
        "no saved answer has the {about}: save again with --save, with the same settings and period"
    )]
    NotSaved {
        /// Describes the query in the message.
        about: String,
    },
}

/// All answers of a run.
#[derive(Debug)]
pub struct RunAnswers {
    source: AnswerSource,
    cache: Option<AnswerCache>,
    now: Seconds,
    given: Mutex<Vec<Arc<CostAnswer>>>,
    given_forecasts: Mutex<Vec<Arc<ForecastAnswer>>>,
    troubles: Mutex<Vec<String>>,
    /// Queries whose cached answers are valid for settled days only.
    refresh: Mutex<BTreeSet<CostQuery>>,
    /// The pages of this run's answers.
    pages: Mutex<PageHistory>,
}

impl RunAnswers {
    /// Creates an empty set of answers. `now` is the time of the run in seconds since
    /// 1970-01-01T00:00:00Z.
    pub fn new(source: AnswerSource, cache: Option<AnswerCache>, now: Seconds) -> RunAnswers {
        RunAnswers {
            source,
            cache,
            now,
            given: Mutex::default(),
            given_forecasts: Mutex::default(),
            troubles: Mutex::default(),
            refresh: Mutex::default(),
            pages: Mutex::default(),
        }
    }

    /// Answers a query.
    ///
    /// # Errors
    ///
    /// Fails if the query cannot be answered completely.
    pub async fn answer(&self, query: &CostQuery) -> Result<Arc<CostAnswer>, NoAnswer> {
        if let Some(answer) = lock(&self.given)
            .iter()
            .find(|given| given.request == *query)
        {
            return Ok(answer.clone());
        }
        let answer = match &self.source {
            AnswerSource::Saved(saved) => {
                let found = SavedMatch::find(&saved.answers, query);
                let missing = || NoAnswer::NotSaved {
                    about: about(query),
                };
                found.ok_or_else(missing)?.answer(query)
            }
            AnswerSource::Asked(explorer) => Arc::new(match &self.cache {
                Some(cache) => self.cached(cache, explorer, query).await?,
                None => self.ask(explorer, query).await?,
            }),
        };
        lock(&self.given).push(answer.clone());
        Ok(answer)
    }

    /// Tells whether a query can be answered: always from Cost Explorer, and otherwise only if a
    /// saved answer matches.
    pub fn has(&self, query: &CostQuery) -> bool {
        match &self.source {
            AnswerSource::Saved(saved) => SavedMatch::find(&saved.answers, query).is_some(),
            AnswerSource::Asked(_) => true,
        }
    }

    /// The usage record types in all saved answers. Saved queries list them all, even those absent
    /// from the days or accounts of this run.
    pub fn saved_usage(&self) -> Option<Vec<String>> {
        let answers = &self.saved()?.answers;
        let mut reader = LineReader::default();
        // Months before may have record types that the queries for usage do not list.
        let by_charge = |answer: &&Arc<CostAnswer>| {
            let kind = QueryKind::of(&answer.request);
            matches!(kind, QueryKind::Charges | QueryKind::Control)
        };
        for answer in answers.iter().filter(by_charge) {
            // Invalid answers are reported where they are used.
            let _ = reader.charges(answer);
        }
        Some(reader.usage.into_iter().collect())
    }

    fn saved(&self) -> Option<&SavedSource> {
        match &self.source {
            AnswerSource::Saved(saved) => Some(saved),
            AnswerSource::Asked(_) => None,
        }
    }

    /// The cache of answers, if there is one.
    pub fn cache(&self) -> Option<&AnswerCache> {
        self.cache.as_ref()
    }

    /// Tells whether answers are saved ones, which cost nothing.
    pub fn are_saved(&self) -> bool {
        self.saved().is_some()
    }

    /// Files of saved answers that cannot be used.
    pub fn saved_problems(&self) -> &[String] {
        self.saved().map_or(&[], |saved| &saved.problems)
    }

    /// Tells whether reports must be made of single cuts: saved answers do not have the one that all others are
    /// balanced to, or some have no request.
    pub fn are_cuts(&self, charges: &CostQuery) -> bool {
        let is_cut = |answer: &Arc<CostAnswer>| PlainCut::of_saved(answer).is_some();
        let lacks = |saved: &SavedSource| {
            SavedMatch::find(&saved.answers, charges).is_none() && saved.answers.iter().any(is_cut)
        };
        self.saved()
            .is_some_and(|saved| !saved.cuts.is_empty() || lacks(saved))
    }

    /// All saved answers as cuts, those with a request included if their filter is no obstacle.
    pub fn cuts(&self) -> Vec<PlainCut> {
        let Some(saved) = self.saved() else {
            return Vec::new();
        };
        let with_request = saved.answers.iter();
        let with_request = with_request.filter_map(|answer| PlainCut::of_saved(answer));
        saved.cuts.iter().cloned().chain(with_request).collect()
    }

    /// The last day that saved answers to a query have.
    pub fn saved_through(&self, query: &CostQuery) -> Option<Date> {
        let found = SavedMatch::find(&self.saved()?.answers, query)?;
        Some(found.saved.request.time_period.days().through)
    }

    /// The first day that saved answers to a query have, if they have any after its first day.
    pub fn saved_from(&self, query: &CostQuery) -> Option<Date> {
        let saved = self.saved()?;
        if SavedMatch::find(&saved.answers, query).is_some() {
            return None;
        }
        let starts = saved.answers.iter();
        let starts: BTreeSet<Date> = starts
            .map(|answer| answer.request.time_period.start)
            .collect();
        let within = starts.range(query.time_period.start..query.time_period.end);
        within.copied().find(|start| {
            let mut later = query.clone();
            later.time_period.start = *start;
            SavedMatch::find(&saved.answers, &later).is_some()
        })
    }

    /// Asks Cost Explorer itself, and counts the pages.
    async fn ask(
        &self,
        explorer: &CostExplorer,
        query: &CostQuery,
    ) -> Result<CostAnswer, NoAnswer> {
        let answer = explorer.ask(query, self.now).await?;
        lock(&self.pages).add(&answer);
        Ok(answer)
    }

    /// The pages that the answers of earlier runs had.
    pub async fn page_history(&self) -> PageHistory {
        let Some(cache) = &self.cache else {
            return PageHistory::default();
        };
        cache.pages().await
    }

    /// Keeps the numbers of pages of this run for the next one.
    pub async fn keep_page_history(&self) {
        let newer = lock(&self.pages).clone();
        let Some(cache) = self.cache.as_ref().filter(|_| !newer.is_empty()) else {
            return;
        };
        let (mut history, version) = cache.page_history().await;
        history.replace(&newer);
        // Serializing numbers cannot fail.
        let bytes = serde_json::to_vec(&history).unwrap_or_default();
        let key = cache.pages_key();
        if let Err(error) = cache.place.store(&key, &bytes, version.as_ref()).await {
            self.trouble(&error);
        }
    }

    /// Answers from the cache, and requests only the days that are not settled there.
    async fn cached(
        &self,
        cache: &AnswerCache,
        explorer: &CostExplorer,
        query: &CostQuery,
    ) -> Result<CostAnswer, NoAnswer> {
        let key = cache.key(query);
        let (known, version) = self.kept(cache, query).await;
        let max_age = match lock(&self.refresh).contains(query) {
            true => 0,
            false => cache.max_age,
        };
        let left = known
            .as_ref()
            .map(|known| settled::left(query, known, self.now, max_age));
        let (answer, known) = match (left, known) {
            (Some(RemainingQuestion::Nothing), Some(known)) => {
                return Ok(settled::cut(known, query.time_period));
            }
            (Some(RemainingQuestion::From(start)), Some(known)) => {
                let mut rest = query.clone();
                rest.time_period.start = start;
                (self.ask(explorer, &rest).await?, Some(known))
            }
            _ => (self.ask(explorer, query).await?, None),
        };
        let joined = match known {
            Some(known) => settled::join(known, answer),
            None => answer,
        };
        if let Ok(bytes) = serde_json::to_vec(&joined) {
            // If another run stored an answer first, that one is kept; it is just as good.
            if let Err(error) = cache.place.store(&key, &bytes, version.as_ref()).await {
                self.trouble(&error);
            }
        }
        Ok(settled::cut(joined, query.time_period))
    }

    /// The cached answer to a query, for any days, and the version of its object.
    async fn kept(
        &self,
        cache: &AnswerCache,
        query: &CostQuery,
    ) -> (Option<CostAnswer>, Option<ObjectVersion>) {
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
        // Ignores answers to other queries and unparsable ones.
        let known = serde_json::from_slice::<CostAnswer>(&bytes).ok();
        let known = known.filter(|known| same_but_days(&known.request, query));
        (known, Some(version))
    }

    /// Makes the queries be answered at the same time if any of them must be requested: the figures
    /// of the last days grow hourly, so answers that are subtracted from each other must have the
    /// same age.
    pub async fn together(&self, queries: &[&CostQuery]) {
        let Some(cache) = &self.cache else { return };
        for &query in queries {
            let (known, _) = self.kept(cache, query).await;
            let left = known.map(|known| settled::left(query, &known, self.now, cache.max_age));
            if left != Some(RemainingQuestion::Nothing) {
                return lock(&self.refresh).extend(queries.iter().map(|&query| query.clone()));
            }
        }
    }

    /// Records a cache failure. The cache only saves money; results never depend on it.
    pub(super) fn trouble(&self, error: &LedgerError) {
        lock(&self.troubles).push(format!("answers are not kept: {error}"));
    }

    /// The first cache failure, if any.
    pub fn troubles(&self) -> Vec<String> {
        lock(&self.troubles).first().cloned().into_iter().collect()
    }

    /// All answers given so far.
    pub fn given(&self) -> Vec<Arc<CostAnswer>> {
        lock(&self.given).clone()
    }

    /// When the oldest answer about days was requested. Months that are final are kept for long, and do not grow old.
    pub fn as_of(&self) -> Option<Seconds> {
        let given = lock(&self.given);
        let is_by_day =
            |answer: &&Arc<CostAnswer>| QueryKind::of(&answer.request) != QueryKind::Months;
        given.iter().filter(is_by_day).map(|it| it.asked).min()
    }

    /// Requests sent, and requests charged.
    pub fn requests(&self) -> (u64, u64) {
        match &self.source {
            AnswerSource::Asked(explorer) => (explorer.requests(), explorer.charged()),
            AnswerSource::Saved(_) => (0, 0),
        }
    }
}

/// Locks a mutex, ignoring poisoning: no update here can be half done.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Describes a query for messages.
fn about(query: &CostQuery) -> String {
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

/// A key for a query that is independent of its days.
fn shape(query: &CostQuery) -> String {
    let day = Date::ZERO;
    let time_period = TimePeriod {
        start: day,
        end: day,
    };
    let query = CostQuery {
        time_period,
        ..query.clone()
    };
    query.fingerprint()
}
