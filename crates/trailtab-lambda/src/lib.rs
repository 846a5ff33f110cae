//! The Lambda functions: one module per trigger, calling the same jobs as the command line.
//!
//! The package holds one program; the variable `_HANDLER` selects the function.

mod cost;
mod health;
mod log;
mod settings;
mod usage;

use std::env;
use std::process::ExitCode;

use self::settings::SettingError;

/// Runs the function selected by `_HANDLER` until Lambda ends the process.
///
/// Exits immediately with a log line if a setting is invalid.
#[must_use]
pub fn main() -> ExitCode {
    let ended = match env::var("_HANDLER").as_deref() {
        Ok("cost") => cost::main(),
        Ok("usage") => usage::main(),
        name => Err(SettingError::new(
            "_HANDLER",
            name.unwrap_or_default(),
            "the name of a function: usage or cost",
        )
        .into()),
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            log::line(log::LogLevel::Error, &error.to_string(), "", &[]);
            ExitCode::FAILURE
        }
    }
}
