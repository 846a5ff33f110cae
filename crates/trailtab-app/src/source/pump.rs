//! Reads from sources that can block indefinitely: standard input, pipes, terminals.
//!
//! A blocking read cannot be cancelled. It therefore runs in a thread of its own, which is
//! abandoned on an interrupt and ends with the process.

use std::io::{self, Cursor, Read};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

use super::interrupt::Interrupt;

/// Size of one read.
const PIECE_BYTES: usize = 128 << 10;

/// Capacity of the channel, in pieces.
const CHANNEL_PIECES: usize = 4;

/// How long to wait for a piece before checking for an interrupt.
const INTERRUPT_POLL_INTERVAL: Duration = Duration::from_millis(50);

/// Pieces still accepted after an interrupt: those read by then.
const LAST_PIECES: usize = CHANNEL_PIECES + 2;

/// The receiving end of the reading thread.
pub(super) struct Pump {
    pieces: Receiver<io::Result<Vec<u8>>>,
    piece: Cursor<Vec<u8>>,
    interrupt: Interrupt,
    pieces_left: usize,
}

impl Pump {
    /// Starts a thread that opens the source and reads it. Opening a pipe may block as well.
    pub(super) fn start<R: Read>(
        open: impl FnOnce() -> io::Result<R> + Send + 'static,
        interrupt: &Interrupt,
    ) -> io::Result<Pump> {
        let (sender, pieces) = sync_channel(CHANNEL_PIECES);
        thread::Builder::new().spawn(move || pump(open, &sender))?;
        Ok(Pump {
            pieces,
            piece: Cursor::default(),
            interrupt: interrupt.clone(),
            pieces_left: LAST_PIECES,
        })
    }

    /// Waits for the next piece; `None` at the end.
    fn next(&mut self) -> io::Result<Option<Vec<u8>>> {
        loop {
            let is_interrupted = self.interrupt.is_requested();
            if is_interrupted {
                self.pieces_left = self.pieces_left.saturating_sub(1);
                if self.pieces_left == 0 {
                    self.interrupt.check()?;
                }
            }
            match self.pieces.recv_timeout(INTERRUPT_POLL_INTERVAL) {
                Ok(piece) => return piece.map(Some),
                Err(RecvTimeoutError::Disconnected) => return Ok(None),
                Err(RecvTimeoutError::Timeout) if is_interrupted => self.interrupt.check()?,
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
    }
}

impl Read for Pump {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        loop {
            let read = self.piece.read(buf)?;
            if read > 0 || buf.is_empty() {
                return Ok(read);
            }
            match self.next()? {
                Some(piece) => self.piece = Cursor::new(piece),
                None => return Ok(0),
            }
        }
    }
}

/// The reading thread: ends at the end of the source, at an error, or when the receiver is gone.
fn pump<R: Read>(open: impl FnOnce() -> io::Result<R>, pieces: &SyncSender<io::Result<Vec<u8>>>) {
    let mut from = match open() {
        Ok(from) => from,
        Err(error) => return drop(pieces.send(Err(error))),
    };
    loop {
        let mut piece = vec![0; PIECE_BYTES];
        let read = match from.read(&mut piece) {
            Ok(0) => return,
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return drop(pieces.send(Err(error))),
        };
        piece.truncate(read);
        if pieces.send(Ok(piece)).is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::super::interrupt::{self, is_cause};
    use super::*;

    /// Returns what the channel sends, and blocks in between.
    struct Blocking(Receiver<Vec<u8>>);

    impl Read for Blocking {
        fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
            let Ok(bytes) = self.0.recv() else {
                return Ok(0);
            };
            buf[..bytes.len()].copy_from_slice(&bytes);
            Ok(bytes.len())
        }
    }

    #[test]
    fn everything_is_read_to_its_end() {
        let bytes: Vec<u8> = (0..1_000_000_u32).map(|n| n as u8).collect();
        let copy = bytes.clone();
        let mut pump = Pump::start(|| Ok(Cursor::new(copy)), &Interrupt::never()).unwrap();
        let mut read = Vec::new();
        pump.read_to_end(&mut read).unwrap();
        assert!(read == bytes);
        let refused = || Err::<io::Empty, _>(io::ErrorKind::PermissionDenied.into());
        let mut pump = Pump::start(refused, &Interrupt::never()).unwrap();
        let error = pump.read(&mut [0; 9]).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::PermissionDenied);
    }

    #[test]
    fn a_blocked_read_is_abandoned_and_earlier_bytes_are_kept() {
        let (sender, receiver) = channel();
        let (requester, interrupt) = interrupt::channel();
        sender.send(b"first second".to_vec()).unwrap();
        let mut pump = Pump::start(|| Ok(Blocking(receiver)), &interrupt).unwrap();
        let mut first = [0; 6];
        pump.read_exact(&mut first).unwrap();
        requester.request();
        let mut rest = Vec::new();
        let error = pump.read_to_end(&mut rest).unwrap_err();
        assert!(is_cause(&error), "{error}");
        assert_eq!((&first, rest.as_slice()), (b"first ", &b"second"[..]));
    }

    #[test]
    fn an_endless_source_is_abandoned() {
        let (requester, interrupt) = interrupt::channel();
        let mut pump = Pump::start(|| Ok(io::repeat(b'x')), &interrupt).unwrap();
        pump.read_exact(&mut [0; 9]).unwrap();
        requester.request();
        let error = pump.read_to_end(&mut Vec::new()).unwrap_err();
        assert!(is_cause(&error), "{error}");
    }
}
