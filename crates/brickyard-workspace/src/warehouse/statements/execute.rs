use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::{Path, State};
use serde_json::{Value, json};
use uuid::Uuid;

use super::answer::{INLINE_LIMIT, part, show};
use super::kept::{Kept, Wish};
use super::request::{Execute, parameters, wait, wish};
use super::session;
use crate::caller::Caller;
use crate::error::{ApiError, ApiResult};
use crate::oauth::Base;
use crate::request::JsonBody;
use crate::warehouse::operation::{Format, Operation};
use crate::warehouse::result::file::Layout;
use crate::warehouse::session::{Session, Settings};
use crate::warehouse::statement::{Statement, submit};
use crate::workspace::Workspace;

/// Rows of a statement that another part of the workspace runs.
const MOST_ROWS: u64 = 10_000;

/// `POST /api/2.0/sql/statements`.
pub(crate) async fn execute(
    State(workspace): State<Workspace>,
    caller: Caller,
    Base(base): Base,
    JsonBody(execute): JsonBody<Execute>,
) -> ApiResult<Value> {
    begin(&workspace, caller, &base, execute).await.map(Json)
}

/// `POST /api/2.0/sql/warehouses/{id}/sessions/{session}/statements`, as the JDBC driver has it.
pub(crate) async fn execute_in(
    State(workspace): State<Workspace>,
    caller: Caller,
    Base(base): Base,
    Path((_, session)): Path<(String, String)>,
    JsonBody(execute): JsonBody<Execute>,
) -> ApiResult<Value> {
    let execute = Execute { session_id: Some(session), ..execute };
    begin(&workspace, caller, &base, execute).await.map(Json)
}

async fn begin(
    workspace: &Workspace,
    caller: Caller,
    base: &str,
    execute: Execute,
) -> Result<Value, ApiError> {
    let wait = wait(execute.wait_timeout.as_deref())?;
    let cancels = match execute.on_wait_timeout.as_deref() {
        None | Some("CONTINUE") => false,
        Some("CANCEL") => true,
        Some(other) => return Err(ApiError::invalid(format!("on_wait_timeout {other} is not known"))),
    };
    if wait.is_zero() && cancels {
        return Err(ApiError::invalid("on_wait_timeout CANCEL requires a wait_timeout of 5s or more"));
    }
    let wish = wish(&execute)?;
    let parameters = parameters(execute.parameters)?;
    let text = execute.statement.filter(|text| !text.trim().is_empty());
    let text = text.ok_or_else(|| ApiError::invalid("statement is required"))?;
    let warehouse = execute.warehouse_id.unwrap_or_default();
    let session = match &execute.session_id {
        Some(id) => {
            caller.require_scope("sql.statement-execution")?;
            let found = Uuid::parse_str(id).ok();
            let found = found.and_then(|id| workspace.warehouses().session(workspace, id, caller.name()));
            found.ok_or_else(|| ApiError::not_found("Session", id))?
        }
        None if warehouse.is_empty() => return Err(ApiError::invalid("warehouse_id is required")),
        None => {
            let (catalog, schema) = (execute.catalog.as_deref(), execute.schema.as_deref());
            let session =
                session::open(workspace, caller.clone(), &warehouse, BTreeMap::new(), catalog, schema)?;
            Arc::new(session.for_one_statement())
        }
    };
    let statement = Statement { text, parameters, row_limit: wish.row_limit, ..Statement::default() };
    let kept = launch(workspace, session, statement, wish);
    let operation = Arc::clone(&kept.operation);
    if !wait.is_zero() && tokio::time::timeout(wait, kept.stored(workspace)).await.is_err() && cancels {
        operation.cancellation().cancel();
        let _ = operation.settled().await;
    }
    show(workspace, base, &kept)
}

/// Starts a statement; its result can be asked for by its id from now on.
fn launch(workspace: &Workspace, session: Arc<Session>, statement: Statement, wish: Wish) -> Arc<Kept> {
    let operation = Arc::new(Operation::new(0, workspace.clock().now(), Format::COLUMNS));
    let started = workspace.clock().unix_milliseconds();
    let kept = Arc::new(Kept::new(Arc::clone(&operation), Arc::clone(&session), wish, started));
    workspace.warehouses().results().add(Arc::clone(&kept), started);
    submit(workspace, &session, &operation, statement);
    keep(workspace, &kept);
    kept
}

