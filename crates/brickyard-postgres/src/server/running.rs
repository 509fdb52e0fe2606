use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, ChildStdin};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use super::sockets::{self, SocketDirectory};
use super::{Log, ServerConfig, ServerError};
use crate::account::Account;
use crate::client::Client;
use crate::template::SUPERUSER;
use crate::{launch, stale};

/// Sessions kept free for administration, beyond those the server sells.
const RESERVED: u32 = 10;

/// Longest time a server takes to become ready; recovery after a crash is part of it.
const READY: Duration = Duration::from_secs(90);

/// How long each signal may take to end the server.
const GRACE: Duration = Duration::from_secs(15);

/// A server process, watched until it ends.
pub(crate) struct Running {
    socket: PathBuf,
    stop: CancellationToken,
    ended: CancellationToken,
}

impl Running {
    /// Starts the process and waits until it answers.
    pub(crate) async fn launch(
        config: &ServerConfig,
        programs: &Path,
        account: Option<&Account>,
        data: &Path,
        log: &Arc<Log>,
    ) -> Result<Self, ServerError> {
        let directory = SocketDirectory::take(&config.sockets, data, account)?;
        config.tracker.spawn(sockets::sweep(config.sockets.clone(), account.cloned()));
        let socket = directory.socket();
        let program = programs.join("postgres");
        let mut command = launch::command(&config.warden, account, &program);
        command.arg("-D").arg(data);
        for (name, value) in settings(config, directory.path()) {
            command.arg("-c").arg(format!("{name}={value}"));
        }
        let mut child = command
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|source| ServerError::Spawn { program: program.clone(), source })?;
        if let Some(stderr) = child.stderr.take() {
            let log = Arc::clone(log);
            config.tracker.spawn(async move {
                let mut lines = BufReader::new(stderr).lines();
                while let Ok(Some(line)) = lines.next_line().await {
                    tracing::debug!(target: "brickyard::lakebase", "{line}");
                    log.push(line);
                }
            });
        }
        let mut lifeline = child.stdin.take(); // a warden ends the server when this closes, and waiting would close it
        let (stop, ended) = (CancellationToken::new(), CancellationToken::new());
        let running = Self { socket: socket.clone(), stop: stop.clone(), ended: ended.clone() };
        let cancelled = config.cancellation.clone();
        let data = data.to_path_buf();
        config.tracker.spawn(async move {
            let told = tokio::select! {
                status = child.wait() => {
                    tracing::warn!(?status, "PostgreSQL ended by itself");
                    false
                }
                () = stop.cancelled() => true,
                () = cancelled.cancelled() => true,
            };
            if told {
                end(&mut child, &data, lifeline.take()).await;
            }
            directory.remove();
            drop(lifeline);
            ended.cancel();
        });
        let deadline = Instant::now() + READY;
        while Client::connect(&socket, SUPERUSER, "postgres").await.is_err() {
            if ended_or_late(&running.ended, deadline) {
                running.stop.cancel();
                running.ended().await;
                return Err(ServerError::Start { told: log.tell() });
            }
            sleep(Duration::from_millis(10)).await;
        }
        Ok(running)
    }

    pub(crate) fn socket(&self) -> &Path {
        &self.socket
    }

    pub(crate) fn is_alive(&self) -> bool {
        !self.ended.is_cancelled()
    }

    /// Waits until the process is gone, for whatever reason.
    pub(crate) async fn ended(&self) {
        self.ended.cancelled().await;
    }

    /// Ends the process and waits for it.
    pub(crate) async fn stop(&self) {
        self.stop.cancel();
        self.ended().await;
    }
}

fn ended_or_late(ended: &CancellationToken, deadline: Instant) -> bool {
    ended.is_cancelled() || Instant::now() > deadline
}

/// Ends a server: a fast shutdown first, then an immediate one, then by force.
///
/// Signals go to the postmaster itself, as its directory names it, since a warden may stand before it. One that has begun so
/// late that it is not named yet is left to the warden, which ends it when its lifeline does: without the warden it would stay.
async fn end(child: &mut Child, data: &Path, lifeline: Option<ChildStdin>) {
    for signal in [Signal::SIGINT, Signal::SIGQUIT, Signal::SIGKILL] {
        let Some(pid) = stale::postmaster(data) else { break };
        if kill(pid, signal).is_err() {
            break;
        }
        if tokio::time::timeout(GRACE, child.wait()).await.is_ok() {
            return;
        }
    }
    if let Some(lifeline) = lifeline {
        drop(lifeline);
        if tokio::time::timeout(GRACE, child.wait()).await.is_ok() {
            return;
        }
    }
    let _ = child.kill().await;
}

fn settings(config: &ServerConfig, sockets: &Path) -> Vec<(String, String)> {
    let spares = u32::try_from(crate::spare::MOST).unwrap_or_default();
    let connections = config.max_connections + RESERVED + spares;
    let fixed = [
        ("listen_addresses", String::new()),
        ("unix_socket_directories", sockets.display().to_string()),
        ("unix_socket_permissions", "0700".to_owned()),
        ("port", "5432".to_owned()),
        ("max_connections", connections.to_string()),
        ("superuser_reserved_connections", RESERVED.to_string()),
        ("password_encryption", "scram-sha-256".to_owned()),
        ("shared_buffers", "64MB".to_owned()),
        ("max_wal_size", "512MB".to_owned()),
        ("wal_keep_size", "128MB".to_owned()),
        ("huge_pages", "off".to_owned()),
        ("timezone", "UTC".to_owned()),
        ("log_timezone", "UTC".to_owned()),
        ("logging_collector", "off".to_owned()),
        ("log_destination", "stderr".to_owned()),
        ("log_min_messages", "warning".to_owned()),
        ("log_min_error_statement", "panic".to_owned()),
        ("cluster_name", "brickyard".to_owned()),
    ];
    let fixed = fixed.into_iter().map(|(name, value)| (name.to_owned(), value));
    fixed.chain(config.settings.iter().cloned()).collect()
}
