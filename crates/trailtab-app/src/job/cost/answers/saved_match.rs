//! Finds the saved answer to a query.

use std::sync::Arc;

use trailtab_cost_explorer::answer::CostAnswer;
use trailtab_cost_explorer::query::{CostQuery, GroupKey, TimePeriod};
use trailtab_cost_explorer::settled;

/// A saved answer that contains the answer to a query.
pub(super) struct SavedMatch<'a> {
    pub(super) saved: &'a Arc<CostAnswer>,
    /// The accounts of the query and the place of their key in each group, if the saved answer is
    /// about all accounts.
    accounts: Option<(Vec<String>, usize)>,
}

impl SavedMatch<'_> {
    /// Finds the saved answer to a query that starts no later and covers most of its days; or else
    /// one about all accounts, which contains the query's accounts.
    pub(super) fn find<'a>(
        answers: &'a [Arc<CostAnswer>],
        query: &CostQuery,
    ) -> Option<SavedMatch<'a>> {
        if let Some(saved) = best(answers, query) {
            let accounts = None;
            return Some(SavedMatch { saved, accounts });
        }
        let (all, accounts) = query.without_accounts()?;
        let is_account = |group: &GroupKey| group.key == "LINKED_ACCOUNT";
        let place = query.group_by.iter().position(is_account)?;
        Some(SavedMatch {
            saved: best(answers, &all)?,
            accounts: Some((accounts, place)),
        })
    }

    /// The answer to the query, which is not copied if it was saved in this form.
    pub(super) fn answer(self, query: &CostQuery) -> Arc<CostAnswer> {
        if self.saved.request == *query {
            return self.saved.clone();
        }
        let mut answer = settled::cut(CostAnswer::clone(self.saved), query.time_period);
        if let Some((accounts, place)) = self.accounts {
            answer.request = query.clone();
            let pages = answer.pages.iter_mut();
            for result in pages.flat_map(|page| &mut page.results_by_time) {
                let is_meant = |id: &String| accounts.contains(id);
                result
                    .groups
                    .retain(|group| group.keys.get(place).is_some_and(is_meant));
            }
        }
        Arc::new(answer)
    }
}

fn best<'a>(answers: &'a [Arc<CostAnswer>], query: &CostQuery) -> Option<&'a Arc<CostAnswer>> {
    let TimePeriod { start, end } = query.time_period;
    let fits = answers.iter().filter(|answer| {
        let has = answer.request.time_period;
        same_but_days(&answer.request, query) && has.start <= start && has.end > start
    });
    fits.max_by_key(|answer| (answer.request.time_period.end.min(end), answer.asked))
}

/// Whether two requests are the same apart from their days.
pub(super) fn same_but_days(one: &CostQuery, other: &CostQuery) -> bool {
    let days = other.time_period;
    CostQuery {
        time_period: days,
        ..one.clone()
    } == *other
}
