//! The second version of the API of traces, which older clients speak.

use axum::Json;
use axum::extract::{Path, State};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::super::record::Tag;
use super::{ARTIFACTS, Trace};
use crate::caller::Caller;
use crate::error::ApiResult;
use crate::request::JsonBody;
use crate::workspace::Workspace;

#[derive(Deserialize)]
pub(in crate::mlflow) struct StartV2 {
    experiment_id: String,
    timestamp_ms: Option<i64>,
    #[serde(default)]
    request_metadata: Vec<Tag>,
    #[serde(default)]
    tags: Vec<Tag>,
}

/// Begins a trace in the second version, whose ids are given out here.
pub(in crate::mlflow) async fn start_v2(
    State(workspace): State<Workspace>,
    caller: Caller,
    JsonBody(wanted): JsonBody<StartV2>,
) -> ApiResult<Value> {
    let experiment = workspace.experiment_for(&caller, &wanted.experiment_id, "CAN_EDIT")?;
    let map = |pairs: Vec<Tag>| pairs.into_iter().map(|pair| (pair.key, json!(pair.value))).collect();
    let trace_id = format!("tr-{}", uuid::Uuid::new_v4().simple());
    let mut tags: Map<String, Value> = map(wanted.tags);
    tags.insert(
        ARTIFACTS.to_owned(),
        json!(format!("{}/{trace_id}/artifacts", experiment.artifact_location)),
    );
    let trace = Trace {
        trace_id,
        experiment_id: experiment.experiment_id,
        client_request_id: None,
        request_preview: None,
        response_preview: None,
        request_time: wanted.timestamp_ms.unwrap_or_else(|| workspace.clock().unix_milliseconds()),
        execution_duration: None,
        state: "IN_PROGRESS".to_owned(),
        metadata: map(wanted.request_metadata),
        tags,
        assessments: Vec::new(),
        runs: Vec::new(),
    };
    workspace.put_trace(&trace)?;
    Ok(Json(json!({ "trace_info": trace.shown_v2() })))
}

#[derive(Deserialize)]
pub(in crate::mlflow) struct EndV2 {
    timestamp_ms: Option<i64>,
    status: Option<String>,
    #[serde(default)]
    request_metadata: Vec<Tag>,
    #[serde(default)]
    tags: Vec<Tag>,
}

pub(in crate::mlflow) async fn end_v2(
    State(workspace): State<Workspace>,
    caller: Caller,
    Path(id): Path<String>,
    JsonBody(wanted): JsonBody<EndV2>,
) -> ApiResult<Value> {
    let mut trace = workspace.trace_for(&caller, &id, "CAN_EDIT")?;
    let ended = wanted.timestamp_ms.unwrap_or_else(|| workspace.clock().unix_milliseconds());
    trace.execution_duration = Some((ended - trace.request_time).max(0));
    trace.state = wanted.status.unwrap_or_else(|| "OK".to_owned());
    let place = trace.tags.get(ARTIFACTS).cloned();
    trace.metadata.extend(wanted.request_metadata.into_iter().map(|pair| (pair.key, json!(pair.value))));
    trace.tags.extend(wanted.tags.into_iter().map(|pair| (pair.key, json!(pair.value))));
    trace.tags.insert(ARTIFACTS.to_owned(), place.unwrap_or_default());
    workspace.put_trace(&trace)?;
    Ok(Json(json!({ "trace_info": trace.shown_v2() })))
}

pub(in crate::mlflow) async fn info_v2(
    State(workspace): State<Workspace>,
    caller: Caller,
    Path(id): Path<String>,
) -> ApiResult<Value> {
    Ok(Json(json!({ "trace_info": workspace.trace_for(&caller, &id, "CAN_READ")?.shown_v2() })))
}
