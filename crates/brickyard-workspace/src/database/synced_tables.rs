use axum::Json;
use axum::extract::{Path, State};
use serde::Deserialize;
use serde_json::{Value, json};

use super::instances::{find as find_instance, use_instance};
use crate::caller::Caller;
use crate::error::{ApiError, ApiResult};
use crate::request::{JsonBody, Parameters};
use crate::synced_tables::{self, Home, SyncedTable, Wanted};
use crate::workspace::Workspace;

/// A table as `databricks-sdk` sends it.
#[derive(Debug, Deserialize)]
pub(super) struct Request {
    name: String,
    database_instance_name: Option<String>,
    logical_database_name: Option<String>,
    #[serde(default)]
    spec: Value,
}

/// How one is deleted.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Options {
    #[serde(default)]
    purge_data: bool,
}

/// Makes a synced table and starts its first copy.
pub(super) async fn create(
    State(workspace): State<Workspace>,
    caller: Caller,
    JsonBody(request): JsonBody<Request>,
) -> ApiResult<Value> {
    let home = match request.database_instance_name.filter(|name| !name.is_empty()) {
        None => None,
        Some(name) => {
            let instance = find_instance(&workspace, &name)?;
            use_instance(&workspace, &caller, &instance)?;
            Some((Home::Instance(name), instance.uid))
        }
    };
    let wanted = Wanted {
        name: request.name,
        home,
        database: request.logical_database_name,
        spec: request.spec,
        create_objects: false,
    };
    let table = synced_tables::create(&workspace, &caller, wanted).await?;
    Ok(Json(show(&workspace, &table)))
}

/// Gets one.
pub(super) async fn get(
    State(workspace): State<Workspace>,
    caller: Caller,
    Path(name): Path<String>,
) -> ApiResult<Value> {
    let table = synced_tables::find(&workspace, &name)?;
    see(&workspace, &caller, &table)?;
    Ok(Json(show(&workspace, &table)))
}

/// Lists an instance's.
pub(super) async fn list(
    State(workspace): State<Workspace>,
    caller: Caller,
    Path(instance): Path<String>,
) -> ApiResult<Value> {
    let uid = find_instance(&workspace, &instance)?.uid;
    let mut shown = Vec::new();
    for table in synced_tables::all(&workspace)? {
        if table.server == uid && see(&workspace, &caller, &table).is_ok() {
            shown.push(show(&workspace, &table));
        }
    }
    Ok(Json(json!({ "synced_tables": shown })))
}

/// Deletes one; with `purge_data=true` its table in Postgres too.
pub(super) async fn remove(
    State(workspace): State<Workspace>,
    caller: Caller,
    Path(name): Path<String>,
    Parameters(options): Parameters<Options>,
) -> ApiResult<Value> {
    synced_tables::remove(&workspace, &caller, &name, options.purge_data).await?;
    Ok(Json(json!({})))
}

/// The platform does not change synced tables either.
pub(super) async fn update(_caller: Caller) -> ApiResult<Value> {
    Err(ApiError::invalid("Updating a synced database table is not supported"))
}

/// Refuses whoever may not see the table in Unity Catalog.
fn see(workspace: &Workspace, caller: &Caller, table: &SyncedTable) -> Result<(), ApiError> {
    let identity = workspace.catalog().identity(caller.name())?;
    workspace.catalog().get_table(&identity, &table.quoted_name())?;
    Ok(())
}

fn show(workspace: &Workspace, table: &SyncedTable) -> Value {
    let (state, message) = synced_tables::state(workspace, table);
    let mut status = json!({
        "detailed_state": state,
        "message": message,
        "pipeline_id": table.pipeline,
    });
    let detail = |last: &SyncedTable| {
        let last = last.last.as_ref();
        json!({
            "last_processed_commit_version": last.map(|last| last.version),
            "timestamp": last.map(|last| last.ended.clone()),
        })
    };
    match state {
        "SYNCED_TABLE_PROVISIONING_INITIAL_SNAPSHOT" => status["provisioning_status"] = json!({}),
        "SYNCED_TABLE_OFFLINE_FAILED" | "SYNCED_TABLE_ONLINE_PIPELINE_FAILED" => {
            status["failed_status"] = detail(table);
        }
        _ if table.last.is_some() => status["triggered_update_status"] = detail(table),
        _ => {}
    }
    if let Some(last) = synced_tables::last_sync(table, "timestamp") {
        status["last_sync"] = last;
    }
    let mut shown = json!({
        "name": table.name,
        "effective_logical_database_name": table.database,
        "logical_database_name": table.database,
        "spec": table.spec,
        "unity_catalog_provisioning_state": "ACTIVE",
        "data_synchronization_status": status,
    });
    if let Home::Instance(name) = &table.home {
        shown["database_instance_name"] = json!(name);
        shown["effective_database_instance_name"] = json!(name);
    }
    shown
}
