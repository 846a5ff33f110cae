//! Which authorities a connection trusts: Amazon's own first, and all others if a server needs one.
//!
//! Parsing the bundle of all authorities took half of the instructions that a Lambda function executes
//! before its first answer. AWS's servers have certificates of Amazon's authorities, of which the
//! bundle has about six. The first server with a certificate of another authority, such as that of a
//! proxy or of a private endpoint, makes this and all further connections trust all of them.

use std::env;
use std::error::Error;
use std::fs;
use std::io;
use std::iter;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock};

use aws_smithy_http_client::tls::{TlsContext, TrustStore};
use aws_smithy_runtime_api::client::connector_metadata::ConnectorMetadata;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use base64::Engine as _;
use memchr::memmem;
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

/// Where Linux distributions keep the bundle of all authorities.
const BUNDLES: [&str; 4] = [
    // Amazon Linux, where the functions run, and Fedora.
    "/etc/pki/tls/certs/ca-bundle.crt",
    // Debian and Ubuntu.
    "/etc/ssl/certs/ca-certificates.crt",
    // openSUSE.
    "/etc/ssl/ca-bundle.pem",
    // Alpine Linux.
    "/etc/ssl/cert.pem",
];

/// The organisations of Amazon Trust Services' root certificates: Amazon Root CA 1 to 4, and the
/// Starfield Services Root Certificate Authority - G2.
const ORGANISATIONS: [&[u8]; 2] = [b"Amazon", b"Starfield Technologies"];

/// Length in characters of the beginning of a certificate in base64 that has the organisation of its issuer.
const HEAD: usize = 256;

const BEGIN: &[u8] = b"-----BEGIN CERTIFICATE-----";
const END: &[u8] = b"-----END CERTIFICATE-----";

/// TLS that trusts Amazon's authorities only; None if no bundle has them. Reads the bundle at the
/// first call.
pub(super) fn amazon() -> Option<&'static TlsContext> {
    static CONTEXT: LazyLock<Option<TlsContext>> = LazyLock::new(|| {
        let bundle = fs::read(bundle()?).ok()?;
        let mut store = TrustStore::empty();
        let certificates = amazon_certificates(&bundle);
        for certificate in &certificates {
            store.add_pem_certificate(*certificate);
        }
        let context = TlsContext::builder().with_trust_store(store).build().ok();
        context.filter(|_| !certificates.is_empty())
    });
    CONTEXT.as_ref()
}

/// The bundle that rustls-native-certs would read before it reads a folder with a file for each certificate.
fn bundle() -> Option<PathBuf> {
    if env::var_os("SSL_CERT_DIR").is_some() {
        return None;
    }
    env::var_os("SSL_CERT_FILE").map(PathBuf::from).or_else(|| {
        let mut bundles = BUNDLES.iter().map(Path::new);
        bundles.find(|path| path.exists()).map(Path::to_owned)
    })
}

/// The certificates of Amazon's authorities in a bundle, each in PEM. The SDK panics on a certificate
/// that cannot be read, so such a one is left out.
fn amazon_certificates(bundle: &[u8]) -> Vec<&[u8]> {
    let (begins, end) = (memmem::find_iter(bundle, BEGIN), memmem::Finder::new(END));
    let certificates = begins.filter_map(|at| {
        let rest = bundle.get(at..)?;
        rest.get(..end.find(rest)? + END.len())
    });
    certificates
        .filter(|pem| is_of_amazon(pem) && is_readable(pem))
        .collect()
}

fn is_of_amazon(pem: &[u8]) -> bool {
    let body = pem.get(BEGIN.len()..).unwrap_or_default();
    // Each line has 64 characters and a line break.
    let mut head = body.get(..2 * HEAD).unwrap_or(body).to_vec();
    head.retain(|b| !b.is_ascii_whitespace());
    head.truncate(HEAD);
    let head = base64::engine::general_purpose::STANDARD.decode(head);
    head.is_ok_and(|der| {
        let mut names = ORGANISATIONS.iter();
        names.any(|name| memmem::find(&der, name).is_some())
    })
}

fn is_readable(pem: &[u8]) -> bool {
    let mut roots = RootCertStore::empty();
    let mut certificates = CertificateDer::pem_slice_iter(pem);
    let is_readable =
        certificates.all(|it| it.is_ok_and(|certificate| roots.add(certificate).is_ok()));
    is_readable && !roots.is_empty()
}

