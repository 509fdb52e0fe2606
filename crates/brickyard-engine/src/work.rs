use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use tokio::sync::Notify;

/// The statements of one child: how many run, and whether one that does not may run on.
#[derive(Debug, Clone, Default)]
pub(crate) struct Work(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    running: AtomicUsize,
    begun: AtomicU64,
    suspicion: Notify,
}

/// A statement that runs; it is over when this is dropped.
#[derive(Debug)]
pub(crate) struct Statement(Work);

impl Work {
    /// A statement begins.
    pub(crate) fn begin(&self) -> Statement {
        self.0.running.fetch_add(1, Ordering::SeqCst);
        self.0.begun.fetch_add(1, Ordering::SeqCst);
        Statement(self.clone())
    }

    /// Number of statements begun so far.
    pub(crate) fn seen(&self) -> u64 {
        self.0.begun.load(Ordering::SeqCst)
    }

    /// Whether no statement runs.
    pub(crate) fn is_none(&self) -> bool {
        self.0.running.load(Ordering::SeqCst) == 0
    }

    /// A statement was cancelled.
    pub(crate) fn suspect(&self) {
        self.0.suspicion.notify_one();
    }

    /// Waits for a statement to be cancelled.
    pub(crate) async fn suspected(&self) {
        self.0.suspicion.notified().await;
    }
}

impl Drop for Statement {
    fn drop(&mut self) {
        self.0.0.running.fetch_sub(1, Ordering::SeqCst);
    }
}
