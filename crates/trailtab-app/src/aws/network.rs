//! Fails early if there is no network.
//!
//! The SDK and the loops of this program retry patiently, which is right for a connection lost in
//! the middle of a run. Before the first response, that would only delay the error by minutes, so a
//! few connection attempts are enough. [`Network`] is shared by all clients of the process and knows
//! whether any host has answered.

use std::collections::HashMap;
use std::error::Error;
use std::fmt;
use std::io;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::connector_metadata::ConnectorMetadata;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::{
    RuntimeComponents, RuntimeComponentsBuilder,
};
use aws_smithy_types::config_bag::ConfigBag;
use hyper_util::client::proxy::matcher::Matcher;
use tokio::time::Instant;

use super::{chain, lacks_connection};

/// Connection attempts before a host counts as unreachable.
const MAX_CONNECT_ATTEMPTS: u32 = 3;

/// Time after the first attempt in which failed attempts are retried.
const RETRY_PERIOD: Duration = Duration::from_secs(3);

/// Timeout of a host's first response after connecting. Applies to plain HTTP only: a completed TLS
/// handshake proves that the host is reachable.
const FIRST_ANSWER_TIMEOUT: Duration = Duration::from_secs(8);

/// How long requests fail immediately after the network was found unreachable. A Lambda function
/// tries again later.
const UNREACHABLE_PERIOD: Duration = Duration::from_secs(10);

/// The error if no host could be reached.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("cannot reach {host}{}: {cause} ({hint})", ThroughProxy(proxy.as_deref()), hint = self.hint())]
pub struct Unreachable {
    /// With its port, unless that is the scheme's default.
    pub host: String,
    /// The proxy's URL, if the request goes through one.
    pub proxy: Option<String>,
    cause: Cause,
}

/// Why a host cannot be reached.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
enum Cause {
    #[error("no connection within {0} seconds")]
    ConnectTimeout(u64),
    #[error("no answer within {0} seconds")]
    NoAnswer(u64),
    /// An error of the operating system, the resolver, the proxy, or TLS.
    #[error("{0}")]
    Connect(String),
}

struct ThroughProxy<'p>(Option<&'p str>);

impl fmt::Display for ThroughProxy<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(proxy) => write!(f, " through the proxy {proxy}"),
            None => Ok(()),
        }
    }
}

impl Unreachable {
    fn hint(&self) -> &'static str {
        match self.proxy {
            Some(_) => "check the proxy, and HTTPS_PROXY, HTTP_PROXY and NO_PROXY",
            None => "check the network; if it needs a proxy, set HTTPS_PROXY",
        }
    }

    /// Whether the host has certainly not received the request.
    pub(super) fn was_not_sent(&self) -> bool {
        !matches!(self.cause, Cause::NoAnswer(_))
    }
}

/// Whether any host has answered.
#[derive(Debug, Default)]
enum State {
    #[default]
    Untried,
    Trying {
        since: Instant,
        attempts: HashMap<String, u32>,
    },
    Answered,
    Unreachable {
        until: Instant,
        error: Unreachable,
    },
}

impl State {
    /// Starts an attempt.
    ///
    /// # Errors
    ///
    /// Fails if the network was found unreachable a moment ago.
    fn begin(&mut self, now: Instant) -> Result<(), Unreachable> {
        match self {
            State::Unreachable { until, error } if now < *until => Err(error.clone()),
            State::Trying { .. } | State::Answered => Ok(()),
            State::Untried | State::Unreachable { .. } => {
                *self = State::Trying {
                    since: now,
                    attempts: HashMap::new(),
                };
                Ok(())
            }
        }
    }

    /// Records a failed attempt. Returns whether it may be retried.
    fn failed(&mut self, now: Instant, error: &Unreachable) -> bool {
        let State::Trying { since, attempts } = self else {
            return matches!(self, State::Answered | State::Untried);
        };
        let count = attempts.entry(error.host.clone()).or_default();
        *count += 1;
        let is_repeated =
            *count < MAX_CONNECT_ATTEMPTS && now.duration_since(*since) < RETRY_PERIOD;
        if !is_repeated {
            *self = State::Unreachable {
                until: now + UNREACHABLE_PERIOD,
                error: error.clone(),
            };
        }
        is_repeated
    }
}

/// State of the network, shared by the clients of the process.
#[derive(Debug)]
struct Network {
    state: Mutex<State>,
    proxies: Matcher,
    /// The URL of a local credentials server, if one is configured.
    credentials_uri: Option<String>,
}

impl Network {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_answered(&self) -> bool {
        matches!(*self.state(), State::Answered)
    }

