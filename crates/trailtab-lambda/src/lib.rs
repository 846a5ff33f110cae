//! The Lambda functions: one file for each trigger, calling the same jobs as the command line.
//!
//! The package holds one program, and `_HANDLER` says which function it is to be.

mod cost;
mod health;
mod log;
mod settings;
mod usage;

use std::env;
use std::process::ExitCode;

use self::settings::UsageSettingsError;

/// Runs the function that `_HANDLER` names until Lambda ends the process.
///
/// A setting that makes no sense ends it at once, with a line in the log that says which.
#[must_use]
pub fn main() -> ExitCode {
    let ended = match env::var("_HANDLER").as_deref() {
        Ok("cost") => cost::main(),
        Ok("usage") => usage::main(),
        name => Err(UsageSettingsError::new(
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
