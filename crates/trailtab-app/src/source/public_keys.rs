//! Loads the public keys that verify CloudTrail's digest signatures, from files or from CloudTrail.

use std::collections::BTreeMap;
use std::path::Path;
use std::{fs, io};

use aws_lc_rs::signature::{RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY, UnparsedPublicKey};
use aws_sdk_cloudtrail::primitives::DateTime;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

use crate::aws;
use trailtab_core::digits::unhex;
use trailtab_core::integrity::KeyVerdict;
use trailtab_core::integrity::digest::DigestFile;
use trailtab_core::time::Seconds;

/// Larger key files are rejected. A key takes about 1 KiB.
const MAX_KEY_FILE_BYTES: u64 = 16 << 20;

/// Widens the time range of ListPublicKeys: keys rotate every few weeks, possibly at the second
/// that a digest ends.
const KEY_WINDOW_MARGIN_SECONDS: Seconds = 2 * 3600;

/// RSA keys in PKCS#1 DER, by fingerprint.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PublicKeys(BTreeMap<String, Vec<u8>>);

/// Why a key file is rejected.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The file cannot be read.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The file exceeds the size limit.
    #[error("it is too large")]
    TooLarge,
    /// The file is not JSON of the expected shape.
    #[error("it is not what `aws cloudtrail list-public-keys` prints")]
    Json(#[from] serde_json::Error),
    /// A key is not base64; holds its fingerprint.
    #[error("the key {0} is not base64")]
    Base64(String),
    /// The file holds no key.
    #[error("it holds no key")]
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
    /// Fails if the file cannot be read, holds no key, or holds an invalid one.
    pub fn read(path: &Path) -> Result<PublicKeys, KeyError> {
        if fs::metadata(path)?.len() > MAX_KEY_FILE_BYTES {
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

    /// Lists the keys of a region that were valid between two times (ListPublicKeys).
    ///
    /// # Errors
    ///
    /// Fails with the reason if the request fails.
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
                .start_time(DateTime::from_secs(
                    from.saturating_sub(KEY_WINDOW_MARGIN_SECONDS),
                ))
                .end_time(DateTime::from_secs(
                    to.saturating_add(KEY_WINDOW_MARGIN_SECONDS),
                ))
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

    /// Adds keys, replacing those with the same fingerprint.
    pub fn merge(&mut self, other: PublicKeys) {
        self.0.extend(other.0);
    }

    /// Verifies the signature of a digest (RSA PKCS#1 v1.5 with SHA-256).
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
