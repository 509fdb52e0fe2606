use axum::Json;
use axum::extract::{Path, State};
use serde_json::{Value, json};

use super::branches;
use super::endpoints;
use super::hosts;
use super::names::{self, Options, bad, checked_id, exists, manage, seconds, sizes};
use super::operations;
use super::record::{BRANCH, Branch, ENDPOINT, Endpoint, PROJECT, Project, Sizes};
use super::snapshots;
use crate::caller::Caller;
use crate::error::{ApiError, ApiResult};
use crate::lakebase::{Lakebase, LakebaseError, Placed};
use crate::request::{JsonBody, Parameters};
use crate::workspace::Workspace;

/// Kind of a project in the permissions API.
pub(super) const OBJECTS: &str = "database-projects";

/// Branch and endpoint every project begins with.
pub(super) const FIRST_BRANCH: &str = "production";
pub(super) const FIRST_ENDPOINT: &str = "primary";

/// Makes a project with its branch `production` and its endpoint `primary`.
pub(super) async fn create(
    State(workspace): State<Workspace>,
    caller: Caller,
    Parameters(options): Parameters<Options>,
    JsonBody(body): JsonBody<Value>,
) -> ApiResult<Value> {
    let id = checked_id("project", options.project_id.as_deref())?;
    let project = make(&workspace, &id, &body, caller.name()).await?;
    workspace.own_object(&caller, OBJECTS, &id)?;
    operations::done(&workspace, &id, "Project", &show(&workspace, &project)?)
}

/// Lists all projects.
pub(super) async fn list(State(workspace): State<Workspace>, _caller: Caller) -> ApiResult<Value> {
    let mut shown = Vec::new();
    for project in all(&workspace)? {
        shown.push(show(&workspace, &project)?);
    }
    Ok(Json(json!({ "projects": shown })))
}

/// Gets one.
pub(super) async fn get(
    State(workspace): State<Workspace>,
    _caller: Caller,
    Path(id): Path<String>,
) -> ApiResult<Value> {
    let project = names::project(&workspace, &id)?;
    Ok(Json(show(&workspace, &project)?))
}

/// Changes one.
pub(super) async fn update(
    State(workspace): State<Workspace>,
    caller: Caller,
    Path(id): Path<String>,
    Parameters(options): Parameters<Options>,
    JsonBody(body): JsonBody<Value>,
) -> ApiResult<Value> {
    let mut project = names::project(&workspace, &id)?;
    manage(&workspace, &caller, &project)?;
    let spec = &body["spec"];
    let changed = |field: &str| spec.get(field).filter(|_| options.changes(field));
    if let Some(name) = changed("display_name").and_then(Value::as_str) {
        name.clone_into(&mut project.display_name);
    }
    if let Some(native) = changed("enable_pg_native_login").and_then(Value::as_bool) {
        project.native_login = native;
    }
    if let Some(history) = changed("history_retention_duration") {
        project.history = checked_history(history)?;
        project.history_asked = true;
    }
    if let Some(tags) = changed("custom_tags") {
        project.custom_tags = Some(tags.clone());
    }
    if let Some(settings) = changed("default_endpoint_settings") {
        project.sizes = sizes(settings, &project.sizes)?;
    }
    if let Some(default) = changed("default_branch").and_then(Value::as_str) {
        let (of, branch, _) = names::split(default).ok_or_else(|| names::not_found("branch"))?;
        if of != id {
            return Err(bad("The default branch has to be one of the project"));
        }
        project.default_branch = names::branch(&workspace, &id, branch)?.name();
    }
    project.updated = workspace.clock().now().to_string();
    workspace.store().put(PROJECT, &id, &project).map_err(LakebaseError::from)?;
    for branch in branches::all(&workspace, &id)? {
        let databases = workspace.databases();
        if let Some(mut server) = databases.server(&branch.uid).map_err(LakebaseError::from)? {
            server.native_login = project.native_login;
            databases.put_server(&server).map_err(LakebaseError::from)?;
        }
        workspace.lakebase().change_history(&workspace, &branch.uid, project.kept()).await?;
    }
    operations::done(&workspace, &id, "Project", &show(&workspace, &project)?)
}

