//! Rows of results, read back as records.

use std::io::{self, BufRead as _, BufReader, Read};

use serde_json::value::RawValue;
use serde_json::{Map, Value};

use trailtab_core::event::counter::CallCount;
use trailtab_core::event::ingest::EngineRow;
use trailtab_core::event::needs::CallGrain;
use trailtab_core::event::record::EventRecord;
use trailtab_core::time::{self, Seconds, TimeWindow};

use crate::members::CellKind;
use crate::statement::{ResultColumn, RowClass};

/// Why a result cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum RowError {
    /// The bytes cannot be read, or are not a table.
    #[error("cannot read the table: {0}")]
    Table(#[from] csv::Error),
    /// The first line is missing, which Athena writes also where there is no row.
    #[error("the table has no header")]
    NoHeader,
    /// A row is not what the statement returns.
    #[error("row {row} of the result {fault}")]
    Row {
        /// The number of the row, from 1.
        row: u64,
        /// What is wrong with it.
        fault: RowFault,
    },
}

/// What is wrong with a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RowFault {
    /// The statement returns another number of columns.
    #[error("has {found} columns instead of {expected}")]
    Columns {
        /// Number of columns.
        found: usize,
        /// Number of columns that the statement returns.
        expected: usize,
    },
    /// It is not a JSON object.
    #[error("is not a JSON object")]
    Json,
    /// It has other columns.
    #[error("has columns that the statement does not return")]
    Names,
    /// It belongs to no class.
    #[error("stands for nothing that the statement counts")]
    Class,
    /// It has no number of calls.
    #[error("has no number of events")]
    Calls,
    /// Its members are not a record.
    #[error("holds no record")]
    Record,
    /// Its calls are further apart than the statement counts together.
    #[error("has calls of more than one hour or minute")]
    Times,
    /// Its calls are partly inside the window.
    #[error("has calls inside and outside of the window")]
    Window,
}

/// The largest row in bytes. A row of Athena has at most 32 MB ("Service Quotas" in the Athena User Guide).
const MAX_ROW_BYTES: usize = 32 << 20;

/// Maximum number of events that are alike in all members and have no eventID.
const MAX_LIKE_EVENTS: u64 = 10_000_000;

/// A row as written in a result.
#[derive(Debug, Clone, Copy)]
pub struct RawRow<'r> {
    /// The cells, in the order of the statement's columns.
    pub cells: &'r csv::ByteRecord,
    /// The day of delivery, as the partition key writes it; empty if rows are not grouped by it.
    pub day: &'r [u8],
}

/// How rows are read.
#[derive(Debug, Clone, Copy)]
pub struct RowForm<'s> {
    /// The columns of the statement.
    pub columns: &'s [ResultColumn],
    /// How near in time the calls of a row are.
    pub grain: CallGrain,
    /// The window of the run.
    pub window: TimeWindow,
}

