//! The query history API: what ran on the warehouses, by whom, how long.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Json;
use axum::extract::{RawQuery, State};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use super::fault::Fault;
use crate::caller::Caller;
use crate::error::{ApiError, ApiResult};
use crate::store::Document;
use crate::workspace::Workspace;

/// Statements that are remembered.
const MOST: usize = 2000;

/// Statements in one answer at most.
const PAGE: usize = 1000;

/// Bytes of a statement's text that are remembered.
const TEXT: usize = 16 * 1024;

/// Time for which ended statements wait to be written together.
const DELAY: Duration = Duration::from_secs(1);

/// Kind of its documents; their keys are in the order of time.
const KIND: &str = "query";

/// What ran, the latest last; what has ended is written down in the background.
#[derive(Default)]
pub(crate) struct History {
    entries: Mutex<Entries>,
}

#[derive(Default)]
struct Entries {
    list: VecDeque<Entry>,
    is_read: bool,
    unwritten: Vec<Uuid>,
}

/// One statement.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Entry {
    pub(crate) id: Uuid,
    pub(crate) text: String,
    pub(crate) user: String,
    pub(crate) user_id: u64,
    pub(crate) warehouse: String,
    /// Milliseconds since the epoch.
    pub(crate) started: i64,
    pub(crate) ended: Option<i64>,
    /// When another could take its place in the warehouse, which is before it is known to have ended.
    #[serde(skip)]
    pub(crate) left: Option<i64>,
    pub(crate) rows: u64,
    pub(crate) status: String,
    pub(crate) error: Option<String>,
}

impl History {
    /// A statement begins.
    pub(crate) fn begin(&self, workspace: &Workspace, mut entry: Entry) {
        entry.text = without_secrets(entry.text);
        if entry.text.len() > TEXT {
            entry.text.truncate(entry.text.floor_char_boundary(TEXT));
        }
        let mut entries = self.lock(workspace);
        if entries.list.len() == MOST {
            entries.list.pop_front();
        }
        entries.list.push_back(entry);
    }

    /// A statement gives its place in the warehouse to the next.
    pub(crate) fn leave(&self, workspace: &Workspace, id: Uuid) {
        let mut entries = self.lock(workspace);
        if let Some(entry) = entries.list.iter_mut().rev().find(|entry| entry.id == id) {
            entry.left = Some(workspace.clock().unix_milliseconds());
        }
    }

    /// A statement has ended.
    pub(crate) fn end(&self, workspace: &Workspace, id: Uuid, result: &Result<u64, Fault>) {
        let mut entries = self.lock(workspace);
        let Some(entry) = entries.list.iter_mut().rev().find(|entry| entry.id == id) else { return };
        entry.ended = Some(entry.left.unwrap_or_else(|| workspace.clock().unix_milliseconds()));
        let status = match result {
            Ok(rows) => {
                entry.rows = *rows;
                "FINISHED"
            }
            Err(fault) if fault.class == "OPERATION_CANCELED" => "CANCELED",
            Err(fault) => {
                entry.error = Some(fault.message.clone());
                "FAILED"
            }
        };
        status.clone_into(&mut entry.status);
        entries.unwritten.push(id);
        if entries.unwritten.len() == 1 {
            let workspace = workspace.clone();
            workspace.clone().tracker().spawn(async move {
                tokio::select! {
                    () = tokio::time::sleep(DELAY) => {}
                    () = workspace.cancellation().cancelled() => {}
                }
                let _ =
                    tokio::task::spawn_blocking(move || workspace.warehouses().history().write(&workspace))
                        .await;
            });
        }
    }

    /// Writes down what has ended since the last time, and drops from the disk what is no longer remembered.
    fn write(&self, workspace: &Workspace) {
        let (ended, oldest) = {
            let mut entries = self.lock(workspace);
            let ids = std::mem::take(&mut entries.unwritten);
            let ended = entries.list.iter().filter(|entry| ids.contains(&entry.id));
            let ended: Result<Vec<_>, _> =
                ended.map(|entry| Document::new(KIND, key(entry), entry)).collect();
            (ended, entries.list.front().filter(|_| entries.list.len() == MOST).map(key))
        };
        let written = ended.and_then(|ended| workspace.store().put_all(&ended));
        let dropped = oldest.map_or(Ok(()), |oldest| workspace.store().delete_before(KIND, &oldest));
        if let Err(error) = written.and(dropped) {
            tracing::warn!(%error, "The query history cannot be written: {error}");
        }
    }

    /// Every statement that is remembered, the latest first.
    pub(crate) fn all(&self, workspace: &Workspace) -> Vec<Entry> {
        self.lock(workspace).list.iter().rev().cloned().collect()
    }

