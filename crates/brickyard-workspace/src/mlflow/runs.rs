use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use serde_json::{Value, json};

use super::record::{Metric, Run, Tag};
use crate::caller::Caller;
use crate::error::{ApiError, ApiResult};
use crate::request::{JsonBody, Parameters};
use crate::workspace::Workspace;

/// Longest value of a parameter, in bytes.
const LONGEST_PARAMETER: usize = 6000;

/// Most metrics of one batch.
const LARGEST_BATCH: usize = 1000;

#[derive(Deserialize)]
pub(super) struct Create {
    experiment_id: String,
    run_name: Option<String>,
    start_time: Option<i64>,
    #[serde(default)]
    tags: Vec<Tag>,
}

pub(super) async fn create(
    State(workspace): State<Workspace>,
    caller: Caller,
    JsonBody(wanted): JsonBody<Create>,
) -> ApiResult<Value> {
    let experiment = workspace.experiment_for(&caller, &wanted.experiment_id, "CAN_EDIT")?;
    must_be_active("experiment", &experiment.experiment_id, &experiment.lifecycle_stage)?;
    let run_id = uuid::Uuid::new_v4().simple().to_string();
    let named = wanted.tags.iter().find(|tag| tag.key == "mlflow.runName").map(|tag| tag.value.clone());
    let name = wanted.run_name.filter(|name| !name.is_empty()).or(named);
    let run_name = name.unwrap_or_else(|| format!("run-{}", &run_id[..8]));
    let mut run = Run {
        artifact_uri: format!("{}/{run_id}/artifacts", experiment.artifact_location),
        experiment_id: experiment.experiment_id,
        user_id: caller.name().to_owned(),
        status: "RUNNING".to_owned(),
        start_time: wanted.start_time.unwrap_or_else(|| workspace.clock().unix_milliseconds()),
        end_time: None,
        lifecycle_stage: "active".to_owned(),
        params: Vec::new(),
        tags: wanted.tags,
        metrics: Vec::new(),
        dataset_inputs: Vec::new(),
        model_inputs: Vec::new(),
        model_outputs: Vec::new(),
        run_id,
        run_name: run_name.clone(),
    };
    run.set_tag(Tag { key: "mlflow.runName".to_owned(), value: run_name });
    workspace.put_run(&run)?;
    Ok(Json(json!({ "run": run.shown() })))
}

#[derive(Deserialize)]
pub(super) struct ById {
    run_id: Option<String>,
    run_uuid: Option<String>,
}

fn id(run_id: Option<String>, run_uuid: Option<String>) -> Result<String, ApiError> {
    run_id
        .or(run_uuid)
        .filter(|id| !id.is_empty())
        .ok_or_else(|| ApiError::invalid("Missing value for 'run_id'"))
}

pub(super) async fn get(
    State(workspace): State<Workspace>,
    caller: Caller,
    Parameters(wanted): Parameters<ById>,
) -> ApiResult<Value> {
    let run = workspace.run_for(&caller, &id(wanted.run_id, wanted.run_uuid)?, "CAN_READ")?;
    Ok(Json(json!({ "run": run.shown() })))
}

#[derive(Deserialize)]
pub(super) struct Update {
    run_id: Option<String>,
    run_uuid: Option<String>,
    status: Option<String>,
    end_time: Option<i64>,
    run_name: Option<String>,
}

pub(super) async fn update(
    State(workspace): State<Workspace>,
    caller: Caller,
    JsonBody(wanted): JsonBody<Update>,
) -> ApiResult<Value> {
    let mut run = active(&workspace, &caller, &id(wanted.run_id, wanted.run_uuid)?)?;
    if let Some(status) = wanted.status {
        if !["RUNNING", "SCHEDULED", "FINISHED", "FAILED", "KILLED"].contains(&status.as_str()) {
            return Err(ApiError::invalid(format!("{status} is not a status of a run")));
        }
        run.status = status;
    }
    run.end_time = wanted.end_time.or(run.end_time);
    if let Some(name) = wanted.run_name.filter(|name| !name.is_empty()) {
        run.set_tag(Tag { key: "mlflow.runName".to_owned(), value: name.clone() });
        run.run_name = name;
    }
    workspace.put_run(&run)?;
    Ok(Json(json!({ "run_info": run.shown()["info"] })))
}

pub(super) async fn delete(
    State(workspace): State<Workspace>,
    caller: Caller,
    JsonBody(wanted): JsonBody<ById>,
) -> ApiResult<Value> {
    stage(&workspace, &caller, wanted, "deleted")
}

