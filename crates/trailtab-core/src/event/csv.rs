//! CSV files that contain events: the download of the console's Event history, and results of
//! Athena and CloudTrail Lake.
//!
//! Columns are recognised by name, ignoring case and spaces.

use std::io::{self, Read};

use crate::event::envelope::{Fault, Kind, Sink};
use crate::event::record::Record;
use crate::event::scan::Text;

/// Maximum size of a row in bytes; a larger row is not an event.
const MAX_ROW: usize = 16 << 20;

/// Tells whether the first line of a document is a header of events.
pub fn is_csv(head: &[u8]) -> bool {
    let line = head.split(|&b| b == b'\n').next().unwrap_or_default();
    let columns: Vec<String> = line.split(|&b| b == b',').map(normal).collect();
    let has = |name: &str| columns.iter().any(|column| column == name);
    has("eventname") && (has("eventsource") || has("eventtime") || has("eventid"))
}

fn normal(column: &[u8]) -> String {
    let letters = column.iter().filter(|b| b.is_ascii_alphanumeric());
    letters
        .map(|b| char::from(b.to_ascii_lowercase()))
        .collect()
}

/// Passes each row to the sink as a record.
///
/// # Errors
///
/// Returns the reader's errors, and fails if a row is too long or does not match the header.
pub fn read(document: impl Read, sink: &mut impl Sink) -> io::Result<()> {
    let rows = RowLimit { document, row: 0 };
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(rows);
    let columns: Vec<String> = reader.byte_headers()?.iter().map(normal).collect();
    let mut row = csv::ByteRecord::new();
    while reader.read_byte_record(&mut row)? {
        if row.len() != columns.len() {
            sink.unreadable(Fault::Broken);
            continue;
        }
        hand_on(&columns, &row, sink);
    }
    Ok(())
}

fn hand_on(columns: &[String], row: &csv::ByteRecord, sink: &mut impl Sink) {
    let cell = |names: &[&str]| {
        let at = columns
            .iter()
            .position(|column| names.contains(&column.as_str()))?;
        row.get(at)
            .filter(|cell| !cell.is_empty() && *cell != b"-" && *cell != b"null")
    };
    let text = |names: &[&str]| cell(names).map(Text::plain);
    let identity = cell(&["useridentity"]).filter(|cell| cell.starts_with(b"{\""));
    let names = if identity.is_none() {
        identity_of(cell)
    } else {
        String::new()
    };
    let record = Record {
        event_version: text(&["eventversion"]),
        event_id: text(&["eventid"]),
        event_time: text(&["eventtime"]),
        event_source: text(&["eventsource"]),
        event_name: text(&["eventname"]),
        event_type: text(&["eventtype"]),
        event_category: text(&["eventcategory"]),
        aws_region: text(&["awsregion", "region"]),
        source_ip_address: text(&["sourceipaddress", "sourceip"]),
        user_agent: text(&["useragent"]),
        error_code: text(&["errorcode"]),
        error_message: text(&["errormessage"]),
        read_only: cell(&["readonly"]).map(|cell| cell.eq_ignore_ascii_case(b"true")),
        recipient_account_id: text(&["recipientaccountid", "recipientaccount"]),
        user_identity: identity.unwrap_or(names.as_bytes()),
        ..Record::default()
    };
    if record.is_event() {
        sink.events(&[record]);
    } else if record.event_name.is_some() {
        sink.unreadable(Fault::Broken);
    } else {
        sink.other(Kind::Foreign);
    }
}

/// Builds an identity from the columns that contain its parts. The console's file contains only the
/// user name.
fn identity_of<'c>(cell: impl Fn(&[&str]) -> Option<&'c [u8]>) -> String {
    let parts = [
        ("type", &["useridentitytype", "type"][..]),
        ("arn", &["useridentityarn", "arn"]),
        ("accountId", &["useridentityaccountid", "accountid"]),
        ("principalId", &["useridentityprincipalid", "principalid"]),
        ("invokedBy", &["useridentityinvokedby", "invokedby"]),
        ("userName", &["useridentityusername", "username"]),
    ];
    let members = parts.iter().filter_map(|(name, columns)| {
        let value = String::from_utf8_lossy(cell(columns)?).into_owned();
        Some(((*name).to_owned(), serde_json::Value::String(value)))
    });
    serde_json::Value::Object(members.collect()).to_string()
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
