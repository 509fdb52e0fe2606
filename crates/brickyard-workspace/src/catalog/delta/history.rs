use std::collections::BTreeMap;

use serde_json::Value;

use super::fault::DeltaError;
use super::log::Log;

/// One line of `DESCRIBE HISTORY`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Commit {
    pub(crate) version: i64,
    /// Milliseconds since the epoch.
    pub(crate) timestamp: i64,
    pub(crate) user_name: Option<String>,
    pub(crate) operation: String,
    pub(crate) operation_parameters: BTreeMap<String, String>,
    pub(crate) operation_metrics: BTreeMap<String, String>,
    pub(crate) read_version: Option<i64>,
    pub(crate) isolation_level: Option<String>,
    pub(crate) is_blind_append: Option<bool>,
    pub(crate) engine_info: Option<String>,
}

/// The commits of a table, the latest first.
pub(crate) fn history(log: &Log, limit: usize) -> Result<Vec<Commit>, DeltaError> {
    let mut commits = Vec::new();
    for version in log.versions()?.into_iter().rev().take(limit) {
        let actions = log.commit(version)?;
        let info = actions.iter().find_map(|action| action.get("commitInfo")).unwrap_or(&Value::Null);
        commits.push(commit(version, info));
    }
    if commits.is_empty() {
        return Err(DeltaError::NotATable { path: log.table.clone() });
    }
    Ok(commits)
}

/// Rows that commits changed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct ChangedRows {
    pub(crate) inserted: i64,
    pub(crate) updated: i64,
    pub(crate) deleted: i64,
}

impl ChangedRows {
    /// All of them.
    pub(crate) fn total(self) -> i64 {
        self.inserted + self.updated + self.deleted
    }
}

/// Rows that the commits after `since` inserted, updated or deleted, as their writers counted them.
pub(crate) fn changed_rows(log: &Log, since: i64) -> Result<ChangedRows, DeltaError> {
    let mut rows = ChangedRows::default();
    for version in log.versions()?.into_iter().filter(|version| *version > since) {
        let actions = log.commit(version)?;
        let info = actions.iter().find_map(|action| action.get("commitInfo")).unwrap_or(&Value::Null);
        let commit = commit(version, info);
        let count = |name: &str| -> i64 {
            commit.operation_metrics.get(name).and_then(|text| text.parse().ok()).unwrap_or(0)
        };
        match commit.operation.as_str() {
            "UPDATE" => rows.updated += count("numUpdatedRows"),
            "DELETE" => rows.deleted += count("numDeletedRows"),
            "MERGE" => {
                rows.inserted += count("numTargetRowsInserted");
                rows.updated += count("numTargetRowsUpdated");
                rows.deleted += count("numTargetRowsDeleted");
            }
            "WRITE" => rows.inserted += count("numOutputRows"),
            _ => {}
        }
    }
    Ok(rows)
}

fn commit(version: i64, info: &Value) -> Commit {
    let text = |name: &str| info[name].as_str().map(str::to_owned);
    let map = |name: &str| {
        let entries = info[name].as_object().into_iter().flatten();
        entries
            .filter(|(_, value)| !value.is_null())
            .map(|(key, value)| {
                (key.clone(), value.as_str().map_or_else(|| value.to_string(), str::to_owned))
            })
            .collect()
    };
    Commit {
        version,
        timestamp: info["timestamp"].as_i64().unwrap_or(0),
        user_name: text("userName"),
        operation: text("operation").unwrap_or_else(|| "UNKNOWN".to_owned()),
        operation_parameters: map("operationParameters"),
        operation_metrics: map("operationMetrics"),
        read_version: info["readVersion"].as_i64(),
        isolation_level: text("isolationLevel"),
        is_blind_append: info["isBlindAppend"].as_bool(),
        engine_info: text("engineInfo"),
    }
}
