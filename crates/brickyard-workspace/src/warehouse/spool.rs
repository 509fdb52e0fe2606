//! Rows of a result on disk, in chunks: written once, read as often as clients ask.

use std::fs::File;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use brickyard_engine::Batch;
use bytes::Bytes;
use tokio::sync::watch;

use super::fault::Fault;
use super::operation::Operation;
use super::result::ipc;

/// How a result is cut, and how far it is written ahead of its reader.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cut {
    /// Rows of one chunk at most.
    pub(crate) rows: usize,
    /// Bytes of one chunk, as the engine sent them.
    pub(crate) bytes: usize,
    /// Chunks that may wait for the reader; the engine is made to wait behind them.
    pub(crate) lead: usize,
}

/// The chunks of one result, in a file without a name that is gone with the last who uses it.
pub(crate) struct Spool {
    file: File,
    state: watch::Sender<State>,
    handed: watch::Sender<usize>,
    awaited: AtomicUsize,
}

#[derive(Default)]
struct State {
    chunks: Vec<Arc<Chunk>>,
    end: Option<Result<bool, Fault>>,
}

/// A part of a result.
#[derive(Debug, Default)]
pub(crate) struct Chunk {
    /// Number of its first row.
    pub(crate) offset: u64,
    pub(crate) rows: u64,
    /// Size as the engine sent it.
    pub(crate) bytes: u64,
    /// Its batches.
    pub(crate) parts: Vec<Part>,
}

/// A batch in the file.
#[derive(Debug)]
pub(crate) struct Part {
    rows: usize,
    at: Range<u64>,
    /// Where its record-batch messages are, if they mean something without the rest of the stream.
    messages: Option<Range<u64>>,
}

impl Part {
    /// Bytes of the record-batch messages, if they can be sent alone.
    pub(crate) fn messages_length(&self) -> Option<u64> {
        self.messages.as_ref().map(|range| range.end - range.start)
    }
}

impl Spool {
    /// An empty one, in a file on the disk of `directory`.
    pub(crate) fn new(directory: &Path) -> Result<Self, Fault> {
        let directory = directory.join("results");
        let file = std::fs::create_dir_all(&directory).and_then(|()| tempfile::tempfile_in(&directory));
        let file = file.map_err(|error| {
            Fault::internal(format_args!("The rows cannot be kept in `{}`: {error}", directory.display()))
        })?;
        Ok(Self {
            file,
            state: watch::Sender::default(),
            handed: watch::Sender::new(0),
            awaited: AtomicUsize::new(0),
        })
    }

    /// Writes the rows of an operation, up to its end or to `byte_limit`; called once.
    pub(crate) async fn fill(&self, operation: &Operation, cut: Cut, byte_limit: Option<u64>) {
        let end = tokio::select! {
            biased;
            () = operation.cancellation().cancelled() => {
                // The history knows it before the client does.
                operation.finished().cancelled().await;
                Err(Fault::canceled())
            }
            end = self.copy(operation, cut, byte_limit) => end,
        };
        self.state.send_modify(|state| state.end = Some(end));
    }

    async fn copy(&self, operation: &Operation, cut: Cut, byte_limit: Option<u64>) -> Result<bool, Fault> {
        let mut handed = self.handed.subscribe();
        let (mut chunk, mut position) = (Chunk::default(), 0);
        loop {
            let published = self.state.borrow().chunks.len();
            let room = |&handed: &usize| published < handed.saturating_add(cut.lead);
            handed.wait_for(room).await.map_err(Fault::internal)?;
            let rows = cut.rows.saturating_sub(usize::try_from(chunk.rows).unwrap_or(usize::MAX));
            let bytes = cut.bytes.saturating_sub(usize::try_from(chunk.bytes).unwrap_or(usize::MAX));
            let taken = operation.take(rows, bytes).await?;
            let mut truncated = false;
            for batch in taken.batches {
                let size = batch.stream.len() as u64;
                truncated = byte_limit.is_some_and(|limit| position + size > limit && position > 0);
                if truncated {
                    break;
                }
                self.file.write_all_at(&batch.stream, position).map_err(Fault::internal)?;
                chunk.parts.push(part(&batch, position)?);
                chunk.rows += batch.rows as u64;
                chunk.bytes += size;
                position += size;
            }
            let over = !taken.more || truncated;
            let full = chunk.rows >= cut.rows as u64 || chunk.bytes >= (cut.bytes - cut.bytes / 8) as u64;
            let awaited = self.awaited.load(Ordering::Relaxed) > published;
            if chunk.rows > 0 && (over || full || awaited) {
                let next = Chunk { offset: chunk.offset + chunk.rows, ..Chunk::default() };
                let chunk = Arc::new(std::mem::replace(&mut chunk, next));
                self.state.send_modify(|state| state.chunks.push(chunk));
            }
            if over {
                return Ok(truncated);
            }
        }
    }

