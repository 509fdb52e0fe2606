use axum::Json;
use axum::extract::{Path, State};
use brickyard_api::{App, Deployment, DeploymentStatus, EnvironmentVariable};
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use super::git;
use super::life::refuse_deleting;
use super::record::{AppRecord, DEPLOYMENT, masked};
use crate::caller::Caller;
use crate::error::{ApiError, ApiResult};
use crate::request::{JsonBody, Parameters};
use crate::workspace::Workspace;
use crate::workspace_files::ObjectPath;

#[derive(Deserialize)]
pub(crate) struct Page {
    #[serde(default)]
    page_size: Option<usize>,
    #[serde(default)]
    page_token: Option<String>,
}

/// Deploy a version: snapshot of the source, build, start, switch; the old version serves until the new one does.
pub(crate) async fn create(
    State(workspace): State<Workspace>,
    caller: Caller,
    Path(name): Path<String>,
    JsonBody(body): JsonBody<Value>,
) -> ApiResult<Deployment> {
    let record = workspace.app_for(&caller, &name, "CAN_MANAGE")?;
    refuse_deleting(&record.compute, &name)?;
    let mut deployment: Deployment = serde_json::from_value(body)
        .map_err(|error| ApiError::invalid(format!("The deployment is not valid: {error}")))?;
    if !workspace.config().user_authorization && !record.app.user_api_scopes.is_empty() {
        return Err(ApiError::invalid("user token passthrough not enabled"));
    }
    if workspace.config().app_host.is_none() {
        return Err(ApiError::not_implemented("deployments: this workspace runs without an app host"));
    }
    let mode = deployment.mode.get_or_insert_with(|| "SNAPSHOT".to_owned());
    if !matches!(mode.as_str(), "SNAPSHOT" | "AUTO_SYNC") {
        return Err(ApiError::invalid(format!("Unknown deployment mode {mode}")));
    }
    let auto_sync = mode == "AUTO_SYNC";
    check_variables(&deployment.env_vars)?;
    if deployment.source_code_path.is_none() && deployment.git_source.is_none() {
        deployment.git_source.clone_from(&record.app.default_git_source);
        if deployment.git_source.is_none() {
            deployment.source_code_path.clone_from(&record.app.default_source_code_path);
        }
    }
    match (&mut deployment.git_source, &deployment.source_code_path) {
        (Some(_), Some(_)) => {
            return Err(ApiError::invalid("Only one of source_code_path and git_source can be given"));
        }
        (None, None) => {
            return Err(ApiError::invalid("A source_code_path is required for the first deployment"));
        }
        (Some(_), None) if auto_sync => {
            return Err(ApiError::invalid("Mode AUTO_SYNC takes its source from a workspace folder"));
        }
        (Some(git_source), None) => {
            git::check_source(git_source)?;
            git_source.resolved_commit = None;
            git_source.git_repository.clone_from(&record.app.git_repository);
            if record.app.git_repository.is_none() {
                return Err(ApiError::invalid(format!("App {name} has no git_repository to deploy from")));
            }
        }
        (None, Some(path)) => check_source(&workspace, &caller, &record, path)?,
    }
    let now = workspace.clock().now();
    let id = format!("{:016x}{}", now.as_microsecond(), &uuid::Uuid::new_v4().simple().to_string()[..16]);
    deployment.deployment_id = Some(id.clone());
    deployment.status = Some(status("IN_PROGRESS", "The deployment is in progress"));
    deployment.deployment_artifacts =
        Some(json!({ "source_code_path": format!("{}{id}", artifact_prefix(&record.app)) }));
    deployment.creator = Some(caller.name().to_owned());
    deployment.create_time = Some(now.to_string());
    deployment.update_time = Some(now.to_string());
    workspace.try_change_app(&name, |record| {
        if let Some(error) = refuse_busy(record) {
            return Err(error);
        }
        record.pending = Some(id.clone());
        match (&deployment.git_source, &deployment.source_code_path) {
            (Some(git_source), _) => record.app.default_git_source = Some(git_source.clone()),
            (None, Some(path)) if !path.starts_with(&artifact_prefix(&record.app)) => {
                record.app.default_source_code_path = Some(path.clone());
            }
            _ => {}
        }
        Ok(true)
    })?;
    workspace.save_deployment(&name, &deployment)?;
    let task = workspace.clone();
    let copy = deployment.clone();
    workspace.tracker().spawn(async move { task.deploy(&name, copy).await });
    Ok(Json(masked(deployment)))
}

