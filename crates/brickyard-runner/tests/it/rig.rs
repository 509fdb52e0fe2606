//! What the tests stand on: tools, a warden, processes and how to wait for them.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, UNIX_EPOCH};

use brickyard_runner::Clock;
use brickyard_runner::logs::Logs;
use brickyard_runner::supervisor::{Launch, SupervisorConfig};
use brickyard_runner::tools::{Cache, Tools, Variables};
use brickyard_testing::python_environment;

/// Long enough for a loaded machine; no test waits this long unless something is wrong.
pub(crate) const PATIENCE: Duration = Duration::from_secs(90);

pub(crate) fn temporary() -> tempfile::TempDir {
    // On one file system with the caches, so that linking works.
    tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap()
}

pub(crate) fn clock() -> Clock {
    Arc::new(|| UNIX_EPOCH + Duration::from_secs(1_800_000_000))
}

pub(crate) fn logs() -> Logs {
    Logs::new(clock(), None)
}

pub(crate) fn warden() -> Vec<OsString> {
    vec![env!("CARGO_BIN_EXE_brickyard-test-warden").into()]
}

/// `PATH` with `uv` on it, a home of the tests' own, and a package cache all tests share.
pub(crate) fn variables() -> Variables {
    static UV: OnceLock<PathBuf> = OnceLock::new();
    let home = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let uv = UV.get_or_init(|| {
        let folder = home.join("bin");
        let _made_before = std::fs::create_dir(&folder);
        let _made_before =
            std::os::unix::fs::symlink(python_environment(&["uv"]).program("uv"), folder.join("uv"));
        folder
    });
    let mut path = uv.clone().into_os_string();
    path.push(":");
    path.push(std::env::var_os("PATH").unwrap());
    let mut variables = Variables::from([
        ("PATH".into(), path),
        ("HOME".into(), home.into()),
        ("UV_CACHE_DIR".into(), home.join("uv-cache").into()),
    ]);
    for name in [
        "HTTPS_PROXY",
        "https_proxy",
        "PIP_INDEX_URL",
        "UV_INDEX_URL",
        "UV_DEFAULT_INDEX",
        "SSL_CERT_FILE",
        "PYENV_ROOT",
    ] {
        if let Some(value) = std::env::var_os(name) {
            variables.insert(name.into(), value);
        }
    }
    variables
}

pub(crate) fn tools(cache: &Path) -> Tools {
    Tools::new(Cache::new(cache), variables())
}

/// A Python program run as an app.
pub(crate) fn launch(folder: &Path, python: &Path, program: &str, port: u16) -> Launch {
    std::fs::write(folder.join("app.py"), program).unwrap();
    let mut variables = variables();
    variables.insert("PORT".into(), port.to_string().into());
    variables.insert("PYTHONUNBUFFERED".into(), "1".into());
    let command = vec![python.into(), "app.py".into()];
    Launch { command, variables, directory: folder.to_owned(), port }
}

pub(crate) fn config(launch: Launch, logs: &Logs) -> SupervisorConfig {
    let mut config = SupervisorConfig::new(launch, warden(), logs.clone());
    config.grace = Duration::from_millis(500);
    config.startup_budget = PATIENCE;
    config
}

pub(crate) fn python() -> &'static Path {
    Path::new("python3")
}

/// A port nobody listens on, never given to another test and below those the system gives out by itself.
pub(crate) fn free_port() -> u16 {
    static NEXT: std::sync::atomic::AtomicU16 = std::sync::atomic::AtomicU16::new(21_000);
    loop {
        let port = NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        if std::net::TcpListener::bind(("0.0.0.0", port)).is_ok() {
            return port;
        }
    }
}

/// Whether a process lives; one that waits to be buried does not.
pub(crate) fn lives(pid: u32) -> bool {
    let Ok(stat) = std::fs::read_to_string(format!("/proc/{pid}/stat")) else { return false };
    let state = stat[stat.rfind(')').unwrap() + 1..].trim_start();
    !state.starts_with(['Z', 'X'])
}

/// Waits until something holds.
pub(crate) async fn until(what: &str, holds: impl AsyncFn() -> bool) {
    let waiting = async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    assert!(tokio::time::timeout(PATIENCE, waiting).await.is_ok(), "waited too long until {what}");
}
