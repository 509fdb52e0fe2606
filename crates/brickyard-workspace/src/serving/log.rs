//! The log of requests: rows of a table with the columns of the platform's inference tables, written in the background.

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use futures_util::StreamExt;
use http::StatusCode;
use jiff::Timestamp;
use tokio::sync::{OwnedSemaphorePermit, mpsc};

use crate::caller::Caller;
use crate::scope::ALL_APIS;
use crate::warehouse;
use crate::workspace::Workspace;

/// Longest request or answer that is kept, in bytes.
const LONGEST: usize = 1024 * 1024;

/// Most rows that wait to be written; further ones are dropped and told of in the log.
const WAITING: usize = 10_000;

/// Most rows of one statement.
const BATCH: usize = 200;

/// One request and its answer.
#[derive(Debug, Clone)]
pub(super) struct Row {
    pub(super) table: String,
    pub(super) id: String,
    /// Milliseconds since the epoch.
    pub(super) time: i64,
    pub(super) requester: String,
    pub(super) entity: String,
    pub(super) request: String,
    pub(super) status: u16,
    pub(super) duration: i64,
    pub(super) response: Vec<u8>,
}

impl Row {
    fn values(&self) -> String {
        let response = String::from_utf8_lossy(&self.response);
        let time = Timestamp::from_millisecond(self.time).unwrap_or(Timestamp::UNIX_EPOCH);
        format!(
            "(DATE '{}', {}, TIMESTAMP '{}', {}, CAST(1 AS DOUBLE), {}, {}, {}, {}, {})",
            time.strftime("%Y-%m-%d"),
            literal(&self.id),
            time.strftime("%Y-%m-%d %H:%M:%S%.3f"),
            self.status,
            self.duration,
            literal(&self.request),
            literal(&response),
            literal(&self.entity),
            literal(&self.requester),
        )
    }
}

fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}

/// An answer on its way to the client: it holds the endpoint's place, and is written down when it is over.
struct Passing {
    workspace: Workspace,
    _permit: Option<OwnedSemaphorePermit>,
    row: Option<Row>,
}

impl Drop for Passing {
    fn drop(&mut self) {
        let Some(mut row) = self.row.take() else { return };
        row.duration = self.workspace.clock().unix_milliseconds() - row.time;
        self.workspace.serving().note(&self.workspace, row);
    }
}

/// Lets an answer pass piece by piece, as it comes, and notes it.
pub(super) fn pass(
    workspace: &Workspace,
    response: Response,
    permit: Option<OwnedSemaphorePermit>,
    row: Option<Row>,
) -> Response {
    if permit.is_none() && row.is_none() {
        return response;
    }
    let (parts, body) = response.into_parts();
    let mut passing = Passing { workspace: workspace.clone(), _permit: permit, row };
    if let Some(row) = &mut passing.row {
        row.status = parts.status.as_u16();
    }
    let body = body.into_data_stream().map(move |piece: Result<Bytes, axum::Error>| {
        if let (Some(row), Ok(piece)) = (&mut passing.row, &piece) {
            let room = LONGEST.saturating_sub(row.response.len());
            row.response.extend_from_slice(&piece[..piece.len().min(room)]);
        }
        piece
    });
    Response::from_parts(parts, Body::from_stream(body))
}

/// Notes a request that was refused or failed before there was an answer.
pub(super) fn refused(workspace: &Workspace, row: Option<Row>, status: StatusCode, message: &str) {
    if let Some(mut row) = row {
        row.status = status.as_u16();
        row.response = message.as_bytes().to_vec();
        drop(Passing { workspace: workspace.clone(), _permit: None, row: Some(row) });
    }
}

impl super::Serving {
    /// Puts a row in line to be written.
    fn note(&self, workspace: &Workspace, row: Row) {
        let sender = self.log.get_or_init(|| {
            let (sender, receiver) = mpsc::channel(WAITING);
            let weak = workspace.downgrade();
            let cancellation = workspace.cancellation().clone();
            workspace.tracker().spawn(async move {
                let writing = write(weak, receiver);
                tokio::select! {
                    () = cancellation.cancelled() => {}
                    () = writing => {}
                }
            });
            sender
        });
        if sender.try_send(row).is_err() {
            tracing::warn!("A request to a serving endpoint is not logged: too many wait to be written");
        }
    }
}

async fn write(workspace: crate::workspace::WeakWorkspace, mut rows: mpsc::Receiver<Row>) {
    let mut batch = Vec::new();
    while rows.recv_many(&mut batch, BATCH).await > 0 {
        let Some(workspace) = workspace.upgrade() else { return };
        while !batch.is_empty() {
            let table = batch[0].table.clone();
            let (of_table, others): (Vec<Row>, Vec<Row>) =
                batch.into_iter().partition(|row| row.table == table);
            batch = others;
            if let Err(error) = insert(&workspace, &table, &of_table).await {
                tracing::warn!(table, %error, "Requests cannot be logged to `{table}`: {error}");
            }
        }
    }
}

async fn insert(workspace: &Workspace, table: &str, rows: &[Row]) -> Result<(), crate::error::ApiError> {
    let developer = workspace.config().users.first().map_or("admins", |user| user.user_name.as_str());
    let principal = workspace.directory().principal(developer);
    let principal = principal.map_err(|error| crate::error::ApiError::internal(&error))?;
    let principal = principal.ok_or_else(|| crate::error::ApiError::not_found("User", developer))?;
    let caller = Caller { principal, scopes: vec![ALL_APIS.to_owned()] };
    let columns = "request_date DATE, databricks_request_id STRING, request_time TIMESTAMP, status_code INT, \
                   sampling_fraction DOUBLE, execution_duration_ms BIGINT, request STRING, response STRING, \
                   served_entity_id STRING, requester STRING";
    let values: Vec<String> = rows.iter().map(Row::values).collect();
    for statement in [
        format!("CREATE TABLE IF NOT EXISTS {table} ({columns})"),
        format!("INSERT INTO {table} VALUES {}", values.join(", ")),
    ] {
        warehouse::run(workspace, &caller, &warehouse::Run::new(statement)).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::literal;

    #[test]
    fn no_text_leaves_its_literal() {
        assert_eq!(literal(r"it's \' \"), r"'it\'s \\\' \\'");
    }
}
