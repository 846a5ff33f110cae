//! Counts the events of a table of Athena: description of the table → listing of its objects → statement → rows → counters.
//!
//! Nothing is asked of Athena before the listing has told what a query would scan, and what it costs.

mod kept;
mod plan;
mod query;
pub mod setup;
mod store;

use std::sync::Arc;

use rust_decimal::Decimal;

use self::kept::KeptDays;
use self::plan::{PlanError, ScanPlanning};
use self::query::TableQuery;
use self::store::ResultStore;
use super::read::{self, ReadError, ReadOutcome, ReadRequest};
use crate::aws::{self, AwsFailure, TablePath, WorkgroupSettings};
use crate::source::athena::{self, FinishedQuery, QueryError, ResultError};
use crate::source::progress::ReadProgress;
use trailtab_athena::address::AthenaAddress;
use trailtab_athena::price;
use trailtab_athena::row::{RowError, RowForm};
use trailtab_athena::statement::{self, Statement, StatementError, TableQuestion};
use trailtab_athena::table::{LogTable, TableDescription, UnsuitableTable};
use trailtab_core::coverage::{DocumentOutcome, ReadProblem, RunCoverage, Severity};
use trailtab_core::event::counter::EventCounter;
use trailtab_core::event::dedupe::SeenIds;
use trailtab_core::event::ingest::EventIngest;
use trailtab_core::event::needs::RecordNeeds;
use trailtab_core::event::no_match::NoMatch;
use trailtab_render::progress as render;

/// Most that a run may cost in dollars, unless the user says otherwise: the price of one TiB.
pub const DEFAULT_MAX_USD: Decimal = Decimal::from_parts(5, 0, 0, false, 0);

/// Bytes to scan from which rows are unloaded: their number may be millions, and a SELECT has one writer.
const UNLOAD_FROM_BYTES: u64 = 1 << 30;

/// How tables of Athena are read.
#[derive(Debug, Clone)]
pub struct AthenaOptions {
    /// The folder in S3 for results, `s3://BUCKET/PREFIX/`; not set for the workgroup's.
    pub results: Option<String>,
    /// The most bytes that a run may scan; not set for no limit.
    pub max_scan_bytes: Option<u64>,
    /// The most dollars that a run may cost.
    pub max_usd: Decimal,
    /// Whether counts of days are kept beside the results, and used again.
    pub keeps_days: bool,
    /// A query that scans so many bytes or more has its rows written by many writers (UNLOAD).
    pub unload_from_bytes: u64,
}

impl Default for AthenaOptions {
    fn default() -> AthenaOptions {
        AthenaOptions {
            results: None,
            max_scan_bytes: None,
            max_usd: DEFAULT_MAX_USD,
            keeps_days: true,
            unload_from_bytes: UNLOAD_FROM_BYTES,
        }
    }
}

