//! Fetches the objects of a bucket with requests like the first one that the SDK sent.
//!
//! For each request the SDK puts its configuration together, resolves the endpoint and runs some thirty interceptors.
//! Between the objects of a bucket only key, range and signature differ, and all the rest took most of the CPU of
//! reading small objects. So the first request, which the SDK makes, becomes a [`RequestTemplate`]: endpoint, region and
//! path style remain the SDK's decisions. A request that fails is handed to the SDK as if the SDK had sent it, so errors are
//! the SDK's as well.

mod body;
mod signer;

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};
use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_runtime::auth::sigv4::SCHEME_ID;
use aws_sdk_s3::Client;
use aws_sdk_s3::config::interceptors::BeforeTransmitInterceptorContextRef;
use aws_sdk_s3::config::{Builder, ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_s3::error::SdkError;
use aws_sdk_s3::operation::get_object::builders::GetObjectFluentBuilder;
use aws_sdk_s3::operation::get_object::{GetObjectError, GetObjectOutput};
use aws_sdk_s3::types::RequestPayer;
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::connection::CaptureSmithyConnection;
use aws_smithy_runtime_api::client::http::{
    HttpClient as _, HttpConnector, HttpConnectorFuture, HttpConnectorSettings,
    SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::identity::{Identity, ResolveCachedIdentity as _};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::GetIdentityResolver as _;
use aws_smithy_runtime_api::http::Headers;
use aws_smithy_types::DateTime;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::date_time::Format;
use aws_smithy_types::timeout::TimeoutConfig;

use self::body::checked;
pub use self::body::{BodyError, ObjectBody};
use self::signer::{Signer, region_of_signature};
use super::endpoint::encoded_key;
use super::failure::AwsFailure;

/// The query of each request for an object.
const QUERY: &str = "x-id=GetObject";

/// Headers of a request that are of its own, or that the signature adds.
const OWN_HEADERS: [&str; 8] = [
    "amz-sdk-invocation-id",
    "amz-sdk-request",
    "authorization",
    "if-match",
    "range",
    "x-amz-content-sha256",
    "x-amz-date",
    "x-amz-security-token",
];

const METADATA: &str = "x-amz-meta-";

/// A request for an object, or for a range of it.
#[derive(Debug, Clone, Copy, Default)]
pub struct ObjectRequest<'r> {
    /// The key of the object.
    pub key: &'r str,
    /// The range as in HTTP, for example `bytes=0-99`.
    pub range: Option<&'r str>,
    /// The entity tag that the object must have.
    pub etag: Option<&'r str>,
}

/// An object, or a range of it.
#[derive(Debug)]
pub struct ObjectAnswer {
    /// The entity tag of the object.
    pub etag: Option<String>,
    /// The range and the size of the object, if it is a range: `bytes 0-99/1234`.
    pub content_range: Option<String>,
    /// The metadata of the object, by names without `x-amz-meta-`.
    pub metadata: HashMap<String, String>,
    /// The bytes.
    pub body: ObjectBody,
}

/// Fetches objects of one bucket, and retries nothing.
#[derive(Debug)]
pub struct ObjectClient {
    sdk: Client,
    bucket: String,
    payer: Option<RequestPayer>,
    template: Arc<OnceLock<Option<RequestTemplate>>>,
}

impl ObjectClient {
    /// `sdk` is a client without retries, for the region of the bucket.
    pub(super) fn new(sdk: Client, bucket: &str, payer: Option<RequestPayer>) -> ObjectClient {
        ObjectClient {
            sdk,
            bucket: bucket.to_owned(),
            payer,
            template: Arc::default(),
        }
    }

    /// Sends a request once.
    ///
    /// # Errors
    ///
    /// Returns why S3 gave no object.
    pub async fn get(&self, request: ObjectRequest<'_>) -> Result<ObjectAnswer, AwsFailure> {
        if let Some(Some(template)) = self.template.get() {
            // Without credentials, the SDK says why.
            if let Some(signed) = template.signed(request).await {
                return match template.send(signed).await {
                    Ok(answer) => Ok(answer),
                    Err(end) => self.end_by_sdk(request, end).await,
                };
            }
        }
        let sdk = self.by_sdk(request);
        let answer = match self.template.get() {
            Some(_) => sdk.send().await,
            None => {
                let recorder = TemplateRecorder {
                    key: request.key.to_owned(),
                    template: Arc::downgrade(&self.template),
                };
                sdk.customize().interceptor(recorder).send().await
            }
        };
        self.answered(answer)
    }

    fn by_sdk(&self, request: ObjectRequest<'_>) -> GetObjectFluentBuilder {
        let get = self.sdk.get_object().bucket(&self.bucket).key(request.key);
        get.set_range(request.range.map(str::to_owned))
            .set_if_match(request.etag.map(str::to_owned))
            .set_request_payer(self.payer.clone())
    }

    /// Passes the end of a request to the SDK as if the SDK had sent it, so that the SDK parses the error.
    async fn end_by_sdk(
        &self,
        request: ObjectRequest<'_>,
        end: EndedRequest,
    ) -> Result<ObjectAnswer, AwsFailure> {
        let connector = SharedHttpConnector::new(EndedConnector(Mutex::new(Some(end))));
        let client = http_client_fn(move |_, _| connector.clone());
        let replay = Builder::new().http_client(client);
        let sdk = self.by_sdk(request).customize();
        self.answered(sdk.config_override(replay).send().await)
    }

    fn answered(
        &self,
        answer: Result<GetObjectOutput, SdkError<GetObjectError, HttpResponse>>,
    ) -> Result<ObjectAnswer, AwsFailure> {
        let output = answer.map_err(|error| {
            if let (Some(Some(template)), Some(response)) =
                (self.template.get(), error.raw_response())
            {
                template.compare_clocks(response.headers());
            }
            AwsFailure::of(&error)
        })?;
        let length = output.content_length;
        let length = length.and_then(|length| usize::try_from(length).ok());
        Ok(ObjectAnswer {
            etag: output.e_tag,
            content_range: output.content_range,
            metadata: output.metadata.unwrap_or_default(),
            body: ObjectBody::new(output.body, length),
        })
    }
}

/// A request that ended, with an answer or without.
#[derive(Debug)]
struct EndedRequest {
    answer: Result<HttpResponse, ConnectorError>,
    /// Closed by the SDK after some failures.
    connection: CaptureSmithyConnection,
}

/// A connector that gives the end of one request that was sent before.
#[derive(Debug)]
struct EndedConnector(Mutex<Option<EndedRequest>>);

impl HttpConnector for EndedConnector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let end = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(EndedRequest { answer, connection }) = end else {
            let again = ConnectorError::other("it was sent once".into(), None);
            return HttpConnectorFuture::ready(Err(again));
        };
        if let Some(wanted) = request.extension::<CaptureSmithyConnection>() {
            wanted.set_connection_retriever(move || connection.get());
        }
        HttpConnectorFuture::ready(answer)
    }
}

