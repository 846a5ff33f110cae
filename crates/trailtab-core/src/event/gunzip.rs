//! Inflates gzip in memory, by the fast library where that is safe.

use std::io::Read as _;

use flate2::read::MultiGzDecoder;
use libdeflater::Decompressor;

const MAGIC: &[u8] = b"\x1f\x8b\x08";

/// Returns whether a document starts with the gzip magic number.
pub fn is_gzip(head: &[u8]) -> bool {
    head.starts_with(&MAGIC[..2])
}

/// Inflates files one after the other into the same buffer.
pub struct Inflater {
    decompressor: Decompressor,
    out: Vec<u8>,
    limit: usize,
}

impl Inflater {
    /// Creates an inflater for files of at most `limit` bytes when inflated.
    pub fn new(limit: usize) -> Self {
        Inflater {
            decompressor: Decompressor::new(),
            out: Vec::new(),
            limit,
        }
    }

    /// Inflates a gzip file with one member whose last four bytes give its size, as CloudTrail writes them. Returns
    /// nothing if the file needs the streaming decoder: it is damaged, too large, or has several members.
    ///
    /// libdeflate stops silently after the first member, so a header directly after the end of one
    /// sends the file to the streaming decoder.
    pub fn inflate(&mut self, gzip: &[u8]) -> Option<&[u8]> {
        let size = u32::from_le_bytes(*gzip.last_chunk::<4>()?) as usize;
        if size > self.limit {
            return None;
        }
        if self.out.len() < size {
            // The allocator has pages of zeros; `resize` would write zeros over all of them.
            self.out = vec![0; size];
        }
        let out = self.out.get_mut(..size)?;
        let inflated = self.decompressor.gzip_decompress(gzip, out).ok()?;
        (inflated == size && !has_more(gzip, out)).then_some(&*out)
    }
}

/// Returns whether another member may follow the first one, whose contents are `out`: its checksum and
/// size stand directly before the other one's header. One compressed megabyte in sixteen has the bytes of
/// a header by chance.
fn has_more(gzip: &[u8], out: &[u8]) -> bool {
    let mut headers = memchr::memmem::find_iter(gzip, MAGIC).skip(1).peekable();
    if headers.peek().is_none() {
        return false;
    }
    let checksum = libdeflater::crc32(out).to_le_bytes();
    headers.any(|at| {
        let trailer = gzip.get(..at).and_then(<[u8]>::last_chunk::<8>);
        trailer.is_none_or(|trailer| trailer.starts_with(&checksum))
    })
}

/// Inflates a gzip payload into a new buffer, unless it is damaged or larger than `limit` bytes.
pub fn whole(gzip: &[u8], limit: usize) -> Option<Vec<u8>> {
    let mut inflater = Inflater::new(limit);
    if let Some(size) = inflater.inflate(gzip).map(<[u8]>::len) {
        inflater.out.truncate(size);
        return Some(inflater.out);
    }
    let mut out = Vec::new();
    let mut slow = MultiGzDecoder::new(gzip).take(limit as u64 + 1);
    slow.read_to_end(&mut out).ok()?;
    (out.len() <= limit).then_some(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use libdeflater::{CompressionLvl, Compressor};

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut compressor = Compressor::new(CompressionLvl::default());
        let mut out = vec![0; compressor.gzip_compress_bound(text.len())];
        let len = compressor.gzip_compress(text, &mut out).unwrap();
        out.truncate(len);
        out
    }

    #[test]
    fn one_member_is_inflated_and_the_buffer_reused() {
        let mut inflater = Inflater::new(1000);
        assert_eq!(
            inflater.inflate(&gzip(b"a longer text")),
            Some(&b"a longer text"[..])
        );
        assert_eq!(inflater.inflate(&gzip(b"short")), Some(&b"short"[..]));
    }

    #[test]
    fn bytes_of_a_header_inside_of_a_member_are_no_member() {
        // Stored, not compressed: the file contains the text itself.
        let mut compressor = Compressor::new(CompressionLvl::new(0).unwrap());
        let text = [b"text ", MAGIC, b" and 8 bytes ", MAGIC].concat();
        let mut out = vec![0; compressor.gzip_compress_bound(text.len())];
        let len = compressor.gzip_compress(&text, &mut out).unwrap();
        let mut inflater = Inflater::new(1000);
        assert_eq!(inflater.inflate(&out[..len]), Some(&text[..]));
        let two = [&out[..len], &out[..len]].concat();
        assert_eq!(inflater.inflate(&two), None);
    }

    #[test]
    fn payloads_of_all_kinds_are_inflated() {
        let one = gzip(b"some text");
        let two = [&one[..], &one[..]].concat();
        assert_eq!(whole(&one, 9).unwrap(), b"some text");
        assert_eq!(whole(&two, 18).unwrap(), b"some textsome text");
        assert_eq!((whole(&one, 8), whole(&two, 17)), (None, None));
        assert_eq!(whole(&one[..one.len() - 3], 100), None);
    }

    #[test]
    fn anything_else_is_left_to_the_slow_decoder() {
        let one = gzip(b"{\"Records\":[]}");
        let mut inflater = Inflater::new(1000);
        assert_eq!(
            inflater.inflate(&[&one[..], &one[..]].concat()),
            None,
            "two equal members"
        );
        assert_eq!(inflater.inflate(&[&one[..], b"trailing"].concat()), None);
        assert_eq!(inflater.inflate(&one[..one.len() - 3]), None, "truncated");
        assert_eq!(
            inflater.inflate(&gzip(&[b'x'; 2000])),
            None,
            "over the limit"
        );
        assert_eq!(inflater.inflate(b""), None);
    }
}
