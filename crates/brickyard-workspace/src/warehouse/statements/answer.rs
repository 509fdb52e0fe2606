use jiff::Timestamp;
use serde_json::{Value, json};

use super::chunk;
use super::kept::{Kept, Stored};
use crate::error::ApiError;
use crate::warehouse::fault::Fault;
use crate::warehouse::link;
use crate::warehouse::operation::Progress;
use crate::warehouse::spool::Chunk;
use crate::workspace::Workspace;

/// Bytes that a result may have inline (25 MiB).
pub(super) const INLINE_LIMIT: u64 = 25 * 1024 * 1024;

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
pub(super) fn part(
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
