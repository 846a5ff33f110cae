//! The Lambda functions' program, the `bootstrap` of their package; see `the library `trailtab_lambda``.

use std::process::ExitCode;

fn main() -> ExitCode {
    trailtab_lambda::main()
}
