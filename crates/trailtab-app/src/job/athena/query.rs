//! The query of a run, and its result: rows of a SELECT, or files of an UNLOAD.

use std::io::{self, Read};

use flate2::read::MultiGzDecoder;

use super::store::{QueryNote, ResultStore, note_name};
use super::{OpenedTable, TableError};
use crate::aws::{self, QueryId, QueryState, QueryStatus};
use crate::job::read::ReadRequest;
use crate::source::athena::{self, FinishedQuery, QueryError, QueryOrder, ResultObject};
use crate::source::progress::ReadProgress;
use trailtab_athena::row::{self, RawRow, RowError, RowForm};
use trailtab_athena::statement::Statement;
use trailtab_core::event::ingest::EngineRow;

/// A statement over known objects.
pub(super) struct TableQuery<'q> {
    pub(super) opened: &'q OpenedTable,
    pub(super) store: &'q ResultStore,
    pub(super) statement: &'q Statement,
    /// The folder for results.
    pub(super) location: &'q str,
    /// What tells the objects from others.
    pub(super) fingerprint: String,
    /// Whether rows are written to files by many writers.
    pub(super) unloads: bool,
    /// The most bytes that it may scan.
    pub(super) max_scan_bytes: Option<u64>,
}

/// A query that has succeeded.
pub(super) struct SucceededQuery {
    pub(super) query: FinishedQuery,
    /// The folder that rows were written to; absent if they are the result of a SELECT.
    folder: Option<String>,
    /// The size of the rows that an earlier run has read, if it has read them all.
    read_bytes: Option<u64>,
}

/// The rows of a query.
pub(super) enum QueryRows {
    /// The result of a SELECT.
    Selected(Box<ResultObject>),
    /// The files of an UNLOAD.
    Unloaded(Vec<ResultObject>),
}

impl QueryRows {
    /// Their size as stored, in bytes.
    pub(super) fn size_bytes(&self) -> u64 {
        match self {
            QueryRows::Selected(result) => result.size_bytes(),
            QueryRows::Unloaded(files) => files.iter().map(ResultObject::size_bytes).sum(),
        }
    }
}

