//! Traces: what an app did to answer, in the third version of the API and, for older clients, in the second.

mod search;
mod second;

use axum::Json;
use axum::extract::{Path, State};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

pub(super) use search::{search, search_v2};
pub(super) use second::{end_v2, info_v2, start_v2};

use super::artifacts::{Asker, Folder};
use super::record::failed;
use crate::caller::Caller;
use crate::error::{ApiError, ApiResult};
use crate::request::{JsonBody, Parameters};
use crate::workspace::Workspace;

const TRACE: &str = "mlflow_trace";
const PLACE: &str = "mlflow_trace_place";

/// Tag in which clients find the place of a trace's spans.
const ARTIFACTS: &str = "mlflow.artifactLocation";

/// File of the spans.
const SPANS: &str = "traces.json";

/// A trace; its spans are a file among the artifacts.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Trace {
    pub(super) trace_id: String,
    pub(super) experiment_id: String,
    client_request_id: Option<String>,
    request_preview: Option<String>,
    response_preview: Option<String>,
    /// Milliseconds since the epoch.
    request_time: i64,
    /// Milliseconds; `None` while it is under way.
    execution_duration: Option<i64>,
    /// `OK`, `ERROR`, `IN_PROGRESS`.
    state: String,
    metadata: Map<String, Value>,
    tags: Map<String, Value>,
    pub(super) assessments: Vec<Value>,
    /// Runs it was linked to.
    #[serde(default)]
    runs: Vec<String>,
}

impl Trace {
    /// As the third version shows it.
    fn shown(&self) -> Value {
        let mut shown = json!({
            "trace_id": self.trace_id,
            "trace_location": {
                "type": "MLFLOW_EXPERIMENT",
                "mlflow_experiment": { "experiment_id": self.experiment_id },
            },
            "request_time": time(self.request_time),
            "state": self.state,
            "trace_metadata": self.metadata,
            "tags": self.tags,
            "assessments": self.assessments,
        });
        let previews = [
            ("client_request_id", &self.client_request_id),
            ("request_preview", &self.request_preview),
            ("response_preview", &self.response_preview),
        ];
        for (field, value) in previews {
            if let Some(value) = value {
                shown[field] = json!(value);
            }
        }
        if let Some(duration) = self.execution_duration {
            shown["execution_duration"] = json!(format!("{}.{:03}s", duration / 1000, duration % 1000));
        }
        shown
    }

    /// As the second version shows it.
    fn shown_v2(&self) -> Value {
        let pairs = |map: &Map<String, Value>| -> Vec<Value> {
            map.iter().map(|(key, value)| json!({ "key": key, "value": value })).collect()
        };
        json!({
            "request_id": self.trace_id,
            "experiment_id": self.experiment_id,
            "timestamp_ms": self.request_time,
            "execution_time_ms": self.execution_duration.unwrap_or_default(),
            "status": self.state,
            "request_metadata": pairs(&self.metadata),
            "tags": pairs(&self.tags),
        })
    }

    fn value(&self, kind: &str, key: &str) -> Option<Value> {
        match kind {
            "tags" => self.tags.get(key).cloned(),
            "metadata" => self.metadata.get(key).cloned(),
            "attributes" => match key {
                "request_id" | "trace_id" | "id" => Some(json!(self.trace_id)),
                "status" | "state" => Some(json!(self.state)),
                "name" => self.tags.get("mlflow.traceName").cloned(),
                "client_request_id" => self.client_request_id.as_ref().map(|id| json!(id)),
                "timestamp_ms" | "timestamp" | "request_time" => Some(json!(self.request_time)),
                "execution_time_ms" | "execution_time" | "execution_duration" => {
                    self.execution_duration.map(|duration| json!(duration))
                }
                "run_id" => {
                    let run = self.metadata.get("mlflow.sourceRun").cloned();
                    run.or_else(|| self.runs.first().map(|run| json!(run)))
                }
                _ => None,
            },
            _ => None,
        }
    }
}

fn time(milliseconds: i64) -> String {
    Timestamp::from_millisecond(milliseconds).unwrap_or(Timestamp::UNIX_EPOCH).to_string()
}

impl Workspace {
    pub(super) fn put_trace(&self, trace: &Trace) -> Result<(), ApiError> {
        self.store().put(PLACE, &trace.trace_id, &trace.experiment_id).map_err(failed)?;
        self.store().put(TRACE, &format!("{}/{}", trace.experiment_id, trace.trace_id), trace).map_err(failed)
    }

