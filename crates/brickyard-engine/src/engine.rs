use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

use crate::child::Child;
use crate::config::{ChildConfig, EngineConfig};
use crate::connect::Client;
use crate::endpoint::Endpoint;
use crate::error::EngineError;
use crate::session::{Session, SessionSpec};
use crate::swollen;
use crate::work::Statement;

/// Catalog slots that share a child.
pub(crate) const SLOTS_PER_CHILD: usize = 3;

/// Time within which a child whose connection broke is seen dead.
const DEATH: Duration = Duration::from_secs(2);

/// A running SQL engine. A child that dies is started again by the next statement; dropping the engine ends its children.
///
/// There is one child for every few catalog slots ([`SLOTS_PER_CHILD`]), started when a slot of it is first used: each
/// catalog a child knows makes the opening of every session slower by 3 ms and larger by 130 KiB.
pub struct Engine {
    inner: Arc<Inner>,
    _stop: DropGuard,
}

/// What the sessions of an engine share.
pub(crate) struct Inner {
    source: Source,
    tracker: TaskTracker,
    stop: CancellationToken,
}

enum Source {
    /// The child of slots 0 to 2, of slots 3 to 5, …
    Children {
        config: ChildConfig,
        running: Vec<Mutex<Running>>,
    },
    Remote(Endpoint),
}

/// The present child of a group of slots, and how many there have been.
#[derive(Default)]
struct Running {
    generation: u64,
    child: Option<Arc<Child>>,
}

/// One life of the engine.
#[derive(Clone)]
pub(crate) struct Life {
    /// Counts the engine's starts: sessions of an earlier life are gone.
    pub(crate) generation: u64,
    pub(crate) endpoint: Endpoint,
    child: Option<Arc<Child>>,
}

impl Engine {
    /// Starts the child and waits until it listens, or reaches the remote endpoint once.
    pub async fn start(config: EngineConfig) -> Result<Self, EngineError> {
        let source = match config {
            EngineConfig::Child(config) => {
                let children = config.catalog_tokens.len().div_ceil(SLOTS_PER_CHILD).max(1);
                Source::Children { config, running: (0..children).map(|_| Mutex::default()).collect() }
            }
            EngineConfig::Remote { url } => Source::Remote(Endpoint::parse(&url)?),
        };
        let stop = CancellationToken::new();
        let inner = Arc::new(Inner { source, tracker: TaskTracker::new(), stop: stop.clone() });
        let engine = Self { inner, _stop: stop.drop_guard() };
        let life = engine.inner.life(0).await?;
        if life.child.is_none() {
            Client::connect(&life.endpoint).await?;
        }
        Ok(engine)
    }

    /// Opens a session.
    pub async fn open(&self, spec: SessionSpec) -> Result<Session, EngineError> {
        Session::open(Arc::clone(&self.inner), spec).await
    }

    /// Process ids of the children that live, for figures and tests; none for a remote engine.
    pub async fn processes(&self) -> Vec<u32> {
        let Source::Children { running, .. } = &self.inner.source else { return Vec::new() };
        let mut processes = Vec::new();
        for child in running {
            let child = child.lock().await.child.clone();
            processes.extend(child.filter(|child| !child.has_exited()).map(|child| child.process));
        }
        processes
    }

    /// Ends the children: softly, then hard. Statements that run fail.
    pub async fn stop(&self) {
        self.inner.stop.cancel();
        self.inner.tracker.close();
        self.inner.tracker.wait().await;
    }
}

impl Inner {
    /// The present life of the child that has this slot; one that is dead, or was never needed, is started first.
    pub(crate) async fn life(&self, slot: usize) -> Result<Life, EngineError> {
        let (config, running) = match &self.source {
            Source::Remote(endpoint) => {
                return Ok(Life { generation: 0, endpoint: endpoint.clone(), child: None });
            }
            Source::Children { config, running } => (config, running),
        };
        let group = slot / SLOTS_PER_CHILD;
        let running =
            running.get(group).ok_or_else(|| EngineError::internal("There is no such catalog slot"))?;
        let mut running = running.lock().await;
        if let Some(spent) = running.child.take_if(|child| child.is_spent()) {
            self.tracker.spawn(swollen::retire((*spent).clone(), self.stop.clone()));
        }
        let child = match running.child.clone().filter(|child| !child.has_exited()) {
            Some(child) => child,
            None if self.stop.is_cancelled() => {
                return Err(EngineError::unavailable("The SQL engine has been stopped"));
            }
            None => {
                let child =
                    Arc::new(Child::start(config, group, &self.tracker, self.stop.child_token()).await?);
                running.generation += 1;
                running.child = Some(Arc::clone(&child));
                child
            }
        };
        let endpoint = Endpoint::local(child.address);
        Ok(Life { generation: running.generation, endpoint, child: Some(child) })
    }

    /// Configuration every session starts with.
    pub(crate) fn defaults(&self) -> Vec<(String, String)> {
        let mut defaults = vec![
            ("spark.sql.session.timeZone".to_owned(), "Etc/UTC".to_owned()),
            // Sail decides by the client's name what it takes for granted.
            ("spark.sql.ansi.enabled".to_owned(), "true".to_owned()),
        ];
        if let Source::Children { config, .. } = &self.source {
            let warehouse = config.warehouse_directory.to_string_lossy().into_owned();
            defaults.push(("spark.sql.warehouse.dir".to_owned(), warehouse));
            defaults.push(("spark.sql.sources.default".to_owned(), "delta".to_owned()));
        }
        defaults
    }
}

impl Life {
    /// Whether its sessions have a catalog slot each.
    pub(crate) fn has_slots(&self) -> bool {
        self.child.is_some()
    }

    /// A statement begins in the child.
    pub(crate) fn begin(&self) -> Option<Statement> {
        self.child.as_ref().map(|child| child.work().begin())
    }

    /// A statement was cancelled; should it go on, the child is ended.
    pub(crate) fn suspect(&self) {
        if let Some(child) = &self.child {
            child.work().suspect();
        }
    }

    /// Whether the child of this life has ended.
    pub(crate) fn is_over(&self) -> bool {
        self.child.as_ref().is_some_and(|child| child.has_exited())
    }

    /// Why a call failed: what the engine said, or that it died, which makes the statement worth sending again.
    pub(crate) async fn explain(&self, status: &tonic::Status) -> EngineError {
        if std::error::Error::source(status).is_none() && status.code() != tonic::Code::Unavailable {
            return EngineError::from_message(status.message());
        }
        match &self.child {
            Some(child) if child.exits_within(DEATH).await => {
                tracing::warn!("The SQL engine died under a statement: {}", child.last_words());
                EngineError::unavailable(
                    "The SQL engine ended while the statement ran; it will be started again",
                )
            }
            Some(_) => EngineError::internal("The SQL engine broke off the statement"),
            None => EngineError::unavailable(&format!("The SQL engine broke off: {}", status.message())),
        }
    }
}