impl TableQuery<'_> {
    /// Runs the query and opens its rows. If the rows of an earlier run's query are gone or have changed, the query is run
    /// again.
    pub(super) async fn rows(
        &self,
        request: &ReadRequest<'_>,
        progress: &ReadProgress,
    ) -> Result<(SucceededQuery, QueryRows), TableError> {
        let name = self.note_name();
        let note = request.interrupt.or(self.store.read_note(&name)).await;
        let scans_again = !request.athena.keeps_days;
        // A query with unread rows is one of a run that was killed.
        let is_wanted = |note: &QueryNote| !scans_again || note.read_bytes.is_none();
        let note = note.flatten().filter(is_wanted);
        let query = self.run(request, note, scans_again, progress).await?;
        let is_earlier = query.query.is_resumed && query.query.queries == 0;
        match self.open(&query, request).await {
            Err(error) if is_earlier && !request.interrupt.is_requested() => {
                progress.remark(format!("{error}: the query is run again"));
                let query = self.run(request, None, true, progress).await?;
                let rows = self.open(&query, request).await?;
                Ok((query, rows))
            }
            rows => Ok((query, rows?)),
        }
    }

    /// Takes up the query that a note is about, or starts one and leaves a note of it. With `is_new`, what is started is
    /// never the query of an earlier run.
    async fn run(
        &self,
        request: &ReadRequest<'_>,
        note: Option<QueryNote>,
        is_new: bool,
        progress: &ReadProgress,
    ) -> Result<SucceededQuery, QueryError> {
        let interrupt = &request.interrupt;
        let client = aws::athena(&self.opened.config);
        let name = self.note_name();
        let note = note.filter(|note| note.folder.is_some() == self.unloads);
        let read_bytes = note.as_ref().and_then(|note| note.read_bytes);
        let earlier: Option<QueryId> = note.as_ref().and_then(|note| note.id.parse().ok());
        let new_folder = || {
            let folder = format!("unloaded/{}-{:016x}/", self.fingerprint, fastrand::u64(..));
            self.store.address(&folder)
        };
        let folder = match (note.and_then(|note| note.folder), &earlier) {
            // A query that failed may have left files in its folder, and a new one needs an empty one.
            (Some(folder), Some(id)) => {
                let status = interrupt.or(client.query_status(id)).await;
                let has_rows = |status: &QueryStatus| {
                    !matches!(status.state, QueryState::Failed | QueryState::Cancelled)
                };
                match status {
                    Some(Ok(status)) if has_rows(&status) => Some(folder),
                    _ => Some(new_folder()),
                }
            }
            _ => self.unloads.then(new_folder),
        };
        let order = self.order(is_new, folder.as_deref());
        let started = async |id: &QueryId| {
            let note = QueryNote {
                id: id.as_str().to_owned(),
                folder: folder.clone(),
                read_bytes: None,
            };
            self.store.write_note(&name, &note).await;
        };
        let query = athena::run(&client, earlier, &order, interrupt, progress, started).await?;
        let read_bytes = read_bytes.filter(|_| query.is_resumed && query.queries == 0);
        Ok(SucceededQuery {
            query,
            folder,
            read_bytes,
        })
    }

    /// Notes that all rows of a query were read, so that a later run knows their size.
    pub(super) async fn note_read(&self, finished: &SucceededQuery, bytes: u64) {
        if finished.read_bytes == Some(bytes) {
            return;
        }
        let note = QueryNote {
            id: finished.query.id.as_str().to_owned(),
            folder: finished.folder.clone(),
            read_bytes: Some(bytes),
        };
        self.store.write_note(&self.note_name(), &note).await;
    }

    /// The name of the note about the query.
    fn note_name(&self) -> String {
        let address = &self.opened.table.address;
        let place = format!("{} {}", address.workgroup, self.fingerprint);
        note_name(self.statement.sql.as_str(), &place)
    }

    fn order(&self, is_new: bool, folder: Option<&str>) -> QueryOrder {
        let address = &self.opened.table.address;
        let enforces = self.opened.workgroup.enforces_configuration;
        let statement = match folder {
            Some(folder) => self.statement.unload(folder),
            None => self.statement.sql.clone(),
        };
        QueryOrder {
            statement: statement.to_string(),
            catalog: Some(address.catalog.clone()),
            database: Some(address.database.clone()),
            workgroup: Some(address.workgroup.clone()),
            output_location: (!enforces).then(|| self.location.to_owned()),
            // A result is used again by the note of its query, which knows of the objects that were scanned.
            reuse_max_age_minutes: None,
            max_scan_bytes: self.max_scan_bytes,
            token_text: match is_new {
                false => self.fingerprint.clone(),
                // Athena answers the same token with the same query.
                true => format!("{} {:016x}", self.fingerprint, fastrand::u64(..)),
            },
        }
    }

    /// Opens the rows of a query that has succeeded. They must be as many bytes as an earlier run has read.
    async fn open(
        &self,
        finished: &SucceededQuery,
        request: &ReadRequest<'_>,
    ) -> Result<QueryRows, TableError> {
        let rows = self.open_any(finished, request).await?;
        match finished.read_bytes {
            Some(before) if before != rows.size_bytes() => Err(TableError::ChangedResult {
                id: finished.query.id.as_str().to_owned(),
                bytes: rows.size_bytes(),
                before,
            }),
            _ => Ok(rows),
        }
    }

    async fn open_any(
        &self,
        finished: &SucceededQuery,
        request: &ReadRequest<'_>,
    ) -> Result<QueryRows, TableError> {
        let config = &self.opened.config;
        let interrupt = &request.interrupt;
        let managed = || TableError::ManagedResults {
            workgroup: self.opened.workgroup.name.clone(),
        };
        if let Some(folder) = &finished.folder {
            let manifest = finished.query.manifest_location.as_deref();
            let manifest = manifest.ok_or_else(managed)?;
            let unloaded = athena::open_unloaded(config, folder, manifest, interrupt).await?;
            return Ok(QueryRows::Unloaded(unloaded.open_all().collect()));
        }
        let location = finished
            .query
            .output_location
            .as_deref()
            .ok_or_else(managed)?;
        let result = athena::open_result(config, location, interrupt).await?;
        Ok(QueryRows::Selected(Box::new(result)))
    }
}

impl QueryRows {
    /// Reads all rows; returns their number.
    pub(super) fn read(
        self,
        form: RowForm<'_>,
        mut found: impl FnMut(RawRow<'_>, EngineRow<'_, '_>),
    ) -> Result<u64, RowError> {
        match self {
            QueryRows::Selected(result) => row::read_csv(form, result, found),
            QueryRows::Unloaded(files) => {
                let mut rows = 0;
                for file in files {
                    let lines = MultiGzDecoder::new(NotEmpty::new(file));
                    rows += row::read_json_lines(form, lines, &mut found)?;
                }
                Ok(rows)
            }
        }
    }
}

/// Fails at the end of a file that holds nothing, which the reader of gzip would take for a file without rows.
struct NotEmpty<R> {
    file: R,
    has_bytes: bool,
}

impl<R> NotEmpty<R> {
    fn new(file: R) -> NotEmpty<R> {
        NotEmpty {
            file,
            has_bytes: false,
        }
    }
}

impl<R: Read> Read for NotEmpty<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(buffer)?;
        self.has_bytes |= read > 0;
        match self.has_bytes || buffer.is_empty() {
            true => Ok(read),
            false => Err(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                "a file of rows is empty",
            )),
        }
    }
}