    /// Waits for the end of the writing: whether rows were left out because of the byte limit.
    pub(crate) async fn ended(&self) -> Result<bool, Fault> {
        let mut state = self.state.subscribe();
        let state = state.wait_for(|state| state.end.is_some()).await.map_err(Fault::internal)?;
        state.end.clone().unwrap_or(Ok(false))
    }

    /// The chunks from number `from` on that nobody has asked for yet, at least one unless there are no more; and
    /// whether more may come behind them.
    pub(crate) async fn further(&self, from: usize) -> Result<(Vec<Arc<Chunk>>, bool), Fault> {
        self.awaited.fetch_max(from + 1, Ordering::Relaxed);
        self.handed.send_if_modified(|handed| raise(handed, from));
        let mut state = self.state.subscribe();
        let state = state.wait_for(|state| state.chunks.len() > from || state.end.is_some()).await;
        let state = state.map_err(Fault::internal)?;
        let chunks = state.chunks.get(from..).unwrap_or_default().to_vec();
        if let (true, Some(Err(fault))) = (chunks.is_empty(), &state.end) {
            return Err(fault.clone());
        }
        let more = !matches!(state.end, Some(Ok(_)));
        drop(state);
        self.handed.send_if_modified(|handed| raise(handed, from + chunks.len()));
        Ok((chunks, more))
    }

    /// The chunks that are there.
    pub(crate) fn chunks(&self) -> Vec<Arc<Chunk>> {
        self.state.borrow().chunks.clone()
    }

    /// One chunk, if it is there.
    pub(crate) fn chunk(&self, index: usize) -> Option<Arc<Chunk>> {
        self.state.borrow().chunks.get(index).cloned()
    }

    /// Number of the chunk with this row, if it is there.
    pub(crate) fn chunk_with(&self, row: u64) -> Option<usize> {
        let within = |chunk: &Arc<Chunk>| (chunk.offset..chunk.offset + chunk.rows).contains(&row);
        self.state.borrow().chunks.iter().position(within)
    }

    /// A batch as the engine sent it.
    pub(crate) fn batch(&self, part: &Part) -> Result<Batch, Fault> {
        Ok(Batch { rows: part.rows, stream: self.read(&part.at)? })
    }

    /// The record-batch messages of a batch as the engine sent them, if they can be sent alone.
    pub(crate) fn messages(&self, part: &Part) -> Result<Option<Bytes>, Fault> {
        part.messages.as_ref().map(|range| self.read(range)).transpose()
    }

    fn read(&self, range: &Range<u64>) -> Result<Bytes, Fault> {
        let mut bytes = vec![0; usize::try_from(range.end - range.start).map_err(Fault::internal)?];
        self.file.read_exact_at(&mut bytes, range.start).map_err(Fault::internal)?;
        Ok(Bytes::from(bytes))
    }
}

/// Where a batch stands whose stream is written at `position`.
fn part(batch: &Batch, position: u64) -> Result<Part, Fault> {
    let pieces = ipc::split(&batch.stream)?;
    let before = pieces.schema.len() as u64;
    let length: usize = pieces.batches.iter().map(|(message, _)| message.len()).sum();
    let messages = position + before..position + before + length as u64;
    Ok(Part {
        rows: batch.rows,
        at: position..position + batch.stream.len() as u64,
        messages: (!pieces.entangled).then_some(messages),
    })
}

fn raise(value: &mut usize, to: usize) -> bool {
    let raised = *value < to;
    *value = (*value).max(to);
    raised
}
