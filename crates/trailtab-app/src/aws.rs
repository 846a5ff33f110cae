//! Builds all AWS clients. No other module creates one.

mod athena;
mod cloudformation;
mod credentials;
mod direct;
mod document_bucket;
mod ec2;
mod endpoint;
mod failure;
mod function;
mod glue;
mod json;
mod network;
mod object;
mod organizations;
mod page_tokens;
mod profile;
mod proxy_page;
mod query;
mod refusal;
mod retries;
mod signed;
mod sqs;
mod trust;
mod webhook;
mod xml;

use std::error::Error;
use std::time::Duration;

use aws_config::identity::IdentityCache;
use aws_config::profile::ProfileFileCredentialsProvider;
use aws_config::provider_config::ProviderConfig;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{AppName, BehaviorVersion, Region};
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_s3::types::RequestPayer;
use aws_sdk_sts::config::{RuntimeComponents, SharedAsyncSleep};
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::{Provider, TlsContext, rustls_provider::CryptoMode};
use aws_smithy_http_client::{Builder, Connector};
use aws_smithy_runtime_api::client::http::{
    HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::identity::SharedIdentityCache;

pub use self::athena::{
    AthenaClient, AthenaQueryError, DEFAULT_CATALOG, InvalidQueryId, QueryId, QueryStart,
    QueryState, QueryStatus, WorkgroupSettings,
};
pub use self::cloudformation::{DeployedStack, InvalidStackName, StackName, describe_stack};
pub use self::credentials::CredentialsProblem;
pub use aws_config::SdkConfig;

pub use self::document_bucket::{DocumentBucket, StoredDocument, WriteCondition, WriteResult};
pub use self::ec2::describe_regions;
pub use self::failure::{AwsFailure, Backoff, FailureKind, explain};
pub use self::function::function_config;
pub use self::glue::{GlueClient, TableColumn, TableDescription, TablePath};
pub use self::network::Unreachable;
pub use self::object::{BodyError, ObjectAnswer, ObjectBody, ObjectClient, ObjectRequest};
pub use self::organizations::list_accounts;
pub use self::page_tokens::{PageTokens, RepeatedPage};
pub use self::profile::ConfigError;
use self::profile::{Origin, Profiles};
pub use self::proxy_page::{ProxyPageWatch, is_answered_by_proxy};
pub use self::sqs::{QueueFailure, send_message};
pub use self::webhook::{WebhookAnswer, WebhookFailure, post_json};

/// Used if no region is configured. Serves all global APIs.
const DEFAULT_REGION: &str = "us-east-1";

/// Marks our calls in CloudTrail's records, as `app/trailtab` in the user agent.
const APP_NAME: &str = "trailtab";

/// Lifetime of idle connections. While a Lambda function is frozen, AWS may close them, and a
/// request on a closed connection gets no answer.
const POOL_IDLE_TIMEOUT: Duration = Duration::from_secs(5);

/// Maximum time to obtain credentials. A credential process that prompts for a code takes a while;
/// unreachable hosts fail much earlier.
const CREDENTIALS_TIMEOUT: Duration = Duration::from_secs(60);

/// Credential options of the command line.
#[derive(Debug, Clone, Default)]
pub struct CredentialOptions {
    /// A named profile of the shared configuration.
    pub profile: Option<String>,
    /// The ARN of a role to assume.
    pub role: Option<String>,
}

/// Loads credentials and settings from the SDK's default chain.
///
/// # Errors
///
/// Fails if the configured profile or region does not exist.
pub async fn config(access: &CredentialOptions) -> Result<SdkConfig, ConfigError> {
    let profiles = Profiles::read(access).await?;
    profiles.check_region()?;
    Ok(load(access, profiles.origin(access)).await)
}

/// Tells whether a custom endpoint is configured, so that region names do not become host names.
///
/// # Errors
///
/// Fails if the configuration cannot be read.
pub async fn has_endpoint(access: &CredentialOptions) -> Result<bool, ConfigError> {
    Ok(Profiles::read(access).await?.has_endpoint())
}

async fn load(access: &CredentialOptions, origin: Origin) -> SdkConfig {
    let mut loader = aws_config::defaults(BehaviorVersion::latest())
        .http_client(http_client())
        .identity_cache(identity_cache())
        .retry_config(retries())
        .timeout_config(timeouts());
    if let Ok(name) = AppName::new(APP_NAME) {
        loader = loader.app_name(name);
    }
    if let Some(profile) = &access.profile {
        loader = loader.profile_name(profile);
    }
    let mut config = loader.load().await;
    if let Some(profile) = &access.profile {
        config = of_profile(&config, profile);
    }
    if let Some(provider) = config.credentials_provider() {
        let provider = credentials::explained(provider, origin);
        config = config.to_builder().credentials_provider(provider).build();
    }
    match &access.role {
        Some(role) => assume(&config, role).await,
        None => config,
    }
}

fn identity_cache() -> SharedIdentityCache {
    let cache = IdentityCache::lazy().load_timeout(CREDENTIALS_TIMEOUT);
    cache.build()
}

fn retries() -> RetryConfig {
    RetryConfig::standard().with_max_attempts(8)
}

fn timeouts() -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(5))
        .read_timeout(Duration::from_secs(30))
        .build()
}

