//! Counts as sorted rows in bytes. A row leaves out the names that it shares with the row before it.

use std::cmp::Ordering;
use std::io::{self, BufReader, Read, Write};

use super::{Calls, MINUTE, UsageTally};
use crate::activity::packed::{
    damaged, read_number, read_string, signed_of, unsigned_of, write_number, write_string,
};
use crate::time::Seconds;

/// Bytes that are collected before they are written.
const WRITE_BYTES: usize = 1 << 16;

/// Bytes that a reader holds. All runs are read at once.
const READ_BYTES: usize = 1 << 14;

impl UsageTally {
    /// Writes all counts, sorted by names and minute.
    ///
    /// # Errors
    ///
    /// Fails if `out` does.
    pub(super) fn write_run(&self, out: &mut dyn Write) -> io::Result<()> {
        let mut buffer = Vec::with_capacity(WRITE_BYTES);
        let mut before: Option<u32> = None;
        let places = self.places_of_keys();
        let mut rows: Vec<(&(u32, i64), &Calls)> = self.calls.iter().collect();
        rows.sort_unstable_by_key(|((id, minute), _)| (places[*id as usize], *minute));
        for (&(id, minute), calls) in rows {
            let names = self.names_of(id);
            let shared = match before {
                Some(before) => {
                    let pairs = self.names_of(before).zip(self.names_of(id));
                    pairs.take_while(|(a, b)| a == b).count()
                }
                None => 0,
            };
            before = Some(id);
            write_number(&mut buffer, shared as u64);
            names
                .skip(shared)
                .for_each(|name| write_string(&mut buffer, name));
            write_number(&mut buffer, unsigned_of(minute));
            for count in [
                calls.calls,
                calls.errors,
                calls.throttles,
                calls.reads,
                calls.writes,
            ] {
                write_number(&mut buffer, count);
            }
            if buffer.len() >= WRITE_BYTES {
                out.write_all(&buffer)?;
                buffer.clear();
            }
        }
        out.write_all(&buffer)
    }

    /// The place of each key among all keys in the order of their names.
    fn places_of_keys(&self) -> Vec<usize> {
        let mut ids: Vec<u32> = (0..self.keys.len() as u32).collect();
        ids.sort_unstable_by(|a, b| self.names_of(*a).cmp(self.names_of(*b)));
        let mut places = vec![0; ids.len()];
        for (place, id) in ids.into_iter().enumerate() {
            places[id as usize] = place;
        }
        places
    }

    /// The names of a key, one for each dimension.
    fn names_of(&self, id: u32) -> impl Iterator<Item = &str> {
        let key = self.keys.get(id as usize).into_iter().flatten();
        key.take(self.dimensions.len())
            .map(|name| self.strings.get(*name))
    }
}

/// Reads rows back.
pub(super) struct UsageRunReader<'r> {
    input: BufReader<Box<dyn Read + 'r>>,
    pub(super) names: Vec<String>,
    /// The first second of the minute.
    pub(super) minute: Seconds,
    pub(super) calls: Calls,
}

impl<'r> UsageRunReader<'r> {
    /// Reads rows with so many names.
    pub(super) fn new(input: Box<dyn Read + 'r>, names: usize) -> Self {
        UsageRunReader {
            input: BufReader::with_capacity(READ_BYTES, input),
            names: vec![String::new(); names],
            minute: 0,
            calls: Calls::default(),
        }
    }

    /// Reads the next row; false if there are no more.
    pub(super) fn advance(&mut self) -> io::Result<bool> {
        let mut head = [0];
        if self.input.read(&mut head)? == 0 {
            return Ok(false);
        }
        let shared = usize::from(head[0]);
        if shared > self.names.len() {
            return Err(damaged());
        }
        for name in self.names.iter_mut().skip(shared) {
            read_string(&mut self.input, name)?;
        }
        let mut number = || read_number(&mut self.input);
        let minute = signed_of(number()?);
        self.minute = minute.checked_mul(MINUTE).ok_or_else(damaged)?;
        self.calls = Calls {
            calls: number()?,
            errors: number()?,
            throttles: number()?,
            reads: number()?,
            writes: number()?,
        };
        Ok(true)
    }

    fn key(&self) -> (&[String], Seconds) {
        (&self.names, self.minute)
    }
}

impl PartialEq for UsageRunReader<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for UsageRunReader<'_> {}

impl PartialOrd for UsageRunReader<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for UsageRunReader<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.key().cmp(&other.key())
    }
}
