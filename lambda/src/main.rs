//! The Lambda functions' program, the `bootstrap` of their package; see `trailtab::lambda`.

use std::process::ExitCode;

fn main() -> ExitCode {
    trailtab::lambda::main()
}
