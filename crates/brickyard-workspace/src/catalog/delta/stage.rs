//! A table in between: what the engine writes anew becomes the files of one, whose log tells what is in them.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::action::{Metadata, Protocol, schema_string};
use super::fault::DeltaError;
use super::log::Log;
use super::restore::{decode, state};
use super::table::commit_info;
use crate::catalog::column::Column;
use crate::catalog::data_type::DataType;

/// The column that says which file a row goes to; it is in none of them.
pub(crate) const FILE: &str = "__file";

/// A file that was written to a table in between.
#[derive(Debug, Clone)]
pub(crate) struct Staged {
    pub(crate) place: PathBuf,
    pub(crate) rows: i64,
    /// What is in the file, as the log has it: rows, least and greatest values, NULLs.
    pub(crate) stats: String,
}

/// Makes an empty table in between, of these columns and [`FILE`], which its files are apart by.
pub(crate) fn stage(
    directory: &Path,
    id: &str,
    now: i64,
    mut columns: Vec<Column>,
) -> Result<(), DeltaError> {
    columns.push(Column::new(FILE, DataType::Plain("int")));
    let metadata = Metadata {
        id: id.to_owned(),
        name: None,
        description: None,
        format: json!({ "provider": "parquet", "options": {} }),
        schema_string: schema_string(&columns),
        partition_columns: vec![FILE.to_owned()],
        configuration: std::collections::BTreeMap::default(),
        created_time: Some(now),
    };
    begin(directory, now, &metadata)
}

/// Writes the first version of a table without files.
///
/// Errors: [`DeltaError::Exists`] where there is one.
pub(super) fn begin(directory: &Path, now: i64, metadata: &Metadata) -> Result<(), DeltaError> {
    let actions = [
        commit_info("", now, "CREATE TABLE", &json!({}), &json!({})),
        json!({ "protocol": Protocol::new(metadata) }),
        json!({ "metaData": metadata }),
    ];
    if Log::of(directory).write(0, &actions)? {
        Ok(())
    } else {
        Err(DeltaError::Exists { path: directory.to_path_buf() })
    }
}

/// The files of a table in between that hold rows, in the order of [`FILE`].
pub(crate) fn staged(directory: &Path) -> Result<Vec<Staged>, DeltaError> {
    let log = Log::of(directory);
    let version = log.latest()?.unwrap_or(-1);
    let (files, _) = state(&log, version)?;
    let mut found: Vec<(i64, Staged)> = Vec::new();
    for file in files.values() {
        let number = file["partitionValues"][FILE].as_str().and_then(|text| text.parse().ok());
        let stats = file["stats"].as_str().unwrap_or_default();
        let told: Value = serde_json::from_str(stats).unwrap_or_default();
        let rows = told["numRecords"].as_i64().ok_or_else(|| DeltaError::Damaged {
            path: directory.join("_delta_log"),
            reason: "the engine did not count the rows that it wrote".to_owned(),
        })?;
        let place = directory.join(decode(file["path"].as_str().unwrap_or_default()));
        if rows > 0 {
            found.push((number.unwrap_or(0), Staged { place, rows, stats: stats.to_owned() }));
        }
    }
    found.sort_by(|(left, one), (right, other)| (left, &one.place).cmp(&(right, &other.place)));
    Ok(found.into_iter().map(|(_, file)| file).collect())
}
