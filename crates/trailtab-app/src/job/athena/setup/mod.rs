//! Makes tables over the logs of a bucket: listing of its folders → statements → catalog.

mod make;
mod names;

use std::collections::BTreeSet;

use jiff::civil::Date;

pub use self::make::{SetupEnd, make};
use super::TableError;
use crate::aws::{self, AwsFailure};
use crate::job::read::{self, ReadError};
use crate::source::athena::QueryError;
use crate::source::interrupt::Interrupt;
use crate::source::s3::{self, LogRoot, S3Error, S3Request, TrailLayout};
use trailtab_athena::address::{AthenaAddress, DEFAULT_CATALOG};
use trailtab_athena::ddl::{LogTableSetup, TableDifference, UnsuitableSetup};
use trailtab_core::coverage::RunCoverage;
use trailtab_core::event::filter::{EventFilter, ScopeMatcher};
use trailtab_core::regions;
use trailtab_core::scope::{AccountId, Region};
use trailtab_core::time::{Seconds, TimeWindow};
use trailtab_render::escape;

/// The most tables of one run. A writer to the bucket can make folders that look like those of a trail.
const MAX_TABLES: usize = 20;

/// The partition whose Regions a table has if all Regions that were found are unknown.
const DEFAULT_PARTITION: &str = "aws";

/// Which tables to make.
#[derive(Debug, Clone)]
pub struct SetupRequest {
    /// The bucket of the trail.
    pub bucket: String,
    /// The prefix of keys below which trails are searched.
    pub prefix: String,
    /// The table, and the workgroup that makes it. Further tables have names that begin like it.
    pub address: AthenaAddress,
    /// The first day of the tables; absent for the first day with log files.
    pub first_day: Option<Date>,
    /// The folder in S3 for the results of statements; the workgroup's if absent.
    pub results: Option<String>,
    /// Whether the credentials' account pays for the requests to the bucket.
    pub requester_pays: bool,
    /// Which credentials to use.
    pub access: aws::CredentialOptions,
    /// The time of the run.
    pub now: Seconds,
    /// The request to stop.
    pub interrupt: Interrupt,
}

/// A table over one trail, and what was found of the trail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogTablePlan {
    /// The table.
    pub address: AthenaAddress,
    /// How it is made.
    pub setup: LogTableSetup,
    /// The accounts with log files.
    pub accounts: BTreeSet<AccountId>,
    /// The Regions with log files; the table has others as well.
    pub regions: BTreeSet<Region>,
    /// Whether the request named a part of the trail only. The table is over all of it.
    pub is_wider: bool,
}

/// The tables to make.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SetupPlan {
    /// One table for each folder that holds accounts.
    pub tables: Vec<LogTablePlan>,
    /// The Region of the bucket and that of Athena, if they differ.
    pub region_pair: Option<(String, String)>,
    /// What could not be listed.
    pub coverage: RunCoverage,
}

