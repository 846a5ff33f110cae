//! Reads the settings of the functions from environment variables.

use trailtab_app::job::usage::RoleArn;
use trailtab_app::source::Source;
use trailtab_core::activity::usage::kept::TOP;
use trailtab_core::activity::usage::metrics::{
    MetricSets, NAMESPACE, further_set_names, is_namespace,
};

/// Upper bound for TRAILTAB_USAGE_TOP. Larger values are almost certainly typos, and expensive
/// ones.
const MAX_TOP: usize = 100_000;

/// Memory in bytes that a delivery of 8,000 events takes besides the list of metrics, rounded up from
/// 48 MB.
const BASE_MEMORY: usize = 50_000_000;

/// Memory in bytes for each metric in the list while it is loaded, changed and stored, rounded up from
/// 580.
const METRIC_MEMORY: usize = 640;

/// An invalid setting.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the setting {name} is {value:?}: it must be {wanted}")]
pub(super) struct SettingError {
    name: &'static str,
    value: String,
    wanted: String,
}

impl SettingError {
    pub(super) fn new(name: &'static str, value: &str, wanted: &str) -> SettingError {
        SettingError {
            name,
            value: value.to_owned(),
            wanted: wanted.to_owned(),
        }
    }
}

/// How metrics are published.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum MetricOutput {
    /// `PutMetricData`.
    CloudWatch,
    /// Embedded metric format in the function's log.
    Emf,
}

/// The settings of the usage function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct UsageSettings {
    pub(super) namespace: String,
    pub(super) sets: MetricSets,
    /// Maximum metrics in each set, not counting `__other__`.
    pub(super) top: usize,
    pub(super) output: MetricOutput,
    /// Bucket and prefix.
    pub(super) ledger: Option<(String, String)>,
    /// URL of the queue that messages which could not be read are sent to.
    pub(super) dead_letters: Option<String>,
    /// The function's role, if its own calls are left out.
    pub(super) own_role: Option<RoleArn>,
}

impl UsageSettings {
    /// Reads the settings. A missing variable is treated as empty.
    ///
    /// # Errors
    ///
    /// Returns the first invalid setting.
    pub(super) fn read(
        variable: impl Fn(&'static str) -> Option<String>,
    ) -> Result<UsageSettings, SettingError> {
        let get = |name| Setting::read(name, &variable);
        let namespace = get("TRAILTAB_USAGE_NAMESPACE").parsed(
            "at most 255 letters, digits and any of . - _ / # :, and not begin with AWS/ or a colon",
            |value| is_namespace(value).then(|| value.to_owned()),
        )?;
        let sets = get("TRAILTAB_USAGE_METRICS").parsed(
            &format!("a list of sets of metrics: any of {}", further_set_names()),
            |value| MetricSets::parse(value).ok(),
        )?;
        let is_top = |top: &usize| (1..=MAX_TOP).contains(top);
        let top = get("TRAILTAB_USAGE_TOP")
            .parsed(&format!("a number from 1 to {MAX_TOP}"), |value| {
                value.parse().ok().filter(is_top)
            })?;
        let output =
            get("TRAILTAB_USAGE_OUTPUT").parsed("cloudwatch or emf", |value| match value {
                "cloudwatch" => Some(MetricOutput::CloudWatch),
                "emf" => Some(MetricOutput::Emf),
                _ => None,
            })?;
        let settings = UsageSettings {
            namespace: namespace.unwrap_or_else(|| NAMESPACE.to_owned()),
            sets: sets.unwrap_or_default(),
            top: top.unwrap_or(TOP),
            output: output.unwrap_or(MetricOutput::CloudWatch),
            ledger: ledger(get("TRAILTAB_LEDGER"))?,
            dead_letters: get("TRAILTAB_USAGE_DEAD_LETTERS").parsed(
                "the URL of a queue of SQS, https://HOST/ACCOUNT/NAME",
                |value| is_queue_url(value).then(|| value.to_owned()),
            )?,
            own_role: get("TRAILTAB_USAGE_OWN_ROLE").parsed(
                "the ARN of the function's role, arn:aws:iam::ACCOUNT:role/NAME",
                RoleArn::parse,
            )?,
        };
        let memory = get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE").value.parse().ok();
        check_memory(memory, &settings.sets, settings.top)?;
        Ok(settings)
    }
}

/// A setting, which is not set if its value is empty.
struct Setting {
    name: &'static str,
    value: String,
}

impl Setting {
    fn read(name: &'static str, variable: impl Fn(&'static str) -> Option<String>) -> Setting {
        let value = variable(name).unwrap_or_default().trim().to_owned();
        Setting { name, value }
    }