/// Starts a statement for another part of the workspace, whose own rules said that this caller may run it, and waits for
/// it; its id, by which [`answer_for`] tells the result.
pub(crate) async fn run_for(
    workspace: &Workspace,
    caller: Caller,
    warehouse: &str,
    sql: &str,
    wait: Duration,
) -> Result<Uuid, ApiError> {
    let warehouse = workspace.warehouses().get(workspace, warehouse)?.id;
    let now = workspace.clock().unix_milliseconds();
    let session = Session::new(caller, warehouse, Settings::for_caller(workspace), now);
    let session = Arc::new(session.for_one_statement());
    let wish = Wish {
        format: Layout::JsonArray,
        links: false,
        lz4: false,
        row_limit: Some(MOST_ROWS),
        byte_limit: Some(INLINE_LIMIT),
    };
    let row_limit = wish.row_limit;
    let statement = Statement { text: sql.to_owned(), row_limit, ..Statement::default() };
    let kept = launch(workspace, session, statement, wish);
    let _ = tokio::time::timeout(wait, kept.stored(workspace)).await;
    Ok(kept.operation.id)
}

/// A statement that [`run_for`] started, as the API shows it to the same caller.
pub(crate) fn answer_for(workspace: &Workspace, caller: &Caller, id: &str) -> Result<Value, ApiError> {
    show(workspace, "", &*found(workspace, caller, id)?)
}

/// Brings the result to disk in the background, so that the engine is not held up by a client that does not ask.
fn keep(workspace: &Workspace, kept: &Arc<Kept>) {
    let (kept, workspace) = (Arc::clone(kept), workspace.clone());
    workspace.clone().tracker().spawn(async move {
        let _ = kept.stored(&workspace).await;
    });
}

/// `GET /api/2.0/sql/statements/{id}`.
pub(crate) async fn get(
    State(workspace): State<Workspace>,
    caller: Caller,
    Base(base): Base,
    Path(id): Path<String>,
) -> ApiResult<Value> {
    let kept = find(&workspace, &caller, &id)?;
    show(&workspace, &base, &kept).map(Json)
}

/// `GET /api/2.0/sql/warehouses/{id}/sessions/{session}/statements/{statement}`.
pub(crate) async fn get_in(
    workspace: State<Workspace>,
    caller: Caller,
    base: Base,
    Path((_, _, statement)): Path<(String, String, String)>,
) -> ApiResult<Value> {
    get(workspace, caller, base, Path(statement)).await
}

/// `DELETE` of the same.
pub(crate) async fn close_in(
    workspace: State<Workspace>,
    caller: Caller,
    Path((_, _, statement)): Path<(String, String, String)>,
) -> ApiResult<Value> {
    close(workspace, caller, Path(statement)).await
}

/// `POST /api/2.0/sql/statements/{id}/cancel`.
pub(crate) async fn cancel(
    State(workspace): State<Workspace>,
    caller: Caller,
    Path(id): Path<String>,
) -> ApiResult<Value> {
    let kept = find(&workspace, &caller, &id)?;
    if !kept.operation.progress().is_settled() {
        kept.operation.cancellation().cancel();
    }
    Ok(Json(json!({})))
}

/// `DELETE /api/2.0/sql/statements/{id}`, which connectors send when they close a cursor.
pub(crate) async fn close(
    State(workspace): State<Workspace>,
    caller: Caller,
    Path(id): Path<String>,
) -> ApiResult<Value> {
    let kept = find(&workspace, &caller, &id)?;
    workspace.warehouses().results().remove(kept.operation.id);
    Ok(Json(json!({})))
}

/// `GET /api/2.0/sql/statements/{id}/result/chunks/{chunk}`.
pub(crate) async fn get_chunk(
    State(workspace): State<Workspace>,
    caller: Caller,
    Base(base): Base,
    Path((id, index)): Path<(String, usize)>,
) -> ApiResult<Value> {
    let kept = find(&workspace, &caller, &id)?;
    let Some(Ok(stored)) = kept.ready() else {
        return Err(ApiError::invalid(format!("Statement {id} has no result")));
    };
    let chunk = stored.download.spool.chunk(index).ok_or_else(|| ApiError::not_found("Chunk", index))?;
    part(&workspace, &base, &kept, stored, (index, &chunk)).map(Json)
}

fn find(workspace: &Workspace, caller: &Caller, id: &str) -> Result<Arc<Kept>, ApiError> {
    caller.require_scope("sql.statement-execution")?;
    found(workspace, caller, id)
}

fn found(workspace: &Workspace, caller: &Caller, id: &str) -> Result<Arc<Kept>, ApiError> {
    let missing = || ApiError::not_found("Statement", id);
    let kept = Uuid::parse_str(id).ok().and_then(|id| workspace.warehouses().results().get(id));
    let kept = kept.ok_or_else(missing)?;
    if kept.session.caller.name() == caller.name() { Ok(kept) } else { Err(missing()) }
}
