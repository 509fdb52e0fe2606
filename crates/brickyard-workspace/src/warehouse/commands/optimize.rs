//! `OPTIMIZE` and `REORG`: files of rows rewritten so that they are fewer, and rows that were deleted are gone from them.

use std::collections::BTreeMap;
use std::path::Path;

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_schema::DataType::{Int64, Utf8};
use brickyard_sql::{Name, quote_name, string_literal};
use serde_json::json;
use uuid::Uuid;

use crate::catalog::{Compacted, Group, Kind, Privilege, TableRecord};
use crate::warehouse::fault::Fault;
use crate::warehouse::grid::{Cell, Grid, record};
use crate::warehouse::name::full_name;
use crate::warehouse::outcome::Outcome;
use crate::warehouse::scene::Scene;

/// Rewrites what is worth it, sorted by the columns that the table is clustered by; with `zorder` everything, sorted by
/// those.
pub(super) async fn optimize(
    scene: &Scene<'_>,
    table: &Name,
    filter: Option<&str>,
    zorder: &[String],
    all: bool,
) -> Result<Outcome, Fault> {
    let record = scene.table(&table.values())?;
    let full = full_name(&[&record.catalog, &record.schema, &record.name]);
    scene.catalog().check(&scene.identity, Kind::Table, &full, Privilege::MODIFY)?;
    if filter.is_some() {
        return Err(Fault::unsupported("OPTIMIZE … WHERE", "Leave the condition out"));
    }
    let columns = scene.catalog().columns(&record)?;
    let partitions = scene.catalog().partition_columns(&record)?;
    for name in zorder {
        if partitions.iter().any(|own| own.eq_ignore_ascii_case(name)) {
            let text = format_args!(
                "{name} is a partition column. Z-Ordering can only be performed on data columns."
            );
            return Err(Fault::new("DELTA_ZORDERING_ON_PARTITION_COLUMN", "42P10", text));
        }
        if !columns.iter().any(|column| column.name.eq_ignore_ascii_case(name)) {
            let text = format_args!("A column with name `{name}` cannot be resolved.");
            return Err(Fault::new("UNRESOLVED_COLUMN.WITHOUT_SUGGESTION", "42703", text));
        }
    }
    let clustering = scene.catalog().clustering(&record)?;
    if !(clustering.is_empty() || zorder.is_empty()) {
        let text = format_args!(
            "OPTIMIZE command for Delta table with clustering doesn't support ZORDER BY. \
             Please remove ZORDER BY ({}).",
            zorder.join(", ")
        );
        return Err(Fault::new("DELTA_CLUSTERING_WITH_ZORDER_BY", "42613", text));
    }
    let keys = if zorder.is_empty() { clustering.as_slice() } else { zorder };
    let lock = scene.workspace.warehouses().writer(&record.full_name());
    let _writing = lock.lock().await;
    let (version, groups, considered) = scene.catalog().compaction(&record, all || !zorder.is_empty())?;
    let (mut removed, mut added) = (Vec::new(), Vec::new());
    let mut batches = 0_i64;
    for group in &groups {
        if let Err(fault) = rewrite(scene, &record, group, keys, &mut added).await {
            discard(&record, &added);
            return Err(fault);
        }
        removed.extend(group.files.iter().cloned());
        batches += 1;
    }
    if !removed.is_empty() {
        let parameters = json!({
            "predicate": "[]", "auto": "false",
            "clusterBy": serde_json::to_string(&clustering).unwrap_or_default(),
            "zOrderBy": serde_json::to_string(zorder).unwrap_or_default(),
        });
        scene.catalog().compact(
            &scene.identity,
            &record,
            version,
            ("OPTIMIZE", &parameters),
            &removed,
            &added,
        )?;
    }
    let sizes = [("min", Int64), ("max", Int64), ("totalFiles", Int64), ("totalSize", Int64)];
    let metrics = record_of_metrics(&sizes);
    let mut grid = Grid::new(vec![("path", Utf8), ("metrics", metrics)]);
    let old: Vec<i64> = removed.iter().filter_map(|file| file["size"].as_i64()).collect();
    let new: Vec<i64> = added.iter().map(|file| file.size).collect();
    let count = |number: usize| -> Cell { i64::try_from(number).unwrap_or(i64::MAX).into() };
    let summary = |sizes: &[i64]| {
        Cell::Struct(vec![
            sizes.iter().min().copied().into(),
            sizes.iter().max().copied().into(),
            count(sizes.len()),
            sizes.iter().sum::<i64>().into(),
        ])
    };
    grid.row([
        record.location.as_ref().map(|path| path.display().to_string()).into(),
        Cell::Struct(vec![
            count(new.len()),
            count(old.len()),
            summary(&new),
            summary(&old),
            count(groups.len()),
            batches.into(),
            count(considered),
            count(considered - removed.len()),
            false.into(),
        ]),
    ]);
    grid.outcome()
}

