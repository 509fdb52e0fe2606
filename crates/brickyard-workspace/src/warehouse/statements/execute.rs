use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::{Path, State};
use brickyard_sql::{Parameter, Parameters};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::chunk;
use super::kept::{Kept, Stored, Wish};
use super::session;
use crate::caller::Caller;
use crate::error::{ApiError, ApiResult};
use crate::oauth::Base;
use crate::request::JsonBody;
use crate::warehouse::fault::Fault;
use crate::warehouse::link;
use crate::warehouse::operation::{Format, Operation, Progress};
use crate::warehouse::result::file::Layout;
use crate::warehouse::session::{Session, Settings};
use crate::warehouse::spool::Chunk;
use crate::warehouse::statement::{Statement, submit};
use crate::workspace::Workspace;

/// Bytes that a result may have inline (25 MiB), and behind links (100 GiB).
const INLINE_LIMIT: u64 = 25 * 1024 * 1024;
/// Rows of a statement that another part of the workspace runs.
const MOST_ROWS: u64 = 10_000;
const LINK_LIMIT: u64 = 100 * 1024 * 1024 * 1024;

#[derive(Deserialize)]
pub(crate) struct Execute {
    statement: Option<String>,
    warehouse_id: Option<String>,
    session_id: Option<String>,
    catalog: Option<String>,
    schema: Option<String>,
    #[serde(default)]
    parameters: Vec<Sent>,
    wait_timeout: Option<String>,
    on_wait_timeout: Option<String>,
    disposition: Option<String>,
    format: Option<String>,
    result_compression: Option<String>,
    row_limit: Option<u64>,
    byte_limit: Option<u64>,
}

#[derive(Deserialize)]
struct Sent {
    name: Option<String>,
    ordinal: Option<u32>,
    value: Option<Value>,
    #[serde(rename = "type")]
    sql_type: Option<String>,
}

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
            Arc::new(session::open(workspace, caller.clone(), &warehouse, BTreeMap::new(), catalog, schema)?)
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
    let session = Arc::new(Session::new(caller, warehouse, Settings::for_caller(workspace), now));
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

/// A statement as the API shows it.
pub(crate) fn show(workspace: &Workspace, base: &str, kept: &Kept) -> Result<Value, ApiError> {
    let id = kept.operation.id.to_string();
    let failed = |state: &str, fault: &Fault| {
        json!({
            "statement_id": id,
            "status": {
                "state": state,
                "error": { "error_code": code(fault), "message": fault.message },
                "sql_state": fault.sql_state,
            },
        })
    };
    Ok(match (&kept.operation.progress(), kept.ready()) {
        (Progress::Canceled, _) => json!({ "statement_id": id, "status": { "state": "CANCELED" } }),
        (Progress::Failed(fault), _) | (_, Some(Err(fault))) if fault.class == "OPERATION_CANCELED" => {
            json!({ "statement_id": id, "status": { "state": "CANCELED" } })
        }
        (Progress::Failed(fault), _) | (_, Some(Err(fault))) => failed("FAILED", fault),
        (_, Some(Ok(stored))) => {
            if !kept.wish.links && stored.bytes() > INLINE_LIMIT {
                let fault = Fault::new(
                    "INLINE_BYTE_LIMIT_EXCEEDED",
                    "54000",
                    "Inline byte limit exceeded. Statements executed with disposition=INLINE can have a result size of at most 26214400 bytes. Please execute the statement with disposition=EXTERNAL_LINKS if you want to download the full result.",
                );
                return Ok(failed("FAILED", &fault));
            }
            let result = match stored.download.spool.chunk(0) {
                Some(chunk) => part(workspace, base, kept, stored, (0, &chunk))?,
                None if kept.wish.links => json!({}),
                None => json!({ "chunk_index": 0, "row_offset": 0, "row_count": 0, "data_array": [] }),
            };
            json!({
                "statement_id": id,
                "status": { "state": "SUCCEEDED" },
                "manifest": chunk::manifest(stored, &kept.wish),
                "result": result,
            })
        }
        (Progress::Pending, None) => json!({ "statement_id": id, "status": { "state": "PENDING" } }),
        (_, None) => json!({ "statement_id": id, "status": { "state": "RUNNING" } }),
    })
}

