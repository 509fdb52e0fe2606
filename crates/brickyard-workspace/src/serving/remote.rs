use std::sync::OnceLock;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, StatusCode};
use serde_json::json;

use super::invoke::Question;
use crate::error::ApiError;
use crate::secrets::Secret;

/// Longest error of a service that is repeated, in bytes.
const LONGEST_ERROR: usize = 4096;

/// HTTP clients, one for services on this machine and one that uses the network's proxy.
#[derive(Default)]
pub(super) struct Clients {
    near: OnceLock<reqwest::Client>,
    far: OnceLock<reqwest::Client>,
}

impl Clients {
    /// Makes the client that questions to this address need, so that the first does not wait for roots of trust to be read.
    pub(super) fn prepare(&self, base_url: &str) -> Result<(), ApiError> {
        self.of(base_url).map(|_| ())
    }

    fn of(&self, base_url: &str) -> Result<reqwest::Client, ApiError> {
        let url = url::Url::parse(base_url).map_err(|error| ApiError::internal(&error))?;
        let near = match url.host() {
            Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
            Some(url::Host::Ipv4(address)) => address.is_loopback(),
            Some(url::Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        };
        let cell = if near { &self.near } else { &self.far };
        if let Some(client) = cell.get() {
            return Ok(client.clone());
        }
        let client = brickyard_api::http_client(!near).map_err(|error| ApiError::internal(&error))?;
        Ok(cell.get_or_init(|| client).clone())
    }
}

/// A service that speaks `OpenAI`'s API.
pub(super) struct Service<'a> {
    pub(super) base_url: &'a str,
    pub(super) model: Option<&'a str>,
    pub(super) key: Option<Secret>,
    pub(super) headers: &'a [(String, String)],
}

/// Passes a question on and its answer back, piece by piece as it comes.
pub(super) async fn ask(
    clients: &Clients,
    service: &Service<'_>,
    question: Question,
) -> Result<Response, ApiError> {
    let Some(door) = question.door else {
        return Err(ApiError::invalid(format!(
            "The endpoint '{}' is answered by a language model: it takes messages, prompt or input",
            question.endpoint
        )));
    };
    let (mut body, base_url) = (question.body, service.base_url.trim_end_matches('/'));
    body["model"] = json!(service.model.unwrap_or(&question.endpoint));
    if let Some(fields) = body.as_object_mut() {
        fields.remove("databricks_options");
    }
    let mut request = clients.of(base_url)?.post(format!("{base_url}/{}", door.path())).json(&body);
    for (name, value) in service.headers {
        request = request.header(name, value);
    }
    if let Some(key) = &service.key {
        let key = key.expose_text().map(str::trim).unwrap_or_default();
        request = request.bearer_auth(key);
    }
    let answer = request.send().await.map_err(|error| unreachable(&question.endpoint, base_url, &error))?;
    let status = answer.status();
    if !status.is_success() {
        return Err(failed(&question.endpoint, answer).await);
    }
    let kind = answer.headers().get(CONTENT_TYPE).cloned();
    let mut response = Body::from_stream(answer.bytes_stream()).into_response();
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, kind.unwrap_or(HeaderValue::from_static("application/json")));
    if question.stream {
        response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    }
    Ok(response)
}

fn unreachable(endpoint: &str, base_url: &str, error: &reqwest::Error) -> ApiError {
    let mut cause: &dyn std::error::Error = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    let message =
        format!("The service behind the endpoint '{endpoint}' at {base_url} does not answer: {cause}");
    ApiError::new(StatusCode::BAD_GATEWAY, "BAD_GATEWAY", message)
}

/// An error of the service; its own refusal of a key must not look like ours of the caller's token.
async fn failed(endpoint: &str, answer: reqwest::Response) -> ApiError {
    let (status, wait) = (answer.status(), answer.headers().get(RETRY_AFTER).cloned());
    let text = answer.text().await.unwrap_or_default();
    let text: String = text.chars().take(LONGEST_ERROR).collect();
    let message = format!("The service behind the endpoint '{endpoint}' answered {status}: {text}");
    let (status, code) = match status {
        StatusCode::TOO_MANY_REQUESTS => (status, "REQUEST_LIMIT_EXCEEDED"),
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => (StatusCode::BAD_GATEWAY, "BAD_GATEWAY"),
        status if status.is_client_error() => (StatusCode::BAD_REQUEST, "BAD_REQUEST"),
        _ => (StatusCode::BAD_GATEWAY, "BAD_GATEWAY"),
    };
    let wait = wait.and_then(|wait| wait.to_str().ok()?.parse().ok());
    let mut error = ApiError::new(status, code, message);
    error.retry_after = wait;
    error
}
