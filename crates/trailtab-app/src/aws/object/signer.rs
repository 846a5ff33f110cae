//! Signatures of requests for objects: Signature Version 4 without what is the same for all requests of a second.
//!
//! `aws_sigv4::http_request::sign` derives the key for each request, and takes four times as many instructions.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_lc_rs::digest::{SHA256, digest};
use aws_sigv4::sign::v4::{calculate_signature, generate_signing_key};
use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;
use trailtab_core::digits::hex;

/// The service in signatures of requests for objects of ordinary buckets.
pub(super) const SERVICE: &str = "s3";

/// The SHA-256 of an empty body.
const EMPTY_SHA256: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/// Signs requests for one region.
#[derive(Debug)]
pub(super) struct Signer {
    region: String,
    /// What the latest signature was made with.
    latest: Mutex<Option<Arc<SigningKey>>>,
}

/// What signatures of one second have in common.
struct SigningKey {
    credentials: Credentials,
    second: i64,
    /// The time as in `20260907T080000Z`.
    time: String,
    /// Day, region and service.
    scope: String,
    key: Vec<u8>,
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SigningKey").finish_non_exhaustive()
    }
}

impl Signer {
    pub(super) fn new(region: &str) -> Signer {
        Signer {
            region: region.to_owned(),
            latest: Mutex::default(),
        }
    }

    /// Returns the headers to add to a GET request without a body. `headers` are those that are signed, with the host,
    /// names in small letters, and values without spaces at the ends or in a row.
    pub(super) fn sign(
        &self,
        credentials: &Credentials,
        time: SystemTime,
        path: &str,
        query: &str,
        headers: Vec<(&str, &str)>,
    ) -> Option<Vec<(&'static str, String)>> {
        let key = self.key(credentials, time)?;
        let mut headers: Vec<(&str, &str)> = headers;
        headers.push(("x-amz-content-sha256", EMPTY_SHA256));
        headers.push(("x-amz-date", &key.time));
        let token = credentials.session_token();
        headers.extend(token.map(|token| ("x-amz-security-token", token)));
        headers.sort_unstable();
        let names: Vec<&str> = headers.iter().map(|(name, _)| *name).collect();
        let names = names.join(";");
        let mut request = ["GET\n", path, "\n", query, "\n"].concat();
        for (name, value) in &headers {
            request.extend([name, ":", value, "\n"]);
        }
        request.extend(["\n", &names, "\n", EMPTY_SHA256]);
        let hash = hex(digest(&SHA256, request.as_bytes()).as_ref());
        let text = [
            "AWS4-HMAC-SHA256\n",
            &key.time,
            "\n",
            &key.scope,
            "\n",
            &hash,
        ]
        .concat();
        let signature = calculate_signature(&key.key, text.as_bytes());
        let id = credentials.access_key_id();
        let authorization = format!(
            "AWS4-HMAC-SHA256 Credential={id}/{}, SignedHeaders={names}, Signature={signature}",
            key.scope
        );
        let mut added = vec![
            ("x-amz-content-sha256", EMPTY_SHA256.to_owned()),
            ("x-amz-date", key.time.clone()),
            ("authorization", authorization),
        ];
        added.extend(token.map(|token| ("x-amz-security-token", token.to_owned())));
        Some(added)
    }

    fn key(&self, credentials: &Credentials, time: SystemTime) -> Option<Arc<SigningKey>> {
        let second = DateTime::from(time).secs();
        let mut latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        let is_same =
            |key: &&Arc<SigningKey>| key.second == second && key.credentials == *credentials;
        if let Some(key) = latest.as_ref().filter(is_same) {
            return Some(key.clone());
        }
        let written = DateTime::from_secs(second).fmt(Format::DateTime).ok()?;
        let compact = written.replace(['-', ':'], "");
        let day = compact.get(..8)?;
        let secret = credentials.secret_access_key();
        let key = generate_signing_key(secret, time, &self.region, SERVICE);
        let key = Arc::new(SigningKey {
            credentials: credentials.clone(),
            second,
            scope: format!("{day}/{}/{SERVICE}/aws4_request", self.region),
            key: key.as_ref().to_vec(),
            time: compact,
        });
        *latest = Some(key.clone());
        Some(key)
    }
}

