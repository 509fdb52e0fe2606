use axum::extract::Path;
use serde_json::Value;

use crate::caller::Caller;
use crate::error::{ApiError, ApiResult};

/// Synced tables are not there yet, and say so.
pub(super) async fn create(_caller: Caller) -> ApiResult<Value> {
    Err(ApiError::not_implemented("synced tables: load the table into Postgres with a script instead"))
}

/// There are no synced tables, so each name is unknown.
pub(super) async fn get(_caller: Caller, Path(name): Path<String>) -> ApiResult<Value> {
    Err(ApiError::not_found("Synced table", &name))
}