    /// Tells whether a request goes to the metadata service or to a local credentials server. Their
    /// responses prove nothing about the network.
    fn is_local(&self, uri: &str) -> bool {
        let is_configured = |configured: &str| without_query(configured) == without_query(uri);
        is_link_local(host(uri)) || self.credentials_uri.as_deref().is_some_and(is_configured)
    }

    fn unreachable(&self, uri: &str, cause: Cause) -> Unreachable {
        let proxy = uri.parse().ok();
        let proxy = proxy.and_then(|uri| self.proxies.intercept(&uri));
        Unreachable {
            host: host(uri).to_owned(),
            proxy: proxy.map(|proxy| proxy.uri().to_string()),
            cause,
        }
    }
}

impl Network {
    /// The one network of this process.
    fn shared() -> Arc<Network> {
        static NETWORK: LazyLock<Arc<Network>> = LazyLock::new(|| {
            Arc::new(Network {
                state: Mutex::default(),
                proxies: Matcher::from_env(),
                credentials_uri: std::env::var("AWS_CONTAINER_CREDENTIALS_FULL_URI").ok(),
            })
        });
        NETWORK.clone()
    }
}

/// Makes a client fail early until any host has answered.
pub(super) fn watched(inner: SharedHttpClient) -> SharedHttpClient {
    let network = Network::shared();
    SharedHttpClient::new(Watched { inner, network })
}

/// Makes a connector fail early until any host has answered.
pub(super) fn watched_connector(
    inner: SharedHttpConnector,
    connect_timeout: Duration,
) -> SharedHttpConnector {
    SharedHttpConnector::new(WatchedConnector {
        inner,
        connect_timeout,
        network: Network::shared(),
    })
}

#[derive(Debug)]
struct Watched {
    inner: SharedHttpClient,
    network: Arc<Network>,
}

impl HttpClient for Watched {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(WatchedConnector {
            inner: self.inner.http_connector(settings, components),
            connect_timeout: settings.connect_timeout().unwrap_or_default(),
            network: self.network.clone(),
        })
    }

    /// The inner client would build a connector, and parse all certificates for it, for each client
    /// that is created. It is built at the first request instead.
    fn validate_base_client_config(
        &self,
        _: &RuntimeComponentsBuilder,
        _: &ConfigBag,
    ) -> Result<(), BoxError> {
        Ok(())
    }

    fn validate_final_config(
        &self,
        components: &RuntimeComponents,
        config: &ConfigBag,
    ) -> Result<(), BoxError> {
        self.inner.validate_final_config(components, config)
    }

    fn connector_metadata(&self) -> Option<ConnectorMetadata> {
        self.inner.connector_metadata()
    }
}

#[derive(Debug)]
struct WatchedConnector {
    inner: SharedHttpConnector,
    connect_timeout: Duration,
    network: Arc<Network>,
}

impl HttpConnector for WatchedConnector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let uri = request.uri().to_owned();
        if self.network.is_answered() || self.network.is_local(&uri) {
            return self.inner.call(request);
        }
        let (network, connect_timeout) = (self.network.clone(), self.connect_timeout);
        if let Err(error) = network.state().begin(Instant::now()) {
            return HttpConnectorFuture::ready(Err(final_error(error)));
        }
        let call = self.inner.call(request);
        HttpConnectorFuture::new(async move {
            let called = match uri.starts_with("http:") {
                true => tokio::time::timeout(FIRST_ANSWER_TIMEOUT, call).await,
                false => Ok(call.await),
            };
            let (cause, error) = match called {
                Ok(Ok(response)) => {
                    *network.state() = State::Answered;
                    return Ok(response);
                }
                Ok(Err(error)) if lacks_connection(&error) => {
                    (cause(&error, connect_timeout), Some(error))
                }
                Ok(Err(error)) => return Err(error),
                Err(_) => (Cause::NoAnswer(FIRST_ANSWER_TIMEOUT.as_secs()), None),
            };
            let unreachable = network.unreachable(&uri, cause);
            let is_repeated = network.state().failed(Instant::now(), &unreachable);
            Err(error
                .filter(|_| is_repeated)
                .unwrap_or_else(|| final_error(unreachable)))
        })
    }
}

/// An error that the SDK does not retry.
fn final_error(error: Unreachable) -> ConnectorError {
    ConnectorError::other(Box::new(error), None)
}

