use std::path::Path;

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::CONTENT_TYPE;
use serde::Deserialize;
use serde_json::Value;

use super::invoke::Question;
use super::shape::{DONE, event};
use crate::error::ApiError;

/// Fields that do not tell two questions apart.
const IGNORED: [&str; 4] = ["model", "stream", "stream_options", "databricks_options"];

#[derive(Deserialize)]
struct Recorded {
    request: Value,
    status: Option<u16>,
    response: Option<Value>,
    chunks: Option<Vec<Value>>,
}

/// Answers as recorded; a question that was never recorded is an error that says so.
pub(super) fn ask(file: &Path, question: &Question) -> Result<Response, ApiError> {
    let unreadable = |why: &dyn std::fmt::Display| {
        let file = file.display();
        ApiError::new(
            StatusCode::BAD_REQUEST,
            "BAD_REQUEST",
            format!("The recorded answers in {file} cannot be read: {why}"),
        )
    };
    let content = std::fs::read_to_string(file).map_err(|error| unreadable(&error))?;
    let wanted = essence(&question.body);
    let mut lines = 0;
    for (number, line) in content.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let recorded: Recorded = serde_json::from_str(line)
            .map_err(|error| unreadable(&format_args!("line {}: {error}", number + 1)))?;
        lines += 1;
        if essence(&recorded.request) == wanted && recorded.chunks.is_some() == question.stream {
            return replayed(recorded)
                .ok_or_else(|| unreadable(&format_args!("line {}: no answer", number + 1)));
        }
    }
    let message = format!(
        "None of the {lines} recorded answers in {} is for this request{}",
        file.display(),
        if question.stream { " with `stream`" } else { "" }
    );
    Err(ApiError::new(StatusCode::NOT_FOUND, "RESOURCE_DOES_NOT_EXIST", message))
}

fn replayed(recorded: Recorded) -> Option<Response> {
    if let Some(chunks) = recorded.chunks {
        let mut text: String = chunks.iter().map(event).collect();
        text.push_str(DONE);
        return Some(([(CONTENT_TYPE, "text/event-stream")], text).into_response());
    }
    let status = StatusCode::from_u16(recorded.status.unwrap_or(200)).ok()?;
    Some((status, Json(recorded.response?)).into_response())
}

fn essence(body: &Value) -> Value {
    let mut body = body.clone();
    if let Some(fields) = body.as_object_mut() {
        for field in IGNORED {
            fields.remove(field);
        }
    }
    body
}