/// Makes connections with the first client until a server needs the second one.
pub(super) fn amazon_first(amazon: SharedHttpClient, all: SharedHttpClient) -> SharedHttpClient {
    SharedHttpClient::new(AmazonFirst {
        amazon,
        all,
        is_enough: Arc::new(AtomicBool::new(true)),
    })
}

#[derive(Debug)]
struct AmazonFirst {
    /// Trusts Amazon's authorities.
    amazon: SharedHttpClient,
    /// Trusts all authorities.
    all: SharedHttpClient,
    /// Whether no server needed another authority than Amazon's so far.
    is_enough: Arc<AtomicBool>,
}

impl HttpClient for AmazonFirst {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        if !self.is_enough.load(Ordering::Relaxed) || amazon().is_none() {
            return self.all.http_connector(settings, components);
        }
        SharedHttpConnector::new(AmazonFirstConnector {
            amazon: self.amazon.http_connector(settings, components),
            other: Arc::new(OtherTrust {
                all: self.all.clone(),
                settings: settings.clone(),
                components: components.clone(),
                is_enough: self.is_enough.clone(),
            }),
        })
    }

    fn connector_metadata(&self) -> Option<ConnectorMetadata> {
        self.all.connector_metadata()
    }
}

#[derive(Debug)]
struct AmazonFirstConnector {
    amazon: SharedHttpConnector,
    other: Arc<OtherTrust>,
}

/// What a request needs if the server has a certificate of another authority. The SDK makes a connector for each
/// attempt, and others keep one, so what it holds is copied once at most.
#[derive(Debug)]
struct OtherTrust {
    all: SharedHttpClient,
    settings: HttpConnectorSettings,
    components: RuntimeComponents,
    is_enough: Arc<AtomicBool>,
}

impl OtherTrust {
    fn connector(&self) -> SharedHttpConnector {
        self.all.http_connector(&self.settings, &self.components)
    }
}

impl HttpConnector for AmazonFirstConnector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        if !self.other.is_enough.load(Ordering::Relaxed) {
            return self.other.connector().call(request);
        }
        // None if the body is a stream; then the SDK's next attempt trusts all authorities.
        let again = request.try_clone();
        let call = self.amazon.call(request);
        let other = self.other.clone();
        HttpConnectorFuture::new(async move {
            let error = match call.await {
                Err(error) if is_distrust(&error) => error,
                answer => return answer,
            };
            other.is_enough.store(false, Ordering::Relaxed);
            match again {
                Some(request) => other.connector().call(request).await,
                None => Err(error),
            }
        })
    }
}

