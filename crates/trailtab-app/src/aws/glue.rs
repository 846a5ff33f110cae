//! Descriptions of tables in the AWS Glue Data Catalog.

use std::collections::BTreeMap;

use aws_config::SdkConfig;
use serde::{Deserialize, Serialize};

use super::endpoint::DirectService;
use super::failure::AwsFailure;
use super::json::JsonClient;

const GLUE: DirectService = DirectService {
    id: "Glue",
    name: "glue",
};

/// Maximum number of columns, partition keys and parameters each. Athena reads no table with more than a few
/// thousand.
const MAX_MEMBERS: usize = 20_000;

/// A table of a catalog, by the names of both.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TablePath {
    /// The catalog; None for the default one, `AwsDataCatalog`.
    pub catalog: Option<String>,
    /// The database in the catalog.
    pub database: String,
    /// The table in the database.
    pub table: String,
}

/// A column of a table, or a key of its partitions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableColumn {
    /// The name; Glue stores names in small letters.
    pub name: String,
    /// The type as Hive writes it, such as `struct<type:string,arn:string>`.
    pub type_text: String,
}

/// What a catalog tells of a table: <https://docs.aws.amazon.com/glue/latest/webapi/API_Table.html>.
/// Members that a catalog may leave out are None; views, for example, have no location.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableDescription {
    /// The name of the table.
    pub name: String,
    /// The columns that files hold, in order.
    pub columns: Vec<TableColumn>,
    /// The keys of partitions, in order.
    pub partition_keys: Vec<TableColumn>,
    /// The address of the folder that holds the table's files, such as `s3://bucket/AWSLogs/`.
    pub location: Option<String>,
    /// The properties of the table, such as `projection.enabled`, `storage.location.template` and
    /// `classification`.
    pub parameters: BTreeMap<String, String>,
    /// The Java class that opens files.
    pub input_format: Option<String>,
    /// The Java class that reads rows.
    pub serde_library: Option<String>,
    /// The kind of table, such as `EXTERNAL_TABLE` or `VIRTUAL_VIEW`.
    pub table_type: Option<String>,
}

/// Glue in the region of a configuration.
#[derive(Debug)]
pub struct GlueClient(JsonClient);

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct GetTableRequest<'t> {
    database_name: &'t str,
    name: &'t str,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct GetDatabaseRequest<'d> {
    name: &'d str,
}

