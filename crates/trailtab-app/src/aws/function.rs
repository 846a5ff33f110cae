//! The configuration of a Lambda function, from the environment alone.
//!
//! Lambda gives credentials and region in variables. The SDK's loader would link its other sources of credentials into the
//! function: profiles, IAM Identity Center, web identities, instance metadata.

use std::env;

use aws_config::environment::EnvironmentVariableCredentialsProvider;
use aws_config::{AppName, BehaviorVersion, Region, SdkConfig};
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_async::rt::sleep::TokioSleep;
use aws_smithy_async::time::SystemTimeSource;
use aws_types::service_config::{LoadServiceConfig, ServiceConfigKey};

use super::profile::Origin;
use super::{APP_NAME, credentials, http_client, identity_cache, retries, timeouts};

/// Settings of single services, such as `AWS_ENDPOINT_URL_S3`.
#[derive(Debug)]
struct ServiceVariables;

impl LoadServiceConfig for ServiceVariables {
    fn load_config(&self, key: ServiceConfigKey<'_>) -> Option<String> {
        let service = key.service_id().to_uppercase().replace([' ', '-'], "_");
        variable(&format!("{}_{service}", key.env()))
    }
}

/// Builds the configuration of a Lambda function from the variables that Lambda sets, and from those by which an operator
/// chooses endpoints: `AWS_ENDPOINT_URL`, `AWS_ENDPOINT_URL_<SERVICE>`, `AWS_USE_FIPS_ENDPOINT` and
/// `AWS_USE_DUALSTACK_ENDPOINT`.
///
/// Source: Lambda Developer Guide, *Defined runtime environment variables*.
pub fn function_config() -> SdkConfig {
    let provider = SharedCredentialsProvider::new(EnvironmentVariableCredentialsProvider::new());
    let mut config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .credentials_provider(credentials::explained(provider, Origin::default()))
        .identity_cache(identity_cache())
        .region(variable("AWS_REGION").map(Region::new))
        .http_client(http_client())
        .retry_config(retries())
        .timeout_config(timeouts())
        .sleep_impl(TokioSleep::new())
        .time_source(SystemTimeSource::new())
        .service_config(ServiceVariables);
    config.set_endpoint_url(variable("AWS_ENDPOINT_URL"));
    config.set_use_fips(flag("AWS_USE_FIPS_ENDPOINT"));
    config.set_use_dual_stack(flag("AWS_USE_DUALSTACK_ENDPOINT"));
    config.set_app_name(AppName::new(APP_NAME).ok());
    config.build()
}

/// A variable that is `true` or `false`.
fn flag(name: &str) -> Option<bool> {
    variable(name)?.to_ascii_lowercase().parse().ok()
}

/// A variable that is not empty.
fn variable(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}
