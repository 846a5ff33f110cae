//! Writing the synthetic organisation's log files, on all cores.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use libdeflater::{CompressionLvl, Compressor};

use trailtab_app::cost_source::accounts::AccountListing;
use trailtab_app::cost_source::saved;
use trailtab_app::deliver::files::{self, WriteError};
use trailtab_app::deliver::temporary::Readers;
use trailtab_app::job::parallel;
use trailtab_core::time;
use trailtab_demo as demo;
use trailtab_demo::DemoFile;
use trailtab_demo::DemoPlan;
use trailtab_demo::DemoTruth;

/// Time of Cost Explorer's answers about the demo's bill.
const BILL_ASKED: &str = "2026-09-21T06:00:00Z";

/// The log files of a demo.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct DemoWritten {
    pub(crate) truth: DemoTruth,
    /// Size of the compressed files.
    pub(crate) bytes: u64,
}

/// Writes the log files of a plan below a folder, in CloudTrail's S3 layout.
///
/// # Errors
///
/// If a file cannot be written, or another file has its name.
pub(crate) fn run(plan: &DemoPlan, folder: &Path) -> Result<DemoWritten, WriteError> {
    let log_files = plan.files();
    let parents: BTreeSet<&Path> = log_files
        .iter()
        .filter_map(|file| Path::new(file.key()).parent())
        .collect();
    for parent in parents {
        files::make_directory(&folder.join(parent), Readers::Umask)?;
    }
    let bytes = AtomicU64::new(0);
    parallel::for_each(&log_files, GzipPress::new, |press, file| {
        let gzip = press.gzip(file);
        bytes.fetch_add(gzip.len() as u64, Ordering::Relaxed);
        files::create_or_keep(&folder.join(file.key()), gzip, Readers::Umask)
    })?;
    Ok(DemoWritten {
        truth: demo::truth(plan),
        bytes: bytes.into_inner(),
    })
}

/// Cost Explorer's answers about the organisation's bill on the morning after the demo's last day, as names and
/// contents of files.
///
/// # Errors
///
/// If an answer cannot be written as JSON; no such answer is known.
pub(crate) fn bill(seed: u64) -> serde_json::Result<Vec<(String, Vec<u8>)>> {
    let morning = time::parse(BILL_ASKED.as_bytes()).unwrap_or_default();
    let answers = demo::bill::answers(seed, morning);
    let mut bill = answers
        .iter()
        .map(saved::save)
        .collect::<Result<Vec<_>, _>>()?;
    let accounts = demo::bill::accounts().map(|(id, name)| AccountListing {
        id: id.to_owned(),
        name: name.to_owned(),
        state: "ACTIVE".to_owned(),
    });
    bill.push(saved::save_accounts(&accounts.collect::<Vec<_>>())?);
    Ok(bill)
}

/// Compresses files one after the other with the same buffers.
struct GzipPress {
    compressor: Compressor,
    json: Vec<u8>,
    gzip: Vec<u8>,
}

impl GzipPress {
    fn new() -> Self {
        GzipPress {
            compressor: Compressor::new(CompressionLvl::default()),
            json: Vec::new(),
            gzip: Vec::new(),
        }
    }

    fn gzip(&mut self, file: &DemoFile) -> &[u8] {
        self.json.clear();
        file.body(&mut self.json);
        let room = self.compressor.gzip_compress_bound(self.json.len());
        self.gzip.resize(room.max(self.gzip.len()), 0);
        // Compression fails only if the buffer is smaller than the bound.
        let len = self
            .compressor
            .gzip_compress(&self.json, &mut self.gzip)
            .unwrap_or_default();
        &self.gzip[..len]
    }
}
