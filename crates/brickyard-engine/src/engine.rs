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

/// Time within which a child whose connection broke is seen dead.
const DEATH: Duration = Duration::from_secs(2);

/// A running SQL engine. A child that dies is started again by the next statement; dropping the engine ends the child.
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
    Child { config: ChildConfig, running: Mutex<Running> },
    Remote(Endpoint),
}

/// The present child, and how many there have been.
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
                Source::Child { config, running: Mutex::new(Running { generation: 0, child: None }) }
            }
            EngineConfig::Remote { url } => Source::Remote(Endpoint::parse(&url)?),
        };
        let stop = CancellationToken::new();
        let inner = Arc::new(Inner { source, tracker: TaskTracker::new(), stop: stop.clone() });
        let engine = Self { inner, _stop: stop.drop_guard() };
        let life = engine.inner.life().await?;
        if life.child.is_none() {
            Client::connect(&life.endpoint).await?;
        }
        Ok(engine)
    }

    /// Opens a session.
    pub async fn open(&self, spec: SessionSpec) -> Result<Session, EngineError> {
        Session::open(Arc::clone(&self.inner), spec).await
    }

    /// Process id of the child, for figures and tests; `None` for a remote engine or a dead child.
    pub async fn process(&self) -> Option<u32> {
        match &self.inner.source {
            Source::Child { running, .. } => running
                .lock()
                .await
                .child
                .as_ref()
                .filter(|child| !child.has_exited())
                .map(|child| child.process),
            Source::Remote(_) => None,
        }
    }

    /// Ends the child: softly, then hard. Statements that run fail.
    pub async fn stop(self) {
        self.inner.stop.cancel();
        self.inner.tracker.close();
        self.inner.tracker.wait().await;
    }
}

impl Inner {
    /// The present life of the engine; a dead child is replaced first.
    pub(crate) async fn life(&self) -> Result<Life, EngineError> {
        let (config, running) = match &self.source {
            Source::Remote(endpoint) => {
                return Ok(Life { generation: 0, endpoint: endpoint.clone(), child: None });
            }
            Source::Child { config, running } => (config, running),
        };
        let mut running = running.lock().await;
        let child = match running.child.clone().filter(|child| !child.has_exited()) {
            Some(child) => child,
            None if self.stop.is_cancelled() => {
                return Err(EngineError::unavailable("The SQL engine has been stopped"));
            }
            None => {
                let child = Arc::new(Child::start(config, &self.tracker, self.stop.child_token()).await?);
                running.generation += 1;
                running.child = Some(Arc::clone(&child));
                child
            }
        };
        let endpoint = Endpoint::local(child.address);
        Ok(Life { generation: running.generation, endpoint, child: Some(child) })
    }

    /// Configuration every session of our own child starts with.
    pub(crate) fn defaults(&self) -> Vec<(String, String)> {
        let Source::Child { config, .. } = &self.source else { return Vec::new() };
        let warehouse = config.warehouse_directory.to_string_lossy().into_owned();
        vec![
            ("spark.sql.warehouse.dir".to_owned(), warehouse),
            ("spark.sql.sources.default".to_owned(), "delta".to_owned()),
            ("spark.sql.session.timeZone".to_owned(), "UTC".to_owned()),
            // Sail decides by the client's name what it takes for granted.
            ("spark.sql.ansi.enabled".to_owned(), "true".to_owned()),
        ]
    }
}

impl Life {
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
