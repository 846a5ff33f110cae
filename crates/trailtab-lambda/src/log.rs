//! What a function says: lines of JSON on standard output, which Lambda puts into its log group.

use std::io::{self, Write as _};

use serde_json::{Map, Value};

use trailtab_app::clock;
use trailtab_core::time;

/// How much a line matters, in the words of Lambda's own log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LogLevel {
    Info,
    Warn,
    Error,
}

impl LogLevel {
    fn name(self) -> &'static str {
        match self {
            LogLevel::Info => "INFO",
            LogLevel::Warn => "WARN",
            LogLevel::Error => "ERROR",
        }
    }
}

/// Writes a line of the log. JSON escapes whatever a message may hold.
pub(super) fn line(level: LogLevel, message: &str, request: &str, more: &[(&str, Value)]) {
    let mut members = Map::new();
    members.insert("timestamp".to_owned(), time::iso(clock::now()).into());
    members.insert("level".to_owned(), level.name().into());
    members.insert("message".to_owned(), message.into());
    if !request.is_empty() {
        members.insert("requestId".to_owned(), request.into());
    }
    for (name, value) in more {
        members.insert((*name).to_owned(), value.clone());
    }
    // If the log is gone, there is nobody to be told.
    let _ = raw(format!("{}\n", Value::Object(members)).as_bytes());
}

/// Writes lines that are JSON already.
///
/// # Errors
///
/// If the log does not take them.
pub(super) fn raw(lines: &[u8]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(lines).and_then(|()| out.flush())
}
