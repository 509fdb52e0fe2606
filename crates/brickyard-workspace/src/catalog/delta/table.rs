use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Value, json};

use super::action::{Metadata, Protocol, schema_string};
use super::fault::DeltaError;
use super::log::{Log, Snapshot};
use super::mapping;
use super::restore::removals;
use crate::catalog::column::Column;

/// Name under which our commits stand in a log.
pub(super) const ENGINE: &str = concat!("brickyard/", env!("CARGO_PKG_VERSION"));

/// How often a change of metadata is tried when others write at the same time.
const TRIES: usize = 16;

/// A table that is to be made.
#[derive(Debug, Clone, Default)]
pub(crate) struct NewTable {
    pub(crate) columns: Vec<Column>,
    pub(crate) partition_columns: Vec<String>,
    pub(crate) properties: BTreeMap<String, String>,
    pub(crate) comment: Option<String>,
    /// Whether the catalog owns the files.
    pub(crate) managed: bool,
    /// Whether `OR REPLACE` was said.
    pub(crate) replaces: bool,
    /// Who makes it.
    pub(crate) user: String,
    /// Milliseconds since the epoch.
    pub(crate) now: i64,
    /// Id of the table in its log.
    pub(crate) id: String,
}

/// Writes the first commit of a table.
///
/// Deletion vectors are on, as on the platform, unless a property says otherwise: with them the engine counts changed
/// rows right (engine §1).
pub(crate) fn create(directory: &Path, table: &NewTable) -> Result<(), DeltaError> {
    let (protocol, metadata) = begin(table)?;
    let actions = [
        commit_info(&table.user, table.now, table.operation(), &table.parameters(), &json!({})),
        json!({ "protocol": protocol }),
        json!({ "metaData": metadata }),
    ];
    if Log::of(directory).write(0, &actions)? {
        Ok(())
    } else {
        Err(DeltaError::Exists { path: directory.to_path_buf() })
    }
}

/// Makes a table anew in a commit of its own: other columns, no rows; its history stays.
pub(crate) fn replace(directory: &Path, table: &NewTable) -> Result<i64, DeltaError> {
    let log = Log::of(directory);
    for _ in 0..TRIES {
        let snapshot = log.snapshot()?;
        let (_, mut metadata) = begin(table)?;
        metadata.id.clone_from(&snapshot.metadata.id);
        let mut protocol = snapshot.protocol.clone();
        let info =
            commit_info(&table.user, table.now, "CREATE OR REPLACE TABLE", &table.parameters(), &json!({}));
        let mut actions = vec![info];
        if protocol.require(&metadata) {
            actions.push(json!({ "protocol": protocol }));
        }
        actions.push(json!({ "metaData": metadata }));
        actions.extend(removals(&log, snapshot.version, table.now)?);
        if log.write(snapshot.version + 1, &actions)? {
            return Ok(snapshot.version + 1);
        }
    }
    Err(DeltaError::Conflict)
}

fn begin(table: &NewTable) -> Result<(Protocol, Metadata), DeltaError> {
    let mut configuration = table.properties.clone();
    configuration.entry("delta.enableDeletionVectors".to_owned()).or_insert_with(|| "true".to_owned());
    let mut metadata = Metadata {
        id: table.id.clone(),
        name: None,
        description: table.comment.clone(),
        format: json!({ "provider": "parquet", "options": {} }),
        schema_string: schema_string(&table.columns),
        partition_columns: table.partition_columns.clone(),
        configuration,
        created_time: Some(table.now),
    };
    if mapping::is_on(&metadata) {
        mapping::assign(&mut metadata, true)?;
    }
    Ok((Protocol::new(&metadata), metadata))
}

/// What a new table's log will say that it is.
pub(crate) fn metadata_of(table: &NewTable) -> Result<Metadata, DeltaError> {
    Ok(begin(table)?.1)
}

impl NewTable {
    /// What the history calls it.
    fn operation(&self) -> &'static str {
        if self.replaces { "CREATE OR REPLACE TABLE" } else { "CREATE TABLE" }
    }

    fn parameters(&self) -> Value {
        json!({
            "isManaged": self.managed.to_string(),
            "description": self.comment,
            "partitionBy": Value::from(self.partition_columns.clone()).to_string(),
            "properties": Value::from_iter(self.properties.clone()).to_string(),
        })
    }
}

/// Changes a table's metadata in a commit of its own and gives the new version.
///
/// `change` sees the present state; it may be asked again when another writer was faster.
pub(crate) fn alter(
    directory: &Path,
    user: &str,
    now: i64,
    operation: &str,
    parameters: &Value,
    mut change: impl FnMut(&Snapshot, &mut Metadata) -> Result<(), DeltaError>,
) -> Result<i64, DeltaError> {
    let log = Log::of(directory);
    for _ in 0..TRIES {
        let snapshot = log.snapshot()?;
        let mut metadata = snapshot.metadata.clone();
        change(&snapshot, &mut metadata)?;
        if metadata == snapshot.metadata {
            return Ok(snapshot.version);
        }
        let mut protocol = snapshot.protocol.clone();
        let mut actions = vec![commit_info(user, now, operation, parameters, &json!({}))];
        if protocol.require(&metadata) {
            actions.push(json!({ "protocol": protocol }));
        }
        actions.push(json!({ "metaData": metadata }));
        if log.write(snapshot.version + 1, &actions)? {
            return Ok(snapshot.version + 1);
        }
    }
    Err(DeltaError::Conflict)
}

/// The action that says who did what; parameters are text, as the protocol's readers expect.
pub(super) fn commit_info(
    user: &str,
    now: i64,
    operation: &str,
    parameters: &Value,
    metrics: &Value,
) -> Value {
    json!({ "commitInfo": {
        "timestamp": now,
        "userName": user,
        "operation": operation,
        "operationParameters": parameters,
        "isolationLevel": "WriteSerializable",
        "isBlindAppend": false,
        "operationMetrics": metrics,
        "engineInfo": ENGINE,
    }})
}
