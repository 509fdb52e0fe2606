use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde_json::Value;

use super::describe::{KIND, missing};
use super::endpoint::ServingBackend;
use super::shape::Door;
use super::{log, python, remote, replay};
use crate::caller::Caller;
use crate::error::ApiError;
use crate::workspace::Workspace;

/// Longest time a model may take, as on the platform.
pub(super) const LONGEST: Duration = Duration::from_secs(297);

/// Largest answer that another part of the workspace takes, in bytes.
const LARGEST_ANSWER: usize = 64 * 1024 * 1024;

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

impl Workspace {
    /// Whether there is an endpoint of this name.
    pub(crate) fn has_model(&self, endpoint: &str) -> bool {
        self.serving().find(endpoint).is_some()
    }

    /// Asks an endpoint as this caller and waits for its whole answer, for other parts of the workspace.
    pub(crate) async fn ask_model(
        &self,
        caller: &Caller,
        endpoint: &str,
        body: Value,
    ) -> Result<Value, ApiError> {
        let task = self.serving().find(endpoint).map(|found| found.task(endpoint).to_owned());
        let door = Door::of(&body, &task.unwrap_or_default());
        let response = ask(self, caller, endpoint.to_owned(), door, body).await?;
        let (status, body) = (response.status(), response.into_body());
        let body =
            axum::body::to_bytes(body, LARGEST_ANSWER).await.map_err(|error| ApiError::internal(&error))?;
        let answer: Option<Value> = serde_json::from_slice(&body).ok();
        match answer {
            Some(answer) if status.is_success() => Ok(answer),
            answer => {
                let told = answer.unwrap_or_default();
                let why = told["message"].as_str().or(told["error"]["message"].as_str()).unwrap_or("no JSON");
                let message = format!("The endpoint '{endpoint}' answered {}: {why}", status.as_u16());
                Err(ApiError::new(StatusCode::BAD_GATEWAY, "BAD_GATEWAY", message))
            }
        }
    }

    /// Asks an endpoint for the answer to a prompt and gives its text, as the functions of SQL do.
    pub(crate) async fn chat_text(
        &self,
        caller: &Caller,
        endpoint: &str,
        prompt: &str,
    ) -> Result<String, ApiError> {
        let body = serde_json::json!({ "messages": [{ "role": "user", "content": prompt }] });
        let answer = self.ask_model(caller, endpoint, body).await?;
        let text = answer["choices"][0]["message"]["content"].as_str();
        text.map(str::to_owned).ok_or_else(|| {
            ApiError::invalid(format!("The answer of the endpoint '{endpoint}' is no chat message"))
        })
    }
}

fn parse(body: &Bytes) -> Result<Value, ApiError> {
    let parsed: Result<Value, _> = serde_json::from_slice(body);
    parsed.ok().filter(Value::is_object).ok_or_else(|| {
        ApiError::new(StatusCode::BAD_REQUEST, "MALFORMED_REQUEST", "The request body must be a JSON object")
    })
}

/// Asks a served model of an endpoint; `feedback` is the platform's own, which takes what users think of answers.
pub(super) async fn by_served_model(
    State(workspace): State<Workspace>,
    caller: Caller,
    Path((name, model)): Path<(String, String)>,
    body: Bytes,
) -> Response {
    if model != "feedback" {
        return by_path(State(workspace), caller, Path(name), body).await;
    }
    let taken = || {
        let body = parse(&body)?;
        let endpoint = workspace.serving().find(&name).ok_or_else(|| missing(&name))?;
        workspace.authorize_object(&caller, KIND, &name, "CAN_QUERY")?;
        let key = format!("{name}/{:020}-{}", workspace.clock().unix_milliseconds(), uuid::Uuid::new_v4());
        let kept = serde_json::json!({ "from": caller.name(), "feedback": body });
        workspace.store().put("serving_feedback", &key, &kept).map_err(|error| ApiError::internal(&error))?;
        let row = row(&workspace, &caller, &endpoint.name, "feedback", &body);
        log::refused(&workspace, row, StatusCode::OK, "{}");
        Ok::<_, ApiError>(axum::Json(serde_json::json!({})))
    };
    taken().map_or_else(IntoResponse::into_response, IntoResponse::into_response)
}

