//! Logged models of `MLflow` 3: models as things of their own, with parameters, metrics and files.

mod files;

use axum::Json;
use axum::extract::{Path, State};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

pub(super) use files::{credentials_for_download, credentials_for_upload, list_artifacts};

use super::artifacts::Folder;
use super::filter::{Filter, compare, field};
use super::record::{Metric, Run, Tag, failed, page_of, set};
use super::runs::no_tag;
use crate::caller::Caller;
use crate::error::{ApiError, ApiResult};
use crate::request::{JsonBody, Parameters};
use crate::workspace::Workspace;

const MODEL: &str = "mlflow_logged_model";
const PLACE: &str = "mlflow_logged_model_place";

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct LoggedModel {
    pub(super) model_id: String,
    pub(super) experiment_id: String,
    name: String,
    creation_timestamp_ms: i64,
    last_updated_timestamp_ms: i64,
    artifact_uri: String,
    /// `LOGGED_MODEL_PENDING`, `LOGGED_MODEL_READY`, `LOGGED_MODEL_UPLOAD_FAILED`.
    status: String,
    model_type: Option<String>,
    source_run_id: Option<String>,
    creator_id: u64,
    tags: Vec<Tag>,
    params: Vec<Tag>,
    metrics: Vec<Metric>,
    /// Versions in registries that were made of it.
    registrations: Vec<Value>,
    deleted: bool,
}

impl LoggedModel {
    fn shown(&self) -> Value {
        let mut info = json!({
            "model_id": self.model_id,
            "experiment_id": self.experiment_id,
            "name": self.name,
            "creation_timestamp_ms": self.creation_timestamp_ms,
            "last_updated_timestamp_ms": self.last_updated_timestamp_ms,
            "artifact_uri": self.artifact_uri,
            "status": self.status,
            "creator_id": self.creator_id,
            "tags": self.tags,
            "registrations": self.registrations,
        });
        for (field, value) in [("model_type", &self.model_type), ("source_run_id", &self.source_run_id)] {
            if let Some(value) = value {
                info[field] = json!(value);
            }
        }
        json!({ "model": { "info": info, "data": { "params": self.params, "metrics": self.metrics } } })
    }

    fn value(&self, kind: &str, key: &str) -> Option<Value> {
        let pair = |list: &[Tag]| list.iter().find(|one| one.key == key).map(|one| json!(one.value));
        match kind {
            "metrics" => {
                let latest = self.metrics.iter().filter(|metric| metric.key == key);
                latest.max_by_key(|metric| (metric.step, metric.timestamp)).map(|metric| metric.value.clone())
            }
            "params" => pair(&self.params),
            "tags" => pair(&self.tags),
            _ => match key {
                "name" => Some(json!(self.name)),
                "model_id" => Some(json!(self.model_id)),
                "model_type" => self.model_type.as_ref().map(|value| json!(value)),
                "source_run_id" => self.source_run_id.as_ref().map(|value| json!(value)),
                "status" => Some(json!(self.status.trim_start_matches("LOGGED_MODEL_"))),
                "creation_timestamp" | "creation_time" | "creation_timestamp_ms" => {
                    Some(json!(self.creation_timestamp_ms))
                }
                "last_updated_timestamp" | "last_updated_timestamp_ms" => {
                    Some(json!(self.last_updated_timestamp_ms))
                }
                _ => None,
            },
        }
    }
}

impl Workspace {
    fn put_logged_model(&self, model: &LoggedModel) -> Result<(), ApiError> {
        self.store().put(PLACE, &model.model_id, &model.experiment_id).map_err(failed)?;
        self.store().put(MODEL, &format!("{}/{}", model.experiment_id, model.model_id), model).map_err(failed)
    }

    /// The logged model, when the caller may use its experiment to this level.
    pub(super) fn logged_model(
        &self,
        caller: &Caller,
        id: &str,
        level: &'static str,
    ) -> Result<LoggedModel, ApiError> {
        let missing = || {
            let mut error = ApiError::not_found("Logged model", id);
            error.message = format!("Logged model with ID '{id}' not found.");
            error
        };
        let place: Option<String> = self.store().get(PLACE, id).map_err(failed)?;
        let place = place.ok_or_else(missing)?;
        self.authorize_experiment(caller, &place, level)?;
        let model: Option<LoggedModel> = self.store().get(MODEL, &format!("{place}/{id}")).map_err(failed)?;
        model.ok_or_else(missing)
    }

