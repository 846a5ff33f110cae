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
    /// The folder that rows were written to; None if they are the result of a SELECT.
    folder: Option<String>,
}

/// The rows of a query.
pub(super) enum QueryRows {
    /// The result of a SELECT.
    Selected(Box<ResultObject>),
    /// The files of an UNLOAD.
    Unloaded(Vec<ResultObject>),
}

impl TableQuery<'_> {
    /// Takes up the query of an earlier run of the same statement over the same objects, or starts one and leaves a note of
    /// it.
    pub(super) async fn run(
        &self,
        request: &ReadRequest<'_>,
        progress: &ReadProgress,
    ) -> Result<SucceededQuery, QueryError> {
        let interrupt = &request.interrupt;
        let client = aws::athena(&self.opened.config);
        let name = self.note_name();
        let note = interrupt.or(self.store.read_note(&name)).await.flatten();
        let note = note.filter(|note| note.folder.is_some() == self.unloads);
        let earlier: Option<QueryId> = note.as_ref().and_then(|note| note.id.parse().ok());
        let new_folder = || {
            let folder = format!("unloaded/{}-{}/", self.fingerprint, request.now);
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
        let order = self.order(folder.as_deref());
        let started = async |id: &QueryId| {
            let note = QueryNote {
                id: id.as_str().to_owned(),
                folder: folder.clone(),
            };
            self.store.write_note(&name, &note).await;
        };
        let query =
            athena::run_or_resume(&client, earlier, &order, interrupt, progress, started).await?;
        Ok(SucceededQuery { query, folder })
    }

    /// The name of the note about the query.
    fn note_name(&self) -> String {
        let address = &self.opened.table.address;
        let place = format!("{} {}", address.workgroup, self.fingerprint);
        note_name(self.statement.sql.as_str(), &place)
    }

    fn order(&self, folder: Option<&str>) -> QueryOrder {
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
            token_text: self.fingerprint.clone(),
        }
    }

    /// Opens the rows of a query that has succeeded.
    pub(super) async fn open(
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

/// Fails at the end of a file that holds nothing: no member of gzip would be read, and none missed.
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
