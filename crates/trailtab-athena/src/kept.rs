//! Counted rows of one day of delivery, as they are kept beside the results of queries.
//!
//! A file is a line of JSON, and the rows of a result as CSV; gzip over both. Rows are kept as the statement returned
//! them, without what the window of a run leaves out, so that runs with other windows and filters use them, too.

use std::io::{self, BufRead as _, BufReader, Read, Write as _};

use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use trailtab_core::event::ingest::EngineRow;

use crate::row::{self, RawRow, RowError, RowForm};
use crate::statement::{RULES_VERSION, ResultColumn};

/// The longest first line in bytes.
const MAX_HEAD_BYTES: u64 = 4096;

/// What the rows of a day were counted from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptDay {
    /// The version of the rules that counted them: see [`RULES_VERSION`].
    pub rules: u32,
    /// The day of delivery.
    pub day: Date,
    /// Number of objects under the day when it was counted.
    pub objects: u64,
    /// Their size in bytes.
    pub bytes: u64,
    /// The fingerprint of the objects: of their names, sizes and versions.
    pub fingerprint: String,
    /// Number of rows.
    pub rows: u64,
}

/// Why kept rows are not used.
#[derive(Debug, thiserror::Error)]
pub enum KeptError {
    /// The file cannot be read.
    #[error("cannot be read: {0}")]
    Read(#[from] io::Error),
    /// The first line is not that of a file of kept rows.
    #[error("has no head of kept rows")]
    Head,
    /// The rows were counted from other objects, or by other rules.
    #[error("was counted from other objects, or by an earlier version")]
    Stale,
    /// The rows are not those of the statement, or the window cuts them.
    #[error(transparent)]
    Rows(#[from] RowError),
    /// Rows are missing.
    #[error("holds {found} rows instead of {expected}")]
    Cut {
        /// Number of rows in the file.
        found: u64,
        /// Number of rows that were kept.
        expected: u64,
    },
}

/// Collects the rows of one day.
#[derive(Debug)]
pub struct KeptRows {
    csv: csv::Writer<GzEncoder<Vec<u8>>>,
    rows: u64,
}

impl KeptRows {
    /// No rows yet. `columns` is the number of columns.
    ///
    /// # Errors
    ///
    /// Never in practice: the rows are in memory.
    pub fn new(columns: usize) -> io::Result<KeptRows> {
        let encoder = GzEncoder::new(Vec::new(), Compression::default());
        let mut csv = csv::Writer::from_writer(encoder);
        csv.write_record(std::iter::repeat_n("c", columns))?;
        Ok(KeptRows { csv, rows: 0 })
    }

    /// Adds a row of a result.
    ///
    /// # Errors
    ///
    /// Never in practice: the rows are in memory.
    pub fn add(&mut self, row: RawRow<'_>) -> io::Result<()> {
        self.rows += 1;
        Ok(self.csv.write_byte_record(row.cells)?)
    }

    /// The compressed size so far, in bytes.
    pub fn compressed_bytes(&self) -> usize {
        self.csv.get_ref().get_ref().len()
    }

    /// The bytes of the file. `counted_from` describes what was counted; the number of rows is filled in.
    ///
    /// # Errors
    ///
    /// Never in practice: the rows are in memory.
    pub fn finish(self, counted_from: KeptDay) -> io::Result<Vec<u8>> {
        let encoder = self
            .csv
            .into_inner()
            .map_err(csv::IntoInnerError::into_error)?;
        let rows = encoder.finish()?;
        let head = KeptDay {
            rules: RULES_VERSION,
            rows: self.rows,
            ..counted_from
        };
        // A file of gzip may have several parts: the head is the first.
        let mut file = GzEncoder::new(Vec::new(), Compression::default());
        serde_json::to_writer(&mut file, &head)?;
        file.write_all(b"\n")?;
        let mut file = file.finish()?;
        file.extend_from_slice(&rows);
        Ok(file)
    }
}

/// Reads the rows of a day if they were counted from the same objects as `expected` tells; its number of rows is not
/// compared.
///
/// # Errors
///
/// If the rows cannot be used. Rows may have been given out before.
pub fn read(
    file: &[u8],
    expected: &KeptDay,
    form: RowForm<'_>,
    found: impl FnMut(RawRow<'_>, EngineRow<'_, '_>),
) -> Result<(), KeptError> {
    let mut plain = BufReader::new(MultiGzDecoder::new(file));
    let mut head = Vec::new();
    plain
        .by_ref()
        .take(MAX_HEAD_BYTES)
        .read_until(b'\n', &mut head)?;
    let head: KeptDay = serde_json::from_slice(&head).map_err(|_| KeptError::Head)?;
    let same = KeptDay {
        rules: RULES_VERSION,
        rows: head.rows,
        ..expected.clone()
    };
    if head != same {
        return Err(KeptError::Stale);
    }
    let rows = row::read_csv(form, plain, found)?;
    match rows == head.rows {
        true => Ok(()),
        false => Err(KeptError::Cut {
            found: rows,
            expected: head.rows,
        }),
    }
}

/// What the columns of kept rows mean, as text: rows are used only by statements with the same columns.
pub fn describe_columns(columns: &[ResultColumn]) -> String {
    let names = columns.iter().map(ResultColumn::name);
    names.collect::<Vec<_>>().join("\n")
}
