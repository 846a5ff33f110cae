//! Queries of Amazon Athena: <https://docs.aws.amazon.com/athena/latest/APIReference/Welcome.html>.

mod answer;

use std::fmt;
use std::str::FromStr;

use aws_config::SdkConfig;
use serde::Serialize;

use self::answer::{
    GetQueryExecutionAnswer, GetTableMetadataAnswer, GetWorkGroupAnswer, NoMembers,
    StartQueryExecutionAnswer,
};
use super::endpoint::DirectService;
use super::failure::AwsFailure;
use super::glue::{TableDescription, TablePath};
use super::json::JsonClient;

const ATHENA: DirectService = DirectService {
    id: "Athena",
    name: "athena",
};

/// Maximum length of a query's id in bytes. Athena gives UUIDs and allows 128 characters.
const MAX_ID_BYTES: usize = 128;

/// The name of the catalog that Glue keeps.
pub const DEFAULT_CATALOG: &str = "AwsDataCatalog";

/// The id of a query execution: 1 to 128 letters, digits, hyphens and underscores. It is a safe component
/// of a path.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct QueryId(Box<str>);

/// Why a text is no id of a query.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "expected the id of a query of Athena, such as 8b2a4c1e-5f60-4d7a-9c3b-2e1f0a9d8c7b: at most 128 letters, digits, hyphens and underscores"
)]
pub struct InvalidQueryId;

impl FromStr for QueryId {
    type Err = InvalidQueryId;

    fn from_str(text: &str) -> Result<QueryId, InvalidQueryId> {
        let is_inner = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        let is_id = (1..=MAX_ID_BYTES).contains(&text.len()) && text.bytes().all(is_inner);
        is_id.then(|| QueryId(text.into())).ok_or(InvalidQueryId)
    }
}

impl QueryId {
    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for QueryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// A query to start.
#[derive(Debug, Clone, Copy)]
pub struct QueryStart<'q> {
    /// The text of the query, at most 262,144 bytes.
    pub statement: &'q str,
    /// 32 to 128 characters. Requests with the same token and the same members start one query.
    pub token: &'q str,
    /// The catalog that names without one belong to; None for the default.
    pub catalog: Option<&'q str>,
    /// The database that names without one belong to.
    pub database: Option<&'q str>,
    /// The workgroup; None for `primary`.
    pub workgroup: Option<&'q str>,
    /// The folder in S3 for the result; None for the workgroup's.
    pub output_location: Option<&'q str>,
    /// The greatest age, in minutes, of a result of the same text that may be used again; None to scan in
    /// any case.
    pub reuse_max_age_minutes: Option<u32>,
}

/// Where a query has come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QueryState {
    /// It waits for capacity.
    Queued,
    /// It runs.
    Running,
    /// Its result is complete.
    Succeeded,
    /// It ended with an error.
    Failed,
    /// It was stopped, by a caller or by a limit.
    Cancelled,
}

/// Why a query failed, beside the reason of its state.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AthenaQueryError {
    /// Whether AWS says that the same query may succeed; None if it does not say.
    pub retryable: Option<bool>,
    /// A description.
    pub message: Option<String>,
}

/// What Athena tells of a query. Counts are None while Athena does not tell them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueryStatus {
    /// The id.
    pub id: QueryId,
    /// The text of the query.
    pub statement: Option<String>,
    /// Where it has come to.
    pub state: QueryState,
    /// Why it is in this state.
    pub reason: Option<String>,
    /// The error of a failed query.
    pub error: Option<AthenaQueryError>,
    /// The address of the result in S3. None if Athena keeps it (managed query results).
    pub output_location: Option<String>,
    /// The address of the list of files that UNLOAD wrote.
    pub manifest_location: Option<String>,
    /// Bytes read from S3, as stored. Those of queries that failed or were cancelled are billed as well.
    pub scanned_bytes: Option<u64>,
    /// The time that it ran, in milliseconds.
    pub engine_ms: Option<u64>,
    /// The time that it waited, in milliseconds.
    pub queue_ms: Option<u64>,
    /// Whether it used the result of an earlier query.
    pub reused: Option<bool>,
    /// The workgroup.
    pub workgroup: Option<String>,
}

