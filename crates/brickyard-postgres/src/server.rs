mod note;
mod running;
mod sockets;

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::net::UnixStream;
use tokio::sync::OnceCell;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::account::{Account, AccountError};
use crate::client::{Client, ClientError};
use crate::installation::{Installation, SUPPORTED, Source, SourceError};
use crate::outside::Outside;
use crate::place::{self, PlaceError};
use crate::proxy::Password;
use crate::template::{self, SUPERUSER};
use crate::upstream::Upstream;
use running::Running;

/// Times a connection is tried again when the server went away under it.
const ATTEMPTS: usize = 3;

/// Lines of the server's log that are kept to explain a failure.
const KEPT_LINES: usize = 40;

/// What a server needs to know.
#[derive(Clone)]
pub struct ServerConfig {
    /// Where the programs come from.
    pub source: Arc<dyn Source>,
    /// Data directory; made at first start. When brickyard is root and the server's account cannot reach it, a directory
    /// below `/var/lib/brickyard` stands in for it.
    pub data: PathBuf,
    /// Cache directory, which keeps a freshly initialised data directory to copy from.
    pub cache: PathBuf,
    /// Directory for sockets, such as `/tmp`; short, since a socket's path may have about 100 bytes.
    pub sockets: PathBuf,
    /// Words before the server's command, so that the server ends when we die.
    pub warden: Vec<String>,
    /// Sessions the server allows beside ours.
    pub max_connections: u32,
    /// A server that somebody else runs, in place of one of ours; nothing of it is started, stopped or copied.
    pub outside: Option<Outside>,
    /// Further settings, such as `timezone`.
    pub settings: Vec<(String, String)>,
    /// Owner of the tasks.
    pub tracker: TaskTracker,
    /// Stops the server when cancelled.
    pub cancellation: CancellationToken,
}

/// What a server is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServerState {
    /// No process; the next connection starts it.
    Stopped,
    /// A process that does not answer yet.
    Starting,
    /// Ready for connections.
    Running,
}

/// Why a server does not run.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// No programs.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The account to run as.
    #[error(transparent)]
    Account(#[from] AccountError),
    /// A directory.
    #[error(transparent)]
    Place(#[from] PlaceError),
    /// The data directory.
    #[error("Cannot prepare the data directory `{}`", path.display())]
    Data {
        /// The data directory.
        path: PathBuf,
        /// The system's answer.
        source: std::io::Error,
    },
    /// The data directory is of another major version.
    #[error("The data in `{}` was made by PostgreSQL {found}, but the server is PostgreSQL {wanted}", path.display())]
    Version {
        /// The data directory.
        path: PathBuf,
        /// Version of the data.
        found: String,
        /// Version of the programs.
        wanted: u32,
    },
    /// A program does not start.
    #[error("Cannot run `{}`", program.display())]
    Spawn {
        /// The program.
        program: PathBuf,
        /// The system's answer.
        source: std::io::Error,
    },
    /// `initdb` failed.
    #[error("PostgreSQL's `initdb` failed: {told}")]
    Initdb {
        /// What it wrote.
        told: String,
    },
    /// The server ended or did not become ready.
    #[error("PostgreSQL did not start: {told}")]
    Start {
        /// The end of its log.
        told: String,
    },
    /// No safe directory for the socket.
    #[error("No private directory for the socket could be made in `{}`", path.display())]
    Socket {
        /// Where it was tried.
        path: PathBuf,
    },
    /// A connection failed.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The outside server.
    #[error("The PostgreSQL at `{address}` cannot be reached")]
    Unreachable {
        /// Where it is.
        address: String,
        /// The system's answer.
        source: std::io::Error,
    },
    /// Too old or too new an outside server.
    #[error(
        "The PostgreSQL at `{address}` is {version}, and only {} to {} are supported",
        SUPPORTED.start(), SUPPORTED.end()
    )]
    Unsupported {
        /// Where it is.
        address: String,
        /// Its version.
        version: String,
    },
    /// Something that only a server of ours can do.
    #[error("An outside PostgreSQL is not {what}")]
    NotOurs {
        /// What was asked for, such as `copied`.
        what: &'static str,
    },
    /// brickyard is stopping.
    #[error("The server is being stopped")]
    Stopping,
}

