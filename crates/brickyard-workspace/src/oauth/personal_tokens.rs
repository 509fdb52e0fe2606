use std::sync::PoisonError;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::OAuth;
use crate::caller::Caller;
use crate::credential::{fingerprint, unguessable_hex};
use crate::directory::keep;
use crate::error::{ApiError, ApiResult};
use crate::request::JsonBody;
use crate::store::StoreError;
use crate::workspace::Workspace;

const TOKEN: &str = "personal_access_token";

/// Longest comment, in bytes.
const LONGEST_COMMENT: usize = 1024;

/// How every personal access token begins.
pub(crate) const PREFIX: &str = "dapi";

/// What is kept of a personal access token, addressed by its fingerprint.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct PersonalToken {
    id: String,
    pub(crate) owner: String,
    comment: String,
    creation_time: i64,
    /// Milliseconds since the epoch; `-1` never.
    expiry_time: i64,
}

impl PersonalToken {
    pub(crate) fn is_expired(&self, now_milliseconds: i64) -> bool {
        self.expiry_time >= 0 && self.expiry_time <= now_milliseconds
    }
}

impl OAuth {
    /// What is kept of this token.
    pub(crate) fn personal_token(&self, text: &str) -> Result<Option<PersonalToken>, StoreError> {
        let key = fingerprint(text);
        keep(&self.personal_tokens, &key, || self.store.get(TOKEN, &key))
    }

    fn forget_personal_token(&self, key: &str) -> Result<(), StoreError> {
        self.store.delete(TOKEN, key)?;
        self.personal_tokens.write().unwrap_or_else(PoisonError::into_inner).remove(key);
        Ok(())
    }
}

/// Makes a token; the text is given out once and not kept.
pub(crate) fn make(
    workspace: &Workspace,
    owner: &str,
    comment: &str,
    lifetime_seconds: Option<i64>,
) -> Result<(String, PersonalToken), StoreError> {
    let text = format!("{PREFIX}{}", unguessable_hex(16));
    let now = workspace.clock().unix_milliseconds();
    let token = PersonalToken {
        id: unguessable_hex(32),
        owner: owner.to_owned(),
        comment: comment.to_owned(),
        creation_time: now,
        expiry_time: lifetime_seconds.map_or(-1, |seconds| now.saturating_add(seconds.saturating_mul(1000))),
    };
    workspace.store().put(TOKEN, &fingerprint(&text), &token)?;
    Ok((text, token))
}

#[derive(Deserialize)]
pub(super) struct Create {
    #[serde(default)]
    comment: String,
    lifetime_seconds: Option<i64>,
}

pub(super) async fn create(
    State(workspace): State<Workspace>,
    caller: Caller,
    JsonBody(create): JsonBody<Create>,
) -> ApiResult<Value> {
    if create.comment.len() > LONGEST_COMMENT {
        return Err(ApiError::invalid(format!("The comment is longer than {LONGEST_COMMENT} bytes")));
    }
    if create.lifetime_seconds.is_some_and(|seconds| seconds <= 0) {
        return Err(ApiError::invalid("lifetime_seconds must be positive"));
    }
    let made = make(&workspace, caller.name(), &create.comment, create.lifetime_seconds);
    let (text, token) = made.map_err(|error| ApiError::internal(&error))?;
    Ok(Json(json!({ "token_value": text, "token_info": info(&token) })))
}

pub(super) async fn list(State(workspace): State<Workspace>, caller: Caller) -> ApiResult<Value> {
    let tokens = own(&workspace, &caller)?;
    Ok(Json(json!({ "token_infos": tokens.iter().map(|(_, token)| info(token)).collect::<Vec<_>>() })))
}

#[derive(Deserialize)]
pub(super) struct Delete {
    token_id: String,
}

pub(super) async fn delete(
    State(workspace): State<Workspace>,
    caller: Caller,
    JsonBody(delete): JsonBody<Delete>,
) -> ApiResult<Value> {
    let tokens = own(&workspace, &caller)?;
    let found = tokens.iter().find(|(_, token)| token.id == delete.token_id);
    let (key, _) = found.ok_or_else(|| ApiError::not_found("Token", &delete.token_id))?;
    workspace.oauth().forget_personal_token(key).map_err(|error| ApiError::internal(&error))?;
    Ok(Json(json!({})))
}

fn own(workspace: &Workspace, caller: &Caller) -> Result<Vec<(String, PersonalToken)>, ApiError> {
    let all: Vec<(String, PersonalToken)> =
        workspace.store().list(TOKEN, "").map_err(|error| ApiError::internal(&error))?;
    Ok(all.into_iter().filter(|(_, token)| token.owner == caller.name()).collect())
}

fn info(token: &PersonalToken) -> Value {
    json!({
        "token_id": token.id,
        "comment": token.comment,
        "creation_time": token.creation_time,
        "expiry_time": token.expiry_time,
    })
}
