//! Answers requests for forecasts: from this run, saved answers, the cache, and only then from Cost Explorer itself.

use std::sync::Arc;

use super::{AnswerCache, AnswerSource, NoAnswer, RunAnswers, lock};
use crate::cost_source::cost_explorer::{AskError, CostExplorer};
use crate::deliver::ledger::ObjectVersion;
use trailtab_core::cost::forecast::AskedForecast;
use trailtab_cost_explorer::forecast::{self, ForecastAnswer, ForecastQuery};

impl AnswerCache {
    /// The place of the newest answer to a request: each day's replaces the one before.
    fn forecast_key(&self, query: &ForecastQuery) -> String {
        let shape = query.fingerprint_without_days();
        format!("cost/forecasts/{}/{shape}.json", self.account)
    }
}

impl RunAnswers {
    /// Answers a request for a forecast, or tells why there is no answer.
    pub async fn forecast(&self, query: &ForecastQuery) -> AskedForecast {
        let answer = self.forecast_answer(query).await;
        match answer.and_then(|answer| Ok(forecast::read(&answer)?)) {
            Ok(figures) => AskedForecast::Answered(figures),
            Err(NoAnswer::Ask(AskError::TooLittleHistory(_))) => AskedForecast::TooLittleHistory,
            Err(error) => AskedForecast::Unread {
                reason: error.to_string(),
            },
        }
    }

    async fn forecast_answer(
        &self,
        query: &ForecastQuery,
    ) -> Result<Arc<ForecastAnswer>, NoAnswer> {
        let mut given = lock(&self.given_forecasts).clone().into_iter();
        if let Some(answer) = given.find(|given| given.request == *query) {
            return Ok(answer);
        }
        let answer = match &self.source {
            AnswerSource::Saved(saved) => {
                let fitting = saved.forecasts.iter();
                let fitting = fitting.filter(|saved| query.is_answered_by(&saved.request));
                let newest = fitting.max_by_key(|saved| saved.asked).cloned();
                newest.ok_or_else(|| NoAnswer::NotSaved {
                    about: "forecast of AWS".to_owned(),
                })?
            }
            AnswerSource::Asked(explorer) => Arc::new(match &self.cache {
                Some(cache) => self.cached_forecast(cache, explorer, query).await?,
                None => explorer.forecast(query, self.now).await?,
            }),
        };
        lock(&self.given_forecasts).push(answer.clone());
        Ok(answer)
    }

    /// All forecasts given so far.
    pub fn given_forecasts(&self) -> Vec<Arc<ForecastAnswer>> {
        lock(&self.given_forecasts).clone()
    }

    async fn cached_forecast(
        &self,
        cache: &AnswerCache,
        explorer: &CostExplorer,
        query: &ForecastQuery,
    ) -> Result<ForecastAnswer, NoAnswer> {
        let (known, version) = self.kept_forecast(cache, query).await;
        let is_young = |known: &ForecastAnswer| {
            (0..cache.max_age).contains(&self.now.saturating_sub(known.asked))
        };
        if let Some(known) = known.filter(|known| known.request == *query && is_young(known)) {
            return Ok(known);
        }
        let answer = explorer.forecast(query, self.now).await?;
        if let Ok(bytes) = serde_json::to_vec(&answer) {
            let key = cache.forecast_key(query);
            if let Err(error) = cache.place.store(&key, &bytes, version.as_ref()).await {
                self.trouble(&error);
            }
        }
        Ok(answer)
    }

    /// The cached forecast of any day, and the version of its object.
    async fn kept_forecast(
        &self,
        cache: &AnswerCache,
        query: &ForecastQuery,
    ) -> (Option<ForecastAnswer>, Option<ObjectVersion>) {
        match cache.place.load(&cache.forecast_key(query)).await {
            Ok(Some((bytes, version))) => (serde_json::from_slice(&bytes).ok(), Some(version)),
            Ok(None) => (None, None),
            Err(error) => {
                self.trouble(&error);
                (None, None)
            }
        }
    }
}
