use uuid::Uuid;

use super::fault::Fault;
use super::outcome::Outcome;
use super::result::copy;
use super::result::sql_type::SqlType;
use super::session::{Session, Settings};
use super::statement::{Statement, execute};
use crate::caller::Caller;
use crate::error::ApiError;
use crate::workspace::Workspace;

/// A query's rows for the workspace's own use, with the rights of whoever it runs for: no client waits for them, and no
/// warehouse is charged.
pub(crate) struct Scan {
    outcome: Outcome,
    types: Vec<SqlType>,
    _session: Session, // the engine's side ends with it
}

impl Scan {
    /// Begins a query.
    pub(crate) async fn open(workspace: &Workspace, caller: Caller, sql: &str) -> Result<Self, ApiError> {
        let now = workspace.clock().unix_milliseconds();
        let warehouse = super::starter_id(workspace.config().workspace_id);
        let session = Session::new(caller, warehouse, Settings::for_caller(workspace), now);
        let statement = Statement { text: sql.to_owned(), ..Statement::default() };
        let outcome = execute(workspace, &session, Uuid::new_v4(), statement).await?;
        let types = outcome.schema.fields().iter().map(|field| SqlType::of(field)).collect();
        Ok(Self { outcome, types, _session: session })
    }

    /// The next rows in the text format of PostgreSQL's `COPY`, and their number; `None` at the end.
    pub(crate) async fn next_copied(&mut self) -> Result<Option<(Vec<u8>, u64)>, ApiError> {
        let Some(batch) = self.outcome.next().await? else { return Ok(None) };
        let mut text = Vec::new();
        for rows in batch.decode().map_err(Fault::from)? {
            copy::rows(&rows, &self.types, &mut text)?;
        }
        Ok(Some((text, batch.rows as u64)))
    }
}

impl From<Fault> for ApiError {
    fn from(fault: Fault) -> Self {
        let (status, code) = match fault.sql_state.as_str() {
            "42501" => (http::StatusCode::FORBIDDEN, "PERMISSION_DENIED"),
            "42P01" | "42704" => (http::StatusCode::NOT_FOUND, "RESOURCE_DOES_NOT_EXIST"),
            "0A000" => (http::StatusCode::NOT_IMPLEMENTED, "NOT_IMPLEMENTED"),
            state if state.starts_with("XX") => (http::StatusCode::INTERNAL_SERVER_ERROR, "INTERNAL_ERROR"),
            _ => (http::StatusCode::BAD_REQUEST, "BAD_REQUEST"),
        };
        Self::new(status, code, fault.message)
    }
}
