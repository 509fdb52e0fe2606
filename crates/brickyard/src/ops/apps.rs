//! Apps as processes of this machine: built, started, watched and served; what stands behind the Apps API and `run`.

mod authority;
mod host;
mod plan;
mod port;
mod version;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};

use brickyard_runner::ingress::{AppConfig, Ingress, IngressConfig, Port, Served, SignIn};
use brickyard_runner::logs::{LogFile, Logs};
use brickyard_runner::supervisor::{State, Status};
use brickyard_runner::tools::Tools;
use brickyard_runner::warden::Limits;
use brickyard_workspace::{Clock, WorkspaceHandle};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::failure::Failure;
use crate::settings::Settings;
use authority::WorkspaceAuthority;
pub(crate) use plan::{Plan, build, build_failure};
pub(crate) use port::{Claims, PLATFORM_PORT, PortPolicy};
pub(crate) use version::Version;

/// First port tried for an app's address.
pub(crate) const FIRST_PORT: u16 = 8001;

/// All apps of this process.
pub(crate) struct LocalApps {
    settings: Settings,
    tools: Arc<Tools>,
    ingress: Arc<Ingress>,
    state_directory: PathBuf,
    clock: Clock,
    workspace: OnceLock<Weak<WorkspaceHandle>>,
    apps: Mutex<BTreeMap<String, Arc<LocalApp>>>,
    /// Whether the system lets apps have networks of their own, once somebody asked.
    networks: tokio::sync::OnceCell<bool>,
}

/// One app: its log, its address, and the version that runs.
pub(crate) struct LocalApp {
    pub(crate) logs: Logs,
    /// Where it stands, whichever version runs.
    status: watch::Sender<Status>,
    served: OnceLock<Served>,
    told: Told,
    /// Its name on the network of the workspace.
    host_name: Option<String>,
    /// Versions that end once their last requests are answered.
    retiring: TaskTracker,
    /// Ends that wait.
    hurry: Mutex<CancellationToken>,
    /// Held while a version is deployed.
    current: tokio::sync::Mutex<Option<Version>>,
}

/// How an app is reached and who signs in.
#[derive(Debug, Clone)]
pub(crate) struct Door {
    /// Port of its address.
    pub(crate) port: Port,
    /// Who a browser without a session is.
    pub(crate) sign_in: SignIn,
    /// Which of its addresses the app is told.
    pub(crate) told: Told,
}

/// Which address `DATABRICKS_APP_URL` holds: the one its visitors have signed in at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Told {
    /// `http://localhost:PORT`.
    Port,
    /// `http://APP.localhost:PORT`, the one that deployed apps are shown with.
    Name,
    /// The one it would have: it is not started.
    Would,
}

impl Door {
    /// A door nobody uses: the app is not started.
    pub(crate) fn closed() -> Self {
        Self { port: Port::Exactly(0), told: Told::Would, ..Self::default() }
    }
}

impl Default for Door {
    fn default() -> Self {
        Self { port: Port::From(FIRST_PORT), sign_in: SignIn::Browser, told: Told::Name }
    }
}

impl LocalApps {
    pub(crate) async fn start(
        settings: &Settings,
        tools: Arc<Tools>,
        state_directory: &Path,
        clock: Clock,
        ingress: IngressConfig,
    ) -> Result<Self, Failure> {
        let ingress = Ingress::start(ingress)
            .await
            .map_err(|error| Failure::machine("Cannot listen for browsers").because(error))?;
        Ok(Self {
            settings: settings.clone(),
            tools,
            ingress: Arc::new(ingress),
            state_directory: state_directory.to_path_buf(),
            clock,
            workspace: OnceLock::new(),
            apps: Mutex::default(),
            networks: tokio::sync::OnceCell::new(),
        })
    }

    /// Tells the apps which workspace they belong to; called once, right after it has started.
    pub(crate) fn attach(&self, handle: &Arc<WorkspaceHandle>) {
        let _ = self.workspace.set(Arc::downgrade(handle));
    }

    /// The workspace, while it runs.
    fn workspace(&self) -> Option<Arc<WorkspaceHandle>> {
        self.workspace.get()?.upgrade()
    }

