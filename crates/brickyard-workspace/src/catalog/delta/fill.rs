//! Rows that are written beside a table and taken into it in one commit, which also says what was read for them.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use uuid::Uuid;

use super::action::Metadata;
use super::fault::DeltaError;
use super::log::Log;
use super::restore::{decode, removals, state};
use super::stage::begin;
use super::table::commit_info;

/// Key of `commitInfo` that says what was read of streams.
const READ: &str = "brickyardRead";

/// Rows that were written beside a table.
#[derive(Debug)]
pub(crate) struct Fill<'a> {
    /// The table in between that holds them.
    pub(crate) stage: &'a Path,
    /// Whether they take the place of all that is there.
    pub(crate) replaces: bool,
    /// What the table becomes.
    pub(crate) metadata: Metadata,
    /// What was read of streams for them; nothing for other tables.
    pub(crate) read: Option<Value>,
    /// What the history calls it, and its parameters.
    pub(crate) operation: (&'static str, Value),
    /// Who writes.
    pub(crate) user: &'a str,
    /// Milliseconds since the epoch.
    pub(crate) now: i64,
}

/// Makes an empty table in between with the columns, partitions and constraints of another.
pub(crate) fn stage_like(directory: &Path, now: i64, metadata: &Metadata) -> Result<(), DeltaError> {
    let metadata = Metadata { id: Uuid::new_v4().to_string(), ..metadata.clone() };
    begin(directory, now, &metadata)
}

/// Takes the rows in: readers see the table as it was, or with all of them.
pub(crate) fn fill(table: &Path, fill: &Fill<'_>) -> Result<i64, DeltaError> {
    let log = Log::of(table);
    let snapshot = log.snapshot()?;
    let added = moved(table, fill)?;
    let mut metadata = fill.metadata.clone();
    metadata.id.clone_from(&snapshot.metadata.id);
    metadata.created_time = snapshot.metadata.created_time;
    let rows = |file: &Value| {
        let stats: Value =
            file["stats"].as_str().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
        stats["numRecords"].as_i64().unwrap_or(0)
    };
    let metrics = json!({
        "numFiles": added.len().to_string(),
        "numOutputRows": added.iter().map(rows).sum::<i64>().to_string(),
        "numOutputBytes": added.iter().filter_map(|file| file["size"].as_i64()).sum::<i64>().to_string(),
    });
    let (operation, parameters) = &fill.operation;
    let mut info = commit_info(fill.user, fill.now, operation, parameters, &metrics);
    if let Some(read) = &fill.read {
        info["commitInfo"][READ] = read.clone();
    }
    let mut actions = vec![info];
    let mut protocol = snapshot.protocol.clone();
    if protocol.require(&metadata) {
        actions.push(json!({ "protocol": protocol }));
    }
    if metadata != snapshot.metadata {
        actions.push(json!({ "metaData": metadata }));
    }
    if fill.replaces {
        actions.extend(removals(&log, snapshot.version, fill.now)?);
    }
    actions.extend(added.into_iter().map(|file| json!({ "add": file })));
    // Who fills a table holds its lock: another writer is one that does not know of it.
    if log.write(snapshot.version + 1, &actions)? {
        Ok(snapshot.version + 1)
    } else {
        Err(DeltaError::Conflict)
    }
}

/// The files of the table in between, moved to where the table's lie, as it is to know them.
fn moved(table: &Path, fill: &Fill<'_>) -> Result<Vec<Value>, DeltaError> {
    let stage = Log::of(fill.stage);
    let (files, _) = state(&stage, stage.latest()?.unwrap_or(-1))?;
    let mut added = Vec::new();
    for (number, file) in files.into_values().enumerate() {
        let from = fill.stage.join(decode(file["path"].as_str().unwrap_or_default()));
        let name = format!("part-{number:05}-{}.c000.zstd.parquet", Uuid::new_v4());
        fs::rename(&from, table.join(&name)).map_err(|source| DeltaError::Disk { path: from, source })?;
        added.push(json!({
            "path": name, "partitionValues": file["partitionValues"], "size": file["size"],
            "modificationTime": fill.now, "dataChange": true, "stats": file["stats"],
        }));
    }
    Ok(added)
}

/// What was read of streams for each commit of a table that says so, from the first to the last.
pub(crate) fn read_so_far(table: &Path) -> Result<Vec<Value>, DeltaError> {
    let log = Log::of(table);
    let mut read = Vec::new();
    for version in log.versions()? {
        let mut actions = log.commit(version)?.into_iter();
        read.extend(actions.find_map(|action| action["commitInfo"].get(READ).cloned()));
    }
    Ok(read)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::column::Column;
    use crate::catalog::data_type::DataType;
    use crate::catalog::delta::{NewTable, create};

    #[test]
    fn rows_and_what_was_read_for_them_are_one_commit() {
        let home = tempfile::tempdir().unwrap();
        let table = home.path().join("table");
        let columns = vec![Column::new("id", DataType::Plain("bigint"))];
        create(&table, &NewTable { columns, ..NewTable::default() }).unwrap();
        let before = Log::of(&table).snapshot().unwrap();
        for (round, replaces) in [(1, false), (2, true)] {
            let stage = table.join(format!("_stage-{round}"));
            stage_like(&stage, 5, &before.metadata).unwrap();
            fs::write(stage.join("a.parquet"), b"rows").unwrap();
            let add = json!({ "add": { "path": "a.parquet", "size": 4, "partitionValues": {} } });
            assert!(Log::of(&stage).write(1, &[add]).unwrap());
            let filled = Fill {
                stage: &stage,
                replaces,
                metadata: before.metadata.clone(),
                read: Some(json!({ "round": round })),
                operation: ("WRITE", json!({})),
                user: "ada",
                now: 7,
            };
            assert_eq!(fill(&table, &filled).unwrap(), round);
        }
        let (files, _) = state(&Log::of(&table), 2).unwrap();
        assert_eq!(files.len(), 1, "the second round took the place of the first");
        assert_eq!(read_so_far(&table).unwrap(), [json!({ "round": 1 }), json!({ "round": 2 })]);
        assert!(files.values().all(|file| table.join(file["path"].as_str().unwrap()).is_file()));
    }
}