pub(super) async fn restore(
    State(workspace): State<Workspace>,
    caller: Caller,
    JsonBody(wanted): JsonBody<ById>,
) -> ApiResult<Value> {
    stage(&workspace, &caller, wanted, "active")
}

fn stage(workspace: &Workspace, caller: &Caller, wanted: ById, stage: &str) -> ApiResult<Value> {
    let mut run = workspace.run_for(caller, &id(wanted.run_id, wanted.run_uuid)?, "CAN_EDIT")?;
    stage.clone_into(&mut run.lifecycle_stage);
    workspace.put_run(&run)?;
    Ok(Json(json!({})))
}

/// The run, where the caller may write to it and nobody has deleted it.
fn active(workspace: &Workspace, caller: &Caller, id: &str) -> Result<Run, ApiError> {
    let run = workspace.run_for(caller, id, "CAN_EDIT")?;
    must_be_active("run", id, &run.lifecycle_stage)?;
    Ok(run)
}

fn must_be_active(what: &str, id: &str, stage: &str) -> Result<(), ApiError> {
    if stage == "active" {
        return Ok(());
    }
    Err(ApiError::invalid(format!(
        "The {what} {id} must be in the 'active' state. Current state is {stage}."
    )))
}

fn change(
    workspace: &Workspace,
    caller: &Caller,
    id: &str,
    change: impl FnOnce(&mut Run),
) -> ApiResult<Value> {
    let mut run = active(workspace, caller, id)?;
    change(&mut run);
    workspace.put_run(&run)?;
    Ok(Json(json!({})))
}

#[derive(Deserialize)]
pub(super) struct LogMetric {
    run_id: Option<String>,
    run_uuid: Option<String>,
    #[serde(flatten)]
    metric: Metric,
}

pub(super) async fn log_metric(
    State(workspace): State<Workspace>,
    caller: Caller,
    JsonBody(wanted): JsonBody<LogMetric>,
) -> ApiResult<Value> {
    let id = id(wanted.run_id, wanted.run_uuid)?;
    log(&workspace, &caller, &id, vec![wanted.metric], Vec::new(), Vec::new())
}

#[derive(Deserialize)]
pub(super) struct LogPair {
    run_id: Option<String>,
    run_uuid: Option<String>,
    #[serde(flatten)]
    pair: Tag,
}

pub(super) async fn log_parameter(
    State(workspace): State<Workspace>,
    caller: Caller,
    JsonBody(wanted): JsonBody<LogPair>,
) -> ApiResult<Value> {
    let id = id(wanted.run_id, wanted.run_uuid)?;
    log(&workspace, &caller, &id, Vec::new(), vec![wanted.pair], Vec::new())
}

pub(super) async fn set_tag(
    State(workspace): State<Workspace>,
    caller: Caller,
    JsonBody(wanted): JsonBody<LogPair>,
) -> ApiResult<Value> {
    let id = id(wanted.run_id, wanted.run_uuid)?;
    log(&workspace, &caller, &id, Vec::new(), Vec::new(), vec![wanted.pair])
}

#[derive(Deserialize)]
pub(super) struct LogBatch {
    run_id: Option<String>,
    run_uuid: Option<String>,
    #[serde(default)]
    metrics: Vec<Metric>,
    #[serde(default)]
    params: Vec<Tag>,
    #[serde(default)]
    tags: Vec<Tag>,
}

pub(super) async fn log_batch(
    State(workspace): State<Workspace>,
    caller: Caller,
    JsonBody(wanted): JsonBody<LogBatch>,
) -> ApiResult<Value> {
    let id = id(wanted.run_id, wanted.run_uuid)?;
    log(&workspace, &caller, &id, wanted.metrics, wanted.params, wanted.tags)
}

fn log(
    workspace: &Workspace,
    caller: &Caller,
    id: &str,
    metrics: Vec<Metric>,
    params: Vec<Tag>,
    tags: Vec<Tag>,
) -> ApiResult<Value> {
    if metrics.len() + params.len() + tags.len() > LARGEST_BATCH {
        return Err(ApiError::invalid(format!("A batch has at most {LARGEST_BATCH} items")));
    }
    let mut run = active(workspace, caller, id)?;
    for param in params {
        if param.value.len() > LONGEST_PARAMETER {
            return Err(ApiError::invalid(format!("The value of parameter '{}' is too long", param.key)));
        }
        match run.params.iter().find(|known| known.key == param.key) {
            Some(known) if known.value != param.value => {
                return Err(ApiError::invalid(format!(
                    "Param with key '{}' was already logged with value '{}': a parameter is written once",
                    param.key, known.value
                )));
            }
            Some(_) => {}
            None => run.params.push(param),
        }
    }
    for metric in metrics {
        let text = metric.value.as_str();
        if !metric.value.is_number()
            && !text.is_some_and(|text| ["NaN", "Infinity", "-Infinity"].contains(&text))
        {
            return Err(ApiError::invalid(format!("The value of metric '{}' is not a number", metric.key)));
        }
        workspace.keep_metric(id, &metric)?;
        workspace.measure_logged_model(caller, &run, &metric)?;
        run.take(metric);
    }
    for tag in tags {
        run.set_tag(tag);
    }
    workspace.put_run(&run)?;
    Ok(Json(json!({})))
}

