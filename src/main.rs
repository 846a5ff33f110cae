//! The command line program; see `trailtab::cli`.

use std::process::ExitCode;

fn main() -> ExitCode {
    trailtab::cli::main()
}
