use serde_json::{Map, Value, json};

use super::{Called, word};
use crate::caller::Caller;
use crate::error::ApiError;
use crate::genie::{KIND, message_for, start_for};
use crate::warehouse::answer_for;
use crate::workspace::Workspace;

/// The tools of a space: one asks, one polls.
pub(super) fn tools(workspace: &Workspace, caller: &Caller, space: &str) -> Result<Vec<Value>, ApiError> {
    workspace.authorize_object(caller, KIND, space, "CAN_RUN")?;
    let text = |meaning: &str| json!({ "type": "string", "description": meaning });
    let title = workspace.genie_title(space)?;
    Ok(vec![
        json!({
            "name": format!("query_space_{space}"),
            "description": format!("Asks the Genie space '{title}' a question about its data; poll for the answer."),
            "inputSchema": {
                "type": "object",
                "properties": {
                    "query": text("The question."),
                    "conversation_id": text("A conversation to go on with."),
                },
                "required": ["query"],
            },
        }),
        json!({
            "name": format!("poll_response_{space}"),
            "description": "Gives the answer to a question, or says that it is still being worked on.",
            "inputSchema": {
                "type": "object",
                "properties": { "conversation_id": text("The conversation."), "message_id": text("The question.") },
                "required": ["conversation_id", "message_id"],
            },
        }),
    ])
}

/// Asks or polls as the caller.
pub(super) fn call(
    workspace: &Workspace,
    caller: &Caller,
    space: &str,
    name: &str,
    arguments: &Map<String, Value>,
) -> Called {
    let message = if name.starts_with("query_space_") {
        let conversation =
            arguments.get("conversation_id").and_then(Value::as_str).filter(|id| !id.is_empty());
        start_for(workspace, caller, space, conversation, word(arguments, "query")?)?.1
    } else {
        let (conversation, message) = (word(arguments, "conversation_id")?, word(arguments, "message_id")?);
        message_for(workspace, caller, space, conversation, message)?
    };
    let attachments = message["attachments"].as_array().cloned().unwrap_or_default();
    let queries: Vec<&Value> =
        attachments.iter().map(|part| &part["query"]).filter(|part| part.is_object()).collect();
    let texts: Vec<&Value> =
        attachments.iter().map(|part| &part["text"]["content"]).filter(|part| part.is_string()).collect();
    let shown: Vec<Value> = queries
        .iter()
        .map(|query| {
            let mut shown = json!({ "query": query["query"], "description": query["description"] });
            let result = query["statement_id"].as_str().map(|id| answer_for(workspace, caller, id));
            if let Some(Ok(result)) = result {
                shown["statement_response"] = result;
            }
            shown
        })
        .collect();
    let mut answer = json!({
        "status": message["status"],
        "conversationId": message["conversation_id"],
        "messageId": message["message_id"],
        "content": { "queryAttachments": shown, "textAttachments": texts },
    });
    if message["error"].is_object() {
        answer["error"] = message["error"].clone();
    }
    Ok(answer.to_string())
}
