//! All rows of a tally in order, those in memory and those of its runs, each once.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;
use std::io;

use super::Tally;
use super::rows::{CountTable, MAX_NAMES, SymbolRow};
use super::run::RunReader;
use super::stats::SeenStats;

/// Sorted rows, and the place in them.
enum RowSource<'t> {
    Memory(MemoryRows<'t>),
    Stored(RunReader<'t>),
}

/// The rows in memory, of which one table at a time is sorted.
struct MemoryRows<'t> {
    tally: &'t Tally,
    tables: std::slice::Iter<'static, CountTable>,
    table: CountTable,
    rows: Vec<SymbolRow>,
    /// The number of rows of the table until and including the current one.
    passed: usize,
}

impl MemoryRows<'_> {
    fn advance(&mut self) -> bool {
        self.passed += 1;
        while self.passed > self.rows.len() {
            let Some(table) = self.tables.next() else {
                return false;
            };
            self.table = *table;
            self.rows = self.tally.sorted_rows(*table);
            self.passed = 1;
        }
        true
    }

    fn row(&self) -> Option<&SymbolRow> {
        self.rows.get(self.passed.checked_sub(1)?)
    }
}

impl RowSource<'_> {
    /// Goes to the next row; false if there are no more.
    fn advance(&mut self) -> io::Result<bool> {
        match self {
            RowSource::Memory(rows) => Ok(rows.advance()),
            RowSource::Stored(reader) => reader.advance(),
        }
    }

    fn key(&self) -> (CountTable, [&str; MAX_NAMES]) {
        match self {
            RowSource::Memory(rows) => {
                let names = rows.row().map(|(names, _)| rows.tally.strings_of(names));
                (rows.table, names.unwrap_or_default())
            }
            RowSource::Stored(reader) => {
                (reader.table, reader.names.each_ref().map(|name| &**name))
            }
        }
    }

    fn stats(&self) -> SeenStats {
        match self {
            RowSource::Memory(rows) => rows.row().map_or_else(SeenStats::default, |row| row.1),
            RowSource::Stored(reader) => reader.stats,
        }
    }
}

impl PartialEq for RowSource<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for RowSource<'_> {}

impl PartialOrd for RowSource<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for RowSource<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.key().cmp(&other.key())
    }
}

/// A row whose calls are being added up.
struct RowSum {
    table: CountTable,
    names: [String; MAX_NAMES],
    stats: SeenStats,
}

impl RowSum {
    fn key(&self) -> (CountTable, [&str; MAX_NAMES]) {
        (self.table, self.names.each_ref().map(|name| &**name))
    }

    fn begin(&mut self, source: &RowSource<'_>) {
        let (table, names) = source.key();
        self.table = table;
        for (mine, name) in self.names.iter_mut().zip(names) {
            mine.clear();
            mine.push_str(name);
        }
        self.stats = source.stats();
    }
}

impl Tally {
    /// Visits all rows, sorted by table and names; the names that a table does not have are empty.
    ///
    /// # Errors
    ///
    /// Fails if a run cannot be read back.
    pub fn for_each_row(
        &self,
        mut visit: impl FnMut(CountTable, [&str; MAX_NAMES], &SeenStats),
    ) -> io::Result<()> {
        if self.runs.is_empty() {
            for table in CountTable::ALL {
                for (names, stats) in self.sorted_rows(table) {
                    visit(table, self.strings_of(&names), &stats);
                }
            }
            return Ok(());
        }
        let mut sources = BinaryHeap::new();
        let memory = RowSource::Memory(MemoryRows {
            tally: self,
            tables: CountTable::ALL.iter(),
            table: CountTable::Principals,
            rows: Vec::new(),
            passed: 0,
        });
        let stored = self.runs.iter().map(|run| {
            let run = run.open()?;
            Ok(RowSource::Stored(RunReader::new(run)))
        });
        for source in std::iter::once(Ok(memory)).chain(stored) {
            let source: io::Result<RowSource<'_>> = source;
            let mut source = source?;
            if source.advance()? {
                sources.push(Reverse(source));
            }
        }
        let mut sum: Option<RowSum> = None;
        while let Some(mut first) = sources.peek_mut() {
            let source = &mut first.0;
            match &mut sum {
                Some(sum) if sum.key() == source.key() => sum.stats.merge(&source.stats()),
                Some(sum) => {
                    let (table, names) = sum.key();
                    visit(table, names, &sum.stats);
                    sum.begin(source);
                }
                None => {
                    let names = Default::default();
                    let (table, stats) = (CountTable::Principals, SeenStats::default());
                    let sum = sum.insert(RowSum {
                        table,
                        names,
                        stats,
                    });
                    sum.begin(source);
                }
            }
            if !source.advance()? {
                PeekMut::pop(first);
            }
        }
        if let Some(sum) = &sum {
            let (table, names) = sum.key();
            visit(table, names, &sum.stats);
        }
        Ok(())
    }
}
