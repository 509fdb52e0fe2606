use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::action::Metadata;
use super::fault::DeltaError;
use super::log::Log;
use super::restore::{decode, removal, state};
use super::table::commit_info;

/// Files that are as large as this are left alone, in bytes.
const LARGE: i64 = 256 * 1024 * 1024;

/// Files of one partition that become fewer.
#[derive(Debug, Clone)]
pub(crate) struct Group {
    /// Values of the partition columns by their names in the files; `None` is NULL.
    pub(crate) partition: BTreeMap<String, Option<String>>,
    /// `add` actions of the files.
    pub(crate) files: Vec<Value>,
}

/// A file of a group, as the log tells of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FileRows {
    pub(crate) place: PathBuf,
    /// Rows in the file, where its writer counted them and none was deleted since; else the file has to be asked.
    pub(crate) rows: Option<i64>,
    /// Rows of the file that its deletion vector takes away.
    pub(crate) deleted: i64,
}

impl Group {
    /// The files of the table in the directory `table`.
    pub(crate) fn sources(&self, table: &Path) -> Vec<FileRows> {
        let source = |file: &Value| {
            let vector = &file["deletionVector"];
            let stats: Value =
                file["stats"].as_str().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
            FileRows {
                place: table.join(decode(file["path"].as_str().unwrap_or_default())),
                rows: stats["numRecords"].as_i64().filter(|_| vector.is_null()),
                deleted: vector["cardinality"].as_i64().unwrap_or(0),
            }
        };
        self.files.iter().map(source).collect()
    }
}

/// A file that takes the place of others.
#[derive(Debug, Clone)]
pub(crate) struct Compacted {
    /// Below the table's directory.
    pub(crate) path: String,
    pub(crate) partition: BTreeMap<String, Option<String>>,
    /// In bytes.
    pub(crate) size: i64,
    pub(crate) rows: i64,
    /// What is in it, as the log has it.
    pub(crate) stats: String,
}

/// The version looked at, the metadata then, and what `OPTIMIZE` would do: groups of small files, files with rows deleted;
/// with `all` (`ZORDER BY`, `FULL`) every group.
pub(crate) fn groups(log: &Log, all: bool) -> Result<(i64, Metadata, Vec<Group>, usize), DeltaError> {
    let snapshot = log.snapshot()?;
    let (files, _) = state(log, snapshot.version)?;
    let considered = files.len();
    let settled = optimized(log)?;
    let mut groups: BTreeMap<String, Group> = BTreeMap::new();
    for file in files.into_values() {
        let partition = partition(&file);
        let key = serde_json::to_string(&partition).unwrap_or_default();
        let group = groups.entry(key).or_insert_with(|| Group { partition, files: Vec::new() });
        group.files.push(file);
    }
    // A partition is rewritten whole or not at all.
    let groups = groups.into_values().filter(|group| {
        let deleted = |file: &Value| !file["deletionVector"].is_null();
        let small = |file: &&Value| file["size"].as_i64().unwrap_or(0) < LARGE;
        let done = group
            .files
            .iter()
            .all(|file| !deleted(file) && file["path"].as_str().is_some_and(|path| settled.contains(path)));
        all || (!done && (group.files.iter().filter(small).count() > 1 || group.files.iter().any(deleted)))
    });
    let groups = groups.collect();
    Ok((snapshot.version, snapshot.metadata, groups, considered))
}

/// Files that an earlier `OPTIMIZE` wrote.
fn optimized(log: &Log) -> Result<BTreeSet<String>, DeltaError> {
    let mut settled = BTreeSet::new();
    for version in log.versions()? {
        let actions = log.commit(version)?;
        if actions.iter().any(|action| action["commitInfo"]["operation"] == "OPTIMIZE") {
            settled.extend(
                actions.iter().filter_map(|action| action["add"]["path"].as_str().map(str::to_owned)),
            );
        }
    }
    Ok(settled)
}

fn partition(file: &Value) -> BTreeMap<String, Option<String>> {
    let values = file["partitionValues"].as_object().into_iter().flatten();
    values.map(|(name, value)| (name.clone(), value.as_str().map(str::to_owned))).collect()
}

/// Values of the partitions that a table has, each once.
pub(crate) fn partitions(log: &Log) -> Result<Vec<BTreeMap<String, Option<String>>>, DeltaError> {
    let version = log.snapshot()?.version;
    let (files, _) = state(log, version)?;
    Ok(files.values().map(partition).collect::<BTreeSet<_>>().into_iter().collect())
}

/// Puts files in the place of others; no row changes. `false` when somebody else wrote after `version`.
pub(crate) fn compact(
    log: &Log,
    user: &str,
    now: i64,
    version: i64,
    (operation, parameters): (&str, &Value),
    removed: &[Value],
    added: &[Compacted],
) -> Result<bool, DeltaError> {
    let size = |sizes: &mut dyn Iterator<Item = i64>| sizes.sum::<i64>().to_string();
    let metrics = json!({
        "numRemovedFiles": removed.len().to_string(),
        "numRemovedBytes": size(&mut removed.iter().filter_map(|file| file["size"].as_i64())),
        "numAddedFiles": added.len().to_string(),
        "numAddedBytes": size(&mut added.iter().map(|file| file.size)),
    });
    let mut actions = vec![commit_info(user, now, operation, parameters, &metrics)];
    for file in removed {
        let mut removal = removal(file, now);
        removal["dataChange"] = false.into();
        actions.push(json!({ "remove": removal }));
    }
    for file in added {
        actions.push(json!({ "add": {
            "path": file.path, "partitionValues": file.partition, "size": file.size, "modificationTime": now,
            "dataChange": false, "stats": file.stats,
        }}));
    }
    log.write(version + 1, &actions)
}
