//! The one place that builds AWS clients.

use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{AppName, BehaviorVersion, Region, SdkConfig};

/// What the user says about credentials.
#[derive(Debug, Clone, Default)]
pub(crate) struct Access {
    /// A named profile of the shared configuration.
    pub(crate) profile: Option<String>,
    /// The ARN of a role to assume with the credentials at hand.
    pub(crate) role: Option<String>,
}

/// Loads credentials and settings from the usual chain.
pub(crate) async fn config(access: &Access) -> SdkConfig {
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(5))
        .read_timeout(Duration::from_secs(30))
        .build();
    let mut loader = aws_config::defaults(BehaviorVersion::latest())
        .retry_config(RetryConfig::standard().with_max_attempts(8))
        .timeout_config(timeouts);
    // Marks our calls in CloudTrail's own records, so that they can be told apart.
    if let Ok(name) = AppName::new("trailtab") {
        loader = loader.app_name(name);
    }
    if let Some(profile) = &access.profile {
        loader = loader.profile_name(profile);
    }
    let config = loader.load().await;
    match &access.role {
        Some(role) => assume(config, role).await,
        None => config,
    }
}

async fn assume(config: SdkConfig, role: &str) -> SdkConfig {
    let provider = aws_config::sts::AssumeRoleProvider::builder(role)
        .session_name("trailtab")
        .configure(&config)
        .build()
        .await;
    let provider = aws_credential_types::provider::SharedCredentialsProvider::new(provider);
    config.into_builder().credentials_provider(provider).build()
}

/// Builds a client for a bucket in a region, or in the configured one.
pub(crate) fn s3(config: &SdkConfig, bucket: &str, region: Option<&str>) -> aws_sdk_s3::Client {
    let region = region.map(|name| Region::new(name.to_owned()));
    let region = region.or_else(|| config.region().cloned());
    let custom = config.endpoint_url().is_some()
        || ["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"]
            .iter()
            .any(|name| std::env::var_os(name).is_some());
    let builder = aws_sdk_s3::config::Builder::from(config)
        .region(region.unwrap_or_else(|| Region::from_static("us-east-1")))
        // Certificates do not cover bucket names with dots, nor emulators any bucket's name.
        .force_path_style(custom || bucket.contains('.'));
    aws_sdk_s3::Client::from_conf(builder.build())
}

/// Builds a client for CloudTrail in a region, or in the configured one.
pub(crate) fn cloudtrail(config: &SdkConfig, region: Option<&str>) -> aws_sdk_cloudtrail::Client {
    let region = region.map(|name| Region::new(name.to_owned()));
    let region = region.or_else(|| config.region().cloned());
    let builder = aws_sdk_cloudtrail::config::Builder::from(config)
        .region(region.unwrap_or_else(|| Region::from_static("us-east-1")));
    aws_sdk_cloudtrail::Client::from_conf(builder.build())
}
