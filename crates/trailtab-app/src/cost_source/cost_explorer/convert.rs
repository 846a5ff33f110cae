//! Converts queries and answers between the SDK's types and those of `trailtab_core`.

use std::collections::{BTreeMap, HashMap};

use aws_sdk_costexplorer::error::BuildError;
use aws_sdk_costexplorer::operation::get_cost_and_usage::GetCostAndUsageOutput;
use aws_sdk_costexplorer::operation::get_cost_and_usage::builders::GetCostAndUsageFluentBuilder;
use aws_sdk_costexplorer::operation::get_cost_forecast::GetCostForecastOutput;
use aws_sdk_costexplorer::operation::get_cost_forecast::builders::GetCostForecastFluentBuilder;
use aws_sdk_costexplorer::types as sdk;

use trailtab_cost_explorer::answer::{
    AmountsByMetric, AnswerGroup, AnswerPage, DimensionValue, MetricValue, ResultByTime,
};
use trailtab_cost_explorer::forecast::{
    ForecastMetric, ForecastPage, ForecastQuery, ForecastResult,
};
use trailtab_cost_explorer::query::{
    CostFilter, CostQuery, FilterValues, GroupKey as GroupBy, GroupType, MatchOption,
    QueryGranularity, TimePeriod,
};

/// Builds a request from a query.
///
/// # Errors
///
/// Fails if a field that the SDK requires is missing.
pub(super) fn request(
    request: GetCostAndUsageFluentBuilder,
    query: &CostQuery,
) -> Result<GetCostAndUsageFluentBuilder, BuildError> {
    let groups: Vec<_> = query.group_by.iter().map(group_by).collect();
    Ok(request
        .time_period(days(query.time_period)?)
        .granularity(granularity(query.granularity))
        .set_metrics(Some(
            query
                .metrics
                .iter()
                .map(|metric| metric.name().to_owned())
                .collect(),
        ))
        .set_filter(query.filter.as_ref().map(expression))
        .set_group_by((!groups.is_empty()).then_some(groups)))
}

/// Builds a request for a forecast.
///
/// # Errors
///
/// As [`request`].
pub(super) fn forecast_request(
    request: GetCostForecastFluentBuilder,
    query: &ForecastQuery,
) -> Result<GetCostForecastFluentBuilder, BuildError> {
    let metric = match query.metric {
        ForecastMetric::UnblendedCost => sdk::Metric::UnblendedCost,
        ForecastMetric::AmortizedCost => sdk::Metric::AmortizedCost,
        ForecastMetric::NetUnblendedCost => sdk::Metric::NetUnblendedCost,
        ForecastMetric::NetAmortizedCost => sdk::Metric::NetAmortizedCost,
        ForecastMetric::BlendedCost => sdk::Metric::BlendedCost,
    };
    Ok(request
        .time_period(days(query.time_period)?)
        .granularity(granularity(query.granularity))
        .metric(metric)
        .set_filter(query.filter.as_ref().map(expression))
        .prediction_interval_level(query.prediction_interval_level.into()))
}

fn days(days: TimePeriod) -> Result<sdk::DateInterval, BuildError> {
    sdk::DateInterval::builder()
        .start(days.start.to_string())
        .end(days.end.to_string())
        .build()
}

fn granularity(granularity: QueryGranularity) -> sdk::Granularity {
    match granularity {
        QueryGranularity::Daily => sdk::Granularity::Daily,
        QueryGranularity::Monthly => sdk::Granularity::Monthly,
    }
}

fn group_by(group: &GroupBy) -> sdk::GroupDefinition {
    let kind = match group.r#type {
        GroupType::Dimension => sdk::GroupDefinitionType::Dimension,
        GroupType::Tag => sdk::GroupDefinitionType::Tag,
        GroupType::CostCategory => sdk::GroupDefinitionType::CostCategory,
    };
    sdk::GroupDefinition::builder()
        .r#type(kind)
        .key(&group.key)
        .build()
}

fn expression(filter: &CostFilter) -> sdk::Expression {
    let builder = sdk::Expression::builder();
    let all = |filters: &[CostFilter]| Some(filters.iter().map(expression).collect());
    let builder = match filter {
        CostFilter::And(filters) => builder.set_and(all(filters)),
        CostFilter::Or(filters) => builder.set_or(all(filters)),
        CostFilter::Not(filter) => builder.not(expression(filter)),
        CostFilter::Dimensions(values) => {
            let key = sdk::Dimension::from(values.key.as_str());
            let dimension = sdk::DimensionValues::builder().key(key);
            let dimension = dimension.set_values(some(&values.values));
            builder.dimensions(dimension.set_match_options(options(values)).build())
        }
        CostFilter::Tags(values) => {
            let tag = sdk::TagValues::builder().key(&values.key);
            let tag = tag.set_values(some(&values.values));
            builder.tags(tag.set_match_options(options(values)).build())
        }
        CostFilter::CostCategories(values) => {
            let category = sdk::CostCategoryValues::builder().key(&values.key);
            let category = category.set_values(some(&values.values));
            builder.cost_categories(category.set_match_options(options(values)).build())
        }
    };
    builder.build()
}

