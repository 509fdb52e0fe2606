use std::collections::BTreeMap;
use std::sync::Arc;

use brickyard_sql::{Parameter, Parameters};
use serde_json::Value;

use super::definition::starter_id;
use super::operation::{Format, Operation};
use super::statement::{Statement, submit};
use super::statements::{Kept, Wish, open, show};
use crate::caller::Caller;
use crate::error::ApiError;
use crate::workspace::Workspace;

/// A statement that a part of the workspace runs in somebody's name.
#[derive(Debug, Clone, Default)]
pub(crate) struct Run {
    /// The statement.
    pub(crate) text: String,
    /// Id of the warehouse; the one every workspace has where nothing is said.
    pub(crate) warehouse: Option<String>,
    /// Current catalog.
    pub(crate) catalog: Option<String>,
    /// Current schema.
    pub(crate) schema: Option<String>,
    /// Named parameters: name and value as text.
    pub(crate) parameters: Vec<(String, String)>,
    /// Most rows of the answer.
    pub(crate) row_limit: Option<u64>,
}

impl Run {
    /// A statement without parameters on the warehouse that every workspace has.
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), ..Self::default() }
    }
}

/// Runs a statement as the caller until it ends and gives what `GET /api/2.0/sql/statements/{id}` would show: `manifest`
/// and `result.data_array` of text. A statement that failed is an error with the engine's sentence; dropping the future
/// cancels it.
pub(crate) async fn run(workspace: &Workspace, caller: &Caller, run: &Run) -> Result<Value, ApiError> {
    let starter = starter_id(workspace.config().workspace_id);
    let warehouse = run.warehouse.as_deref().filter(|id| !id.is_empty()).unwrap_or(&starter);
    let (catalog, schema) = (run.catalog.as_deref(), run.schema.as_deref());
    let session = Arc::new(open(workspace, caller.clone(), warehouse, BTreeMap::new(), catalog, schema)?);
    let parameters = if run.parameters.is_empty() {
        Parameters::None
    } else {
        let named = run.parameters.iter().map(|(name, value)| {
            let parameter =
                Parameter { sql_type: "STRING".to_owned(), value: Some(value.clone()), arguments: None };
            (name.clone(), parameter)
        });
        Parameters::Named(named.collect())
    };
    let statement =
        Statement { text: run.text.clone(), parameters, row_limit: run.row_limit, ..Statement::default() };
    let operation = Arc::new(Operation::new(0, workspace.clock().now(), Format::COLUMNS));
    let _cancelled_with_us = operation.cancellation().clone().drop_guard();
    let started = workspace.clock().unix_milliseconds();
    let wish = Wish { row_limit: run.row_limit, ..Wish::inline() };
    let kept = Kept::new(Arc::clone(&operation), Arc::clone(&session), wish, started);
    submit(workspace, &session, &operation, statement);
    let _ = kept.stored(workspace).await;
    let shown = show(workspace, &workspace.http_url(), &kept)?;
    if shown["status"]["state"] == "SUCCEEDED" {
        return Ok(shown);
    }
    let message = shown.pointer("/status/error/message").and_then(Value::as_str);
    Err(ApiError::invalid(message.unwrap_or("The statement was cancelled")))
}