/// A PostgreSQL server of ours: started when first needed, started again after a crash, stopped with us. Clones are the
/// same server.
///
/// It listens on a unix socket in a private directory and on nothing else, and trusts whoever reaches that socket.
#[derive(Clone)]
pub struct Server {
    inner: Arc<Inner>,
}

struct Inner {
    config: ServerConfig,
    installation: OnceCell<Installation>,
    running: tokio::sync::Mutex<Option<Running>>,
    state: Mutex<ServerState>,
    generation: Arc<AtomicU64>,
    log: Arc<Log>,
}

/// The last lines of the server's log.
#[derive(Default)]
pub(crate) struct Log {
    lines: Mutex<VecDeque<String>>,
}

impl Log {
    pub(crate) fn push(&self, line: String) {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.len() == KEPT_LINES {
            lines.pop_front();
        }
        lines.push_back(line);
    }

    pub(crate) fn tell(&self) -> String {
        let lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        let start = lines.len().saturating_sub(8);
        lines.range(start..).cloned().collect::<Vec<_>>().join("; ")
    }
}

impl Server {
    /// A server that is not started yet.
    pub fn new(config: ServerConfig) -> Self {
        Self {
            inner: Arc::new(Inner {
                config,
                installation: OnceCell::new(),
                running: tokio::sync::Mutex::new(None),
                state: Mutex::new(ServerState::Stopped),
                generation: Arc::default(),
                log: Arc::default(),
            }),
        }
    }

    /// The server that somebody else runs, when this is not one of ours.
    pub fn outside(&self) -> Option<&Outside> {
        self.inner.config.outside.as_ref()
    }

    /// The programs it runs.
    pub async fn installation(&self) -> Result<&Installation, ServerError> {
        if self.outside().is_some() {
            return Err(ServerError::NotOurs { what: "run by brickyard" });
        }
        let source = &self.inner.config.source;
        let made_by = self.data()?.join("PG_VERSION");
        let major = std::fs::read_to_string(made_by).ok().and_then(|text| text.trim().parse().ok());
        Ok(self.inner.installation.get_or_try_init(|| source.installation(major)).await?)
    }

    /// The programs it runs, where they have been asked for already.
    pub fn known_installation(&self) -> Option<&Installation> {
        self.inner.installation.get()
    }

    /// What it is doing now.
    pub fn state(&self) -> ServerState {
        if self.outside().is_some() {
            return ServerState::Running;
        }
        *self.inner.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts it when it does not run; an outside one is left as it is.
    pub async fn start(&self) -> Result<(), ServerError> {
        if self.outside().is_some() {
            return Ok(());
        }
        self.socket().await.map(|_| ())
    }

    /// The path of its socket, once it runs.
    pub async fn socket(&self) -> Result<PathBuf, ServerError> {
        let mut running = self.inner.running.lock().await;
        if let Some(alive) = running.as_ref().filter(|running| running.is_alive()) {
            return Ok(alive.socket().to_path_buf());
        }
        if self.inner.config.cancellation.is_cancelled() {
            return Err(ServerError::Stopping);
        }
        *running = None;
        self.set_state(ServerState::Starting);
        let started = self.launch().await;
        self.set_state(if started.is_ok() { ServerState::Running } else { ServerState::Stopped });
        let started = started?;
        let socket = started.socket().to_path_buf();
        *running = Some(started);
        Ok(socket)
    }

    /// Opens a raw connection, starting the server when it does not run.
    pub async fn connect(&self) -> Result<Upstream, ServerError> {
        if let Some(outside) = self.outside() {
            let connected = outside.connect().await;
            return connected
                .map_err(|source| ServerError::Unreachable { address: outside.address(), source });
        }
        let mut attempt = 0;
        loop {
            let socket = self.socket().await?;
            match UnixStream::connect(&socket).await {
                Ok(stream) => return Ok(Upstream::Unix(stream)),
                Err(error) if attempt < ATTEMPTS => {
                    tracing::debug!(%error, "PostgreSQL went away: {error}");
                    attempt += 1;
                    self.await_end(Duration::from_secs(2)).await;
                }
                Err(error) => return Err(ServerError::Client(error.into())),
            }
        }
    }

    /// Opens a connection for administration as the superuser.
    pub async fn client(&self, database: &str) -> Result<Client, ServerError> {
        let Some(outside) = self.outside() else { return self.client_as(SUPERUSER, None, database).await };
        // Roles and databases are administered where the URL leads to.
        let database = if database == "postgres" { outside.database() } else { database };
        self.client_as(outside.user(), outside.password(), database).await
    }

    /// Opens a connection as some role, for whose password only an outside server asks.
    pub async fn client_as(
        &self,
        role: &str,
        password: Option<&Password>,
        database: &str,
    ) -> Result<Client, ServerError> {
        let client = Client::log_in(self.connect().await?, role, password, database).await?;
        Ok(client.counting(Arc::clone(&self.inner.generation)))
    }

    /// Counts what may have changed how new sessions begin: sessions opened at another count are of another kind.
    pub(crate) fn generation(&self) -> u64 {
        self.inner.generation.load(Ordering::Relaxed)
    }

    /// The count itself, for whoever sees such a change.
    pub(crate) fn generations(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.inner.generation)
    }