    /// The entries, with those of earlier starts.
    fn lock(&self, workspace: &Workspace) -> MutexGuard<'_, Entries> {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        if !entries.is_read {
            entries.is_read = true;
            match workspace.store().list::<Entry>(KIND, "") {
                Ok(earlier) => entries.list.extend(earlier.into_iter().map(|(_, entry)| entry)),
                Err(error) => tracing::warn!(%error, "The query history cannot be read: {error}"),
            }
            let surplus = entries.list.len().saturating_sub(MOST);
            entries.list.drain(..surplus);
        }
        entries
    }
}

fn key(entry: &Entry) -> String {
    format!("{:016}-{}", entry.started, entry.id)
}

/// `GET /api/2.0/sql/history/queries`: the latest first; who is no admin sees their own.
pub(super) async fn list(
    State(workspace): State<Workspace>,
    caller: Caller,
    RawQuery(query): RawQuery,
) -> ApiResult<Value> {
    let query = query.unwrap_or_default();
    let pairs: Vec<(String, String)> = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    let all = |name: &str| -> Vec<&str> {
        pairs.iter().filter(|(key, _)| key == name).map(|(_, value)| value.as_str()).collect()
    };
    let number = |name: &str| -> Result<Option<i64>, ApiError> {
        let Some(text) = all(name).first().copied() else { return Ok(None) };
        text.parse().map(Some).map_err(|_| ApiError::invalid(format!("{name} is not a number")))
    };
    let (users, warehouses) = (all("filter_by.user_ids"), all("filter_by.warehouse_ids"));
    let (statuses, ids) = (all("filter_by.statuses"), all("filter_by.statement_ids"));
    let from = number("filter_by.query_start_time_range.start_time_ms")?.unwrap_or(i64::MIN);
    let to = number("filter_by.query_start_time_range.end_time_ms")?.unwrap_or(i64::MAX);
    let size =
        number("max_results")?.and_then(|size| usize::try_from(size).ok()).unwrap_or(100).clamp(1, PAGE);
    let skip = number("page_token")?.and_then(|skip| usize::try_from(skip).ok()).unwrap_or(0);
    let admin = workspace.is_admin(&caller)?;
    let one_of = |wanted: &[&str], value: &str| wanted.is_empty() || wanted.contains(&value);
    let found: Vec<Entry> = workspace
        .warehouses()
        .history()
        .all(&workspace)
        .into_iter()
        .filter(|entry| admin || entry.user == caller.name())
        .filter(|entry| one_of(&users, &entry.user_id.to_string()) && one_of(&warehouses, &entry.warehouse))
        .filter(|entry| one_of(&statuses, &entry.status) && one_of(&ids, &entry.id.to_string()))
        .filter(|entry| (from..=to).contains(&entry.started))
        .collect();
    let shown: Vec<Value> = found.iter().skip(skip).take(size).map(show).collect();
    let more = found.len() > skip + size;
    let mut answer = json!({ "res": shown, "has_next_page": more });
    if more {
        answer["next_page_token"] = json!((skip + size).to_string());
    }
    Ok(Json(answer))
}

impl Entry {
    /// `SELECT`, `INSERT` and so on.
    pub(crate) fn kind(&self) -> String {
        let first = self.text.split_whitespace().next().unwrap_or_default().to_uppercase();
        if first == "WITH" { "SELECT".to_owned() } else { first }
    }
}

fn show(entry: &Entry) -> Value {
    json!({
        "query_id": entry.id.to_string(),
        "status": entry.status,
        "query_text": entry.text,
        "statement_type": entry.kind(),
        "query_start_time_ms": entry.started,
        "execution_end_time_ms": entry.ended,
        "query_end_time_ms": entry.ended,
        "duration": entry.ended.map(|ended| ended - entry.started),
        "user_id": entry.user_id,
        "user_name": entry.user,
        "executed_as_user_id": entry.user_id,
        "executed_as_user_name": entry.user,
        "endpoint_id": entry.warehouse,
        "warehouse_id": entry.warehouse,
        "rows_produced": entry.rows,
        "error_message": entry.error,
        "is_final": entry.ended.is_some(),
    })
}

/// The text without the options of a connection, which hold its credentials.
fn without_secrets(text: String) -> String {
    let upper = text.to_ascii_uppercase();
    let makes = upper.contains("CREATE") && (upper.contains("CONNECTION") || upper.contains("SERVER"));
    match upper.find("OPTIONS") {
        Some(at) if makes => format!("{}OPTIONS (REDACTED)", &text[..at]),
        _ => text,
    }
}