/// What a workgroup demands of its queries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkgroupSettings {
    /// The name.
    pub name: String,
    /// Whether it takes queries.
    pub is_enabled: bool,
    /// The folder in S3 for results.
    pub output_location: Option<String>,
    /// Whether its settings replace those of a request.
    pub enforces_configuration: bool,
    /// The number of scanned bytes at which it cancels a query.
    pub scan_limit_bytes: Option<u64>,
    /// Whether Athena keeps the results instead of writing them to a bucket of the caller.
    pub has_managed_results: bool,
    /// The engine, such as `Athena engine version 3`; None if Athena does not tell it.
    pub engine: Option<String>,
}

/// Athena in the region of a configuration.
#[derive(Debug)]
pub struct AthenaClient(JsonClient);

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct StartQueryExecutionRequest<'q> {
    query_string: &'q str,
    client_request_token: &'q str,
    #[serde(skip_serializing_if = "Option::is_none")]
    query_execution_context: Option<QueryExecutionContext<'q>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    work_group: Option<&'q str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    result_configuration: Option<ResultConfiguration<'q>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    result_reuse_configuration: Option<ResultReuseConfiguration>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct QueryExecutionContext<'q> {
    #[serde(skip_serializing_if = "Option::is_none")]
    database: Option<&'q str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    catalog: Option<&'q str>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct ResultConfiguration<'q> {
    output_location: &'q str,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct ResultReuseConfiguration {
    result_reuse_by_age_configuration: ResultReuseByAge,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct ResultReuseByAge {
    enabled: bool,
    max_age_in_minutes: u32,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct QueryExecutionRequest<'q> {
    query_execution_id: &'q str,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct GetWorkGroupRequest<'w> {
    work_group: &'w str,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct GetTableMetadataRequest<'t> {
    catalog_name: &'t str,
    database_name: &'t str,
    table_name: &'t str,
    #[serde(skip_serializing_if = "Option::is_none")]
    work_group: Option<&'t str>,
}

impl<'q> StartQueryExecutionRequest<'q> {
    fn new(start: QueryStart<'q>) -> StartQueryExecutionRequest<'q> {
        let QueryStart {
            catalog, database, ..
        } = start;
        let has_context = catalog.is_some() || database.is_some();
        StartQueryExecutionRequest {
            query_string: start.statement,
            client_request_token: start.token,
            query_execution_context: has_context
                .then_some(QueryExecutionContext { database, catalog }),
            work_group: start.workgroup,
            result_configuration: start
                .output_location
                .map(|output_location| ResultConfiguration { output_location }),
            result_reuse_configuration: start.reuse_max_age_minutes.map(|minutes| {
                ResultReuseConfiguration {
                    result_reuse_by_age_configuration: ResultReuseByAge {
                        enabled: true,
                        max_age_in_minutes: minutes,
                    },
                }
            }),
        }
    }
}

impl AthenaClient {
    pub(super) fn new(config: &SdkConfig) -> AthenaClient {
        AthenaClient(JsonClient::new(config, &ATHENA))
    }

    /// Starts a query with `athena:StartQueryExecution`; returns the id of the query that has the token.
    ///
    /// # Errors
    ///
    /// Returns AWS's refusal. If `may_have_arrived` is set in it, the query may run.
    pub async fn start_query(&self, start: QueryStart<'_>) -> Result<QueryId, AwsFailure> {
        let request = StartQueryExecutionRequest::new(start);
        let target = "AmazonAthena.StartQueryExecution";
        let answer: StartQueryExecutionAnswer = self.0.call(target, &request).await?;
        answer.id()
    }

    /// Asks for the state of a query with `athena:GetQueryExecution`.
    ///
    /// # Errors
    ///
    /// Returns AWS's refusal, or what the answer lacks.
    pub async fn query_status(&self, id: &QueryId) -> Result<QueryStatus, AwsFailure> {
        let request = QueryExecutionRequest {
            query_execution_id: id.as_str(),
        };
        let target = "AmazonAthena.GetQueryExecution";
        let answer: GetQueryExecutionAnswer = self.0.call(target, &request).await?;
        answer.status(id)
    }

    /// Asks Athena to stop a query with `athena:StopQueryExecution`. It ends some time later.
    ///
    /// # Errors
    ///
    /// Returns AWS's refusal.
    pub async fn stop_query(&self, id: &QueryId) -> Result<(), AwsFailure> {
        let request = QueryExecutionRequest {
            query_execution_id: id.as_str(),
        };
        let target = "AmazonAthena.StopQueryExecution";
        let NoMembers {} = self.0.call(target, &request).await?;
        Ok(())
    }

    /// Asks for the settings of a workgroup with `athena:GetWorkGroup`.
    ///
    /// # Errors
    ///
    /// Returns AWS's refusal, or what the answer lacks.
    pub async fn workgroup(&self, name: &str) -> Result<WorkgroupSettings, AwsFailure> {
        let request = GetWorkGroupRequest { work_group: name };
        let target = "AmazonAthena.GetWorkGroup";
        let answer: GetWorkGroupAnswer = self.0.call(target, &request).await?;
        answer.settings()
    }

    /// Describes a table of any catalog with `athena:GetTableMetadata`, asked in a workgroup.
    ///
    /// # Errors
    ///
    /// Returns AWS's refusal, or what the answer lacks.
    pub async fn table(
        &self,
        path: &TablePath,
        workgroup: Option<&str>,
    ) -> Result<TableDescription, AwsFailure> {
        let request = GetTableMetadataRequest {
            catalog_name: path.catalog.as_deref().unwrap_or(DEFAULT_CATALOG),
            database_name: &path.database,
            table_name: &path.table,
            work_group: workgroup,
        };
        let target = "AmazonAthena.GetTableMetadata";
        let answer: GetTableMetadataAnswer = self.0.call(target, &request).await?;
        answer.description()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_has_only_the_members_that_are_given() {
        let start = QueryStart {
            statement: "SELECT 1",
            token: "t",
            catalog: None,
            database: None,
            workgroup: None,
            output_location: None,
            reuse_max_age_minutes: None,
        };
        let json = |start| serde_json::to_string(&StartQueryExecutionRequest::new(start)).unwrap();
        assert_eq!(
            json(start),
            r#"{"QueryString":"SELECT 1","ClientRequestToken":"t"}"#
        );
        let all = QueryStart {
            catalog: Some("c"),
            database: Some("d"),
            workgroup: Some("w"),
            output_location: Some("s3://b/r/"),
            reuse_max_age_minutes: Some(60),
            ..start
        };
        assert_eq!(
            json(all),
            r#"{"QueryString":"SELECT 1","ClientRequestToken":"t","QueryExecutionContext":{"Database":"d","Catalog":"c"},"WorkGroup":"w","ResultConfiguration":{"OutputLocation":"s3://b/r/"},"ResultReuseConfiguration":{"ResultReuseByAgeConfiguration":{"Enabled":true,"MaxAgeInMinutes":60}}}"#
        );
    }

    #[test]
    fn ids_are_safe_in_paths() {
        assert!(
            "8b2a4c1e-5f60-4d7a-9c3b-2e1f0a9d8c7b"
                .parse::<QueryId>()
                .is_ok()
        );
        for text in ["", "..", "a/b", "a b", "é", &"a".repeat(129)] {
            assert_eq!(text.parse::<QueryId>(), Err(InvalidQueryId), "{text}");
        }
    }
}
