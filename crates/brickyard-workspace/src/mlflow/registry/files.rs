//! The files of model versions: those of their source in the workspace's registry, their own in Unity Catalog.

#![expect(clippy::needless_pass_by_value, reason = "every act of the registries has the same signature")]

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Realm;
use super::versions::Numbered;
use crate::caller::Caller;
use crate::error::{ApiError, ApiResult};
use crate::mlflow::artifacts::{Asker, Folder};
use crate::request::Parameters;
use crate::workspace::Workspace;

/// The folder a version's source names, where the caller may read it: `models:/m-…` or an `artifact_uri`.
pub(super) fn source_folder(
    workspace: &Workspace,
    caller: &Caller,
    source: &str,
) -> Result<Folder, ApiError> {
    if let Some(id) = source.strip_prefix("models:/").filter(|id| id.starts_with("m-")) {
        let model = workspace.logged_model(caller, id, "CAN_READ")?;
        return Ok(Folder::of_model(&model.experiment_id, &model.model_id));
    }
    let folder = Folder::of_uri(source)?;
    workspace.authorize_experiment(caller, folder.experiment(), "CAN_READ")?;
    Ok(folder)
}

pub(super) fn download_uri(
    realm: Realm,
    workspace: &Workspace,
    caller: &Caller,
    wanted: Numbered,
) -> ApiResult<Value> {
    let (model, version) = workspace.version_for(realm, caller, &wanted.name, &wanted.version, false)?;
    let uri = match realm {
        Realm::Workspace => json!(version.source),
        Realm::Unity => version.shown(realm, &model)["storage_location"].take(),
    };
    Ok(Json(json!({ "artifact_uri": uri })))
}

#[derive(Deserialize)]
pub(super) struct FileQuery {
    #[serde(flatten)]
    numbered: Numbered,
    path: Option<String>,
    page_token: Option<String>,
}

fn folder(workspace: &Workspace, caller: &Caller, wanted: &Numbered) -> Result<Folder, ApiError> {
    let (_, version) =
        workspace.version_for(Realm::Workspace, caller, &wanted.name, &wanted.version, false)?;
    // Whoever may read the version may read its files, wherever they came from.
    let source = version.source.as_str();
    match source.strip_prefix("models:/") {
        Some(id) => workspace.folder_of_logged_model(id),
        None => Folder::of_uri(source),
    }
}

pub(super) fn list(_: Realm, workspace: &Workspace, caller: &Caller, wanted: FileQuery) -> ApiResult<Value> {
    let folder = folder(workspace, caller, &wanted.numbered)?;
    let path = wanted.path.unwrap_or_default();
    Ok(Json(folder.list(workspace, &path, wanted.page_token.as_deref())?))
}

pub(super) async fn signed_download(
    State(workspace): State<Workspace>,
    asker: Asker,
    Parameters(wanted): Parameters<FileQuery>,
) -> ApiResult<Value> {
    let folder = folder(&workspace, &asker.caller, &wanted.numbered)?;
    let path = wanted.path.unwrap_or_default();
    let mut credential = folder.credential(&workspace, &asker, &path, false)?;
    Ok(Json(json!({ "signed_uri": credential["signed_uri"].take(), "headers": [] })))
}

/// Clients ask whether to send and fetch a version's files through the Files API: here always.
#[expect(clippy::unnecessary_wraps, reason = "every method of the registry has this shape")]
pub(super) fn through_files_api(_: Realm, _: &Workspace, _: &Caller, _: Value) -> ApiResult<Value> {
    Ok(Json(json!({ "is_databricks_sdk_models_artifact_repository_enabled": true })))
}

/// Notes on what a version was made of are taken and not kept: there is no lineage here to ask for.
pub(super) fn emit_lineage(
    realm: Realm,
    workspace: &Workspace,
    caller: &Caller,
    wanted: Numbered,
) -> ApiResult<Value> {
    workspace.version_for(realm, caller, &wanted.name, &wanted.version, false)?;
    Ok(Json(json!({})))
}

#[derive(Deserialize)]
pub(super) struct CredentialQuery {
    #[serde(flatten)]
    numbered: Numbered,
    operation: Option<String>,
}

/// Tells clients that ask for a cloud's credentials to use signed addresses of the Files API, as the platform does for
/// its default storage; who may not do what is asked is refused here already.
pub(super) fn temporary_credentials(
    realm: Realm,
    workspace: &Workspace,
    caller: &Caller,
    wanted: CredentialQuery,
) -> ApiResult<Value> {
    let Numbered { name, version } = &wanted.numbered;
    let write = match wanted.operation.as_deref() {
        Some("MODEL_VERSION_OPERATION_READ") => false,
        Some("MODEL_VERSION_OPERATION_READ_WRITE") => true,
        other => {
            return Err(ApiError::invalid(format!(
                "operation must be MODEL_VERSION_OPERATION_READ or MODEL_VERSION_OPERATION_READ_WRITE, not `{}`",
                other.unwrap_or_default()
            )));
        }
    };
    workspace.version_for(realm, caller, name, version, write)?;
    Ok(Json(json!({ "credentials": { "storage_mode": "DEFAULT_STORAGE" } })))
}
