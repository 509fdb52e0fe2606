//! Tokens of other users: what an app's front door would forward, for tests that call the app's code without one, and
//! what a user's own tools would have, for `brickyard psql --as` and `brickyard sql --as`.

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::only_admins;
use crate::caller::Caller;
use crate::error::{ApiError, ApiResult};
use crate::request::JsonBody;
use crate::scope::ALL_APIS;
use crate::token::LIFETIME;
use crate::workspace::Workspace;

#[derive(Deserialize)]
pub(super) struct Wanted {
    user: String,
    app: String,
}

/// The headers of a request that a user sends through an app's front door, the token narrowed to the app's scopes.
pub(super) async fn make(
    State(workspace): State<Workspace>,
    caller: Caller,
    JsonBody(wanted): JsonBody<Wanted>,
) -> ApiResult<Value> {
    only_admins(&workspace, &caller)?;
    let known = workspace.directory().principal(&wanted.user).map_err(|error| ApiError::internal(&error))?;
    known.ok_or_else(|| ApiError::not_found("User", &wanted.user))?;
    let visitor = workspace.app_user(&wanted.app, &wanted.user)?;
    let mut headers = Map::new();
    headers.insert("X-Forwarded-User".to_owned(), json!(visitor.user));
    headers.insert("X-Forwarded-Preferred-Username".to_owned(), json!(visitor.preferred_username));
    for (name, value) in
        [("X-Forwarded-Email", visitor.email), ("X-Forwarded-Access-Token", visitor.access_token)]
    {
        if let Some(value) = value {
            headers.insert(name.to_owned(), json!(value));
        }
    }
    Ok(Json(json!({ "headers": headers, "expires_in": visitor.expires_in })))
}

#[derive(Deserialize)]
pub(super) struct Who {
    user: String,
}

/// The access token that a user's own tools would get by signing in; it lives one hour.
pub(super) async fn sign_in(
    State(workspace): State<Workspace>,
    caller: Caller,
    JsonBody(who): JsonBody<Who>,
) -> ApiResult<Value> {
    only_admins(&workspace, &caller)?;
    let known = workspace.directory().principal(&who.user).map_err(|error| ApiError::internal(&error))?;
    let user = known.ok_or_else(|| ApiError::not_found("User", &who.user))?;
    let token = workspace.token_for(user.name(), "databricks-cli", &[ALL_APIS.to_owned()]);
    Ok(Json(json!({ "access_token": token, "expires_in": LIFETIME })))
}
