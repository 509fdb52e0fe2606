use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{Child, Command};
use tokio_util::sync::CancellationToken;

use super::record::{Output, Phase};
use crate::workspace::Workspace;

/// Most bytes of a log that are kept, as on the platform: the last 5 MB.
const MOST_LOG: usize = 5_000_000;

/// How long a process may take to end after it was asked to: longer than its warden takes to end the family.
const GRACE: Duration = Duration::from_secs(10);

/// A process to run.
pub(super) struct Launch {
    pub(super) interpreter: PathBuf,
    pub(super) arguments: Vec<OsString>,
    /// Where it starts; where we are when nothing is said.
    pub(super) directory: Option<PathBuf>,
    pub(super) environment: Vec<(String, String)>,
    pub(super) token: String,
    /// File in which a notebook leaves its result.
    pub(super) result: Option<PathBuf>,
    /// Directory of this run alone, which goes with it.
    pub(super) _room: Option<tempfile::TempDir>,
}

/// How it went.
pub(super) struct Ended {
    pub(super) phase: Phase,
    pub(super) output: Output,
}

/// Runs a program in a process group of its own until it ends or is cancelled.
pub(super) async fn run(workspace: &Workspace, launch: Launch, cancellation: &CancellationToken) -> Ended {
    let mut words = workspace.config().provision.warden();
    // The warden ends its family when its input is closed: that is how it learns that we are gone.
    let alone = words.is_empty();
    let input = if alone { Stdio::null() } else { Stdio::piped() };
    words.push(launch.interpreter.display().to_string());
    let mut command = Command::new(&words[0]);
    command
        .args(&words[1..])
        .args(&launch.arguments)
        .envs(workspace.client_environment())
        .env("DATABRICKS_TOKEN", &launch.token)
        .env_remove("DATABRICKS_CLIENT_ID")
        .env_remove("DATABRICKS_CLIENT_SECRET")
        .env("PYTHONUNBUFFERED", "1")
        .envs(launch.environment.iter().map(|(name, value)| (name, value)))
        .stdin(input)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        // One that were killed itself would leave the family behind.
        .kill_on_drop(alone);
    if let Some(directory) = &launch.directory {
        command.current_dir(directory);
    }
    let mut child = match command.spawn() {
        Ok(child) => child,
        Err(error) => {
            return ended(Phase::Failed, Output::default(), Some(format!("It cannot be started: {error}")));
        }
    };
    // Taken, for waiting for a child closes the input it still has.
    let _lifeline = child.stdin.take();
    let log = Arc::new(Mutex::new(Log::default()));
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let reading = async {
        tokio::join!(keep(stdout, &log, false), keep(stderr, &log, true));
    };
    let waiting = async {
        tokio::select! {
            status = child.wait() => Reason::Ended(status.ok()),
            () = cancellation.cancelled() => { end(&mut child).await; Reason::Cancelled }
        }
    };
    // A grandchild may hold the pipes open after the process is gone; it is not waited for long.
    let reason = {
        tokio::pin!(reading);
        tokio::pin!(waiting);
        tokio::select! {
            reason = &mut waiting => {
                let _ = tokio::time::timeout(Duration::from_secs(2), &mut reading).await;
                reason
            }
            () = &mut reading => waiting.await,
        }
    };
    let log = std::mem::take(&mut *log.lock().unwrap_or_else(PoisonError::into_inner));
    let errors = String::from_utf8_lossy(&log.errors).into_owned();
    let output = Output {
        logs: String::from_utf8_lossy(&log.bytes).into_owned(),
        logs_truncated: log.truncated,
        error: None,
        error_trace: (!errors.trim().is_empty()).then(|| errors.clone()),
        ..given_back(launch.result.as_deref())
    };
    match reason {
        Reason::Ended(Some(status)) if status.success() => {
            ended(Phase::Succeeded, Output { error_trace: None, ..output }, None)
        }
        Reason::Ended(status) => {
            let last = errors.lines().rev().find(|line| !line.trim().is_empty()).map(str::to_owned);
            let status = status.map_or_else(|| "an unknown status".to_owned(), |status| status.to_string());
            ended(
                Phase::Failed,
                output,
                Some(last.unwrap_or_else(|| format!("The process ended with {status}"))),
            )
        }
        Reason::Cancelled => ended(Phase::Canceled, output, None),
    }
}

/// The end of a task that took too long.
pub(super) fn timed_out(output: Output) -> Ended {
    ended(Phase::TimedOut, output, Some("The task took longer than timeout_seconds".to_owned()))
}

/// What a notebook left in its file: its exit value and values for later tasks.
fn given_back(file: Option<&Path>) -> Output {
    let kept = file.and_then(|file| std::fs::read(file).ok());
    let kept: Value = kept.and_then(|kept| serde_json::from_slice(&kept).ok()).unwrap_or_default();
    let notebook = file.map(|_| kept["result"].as_str().unwrap_or_default().to_owned());
    Output { notebook, values: kept["values"].as_object().cloned().unwrap_or_default(), ..Output::default() }
}

enum Reason {
    Ended(Option<std::process::ExitStatus>),
    Cancelled,
}

fn ended(phase: Phase, output: Output, error: Option<String>) -> Ended {
    Ended { phase, output: Output { error, ..output } }
}

/// Asks the whole group to end, then makes it.
async fn end(child: &mut Child) {
    let group = child.id().and_then(|id| i32::try_from(id).ok()).map(Pid::from_raw);
    if let Some(group) = group {
        let _ = killpg(group, Signal::SIGTERM);
        if tokio::time::timeout(GRACE, child.wait()).await.is_err() {
            let _ = killpg(group, Signal::SIGKILL);
        }
    }
    let _ = child.kill().await;
}

#[derive(Default)]
struct Log {
    bytes: Vec<u8>,
    errors: Vec<u8>,
    truncated: bool,
}

async fn keep(stream: Option<impl AsyncRead + Unpin>, log: &Mutex<Log>, is_error: bool) {
    let Some(mut stream) = stream else { return };
    let mut buffer = vec![0; 16 * 1024];
    while let Ok(length @ 1..) = stream.read(&mut buffer).await {
        let mut log = log.lock().unwrap_or_else(PoisonError::into_inner);
        log.bytes.extend_from_slice(&buffer[..length]);
        if is_error {
            log.errors.extend_from_slice(&buffer[..length]);
        }
        let Log { bytes, errors, truncated } = &mut *log;
        for kept in [bytes, errors] {
            // Twice as much is let in before it is cut, so that cutting is rare.
            if kept.len() > 2 * MOST_LOG {
                kept.drain(..kept.len() - MOST_LOG);
                *truncated = true;
            }
        }
    }
}
