//! Bytes on their way into a window: filling it, and readers that count, stop and watch.

use std::cell::Cell;
use std::fs::File;
use std::io::{self, Read};

use super::MAX_RECORD_BYTES;
use super::outcome::{ReadTrouble, damaged};
use crate::source::interrupt::Interrupt;
use trailtab_core::event::envelope::{EnvelopeReader, RecordSink};

/// Reads JSON, or text with JSON in it, that is completely in memory.
pub(super) fn read_json(
    mut envelope: EnvelopeReader,
    json: &[u8],
    sink: &mut impl RecordSink,
) -> Option<ReadTrouble> {
    envelope.feed(json, true, sink);
    envelope.damage().map(damaged)
}

/// Reads JSON, or text with JSON in it, through a window that is filled already.
pub(super) fn stream_json(
    mut envelope: EnvelopeReader,
    plain: &mut dyn Read,
    window: &mut Vec<u8>,
    mut filled: usize,
    failure: &mut Option<io::Error>,
    sink: &mut impl RecordSink,
) -> Option<ReadTrouble> {
    loop {
        let last = filled < window.len();
        let mut done = envelope.feed(&window[..filled], last, sink);
        if last {
            return envelope.damage().map(damaged);
        }
        if done == 0 && window.len() >= MAX_RECORD_BYTES {
            done = envelope.enter(&window[..filled]);
            if done == 0 {
                envelope.too_large(sink);
            }
        } else if done == 0 {
            window.resize(window.len() * 2, 0);
        }
        window.copy_within(done..filled, 0);
        filled = fill(plain, window, filled - done, failure);
    }
}

/// Fills the window from `filled` on. A partly filled window means the document ended or failed.
pub(super) fn fill(
    document: &mut (impl Read + ?Sized),
    window: &mut [u8],
    mut filled: usize,
    failure: &mut Option<io::Error>,
) -> usize {
    while filled < window.len() && failure.is_none() {
        match document.read(&mut window[filled..]) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => *failure = Some(error),
        }
    }
    filled
}

/// Like [`fill`], but takes a read of the expected size for the end of the file: system calls
/// dominate the cost of small files.
pub(super) fn fill_file(
    file: &mut File,
    window: &mut [u8],
    failure: &mut Option<io::Error>,
) -> usize {
    match file.read(window) {
        Ok(read) if read + 1 == window.len() => read,
        Ok(read) => fill(file, window, read, failure),
        Err(error) => {
            *failure = Some(error);
            0
        }
    }
}

/// Abandons a long file on an interrupt.
pub(super) struct Interruptible<R> {
    pub(super) inner: R,
    pub(super) interrupt: Interrupt,
}

impl<R: Read> Read for Interruptible<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.interrupt.check()?;
        self.inner.read(buf)
    }
}

/// Counts the bytes read.
pub(super) struct MeteredReader<'c, R> {
    pub(super) inner: R,
    pub(super) count: &'c Cell<u64>,
}

impl<R: Read> Read for MeteredReader<'_, R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buf)?;
        self.count.set(self.count.get() + read as u64);
        Ok(read)
    }
}

/// Notes bytes of zero, which no text has.
pub(super) struct ZeroWatch<R> {
    pub(super) inner: R,
    pub(super) has_zeros: bool,
}

impl<R: Read> Read for ZeroWatch<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buf)?;
        self.has_zeros |= memchr::memchr(0, &buf[..read]).is_some();
        Ok(read)
    }
}