fn some<T: Clone>(values: &[T]) -> Option<Vec<T>> {
    (!values.is_empty()).then(|| values.to_vec())
}

fn options(values: &FilterValues) -> Option<Vec<sdk::MatchOption>> {
    let options = values.match_options.iter().map(|option| match option {
        MatchOption::Equals => sdk::MatchOption::Equals,
        MatchOption::Absent => sdk::MatchOption::Absent,
        MatchOption::CaseSensitive => sdk::MatchOption::CaseSensitive,
    });
    some(&options.collect::<Vec<_>>())
}

/// Converts a page.
///
/// # Errors
///
/// Returns what is missing or invalid. A missing amount is an error, never zero.
pub(super) fn page(
    output: &GetCostAndUsageOutput,
    query: &CostQuery,
) -> Result<AnswerPage, String> {
    // A period without costs has an empty list.
    let results = output.results_by_time.as_ref().ok_or("no ResultsByTime")?;
    let results = results.iter();
    let results = results.map(|result| self::result(result, query));
    let attributes = output.dimension_value_attributes().iter();
    let attributes = attributes.filter_map(|value| {
        Some(DimensionValue {
            value: value.value()?.to_owned(),
            attributes: value.attributes().map(sorted).unwrap_or_default(),
        })
    });
    Ok(AnswerPage {
        results_by_time: results.collect::<Result<_, _>>()?,
        dimension_value_attributes: attributes.collect(),
        next_page_token: output.next_page_token().map(str::to_owned),
    })
}

fn result(result: &sdk::ResultByTime, query: &CostQuery) -> Result<ResultByTime, String> {
    let period = time_period(result.time_period())?;
    let asked = query.time_period;
    if period.start < asked.start || period.end > asked.end || period.start >= period.end {
        return Err(format!(
            "amounts of {} to {}, outside the requested days",
            period.start, period.end
        ));
    }
    let groups = result
        .groups()
        .iter()
        .map(|group| self::group(group, query));
    let total = metrics(result.total())?;
    if query.group_by.is_empty() {
        total.requested(query).map_err(|fault| fault.to_string())?;
    }
    Ok(ResultByTime {
        time_period: period,
        total,
        groups: groups.collect::<Result<_, _>>()?,
        estimated: result.estimated(),
    })
}

/// Converts a forecast.
///
/// # Errors
///
/// As [`page`].
pub(super) fn forecast(output: &GetCostForecastOutput) -> Result<ForecastPage, String> {
    let total = output.total().ok_or("a forecast without a total")?;
    let result = |result: &sdk::ForecastResult| {
        let mean = result
            .mean_value()
            .ok_or("a forecast without a mean value")?;
        let lower = result.prediction_interval_lower_bound();
        let upper = result.prediction_interval_upper_bound();
        Ok(ForecastResult {
            time_period: time_period(result.time_period())?,
            mean_value: mean.to_owned(),
            prediction_interval_lower_bound: lower.map(str::to_owned),
            prediction_interval_upper_bound: upper.map(str::to_owned),
        })
    };
    let results = output.forecast_results_by_time().iter();
    Ok(ForecastPage {
        total: metric_value("Total", total)?,
        forecast_results_by_time: results.map(result).collect::<Result<_, String>>()?,
    })
}

fn time_period(period: Option<&sdk::DateInterval>) -> Result<TimePeriod, String> {
    let period = period.ok_or("amounts without a day")?;
    let date = |text: &str| {
        let date = text.parse();
        date.map_err(|_| format!("{text:?} instead of a day"))
    };
    Ok(TimePeriod {
        start: date(period.start())?,
        end: date(period.end())?,
    })
}

fn metric_value(name: &str, value: &sdk::MetricValue) -> Result<MetricValue, String> {
    let (Some(amount), Some(unit)) = (value.amount(), value.unit()) else {
        return Err(format!("{name} without an amount or a currency"));
    };
    Ok(MetricValue {
        amount: amount.to_owned(),
        unit: unit.to_owned(),
    })
}

fn group(group: &sdk::Group, query: &CostQuery) -> Result<AnswerGroup, String> {
    let group = AnswerGroup {
        keys: group.keys().into(),
        metrics: metrics(group.metrics())?,
    };
    group.requested(query).map_err(|fault| fault.to_string())?;
    Ok(group)
}

fn metrics(metrics: Option<&HashMap<String, sdk::MetricValue>>) -> Result<AmountsByMetric, String> {
    let metrics = metrics
        .into_iter()
        .flatten()
        .map(|(name, value)| Ok((name.clone(), metric_value(name, value)?)));
    let metrics: BTreeMap<String, MetricValue> = metrics.collect::<Result<_, String>>()?;
    Ok(metrics.into())
}

fn sorted(attributes: &HashMap<String, String>) -> BTreeMap<String, String> {
    attributes
        .iter()
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}
