//! `TRUNCATE`, `RESTORE`, and care of tables that has no effect here.

use brickyard_sql::Securable;
use brickyard_sql::command::{Maintain, Moment};

use crate::catalog::{Kind, Privilege, TableRecord};
use crate::warehouse::fault::Fault;
use crate::warehouse::grid::{Cell, Grid};
use crate::warehouse::name::full_name;
use crate::warehouse::outcome::Outcome;
use crate::warehouse::scene::Scene;

/// Refuses a table that the caller may not read.
fn readable(scene: &Scene<'_>, table: &brickyard_sql::Name) -> Result<(), Fault> {
    if let [name] = &table.values()[..]
        && scene.settings().temporary(name).is_some()
    {
        return Ok(());
    }
    Ok(scene.catalog().check(&scene.identity, Kind::Table, &scene.full(table)?, Privilege::SELECT)?)
}

/// Whether `REFRESH` makes rows anew: `REFRESH TABLE` only of a streaming table, else it forgets what is cached of one.
fn refreshes(scene: &Scene<'_>, kind: Securable, name: &brickyard_sql::Name) -> bool {
    match kind {
        Securable::MaterializedView | Securable::StreamingTable => true,
        Securable::Table => scene.table(&name.values()).is_ok_and(|record| record.is_kept()),
        _ => false,
    }
}

/// Refuses care of a table that only its pipeline takes care of.
fn check_kept(scene: &Scene<'_>, care: &Maintain) -> Result<(), Fault> {
    let (table, operation, streaming_too) = match care {
        Maintain::Truncate { table, .. } => (table, "TRUNCATE TABLE", true),
        Maintain::Restore { table, .. } => (table, "RESTORE", true),
        Maintain::Analyze { table: Some(table) } => (table, "ANALYZE TABLE", true),
        Maintain::Vacuum { table, .. } => (table, "VACUUM", false),
        Maintain::Optimize { table, .. } => (table, "OPTIMIZE", false),
        Maintain::Reorg { table, .. } => (table, "REORG", false),
        Maintain::Repair { table, .. } => (table, "FSCK REPAIR TABLE", true),
        _ => return Ok(()),
    };
    let Ok(record) = scene.table(&table.values()) else { return Ok(()) };
    if record.is_materialized() || streaming_too {
        scene.catalog().check_not_kept(&record, operation)?;
    }
    Ok(())
}

