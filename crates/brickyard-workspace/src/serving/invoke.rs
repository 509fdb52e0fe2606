use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde_json::Value;

use super::describe::{KIND, missing};
use super::endpoint::ServingBackend;
use super::shape::Door;
use super::{python, remote, replay};
use crate::caller::Caller;
use crate::error::ApiError;
use crate::workspace::Workspace;

/// Longest time a model may take, as on the platform.
pub(super) const LONGEST: Duration = Duration::from_secs(297);

/// A question to an endpoint, checked as far as the workspace can.
pub(super) struct Question {
    /// Endpoint as the client named it.
    pub(super) endpoint: String,
    /// Which of `OpenAI`'s doors the body fits; `None` for data frames and other model inputs.
    pub(super) door: Option<Door>,
    /// The body, as sent.
    pub(super) body: Value,
    /// Whether the client wants the answer in pieces.
    pub(super) stream: bool,
}

pub(super) async fn by_path(
    State(workspace): State<Workspace>,
    caller: Caller,
    Path(name): Path<String>,
    body: Bytes,
) -> Response {
    let asked = async {
        let body = parse(&body)?;
        let task = workspace.serving().find(&name).map(|endpoint| endpoint.task(&name).to_owned());
        let door = Door::of(&body, &task.unwrap_or_default());
        ask(&workspace, &caller, name, door, body).await
    };
    asked.await.unwrap_or_else(IntoResponse::into_response)
}

pub(super) async fn chat(state: State<Workspace>, caller: Caller, body: Bytes) -> Response {
    by_model(&state, &caller, Door::Chat, &body).await
}

pub(super) async fn text(state: State<Workspace>, caller: Caller, body: Bytes) -> Response {
    by_model(&state, &caller, Door::Text, &body).await
}

pub(super) async fn embed(state: State<Workspace>, caller: Caller, body: Bytes) -> Response {
    by_model(&state, &caller, Door::Embeddings, &body).await
}

pub(super) async fn respond(state: State<Workspace>, caller: Caller, body: Bytes) -> Response {
    by_model(&state, &caller, Door::Responses, &body).await
}

async fn by_model(workspace: &Workspace, caller: &Caller, door: Door, body: &Bytes) -> Response {
    let asked = async {
        let body = parse(body)?;
        let model = body.get("model").and_then(Value::as_str).filter(|model| !model.is_empty());
        let model =
            model.ok_or_else(|| ApiError::invalid("The field `model` must name a serving endpoint"))?;
        let model = model.to_owned();
        ask(workspace, caller, model, Some(door), body).await
    };
    asked.await.unwrap_or_else(IntoResponse::into_response)
}

fn parse(body: &Bytes) -> Result<Value, ApiError> {
    let parsed: Result<Value, _> = serde_json::from_slice(body);
    parsed.ok().filter(Value::is_object).ok_or_else(|| {
        ApiError::new(StatusCode::BAD_REQUEST, "MALFORMED_REQUEST", "The request body must be a JSON object")
    })
}

async fn ask(
    workspace: &Workspace,
    caller: &Caller,
    name: String,
    door: Option<Door>,
    body: Value,
) -> Result<Response, ApiError> {
    if name.starts_with("apps/") {
        return Err(ApiError::not_implemented("asking apps by `model=\"apps/NAME\"`"));
    }
    let endpoint = workspace.serving().find(&name).ok_or_else(|| missing(&name))?;
    workspace.authorize_object(caller, KIND, &name, "CAN_QUERY")?;
    let stream = body.get("stream").and_then(Value::as_bool).unwrap_or(false);
    let question = Question { endpoint: name, door, body, stream };
    let answering = async {
        match &endpoint.backend {
            ServingBackend::Unset => Err(unset(&question.endpoint)),
            ServingBackend::OpenAi { base_url, model, key, headers } => {
                let key = match key {
                    Some((scope, key)) => Some(workspace.secret(scope, key)?),
                    None => None,
                };
                let service = remote::Service { base_url, model: model.as_deref(), key, headers };
                remote::ask(&workspace.serving().clients, &service, question).await
            }
            ServingBackend::Python { file, requirements } => {
                python::ask(workspace, &endpoint.name, file, requirements, question).await
            }
            ServingBackend::Replay { file } => replay::ask(file, &question),
        }
    };
    tokio::time::timeout(LONGEST, answering).await.unwrap_or_else(|_| {
        let message = format!("The model took longer than {} seconds", LONGEST.as_secs());
        Err(ApiError::new(StatusCode::GATEWAY_TIMEOUT, "DEADLINE_EXCEEDED", message))
    })
}

fn unset(name: &str) -> ApiError {
    let message = format!(
        "The endpoint '{name}' has no model behind it here. Name one in brickyard.toml: a table [serving.{name}] with \
         url = \"http://127.0.0.1:11434/v1\" (any OpenAI-compatible service), python = \"model.py\" or \
         replay = \"answers.jsonl\""
    );
    ApiError::new(StatusCode::BAD_REQUEST, "BAD_REQUEST", message)
}