    /// The app of this name, if it was ever opened in this process.
    pub(crate) fn find(&self, name: &str) -> Option<Arc<LocalApp>> {
        self.apps.lock().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    /// The app of this name with its log and its address, made at first use.
    pub(crate) async fn open(&self, name: &str, door: Door) -> Result<Arc<LocalApp>, Failure> {
        if let Some(app) = self.find(name) {
            return Ok(app);
        }
        let folder = self.state_directory.join("logs");
        let file = std::fs::create_dir_all(&folder)
            .and_then(|()| LogFile::open(folder.join(format!("{name}.log"))))
            .map_err(|error| Failure::machine(format!("Cannot write the log of `{name}`")).because(error))?;
        let clock = self.clock.clone();
        let logs = Logs::new(
            Arc::new(move || {
                std::time::UNIX_EPOCH
                    + std::time::Duration::from_millis(clock.unix_milliseconds().unsigned_abs())
            }),
            Some(file),
        );
        let limits = Limits { cpus: None, memory_bytes: None };
        let first = Status {
            state: State::Stopped,
            diagnosis: None,
            limits: limits.applied(),
            starts: 0,
            process: None,
        };
        let (status, receiver) = watch::channel(first);
        let workspace = self.workspace().ok_or_else(|| Failure::machine("The workspace has stopped"))?;
        // The app's own https name leads here too, for clients behind the workspace's proxy.
        let host_name = workspace.app_host_name(name).map_err(Failure::from)?;
        let app = Arc::new(LocalApp {
            logs: logs.clone(),
            status,
            served: OnceLock::new(),
            told: door.told,
            host_name: host_name.clone(),
            retiring: TaskTracker::new(),
            hurry: Mutex::default(),
            current: tokio::sync::Mutex::new(None),
        });
        let authority = Arc::new(WorkspaceAuthority::new(&workspace, name, self.clock.clone())?);
        let config = AppConfig {
            name: name.to_owned(),
            names: host_name.iter().cloned().collect(),
            port: door.port,
            status: receiver,
            logs,
            authority,
            sign_in: door.sign_in,
        };
        let served = self.ingress.serve(config).await.map_err(|error| {
            Failure::machine(format!("Cannot listen on {}", port::describe(door.port)))
                .because(error)
                .hint("stop the program that has the port, or name another one with `--port`")
        })?;
        workspace.set_app_addresses(name, &port::addresses(&served)).map_err(Failure::from)?;
        if let Some(host_name) = &host_name {
            workspace.route_name(host_name, SocketAddr::from(([127, 0, 0, 1], served.port)));
        }
        let _ = app.served.set(served);
        let mut apps = self.apps.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(Arc::clone(apps.entry(name.to_owned()).or_insert(app)))
    }

    /// Port of all apps under their names.
    pub(crate) fn named_port(&self) -> Option<u16> {
        self.ingress.named_port()
    }

    /// Ends every app: SIGTERM to all at once, 15 seconds, SIGKILL.
    pub(crate) async fn stop_all(&self) {
        let apps: Vec<Arc<LocalApp>> =
            self.apps.lock().unwrap_or_else(PoisonError::into_inner).values().cloned().collect();
        futures_util::future::join_all(apps.iter().map(|app| app.stop())).await;
    }
}

impl LocalApp {
    /// Where browsers find it; of an app that is not started, where they would.
    pub(crate) fn address(&self) -> String {
        match (self.told, self.served()) {
            (Told::Port, Some(served)) => served.url.clone(),
            (Told::Name, Some(served)) => served.named_url.as_ref().unwrap_or(&served.url).clone(),
            _ => format!("http://localhost:{FIRST_PORT}"),
        }
    }

    /// Where it is served.
    pub(crate) fn served(&self) -> Option<&Served> {
        self.served.get()
    }

    /// Where it stands, and every change of it.
    pub(crate) fn status(&self) -> watch::Receiver<Status> {
        self.status.subscribe()
    }

    /// Where versions tell how they stand.
    pub(crate) fn status_sender(&self) -> watch::Sender<Status> {
        self.status.clone()
    }

    /// Keeps the version that serves, so that stopping the app stops it.
    pub(crate) async fn keep(&self, version: Version) {
        *self.current.lock().await = Some(version);
    }

    /// Ends its process.
    pub(crate) async fn stop(&self) {
        std::mem::take(&mut *self.hurry.lock().unwrap_or_else(PoisonError::into_inner)).cancel();
        if let Some(version) = self.current.lock().await.take() {
            version.stop().await;
        }
        self.retiring.close();
        self.retiring.wait().await;
        self.retiring.reopen();
    }
}
