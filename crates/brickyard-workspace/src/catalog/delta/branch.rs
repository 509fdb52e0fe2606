//! A table's private branch: a folder with links to the files of one version, in which statements change the table for
//! themselves alone, and the one commit by which what they did becomes the table's own.

use std::collections::BTreeSet;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use serde_json::{Value, json};

use super::fault::DeltaError;
use super::history::changed_rows;
use super::log::Log;
use super::restore::{decode, removal, state};
use super::table::commit_info;

/// Class and SQLSTATE of a commit that another one was faster than.
const CONFLICT: &str = "2D521";

/// What happened in a branch, as one commit of the table.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Squashed {
    /// The commit's actions, `commitInfo` first.
    pub(crate) actions: Vec<Value>,
    /// Files of rows that come to the table, relative to it.
    files: Vec<String>,
    /// Paths of files that leave it, wholly or in part.
    removed: BTreeSet<String>,
    /// Whether the branch was read, so that others must not have changed what it saw.
    reads: bool,
    /// Whether other appends count as such a change (`delta.isolationLevel`).
    serializable: bool,
}

/// Whose commit it is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Author<'a> {
    pub(crate) user: &'a str,
    /// Milliseconds since the epoch.
    pub(crate) now: i64,
    /// Id of the transaction.
    pub(crate) id: &'a str,
    /// Whether a single statement did all of it, whose last step names it in the history.
    pub(crate) single: bool,
}

/// Makes a branch of a table's latest version in a new folder, and gives the version.
pub(crate) fn branch(log: &Log, folder: &Path) -> Result<i64, DeltaError> {
    let base = log.snapshot()?.version;
    let own = Log::of(folder);
    let disk = |source: std::io::Error| DeltaError::Disk { path: folder.to_path_buf(), source };
    fs::create_dir_all(own.directory()).map_err(disk)?;
    for version in log.versions()?.into_iter().take_while(|version| *version <= base) {
        link(&log.file(version), &own.file(version)).map_err(disk)?;
    }
    let (files, _) = state(log, base)?;
    for path in files.values().filter_map(relative) {
        link(&log.table.join(&path), &folder.join(&path)).map_err(disk)?;
    }
    link_vectors(&log.table, folder)?;
    Ok(base)
}

/// What was done in a branch after `base`, as one commit under the id of its transaction; none when nothing was.
pub(crate) fn squash(
    branch: &Log,
    base: i64,
    reads: bool,
    author: Author<'_>,
) -> Result<Option<Squashed>, DeltaError> {
    let Author { user, now, id, single } = author;
    let latest = branch.snapshot()?;
    let (before, _) = state(branch, base)?;
    let (after, _) = state(branch, latest.version)?;
    let removed: Vec<&Value> =
        before.iter().filter(|(key, _)| !after.contains_key(*key)).map(|(_, file)| file).collect();
    let added: Vec<&Value> =
        after.iter().filter(|(key, _)| !before.contains_key(*key)).map(|(_, file)| file).collect();
    let (mut last, mut infos) = (Vec::new(), Vec::new());
    for version in base + 1..=latest.version {
        for action in branch.commit(version)? {
            if let Some(info) = action.get("commitInfo") {
                infos.push(info.clone());
            } else if let Some(kind) = lasting(&action) {
                last.retain(|(known, _)| *known != kind);
                last.push((kind, action));
            }
        }
    }
    if removed.is_empty() && added.is_empty() && last.is_empty() {
        return Ok(None);
    }
    let count = infos.len();
    let mut info = match infos.as_mut_slice() {
        [.., last] if single || count == 1 => {
            let mut last = last.take();
            if !removed.is_empty() && last["operation"] == "WRITE" {
                last["operationParameters"]["mode"] = "Overwrite".into();
            }
            last
        }
        _ => {
            let rows = changed_rows(branch, base)?;
            let done: Vec<&str> = infos.iter().filter_map(|info| info["operation"].as_str()).collect();
            let parameters = json!({ "operations": Value::from(done).to_string() });
            let metrics = json!({
                "numOutputRows": rows.inserted.to_string(),
                "numUpdatedRows": rows.updated.to_string(),
                "numDeletedRows": rows.deleted.to_string(),
                "numAddedFiles": added.len().to_string(),
                "numRemovedFiles": removed.len().to_string(),
            });
            commit_info(user, now, "TRANSACTION", &parameters, &metrics)["commitInfo"].take()
        }
    };
    info["timestamp"] = now.into();
    info["userName"] = user.into();
    info["txnId"] = id.into();
    info["isBlindAppend"] = (!reads && removed.is_empty() && last.is_empty()).into();
    let mut actions = vec![json!({ "commitInfo": info })];
    actions.extend(last.into_iter().map(|(_, action)| action));
    actions.extend(removed.iter().map(|file| json!({ "remove": removal(file, now) })));
    actions.extend(added.iter().map(|file| json!({ "add": file })));
    let level = latest.metadata.configuration.get("delta.isolationLevel");
    Ok(Some(Squashed {
        actions,
        files: added.iter().filter_map(|file| relative(file)).collect(),
        removed: removed.iter().filter_map(|file| file["path"].as_str().map(str::to_owned)).collect(),
        reads,
        serializable: level.is_some_and(|level| level.eq_ignore_ascii_case("Serializable")),
    }))
}

