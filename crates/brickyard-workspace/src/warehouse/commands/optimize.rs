//! `OPTIMIZE` and `REORG`: files of rows rewritten so that they are fewer, and rows that were deleted are gone from them.

use std::collections::BTreeMap;

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

/// Rewrites what is worth it; with `zorder` everything, sorted by those columns.
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
        return Err(Fault::unsupported("OPTIMIZE … WHERE; leave the condition out"));
    }
    let columns = scene.catalog().columns(&record)?;
    for name in zorder {
        if !columns.iter().any(|column| column.name.eq_ignore_ascii_case(name)) {
            let text = format_args!("A column with name `{name}` cannot be resolved.");
            return Err(Fault::new("UNRESOLVED_COLUMN.WITHOUT_SUGGESTION", "42703", text));
        }
    }
    let lock = scene.workspace.warehouses().writer(&record.full_name());
    let _writing = lock.lock().await;
    let (version, groups, considered) = scene.catalog().compaction(&record, all || !zorder.is_empty())?;
    let (mut removed, mut added) = (Vec::new(), Vec::new());
    let mut batches = 0_i64;
    for group in &groups {
        added.extend(rewrite(scene, &record, group, zorder).await?);
        removed.extend(group.files.iter().cloned());
        batches += 1;
    }
    if !removed.is_empty() {
        let parameters = json!({
            "predicate": "[]", "auto": "false", "clusterBy": "[]",
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

/// Writes the rows of one partition anew and gives the files.
async fn rewrite(
    scene: &Scene<'_>,
    record: &TableRecord,
    group: &Group,
    zorder: &[String],
) -> Result<Vec<Compacted>, Fault> {
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
    let mut keys: Vec<String> = zorder.iter().map(|name| quote_name(name)).collect();
    if keys.is_empty() {
        // Sorted rows come as one stream, which the engine writes as one file.
        let sortable = |column: &&crate::catalog::Column| {
            !is_partition(&column.name)
                && matches!(
                    column.data_type.code(),
                    "BYTE"
                        | "SHORT"
                        | "INT"
                        | "LONG"
                        | "DATE"
                        | "TIMESTAMP"
                        | "STRING"
                        | "DOUBLE"
                        | "FLOAT"
                        | "DECIMAL"
                )
        };
        keys.extend(columns.iter().find(sortable).map(|column| quote_name(&column.name)));
    }
    let order = if keys.is_empty() { String::new() } else { format!(" ORDER BY {}", keys.join(", ")) };
    let folder = format!("optimize-{}", Uuid::new_v4().simple());
    let stage = table.join(&folder);
    let target = scene.catalog().engine_path(&stage)?;
    let sql = format!(
        "INSERT OVERWRITE DIRECTORY {} USING parquet SELECT {} FROM {full}{filter}{order}",
        string_literal(&target.to_string_lossy()),
        list.join(", ")
    );
    let written = scene.raw(&sql, vec![record.full_name()]).await;
    let files = match written {
        Ok(_) => settle(scene, record, group, &stage).await,
        Err(fault) => Err(fault),
    };
    if let Err(error) = std::fs::remove_dir_all(&stage) {
        tracing::debug!(%error, "Files that OPTIMIZE wrote stay: {error}");
    }
    files
}

/// Moves the files that were written to where the table's files lie.
async fn settle(
    scene: &Scene<'_>,
    record: &TableRecord,
    group: &Group,
    stage: &std::path::Path,
) -> Result<Vec<Compacted>, Fault> {
    let disk = |error: std::io::Error| Fault::internal(format_args!("The files cannot be moved: {error}"));
    let table = record.location.clone().unwrap_or_default();
    let mut files = Vec::new();
    for entry in std::fs::read_dir(stage).map_err(disk)? {
        let entry = entry.map_err(disk)?;
        if entry.path().extension().is_none_or(|kind| kind != "parquet") {
            continue;
        }
        let name = format!("part-{:05}-{}.c000.zstd.parquet", files.len(), Uuid::new_v4());
        let place = table.join(&name);
        std::fs::rename(entry.path(), &place).map_err(disk)?;
        let known = scene.catalog().engine_path(&place)?;
        let count = format!("SELECT count(*) AS n FROM parquet.{}", quote_name(&known.to_string_lossy()));
        let batches = scene.raw(&count, Vec::new()).await?;
        let rows = batches
            .first()
            .and_then(|batch| batch.column(0).as_primitive_opt::<Int64Type>()?.iter().next()?);
        let size = std::fs::metadata(&place).map_err(disk)?.len();
        files.push(Compacted {
            path: name,
            partition: group.partition.clone(),
            size: i64::try_from(size).unwrap_or(i64::MAX),
            rows: rows.unwrap_or(0),
        });
    }
    Ok(files)
}
