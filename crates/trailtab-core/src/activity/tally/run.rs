//! Sorted rows as bytes. A row leaves out the names that it shares with the row before it.

use std::io::{self, BufReader, Read, Write};

use super::rows::{CountTable, MAX_NAMES};
use super::stats::SeenStats;
use crate::time::Seconds;

/// Bytes that a writer collects before it writes them.
const WRITE_BYTES: usize = 1 << 16;

/// Bytes that a reader holds. All runs of a tally are read at once.
const READ_BYTES: usize = 1 << 14;

/// Writes rows in the order of their tables and names.
pub(super) struct RunWriter<'w> {
    out: &'w mut dyn Write,
    buffer: Vec<u8>,
    names: [String; MAX_NAMES],
}

impl<'w> RunWriter<'w> {
    pub(super) fn new(out: &'w mut dyn Write) -> Self {
        RunWriter {
            out,
            buffer: Vec::with_capacity(WRITE_BYTES),
            names: Default::default(),
        }
    }

    pub(super) fn row(
        &mut self,
        table: CountTable,
        names: [&str; MAX_NAMES],
        stats: &SeenStats,
    ) -> io::Result<()> {
        let pairs = self.names.iter().zip(names).take(table.names());
        let shared = pairs.take_while(|(a, b)| a == b).count();
        self.buffer.extend([table as u8, shared as u8]);
        for (mine, name) in self.names.iter_mut().zip(names).skip(shared) {
            mine.clear();
            mine.push_str(name);
        }
        for name in names.iter().take(table.names()).skip(shared) {
            write_number(&mut self.buffer, name.len() as u64);
            self.buffer.extend(name.as_bytes());
        }
        write_number(&mut self.buffer, stats.calls);
        if table.has_stats() {
            for count in [stats.failed, stats.denied, stats.reads, stats.writes] {
                write_number(&mut self.buffer, count);
            }
            write_time(&mut self.buffer, stats.first);
            write_time(&mut self.buffer, stats.last);
        }
        match self.buffer.len() >= WRITE_BYTES {
            true => self.flush(),
            false => Ok(()),
        }
    }

    pub(super) fn flush(&mut self) -> io::Result<()> {
        self.out.write_all(&self.buffer)?;
        self.buffer.clear();
        Ok(())
    }
}

/// Reads rows back.
pub(super) struct RunReader<'r> {
    input: BufReader<Box<dyn Read + 'r>>,
    pub(super) table: CountTable,
    pub(super) names: [String; MAX_NAMES],
    pub(super) stats: SeenStats,
}

impl<'r> RunReader<'r> {
    pub(super) fn new(input: Box<dyn Read + 'r>) -> Self {
        RunReader {
            input: BufReader::with_capacity(READ_BYTES, input),
            table: CountTable::Principals,
            names: Default::default(),
            stats: SeenStats::default(),
        }
    }

    /// The bytes that are read and not yet used.
    #[cfg(test)]
    pub(super) fn left(&self) -> usize {
        self.input.buffer().len()
    }

    /// Reads the next row; false if there are no more.
    pub(super) fn advance(&mut self) -> io::Result<bool> {
        let mut head = [0];
        if self.input.read(&mut head)? == 0 {
            return Ok(false);
        }
        let table = CountTable::ALL.get(usize::from(head[0]));
        self.table = *table.ok_or_else(damaged)?;
        self.input.read_exact(&mut head)?;
        let names = self.names.iter_mut().enumerate();
        for (index, name) in names.skip(usize::from(head[0])) {
            let mut bytes = std::mem::take(name).into_bytes();
            bytes.clear();
            if index < self.table.names() {
                let length = read_number(&mut self.input)?;
                (&mut self.input).take(length).read_to_end(&mut bytes)?;
                if bytes.len() as u64 != length {
                    return Err(damaged());
                }
            }
            *name = String::from_utf8(bytes).map_err(|_| damaged())?;
        }
        let mut number = || read_number(&mut self.input);
        self.stats = SeenStats::of_calls(number()?);
        if self.table.has_stats() {
            self.stats = SeenStats {
                calls: self.stats.calls,
                failed: number()?,
                denied: number()?,
                reads: number()?,
                writes: number()?,
                first: time_of(number()?),
                last: time_of(number()?),
            };
        }
        Ok(true)
    }
}

fn damaged() -> io::Error {
    let reason = "the temporary counts are damaged";
    io::Error::new(io::ErrorKind::InvalidData, reason)
}

/// Writes seven bits in each byte, the lowest first; the highest bit says that more follow.
fn write_number(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

fn read_number(input: &mut impl Read) -> io::Result<u64> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let mut byte = [0];
        input.read_exact(&mut byte)?;
        number |= u64::from(byte[0] & 0x7f) << shift;
        if byte[0] < 0x80 {
            return Ok(number);
        }
    }
    Err(damaged())
}

/// Zero stands for no time; the lowest bit of all else is the sign.
fn write_time(out: &mut Vec<u8>, time: Option<Seconds>) {
    let number = time.map_or(0, |time| {
        (((time << 1) ^ (time >> 63)) as u64).wrapping_add(1)
    });
    write_number(out, number);
}

fn time_of(number: u64) -> Option<Seconds> {
    let number = number.checked_sub(1)?;
    Some((number >> 1) as i64 ^ -((number & 1) as i64))
}