#[derive(Deserialize)]
pub(super) struct DeleteTag {
    run_id: String,
    key: String,
}

pub(super) async fn delete_tag(
    State(workspace): State<Workspace>,
    caller: Caller,
    JsonBody(wanted): JsonBody<DeleteTag>,
) -> ApiResult<Value> {
    let DeleteTag { run_id, key } = wanted;
    let mut run = active(&workspace, &caller, &run_id)?;
    if !run.tags.iter().any(|tag| tag.key == key) {
        return Err(no_tag(format!("No tag with name: {key} in run with id {run_id}")));
    }
    run.tags.retain(|tag| tag.key != key);
    workspace.put_run(&run)?;
    Ok(Json(json!({})))
}

/// 404 of a tag that is not there.
pub(super) fn no_tag(message: String) -> ApiError {
    ApiError::new(http::StatusCode::NOT_FOUND, "RESOURCE_DOES_NOT_EXIST", message)
}

#[derive(Deserialize)]
pub(super) struct History {
    run_id: Option<String>,
    run_uuid: Option<String>,
    metric_key: String,
}

pub(super) async fn history(
    State(workspace): State<Workspace>,
    caller: Caller,
    Parameters(wanted): Parameters<History>,
) -> ApiResult<Value> {
    let run = workspace.run_for(&caller, &id(wanted.run_id, wanted.run_uuid)?, "CAN_READ")?;
    Ok(Json(json!({ "metrics": workspace.metric_history(&run.run_id, &wanted.metric_key)? })))
}

#[derive(Deserialize)]
pub(super) struct LogInputs {
    run_id: String,
    #[serde(default)]
    datasets: Vec<Value>,
    #[serde(default)]
    models: Vec<Value>,
}

/// Notes data sets and logged models that a run used; the same one twice counts once.
pub(super) async fn log_inputs(
    State(workspace): State<Workspace>,
    caller: Caller,
    JsonBody(wanted): JsonBody<LogInputs>,
) -> ApiResult<Value> {
    change(&workspace, &caller, &wanted.run_id, |run| {
        add_new(&mut run.dataset_inputs, wanted.datasets);
        add_new(&mut run.model_inputs, wanted.models);
    })
}

#[derive(Deserialize)]
pub(super) struct LogOutputs {
    run_id: String,
    #[serde(default)]
    models: Vec<Value>,
}

/// Notes logged models that came out of a run.
pub(super) async fn log_outputs(
    State(workspace): State<Workspace>,
    caller: Caller,
    JsonBody(wanted): JsonBody<LogOutputs>,
) -> ApiResult<Value> {
    change(&workspace, &caller, &wanted.run_id, |run| add_new(&mut run.model_outputs, wanted.models))
}

fn add_new(known: &mut Vec<Value>, new: Vec<Value>) {
    for one in new {
        if !known.contains(&one) && known.len() < LARGEST_BATCH {
            known.push(one);
        }
    }
}

#[derive(Deserialize)]
pub(super) struct LogModel {
    run_id: String,
    model_json: String,
}

/// Adds a model to the tag in which clients before `MLflow` 3 look for them.
pub(super) async fn log_model(
    State(workspace): State<Workspace>,
    caller: Caller,
    JsonBody(wanted): JsonBody<LogModel>,
) -> ApiResult<Value> {
    let model: Value = serde_json::from_str(&wanted.model_json)
        .map_err(|error| ApiError::invalid(format!("model_json is not JSON: {error}")))?;
    let mut run = active(&workspace, &caller, &wanted.run_id)?;
    let key = "mlflow.log-model.history";
    let known = run.tags.iter().find(|tag| tag.key == key);
    let mut models: Vec<Value> =
        known.and_then(|tag| serde_json::from_str(&tag.value).ok()).unwrap_or_default();
    models.push(model);
    run.set_tag(Tag { key: key.to_owned(), value: Value::Array(models).to_string() });
    workspace.put_run(&run)?;
    Ok(Json(json!({})))
}
