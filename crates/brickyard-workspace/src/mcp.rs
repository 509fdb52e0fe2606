//! The platform's managed servers of the Model Context Protocol, over streamable HTTP: functions, SQL, vector search, Genie
//! and what lies behind a connection.
//!
//! Every request is answered for itself, as one JSON object; there are no sessions and no stream to listen to.

mod external;
mod functions;
mod genie;
mod sql;
mod vector_search;

use axum::Json;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, post};
use http::StatusCode;
use serde_json::{Value, json};

use crate::caller::Caller;
use crate::endpoint::{Family, Fidelity};
use crate::error::ApiError;
use crate::request::JsonBody;
use crate::workspace::Workspace;

/// Versions of the protocol that are spoken, newest first.
const VERSIONS: [&str; 4] = ["2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"];

/// A server: what stands behind one URL.
enum Server {
    Functions { catalog: String, schema: String, only: Option<String> },
    Sql,
    VectorSearch { catalog: String, schema: String, only: Option<String> },
    Genie { space: String },
}

/// What a tool answers; an error is for the model to read.
type Called = Result<String, ApiError>;

/// The endpoints of this family.
pub(crate) fn family() -> Family {
    let full =
        Fidelity::Partial("Answers come as one JSON object each; the server opens no stream of its own.");
    let functions = Some("mcp::the_clients_call_functions_and_sql");
    let search = Some("mcp::the_clients_search_and_ask");
    let external = Some("mcp::a_connection_leads_to_another_server");
    Family::new("Model Context Protocol")
        .endpoint("POST", "/api/2.0/mcp/functions/{catalog}/{schema}", post(in_schema), full, functions)
        .endpoint(
            "POST",
            "/api/2.0/mcp/functions/{catalog}/{schema}/{function}",
            post(one_function),
            full,
            functions,
        )
        .endpoint("POST", "/api/2.0/mcp/sql", post(in_sql), full, functions)
        .endpoint("POST", "/api/2.0/mcp/vector-search/{catalog}/{schema}", post(in_indexes), full, search)
        .endpoint(
            "POST",
            "/api/2.0/mcp/vector-search/{catalog}/{schema}/{index}",
            post(one_index),
            full,
            search,
        )
        .endpoint("POST", "/api/2.0/mcp/genie/{space}", post(in_space), full, search)
        .endpoint(
            "ANY",
            "/api/2.0/mcp/external/{connection}",
            any(external::forward),
            Fidelity::Full,
            external,
        )
}

async fn in_schema(
    State(workspace): State<Workspace>,
    caller: Caller,
    Path((catalog, schema)): Path<(String, String)>,
    JsonBody(message): JsonBody<Value>,
) -> Response {
    answer(&workspace, &caller, &Server::Functions { catalog, schema, only: None }, message).await
}

async fn one_function(
    State(workspace): State<Workspace>,
    caller: Caller,
    Path((catalog, schema, name)): Path<(String, String, String)>,
    JsonBody(message): JsonBody<Value>,
) -> Response {
    answer(&workspace, &caller, &Server::Functions { catalog, schema, only: Some(name) }, message).await
}

async fn in_sql(
    State(workspace): State<Workspace>,
    caller: Caller,
    JsonBody(message): JsonBody<Value>,
) -> Response {
    answer(&workspace, &caller, &Server::Sql, message).await
}

async fn in_indexes(
    State(workspace): State<Workspace>,
    caller: Caller,
    Path((catalog, schema)): Path<(String, String)>,
    JsonBody(message): JsonBody<Value>,
) -> Response {
    answer(&workspace, &caller, &Server::VectorSearch { catalog, schema, only: None }, message).await
}

async fn one_index(
    State(workspace): State<Workspace>,
    caller: Caller,
    Path((catalog, schema, name)): Path<(String, String, String)>,
    JsonBody(message): JsonBody<Value>,
) -> Response {
    answer(&workspace, &caller, &Server::VectorSearch { catalog, schema, only: Some(name) }, message).await
}

async fn in_space(
    State(workspace): State<Workspace>,
    caller: Caller,
    Path(space): Path<String>,
    JsonBody(message): JsonBody<Value>,
) -> Response {
    answer(&workspace, &caller, &Server::Genie { space }, message).await
}

