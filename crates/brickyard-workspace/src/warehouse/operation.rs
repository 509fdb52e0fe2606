mod rows;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use arrow_schema::SchemaRef;
use jiff::Timestamp;
use tokio::sync::{Semaphore, mpsc, watch};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use self::rows::{Item, Reader, WAITING};
use super::fault::Fault;
use super::link::Download;
use super::result::arrow::Native;

pub(crate) use self::rows::Taken;

/// A statement or catalog request from the moment it is sent until it is closed.
pub(crate) struct Operation {
    /// Id that clients see (`statement_id`, guid of the handle).
    pub(crate) id: Uuid,
    /// Second half of the Thrift handle.
    pub(crate) secret: Uuid,
    /// `TOperationType`.
    pub(crate) kind: i32,
    /// When it was sent.
    pub(crate) started: Timestamp,
    /// How a Thrift client takes the rows.
    pub(crate) format: Format,
    progress: watch::Sender<Progress>,
    cancellation: CancellationToken,
    finished: CancellationToken,
    reader: tokio::sync::Mutex<Reader>,
    queue: Mutex<Option<mpsc::UnboundedSender<Item>>>,
    room: Arc<Semaphore>,
    was_cut: AtomicBool,
    links: OnceLock<Result<Links, Fault>>,
}

/// The part of a result that a Thrift client has been given links to.
pub(crate) struct Links {
    pub(crate) download: Arc<Download>,
    /// The chunk that it gets next.
    pub(crate) next: tokio::sync::Mutex<usize>,
}

/// How a Thrift client takes rows.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Format {
    /// As Arrow messages; otherwise as columns of plain values.
    pub(crate) arrow: bool,
    /// Each message as an LZ4 frame.
    pub(crate) lz4: bool,
    /// Large results as links to files.
    pub(crate) links: bool,
    /// Types taken as Arrow.
    pub(crate) native: Native,
}

impl Format {
    /// Columns of plain values.
    pub(crate) const COLUMNS: Self = Self { arrow: false, lz4: false, links: false, native: Native::ALL };
}

/// How far an operation is.
#[derive(Debug, Clone)]
pub(crate) enum Progress {
    /// Waits for the warehouse.
    Pending,
    /// The engine works.
    Running,
    /// The rows are there, or as many of them as are kept waiting.
    Ready(Head),
    /// It failed.
    Failed(Fault),
    /// Somebody cancelled it.
    Canceled,
}

impl Progress {
    /// Whether it will not change by itself.
    pub(crate) fn is_settled(&self) -> bool {
        !matches!(self, Self::Pending | Self::Running)
    }
}

/// What is known of a result before its rows are read.
#[derive(Debug, Clone)]
pub(crate) struct Head {
    /// Columns, in the engine's types.
    pub(crate) schema: SchemaRef,
    /// Rows changed.
    pub(crate) modified: Option<i64>,
    /// Whether the client moves a file itself.
    pub(crate) staging: bool,
    /// Whether there are more rows than fit well into one answer.
    pub(crate) large: bool,
}

impl Operation {
    pub(crate) fn new(kind: i32, started: Timestamp, format: Format) -> Self {
        let (sender, receiver) = mpsc::unbounded_channel();
        Self {
            id: Uuid::new_v4(),
            secret: Uuid::new_v4(),
            kind,
            started,
            format,
            progress: watch::Sender::new(Progress::Pending),
            cancellation: CancellationToken::new(),
            finished: CancellationToken::new(),
            reader: tokio::sync::Mutex::new(Reader::of(receiver)),
            queue: Mutex::new(Some(sender)),
            room: Arc::new(Semaphore::new(WAITING)),
            was_cut: AtomicBool::new(false),
            links: OnceLock::new(),
        }
    }

    /// How far it is.
    pub(crate) fn progress(&self) -> Progress {
        self.progress.borrow().clone()
    }

    /// Waits until it is settled.
    pub(crate) async fn settled(&self) -> Progress {
        let mut progress = self.progress.subscribe();
        match progress.wait_for(Progress::is_settled).await {
            Ok(progress) => progress.clone(),
            Err(_) => Progress::Canceled,
        }
    }

    /// Ended by a client, a timeout or the end of its session.
    pub(crate) fn cancellation(&self) -> &CancellationToken {
        &self.cancellation
    }

    /// Set when the history has its end; only for what was submitted as a statement.
    pub(crate) fn finished(&self) -> &CancellationToken {
        &self.finished
    }

    /// Whether rows were left out because of the statement's row limit.
    pub(crate) fn was_cut(&self) -> bool {
        self.was_cut.load(Ordering::Relaxed)
    }

    /// Where the rows are that a Thrift client gets links to; `make` is called by the first who asks.
    pub(crate) fn links(&self, make: impl FnOnce() -> Result<Arc<Download>, Fault>) -> Result<&Links, Fault> {
        let links = || Ok(Links { download: make()?, next: tokio::sync::Mutex::default() });
        self.links.get_or_init(links).as_ref().map_err(Clone::clone)
    }

    /// The engine begins.
    pub(crate) fn begin(&self) {
        self.progress.send_replace(Progress::Running);
    }

    /// It will give no rows; a settled one stays as it is, its reader learns the fault.
    pub(crate) fn fail(&self, fault: Fault) {
        let canceled = fault.class == "OPERATION_CANCELED";
        if let Some(queue) = self.take_queue() {
            let _ = queue.send(Err(fault.clone())); // nobody may be reading
        }
        self.progress.send_if_modified(|progress| {
            if matches!(progress, Progress::Ready(_)) && !canceled || matches!(progress, Progress::Failed(_))
            {
                return false;
            }
            *progress = if canceled { Progress::Canceled } else { Progress::Failed(fault) };
            true
        });
    }

    fn take_queue(&self) -> Option<mpsc::UnboundedSender<Item>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}
