//! Cost Explorer: GetCostAndUsage and GetCostForecast, computed from a bill. Refuses what AWS refuses, and leaves out what AWS leaves
//! out.

mod expression;
mod forecast;

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use jiff::{Timestamp, ToSpan as _, tz::TimeZone};
use rust_decimal::{Decimal, RoundingStrategy};
use serde_json::{Value, json};

use super::State;
use super::bill::{Bill, COSTS, Charge};
use super::fault::Fault;
use super::lookup::Lost;
use super::wire::{Error, Request};
use super::world::World;
use expression::Filter;
pub(crate) use forecast::FORECAST;
pub(super) use forecast::cost_forecast;

pub(crate) const ACTION: &str = "ce:GetCostAndUsage";

/// What can be grouped and filtered by here. There is no CHARGE_TYPE: it is called RECORD_TYPE.
const DIMENSIONS: [&str; 7] = [
    "LINKED_ACCOUNT",
    "OPERATION",
    "PURCHASE_TYPE",
    "RECORD_TYPE",
    "REGION",
    "SERVICE",
    "USAGE_TYPE",
];

/// Months before this one that are kept.
const KEPT_MONTHS: i64 = 13;

/// Digits behind the point, to which every amount of an answer is rounded.
const DIGITS: u32 = 10;

fn invalid(message: &str) -> Error {
    Error::new(400, "ValidationException", message)
}

/// The bill that an account sees; and the account, if it sees its own charges alone.
pub(super) fn bill_of<'w>(
    world: &'w World,
    account: &'w str,
) -> Option<(&'w Bill, Option<&'w str>)> {
    let own = world.bills.get(account).map(|bill| (bill, None));
    own.or_else(|| {
        let bill = world
            .bills
            .values()
            .find(|bill| bill.accounts().contains(account))?;
        Some((bill, Some(account)))
    })
}

fn in_us_east_1(request: &Request) -> Result<(), Error> {
    if request.region != "us-east-1" {
        let message = "Credential should be scoped to a valid region.";
        return Err(Error::new(400, "InvalidSignatureException", message));
    }
    Ok(())
}

fn no_data() -> Error {
    let message = "Data is not available. Please try to adjust the time period.";
    Error::new(400, "DataUnavailableException", message)
}

/// Answers with a page.
pub(super) fn cost_and_usage(
    state: &State,
    request: &Request,
    now: f64,
    fault: Option<&Fault>,
) -> Result<String, Error> {
    in_us_east_1(request)?;
    let (bill, only) = bill_of(&state.world, &request.account).ok_or_else(no_data)?;
    let question = Question::read(request, today(state.world.now))?;
    let charges = bill.charges.iter();
    let charges =
        charges.filter(|charge| only.is_none_or(|only| charge.account.as_deref() == Some(only)));
    let rows = question.rows(bill, &charges.collect::<Vec<_>>());
    page(state, request, (now, fault), &question, bill, &rows)
}

/// Answers with the tags that some charge has: all of them are active.
pub(super) fn active_tags(state: &State, request: &Request) -> Result<String, Error> {
    let Some((bill, None)) = bill_of(&state.world, &request.account) else {
        let message = "Linked account doesn't have access to cost allocation tags.";
        return Err(Error::new(400, "AccessDeniedException", message));
    };
    let keys: BTreeSet<&String> = bill
        .charges
        .iter()
        .flat_map(|charge| charge.tags.keys())
        .collect();
    let tag = |key: &&String| json!({"TagKey": key, "Type": "UserDefined", "Status": "Active"});
    let tags: Vec<_> = keys.iter().map(tag).collect();
    Ok(json!({"CostAllocationTags": tags}).to_string())
}

/// Today, by the fake's clock.
pub(crate) fn today(now: i64) -> Date {
    let time = Timestamp::from_second(now).unwrap();
    time.to_zoned(TimeZone::UTC).date()
}

/// A request that is valid.
struct Question {
    today: Date,
    start: Date,
    end: Date,
    is_monthly: bool,
    metrics: Vec<String>,
    filter: Filter,
    /// Type and key.
    groups: Vec<(String, String)>,
}