/// A configuration for runs that make no requests. Looks for no credentials, which could take a
/// while.
pub fn without_credentials() -> SdkConfig {
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .build()
}

/// The configuration with the credentials of a profile. An explicitly named profile takes
/// precedence over keys in the environment, which the SDK would prefer.
fn of_profile(config: &SdkConfig, profile: &str) -> SdkConfig {
    let mut settings = ProviderConfig::default().with_region(Some(region_of(config)));
    if let Some(client) = config.http_client() {
        settings = settings.with_http_client(client);
    }
    let provider = ProfileFileCredentialsProvider::builder()
        .configure(&settings)
        .profile_name(profile)
        .build();
    let provider = SharedCredentialsProvider::new(provider);
    config.to_builder().credentials_provider(provider).build()
}

/// A connection pool shared by all clients; separate ones would each parse the trusted certificates.
fn http_client() -> SharedHttpClient {
    let client = |trusted: fn() -> TlsContext| {
        Builder::new().build_with_connector_fn(move |settings, components| {
            let sleep = components.and_then(RuntimeComponents::sleep_impl);
            trusting(trusted(), settings.cloned(), sleep)
        })
    };
    let amazon = client(|| trust::amazon().cloned().unwrap_or_default());
    let all = client(TlsContext::default);
    network::watched(trust::amazon_first(amazon, all))
}

/// A connector built like the SDK's default one, which trusts all authorities.
fn connector(
    settings: Option<HttpConnectorSettings>,
    sleep: Option<SharedAsyncSleep>,
) -> Connector {
    trusting(TlsContext::default(), settings, sleep)
}

/// A connector for requests to AWS without an SDK client: as the SDK's clients, it trusts Amazon's authorities first, and
/// fails early until any host has answered.
fn direct_connector(
    settings: HttpConnectorSettings,
    sleep: Option<SharedAsyncSleep>,
) -> SharedHttpConnector {
    let connect_timeout = settings.connect_timeout().unwrap_or_default();
    let connector = trust::direct(move |trusted| {
        SharedHttpConnector::new(trusting(trusted, Some(settings.clone()), sleep.clone()))
    });
    network::watched_connector(connector, connect_timeout)
}

/// A connector that trusts what its TLS settings say.
fn trusting(
    trusted: TlsContext,
    settings: Option<HttpConnectorSettings>,
    sleep: Option<SharedAsyncSleep>,
) -> Connector {
    let mut builder = Connector::builder().tls_provider(Provider::Rustls(CryptoMode::AwsLc));
    builder.set_connector_settings(settings);
    builder.set_sleep_impl(sleep);
    builder
        .tls_context(trusted)
        .pool_idle_timeout(POOL_IDLE_TIMEOUT)
        .proxy_config(ProxyConfig::from_env())
        .build()
}

/// The configuration with the credentials of a role, assumed with the current ones.
pub async fn assume(config: &SdkConfig, role: &str) -> SdkConfig {
    let provider = aws_config::sts::AssumeRoleProvider::builder(role)
        .session_name(APP_NAME)
        .region(region_of(config))
        .configure(config)
        .build()
        .await;
    let origin = Origin {
        role: Some(role.to_owned()),
        ..Origin::default()
    };
    let provider = credentials::explained(SharedCredentialsProvider::new(provider), origin);
    let builder = config.to_builder().credentials_provider(provider);
    renewed(&builder.build())
}

/// The configuration with a new identity cache, so that credentials are obtained again.
pub fn renewed(config: &SdkConfig) -> SdkConfig {
    let cache = identity_cache();
    config.to_builder().identity_cache(cache).build()
}

/// The configured region.
pub fn region_of(config: &SdkConfig) -> Region {
    let region = config.region().cloned();
    region.unwrap_or_else(|| Region::from_static(DEFAULT_REGION))
}