    /// Stops it: sessions are ended, transactions that are not committed rolled back.
    pub async fn stop(&self) {
        let mut running = self.inner.running.lock().await;
        if let Some(alive) = running.take() {
            alive.stop().await;
        }
        self.set_state(ServerState::Stopped);
    }

    /// Stops it and removes its data.
    pub async fn destroy(&self) -> Result<(), ServerError> {
        if self.outside().is_some() {
            return Ok(()); // its data is not ours to remove
        }
        let mut running = self.inner.running.lock().await;
        if let Some(alive) = running.take() {
            alive.stop().await;
        }
        self.set_state(ServerState::Stopped);
        let data = self.data()?;
        let failed = |source| ServerError::Data { path: data.clone(), source };
        let (path, history) = (data.clone(), self.history()?);
        let work = move || {
            if history.exists() {
                std::fs::remove_dir_all(history)?;
            }
            place::remove(&path)
        };
        tokio::task::spawn_blocking(work)
            .await
            .unwrap_or_else(|error| Err(std::io::Error::other(error)))
            .map_err(failed)
    }

    /// Whether the data directory has been made.
    pub fn exists(&self) -> bool {
        self.data().is_ok_and(|data| data.join("PG_VERSION").is_file())
    }

    /// The directory that really holds the data.
    pub(crate) fn data(&self) -> Result<PathBuf, ServerError> {
        let account = Account::needed()?;
        Ok(place::data(&self.inner.config.data, account.as_ref())?)
    }

    fn set_state(&self, state: ServerState) {
        *self.inner.state.lock().unwrap_or_else(PoisonError::into_inner) = state;
    }

    async fn await_end(&self, patience: Duration) {
        let running = self.inner.running.lock().await;
        if let Some(running) = running.as_ref() {
            let _ = tokio::time::timeout(patience, running.ended()).await;
        }
    }

    async fn launch(&self) -> Result<Running, ServerError> {
        let config = &self.inner.config;
        let account = Account::needed()?;
        let data = place::data(&config.data, account.as_ref())?;
        let installation = self.installation().await?;
        let programs = place::programs(&installation.directory, account.as_ref())?;
        if !data.join("PG_VERSION").is_file() {
            template::materialize(installation, &programs, &config.cache, account.as_ref(), &data).await?;
        }
        check_version(&data, installation.major)?;
        crate::stale::recover(&data).await;
        Running::launch(config, &programs, account.as_ref(), &data, &self.inner.log).await
    }
}

fn check_version(data: &Path, wanted: u32) -> Result<(), ServerError> {
    let path = data.join("PG_VERSION");
    let found = std::fs::read_to_string(&path)
        .map_err(|source| ServerError::Data { path: data.to_path_buf(), source })?;
    if found.trim() == wanted.to_string() {
        return Ok(());
    }
    Err(ServerError::Version { path: data.to_path_buf(), found: found.trim().to_owned(), wanted })
}
