use axum::Json;
use axum::extract::{Path, State};
use serde::Deserialize;
use serde_json::{Value, json};

use super::KIND;
use super::record::ConversationRecord;
use crate::caller::Caller;
use crate::error::{ApiError, ApiResult};
use crate::request::Parameters;
use crate::workspace::Workspace;

#[derive(Deserialize)]
pub(super) struct Which {
    include_all: Option<String>,
}

pub(super) async fn list(
    State(workspace): State<Workspace>,
    caller: Caller,
    Path(space): Path<String>,
    Parameters(which): Parameters<Which>,
) -> ApiResult<Value> {
    workspace.authorize_object(&caller, KIND, &space, "CAN_VIEW")?;
    let all = which.include_all.as_deref() == Some("true");
    if all {
        workspace.authorize_object(&caller, KIND, &space, "CAN_MANAGE")?;
    }
    let mut seen = workspace.genie_conversations(&space)?;
    seen.retain(|one| all || one.user == caller.name());
    seen.sort_by_key(|one| std::cmp::Reverse(one.created_at));
    let shown = seen.iter().map(
        |one| json!({ "conversation_id": one.id, "title": one.title, "created_timestamp": one.created_at }),
    );
    Ok(Json(json!({ "conversations": shown.collect::<Vec<_>>() })))
}

pub(super) async fn remove(
    State(workspace): State<Workspace>,
    caller: Caller,
    Path((space, id)): Path<(String, String)>,
) -> ApiResult<Value> {
    let conversation = own(&workspace, &caller, &space, &id)?;
    workspace.forget_conversation(&conversation)?;
    Ok(Json(json!({})))
}

/// A conversation of the caller's own; somebody else's does not exist for them unless they manage the space.
pub(super) fn own(
    workspace: &Workspace,
    caller: &Caller,
    space: &str,
    id: &str,
) -> Result<ConversationRecord, ApiError> {
    workspace.authorize_object(caller, KIND, space, "CAN_RUN")?;
    let conversation = workspace.genie_conversation(space, id)?;
    if conversation.user == caller.name()
        || workspace.authorize_object(caller, KIND, space, "CAN_MANAGE").is_ok()
    {
        return Ok(conversation);
    }
    Err(ApiError::not_found("Conversation", id))
}

/// A conversation as the API shows it.
pub(super) fn shown(record: &ConversationRecord) -> Value {
    json!({
        "id": record.id,
        "conversation_id": record.id,
        "space_id": record.space,
        "title": record.title,
        "user_id": record.user_id,
        "created_timestamp": record.created_at,
        "last_updated_timestamp": record.updated_at,
    })
}
