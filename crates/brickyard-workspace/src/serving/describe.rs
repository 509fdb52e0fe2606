use axum::Json;
use axum::extract::{Path, State};
use serde_json::{Value, json};

use super::endpoint::{ServingBackend, ServingEndpoint};
use crate::caller::Caller;
use crate::credential::fingerprint;
use crate::error::{ApiError, ApiResult};
use crate::workspace::Workspace;

/// Kind of serving endpoints in access lists.
pub(super) const KIND: &str = "serving-endpoints";

pub(super) async fn list(State(workspace): State<Workspace>, caller: Caller) -> ApiResult<Value> {
    let seen = workspace
        .serving()
        .all()
        .into_iter()
        .filter(|endpoint| workspace.authorize_object(&caller, KIND, &endpoint.name, "CAN_VIEW").is_ok());
    let shown = seen.map(|endpoint| describe(&workspace, &caller, &endpoint, &endpoint.name));
    Ok(Json(json!({ "endpoints": shown.collect::<Vec<_>>() })))
}

pub(super) async fn show(
    State(workspace): State<Workspace>,
    caller: Caller,
    Path(name): Path<String>,
) -> ApiResult<Value> {
    let endpoint = workspace.serving().find(&name).ok_or_else(|| missing(&name))?;
    workspace.authorize_object(&caller, KIND, &name, "CAN_VIEW")?;
    Ok(Json(describe(&workspace, &caller, &endpoint, &name)))
}

/// The 404 of an endpoint, which says how to have it.
pub(super) fn missing(name: &str) -> ApiError {
    let mut error = ApiError::not_found("Endpoint", name);
    error.message = format!(
        "Endpoint with name '{name}' does not exist; it was not found. To have it here, name what answers for it in \
         brickyard.toml: a table [serving.{name}] with url = \"http://127.0.0.1:11434/v1\", python = \"model.py\", \
         mlflow = \"model\" or replay = \"answers.jsonl\""
    );
    error
}

impl Workspace {
    /// The name of an endpoint that the permissions API names by its id or its name.
    pub(crate) fn serving_endpoint_name(&self, id: String) -> Result<String, ApiError> {
        let found = self.serving().all().into_iter().find(|endpoint| endpoint_id(&endpoint.name) == id);
        match found {
            Some(endpoint) => Ok(endpoint.name.clone()),
            None if self.serving().find(&id).is_some() => Ok(id),
            None => Err(missing(&id)),
        }
    }
}

/// Id of an endpoint: 32 hexadecimal digits, always the same for a name.
fn endpoint_id(name: &str) -> String {
    fingerprint(name).chars().take(32).collect()
}

fn describe(workspace: &Workspace, caller: &Caller, endpoint: &ServingEndpoint, name: &str) -> Value {
    let entity = match &endpoint.backend {
        ServingBackend::OpenAi { model, .. } => {
            let model = model.as_deref().unwrap_or(name);
            json!({
                "name": model,
                "external_model": { "name": model, "provider": "custom", "task": endpoint.task(name) },
            })
        }
        ServingBackend::Python { file, .. }
        | ServingBackend::Replay { file }
        | ServingBackend::Mlflow { model: file, .. } => {
            let stem = file.file_stem().and_then(|stem| stem.to_str()).unwrap_or(name);
            json!({ "name": stem, "entity_name": stem, "entity_version": "1", "workload_size": "Small" })
        }
        ServingBackend::Unset => json!({ "name": name, "entity_name": name, "entity_version": "1" }),
    };
    let unset = matches!(endpoint.backend, ServingBackend::Unset);
    let may = |level| workspace.authorize_object(caller, KIND, name, level).is_ok();
    let level = ["CAN_MANAGE", "CAN_QUERY"].into_iter().find(|level| may(level)).unwrap_or("CAN_VIEW");
    let entity_name = entity["name"].clone();
    let mut shown = json!({
        "name": name,
        "id": endpoint_id(name),
        "creator": workspace.config().users.first().map(|user| user.user_name.clone()),
        "creation_timestamp": 0,
        "last_updated_timestamp": 0,
        "state": { "ready": if unset { "NOT_READY" } else { "READY" }, "config_update": "NOT_UPDATING" },
        "config": {
            "served_entities": [entity],
            "traffic_config": { "routes": [{ "served_model_name": entity_name, "traffic_percentage": 100 }] },
            "config_version": 1,
        },
        "endpoint_type": "CUSTOM_MODEL",
        "ai_gateway": super::settings::ai_gateway(workspace, &endpoint.name),
        "permission_level": level,
    });
    let task = endpoint.task(name);
    if !task.is_empty() {
        shown["task"] = json!(task);
    }
    shown
}