    /// The trace, when the caller may use its experiment to this level.
    pub(super) fn trace_for(
        &self,
        caller: &Caller,
        id: &str,
        level: &'static str,
    ) -> Result<Trace, ApiError> {
        let missing = || {
            let mut error = ApiError::not_found("Trace", id);
            error.message = format!("Trace with ID '{id}' not found.");
            error
        };
        let place: Option<String> = self.store().get(PLACE, id).map_err(failed)?;
        let place = place.ok_or_else(missing)?;
        self.authorize_experiment(caller, &place, level)?;
        let trace: Option<Trace> = self.store().get(TRACE, &format!("{place}/{id}")).map_err(failed)?;
        trace.ok_or_else(missing)
    }

    fn traces_of(&self, experiment_id: &str) -> Result<Vec<Trace>, ApiError> {
        let all = self.store().list(TRACE, &format!("{experiment_id}/")).map_err(failed)?;
        Ok(all.into_iter().map(|(_, trace)| trace).collect())
    }

    fn delete_trace(&self, trace: &Trace) -> Result<(), ApiError> {
        self.store().delete(PLACE, &trace.trace_id).map_err(failed)?;
        let key = format!("{}/{}", trace.experiment_id, trace.trace_id);
        self.store().delete(TRACE, &key).map_err(failed)?;
        Ok(())
    }
}

#[derive(Deserialize)]
pub(super) struct Start {
    trace: StartTrace,
}

#[derive(Deserialize)]
struct StartTrace {
    trace_info: NewTrace,
}

#[derive(Deserialize)]
struct NewTrace {
    trace_id: String,
    client_request_id: Option<String>,
    trace_location: Location,
    request_preview: Option<String>,
    response_preview: Option<String>,
    request_time: Option<Timestamp>,
    execution_duration: Option<String>,
    state: Option<String>,
    #[serde(default)]
    trace_metadata: Map<String, Value>,
    #[serde(default)]
    tags: Map<String, Value>,
    #[serde(default)]
    assessments: Vec<Value>,
}

#[derive(Deserialize)]
struct Location {
    mlflow_experiment: Option<ExperimentLocation>,
}

#[derive(Deserialize)]
struct ExperimentLocation {
    experiment_id: String,
}

impl Location {
    fn experiment(self) -> Result<String, ApiError> {
        let found = self.mlflow_experiment.map(|location| location.experiment_id);
        found.ok_or_else(|| ApiError::not_implemented("traces outside an experiment"))
    }
}

pub(super) async fn start(
    State(workspace): State<Workspace>,
    caller: Caller,
    JsonBody(wanted): JsonBody<Start>,
) -> ApiResult<Value> {
    let new = wanted.trace.trace_info;
    let experiment = workspace.experiment_for(&caller, &new.trace_location.experiment()?, "CAN_EDIT")?;
    let good = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    if !new.trace_id.starts_with("tr-") || new.trace_id.len() > 64 || !new.trace_id.bytes().all(good) {
        return Err(ApiError::invalid(format!("'{}' is not an id of a trace", new.trace_id)));
    }
    // A trace is sent once at its start and once at its end; another experiment's is not taken over.
    let known = workspace.trace_for(&caller, &new.trace_id, "CAN_EDIT");
    if known.is_ok_and(|known| known.experiment_id != experiment.experiment_id) {
        return Err(ApiError::already_exists(format!("Trace '{}' already exists", new.trace_id)));
    }
    let duration = new.execution_duration.as_deref().and_then(|text| text.strip_suffix('s'));
    let duration = duration.and_then(|seconds| SignedDuration::try_from_secs_f64(seconds.parse().ok()?).ok());
    let mut trace = Trace {
        trace_id: new.trace_id,
        experiment_id: experiment.experiment_id,
        client_request_id: new.client_request_id,
        request_preview: new.request_preview,
        response_preview: new.response_preview,
        request_time: new
            .request_time
            .map_or_else(|| workspace.clock().unix_milliseconds(), Timestamp::as_millisecond),
        execution_duration: duration.and_then(|duration| i64::try_from(duration.as_millis()).ok()),
        state: new.state.unwrap_or_else(|| "STATE_UNSPECIFIED".to_owned()),
        metadata: new.trace_metadata,
        tags: new.tags,
        assessments: new.assessments,
        runs: Vec::new(),
    };
    let place = format!("{}/{}/artifacts", experiment.artifact_location, trace.trace_id);
    trace.tags.insert(ARTIFACTS.to_owned(), json!(place));
    workspace.put_trace(&trace)?;
    Ok(Json(json!({ "trace": { "trace_info": trace.shown() } })))
}

