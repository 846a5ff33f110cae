//! The program of the Lambda functions, where there is no Lambda. With one: `tests/it/usage_function` of trailtab.

#![allow(clippy::unwrap_used, reason = "an error in a test should stop it")]

use std::process::Command;

#[test]
fn it_says_why_it_does_not_start_outside_lambda() {
    let program = env!("CARGO_BIN_EXE_lambda");
    let output = Command::new(program).env_clear().output().unwrap();
    let printed = [output.stdout, output.stderr].concat();
    let printed = String::from_utf8_lossy(&printed).into_owned();
    assert_eq!(output.status.code(), Some(1), "{printed}");
    assert!(printed.contains("_HANDLER"), "{printed}");
    assert!(!printed.contains("panicked"), "{printed}");
}