/// Answers one message of JSON-RPC 2.0; a notification is taken without an answer.
async fn answer(workspace: &Workspace, caller: &Caller, server: &Server, message: Value) -> Response {
    let (id, method) = (message.get("id").cloned(), message["method"].as_str());
    let (Some(id), Some(method)) = (id, method) else {
        let is_notification = message["method"].is_string() || message.get("result").is_some();
        return if is_notification {
            StatusCode::ACCEPTED.into_response()
        } else {
            let error = json!({ "code": -32600, "message": "The body must be one JSON-RPC request" });
            let body = json!({ "jsonrpc": "2.0", "id": null, "error": error });
            (StatusCode::BAD_REQUEST, Json(body)).into_response()
        };
    };
    let parameters = &message["params"];
    let result = match method {
        "initialize" => Ok(welcome(server, parameters)),
        "ping" => Ok(json!({})),
        "tools/list" => server.tools(workspace, caller).map(|tools| json!({ "tools": tools })),
        "tools/call" => server.call(workspace, caller, parameters).await,
        _ => {
            let error = json!({ "code": -32601, "message": format!("Method not found: {method}") });
            return Json(json!({ "jsonrpc": "2.0", "id": id, "error": error })).into_response();
        }
    };
    match result {
        Ok(result) => Json(json!({ "jsonrpc": "2.0", "id": id, "result": result })).into_response(),
        // Who may not reach the server is refused as by any other path.
        Err(error) if matches!(error.status, StatusCode::FORBIDDEN | StatusCode::NOT_FOUND) => {
            error.into_response()
        }
        Err(error) => {
            let error = json!({ "code": -32602, "message": error.message });
            Json(json!({ "jsonrpc": "2.0", "id": id, "error": error })).into_response()
        }
    }
}

fn welcome(server: &Server, parameters: &Value) -> Value {
    let asked = parameters["protocolVersion"].as_str().unwrap_or_default();
    let version = VERSIONS.into_iter().find(|version| *version == asked).unwrap_or(VERSIONS[0]);
    let name = match server {
        Server::Functions { .. } => "uc-functions",
        Server::Sql => "databricks-sql",
        Server::VectorSearch { .. } => "vector-search",
        Server::Genie { .. } => "genie",
    };
    json!({
        "protocolVersion": version,
        "capabilities": { "tools": { "listChanged": false } },
        "serverInfo": { "name": name, "version": env!("CARGO_PKG_VERSION") },
    })
}

impl Server {
    fn tools(&self, workspace: &Workspace, caller: &Caller) -> Result<Vec<Value>, ApiError> {
        match self {
            Self::Functions { catalog, schema, only } => {
                functions::tools(workspace, caller, catalog, schema, only.as_deref())
            }
            Self::Sql => Ok(sql::tools()),
            Self::VectorSearch { catalog, schema, only } => {
                vector_search::tools(workspace, caller, catalog, schema, only.as_deref())
            }
            Self::Genie { space } => genie::tools(workspace, caller, space),
        }
    }

    async fn call(
        &self,
        workspace: &Workspace,
        caller: &Caller,
        parameters: &Value,
    ) -> Result<Value, ApiError> {
        let name = parameters["name"].as_str().unwrap_or_default();
        let known = self.tools(workspace, caller)?;
        if !known.iter().any(|tool| tool["name"] == name) {
            return Err(ApiError::invalid(format!("Tool '{}' does not exist", name.escape_debug())));
        }
        let empty = serde_json::Map::new();
        let arguments = parameters["arguments"].as_object().unwrap_or(&empty);
        let called: Called = match self {
            Self::Functions { .. } => functions::call(workspace, caller, name, arguments).await,
            Self::Sql => sql::call(workspace, caller, name, arguments).await,
            Self::VectorSearch { .. } => {
                vector_search::call(workspace, caller, name, arguments, &parameters["_meta"]).await
            }
            Self::Genie { space } => genie::call(workspace, caller, space, name, arguments),
        };
        let (text, failed) = match called {
            Ok(text) => (text, false),
            Err(error) => (error.message, true),
        };
        Ok(json!({ "content": [{ "type": "text", "text": text }], "isError": failed }))
    }
}

/// The text of an argument.
fn word<'a>(arguments: &'a serde_json::Map<String, Value>, name: &str) -> Result<&'a str, ApiError> {
    let value = arguments.get(name).and_then(Value::as_str).filter(|text| !text.trim().is_empty());
    value.ok_or_else(|| ApiError::invalid(format!("The argument '{name}' is missing")))
}
