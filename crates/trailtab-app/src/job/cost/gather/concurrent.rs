//! Asks Cost Explorer several questions at once.

use std::sync::Arc;

use tokio::task::JoinSet;

use super::super::answers::{NoAnswer, RunAnswers};
use trailtab_cost_explorer::answer::CostAnswer;
use trailtab_cost_explorer::query::CostQuery;

/// Concurrent queries to Cost Explorer.
const MAX_CONCURRENT_QUERIES: usize = 8;

/// Asks concurrently. Each answer comes with what its query is about, in the order of the queries.
pub(super) async fn all<T, Q, A>(queries: Vec<(T, Q)>, ask: impl Fn(Q) -> A) -> Vec<(T, A::Output)>
where
    T: Send + 'static,
    A: Future<Output: Send> + Send + 'static,
{
    let mut given = Vec::new();
    let mut waiting = JoinSet::new();
    let mut queries = queries.into_iter().enumerate();
    loop {
        while waiting.len() < MAX_CONCURRENT_QUERIES
            && let Some((place, (about, query))) = queries.next()
        {
            let answer = ask(query);
            waiting.spawn(async move { (place, about, answer.await) });
        }
        match waiting.join_next().await {
            None => break,
            Some(Ok(answer)) => given.push(answer),
            // Only a runtime that ends cancels a task.
            Some(Err(error)) => {
                if let Ok(panic) = error.try_into_panic() {
                    std::panic::resume_unwind(panic);
                }
            }
        }
    }
    given.sort_by_key(|(place, ..)| *place);
    let given = given.into_iter();
    given.map(|(_, about, answer)| (about, answer)).collect()
}

/// Answers queries concurrently, as [`all`].
pub(super) async fn all_answers<T: Send + 'static>(
    answers: &Arc<RunAnswers>,
    queries: Vec<(T, CostQuery)>,
) -> Vec<(T, Result<Arc<CostAnswer>, NoAnswer>)> {
    let ask = |query| {
        let answers = answers.clone();
        async move { answers.answer(&query).await }
    };
    all(queries, ask).await
}
