use std::convert::Infallible;

use axum::extract::{FromRequestParts, State};
use axum::{Extension, Json};
use http::header::HOST;
use http::request::Parts;
use http::{HeaderMap, Uri};
use serde_json::{Value, json};

use crate::caller::Caller;
use crate::directory::Principal;
use crate::gateway::Via;
use crate::workspace::Workspace;

/// URL under which the client sees the workspace, by the door it came through.
pub(crate) fn base(workspace: &Workspace, via: Via, uri: &Uri, headers: &HeaderMap) -> String {
    match via {
        Via::Gateway => format!("https://{}", workspace.config().host),
        Via::Plain => {
            let authority = uri.authority().map(http::uri::Authority::as_str);
            let header = || headers.get(HOST).and_then(|value| value.to_str().ok());
            authority.or_else(header).map_or_else(|| workspace.http_url(), |host| format!("http://{host}"))
        }
    }
}

/// [`base`] of a request, as an extractor.
pub(crate) struct Base(pub(crate) String);

impl FromRequestParts<Workspace> for Base {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, workspace: &Workspace) -> Result<Self, Infallible> {
        let via = parts.extensions.get().copied().unwrap_or(Via::Plain);
        Ok(Self(base(workspace, via, &parts.uri, &parts.headers)))
    }
}

/// What the SDKs of today ask first (wire §0.5).
pub(super) async fn databricks_config(
    State(workspace): State<Workspace>,
    Extension(via): Extension<Via>,
    uri: Uri,
    headers: HeaderMap,
) -> Json<Value> {
    let base = base(&workspace, via, &uri, &headers);
    Json(json!({
        "oidc_endpoint": format!("{base}/oidc"),
        "workspace_id": workspace.config().workspace_id.to_string(),
        "account_id": workspace.account_id(),
        "cloud": "AWS",
        "host_type": "workspace",
        "token_federation_default_oidc_audiences": [format!("{base}/oidc/v1/token")],
    }))
}

/// RFC 8414.
pub(super) async fn authorization_server(
    State(workspace): State<Workspace>,
    Extension(via): Extension<Via>,
    uri: Uri,
    headers: HeaderMap,
) -> Json<Value> {
    Json(document(&workspace, via, &uri, &headers))
}

/// `OpenID` Connect Discovery 1.0.
pub(super) async fn openid_configuration(
    State(workspace): State<Workspace>,
    Extension(via): Extension<Via>,
    uri: Uri,
    headers: HeaderMap,
) -> Json<Value> {
    Json(document(&workspace, via, &uri, &headers))
}

fn document(workspace: &Workspace, via: Via, uri: &Uri, headers: &HeaderMap) -> Value {
    let base = base(workspace, via, uri, headers);
    // A browser does not come through the proxy, so the page a browser opens has the plain address.
    let page = if via == Via::Gateway { workspace.http_url() } else { base.clone() };
    json!({
        "issuer": format!("{base}/oidc"),
        "authorization_endpoint": format!("{page}/oidc/v1/authorize"),
        "token_endpoint": format!("{base}/oidc/v1/token"),
        "revocation_endpoint": format!("{base}/oidc/v1/revoke"),
        "userinfo_endpoint": format!("{base}/oidc/v1/userinfo"),
        "jwks_uri": format!("{base}/oidc/jwks.json"),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": [
            "client_credentials", "authorization_code", "refresh_token", super::grants::TOKEN_EXCHANGE,
        ],
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post", "none"],
        "scopes_supported": ["all-apis", "email", "offline_access", "openid", "profile", "sql"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["ES256"],
        "claims_supported": ["iss", "sub", "aud", "iat", "exp", "email", "name", "nonce"],
        "request_uri_parameter_supported": false,
        "authorization_response_iss_parameter_supported": false,
    })
}

/// RFC 7517.
pub(super) async fn jwks(State(workspace): State<Workspace>) -> Json<Value> {
    Json(workspace.signer().jwks())
}

/// `OpenID` Connect Core §5.3.
pub(super) async fn userinfo(State(workspace): State<Workspace>, caller: Caller) -> Json<Value> {
    Json(person(&workspace, &caller.principal))
}

/// Claims that tell who somebody is.
pub(super) fn person(workspace: &Workspace, principal: &Principal) -> Value {
    let mut claims = json!({
        "sub": principal.name(),
        "name": principal.display_name(),
        "preferred_username": principal.name(),
        "user_id": principal.id().to_string(),
        "workspace_id": workspace.config().workspace_id.to_string(),
    });
    if let Principal::User(user) = principal {
        claims["email"] = json!(user.user_name);
        claims["email_verified"] = json!(true);
    }
    claims
}