/// The version that a branch's commit would be, after what others committed since `base`; a conflict when they touched what it
/// saw or changed.
pub(crate) fn rebased(log: &Log, base: i64, squashed: &Squashed) -> Result<i64, DeltaError> {
    let latest = log.latest()?.unwrap_or(-1);
    for version in base + 1..=latest {
        let actions = log.commit(version)?;
        let appends = actions.iter().all(|action| action.get("remove").is_none());
        let blind = actions.iter().any(|action| action["commitInfo"]["isBlindAppend"] == true) && appends;
        for action in &actions {
            let conflict = |class: &'static str, what: &str| {
                let operation = actions.iter().find_map(|action| action["commitInfo"]["operation"].as_str());
                let text = format!(
                    "Transaction conflict detected. A concurrent {} {what}. Please try the operation again.",
                    operation.unwrap_or("commit")
                );
                Err(DeltaError::Classed(class, CONFLICT, text))
            };
            if action.get("protocol").is_some() {
                return conflict("DELTA_PROTOCOL_CHANGED", "changed the protocol of the table");
            }
            if action.get("metaData").is_some() {
                return conflict("DELTA_METADATA_CHANGED", "changed the metadata of the table");
            }
            if let Some(path) = action["remove"]["path"].as_str() {
                if squashed.removed.contains(path) {
                    return conflict(
                        "DELTA_CONCURRENT_DELETE_DELETE",
                        "deleted or changed the same rows' file",
                    );
                }
                if squashed.reads && action["remove"]["dataChange"] != false {
                    return conflict("DELTA_CONCURRENT_DELETE_READ", "deleted rows that were read");
                }
            }
            let other = !blind || squashed.serializable;
            if squashed.reads && other && action["add"]["dataChange"] == true {
                return conflict("DELTA_CONCURRENT_APPEND", "added rows to the table that was read");
            }
        }
    }
    Ok(latest + 1)
}

/// Gives a table the files of a branch that its commit names; before the commit nobody looks at them.
pub(crate) fn bring(branch: &Log, table: &Path, squashed: &Squashed) -> Result<(), DeltaError> {
    let disk = |source: std::io::Error| DeltaError::Disk { path: table.to_path_buf(), source };
    for path in &squashed.files {
        link(&branch.table.join(path), &table.join(path)).map_err(disk)?;
    }
    link_vectors(&branch.table, table)
}

/// Writes a commit that has been decided at the first version from `version` on that is free, unless it is there already.
pub(crate) fn apply(log: &Log, version: i64, actions: &[Value]) -> Result<i64, DeltaError> {
    let id = &actions[0]["commitInfo"]["txnId"];
    let mut version = version;
    loop {
        let latest = log.latest()?.unwrap_or(-1);
        while version <= latest {
            if log.commit(version)?.iter().any(|action| action["commitInfo"]["txnId"] == *id) {
                return Ok(version);
            }
            version += 1;
        }
        if log.write(version, actions)? {
            return Ok(version);
        }
    }
}

/// What an action is of which the last one counts.
fn lasting(action: &Value) -> Option<String> {
    let named = |kind: &str, key: &str| action.get(kind).map(|body| format!("{kind} {}", body[key]));
    let plain = |kind: &str| action.get(kind).map(|_| kind.to_owned());
    plain("protocol")
        .or_else(|| plain("metaData"))
        .or_else(|| named("txn", "appId"))
        .or_else(|| named("domainMetadata", "domain"))
}

/// The place of a file in its table; none for one that lies elsewhere.
fn relative(file: &Value) -> Option<String> {
    let path = decode(file["path"].as_str()?);
    (!path.starts_with('/') && !path.contains("://") && !path.starts_with("file:")).then_some(path)
}

/// Deletion vectors are named in the log in an encoded form; they are small and all go along.
fn link_vectors(from: &Path, to: &Path) -> Result<(), DeltaError> {
    for vector in walkdir::WalkDir::new(from).into_iter().flatten() {
        if vector.path().extension().is_none_or(|kind| kind != "bin") {
            continue;
        }
        let Ok(below) = vector.path().strip_prefix(from) else { continue };
        let place = to.join(below);
        link(vector.path(), &place).map_err(|source| DeltaError::Disk { path: place, source })?;
    }
    Ok(())
}

/// A file under another name; where no link can be, a copy.
fn link(from: &Path, to: &Path) -> std::io::Result<()> {
    if let Some(parent) = to.parent() {
        fs::create_dir_all(parent)?;
    }
    match fs::hard_link(from, to) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        Err(error) if error.kind() == ErrorKind::NotFound => Err(error),
        Err(_) => fs::copy(from, to).map(drop),
        linked => linked,
    }
}
