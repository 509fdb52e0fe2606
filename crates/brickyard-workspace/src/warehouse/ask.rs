//! Statements that another part of the workspace runs for somebody, and their rows as JSON.

use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::definition::starter_id;
use super::fault::Fault;
use super::result::arrow::normalize;
use super::result::sql_type::SqlType;
use super::result::text;
use super::session::{Session, Settings};
use super::statement::{Statement, execute};
use crate::caller::Caller;
use crate::error::ApiError;
use crate::workspace::Workspace;

/// All rows of a statement.
pub(crate) struct Found {
    /// Its columns.
    pub(crate) schema: SchemaRef,
    pub(crate) batches: Vec<RecordBatch>,
    /// Whether rows were left out.
    pub(crate) cut: bool,
}

/// Runs a statement as this caller on the workspace's own warehouse and takes at most `most` rows.
pub(crate) async fn rows_of(
    workspace: &Workspace,
    caller: Caller,
    sql: &str,
    most: usize,
) -> Result<Found, ApiError> {
    let now = workspace.clock().unix_milliseconds();
    let warehouse = starter_id(workspace.config().workspace_id);
    let session = Session::new(caller, warehouse, Settings::for_caller(workspace), now);
    let session = Arc::new(session.for_one_statement());
    let _runs = session.run(workspace);
    let statement = Statement { text: sql.to_owned(), ..Statement::default() };
    let mut outcome = execute(workspace, &session, Uuid::new_v4(), statement).await.map_err(refused)?;
    let mut found = Found { schema: outcome.schema.clone(), batches: Vec::new(), cut: false };
    let mut left = most;
    while let Some(batch) = outcome.next().await.map_err(refused)? {
        for part in batch.decode().map_err(|error| refused(error.into()))? {
            let rows = part.num_rows().min(left);
            found.cut |= rows < part.num_rows();
            left -= rows;
            if rows > 0 {
                found.batches.push(part.slice(0, rows));
            }
        }
        if found.cut {
            break;
        }
    }
    Ok(found)
}

/// The rows of a batch as objects; what JSON has no number for is a text.
pub(crate) fn json_rows(batch: &RecordBatch) -> Result<Vec<Map<String, Value>>, ApiError> {
    let columns = batch.columns().iter().zip(batch.schema_ref().fields());
    let columns: Vec<(String, SqlType, arrow_array::ArrayRef)> = columns
        .map(|(column, field)| {
            let sql_type = SqlType::of(field);
            let column = normalize(column, &sql_type)?;
            Ok((field.name().clone(), sql_type, column))
        })
        .collect::<Result<_, arrow_schema::ArrowError>>()
        .map_err(|error| ApiError::internal(&error))?;
    let mut text = String::new();
    let row = |row: usize| {
        let cells = columns.iter().map(|(name, sql_type, column)| {
            text.clear();
            text::json(column, row, sql_type, &mut text);
            let value = serde_json::from_str(&text).map_err(|error| ApiError::internal(&error))?;
            Ok((name.clone(), value))
        });
        cells.collect()
    };
    (0..batch.num_rows()).map(row).collect()
}

/// A statement's fault as an answer of the REST API.
pub(crate) fn refused(fault: Fault) -> ApiError {
    match fault.sql_state.get(..2) {
        Some("42") if fault.sql_state == "42501" => ApiError::denied(fault.message),
        Some("0A") => ApiError::not_implemented(fault.message),
        Some("08") => {
            ApiError::new(http::StatusCode::SERVICE_UNAVAILABLE, "TEMPORARILY_UNAVAILABLE", fault.message)
        }
        Some("XX" | "58") => {
            ApiError::new(http::StatusCode::INTERNAL_SERVER_ERROR, "INTERNAL_ERROR", fault.message)
        }
        _ => ApiError::new(http::StatusCode::BAD_REQUEST, "BAD_REQUEST", fault.message),
    }
}
