//! Assessments: what people, judges and code think of a trace.

use axum::Json;
use axum::extract::{Path, State};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::caller::Caller;
use crate::error::{ApiError, ApiResult};
use crate::request::JsonBody;
use crate::workspace::Workspace;

/// Most assessments of one trace.
const MOST: usize = 1000;

#[derive(Deserialize)]
pub(super) struct Body {
    assessment: Map<String, Value>,
    update_mask: Option<String>,
}

fn now(workspace: &Workspace) -> Value {
    let now = Timestamp::from_millisecond(workspace.clock().unix_milliseconds());
    json!(now.unwrap_or(Timestamp::UNIX_EPOCH).to_string())
}

fn has_id(assessment: &Value, id: &str) -> bool {
    assessment["assessment_id"].as_str() == Some(id)
}

pub(super) async fn create(
    State(workspace): State<Workspace>,
    caller: Caller,
    Path(trace_id): Path<String>,
    JsonBody(body): JsonBody<Body>,
) -> ApiResult<Value> {
    let mut trace = workspace.trace_for(&caller, &trace_id, "CAN_EDIT")?;
    if trace.assessments.len() >= MOST {
        return Err(ApiError::invalid(format!("A trace has at most {MOST} assessments")));
    }
    let mut assessment = Value::Object(body.assessment);
    assessment["assessment_id"] = json!(format!("a-{}", uuid::Uuid::new_v4().simple()));
    assessment["trace_id"] = json!(trace_id);
    assessment["create_time"] = now(&workspace);
    assessment["last_update_time"] = now(&workspace);
    assessment["valid"] = json!(true);
    if let Some(replaced) = assessment.get("overrides").and_then(Value::as_str).map(str::to_owned)
        && let Some(known) = trace.assessments.iter_mut().find(|known| has_id(known, &replaced))
    {
        known["valid"] = json!(false);
    }
    trace.assessments.push(assessment.clone());
    workspace.put_trace(&trace)?;
    Ok(Json(json!({ "assessment": assessment })))
}

fn missing(id: &str) -> ApiError {
    ApiError::not_found("Assessment", id)
}

pub(super) async fn get(
    State(workspace): State<Workspace>,
    caller: Caller,
    Path((trace_id, id)): Path<(String, String)>,
) -> ApiResult<Value> {
    let trace = workspace.trace_for(&caller, &trace_id, "CAN_READ")?;
    let found = trace.assessments.into_iter().find(|known| has_id(known, &id));
    Ok(Json(json!({ "assessment": found.ok_or_else(|| missing(&id))? })))
}

pub(super) async fn update(
    State(workspace): State<Workspace>,
    caller: Caller,
    Path((trace_id, id)): Path<(String, String)>,
    JsonBody(body): JsonBody<Body>,
) -> ApiResult<Value> {
    let mut trace = workspace.trace_for(&caller, &trace_id, "CAN_EDIT")?;
    let known = trace.assessments.iter_mut().find(|known| has_id(known, &id));
    let known = known.and_then(Value::as_object_mut).ok_or_else(|| missing(&id))?;
    let mask: Option<Vec<&str>> = body.update_mask.as_deref().map(|mask| mask.split(',').collect());
    for (field, value) in body.assessment {
        let fixed = ["assessment_id", "trace_id", "create_time"].contains(&field.as_str());
        // Masks are written in the one or the other spelling.
        let masked = mask.as_ref().is_none_or(|mask| {
            mask.iter().any(|name| name.replace('_', "").eq_ignore_ascii_case(&field.replace('_', "")))
        });
        if !fixed && masked {
            known.insert(field, value);
        }
    }
    known.insert("last_update_time".to_owned(), now(&workspace));
    let answer = json!({ "assessment": known });
    workspace.put_trace(&trace)?;
    Ok(Json(answer))
}

pub(super) async fn delete(
    State(workspace): State<Workspace>,
    caller: Caller,
    Path((trace_id, id)): Path<(String, String)>,
) -> ApiResult<Value> {
    let mut trace = workspace.trace_for(&caller, &trace_id, "CAN_EDIT")?;
    let before = trace.assessments.len();
    trace.assessments.retain(|known| !has_id(known, &id));
    if trace.assessments.len() == before {
        return Err(missing(&id));
    }
    workspace.put_trace(&trace)?;
    Ok(Json(json!({})))
}
