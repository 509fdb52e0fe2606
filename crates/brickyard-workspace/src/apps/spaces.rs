use axum::Json;
use axum::extract::{Path, State};
use brickyard_api::AppResource;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::page::{Page, page};
use super::record::{APP, AppRecord};
use crate::caller::Caller;
use crate::directory::ServicePrincipal;
use crate::error::{ApiError, ApiResult};
use crate::request::{JsonBody, Parameters};
use crate::workspace::Workspace;

const SPACE: &str = "app_space";

/// Fields a user may change.
const MUTABLE: [&str; 4] = ["description", "resources", "user_api_scopes", "usage_policy_id"];

/// What the store keeps of a space.
#[derive(Clone, Serialize, Deserialize)]
struct SpaceRecord {
    /// The space as the API shows it.
    space: Map<String, Value>,
    /// `create`, `update` or `delete`: what was done last.
    last: String,
}

#[derive(Deserialize)]
pub(crate) struct Mask {
    #[serde(default)]
    update_mask: String,
}

/// Make a space: its own principal, and what its apps may use.
pub(crate) async fn create(
    State(workspace): State<Workspace>,
    caller: Caller,
    JsonBody(mut space): JsonBody<Map<String, Value>>,
) -> ApiResult<Value> {
    let name = space.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
    super::create::check_name("Space", &name)?;
    check_resources(&workspace, &caller, &space)?;
    space.retain(|field, value| field == "name" || (MUTABLE.contains(&field.as_str()) && !value.is_null()));
    let now = workspace.clock().now().to_string();
    let id = uuid::Uuid::new_v4();
    let principal = ServicePrincipal {
        id: id.as_u64_pair().0 >> 14,
        application_id: uuid::Uuid::new_v4().to_string(),
        display_name: format!("app-space-{} {name}", &id.simple().to_string()[..6]),
    };
    let more = json!({
        "id": id.to_string(), "creator": caller.name(), "create_time": now, "updater": caller.name(), "update_time": now,
        "service_principal_client_id": principal.application_id, "service_principal_id": principal.id,
        "service_principal_name": principal.display_name,
        "status": { "state": "SPACE_CREATING", "message": "The space is being created." },
    });
    if let Value::Object(more) = more {
        space.extend(more);
    }
    let record = SpaceRecord { space, last: "create".to_owned() };
    let fresh =
        workspace.store().insert(SPACE, &name, &record).map_err(|error| ApiError::internal(&error))?;
    if !fresh {
        return Err(ApiError::already_exists(format!("A space with the same name already exists: {name}")));
    }
    workspace.directory().put_service_principal(&principal).map_err(|error| ApiError::internal(&error))?;
    workspace.own_object(&caller, "app-spaces", &name)?;
    let answer = operation(&record);
    finish(&workspace, name);
    Ok(Json(answer))
}

/// Get a space by its name.
pub(crate) async fn get(
    State(workspace): State<Workspace>,
    _caller: Caller,
    Path(name): Path<String>,
) -> ApiResult<Value> {
    Ok(Json(Value::Object(find(&workspace, &name)?.space)))
}

/// List the spaces by name.
pub(crate) async fn list(
    State(workspace): State<Workspace>,
    _caller: Caller,
    Parameters(asked): Parameters<Page>,
) -> ApiResult<Value> {
    let all: Vec<(String, SpaceRecord)> =
        workspace.store().list(SPACE, "").map_err(|error| ApiError::internal(&error))?;
    let all = all.into_iter().map(|(name, record)| (name, record.space)).collect();
    Ok(Json(page("spaces", all, &asked)))
}

/// Change the masked fields of a space.
pub(crate) async fn update(
    State(workspace): State<Workspace>,
    caller: Caller,
    Path(name): Path<String>,
    Parameters(mask): Parameters<Mask>,
    JsonBody(changes): JsonBody<Map<String, Value>>,
) -> ApiResult<Value> {
    let mut record = managed(&workspace, &caller, &name)?;
    // The SDK writes the mask as protobuf's JSON does: in camel case.
    let fields: Vec<String> = mask
        .update_mask
        .split(',')
        .map(|field| snake(field.trim()))
        .filter(|field| !field.is_empty())
        .collect();
    if let Some(field) = fields.iter().find(|field| !MUTABLE.contains(&field.as_str())) {
        return Err(ApiError::invalid(format!("Field {field} of the update mask cannot be updated")));
    }
    check_resources(&workspace, &caller, &changes)?;
    for field in fields {
        match changes.get(&field).filter(|value| !value.is_null()) {
            Some(value) => _ = record.space.insert(field, value.clone()),
            None => _ = record.space.remove(&field),
        }
    }
    record.space.insert("updater".to_owned(), json!(caller.name()));
    record.space.insert("update_time".to_owned(), json!(workspace.clock().now().to_string()));
    "update".clone_into(&mut record.last);
    set_state(&mut record, "SPACE_UPDATING", "The space is being updated.");
    save(&workspace, &name, &record)?;
    let answer = operation(&record);
    finish(&workspace, name);
    Ok(Json(answer))
}

/// Delete a space that holds no app.
pub(crate) async fn delete(
    State(workspace): State<Workspace>,
    caller: Caller,
    Path(name): Path<String>,
) -> ApiResult<Value> {
    let mut record = managed(&workspace, &caller, &name)?;
    let apps: Vec<(String, AppRecord)> =
        workspace.store().list(APP, "").map_err(|error| ApiError::internal(&error))?;
    if let Some((app, _)) = apps.iter().find(|(_, app)| app.app.space.as_deref() == Some(&name)) {
        return Err(ApiError::invalid(format!("Space {name} still holds the app {app}")));
    }
    "delete".clone_into(&mut record.last);
    set_state(&mut record, "SPACE_DELETING", "The space is being deleted.");
    save(&workspace, &name, &record)?;
    let answer = operation(&record);
    finish(&workspace, name);
    Ok(Json(answer))
}