pub(super) async fn maintain(scene: &Scene<'_>, sql: &str, care: &Maintain) -> Result<Outcome, Fault> {
    check_kept(scene, care)?;
    match care {
        Maintain::Truncate { table, partition: false } => {
            let full = full_name(&scene.parts(&table.values())?);
            Box::pin(scene.run(&format!("DELETE FROM {full}"))).await?;
            Ok(Outcome::nothing())
        }
        Maintain::Restore { table, moment } => {
            let record = scene.table(&table.values())?;
            let full = full_name(&[&record.catalog, &record.schema, &record.name]);
            let version = version_of(scene, &record, moment).await?;
            let lock = scene.workspace.warehouses().writer(&record.full_name());
            let _writing = lock.lock().await;
            let restored = scene.catalog().restore(&scene.identity, &full, version)?;
            let int = arrow_schema::DataType::Int64;
            let mut grid = Grid::new(vec![
                ("table_size_after_restore", int.clone()),
                ("num_of_files_after_restore", int.clone()),
                ("num_removed_files", int.clone()),
                ("num_restored_files", int.clone()),
                ("removed_files_size", int.clone()),
                ("restored_files_size", int),
            ]);
            let numbers = [
                restored.table_size_after_restore,
                restored.num_of_files_after_restore,
                restored.num_removed_files,
                restored.num_restored_files,
                restored.removed_files_size,
                restored.restored_files_size,
            ];
            grid.row(numbers.map(Cell::from));
            grid.outcome()
        }
        Maintain::Vacuum { table, retain_hours, dry_run } => {
            let record = scene.table(&table.values())?;
            let full = full_name(&[&record.catalog, &record.schema, &record.name]);
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "hours are small; part of one counts as none"
            )]
            let hours = retain_hours.map(|hours| hours.max(0.0) as u32);
            let lock = scene.workspace.warehouses().writer(&record.full_name());
            let _writing = lock.lock().await;
            let old = scene.catalog().vacuum(&scene.identity, &full, hours, *dry_run)?;
            let mut grid = Grid::new(vec![("path", arrow_schema::DataType::Utf8)]);
            // A dry run tells the files; else the folder that was cleared.
            let folder = record.location.iter().map(|path| path.display().to_string()).collect();
            let paths: Vec<String> =
                if *dry_run { old.iter().map(|path| path.display().to_string()).collect() } else { folder };
            for path in paths {
                grid.row([Cell::from(path)]);
            }
            grid.outcome()
        }
        // Statistics and caches change no result.
        Maintain::Analyze { table } | Maintain::Cache { table } => {
            if let Some(table) = table {
                readable(scene, table)?;
            }
            Ok(Outcome::nothing())
        }
        Maintain::Refresh { kind, name: Some(name), full, background } if refreshes(scene, *kind, name) => {
            let record = scene.table(&name.values())?;
            super::kept::refresh(scene, &record, *kind, *full, *background).await
        }
        Maintain::Refresh { name, .. } => {
            if let Some(name) = name {
                readable(scene, name)?;
            }
            Ok(Outcome::nothing())
        }
        Maintain::Truncate { .. } => {
            Err(Fault::unsupported("TRUNCATE TABLE … PARTITION", "Use DELETE FROM … WHERE"))
        }
        Maintain::Optimize { table, filter, zorder, full } => {
            let filter = filter.as_ref().map(|filter| filter.span.of(sql));
            super::optimize::optimize(scene, table, filter, zorder, *full).await
        }
        Maintain::Reorg { table, apply } if apply.starts_with("PURGE") => {
            super::optimize::optimize(scene, table, None, &[], false).await
        }
        Maintain::Reorg { apply, .. } => Err(Fault::unsupported(
            format_args!("REORG TABLE … APPLY ({apply})"),
            "Use REORG TABLE … APPLY (PURGE)",
        )),
        Maintain::Repair { table, command, dry_run } if command == "FSCK" => {
            let record = scene.table(&table.values())?;
            let full = full_name(&[&record.catalog, &record.schema, &record.name]);
            let lock = scene.workspace.warehouses().writer(&record.full_name());
            let _writing = lock.lock().await;
            let missing = scene.catalog().repair(&scene.identity, &full, *dry_run)?;
            let mut grid = Grid::new(vec![
                ("dataFilePath", arrow_schema::DataType::Utf8),
                ("dataFileMissing", arrow_schema::DataType::Boolean),
            ]);
            for path in missing {
                grid.row([path.into(), true.into()]);
            }
            grid.outcome()
        }
        Maintain::Repair { command, .. } => Err(Fault::unsupported(
            format_args!("{command} REPAIR TABLE"),
            "Use FSCK REPAIR TABLE of a Delta table",
        )),
    }
}

/// The version of a table at a point of its history.
pub(super) async fn version_of(
    scene: &Scene<'_>,
    record: &TableRecord,
    moment: &Moment,
) -> Result<i64, Fault> {
    let expression = match moment {
        Moment::Version(version) => return Ok(i64::try_from(*version).unwrap_or(i64::MAX)),
        Moment::Timestamp(expression) => expression,
    };
    let rows = scene.collect(&format!("SELECT unix_millis(CAST(({expression}) AS TIMESTAMP)) AS t")).await?;
    let time = rows.first().and_then(|batch| {
        use arrow_array::cast::AsArray;
        let column = batch.column(0).as_primitive_opt::<arrow_array::types::Int64Type>()?;
        column.iter().next().flatten()
    });
    let time = time.ok_or_else(|| Fault::internal("The timestamp has no value"))?;
    Ok(scene.catalog().version_at(record, time)?)
}