/// Why a table cannot be counted.
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    /// AWS does not describe the table.
    #[error("cannot look up {address}: {failure}")]
    Describe {
        /// The table.
        address: Box<AthenaAddress>,
        /// AWS's refusal.
        failure: Box<AwsFailure>,
    },
    /// The workgroup cannot be used.
    #[error("cannot look up the workgroup {workgroup:?}: {failure}")]
    Workgroup {
        /// The name of the workgroup.
        workgroup: String,
        /// AWS's refusal.
        failure: AwsFailure,
    },
    /// The workgroup is disabled.
    #[error(
        "the workgroup {workgroup:?} is disabled: enable it, or name another one with athena://WORKGROUP@DATABASE/TABLE"
    )]
    Disabled {
        /// The name of the workgroup.
        workgroup: String,
    },
    /// The table holds no CloudTrail events.
    #[error(transparent)]
    Unsuitable(#[from] UnsuitableTable),
    /// What the query would scan cannot be told, or is too much.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// There is no statement for the question.
    #[error(transparent)]
    Statement(#[from] StatementError),
    /// The query has no result.
    #[error(transparent)]
    Query(#[from] QueryError),
    /// The result cannot be read.
    #[error(transparent)]
    Result(#[from] ResultError),
    /// The result is not that of the statement.
    #[error("the result of query {id} cannot be used: {error}. Run the command again")]
    Rows {
        /// The query.
        id: String,
        /// What is wrong with it.
        error: RowError,
    },
    /// The result was replaced or cut since an earlier run has read it.
    #[error("the result of query {id} has {bytes} bytes, and had {before} when it was read before")]
    ChangedResult {
        /// The query.
        id: String,
        /// Its size in bytes.
        bytes: u64,
        /// Its size in bytes when it was read before.
        before: u64,
    },
    /// Athena keeps the result where only its own API reads it.
    #[error(
        "the workgroup {workgroup:?} keeps results itself (managed query results), and this program reads them from S3: name another workgroup with athena://WORKGROUP@DATABASE/TABLE"
    )]
    ManagedResults {
        /// The name of the workgroup.
        workgroup: String,
    },
    /// No place for results is known.
    #[error(
        "the workgroup {workgroup:?} has no location for results: name a folder with --athena-results s3://BUCKET/PREFIX/"
    )]
    NoResultLocation {
        /// The name of the workgroup.
        workgroup: String,
    },
}

/// The table of a run, and where results go.
struct OpenedTable {
    table: LogTable,
    workgroup: WorkgroupSettings,
    config: aws::SdkConfig,
}

/// Counts the events of the table with a counter like `empty`.
///
/// # Errors
///
/// If the table cannot be counted, or a limit of the user's would be passed. A run that was interrupted has a result: its
/// coverage says what is missing.
pub(super) fn run<C: EventCounter>(
    request: &ReadRequest<'_>,
    address: &AthenaAddress,
    empty: &C,
    progress: &Arc<ReadProgress>,
) -> Result<ReadOutcome<C>, ReadError> {
    let runtime = read::start_runtime()?;
    let needs = request.rules.needs(empty, request.dump.is_some());
    let mut outcome = ReadOutcome::default();
    let asked = async {
        let opened = open(request, address).await?;
        let planning = ScanPlanning::of(&opened.table, &opened.config, request).await;
        Ok::<_, ReadError>((opened, planning.map_err(TableError::from)?))
    };
    let Some(prepared) = runtime.block_on(request.interrupt.or(asked)) else {
        outcome.coverage.problem(interrupted(address));
        return Ok(outcome);
    };
    let (opened, mut planning) = prepared?;
    outcome
        .coverage
        .merge(std::mem::take(&mut planning.coverage));
    note_gaps(&opened.table, needs, &mut outcome.coverage);
    let listed = listed(&planning);
    let seen = SeenIds::default();
    let mut ingest = EventIngest::new(&request.rules, empty, &seen, request.dump);
    if planning.has_nothing() {
        return Ok(finish(request, address, outcome, ingest));
    }
    let location = result_location(&opened.workgroup, &request.athena)?;
    let store = ResultStore::new(&opened.config, &location);
    let mut kept = KeptDays::new(&opened.table, request, needs, &planning);
    // Rows of days that are kept are read first, so that the statement leaves these days out.
    runtime.block_on(request.interrupt.or(kept.find(&store)));
    for day in kept.usable() {
        day.read(&mut |row| ingest.row(row));
        planning.leave_out(day.day);
    }
    let question = question(request, needs, &planning, kept.collects());
    let statement = statement::statement(&opened.table, &question).map_err(TableError::from)?;
    progress.remark(render::athena_plan(address, &planning.told()));
    planning
        .admit(&request.athena, &opened.workgroup)
        .map_err(TableError::from)?;
    if planning.scans_nothing() {
        outcome.coverage.merge(listed);
        return Ok(finish(request, address, outcome, ingest));
    }
    let asked = TableQuery {
        opened: &opened,
        store: &store,
        statement: &statement,
        location: &location,
        fingerprint: planning.fingerprint(),
        unloads: planning.to_scan().bytes >= request.athena.unload_from_bytes,
        max_scan_bytes: planning.scan_limit_bytes(&request.athena),
    };
    let (finished, rows) = match runtime.block_on(asked.rows(request, progress)) {
        Ok(found) => found,
        Err(TableError::Query(error)) if error.is_interrupt() => {
            outcome.coverage.problem(ReadProblem {
                reason: error.to_string(),
                ..interrupted(address)
            });
            return Ok(finish(request, address, outcome, ingest));
        }
        Err(error) => return Err(error.into()),
    };
    let row_bytes = rows.size_bytes();
    let form = RowForm {
        columns: &statement.columns,
        grain: needs.grain,
        window: request.rules.window,
    };
    let read = rows.read(form, |raw, row| {
        ingest.row(row);
        kept.collect(&opened.table, raw);
    });
    match read {
        Ok(_) => {}
        Err(_) if request.interrupt.is_requested() => {
            outcome.coverage.problem(ReadProblem {
                severity: Severity::Partial,
                ..interrupted(address)
            });
            return Ok(finish(request, address, outcome, ingest));
        }
        Err(error) => {
            let id = finished.query.id.as_str().to_owned();
            return Err(TableError::Rows { id, error }.into());
        }
    }
    progress.remark(told(&finished.query));
    runtime.block_on(asked.note_read(&finished, row_bytes));
    if let Some(remark) = runtime.block_on(kept.store(&store, &planning)) {
        progress.remark(remark);
    }
    outcome.coverage.merge(listed);
    Ok(finish(request, address, outcome, ingest))
}

