//! How many pages answers had. Cost Explorer charges for each page, and how much a page holds is not documented, so
//! that the price of a run can only be told from the run before.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use trailtab_cost_explorer::answer::CostAnswer;
use trailtab_cost_explorer::plan::{PlanStep, QueryKind, ReportNeeds};

/// The pages of all queries of one kind in a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
struct PageCount {
    queries: u64,
    pages: u64,
    /// The days of each query, added up.
    days: u64,
}

impl PageCount {
    /// The pages that so many queries of so many days will have.
    fn of(self, queries: u64, days: u64) -> u64 {
        // Pages that were not full tell nothing about more days.
        if self.pages <= self.queries || self.days == 0 {
            return queries;
        }
        let pages = u128::from(queries).saturating_mul(u128::from(self.pages));
        let pages = pages.saturating_mul(u128::from(days));
        let pages = pages.div_ceil(u128::from(self.days));
        u64::try_from(pages).unwrap_or(u64::MAX).max(queries)
    }
}

/// The pages of the last run's queries, by their kind.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PageHistory(BTreeMap<QueryKind, PageCount>);

/// The expected requests of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExpectedRequests {
    /// All requests, as far as pages are known.
    pub total: u64,
    /// The requests of each step.
    pub steps: Vec<(PlanStep, u64)>,
    /// Whether pages of an earlier run are counted.
    pub counts_pages: bool,
}

impl PageHistory {
    /// Adds an answer of this run.
    pub(super) fn add(&mut self, answer: &CostAnswer) {
        let count = self.0.entry(QueryKind::of(&answer.request)).or_default();
        let number = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
        count.queries += 1;
        count.pages += number(answer.pages.len());
        count.days += number(answer.request.time_period.days().len());
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Replaces the counts of all kinds that another run has.
    pub(super) fn replace(&mut self, newer: &PageHistory) {
        self.0.extend(&newer.0);
    }

    /// The most requests that some reports take, with as many pages as last time.
    pub fn expected(&self, need: &ReportNeeds, accounts: Option<usize>) -> ExpectedRequests {
        let days = u64::try_from(need.time_period.days().len()).unwrap_or(u64::MAX);
        let pages = |step: &PlanStep| {
            let queries = u64::try_from(step.requests).unwrap_or(u64::MAX);
            let of = |kind: &QueryKind| self.0.get(kind);
            match step.kind {
                Some(kind) => of(&kind).map_or(queries, |count| count.of(queries, days)),
                // Which way it will be is not known, so that it may be either of last time's.
                None => {
                    let ways: [&[QueryKind]; 2] = [
                        &[QueryKind::Crossed],
                        &[QueryKind::Owners, QueryKind::Services, QueryKind::Person],
                    ];
                    let pages = |way: &[QueryKind]| {
                        let counts = way.iter().filter_map(of);
                        let pages = counts.map(|count| count.of(count.queries, days));
                        pages.fold(0, u64::saturating_add)
                    };
                    ways.into_iter().map(pages).fold(queries, u64::max)
                }
            }
        };
        let steps = need.steps(accounts).into_iter();
        let steps: Vec<(PlanStep, u64)> = steps.map(|step| (step, pages(&step))).collect();
        ExpectedRequests {
            total: steps
                .iter()
                .fold(0, |sum, (_, pages)| sum.saturating_add(*pages)),
            steps,
            counts_pages: !self.0.is_empty(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_grow_with_days_once_they_are_full() {
        let of = |queries, pages, days| PageCount {
            queries,
            pages,
            days,
        };
        assert_eq!(of(1, 1, 21).of(1, 51), 1);
        assert_eq!(of(1, 40, 20).of(1, 40), 80);
        assert_eq!(of(3, 4, 60).of(1, 20), 2);
        assert_eq!(of(2, 40, 40).of(1, 10), 10);
        assert_eq!(of(2, 3, 0).of(5, 10), 5);
        assert_eq!(of(1, u64::MAX, 1).of(u64::MAX, u64::MAX), u64::MAX);
    }
}
