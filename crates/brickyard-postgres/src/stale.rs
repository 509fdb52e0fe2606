use std::path::Path;
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::time::sleep;

/// How long a server that somebody left behind may take to stop on a polite signal, then on a firm one.
const PATIENCE: Duration = Duration::from_secs(10);

/// Clears what a server of an earlier life left in the data directory: stops it when it still runs, else removes its
/// `postmaster.pid`, which would keep a new server from starting once its number belongs to another process.
pub(crate) async fn recover(data: &Path) {
    let file = data.join("postmaster.pid");
    let Some(pid) = postmaster(data) else { return };
    if !is_server_of(pid, data).await {
        tracing::debug!(%pid, "Removing the `postmaster.pid` of a server that is gone");
        let _ = std::fs::remove_file(file);
        return;
    }
    tracing::info!(%pid, "Stopping a PostgreSQL that an earlier brickyard left behind");
    for signal in [Signal::SIGINT, Signal::SIGQUIT, Signal::SIGKILL] {
        if kill(pid, signal).is_err() || ended(pid, PATIENCE).await {
            break;
        }
    }
    let _ = std::fs::remove_file(file);
}

/// Process id of the server that runs on this data directory, as the directory says.
pub(crate) fn postmaster(data: &Path) -> Option<Pid> {
    let text = std::fs::read_to_string(data.join("postmaster.pid")).ok()?;
    process(text.lines().next()?)
}

/// The process that a line of a lock file names.
pub(crate) fn process(line: &str) -> Option<Pid> {
    let pid: i32 = line.trim().parse().ok()?;
    (pid > 1).then(|| Pid::from_raw(pid))
}

/// Waits until a process that need not be our child is gone.
pub(crate) async fn ended(pid: Pid, patience: Duration) -> bool {
    let wait = async {
        while kill(pid, None) != Err(Errno::ESRCH) && !is_zombie(pid) {
            sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(patience, wait).await.is_ok()
}

/// Whether a process has ended and only waits for its parent to look.
fn is_zombie(pid: Pid) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with('Z'))
}

/// Whether a process is a server on this data directory: it works there (`/proc`), or its command line names it (`ps`).
pub(crate) async fn is_server_of(pid: Pid, data: &Path) -> bool {
    if kill(pid, None) == Err(Errno::ESRCH) {
        return false;
    }
    if Path::new("/proc/self").exists() {
        let data = data.canonicalize().unwrap_or_else(|_| data.to_path_buf());
        return std::fs::read_link(format!("/proc/{pid}/cwd")).is_ok_and(|directory| directory == data);
    }
    let ps = tokio::process::Command::new("ps")
        .args(["-o", "command=", "-p", &pid.to_string()])
        .kill_on_drop(true)
        .output();
    match tokio::time::timeout(PATIENCE, ps).await {
        Ok(Ok(output)) => {
            String::from_utf8_lossy(&output.stdout).contains(&*data.as_os_str().to_string_lossy())
        }
        _ => false,
    }
}
