//! The program of the Lambda functions, `bootstrap` in their package. See the library
//! `trailtab_lambda`.

use std::process::ExitCode;

fn main() -> ExitCode {
    trailtab_lambda::main()
}