/// Why there are no tables.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// The configuration of AWS is invalid, or the runtime cannot be started.
    #[error(transparent)]
    Start(#[from] ReadError),
    /// The bucket cannot be listed, or it is empty.
    #[error(transparent)]
    List(#[from] S3Error),
    /// The bucket has no layout of a trail.
    #[error(
        "s3://{bucket}/{prefix} has no folders …/ACCOUNT/CloudTrail/REGION/, as trails make them: name the bucket of a trail, or the folder that holds AWSLogs/{not_listed}"
    )]
    NoTrail {
        /// The name of the bucket.
        bucket: String,
        /// The requested prefix.
        prefix: String,
        /// What could not be listed, as the rest of a sentence; empty if nothing.
        not_listed: String,
    },
    /// Too many folders look like trails.
    #[error(
        "s3://{bucket}/{prefix} has {count} folders that hold accounts, and one run makes at most {MAX_TABLES} tables: name one of them, such as s3://{bucket}/{example}"
    )]
    TooManyTrails {
        /// The name of the bucket.
        bucket: String,
        /// The requested prefix.
        prefix: String,
        /// The number of folders.
        count: usize,
        /// One of them.
        example: String,
    },
    /// No log file tells the first day.
    #[error(
        "no log file was found below {root}, so the first day of a table is not known: name it with --since{not_listed}"
    )]
    NoDay {
        /// The folder that holds accounts.
        root: String,
        /// What could not be listed, as the rest of a sentence; empty if nothing.
        not_listed: String,
    },
    /// Athena would not read the folder, or not take the names.
    #[error(transparent)]
    Unsuitable(#[from] UnsuitableSetup),
    /// The folder's name hides what it is.
    #[error(
        "a table over \"{}\" cannot be made: its name has characters that are invisible or reorder text",
        escape::terminal(.root)
    )]
    Deceptive {
        /// The folder that holds accounts.
        root: String,
    },
    /// The catalog is not Glue's.
    #[error(
        "tables are made in Glue's catalog, not in {catalog:?}: write --table [WORKGROUP@]DATABASE/TABLE"
    )]
    Catalog {
        /// The catalog.
        catalog: String,
    },
    /// The workgroup cannot be used.
    #[error(transparent)]
    Workgroup(#[from] TableError),
    /// Whether there is a table already is not known.
    #[error(
        "cannot look up {address}: {failure}{}",
        make::actions_if_denied(failure)
    )]
    LookUp {
        /// The table.
        address: Box<AthenaAddress>,
        /// AWS's refusal.
        failure: Box<AwsFailure>,
    },
    /// A statement failed.
    #[error("cannot {action} {address}: {error}{}", make::actions_after(error))]
    Statement {
        /// What the statement does, such as `create the table`.
        action: &'static str,
        /// The table.
        address: Box<AthenaAddress>,
        /// Why it failed.
        error: Box<QueryError>,
    },
    /// Athena made another table than it was told to.
    #[error(
        "{address} is made, and it is not as it should be: {}. Look at it in the console of Glue",
        make::listed(differences)
    )]
    NotAsAsked {
        /// The table.
        address: Box<AthenaAddress>,
        /// What is otherwise.
        differences: Vec<TableDifference>,
    },
    /// Athena made no table.
    #[error(
        "Athena says that it made {address}, and Glue has no such table: it may have been removed since. Run the command again"
    )]
    Missing {
        /// The table.
        address: Box<AthenaAddress>,
    },
    /// The run was interrupted.
    #[error("interrupted: what was said to be made is made. Run the command again for the rest")]
    Interrupted,
}

/// Says that a reason may be what could not be listed.
fn not_listed(coverage: &RunCoverage) -> String {
    match coverage.problems.first() {
        Some(problem) => format!("; {} {}", problem.document, problem.reason),
        None => String::new(),
    }
}

/// Finds the trails below a prefix, and plans a table for each. Asks S3 only.
///
/// # Errors
///
/// If there is no trail, or Athena could not read it.
pub fn plan(request: &SetupRequest) -> Result<SetupPlan, SetupError> {
    if request.address.catalog != DEFAULT_CATALOG {
        return Err(SetupError::Catalog {
            catalog: request.address.catalog.clone(),
        });
    }
    let runtime = read::start_runtime()?;
    let everything = ScopeMatcher::new(&EventFilter::default());
    let asked = S3Request {
        window: TimeWindow::default(),
        scopes: &everything,
        digests: false,
        network_activity: false,
        late_days: 0,
        requester_pays: request.requester_pays,
        now: request.now,
        interrupt: &request.interrupt,
    };
    let (layout, athena_region) = runtime.block_on(async {
        let config = aws::config(&request.access).await;
        let config = config.map_err(ReadError::from)?;
        let (bucket, prefix) = (&request.bucket, &request.prefix);
        let dates = request.first_day.is_none();
        let layout = s3::trail_layout(&config, bucket, prefix, asked, dates).await?;
        Ok::<_, SetupError>((layout, aws::region_of(&config).to_string()))
    })?;
    if request.interrupt.is_requested() {
        return Err(SetupError::Interrupted);
    }
    let region_pair = layout.region.clone();
    let region_pair = region_pair.filter(|region| *region != athena_region);
    let coverage = layout.coverage.clone();
    Ok(SetupPlan {
        tables: tables(request, layout)?,
        region_pair: region_pair.map(|region| (region, athena_region)),
        coverage,
    })
}