/// Makes a template of a request that the SDK is about to send.
#[derive(Debug)]
struct TemplateRecorder {
    key: String,
    /// Weak: the template owns the components that own this interceptor.
    template: Weak<OnceLock<Option<RequestTemplate>>>,
}

impl Intercept for TemplateRecorder {
    fn name(&self) -> &'static str {
        "TemplateRecorder"
    }

    fn read_before_transmit(
        &self,
        context: &BeforeTransmitInterceptorContextRef<'_>,
        components: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if let Some(template) = self.template.upgrade() {
            let request = context.request();
            template.get_or_init(|| RequestTemplate::of(request, &self.key, components, config));
        }
        Ok(())
    }
}

/// What the requests for all objects of a bucket have in common.
#[derive(Debug)]
struct RequestTemplate {
    /// Scheme and host.
    origin: String,
    /// The host as in its header.
    host: String,
    /// The path before the key.
    folder: String,
    /// Has the headers in common.
    request: HttpRequest,
    signer: Signer,
    components: RuntimeComponents,
    connector: SharedHttpConnector,
    /// Whether S3 is asked for checksums, which are compared with what arrives.
    has_checksums: bool,
    /// How many seconds the clock of S3 is ahead of this machine's.
    ahead: AtomicI64,
}

impl RequestTemplate {
    /// None if the request is signed in another way than those for objects of ordinary buckets: that of a directory bucket
    /// or a multi-region access point, or one without a signature.
    fn of(
        request: &HttpRequest,
        key: &str,
        components: &RuntimeComponents,
        config: &ConfigBag,
    ) -> Option<RequestTemplate> {
        let uri = request.uri().strip_suffix(QUERY)?.strip_suffix('?')?;
        let base = uri.strip_suffix(encoded_key(key).as_ref())?;
        let (scheme, rest) = base.split_once("://")?;
        let (authority, _) = rest.split_once('/')?;
        let default_port = match scheme {
            "http" => ":80",
            _ => ":443",
        };
        // An HTTP client leaves out the port of the scheme.
        let host = authority.strip_suffix(default_port).unwrap_or(authority);
        let (origin, folder) = base.split_at(scheme.len() + "://".len() + authority.len());
        let signature = request.headers().get("authorization")?;
        let signer = Signer::new(region_of_signature(signature)?);
        let mut common = HttpRequest::new(SdkBody::empty());
        for (name, value) in request.headers() {
            if !OWN_HEADERS.contains(&name) {
                let headers = common.headers_mut();
                headers.insert(name.to_owned(), value.to_owned());
            }
        }
        let is_plain = |value: &str| value.trim() == value && !value.contains("  ");
        if !common.headers().iter().all(|(_, value)| is_plain(value)) {
            return None;
        }
        let timeouts = config.load::<TimeoutConfig>()?;
        let mut settings = HttpConnectorSettings::builder();
        settings.set_connect_timeout(timeouts.connect_timeout());
        settings.set_read_timeout(timeouts.read_timeout());
        let connector = components
            .http_client()?
            .http_connector(&settings.build(), components);
        Some(RequestTemplate {
            origin: origin.to_owned(),
            host: host.to_owned(),
            folder: folder.to_owned(),
            has_checksums: common.headers().get("x-amz-checksum-mode").is_some(),
            request: common,
            signer,
            components: components.clone(),
            connector,
            ahead: AtomicI64::new(0),
        })
    }

