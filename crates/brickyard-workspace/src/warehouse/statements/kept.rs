use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use uuid::Uuid;

use crate::warehouse::fault::Fault;
use crate::warehouse::link::Download;
use crate::warehouse::operation::{Operation, Progress};
use crate::warehouse::result::arrow::Native;
use crate::warehouse::result::file::{Layout, Rendering};
use crate::warehouse::session::Session;
use crate::warehouse::spool::{Cut, Spool};
use crate::workspace::Workspace;

/// How results are cut: all of one is on disk before its client is told of it.
const CUT: Cut = Cut { rows: 200_000, bytes: 8 * 1024 * 1024, lead: usize::MAX };

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

impl Wish {
    /// Rows as JSON, in the answer itself.
    pub(crate) fn inline() -> Self {
        Self { format: Layout::JsonArray, links: false, lz4: false, row_limit: None, byte_limit: None }
    }
}

/// A whole result.
pub(crate) struct Stored {
    pub(crate) download: Arc<Download>,
    pub(crate) truncated: bool,
    pub(crate) staging: bool,
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

    /// Ends what runs on a warehouse.
    pub(crate) fn end(&self, warehouse: &str) {
        let statements = self.lock();
        let running = statements.values().filter(|kept| kept.session.warehouse == warehouse);
        for kept in running.filter(|kept| !kept.operation.progress().is_settled()) {
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
    pub(crate) async fn stored(&self, workspace: &Workspace) -> Result<&Stored, Fault> {
        let stored = self.stored.get_or_init(|| async {
            tokio::select! {
                biased;
                () = self.operation.cancellation().cancelled() => {
                    // The history knows it before the client does.
                    self.operation.finished().cancelled().await;
                    Err(Fault::canceled())
                }
                stored = self.store(workspace) => stored,
            }
        });
        stored.await.as_ref().map_err(Clone::clone)
    }

    /// The result, if it is there.
    pub(crate) fn ready(&self) -> Option<&Result<Stored, Fault>> {
        self.stored.get()
    }

    async fn store(&self, workspace: &Workspace) -> Result<Stored, Fault> {
        let head = match self.operation.settled().await {
            Progress::Ready(head) => head,
            Progress::Failed(fault) => return Err(fault),
            _ => return Err(Fault::canceled()),
        };
        let spool = Spool::new(&workspace.config().state_directory)?;
        spool.fill(&self.operation, CUT, self.wish.byte_limit).await;
        let cut = spool.ended().await?;
        let truncated = cut || self.operation.was_cut();
        let (layout, lz4) = (self.wish.format, self.wish.lz4);
        let rendering = Rendering { schema: head.schema, layout, lz4, native: Native::ALL };
        let download = Arc::new(Download { spool, rendering });
        if self.wish.links {
            workspace.warehouses().downloads().add(self.operation.id, &download);
        }
        Ok(Stored { download, truncated, staging: head.staging })
    }
}

impl Stored {
    /// Rows in all chunks.
    pub(crate) fn rows(&self) -> u64 {
        self.download.spool.chunks().iter().map(|chunk| chunk.rows).sum()
    }

    /// Bytes in all chunks.
    pub(crate) fn bytes(&self) -> u64 {
        self.download.spool.chunks().iter().map(|chunk| chunk.bytes).sum()
    }
}