/// Makes the statement for a run, without asking Athena anything but the description of the table.
///
/// # Errors
///
/// If the table cannot be counted.
pub fn statement_of(
    request: &ReadRequest<'_>,
    address: &AthenaAddress,
    needs: RecordNeeds,
) -> Result<Statement, ReadError> {
    let runtime = read::start_runtime()?;
    runtime.block_on(async {
        let config = aws::config(&request.access).await?;
        let table = describe(&config, address).await?;
        let planning = ScanPlanning::of(&table, &config, request).await;
        let planning = planning.map_err(TableError::from)?;
        let question = question(request, needs, &planning, false);
        Ok(statement::statement(&table, &question).map_err(TableError::from)?)
    })
}

/// What a run asks of the partitions that are left.
fn question<'q>(
    request: &'q ReadRequest<'_>,
    needs: RecordNeeds,
    planning: &'q ScanPlanning,
    by_day: bool,
) -> TableQuestion<'q> {
    let rules = &request.rules;
    TableQuestion {
        needs,
        window: rules.window,
        filter: &rules.filter,
        network_activity: rules.network_activity,
        scope: &planning.scope,
        by_day,
    }
}

async fn open(
    request: &ReadRequest<'_>,
    address: &AthenaAddress,
) -> Result<OpenedTable, ReadError> {
    let config = aws::config(&request.access).await?;
    let workgroup = aws::athena(&config).workgroup(&address.workgroup).await;
    let workgroup = workgroup.map_err(|failure| TableError::Workgroup {
        workgroup: address.workgroup.clone(),
        failure,
    })?;
    if !workgroup.is_enabled {
        return Err(TableError::Disabled {
            workgroup: address.workgroup.clone(),
        }
        .into());
    }
    let table = describe(&config, address).await?;
    Ok(OpenedTable {
        table,
        workgroup,
        config,
    })
}

async fn describe(
    config: &aws::SdkConfig,
    address: &AthenaAddress,
) -> Result<LogTable, TableError> {
    let description = look_up(config, address).await;
    let description = description.map_err(|failure| TableError::Describe {
        address: Box::new(address.clone()),
        failure: Box::new(failure),
    })?;
    Ok(LogTable::of(address.clone(), &description)?)
}