/// Builds a client for a bucket in a region, or in the configured one.
pub fn s3(config: &SdkConfig, bucket: &str, region: Option<&str>) -> aws_sdk_s3::Client {
    let region = region.map(|name| Region::new(name.to_owned()));
    let custom = config.endpoint_url().is_some()
        || ["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"]
            .iter()
            .any(|name| std::env::var_os(name).is_some());
    let builder = aws_sdk_s3::config::Builder::from(config)
        .region(region.unwrap_or_else(|| region_of(config)))
        // Certificates do not cover bucket names with dots, and emulators have no host name per
        // bucket.
        .force_path_style(custom || bucket.contains('.'));
    aws_sdk_s3::Client::from_conf(builder.build())
}

/// Builds a client for the objects of a bucket with the settings of a client of S3, but without retries: callers adapt to
/// refusals themselves. `payer` is given if the caller pays for the requests.
pub fn s3_objects(
    client: &aws_sdk_s3::Client,
    bucket: &str,
    payer: Option<RequestPayer>,
) -> ObjectClient {
    let builder = client.config().to_builder();
    let builder = builder.retry_config(RetryConfig::disabled());
    ObjectClient::new(
        aws_sdk_s3::Client::from_conf(builder.build()),
        bucket,
        payer,
    )
}

/// Builds a client for a region's event history. It never retries: each request counts against the
/// quota, so the caller decides.
pub fn event_history(config: &SdkConfig, region: &str) -> aws_sdk_cloudtrail::Client {
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(5))
        .operation_attempt_timeout(Duration::from_secs(20))
        .build();
    let builder = aws_sdk_cloudtrail::config::Builder::from(config)
        .region(Region::new(region.to_owned()))
        .retry_config(RetryConfig::disabled())
        .timeout_config(timeouts);
    aws_sdk_cloudtrail::Client::from_conf(builder.build())
}

/// Builds a client for CloudTrail's other operations, in a region or in the configured one.
pub fn cloudtrail(config: &SdkConfig, region: Option<&str>) -> aws_sdk_cloudtrail::Client {
    let region = region.map(|name| Region::new(name.to_owned()));
    let builder = aws_sdk_cloudtrail::config::Builder::from(config)
        .region(region.unwrap_or_else(|| region_of(config)));
    aws_sdk_cloudtrail::Client::from_conf(builder.build())
}

/// Builds a client for Athena in the configured region. It repeats what may pass.
pub fn athena(config: &SdkConfig) -> AthenaClient {
    AthenaClient::new(config)
}

/// Builds a client for the catalog of Glue in the configured region. It repeats what may pass.
pub fn glue(config: &SdkConfig) -> GlueClient {
    GlueClient::new(config)
}

/// Builds a client for STS in the configured region.
pub fn sts(config: &SdkConfig) -> aws_sdk_sts::Client {
    let builder = aws_sdk_sts::config::Builder::from(config).region(region_of(config));
    aws_sdk_sts::Client::from_conf(builder.build())
}

/// Builds a client for Account Management in the configured region. It makes at most two attempts.
pub fn account(config: &SdkConfig) -> aws_sdk_account::Client {
    let builder = aws_sdk_account::config::Builder::from(config)
        .region(region_of(config))
        .retry_config(RetryConfig::standard().with_max_attempts(2));
    aws_sdk_account::Client::from_conf(builder.build())
}

/// Builds a client for Organizations in the configured region.
pub fn organizations(config: &SdkConfig) -> aws_sdk_organizations::Client {
    let builder = aws_sdk_organizations::config::Builder::from(config).region(region_of(config));
    aws_sdk_organizations::Client::from_conf(builder.build())
}

/// Builds a client for Cost Explorer. It never retries: each successful request is charged, so the
/// caller, which counts them, decides.
pub fn cost_explorer(config: &SdkConfig) -> aws_sdk_costexplorer::Client {
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(5))
        .operation_attempt_timeout(Duration::from_secs(60))
        .build();
    let builder = aws_sdk_costexplorer::config::Builder::from(config)
        .region(Region::new(bill_region(region_of(config).as_ref())))
        .retry_config(RetryConfig::disabled())
        .timeout_config(timeouts);
    aws_sdk_costexplorer::Client::from_conf(builder.build())
}

/// The one region of a partition that serves Cost Explorer.
fn bill_region(region: &str) -> String {
    match region {
        _ if region.starts_with("cn-") => "cn-northwest-1".to_owned(),
        _ if region.starts_with("us-gov-") => "us-gov-west-1".to_owned(),
        // A region of an isolated or sovereign partition; Cost Explorer is assumed in the same one.
        _ if region.starts_with("us-iso") || region.starts_with("eusc-") => region.to_owned(),
        _ => DEFAULT_REGION.to_owned(),
    }
}

