use axum::Json;
use axum::extract::{Path, State};
use brickyard_api::GitRepository;
use serde_json::{Map, Value, json};

use super::git::check_repository;
use super::page::{Page, page};
use crate::caller::Caller;
use crate::error::{ApiError, ApiResult};
use crate::request::{JsonBody, Parameters};
use crate::workspace::Workspace;

const TEMPLATE: &str = "app_template";

/// What a resource of a template's manifest may be.
const SPECS: [&str; 6] = [
    "experiment_spec",
    "job_spec",
    "secret_spec",
    "serving_endpoint_spec",
    "sql_warehouse_spec",
    "uc_securable_spec",
];

/// Make a custom template known.
pub(crate) async fn create(
    State(workspace): State<Workspace>,
    caller: Caller,
    JsonBody(template): JsonBody<Map<String, Value>>,
) -> ApiResult<Value> {
    only_admins(&workspace, &caller)?;
    let name = check(&template)?;
    let mut template = Value::Object(template);
    template["creator"] = json!(caller.name());
    let fresh =
        workspace.store().insert(TEMPLATE, &name, &template).map_err(|error| ApiError::internal(&error))?;
    if !fresh {
        return Err(ApiError::already_exists(format!(
            "A template with the same name already exists: {name}"
        )));
    }
    Ok(Json(template))
}

/// Get a custom template by its name.
pub(crate) async fn get(
    State(workspace): State<Workspace>,
    _caller: Caller,
    Path(name): Path<String>,
) -> ApiResult<Value> {
    find(&workspace, &name).map(Json)
}

/// List the custom templates by name.
pub(crate) async fn list(
    State(workspace): State<Workspace>,
    _caller: Caller,
    Parameters(asked): Parameters<Page>,
) -> ApiResult<Value> {
    let all: Vec<(String, Value)> =
        workspace.store().list(TEMPLATE, "").map_err(|error| ApiError::internal(&error))?;
    Ok(Json(page("templates", all, &asked)))
}

/// Replace a custom template; its name and creator stay.
pub(crate) async fn update(
    State(workspace): State<Workspace>,
    caller: Caller,
    Path(name): Path<String>,
    JsonBody(mut template): JsonBody<Map<String, Value>>,
) -> ApiResult<Value> {
    only_admins(&workspace, &caller)?;
    let before = find(&workspace, &name)?;
    template.insert("name".to_owned(), json!(name));
    template.insert("creator".to_owned(), before["creator"].clone());
    check(&template)?;
    let template = Value::Object(template);
    workspace.store().put(TEMPLATE, &name, &template).map_err(|error| ApiError::internal(&error))?;
    Ok(Json(template))
}

/// Forget a custom template.
pub(crate) async fn delete(
    State(workspace): State<Workspace>,
    caller: Caller,
    Path(name): Path<String>,
) -> ApiResult<Value> {
    only_admins(&workspace, &caller)?;
    let template = find(&workspace, &name)?;
    workspace.store().delete(TEMPLATE, &name).map_err(|error| ApiError::internal(&error))?;
    Ok(Json(template))
}

fn find(workspace: &Workspace, name: &str) -> Result<Value, ApiError> {
    let found = workspace.store().get(TEMPLATE, name).map_err(|error| ApiError::internal(&error))?;
    found.ok_or_else(|| ApiError::not_found("Template", name))
}

/// Templates belong to the whole workspace.
fn only_admins(workspace: &Workspace, caller: &Caller) -> Result<(), ApiError> {
    let groups =
        workspace.directory().groups_of(caller.name()).map_err(|error| ApiError::internal(&error))?;
    if groups.iter().any(|group| group == crate::directory::ADMINS) {
        return Ok(());
    }
    Err(ApiError::denied("Only workspace admins can manage app templates"))
}

fn check(template: &Map<String, Value>) -> Result<String, ApiError> {
    let text = |field: &str| {
        let value = template.get(field).and_then(Value::as_str).filter(|text| !text.is_empty());
        value.ok_or_else(|| ApiError::invalid(format!("A template needs {field}")))
    };
    let name = text("name")?;
    let fits = name.len() <= 100
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b' '));
    if !fits {
        return Err(ApiError::invalid(format!("Template name {name} is not valid")));
    }
    text("path")?;
    let (url, provider) = (text("git_repo")?.to_owned(), text("git_provider")?.to_owned());
    check_repository(&GitRepository { url, provider, ..GitRepository::default() })?;
    let manifest = template.get("manifest").ok_or_else(|| ApiError::invalid("A template needs manifest"))?;
    if manifest["version"] != json!(1) {
        return Err(ApiError::invalid("The manifest of a template has version 1"));
    }
    if manifest["name"].as_str().unwrap_or_default().is_empty() {
        return Err(ApiError::invalid("The manifest of a template needs name"));
    }
    for spec in manifest["resource_specs"].as_array().into_iter().flatten() {
        let kinds = SPECS.iter().filter(|kind| spec.get(**kind).is_some_and(Value::is_object)).count();
        if kinds != 1 || spec["name"].as_str().unwrap_or_default().is_empty() {
            return Err(ApiError::invalid(format!(
                "A resource of a manifest has a name and one of {}",
                SPECS.join(", ")
            )));
        }
    }
    Ok(name.to_owned())
}