    /// Parses the value; `None` if it is not set. `wanted` describes valid values.
    fn parsed<T>(
        self,
        wanted: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>, SettingError> {
        if self.value.is_empty() {
            return Ok(None);
        }
        match parse(&self.value) {
            Some(parsed) => Ok(Some(parsed)),
            None => Err(SettingError::new(self.name, &self.value, wanted)),
        }
    }
}

/// Checks that the lists of metrics fit into the function's memory, in MB: a function that exceeds it is
/// ended in the middle of a delivery.
fn check_memory(memory: Option<usize>, sets: &MetricSets, top: usize) -> Result<(), SettingError> {
    let Some(megabytes) = memory else {
        return Ok(());
    };
    let sets = sets.iter().count();
    let most = (megabytes << 20).saturating_sub(BASE_MEMORY) / METRIC_MEMORY / sets;
    if top <= most {
        return Ok(());
    }
    let needed = (BASE_MEMORY + top * METRIC_MEMORY * sets).div_ceil(1 << 20);
    let wanted = format!(
        "at most {most} for {sets} sets of metrics in {megabytes} MB of memory; {top} need {needed} MB"
    );
    Err(SettingError::new(
        "TRAILTAB_USAGE_TOP",
        &top.to_string(),
        &wanted,
    ))
}

/// Tells whether a text is the URL of a standard queue. Plain HTTP is for emulators on this machine.
fn is_queue_url(text: &str) -> bool {
    let rest = text.strip_prefix("https://").or_else(|| {
        text.strip_prefix("http://")
            .filter(|rest| rest.starts_with("127.0.0.1:"))
    });
    let parts: Vec<&str> = rest.unwrap_or_default().split('/').collect();
    let is_plain = |c: char| c.is_ascii_alphanumeric() || ".:-_".contains(c);
    // The name of a FIFO queue ends in `.fifo`; its messages need a group.
    matches!(parts[..], [host, account, name] if !host.is_empty() && account.len() == 12 && !name.is_empty() && !name.contains('.'))
        && parts.iter().all(|part| part.chars().all(is_plain))
}

/// Parses the ledger's bucket and prefix; `None` if not set.
fn ledger(setting: Setting) -> Result<Option<(String, String)>, SettingError> {
    setting.parsed(
        "a place in S3: s3://BUCKET or s3://BUCKET/PREFIX",
        |value| match value.parse() {
            Ok(Source::S3 { bucket, prefix }) => Some((bucket, prefix)),
            _ => None,
        },
    )
}

/// The settings of the cost function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct CostSettings {
    /// The S3 object with the cost settings.
    pub(super) config: Source,
    /// Bucket and prefix. Required: without a ledger, a run retried by Lambda would send mails
    /// twice.
    pub(super) ledger: (String, String),
}

