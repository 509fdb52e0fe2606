use std::time::Duration;

use brickyard_sql::{Body, parse};
use serde_json::Value;

use super::messages::shown;
use super::model::{self, Said};
use super::record::{ConversationRecord, MessageRecord, QueryRecord, SpaceRecord};
use super::{KIND, conversations};
use crate::caller::Caller;
use crate::error::ApiError;
use crate::warehouse::{answer_for, run_for};
use crate::workspace::Workspace;

/// Longest question, in bytes.
const LONGEST_QUESTION: usize = 64 * 1024;

/// Longest time a model may take, and a statement.
const LONGEST_MODEL: Duration = Duration::from_secs(120);
const LONGEST_STATEMENT: Duration = Duration::from_secs(600);

/// A question in a new conversation or in one there is; the answer comes later.
pub(crate) fn start_for(
    workspace: &Workspace,
    caller: &Caller,
    space: &str,
    conversation: Option<&str>,
    content: &str,
) -> Result<(Value, Value), ApiError> {
    workspace.authorize_object(caller, KIND, space, "CAN_RUN")?;
    let space = workspace.genie_space(space)?;
    let content = content.trim();
    if content.is_empty() || content.len() > LONGEST_QUESTION {
        return Err(ApiError::invalid("content must hold a question of at most 64 KiB"));
    }
    let now = workspace.clock().unix_milliseconds();
    let conversation = match conversation {
        Some(id) => {
            let mut known = conversations::own(workspace, caller, &space.id, id)?;
            known.updated_at = now;
            known
        }
        None => ConversationRecord {
            id: uuid::Uuid::new_v4().simple().to_string(),
            space: space.id.clone(),
            title: content.chars().take(100).collect(),
            user: caller.name().to_owned(),
            user_id: caller.principal.id(),
            created_at: now,
            updated_at: now,
        },
    };
    let message = MessageRecord {
        id: uuid::Uuid::new_v4().simple().to_string(),
        space: space.id.clone(),
        conversation: conversation.id.clone(),
        content: content.to_owned(),
        user_id: caller.principal.id(),
        status: "ASKING_AI".to_owned(),
        query: None,
        text: None,
        error: None,
        feedback: None,
        created_at: now,
        updated_at: now,
    };
    workspace.put_conversation(&conversation)?;
    workspace.put_message(&message)?;
    let answer = (conversations::shown(&conversation), shown(&message));
    let (workspace, caller) = (workspace.clone(), caller.clone());
    workspace.clone().tracker().spawn(async move {
        let mut message = message;
        let stopped = workspace.cancellation().clone();
        let result = tokio::select! {
            () = stopped.cancelled() => Err(("GENERIC_CHAT_COMPLETION_EXCEPTION", "The workspace stopped".to_owned())),
            result = answer_question(&workspace, &caller, &space, &mut message) => result,
        };
        if result.is_ok() { "COMPLETED" } else { "FAILED" }.clone_into(&mut message.status);
        message.error = result.err().map(|(kind, why)| (kind.to_owned(), why));
        message.updated_at = workspace.clock().unix_milliseconds();
        // A conversation that was deleted meanwhile stays deleted.
        if workspace.genie_message(&message.space, &message.conversation, &message.id).is_ok()
            && let Err(error) = workspace.put_message(&message)
        {
            tracing::warn!("An answer of Genie could not be kept: {error}");
        }
    });
    Ok(answer)
}

/// A message of the caller's as the API shows it.
pub(crate) fn message_for(
    workspace: &Workspace,
    caller: &Caller,
    space: &str,
    conversation: &str,
    id: &str,
) -> Result<Value, ApiError> {
    conversations::own(workspace, caller, space, conversation)?;
    let mut message = workspace.genie_message(space, conversation, id)?;
    // What an earlier process left undone is not coming any more.
    let ended = matches!(message.status.as_str(), "COMPLETED" | "FAILED");
    let limit = i64::try_from((LONGEST_MODEL + LONGEST_STATEMENT).as_millis()).unwrap_or(i64::MAX);
    if !ended && workspace.clock().unix_milliseconds() - message.created_at > limit {
        "FAILED".clone_into(&mut message.status);
        message.error =
            Some(("REPLY_PROCESS_TIMEOUT_EXCEPTION".to_owned(), "No answer came in time".to_owned()));
        workspace.put_message(&message)?;
    }
    Ok(shown(&message))
}

