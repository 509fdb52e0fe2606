//! The rows of one partition written anew.

use std::collections::BTreeMap;
use std::path::Path;

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use brickyard_sql::{quote_name, string_literal};
use uuid::Uuid;

use crate::catalog::{Column, Compacted, DataType, FILE, Group, TableRecord};
use crate::warehouse::fault::Fault;
use crate::warehouse::name::full_name;
use crate::warehouse::scene::Scene;

/// Bytes that a file is to have where the table does not say.
const LARGE: i64 = 128 * 1024 * 1024;

/// Takes away files that no commit names.
pub(super) fn discard(record: &TableRecord, files: &[Compacted]) {
    let table = record.location.clone().unwrap_or_default();
    for file in files {
        if let Err(error) = std::fs::remove_file(table.join(&file.path)) {
            tracing::debug!(%error, "A file that OPTIMIZE wrote stays: {error}");
        }
    }
}

/// Writes the rows of one partition anew and adds the files, which hold exactly as many rows as those they replace.
pub(super) async fn rewrite(
    scene: &Scene<'_>,
    record: &TableRecord,
    group: &Group,
    keys: &[String],
    added: &mut Vec<Compacted>,
) -> Result<(), Fault> {
    let (expected, before) = (rows_of(scene, record, group).await?, added.len());
    write(scene, record, group, keys, expected, added).await?;
    let written: i64 = added.iter().skip(before).map(|file| file.rows).sum();
    if written == expected {
        return Ok(());
    }
    Err(Fault::internal(format_args!(
        "OPTIMIZE wrote {written} rows of {} in place of {expected}, so that nothing was changed. \
         This is a fault of the local warehouse. Hint: The table is whole; use it without OPTIMIZE.",
        record.full_name()
    )))
}

/// Rows of a group, counted from its files and their deletion vectors and not by a query of the table, which is what is
/// to be checked.
async fn rows_of(scene: &Scene<'_>, record: &TableRecord, group: &Group) -> Result<i64, Fault> {
    let table = record.location.clone().unwrap_or_default();
    let mut rows = 0;
    for source in group.sources(&table) {
        rows -= source.deleted;
        if let Some(told) = source.rows {
            rows += told;
            continue;
        }
        // Directories of partitions have names that the engine does not take as a path.
        let link = table.join(format!("optimize-{}.parquet", Uuid::new_v4().simple()));
        let disk = |error: std::io::Error| Fault::internal(format_args!("A file cannot be read: {error}"));
        std::fs::hard_link(&source.place, &link).map_err(disk)?;
        let counted = count(scene, &link).await;
        std::fs::remove_file(&link).map_err(disk)?;
        rows += counted?;
    }
    Ok(rows)
}

/// Rows that a Parquet file holds.
async fn count(scene: &Scene<'_>, file: &Path) -> Result<i64, Fault> {
    let known = scene.catalog().engine_path(file)?;
    let sql = format!("SELECT count(*) AS n FROM parquet.{}", quote_name(&known.to_string_lossy()));
    let batches = scene.raw(&sql, Vec::new()).await?;
    let first = batches.first();
    let rows =
        first.and_then(|batch| batch.column(0).as_primitive_opt::<Int64Type>()?.iter().next().flatten());
    rows.ok_or_else(|| Fault::internal(format_args!("The rows of `{}` could not be counted", file.display())))
}

/// What stands for the rows of a group in the engine's SQL: the columns of its files under their names there, and the table
/// with a condition on its partition.
struct Rows {
    columns: Vec<Column>,
    list: Vec<String>,
    source: String,
}

fn rows(scene: &Scene<'_>, record: &TableRecord, group: &Group) -> Result<Rows, Fault> {
    let full = full_name(&[&record.catalog, &record.schema, &record.name]);
    let physical: BTreeMap<String, String> = scene.catalog().physical_columns(record)?.into_iter().collect();
    let partitions = scene.catalog().partition_columns(record)?;
    let is_partition = |name: &str| partitions.iter().any(|own| own.eq_ignore_ascii_case(name));
    let (mut columns, mut list, mut conditions) = (Vec::new(), Vec::new(), Vec::new());
    for column in scene.catalog().columns(record)? {
        let (name, own) = (quote_name(&column.name), &physical[&column.name]);
        if is_partition(&column.name) {
            let value = match group.partition.get(own).cloned().flatten() {
                Some(text) => format!("CAST({} AS {})", string_literal(&text), column.data_type.text()),
                None => "NULL".to_owned(),
            };
            conditions.push(format!("{name} <=> {value}"));
        } else {
            list.push(format!("{name} AS {}", quote_name(own)));
            let data_type = match column.data_type {
                DataType::Char(_) | DataType::Varchar(_) => DataType::Plain("string"),
                data_type => data_type,
            };
            columns.push(Column::new(own.clone(), data_type));
        }
    }
    let filter =
        if conditions.is_empty() { String::new() } else { format!(" WHERE {}", conditions.join(" AND ")) };
    Ok(Rows { columns, list, source: format!("{full}{filter}") })
}