/// Builds a client for CloudWatch metrics. It never retries: a metric published twice counts twice.
pub fn cloudwatch(config: &SdkConfig) -> aws_sdk_cloudwatch::Client {
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(3))
        .read_timeout(Duration::from_secs(20))
        .build();
    let builder = aws_sdk_cloudwatch::config::Builder::from(config)
        .region(region_of(config))
        .retry_config(RetryConfig::disabled())
        .timeout_config(timeouts);
    aws_sdk_cloudwatch::Client::from_conf(builder.build())
}

/// Builds a client that reads CloudWatch metrics, and retries requests that failed for at most a minute.
pub fn cloudwatch_reader(config: &SdkConfig) -> aws_sdk_cloudwatch::Client {
    let timeouts = config.timeout_config().map(TimeoutConfig::to_builder);
    let timeouts = timeouts
        .unwrap_or_else(TimeoutConfig::builder)
        .operation_timeout(Duration::from_secs(60))
        .build();
    let builder = aws_sdk_cloudwatch::config::Builder::from(config)
        .region(region_of(config))
        .timeout_config(timeouts);
    aws_sdk_cloudwatch::Client::from_conf(builder.build())
}

/// Builds a client for Secrets Manager in a region.
pub fn secrets_manager(config: &SdkConfig, region: &str) -> aws_sdk_secretsmanager::Client {
    let builder = aws_sdk_secretsmanager::config::Builder::from(config)
        .region(Region::new(region.to_owned()));
    aws_sdk_secretsmanager::Client::from_conf(builder.build())
}

/// Builds a client for SES in a region. It never retries: a mail could be sent twice.
pub fn ses(config: &SdkConfig, region: &str) -> aws_sdk_sesv2::Client {
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(5))
        // Long enough for a large mail on a slow line.
        .operation_attempt_timeout(Duration::from_secs(90))
        .build();
    let builder = aws_sdk_sesv2::config::Builder::from(config)
        .region(Region::new(region.to_owned()))
        .retry_config(RetryConfig::disabled())
        .timeout_config(timeouts);
    aws_sdk_sesv2::Client::from_conf(builder.build())
}

/// An error followed by its causes. The last one is the most specific.
pub fn chain<'e>(
    error: &'e (dyn Error + 'static),
) -> impl Iterator<Item = &'e (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error| error.source())
}

/// Finds a cause by its type.
pub fn find<'e, T: Error + 'static>(error: &'e (dyn Error + 'static)) -> Option<&'e T> {
    chain(error).find_map(|cause| cause.downcast_ref())
}

/// An error and its causes on one line. One of our own error types replaces the whole chain.
pub fn with_causes(error: &(dyn Error + 'static)) -> String {
    if let Some(problem) = find::<CredentialsProblem>(error) {
        return problem.to_string();
    }
    if let Some(unreachable) = find::<Unreachable>(error) {
        return unreachable.to_string();
    }
    let causes = chain(error).map(|cause| credentials::one_line(&cause.to_string()));
    causes.collect::<Vec<_>>().join(": ")
}

/// Tells whether a request was not sent because no connection could be opened.
pub fn lacks_connection(error: &(dyn Error + 'static)) -> bool {
    let is_connect = |cause: &(dyn Error + 'static)| {
        let hyper = cause.downcast_ref::<hyper_util::client::legacy::Error>();
        hyper.is_some_and(hyper_util::client::legacy::Error::is_connect)
    };
    find::<Unreachable>(error).is_some_and(Unreachable::was_not_sent)
        || chain(error).any(is_connect)
}

/// Tells whether a request failed for lack of credentials.
pub fn lacks_credentials(error: &(dyn Error + 'static)) -> bool {
    find::<CredentialsError>(error).is_some()
}

/// Tells whether a request was abandoned because no host has ever answered.
pub fn is_unreachable(error: &(dyn Error + 'static)) -> bool {
    find::<Unreachable>(error).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bills_are_in_one_region_of_each_partition() {
        for (region, bills) in [
            ("eu-central-1", "us-east-1"),
            ("us-east-1", "us-east-1"),
            ("cn-north-1", "cn-northwest-1"),
            ("us-gov-east-1", "us-gov-west-1"),
            ("eusc-de-east-1", "eusc-de-east-1"),
        ] {
            assert_eq!(bill_region(region), bills);
        }
    }
}
