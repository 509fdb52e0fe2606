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
            format!("The local workspace failed: {}", with_causes(cause)),
        )
    }
}

/// An error with what caused it, in one line; who reads it has no other place to look for a full disk.
pub(crate) fn with_causes(error: &(dyn std::error::Error + 'static)) -> String {
    let mut told = error.to_string();
    let causes = std::iter::successors(error.source(), |cause| cause.source()).map(ToString::to_string);
    for cause in causes {
        if !told.ends_with(&cause) {
            told = format!("{told}: {cause}");
        }
    }
    told
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

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    enum Failure {
        #[error("Cannot prepare the data directory")]
        Data(#[source] std::io::Error),
        #[error(transparent)]
        Same(Box<Failure>),
    }

    #[test]
    fn a_fault_of_ours_tells_its_causes_once() {
        let full = Failure::Data(std::io::Error::other("No space left on device"));
        let told = ApiError::internal(&Failure::Same(Box::new(full))).message;
        assert_eq!(
            told,
            "The local workspace failed: Cannot prepare the data directory: No space left on device"
        );
    }
}
