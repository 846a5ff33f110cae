//! Makes planned tables through Athena, unless they exist.

use super::super::{AthenaOptions, TableError, look_up, result_location};
use super::{LogTablePlan, SetupError, SetupPlan, SetupRequest};
use crate::aws::{self, AwsFailure, FailureKind, SdkConfig};
use crate::job::read::{self, ReadError};
use crate::source::athena::{self, QueryError, QueryOrder};
use crate::source::progress::ReadProgress;
use trailtab_athena::address::AthenaAddress;
use trailtab_athena::ddl::{self, TableDifference};
use trailtab_athena::sql::SqlText;
use trailtab_athena::table::TableDescription;

/// What the caller needs to make tables.
const ACTIONS: &str = "athena:GetWorkGroup, athena:StartQueryExecution, athena:GetQueryExecution and athena:StopQueryExecution; \
     glue:GetDatabase, glue:CreateDatabase, glue:GetTable and glue:CreateTable, and glue:DeleteTable for --replace; \
     s3:GetBucketLocation, s3:ListBucket, s3:GetObject and s3:PutObject on the bucket of the results";

/// AWS's code for a database or a table that does not exist.
const NOT_FOUND: &str = "EntityNotFoundException";

/// What became of a planned table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SetupEnd {
    /// It is made.
    Made,
    /// It is made in place of one that differed.
    Replaced,
    /// It existed, and counts of it are the same.
    Existed,
    /// One of its name exists and differs. Nothing was changed.
    Differs(Vec<TableDifference>),
    /// One of its name exists that is not over log files of CloudTrail. It is never replaced.
    Foreign,
}

/// What setup needs, after a refusal. AWS names one action at a time.
pub(super) fn actions_if_denied(failure: &AwsFailure) -> String {
    match failure.kind {
        FailureKind::Denied => format!(". Setup needs {ACTIONS}"),
        _ => String::new(),
    }
}

/// What setup needs, after a statement that may have lacked a permission.
pub(super) fn actions_after(error: &QueryError) -> String {
    match error {
        QueryError::Start { failure, .. } | QueryError::Unwatched { failure, .. } => {
            actions_if_denied(failure)
        }
        QueryError::Failed { reason, .. } => {
            let lower = reason.to_ascii_lowercase();
            let words = ["denied", "not authorized", "permission"];
            match words.iter().any(|word| lower.contains(word)) {
                true => format!(". Setup needs {ACTIONS}"),
                false => String::new(),
            }
        }
        _ => String::new(),
    }
}

/// Differences in a sentence.
pub(super) fn listed(differences: &[TableDifference]) -> String {
    let all: Vec<String> = differences.iter().map(ToString::to_string).collect();
    all.join("; ")
}

/// The clients of a run, and how statements are run.
struct TableMaker<'r> {
    request: &'r SetupRequest,
    config: SdkConfig,
    /// Where Athena writes what statements print; absent if the workgroup says it.
    output_location: Option<String>,
    progress: &'r ReadProgress,
    /// Is told each statement before it is run.
    told: &'r mut dyn FnMut(&SqlText),
}

/// Makes the planned tables, in order. Statements that change the catalog scan nothing. `told` gets each statement that
/// is run. With `replaces`, tables that differ are removed from the catalog and made again; their objects stay.
///
/// # Errors
///
/// If a table cannot be looked up or made. Those before it are made.
pub fn make(
    request: &SetupRequest,
    plan: &SetupPlan,
    replaces: bool,
    progress: &ReadProgress,
    told: &mut dyn FnMut(&SqlText),
) -> Result<Vec<SetupEnd>, SetupError> {
    let runtime = read::start_runtime()?;
    runtime.block_on(async {
        let connect = TableMaker::connect(request, progress, told);
        let maker = request.interrupt.or(connect).await;
        let mut maker = maker.ok_or(SetupError::Interrupted)??;
        let mut ends = Vec::new();
        for table in &plan.tables {
            ends.push(maker.make(table, replaces).await?);
        }
        Ok(ends)
    })
}

