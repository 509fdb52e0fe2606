//! Tokens to look at an app with after a deployment: as the app's principal, and as a visitor.

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use serde_json::{Value, json};

use super::only_admins;
use crate::caller::Caller;
use crate::error::{ApiError, ApiResult};
use crate::request::JsonBody;
use crate::workspace::Workspace;

/// Whose token it is: tokens of no client that is registered.
const CLIENT: &str = "brickyard";

#[derive(Deserialize)]
pub(super) struct Wanted {
    app: String,
}

/// A token of the app's principal, which reaches what the app reaches, and one of the caller that opens the app.
pub(super) async fn make(
    State(workspace): State<Workspace>,
    caller: Caller,
    JsonBody(wanted): JsonBody<Wanted>,
) -> ApiResult<Value> {
    only_admins(&workspace, &caller)?;
    let record = workspace.app_record(&wanted.app)?.ok_or_else(|| ApiError::not_found("App", &wanted.app))?;
    let principal = record.app.service_principal_client_id.unwrap_or_default();
    let token = |owner: &str| workspace.token_for(owner, CLIENT, &["all-apis".to_owned()]);
    Ok(Json(json!({ "principal_token": token(&principal), "visitor_token": token(caller.name()) })))
}
