use std::collections::BTreeMap;
use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use bytes::Bytes;
use futures_util::StreamExt;
use http::header::{
    AUTHORIZATION, CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, COOKIE, HOST, TRANSFER_ENCODING,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use serde::Deserialize;
use serde_json::Value;

use super::{address, credential};
use crate::caller::Caller;
use crate::error::ApiError;
use crate::request::{JsonBody, PassedOn};
use crate::workspace::Workspace;

/// Largest answer that is passed on, in bytes.
const LARGEST: usize = 16 * 1024 * 1024;

/// Longest time a service may take.
const LONGEST: Duration = Duration::from_secs(120);

#[derive(Deserialize)]
pub(super) struct ExternalFunction {
    connection_name: String,
    method: String,
    path: String,
    /// Objects as texts.
    headers: Option<String>,
    json: Option<String>,
    params: Option<String>,
    sub_domain: Option<String>,
}

/// A request through a connection.
pub(crate) struct Sent {
    pub(crate) method: Method,
    /// Below the connection's base path.
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) parameters: BTreeMap<String, String>,
    pub(crate) body: Option<Bytes>,
}

/// `POST /api/2.0/external-function`.
pub(super) async fn external_function(
    State(workspace): State<Workspace>,
    caller: Caller,
    JsonBody(call): JsonBody<ExternalFunction>,
) -> Result<Response, ApiError> {
    if call.sub_domain.is_some_and(|name| !name.is_empty()) {
        return Err(ApiError::not_implemented("sub_domain of external functions"));
    }
    let method = match call.method.as_str() {
        "GET" => Method::GET,
        "POST" => Method::POST,
        "PUT" => Method::PUT,
        "PATCH" => Method::PATCH,
        "DELETE" => Method::DELETE,
        other => return Err(ApiError::invalid(format!("method {} is not known", other.escape_debug()))),
    };
    let mut headers = HeaderMap::new();
    for (name, value) in texts("headers", call.headers.as_deref())? {
        let name = HeaderName::try_from(&name);
        let value = HeaderValue::try_from(&value);
        let (Ok(name), Ok(value)) = (name, value) else {
            return Err(ApiError::invalid("A header cannot be sent"));
        };
        headers.insert(name, value);
    }
    let body = call.json.filter(|json| !json.is_empty());
    if let Some(body) = &body {
        let parsed: Result<serde::de::IgnoredAny, _> = serde_json::from_str(body);
        parsed.map_err(|error| ApiError::invalid(format!("json is not JSON: {error}")))?;
        headers.entry(CONTENT_TYPE).or_insert(HeaderValue::from_static("application/json"));
    }
    let sent = Sent {
        method,
        path: call.path,
        headers,
        parameters: texts("params", call.params.as_deref())?,
        body: body.map(Bytes::from),
    };
    let answer = send(&workspace, &caller, &call.connection_name, sent).await?;
    passed_on(answer).await
}

/// Sends a request through a connection that the caller may use, with the connection's credential.
pub(crate) async fn send(
    workspace: &Workspace,
    caller: &Caller,
    name: &str,
    sent: Sent,
) -> Result<reqwest::Response, ApiError> {
    let identity = workspace.catalog().identity(caller.name())?;
    let record = workspace.catalog().get_connection(&identity, name)?;
    if record.connection_type != "HTTP" {
        return Err(ApiError::invalid(format!("Connection {} is not an HTTP connection", record.name)));
    }
    let base = address::address(&record.options)?;
    let mut url = address::below(&base, &sent.path)?;
    if !sent.parameters.is_empty() {
        url.query_pairs_mut().extend_pairs(&sent.parameters);
    }
    let client = credential::client(&url).await?;
    let mut headers = sent.headers;
    for name in [AUTHORIZATION, CONNECTION, CONTENT_LENGTH, COOKIE, HOST, TRANSFER_ENCODING] {
        headers.remove(name);
    }
    headers.remove("proxy-authorization");
    if let Some(value) = credential::authorization(workspace, caller, &record).await? {
        let value = HeaderValue::from_bytes(value.expose());
        let mut value = value.map_err(|_| ApiError::invalid("The connection's credential cannot be sent"))?;
        value.set_sensitive(true);
        headers.insert(AUTHORIZATION, value);
    }
    tracing::info!(
        connection = record.name,
        principal = caller.name(),
        "`{}` calls {} {} through `{}`",
        caller.name(),
        sent.method,
        url.path(),
        record.name
    );
    let mut request = client.request(sent.method, url).headers(headers).timeout(LONGEST);
    if let Some(body) = sent.body {
        request = request.body(body);
    }
    request.send().await.map_err(|error| {
        let error = error.without_url();
        let message =
            format!("The service of the connection {} cannot be reached: {}", record.name, chain(&error));
        ApiError::new(StatusCode::BAD_GATEWAY, "BAD_GATEWAY", message)
    })
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text = format!("{text}: {cause}");
        next = cause.source();
    }
    text
}

/// The service's answer as ours: status, type and content, and the session of the Model Context Protocol.
async fn passed_on(answer: reqwest::Response) -> Result<Response, ApiError> {
    let status = answer.status();
    let mut response = Response::builder().status(status).extension(PassedOn);
    for name in [CONTENT_TYPE, HeaderName::from_static("mcp-session-id")] {
        if let Some(value) = answer.headers().get(&name) {
            response = response.header(name, value);
        }
    }
    let body = content(answer).await?;
    response.body(Body::from(body)).map_err(|error| ApiError::internal(&error))
}

/// The whole content of an answer, as far as it has a sensible size.
pub(crate) async fn content(answer: reqwest::Response) -> Result<Vec<u8>, ApiError> {
    let mut parts = answer.bytes_stream();
    let mut body = Vec::new();
    while let Some(part) = parts.next().await {
        let part = part.map_err(|error| {
            let message = format!("The service's answer broke off: {}", error.without_url());
            ApiError::new(StatusCode::BAD_GATEWAY, "BAD_GATEWAY", message)
        })?;
        if body.len() + part.len() > LARGEST {
            return Err(ApiError::invalid("The service's answer is larger than 16 MiB"));
        }
        body.extend_from_slice(&part);
    }
    Ok(body)
}

/// An object of texts that is itself sent as a text.
fn texts(field: &str, text: Option<&str>) -> Result<BTreeMap<String, String>, ApiError> {
    let Some(text) = text.filter(|text| !text.is_empty()) else { return Ok(BTreeMap::new()) };
    let object: serde_json::Map<String, Value> = serde_json::from_str(text)
        .map_err(|error| ApiError::invalid(format!("{field} is not a JSON object: {error}")))?;
    let plain = |value: Value| match value {
        Value::String(text) => text,
        value => value.to_string(),
    };
    Ok(object.into_iter().map(|(name, value)| (name, plain(value))).collect())
}
