use axum::extract::FromRequestParts;
use http::header::AUTHORIZATION;
use http::request::Parts;

use crate::directory::Principal;
use crate::error::ApiError;
use crate::workspace::Workspace;

/// Who sent a request, as its bearer token says; a handler that takes a `Caller` refuses everybody else with 401.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    /// The user or service principal.
    pub(crate) principal: Principal,
    /// Scopes of the token.
    pub(crate) scopes: Vec<String>,
}

impl Caller {
    /// Name in grants and `current_user()`.
    pub(crate) fn name(&self) -> &str {
        self.principal.name()
    }

    /// Whether the token carries this scope; `all-apis` carries every one.
    pub(crate) fn has_scope(&self, scope: &str) -> bool {
        self.scopes
            .iter()
            .any(|held| held == "all-apis" || held == scope || scope.strip_suffix(":read") == Some(held))
    }

    /// Refuses a token without this scope, in the platform's words (platform §4.3).
    pub(crate) fn require_scope(&self, scope: &str) -> Result<(), ApiError> {
        if self.has_scope(scope) {
            return Ok(());
        }
        Err(ApiError::denied(format!("Provided OAuth token does not have required scopes: {scope}")))
    }
}

impl FromRequestParts<Workspace> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, workspace: &Workspace) -> Result<Self, ApiError> {
        let header = parts.headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        let token = header
            .and_then(|value| value.split_once(' '))
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
            .map(|(_, token)| token.trim())
            .ok_or_else(|| {
                ApiError::unauthenticated(
                    "Credential was not sent or was of an unsupported type for this API.",
                )
            })?;
        workspace.caller_of(token)
    }
}
