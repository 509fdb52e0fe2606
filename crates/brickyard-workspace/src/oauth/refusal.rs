use axum::Json;
use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};
use serde_json::json;

use crate::error::ApiError;

/// An OAuth error as RFC 6749 §5.2 and §4.1.2.1 name it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {description}")]
pub(super) struct Refusal {
    pub(super) code: &'static str,
    pub(super) description: String,
    status: StatusCode,
}

impl Refusal {
    fn new(code: &'static str, description: impl Into<String>) -> Self {
        Self { code, description: description.into(), status: StatusCode::BAD_REQUEST }
    }

    pub(super) fn invalid_request(description: impl Into<String>) -> Self {
        Self::new("invalid_request", description)
    }

    /// 401, for whoever does not prove to be the client.
    pub(super) fn invalid_client() -> Self {
        let refusal = Self::new("invalid_client", "Client authentication failed");
        Self { status: StatusCode::UNAUTHORIZED, ..refusal }
    }

    pub(super) fn invalid_grant(description: impl Into<String>) -> Self {
        Self::new("invalid_grant", description)
    }

    pub(super) fn invalid_scope(scope: &str) -> Self {
        Self::new("invalid_scope", format!("The scope `{scope}` may not be requested here"))
    }

    pub(super) fn unsupported_grant_type(grant: &str) -> Self {
        Self::new("unsupported_grant_type", format!("The grant type `{grant}` is not supported"))
    }

    /// RFC 7009 §2.2.1, for tokens that belong to no sign-in.
    pub(super) fn unsupported_token_type() -> Self {
        Self::new(
            "unsupported_token_type",
            "A token of client credentials cannot be revoked; it expires by itself",
        )
    }

    pub(super) fn unsupported_response_type() -> Self {
        Self::new("unsupported_response_type", "Only the response type `code` is supported")
    }

    pub(super) fn access_denied() -> Self {
        Self::new("access_denied", "The user did not consent")
    }

    pub(super) fn server_error(error: &ApiError) -> Self {
        let refusal = Self::new("server_error", error.message.clone());
        Self { status: StatusCode::INTERNAL_SERVER_ERROR, ..refusal }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let body = json!({ "error": self.code, "error_description": self.description });
        let mut response = (self.status, Json(body)).into_response();
        let headers = response.headers_mut();
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Basic realm=\"oidc\""));
        }
        response
    }
}
