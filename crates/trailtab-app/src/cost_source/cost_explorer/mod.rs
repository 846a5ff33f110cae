//! Cost Explorer: whole answers, with as few paid requests as they take.
//!
//! All questions of a run share one [`CostExplorer`], which counts requests, keeps to the rate that AWS allows,
//! and sends none when the budget is used up.

mod convert;
mod failure;
mod limits;
#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::time::Duration;

use aws_sdk_costexplorer::Client;
use aws_sdk_costexplorer::operation::get_cost_and_usage::GetCostAndUsageOutput;
use rust_decimal::Decimal;
use tokio::time::{self, Instant};

pub use self::failure::AskError;
use self::failure::{PageError, RetryDecision};
pub use self::limits::RequestLimits;
use self::limits::{RequestBudget, RequestPace};
use crate::aws::Backoff;
use trailtab_core::cost::answer::{AnswerPage, CostAnswer};
use trailtab_core::cost::query::CostQuery;
use trailtab_core::time::Seconds;

/// What a request costs in US dollars, each page being one: <https://aws.amazon.com/aws-cost-management/pricing/>,
/// November 2026.
pub const PRICE: Decimal = Decimal::from_parts(1, 0, 0, false, 2);

/// Pages of one answer. Whatever has more does not end.
const MOST_PAGES: usize = 1000;

/// Requests for one page, those that failed included.
const TRIES: u32 = 8;

const LONGEST_WAIT: Duration = Duration::from_secs(20);

/// Asks Cost Explorer.
#[derive(Debug)]
pub struct CostExplorer {
    client: Client,
    limits: RequestLimits,
    budget: RequestBudget,
    pace: RequestPace,
}

impl CostExplorer {
    /// Asks with this client, which must not repeat anything by itself.
    pub fn new(client: Client, limits: RequestLimits) -> CostExplorer {
        CostExplorer {
            client,
            budget: RequestBudget::new(limits.max_requests),
            pace: RequestPace::new(limits.per_second),
            limits,
        }
    }

    /// Requests that were sent.
    pub fn requests(&self) -> u64 {
        self.budget.sent()
    }

    /// Requests that AWS charges for: those that succeeded, and those of which nobody knows.
    pub fn charged(&self) -> u64 {
        self.budget.charged()
    }

    /// Asks a question, and follows its pages to the last one. Many may be asked at the same time.
    ///
    /// # Errors
    ///
    /// If any page cannot be had. There is no such thing as part of an answer: it would look as if less had been
    /// spent.
    pub async fn ask(&self, query: &CostQuery, now: Seconds) -> Result<CostAnswer, AskError> {
        let began = Instant::now();
        let pages = match self.pages(query).await {
            // What a token leads to may be gone; the question itself is as good as before.
            Err(failure) if failure.kind == RetryDecision::TokenLost => self.pages(query).await,
            pages => pages,
        };
        let (pages, asked) = pages.map_err(|failure| failure.error)?;
        let passed = Seconds::try_from(asked.duration_since(began).as_secs());
        Ok(CostAnswer {
            request: query.clone(),
            asked: now.saturating_add(passed.unwrap_or(Seconds::MAX)),
            pages,
        })
    }

    /// All pages, and when the last one was asked for.
    async fn pages(&self, query: &CostQuery) -> Result<(Vec<AnswerPage>, Instant), PageError> {
        let mut pages = Vec::new();
        let mut tokens = HashSet::new();
        let mut token = None;
        while pages.len() < MOST_PAGES {
            let asked = Instant::now();
            let output = self.page(query, token.take()).await?;
            let mut page = convert::page(&output, query).map_err(PageError::unreadable)?;
            page.next_page_token.take_if(|token| token.is_empty());
            let next = page.next_page_token.clone();
            pages.push(page);
            let Some(next) = next else {
                return Ok((pages, asked));
            };
            if !tokens.insert(next.clone()) {
                return Err(PageError::unreadable("a page that leads back to itself"));
            }
            token = Some(next);
        }
        Err(PageError::unreadable("an answer without an end"))
    }

    /// One page, asked for again and again until it comes, or until it is certain that it will not, or until
    /// that takes too long.
    async fn page(
        &self,
        query: &CostQuery,
        token: Option<String>,
    ) -> Result<GetCostAndUsageOutput, PageError> {
        let deadline = Instant::now() + self.limits.patience;
        let mut backoff = Backoff::new(self.limits.first_wait, LONGEST_WAIT);
        let mut tries = 0;
        let mut is_taken = false;
        loop {
            if !is_taken && !self.budget.take() {
                return Err(PageError::over_budget(self.limits.max_requests));
            }
            self.pace.wait().await;
            self.budget.send();
            tries += 1;
            let failure = match self.send(query, token.clone()).await {
                Ok(output) => return Ok(output),
                Err(failure) => failure.after(tries),
            };
            let next = Instant::now() + backoff.next_wait();
            if failure.kind == RetryDecision::Throttled {
                self.pace.hold(next);
            }
            let passes = matches!(
                failure.kind,
                RetryDecision::Throttled | RetryDecision::Passing
            );
            let goes_on = passes && tries < TRIES && next < deadline;
            // What was not charged pays for the next try.
            is_taken = !failure.is_charged;
            if !goes_on {
                if is_taken {
                    self.budget.give_back();
                }
                return Err(failure);
            }
            time::sleep_until(next).await;
        }
    }

    /// Sends one request.
    async fn send(
        &self,
        query: &CostQuery,
        token: Option<String>,
    ) -> Result<GetCostAndUsageOutput, PageError> {
        let request = convert::request(self.client.get_cost_and_usage(), query);
        let request = request.map_err(|error| PageError::invalid(&error))?;
        let answer = request.set_next_page_token(token).send().await;
        answer.map_err(|error| PageError::of(&error))
    }
}
