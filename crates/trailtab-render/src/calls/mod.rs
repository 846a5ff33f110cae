//! Writes calls: as a timeline for people, and as JSON, JSON lines, CSV and records for programs. Each writer
//! takes one call after the other, so that no list has to fit into memory.

mod chains;
mod timeline;

use std::io::{self, Write};

use serde_json::Value;

pub use chains::{chains, chains_json};
pub use timeline::Timeline;

use super::{escape, json, reading};
use trailtab_core::calls::{CallColumn, CallDetail, CallsProvenance};
use trailtab_core::event::record::EventRecord;

/// The explanation why no event matched; empty if one did.
pub fn no_match(basis: &CallsProvenance) -> String {
    reading::no_match(basis.no_match.as_ref(), &basis.coverage)
}

/// Writes calls to an output, one by one.
pub trait CallWriter {
    /// Writes one call. Those of a timeline come in order of time.
    ///
    /// # Errors
    ///
    /// If the output fails.
    fn call(&mut self, record: &EventRecord<'_>, out: &mut dyn Write) -> io::Result<()>;

    /// Writes what comes after the last call.
    ///
    /// # Errors
    ///
    /// If the output fails.
    fn finish(&mut self, basis: &CallsProvenance, out: &mut dyn Write) -> io::Result<()>;
}

/// Writes one JSON object with the calls in `events` and their provenance in `_metadata`.
#[derive(Debug, Default)]
pub struct JsonCalls {
    /// The columns of each call; all fields if there are none.
    pub columns: Vec<CallColumn>,
    has_call: bool,
}

/// Writes one JSON object for each call, on a line of its own.
#[derive(Debug, Default)]
pub struct JsonLines {
    /// The columns of each call; all fields if there are none.
    pub columns: Vec<CallColumn>,
}

/// Writes a table with a title line.
#[derive(Debug)]
pub struct CsvCalls {
    columns: Vec<CallColumn>,
    has_titles: bool,
}

/// Writes the records as a log file of CloudTrail: `{"Records":[…]}`.
#[derive(Debug, Default)]
pub struct RawCalls {
    has_call: bool,
}

impl JsonCalls {
    /// Creates a writer of these columns; of all fields if there are none.
    pub fn new(columns: Vec<CallColumn>) -> JsonCalls {
        JsonCalls {
            columns,
            has_call: false,
        }
    }
}

impl CsvCalls {
    /// Creates a writer of these columns; of the default ones if there are none.
    pub fn new(columns: Vec<CallColumn>) -> CsvCalls {
        let columns = match columns.is_empty() {
            true => CallColumn::defaults(),
            false => columns,
        };
        CsvCalls {
            columns,
            has_titles: false,
        }
    }
}

/// The call as JSON without line breaks, in ASCII.
fn object(columns: &[CallColumn], record: &EventRecord<'_>) -> io::Result<Vec<u8>> {
    let call = CallDetail::of(record);
    if columns.is_empty() {
        return Ok(json::ascii_line(&call)?);
    }
    let cells = columns.iter().map(|column| {
        let text = column.text(&call, record);
        (column.name.clone(), Value::String(text))
    });
    Ok(json::ascii_line(&Value::Object(cells.collect()))?)
}

impl CallWriter for JsonCalls {
    fn call(&mut self, record: &EventRecord<'_>, out: &mut dyn Write) -> io::Result<()> {
        let between: &[u8] = match self.has_call {
            true => b",\n    ",
            false => b"{\n  \"events\": [\n    ",
        };
        self.has_call = true;
        out.write_all(between)?;
        out.write_all(&object(&self.columns, record)?)
    }

    fn finish(&mut self, basis: &CallsProvenance, out: &mut dyn Write) -> io::Result<()> {
        let end: &[u8] = match self.has_call {
            true => b"\n  ],\n  \"_metadata\": ",
            false => b"{\n  \"events\": [],\n  \"_metadata\": ",
        };
        out.write_all(end)?;
        let metadata = json::ascii(basis)?;
        let metadata = String::from_utf8_lossy(metadata.trim_ascii_end()).replace('\n', "\n  ");
        out.write_all(metadata.as_bytes())?;
        out.write_all(b"\n}\n")
    }
}

impl CallWriter for JsonLines {
    fn call(&mut self, record: &EventRecord<'_>, out: &mut dyn Write) -> io::Result<()> {
        out.write_all(&object(&self.columns, record)?)?;
        out.write_all(b"\n")
    }

    fn finish(&mut self, _: &CallsProvenance, _: &mut dyn Write) -> io::Result<()> {
        Ok(())
    }
}

impl CsvCalls {
    fn titles(&mut self, out: &mut dyn Write) -> io::Result<()> {
        if std::mem::replace(&mut self.has_titles, true) {
            return Ok(());
        }
        let names = self.columns.iter().map(|column| column.name.as_str());
        write_row(names.map(str::to_owned), out)
    }
}

impl CallWriter for CsvCalls {
    fn call(&mut self, record: &EventRecord<'_>, out: &mut dyn Write) -> io::Result<()> {
        self.titles(out)?;
        let call = CallDetail::of(record);
        let cells = self.columns.iter().map(|column| column.text(&call, record));
        write_row(cells, out)
    }

    fn finish(&mut self, _: &CallsProvenance, out: &mut dyn Write) -> io::Result<()> {
        self.titles(out)
    }
}

fn write_row(cells: impl Iterator<Item = String>, out: &mut dyn Write) -> io::Result<()> {
    let mut row = csv::Writer::from_writer(Vec::new());
    for text in cells {
        row.write_field(escape::cell(&text).as_bytes())?;
    }
    row.write_record(None::<&[u8]>)?;
    let row = row.into_inner().map_err(csv::IntoInnerError::into_error)?;
    out.write_all(&row)
}

impl CallWriter for RawCalls {
    fn call(&mut self, record: &EventRecord<'_>, out: &mut dyn Write) -> io::Result<()> {
        let between: &[u8] = match self.has_call {
            true => b",\n",
            false => b"{\"Records\":[\n",
        };
        self.has_call = true;
        out.write_all(between)?;
        out.write_all(record.raw)
    }

    fn finish(&mut self, _: &CallsProvenance, out: &mut dyn Write) -> io::Result<()> {
        let end: &[u8] = match self.has_call {
            true => b"\n]}\n",
            false => b"{\"Records\":[]}\n",
        };
        out.write_all(end)
    }
}

#[cfg(test)]
mod tests;
