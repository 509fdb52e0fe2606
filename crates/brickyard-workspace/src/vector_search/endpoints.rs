use axum::Json;
use axum::extract::{Path, State};
use serde::Deserialize;
use serde_json::{Value, json};

use super::record::{EndpointRecord, IndexRecord};
use crate::caller::Caller;
use crate::error::{ApiError, ApiResult};
use crate::request::JsonBody;
use crate::workspace::Workspace;

/// Store kind, by name.
const ENDPOINT: &str = "vector_endpoint";

/// Kind of endpoints in access lists.
pub(super) const KIND: &str = "vector-search-endpoints";

#[derive(Deserialize)]
pub(super) struct Create {
    name: String,
    endpoint_type: Option<String>,
    budget_policy_id: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct Policy {
    budget_policy_id: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct Throughput {
    target_qps: Option<u32>,
}

#[derive(Deserialize)]
pub(super) struct Tags {
    #[serde(default)]
    custom_tags: Vec<Value>,
}

pub(super) async fn list(State(workspace): State<Workspace>, caller: Caller) -> ApiResult<Value> {
    let all = workspace.store().list::<EndpointRecord>(ENDPOINT, "");
    let all = all.map_err(|error| ApiError::internal(&error))?;
    let mut seen = Vec::new();
    for (_, endpoint) in all {
        if workspace.authorize_object(&caller, KIND, &endpoint.id, "CAN_USE").is_ok() {
            seen.push(shown(&workspace, &endpoint)?);
        }
    }
    Ok(Json(json!({ "endpoints": seen })))
}

pub(super) async fn create(
    State(workspace): State<Workspace>,
    caller: Caller,
    JsonBody(new): JsonBody<Create>,
) -> ApiResult<Value> {
    let good = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    if new.name.is_empty() || new.name.len() > 63 || !new.name.bytes().all(good) {
        return Err(ApiError::invalid(format!(
            "Endpoint name '{}' is not valid: it has at most 63 letters, digits, hyphens and underscores",
            new.name.escape_debug()
        )));
    }
    let endpoint_type = new.endpoint_type.unwrap_or_else(|| "STANDARD".to_owned());
    if !["STANDARD", "STORAGE_OPTIMIZED"].contains(&endpoint_type.as_str()) {
        return Err(ApiError::invalid(format!("endpoint_type {endpoint_type} is not known")));
    }
    let now = workspace.clock().unix_milliseconds();
    let endpoint = EndpointRecord {
        id: uuid::Uuid::new_v4().to_string(),
        name: new.name,
        endpoint_type,
        creator: caller.name().to_owned(),
        created_at: now,
        updated_at: now,
        updated_by: caller.name().to_owned(),
        stopped: false,
        budget_policy_id: new.budget_policy_id,
        custom_tags: Vec::new(),
        target_qps: None,
    };
    let made = workspace.store().insert(ENDPOINT, &endpoint.name, &endpoint);
    if !made.map_err(|error| ApiError::internal(&error))? {
        return Err(ApiError::already_exists(format!(
            "Vector search endpoint {} already exists",
            endpoint.name
        )));
    }
    workspace.own_object(&caller, KIND, &endpoint.id)?;
    Ok(Json(shown(&workspace, &endpoint)?))
}

pub(super) async fn show(
    State(workspace): State<Workspace>,
    caller: Caller,
    Path(name): Path<String>,
) -> ApiResult<Value> {
    let endpoint = find(&workspace, &name)?;
    workspace.authorize_object(&caller, KIND, &endpoint.id, "CAN_USE")?;
    Ok(Json(shown(&workspace, &endpoint)?))
}

/// Throughput is a wish, kept and shown; nothing here has to be scaled for it.
pub(super) async fn update(
    State(workspace): State<Workspace>,
    caller: Caller,
    Path(name): Path<String>,
    JsonBody(wanted): JsonBody<Throughput>,
) -> ApiResult<Value> {
    change(&workspace, &caller, &name, |endpoint| {
        endpoint.target_qps = wanted.target_qps.or(endpoint.target_qps);
    })
}

pub(super) async fn set_policy(
    State(workspace): State<Workspace>,
    caller: Caller,
    Path(name): Path<String>,
    JsonBody(policy): JsonBody<Policy>,
) -> ApiResult<Value> {
    let _ =
        change(&workspace, &caller, &name, |endpoint| endpoint.budget_policy_id = policy.budget_policy_id)?;
    let endpoint = find(&workspace, &name)?;
    let id = endpoint.budget_policy_id;
    Ok(Json(json!({ "budget_policy_id": id, "effective_budget_policy_id": id })))
}

pub(super) async fn set_tags(
    State(workspace): State<Workspace>,
    caller: Caller,
    Path(name): Path<String>,
    JsonBody(tags): JsonBody<Tags>,
) -> ApiResult<Value> {
    let custom_tags = tags.custom_tags.clone();
    let _ = change(&workspace, &caller, &name, |endpoint| endpoint.custom_tags = custom_tags)?;
    Ok(Json(json!({ "name": name, "custom_tags": tags.custom_tags })))
}

pub(super) async fn stop(
    State(workspace): State<Workspace>,
    caller: Caller,
    Path(name): Path<String>,
) -> ApiResult<Value> {
    change(&workspace, &caller, &name, |endpoint| endpoint.stopped = true)
}

pub(super) async fn start(
    State(workspace): State<Workspace>,
    caller: Caller,
    Path(name): Path<String>,
) -> ApiResult<Value> {
    change(&workspace, &caller, &name, |endpoint| endpoint.stopped = false)
}

pub(super) async fn remove(
    State(workspace): State<Workspace>,
    caller: Caller,
    Path(name): Path<String>,
) -> ApiResult<Value> {
    let endpoint = find(&workspace, &name)?;
    workspace.authorize_object(&caller, KIND, &endpoint.id, "CAN_MANAGE")?;
    if !workspace.indexes_of(&name)?.is_empty() {
        return Err(ApiError::invalid(format!(
            "Vector search endpoint {name} cannot be deleted: it still has indexes"
        )));
    }
    workspace.store().delete(ENDPOINT, &name).map_err(|error| ApiError::internal(&error))?;
    workspace.forget_object(KIND, &endpoint.id)?;
    Ok(Json(json!({})))
}

/// An endpoint by name, or a 404.
pub(super) fn find(workspace: &Workspace, name: &str) -> Result<EndpointRecord, ApiError> {
    let found = workspace.store().get(ENDPOINT, name).map_err(|error| ApiError::internal(&error))?;
    found.ok_or_else(|| ApiError::not_found("Vector search endpoint", name))
}

fn change(
    workspace: &Workspace,
    caller: &Caller,
    name: &str,
    change: impl FnOnce(&mut EndpointRecord),
) -> ApiResult<Value> {
    let mut endpoint = find(workspace, name)?;
    workspace.authorize_object(caller, KIND, &endpoint.id, "CAN_MANAGE")?;
    change(&mut endpoint);
    endpoint.updated_at = workspace.clock().unix_milliseconds();
    caller.name().clone_into(&mut endpoint.updated_by);
    workspace.store().put(ENDPOINT, name, &endpoint).map_err(|error| ApiError::internal(&error))?;
    Ok(Json(shown(workspace, &endpoint)?))
}

fn shown(workspace: &Workspace, endpoint: &EndpointRecord) -> Result<Value, ApiError> {
    let indexes: Vec<IndexRecord> = workspace.indexes_of(&endpoint.name)?;
    let mut shown = json!({
        "name": endpoint.name,
        "id": endpoint.id,
        "creator": endpoint.creator,
        "creation_timestamp": endpoint.created_at,
        "last_updated_timestamp": endpoint.updated_at,
        "last_updated_user": endpoint.updated_by,
        "endpoint_type": endpoint.endpoint_type,
        "endpoint_status": { "state": if endpoint.stopped { "STOPPED" } else { "ONLINE" } },
        "num_indexes": indexes.len(),
    });
    if let Some(policy) = &endpoint.budget_policy_id {
        shown["budget_policy_id"] = json!(policy);
        shown["effective_budget_policy_id"] = json!(policy);
    }
    if let Some(target) = endpoint.target_qps {
        shown["scaling_info"] = json!({ "requested_target_qps": target, "state": "SCALING_CHANGE_APPLIED" });
    }
    if !endpoint.custom_tags.is_empty() {
        shown["custom_tags"] = json!(endpoint.custom_tags);
    }
    Ok(shown)
}
