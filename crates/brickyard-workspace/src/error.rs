use axum::Json;
use axum::response::{IntoResponse, Response};
use http::header::RETRY_AFTER;
use http::{HeaderValue, StatusCode};
use serde_json::{Value, json};

/// A refusal in the platform's own shape: `{"error_code", "message", "details"?}`.
///
/// Clients map the status and the code to an exception, and some read the message: a thing that is absent says
/// "… not found" or "does not exist" (facts: wire §2, platform §7).
#[derive(Debug, Clone, thiserror::Error)]
#[error("{code}: {message}")]
pub struct ApiError {
    /// HTTP status.
    pub status: StatusCode,
    /// The platform's error code, such as `RESOURCE_DOES_NOT_EXIST`.
    pub code: &'static str,
    /// One sentence for the user.
    pub message: String,
    /// Machine-readable details, in the shape of `google.rpc`, where the platform sends them.
    pub details: Option<Box<Value>>,
    /// Seconds after which the client may try again, sent as `Retry-After`.
    pub retry_after: Option<u32>,
}

/// What every REST handler returns.
pub(crate) type ApiResult<T> = Result<Json<T>, ApiError>;

impl ApiError {
    /// An error with this status, code and message.
    pub fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into(), details: None, retry_after: None }
    }

    /// 400 `INVALID_PARAMETER_VALUE`.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "INVALID_PARAMETER_VALUE", message)
    }

    /// 401 `UNAUTHENTICATED`.
    pub fn unauthenticated(message: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "UNAUTHENTICATED", message)
    }

    /// 403 `PERMISSION_DENIED`.
    pub fn denied(message: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "PERMISSION_DENIED", message)
    }

    /// 404 `RESOURCE_DOES_NOT_EXIST`, saying which thing of which kind.
    pub fn not_found(kind: &str, name: impl std::fmt::Display) -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "RESOURCE_DOES_NOT_EXIST",
            format!("{kind} '{name}' does not exist or was not found"),
        )
    }

    /// 409 `RESOURCE_ALREADY_EXISTS`.
    pub fn already_exists(message: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, "RESOURCE_ALREADY_EXISTS", message)
    }

    /// 501 `NOT_IMPLEMENTED`: a part of the platform that the local workspace does not have, named.
    pub fn not_implemented(what: impl std::fmt::Display) -> Self {
        Self::new(
            StatusCode::NOT_IMPLEMENTED,
            "NOT_IMPLEMENTED",
            format!("The local workspace does not implement {what}"),
        )
    }

    /// 500 `INTERNAL_ERROR`, for a fault of ours; the cause goes to the log, once, here.
    pub fn internal(cause: &(dyn std::error::Error + 'static)) -> Self {
        tracing::error!(error = cause, "The workspace failed to answer a request: {cause}");
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "INTERNAL_ERROR",
            format!("The local workspace failed: {cause}"),
        )
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut body = json!({ "error_code": self.code, "message": self.message });
        if let Some(details) = self.details {
            body["details"] = *details;
        }
        let mut response = (self.status, Json(body)).into_response();
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}
