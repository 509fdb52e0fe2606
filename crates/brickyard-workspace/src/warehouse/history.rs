//! The query history API: what ran on the warehouses, by whom, how long.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use axum::Json;
use axum::extract::{RawQuery, State};
use serde_json::{Value, json};
use uuid::Uuid;

use super::fault::Fault;
use crate::caller::Caller;
use crate::error::{ApiError, ApiResult};
use crate::workspace::Workspace;

/// Statements that are remembered.
const MOST: usize = 2000;

/// Statements in one answer at most.
const PAGE: usize = 1000;

/// What ran, the latest last.
#[derive(Default)]
pub(crate) struct History {
    entries: Mutex<VecDeque<Entry>>,
}

/// One statement.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) id: Uuid,
    pub(crate) text: String,
    pub(crate) user: String,
    pub(crate) user_id: u64,
    pub(crate) warehouse: String,
    /// Milliseconds since the epoch.
    pub(crate) started: i64,
    pub(crate) ended: Option<i64>,
    pub(crate) rows: u64,
    pub(crate) status: &'static str,
    pub(crate) error: Option<String>,
}

impl History {
    /// A statement begins.
    pub(crate) fn begin(&self, entry: Entry) {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        if entries.len() == MOST {
            entries.pop_front();
        }
        entries.push_back(entry);
    }

    /// A statement has ended.
    pub(crate) fn end(&self, id: Uuid, now: i64, result: &Result<u64, Fault>) {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(entry) = entries.iter_mut().rev().find(|entry| entry.id == id) else { return };
        entry.ended = Some(now);
        match result {
            Ok(rows) => (entry.status, entry.rows) = ("FINISHED", *rows),
            Err(fault) if fault.class == "OPERATION_CANCELED" => entry.status = "CANCELED",
            Err(fault) => (entry.status, entry.error) = ("FAILED", Some(fault.message.clone())),
        }
    }

    fn all(&self) -> Vec<Entry> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner).iter().rev().cloned().collect()
    }
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
        .all()
        .into_iter()
        .filter(|entry| admin || entry.user == caller.name())
        .filter(|entry| one_of(&users, &entry.user_id.to_string()) && one_of(&warehouses, &entry.warehouse))
        .filter(|entry| one_of(&statuses, entry.status) && one_of(&ids, &entry.id.to_string()))
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

fn show(entry: &Entry) -> Value {
    let first = entry.text.split_whitespace().next().unwrap_or_default().to_uppercase();
    json!({
        "query_id": entry.id.to_string(),
        "status": entry.status,
        "query_text": entry.text,
        "statement_type": if first == "WITH" { "SELECT".to_owned() } else { first },
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
