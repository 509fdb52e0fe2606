use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::caller::Caller;
use crate::error::{ApiError, ApiResult};
use crate::request::{JsonBody, Parameters};
use crate::workspace::Workspace;

/// Kind of clusters in access lists.
pub(super) const KIND: &str = "clusters";

/// Id of the one cluster.
pub(super) const ID: &str = "0101-000000-brickyrd";

/// Version it claims: clients refuse a cluster that is older than they are.
pub(super) const VERSION: &str = "19.x-scala2.13";

#[derive(Deserialize)]
pub(super) struct Which {
    cluster_id: Option<String>,
}

pub(super) async fn show(
    State(workspace): State<Workspace>,
    caller: Caller,
    Parameters(which): Parameters<Which>,
) -> ApiResult<Value> {
    let id = which.cluster_id.ok_or_else(|| ApiError::invalid("cluster_id is required"))?;
    check(&workspace, &caller, &id)?;
    Ok(Json(shown(&workspace)))
}

/// `…/start`: it always runs, and says so as the platform does of a cluster that runs.
pub(super) async fn start(
    State(workspace): State<Workspace>,
    caller: Caller,
    JsonBody(which): JsonBody<Which>,
) -> ApiResult<Value> {
    let id = which.cluster_id.ok_or_else(|| ApiError::invalid("cluster_id is required"))?;
    known(&id)?;
    workspace.authorize_object(&caller, KIND, &id, "CAN_RESTART")?;
    let message = format!("Cluster {id} is in unexpected state Running.");
    Err(ApiError::new(http::StatusCode::BAD_REQUEST, "INVALID_STATE", message))
}

pub(super) async fn list(State(workspace): State<Workspace>, caller: Caller) -> ApiResult<Value> {
    let seen = check(&workspace, &caller, ID).is_ok();
    let clusters: Vec<Value> = seen.then(|| shown(&workspace)).into_iter().collect();
    Ok(Json(json!({ "clusters": clusters })))
}

pub(super) async fn versions(_caller: Caller) -> ApiResult<Value> {
    Ok(Json(json!({ "versions": [{ "key": VERSION, "name": "Local engine" }] })))
}

/// Refuses a cluster that is not there, or that the caller may not attach to.
pub(super) fn check(workspace: &Workspace, caller: &Caller, id: &str) -> Result<(), ApiError> {
    known(id)?;
    workspace.authorize_object(caller, KIND, id, "CAN_ATTACH_TO")
}

fn known(id: &str) -> Result<(), ApiError> {
    if id != ID {
        return Err(ApiError::new(
            http::StatusCode::BAD_REQUEST,
            "INVALID_PARAMETER_VALUE",
            format!("Cluster {} does not exist; the local workspace has {ID}", id.escape_debug()),
        ));
    }
    Ok(())
}

fn shown(workspace: &Workspace) -> Value {
    let owner = workspace.config().users.first().map(|user| user.user_name.clone());
    json!({
        "cluster_id": ID,
        "cluster_name": "Local engine",
        "state": "RUNNING",
        "spark_version": VERSION,
        "data_security_mode": "USER_ISOLATION",
        "creator_user_name": owner,
        "num_workers": 0,
        "cluster_source": "UI",
    })
}
