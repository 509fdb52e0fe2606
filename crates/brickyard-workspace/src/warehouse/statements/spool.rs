use std::collections::HashMap;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arrow_schema::SchemaRef;
use brickyard_engine::Batch;
use bytes::Bytes;
use uuid::Uuid;

use crate::warehouse::fault::Fault;
use crate::warehouse::operation::Operation;
use crate::warehouse::session::Session;

/// Rows of one chunk at most.
const CHUNK_ROWS: usize = 200_000;

/// Bytes of one chunk, as the engine sent them.
const CHUNK_BYTES: usize = 8 * 1024 * 1024;

/// Statements that are remembered; the oldest finished ones are forgotten first.
const MOST: usize = 1000;

/// Milliseconds after which a result is forgotten.
const KEPT: i64 = 3600 * 1000;

/// Statements of the Statement Execution API, with their results.
#[derive(Default)]
pub(crate) struct Results {
    statements: Mutex<HashMap<Uuid, Arc<Kept>>>,
}

/// One statement.
pub(crate) struct Kept {
    pub(crate) operation: Arc<Operation>,
    pub(crate) session: Arc<Session>,
    pub(crate) wish: Wish,
    /// When it was sent, in milliseconds.
    pub(crate) started: i64,
    stored: tokio::sync::OnceCell<Result<Stored, Fault>>,
}

/// How its client wants the result.
#[derive(Debug, Clone)]
pub(crate) struct Wish {
    pub(crate) format: Layout,
    pub(crate) links: bool,
    pub(crate) lz4: bool,
    pub(crate) row_limit: Option<u64>,
    pub(crate) byte_limit: Option<u64>,
}

/// Formats of a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Layout {
    JsonArray,
    ArrowStream,
    Csv,
}

/// A result on disk: batches one after the other, grouped in chunks.
pub(crate) struct Stored {
    pub(crate) schema: SchemaRef,
    pub(crate) chunks: Vec<Chunk>,
    pub(crate) truncated: bool,
    pub(crate) staging: bool,
    file: File,
}

/// A part of a result.
#[derive(Debug, Clone, Default)]
pub(crate) struct Chunk {
    pub(crate) offset: u64,
    pub(crate) rows: u64,
    pub(crate) bytes: u64,
    parts: Vec<(u64, usize, usize)>,
}

impl Results {
    /// Remembers a statement.
    pub(crate) fn add(&self, kept: Arc<Kept>, now: i64) {
        let mut statements = self.lock();
        statements.retain(|_, kept| now - kept.started < KEPT || !kept.operation.progress().is_settled());
        while statements.len() >= MOST {
            let oldest = statements.values().min_by_key(|kept| kept.started).map(|kept| kept.operation.id);
            let Some(oldest) = oldest else { break };
            if let Some(kept) = statements.remove(&oldest) {
                kept.operation.cancellation().cancel();
            }
        }
        statements.insert(kept.operation.id, kept);
    }

    /// A statement by id, whoever sent it.
    pub(crate) fn get(&self, id: Uuid) -> Option<Arc<Kept>> {
        self.lock().get(&id).cloned()
    }

    /// Forgets a statement and ends it.
    pub(crate) fn remove(&self, id: Uuid) {
        if let Some(kept) = self.lock().remove(&id) {
            kept.operation.cancellation().cancel();
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Uuid, Arc<Kept>>> {
        self.statements.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    pub(crate) fn new(operation: Arc<Operation>, session: Arc<Session>, wish: Wish, started: i64) -> Self {
        Self { operation, session, wish, started, stored: tokio::sync::OnceCell::new() }
    }

    /// The whole result, on disk; waits for the statement. Who asks first makes it, the others wait.
    pub(crate) async fn stored(&self) -> Result<&Stored, Fault> {
        let stored = self.stored.get_or_init(|| async {
            let store = store(&self.operation, self.wish.row_limit, self.wish.byte_limit);
            tokio::select! {
                biased;
                () = self.operation.cancellation().cancelled() => Err(Fault::canceled()),
                stored = store => stored,
            }
        });
        stored.await.as_ref().map_err(Clone::clone)
    }

    /// The result, if it is there.
    pub(crate) fn ready(&self) -> Option<&Result<Stored, Fault>> {
        self.stored.get()
    }
}

async fn store(
    operation: &Operation,
    row_limit: Option<u64>,
    byte_limit: Option<u64>,
) -> Result<Stored, Fault> {
    use crate::warehouse::operation::Progress;
    let head = match operation.settled().await {
        Progress::Ready(head) => head,
        Progress::Failed(fault) => return Err(fault),
        _ => return Err(Fault::canceled()),
    };
    let file = tempfile::tempfile().map_err(Fault::internal)?;
    let mut stored =
        Stored { schema: head.schema, chunks: Vec::new(), truncated: false, staging: head.staging, file };
    let (mut position, mut rows) = (0_u64, 0_u64);
    loop {
        let taken = operation.take(CHUNK_ROWS, CHUNK_BYTES).await?;
        let mut chunk = Chunk { offset: rows, ..Chunk::default() };
        for batch in taken.batches {
            if byte_limit.is_some_and(|limit| position + batch.stream.len() as u64 > limit && rows > 0) {
                stored.truncated = true;
                break;
            }
            stored.file.write_all_at(&batch.stream, position).map_err(Fault::internal)?;
            chunk.parts.push((position, batch.stream.len(), batch.rows));
            position += batch.stream.len() as u64;
            chunk.bytes += batch.stream.len() as u64;
            chunk.rows += batch.rows as u64;
            rows += batch.rows as u64;
        }
        if chunk.rows > 0 {
            stored.chunks.push(chunk);
        }
        if !taken.more || stored.truncated {
            break;
        }
    }
    if row_limit.is_some_and(|limit| rows >= limit) {
        stored.truncated |= operation.was_cut();
    }
    Ok(stored)
}

impl Stored {
    /// Rows in all chunks.
    pub(crate) fn rows(&self) -> u64 {
        self.chunks.iter().map(|chunk| chunk.rows).sum()
    }

    /// Bytes in all chunks.
    pub(crate) fn bytes(&self) -> u64 {
        self.chunks.iter().map(|chunk| chunk.bytes).sum()
    }

    /// The batches of a chunk.
    pub(crate) fn batches(&self, chunk: usize) -> Result<Vec<Batch>, Fault> {
        let Some(chunk) = self.chunks.get(chunk) else { return Ok(Vec::new()) };
        let parts = chunk.parts.iter().map(|&(position, length, rows)| {
            let mut bytes = vec![0; length];
            self.file.read_exact_at(&mut bytes, position).map_err(Fault::internal)?;
            Ok(Batch { rows, stream: Bytes::from(bytes) })
        });
        parts.collect()
    }
}