/// The reason for a failed connection: the innermost error is the most specific.
fn cause(error: &ConnectorError, connect_timeout: Duration) -> Cause {
    if error.is_timeout() {
        return Cause::ConnectTimeout(connect_timeout.as_secs());
    }
    let innermost: Option<&(dyn Error + 'static)> = chain(error).last();
    let Some(innermost) = innermost else {
        return Cause::Connect(error.to_string());
    };
    let system = innermost.downcast_ref::<io::Error>();
    let kind = system.and_then(|error| error.raw_os_error().map(|_| error.kind()));
    Cause::Connect(kind.map_or_else(|| innermost.to_string(), |kind| kind.to_string()))
}

/// The host of a URI, with its port if given.
fn host(uri: &str) -> &str {
    let rest = uri.split_once("://").map_or(uri, |(_, rest)| rest);
    rest.split(['/', '?']).next().unwrap_or(rest)
}

fn without_query(uri: &str) -> &str {
    uri.split_once('?').map_or(uri, |(address, _)| address)
}

/// Tells whether a host is a metadata service of an instance or container.
fn is_link_local(host: &str) -> bool {
    host.starts_with("169.254.") || host.starts_with("[fd00:ec2::")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(host: &str) -> Unreachable {
        Unreachable {
            host: host.to_owned(),
            proxy: None,
            cause: Cause::Connect("connection refused".to_owned()),
        }
    }

    fn after(start: Instant, milliseconds: u64) -> Instant {
        start + Duration::from_millis(milliseconds)
    }

    #[test]
    fn a_host_that_refuses_three_times_is_unreachable() {
        let (mut state, start) = (State::default(), Instant::now());
        let error = refused("sts.us-east-1.amazonaws.com");
        for (time, is_repeated) in [(0, true), (500, true), (1000, false)] {
            assert_eq!(state.begin(after(start, time)), Ok(()));
            assert_eq!(state.failed(after(start, time), &error), is_repeated);
        }
        // Further attempts fail immediately for a while.
        assert_eq!(state.begin(after(start, 1001)), Err(error));
        assert_eq!(state.begin(after(start, 11_001)), Ok(()));
        assert!(state.failed(after(start, 11_002), &refused("sts")));
    }

    #[test]
    fn attempts_are_counted_by_host() {
        let (mut state, start) = (State::default(), Instant::now());
        assert_eq!(state.begin(start), Ok(()));
        for host in ["one", "other", "one", "other"] {
            assert!(state.failed(start, &refused(host)), "{host}");
        }
        assert!(!state.failed(start, &refused("one")));
    }

    #[test]
    fn an_attempt_that_takes_long_is_the_last_one() {
        let (mut state, start) = (State::default(), Instant::now());
        assert_eq!(state.begin(start), Ok(()));
        assert!(!state.failed(after(start, 5000), &refused("sts")));
    }

    #[test]
    fn once_anything_has_answered_all_is_repeated() {
        let (mut state, start) = (State::Answered, Instant::now());
        for time in [0, 1, 2, 5000, 10_000, 500_000] {
            assert_eq!(state.begin(after(start, time)), Ok(()));
            assert!(state.failed(after(start, time), &refused("sts")));
        }
    }

    #[test]
    fn hosts_are_named_with_their_proxy() {
        assert_eq!(host("https://sts.amazonaws.com/?x=/"), "sts.amazonaws.com");
        assert_eq!(host("http://127.0.0.1:9"), "127.0.0.1:9");
        assert!(is_link_local(host("http://169.254.169.254/latest/api")));
        assert!(is_link_local(host("http://[fd00:ec2::254]/latest/api")));
        assert!(!is_link_local(host("http://127.0.0.1:9/")));
        let network = Network {
            state: Mutex::default(),
            proxies: Matcher::builder().https("http://u:p@proxy:3128").build(),
            credentials_uri: Some("http://127.0.0.1:1338/credentials?of=me".to_owned()),
        };
        assert!(network.is_local("http://127.0.0.1:1338/credentials"));
        assert!(network.is_local("http://169.254.170.2/v2/credentials"));
        assert!(!network.is_local("http://127.0.0.1:1338/"));
        assert!(!network.is_local("https://sts.amazonaws.com/"));
        let error = network.unreachable("https://sts.amazonaws.com/", Cause::ConnectTimeout(5));
        assert_eq!(
            error.to_string(),
            "cannot reach sts.amazonaws.com through the proxy http://proxy:3128/: no connection within 5 seconds \
             (check the proxy, and HTTPS_PROXY, HTTP_PROXY and NO_PROXY)"
        );
        let error = network.unreachable("http://127.0.0.1:9/", Cause::NoAnswer(8));
        assert!(
            error
                .to_string()
                .starts_with("cannot reach 127.0.0.1:9: no answer within 8 seconds")
        );
    }
}
