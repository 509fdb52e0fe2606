use axum::Json;
use axum::extract::{Path, State};
use serde_json::{Value, json};

use super::hosts;
use super::names::{self, Options, bad, checked_id, exists, manage, sizes};
use super::operations;
use super::projects::show_sizes;
use super::record::{Branch, ENDPOINT, Endpoint, Sizes};
use crate::caller::Caller;
use crate::error::{ApiError, ApiResult};
use crate::lakebase::LakebaseError;
use crate::request::{JsonBody, Parameters};
use crate::workspace::Workspace;

type Names = Path<(String, String, String)>;

/// Makes an endpoint of a branch: at most one that writes, any number that read.
pub(super) async fn create(
    State(workspace): State<Workspace>,
    caller: Caller,
    Path((project, branch)): Path<(String, String)>,
    Parameters(options): Parameters<Options>,
    JsonBody(body): JsonBody<Value>,
) -> ApiResult<Value> {
    let of = names::project(&workspace, &project)?;
    manage(&workspace, &caller, &of)?;
    let branch = names::branch(&workspace, &project, &branch)?;
    let id = checked_id("endpoint", options.endpoint_id.as_deref())?;
    let read_only = match body["spec"]["endpoint_type"].as_str() {
        Some("ENDPOINT_TYPE_READ_WRITE") => false,
        Some("ENDPOINT_TYPE_READ_ONLY") => true,
        other => {
            return Err(ApiError::invalid(format!(
                "endpoint_type '{}' is unknown",
                other.unwrap_or_default()
            )));
        }
    };
    let known = all(&workspace, &branch.name())?;
    if let Some(endpoint) = known.iter().find(|endpoint| endpoint.id == id) {
        if !options.replace_existing {
            return Err(exists("endpoint", "branch"));
        }
        let endpoint = change(&workspace, &branch, endpoint.clone(), &options, &body).await?;
        return operations::done(&workspace, &project, "Endpoint", &show(&workspace, &endpoint).await?);
    }
    if !read_only && known.iter().any(|endpoint| !endpoint.read_only) {
        return Err(bad("The branch has a read-write endpoint already, and can have only one"));
    }
    let sizes = sizes(&body["spec"], &of.sizes)?;
    let endpoint = make(&workspace, &branch, &id, read_only, sizes).await?;
    operations::done(&workspace, &project, "Endpoint", &show(&workspace, &endpoint).await?)
}

/// Lists a branch's endpoints.
pub(super) async fn list(
    State(workspace): State<Workspace>,
    _caller: Caller,
    Path((project, branch)): Path<(String, String)>,
) -> ApiResult<Value> {
    let branch = names::branch(&workspace, &project, &branch)?;
    let mut shown = Vec::new();
    for endpoint in all(&workspace, &branch.name())? {
        shown.push(show(&workspace, &endpoint).await?);
    }
    Ok(Json(json!({ "endpoints": shown })))
}

/// Gets one.
pub(super) async fn get(
    State(workspace): State<Workspace>,
    _caller: Caller,
    Path((project, branch, id)): Names,
) -> ApiResult<Value> {
    let branch = names::branch(&workspace, &project, &branch)?;
    let endpoint = names::endpoint(&workspace, &branch, &id)?;
    Ok(Json(show(&workspace, &endpoint).await?))
}

/// Changes size, suspension, or whether it takes logins.
pub(super) async fn update(
    State(workspace): State<Workspace>,
    caller: Caller,
    Path((project, branch, id)): Names,
    Parameters(options): Parameters<Options>,
    JsonBody(body): JsonBody<Value>,
) -> ApiResult<Value> {
    manage(&workspace, &caller, &names::project(&workspace, &project)?)?;
    let branch = names::branch(&workspace, &project, &branch)?;
    let endpoint = names::endpoint(&workspace, &branch, &id)?;
    let endpoint = change(&workspace, &branch, endpoint, &options, &body).await?;
    operations::done(&workspace, &project, "Endpoint", &show(&workspace, &endpoint).await?)
}

/// Deletes one; the branch's data stays.
pub(super) async fn remove(
    State(workspace): State<Workspace>,
    caller: Caller,
    Path((project, branch, id)): Names,
) -> ApiResult<Value> {
    manage(&workspace, &caller, &names::project(&workspace, &project)?)?;
    let branch = names::branch(&workspace, &project, &branch)?;
    let endpoint = names::endpoint(&workspace, &branch, &id)?;
    if branch.protected {
        return Err(bad(format!("Branch '{}' is protected", branch.id)));
    }
    hosts::close(&workspace, &endpoint)?;
    workspace.store().delete(ENDPOINT, &endpoint.name()).map_err(LakebaseError::from)?;
    operations::done(&workspace, &project, "Endpoint", &json!({ "name": endpoint.name() }))
}

