//! Answers of more rows than one page holds: the rest comes by a token, which says what was asked and where to go on.

use axum::Json;
use axum::extract::{Path, State};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::indexes;
use super::query::{Ask, search};
use crate::caller::Caller;
use crate::error::{ApiError, ApiResult};
use crate::request::JsonBody;
use crate::workspace::Workspace;

/// Rows of one page, as on the platform.
const ROWS: usize = 1000;

/// What a token holds.
#[derive(Serialize, Deserialize)]
struct Place {
    ask: Ask,
    /// Rows that were given before.
    given: usize,
}

/// Where an answer goes on.
#[derive(Deserialize)]
pub(super) struct NextPage {
    page_token: Option<String>,
}

/// `…/query`: the first page.
pub(super) async fn ask(
    State(workspace): State<Workspace>,
    caller: Caller,
    Path(name): Path<String>,
    JsonBody(ask): JsonBody<Ask>,
) -> ApiResult<Value> {
    page(&workspace, &caller, &name, Place { ask, given: 0 }).await
}

/// `…/query-next-page`.
pub(super) async fn next(
    State(workspace): State<Workspace>,
    caller: Caller,
    Path(name): Path<String>,
    JsonBody(next): JsonBody<NextPage>,
) -> ApiResult<Value> {
    indexes::may_read(&workspace, &caller, &name)?;
    let token = next.page_token.and_then(|token| URL_SAFE_NO_PAD.decode(token).ok());
    let place = token.and_then(|token| serde_json::from_slice(&token).ok());
    let place = place.ok_or_else(|| ApiError::invalid("page_token is not one of this index"))?;
    page(&workspace, &caller, &name, place).await
}

async fn page(workspace: &Workspace, caller: &Caller, name: &str, place: Place) -> ApiResult<Value> {
    let mut answer = search(workspace, caller, name, place.ask.clone()).await?;
    if let Some(Value::Array(rows)) = answer.pointer_mut("/result/data_array") {
        rows.drain(..place.given.min(rows.len()));
        let more = rows.len() > ROWS;
        rows.truncate(ROWS);
        answer["result"]["row_count"] = json!(answer["result"]["data_array"].as_array().map(Vec::len));
        if more {
            let next = Place { given: place.given + ROWS, ..place };
            let next = serde_json::to_vec(&next).map_err(|error| ApiError::internal(&error))?;
            answer["next_page_token"] = json!(URL_SAFE_NO_PAD.encode(next));
        }
    }
    Ok(Json(answer))
}
