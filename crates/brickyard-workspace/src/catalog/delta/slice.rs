//! Part of a table by its commits: the files that were added since a version, as a table of their own.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use super::clone::{link, link_vectors};
use super::fault::DeltaError;
use super::log::{Log, Snapshot};
use super::restore::{decode, state};
use super::table::commit_info;

/// What has come to a table since a version.
#[derive(Debug)]
pub(crate) struct Slice {
    /// The table as it is now.
    pub(crate) snapshot: Snapshot,
    /// `add` actions.
    files: Vec<Value>,
}

/// What has come to a table after version `since`; everything that is there, where nothing was read yet. With `skip`
/// commits that change or delete rows are passed over.
///
/// Errors: a commit in between changes rows (`DELTA_SOURCE_TABLE_IGNORE_CHANGES`) or deletes some
/// (`DELTA_SOURCE_IGNORE_DELETE`).
pub(crate) fn slice(log: &Log, since: Option<i64>, skip: bool) -> Result<Slice, DeltaError> {
    let snapshot = log.snapshot()?;
    let Some(since) = since else {
        let (files, _) = state(log, snapshot.version)?;
        return Ok(Slice { snapshot, files: files.into_values().collect() });
    };
    if since > snapshot.version {
        let text = format!(
            "The table has version {} and was read to version {since}: it is not the one that it was.",
            snapshot.version
        );
        return Err(DeltaError::Classed("DELTA_VERSION_NOT_FOUND", "22003", text));
    }
    let mut files = Vec::new();
    for version in since + 1..=snapshot.version {
        let actions = log.commit(version)?;
        let changes = |file: &&Value| file["dataChange"] != false;
        let removed: Vec<&Value> =
            actions.iter().filter_map(|action| action.get("remove")).filter(changes).collect();
        let added: Vec<&Value> =
            actions.iter().filter_map(|action| action.get("add")).filter(changes).collect();
        if let Some(first) = removed.first() {
            if skip {
                continue;
            }
            return Err(changed(first, version, !added.is_empty()));
        }
        files.extend(added.into_iter().cloned());
    }
    Ok(Slice { snapshot, files })
}

fn changed(file: &Value, version: i64, updates: bool) -> DeltaError {
    let file = file["path"].as_str().unwrap_or_default();
    if updates {
        let text = format!(
            "Detected a data update (for example {file}) in the source table at version {version}. This is currently not supported. If this is going to happen regularly and you are okay to skip changes, set the option 'skipChangeCommits' to 'true'. If you would like the data update to be reflected, do a full refresh: REFRESH STREAMING TABLE … FULL."
        );
        return DeltaError::Classed("DELTA_SOURCE_TABLE_IGNORE_CHANGES", "0A000", text);
    }
    let text = format!(
        "Detected deleted data (for example {file}) from streaming source at version {version}. This is currently not supported. If you'd like to ignore deletes, set the option 'skipChangeCommits' to 'true', or do a full refresh: REFRESH STREAMING TABLE … FULL."
    );
    DeltaError::Classed("DELTA_SOURCE_IGNORE_DELETE", "0A000", text)
}

impl Slice {
    /// Whether nothing has come.
    pub(crate) fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// Makes a table of it in `directory`, with links to the files of `table`.
    pub(crate) fn place(&self, table: &Path, directory: &Path, now: i64) -> Result<(), DeltaError> {
        let disk = |source: std::io::Error| DeltaError::Disk { path: directory.to_path_buf(), source };
        fs::create_dir_all(directory).map_err(disk)?;
        for file in &self.files {
            let path = decode(file["path"].as_str().unwrap_or_default());
            link(&table.join(&path), &directory.join(&path)).map_err(disk)?;
        }
        if self.files.iter().any(|file| !file["deletionVector"].is_null()) {
            link_vectors(table, directory).map_err(disk)?;
        }
        let mut actions = vec![
            commit_info("", now, "CLONE", &json!({}), &json!({})),
            json!({ "protocol": self.snapshot.protocol }),
            json!({ "metaData": self.snapshot.metadata }),
        ];
        actions.extend(self.files.iter().map(|file| json!({ "add": file })));
        if Log::of(directory).write(0, &actions)? {
            Ok(())
        } else {
            Err(DeltaError::Exists { path: directory.to_path_buf() })
        }
    }
}
