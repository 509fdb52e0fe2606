use axum::Json;
use axum::extract::{Path, State};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{names, operations};
use crate::caller::Caller;
use crate::error::{ApiError, ApiResult};
use crate::request::{JsonBody, Parameters};
use crate::synced_tables::{self, Home, SyncedTable, Wanted};
use crate::workspace::Workspace;

/// The name of a new one.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Options {
    #[serde(default)]
    synced_table_id: String,
}

/// Makes a synced table and starts its first copy.
pub(super) async fn create(
    State(workspace): State<Workspace>,
    caller: Caller,
    Parameters(options): Parameters<Options>,
    JsonBody(body): JsonBody<Value>,
) -> ApiResult<Value> {
    let spec = body["spec"].clone();
    let home = match spec["branch"].as_str().filter(|name| !name.is_empty()) {
        None => None,
        Some(name) => {
            let Some((project, branch, "")) = names::split(name) else {
                return Err(names::not_found("branch"));
            };
            let of = names::project(&workspace, project)?;
            names::use_project(&workspace, &caller, &of)?;
            let branch = names::branch(&workspace, project, branch)?;
            Some((Home::Branch(branch.name()), branch.uid))
        }
    };
    let wanted = Wanted {
        name: options.synced_table_id,
        home,
        database: spec["postgres_database"].as_str().map(str::to_owned),
        spec,
        create_objects: true,
    };
    let table = synced_tables::create(&workspace, &caller, wanted).await?;
    let project = project(&table)?.to_owned();
    operations::done(&workspace, &project, "SyncedTable", &show(&workspace, &table)?)
}

/// Gets one.
pub(super) async fn get(
    State(workspace): State<Workspace>,
    caller: Caller,
    Path(name): Path<String>,
) -> ApiResult<Value> {
    let table = known(&workspace, &name)?;
    let identity = workspace.catalog().identity(caller.name())?;
    workspace.catalog().get_table(&identity, &table.quoted_name())?;
    Ok(Json(show(&workspace, &table)?))
}

/// Deletes one; its table in Postgres stays.
pub(super) async fn remove(
    State(workspace): State<Workspace>,
    caller: Caller,
    Path(name): Path<String>,
) -> ApiResult<Value> {
    let table = known(&workspace, &name)?;
    synced_tables::remove(&workspace, &caller, &table.name, false).await?;
    let gone = json!({ "name": format!("synced_tables/{}", table.name) });
    operations::done(&workspace, project(&table)?, "SyncedTable", &gone)
}

fn known(workspace: &Workspace, name: &str) -> Result<SyncedTable, ApiError> {
    let table = synced_tables::find(workspace, name).map_err(|_| names::not_found("synced table"))?;
    project(&table)?;
    Ok(table)
}

fn project(table: &SyncedTable) -> Result<&str, ApiError> {
    let Home::Branch(branch) = &table.home else { return Err(names::not_found("synced table")) };
    Ok(names::split(branch).map_or("", |(project, _, _)| project))
}

fn show(workspace: &Workspace, table: &SyncedTable) -> Result<Value, ApiError> {
    let (state, message) = synced_tables::state(workspace, table);
    // Spelled otherwise than in the other API.
    let state = if state == "SYNCED_TABLED_OFFLINE" { "SYNCED_TABLE_OFFLINE" } else { state };
    let mut status = json!({
        "detailed_state": state,
        "message": message,
        "pipeline_id": table.pipeline,
        "project": format!("projects/{}", project(table)?),
        "unity_catalog_provisioning_state": "ACTIVE",
    });
    if let Some(last) = &table.last {
        status["last_processed_commit_version"] = json!(last.version);
        status["last_sync_time"] = json!(last.ended);
        status["last_sync"] = json!(synced_tables::last_sync(table, "time"));
    }
    Ok(json!({
        "name": format!("synced_tables/{}", table.name),
        "synced_table_id": table.name,
        "uid": table.uid,
        "create_time": table.created,
        "spec": table.spec,
        "status": status,
    }))
}
