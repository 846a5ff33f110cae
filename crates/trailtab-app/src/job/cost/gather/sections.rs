//! Reads what reports show beside their figures: further dimensions, the tags of budgets, and the months before.

use std::collections::BTreeMap;

use super::concurrent::{all, all_answers};
use super::{CostGathering, GatheredMonths};
use trailtab_core::cost::dimension::UsageDimension;
use trailtab_core::cost::forecast::AskedForecast;
use trailtab_core::cost::table::CostTable;
use trailtab_core::cost::tag_usage::TagUsage;
use trailtab_cost_explorer::forecast::ForecastScope;
use trailtab_cost_explorer::lines::{self, MonthLines};
use trailtab_cost_explorer::query::CostQuery;

impl CostGathering<'_> {
    /// Reads usage by the further dimensions.
    pub(super) async fn by(&mut self) -> Vec<(UsageDimension, CostTable)> {
        let mut by = Vec::new();
        if !self.reader.has_usage() {
            return by;
        }
        for dimension in &self.need.by {
            let query = self.need.dimension(&self.usage_types, *dimension);
            let answer = self.answers.answer(&query).await;
            match answer.and_then(|answer| Ok(lines::dimension_of(&answer)?)) {
                Ok(table) => by.push((*dimension, table)),
                Err(error) => {
                    let noun = dimension.noun();
                    let reason = format!("usage by {noun} could not be read: {error}");
                    self.left_out.push(reason);
                }
            }
        }
        by
    }

    /// Reads usage by the tags that budgets are about.
    pub(super) async fn budget_tags(&mut self) -> BTreeMap<String, TagUsage> {
        let need = self.need;
        if !self.reader.has_usage() {
            let keys = need.budget_tags.iter().cloned();
            return keys.map(|key| (key, TagUsage::NoUsage)).collect();
        }
        let query = |key: &String| (key.clone(), need.budget_tag(&self.usage_types, key));
        let queries = need.budget_tags.iter().map(query).collect();
        let answers = all_answers(self.answers, queries).await.into_iter();
        let usage = answers.map(|(key, answer)| {
            let table = answer.and_then(|answer| Ok(lines::tag_of(&answer, &key)?));
            let usage = match table {
                Ok(table) => TagUsage::Read {
                    days: need.time_period.days(),
                    table,
                },
                Err(error) => TagUsage::Unread {
                    reason: error.to_string(),
                },
            };
            (key, usage)
        });
        usage.collect()
    }

    /// Asks for the forecasts of AWS that reports show.
    pub(super) async fn forecasts(&mut self) -> BTreeMap<ForecastScope, AskedForecast> {
        let answers = self.answers;
        let ask = |query| {
            let answers = answers.clone();
            async move { answers.forecast(&query).await }
        };
        let queries = self.need.forecasts().collect();
        all(queries, ask).await.into_iter().collect()
    }

    /// Reads the months before, as far as reports show them.
    pub(super) async fn months(&mut self) -> GatheredMonths {
        let need = self.need;
        GatheredMonths {
            in_total: self.months_of(need.months_in_total()).await,
            by_account: self.months_of(need.months_by_account()).await,
        }
    }

    async fn months_of(&mut self, query: Option<CostQuery>) -> MonthLines {
        let Some(mut query) = query else {
            return MonthLines::default();
        };
        // Saved answers may have fewer months, or none.
        if let Some(from) = self.answers.saved_from(&query) {
            query.time_period.start = from;
        }
        if !self.answers.has(&query) {
            return MonthLines::default();
        }
        let answer = self.answers.answer(&query).await;
        let read = answer.and_then(|answer| Ok(lines::months_of(&answer)?));
        read.unwrap_or_else(|error| {
            let reason = format!("the months before could not be read: {error}");
            if !self.left_out.contains(&reason) {
                self.left_out.push(reason);
            }
            MonthLines::default()
        })
    }
}
