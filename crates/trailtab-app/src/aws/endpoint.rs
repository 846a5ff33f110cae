//! Where requests without an SDK client go.

use std::borrow::Cow;

use aws_config::SdkConfig;
use aws_types::service_config::ServiceConfigKey;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

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

/// The characters of a key that are encoded in a path: all but the unreserved ones of RFC 3986, and slashes.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'/');

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
        let endpoint = self.configured(config).unwrap_or_else(|| {
            let region = region_of(config);
            let region = region.as_ref();
            format!("https://{}.{region}.{}", self.name, domain(region))
        });
        format!("{}/", endpoint.trim_end_matches('/'))
    }

    /// The endpoint that the configuration names.
    fn configured(&self, config: &SdkConfig) -> Option<String> {
        let key = ServiceConfigKey::builder()
            .service_id(self.id)
            .env("AWS_ENDPOINT_URL")
            .profile("endpoint_url")
            .build();
        let own = config.service_config().zip(key.ok());
        let own = own.and_then(|(settings, key)| settings.load_config(key));
        own.or_else(|| config.endpoint_url().map(str::to_owned))
    }
}

/// S3, whose hosts have the name of a bucket as their first label.
pub(super) const S3: DirectService = DirectService {
    id: "S3",
    name: "s3",
};

/// The root of a bucket's objects in the configured region. Ends in a slash.
///
/// A bucket may be named by the ARN of an access point in that region. Certificates do not cover bucket names with dots, and
/// emulators have no host name for each bucket: there the bucket is the beginning of the path.
pub(super) fn bucket_uri(config: &SdkConfig, bucket: &str) -> String {
    if let Some(endpoint) = S3.configured(config) {
        return format!("{}/{bucket}/", endpoint.trim_end_matches('/'));
    }
    match access_point(bucket) {
        Some((name, account)) => {
            format!(
                "https://{name}-{account}.{}/",
                s3_host(config, "s3-accesspoint")
            )
        }
        None if bucket.contains('.') => format!("https://{}/{bucket}/", s3_host(config, "s3")),
        None => format!("https://{bucket}.{}/", s3_host(config, "s3")),
    }
}

/// The name and the account of an access point: `arn:PARTITION:s3:REGION:ACCOUNT:accesspoint:NAME`.
fn access_point(arn: &str) -> Option<(&str, &str)> {
    let parts: Vec<&str> = arn.splitn(7, ':').collect();
    match parts[..] {
        ["arn", _, "s3", _, account, "accesspoint", name] => Some((name, account)),
        _ => None,
    }
}

/// A host of S3 in the configured region.
fn s3_host(config: &SdkConfig, service: &str) -> String {
    let region = region_of(config);
    let region = region.as_ref();
    let fips = if config.use_fips() == Some(true) {
        "-fips"
    } else {
        ""
    };
    let dual_stack = match config.use_dual_stack() {
        Some(true) => ".dualstack",
        _ => "",
    };
    format!("{service}{fips}{dual_stack}.{region}.{}", domain(region))
}

/// The key of an object as it stands in the path of a request.
pub(super) fn encoded_key(key: &str) -> Cow<'_, str> {
    utf8_percent_encode(key, ENCODED).into()
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

    #[test]
    fn buckets_have_hosts_of_their_own_where_certificates_cover_them() {
        let config = |region| {
            let config = SdkConfig::builder().behavior_version(BehaviorVersion::latest());
            config.region(Region::new(region))
        };
        let ireland = || config("eu-west-1");
        for (config, bucket, uri) in [
            (
                ireland(),
                "logs",
                "https://logs.s3.eu-west-1.amazonaws.com/",
            ),
            (
                ireland(),
                "my.logs",
                "https://s3.eu-west-1.amazonaws.com/my.logs/",
            ),
            (
                ireland().use_fips(true).use_dual_stack(true),
                "logs",
                "https://logs.s3-fips.dualstack.eu-west-1.amazonaws.com/",
            ),
            (
                ireland(),
                "arn:aws:s3:eu-west-1:111122223333:accesspoint:ledger",
                "https://ledger-111122223333.s3-accesspoint.eu-west-1.amazonaws.com/",
            ),
            (
                config("cn-north-1"),
                "logs",
                "https://logs.s3.cn-north-1.amazonaws.com.cn/",
            ),
            (
                ireland().endpoint_url("http://127.0.0.1:4566"),
                "logs",
                "http://127.0.0.1:4566/logs/",
            ),
        ] {
            assert_eq!(bucket_uri(&config.build(), bucket), uri);
        }
    }
}
