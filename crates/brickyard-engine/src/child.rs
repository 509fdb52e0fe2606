use std::collections::VecDeque;
use std::net::SocketAddr;
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tokio::process::{ChildStderr, Command};
use tokio::sync::{oneshot, watch};
use tokio_stream::StreamExt;
use tokio_util::codec::{FramedRead, LinesCodec, LinesCodecError};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::config::ChildConfig;
use crate::environment;
use crate::error::EngineError;
use crate::runaway;
use crate::swollen;
use crate::work::Work;

/// Time for the child to say where it listens; it takes 0.35 s on an idle machine.
const START: Duration = Duration::from_secs(120);

/// Time between asking the child to stop and stopping it.
const GRACE: Duration = Duration::from_secs(5);

/// Lines of the child's log that are kept to explain its death.
const KEPT: usize = 20;

/// Longest line of the child's log that is read.
const LINE: usize = 16 * 1024;

/// What the child writes before its address, once it listens.
const LISTENING: &str = "Spark Connect server on ";

/// A Sail process that listens on a port of its own choice.
#[derive(Clone)]
pub(crate) struct Child {
    /// Where it listens.
    pub(crate) address: SocketAddr,
    /// Its process id, which is also its group's.
    pub(crate) process: u32,
    exited: watch::Receiver<bool>,
    kill: CancellationToken,
    work: Work,
    swollen: Arc<AtomicBool>,
    log: Log,
}

impl Child {
    /// Starts the child of a group of slots, in a process group of its own, and waits until it listens. It ends when `stop` is cancelled.
    pub(crate) async fn start(
        config: &ChildConfig,
        group: usize,
        tracker: &TaskTracker,
        stop: CancellationToken,
    ) -> Result<Self, EngineError> {
        let failed =
            |what: String| EngineError::unavailable(&format!("The SQL engine does not start: {what}"));
        std::fs::create_dir_all(&config.warehouse_directory).map_err(|error| {
            failed(format!("cannot make `{}`: {error}", config.warehouse_directory.display()))
        })?;
        let mut words = config.warden.iter().map(std::ffi::OsString::from);
        let program = config.executable.clone().into_os_string();
        let mut command = match words.next() {
            Some(warden) => {
                let mut command = Command::new(warden);
                command.args(words).arg(program);
                command
            }
            None => Command::new(program),
        };
        let mut process = command
            .args(["spark", "server", "--ip", "127.0.0.1", "--port", "0"])
            .env_clear()
            .envs(environment::of_child(config, group))
            .current_dir(&config.warehouse_directory)
            .stdin(if config.warden.is_empty() { Stdio::null() } else { Stdio::piped() })
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| failed(format!("`{}`: {error}", config.executable.display())))?;
        let id = process.id().ok_or_else(|| failed("it ended at once".to_owned()))?;
        let log = Log::default();
        let (listening, address) = oneshot::channel();
        if let Some(stderr) = process.stderr.take() {
            tracker.spawn(read(stderr, log.clone(), listening));
        }
        let (exit, exited) = watch::channel(false);
        // A warden ends the engine when this closes; waiting for the process would close it.
        let lifeline = process.stdin.take();
        let kill = CancellationToken::new();
        tracker.spawn(watch_over(
            Group { process, id, _lifeline: lifeline },
            stop.clone(),
            kill.clone(),
            exit,
            log.clone(),
        ));
        match tokio::time::timeout(START, address).await {
            Ok(Ok(address)) => {
                let (work, swollen) = Default::default();
                let child = Self { address, process: id, exited, kill, work, swollen, log };
                tracker.spawn(runaway::guard(child.clone(), stop.clone()));
                tracker.spawn(swollen::watch(child.clone(), config.largest, stop));
                Ok(child)
            }
            Ok(Err(_)) => {
                stop.cancel();
                Err(failed(format!("it ended: {}", log.tail())))
            }
            Err(_) => {
                stop.cancel();
                Err(failed(format!("no answer within {} s: {}", START.as_secs(), log.tail())))
            }
        }
    }

    /// Whether the process has ended.
    pub(crate) fn has_exited(&self) -> bool {
        *self.exited.borrow()
    }

    /// Waits for the end of the process.
    pub(crate) async fn exit(&self) {
        let _ = self.exited.clone().wait_for(|exited| *exited).await;
    }

    /// Ends the process hard.
    pub(crate) fn kill(&self) {
        self.kill.cancel();
    }

    /// Says that it holds too much memory to be kept.
    pub(crate) fn mark_swollen(&self) {
        self.swollen.store(true, Ordering::Relaxed);
    }

    /// Whether another should take its place: it holds too much memory, and no statement runs in it.
    pub(crate) fn is_spent(&self) -> bool {
        self.swollen.load(Ordering::Relaxed) && self.work.is_none()
    }

    /// The statements in it.
    pub(crate) fn work(&self) -> &Work {
        &self.work
    }

    /// Waits a moment for a process that broke its connection to be seen dead.
    pub(crate) async fn exits_within(&self, time: Duration) -> bool {
        let mut exited = self.exited.clone();
        tokio::time::timeout(time, exited.wait_for(|exited| *exited)).await.is_ok()
    }

    /// The last lines the process wrote.
    pub(crate) fn last_words(&self) -> String {
        self.log.tail()
    }
}