    /// Adds a run's metric to the logged model it is of, if it names one.
    pub(super) fn measure_logged_model(
        &self,
        caller: &Caller,
        run: &Run,
        metric: &Metric,
    ) -> Result<(), ApiError> {
        let Some(id) = &metric.model_id else { return Ok(()) };
        let mut model = self.logged_model(caller, id, "CAN_EDIT")?;
        let mut metric = metric.clone();
        metric.run_id = Some(run.run_id.clone());
        let same = |known: &Metric| {
            known.key == metric.key
                && known.run_id == metric.run_id
                && known.dataset_digest == metric.dataset_digest
        };
        model.metrics.retain(|known| !same(known));
        model.metrics.push(metric);
        self.put_logged_model(&model)
    }

    /// The files of a logged model, for whoever has proven to have a right to them.
    pub(super) fn folder_of_logged_model(&self, id: &str) -> Result<Folder, ApiError> {
        let place: Option<String> = self.store().get(PLACE, id).map_err(failed)?;
        let place = place.ok_or_else(|| ApiError::not_found("Logged model", id))?;
        Ok(Folder::of_model(&place, id))
    }

    /// Notes that a version of a registered model was made of a logged one.
    pub(super) fn note_registration(
        &self,
        caller: &Caller,
        id: &str,
        name: &str,
        version: &str,
    ) -> Result<(), ApiError> {
        let mut model = self.logged_model(caller, id, "CAN_READ")?;
        model.registrations.push(json!({ "name": name, "version": version }));
        self.put_logged_model(&model)
    }
}

#[derive(Deserialize)]
pub(super) struct Create {
    experiment_id: String,
    name: Option<String>,
    model_type: Option<String>,
    source_run_id: Option<String>,
    #[serde(default)]
    params: Vec<Tag>,
    #[serde(default)]
    tags: Vec<Tag>,
}

pub(super) async fn create(
    State(workspace): State<Workspace>,
    caller: Caller,
    JsonBody(wanted): JsonBody<Create>,
) -> ApiResult<Value> {
    let experiment = workspace.experiment_for(&caller, &wanted.experiment_id, "CAN_EDIT")?;
    let model_id = format!("m-{}", uuid::Uuid::new_v4().simple());
    let now = workspace.clock().unix_milliseconds();
    let model = LoggedModel {
        artifact_uri: format!("{}/logged_models/{model_id}/artifacts", experiment.artifact_location),
        name: wanted.name.unwrap_or_else(|| format!("model-{}", &model_id[2..10])),
        model_id,
        experiment_id: experiment.experiment_id,
        creation_timestamp_ms: now,
        last_updated_timestamp_ms: now,
        status: "LOGGED_MODEL_PENDING".to_owned(),
        model_type: wanted.model_type,
        source_run_id: wanted.source_run_id,
        creator_id: caller.principal.id(),
        tags: wanted.tags,
        params: wanted.params,
        metrics: Vec::new(),
        registrations: Vec::new(),
        deleted: false,
    };
    workspace.put_logged_model(&model)?;
    Ok(Json(model.shown()))
}

#[derive(Deserialize)]
pub(super) struct GetQuery {
    allow_deleted: Option<bool>,
}

pub(super) async fn get(
    State(workspace): State<Workspace>,
    caller: Caller,
    Path(id): Path<String>,
    Parameters(query): Parameters<GetQuery>,
) -> ApiResult<Value> {
    let model = workspace.logged_model(&caller, &id, "CAN_READ")?;
    if model.deleted && query.allow_deleted != Some(true) {
        return Err(ApiError::not_found("Logged model", id));
    }
    Ok(Json(model.shown()))
}

#[derive(Deserialize)]
pub(super) struct Finalize {
    status: String,
}

pub(super) async fn finalize(
    State(workspace): State<Workspace>,
    caller: Caller,
    Path(id): Path<String>,
    JsonBody(wanted): JsonBody<Finalize>,
) -> ApiResult<Value> {
    if !["LOGGED_MODEL_READY", "LOGGED_MODEL_UPLOAD_FAILED"].contains(&wanted.status.as_str()) {
        return Err(ApiError::invalid(format!("{} is not how a logged model ends", wanted.status)));
    }
    change(&workspace, &caller, &id, |model| model.status = wanted.status)
}

