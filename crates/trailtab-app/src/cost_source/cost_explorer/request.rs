//! The requests that are charged for.

use aws_sdk_costexplorer::Client;
use aws_sdk_costexplorer::operation::get_cost_and_usage::GetCostAndUsageOutput;
use aws_sdk_costexplorer::operation::get_cost_forecast::GetCostForecastOutput;

use super::convert;
use super::failure::{AskedAction, PageError};
use trailtab_cost_explorer::forecast::ForecastQuery;
use trailtab_cost_explorer::query::CostQuery;

/// A request that may be sent several times.
pub(super) trait PaidRequest: Sync {
    type Output;

    /// Sends it once.
    fn send(&self, client: &Client)
    -> impl Future<Output = Result<Self::Output, PageError>> + Send;
}

/// A request for a page of an answer.
pub(super) struct PageRequest<'q> {
    pub(super) query: &'q CostQuery,
    /// The token of the page; absent for the first one.
    pub(super) token: Option<String>,
}

impl PaidRequest for PageRequest<'_> {
    type Output = GetCostAndUsageOutput;

    async fn send(&self, client: &Client) -> Result<GetCostAndUsageOutput, PageError> {
        let action = AskedAction::CostAndUsage;
        let request = convert::request(client.get_cost_and_usage(), self.query);
        let request = request.map_err(|error| PageError::invalid(&error, action))?;
        let request = request.set_next_page_token(self.token.clone());
        let answer = request.send().await;
        answer.map_err(|error| PageError::of(&error, action))
    }
}

impl PaidRequest for ForecastQuery {
    type Output = GetCostForecastOutput;

    async fn send(&self, client: &Client) -> Result<GetCostForecastOutput, PageError> {
        let action = AskedAction::Forecast;
        let request = convert::forecast_request(client.get_cost_forecast(), self);
        let request = request.map_err(|error| PageError::invalid(&error, action))?;
        let answer = request.send().await;
        answer.map_err(|error| PageError::of(&error, action))
    }
}
