//! Columns that a table's files are sorted by when they are rewritten (`CLUSTER BY`), kept in its metadata under the
//! property that the platform shows.

use serde_json::Value;

use super::action::Metadata;
use super::fault::DeltaError;
use crate::catalog::column::Column;

/// The property: a JSON list of paths, such as `[["id"],["day"]]`.
pub(crate) const CLUSTERING: &str = "clusteringColumns";

/// The property that says whether the columns are chosen by whoever keeps the table.
pub(crate) const CLUSTERING_AUTO: &str = "clusterByAuto";

/// Most columns a table can be clustered by.
const MOST: usize = 4;

/// The columns, in their order; none for a table that is not clustered.
pub(crate) fn clustering(metadata: &Metadata) -> Vec<String> {
    let text = metadata.configuration.get(CLUSTERING).map_or("[]", String::as_str);
    let paths: Vec<Vec<String>> = serde_json::from_str(text).unwrap_or_default();
    paths.into_iter().map(|path| path.join(".")).collect()
}

/// Clusters a table by columns that it has, or by none.
pub(crate) fn cluster(metadata: &mut Metadata, names: &[String]) -> Result<(), DeltaError> {
    if !names.is_empty() {
        check_unpartitioned(metadata)?;
    }
    let columns = metadata.columns().unwrap_or_default();
    match property(&columns, names)? {
        Some(text) => metadata.configuration.insert(CLUSTERING.to_owned(), text),
        None => metadata.configuration.remove(CLUSTERING),
    };
    metadata.configuration.remove(CLUSTERING_AUTO);
    Ok(())
}

/// Leaves the choice of columns to whoever keeps the table; those that it has stay.
pub(crate) fn cluster_auto(metadata: &mut Metadata) -> Result<(), DeltaError> {
    check_unpartitioned(metadata)?;
    metadata.configuration.insert(CLUSTERING_AUTO.to_owned(), "true".to_owned());
    Ok(())
}

fn check_unpartitioned(metadata: &Metadata) -> Result<(), DeltaError> {
    if metadata.partition_columns.is_empty() {
        return Ok(());
    }
    Err(DeltaError::Classed(
        "DELTA_ALTER_TABLE_CLUSTER_BY_ON_PARTITIONED_TABLE_NOT_ALLOWED",
        "42000",
        "ALTER TABLE CLUSTER BY is not supported for partitioned tables.".to_owned(),
    ))
}

/// The property that clusters a table of these columns; `None` without names.
pub(crate) fn property(columns: &[Column], names: &[String]) -> Result<Option<String>, DeltaError> {
    if names.len() > MOST {
        let text = format!(
            "CLUSTER BY supports up to {MOST} clustering columns, but the table has {}.",
            names.len()
        );
        return Err(DeltaError::Classed("DELTA_CLUSTER_BY_INVALID_NUM_COLUMNS", "54000", text));
    }
    let path = |name: &String| {
        let found =
            columns.iter().find(|column| column.name.eq_ignore_ascii_case(name)).ok_or_else(|| {
                let text = format!("A column with name `{name}` cannot be resolved.");
                DeltaError::Classed("UNRESOLVED_COLUMN.WITHOUT_SUGGESTION", "42703", text)
            })?;
        if !is_sortable(found) {
            let text = format!(
                "CLUSTER BY is not supported because the following column(s) don't support data skipping: {name}."
            );
            return Err(DeltaError::Classed(
                "DELTA_CLUSTERING_COLUMNS_DATATYPE_NOT_SUPPORTED",
                "0AKDC",
                text,
            ));
        }
        Ok(vec![found.name.clone()])
    };
    let paths = names.iter().map(path).collect::<Result<Vec<_>, _>>()?;
    Ok((!paths.is_empty()).then(|| Value::from_iter(paths).to_string()))
}

/// Lets the clustering follow a column to its new name.
pub(super) fn follow(metadata: &mut Metadata, old: &str, new: &str) {
    let mut names = clustering(metadata);
    for name in names.iter_mut().filter(|name| name.eq_ignore_ascii_case(old)) {
        new.clone_into(name);
    }
    if !names.is_empty() {
        let paths: Value = names.into_iter().map(|name| vec![name]).collect();
        metadata.configuration.insert(CLUSTERING.to_owned(), paths.to_string());
    }
}

/// Whether files can be sorted by a column to any use.
fn is_sortable(column: &Column) -> bool {
    [
        "BYTE",
        "SHORT",
        "INT",
        "LONG",
        "DATE",
        "TIMESTAMP",
        "TIMESTAMP_NTZ",
        "STRING",
        "DOUBLE",
        "FLOAT",
        "DECIMAL",
    ]
    .contains(&column.data_type.code())
}