fn change(
    workspace: &Workspace,
    caller: &Caller,
    id: &str,
    change: impl FnOnce(&mut LoggedModel),
) -> ApiResult<Value> {
    let mut model = workspace.logged_model(caller, id, "CAN_EDIT")?;
    change(&mut model);
    model.last_updated_timestamp_ms = workspace.clock().unix_milliseconds();
    workspace.put_logged_model(&model)?;
    Ok(Json(model.shown()))
}

pub(super) async fn delete(
    State(workspace): State<Workspace>,
    caller: Caller,
    Path(id): Path<String>,
) -> ApiResult<Value> {
    change(&workspace, &caller, &id, |model| model.deleted = true).map(drop)?;
    Ok(Json(json!({})))
}

#[derive(Deserialize)]
pub(super) struct Tags {
    #[serde(default)]
    tags: Vec<Tag>,
}

pub(super) async fn set_tags(
    State(workspace): State<Workspace>,
    caller: Caller,
    Path(id): Path<String>,
    JsonBody(wanted): JsonBody<Tags>,
) -> ApiResult<Value> {
    change(&workspace, &caller, &id, |model| {
        wanted.tags.into_iter().for_each(|tag| set(&mut model.tags, tag));
    })
}

pub(super) async fn delete_tag(
    State(workspace): State<Workspace>,
    caller: Caller,
    Path((id, key)): Path<(String, String)>,
) -> ApiResult<Value> {
    if !workspace.logged_model(&caller, &id, "CAN_EDIT")?.tags.iter().any(|tag| tag.key == key) {
        return Err(no_tag(format!("No tag with key '{key}' found for model with ID '{id}'.")));
    }
    change(&workspace, &caller, &id, |model| model.tags.retain(|tag| tag.key != key))
}

#[derive(Deserialize)]
pub(super) struct Params {
    #[serde(default)]
    params: Vec<Tag>,
}

pub(super) async fn log_params(
    State(workspace): State<Workspace>,
    caller: Caller,
    Path(id): Path<String>,
    JsonBody(wanted): JsonBody<Params>,
) -> ApiResult<Value> {
    change(&workspace, &caller, &id, |model| {
        wanted.params.into_iter().for_each(|param| set(&mut model.params, param));
    })
    .map(drop)?;
    Ok(Json(json!({})))
}

#[derive(Deserialize)]
pub(super) struct Search {
    #[serde(default)]
    experiment_ids: Vec<String>,
    filter: Option<String>,
    max_results: Option<usize>,
    #[serde(default)]
    order_by: Vec<Order>,
    page_token: Option<String>,
}

#[derive(Deserialize)]
struct Order {
    field_name: String,
    #[serde(default = "yes")]
    ascending: bool,
}

fn yes() -> bool {
    true
}

pub(super) async fn search(
    State(workspace): State<Workspace>,
    caller: Caller,
    JsonBody(search): JsonBody<Search>,
) -> ApiResult<Value> {
    let filter = Filter::parse(search.filter.as_deref().unwrap_or_default())?;
    let mut found: Vec<LoggedModel> = Vec::new();
    for id in &search.experiment_ids {
        workspace.experiment_for(&caller, id, "CAN_READ")?;
        let models: Vec<(String, LoggedModel)> =
            workspace.store().list(MODEL, &format!("{id}/")).map_err(failed)?;
        found.extend(models.into_iter().map(|(_, model)| model));
    }
    found.retain(|model| !model.deleted && filter.accepts(|kind, key| model.value(kind, key)));
    found.sort_by_key(|model| std::cmp::Reverse(model.creation_timestamp_ms));
    for order in search.order_by.iter().rev() {
        let (kind, key) = field(&order.field_name)?;
        found.sort_by(|left, right| match (left.value(&kind, &key), right.value(&kind, &key)) {
            (Some(left), Some(right)) if order.ascending => compare(&left, &right),
            (Some(left), Some(right)) => compare(&right, &left),
            // Those without the value come last, either way.
            (left, right) => right.is_some().cmp(&left.is_some()),
        });
    }
    let size = search.max_results.unwrap_or(100).clamp(1, 1000);
    let token = search.page_token.as_deref();
    page_of("models", found, token, size, |model| Ok(model.shown()["model"].take())).map(Json)
}
