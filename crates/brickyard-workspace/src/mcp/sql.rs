use std::time::Duration;

use brickyard_sql::{Body, parse};
use serde_json::{Map, Value, json};

use super::{Called, word};
use crate::caller::Caller;
use crate::error::ApiError;
use crate::warehouse::{answer_for, run_for, starter_id};
use crate::workspace::Workspace;

/// Time for which an answer waits for its statement; later ones are polled for.
const PATIENCE: Duration = Duration::from_secs(30);

/// The tools of the SQL server.
pub(super) fn tools() -> Vec<Value> {
    let tool = |name: &str, description: &str, argument: &str, meaning: &str, reads: bool| {
        json!({
            "name": name,
            "description": description,
            "inputSchema": {
                "type": "object",
                "properties": { argument: { "type": "string", "description": meaning } },
                "required": [argument],
            },
            "annotations": { "readOnlyHint": reads },
        })
    };
    vec![
        tool("execute_sql", "Runs one SQL statement in the SQL warehouse.", "query", "The statement.", false),
        tool("execute_sql_read_only", "Runs one SQL query that only reads.", "query", "The query.", true),
        tool(
            "poll_sql_result",
            "Gives the state and result of a statement that was still running.",
            "statement_id",
            "The id that the first answer gave.",
            true,
        ),
    ]
}

/// Runs or polls a statement as the caller.
pub(super) async fn call(
    workspace: &Workspace,
    caller: &Caller,
    name: &str,
    arguments: &Map<String, Value>,
) -> Called {
    if name == "poll_sql_result" {
        return Ok(answer_for(workspace, caller, word(arguments, "statement_id")?)?.to_string());
    }
    let sql = word(arguments, "query")?;
    if name == "execute_sql_read_only" {
        let statement = parse(sql).map_err(|error| ApiError::invalid(error.message))?;
        if !matches!(statement.body, Body::Query(_)) {
            return Err(ApiError::invalid("The statement does not only read; use execute_sql"));
        }
    }
    let warehouse = starter_id(workspace.config().workspace_id);
    workspace.authorize_object(caller, "warehouses", &warehouse, "CAN_USE")?;
    let id = run_for(workspace, caller.clone(), &warehouse, sql, PATIENCE).await?;
    Ok(answer_for(workspace, caller, &id.to_string())?.to_string())
}