/// Deletes one with all its branches.
pub(super) async fn remove(
    State(workspace): State<Workspace>,
    caller: Caller,
    Path(id): Path<String>,
) -> ApiResult<Value> {
    let project = names::project(&workspace, &id)?;
    manage(&workspace, &caller, &project)?;
    if let Some(branch) = branches::all(&workspace, &id)?.into_iter().find(|branch| branch.protected) {
        return Err(bad(format!("Branch '{}' is protected, so the project cannot be deleted", branch.id)));
    }
    delete(&workspace, &project).await?;
    operations::done(&workspace, &id, "Project", &json!({ "name": format!("projects/{id}") }))
}

/// Where an app's resource of this branch leads; makes what is not there, owned by `owner`.
pub(crate) async fn find_or_create(
    workspace: &Workspace,
    name: &str,
    owner: &str,
) -> Result<Placed, LakebaseError> {
    let (project_id, branch_id, _) = names::split(name).ok_or_else(|| {
        LakebaseError::invalid(format!("'{name}' is not a branch such as projects/shop/branches/production"))
    })?;
    let failed = |error: ApiError| LakebaseError::invalid(error.message);
    let id = checked_id("project", Some(project_id)).map_err(failed)?;
    if workspace.store().get::<Project>(PROJECT, &id)?.is_none() {
        make(workspace, &id, &json!({}), owner).await.map_err(failed)?;
    }
    let branch = if let Ok(branch) = names::branch(workspace, &id, branch_id) {
        branch
    } else {
        let spec = json!({ "spec": { "no_expiry": true } });
        branches::make(workspace, &id, branch_id, &spec).await.map_err(failed)?
    };
    let known: Vec<Endpoint> = endpoints::all(workspace, &branch.name())?;
    let endpoint = match known.into_iter().find(|endpoint| !endpoint.read_only) {
        Some(endpoint) => endpoint,
        None => endpoints::make(workspace, &branch, FIRST_ENDPOINT, false, Sizes::default()).await?,
    };
    Ok(Placed {
        server: branch.uid.clone(),
        front: endpoint.uid.clone(),
        endpoint_path: Some(endpoint.name()),
        title: branch.name(),
    })
}

/// Removes all projects.
pub(crate) async fn remove_all(workspace: &Workspace) -> Result<Vec<String>, LakebaseError> {
    let mut removed = Vec::new();
    for project in all(workspace)? {
        delete(workspace, &project).await?;
        removed.push(format!("projects/{}", project.id));
    }
    Ok(removed)
}

async fn make(workspace: &Workspace, id: &str, body: &Value, owner: &str) -> Result<Project, ApiError> {
    let spec = &body["spec"];
    let now = workspace.clock().now().to_string();
    let settings = sizes(&spec["default_endpoint_settings"], &Sizes::default())?;
    let project = Project {
        id: id.to_owned(),
        uid: uuid::Uuid::new_v4().to_string(),
        owner: owner.to_owned(),
        display_name: spec["display_name"].as_str().unwrap_or(id).to_owned(),
        native_login: spec["enable_pg_native_login"].as_bool().unwrap_or(false),
        history: match spec.get("history_retention_duration") {
            Some(history) => checked_history(history)?,
            None => "604800s".to_owned(),
        },
        history_asked: spec.get("history_retention_duration").is_some_and(|history| !history.is_null()),
        default_branch: format!("projects/{id}/branches/{FIRST_BRANCH}"),
        custom_tags: spec.get("custom_tags").cloned(),
        budget_policy_id: spec["budget_policy_id"].as_str().map(str::to_owned),
        sizes: settings.clone(),
        created: now.clone(),
        updated: now.clone(),
    };
    if !workspace.store().insert(PROJECT, id, &project).map_err(LakebaseError::from)? {
        return Err(exists("project", "workspace"));
    }
    let branch = Branch {
        project: id.to_owned(),
        id: FIRST_BRANCH.to_owned(),
        uid: uuid::Uuid::new_v4().to_string(),
        source: None,
        source_time: None,
        snapshot: None,
        protected: body["initial_branch_spec"]["is_protected"].as_bool().unwrap_or(false),
        expires: None,
        created: now.clone(),
        updated: now,
    };
    let first = sizes(&body["initial_endpoint_spec"], &settings)?;
    let server = branches::server_record(&project, &branch);
    workspace.store().put(BRANCH, &branch.name(), &branch).map_err(LakebaseError::from)?;
    Lakebase::create(workspace, &server)?;
    endpoints::make(workspace, &branch, FIRST_ENDPOINT, false, first).await?;
    Ok(project)
}