impl Question {
    fn read(request: &Request, today: Date) -> Result<Question, Error> {
        let parameters = &request.parameters;
        let (start, end) = period(&parameters["TimePeriod"], today)?;
        let is_monthly = match parameters["Granularity"].as_str() {
            Some("DAILY") => false,
            Some("MONTHLY") => true,
            Some("HOURLY") => {
                let message = "Hourly data is not enabled.";
                return Err(Error::new(400, "DataUnavailableException", message));
            }
            _ => return Err(invalid("Granularity is missing or unknown.")),
        };
        let metrics = parameters["Metrics"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        let metrics = metrics.iter().map(|metric| {
            let metric = metric.as_str().unwrap_or_default();
            let is_known = COSTS.contains(&metric)
                || ["UsageQuantity", "NormalizedUsageAmount"].contains(&metric);
            is_known
                .then(|| metric.to_owned())
                .ok_or_else(|| invalid("A metric is unknown."))
        });
        let metrics: Vec<_> = metrics.collect::<Result<_, _>>()?;
        if metrics.is_empty() {
            return Err(invalid("Metrics are missing."));
        }
        Ok(Question {
            today,
            start,
            end,
            is_monthly,
            metrics,
            filter: Filter::read(&parameters["Filter"])?,
            groups: groups(&parameters["GroupBy"])?,
        })
    }

    /// The days from which and until before which amounts are added up.
    fn periods(&self) -> Vec<(Date, Date)> {
        let mut periods = Vec::new();
        let mut start = self.start;
        while start < self.end {
            let next = match self.is_monthly {
                true => start.last_of_month().tomorrow(),
                false => start.tomorrow(),
            };
            let end = next.unwrap().min(self.end);
            periods.push((start, end));
            start = end;
        }
        periods
    }

    /// The amounts of each period, in the order of the response.
    fn rows(&self, bill: &Bill, charges: &[&Charge]) -> Vec<Row> {
        let mut rows = Vec::new();
        let currencies: BTreeSet<_> = charges.iter().map(|charge| &charge.currency[..]).collect();
        let currency = currencies.first().copied().unwrap_or("USD");
        let estimated_from = bill.estimated_from.unwrap_or(self.today.first_of_month());
        for (start, end) in self.periods() {
            let mut groups: BTreeMap<(Vec<String>, &str), Vec<&Charge>> = BTreeMap::new();
            let within = charges
                .iter()
                .copied()
                .filter(|charge| start <= charge.day && charge.day < end);
            for charge in within.filter(|charge| self.filter.admits(charge)) {
                // Charges of no account have no place among accounts.
                if let Some(keys) = self.keys(charge) {
                    groups
                        .entry((keys, &charge.currency))
                        .or_default()
                        .push(charge);
                }
            }
            if groups.is_empty() && self.groups.is_empty() {
                groups.insert((Vec::new(), currency), Vec::new());
            }
            let is_estimated = end > estimated_from;
            let row = |keys, metrics| Row {
                start,
                end,
                is_estimated,
                keys,
                metrics,
            };
            if groups.is_empty() {
                rows.push(row(None, Value::Null));
            }
            for ((keys, currency), charges) in groups {
                rows.push(row(Some(keys), self.amounts(&charges, currency)));
            }
        }
        rows
    }

    fn keys(&self, charge: &Charge) -> Option<Vec<String>> {
        let key = |(kind, key): &(String, String)| {
            let labelled = |values: &BTreeMap<String, String>| {
                let value = values.get(key).map(String::as_str).unwrap_or_default();
                format!("{key}${value}")
            };
            match kind.as_str() {
                "TAG" => Some(labelled(&charge.tags)),
                "COST_CATEGORY" => Some(labelled(&charge.cost_categories)),
                _ if key == "LINKED_ACCOUNT" => charge.account.clone(),
                _ => Some(charge.value(key)),
            }
        };
        self.groups.iter().map(key).collect()
    }

    fn amounts(&self, charges: &[&Charge], currency: &str) -> Value {
        let amount = |metric: &String| {
            let sum: Decimal = charges.iter().map(|charge| charge.amount(metric)).sum();
            let sum = sum.round_dp_with_strategy(DIGITS, RoundingStrategy::MidpointNearestEven);
            let unit = match COSTS.contains(&metric.as_str()) {
                true => currency,
                false => "N/A",
            };
            let value = json!({ "Amount": sum.normalize().to_string(), "Unit": unit });
            (metric.clone(), value)
        };
        Value::Object(self.metrics.iter().map(amount).collect())
    }
}

/// A group of a period; or the total, if nothing is grouped or there is no group.
struct Row {
    start: Date,
    end: Date,
    is_estimated: bool,
    keys: Option<Vec<String>>,
    metrics: Value,
}

fn period(period: &Value, today: Date) -> Result<(Date, Date), Error> {
    let date = |name: &str| {
        let text = period[name].as_str().unwrap_or_default();
        let date = text.parse::<Date>().ok().filter(|_| text.len() == 10);
        date.ok_or_else(|| invalid(&format!("{name} is no date in the form yyyy-MM-dd.")))
    };
    let (start, end) = (date("Start")?, date("End")?);
    if start >= end {
        return Err(invalid(
            "Start date (and hour) should be before end date (and hour).",
        ));
    }
    if start > today {
        return Err(invalid("Start date must not be later than today."));
    }
    let horizon = today.first_of_month().saturating_sub(KEPT_MONTHS.months());
    if start < horizon {
        return Err(invalid(
            "Requested start date is too early: 14 months are kept.",
        ));
    }
    // How far ahead an end may be is not documented.
    if end > today.saturating_add(1.year()) {
        return Err(invalid("Requested end date is too late."));
    }
    Ok((start, end))
}

fn groups(groups: &Value) -> Result<Vec<(String, String)>, Error> {
    let groups = groups.as_array().map(Vec::as_slice).unwrap_or_default();
    if groups.len() > 2 {
        return Err(invalid("Group by supports two groups at most."));
    }
    let group = |group: &Value| {
        let text = |name: &str| group[name].as_str().unwrap_or_default();
        let (kind, key) = (text("Type"), text("Key"));
        let is_valid = match kind {
            "DIMENSION" => DIMENSIONS.contains(&key),
            "TAG" | "COST_CATEGORY" => !key.is_empty(),
            _ => false,
        };
        let pair = (kind.to_owned(), key.to_owned());
        is_valid
            .then_some(pair)
            .ok_or_else(|| invalid(&format!("{kind} {key} is no group.")))
    };
    let groups: Vec<_> = groups.iter().map(group).collect::<Result<_, _>>()?;
    match groups.as_slice() {
        [one, other] if one == other => Err(invalid("The groups are the same.")),
        _ => Ok(groups),
    }
}

/// Cuts a page out of the rows. A day may begin on one page and end on the next.
fn page(
    state: &State,
    request: &Request,
    (now, fault): (f64, Option<&Fault>),
    question: &Question,
    bill: &Bill,
    rows: &[Row],
) -> Result<String, Error> {
    let mut parameters = request.parameters.clone();
    let token = match parameters.as_object_mut() {
        Some(members) => members.remove("NextPageToken"),
        None => None,
    };
    let parameters = json!([request.account, parameters]);
    // Before each row but the first there may be an empty page, so that places count twice.
    let place = match token.as_ref().and_then(Value::as_str) {
        None => 0,
        Some(name) => state
            .tokens
            .redeem(name, &parameters, now)
            .map_err(|lost| {
                state.books.violation(request, lost.words());
                let code = match lost {
                    Lost::Changed => "RequestChangedException",
                    Lost::Unknown | Lost::Ended => "InvalidNextTokenException",
                };
                Error::new(400, code, lost.words())
            })?,
    };
    let (row, is_empty) = (place / 2, place % 2 == 1);
    let (shown, next) = match (is_empty, fault) {
        (_, Some(Fault::EmptyPage)) => (&rows[row..row], Some(place)),
        (true, _) => (&rows[row..row], Some(2 * row)),
        (false, _) => {
            let end = rows.len().min(row + bill.page);
            let next = 2 * end + usize::from(bill.empty_pages);
            (&rows[row..end], (end < rows.len()).then_some(next))
        }
    };
    let mut answer = json!({
        "ResultsByTime": results(question, shown),
        "DimensionValueAttributes": attributes(question, bill, shown),
    });
    if !question.groups.is_empty() {
        answer["GroupDefinitions"] = request.parameters["GroupBy"].clone();
    }
    if let (Some(Fault::SameToken), Some(token)) = (fault, token) {
        answer["NextPageToken"] = token;
    } else if let Some(next) = next {
        let life = state.world.token_life;
        answer["NextPageToken"] = state.tokens.issue(parameters, next, now, life).into();
    }
    Ok(answer.to_string())
}

fn results(question: &Question, rows: &[Row]) -> Vec<Value> {
    let same_period = |one: &Row, other: &Row| one.start == other.start;
    let result = |rows: &[Row]| {
        let groups = rows
            .iter()
            .filter_map(|row| Some(json!({ "Keys": row.keys.as_ref()?, "Metrics": row.metrics })));
        let (total, groups) = match question.groups.is_empty() {
            true => (rows[0].metrics.clone(), Vec::new()),
            false => (json!({}), groups.collect()),
        };
        json!({
            "TimePeriod": { "Start": rows[0].start.to_string(), "End": rows[0].end.to_string() },
            "Total": total,
            "Groups": groups,
            "Estimated": rows[0].is_estimated,
        })
    };
    rows.chunk_by(same_period).map(result).collect()
}

/// The names of the accounts on a page.
fn attributes(question: &Question, bill: &Bill, rows: &[Row]) -> Vec<Value> {
    let place = question
        .groups
        .iter()
        .position(|(_, key)| key == "LINKED_ACCOUNT");
    let Some(place) = place else {
        return Vec::new();
    };
    let accounts = rows
        .iter()
        .filter_map(|row| Some(&row.keys.as_ref()?[place]));
    let accounts: BTreeSet<_> = accounts.collect();
    let attribute = |account: &String| {
        let name = bill.names.get(account)?;
        Some(json!({ "Value": account, "Attributes": { "description": name } }))
    };
    accounts.into_iter().filter_map(attribute).collect()
}
