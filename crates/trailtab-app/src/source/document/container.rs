//! Archives of several documents: tar and zip. Each of their files is read like a document. A problem of
//! a file is reported as a problem of the archive.

use std::cell::Cell;
use std::io::{self, Read};
use std::path::Path;

use super::outcome::{ReadTrouble, ending, read_failure};
use super::sink::CountingSink;
use super::{DocumentReader, MAX_WHOLE_BYTES};
use crate::source::decode::LimitedReader;
use trailtab_core::coverage::Severity;
use trailtab_core::event::envelope::RecordSink;

/// Files in an archive; more are refused.
const MAX_MEMBERS: usize = 1 << 20;

/// A tar archive ends in blocks of this many zeros.
const TAR_BLOCK: usize = 512;

impl DocumentReader {
    pub(super) fn read_tar<S: RecordSink>(
        &mut self,
        archive: impl Read,
        place: LayerPlace<'_>,
        stored: &Cell<u64>,
        sink: &mut CountingSink<'_, S>,
    ) -> Option<ReadTrouble> {
        let mut troubles = MemberTroubles::default();
        let mut archive = tar::Archive::new(TailWatch {
            inner: archive,
            zeros: 0,
        });
        let entries = match archive.entries() {
            Ok(entries) => entries,
            Err(error) => return Some(read_failure(&error)),
        };
        for (number, entry) in entries.enumerate() {
            let mut entry = match entry {
                Ok(entry) if number < MAX_MEMBERS => entry,
                Ok(_) => {
                    troubles.add(
                        "",
                        ReadTrouble::failed(format!("more than {MAX_MEMBERS} files")),
                    );
                    break;
                }
                Err(error) => {
                    troubles.add("", read_failure(&error));
                    break;
                }
            };
            if entry.header().entry_type().is_file() {
                let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
                self.read_member(&name, &mut entry, place, stored, sink, &mut troubles);
            }
        }
        let mut archive = archive.into_inner();
        // The seal is of all bytes.
        match io::copy(&mut archive, &mut io::sink()) {
            Ok(_) if archive.zeros < TAR_BLOCK => {
                let reason = "the tar archive is cut off: it has no end".to_owned();
                troubles.add("", ReadTrouble::failed(reason));
            }
            Ok(_) => {}
            Err(error) => troubles.add("", read_failure(&error)),
        }
        troubles.into_trouble()
    }

    /// Reads a zip archive from a stream: its directory stands at its end.
    pub(super) fn read_zip_stream<S: RecordSink>(
        &mut self,
        archive: impl Read,
        place: LayerPlace<'_>,
        stored: &Cell<u64>,
        sink: &mut CountingSink<'_, S>,
    ) -> Option<ReadTrouble> {
        let mut bytes = Vec::new();
        if let Err(error) = archive.take(MAX_WHOLE_BYTES + 1).read_to_end(&mut bytes) {
            return Some(read_failure(&error));
        }
        if bytes.len() as u64 > MAX_WHOLE_BYTES {
            let size = MAX_WHOLE_BYTES >> 20;
            let reason =
                format!("is a zip archive of more than {size} MiB in a stream: unpack it first");
            return Some(ReadTrouble::failed(reason));
        }
        self.read_zip(io::Cursor::new(bytes), place, stored, sink)
    }

    pub(super) fn read_zip<S: RecordSink>(
        &mut self,
        archive: impl Read + io::Seek,
        place: LayerPlace<'_>,
        stored: &Cell<u64>,
        sink: &mut CountingSink<'_, S>,
    ) -> Option<ReadTrouble> {
        let mut archive = match zip::ZipArchive::new(archive) {
            Ok(archive) => archive,
            Err(error) => {
                return Some(ReadTrouble::failed(format!(
                    "is a zip archive that cannot be read: {error}"
                )));
            }
        };
        let mut troubles = MemberTroubles::default();
        if archive.len() > MAX_MEMBERS {
            return Some(ReadTrouble::failed(format!(
                "is a zip archive of more than {MAX_MEMBERS} files"
            )));
        }
        // Each member may be a bomb, and so may all of them together.
        let mut inflated = 0;
        for number in 0..archive.len() {
            let entry = match archive.by_index(number) {
                Ok(entry) => entry,
                Err(error) => {
                    let reason = format!("cannot be unpacked: {error}");
                    troubles.add(&format!("file {}", number + 1), ReadTrouble::failed(reason));
                    continue;
                }
            };
            if entry.is_dir() {
                continue;
            }
            let name = String::from_utf8_lossy(entry.name_raw()).into_owned();
            let mut entry = LimitedReader {
                inner: entry,
                stored,
                inflated,
            };
            self.read_member(&name, &mut entry, place, stored, sink, &mut troubles);
            inflated = entry.inflated;
        }
        troubles.into_trouble()
    }

    /// Reads one file of an archive. The archive is the document: what is wrong with its files is what
    /// is wrong with it.
    fn read_member<S: RecordSink>(
        &mut self,
        name: &str,
        bytes: &mut dyn Read,
        place: LayerPlace<'_>,
        stored: &Cell<u64>,
        sink: &mut CountingSink<'_, S>,
        troubles: &mut MemberTroubles,
    ) {
        let before = sink.facts;
        let trouble = self.read_layer(bytes, place.deeper(), stored, sink);
        let trouble = trouble.or_else(|| sink.trouble(before));
        let (_, trouble) = ending(
            &|| name.to_owned(),
            false,
            trouble,
            sink.facts.since(before),
        );
        if let Some(trouble) = trouble {
            troubles.add(name, trouble);
        }
    }
}

/// Counts the zeros that the bytes read so far end in.
pub(super) struct TailWatch<R> {
    pub(super) inner: R,
    pub(super) zeros: usize,
}

impl<R: Read> Read for TailWatch<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buf)?;
        let zeros = buf[..read].iter().rev().take_while(|b| **b == 0).count();
        self.zeros = match zeros == read {
            true => self.zeros.saturating_add(zeros),
            false => zeros,
        };
        Ok(read)
    }
}

/// Where a layer is.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct LayerPlace<'p> {
    /// Number of layers and archives around it.
    pub(super) depth: usize,
    /// The file, if the layer is the whole of it.
    pub(super) file: Option<&'p Path>,
}

impl LayerPlace<'_> {
    pub(super) fn deeper(self) -> LayerPlace<'static> {
        LayerPlace {
            depth: self.depth + 1,
            file: None,
        }
    }
}

/// What is wrong with the files of an archive: the first of them is named.
#[derive(Default)]
struct MemberTroubles {
    first: Option<String>,
    others: u64,
}

impl MemberTroubles {
    fn add(&mut self, name: &str, trouble: ReadTrouble) {
        let (_, reason) = trouble.severity_and_reason();
        match &self.first {
            Some(_) => self.others += 1,
            None => self.first = Some(format!("{name} {reason}").trim_start().to_owned()),
        }
    }

    fn into_trouble(self) -> Option<ReadTrouble> {
        let first = self.first?;
        let reason = match self.others {
            0 => format!("inside it: {first}"),
            n => format!("inside it: {first}; and {n} more"),
        };
        Some(ReadTrouble::Of(Severity::Partial, reason))
    }
}
