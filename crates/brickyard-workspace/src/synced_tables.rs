//! Synced tables: tables of Unity Catalog copied into Postgres, as both Lakebase APIs show them.
//!
//! A table is copied as it is (`SNAPSHOT`, and `TRIGGERED` too, whose updates copy the whole table again) whenever its
//! pipeline runs; readers see the earlier rows until the new ones are complete. The pipeline of a `CONTINUOUS` table runs
//! on and copies the table whenever its source has another Delta version.

mod create;
mod postgres_type;
mod record;
mod sync;

use serde_json::{Value, json};

pub(crate) use create::{Wanted, create};
pub(crate) use record::{Home, SyncedTable};
pub(crate) use sync::sync;

use crate::authorize::Wish;
use crate::caller::Caller;
use crate::error::ApiError;
use crate::lakebase::LakebaseError;
use crate::workspace::Workspace;

const KIND: &str = "synced_table";

/// A synced table by its full name; one whose table was dropped from Unity Catalog is forgotten.
pub(crate) fn find(workspace: &Workspace, name: &str) -> Result<SyncedTable, ApiError> {
    let absent = || ApiError::not_found("Synced table", name);
    let key = name.to_lowercase();
    let table: SyncedTable =
        workspace.store().get(KIND, &key).map_err(LakebaseError::from)?.ok_or_else(absent)?;
    if workspace.catalog().table_record(&table.quoted_name()).is_ok() {
        return Ok(table);
    }
    workspace.store().delete(KIND, &key).map_err(LakebaseError::from)?;
    Err(absent())
}

/// Every synced table.
pub(crate) fn all(workspace: &Workspace) -> Result<Vec<SyncedTable>, ApiError> {
    let known = workspace.store().list::<SyncedTable>(KIND, "").map_err(LakebaseError::from)?;
    Ok(known.into_iter().filter_map(|(name, _)| find(workspace, &name).ok()).collect())
}

/// Those of one pipeline.
pub(crate) fn of_pipeline(workspace: &Workspace, pipeline: &str) -> Result<Vec<SyncedTable>, ApiError> {
    Ok(all(workspace)?.into_iter().filter(|table| table.pipeline == pipeline).collect())
}

/// Forgets a synced table; its rows in Postgres stay unless `purge` says otherwise.
pub(crate) async fn remove(
    workspace: &Workspace,
    caller: &Caller,
    name: &str,
    purge: bool,
) -> Result<SyncedTable, ApiError> {
    let table = find(workspace, name)?;
    if caller.name() != table.creator {
        workspace.authorize(
            caller,
            Wish::Object { kind: "pipelines", id: &table.pipeline, level: "CAN_MANAGE" },
        )?;
    }
    if purge {
        let compute = workspace.lakebase().ready(workspace, &table.server).await?;
        let mut client = compute.client(&table.database).await?;
        client
            .query(&format!("DROP TABLE IF EXISTS {}", table.postgres_name()))
            .await
            .map_err(LakebaseError::from)?;
    }
    workspace.catalog().remove_foreign_table(&table.quoted_name())?;
    workspace.store().delete(KIND, &table.name).map_err(LakebaseError::from)?;
    if of_pipeline(workspace, &table.pipeline)?.is_empty() {
        crate::pipelines::forget(workspace, &table.pipeline)?;
    }
    Ok(table)
}

/// Forgets the synced tables of a server that is deleted.
pub(crate) fn forget_server(workspace: &Workspace, server: &str) -> Result<(), LakebaseError> {
    let failed = |error: ApiError| LakebaseError::invalid(error.message);
    for table in all(workspace).map_err(failed)?.into_iter().filter(|table| table.server == server) {
        workspace
            .catalog()
            .remove_foreign_table(&table.quoted_name())
            .map_err(|error| LakebaseError::invalid(error.to_string()))?;
        workspace.store().delete(KIND, &table.name)?;
        if of_pipeline(workspace, &table.pipeline).map_err(failed)?.is_empty() {
            crate::pipelines::forget(workspace, &table.pipeline).map_err(failed)?;
        }
    }
    Ok(())
}

pub(crate) fn put(workspace: &Workspace, table: &SyncedTable) -> Result<(), ApiError> {
    Ok(workspace.store().put(KIND, &table.name, table).map_err(LakebaseError::from)?)
}

/// The state's name, and a sentence about it.
pub(crate) fn state(workspace: &Workspace, table: &SyncedTable) -> (&'static str, String) {
    let active = crate::pipelines::is_active(workspace, &table.pipeline);
    match (&table.last, &table.failure) {
        (None, _) if active => (
            "SYNCED_TABLE_PROVISIONING_INITIAL_SNAPSHOT",
            "The first snapshot is being copied into Postgres".to_owned(),
        ),
        (None, Some(failure)) => ("SYNCED_TABLE_OFFLINE_FAILED", failure.clone()),
        (None, None) => ("SYNCED_TABLED_OFFLINE", "No snapshot has been copied yet".to_owned()),
        (Some(last), _) if active && table.is_continuous() && !table.is_behind(workspace) => (
            "SYNCED_TABLE_ONLINE_CONTINUOUS_UPDATE",
            format!("{} rows of version {} are online; the source is followed", last.rows, last.version),
        ),
        (Some(_), _) if active => {
            ("SYNCED_TABLE_ONLINE_TRIGGERED_UPDATE", "A new snapshot is being copied".to_owned())
        }
        (Some(_), Some(failure)) => ("SYNCED_TABLE_ONLINE_PIPELINE_FAILED", failure.clone()),
        (Some(last), None) => (
            "SYNCED_TABLE_ONLINE_NO_PENDING_UPDATE",
            format!("{} rows of version {} are online", last.rows, last.version),
        ),
    }
}

/// What is told of the last snapshot; the names of its times differ between the APIs by `suffix`.
pub(crate) fn last_sync(table: &SyncedTable, suffix: &str) -> Option<Value> {
    let last = table.last.as_ref()?;
    let mut shown = json!({
        "delta_table_sync_info": {
            "delta_commit_version": last.version,
            "delta_commit_timestamp": last.commit_time,
        }
    });
    shown[format!("sync_start_{suffix}")] = json!(last.started);
    shown[format!("sync_end_{suffix}")] = json!(last.ended);
    Some(shown)
}
