use axum::Json;
use axum::extract::{Path, State};
use serde::Deserialize;
use serde_json::{Value, json};

use super::record::MessageRecord;
use super::{ask, conversations};
use crate::caller::Caller;
use crate::error::{ApiError, ApiResult};
use crate::request::JsonBody;
use crate::warehouse::answer_for;
use crate::workspace::Workspace;

#[derive(Deserialize)]
pub(super) struct Question {
    content: String,
}

#[derive(Deserialize)]
pub(super) struct Feedback {
    rating: String,
    comment: Option<String>,
}

type OfMessage = Path<(String, String, String)>;
type OfAttachment = Path<(String, String, String, String)>;

pub(super) async fn start(
    State(workspace): State<Workspace>,
    caller: Caller,
    Path(space): Path<String>,
    JsonBody(question): JsonBody<Question>,
) -> ApiResult<Value> {
    let (conversation, message) = ask::start_for(&workspace, &caller, &space, None, &question.content)?;
    Ok(Json(json!({
        "conversation_id": conversation["id"],
        "message_id": message["id"],
        "conversation": conversation,
        "message": message,
    })))
}

pub(super) async fn create(
    State(workspace): State<Workspace>,
    caller: Caller,
    Path((space, conversation)): Path<(String, String)>,
    JsonBody(question): JsonBody<Question>,
) -> ApiResult<Value> {
    let asked = ask::start_for(&workspace, &caller, &space, Some(&conversation), &question.content)?;
    Ok(Json(asked.1))
}

pub(super) async fn list(
    State(workspace): State<Workspace>,
    caller: Caller,
    Path((space, conversation)): Path<(String, String)>,
) -> ApiResult<Value> {
    conversations::own(&workspace, &caller, &space, &conversation)?;
    let messages = workspace.genie_messages(&space, &conversation)?;
    Ok(Json(json!({ "messages": messages.iter().map(shown).collect::<Vec<_>>() })))
}

pub(super) async fn show(
    State(workspace): State<Workspace>,
    caller: Caller,
    Path((space, conversation, id)): OfMessage,
) -> ApiResult<Value> {
    ask::message_for(&workspace, &caller, &space, &conversation, &id).map(Json)
}

pub(super) async fn remove(
    State(workspace): State<Workspace>,
    caller: Caller,
    Path(path): OfMessage,
) -> ApiResult<Value> {
    let message = own(&workspace, &caller, path)?;
    workspace.forget_message(&message)?;
    Ok(Json(json!({})))
}

pub(super) async fn feedback(
    State(workspace): State<Workspace>,
    caller: Caller,
    Path(path): OfMessage,
    JsonBody(feedback): JsonBody<Feedback>,
) -> ApiResult<Value> {
    if !["POSITIVE", "NEGATIVE", "NONE"].contains(&feedback.rating.as_str()) {
        return Err(ApiError::invalid(format!("rating {} is not known", feedback.rating)));
    }
    let mut message = own(&workspace, &caller, path)?;
    let mut given = json!({ "rating": feedback.rating });
    if let Some(comment) = feedback.comment {
        given["comment"] = json!(comment);
    }
    message.feedback = Some(given);
    workspace.put_message(&message)?;
    Ok(Json(json!({})))
}

pub(super) async fn result(
    State(workspace): State<Workspace>,
    caller: Caller,
    Path(path): OfMessage,
) -> ApiResult<Value> {
    let message = own(&workspace, &caller, path)?;
    statement(&workspace, &caller, &message).map(Json)
}

pub(super) async fn result_of(
    State(workspace): State<Workspace>,
    caller: Caller,
    Path((space, conversation, id, attachment)): OfAttachment,
) -> ApiResult<Value> {
    let message = attached(&workspace, &caller, (space, conversation, id), &attachment)?;
    statement(&workspace, &caller, &message).map(Json)
}

pub(super) async fn run_again(
    State(workspace): State<Workspace>,
    caller: Caller,
    Path(path): OfMessage,
) -> ApiResult<Value> {
    let message = own(&workspace, &caller, path)?;
    again(&workspace, &caller, message).await.map(Json)
}

pub(super) async fn run_again_of(
    State(workspace): State<Workspace>,
    caller: Caller,
    Path((space, conversation, id, attachment)): OfAttachment,
) -> ApiResult<Value> {
    let message = attached(&workspace, &caller, (space, conversation, id), &attachment)?;
    again(&workspace, &caller, message).await.map(Json)
}

async fn again(
    workspace: &Workspace,
    caller: &Caller,
    mut message: MessageRecord,
) -> Result<Value, ApiError> {
    let space = workspace.genie_space(&message.space)?;
    ask::run(workspace, caller, &space, &mut message).await.map_err(|(_, why)| ApiError::invalid(why))?;
    workspace.put_message(&message)?;
    statement(workspace, caller, &message)
}

fn statement(workspace: &Workspace, caller: &Caller, message: &MessageRecord) -> Result<Value, ApiError> {
    let id = message.query.as_ref().and_then(|query| query.statement.as_deref());
    let id = id.ok_or_else(|| ApiError::not_found("Query result of message", &message.id))?;
    Ok(json!({ "statement_response": answer_for(workspace, caller, id)? }))
}

fn own(
    workspace: &Workspace,
    caller: &Caller,
    (space, conversation, id): (String, String, String),
) -> Result<MessageRecord, ApiError> {
    conversations::own(workspace, caller, &space, &conversation)?;
    workspace.genie_message(&space, &conversation, &id)
}

fn attached(
    workspace: &Workspace,
    caller: &Caller,
    path: (String, String, String),
    attachment: &str,
) -> Result<MessageRecord, ApiError> {
    let message = own(workspace, caller, path)?;
    let same = message.query.as_ref().is_some_and(|query| query.attachment == attachment);
    if same { Ok(message) } else { Err(ApiError::not_found("Attachment", attachment)) }
}

/// A message as the API shows it.
pub(super) fn shown(record: &MessageRecord) -> Value {
    let mut shown = json!({
        "id": record.id,
        "message_id": record.id,
        "space_id": record.space,
        "conversation_id": record.conversation,
        "user_id": record.user_id,
        "content": record.content,
        "status": record.status,
        "created_timestamp": record.created_at,
        "last_updated_timestamp": record.updated_at,
    });
    let mut attachments = Vec::new();
    if let Some(query) = &record.query {
        let mut part = json!({
            "id": query.attachment,
            "query": query.sql,
            "title": query.title,
            "description": query.description,
            "last_updated_timestamp": record.updated_at,
        });
        if let Some(statement) = &query.statement {
            part["statement_id"] = json!(statement);
            part["query_result_metadata"] =
                json!({ "row_count": query.rows, "is_truncated": query.truncated });
            shown["query_result"] = json!({
                "statement_id": statement, "row_count": query.rows, "is_truncated": query.truncated,
            });
        }
        attachments.push(json!({ "attachment_id": query.attachment, "query": part }));
    }
    if let Some(text) = &record.text {
        attachments.push(json!({ "attachment_id": record.id, "text": { "id": record.id, "content": text } }));
    }
    if !attachments.is_empty() {
        shown["attachments"] = json!(attachments);
    }
    if let Some((kind, why)) = &record.error {
        shown["error"] = json!({ "type": kind, "error": why });
    }
    if let Some(feedback) = &record.feedback {
        shown["feedback"] = feedback.clone();
    }
    shown
}
