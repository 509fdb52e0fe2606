use axum::Json;
use axum::extract::{Path, State};
use serde_json::{Value, json};

use crate::caller::Caller;
use crate::error::{ApiError, ApiResult};
use crate::lakebase::LakebaseError;
use crate::workspace::Workspace;

const KIND: &str = "postgres_operation";

/// Gets an operation by name.
pub(super) async fn get(
    State(workspace): State<Workspace>,
    _caller: Caller,
    Path((_project, operation)): Path<(String, String)>,
) -> ApiResult<Value> {
    let found = workspace.store().get(KIND, &operation).map_err(LakebaseError::from)?;
    Ok(Json(found.ok_or_else(|| super::names::not_found("operation"))?))
}

/// Remembers an operation that is done, and answers it; `kind` names its metadata, such as `Branch`.
pub(super) fn done(
    workspace: &Workspace,
    project: &str,
    kind: &str,
    response: &Value,
) -> Result<Json<Value>, ApiError> {
    let id = uuid::Uuid::new_v4().to_string();
    let type_name = |kind: &str| format!("type.googleapis.com/databricks.postgres.v1.{kind}");
    let mut response = response.clone();
    if let Some(fields) = response.as_object_mut() {
        fields.insert("@type".to_owned(), json!(type_name(kind)));
    }
    let operation = json!({
        "name": format!("projects/{project}/operations/{id}"),
        "metadata": { "@type": type_name(&format!("{kind}OperationMetadata")) },
        "done": true,
        "response": response,
    });
    workspace.store().put(KIND, &id, &operation).map_err(LakebaseError::from)?;
    Ok(Json(operation))
}

/// Forgets the operations of a project that has gone, but for the last, which tells so.
pub(super) fn forget(workspace: &Workspace, project: &str) -> Result<(), LakebaseError> {
    let prefix = format!("projects/{project}/");
    for (id, operation) in workspace.store().list::<Value>(KIND, "")? {
        if operation["name"].as_str().is_some_and(|name| name.starts_with(&prefix)) {
            workspace.store().delete(KIND, &id)?;
        }
    }
    Ok(())
}
