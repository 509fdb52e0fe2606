use std::collections::BTreeMap;

use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::response::Response;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, Method};

use crate::caller::Caller;
use crate::connections::{Sent, send};
use crate::error::ApiError;
use crate::workspace::Workspace;

/// Headers of the protocol that pass in both directions.
const PASSED: [HeaderName; 5] = [
    ACCEPT,
    CONTENT_TYPE,
    HeaderName::from_static("mcp-session-id"),
    HeaderName::from_static("mcp-protocol-version"),
    HeaderName::from_static("last-event-id"),
];

/// Hands a message to the server behind a connection, with the connection's credential, and its answer back as it comes.
pub(super) async fn forward(
    State(workspace): State<Workspace>,
    caller: Caller,
    Path(connection): Path<String>,
    method: Method,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, ApiError> {
    if ![Method::POST, Method::GET, Method::DELETE].contains(&method) {
        return Err(ApiError::invalid(format!("{method} is no method of the protocol")));
    }
    let mut passed = HeaderMap::new();
    for name in PASSED {
        if let Some(value) = headers.get(&name) {
            passed.insert(name, value.clone());
        }
    }
    let body = (!body.is_empty()).then_some(body);
    let sent = Sent { method, path: String::new(), headers: passed, parameters: BTreeMap::new(), body };
    let answer = send(&workspace, &caller, &connection, sent).await?;
    let mut response = Response::builder().status(answer.status());
    for name in PASSED {
        if let Some(value) = answer.headers().get(&name) {
            response = response.header(name, value);
        }
    }
    response.body(Body::from_stream(answer.bytes_stream())).map_err(|error| ApiError::internal(&error))
}
