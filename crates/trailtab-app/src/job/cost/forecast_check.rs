//! Checks that AWS makes the forecast that the settings ask for.

use super::CostRun;
use super::check::{CheckReport, CheckVerdict};
use trailtab_core::cost::forecast::AskedForecast;
use trailtab_cost_explorer::forecast::{ForecastQuery, ForecastScope};

/// Asks for the forecast of all accounts, which is a paid request, if the settings ask for forecasts.
pub(super) async fn forecast(run: &CostRun, checked: &mut CheckReport) {
    if !run.settings.aws_forecast {
        return;
    }
    let scope = ForecastScope::AllAccounts;
    let query = ForecastQuery::new(&scope, run.settings.metric, run.today());
    let (verdict, what) = match run.answers.forecast(&query).await {
        AskedForecast::Answered(figures) => (CheckVerdict::Good, figures.sentence()),
        AskedForecast::TooLittleHistory => {
            let what =
                "AWS knows these costs for too short a time to forecast them; reports say so";
            (CheckVerdict::Doubtful, what.to_owned())
        }
        AskedForecast::Unread { reason } => (CheckVerdict::Bad, reason),
    };
    checked.add(verdict, format!("aws_forecast: {what}"));
}
