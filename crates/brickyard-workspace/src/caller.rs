use axum::extract::FromRequestParts;
use http::header::AUTHORIZATION;
use http::request::Parts;

use crate::directory::Principal;
use crate::error::ApiError;
use crate::scope;
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
    /// A principal in whose name the workspace itself does something, such as the owner of an index; 404 where there is
    /// none of this name.
    pub(crate) fn acting(workspace: &Workspace, name: &str) -> Result<Self, ApiError> {
        let principal = workspace.directory().principal(name).map_err(|error| ApiError::internal(&error))?;
        let principal = principal.ok_or_else(|| ApiError::not_found("Principal", name))?;
        Ok(Self { principal, scopes: vec![scope::ALL_APIS.to_owned()] })
    }

    /// Name in grants and `current_user()`.
    pub(crate) fn name(&self) -> &str {
        self.principal.name()
    }

    /// Whether the token carries this scope.
    pub(crate) fn has_scope(&self, scope: &str) -> bool {
        scope::carries(&self.scopes, scope)
    }

    /// Refuses a token without this scope, in the platform's words (platform §4.3).
    pub(crate) fn require_scope(&self, scope: &str) -> Result<(), ApiError> {
        if self.has_scope(scope) {
            return Ok(());
        }
        Err(ApiError::denied(format!(
            "Provided OAuth token does not have required scopes: {}",
            scope::refusal_name(scope)
        )))
    }
}

impl Caller {
    /// The caller, unless their scopes or entitlements do not reach this path.
    pub(crate) fn admitted(self, method: &http::Method, path: &str) -> Result<Self, ApiError> {
        if let Some(scope) = scope::needed(method, path) {
            self.require_scope(scope)?;
        }
        self.require_entitlement(scope::entitlements(path))?;
        Ok(self)
    }

    /// Refuses a user who has none of these entitlements; an empty list asks for none.
    fn require_entitlement(&self, wanted: &[&str]) -> Result<(), ApiError> {
        let Principal::User(user) = &self.principal else { return Ok(()) };
        if wanted.is_empty() || wanted.iter().any(|one| user.entitlements.iter().any(|held| held == one)) {
            return Ok(());
        }
        Err(ApiError::denied(format!(
            "This API is disabled for users without the {} entitlement",
            wanted.join(" or ")
        )))
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
        workspace.caller_of(token)?.admitted(&parts.method, parts.uri.path())
    }
}
