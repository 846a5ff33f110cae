//! Queries of Amazon Athena: what a table is, the run of one statement, and its result in S3.

mod error;
mod execution;
mod result;
mod scan;
mod steps;

pub use self::error::{QueryEnd, QueryError};
pub use self::execution::{FinishedQuery, QueryOrder, run};
pub use self::result::{
    ResultError, ResultObject, UnloadedObject, UnloadedResult, open_result, open_unloaded,
};
pub use self::scan::QueryScan;

use crate::aws::{self, AwsFailure, DEFAULT_CATALOG, SdkConfig, TableDescription, TablePath};

/// Describes a table: Glue is asked about the default catalog, and Athena about all others, in a workgroup.
///
/// # Errors
///
/// Returns AWS's refusal, or what the answer lacks.
pub async fn describe_table(
    config: &SdkConfig,
    path: &TablePath,
    workgroup: Option<&str>,
) -> Result<TableDescription, AwsFailure> {
    match path.catalog.as_deref() {
        // Athena takes the name of this catalog in any case of letters.
        Some(catalog) if !catalog.eq_ignore_ascii_case(DEFAULT_CATALOG) => {
            aws::athena(config).table(path, workgroup).await
        }
        _ => {
            let glue = aws::glue(config);
            glue.table(&path.database, &path.table).await
        }
    }
}