/// Has the engine write the rows of a group, sorted by `keys`: then no two files hold values between each other's.
async fn write(
    scene: &Scene<'_>,
    record: &TableRecord,
    group: &Group,
    keys: &[String],
    expected: i64,
    added: &mut Vec<Compacted>,
) -> Result<(), Fault> {
    let Rows { columns, list, source } = rows(scene, record, group)?;
    let bytes: i64 = group.files.iter().filter_map(|file| file["size"].as_i64()).sum();
    let files = bytes / wanted_size(scene, record)? + 1;
    let share = (expected / files).max(1) + 1;
    let keys: Vec<String> = keys.iter().map(|name| quote_name(name)).collect();
    // The engine forgets the `ORDER BY` of rows that it writes; what a window has sorted stays so, and what it has put together
    // is written by one writer. Rows with the same keys have the same rank, and with it the same file.
    let (file, source) = if keys.is_empty() {
        ("0".to_owned(), source)
    } else {
        let keys = keys.join(", ");
        let ranked = format!("SELECT *, rank() OVER (ORDER BY {keys}) AS `__rank` FROM {source}");
        let apart =
            format!("SELECT *, CAST(floor((`__rank` - 1) / {share}) AS INT) AS `{FILE}` FROM ({ranked})");
        let place = format!("row_number() OVER (PARTITION BY `{FILE}` ORDER BY {keys}) AS `__place`");
        (format!("`{FILE}`"), format!("(SELECT *, {place} FROM ({apart})) WHERE `__place` > 0"))
    };
    let name = format!("optimize_{}", Uuid::new_v4().simple());
    let stage = record.location.clone().unwrap_or_default().join(format!("_{name}"));
    let place = scene.catalog().engine_path(&stage)?;
    let place = string_literal(&place.to_string_lossy());
    let table = format!("`session`.`default`.{}", quote_name(&name));
    scene.catalog().stage(&stage, &name, columns)?;
    let create = format!("CREATE TABLE {table} USING delta LOCATION {place}");
    let insert = format!("INSERT INTO {table} SELECT {}, {file} AS `{FILE}` FROM {source}", list.join(", "));
    let written = match scene.raw(&create, Vec::new()).await {
        Ok(_) => scene.raw(&insert, vec![record.full_name()]).await,
        Err(fault) => Err(fault),
    };
    let settled = match written {
        Ok(_) => settle(scene, record, group, &stage, added).await,
        Err(fault) => Err(fault),
    };
    if let Err(fault) = scene.raw(&format!("DROP TABLE IF EXISTS {table}"), Vec::new()).await {
        tracing::debug!("The engine keeps a table of OPTIMIZE until its session ends: {fault}");
    }
    if let Err(error) = std::fs::remove_dir_all(&stage) {
        tracing::debug!(%error, "Files that OPTIMIZE wrote stay: {error}");
    }
    settled
}

/// Bytes that a file is to have: `delta.targetFileSize`, such as `104857600` or `100mb`.
fn wanted_size(scene: &Scene<'_>, record: &TableRecord) -> Result<i64, Fault> {
    let properties = scene.catalog().properties(record)?;
    Ok(properties.get("delta.targetFileSize").and_then(|text| size(text)).unwrap_or(LARGE))
}

fn size(text: &str) -> Option<i64> {
    let text = text.trim().to_lowercase();
    let digits = text.trim_end_matches(|letter: char| letter.is_alphabetic() || letter == ' ');
    let factor = match text[digits.len()..].trim().trim_end_matches('b') {
        "" => 1,
        "k" => 1 << 10,
        "m" => 1 << 20,
        "g" => 1 << 30,
        _ => return None,
    };
    digits.parse::<i64>().ok().and_then(|number| number.checked_mul(factor)).filter(|size| *size > 0)
}

/// Moves the files that were written to where the table's files lie. Their rows are counted once more, from the files.
async fn settle(
    scene: &Scene<'_>,
    record: &TableRecord,
    group: &Group,
    stage: &Path,
    added: &mut Vec<Compacted>,
) -> Result<(), Fault> {
    let disk = |error: std::io::Error| Fault::internal(format_args!("The files cannot be moved: {error}"));
    let table = record.location.clone().unwrap_or_default();
    for file in scene.catalog().staged(stage)? {
        let name = format!("part-{:05}-{}.c000.zstd.parquet", added.len(), Uuid::new_v4());
        let place = table.join(&name);
        std::fs::rename(&file.place, &place).map_err(disk)?;
        let size = std::fs::metadata(&place).map_err(disk)?.len();
        added.push(Compacted {
            path: name,
            partition: group.partition.clone(),
            size: i64::try_from(size).unwrap_or(i64::MAX),
            rows: file.rows,
            stats: file.stats,
        });
        let rows = count(scene, &place).await?;
        if rows != file.rows {
            return Err(Fault::internal(format_args!(
                "OPTIMIZE wrote {rows} rows where {} were told, so that nothing was changed. \
                 This is a fault of the local warehouse. Hint: The table is whole; use it without OPTIMIZE.",
                file.rows
            )));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::size;

    #[test]
    fn sizes_are_read_with_their_unit() {
        let read = |text| size(text);
        assert_eq!((read("4096"), read("100 MB"), read("2k")), (Some(4096), Some(100 << 20), Some(2048)));
        assert_eq!((read("much"), read("0"), read("9999999999g")), (None, None, None));
    }
}
