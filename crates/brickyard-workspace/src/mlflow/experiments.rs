use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use serde_json::{Value, json};

use super::record::{Experiment, KIND, Tag, page_of, set};
use super::runs::no_tag;
use crate::caller::Caller;
use crate::error::{ApiError, ApiResult};
use crate::request::{JsonBody, Parameters};
use crate::workspace::Workspace;

#[derive(Deserialize)]
pub(super) struct Create {
    name: String,
    #[serde(default)]
    tags: Vec<Tag>,
}

pub(super) async fn create(
    State(workspace): State<Workspace>,
    caller: Caller,
    JsonBody(wanted): JsonBody<Create>,
) -> ApiResult<Value> {
    if !wanted.name.starts_with('/') || wanted.name.ends_with('/') || wanted.name.len() > 1024 {
        return Err(ApiError::invalid(format!(
            "Experiment name must be an absolute path like '/Users/{}/experiment', not '{}'",
            caller.name(),
            wanted.name
        )));
    }
    if workspace.experiments()?.iter().any(|known| known.name == wanted.name) {
        return Err(ApiError::already_exists(format!("Node named '{}' already exists", wanted.name)));
    }
    let experiment = workspace.new_experiment(&wanted.name, wanted.tags)?;
    workspace.own_object(&caller, KIND, &experiment.experiment_id)?;
    Ok(Json(json!({ "experiment_id": experiment.experiment_id })))
}

#[derive(Deserialize)]
pub(super) struct ById {
    experiment_id: String,
}

pub(super) async fn get(
    State(workspace): State<Workspace>,
    caller: Caller,
    Parameters(wanted): Parameters<ById>,
) -> ApiResult<Value> {
    let experiment = workspace.experiment_for(&caller, &wanted.experiment_id, "CAN_READ")?;
    Ok(Json(json!({ "experiment": experiment })))
}

#[derive(Deserialize)]
pub(super) struct ByName {
    experiment_name: String,
}

pub(super) async fn get_by_name(
    State(workspace): State<Workspace>,
    caller: Caller,
    Parameters(wanted): Parameters<ByName>,
) -> ApiResult<Value> {
    let found = workspace.experiments()?.into_iter().find(|known| known.name == wanted.experiment_name);
    let found = found.ok_or_else(|| {
        let mut error = ApiError::not_found("Experiment", &wanted.experiment_name);
        error.message = format!("Node {} does not exist; no experiment was found", wanted.experiment_name);
        error
    })?;
    let experiment = workspace.experiment_for(&caller, &found.experiment_id, "CAN_READ")?;
    Ok(Json(json!({ "experiment": experiment })))
}

#[derive(Deserialize)]
pub(super) struct Search {
    filter: Option<String>,
    view_type: Option<String>,
    max_results: Option<usize>,
    page_token: Option<String>,
}

pub(super) async fn search(
    State(workspace): State<Workspace>,
    caller: Caller,
    JsonBody(search): JsonBody<Search>,
) -> ApiResult<Value> {
    find(&workspace, &caller, &search)
}

pub(super) async fn search_by_query(
    State(workspace): State<Workspace>,
    caller: Caller,
    Parameters(search): Parameters<Search>,
) -> ApiResult<Value> {
    find(&workspace, &caller, &search)
}

fn find(workspace: &Workspace, caller: &Caller, search: &Search) -> ApiResult<Value> {
    let filter = super::filter::Filter::parse(search.filter.as_deref().unwrap_or_default())?;
    let mut found: Vec<Experiment> = workspace.experiments()?;
    found.retain(|one| {
        stage_fits(&one.lifecycle_stage, search.view_type.as_deref())
            && filter.accepts(|kind, key| match (kind, key) {
                ("attributes", "name") => Some(json!(one.name)),
                ("attributes", "creation_time") => Some(json!(one.creation_time)),
                ("attributes", "last_update_time") => Some(json!(one.last_update_time)),
                ("tags", key) => one.tags.iter().find(|tag| tag.key == key).map(|tag| json!(tag.value)),
                _ => None,
            })
            && workspace.authorize_object(caller, KIND, &one.experiment_id, "CAN_READ").is_ok()
    });
    found.sort_by_key(|one| std::cmp::Reverse(one.creation_time));
    let size = search.max_results.unwrap_or(1000).clamp(1, 1000);
    page_of("experiments", found, search.page_token.as_deref(), size, |one| Ok(json!(one))).map(Json)
}

