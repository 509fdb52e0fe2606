use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};

use crate::caller::Caller;
use crate::error::ApiResult;
use crate::workspace::Workspace;

pub(super) async fn assignment(State(workspace): State<Workspace>, _caller: Caller) -> ApiResult<Value> {
    Ok(Json(json!({
        "metastore_id": metastore_id(&workspace),
        "workspace_id": workspace.config().workspace_id,
        "default_catalog_name": crate::catalog::WORKSPACE_CATALOG,
    })))
}

pub(super) async fn summary(State(workspace): State<Workspace>, _caller: Caller) -> ApiResult<Value> {
    let id = metastore_id(&workspace);
    Ok(Json(json!({
        "metastore_id": id,
        "name": "brickyard",
        "cloud": "aws",
        "region": "local",
        "global_metastore_id": format!("aws:local:{id}"),
        "owner": "System user",
        "privilege_model_version": "1.0",
        "delta_sharing_scope": "INTERNAL",
        "external_access_enabled": false,
    })))
}

/// Id of the metastore, the same for the same workspace.
pub(super) fn metastore_id(workspace: &Workspace) -> String {
    let name = workspace.config().workspace_id.to_string();
    uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_OID, name.as_bytes()).to_string()
}