/// One chunk: its rows, or the link to them.
fn part(
    workspace: &Workspace,
    base: &str,
    kept: &Kept,
    stored: &Stored,
    (index, of): (usize, &Chunk),
) -> Result<Value, ApiError> {
    let id = kept.operation.id;
    let mut part = json!({
        "chunk_index": index,
        "row_offset": of.offset,
        "row_count": of.rows,
        "byte_count": of.bytes,
    });
    if stored.download.spool.chunk(index + 1).is_some() {
        part["next_chunk_index"] = json!(index + 1);
        part["next_chunk_internal_link"] = json!(format!(
            "/api/2.0/sql/statements/{id}/result/chunks/{}?row_offset={}",
            index + 1,
            of.offset + of.rows
        ));
    }
    if kept.wish.links {
        let expires = link::expiry(workspace);
        part["external_link"] = json!(link::address(base, id, index, expires));
        part["expiration"] = json!(Timestamp::from_second(expires).unwrap_or_default().to_string());
        return Ok(json!({ "external_links": [part] }));
    }
    let rows = chunk::data_array(stored, of).map_err(|fault| ApiError::internal(&fault))?;
    part["data_array"] = json!(rows);
    Ok(part)
}

/// `ServiceErrorCode` for a fault.
fn code(fault: &Fault) -> &'static str {
    match fault.sql_state.get(..2) {
        Some("XX" | "58") => "INTERNAL_ERROR",
        Some("57") => "DEADLINE_EXCEEDED",
        _ => "BAD_REQUEST",
    }
}

/// `wait_timeout`: 0 or 5 to 50 seconds; 10 when nothing is said.
fn wait(text: Option<&str>) -> Result<Duration, ApiError> {
    let Some(text) = text else { return Ok(Duration::from_secs(10)) };
    let seconds = text.strip_suffix('s').and_then(|seconds| seconds.parse::<u64>().ok());
    match seconds {
        Some(seconds @ (0 | 5..=50)) => Ok(Duration::from_secs(seconds)),
        _ => Err(ApiError::invalid(
            "wait_timeout must be 0s or between 5s and 50s: the time in seconds the call will wait for the statement's result set",
        )),
    }
}

fn wish(execute: &Execute) -> Result<Wish, ApiError> {
    let hybrid = execute.disposition.as_deref() == Some("INLINE_OR_EXTERNAL_LINKS");
    let links = match execute.disposition.as_deref() {
        None | Some("INLINE") => false,
        Some("EXTERNAL_LINKS" | "INLINE_OR_EXTERNAL_LINKS") => true,
        Some(other) => return Err(ApiError::invalid(format!("disposition {other} is not known"))),
    };
    let format = match execute.format.as_deref() {
        None | Some("JSON_ARRAY") => Layout::JsonArray,
        Some("ARROW_STREAM") => Layout::ArrowStream,
        Some("CSV") => Layout::Csv,
        Some(other) => return Err(ApiError::invalid(format!("format {other} is not known"))),
    };
    if !links && !hybrid && format != Layout::JsonArray {
        return Err(ApiError::invalid(
            "The format field must be JSON_ARRAY when the disposition field is INLINE.",
        ));
    }
    let lz4 = match execute.result_compression.as_deref() {
        None | Some("NONE" | "RESULT_COMPRESSION_UNSPECIFIED") => false,
        Some("LZ4_FRAME") => true,
        Some(other) => return Err(ApiError::invalid(format!("result_compression {other} is not known"))),
    };
    let byte_limit = Some(execute.byte_limit.unwrap_or(u64::MAX).min(LINK_LIMIT));
    let row_limit = execute.row_limit.filter(|&limit| limit > 0);
    Ok(Wish { format, links, lz4, row_limit, byte_limit })
}

fn parameters(sent: Vec<Sent>) -> Result<Parameters, ApiError> {
    if sent.is_empty() {
        return Ok(Parameters::None);
    }
    let (mut named, mut positional) = (BTreeMap::new(), Vec::new());
    for parameter in sent {
        let value = parameter.value.and_then(|value| match value {
            Value::Null => None,
            Value::String(text) => Some(text),
            other => Some(other.to_string()),
        });
        let sql_type = parameter.sql_type.unwrap_or_else(|| "STRING".to_owned());
        let bound = Parameter { sql_type, value, arguments: None };
        match (parameter.name, parameter.ordinal) {
            (Some(name), _) => drop(named.insert(name, bound)),
            (None, Some(ordinal)) => positional.push((ordinal, bound)),
            (None, None) => return Err(ApiError::invalid("A parameter has no name")),
        }
    }
    if !named.is_empty() && !positional.is_empty() {
        return Err(ApiError::invalid("Parameters are either named or numbered, not both"));
    }
    if named.is_empty() {
        positional.sort_by_key(|(ordinal, _)| *ordinal);
        return Ok(Parameters::Positional(positional.into_iter().map(|(_, bound)| bound).collect()));
    }
    Ok(Parameters::Named(named))
}