impl<'r> TableMaker<'r> {
    async fn connect(
        request: &'r SetupRequest,
        progress: &'r ReadProgress,
        told: &'r mut dyn FnMut(&SqlText),
    ) -> Result<TableMaker<'r>, SetupError> {
        let config = aws::config(&request.access).await;
        let config = config.map_err(ReadError::from)?;
        let workgroup = &request.address.workgroup;
        let settings = aws::athena(&config).workgroup(workgroup).await;
        let settings = settings.map_err(|failure| TableError::Workgroup {
            workgroup: workgroup.clone(),
            failure,
        })?;
        if !settings.is_enabled {
            let workgroup = workgroup.clone();
            return Err(TableError::Disabled { workgroup }.into());
        }
        let options = AthenaOptions {
            results: request.results.clone(),
            ..AthenaOptions::default()
        };
        // Counting needs a result in S3: a workgroup without one is told now, not after the table is made.
        let location = result_location(&settings, &options)?;
        Ok(TableMaker {
            request,
            config,
            output_location: (!settings.enforces_configuration).then_some(location),
            progress,
            told,
        })
    }

    async fn make(&mut self, table: &LogTablePlan, replaces: bool) -> Result<SetupEnd, SetupError> {
        let (address, setup) = (&table.address, &table.setup);
        let end = match self.described(address).await? {
            None => {
                self.make_database(table).await?;
                SetupEnd::Made
            }
            Some(description) => match setup.differences(&description) {
                none if none.is_empty() => return Ok(SetupEnd::Existed),
                differences if !replaces => return Ok(SetupEnd::Differs(differences)),
                _ if !ddl::is_of_logs(&description) => return Ok(SetupEnd::Foreign),
                _ => {
                    let removal = setup.removal_statement();
                    self.run("remove the table", address, &removal).await?;
                    SetupEnd::Replaced
                }
            },
        };
        let statement = setup.table_statement();
        self.run("create the table", address, &statement).await?;
        let made = self.described(address).await?;
        let made = made.ok_or_else(|| SetupError::Missing {
            address: Box::new(address.clone()),
        })?;
        let differences = setup.differences(&made);
        if !differences.is_empty() {
            let address = Box::new(address.clone());
            return Err(SetupError::NotAsAsked {
                address,
                differences,
            });
        }
        let verb = match end {
            SetupEnd::Replaced => "replaced",
            _ => "made",
        };
        self.progress.remark(format!("{verb} {address}"));
        Ok(end)
    }

    /// What the catalog says of a table; absent if it does not exist.
    async fn described(
        &self,
        address: &AthenaAddress,
    ) -> Result<Option<TableDescription>, SetupError> {
        let asked = look_up(&self.config, address);
        let asked = self.request.interrupt.or(asked).await;
        match asked.ok_or(SetupError::Interrupted)? {
            Ok(description) => Ok(Some(description)),
            Err(failure) if failure.code == NOT_FOUND => Ok(None),
            Err(failure) => Err(SetupError::LookUp {
                address: Box::new(address.clone()),
                failure: Box::new(failure),
            }),
        }
    }

    /// Makes the database unless it is known to exist: the caller may use a database and not make one.
    async fn make_database(&mut self, table: &LogTablePlan) -> Result<(), SetupError> {
        let glue = aws::glue(&self.config);
        let asked = glue.database(&table.setup.database);
        let asked = self.request.interrupt.or(asked).await;
        match asked.ok_or(SetupError::Interrupted)? {
            Ok(()) => Ok(()),
            Err(_) => {
                let statement = table.setup.database_statement();
                let action = "create the database of";
                self.run(action, &table.address, &statement).await
            }
        }
    }

    async fn run(
        &mut self,
        action: &'static str,
        address: &AthenaAddress,
        statement: &SqlText,
    ) -> Result<(), SetupError> {
        (self.told)(statement);
        let order = QueryOrder {
            statement: statement.to_string(),
            catalog: Some(address.catalog.clone()),
            // The database may not exist, and statements name it.
            database: None,
            workgroup: Some(address.workgroup.clone()),
            output_location: self.output_location.clone(),
            reuse_max_age_minutes: None,
            max_scan_bytes: None,
            // A table may be made, removed and made again by the same statement.
            token_text: format!("{:032x}", fastrand::u128(..)),
        };
        let client = aws::athena(&self.config);
        let interrupt = &self.request.interrupt;
        let ran = athena::run(
            &client,
            None,
            &order,
            interrupt,
            self.progress,
            async |_| {},
        );
        ran.await.map(drop).map_err(|error| SetupError::Statement {
            action,
            address: Box::new(address.clone()),
            error: Box::new(error),
        })
    }
}