async fn ask(
    workspace: &Workspace,
    caller: &Caller,
    name: String,
    door: Option<Door>,
    body: Value,
) -> Result<Response, ApiError> {
    if let Some(app) = name.strip_prefix("apps/") {
        return Err(no_endpoint_but_app(app));
    }
    let endpoint = workspace.serving().find(&name).ok_or_else(|| missing(&name))?;
    workspace.authorize_object(caller, KIND, &name, "CAN_QUERY")?;
    let gate = workspace.serving().gate(&endpoint.name);
    let row = row(workspace, caller, &endpoint.name, &name, &body);
    let admitted = gate.admit(&name, caller.name(), workspace.clock().unix_seconds());
    let permit = match admitted {
        Ok(permit) => permit,
        Err(error) => {
            log::refused(workspace, row, error.status, &error.message);
            return Err(error);
        }
    };
    let stream = body.get("stream").and_then(Value::as_bool).unwrap_or(false);
    let question = Question { endpoint: name, door, body, stream };
    let limit = gate.timeout();
    let answering = async {
        // Loading a model is no part of the time that its answer may take.
        let worker = match &endpoint.backend {
            ServingBackend::Python { file, requirements } => {
                Some(python::worker(workspace, &endpoint.name, file, requirements).await?)
            }
            ServingBackend::Mlflow { model, requirements } => {
                let requirements = python::model_requirements(model, requirements)?;
                Some(python::worker(workspace, &endpoint.name, model, &requirements).await?)
            }
            _ => None,
        };
        let asking = async {
            match (&endpoint.backend, worker) {
                (_, Some(worker)) => python::ask(workspace, &worker, question).await,
                (ServingBackend::OpenAi { base_url, model, key, headers }, None) => {
                    let key = match key {
                        Some((scope, key)) => Some(workspace.secret(scope, key)?),
                        None => None,
                    };
                    let service = remote::Service { base_url, model: model.as_deref(), key, headers };
                    remote::ask(&workspace.serving().clients, &service, question).await
                }
                (ServingBackend::Replay { file }, None) => replay::ask(file, &question),
                (_, None) => Err(unset(&question.endpoint)),
            }
        };
        tokio::time::timeout(limit, asking).await.unwrap_or_else(|_| {
            let message = format!("The model took longer than {} seconds", limit.as_secs());
            Err(ApiError::new(StatusCode::GATEWAY_TIMEOUT, "DEADLINE_EXCEEDED", message))
        })
    };
    let answered: Result<Response, ApiError> = answering.await;
    match answered {
        Ok(response) => Ok(log::pass(workspace, response, permit, row)),
        Err(error) => {
            log::refused(workspace, row, error.status, &error.message);
            Err(error)
        }
    }
}

/// What is written down of a request, where the endpoint has a table for that.
fn row(
    workspace: &Workspace,
    caller: &Caller,
    endpoint: &str,
    entity: &str,
    body: &Value,
) -> Option<log::Row> {
    let table = workspace.serving().gate(endpoint).options.log_table.clone()?;
    Some(log::Row {
        table,
        id: uuid::Uuid::new_v4().to_string(),
        time: workspace.clock().unix_milliseconds(),
        requester: caller.name().to_owned(),
        entity: entity.to_owned(),
        request: body.to_string(),
        status: 0,
        duration: 0,
        response: Vec::new(),
    })
}

/// Apps are no serving endpoints, here as on the platform: the client finds the app's URL and asks the app itself.
fn no_endpoint_but_app(app: &str) -> ApiError {
    let mut error = ApiError::not_found("Endpoint", format_args!("apps/{app}"));
    error.message = format!(
        "Endpoint with name 'apps/{app}' does not exist; it was not found: serving endpoints do not pass questions on to \
         apps. hint: DatabricksOpenAI().responses.create(model=\"apps/{app}\", …) of the package databricks-openai asks \
         the app itself, at /responses of its URL"
    );
    error
}

fn unset(name: &str) -> ApiError {
    let message = format!(
        "The endpoint '{name}' has no model behind it here. Name one in brickyard.toml: a table [serving.{name}] with \
         url = \"http://127.0.0.1:11434/v1\" (any OpenAI-compatible service), python = \"model.py\", \
         mlflow = \"model\" or replay = \"answers.jsonl\""
    );
    ApiError::new(StatusCode::BAD_REQUEST, "BAD_REQUEST", message)
}