fn record_of_metrics(sizes: &[(&str, arrow_schema::DataType)]) -> arrow_schema::DataType {
    record(&[
        ("numFilesAdded", Int64),
        ("numFilesRemoved", Int64),
        ("filesAdded", record(sizes)),
        ("filesRemoved", record(sizes)),
        ("partitionsOptimized", Int64),
        ("numBatches", Int64),
        ("totalConsideredFiles", Int64),
        ("totalFilesSkipped", Int64),
        ("preserveInsertionOrder", arrow_schema::DataType::Boolean),
    ])
}

/// Takes away files that no commit names.
fn discard(record: &TableRecord, files: &[Compacted]) {
    let table = record.location.clone().unwrap_or_default();
    for file in files {
        if let Err(error) = std::fs::remove_file(table.join(&file.path)) {
            tracing::debug!(%error, "A file that OPTIMIZE wrote stays: {error}");
        }
    }
}

/// Writes the rows of one partition anew and adds the files, which hold exactly as many rows as those they replace.
async fn rewrite(
    scene: &Scene<'_>,
    record: &TableRecord,
    group: &Group,
    keys: &[String],
    added: &mut Vec<Compacted>,
) -> Result<(), Fault> {
    let (expected, before) = (rows_of(scene, record, group).await?, added.len());
    write(scene, record, group, keys, added).await?;
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

/// Has the engine write the rows of a group, sorted by `keys`.
async fn write(
    scene: &Scene<'_>,
    record: &TableRecord,
    group: &Group,
    keys: &[String],
    added: &mut Vec<Compacted>,
) -> Result<(), Fault> {
    let table = record.location.clone().unwrap_or_default();
    let full = full_name(&[&record.catalog, &record.schema, &record.name]);
    let columns = scene.catalog().columns(record)?;
    let physical: BTreeMap<String, String> = scene.catalog().physical_columns(record)?.into_iter().collect();
    let partitions = scene.catalog().partition_columns(record)?;
    let is_partition = |name: &str| partitions.iter().any(|own| own.eq_ignore_ascii_case(name));
    let (mut list, mut conditions) = (Vec::new(), Vec::new());
    for column in &columns {
        let (name, own) = (quote_name(&column.name), &physical[&column.name]);
        if is_partition(&column.name) {
            let value = match group.partition.get(own).cloned().flatten() {
                Some(text) => format!("CAST({} AS {})", string_literal(&text), column.data_type.text()),
                None => "NULL".to_owned(),
            };
            conditions.push(format!("{name} <=> {value}"));
        } else {
            list.push(format!("{name} AS {}", quote_name(own)));
        }
    }
    let filter =
        if conditions.is_empty() { String::new() } else { format!(" WHERE {}", conditions.join(" AND ")) };
    let keys: Vec<String> = keys.iter().map(|name| quote_name(name)).collect();
    // The engine forgets the `ORDER BY` of rows that it writes; what a window has sorted stays so.
    let source = if keys.is_empty() {
        format!("{full}{filter}")
    } else {
        let keys = keys.join(", ");
        format!(
            "(SELECT *, row_number() OVER (ORDER BY {keys}) AS `__place` FROM {full}{filter}) WHERE `__place` > 0"
        )
    };
    let folder = format!("optimize-{}", Uuid::new_v4().simple());
    let stage = table.join(&folder);
    let target = scene.catalog().engine_path(&stage)?;
    let sql = format!(
        "INSERT OVERWRITE DIRECTORY {} USING parquet SELECT {} FROM {source}",
        string_literal(&target.to_string_lossy()),
        list.join(", ")
    );
    let written = scene.raw(&sql, vec![record.full_name()]).await;
    let settled = match written {
        Ok(_) => settle(scene, record, group, &stage, added).await,
        Err(fault) => Err(fault),
    };
    if let Err(error) = std::fs::remove_dir_all(&stage) {
        tracing::debug!(%error, "Files that OPTIMIZE wrote stay: {error}");
    }
    settled
}

/// Moves the files that were written to where the table's files lie; those without rows go.
async fn settle(
    scene: &Scene<'_>,
    record: &TableRecord,
    group: &Group,
    stage: &Path,
    added: &mut Vec<Compacted>,
) -> Result<(), Fault> {
    let disk = |error: std::io::Error| Fault::internal(format_args!("The files cannot be moved: {error}"));
    let table = record.location.clone().unwrap_or_default();
    let entries = std::fs::read_dir(stage).map_err(disk)?.collect::<Result<Vec<_>, _>>().map_err(disk)?;
    let mut written: Vec<_> = entries.into_iter().map(|entry| entry.path()).collect();
    written.retain(|path| path.extension().is_some_and(|kind| kind == "parquet"));
    written.sort(); // the engine numbers them in the order of the rows
    for path in written {
        let rows = count(scene, &path).await?;
        if rows == 0 {
            continue;
        }
        let size = std::fs::metadata(&path).map_err(disk)?.len();
        let name = format!("part-{:05}-{}.c000.zstd.parquet", added.len(), Uuid::new_v4());
        std::fs::rename(&path, table.join(&name)).map_err(disk)?;
        added.push(Compacted {
            path: name,
            partition: group.partition.clone(),
            size: i64::try_from(size).unwrap_or(i64::MAX),
            rows,
        });
    }
    Ok(())
}
