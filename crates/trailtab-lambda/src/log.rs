//! Writes log lines as JSON to standard output, which Lambda sends to the function's log group.

use std::io::{self, Write as _};

use serde_json::{Map, Value};

use trailtab_app::clock;
use trailtab_core::time;

/// Log level, named as in Lambda's own log.
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

/// Writes a log line. JSON escapes any control characters in the message.
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
    // A failure to write the log cannot be reported anywhere.
    let _ = raw(format!("{}\n", Value::Object(members)).as_bytes());
}

/// Writes lines that are already JSON.
///
/// # Errors
///
/// Fails if standard output cannot be written.
pub(super) fn raw(lines: &[u8]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(lines).and_then(|()| out.flush())
}
