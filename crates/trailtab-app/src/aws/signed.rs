//! Signed requests to services whose SDK clients would take longer to compile than all others together.

use aws_config::SdkConfig;
use aws_credential_types::Credentials;
use aws_credential_types::provider::ProvideCredentials as _;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use aws_smithy_runtime_api::client::identity::Identity;
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;

use super::{region_of, with_causes};

/// A POST request before it is signed.
pub(super) struct UnsignedPost<'p> {
    /// The name of the service in signatures.
    pub(super) service: &'p str,
    pub(super) uri: &'p str,
    /// Names in small letters.
    pub(super) headers: &'p [(&'static str, &'static str)],
    pub(super) body: Vec<u8>,
}

impl UnsignedPost<'_> {
    /// Signs the request with the configured credentials, for the configured region.
    ///
    /// # Errors
    ///
    /// Returns the reason: there are no credentials, or the URI cannot be used.
    pub(super) async fn signed(self, config: &SdkConfig) -> Result<HttpRequest, String> {
        let provider = config.credentials_provider().ok_or("no credentials")?;
        let credentials = provider.provide_credentials().await;
        let credentials = credentials.map_err(|error| with_causes(&error))?;
        self.signed_with(credentials, config)
    }

    /// Signs the request with given credentials, for the configured region.
    ///
    /// # Errors
    ///
    /// Returns the reason: the URI or the credentials cannot be used.
    pub(super) fn signed_with(
        self,
        credentials: Credentials,
        config: &SdkConfig,
    ) -> Result<HttpRequest, String> {
        let identity: Identity = credentials.into();
        let now = config.time_source().ok_or("no clock")?.now();
        let region = region_of(config);
        let parameters = v4::SigningParams::builder()
            .identity(&identity)
            .region(region.as_ref())
            .name(self.service)
            .time(now)
            .settings(SigningSettings::default())
            .build()
            .map_err(|error| with_causes(&error))?;
        let body = SignableBody::Bytes(&self.body);
        let headers = self.headers.iter().copied();
        let request = SignableRequest::new("POST", self.uri, headers, body);
        let request = request.map_err(|error| with_causes(&error))?;
        let signed = sign(request, &parameters.into()).map_err(|error| with_causes(&error))?;
        let (signature, _) = signed.into_parts().0.into_parts();
        let mut request = HttpRequest::new(self.body.into());
        request
            .set_method("POST")
            .map_err(|error| with_causes(&error))?;
        request
            .set_uri(self.uri)
            .map_err(|error| with_causes(&error))?;
        let all = request.headers_mut();
        for (name, value) in self.headers {
            all.insert(*name, *value);
        }
        all.insert("user-agent", concat!("app/", env!("CARGO_PKG_NAME")));
        for header in signature {
            all.insert(header.name(), header.value().to_owned());
        }
        Ok(request)
    }
}
