//! Sorted rows as bytes. A row leaves out the names that it shares with the row before it.

use std::io::{self, BufReader, Read, Write};

use super::rows::{CountTable, MAX_NAMES};
use super::stats::SeenStats;
use crate::activity::packed::{
    damaged, read_number, read_string, signed_of, unsigned_of, write_number, write_string,
};
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
            write_string(&mut self.buffer, name);
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
            match index < self.table.names() {
                true => read_string(&mut self.input, name)?,
                false => name.clear(),
            }
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

/// Zero stands for no time.
fn write_time(out: &mut Vec<u8>, time: Option<Seconds>) {
    let number = time.map_or(0, |time| unsigned_of(time).wrapping_add(1));
    write_number(out, number);
}

fn time_of(number: u64) -> Option<Seconds> {
    number.checked_sub(1).map(signed_of)
}