type Failed = (&'static str, String);

async fn answer_question(
    workspace: &Workspace,
    caller: &Caller,
    space: &SpaceRecord,
    message: &mut MessageRecord,
) -> Result<(), Failed> {
    let said = if let Some((question, sql)) = saved(&space.knowledge(), &message.content) {
        Said { sql: Some(sql), text: question }
    } else {
        let asking = model::ask(workspace, space, message);
        tokio::time::timeout(LONGEST_MODEL, asking).await.unwrap_or_else(|_| {
            Err(("CHAT_COMPLETION_CLIENT_TIMEOUT_EXCEPTION", "The model did not answer in time".to_owned()))
        })?
    };
    let Some(sql) = said.sql else {
        message.text = Some(said.text);
        return Ok(());
    };
    let reads = parse(&sql).map_err(|error| ("DESCRIBE_QUERY_INVALID_SQL_ERROR", error.message))?;
    if !matches!(reads.body, Body::Query(_)) {
        let why = "The answer is a statement that does not only read; Genie runs queries alone".to_owned();
        return Err(("GENERIC_SQL_EXEC_API_CALL_EXCEPTION", why));
    }
    message.query = Some(QueryRecord {
        attachment: uuid::Uuid::new_v4().simple().to_string(),
        title: message.content.chars().take(80).collect(),
        description: said.text,
        sql,
        statement: None,
        rows: None,
        truncated: false,
    });
    "EXECUTING_QUERY".clone_into(&mut message.status);
    workspace.put_message(message).map_err(|error| ("GENERIC_SQL_EXEC_API_CALL_EXCEPTION", error.message))?;
    run(workspace, caller, space, message).await
}

/// Runs the statement of a message as the caller.
pub(super) async fn run(
    workspace: &Workspace,
    caller: &Caller,
    space: &SpaceRecord,
    message: &mut MessageRecord,
) -> Result<(), Failed> {
    let failed = |error: ApiError| ("GENERIC_SQL_EXEC_API_CALL_EXCEPTION", error.message);
    let Some(query) = &mut message.query else {
        return Err(("MISSING_SQL_QUERY_EXCEPTION", "The message has no query".to_owned()));
    };
    // The space lends its warehouse to everybody who may ask it; the data are the caller's own to see.
    let id = run_for(workspace, caller.clone(), &space.warehouse_id, &query.sql, LONGEST_STATEMENT).await;
    let id = id.map_err(failed)?.to_string();
    let result = answer_for(workspace, caller, &id).map_err(failed)?;
    query.statement = Some(id);
    if result["status"]["state"].as_str() == Some("SUCCEEDED") {
        query.rows = result["manifest"]["total_row_count"].as_u64();
        query.truncated = result["manifest"]["truncated"].as_bool().unwrap_or(false);
        Ok(())
    } else {
        let why = result["status"]["error"]["message"].as_str().unwrap_or("The statement did not end");
        Err(("SQL_EXECUTION_EXCEPTION", why.to_owned()))
    }
}

/// The saved pair whose question is this one, but for case, spaces and marks at its end.
fn saved(knowledge: &Value, question: &str) -> Option<(String, String)> {
    let wanted = normal(question);
    let pairs = knowledge["instructions"]["example_question_sqls"].as_array()?;
    pairs.iter().find_map(|pair| {
        let asked = text(&pair["question"])?;
        let sql = text(&pair["sql"])?;
        (normal(&asked) == wanted).then_some((asked, sql))
    })
}

/// A text, or the lines of one.
pub(super) fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Array(lines) => lines.iter().map(|line| line.as_str().map(str::to_owned)).collect(),
        _ => None,
    }
}

fn normal(text: &str) -> String {
    let words = text.split_whitespace().map(str::to_lowercase).collect::<Vec<_>>().join(" ");
    words.trim_end_matches(['?', '.', '!', ' ']).to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn questions_are_found_whatever_their_dress() {
        let knowledge = json!({ "instructions": { "example_question_sqls": [
            { "question": ["How many ", "trips?"], "sql": ["SELECT count(*)\n", "FROM t"] },
        ] } });
        let found = saved(&knowledge, "  how MANY   trips ").unwrap();
        assert_eq!(found.1, "SELECT count(*)\nFROM t");
        assert!(saved(&knowledge, "how many taxis?").is_none());
        assert!(saved(&Value::Null, "how many trips").is_none());
    }
}