/// Tells whether a connection was not made because the server's certificate is not trusted.
fn is_distrust(error: &(dyn Error + 'static)) -> bool {
    let causes = iter::successors(Some(error), |&error| {
        match error.downcast_ref::<io::Error>() {
            // The source of a packed error would be the source of what is packed.
            Some(packed) => packed.get_ref().map(|error| error as _),
            None => error.source(),
        }
    });
    causes
        .filter_map(|cause| cause.downcast_ref::<rustls::Error>())
        .any(|error| matches!(error, rustls::Error::InvalidCertificate(_)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const AMAZON_ROOT_CA_3: &str = "-----BEGIN CERTIFICATE-----
MIIBtjCCAVugAwIBAgITBmyf1XSXNmY/Owua2eiedgPySjAKBggqhkjOPQQDAjA5
MQswCQYDVQQGEwJVUzEPMA0GA1UEChMGQW1hem9uMRkwFwYDVQQDExBBbWF6b24g
Um9vdCBDQSAzMB4XDTE1MDUyNjAwMDAwMFoXDTQwMDUyNjAwMDAwMFowOTELMAkG
A1UEBhMCVVMxDzANBgNVBAoTBkFtYXpvbjEZMBcGA1UEAxMQQW1hem9uIFJvb3Qg
Q0EgMzBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABCmXp8ZBf8ANm+gBG1bG8lKl
ui2yEujSLtf6ycXYqm0fc4E7O5hrOXwzpcVOho6AF2hiRVd9RFgdszflZwjrZt6j
QjBAMA8GA1UdEwEB/wQFMAMBAf8wDgYDVR0PAQH/BAQDAgGGMB0GA1UdDgQWBBSr
ttvXBp43rDCGB5Fwx5zEGbF4wDAKBggqhkjOPQQDAgNJADBGAiEA4IWSoxe3jfkr
BqWTrBqYaGFy+uGh0PsceGCmQ5nFuMQCIQCcAu/xlJyzlvnrxir4tiz+OpAUFteM
YyRIHN8wfdVoOw==
-----END CERTIFICATE-----";

    const ISRG_ROOT_X2: &str = "-----BEGIN CERTIFICATE-----
MIICGzCCAaGgAwIBAgIQQdKd0XLq7qeAwSxs6S+HUjAKBggqhkjOPQQDAzBPMQsw
CQYDVQQGEwJVUzEpMCcGA1UEChMgSW50ZXJuZXQgU2VjdXJpdHkgUmVzZWFyY2gg
R3JvdXAxFTATBgNVBAMTDElTUkcgUm9vdCBYMjAeFw0yMDA5MDQwMDAwMDBaFw00
MDA5MTcxNjAwMDBaME8xCzAJBgNVBAYTAlVTMSkwJwYDVQQKEyBJbnRlcm5ldCBT
ZWN1cml0eSBSZXNlYXJjaCBHcm91cDEVMBMGA1UEAxMMSVNSRyBSb290IFgyMHYw
EAYHKoZIzj0CAQYFK4EEACIDYgAEzZvVn4CDCuwJSvMWSj5cz3es3mcFDR0HttwW
+1qLFNvicWDEukWVEYmO6gbf9yoWHKS5xcUy4APgHoIYOIvXRdgKam7mAHf7AlF9
ItgKbppbd9/w+kHsOdx1ymgHDB/qo0IwQDAOBgNVHQ8BAf8EBAMCAQYwDwYDVR0T
AQH/BAUwAwEB/zAdBgNVHQ4EFgQUfEKWrt5LSDv6kviejM9ti6lyN5UwCgYIKoZI
zj0EAwMDaAAwZQIwe3lORlCEwkSHRhtFcP9Ymd70/aTSVaYgLXTWNLxBo1BfASdW
tL4ndQavEi51mI38AjEAi/V3bNTIZargCyzuFJ0nN6T5U6VR5CmD1/iQMVtCnwr1
/q4AaOeMSQ+2b1tbFfLn
-----END CERTIFICATE-----";

    #[test]
    fn amazons_certificates_are_found_among_others() {
        let bundle = format!("# A comment\n{ISRG_ROOT_X2}\n\n{AMAZON_ROOT_CA_3}\n{ISRG_ROOT_X2}\n");
        assert_eq!(
            amazon_certificates(bundle.as_bytes()),
            [AMAZON_ROOT_CA_3.as_bytes()]
        );
        assert!(amazon_certificates(ISRG_ROOT_X2.as_bytes()).is_empty());
        assert!(amazon_certificates(b"").is_empty());
    }

    #[test]
    fn a_certificate_that_cannot_be_read_is_left_out() {
        let lines: Vec<&str> = AMAZON_ROOT_CA_3.lines().collect();
        let shortened = [&lines[..8], &lines[10..]].concat().join("\n");
        let no_base64 = AMAZON_ROOT_CA_3.replace("YyRIHN8wfdVoOw==", "!");
        let no_end = &AMAZON_ROOT_CA_3[..500];
        for damaged in [&shortened, &no_base64, no_end] {
            let bundle = format!("{AMAZON_ROOT_CA_3}\n{damaged}\n");
            let found = amazon_certificates(bundle.as_bytes());
            assert_eq!(found, [AMAZON_ROOT_CA_3.as_bytes()], "{damaged}");
        }
        // What begins at a cut one reaches into the next one.
        let bundle = format!("{no_end}\n{AMAZON_ROOT_CA_3}\n");
        assert_eq!(
            amazon_certificates(bundle.as_bytes()),
            [AMAZON_ROOT_CA_3.as_bytes()]
        );
    }

    #[test]
    fn distrust_is_found_below_packed_errors() {
        let rustls = |error| io::Error::other(io::Error::other(error));
        let unknown = rustls::CertificateError::UnknownIssuer;
        assert!(is_distrust(&rustls(rustls::Error::InvalidCertificate(
            unknown
        ))));
        assert!(!is_distrust(&rustls(rustls::Error::DecryptError)));
        assert!(!is_distrust(&io::Error::from(
            io::ErrorKind::ConnectionRefused
        )));
    }
}
