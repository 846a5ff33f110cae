//! Hashes of what was sent, which ledgers keep for months.

use aws_lc_rs::digest;
use serde::Serialize;
use trailtab_core::digits;

/// Begins every hash of the present version. Version 1 had no prefix.
const VERSION: &str = "2:";

/// A hash of what is sent. It is built from named fields, so that renaming a type does not change
/// it, and its text begins with a version. A hash that version 1 wrote is still recognized.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SentHash {
    current: String,
    version_1: String,
}

impl SentHash {
    /// Hashes named fields. `version_1` is the hash of the same thing as version 1 built it.
    pub fn new(fields: &impl Serialize, version_1: String) -> SentHash {
        // Serializing strings, numbers and maps with string keys cannot fail.
        let json = serde_json::to_vec(fields).unwrap_or_default();
        SentHash {
            current: format!("{VERSION}{}", sha256(&json)),
            version_1,
        }
    }

    /// The text to keep.
    pub fn as_str(&self) -> &str {
        &self.current
    }

    /// Tells whether a kept text, of any version, stands for the same thing.
    pub fn matches(&self, kept: &str) -> bool {
        kept == self.current || kept == self.version_1
    }
}

/// SHA-256 in hexadecimal digits.
pub fn sha256(bytes: &[u8]) -> String {
    let sum = digest::digest(&digest::SHA256, bytes);
    digits::hex(sum.as_ref())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_versions_are_recognized() {
        let hash = SentHash::new(&[("name", "value")], "old".to_owned());
        assert!(hash.as_str().starts_with("2:"));
        assert!(hash.matches(hash.as_str()) && hash.matches("old"));
        assert!(!hash.matches("") && !hash.matches("2:old"));
    }
}
