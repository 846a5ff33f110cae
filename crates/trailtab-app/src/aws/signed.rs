//! Signed requests to services whose SDK clients would take longer to compile than all others together, or would be
//! most of what a function loads.

use aws_config::SdkConfig;
use aws_credential_types::Credentials;
use aws_credential_types::provider::ProvideCredentials as _;
use aws_sigv4::http_request::{
    PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SigningSettings,
    UriPathNormalizationMode, sign,
};
use aws_sigv4::sign::v4;
use aws_smithy_runtime_api::client::identity::Identity;
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;

use super::{APP_NAME, region_of, with_causes};

/// How a service wants its requests signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SigningRules {
    /// As all services but S3.
    Common,
    /// As S3: with the body's hash in a header, and with the path as it is.
    S3,
}

/// A request before it is signed.
#[derive(Debug)]
pub(super) struct UnsignedRequest<'r> {
    pub(super) method: &'static str,
    /// The name of the service in signatures.
    pub(super) service: &'static str,
    pub(super) rules: SigningRules,
    pub(super) uri: &'r str,
    /// Names in small letters.
    pub(super) headers: &'r [(&'static str, &'r str)],
    pub(super) body: Vec<u8>,
}

impl UnsignedRequest<'_> {
    /// Signs the request with the configured credentials, for the configured region.
    ///
    /// # Errors
    ///
    /// Returns the reason: there are no credentials, or the URI cannot be used.
    pub(super) async fn signed(&self, config: &SdkConfig) -> Result<HttpRequest, String> {
        let provider = config.credentials_provider().ok_or("no credentials")?;
        let credentials = provider.provide_credentials().await;
        let credentials = credentials.map_err(|error| with_causes(&error))?;
        self.signed_with(credentials, config)
    }

    /// Signs the request with given credentials, for the configured region.
    ///
    /// # Errors
    ///
    /// Returns the reason: the URI, a header or the credentials cannot be used.
    pub(super) fn signed_with(
        &self,
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
            .settings(self.rules.settings())
            .build()
            .map_err(|error| with_causes(&error))?;
        let body = SignableBody::Bytes(&self.body);
        let headers = self.headers.iter().copied();
        let request = SignableRequest::new(self.method, self.uri, headers, body);
        let request = request.map_err(|error| with_causes(&error))?;
        let signed = sign(request, &parameters.into()).map_err(|error| with_causes(&error))?;
        let (signature, _) = signed.into_parts().0.into_parts();
        let mut request = HttpRequest::new(self.body.clone().into());
        request
            .set_method(self.method)
            .map_err(|error| with_causes(&error))?;
        request
            .set_uri(self.uri)
            .map_err(|error| with_causes(&error))?;
        let given = self.headers.iter().map(|(name, value)| (*name, *value));
        let added = signature
            .iter()
            .map(|header| (header.name(), header.value()));
        let user_agent = format!("app/{APP_NAME}");
        let all = request.headers_mut();
        for (name, value) in given
            .chain(added)
            .chain([("user-agent", user_agent.as_str())])
        {
            all.try_insert(name, value.to_owned())
                .map_err(|error| format!("the header {name} cannot be used: {error}"))?;
        }
        Ok(request)
    }
}

impl SigningRules {
    fn settings(self) -> SigningSettings {
        let mut settings = SigningSettings::default();
        if self == SigningRules::S3 {
            settings.percent_encoding_mode = PercentEncodingMode::Single;
            settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
            settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
        }
        settings
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use aws_config::{BehaviorVersion, Region};
    use aws_smithy_async::time::TimeSource;

    use super::*;

    /// 2013-05-24T00:00:00Z.
    #[derive(Debug)]
    struct Then;

    impl TimeSource for Then {
        fn now(&self) -> SystemTime {
            SystemTime::UNIX_EPOCH + Duration::from_secs(1_369_353_600)
        }
    }

    fn signature(request: &UnsignedRequest<'_>) -> String {
        let secret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
        let credentials = Credentials::new("AKIAIOSFODNN7EXAMPLE", secret, None, None, "test");
        let config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("us-east-1"))
            .time_source(Then);
        let signed = request.signed_with(credentials, &config.build()).unwrap();
        let authorization = signed.headers().get("authorization").unwrap();
        authorization.rsplit('=').next().unwrap().to_owned()
    }

    /// The examples of Amazon S3's API Reference, *Signature Calculations for the Authorization Header*.
    #[test]
    fn signatures_for_s3_are_those_of_its_reference() {
        let get = UnsignedRequest {
            method: "GET",
            service: "s3",
            rules: SigningRules::S3,
            uri: "https://examplebucket.s3.amazonaws.com/test.txt",
            headers: &[("range", "bytes=0-9")],
            body: Vec::new(),
        };
        assert_eq!(
            signature(&get),
            "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"
        );
        let put = UnsignedRequest {
            method: "PUT",
            uri: "https://examplebucket.s3.amazonaws.com/test%24file.text",
            headers: &[
                ("date", "Fri, 24 May 2013 00:00:00 GMT"),
                ("x-amz-storage-class", "REDUCED_REDUNDANCY"),
            ],
            body: b"Welcome to Amazon S3.".to_vec(),
            ..get
        };
        assert_eq!(
            signature(&put),
            "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"
        );
    }
}