/// Whether something alive or deleted is asked for.
pub(super) fn stage_fits(stage: &str, view: Option<&str>) -> bool {
    match view.unwrap_or("ACTIVE_ONLY") {
        "ALL" => true,
        "DELETED_ONLY" => stage == "deleted",
        _ => stage == "active",
    }
}

pub(super) async fn delete(
    State(workspace): State<Workspace>,
    caller: Caller,
    JsonBody(wanted): JsonBody<ById>,
) -> ApiResult<Value> {
    stage(&workspace, &caller, &wanted.experiment_id, "deleted")
}

pub(super) async fn restore(
    State(workspace): State<Workspace>,
    caller: Caller,
    JsonBody(wanted): JsonBody<ById>,
) -> ApiResult<Value> {
    stage(&workspace, &caller, &wanted.experiment_id, "active")
}

/// An experiment goes and comes back with its runs.
fn stage(workspace: &Workspace, caller: &Caller, id: &str, stage: &str) -> ApiResult<Value> {
    workspace.experiment_for(caller, id, "CAN_MANAGE")?;
    for mut run in workspace.runs_of(id)? {
        stage.clone_into(&mut run.lifecycle_stage);
        workspace.put_run(&run)?;
    }
    change(workspace, caller, id, "CAN_MANAGE", |experiment| {
        stage.clone_into(&mut experiment.lifecycle_stage);
        experiment.last_update_time = workspace.clock().unix_milliseconds();
    })
}

fn change(
    workspace: &Workspace,
    caller: &Caller,
    id: &str,
    level: &'static str,
    change: impl FnOnce(&mut Experiment),
) -> ApiResult<Value> {
    let mut experiment = workspace.experiment_for(caller, id, level)?;
    change(&mut experiment);
    workspace.put_experiment(&experiment)?;
    Ok(Json(json!({})))
}

#[derive(Deserialize)]
pub(super) struct SetTag {
    experiment_id: String,
    key: String,
    value: String,
}

pub(super) async fn set_tag(
    State(workspace): State<Workspace>,
    caller: Caller,
    JsonBody(wanted): JsonBody<SetTag>,
) -> ApiResult<Value> {
    let tag = Tag { key: wanted.key, value: wanted.value };
    change(&workspace, &caller, &wanted.experiment_id, "CAN_EDIT", |experiment| {
        set(&mut experiment.tags, tag);
    })
}

#[derive(Deserialize)]
pub(super) struct Rename {
    experiment_id: String,
    new_name: Option<String>,
}

pub(super) async fn update(
    State(workspace): State<Workspace>,
    caller: Caller,
    JsonBody(wanted): JsonBody<Rename>,
) -> ApiResult<Value> {
    let mut experiment = workspace.experiment_for(&caller, &wanted.experiment_id, "CAN_MANAGE")?;
    if let Some(name) = wanted.new_name.filter(|name| *name != experiment.name) {
        if workspace.experiments()?.iter().any(|known| known.name == name) {
            return Err(ApiError::already_exists(format!("Node named '{name}' already exists")));
        }
        experiment.name = name;
        experiment.last_update_time = workspace.clock().unix_milliseconds();
        workspace.put_experiment(&experiment)?;
    }
    Ok(Json(json!({})))
}

#[derive(Deserialize)]
pub(super) struct DeleteTag {
    experiment_id: String,
    key: String,
}

pub(super) async fn delete_tag(
    State(workspace): State<Workspace>,
    caller: Caller,
    JsonBody(wanted): JsonBody<DeleteTag>,
) -> ApiResult<Value> {
    let DeleteTag { experiment_id, key } = wanted;
    if !workspace.experiment_for(&caller, &experiment_id, "CAN_EDIT")?.tags.iter().any(|tag| tag.key == key) {
        return Err(no_tag(format!("No tag with name: {key} in experiment with id {experiment_id}")));
    }
    change(&workspace, &caller, &experiment_id, "CAN_EDIT", |experiment| {
        experiment.tags.retain(|tag| tag.key != key);
    })
}