    /// A signed request; None if it cannot be signed.
    async fn signed(&self, asked: ObjectRequest<'_>) -> Option<HttpRequest> {
        let identity = self.identity().await?;
        let credentials = identity.data::<Credentials>()?;
        let path = [&self.folder, encoded_key(asked.key).as_ref()].concat();
        let mut request = self.request.try_clone()?;
        let own = [("range", asked.range), ("if-match", asked.etag)];
        let own = own
            .into_iter()
            .filter_map(|(name, value)| Some((name, value?)));
        let own: Vec<(&'static str, &str)> = own.collect();
        let mut signed = vec![("host", self.host.as_str())];
        signed.extend(own.iter().copied());
        let common = self.request.headers().iter();
        signed.extend(common.filter(|(name, _)| name.starts_with("x-amz-")));
        let added = self
            .signer
            .sign(credentials, self.time()?, &path, QUERY, signed)?;
        let own = own.iter().map(|(name, value)| (*name, (*value).to_owned()));
        for (name, value) in own.chain(added) {
            request.headers_mut().try_insert(name, value).ok()?;
        }
        request
            .set_uri([&self.origin, &path, "?", QUERY].concat())
            .ok()?;
        Some(request)
    }

    /// The credentials, from the cache that all clients of the run share.
    async fn identity(&self) -> Option<Identity> {
        let resolver = self.components.identity_resolver(SCHEME_ID)?;
        let cache = self.components.identity_cache();
        let config = ConfigBag::base();
        let identity = cache.resolve_cached_identity(resolver, &self.components, &config);
        identity.await.ok()
    }

    fn now(&self) -> Option<SystemTime> {
        Some(self.components.time_source()?.now())
    }

    /// The time by the clock of S3.
    fn time(&self) -> Option<SystemTime> {
        let (now, ahead) = (self.now()?, self.ahead.load(Ordering::Relaxed));
        let error = Duration::from_secs(ahead.unsigned_abs());
        match ahead > 0 {
            true => now.checked_add(error),
            false => now.checked_sub(error),
        }
    }

    /// Sends a request. Any other end than an object is left to the SDK.
    async fn send(&self, mut request: HttpRequest) -> Result<ObjectAnswer, EndedRequest> {
        let connection = CaptureSmithyConnection::new();
        request.add_extension(connection.clone());
        let mut response = match self.connector.call(request).await {
            Ok(response) if response.status().is_success() => response,
            answer => return Err(EndedRequest { answer, connection }),
        };
        let mut body = std::mem::replace(response.body_mut(), SdkBody::taken());
        let headers = response.headers();
        if self.has_checksums {
            body = checked(body, headers);
        }
        let value = |name| headers.get(name).map(str::to_owned);
        let metadata = headers.iter().filter_map(|(name, value)| {
            Some((name.strip_prefix(METADATA)?.to_owned(), value.to_owned()))
        });
        Ok(ObjectAnswer {
            etag: value("etag"),
            content_range: value("content-range"),
            metadata: metadata.collect(),
            body: ObjectBody::new(
                body.into(),
                headers.get("content-length").and_then(|it| it.parse().ok()),
            ),
        })
    }

    /// Takes note of the clock of S3, which refuses requests that are signed by a wrong one. The SDK does the same for its own.
    fn compare_clocks(&self, headers: &Headers) {
        let date = headers.get("date").filter(|_| headers.get("age").is_none());
        let date = date.and_then(|date| DateTime::from_str(date, Format::HttpDate).ok());
        if let (Some(theirs), Some(ours)) = (date, self.now()) {
            let ahead = theirs.secs().saturating_sub(DateTime::from(ours).secs());
            self.ahead.store(ahead, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests;
