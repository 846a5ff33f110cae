//! Member names that are compared as a whole.

/// Maximum size of a [`NamePattern`] in bytes.
pub(super) const MAX_PATTERN_BYTES: usize = 32;

/// A member's name as written in compact JSON: in quotes, and followed by a colon.
#[derive(Debug, Clone, Copy)]
pub struct NamePattern {
    pub(super) bytes: [u8; MAX_PATTERN_BYTES],
    pub(super) len: usize,
    /// One bit for each byte of the pattern.
    pub(super) mask: u32,
}

impl NamePattern {
    /// Matches nothing: no JSON has these bytes.
    pub(super) const NEVER: NamePattern = NamePattern {
        bytes: [0xff; MAX_PATTERN_BYTES],
        len: MAX_PATTERN_BYTES,
        mask: u32::MAX,
    };

    /// Returns whether this is the pattern of a name.
    pub(super) fn is(&self, name: &[u8]) -> bool {
        self.bytes.get(1..self.len - 2) == Some(name)
    }

    /// The pattern of a name of at most 29 bytes that needs no escapes. A longer name does not compile in a constant.
    pub const fn of(name: &str) -> NamePattern {
        let name = name.as_bytes();
        let mut bytes = [0; MAX_PATTERN_BYTES];
        bytes[0] = b'"';
        let mut i = 0;
        while i < name.len() {
            bytes[i + 1] = name[i];
            i += 1;
        }
        bytes[i + 1] = b'"';
        bytes[i + 2] = b':';
        let len = i + 3;
        NamePattern {
            bytes,
            len,
            mask: u32::MAX >> (MAX_PATTERN_BYTES - len),
        }
    }

    /// Returns whether a text begins with the pattern.
    #[cold]
    pub(super) fn begins(&self, text: &[u8]) -> bool {
        self.bytes
            .get(..self.len)
            .is_some_and(|name| text.starts_with(name))
    }
}
