//! Answers of Athena, and what is used of them.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{AthenaQueryError, QueryId, QueryState, QueryStatus, WorkgroupSettings};
use crate::aws::credentials::one_line;
use crate::aws::failure::AwsFailure;
use crate::aws::glue::{CatalogColumn, TableDescription, bounded_parameters, columns_of, given};

/// Names of the parameters that hold what Glue keeps in the storage descriptor.
const LOCATION: &str = "location";
const INPUT_FORMAT: &str = "inputformat";
const SERDE_LIBRARY: &str = "serde.serialization.lib";

/// An answer of which no member is used.
#[derive(Deserialize)]
pub(super) struct NoMembers {}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct StartQueryExecutionAnswer {
    query_execution_id: Option<String>,
}

impl StartQueryExecutionAnswer {
    pub(super) fn id(self) -> Result<QueryId, AwsFailure> {
        id_of(self.query_execution_id, "QueryExecutionId")
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct GetQueryExecutionAnswer {
    query_execution: Option<QueryExecution>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct QueryExecution {
    query_execution_id: Option<String>,
    query: Option<String>,
    managed_query_results_configuration: Option<ManagedResults>,
    result_configuration: Option<ResultLocation>,
    status: Option<QueryExecutionStatus>,
    #[serde(default)]
    statistics: QueryExecutionStatistics,
    work_group: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ManagedResults {
    enabled: Option<bool>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ResultLocation {
    output_location: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct QueryExecutionStatus {
    state: Option<String>,
    state_change_reason: Option<String>,
    athena_error: Option<AthenaError>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct AthenaError {
    retryable: Option<bool>,
    error_message: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct QueryExecutionStatistics {
    engine_execution_time_in_millis: Option<u64>,
    data_scanned_in_bytes: Option<u64>,
    data_manifest_location: Option<String>,
    query_queue_time_in_millis: Option<u64>,
    result_reuse_information: Option<ResultReuse>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ResultReuse {
    reused_previous_result: Option<bool>,
}

impl GetQueryExecutionAnswer {
    /// The state of the query that was asked for.
    pub(super) fn status(self, asked: &QueryId) -> Result<QueryStatus, AwsFailure> {
        let execution = self.query_execution;
        let execution = execution.ok_or_else(|| AwsFailure::lacks("QueryExecution"))?;
        let id = id_of(
            execution.query_execution_id,
            "QueryExecution.QueryExecutionId",
        )?;
        if id != *asked {
            return Err(AwsFailure::of_answer(format!(
                "the answer is about another query, {id}"
            )));
        }
        let status = execution.status;
        let status = status.ok_or_else(|| AwsFailure::lacks("QueryExecution.Status"))?;
        let state = status.state;
        let state = state.ok_or_else(|| AwsFailure::lacks("QueryExecution.Status.State"))?;
        let error = status.athena_error.map(|error| AthenaQueryError {
            retryable: error.retryable,
            message: line(error.error_message),
        });
        let is_managed = is_managed(execution.managed_query_results_configuration);
        let location = execution.result_configuration;
        let location = location.and_then(|result| given(result.output_location));
        let statistics = execution.statistics;
        Ok(QueryStatus {
            id,
            statement: execution.query,
            state: state_of(&state)?,
            reason: line(status.state_change_reason),
            error,
            output_location: location.filter(|_| !is_managed),
            manifest_location: given(statistics.data_manifest_location),
            scanned_bytes: statistics.data_scanned_in_bytes,
            engine_ms: statistics.engine_execution_time_in_millis,
            queue_ms: statistics.query_queue_time_in_millis,
            reused: statistics
                .result_reuse_information
                .and_then(|reuse| reuse.reused_previous_result),
            workgroup: line(execution.work_group),
        })
    }
}

fn id_of(text: Option<String>, member: &str) -> Result<QueryId, AwsFailure> {
    let text = text.ok_or_else(|| AwsFailure::lacks(member))?;
    let id = text.parse();
    id.map_err(|_| AwsFailure::of_answer(format!("the answer's {member} is no id of a query")))
}

fn state_of(name: &str) -> Result<QueryState, AwsFailure> {
    match name {
        "QUEUED" => Ok(QueryState::Queued),
        "RUNNING" => Ok(QueryState::Running),
        "SUCCEEDED" => Ok(QueryState::Succeeded),
        "FAILED" => Ok(QueryState::Failed),
        "CANCELLED" => Ok(QueryState::Cancelled),
        other => {
            let other = one_line(other);
            Err(AwsFailure::of_answer(format!(
                "the query has the state {other:?}, which this program does not know"
            )))
        }
    }
}

/// Workgroups from before managed results have no such member.
fn is_managed(managed: Option<ManagedResults>) -> bool {
    managed.is_some_and(|managed| managed.enabled == Some(true))
}

/// A text for people, in one line.
fn line(text: Option<String>) -> Option<String> {
    given(text.map(|text| one_line(&text)))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct GetWorkGroupAnswer {
    work_group: Option<WorkGroup>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct WorkGroup {
    name: Option<String>,
    state: Option<String>,
    configuration: Option<WorkGroupConfiguration>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct WorkGroupConfiguration {
    enforce_work_group_configuration: Option<bool>,
    bytes_scanned_cutoff_per_query: Option<u64>,
    result_configuration: Option<ResultLocation>,
    managed_query_results_configuration: Option<ManagedResults>,
    engine_version: Option<EngineVersion>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct EngineVersion {
    effective_engine_version: Option<String>,
}

impl GetWorkGroupAnswer {
    pub(super) fn settings(self) -> Result<WorkgroupSettings, AwsFailure> {
        let lacks = |member: &'static str| move || AwsFailure::lacks(member);
        let group = self.work_group.ok_or_else(lacks("WorkGroup"))?;
        let state = group.state.ok_or_else(lacks("WorkGroup.State"))?;
        let configuration = group.configuration;
        let configuration = configuration.ok_or_else(lacks("WorkGroup.Configuration"))?;
        let location = configuration.result_configuration;
        let engine = configuration.engine_version;
        Ok(WorkgroupSettings {
            name: line(group.name).ok_or_else(lacks("WorkGroup.Name"))?,
            is_enabled: state == "ENABLED",
            output_location: location.and_then(|result| given(result.output_location)),
            // A location that a run names is ignored by a workgroup that enforces its own.
            enforces_configuration: configuration
                .enforce_work_group_configuration
                .unwrap_or_default(),
            scan_limit_bytes: configuration.bytes_scanned_cutoff_per_query,
            has_managed_results: is_managed(configuration.managed_query_results_configuration),
            engine: engine.and_then(|engine| line(engine.effective_engine_version)),
        })
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct GetTableMetadataAnswer {
    table_metadata: Option<TableMetadata>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct TableMetadata {
    name: Option<String>,
    table_type: Option<String>,
    columns: Option<Vec<CatalogColumn>>,
    partition_keys: Option<Vec<CatalogColumn>>,
    parameters: Option<BTreeMap<String, String>>,
}

impl GetTableMetadataAnswer {
    pub(super) fn description(self) -> Result<TableDescription, AwsFailure> {
        let table = self.table_metadata;
        let table = table.ok_or_else(|| AwsFailure::lacks("TableMetadata"))?;
        let parameters = bounded_parameters(table.parameters)?;
        let parameter = |name: &str| given(parameters.get(name).cloned());
        let name = given(table.name);
        Ok(TableDescription {
            name: name.ok_or_else(|| AwsFailure::lacks("TableMetadata.Name"))?,
            columns: columns_of(table.columns, "TableMetadata.Columns")?,
            // Athena leaves out an empty list.
            partition_keys: columns_of(
                Some(table.partition_keys.unwrap_or_default()),
                "TableMetadata.PartitionKeys",
            )?,
            location: parameter(LOCATION),
            input_format: parameter(INPUT_FORMAT),
            serde_library: parameter(SERDE_LIBRARY),
            table_type: given(table.table_type),
            parameters,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(json: &str) -> Result<QueryStatus, String> {
        let answer: Result<GetQueryExecutionAnswer, _> = serde_json::from_str(json);
        let answer = answer.map_err(|error| error.to_string())?;
        let asked = "a-1".parse().unwrap();
        answer.status(&asked).map_err(|failure| failure.explanation)
    }

    #[test]
    fn the_status_of_a_query_is_what_athena_tells() {
        let status = status(
            r#"{"QueryExecution":{"QueryExecutionId":"a-1","Query":"SELECT 1","StatementType":"DML",
            "ResultConfiguration":{"OutputLocation":"s3://b/r/a-1.csv"},"WorkGroup":"primary",
            "Status":{"State":"FAILED","StateChangeReason":"INTERNAL_ERROR:\nx","SubmissionDateTime":1.7e9,
              "AthenaError":{"ErrorCategory":1,"ErrorType":401,"Retryable":true,"ErrorMessage":"m"}},
            "Statistics":{"EngineExecutionTimeInMillis":12,"DataScannedInBytes":7,"QueryQueueTimeInMillis":3,
              "DataManifestLocation":"s3://b/r/a-1-manifest.csv","ResultReuseInformation":{"ReusedPreviousResult":false}}}}"#,
        );
        let status = status.unwrap();
        assert_eq!(status.state, QueryState::Failed);
        assert_eq!(status.reason.as_deref(), Some("INTERNAL_ERROR: x"));
        assert_eq!(status.error.unwrap().retryable, Some(true));
        assert_eq!(status.output_location.as_deref(), Some("s3://b/r/a-1.csv"));
        let counts = (status.scanned_bytes, status.engine_ms, status.queue_ms);
        assert_eq!(counts, (Some(7), Some(12), Some(3)));
        assert_eq!(status.reused, Some(false));
    }

    #[test]
    fn what_athena_does_not_tell_is_not_zero() {
        let status = status(
            r#"{"QueryExecution":{"QueryExecutionId":"a-1","Status":{"State":"QUEUED"},
            "ResultConfiguration":{"OutputLocation":"s3://b"},"ManagedQueryResultsConfiguration":{"Enabled":true}}}"#,
        );
        let status = status.unwrap();
        let counts = (status.scanned_bytes, status.engine_ms, status.queue_ms);
        assert_eq!(counts, (None, None, None));
        assert_eq!((status.output_location, status.reused), (None, None));
    }

    #[test]
    fn an_answer_that_cannot_be_used_says_why() {
        for (json, words) in [
            ("{}", "lacks QueryExecution"),
            (
                r#"{"QueryExecution":{"QueryExecutionId":"a-1"}}"#,
                "lacks QueryExecution.Status",
            ),
            (
                r#"{"QueryExecution":{"QueryExecutionId":"a-1","Status":{}}}"#,
                "lacks QueryExecution.Status.State",
            ),
            (
                r#"{"QueryExecution":{"QueryExecutionId":"a-1","Status":{"State":"NEW"}}}"#,
                "NEW",
            ),
            (
                r#"{"QueryExecution":{"QueryExecutionId":"b","Status":{"State":"QUEUED"}}}"#,
                "another query, b",
            ),
            (
                r#"{"QueryExecution":{"QueryExecutionId":"../x"}}"#,
                "no id of a query",
            ),
            (
                r#"{"QueryExecution":{"QueryExecutionId":"a-1","Statistics":{"DataScannedInBytes":-1}}}"#,
                "-1",
            ),
        ] {
            let said = status(json).unwrap_err();
            assert!(said.contains(words), "{json}: {said}");
        }
    }

    #[test]
    fn a_workgroup_tells_what_it_demands() {
        let settings = |json: &str| {
            let answer: GetWorkGroupAnswer = serde_json::from_str(json).unwrap();
            answer.settings().map_err(|failure| failure.explanation)
        };
        let primary = settings(
            r#"{"WorkGroup":{"Name":"audit","State":"ENABLED","Configuration":{
            "EnforceWorkGroupConfiguration":true,"BytesScannedCutoffPerQuery":10000000,
            "ResultConfiguration":{"OutputLocation":"s3://b/r/"},
            "EngineVersion":{"SelectedEngineVersion":"AUTO","EffectiveEngineVersion":"Athena engine version 3"}}}}"#,
        );
        let expected = WorkgroupSettings {
            name: "audit".to_owned(),
            is_enabled: true,
            output_location: Some("s3://b/r/".to_owned()),
            enforces_configuration: true,
            scan_limit_bytes: Some(10_000_000),
            has_managed_results: false,
            engine: Some("Athena engine version 3".to_owned()),
        };
        assert_eq!(primary, Ok(expected));
        let bare = r#"{"WorkGroup":{"Name":"a","State":"DISABLED","Configuration":{}}}"#;
        let bare = settings(bare).unwrap();
        assert!(!bare.is_enabled && !bare.enforces_configuration && bare.output_location.is_none());
        let said = settings(r#"{"WorkGroup":{"Name":"a","State":"ENABLED"}}"#).unwrap_err();
        assert!(said.ends_with("WorkGroup.Configuration"), "{said}");
    }

    #[test]
    fn table_metadata_has_the_storage_in_its_parameters() {
        let answer: GetTableMetadataAnswer = serde_json::from_str(
            r#"{"TableMetadata":{"Name":"t","TableType":"EXTERNAL_TABLE","Columns":[{"Name":"a","Type":"string"}],
            "PartitionKeys":[{"Name":"day","Type":"string"}],"Parameters":{"location":"s3://b/x",
            "inputformat":"i","serde.serialization.lib":"s","projection.enabled":"true"}}}"#,
        )
        .unwrap();
        let table = answer.description().unwrap();
        assert_eq!(table.location.as_deref(), Some("s3://b/x"));
        assert_eq!(table.input_format.as_deref(), Some("i"));
        assert_eq!(table.serde_library.as_deref(), Some("s"));
        assert_eq!(table.partition_keys.len(), 1);
        let empty: GetTableMetadataAnswer = serde_json::from_str("{}").unwrap();
        assert!(empty.description().is_err());
    }
}
