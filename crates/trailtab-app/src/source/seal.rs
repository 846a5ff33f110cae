//! Inflates gzip members one after the other, and computes the hash that a digest gives for a file.

use std::io::{self, BufRead, Read};

use aws_lc_rs::digest::{Context, SHA256};
#[expect(
    clippy::disallowed_types,
    reason = "it stops after the first member, the one that a digest covers"
)]
use flate2::bufread::GzDecoder;
use flate2::bufread::MultiGzDecoder;

use trailtab_core::integrity::digest::Sha256Hash;

/// Larger digests are rejected. A digest of this size would list a hundred thousand log files.
const MAX_DIGEST_BYTES: usize = 32 << 20;

/// The hash of a file's contents: of its first member if it is a gzip file.
pub(super) struct ContentHash {
    context: Context,
    /// A copy of the contents, if requested and not too large.
    copy: Option<Vec<u8>>,
    /// Whether bytes follow the contents; not set until the contents have ended.
    has_more: Option<bool>,
}

/// The result of [`ContentHash::finish`].
pub(super) struct HashOutcome {
    /// Not set if the contents did not end cleanly.
    pub(super) hash: Option<Sha256Hash>,
    pub(super) has_more: bool,
    pub(super) copy: Option<Vec<u8>>,
}

impl ContentHash {
    pub(super) fn new(copies: bool) -> ContentHash {
        ContentHash {
            context: Context::new(&SHA256),
            copy: copies.then(Vec::new),
            has_more: None,
        }
    }

    fn add(&mut self, bytes: &[u8]) {
        self.context.update(bytes);
        self.copy = self
            .copy
            .take()
            .filter(|copy| copy.len() + bytes.len() <= MAX_DIGEST_BYTES);
        if let Some(copy) = &mut self.copy {
            copy.extend_from_slice(bytes);
        }
    }

    pub(super) fn finish(self) -> HashOutcome {
        let hash = self.context.finish();
        HashOutcome {
            hash: self.has_more.and_then(|_| hash.as_ref().try_into().ok()),
            has_more: self.has_more == Some(true),
            copy: self.copy,
        }
    }
}

/// Reads and hashes an uncompressed file.
pub(super) struct PlainReader<R> {
    pub(super) inner: R,
    pub(super) seal: Option<ContentHash>,
}

impl<R: Read> Read for PlainReader<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buf)?;
        if let Some(seal) = &mut self.seal {
            seal.add(&buf[..read]);
            if read == 0 && !buf.is_empty() {
                seal.has_more = Some(false);
            }
        }
        Ok(read)
    }
}

/// Inflates all members of a gzip file; hashes only the first.
pub(super) struct GzipMembers<R> {
    #[expect(
        clippy::disallowed_types,
        reason = "MultiGzDecoder reads the other members"
    )]
    first: Option<GzDecoder<R>>,
    others: Option<MultiGzDecoder<R>>,
    pub(super) seal: Option<ContentHash>,
}

impl<R: BufRead> GzipMembers<R> {
    pub(super) fn new(stored: R, seal: Option<ContentHash>) -> GzipMembers<R> {
        #[expect(
            clippy::disallowed_types,
            reason = "MultiGzDecoder reads the other members"
        )]
        let first = Some(GzDecoder::new(stored));
        GzipMembers {
            first,
            others: None,
            seal,
        }
    }
}

impl<R: BufRead> Read for GzipMembers<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if let Some(first) = &mut self.first {
            let read = first.read(buf)?;
            if let Some(seal) = &mut self.seal {
                seal.add(&buf[..read]);
            }
            if read > 0 || buf.is_empty() {
                return Ok(read);
            }
        }
        if let Some(first) = self.first.take() {
            let mut rest = first.into_inner();
            let has_more = !rest.fill_buf()?.is_empty();
            if let Some(seal) = &mut self.seal {
                seal.has_more = Some(has_more);
            }
            self.others = has_more.then(|| MultiGzDecoder::new(rest));
        }
        match &mut self.others {
            Some(others) => others.read(buf),
            None => Ok(0),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    fn hash(text: &[u8]) -> Option<Sha256Hash> {
        let mut seal = ContentHash::new(false);
        seal.add(text);
        seal.has_more = Some(false);
        seal.finish().hash
    }

    /// Inflates a gzip file and returns its text and hash.
    fn read(stored: &[u8]) -> (io::Result<String>, HashOutcome) {
        let mut members = GzipMembers::new(stored, Some(ContentHash::new(true)));
        let mut text = String::new();
        let read = members.read_to_string(&mut text).map(|_| text);
        (read, members.seal.unwrap().finish())
    }

    #[test]
    fn the_first_member_is_sealed_and_all_are_read() {
        let (text, sealed) = read(&gzip(b"one"));
        assert_eq!(text.unwrap(), "one");
        assert_eq!((sealed.hash, sealed.has_more), (hash(b"one"), false));
        assert_eq!(sealed.copy.unwrap(), b"one");
        let (text, sealed) = read(&[gzip(b"one"), gzip(b"two")].concat());
        assert_eq!(text.unwrap(), "onetwo");
        assert_eq!((sealed.hash, sealed.has_more), (hash(b"one"), true));
        assert_eq!(sealed.copy.unwrap(), b"one");
    }

    #[test]
    fn any_byte_that_follows_is_noticed() {
        let one = gzip(b"one");
        // The last eight bytes of a member are its checksum and size, which an attacker can repeat.
        let end = &one[one.len() - 8..];
        for tail in [&b"\0"[..], b"x", end, &gzip(b"")[..]] {
            let (_, sealed) = read(&[&one[..], tail].concat());
            assert_eq!(
                (sealed.hash, sealed.has_more),
                (hash(b"one"), true),
                "{tail:?}"
            );
        }
    }

    #[test]
    fn a_damaged_file_has_no_hash() {
        let mut one = gzip(b"one and only");
        assert_eq!(read(&one[..one.len() - 1]).1.hash, None);
        let crc = one.len() - 8;
        one[crc] ^= 1;
        let (text, sealed) = read(&one);
        assert!(text.is_err());
        assert_eq!(sealed.hash, None);
    }
}