/// A process with all its descendants; they die with this value at the latest.
struct Group {
    process: tokio::process::Child,
    id: u32,
    _lifeline: Option<tokio::process::ChildStdin>,
}

impl Group {
    fn signal(&self, signal: Signal) {
        // Once the leader is reaped its number may be another's.
        if let (Some(_), Ok(id)) = (self.process.id(), i32::try_from(self.id)) {
            let _ = killpg(Pid::from_raw(id), signal);
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.signal(Signal::SIGKILL);
    }
}

async fn watch_over(
    mut group: Group,
    stop: CancellationToken,
    kill: CancellationToken,
    exit: watch::Sender<bool>,
    log: Log,
) {
    let asked = tokio::select! {
        status = group.process.wait() => {
            let status = status.map_or_else(|error| error.to_string(), |status| status.to_string());
            tracing::warn!(%status, "The SQL engine ended ({status}): {}", log.tail());
            false
        }
        () = kill.cancelled() => {
            group.signal(Signal::SIGKILL);
            let _ = group.process.wait().await;
            false
        }
        () = stop.cancelled() => true,
    };
    if asked {
        group.signal(Signal::SIGTERM);
        if tokio::time::timeout(GRACE, group.process.wait()).await.is_err() {
            group.signal(Signal::SIGKILL);
            let _ = group.process.wait().await;
        }
    }
    let _ = exit.send(true);
}

/// Reads the child's log to its end, and finds in it where the child listens.
async fn read(stderr: ChildStderr, log: Log, listening: oneshot::Sender<SocketAddr>) {
    let mut listening = Some(listening);
    let mut lines = FramedRead::new(stderr, LinesCodec::new_with_max_length(LINE));
    while let Some(line) = lines.next().await {
        let line = match line {
            Ok(line) => line,
            Err(LinesCodecError::MaxLineLengthExceeded) => continue,
            Err(LinesCodecError::Io(_)) => return,
        };
        if let Some(address) = address(&line)
            && let Some(listening) = listening.take()
        {
            let _ = listening.send(address);
        }
        tracing::debug!(target: "sail", "{line}");
        log.push(line);
    }
}

fn address(line: &str) -> Option<SocketAddr> {
    let (_, rest) = line.split_once(LISTENING)?;
    rest.trim_end_matches('.').parse().ok()
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<VecDeque<String>>>);

impl Log {
    fn push(&self, line: String) {
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.len() == KEPT {
            lines.pop_front();
        }
        lines.push_back(line);
    }

    fn tail(&self) -> String {
        let lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.is_empty() {
            return "it wrote nothing".to_owned();
        }
        lines.iter().cloned().collect::<Vec<_>>().join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_found_in_the_log() {
        let line = "[2026-11-25T22:23:36Z INFO sail_cli::spark::server] Starting the Spark Connect server on 127.0.0.1:40337...";
        assert_eq!(address(line), Some("127.0.0.1:40337".parse().unwrap()));
        assert_eq!(address("something else"), None);
    }
}
