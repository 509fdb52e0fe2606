//! Result links: what clients that fetch from storage ("cloud fetch") get in place of the rows of a large result.

use std::sync::Arc;

use super::answer::success;
use super::messages::{ArrowResultLink, FetchResultsResp, RowSet};
use super::service::Context;
use crate::warehouse::fault::Fault;
use crate::warehouse::link::{self, Download};
use crate::warehouse::operation::{Head, Operation};
use crate::warehouse::result::file::{Layout, Rendering};
use crate::warehouse::spool::{Cut, Spool};

/// How a result is cut into files: few enough to cost nothing, small enough to be fetched side by side.
const CUT: Cut = Cut { rows: 1_000_000, bytes: 16 * 1024 * 1024, lead: 16 };

/// Links to the next parts of a result, or to those from row `from` on when the client has lost or outlived its links.
pub(super) async fn next(
    context: &Context,
    operation: &Arc<Operation>,
    head: &Head,
    from: Option<u64>,
) -> Result<FetchResultsResp, Fault> {
    let links = operation.links(|| begin(context, operation, head))?;
    let download = &links.download;
    let mut next = links.next.lock().await;
    if let Some(again) = from.and_then(|row| download.spool.chunk_with(row)) {
        *next = again;
    }
    let (first, expires) = (*next, link::expiry(&context.workspace));
    let (chunks, more) = download.spool.further(first).await?;
    *next += chunks.len();
    let signed = |count: u64| i64::try_from(count).ok();
    let result_links = chunks.iter().enumerate().map(|(index, chunk)| ArrowResultLink {
        file_link: Some(link::address(&context.base, operation.id, first + index, expires)),
        expiry_time: Some(expires * 1000), // the platform tells milliseconds; some clients read seconds
        start_row_offset: signed(chunk.offset),
        row_count: signed(chunk.rows),
        bytes_num: signed(chunk.bytes),
        http_headers: None,
    });
    let results = RowSet {
        start_row_offset: Some(chunks.first().and_then(|chunk| signed(chunk.offset)).unwrap_or_default()),
        rows: Some(Vec::new()),
        result_links: Some(result_links.collect()),
        ..RowSet::default()
    };
    Ok(FetchResultsResp {
        status: Some(success()),
        has_more_rows: Some(more),
        results: Some(results),
        result_set_metadata: None,
    })
}

/// Begins to bring the rows to disk; they stay there until the operation is closed.
fn begin(context: &Context, operation: &Arc<Operation>, head: &Head) -> Result<Arc<Download>, Fault> {
    let spool = Spool::new(&context.workspace.config().state_directory)?;
    let rendering = Rendering {
        schema: head.schema.clone(),
        layout: Layout::ArrowStream,
        lz4: operation.format.lz4,
        native: operation.format.native,
    };
    let download = Arc::new(Download { spool, rendering });
    context.workspace.warehouses().downloads().add(operation.id, &download);
    let (operation, filled) = (Arc::clone(operation), Arc::clone(&download));
    context.workspace.tracker().spawn(async move { filled.spool.fill(&operation, CUT, None).await });
    Ok(download)
}
