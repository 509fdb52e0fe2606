use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use super::fault::DeltaError;
use super::log::Log;
use super::restore::{decode, state};
use super::table::{NewTable, commit_info};

/// Where a clone comes from.
#[derive(Debug, Clone)]
pub(crate) struct Source {
    pub(crate) log: Log,
    /// Full name, for the history.
    pub(crate) name: String,
    /// The version; `None` is the latest.
    pub(crate) version: Option<i64>,
    /// `SHALLOW`. Files are linked either way, so that a clone of either kind costs no room and stands for itself.
    pub(crate) shallow: bool,
}

/// What `CLONE` did.
#[derive(Default)]
struct Cloned {
    source_table_size: i64,
    source_num_of_files: i64,
    num_copied_files: i64,
    copied_files_size: i64,
}

/// Makes a table whose rows, columns and properties are those of another at a version; properties that are given come on top.
pub(crate) fn clone(directory: &Path, source: &Source, table: &NewTable) -> Result<(), DeltaError> {
    let snapshot = source.log.snapshot()?;
    let version = source.version.unwrap_or(snapshot.version);
    if version < 0 || version > snapshot.version {
        return Err(DeltaError::NoVersion { version, latest: snapshot.version });
    }
    let (files, metadata) = state(&source.log, version)?;
    let mut metadata = metadata.unwrap_or(snapshot.metadata);
    metadata.id.clone_from(&table.id);
    metadata.created_time = Some(table.now);
    metadata.configuration.extend(table.properties.clone());
    let disk = |source: std::io::Error| DeltaError::Disk { path: directory.to_path_buf(), source };
    fs::create_dir_all(directory).map_err(disk)?;
    let mut cloned = Cloned::default();
    for file in files.values() {
        let path = decode(file["path"].as_str().unwrap_or_default());
        link(&source.log.table.join(&path), &directory.join(&path)).map_err(disk)?;
        cloned.source_num_of_files += 1;
        cloned.source_table_size += file["size"].as_i64().unwrap_or(0);
    }
    link_vectors(&source.log.table, directory).map_err(disk)?;
    if !source.shallow {
        cloned.num_copied_files = cloned.source_num_of_files;
        cloned.copied_files_size = cloned.source_table_size;
    }
    let parameters = json!({
        "source": source.name, "sourceVersion": version.to_string(), "isShallow": source.shallow.to_string(),
    });
    let metrics = json!({
        "sourceTableSize": cloned.source_table_size.to_string(),
        "sourceNumOfFiles": cloned.source_num_of_files.to_string(),
        "numCopiedFiles": cloned.num_copied_files.to_string(),
        "copiedFilesSize": cloned.copied_files_size.to_string(),
        "numRemovedFiles": "0",
        "removedFilesSize": "0",
    });
    let mut protocol = snapshot.protocol;
    protocol.require(&metadata);
    let mut actions = vec![
        commit_info(&table.user, table.now, "CLONE", &parameters, &metrics),
        json!({ "protocol": protocol }),
        json!({ "metaData": metadata }),
    ];
    actions.extend(files.values().map(|file: &Value| json!({ "add": file })));
    if Log::of(directory).write(0, &actions)? {
        Ok(())
    } else {
        Err(DeltaError::Exists { path: directory.to_path_buf() })
    }
}

/// Deletion vectors are named in the log in an encoded form; they are small and all go along.
pub(super) fn link_vectors(from: &Path, to: &Path) -> std::io::Result<()> {
    let own = |entry: &walkdir::DirEntry| entry.path() != to;
    let vectors = walkdir::WalkDir::new(from).into_iter().filter_entry(own).flatten();
    for vector in vectors.filter(|entry| entry.path().extension().is_some_and(|kind| kind == "bin")) {
        let Ok(below) = vector.path().strip_prefix(from) else { continue };
        link(vector.path(), &to.join(below))?;
    }
    Ok(())
}

/// The same file under another name; copied where links cannot be made. Files of rows never change.
pub(super) fn link(from: &Path, to: &Path) -> std::io::Result<()> {
    if let Some(parent) = to.parent() {
        fs::create_dir_all(parent)?;
    }
    fs::hard_link(from, to).or_else(|_| fs::copy(from, to).map(drop))
}