/// The region in a signature of version 4 for S3.
pub(super) fn region_of_signature(authorization: &str) -> Option<&str> {
    let scope = authorization.strip_prefix("AWS4-HMAC-SHA256 Credential=")?;
    let mut parts = scope.split(',').next()?.rsplit('/');
    match (parts.next(), parts.next(), parts.next()) {
        (Some("aws4_request"), Some(SERVICE), region) => region,
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use aws_sigv4::http_request::{
        PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SigningSettings,
        UriPathNormalizationMode, sign,
    };
    use aws_sigv4::sign::v4::SigningParams;
    use aws_smithy_runtime_api::client::identity::Identity;

    use super::*;

    #[test]
    fn signatures_are_those_of_aws_sigv4() {
        let signer = Signer::new("eu-west-1");
        let of = |id: &str, token: Option<&str>| {
            let token = token.map(str::to_owned);
            Credentials::new(id, format!("secret of {id}"), token, None, "test")
        };
        let (host, path) = (
            "logs.s3.eu-west-1.amazonaws.com",
            "/a%20b/%E6%97%A5/~c.json.gz",
        );
        let headers = [
            ("x-amz-request-payer", "requester"),
            ("range", "bytes=0-99"),
            ("if-match", "\"0\""),
            ("x-amz-checksum-mode", "ENABLED"),
        ];
        for (credentials, seconds) in [
            (of("AKID", None), 1_788_768_000),
            (of("AKID", None), 1_788_768_001),
            (of("AKID", Some("token")), 1_788_768_001),
            (of("AKIE", Some("token")), 1_788_768_001),
            (of("AKIE", Some("token")), 1_788_868_001),
        ] {
            let time = UNIX_EPOCH + Duration::from_secs(seconds);
            let identity: Identity = credentials.clone().into();
            let mut settings = SigningSettings::default();
            settings.percent_encoding_mode = PercentEncodingMode::Single;
            settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
            settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
            let parameters = SigningParams::builder()
                .identity(&identity)
                .region("eu-west-1")
                .name("s3")
                .time(time)
                .settings(settings)
                .build()
                .unwrap();
            let uri = format!("https://{host}{path}?x-id=GetObject");
            let body = SignableBody::Bytes(&[]);
            let request = SignableRequest::new("GET", uri, headers.into_iter(), body).unwrap();
            let expected = sign(request, &parameters.into()).unwrap();
            let (expected, _) = expected.into_parts();
            let mut expected: Vec<(&str, &str)> = expected.headers().collect();
            expected.sort_unstable();
            let mut signed = headers.to_vec();
            signed.push(("host", host));
            let added = signer.sign(&credentials, time, path, "x-id=GetObject", signed);
            let added = added.unwrap();
            let mut added: Vec<(&str, &str)> = added
                .iter()
                .map(|(name, value)| (*name, value.as_str()))
                .collect();
            added.sort_unstable();
            assert_eq!(added, expected);
        }
    }

    #[test]
    fn only_signatures_for_objects_of_ordinary_buckets_are_made() {
        let of = |algorithm: &str, scope: &str| {
            let credential = format!("AKID/{scope}/aws4_request");
            let text =
                format!("{algorithm} Credential={credential}, SignedHeaders=host, Signature=0");
            region_of_signature(&text).map(str::to_owned)
        };
        let region = of("AWS4-HMAC-SHA256", "20260907/eu-west-1/s3");
        assert_eq!(region.as_deref(), Some("eu-west-1"));
        assert_eq!(of("AWS4-HMAC-SHA256", "20260907/eu-west-1/s3express"), None);
        assert_eq!(of("AWS4-ECDSA-P256-SHA256", "20260907/s3"), None);
        assert_eq!(region_of_signature("Bearer token"), None);
    }
}
