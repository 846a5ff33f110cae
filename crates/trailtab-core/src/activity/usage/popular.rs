//! The most-called APIs, as CloudWatch metrics name them: for dashboards and alarms.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::metrics::{MetricSet, MinuteDatum, OTHER};

/// One API, and where it is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PopularApi {
    /// The service, such as `ec2.amazonaws.com`.
    pub source: String,
    /// The API, `eventName`.
    pub name: String,
    /// Calls in all regions together.
    pub calls: u64,
    /// Regions and the calls there, sorted by calls, the most first, then by name. Each is one
    /// metric.
    pub regions: Vec<(String, u64)>,
}

/// Lists the APIs in the set of all calls, sorted by calls, the most first, then by name. Calls
/// under `__other__` are left out, since they have no metric of their own. Names that no AWS
/// service has are left out too, since they could inject code into templates and expressions.
pub fn apis(data: &[MinuteDatum]) -> Vec<PopularApi> {
    let mut apis = BTreeMap::<(&str, &str), BTreeMap<&str, u64>>::new();
    for datum in data
        .iter()
        .filter(|datum| datum.metric.set == MetricSet::Calls)
    {
        // The values are those of the set's dimensions in the table.
        if let [region, source] = datum.metric.values.as_slice()
            && datum.metric.name != OTHER
            && [region, source, &datum.metric.name]
                .iter()
                .all(|text| is_plain(text))
        {
            let regions = apis.entry((source, &datum.metric.name)).or_default();
            *regions.entry(region).or_default() += datum.value;
        }
    }
    let mut apis: Vec<PopularApi> = apis
        .into_iter()
        .map(|((source, name), regions)| {
            let regions = regions.into_iter().map(|(name, n)| (name.to_owned(), n));
            let mut regions: Vec<(String, u64)> = regions.collect();
            regions.sort_by_key(|(_, calls)| Reverse(*calls));
            PopularApi {
                source: source.to_owned(),
                name: name.to_owned(),
                calls: regions.iter().map(|(_, calls)| calls).sum(),
                regions,
            }
        })
        .collect();
    apis.sort_by_key(|api| Reverse(api.calls));
    apis
}

fn is_plain(text: &str) -> bool {
    text.bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b"-_.:/ ".contains(&byte))
}

/// An alarm on the calls of one API, in all regions together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiAlarm {
    /// The API that the alarm watches, with its regions.
    pub api: PopularApi,
    /// The threshold and the period.
    pub wanted: AlarmSpec,
}

/// The requested alarm: `[SERVICE:]API=N[/PERIOD]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlarmSpec {
    service: Option<String>,
    name: String,
    /// The number of calls at which the alarm triggers.
    pub calls: u64,
    /// The period in which the calls are counted, in seconds.
    pub period: u32,
}

/// An alarm that cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AlarmError {
    /// The text is not of the form `[SERVICE:]API=N[/PERIOD]`; the value is the text.
    #[error(
        "{0:?} is not an alarm: write RunInstances=100, ec2:RunInstances=100 or RunInstances=1000/1h, with a period of 1m, 5m, 15m, 1h, 6h or 1d"
    )]
    Unreadable(String),
    /// No call of this API was read; the value is its name as it was given.
    #[error("no call of {0} was read, so its metric names are unknown")]
    Unknown(String),
    /// Several services have an API of this name.
    #[error("{name} is an API of several services: write {choices}")]
    Ambiguous {
        /// The name of the API.
        name: String,
        /// The APIs written `SERVICE:API`, joined by ` or `.
        choices: String,
    },
}

/// The allowed periods, and their length in seconds.
const PERIODS: [(&str, u32); 6] = [
    ("1m", 60),
    ("5m", 300),
    ("15m", 900),
    ("1h", 3600),
    ("6h", 21_600),
    ("1d", 86_400),
];

impl std::str::FromStr for AlarmSpec {
    type Err = AlarmError;

    fn from_str(text: &str) -> Result<AlarmSpec, AlarmError> {
        let unreadable = || AlarmError::Unreadable(text.to_owned());
        let (api, rate) = text.rsplit_once('=').ok_or_else(unreadable)?;
        let (calls, period) = match rate.split_once('/') {
            Some((calls, period)) => {
                let known = PERIODS.iter().find(|(word, _)| *word == period);
                (calls, known.ok_or_else(unreadable)?.1)
            }
            None => (rate, 60),
        };
        let (service, name) = match api.split_once(':') {
            Some((service, name)) => (Some(service.to_owned()), name),
            None => (None, api),
        };
        let calls = calls.parse().ok().filter(|calls| *calls > 0);
        if name.is_empty() || service.as_ref().is_some_and(String::is_empty) {
            return Err(unreadable());
        }
        Ok(AlarmSpec {
            service,
            name: name.to_owned(),
            calls: calls.ok_or_else(unreadable)?,
            period,
        })
    }
}

impl AlarmSpec {
    /// Finds the requested API. Ignores case, although CloudWatch does not.
    ///
    /// # Errors
    ///
    /// If the API was not called, or several services have an API of that name.
    pub fn find(&self, apis: &[PopularApi]) -> Result<ApiAlarm, AlarmError> {
        let is_service = |source: &str| match &self.service {
            None => true,
            Some(service) => {
                let short = source.strip_suffix(".amazonaws.com").unwrap_or(source);
                [source, short]
                    .iter()
                    .any(|name| name.eq_ignore_ascii_case(service))
            }
        };
        let meant = |api: &&PopularApi| {
            api.name.eq_ignore_ascii_case(&self.name) && is_service(&api.source)
        };
        let found: Vec<&PopularApi> = apis.iter().filter(meant).collect();
        match found.as_slice() {
            [api] => Ok(ApiAlarm {
                api: (*api).clone(),
                wanted: self.clone(),
            }),
            [] => Err(AlarmError::Unknown(match &self.service {
                Some(service) => format!("{service}:{}", self.name),
                None => self.name.clone(),
            })),
            several => Err(AlarmError::Ambiguous {
                name: self.name.clone(),
                choices: several
                    .iter()
                    .map(|api| format!("{}:{}", api.source, api.name))
                    .collect::<Vec<_>>()
                    .join(" or "),
            }),
        }
    }
}
