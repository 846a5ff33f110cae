//! Tables of text that contain events, separated by commas, semicolons or tabs: the download of the
//! console's Event history, results of Athena, CloudTrail Lake and Logs Insights, and what log
//! collectors export.
//!
//! A cell that holds the JSON of a record is the record. Otherwise the columns are recognised by
//! name, ignoring case, spaces and underscores.

use std::io::{self, Read};

use serde_json::Value;

use crate::event::envelope::{self, ContentKind, RecordFault, RecordSink, SearchResult};
use crate::event::spelling::{self, NamedCells};

/// Maximum size of a row in bytes; a larger row is not an event.
const MAX_ROW: usize = 16 << 20;

/// Maximum length in bytes of the name of a column.
const MAX_NAME: usize = 64;

/// How the cells of a table are separated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CsvForm {
    delimiter: u8,
    /// Whether a line before the header names the delimiter, as Excel writes it: `sep=;`.
    is_announced: bool,
}

/// Recognises a table that contains events by its header and its first rows; `head` is what the
/// document begins with.
pub fn form_of(head: &[u8]) -> Option<CsvForm> {
    let head = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
    let (first, after) = split_line(head);
    let is_announced = first.len() == 5 && first.to_ascii_lowercase().starts_with(b"sep=");
    let (header, rows) = match is_announced {
        true => split_line(after),
        false => (first, after),
    };
    let columns = |delimiter: u8| header.split(move |b| *b == delimiter).map(spelling::fold);
    let is_table = |delimiter: &u8| {
        let has =
            |names: &[&str]| columns(*delimiter).any(|column| names.contains(&column.as_str()));
        let is_record = |column: String| envelope::is_record_column(&column);
        has(&["eventname"]) && has(&["eventsource", "eventtime", "eventid", "awseventid"])
            || envelope::may_hold_records(rows)
                && !header.contains(&b'{')
                && (columns(*delimiter).any(is_record) || holds_objects(header, *delimiter, rows))
    };
    let delimiter = [b',', b';', b'\t']
        .into_iter()
        .filter(is_table)
        .max_by_key(|delimiter| columns(*delimiter).count())?;
    Some(CsvForm {
        delimiter,
        is_announced,
    })
}

fn split_line(text: &[u8]) -> (&[u8], &[u8]) {
    let end = memchr::memchr(b'\n', text).unwrap_or(text.len());
    let line = &text[..end];
    let rest = text.get(end + 1..).unwrap_or_default();
    (line.strip_suffix(b"\r").unwrap_or(line), rest)
}

/// Returns whether the rows below a header hold objects of JSON, quoted as in a table.
fn holds_objects(header: &[u8], delimiter: u8, rows: &[u8]) -> bool {
    let mut columns = header.split(|b| *b == delimiter);
    columns.clone().count() > 1
        && columns.all(|column| column.len() <= MAX_NAME)
        && memchr::memmem::find(rows, b"\"{\"\"").is_some()
}

/// Passes each row to the sink as a record.
///
/// # Errors
///
/// Returns the reader's errors, and fails if a row is too long.
pub fn read(form: CsvForm, mut document: impl Read, sink: &mut impl RecordSink) -> io::Result<()> {
    if form.is_announced {
        skip_line(&mut document)?;
    }
    let rows = RowLimit { document, row: 0 };
    let mut reader = csv::ReaderBuilder::new()
        .flexible(true)
        .delimiter(form.delimiter)
        .from_reader(rows);
    let names = reader.byte_headers()?.iter();
    let names: Vec<String> = names
        .map(|name| {
            String::from_utf8_lossy(name)
                .trim_start_matches('\u{feff}')
                .to_owned()
        })
        .collect();
    let mut row = csv::ByteRecord::new();
    while reader.read_byte_record(&mut row)? {
        if row.len() != names.len() {
            sink.unreadable(RecordFault::Broken);
            continue;
        }
        let mut cells = NamedCells::new();
        for (name, cell) in names.iter().zip(&row) {
            let cell = String::from_utf8_lossy(cell).into_owned();
            cells.entry(name.as_str()).or_insert(Value::String(cell));
        }
        match envelope::read_row(&cells, sink) {
            SearchResult::Found => {}
            SearchResult::Suspect(_) => sink.unreadable(RecordFault::Broken),
            SearchResult::Nothing if has_event_name(&cells) => sink.unreadable(RecordFault::Broken),
            SearchResult::Nothing => sink.other(ContentKind::Foreign),
        }
    }
    Ok(())
}

fn skip_line(document: &mut impl Read) -> io::Result<()> {
    let mut byte = [0];
    while document.read(&mut byte)? == 1 && byte[0] != b'\n' {}
    Ok(())
}

fn has_event_name(cells: &NamedCells) -> bool {
    let mut cells = cells.iter();
    let is_filled = |value: &Value| value.as_str().is_some_and(|text| !matches!(text, "" | "-"));
    cells.any(|(name, value)| spelling::fold(name.as_bytes()) == "eventname" && is_filled(value))
}

/// Limits the memory that an endless row can take.
struct RowLimit<R> {
    document: R,
    row: usize,
}

impl<R: Read> Read for RowLimit<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let read = self.document.read(buf)?;
        match buf.get(..read).and_then(|new| memchr::memrchr(b'\n', new)) {
            Some(at) => self.row = read - at,
            None => self.row += read,
        }
        if self.row > MAX_ROW {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "a row has no end",
            ));
        }
        Ok(read)
    }
}
