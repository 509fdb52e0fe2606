use axum::Json;
use axum::extract::{Path, State};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::KIND;
use super::record::{DashboardRecord, PublishedRecord};
use crate::caller::Caller;
use crate::error::{ApiError, ApiResult};
use crate::request::{JsonBody, Parameters};
use crate::workspace::Workspace;

/// Largest definition of a dashboard, in bytes.
const LARGEST: usize = 4 * 1024 * 1024;

#[derive(Deserialize)]
pub(super) struct Write {
    display_name: Option<String>,
    serialized_dashboard: Option<String>,
    warehouse_id: Option<String>,
    parent_path: Option<String>,
    etag: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct Publish {
    embed_credentials: Option<bool>,
    warehouse_id: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct Which {
    show_trashed: Option<String>,
    view: Option<String>,
}

pub(super) async fn list(
    State(workspace): State<Workspace>,
    caller: Caller,
    Parameters(which): Parameters<Which>,
) -> ApiResult<Value> {
    let trashed = which.show_trashed.as_deref() == Some("true");
    let full = which.view.as_deref() != Some("DASHBOARD_VIEW_BASIC");
    let seen = workspace.dashboards()?.into_iter().filter(|one| {
        (trashed || !one.trashed) && workspace.authorize_object(&caller, KIND, &one.id, "CAN_READ").is_ok()
    });
    Ok(Json(json!({ "dashboards": seen.map(|one| shown(&one, full)).collect::<Vec<_>>() })))
}

pub(super) async fn create(
    State(workspace): State<Workspace>,
    caller: Caller,
    JsonBody(new): JsonBody<Write>,
) -> ApiResult<Value> {
    let name = new.display_name.filter(|name| !name.is_empty());
    let name = name.ok_or_else(|| ApiError::invalid("display_name is required"))?;
    let serialized = new.serialized_dashboard.unwrap_or_else(|| "{\"datasets\":[],\"pages\":[]}".to_owned());
    check(&serialized)?;
    let now = workspace.clock().unix_milliseconds();
    let parent_path = new.parent_path.unwrap_or_else(|| format!("/Workspace/Users/{}", caller.name()));
    let record = DashboardRecord {
        id: uuid::Uuid::new_v4().simple().to_string(),
        name,
        serialized,
        warehouse_id: new.warehouse_id,
        parent_path: Some(parent_path),
        owner: caller.name().to_owned(),
        created_at: now,
        updated_at: now,
        edits: 1,
        trashed: false,
        published: None,
    };
    workspace.put_dashboard(&record)?;
    workspace.own_object(&caller, KIND, &record.id)?;
    Ok(Json(shown(&record, true)))
}

pub(super) async fn show(
    State(workspace): State<Workspace>,
    caller: Caller,
    Path(id): Path<String>,
) -> ApiResult<Value> {
    Ok(Json(shown(&may(&workspace, &caller, &id, "CAN_READ")?, true)))
}

pub(super) async fn update(
    State(workspace): State<Workspace>,
    caller: Caller,
    Path(id): Path<String>,
    JsonBody(change): JsonBody<Write>,
) -> ApiResult<Value> {
    let mut record = may(&workspace, &caller, &id, "CAN_EDIT")?;
    if change.etag.is_some_and(|etag| etag != record.edits.to_string()) {
        return Err(changed_meanwhile("dashboard"));
    }
    if let Some(serialized) = change.serialized_dashboard {
        check(&serialized)?;
        record.serialized = serialized;
    }
    record.name = change.display_name.unwrap_or(record.name);
    record.warehouse_id = change.warehouse_id.or(record.warehouse_id);
    record.updated_at = workspace.clock().unix_milliseconds();
    record.edits += 1;
    workspace.put_dashboard(&record)?;
    Ok(Json(shown(&record, true)))
}

pub(super) async fn trash(
    State(workspace): State<Workspace>,
    caller: Caller,
    Path(id): Path<String>,
) -> ApiResult<Value> {
    let mut record = may(&workspace, &caller, &id, "CAN_MANAGE")?;
    record.trashed = true;
    workspace.put_dashboard(&record)?;
    Ok(Json(json!({})))
}

pub(super) async fn publish(
    State(workspace): State<Workspace>,
    caller: Caller,
    Path(id): Path<String>,
    JsonBody(publish): JsonBody<Publish>,
) -> ApiResult<Value> {
    let mut record = may(&workspace, &caller, &id, "CAN_EDIT")?;
    let warehouse_id = publish.warehouse_id.or_else(|| record.warehouse_id.clone());
    if let Some(warehouse) = &warehouse_id {
        workspace.may_use_warehouse(&caller, warehouse)?;
    }
    let published = PublishedRecord {
        name: record.name.clone(),
        serialized: record.serialized.clone(),
        warehouse_id,
        embed_credentials: publish.embed_credentials.unwrap_or(true),
        publisher: caller.name().to_owned(),
        at: workspace.clock().unix_milliseconds(),
    };
    let answer = shown_published(&published);
    record.published = Some(published);
    workspace.put_dashboard(&record)?;
    Ok(Json(answer))
}

pub(super) async fn show_published(
    State(workspace): State<Workspace>,
    caller: Caller,
    Path(id): Path<String>,
) -> ApiResult<Value> {
    let record = may(&workspace, &caller, &id, "CAN_READ")?;
    Ok(Json(shown_published(&published(&record)?)))
}

pub(super) async fn unpublish(
    State(workspace): State<Workspace>,
    caller: Caller,
    Path(id): Path<String>,
) -> ApiResult<Value> {
    let mut record = may(&workspace, &caller, &id, "CAN_EDIT")?;
    published(&record)?;
    record.published = None;
    workspace.put_dashboard(&record)?;
    Ok(Json(json!({})))
}

#[derive(Deserialize)]
pub(super) struct Revert {
    etag: Option<String>,
}

/// Makes the draft what was published.
pub(super) async fn revert(
    State(workspace): State<Workspace>,
    caller: Caller,
    Path(id): Path<String>,
    JsonBody(wanted): JsonBody<Revert>,
) -> ApiResult<Value> {
    let mut record = may(&workspace, &caller, &id, "CAN_EDIT")?;
    if wanted.etag.is_some_and(|etag| etag != record.edits.to_string()) {
        return Err(changed_meanwhile("dashboard"));
    }
    record.serialized = published(&record)?.serialized;
    record.updated_at = workspace.clock().unix_milliseconds();
    record.edits += 1;
    workspace.put_dashboard(&record)?;
    Ok(Json(json!({ "dashboard": shown(&record, true) })))
}

/// A dashboard on which the caller has a level; whoever has none does not learn whether it is there.
pub(super) fn may(
    workspace: &Workspace,
    caller: &Caller,
    id: &str,
    level: &str,
) -> Result<DashboardRecord, ApiError> {
    workspace.authorize_object(caller, KIND, id, level)?;
    workspace.dashboard(id)
}

/// What was published of a dashboard, or a 404.
pub(super) fn published(record: &DashboardRecord) -> Result<PublishedRecord, ApiError> {
    let found = record.published.clone().filter(|_| !record.trashed);
    found.ok_or_else(|| ApiError::not_found("Published dashboard", &record.id))
}

fn check(serialized: &str) -> Result<(), ApiError> {
    if serialized.len() > LARGEST {
        return Err(ApiError::invalid("serialized_dashboard is larger than 4 MiB"));
    }
    let parsed: Result<serde_json::Map<String, Value>, _> = serde_json::from_str(serialized);
    parsed
        .map(drop)
        .map_err(|error| ApiError::invalid(format!("serialized_dashboard is not an object: {error}")))
}

/// The 409 of who changes what is no longer as they saw it.
pub(super) fn changed_meanwhile(what: &str) -> ApiError {
    let message = format!("The {what} was changed by somebody else; get it again");
    ApiError::new(http::StatusCode::CONFLICT, "ABORTED", message)
}

/// A time as the API writes it.
pub(super) fn time(at: i64) -> String {
    Timestamp::from_millisecond(at).unwrap_or_default().to_string()
}

fn shown(record: &DashboardRecord, full: bool) -> Value {
    let mut shown = json!({
        "dashboard_id": record.id,
        "display_name": record.name,
        "create_time": time(record.created_at),
        "update_time": time(record.updated_at),
        "etag": record.edits.to_string(),
        "lifecycle_state": if record.trashed { "TRASHED" } else { "ACTIVE" },
    });
    if let Some(warehouse) = &record.warehouse_id {
        shown["warehouse_id"] = json!(warehouse);
    }
    if let Some(parent) = &record.parent_path {
        shown["parent_path"] = json!(parent);
        shown["path"] = json!(format!("{parent}/{}.lvdash.json", record.name));
    }
    if full {
        shown["serialized_dashboard"] = json!(record.serialized);
    }
    shown
}

fn shown_published(record: &PublishedRecord) -> Value {
    let mut shown = json!({
        "display_name": record.name,
        "embed_credentials": record.embed_credentials,
        "revision_create_time": time(record.at),
    });
    if let Some(warehouse) = &record.warehouse_id {
        shown["warehouse_id"] = json!(warehouse);
    }
    shown
}
