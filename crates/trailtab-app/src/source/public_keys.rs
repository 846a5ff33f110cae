//! The public keys that prove CloudTrail's signatures, from files or from CloudTrail.

use std::collections::BTreeMap;
use std::path::Path;
use std::{fs, io};

use aws_lc_rs::signature::{RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY, UnparsedPublicKey};
use aws_sdk_cloudtrail::primitives::DateTime;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

use crate::aws;
use trailtab_core::integrity::KeyVerdict;
use trailtab_core::integrity::digest::{DigestFile, unhex};
use trailtab_core::time::Seconds;

/// A file of keys takes a few KiB for each.
const MAX_FILE: u64 = 16 << 20;

/// Keys change every few weeks, also at the very second that a digest ends.
const MARGIN: Seconds = 2 * 3600;

/// RSA keys as PKCS#1 DER, by fingerprint.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PublicKeys(BTreeMap<String, Vec<u8>>);

/// Why a file gives no keys.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The file cannot be read.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The file is too large to hold keys.
    #[error("it is too large")]
    TooLarge,
    /// The file is not JSON of the expected form.
    #[error("it is not what `aws cloudtrail list-public-keys` prints")]
    Json(#[from] serde_json::Error),
    /// A key is not base64; the value is its fingerprint.
    #[error("the key {0} is no base64")]
    Base64(String),
    /// The file holds no key.
    #[error("there is no key in it")]
    Empty,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct KeyFile {
    public_key_list: Vec<RawKey>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RawKey {
    value: String,
    fingerprint: String,
}

impl PublicKeys {
    /// Reads the output of `aws cloudtrail list-public-keys`.
    ///
    /// # Errors
    ///
    /// If there is no key in the file, or one that cannot be read.
    pub fn read(path: &Path) -> Result<PublicKeys, KeyError> {
        if fs::metadata(path)?.len() > MAX_FILE {
            return Err(KeyError::TooLarge);
        }
        let file: KeyFile = serde_json::from_slice(&fs::read(path)?)?;
        let mut keys = PublicKeys::default();
        for key in file.public_key_list {
            let der = STANDARD.decode(&key.value);
            let der = der.map_err(|_| KeyError::Base64(key.fingerprint.clone()))?;
            keys.0.insert(key.fingerprint, der);
        }
        match keys.0.is_empty() {
            true => Err(KeyError::Empty),
            false => Ok(keys),
        }
    }

    /// Asks CloudTrail for the keys of a region that were in use between two times.
    ///
    /// # Errors
    ///
    /// If CloudTrail does not answer, or refuses: the reason, in words.
    pub async fn list(
        config: &aws_config::SdkConfig,
        region: &str,
        (from, to): (Seconds, Seconds),
    ) -> Result<PublicKeys, String> {
        let client = aws::cloudtrail(config, Some(region));
        let mut keys = PublicKeys::default();
        let mut token = None;
        loop {
            let request = client
                .list_public_keys()
                .start_time(DateTime::from_secs(from.saturating_sub(MARGIN)))
                .end_time(DateTime::from_secs(to.saturating_add(MARGIN)))
                .set_next_token(token);
            let page = request.send().await.map_err(|error| aws::explain(&error))?;
            if page.public_key_list.is_none() {
                return Err("the answer lacks PublicKeyList".to_owned());
            }
            for key in page.public_key_list() {
                if let (Some(name), Some(der)) = (key.fingerprint(), key.value()) {
                    keys.0.insert(name.to_owned(), der.as_ref().to_vec());
                }
            }
            token = page.next_token().map(str::to_owned);
            if token.is_none() {
                return Ok(keys);
            }
        }
    }

    /// Adds other keys; one with a known fingerprint replaces the known one.
    pub fn merge(&mut self, other: PublicKeys) {
        self.0.extend(other.0);
    }

    /// Judges the signature of a digest; CloudTrail's is SHA-256 with RSA, PKCS#1 v1.5.
    pub fn check(&self, digest: &DigestFile, text: &str, signature: &str) -> KeyVerdict {
        let Some(der) = self.0.get(&digest.fingerprint) else {
            return KeyVerdict::KeyUnknown;
        };
        let key = UnparsedPublicKey::new(&RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY, der);
        let signature = unhex(signature).unwrap_or_default();
        match key.verify(text.as_bytes(), &signature) {
            Ok(()) => KeyVerdict::Valid,
            Err(_) => KeyVerdict::Invalid,
        }
    }
}