impl CostSettings {
    /// Reads the settings. A missing variable is treated as empty.
    ///
    /// # Errors
    ///
    /// Returns the first invalid setting.
    pub(super) fn read(
        variable: impl Fn(&'static str) -> Option<String>,
    ) -> Result<CostSettings, SettingError> {
        let setting = |name| Setting::read(name, &variable);
        let is_object = |value: &str| !value.ends_with('/');
        let wanted = "an object in S3: s3://BUCKET/KEY";
        let config = setting("TRAILTAB_COST_CONFIG").parsed(wanted, |value| {
            let config = value.parse().ok().filter(|_| is_object(value));
            config.filter(|config| matches!(config, Source::S3 { .. }))
        })?;
        let unset = |name, wanted| SettingError::new(name, "", wanted);
        let ledger = ledger(setting("TRAILTAB_LEDGER"))?.ok_or_else(|| {
            let wanted = "a place in S3, so that nothing is mailed twice: s3://BUCKET/PREFIX";
            unset("TRAILTAB_LEDGER", wanted)
        })?;
        Ok(CostSettings {
            config: config.ok_or_else(|| unset("TRAILTAB_COST_CONFIG", wanted))?,
            ledger,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUEUE: &str = "https://sqs.eu-west-1.amazonaws.com/111122223333/letters";

    fn read(settings: &[(&str, &str)]) -> Result<UsageSettings, SettingError> {
        UsageSettings::read(|name| {
            let setting = settings.iter().find(|(set, _)| *set == name);
            setting.map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn defaults_match_aws_api_usage_tracker() {
        let settings = read(&[]).unwrap();
        assert_eq!(settings.namespace, "API-COUNT");
        assert_eq!((settings.sets, settings.top), (MetricSets::default(), 1000));
        assert_eq!(
            (settings.output, settings.ledger),
            (MetricOutput::CloudWatch, None)
        );
    }

    #[test]
    fn all_can_be_set() {
        let settings = read(&[
            ("TRAILTAB_USAGE_NAMESPACE", "team/api"),
            ("TRAILTAB_USAGE_METRICS", " principals, Errors,,"),
            ("TRAILTAB_USAGE_TOP", "5"),
            ("TRAILTAB_USAGE_OUTPUT", "emf"),
            ("TRAILTAB_LEDGER", "s3://ledger/some"),
            ("TRAILTAB_USAGE_DEAD_LETTERS", QUEUE),
            (
                "TRAILTAB_USAGE_OWN_ROLE",
                "arn:aws:iam::111122223333:role/x/usage",
            ),
        ]);
        let settings = settings.unwrap();
        assert_eq!(settings.dead_letters.as_deref(), Some(QUEUE));
        assert!(settings.own_role.is_some());
        assert_eq!(
            settings.sets,
            MetricSets::parse("errors,principals").unwrap()
        );
        assert_eq!((settings.namespace.as_str(), settings.top), ("team/api", 5));
        assert_eq!(
            settings.ledger,
            Some(("ledger".to_owned(), "some".to_owned()))
        );
    }

    #[test]
    fn invalid_settings_are_named() {
        for (name, value) in [
            ("TRAILTAB_USAGE_NAMESPACE", "AWS/Usage"),
            ("TRAILTAB_USAGE_NAMESPACE", "a b"),
            ("TRAILTAB_USAGE_METRICS", "errors,latency"),
            ("TRAILTAB_USAGE_TOP", "0"),
            ("TRAILTAB_USAGE_TOP", "many"),
            ("TRAILTAB_USAGE_OUTPUT", "stdout"),
            ("TRAILTAB_LEDGER", "bucket"),
            ("TRAILTAB_LEDGER", "s3://"),
            ("TRAILTAB_USAGE_DEAD_LETTERS", "letters"),
            (
                "TRAILTAB_USAGE_DEAD_LETTERS",
                "arn:aws:sqs:eu-west-1:111122223333:letters",
            ),
            (
                "TRAILTAB_USAGE_DEAD_LETTERS",
                "http://sqs.eu-west-1.amazonaws.com/111122223333/letters",
            ),
            (
                "TRAILTAB_USAGE_DEAD_LETTERS",
                "https://sqs.eu-west-1.amazonaws.com/111122223333/letters.fifo",
            ),
            ("TRAILTAB_USAGE_OWN_ROLE", "usage"),
        ] {
            let error = read(&[(name, value)]).unwrap_err();
            assert!(error.to_string().contains(name), "{error}");
        }
    }

    #[test]
    fn the_lists_of_metrics_fit_into_memory() {
        let top = |top: &str, sets: &str, memory: &str| {
            let settings = [
                ("TRAILTAB_USAGE_TOP", top),
                ("TRAILTAB_USAGE_METRICS", sets),
                ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", memory),
            ];
            read(&settings).map(|settings| settings.top)
        };
        let all = "errors,throttles,access,principals,accounts";
        assert_eq!(top("100000", "", "128"), Ok(100_000));
        assert_eq!(top("20000", all, "128"), Ok(20_000));
        let error = top("100000", all, "128").unwrap_err().to_string();
        let words = "at most 21931 for 6 sets of metrics in 128 MB of memory; 100000 need 414 MB";
        assert!(error.contains(words), "{error}");
        assert_eq!(top("100000", all, "414"), Ok(100_000));
        assert!(top("100000", all, "413").is_err());
        assert_eq!(top("100000", all, ""), Ok(100_000));
    }

    #[test]
    fn the_cost_function_needs_its_settings_and_a_ledger() {
        let read = |config: &'static str, ledger: &'static str| {
            CostSettings::read(|name| {
                let value = match name {
                    "TRAILTAB_COST_CONFIG" => config,
                    _ => ledger,
                };
                Some(value.to_owned())
            })
        };
        let settings = read("s3://conf/config.json", "s3://ledger/some").unwrap();
        let (bucket, prefix) = ("conf".to_owned(), "config.json".to_owned());
        assert_eq!(settings.config, Source::S3 { bucket, prefix });
        assert_eq!(settings.ledger, ("ledger".to_owned(), "some".to_owned()));
        for (config, ledger, name) in [
            ("", "s3://ledger", "TRAILTAB_COST_CONFIG"),
            ("s3://conf/", "s3://ledger", "TRAILTAB_COST_CONFIG"),
            ("config.json", "s3://ledger", "TRAILTAB_COST_CONFIG"),
            ("s3://conf/config.json", "", "TRAILTAB_LEDGER"),
            ("s3://conf/config.json", "/tmp", "TRAILTAB_LEDGER"),
        ] {
            let error = read(config, ledger).unwrap_err().to_string();
            assert!(error.contains(name), "{error}");
        }
    }
}