/// The endpoints of a branch.
pub(super) fn all(workspace: &Workspace, branch: &str) -> Result<Vec<Endpoint>, LakebaseError> {
    let found = workspace.store().list(ENDPOINT, &format!("{branch}/endpoints/"))?;
    Ok(found.into_iter().map(|(_, endpoint)| endpoint).collect())
}

/// Makes an endpoint and opens its address.
pub(super) async fn make(
    workspace: &Workspace,
    branch: &Branch,
    id: &str,
    read_only: bool,
    sizes: Sizes,
) -> Result<Endpoint, LakebaseError> {
    let now = workspace.clock().now().to_string();
    let endpoint = Endpoint {
        branch: branch.name(),
        id: id.to_owned(),
        uid: uuid::Uuid::new_v4().to_string(),
        read_only,
        disabled: false,
        sizes,
        created: now.clone(),
        updated: now,
    };
    hosts::open(workspace, &endpoint, &branch.uid).await?;
    workspace.store().put(ENDPOINT, &endpoint.name(), &endpoint)?;
    set_suspension(workspace, branch)?;
    Ok(endpoint)
}

async fn change(
    workspace: &Workspace,
    branch: &Branch,
    mut endpoint: Endpoint,
    options: &Options,
    body: &Value,
) -> Result<Endpoint, ApiError> {
    let spec = &body["spec"];
    let named: serde_json::Map<String, Value> = spec
        .as_object()
        .map(|fields| fields.iter().filter(|(field, _)| options.changes(field)))
        .into_iter()
        .flatten()
        .map(|(field, value)| (field.clone(), value.clone()))
        .collect();
    let spec = Value::Object(named);
    endpoint.sizes = sizes(&spec, &endpoint.sizes)?;
    if let Some(disabled) = spec["disabled"].as_bool() {
        endpoint.disabled = disabled;
    }
    endpoint.updated = workspace.clock().now().to_string();
    workspace.store().put(ENDPOINT, &endpoint.name(), &endpoint).map_err(LakebaseError::from)?;
    hosts::change(workspace, &endpoint)?;
    set_suspension(workspace, branch)?;
    if all(workspace, &branch.name())?.iter().all(|endpoint| endpoint.disabled) {
        workspace.lakebase().stop(&branch.uid).await;
    }
    Ok(endpoint)
}

/// A branch's server waits as long as the endpoint that waits longest.
fn set_suspension(workspace: &Workspace, branch: &Branch) -> Result<(), LakebaseError> {
    let databases = workspace.databases();
    let endpoints = all(workspace, &branch.name())?;
    let never = endpoints.iter().any(|endpoint| endpoint.sizes.suspend.is_none());
    if let Some(mut server) = databases.server(&branch.uid)? {
        server.suspend_after =
            if never { None } else { endpoints.iter().filter_map(|endpoint| endpoint.sizes.suspend).max() };
        databases.put_server(&server)?;
    }
    Ok(())
}

async fn show(workspace: &Workspace, endpoint: &Endpoint) -> Result<Value, LakebaseError> {
    let lakebase = workspace.lakebase();
    lakebase.suspend_idle(workspace).await;
    let server = workspace.databases().front(&endpoint.uid)?.map(|front| front.server).unwrap_or_default();
    hosts::open(workspace, endpoint, &server).await?;
    let running = lakebase.compute(workspace, &server)?.is_running();
    let mut status = show_sizes(&endpoint.sizes);
    if let Some(settings) = status.as_object_mut().and_then(|status| status.remove("pg_settings")) {
        status["settings"] = json!({ "pg_settings": settings });
    }
    let kind = if endpoint.read_only { "ENDPOINT_TYPE_READ_ONLY" } else { "ENDPOINT_TYPE_READ_WRITE" };
    status["endpoint_id"] = json!(endpoint.id);
    status["endpoint_type"] = json!(kind);
    status["disabled"] = json!(endpoint.disabled);
    status["current_state"] = json!(if running && !endpoint.disabled { "ACTIVE" } else { "IDLE" });
    status["hosts"] = hosts::show(workspace, endpoint).await?;
    Ok(json!({
        "name": endpoint.name(),
        "endpoint_id": endpoint.id,
        "uid": endpoint.uid,
        "parent": endpoint.branch,
        "create_time": endpoint.created,
        "update_time": endpoint.updated,
        "status": status,
    }))
}
