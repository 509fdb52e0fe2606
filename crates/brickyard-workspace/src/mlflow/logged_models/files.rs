//! The files of logged models: what there is, and where to send and fetch them.

use axum::Json;
use axum::extract::{Path, State};
use serde::Deserialize;
use serde_json::{Value, json};

use super::super::artifacts::{Asker, Folder};
use crate::caller::Caller;
use crate::error::ApiResult;
use crate::request::{JsonBody, Parameters};
use crate::workspace::Workspace;

#[derive(Deserialize)]
pub(in crate::mlflow) struct ListQuery {
    artifact_directory_path: Option<String>,
    page_token: Option<String>,
}

pub(in crate::mlflow) async fn list_artifacts(
    State(workspace): State<Workspace>,
    caller: Caller,
    Path(id): Path<String>,
    Parameters(query): Parameters<ListQuery>,
) -> ApiResult<Value> {
    let model = workspace.logged_model(&caller, &id, "CAN_READ")?;
    let folder = Folder::of_model(&model.experiment_id, &model.model_id);
    let path = query.artifact_directory_path.unwrap_or_default();
    let mut answer = folder.list(&workspace, &path, query.page_token.as_deref())?;
    answer["root_uri"] = json!(model.artifact_uri);
    Ok(Json(answer))
}

#[derive(Deserialize)]
pub(in crate::mlflow) struct Paths {
    #[serde(default)]
    paths: Vec<String>,
}

pub(in crate::mlflow) async fn credentials_for_upload(
    State(workspace): State<Workspace>,
    Path(id): Path<String>,
    asker: Asker,
    JsonBody(wanted): JsonBody<Paths>,
) -> ApiResult<Value> {
    credentials(&workspace, &asker, &id, &wanted.paths, true)
}

pub(in crate::mlflow) async fn credentials_for_download(
    State(workspace): State<Workspace>,
    Path(id): Path<String>,
    asker: Asker,
    JsonBody(wanted): JsonBody<Paths>,
) -> ApiResult<Value> {
    credentials(&workspace, &asker, &id, &wanted.paths, false)
}

fn credentials(
    workspace: &Workspace,
    asker: &Asker,
    id: &str,
    paths: &[String],
    write: bool,
) -> ApiResult<Value> {
    let level = if write { "CAN_EDIT" } else { "CAN_READ" };
    let model = workspace.logged_model(&asker.caller, id, level)?;
    let folder = Folder::of_model(&model.experiment_id, &model.model_id);
    let infos = folder.credentials(workspace, asker, paths, write)?;
    let infos = infos.into_iter().map(|info| json!({ "model_id": id, "credential_info": info }));
    Ok(Json(json!({ "credentials": infos.collect::<Vec<_>>() })))
}
