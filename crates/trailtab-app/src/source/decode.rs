//! The layers that a document may be wrapped in, taken off while it is read.

use std::cell::Cell;
use std::io::{self, BufRead, BufReader, Read};

use bzip2::read::MultiBzDecoder;
use flate2::bufread::MultiGzDecoder;
use lzma_rust2::XzReader;
use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};

use super::format::Wrapping;
use super::interrupt;

/// Bytes that are read from an outer layer at once.
const BUFFER: usize = 128 << 10;

/// Memory in KiB that an xz file may ask for, as much as its highest preset needs.
const XZ_MEMORY_KIB: u32 = 72 << 10;

/// Largest window of zstd that is accepted, in bytes. Its levels need at most 8 MiB unless more is asked for.
const ZSTD_WINDOW: u64 = 64 << 20;

/// A document may inflate to 1 GiB, and beyond that to this many times its size. Log files come to
/// 20 times; deflate cannot go beyond 1032 times.
const MAX_RATIO: u64 = 300;

/// Takes one layer off.
pub(super) fn unwrapped<'r>(wrapping: Wrapping, outer: impl Read + 'r) -> Box<dyn Read + 'r> {
    let outer = BufReader::with_capacity(BUFFER, outer);
    let layer =
        |inner: Box<dyn Read + 'r>| -> Box<dyn Read + 'r> { Box::new(Layer { wrapping, inner }) };
    match wrapping {
        Wrapping::Gzip => layer(Box::new(MultiGzDecoder::new(outer))),
        Wrapping::Zstd => layer(Box::new(ZstdFrames::new(outer))),
        Wrapping::Bzip2 => layer(Box::new(MultiBzDecoder::new(outer))),
        Wrapping::Xz => layer(Box::new(XzReader::new_mem_limit(
            outer,
            true,
            XZ_MEMORY_KIB,
        ))),
        Wrapping::Base64 => layer(Box::new(base64::read::DecoderReader::new(
            WithoutLineBreaks(outer),
            &base64::engine::general_purpose::STANDARD,
        ))),
        Wrapping::Utf16LittleEndian => Box::new(Utf16Reader::new(outer, u16::from_le_bytes)),
        Wrapping::Utf16BigEndian => Box::new(Utf16Reader::new(outer, u16::from_be_bytes)),
    }
}

/// Names the layer in its errors.
struct Layer<'r> {
    wrapping: Wrapping,
    inner: Box<dyn Read + 'r>,
}

impl LayerError {
    /// Returns whether a read failed with this error.
    pub(super) fn is_cause(error: &io::Error) -> bool {
        let inner = error.get_ref();
        inner.is_some_and(<dyn std::error::Error + Send + Sync>::is::<LayerError>)
    }
}

impl Read for Layer<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.inner.read(buf).map_err(|error| {
            if interrupt::is_cause(&error) || LayerError::is_cause(&error) {
                return error;
            }
            let name = self.wrapping.name();
            io::Error::other(LayerError(match error.kind() {
                io::ErrorKind::UnexpectedEof => format!("the {name} data are cut off"),
                _ => format!("the {name} data are damaged: {error}"),
            }))
        })
    }
}

/// Why a layer cannot be taken off, or not to its end.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct LayerError(String);

/// Stops a document that takes far more bytes than are stored of it.
pub(super) struct LimitedReader<'c, R> {
    pub(super) inner: R,
    /// Bytes as stored that were read so far.
    pub(super) stored: &'c Cell<u64>,
    pub(super) inflated: u64,
}

impl<R: Read> Read for LimitedReader<'_, R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buf)?;
        self.inflated += read as u64;
        if self.inflated > (1 << 30) && self.inflated > self.stored.get() * MAX_RATIO {
            let reason = format!("it inflates to more than {MAX_RATIO} times its size");
            return Err(io::Error::other(LayerError(reason)));
        }
        Ok(read)
    }
}

/// Decodes all frames of a zstd file, one after the other.
struct ZstdFrames<R> {
    source: R,
    decoder: FrameDecoder,
    is_open: bool,
}

impl<R: BufRead> ZstdFrames<R> {
    fn new(source: R) -> Self {
        let mut decoder = FrameDecoder::new();
        decoder.set_max_window_size(ZSTD_WINDOW);
        ZstdFrames {
            source,
            decoder,
            is_open: false,
        }
    }

    /// Begins the next frame; returns whether there is one.
    fn next_frame(&mut self) -> io::Result<bool> {
        while !self.source.fill_buf()?.is_empty() {
            match self.decoder.reset(&mut self.source) {
                Ok(()) => return Ok(true),
                Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame {
                    length,
                    ..
                })) => {
                    let mut skipped = self.source.by_ref().take(u64::from(length));
                    io::copy(&mut skipped, &mut io::sink())?;
                }
                Err(_) => return Err(invalid_frame()),
            }
        }
        Ok(false)
    }

    fn check(&self) -> io::Result<()> {
        let stored = self.decoder.get_checksum_from_data();
        match stored == self.decoder.get_calculated_checksum() || stored.is_none() {
            true => Ok(()),
            false => Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "a checksum is wrong",
            )),
        }
    }
}

impl<R: BufRead> Read for ZstdFrames<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        loop {
            if self.is_open && self.decoder.can_collect() > 0 {
                return self.decoder.read(buf);
            }
            if self.is_open && !self.decoder.is_finished() {
                let one = BlockDecodingStrategy::UptoBlocks(1);
                let decoded = self.decoder.decode_blocks(&mut self.source, one);
                decoded.map_err(|_| invalid_frame())?;
                continue;
            }
            if self.is_open {
                self.check()?;
            }
            self.is_open = self.next_frame()?;
            if !self.is_open {
                return Ok(0);
            }
        }
    }
}

