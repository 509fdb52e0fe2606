use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use serde_json::{Value, json};

use super::path::ObjectPath;
use super::tree::Object;
use crate::caller::Caller;
use crate::error::{ApiError, ApiResult};
use crate::request::{JsonBody, Parameters};
use crate::workspace::Workspace;

#[derive(Deserialize)]
pub(crate) struct PathQuery {
    path: String,
}

#[derive(Deserialize)]
pub(crate) struct DeleteBody {
    path: String,
    #[serde(default)]
    recursive: bool,
}

/// Make a folder and its parents.
pub(crate) async fn make_directories(
    State(workspace): State<Workspace>,
    caller: Caller,
    JsonBody(body): JsonBody<PathQuery>,
) -> ApiResult<Value> {
    let path = ObjectPath::parse(&body.path)?;
    workspace.authorize_writing(&caller, &path)?;
    workspace.file_tree().make_directories(&path)?;
    Ok(Json(json!({})))
}

/// What lies at a path.
pub(crate) async fn status(
    State(workspace): State<Workspace>,
    caller: Caller,
    Parameters(query): Parameters<PathQuery>,
) -> ApiResult<Value> {
    let path = ObjectPath::parse(&query.path)?;
    if !has_home(&workspace, &caller, &path)? {
        workspace.authorize_path(&caller, &path, "CAN_READ")?;
    }
    Ok(Json(workspace.file_tree().describe(&path)?))
}

/// Everybody's home is there from the start: it is made when its owner comes to it, or to a folder that it is in. Whether
/// the path is such a place.
pub(super) fn has_home(workspace: &Workspace, caller: &Caller, path: &ObjectPath) -> Result<bool, ApiError> {
    let home = ObjectPath::parse("/Users")?.join(caller.name());
    let is_there = home.is_within(path);
    if is_there && !workspace.file_tree().exists(&home)? {
        workspace.file_tree().make_directories(&home)?;
    }
    Ok(is_there)
}

/// What lies directly in a folder.
pub(crate) async fn list(
    State(workspace): State<Workspace>,
    caller: Caller,
    Parameters(query): Parameters<PathQuery>,
) -> ApiResult<Value> {
    let path = ObjectPath::parse(&query.path)?;
    has_home(&workspace, &caller, &path)?;
    workspace.authorize_path(&caller, &path, "CAN_READ")?;
    let tree = workspace.file_tree();
    let objects = match tree.get(&path)? {
        Object::Directory => {
            tree.children(&path)?.iter().map(|child| tree.describe(child)).collect::<Result<Vec<_>, _>>()?
        }
        Object::File(_) | Object::Notebook(..) => vec![tree.describe(&path)?],
    };
    Ok(Json(if objects.is_empty() { json!({}) } else { json!({ "objects": objects }) }))
}

/// Remove a file, a notebook or a folder.
pub(crate) async fn delete(
    State(workspace): State<Workspace>,
    caller: Caller,
    JsonBody(body): JsonBody<DeleteBody>,
) -> ApiResult<Value> {
    let path = ObjectPath::parse(&body.path)?;
    workspace.authorize_path(&caller, &path, "CAN_MANAGE")?;
    if matches!(path.as_str(), "/" | "/Users" | "/Shared") {
        return Err(ApiError::invalid(format!("Folder ({path}) is protected")));
    }
    let gone = workspace.file_tree().all_within(&path)?;
    workspace.file_tree().remove(&path, body.recursive)?;
    workspace.forget_paths(&gone)?;
    Ok(Json(json!({})))
}
