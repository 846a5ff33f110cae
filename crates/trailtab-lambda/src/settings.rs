//! Reads the settings of the functions from environment variables.

use trailtab_app::source::Source;
use trailtab_core::activity::usage::kept::TOP;
use trailtab_core::activity::usage::metrics::{
    MetricSets, NAMESPACE, further_set_names, is_namespace,
};

/// Upper bound for TRAILTAB_USAGE_TOP. Larger values are almost certainly typos, and expensive
/// ones.
const MAX_TOP: usize = 100_000;

/// An invalid setting.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the setting {name} is {value:?}: it must be {wanted}")]
pub(super) struct UsageSettingsError {
    name: &'static str,
    value: String,
    wanted: String,
}

impl UsageSettingsError {
    pub(super) fn new(name: &'static str, value: &str, wanted: &str) -> UsageSettingsError {
        UsageSettingsError {
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
}

impl UsageSettings {
    /// Reads the settings. A missing variable is treated as empty.
    ///
    /// # Errors
    ///
    /// Returns the first invalid setting.
    pub(super) fn read(
        variable: impl Fn(&'static str) -> Option<String>,
    ) -> Result<UsageSettings, UsageSettingsError> {
        let get = |name| {
            let value = variable(name).unwrap_or_default().trim().to_owned();
            (name, value)
        };
        let bad = |(name, value): (_, String), wanted: &str| {
            Err(UsageSettingsError::new(name, &value, wanted))
        };
        let namespace = match get("TRAILTAB_USAGE_NAMESPACE") {
            (_, value) if value.is_empty() => NAMESPACE.to_owned(),
            (_, value) if is_namespace(&value) => value,
            setting => {
                return bad(
                    setting,
                    "at most 255 letters, digits and any of . - _ / # :, and not begin with AWS/ or a colon",
                );
            }
        };
        let setting = get("TRAILTAB_USAGE_METRICS");
        let Ok(sets) = MetricSets::parse(&setting.1) else {
            let wanted = format!("a list of sets of metrics: any of {}", further_set_names());
            return bad(setting, &wanted);
        };
        let top = match get("TRAILTAB_USAGE_TOP") {
            (_, value) if value.is_empty() => TOP,
            setting => match setting.1.parse() {
                Ok(top) if (1..=MAX_TOP).contains(&top) => top,
                _ => return bad(setting, &format!("a number from 1 to {MAX_TOP}")),
            },
        };
        let setting = get("TRAILTAB_USAGE_OUTPUT");
        let output = match setting.1.as_str() {
            "" | "cloudwatch" => MetricOutput::CloudWatch,
            "emf" => MetricOutput::Emf,
            _ => return bad(setting, "cloudwatch or emf"),
        };
        let ledger = ledger(get("TRAILTAB_LEDGER"))?;
        Ok(UsageSettings {
            namespace,
            sets,
            top,
            output,
            ledger,
        })
    }
}

/// Parses the ledger's bucket and prefix; `None` if empty.
fn ledger(
    (name, value): (&'static str, String),
) -> Result<Option<(String, String)>, UsageSettingsError> {
    match value.parse() {
        _ if value.is_empty() => Ok(None),
        Ok(Source::S3 { bucket, prefix }) => Ok(Some((bucket, prefix))),
        _ => {
            let wanted = "a place in S3: s3://BUCKET or s3://BUCKET/PREFIX";
            Err(UsageSettingsError::new(name, &value, wanted))
        }
    }
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
    ) -> Result<CostSettings, UsageSettingsError> {
        let get = |name| {
            let value = variable(name).unwrap_or_default().trim().to_owned();
            (name, value)
        };
        let (name, value) = get("TRAILTAB_COST_CONFIG");
        let config = match value.parse() {
            Ok(config @ Source::S3 { .. }) if !value.ends_with('/') => config,
            _ => {
                let wanted = "an object in S3: s3://BUCKET/KEY";
                return Err(UsageSettingsError::new(name, &value, wanted));
            }
        };
        let (name, value) = get("TRAILTAB_LEDGER");
        let ledger = ledger((name, value.clone()))?.ok_or_else(|| {
            let wanted = "a place in S3, so that nothing is mailed twice: s3://BUCKET/PREFIX";
            UsageSettingsError::new(name, &value, wanted)
        })?;
        Ok(CostSettings { config, ledger })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(settings: &[(&str, &str)]) -> Result<UsageSettings, UsageSettingsError> {
        UsageSettings::read(|name| {
            let setting = settings.iter().find(|(set, _)| *set == name);
            setting.map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn nothing_set_is_as_the_predecessor_was() {
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
        ]);
        let settings = settings.unwrap();
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
        ] {
            let error = read(&[(name, value)]).unwrap_err();
            assert!(error.to_string().contains(name), "{error}");
        }
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
