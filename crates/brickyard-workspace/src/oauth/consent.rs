use axum::Json;
use axum::extract::{Path, State};
use serde_json::{Value, json};

use crate::caller::Caller;
use crate::error::{ApiError, ApiResult};
use crate::workspace::Workspace;

/// Withdraws the caller's consent to an app: its sign-ins end, its tokens are refused (platform §4.2).
pub(super) async fn revoke(
    State(workspace): State<Workspace>,
    caller: Caller,
    Path(client_id): Path<String>,
) -> ApiResult<Value> {
    let failed = |error: crate::store::StoreError| ApiError::internal(&error);
    if workspace.sign_in_client(&client_id).map_err(failed)?.is_none() {
        return Err(ApiError::not_found("OAuth app integration", &client_id));
    }
    let now = workspace.clock().unix_seconds();
    workspace.oauth().end_consent(caller.name(), &client_id, now).map_err(failed)?;
    Ok(Json(json!({})))
}
