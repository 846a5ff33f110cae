//! The command line program; see the library `trailtab`.

use std::process::ExitCode;

fn main() -> ExitCode {
    trailtab::main()
}
