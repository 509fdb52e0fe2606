use axum::Json;
use axum::extract::{Path, Query, State};
use brickyard_api::{Deployment, DeploymentStatus};
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use super::host::AppLaunch;
use super::life::refuse_deleting;
use super::record::{AppRecord, DEPLOYMENT, masked};
use crate::caller::Caller;
use crate::error::{ApiError, ApiResult};
use crate::workspace::Workspace;
use crate::workspace_files::ObjectPath;

/// Largest file of an app, in bytes (platform §2.1).
const LARGEST_FILE: u64 = 10_485_760;

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
    Json(body): Json<Value>,
) -> ApiResult<Deployment> {
    let mut record = workspace.app_for(&caller, &name, "CAN_MANAGE")?;
    refuse_deleting(&record.compute, &name)?;
    if body.get("git_source").is_some_and(|source| !source.is_null()) {
        return Err(ApiError::not_implemented("deployments from a git source"));
    }
    let request: Deployment = serde_json::from_value(body)
        .map_err(|error| ApiError::invalid(format!("The deployment is not valid: {error}")))?;
    if record.compute != "ACTIVE" {
        return Err(ApiError::new(
            StatusCode::BAD_REQUEST,
            "INVALID_STATE",
            format!("Cannot deploy app {name} as its compute is not active; start the app first"),
        ));
    }
    if record.pending.is_some() {
        return Err(ApiError::new(
            StatusCode::CONFLICT,
            "RESOURCE_CONFLICT",
            format!("Cannot deploy app {name} as there is an active deployment in progress."),
        ));
    }
    if workspace.config().app_host.is_none() {
        return Err(ApiError::not_implemented("deployments: this workspace runs without an app host"));
    }
    let source_code_path =
        request
            .source_code_path
            .or_else(|| record.app.default_source_code_path.clone())
            .ok_or_else(|| ApiError::invalid("A source_code_path is required for the first deployment"))?;
    let path = ObjectPath::parse(&source_code_path)?;
    workspace.authorize_path(&caller, &path)?;
    workspace.file_tree().get(&path)?;
    let now = workspace.clock().now();
    let id = format!("{:016x}{}", now.as_microsecond(), &uuid::Uuid::new_v4().simple().to_string()[..16]);
    let mode = request.mode.unwrap_or_else(|| "SNAPSHOT".to_owned());
    if !matches!(mode.as_str(), "SNAPSHOT" | "AUTO_SYNC") {
        return Err(ApiError::invalid(format!("Unknown deployment mode {mode}")));
    }
    let deployment = Deployment {
        deployment_id: Some(id.clone()),
        source_code_path: Some(source_code_path.clone()),
        mode: Some(mode),
        command: request.command,
        env_vars: request.env_vars,
        status: Some(status("IN_PROGRESS", "The deployment is in progress")),
        deployment_artifacts: Some(
            json!({ "source_code_path": format!("/Workspace/Users/{}/src/{id}", record.app.service_principal_client_id.as_deref().unwrap_or_default()) }),
        ),
        creator: Some(caller.name().to_owned()),
        create_time: Some(now.to_string()),
        update_time: Some(now.to_string()),
    };
    workspace.save_deployment(&name, &deployment)?;
    record.pending = Some(id.clone());
    record.app.default_source_code_path = Some(source_code_path);
    workspace.save_app(&record)?;
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
    Query(page): Query<Page>,
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

impl Workspace {
    /// Starts a version again, after the machine was stopped or the workspace restarted.
    pub(super) fn relaunch(&self, name: &str, id: &str) -> Result<(), ApiError> {
        let Some(deployment) = self.find_deployment(name, id)? else { return Ok(()) };
        let workspace = self.clone();
        let name = name.to_owned();
        self.tracker().spawn(async move {
            if let Err(message) = workspace.launch(&name, &deployment, false).await {
                tracing::warn!(app = name, "App `{name}` did not start again: {message}");
            }
        });
        Ok(())
    }

    /// Starts every app that was active when the workspace stopped.
    pub(crate) fn resume_apps(&self) -> Result<(), ApiError> {
        let records: Vec<(String, AppRecord)> =
            self.store().list(super::record::APP, "").map_err(|error| ApiError::internal(&error))?;
        for (name, mut record) in records {
            if let Some(id) = record.pending.take() {
                // The workspace ended in the middle of this deployment.
                if let Some(mut deployment) = self.find_deployment(&name, &id)? {
                    deployment.status =
                        Some(status("CANCELLED", "The workspace stopped during the deployment"));
                    self.save_deployment(&name, &deployment)?;
                }
                self.save_app(&record)?;
            }
            if let (Some(id), "ACTIVE") = (record.active.clone(), record.compute.as_str()) {
                self.relaunch(&name, &id)?;
            }
        }
        Ok(())
    }

    async fn deploy(&self, name: &str, mut deployment: Deployment) {
        let outcome = self.launch(name, &deployment, true).await;
        let (state, message) = match &outcome {
            Ok(()) => ("SUCCEEDED", "App started successfully".to_owned()),
            Err(message) => ("FAILED", message.clone()),
        };
        deployment.status = Some(status(state, &message));
        deployment.update_time = Some(self.clock().now().to_string());
        let saved = self.save_deployment(name, &deployment).and_then(|()| {
            let Some(mut record) = self.app_record(name)? else { return Ok(()) };
            record.pending = None;
            if outcome.is_ok() {
                record.active.clone_from(&deployment.deployment_id);
            }
            self.save_app(&record)
        });
        if let Err(error) = saved {
            tracing::error!(app = name, "The outcome of a deployment could not be saved: {error}");
        }
    }

    async fn launch(&self, name: &str, deployment: &Deployment, fresh: bool) -> Result<(), String> {
        let host = self.config().app_host.clone().ok_or("This workspace runs without an app host")?;
        let record = self.app_record(name).map_err(|error| error.message)?.ok_or("The app is gone")?;
        let id = deployment.deployment_id.clone().unwrap_or_default();
        let source_code_path = deployment.source_code_path.clone().unwrap_or_default();
        let source = self.config().state_directory.join("apps").join(name).join(&id);
        if fresh || !source.is_dir() {
            let (workspace, from, to) = (self.clone(), source_code_path.clone(), source.clone());
            tokio::task::spawn_blocking(move || workspace.snapshot(&from, &to))
                .await
                .map_err(|error| error.to_string())??;
        }
        let registered = self.registered(&record).await.map_err(|error| error.message)?;
        let launch = AppLaunch {
            name: name.to_owned(),
            deployment_id: id,
            source,
            source_code_path,
            command: (!deployment.command.is_empty()).then(|| deployment.command.clone()),
            variables: deployment.env_vars.clone(),
            resources: record.app.resources.clone(),
            environment: registered.environment,
            values: registered.values,
            compute_size: record.app.compute_size.clone().unwrap_or_default(),
        };
        host.launch(launch).await.map_err(|failure| failure.message)
    }

    /// Copies the source; a notebook arrives without its ending, as on the platform.
    fn snapshot(&self, from: &str, to: &std::path::Path) -> Result<(), String> {
        let path = ObjectPath::parse(from).map_err(|error| error.message)?;
        let root = self.file_tree().on_disk(&path);
        let cannot =
            |error: &dyn std::fmt::Display| format!("Error: cannot copy the source code of {from}: {error}");
        let staging = to.with_extension("part");
        for stale in [&staging, &to.to_path_buf()] {
            match std::fs::remove_dir_all(stale) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(cannot(&error)),
                _ => {}
            }
        }
        for entry in walkdir::WalkDir::new(&root).follow_links(false) {
            let entry = entry.map_err(|error| cannot(&error))?;
            let relative = entry.path().strip_prefix(&root).map_err(|error| cannot(&error))?;
            let target = staging.join(relative);
            if entry.file_type().is_dir() {
                std::fs::create_dir_all(&target).map_err(|error| cannot(&error))?;
            } else if entry.file_type().is_file() {
                let size = entry.metadata().map_err(|error| cannot(&error))?.len();
                if size > LARGEST_FILE {
                    return Err(format!(
                        "Error: File {from}/{} is larger than the maximum allowed file size of {LARGEST_FILE} bytes. Please \
                         reduce the file size and try again.",
                        relative.display()
                    ));
                }
                std::fs::copy(entry.path(), &target).map_err(|error| cannot(&error))?;
            }
        }
        std::fs::rename(&staging, to).map_err(|error| cannot(&error))
    }
}

fn status(state: &str, message: &str) -> DeploymentStatus {
    DeploymentStatus { state: state.to_owned(), message: message.to_owned() }
}
