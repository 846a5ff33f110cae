//! Queries Cost Explorer for complete answers, with as few paid requests as possible.
//!
//! All queries of a run share one [`CostExplorer`], which counts requests, limits their rate, and
//! sends none beyond the budget.

mod convert;
mod failure;
mod limits;
mod request;
#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::time::Duration;

use aws_sdk_costexplorer::Client;
use rust_decimal::Decimal;
use tokio::time::{self, Instant};

pub use self::failure::{AskError, AskedAction};
use self::failure::{PageError, RetryDecision};
pub use self::limits::RequestLimits;
use self::limits::{RequestBudget, RequestPace};
use self::request::{PageRequest, PaidRequest};
use crate::aws::Backoff;
use trailtab_core::time::Seconds;
use trailtab_cost_explorer::answer::{AnswerPage, CostAnswer};
use trailtab_cost_explorer::forecast::{ForecastAnswer, ForecastQuery};
use trailtab_cost_explorer::query::CostQuery;

/// Price of a request in US dollars; each page is a request:
/// <https://aws.amazon.com/aws-cost-management/pricing/>, November 2026.
pub const PRICE: Decimal = Decimal::from_parts(1, 0, 0, false, 2);

/// Maximum pages of one answer, in case the pagination never ends.
const MAX_PAGES: usize = 1000;

/// Maximum requests for one page, including failed ones.
const MAX_ATTEMPTS: u32 = 8;

const MAX_WAIT: Duration = Duration::from_secs(20);

/// A Cost Explorer client with a request budget and a rate limit.
#[derive(Debug)]
pub struct CostExplorer {
    client: Client,
    limits: RequestLimits,
    budget: RequestBudget,
    pace: RequestPace,
}

impl CostExplorer {
    /// Queries with this client, which must not retry by itself.
    pub fn new(client: Client, limits: RequestLimits) -> CostExplorer {
        CostExplorer {
            client,
            budget: RequestBudget::new(limits.max_requests),
            pace: RequestPace::new(limits.per_second),
            limits,
        }
    }

    /// Requests sent.
    pub fn requests(&self) -> u64 {
        self.budget.sent()
    }

    /// Requests that AWS charges for: successful ones, and those whose outcome is unknown.
    pub fn charged(&self) -> u64 {
        self.budget.charged()
    }

    /// Runs a query and reads all its pages. Queries may run concurrently.
    ///
    /// # Errors
    ///
    /// Fails if any page fails. Partial answers are never returned: they would show lower costs.
    pub async fn ask(&self, query: &CostQuery, now: Seconds) -> Result<CostAnswer, AskError> {
        let began = Instant::now();
        let pages = match self.pages(query).await {
            // The token may have expired; run the query again from the start.
            Err(failure) if failure.kind == RetryDecision::TokenLost => self.pages(query).await,
            pages => pages,
        };
        let (pages, asked) = pages.map_err(|failure| failure.error)?;
        Ok(CostAnswer {
            request: query.clone(),
            asked: passed_since(began, asked, now),
            pages,
        })
    }

    /// Asks for a forecast, which has one page.
    ///
    /// # Errors
    ///
    /// Fails if the request fails, or if its answer lacks an amount.
    pub async fn forecast(
        &self,
        query: &ForecastQuery,
        now: Seconds,
    ) -> Result<ForecastAnswer, AskError> {
        let began = Instant::now();
        let output = self.retried(query).await;
        let output = output.map_err(|failure| failure.error)?;
        Ok(ForecastAnswer {
            request: query.clone(),
            asked: passed_since(began, Instant::now(), now),
            forecast: convert::forecast(&output).map_err(AskError::Unreadable)?,
        })
    }

    /// All pages, and the time of the last request.
    async fn pages(&self, query: &CostQuery) -> Result<(Vec<AnswerPage>, Instant), PageError> {
        let mut pages = Vec::new();
        let mut tokens = HashSet::new();
        let mut token = None;
        while pages.len() < MAX_PAGES {
            let asked = Instant::now();
            let request = PageRequest {
                query,
                token: token.take(),
            };
            let output = self.retried(&request).await?;
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

    /// Sends a request until its answer arrives, it fails permanently, or it exceeds the time limit.
    async fn retried<R: PaidRequest>(&self, request: &R) -> Result<R::Output, PageError> {
        let deadline = Instant::now() + self.limits.page_timeout;
        let mut backoff = Backoff::new(self.limits.first_wait, MAX_WAIT);
        let mut tries = 0;
        let mut is_taken = false;
        loop {
            if !is_taken && !self.budget.take() {
                return Err(PageError::over_budget(self.limits.max_requests));
            }
            self.pace.wait().await;
            self.budget.send();
            tries += 1;
            let failure = match request.send(&self.client).await {
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
            let goes_on = passes && tries < MAX_ATTEMPTS && next < deadline;
            // The budget of a request that was not charged is used for the retry.
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
}

/// The time of an instant, by the time of the run at another one.
fn passed_since(began: Instant, asked: Instant, now: Seconds) -> Seconds {
    let passed = Seconds::try_from(asked.duration_since(began).as_secs());
    now.saturating_add(passed.unwrap_or(Seconds::MAX))
}