/// What the catalog says of a table.
async fn look_up(
    config: &aws::SdkConfig,
    address: &AthenaAddress,
) -> Result<TableDescription, AwsFailure> {
    let path = TablePath {
        catalog: Some(address.catalog.clone()),
        database: address.database.clone(),
        table: address.table.clone(),
    };
    let described = athena::describe_table(config, &path, Some(&address.workgroup)).await?;
    let pairs = |columns: Vec<aws::TableColumn>| {
        let columns = columns.into_iter();
        columns
            .map(|column| (column.name, column.type_text))
            .collect()
    };
    Ok(TableDescription {
        columns: pairs(described.columns),
        partition_keys: pairs(described.partition_keys),
        location: described.location,
        parameters: described.parameters,
    })
}

/// Where the results of queries go. A workgroup may not let its users choose.
fn result_location(
    workgroup: &WorkgroupSettings,
    options: &AthenaOptions,
) -> Result<String, TableError> {
    if workgroup.has_managed_results {
        return Err(TableError::ManagedResults {
            workgroup: workgroup.name.clone(),
        });
    }
    let own = options
        .results
        .as_ref()
        .filter(|_| !workgroup.enforces_configuration);
    let location = own.or(workgroup.output_location.as_ref());
    let location = location.ok_or_else(|| TableError::NoResultLocation {
        workgroup: workgroup.name.clone(),
    })?;
    Ok(match location.ends_with('/') {
        true => location.clone(),
        false => format!("{location}/"),
    })
}

/// The problem of a run that was interrupted.
fn interrupted(address: &AthenaAddress) -> ReadProblem {
    crate::source::interrupt::problem(address.to_string(), Severity::Failed)
}

/// Says which evidence for callers and resources the table has no columns for, if the run needs any.
fn note_gaps(table: &LogTable, needs: RecordNeeds, coverage: &mut RunCoverage) {
    let lacks = table.lacks();
    if needs.caller && !lacks.is_empty() {
        let reason = format!("the table has no column for {}", lacks.join("; "));
        let address = table.address.to_string();
        coverage.problem(ReadProblem::of_document(address, Severity::Partial, reason));
    }
}

/// What the query scanned, and what that costs.
fn told(finished: &FinishedQuery) -> String {
    let bytes = finished.scan.bytes;
    let is_reused = finished.reused || finished.is_resumed && finished.queries == 0;
    render::athena_scanned(bytes, price::scan_usd(bytes), is_reused)
}

/// The objects that the listing found: a query that succeeds has read them all, and so has the one whose counts are kept.
fn listed(planning: &ScanPlanning) -> RunCoverage {
    let mut coverage = RunCoverage {
        documents: planning.listed.objects,
        bytes: planning.listed.bytes,
        ..RunCoverage::default()
    };
    coverage
        .outcomes
        .insert(DocumentOutcome::Events, planning.listed.objects);
    coverage
}

fn finish<C: EventCounter>(
    request: &ReadRequest<'_>,
    address: &AthenaAddress,
    mut outcome: ReadOutcome<C>,
    ingest: EventIngest<'_, C>,
) -> ReadOutcome<C> {
    outcome.intaken = ingest.finish();
    let undated = outcome.intaken.undated;
    let unreadable = outcome.intaken.counts.unreadable - undated;
    // In the words that log files with such records get.
    for (records, what) in [
        (unreadable, "could not be read"),
        (
            undated,
            "without a readable time: not counted under a time window",
        ),
    ] {
        let reason = match records {
            0 => continue,
            1 => format!("1 record {what}"),
            more => format!("{more} records {what}"),
        };
        let problem = ReadProblem::of_document(address.to_string(), Severity::Partial, reason);
        outcome.coverage.problem(problem);
    }
    outcome.no_match = NoMatch::of(&outcome.intaken, &outcome.coverage, &request.rules);
    outcome
}
