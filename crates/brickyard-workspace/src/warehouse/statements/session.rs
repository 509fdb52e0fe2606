use std::collections::BTreeMap;

use axum::Json;
use axum::extract::{Path, State};
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::authorize::Wish;
use crate::caller::Caller;
use crate::error::{ApiError, ApiResult};
use crate::request::JsonBody;
use crate::warehouse::session::{Session, Settings};
use crate::workspace::Workspace;

#[derive(Deserialize)]
pub(crate) struct Create {
    #[serde(default)]
    warehouse_id: String,
    #[serde(default)]
    session_confs: BTreeMap<String, String>,
    catalog: Option<String>,
    schema: Option<String>,
}

/// `POST /api/2.0/sql/warehouses/{id}/sessions`, as the JDBC driver has it.
pub(crate) async fn create_session_on(
    workspace: State<Workspace>,
    caller: Caller,
    Path(warehouse_id): Path<String>,
    JsonBody(create): JsonBody<Create>,
) -> ApiResult<Value> {
    create_session(workspace, caller, JsonBody(Create { warehouse_id, ..create })).await
}

/// `DELETE /api/2.0/sql/warehouses/{id}/sessions/{session}`.
pub(crate) async fn delete_session_on(
    workspace: State<Workspace>,
    caller: Caller,
    Path((_, session)): Path<(String, String)>,
) -> ApiResult<Value> {
    delete_session(workspace, caller, Path(session)).await
}

/// `POST /api/2.0/sql/sessions`.
pub(crate) async fn create_session(
    State(workspace): State<Workspace>,
    caller: Caller,
    JsonBody(create): JsonBody<Create>,
) -> ApiResult<Value> {
    let (catalog, schema) = (create.catalog.as_deref(), create.schema.as_deref());
    let session = open(&workspace, caller, &create.warehouse_id, create.session_confs, catalog, schema)?;
    let opened = workspace.warehouses().open(&workspace, session);
    let opened = opened.map_err(|fault| ApiError::invalid(fault.message))?;
    Ok(Json(json!({ "session_id": opened.id.to_string() })))
}

/// `DELETE /api/2.0/sql/sessions/{id}`.
pub(crate) async fn delete_session(
    State(workspace): State<Workspace>,
    caller: Caller,
    Path(id): Path<String>,
) -> ApiResult<Value> {
    let found = Uuid::parse_str(&id)
        .ok()
        .and_then(|id| workspace.warehouses().session(&workspace, id, caller.name()))
        .ok_or_else(|| ApiError::not_found("Session", &id))?;
    workspace.warehouses().close(&workspace, found.id);
    Ok(Json(json!({})))
}

/// A session of this caller on a warehouse they may use.
pub(crate) fn open(
    workspace: &Workspace,
    caller: Caller,
    warehouse: &str,
    configuration: BTreeMap<String, String>,
    catalog: Option<&str>,
    schema: Option<&str>,
) -> Result<Session, ApiError> {
    caller.require_scope("sql.statement-execution")?;
    let definition = workspace.warehouses().get(workspace, warehouse)?;
    workspace.authorize(&caller, Wish::Object { kind: "warehouses", id: warehouse, level: "CAN_USE" })?;
    let mut settings = Settings::for_caller(workspace);
    for (name, value) in configuration {
        settings.apply_client_configuration(&name, value);
    }
    settings.choose(workspace, &caller, catalog, schema).map_err(|fault| ApiError::invalid(fault.message))?;
    Ok(Session::new(caller, definition.id, settings, workspace.clock().unix_milliseconds()))
}