/// The tables over the trails of a bucket.
fn tables(request: &SetupRequest, layout: TrailLayout) -> Result<Vec<LogTablePlan>, SetupError> {
    let (bucket, prefix) = (request.bucket.clone(), request.prefix.clone());
    let TrailLayout {
        roots, coverage, ..
    } = layout;
    match roots.as_slice() {
        [] => {
            return Err(SetupError::NoTrail {
                bucket,
                prefix,
                not_listed: not_listed(&coverage),
            });
        }
        [first, ..] if roots.len() > MAX_TABLES => {
            return Err(SetupError::TooManyTrails {
                bucket,
                prefix,
                count: roots.len(),
                example: first.prefix.clone(),
            });
        }
        _ => {}
    }
    let prefixes: Vec<&str> = roots.iter().map(|root| root.prefix.as_str()).collect();
    let names = names::of_tables(&request.address.table, &prefixes);
    let tables = roots.into_iter().zip(names);
    tables
        .map(|(root, name)| table(request, &root, name, &coverage))
        .collect()
}

fn table(
    request: &SetupRequest,
    found: &LogRoot,
    table: String,
    coverage: &RunCoverage,
) -> Result<LogTablePlan, SetupError> {
    let root = format!("s3://{}/{}", request.bucket, found.prefix);
    if escape::terminal(&root) != root {
        return Err(SetupError::Deceptive { root });
    }
    let day = request.first_day.or(found.first_day);
    let first_day = day.ok_or_else(|| SetupError::NoDay {
        root: root.clone(),
        not_listed: not_listed(coverage),
    })?;
    let scopes = found.scopes.iter();
    let regions: BTreeSet<Region> = scopes.map(|scope| scope.region.clone()).collect();
    let setup = LogTableSetup {
        database: request.address.database.clone(),
        table: table.clone(),
        root,
        first_day,
        regions: all_regions(&regions),
    };
    setup.check()?;
    Ok(LogTablePlan {
        address: AthenaAddress {
            table,
            ..request.address.clone()
        },
        setup,
        accounts: found.scopes.iter().map(|scope| scope.account).collect(),
        regions,
        is_wider: found.is_wider,
    })
}

/// The Regions that were found, and all others of their partitions: a Region may be enabled later.
fn all_regions(found: &BTreeSet<Region>) -> Vec<String> {
    let partitions = found.iter();
    let partitions = partitions.filter_map(|region| regions::partition_of(region.as_str()));
    let mut partitions: BTreeSet<&str> = partitions.collect();
    if partitions.is_empty() {
        partitions.insert(DEFAULT_PARTITION);
    }
    let known = partitions.into_iter().flat_map(regions::of_partition);
    let known = known.map(|region| (*region).to_owned());
    let all: BTreeSet<String> = known.chain(found.iter().map(Region::to_string)).collect();
    all.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn regions_of(found: &[&str]) -> Vec<String> {
        let found = found.iter().map(|region| region.parse().unwrap());
        all_regions(&found.collect())
    }

    #[test]
    fn a_table_has_all_regions_of_the_partition() {
        let all = regions_of(&["eu-west-1"]);
        for region in regions::of_partition("aws") {
            assert!(all.iter().any(|name| name == region), "{region}");
        }
        assert!(!all.iter().any(|name| name == "cn-north-1"));
        let unknown = regions_of(&["eu-west-1", "eu-west-99"]);
        assert_eq!(unknown.len(), all.len() + 1);
        let china = regions_of(&["cn-north-1"]);
        assert_eq!(china, ["cn-north-1", "cn-northwest-1"]);
        assert_eq!(regions_of(&["eu-west-99"]).len(), all.len() + 1);
    }
}