/// The decoder's own errors are names of its parts.
fn invalid_frame() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "a frame is not valid")
}

/// Leaves out the line breaks of base64.
struct WithoutLineBreaks<R>(R);

impl<R: Read> Read for WithoutLineBreaks<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        loop {
            let read = self.0.read(buf)?;
            let mut kept = 0;
            for at in 0..read {
                if !buf[at].is_ascii_whitespace() {
                    buf[kept] = buf[at];
                    kept += 1;
                }
            }
            if kept > 0 || read == 0 {
                return Ok(kept);
            }
        }
    }
}

/// Turns UTF-16 into UTF-8. Half a surrogate becomes U+FFFD.
struct Utf16Reader<R> {
    source: R,
    unit: fn([u8; 2]) -> u16,
    /// The first half of a character whose second has not been read.
    high: Option<u16>,
    text: Vec<u8>,
    /// Bytes of `text` that were handed on.
    taken: usize,
}

impl<R: Read> Utf16Reader<R> {
    fn new(source: R, unit: fn([u8; 2]) -> u16) -> Self {
        Utf16Reader {
            source,
            unit,
            high: None,
            text: Vec::new(),
            taken: 0,
        }
    }

    /// Reads the next bytes; returns whether there were any.
    fn fill(&mut self) -> io::Result<bool> {
        self.text.clear();
        self.taken = 0;
        let mut bytes = Vec::with_capacity(BUFFER);
        self.source
            .by_ref()
            .take(BUFFER as u64)
            .read_to_end(&mut bytes)?;
        let (pairs, rest) = bytes.as_chunks::<2>();
        if !rest.is_empty() {
            let reason = "the UTF-16 text is cut off: it has an odd number of bytes".to_owned();
            return Err(io::Error::other(LayerError(reason)));
        }
        let mut units: Vec<u16> = self.high.take().into_iter().collect();
        units.extend(pairs.iter().map(|pair| (self.unit)(*pair)));
        let is_high = |unit: &u16| (0xd800..0xdc00).contains(unit);
        if bytes.len() == BUFFER {
            self.high = units.pop_if(|unit| is_high(unit));
        }
        for character in char::decode_utf16(units) {
            let character = character.unwrap_or(char::REPLACEMENT_CHARACTER);
            // A byte order mark is not part of the text.
            if character != '\u{feff}' {
                let mut utf8 = [0; 4];
                self.text
                    .extend_from_slice(character.encode_utf8(&mut utf8).as_bytes());
            }
        }
        Ok(!bytes.is_empty())
    }
}

impl<R: Read> Read for Utf16Reader<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        while self.taken == self.text.len() {
            if !self.fill()? {
                return Ok(0);
            }
        }
        let rest = &self.text[self.taken..];
        let len = rest.len().min(buf.len());
        buf[..len].copy_from_slice(&rest[..len]);
        self.taken += len;
        Ok(len)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn read(wrapping: Wrapping, bytes: &[u8]) -> io::Result<String> {
        let mut text = String::new();
        unwrapped(wrapping, bytes).read_to_string(&mut text)?;
        Ok(text)
    }

    fn bzip2(text: &[u8]) -> Vec<u8> {
        let mut encoder = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    fn zstd(text: &[u8]) -> Vec<u8> {
        ruzstd::encoding::compress_to_vec(text, ruzstd::encoding::CompressionLevel::Fastest)
    }

    #[test]
    fn all_members_and_frames_are_read() {
        let skippable = b"\x50\x2a\x4d\x18\x03\0\0\0xyz";
        let frames = [&zstd(b"one "), &skippable[..], &zstd(b"two")].concat();
        assert_eq!(read(Wrapping::Zstd, &frames).unwrap(), "one two");
        let members = [bzip2(b"one "), bzip2(b"two")].concat();
        assert_eq!(read(Wrapping::Bzip2, &members).unwrap(), "one two");
        assert_eq!(
            read(Wrapping::Base64, b"b25l\r\nIHR3\nbw==\n").unwrap(),
            "one two"
        );
    }

    #[test]
    fn damage_is_told_with_the_name_of_the_layer() {
        for (wrapping, bytes) in [
            (Wrapping::Zstd, zstd(&[b'x'; 1000])),
            (Wrapping::Bzip2, bzip2(&[b'x'; 1000])),
        ] {
            for cut in [bytes.len() - 1, bytes.len() / 2, 5] {
                let error = read(wrapping, &bytes[..cut]).unwrap_err().to_string();
                assert!(
                    error.contains(wrapping.name()),
                    "{wrapping:?} cut at {cut}: {error}"
                );
            }
        }
        assert!(read(Wrapping::Base64, b"b25l\nIHR3b!==").is_err());
    }

    #[test]
    fn utf_16_of_either_order_is_read_in_pieces_of_any_size() {
        let text = "\u{feff}{\"a\":\"\u{e9}\u{1f600}\"}".repeat(9000);
        let expected = text.replace('\u{feff}', "");
        let little: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let big: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
        assert_eq!(
            read(Wrapping::Utf16LittleEndian, &little).unwrap(),
            expected
        );
        assert_eq!(read(Wrapping::Utf16BigEndian, &big).unwrap(), expected);
        let cut = &little[..little.len() - 1];
        assert!(read(Wrapping::Utf16LittleEndian, cut).is_err());
    }
}
