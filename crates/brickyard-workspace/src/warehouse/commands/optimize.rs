//! `OPTIMIZE` and `REORG`: files of rows rewritten so that they are fewer, and rows that were deleted are gone from them.

mod rewrite;

use arrow_schema::DataType::{Int64, Utf8};
use brickyard_sql::Name;
use serde_json::json;

use self::rewrite::{discard, rewrite};
use crate::catalog::{Kind, Privilege};
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
    if scene.catalog().maps_fields(&record)? {
        let hint = "The table is whole; use it without OPTIMIZE";
        return Err(Fault::unsupported(
            "OPTIMIZE of a table with fields mapped to other names within a column",
            hint,
        ));
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