pub(super) async fn get(
    State(workspace): State<Workspace>,
    caller: Caller,
    Path(id): Path<String>,
) -> ApiResult<Value> {
    let trace = workspace.trace_for(&caller, &id, "CAN_READ")?;
    Ok(Json(json!({ "trace": { "trace_info": trace.shown() } })))
}

#[derive(Deserialize)]
pub(super) struct Delete {
    experiment_id: String,
    max_timestamp_millis: Option<i64>,
    max_traces: Option<usize>,
    #[serde(default)]
    request_ids: Vec<String>,
}

pub(super) async fn delete(
    State(workspace): State<Workspace>,
    caller: Caller,
    JsonBody(wanted): JsonBody<Delete>,
) -> ApiResult<Value> {
    workspace.authorize_experiment(&caller, &wanted.experiment_id, "CAN_EDIT")?;
    let mut traces = workspace.traces_of(&wanted.experiment_id)?;
    traces.retain(|trace| match wanted.max_timestamp_millis {
        Some(latest) => trace.request_time <= latest,
        None => wanted.request_ids.contains(&trace.trace_id),
    });
    traces.sort_by_key(|trace| trace.request_time);
    traces.truncate(wanted.max_traces.unwrap_or(usize::MAX));
    traces.iter().try_for_each(|trace| workspace.delete_trace(trace))?;
    Ok(Json(json!({ "traces_deleted": traces.len() })))
}

#[derive(Deserialize)]
pub(super) struct SetTag {
    key: String,
    #[serde(default)]
    value: String,
}

pub(super) async fn set_tag(
    State(workspace): State<Workspace>,
    caller: Caller,
    Path(id): Path<String>,
    JsonBody(wanted): JsonBody<SetTag>,
) -> ApiResult<Value> {
    let mut trace = workspace.trace_for(&caller, &id, "CAN_EDIT")?;
    if wanted.key == ARTIFACTS {
        return Err(ApiError::invalid(format!("The tag {ARTIFACTS} cannot be changed")));
    }
    trace.tags.insert(wanted.key, json!(wanted.value));
    workspace.put_trace(&trace)?;
    Ok(Json(json!({})))
}

pub(super) async fn delete_tag(
    State(workspace): State<Workspace>,
    caller: Caller,
    Path(id): Path<String>,
    JsonBody(wanted): JsonBody<SetTag>,
) -> ApiResult<Value> {
    let mut trace = workspace.trace_for(&caller, &id, "CAN_EDIT")?;
    if wanted.key == ARTIFACTS || trace.tags.remove(&wanted.key).is_none() {
        return Err(ApiError::not_found("Trace tag", wanted.key));
    }
    workspace.put_trace(&trace)?;
    Ok(Json(json!({})))
}

#[derive(Deserialize)]
pub(super) struct Link {
    #[serde(default)]
    trace_ids: Vec<String>,
    run_id: String,
}

pub(super) async fn link_to_run(
    State(workspace): State<Workspace>,
    caller: Caller,
    JsonBody(wanted): JsonBody<Link>,
) -> ApiResult<Value> {
    let run = workspace.run_for(&caller, &wanted.run_id, "CAN_EDIT")?;
    for id in &wanted.trace_ids {
        let mut trace = workspace.trace_for(&caller, id, "CAN_EDIT")?;
        if !trace.runs.contains(&run.run_id) {
            trace.runs.push(run.run_id.clone());
        }
        workspace.put_trace(&trace)?;
    }
    Ok(Json(json!({})))
}

#[derive(Deserialize)]
pub(super) struct DataQuery {
    path: Option<String>,
}

pub(super) async fn credentials_for_upload(
    State(workspace): State<Workspace>,
    Path(id): Path<String>,
    asker: Asker,
    Parameters(query): Parameters<DataQuery>,
) -> ApiResult<Value> {
    credentials(&workspace, &asker, &id, query.path, true)
}

pub(super) async fn credentials_for_download(
    State(workspace): State<Workspace>,
    Path(id): Path<String>,
    asker: Asker,
    Parameters(query): Parameters<DataQuery>,
) -> ApiResult<Value> {
    credentials(&workspace, &asker, &id, query.path, false)
}

fn credentials(
    workspace: &Workspace,
    asker: &Asker,
    id: &str,
    path: Option<String>,
    write: bool,
) -> ApiResult<Value> {
    let level = if write { "CAN_EDIT" } else { "CAN_READ" };
    let trace = workspace.trace_for(&asker.caller, id, level)?;
    let folder = Folder::of_trace(&trace.experiment_id, &trace.trace_id);
    let info = folder.credential(workspace, asker, path.as_deref().unwrap_or(SPANS), write)?;
    Ok(Json(json!({ "credential_info": info })))
}