/// Get a deployment; values of variables are not given back.
pub(crate) async fn get(
    State(workspace): State<Workspace>,
    caller: Caller,
    Path((name, id)): Path<(String, String)>,
) -> ApiResult<Deployment> {
    workspace.app_for(&caller, &name, "CAN_USE")?;
    let deployment =
        workspace.find_deployment(&name, &id)?.ok_or_else(|| ApiError::not_found("Deployment", &id))?;
    Ok(Json(masked(deployment)))
}

/// List the deployments of an app, newest first.
pub(crate) async fn list(
    State(workspace): State<Workspace>,
    caller: Caller,
    Path(name): Path<String>,
    Parameters(page): Parameters<Page>,
) -> ApiResult<Value> {
    workspace.app_for(&caller, &name, "CAN_USE")?;
    let mut all: Vec<(String, Deployment)> = workspace
        .store()
        .list(DEPLOYMENT, &format!("{name}/"))
        .map_err(|error| ApiError::internal(&error))?;
    all.reverse();
    let start = match &page.page_token {
        Some(token) => all.iter().position(|(key, _)| key == token).unwrap_or(all.len()),
        None => 0,
    };
    let end = all.len().min(start + page.page_size.filter(|size| *size > 0).unwrap_or(20).min(100));
    let next = all.get(end).map(|(key, _)| key.clone());
    let deployments: Vec<Deployment> =
        all.drain(start..end).map(|(_, deployment)| masked(deployment)).collect();
    let mut answer = json!({ "app_deployments": deployments });
    if let Some(next) = next {
        answer["next_page_token"] = json!(next);
    }
    Ok(Json(answer))
}

/// The last lines of an app's log.
pub(crate) async fn logs(
    State(workspace): State<Workspace>,
    caller: Caller,
    Path((name, id)): Path<(String, String)>,
) -> ApiResult<Value> {
    workspace.app_for(&caller, &name, "CAN_MANAGE")?;
    workspace.find_deployment(&name, &id)?.ok_or_else(|| ApiError::not_found("Deployment", &id))?;
    let host = workspace
        .config()
        .app_host
        .as_ref()
        .ok_or_else(|| ApiError::not_implemented("logs without an app host"))?;
    let lines = host.logs(&name, 500);
    let text: Vec<String> = lines.iter().map(|line| format!("[{}] {}", line.source, line.message)).collect();
    Ok(Json(json!({ "logs": text.join("\n") })))
}

/// Every variable has a name, and one place its value comes from.
fn check_variables(variables: &[EnvironmentVariable]) -> Result<(), ApiError> {
    for variable in variables {
        if variable.name.is_empty() {
            return Err(ApiError::invalid("Every entry of env_vars needs a name"));
        }
        if variable.value.is_some() && variable.value_from.is_some() {
            return Err(ApiError::invalid(format!(
                "Environment variable {} has both value and value_from",
                variable.name
            )));
        }
    }
    Ok(())
}

/// A folder the caller may read, or the kept source of an earlier deployment of the app.
fn check_source(
    workspace: &Workspace,
    caller: &Caller,
    record: &AppRecord,
    path: &str,
) -> Result<(), ApiError> {
    if let Some(id) = path.strip_prefix(&artifact_prefix(&record.app)) {
        let known = workspace.find_deployment(&record.app.name, id)?.is_some();
        if known && workspace.artifacts(&record.app.name).join(id).is_dir() {
            return Ok(());
        }
        return Err(ApiError::not_found("The source of deployment", id));
    }
    let path = ObjectPath::parse(path)?;
    workspace.authorize_path(caller, &path, "CAN_READ")?;
    workspace.file_tree().get(&path).map(drop)
}

/// Where the API says an app's artifacts lie.
pub(super) fn artifact_prefix(app: &App) -> String {
    format!("/Workspace/Users/{}/src/", app.service_principal_client_id.as_deref().unwrap_or_default())
}

/// One deployment at a time, and only on a machine that runs.
fn refuse_busy(record: &AppRecord) -> Option<ApiError> {
    let name = &record.app.name;
    if record.pending.is_some() {
        return Some(ApiError::new(
            StatusCode::CONFLICT,
            "RESOURCE_CONFLICT",
            format!("Cannot deploy app {name} as there is an active deployment in progress."),
        ));
    }
    (record.compute != "ACTIVE").then(|| {
        ApiError::new(
            StatusCode::BAD_REQUEST,
            "INVALID_STATE",
            format!("Cannot deploy app {name} as its compute is not active; start the app first"),
        )
    })
}

pub(super) fn status(state: &str, message: &str) -> DeploymentStatus {
    DeploymentStatus { state: state.to_owned(), message: message.to_owned() }
}