/// Reads the result of a statement as Athena writes it: CSV with a header. Calls `found` for each row. Returns their
/// number.
///
/// # Errors
///
/// If the result is not that of the statement.
pub fn read_csv(
    form: RowForm<'_>,
    result: impl Read,
    mut found: impl FnMut(RawRow<'_>, EngineRow<'_, '_>),
) -> Result<u64, RowError> {
    let limited = RowLimit {
        result,
        row_bytes: 0,
    };
    let mut table = csv::ReaderBuilder::new()
        .flexible(true)
        .has_headers(true)
        .from_reader(limited);
    let mut cells = csv::ByteRecord::new();
    let mut reader = RowReader {
        form,
        json: Vec::new(),
    };
    if table.byte_headers()?.is_empty() {
        return Err(RowError::NoHeader);
    }
    let mut row = 0;
    while table.read_byte_record(&mut cells)? {
        row += 1;
        let read = reader.row(&cells, &mut found);
        read.map_err(|fault| RowError::Row { row, fault })?;
    }
    Ok(row)
}

/// Reads rows as UNLOAD writes them: an object of JSON in each line, in which members without a value may be absent.
/// Calls `found` for each row. Returns their number.
///
/// # Errors
///
/// If the lines are not those of the statement.
pub fn read_json_lines(
    form: RowForm<'_>,
    lines: impl Read,
    mut found: impl FnMut(RawRow<'_>, EngineRow<'_, '_>),
) -> Result<u64, RowError> {
    let names: Vec<String> = form.columns.iter().map(ResultColumn::name).collect();
    let mut lines = BufReader::new(RowLimit {
        result: lines,
        row_bytes: 0,
    });
    let mut reader = RowReader {
        form,
        json: Vec::new(),
    };
    let mut line = Vec::new();
    let mut row = 0;
    loop {
        line.clear();
        let read = lines.read_until(b'\n', &mut line);
        if read.map_err(csv::Error::from)? == 0 {
            return Ok(row);
        }
        if line.trim_ascii().is_empty() {
            continue;
        }
        row += 1;
        let read = cells_of(&line, &names).and_then(|cells| reader.row(&cells, &mut found));
        read.map_err(|fault| RowError::Row { row, fault })?;
    }
}

/// The cells of a line, in the order of the names. Names are unique.
fn cells_of(line: &[u8], names: &[String]) -> Result<csv::ByteRecord, RowFault> {
    let mut members: Map<String, Value> =
        serde_json::from_slice(line).map_err(|_| RowFault::Json)?;
    let mut cells = csv::ByteRecord::new();
    for name in names {
        match members.remove(name) {
            None | Some(Value::Null) => cells.push_field(b""),
            Some(Value::String(text)) => cells.push_field(text.as_bytes()),
            Some(other) => cells.push_field(other.to_string().as_bytes()),
        }
    }
    match members.is_empty() {
        true => Ok(cells),
        false => Err(RowFault::Names),
    }
}

struct RowReader<'s> {
    form: RowForm<'s>,
    json: Vec<u8>,
}

impl RowReader<'_> {
    fn row(
        &mut self,
        cells: &csv::ByteRecord,
        found: &mut impl FnMut(RawRow<'_>, EngineRow<'_, '_>),
    ) -> Result<(), RowFault> {
        let RowForm {
            columns,
            grain,
            window,
        } = self.form;
        if cells.len() != columns.len() {
            return Err(RowFault::Columns {
                found: cells.len(),
                expected: columns.len(),
            });
        }
        let cell = |wanted: &ResultColumn| {
            let at = columns.iter().position(|column| column == wanted);
            at.and_then(|at| cells.get(at)).unwrap_or_default()
        };
        let class = RowClass::ALL.into_iter();
        let mut class = class.filter(|class| class.name().as_bytes() == cell(&ResultColumn::Class));
        let class = class.next().ok_or(RowFault::Class)?;
        let calls = str::from_utf8(cell(&ResultColumn::Calls)).ok();
        let calls: u64 = calls
            .and_then(|calls| calls.parse().ok())
            .filter(|calls| *calls > 0)
            .ok_or(RowFault::Calls)?;
        let raw = RawRow {
            cells,
            day: cell(&ResultColumn::Day),
        };
        let mut found = |row: EngineRow<'_, '_>| found(raw, row);
        match class {
            RowClass::Calls => {}
            RowClass::Refused => found(EngineRow::Refused {
                calls: CallCount {
                    count: calls,
                    times: seconds(cell(&ResultColumn::First))
                        .zip(seconds(cell(&ResultColumn::Last))),
                },
            }),
            RowClass::Outside => found(EngineRow::OutsideWindow { calls }),
            RowClass::Duplicate => found(EngineRow::Duplicate { calls }),
            RowClass::Undated => found(EngineRow::Undated { calls }),
            RowClass::Network => found(EngineRow::NetworkActivity { calls }),
            RowClass::Later => found(EngineRow::NotKept { calls }),
        }
        if class != RowClass::Calls {
            return Ok(());
        }
        let first = seconds(cell(&ResultColumn::First));
        let last = seconds(cell(&ResultColumn::Last));
        let times = first.zip(last);
        if let Some((first, last)) = times {
            let period = match grain {
                CallGrain::Hour => 3600,
                CallGrain::Minute => 60,
                CallGrain::Event => 1,
            };
            if first > last || first.div_euclid(period) != last.div_euclid(period) {
                return Err(RowFault::Times);
            }
            match (window.contains(Some(first)), window.contains(Some(last))) {
                (true, true) => {}
                (false, false) => {
                    found(EngineRow::OutsideWindow { calls });
                    return Ok(());
                }
                _ => return Err(RowFault::Window),
            }
        } else if !window.contains(None) {
            found(EngineRow::Undated { calls });
            return Ok(());
        }
        self.write_record(cells, times.map(|(first, _)| first));
        let record = EventRecord::of(&self.json).ok_or(RowFault::Record)?;
        if !record.is_event() {
            found(EngineRow::Unreadable { calls });
            return Ok(());
        }
        if grain != CallGrain::Event {
            let count = calls;
            let calls = CallCount { count, times };
            found(EngineRow::Calls {
                record: &record,
                calls,
            });
            return Ok(());
        }
        // Records without an eventID may be alike in everything, and each is an event.
        if calls > MAX_LIKE_EVENTS {
            return Err(RowFault::Calls);
        }
        for _ in 0..calls {
            let calls = CallCount { count: 1, times };
            found(EngineRow::Calls {
                record: &record,
                calls,
            });
        }
        Ok(())
    }

    /// Writes the members of a row as a record. The members of an object follow each other in a statement.
    fn write_record(&mut self, cells: &csv::ByteRecord, first: Option<Seconds>) {
        self.json.clear();
        self.json.push(b'{');
        if let Some(first) = first {
            self.json.extend_from_slice(b"\"eventTime\":\"");
            self.json.extend_from_slice(time::iso(first).as_bytes());
            self.json.push(b'"');
        }
        // The objects that are open.
        let mut open: Vec<&str> = Vec::new();
        for (column, cell) in self.form.columns.iter().zip(cells) {
            let ResultColumn::Member(member) = column else {
                continue;
            };
            if cell.is_empty() {
                continue;
            }
            let Some((name, parents)) = member.path.split_last() else {
                continue;
            };
            let shared = open
                .iter()
                .zip(parents)
                .take_while(|(a, b)| *a == b)
                .count();
            for _ in shared..open.len() {
                self.json.push(b'}');
            }
            open.truncate(shared);
            self.separate();
            for parent in &parents[shared..] {
                write_text(parent, &mut self.json);
                self.json.extend_from_slice(b":{");
                open.push(parent);
            }
            write_text(name, &mut self.json);
            self.json.push(b':');
            let text = String::from_utf8_lossy(cell);
            match member.kind {
                CellKind::Json if is_json(&text) => self.json.extend_from_slice(text.as_bytes()),
                CellKind::Json | CellKind::Text => write_text(&text, &mut self.json),
            }
        }
        let ends = std::iter::repeat_n(b'}', open.len() + 1);
        self.json.extend(ends);
    }

    fn separate(&mut self) {
        if self.json.last() != Some(&b'{') {
            self.json.push(b',');
        }
    }
}

fn write_text(text: &str, json: &mut Vec<u8>) {
    // Writing a string to memory cannot fail.
    let _ = serde_json::to_writer(json, text);
}

/// Returns whether a text is an object or a list in JSON.
fn is_json(text: &str) -> bool {
    text.trim_start().starts_with(['{', '[']) && serde_json::from_str::<&RawValue>(text).is_ok()
}

/// A time as a statement returns it: as text, or in milliseconds since 1970.
fn seconds(cell: &[u8]) -> Option<Seconds> {
    let number = str::from_utf8(cell)
        .ok()
        .and_then(|text| text.parse::<i64>().ok());
    match number {
        Some(milliseconds) => Some(milliseconds.div_euclid(1000)),
        None => time::parse(cell),
    }
}

/// Limits the memory that a row without an end takes.
struct RowLimit<R> {
    result: R,
    row_bytes: usize,
}

impl<R: Read> Read for RowLimit<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.result.read(buffer)?;
        let new = buffer.get(..read).unwrap_or_default();
        match new.iter().rposition(|byte| *byte == b'\n') {
            Some(at) => self.row_bytes = read - at,
            None => self.row_bytes += read,
        }
        match self.row_bytes > MAX_ROW_BYTES {
            true => Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "a row has no end",
            )),
            false => Ok(read),
        }
    }
}