/// Only that there is an answer matters.
#[derive(Deserialize)]
struct GetDatabaseAnswer {}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct GetTableAnswer {
    table: Option<GlueTable>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct GlueTable {
    name: Option<String>,
    storage_descriptor: Option<StorageDescriptor>,
    partition_keys: Option<Vec<CatalogColumn>>,
    parameters: Option<BTreeMap<String, String>>,
    table_type: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct StorageDescriptor {
    columns: Option<Vec<CatalogColumn>>,
    location: Option<String>,
    input_format: Option<String>,
    serde_info: Option<SerdeInfo>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct SerdeInfo {
    serialization_library: Option<String>,
}

/// A column as Glue and Athena write it in answers.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct CatalogColumn {
    name: Option<String>,
    r#type: Option<String>,
}

impl GlueClient {
    pub(super) fn new(config: &SdkConfig) -> GlueClient {
        GlueClient(JsonClient::new(config, &GLUE))
    }

    /// Describes a table of the default catalog with `glue:GetTable`.
    ///
    /// # Errors
    ///
    /// Returns AWS's refusal, for example `EntityNotFoundException`, or what the answer lacks.
    pub async fn table(&self, database: &str, table: &str) -> Result<TableDescription, AwsFailure> {
        let request = GetTableRequest {
            database_name: database,
            name: table,
        };
        let answer: GetTableAnswer = self.0.call("AWSGlue.GetTable", &request).await?;
        described(answer)
    }

    /// Asks for a database of the default catalog with `glue:GetDatabase`.
    ///
    /// # Errors
    ///
    /// Returns AWS's refusal, for example `EntityNotFoundException` if there is none.
    pub async fn database(&self, name: &str) -> Result<(), AwsFailure> {
        let request = GetDatabaseRequest { name };
        let GetDatabaseAnswer {} = self.0.call("AWSGlue.GetDatabase", &request).await?;
        Ok(())
    }
}

fn described(answer: GetTableAnswer) -> Result<TableDescription, AwsFailure> {
    let table = answer.table.ok_or_else(|| AwsFailure::lacks("Table"))?;
    let storage = table.storage_descriptor;
    let storage = storage.ok_or_else(|| AwsFailure::lacks("Table.StorageDescriptor"))?;
    Ok(TableDescription {
        name: table.name.ok_or_else(|| AwsFailure::lacks("Table.Name"))?,
        columns: columns_of(storage.columns, "Table.StorageDescriptor.Columns")?,
        // Glue leaves out an empty list.
        partition_keys: columns_of(
            Some(table.partition_keys.unwrap_or_default()),
            "Table.PartitionKeys",
        )?,
        location: given(storage.location),
        parameters: bounded_parameters(table.parameters)?,
        input_format: given(storage.input_format),
        serde_library: given(
            storage
                .serde_info
                .and_then(|info| info.serialization_library),
        ),
        table_type: given(table.table_type),
    })
}

/// A text that is not empty.
pub(super) fn given(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.is_empty())
}

/// The columns of a member of an answer.
pub(super) fn columns_of(
    columns: Option<Vec<CatalogColumn>>,
    member: &str,
) -> Result<Vec<TableColumn>, AwsFailure> {
    let columns = columns.ok_or_else(|| AwsFailure::lacks(member))?;
    check_count(columns.len(), member)?;
    let columns = columns.into_iter().map(|column| {
        let name = given(column.name);
        let name =
            name.ok_or_else(|| AwsFailure::lacks(&format!("the Name of one of {member}")))?;
        let type_text = given(column.r#type);
        let type_text = type_text.ok_or_else(|| {
            AwsFailure::lacks(&format!("the Type of column {name:?} in {member}"))
        })?;
        Ok(TableColumn { name, type_text })
    });
    columns.collect()
}

/// The parameters of a table; one without any has none in the answer.
pub(super) fn bounded_parameters(
    parameters: Option<BTreeMap<String, String>>,
) -> Result<BTreeMap<String, String>, AwsFailure> {
    let parameters = parameters.unwrap_or_default();
    check_count(parameters.len(), "the table's Parameters")?;
    Ok(parameters)
}

fn check_count(count: usize, member: &str) -> Result<(), AwsFailure> {
    match count > MAX_MEMBERS {
        true => Err(AwsFailure::of_answer(format!(
            "the answer has {count} members in {member}, more than the {MAX_MEMBERS} that are read"
        ))),
        false => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(json: &str) -> Result<TableDescription, String> {
        let answer = serde_json::from_str(json).map_err(|error| error.to_string())?;
        described(answer).map_err(|failure| failure.explanation)
    }

    #[test]
    fn a_table_is_described_by_what_glue_tells() {
        let described = table(
            r#"{"Table":{"Name":"trail","TableType":"EXTERNAL_TABLE",
            "StorageDescriptor":{"Columns":[{"Name":"eventname","Type":"string","Comment":""}],
              "Location":"s3://b/AWSLogs/","InputFormat":"com.amazon.emr.cloudtrail.CloudTrailInputFormat",
              "SerdeInfo":{"SerializationLibrary":"org.apache.hive.hcatalog.data.JsonSerDe"}},
            "PartitionKeys":[{"Name":"day","Type":"string"}],
            "Parameters":{"projection.enabled":"true"}}}"#,
        );
        let described = described.unwrap();
        let column = |name: &str| TableColumn {
            name: name.to_owned(),
            type_text: "string".to_owned(),
        };
        assert_eq!(described.columns, [column("eventname")]);
        assert_eq!(described.partition_keys, [column("day")]);
        assert_eq!(described.location.as_deref(), Some("s3://b/AWSLogs/"));
        assert_eq!(described.parameters["projection.enabled"], "true");
        let serde = described.serde_library.as_deref();
        assert_eq!(serde, Some("org.apache.hive.hcatalog.data.JsonSerDe"));
    }

    #[test]
    fn what_a_table_lacks_is_named() {
        for (json, lack) in [
            ("{}", "Table"),
            (r#"{"Table":{"Name":"t"}}"#, "Table.StorageDescriptor"),
            (
                r#"{"Table":{"Name":"t","StorageDescriptor":{}}}"#,
                "Table.StorageDescriptor.Columns",
            ),
            (
                r#"{"Table":{"StorageDescriptor":{"Columns":[]}}}"#,
                "Table.Name",
            ),
            (
                r#"{"Table":{"Name":"t","StorageDescriptor":{"Columns":[{"Name":"a"}]}}}"#,
                r#"the Type of column "a" in Table.StorageDescriptor.Columns"#,
            ),
        ] {
            assert_eq!(table(json), Err(format!("the answer lacks {lack}")));
        }
        let many = vec![r#"{"Name":"a","Type":"b"}"#; MAX_MEMBERS + 1].join(",");
        let many =
            format!(r#"{{"Table":{{"Name":"t","StorageDescriptor":{{"Columns":[{many}]}}}}}}"#);
        assert!(table(&many).unwrap_err().contains("more than the 20000"));
    }
}
