//! Runs one app under a warden, from start to end and again: an explicit state machine in one loop over the child's end, a
//! queue of commands, and changes of its files.

mod crash;
mod listeners;
mod machine;
mod output;
mod probe;
mod reload;
#[cfg(target_os = "linux")]
mod sock_diag;

pub use crash::Crash;

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;

use crate::logs::Logs;
use crate::network::Network;
use crate::tools::Variables;
use crate::warden::{GRACE, Limits, LimitsApplied};

/// How long an app may take until it listens, as on the platform (facts: platform §2.1).
pub const STARTUP_BUDGET: Duration = Duration::from_mins(10);

/// How an app is started.
#[derive(Clone)]
pub struct Launch {
    /// Program and arguments, without a shell; a bare program name is looked up in the `PATH` of `variables`.
    pub command: Vec<OsString>,
    /// All its environment variables.
    pub variables: Variables,
    /// Its working directory: the app's folder.
    pub directory: PathBuf,
    /// The port it has to listen on.
    pub port: u16,
}

impl std::fmt::Debug for Launch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The variables hold secrets.
        let Self { command, directory, port, .. } = self;
        let mut shown = f.debug_struct("Launch");
        shown
            .field("command", command)
            .field("directory", directory)
            .field("port", port)
            .finish_non_exhaustive()
    }
}

/// Works out anew how the app is started, after its files changed; an error is shown, and the app stays stopped.
pub type Prepare = Arc<dyn Fn() -> BoxFuture<'static, Result<Launch, String>> + Send + Sync>;

/// What a supervisor needs.
#[derive(Clone)]
pub struct SupervisorConfig {
    /// The first start.
    pub launch: Launch,
    /// Program and first arguments of a warden: `brickyard warden`.
    pub warden: Vec<OsString>,
    /// Between SIGTERM and SIGKILL.
    pub grace: Duration,
    /// How long the app may take until it listens.
    pub startup_budget: Duration,
    /// The limits of its compute size.
    pub limits: Limits,
    /// Where its output goes.
    pub logs: Logs,
    /// Restarts the app when its files change.
    pub reload: Option<Reload>,
    /// A network of its own.
    pub network: Option<Arc<Network>>,
}

/// Restarting on change.
#[derive(Clone)]
pub struct Reload {
    /// The folder watched.
    pub directory: PathBuf,
    /// Called before each such restart; without it the app is started as before.
    pub prepare: Option<Prepare>,
}

impl SupervisorConfig {
    /// The platform's times and size.
    pub fn new(launch: Launch, warden: Vec<OsString>, logs: Logs) -> Self {
        let limits = Limits::MEDIUM;
        Self {
            launch,
            warden,
            grace: GRACE,
            startup_budget: STARTUP_BUDGET,
            limits,
            logs,
            reload: None,
            network: None,
        }
    }
}

/// Where an app stands.
#[derive(Debug, Clone)]
pub enum State {
    /// Started, not yet listening.
    Starting,
    /// Listening on its port.
    Running {
        /// Where to reach it.
        address: SocketAddr,
    },
    /// Ended by itself, or never came up.
    Crashed(Arc<Crash>),
    /// Told to stop.
    Stopping,
    /// Stopped because we were asked to.
    Stopped,
}

/// Something wrong that the app's owner should know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Diagnosis {
    /// It listens, but not where the platform looks.
    WrongPort {
        /// The port it was told.
        expected: u16,
        /// Where it listens.
        found: Vec<SocketAddr>,
    },
    /// It listens for this machine alone; in the platform's container that can fail.
    LoopbackOnly {
        /// Where it listens.
        address: SocketAddr,
    },
    /// Another program has the port.
    PortTaken {
        /// The port.
        port: u16,
    },
}

impl std::fmt::Display for Diagnosis {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::WrongPort { expected, found } => {
                let found: Vec<String> = found.iter().map(|address| format!("`{address}`")).collect();
                write!(
                    f,
                    "The app listens on {}, and not on port {expected} (`DATABRICKS_APP_PORT`)",
                    found.join(", ")
                )
            }
            Self::LoopbackOnly { address } => {
                write!(f, "The app listens on `{address}` alone; on the platform bind `0.0.0.0`")
            }
            Self::PortTaken { port } => write!(f, "Another program already listens on port {port}"),
        }
    }
}

/// The whole of what is known about an app.
#[derive(Debug, Clone)]
pub struct Status {
    /// Where it stands.
    pub state: State,
    /// What is wrong, if something is.
    pub diagnosis: Option<Diagnosis>,
    /// How its limits are set.
    pub limits: LimitsApplied,
    /// How often it was started.
    pub starts: u64,
    /// Its warden's process id, while there is one.
    pub process: Option<u32>,
}

impl Status {
    /// Where it listens, if it does.
    pub fn address(&self) -> Option<SocketAddr> {
        match self.state {
            State::Running { address } => Some(address),
            _ => None,
        }
    }
}

enum Control {
    Stop(oneshot::Sender<()>),
    Start(oneshot::Sender<()>),
    Restart(Option<Box<Launch>>, oneshot::Sender<()>),
}

/// A handle on a supervised app; the app is stopped when it is dropped or its process ends.
#[derive(Debug)]
pub struct Supervisor {
    control: mpsc::Sender<Control>,
    status: watch::Receiver<Status>,
    task: JoinHandle<()>,
}

impl Supervisor {
    /// Starts the app and keeps watch over it.
    pub fn start(config: SupervisorConfig) -> Self {
        let (control, commands) = mpsc::channel(16);
        let first = Status {
            state: State::Starting,
            diagnosis: None,
            limits: config.limits.applied(),
            starts: 0,
            process: None,
        };
        let (sender, status) = watch::channel(first);
        let task = tokio::spawn(machine::Machine::new(config, sender, commands).drive());
        Self { control, status, task }
    }

    /// The status, and every change of it.
    pub fn status(&self) -> watch::Receiver<Status> {
        self.status.clone()
    }

    /// Waits until the app listens; else what kept it from that.
    pub async fn ready(&self) -> Result<SocketAddr, Arc<Crash>> {
        let mut status = self.status();
        loop {
            match &status.borrow_and_update().state {
                State::Running { address } => return Ok(*address),
                State::Crashed(crash) => return Err(Arc::clone(crash)),
                State::Stopped => return Err(Arc::new(Crash::stopped())),
                State::Starting | State::Stopping => {}
            }
            if status.changed().await.is_err() {
                return Err(Arc::new(Crash::stopped()));
            }
        }
    }

    /// Stops the app softly, then hard; returns when nothing of it is left.
    pub async fn stop(&self) {
        self.command(Control::Stop).await;
    }

    /// Starts the app if it is not running.
    pub async fn start_again(&self) {
        self.command(Control::Start).await;
    }

    /// Stops and starts the app, as before or in a new way; returns when it has been started.
    pub async fn restart(&self, launch: Option<Launch>) {
        self.command(|done| Control::Restart(launch.map(Box::new), done)).await;
    }

    /// Stops the app and the supervisor itself.
    pub async fn close(self) {
        drop(self.control);
        // A panic in there has been reported by the runtime.
        let _ended = self.task.await;
    }

    async fn command(&self, control: impl FnOnce(oneshot::Sender<()>) -> Control) {
        let (done, waiting) = oneshot::channel();
        if self.control.send(control(done)).await.is_ok() {
            // Dropped unanswered means the supervisor ended, and the app with it.
            let _ended = waiting.await;
        }
    }
}
