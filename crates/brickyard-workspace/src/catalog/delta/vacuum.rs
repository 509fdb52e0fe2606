use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::fault::DeltaError;
use super::log::Log;
use super::restore::{decode, state};
use super::table::commit_info;

/// Removes files of rows that no version needs any more: not in the table now, and neither taken out nor written within
/// `retention` milliseconds. Gives their paths; with `dry_run` they stay.
///
/// Files of deletion vectors stay: they are small, and their names stand in the log only in an encoded form.
pub(crate) fn vacuum(
    directory: &Path,
    user: &str,
    now: i64,
    retention: i64,
    dry_run: bool,
) -> Result<Vec<PathBuf>, DeltaError> {
    let log = Log::of(directory);
    let version = log.snapshot()?.version;
    let (files, _) = state(&log, version)?;
    let path = |file: &Value| directory.join(decode(file["path"].as_str().unwrap_or_default()));
    let mut needed: BTreeSet<PathBuf> = files.values().map(path).collect();
    for commit in log.versions()? {
        for action in log.commit(commit)? {
            let removal = &action["remove"];
            if removal["deletionTimestamp"].as_i64().is_some_and(|time| time > now - retention) {
                needed.insert(path(removal));
            }
        }
    }
    let mut old = Vec::new();
    for entry in walkdir::WalkDir::new(directory).follow_links(false).into_iter().filter_entry(is_of_rows) {
        let entry = entry.map_err(|error| DeltaError::Disk {
            path: directory.to_path_buf(),
            source: error.into_io_error().unwrap_or_else(|| std::io::Error::other("a loop of links")),
        })?;
        let is_rows =
            entry.file_type().is_file() && entry.path().extension().is_some_and(|name| name == "parquet");
        if is_rows && !needed.contains(entry.path()) && written(entry.path())? < now - retention {
            old.push(entry.into_path());
        }
    }
    old.sort();
    if dry_run {
        return Ok(old);
    }
    note(&log, user, now, "VACUUM START", &json!({ "numFilesToDelete": old.len().to_string() }))?;
    for file in &old {
        std::fs::remove_file(file).map_err(|source| DeltaError::Disk { path: file.clone(), source })?;
    }
    note(&log, user, now, "VACUUM END", &json!({ "numDeletedFiles": old.len().to_string() }))?;
    Ok(old)
}

/// Leaves out the log and what is hidden.
fn is_of_rows(entry: &walkdir::DirEntry) -> bool {
    let name = entry.file_name().to_string_lossy();
    entry.depth() == 0 || !(name.starts_with('.') || (name.starts_with('_') && !name.contains('=')))
}

/// When a file was written, in milliseconds since the epoch.
fn written(path: &Path) -> Result<i64, DeltaError> {
    let time = std::fs::metadata(path).and_then(|file| file.modified());
    let time = time.map_err(|source| DeltaError::Disk { path: path.to_path_buf(), source })?;
    let since = time.duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    Ok(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

/// Adds a commit that changes nothing but the history.
fn note(log: &Log, user: &str, now: i64, operation: &str, metrics: &Value) -> Result<(), DeltaError> {
    loop {
        let version = log.snapshot()?.version;
        let info = commit_info(user, now, operation, &json!({}), metrics);
        if log.write(version + 1, &[info])? {
            return Ok(());
        }
    }
}
