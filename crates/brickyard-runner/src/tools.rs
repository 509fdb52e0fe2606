//! Programs we need and do not carry: `uv`, `CPython` and Node, found on the machine or fetched into the cache.

mod cache;
mod command;
mod python;
mod uv;

pub use cache::{Cache, CacheLock};
pub(crate) use command::{Finished, Invocation};

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use tokio::sync::OnceCell;

/// Environment variables by name, as given to a child.
pub type Variables = BTreeMap<OsString, OsString>;

/// Finds and fetches tools; holds the variables (`PATH`, `HOME`, proxies, `UV_*`, `PIP_*`) every tool is started with.
#[derive(Debug)]
pub struct Tools {
    cache: Cache,
    variables: Variables,
    warden: Vec<OsString>,
    uv: OnceCell<PathBuf>,
}

impl Tools {
    /// Tools kept in `cache`, started with `variables` and nothing else; `PATH` among them is where they are searched.
    /// What they say to `pip` about indexes is said to `uv` too.
    pub fn new(cache: Cache, mut variables: Variables) -> Self {
        for (pip, uv) in [("PIP_INDEX_URL", "UV_DEFAULT_INDEX"), ("PIP_EXTRA_INDEX_URL", "UV_INDEX")] {
            if let Some(value) = variables.get(OsStr::new(pip)).cloned() {
                variables.entry(uv.into()).or_insert(value);
            }
        }
        Self { cache, variables, warden: Vec::new(), uv: OnceCell::new() }
    }

    /// Starts every tool below a warden (program and arguments before the `--`), so that none outlives us.
    #[must_use]
    pub fn with_warden(mut self, command: Vec<OsString>) -> Self {
        self.warden = command;
        self
    }

    /// The cache the tools and environments live in.
    pub fn cache(&self) -> &Cache {
        &self.cache
    }

    /// The variables tools are started with.
    pub fn variables(&self) -> &Variables {
        &self.variables
    }

    /// The folders of `PATH`, in order.
    pub fn search_paths(&self) -> Vec<PathBuf> {
        let path = self.variables.get(OsStr::new("PATH")).cloned().unwrap_or_default();
        std::env::split_paths(&path).filter(|folder| folder.is_absolute()).collect()
    }

    /// The first executable file called `name` on the search path.
    pub fn find(&self, name: &str) -> Option<PathBuf> {
        self.search_paths().into_iter().map(|folder| folder.join(name)).find(|file| is_executable(file))
    }

    /// `uv`, found on the search path, else fetched from the Python package index into the cache.
    pub async fn uv(&self) -> Result<PathBuf, ToolError> {
        self.uv.get_or_try_init(|| uv::locate(self)).await.cloned()
    }

    /// The `uv` that [`Tools::uv`] would give, if nothing has to be fetched for it.
    pub fn uv_at_hand(&self) -> Option<PathBuf> {
        uv::at_hand(self)
    }

    /// A `CPython` of `version` (as `3.11`): on the search path, from pyenv, managed by `uv`, or fetched by `uv`.
    pub async fn python(&self, version: &str) -> Result<PathBuf, ToolError> {
        python::locate(self, version).await
    }

    pub(crate) fn invocation(&self, program: &Path) -> Invocation {
        Invocation::new(program, &self.variables, &self.warden)
    }
}

fn is_executable(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    std::fs::metadata(file).is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

/// Why a tool is not to be had.
#[derive(Debug, thiserror::Error)]
pub enum ToolError {
    /// No Python at all, not even to fetch `uv` with.
    #[error("Python 3 was not found on the search path")]
    NoPython,
    /// `uv` could not be fetched.
    #[error("`uv` was not found, and fetching it failed: {reason}")]
    UvNotFetched {
        /// The last thing `pip` said.
        reason: String,
        /// Whether it looks like the network.
        network: bool,
    },
    /// No Python of that version, and `uv` could not fetch one.
    #[error("Python {version} was not found, and `uv` could not fetch it: {reason}")]
    PythonNotFound {
        /// The version asked for.
        version: String,
        /// The last thing `uv` said.
        reason: String,
    },
    /// A tool could not be started.
    #[error("`{program}` could not be started")]
    NotStarted {
        /// The program's file name.
        program: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// The cache folder could not be used.
    #[error("The cache folder `{path}` could not be used")]
    Cache {
        /// The path concerned.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Another run holds a lock for too long.
    #[error("Another `brickyard` has held `{path}` for too long")]
    Locked {
        /// The lock file.
        path: PathBuf,
    },
}

impl ToolError {
    /// What the user can do, if anything.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::NoPython => "install Python 3.11 (with `venv` and `pip`), or put `uv` on the search path".into(),
            Self::UvNotFetched { network: true, .. } => {
                "connect to the network once, set `HTTPS_PROXY`/`PIP_INDEX_URL` for your mirror, or install `uv` yourself"
                    .into()
            }
            Self::UvNotFetched { reason, .. } if speaks_of_room(reason) => {
                "make room, or name another folder with `--cache-directory`".into()
            }
            Self::UvNotFetched { .. } => "install `uv` yourself: `pip install uv`".into(),
            Self::PythonNotFound { version, .. } => {
                format!("install Python {version}, for example with `uv python install {version}` or your system's packages")
            }
            Self::Cache { .. } => "name another folder with `--cache-directory`".into(),
            Self::Locked { path } => format!("stop the other run, or delete `{}` if there is none", path.display()),
            Self::NotStarted { .. } => return None,
        })
    }
}

/// Whether a tool's message says that the disk is full.
pub(crate) fn speaks_of_room(message: &str) -> bool {
    message.contains("No space left on device")
}

/// Whether a tool's message speaks of the network rather than of what it was asked.
pub(crate) fn speaks_of_network(message: &str) -> bool {
    const SIGNS: [&str; 12] = [
        "dns error",
        "client error (connect)",
        "connection refused",
        "failed to establish a new connection",
        "temporary failure in name resolution",
        "network is unreachable",
        "network connectivity is disabled",
        "network was disabled",
        "tunnel error",
        "tcp connect error",
        "cannot connect to proxy",
        "could not connect",
    ];
    let message = message.to_lowercase();
    SIGNS.iter().any(|sign| message.contains(sign))
}
