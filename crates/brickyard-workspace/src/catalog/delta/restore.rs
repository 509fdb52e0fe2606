use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Value, json};

use super::action::Metadata;
use super::fault::DeltaError;
use super::log::{Log, Snapshot};
use super::table::commit_info;

/// What `RESTORE` did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::struct_field_names, reason = "as the statement's result names them")]
pub(crate) struct Restored {
    pub(crate) table_size_after_restore: i64,
    pub(crate) num_of_files_after_restore: i64,
    pub(crate) num_removed_files: i64,
    pub(crate) num_restored_files: i64,
    pub(crate) removed_files_size: i64,
    pub(crate) restored_files_size: i64,
}

/// What `DESCRIBE DETAIL` says beside the catalog's own.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Detail {
    pub(crate) snapshot: Snapshot,
    /// Time of the last commit, milliseconds since the epoch.
    pub(crate) last_modified: i64,
    pub(crate) num_files: i64,
    pub(crate) size_in_bytes: i64,
}

/// Files of a table by path and deletion vector.
type Files = BTreeMap<(String, String), Value>;

/// Numbers of a table.
pub(crate) fn detail(log: &Log) -> Result<Detail, DeltaError> {
    let snapshot = log.snapshot()?;
    let (files, _) = state(log, snapshot.version)?;
    let info = log.commit(snapshot.version)?;
    let time = info.iter().find_map(|action| action["commitInfo"]["timestamp"].as_i64());
    Ok(Detail {
        last_modified: time.unwrap_or(0),
        num_files: count(files.len()),
        size_in_bytes: size(files.values()),
        snapshot,
    })
}

/// Makes a table what it was at `version`, as a new commit.
pub(crate) fn restore(directory: &Path, user: &str, now: i64, version: i64) -> Result<Restored, DeltaError> {
    let log = Log::of(directory);
    loop {
        let snapshot = log.snapshot()?;
        if version < 0 || version > snapshot.version {
            return Err(DeltaError::NoVersion { version, latest: snapshot.version });
        }
        let (present, _) = state(&log, snapshot.version)?;
        let (past, metadata) = state(&log, version)?;
        let removed: Vec<&Value> =
            present.iter().filter(|(key, _)| !past.contains_key(*key)).map(|(_, file)| file).collect();
        let added: Vec<&Value> =
            past.iter().filter(|(key, _)| !present.contains_key(*key)).map(|(_, file)| file).collect();
        for file in &added {
            let path = file["path"].as_str().unwrap_or_default();
            if !log.table.join(decode(path)).exists() {
                return Err(DeltaError::Refused(format!(
                    "Cannot restore version {version}: its file `{path}` has been removed by VACUUM"
                )));
            }
        }
        let restored = Restored {
            table_size_after_restore: size(past.values()),
            num_of_files_after_restore: count(past.len()),
            num_removed_files: count(removed.len()),
            num_restored_files: count(added.len()),
            removed_files_size: size(removed.iter().copied()),
            restored_files_size: size(added.iter().copied()),
        };
        let metrics = json!({
            "tableSizeAfterRestore": restored.table_size_after_restore.to_string(),
            "numOfFilesAfterRestore": restored.num_of_files_after_restore.to_string(),
            "numRemovedFiles": restored.num_removed_files.to_string(),
            "numRestoredFiles": restored.num_restored_files.to_string(),
            "removedFilesSize": restored.removed_files_size.to_string(),
            "restoredFilesSize": restored.restored_files_size.to_string(),
        });
        let parameters = json!({ "version": version.to_string(), "timestamp": null });
        let mut actions = vec![commit_info(user, now, "RESTORE", &parameters, &metrics)];
        if let Some(metadata) = metadata.filter(|metadata| *metadata != snapshot.metadata) {
            actions.push(json!({ "metaData": metadata }));
        }
        actions.extend(removed.iter().map(|file| json!({ "remove": removal(file, now) })));
        actions.extend(added.iter().map(|file| json!({ "add": file })));
        if log.write(snapshot.version + 1, &actions)? {
            return Ok(restored);
        }
    }
}

/// Actions that take every file of a version away.
pub(super) fn removals(log: &Log, version: i64, now: i64) -> Result<Vec<Value>, DeltaError> {
    let (files, _) = state(log, version)?;
    Ok(files.values().map(|file| json!({ "remove": removal(file, now) })).collect())
}

/// Files and metadata at a version, from the commits alone.
pub(super) fn state(log: &Log, version: i64) -> Result<(Files, Option<Metadata>), DeltaError> {
    let mut files = Files::new();
    let mut metadata = None;
    for (expected, number) in (0..).zip(log.versions()?.into_iter().take_while(|number| *number <= version)) {
        if number != expected {
            return Err(DeltaError::Damaged {
                path: log.table.join("_delta_log"),
                reason: format!("commit {expected} is missing and checkpoints are not read here"),
            });
        }
        for action in log.commit(number)? {
            if let Some(file) = action.get("remove") {
                files.remove(&key(file));
            }
        }
        for action in log.commit(number)? {
            if let Some(file) = action.get("add") {
                files.insert(key(file), file.clone());
            } else if let Some(found) = action.get("metaData") {
                metadata = serde_json::from_value(found.clone()).ok();
            }
        }
    }
    Ok((files, metadata))
}

fn key(file: &Value) -> (String, String) {
    let vector = &file["deletionVector"];
    let vector = if vector.is_null() {
        String::new()
    } else {
        format!("{}{}@{}", vector["storageType"], vector["pathOrInlineDv"], vector["offset"])
    };
    (file["path"].as_str().unwrap_or_default().to_owned(), vector)
}

pub(super) fn removal(file: &Value, now: i64) -> Value {
    let mut removal = json!({
        "path": file["path"], "deletionTimestamp": now, "dataChange": true, "extendedFileMetadata": true,
        "partitionValues": file["partitionValues"], "size": file["size"],
    });
    if !file["deletionVector"].is_null() {
        removal["deletionVector"] = file["deletionVector"].clone();
    }
    removal
}

pub(super) fn decode(path: &str) -> String {
    percent_encoding::percent_decode_str(path).decode_utf8_lossy().into_owned()
}

fn size<'a>(files: impl IntoIterator<Item = &'a Value>) -> i64 {
    files.into_iter().filter_map(|file| file["size"].as_i64()).sum()
}

fn count(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
