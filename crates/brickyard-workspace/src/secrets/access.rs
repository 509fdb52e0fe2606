use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::caller::Caller;
use crate::error::{ApiError, ApiResult};
use crate::permissions::Holder;
use crate::request::{JsonBody, Parameters};
use crate::workspace::Workspace;

/// Kind of secret scopes in access lists.
pub(super) const KIND: &str = "secret-scopes";

#[derive(Deserialize)]
pub(super) struct Put {
    scope: String,
    principal: String,
    permission: String,
}

pub(super) async fn put(
    State(workspace): State<Workspace>,
    caller: Caller,
    JsonBody(body): JsonBody<Put>,
) -> ApiResult<Value> {
    let put = body;
    workspace.authorize_scope(&caller, &put.scope, "MANAGE")?;
    workspace.grant_object(&put.principal, KIND, &put.scope, &put.permission, None)?;
    Ok(Json(json!({})))
}

#[derive(Deserialize)]
pub(super) struct Named {
    scope: String,
    principal: String,
}

pub(super) async fn delete(
    State(workspace): State<Workspace>,
    caller: Caller,
    JsonBody(body): JsonBody<Named>,
) -> ApiResult<Value> {
    let named = body;
    workspace.authorize_scope(&caller, &named.scope, "MANAGE")?;
    let holder = workspace.holder(&named.principal)?;
    let revoked = workspace.access_lists().revoke(KIND, &named.scope, &holder);
    if !revoked.map_err(|error| ApiError::internal(&error))? {
        return Err(ApiError::not_found("ACL for principal", &named.principal));
    }
    Ok(Json(json!({})))
}

pub(super) async fn get(
    State(workspace): State<Workspace>,
    caller: Caller,
    Parameters(named): Parameters<Named>,
) -> ApiResult<Value> {
    let found = entries(&workspace, &caller, &named.scope)?;
    let found = found.into_iter().find(|entry| entry["principal"] == named.principal.as_str());
    found.map(Json).ok_or_else(|| ApiError::not_found("ACL for principal", &named.principal))
}

#[derive(Deserialize)]
pub(super) struct Scope {
    scope: String,
}

pub(super) async fn list(
    State(workspace): State<Workspace>,
    caller: Caller,
    Parameters(scope): Parameters<Scope>,
) -> ApiResult<Value> {
    Ok(Json(json!({ "items": entries(&workspace, &caller, &scope.scope)? })))
}

fn entries(workspace: &Workspace, caller: &Caller, scope: &str) -> Result<Vec<Value>, ApiError> {
    workspace.authorize_scope(caller, scope, "MANAGE")?;
    let shown = workspace.access_lists().holders(KIND, scope).into_iter().map(|(holder, permission)| {
        let (Holder::User(name) | Holder::ServicePrincipal(name) | Holder::Group(name)) = holder;
        json!({ "principal": name, "permission": permission })
    });
    Ok(shown.collect())
}
