use axum::Json;
use axum::extract::{Path, State};
use serde::Deserialize;
use serde_json::{Value, json};

use super::record::{Pipeline, Update, all, allow, find, table_of};
use super::run;
use crate::caller::Caller;
use crate::error::{ApiError, ApiResult};
use crate::request::JsonBody;
use crate::synced_tables;
use crate::workspace::Workspace;

/// What a new update is to do.
#[derive(Debug, Default, Deserialize)]
pub(super) struct StartUpdate {
    cause: Option<String>,
    #[serde(default)]
    full_refresh: bool,
    #[serde(default)]
    refresh_selection: Vec<String>,
    #[serde(default)]
    full_refresh_selection: Vec<String>,
    #[serde(default)]
    validate_only: bool,
}

/// Pipelines of one's own code are not there.
pub(super) async fn create(_caller: Caller) -> ApiResult<Value> {
    Err(ApiError::not_implemented("pipelines of one's own: those of synced tables are made with the table"))
}

/// The pipelines the caller may see.
pub(super) async fn list(State(workspace): State<Workspace>, caller: Caller) -> ApiResult<Value> {
    let mut shown = Vec::new();
    for pipeline in all(&workspace)? {
        if allow(&workspace, &caller, &pipeline, "CAN_VIEW").is_ok() {
            shown.push(json!({
                "pipeline_id": pipeline.id,
                "name": pipeline.name,
                "creator_user_name": pipeline.creator,
                "run_as_user_name": pipeline.creator,
                "state": state(&pipeline),
                "latest_updates": states(&pipeline),
            }));
        }
    }
    Ok(Json(json!({ "statuses": shown })))
}

/// One pipeline.
pub(super) async fn get(
    State(workspace): State<Workspace>,
    caller: Caller,
    Path(id): Path<String>,
) -> ApiResult<Value> {
    let pipeline = seen(&workspace, &caller, &id, "CAN_VIEW")?;
    let tables = synced_tables::of_pipeline(&workspace, &id)?;
    let continuous = tables.iter().any(synced_tables::SyncedTable::is_continuous);
    let mut spec =
        json!({ "id": pipeline.id, "name": pipeline.name, "continuous": continuous, "serverless": true });
    if let Some(table) = table_of(&workspace, &pipeline) {
        (spec["catalog"], spec["schema"]) = (table.catalog.into(), table.schema.into());
    }
    Ok(Json(json!({
        "pipeline_id": pipeline.id,
        "name": pipeline.name,
        "creator_user_name": pipeline.creator,
        "run_as_user_name": pipeline.creator,
        "state": state(&pipeline),
        "latest_updates": states(&pipeline),
        "spec": spec,
    })))
}

/// Starts an update: copies the tables anew.
pub(super) async fn start_update(
    State(workspace): State<Workspace>,
    caller: Caller,
    Path(id): Path<String>,
    JsonBody(body): JsonBody<StartUpdate>,
) -> ApiResult<Value> {
    let pipeline = seen(&workspace, &caller, &id, "CAN_RUN")?;
    if body.validate_only {
        return Err(ApiError::not_implemented("updates that only validate"));
    }
    let mut selection = Vec::new();
    for name in body.refresh_selection.iter().chain(&body.full_refresh_selection) {
        if table_of(&workspace, &pipeline).is_some_and(|own| own.full_name().eq_ignore_ascii_case(name)) {
            selection.push(name.to_lowercase());
            continue;
        }
        let table = synced_tables::find(&workspace, name)?;
        if table.pipeline != pipeline.id {
            return Err(ApiError::invalid(format!("Table '{name}' is not one of pipeline {id}")));
        }
        selection.push(table.name);
    }
    let full = body.full_refresh || !body.full_refresh_selection.is_empty();
    let cause = body.cause.as_deref().unwrap_or("API_CALL");
    let update = run::start(&workspace, &pipeline.id, cause, full, &selection)?;
    Ok(Json(json!({ "update_id": update })))
}

/// The updates, latest first.
pub(super) async fn list_updates(
    State(workspace): State<Workspace>,
    caller: Caller,
    Path(id): Path<String>,
) -> ApiResult<Value> {
    let pipeline = seen(&workspace, &caller, &id, "CAN_VIEW")?;
    let updates: Vec<Value> = pipeline.updates.iter().map(|update| show(&id, update)).collect();
    Ok(Json(json!({ "updates": updates })))
}

/// One update.
pub(super) async fn get_update(
    State(workspace): State<Workspace>,
    caller: Caller,
    Path((id, update)): Path<(String, String)>,
) -> ApiResult<Value> {
    let pipeline = seen(&workspace, &caller, &id, "CAN_VIEW")?;
    let found = pipeline.updates.iter().find(|known| known.id == update);
    let found = found.ok_or_else(|| ApiError::not_found("Update", &update))?;
    Ok(Json(json!({ "update": show(&id, found) })))
}

/// How the updates went, the latest first.
pub(super) async fn list_events(
    State(workspace): State<Workspace>,
    caller: Caller,
    Path(id): Path<String>,
) -> ApiResult<Value> {
    let pipeline = seen(&workspace, &caller, &id, "CAN_VIEW")?;
    let event = |update: &Update| {
        let failed = update.failure.as_ref();
        let mut event = json!({
            "id": uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_OID, update.id.as_bytes()).to_string(),
            "event_type": "update_progress",
            "timestamp": time(update),
            "level": if failed.is_some() { "ERROR" } else { "INFO" },
            "maturity_level": "STABLE",
            "message": format!("Update {} is {}.", &update.id[..6], update.state),
            "origin": {
                "pipeline_id": pipeline.id, "pipeline_name": pipeline.name, "update_id": update.id,
            },
        });
        if let Some(failure) = failed {
            event["error"] = json!({ "fatal": true, "exceptions": [{ "message": failure }] });
        }
        event
    };
    Ok(Json(json!({ "events": pipeline.updates.iter().map(event).collect::<Vec<Value>>() })))
}

/// Ends the update that goes on; what it has copied so far is not kept.
pub(super) async fn stop(
    State(workspace): State<Workspace>,
    caller: Caller,
    Path(id): Path<String>,
) -> ApiResult<Value> {
    let pipeline = seen(&workspace, &caller, &id, "CAN_RUN")?;
    if let Some(active) = pipeline.active() {
        run::end(&workspace, &id, &active.id, "CANCELED", None)?;
    }
    Ok(Json(json!({})))
}

fn seen(workspace: &Workspace, caller: &Caller, id: &str, level: &'static str) -> Result<Pipeline, ApiError> {
    let pipeline = find(workspace, id)?;
    allow(workspace, caller, &pipeline, level)?;
    Ok(pipeline)
}

fn state(pipeline: &Pipeline) -> &'static str {
    if pipeline.active().is_some() { "RUNNING" } else { "IDLE" }
}

fn time(update: &Update) -> String {
    jiff::Timestamp::from_millisecond(update.created).unwrap_or_default().to_string()
}

fn states(pipeline: &Pipeline) -> Value {
    let shown = pipeline.updates.iter().map(
        |update| json!({ "update_id": update.id, "state": update.state, "creation_time": time(update) }),
    );
    shown.collect()
}

fn show(pipeline: &str, update: &Update) -> Value {
    json!({
        "pipeline_id": pipeline,
        "update_id": update.id,
        "state": update.state,
        "cause": update.cause,
        "creation_time": update.created,
        "full_refresh": update.full_refresh,
        "refresh_selection": update.selection,
    })
}