/// How far the last change of a space is.
pub(crate) async fn show_operation(
    State(workspace): State<Workspace>,
    _caller: Caller,
    Path(name): Path<String>,
) -> ApiResult<Value> {
    let found: Option<SpaceRecord> =
        workspace.store().get(SPACE, &name).map_err(|error| ApiError::internal(&error))?;
    // Of a space that is gone only the deletion can have been the last.
    Ok(Json(match found {
        Some(record) => operation(&record),
        None => json!({ "name": name, "done": true, "response": {} }),
    }))
}

impl Workspace {
    /// Ends the changes of spaces that an earlier process left in the middle.
    pub(super) fn resume_spaces(&self) -> Result<(), ApiError> {
        let all: Vec<(String, SpaceRecord)> =
            self.store().list(SPACE, "").map_err(|error| ApiError::internal(&error))?;
        for (name, _) in all.iter().filter(|(_, record)| record.space["status"]["state"] != "SPACE_ACTIVE") {
            settle(self, name)?;
        }
        Ok(())
    }

    /// Refuses a space that is not there.
    pub(super) fn space(&self, name: &str) -> Result<(), ApiError> {
        find(self, name).map(drop)
    }
}

fn find(workspace: &Workspace, name: &str) -> Result<SpaceRecord, ApiError> {
    let found = workspace.store().get(SPACE, name).map_err(|error| ApiError::internal(&error))?;
    found.ok_or_else(|| ApiError::not_found("Space", name))
}

fn managed(workspace: &Workspace, caller: &Caller, name: &str) -> Result<SpaceRecord, ApiError> {
    let record = find(workspace, name)?;
    if record.space.get("creator").and_then(Value::as_str) != Some(caller.name()) {
        workspace.authorize_object(caller, "app-spaces", name, "CAN_MANAGE")?;
    }
    if record.space["status"]["state"] != "SPACE_ACTIVE" {
        return Err(ApiError::new(
            http::StatusCode::CONFLICT,
            "RESOURCE_CONFLICT",
            format!(
                "Space {name} is in state {}",
                record.space["status"]["state"].as_str().unwrap_or_default()
            ),
        ));
    }
    Ok(record)
}

fn save(workspace: &Workspace, name: &str, record: &SpaceRecord) -> Result<(), ApiError> {
    workspace.store().put(SPACE, name, record).map_err(|error| ApiError::internal(&error))
}

fn set_state(record: &mut SpaceRecord, state: &str, message: &str) {
    record.space.insert("status".to_owned(), json!({ "state": state, "message": message }));
}

/// Brings scopes in line and ends the operation, in the background.
fn finish(workspace: &Workspace, name: String) {
    let task = workspace.clone();
    workspace.tracker().spawn(async move {
        if let Err(error) = settle(&task, &name) {
            tracing::error!(space = name, "The change of a space could not be ended: {error}");
        }
    });
}

fn settle(workspace: &Workspace, name: &str) -> Result<(), ApiError> {
    let mut record = find(workspace, name)?;
    if record.last == "delete" {
        if let Some(principal) = record.space.get("service_principal_client_id").and_then(Value::as_str) {
            workspace
                .directory()
                .remove_service_principal(principal)
                .map_err(|error| ApiError::internal(&error))?;
        }
        workspace.forget_object("app-spaces", name)?;
        return workspace.store().delete(SPACE, name).map(drop).map_err(|error| ApiError::internal(&error));
    }
    let scopes = record.space.get("user_api_scopes").cloned();
    let scopes = scopes.filter(|scopes| scopes.as_array().is_some_and(|scopes| !scopes.is_empty()));
    let usual = || json!(["iam.access-control:read", "iam.current-user:read"]);
    record.space.insert("effective_user_api_scopes".to_owned(), scopes.unwrap_or_else(usual));
    if let Some(policy) = record.space.get("usage_policy_id").cloned() {
        record.space.insert("effective_usage_policy_id".to_owned(), policy);
    }
    set_state(&mut record, "SPACE_ACTIVE", "The space is active.");
    save(workspace, name, &record)
}

fn check_resources(
    workspace: &Workspace,
    caller: &Caller,
    space: &Map<String, Value>,
) -> Result<(), ApiError> {
    let Some(resources) = space.get("resources").filter(|resources| !resources.is_null()) else {
        return Ok(());
    };
    let resources: Vec<AppResource> = serde_json::from_value(resources.clone())
        .map_err(|error| ApiError::invalid(format!("The resources are not valid: {error}")))?;
    workspace.check_resources(caller, &resources)
}

/// A long-running operation; its name is the space's, under which the SDK asks for it again.
fn operation(record: &SpaceRecord) -> Value {
    let space = Value::Object(record.space.clone());
    let done = space["status"]["state"] == "SPACE_ACTIVE";
    let mut answer = json!({ "name": space["name"], "done": done, "metadata": space });
    if done {
        answer["response"] = answer["metadata"].clone();
    }
    answer
}

/// `userApiScopes` as `user_api_scopes`.
fn snake(text: &str) -> String {
    let mut snake = String::new();
    for letter in text.chars() {
        if letter.is_ascii_uppercase() {
            snake.push('_');
        }
        snake.push(letter.to_ascii_lowercase());
    }
    snake
}
