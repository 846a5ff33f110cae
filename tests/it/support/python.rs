//! Servers in Python: each is a process of its own, and prints its port when it listens.

use std::ffi::OsStr;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use super::installed;

/// A server; it ends with the test.
pub(crate) struct PythonServer {
    pub(crate) port: u16,
    process: Child,
}

impl PythonServer {
    /// Starts a script of this folder.
    ///
    /// # Panics
    ///
    /// If it is not installed or does not start, so that no test is skipped silently.
    #[track_caller]
    pub(crate) fn start(script: &str, arguments: &[&OsStr]) -> PythonServer {
        let mut process = Command::new(installed("test-venv", "python"))
            .arg(support().join(script))
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut stdout = BufReader::new(process.stdout.take().unwrap());
        stdout.read_line(&mut line).unwrap();
        let port = line.trim().parse();
        PythonServer {
            port: port.unwrap_or_else(|_| panic!("{script} did not start: {line:?}")),
            process,
        }
    }
}

impl Drop for PythonServer {
    fn drop(&mut self) {
        // It ends when its standard input closes; killing it is faster.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// This folder.
pub(crate) fn support() -> PathBuf {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
        .join("tests")
        .join("it")
        .join("support")
}
