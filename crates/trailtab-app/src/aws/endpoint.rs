//! Where requests without an SDK client go.

use aws_config::SdkConfig;
use aws_types::service_config::ServiceConfigKey;

use super::region_of;

/// The domains of regions whose names begin with the first text, from `partitions.json` of botocore.
const DOMAINS: &[(&str, &str)] = &[
    ("cn-", "amazonaws.com.cn"),
    ("eusc-", "amazonaws.eu"),
    ("us-iso-", "c2s.ic.gov"),
    ("us-isob-", "sc2s.sgov.gov"),
    ("us-isof-", "csp.hci.ic.gov"),
    ("eu-isoe-", "cloud.adc-e.uk"),
];

/// The domain of all other regions, those of AWS GovCloud among them.
const DEFAULT_DOMAIN: &str = "amazonaws.com";

/// A service that is asked without an SDK client.
#[derive(Debug)]
pub(super) struct DirectService {
    /// The name of its SDK, by which settings name its endpoint.
    pub(super) id: &'static str,
    /// The first label of its host, which is also its name in signatures.
    pub(super) name: &'static str,
}

impl DirectService {
    /// The root of the service's endpoint in the configured region, or of the configured one, resolved
    /// as the SDK's own clients do. Ends in a slash.
    pub(super) fn uri(&self, config: &SdkConfig) -> String {
        let key = ServiceConfigKey::builder()
            .service_id(self.id)
            .env("AWS_ENDPOINT_URL")
            .profile("endpoint_url")
            .build();
        let own = config.service_config().zip(key.ok());
        let own = own.and_then(|(settings, key)| settings.load_config(key));
        let configured = own.or_else(|| config.endpoint_url().map(str::to_owned));
        let endpoint = configured.unwrap_or_else(|| {
            let region = region_of(config);
            let region = region.as_ref();
            format!("https://{}.{region}.{}", self.name, domain(region))
        });
        format!("{}/", endpoint.trim_end_matches('/'))
    }
}

fn domain(region: &str) -> &'static str {
    let found = DOMAINS.iter().find(|(start, _)| region.starts_with(start));
    found.map_or(DEFAULT_DOMAIN, |(_, domain)| domain)
}

#[cfg(test)]
mod tests {
    use aws_config::{BehaviorVersion, Region};

    use super::*;

    #[test]
    fn requests_go_to_the_partition_of_the_region() {
        let service = DirectService {
            id: "Athena",
            name: "athena",
        };
        for (region, uri) in [
            ("eu-west-1", "https://athena.eu-west-1.amazonaws.com/"),
            (
                "us-gov-west-1",
                "https://athena.us-gov-west-1.amazonaws.com/",
            ),
            ("cn-north-1", "https://athena.cn-north-1.amazonaws.com.cn/"),
            (
                "eusc-de-east-1",
                "https://athena.eusc-de-east-1.amazonaws.eu/",
            ),
            ("us-iso-east-1", "https://athena.us-iso-east-1.c2s.ic.gov/"),
        ] {
            let config = SdkConfig::builder()
                .behavior_version(BehaviorVersion::latest())
                .region(Region::new(region));
            assert_eq!(service.uri(&config.build()), uri);
        }
    }

    #[test]
    fn a_configured_endpoint_replaces_the_host() {
        let service = DirectService {
            id: "Athena",
            name: "athena",
        };
        let config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .endpoint_url("http://127.0.0.1:4566/");
        assert_eq!(service.uri(&config.build()), "http://127.0.0.1:4566/");
    }
}