async fn delete(workspace: &Workspace, project: &Project) -> Result<(), LakebaseError> {
    for branch in branches::all(workspace, &project.id)? {
        branches::delete(workspace, &branch).await?;
    }
    for snapshot in snapshots::all(workspace, &project.id).await? {
        snapshots::delete(workspace, &snapshot).await?;
    }
    operations::forget(workspace, &project.id)?;
    workspace.forget_object(OBJECTS, &project.id).map_err(|error| LakebaseError::invalid(error.message))?;
    workspace.store().delete(PROJECT, &project.id)?;
    Ok(())
}

fn all(workspace: &Workspace) -> Result<Vec<Project>, LakebaseError> {
    Ok(workspace.store().list(PROJECT, "")?.into_iter().map(|(_, project)| project).collect())
}

fn checked_history(history: &Value) -> Result<String, ApiError> {
    let found = seconds(history)?;
    if (0..=35 * 86_400).contains(&found) {
        return Ok(format!("{found}s"));
    }
    Err(ApiError::invalid("history_retention_duration is at most 35 days"))
}

/// Sizes and suspension in the shape of the API.
pub(super) fn show_sizes(sizes: &Sizes) -> Value {
    let mut shown = json!({
        "autoscaling_limit_min_cu": sizes.smallest,
        "autoscaling_limit_max_cu": sizes.largest,
    });
    if let Some(seconds) = sizes.suspend {
        shown["suspend_timeout_duration"] = json!(format!("{seconds}s"));
    }
    if let Some(settings) = &sizes.pg_settings {
        shown["pg_settings"] = settings.clone();
    }
    shown
}

fn show(workspace: &Workspace, project: &Project) -> Result<Value, LakebaseError> {
    let mut status = json!({
        "project_id": project.id,
        "display_name": project.display_name,
        "owner": project.owner,
        "enable_pg_native_login": project.native_login,
        "history_retention_duration": project.history,
        "default_branch": project.default_branch,
        "default_endpoint_settings": show_sizes(&project.sizes),
    });
    if let Some(tags) = &project.custom_tags {
        status["custom_tags"] = tags.clone();
    }
    if let Some(policy) = &project.budget_policy_id {
        status["budget_policy_id"] = json!(policy);
    }
    let default = workspace.store().get::<Branch>(BRANCH, &project.default_branch)?;
    if let Some(branch) = default
        && let Some(version) = workspace.lakebase().version(&branch.uid)
    {
        status["pg_version"] = json!(version);
    }
    Ok(json!({
        "name": format!("projects/{}", project.id),
        "project_id": project.id,
        "uid": project.uid,
        "create_time": project.created,
        "update_time": project.updated,
        "status": status,
    }))
}

/// Deletes what is remembered of a branch's endpoints.
pub(super) fn forget_endpoints(workspace: &Workspace, branch: &Branch) -> Result<(), LakebaseError> {
    for endpoint in endpoints::all(workspace, &branch.name())? {
        hosts::close(workspace, &endpoint)?;
        workspace.store().delete(ENDPOINT, &endpoint.name())?;
    }
    Ok(())
}
