//! The app's Python environment, built as the platform builds it: `CPython`, the pre-installed set from a committed lock with
//! hashes, then the app's own requirements on top; or `uv sync` for `pyproject.toml` with `uv.lock` (facts: platform §2.2).
//!
//! An environment is named by what it is made of. It is built under a lock in its final place (its scripts carry that
//! path) and counts only once its marker is written; a failed build removes it.

mod build;
mod key;
mod message;
mod node;

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::tools::{ToolError, Tools, Variables};

/// The platform's pre-installed libraries, locked with hashes.
pub const PREINSTALLED_LOCK: &str = include_str!("environment/preinstalled.lock");

/// The SQL engine, locked with the hashes of its wheels for every system.
pub const ENGINE_LOCK: &str = include_str!("environment/engine.lock");

/// A PostgreSQL that a wheel carries, for machines without one, locked with the hashes of its wheels for every system.
pub const POSTGRES_LOCK: &str = include_str!("environment/postgres.lock");

/// The Python of the platform's pip-based apps.
pub const PLATFORM_PYTHON: &str = "3.11";

/// Where an app's Python packages come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EnvironmentKind {
    /// `requirements.txt`, installed over what is there.
    Pip {
        /// The files, installed together; none if the app has none.
        requirements: Vec<PathBuf>,
    },
    /// `pyproject.toml` and `uv.lock`, by `uv sync --frozen`: nothing is pre-installed.
    Uv,
    /// Nothing of the app's own.
    None,
}

/// What is to be built.
#[derive(Debug, Clone)]
pub struct EnvironmentSpec {
    /// The app's folder.
    pub project: PathBuf,
    /// Where its Python packages come from.
    pub kind: EnvironmentKind,
    /// Whether the app has a `package.json`: its packages are installed, and its `build` script run.
    pub node: bool,
    /// Whether the platform's pre-installed set lies beneath; never for [`EnvironmentKind::Uv`].
    pub preinstalled: bool,
    /// The Python version; [`EnvironmentKind::Uv`] apps choose their own through `requires-python`.
    pub python: String,
}

impl EnvironmentSpec {
    /// A pip-based app as the platform has it: Python 3.11 with the pre-installed set.
    pub fn pip(project: impl Into<PathBuf>, requirements: Option<PathBuf>) -> Self {
        Self {
            project: project.into(),
            kind: EnvironmentKind::Pip { requirements: requirements.into_iter().collect() },
            node: false,
            preinstalled: true,
            python: PLATFORM_PYTHON.into(),
        }
    }
}

/// A built environment.
#[derive(Debug, Clone)]
pub struct Environment {
    /// Its folder.
    pub directory: PathBuf,
    /// Its interpreter.
    pub python: PathBuf,
    /// Where its commands are.
    pub bin_directory: PathBuf,
    /// Where its packages are.
    pub site_packages: PathBuf,
    /// `VIRTUAL_ENV`, and `PATH` with its commands first.
    pub variables: Variables,
    /// Whether it was there already.
    pub reused: bool,
}

/// A step of a build, for a face to show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    /// A tool is being looked for, and fetched if need be.
    Tool(&'static str),
    /// The empty environment is being made.
    Creating {
        /// The Python version.
        python: String,
    },
    /// Packages are being installed.
    Installing(Installing),
    /// Something a tool said.
    Line(String),
    /// Ready to use.
    Ready {
        /// Whether it was there already.
        reused: bool,
        /// How long it took.
        elapsed: Duration,
    },
}

/// What is being installed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Installing {
    /// The platform's pre-installed set.
    Preinstalled,
    /// The app's `requirements.txt`.
    Requirements,
    /// The app's `uv.lock`.
    UvLock,
    /// The app's `package.json`.
    NodePackages,
    /// The app's `npm run build`.
    NodeBuild,
    /// A tool of our own.
    Tool,
}

/// Builds the environment of an app, or finds it built.
pub async fn build(
    spec: &EnvironmentSpec,
    tools: &Tools,
    progress: impl Fn(Progress) + Send + Sync,
) -> Result<Environment, EnvironmentError> {
    let started = tokio::time::Instant::now();
    if spec.node {
        node::install(spec, tools, &progress).await?;
    }
    let environment = match &spec.kind {
        EnvironmentKind::Uv => build::synced(spec, tools, &progress).await?,
        EnvironmentKind::Pip { .. } | EnvironmentKind::None => {
            build::installed(spec, tools, &progress).await?
        }
    };
    if spec.node {
        node::build(spec, tools, &environment, &progress).await?;
    }
    progress(Progress::Ready { reused: environment.reused, elapsed: started.elapsed() });
    Ok(environment)
}

/// Builds an environment for one of our own tools from the text of a requirements file; with hashes in it, every package
/// needs one.
pub async fn tool_environment(
    name: &str,
    requirements: &str,
    tools: &Tools,
    progress: impl Fn(Progress) + Send + Sync,
) -> Result<Environment, EnvironmentError> {
    build::tool(name, requirements, tools, &progress).await
}

impl Environment {
    fn at(directory: &Path, tools: &Tools, reused: bool) -> Result<Self, EnvironmentError> {
        let bin_directory = directory.join("bin");
        let mut paths = vec![bin_directory.clone()];
        paths.extend(tools.search_paths());
        let path = std::env::join_paths(paths).unwrap_or_else(|_| bin_directory.clone().into_os_string());
        let variables = Variables::from([
            (OsString::from("VIRTUAL_ENV"), directory.as_os_str().to_owned()),
            (OsString::from("PATH"), path),
        ]);
        let library = std::fs::read_dir(directory.join("lib")).into_iter().flatten().flatten();
        let site_packages = library
            .map(|entry| entry.path().join("site-packages"))
            .find(|path| path.is_dir())
            .ok_or_else(|| EnvironmentError::Damaged { path: directory.to_owned() })?;
        let python = bin_directory.join("python");
        Ok(Self { directory: directory.to_owned(), python, bin_directory, site_packages, variables, reused })
    }

    /// The program `name` of this environment, else of its `PATH`.
    pub fn find(&self, name: &str) -> Option<PathBuf> {
        let path = self.variables.get(OsStr::new("PATH"))?;
        std::env::split_paths(path).map(|folder| folder.join(name)).find(|file| file.is_file())
    }
}

/// Why there is no environment.
#[derive(Debug, thiserror::Error)]
pub enum EnvironmentError {
    /// A tool is missing.
    #[error(transparent)]
    Tool(#[from] ToolError),
    /// A file of the app could not be read.
    #[error("`{path}` could not be read")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The environment's folder could not be written.
    #[error("The environment in `{path}` could not be written")]
    Unwritable {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The environment lacks what every environment has.
    #[error("The environment in `{path}` is damaged")]
    Damaged {
        /// The folder.
        path: PathBuf,
    },
    /// A package could not be resolved, fetched, built or installed.
    #[error("{}", message::sentence(.what, .requirement.as_deref(), .reason))]
    Install {
        /// The step that failed.
        what: &'static str,
        /// The requirement it failed for, as the app wrote it.
        requirement: Option<String>,
        /// Why, in the tool's words.
        reason: String,
    },
    /// The network is needed and not there.
    #[error("{what} needs the network: {reason}")]
    Network {
        /// The step that failed.
        what: &'static str,
        /// Why, in the tool's words.
        reason: String,
    },
    /// The disk is full.
    #[error("{what} found no room on the disk: {reason}")]
    NoRoom {
        /// The step that failed.
        what: &'static str,
        /// Why, in the tool's words.
        reason: String,
    },
    /// `uv.lock` does not fit `pyproject.toml`.
    #[error("`uv.lock` does not fit `pyproject.toml`: {reason}")]
    StaleLock {
        /// Why, in the tool's words.
        reason: String,
    },
    /// The app has a `package.json` and there is no Node.
    #[error("The app has a `package.json`, and `{program}` was not found on the search path")]
    NoNode {
        /// The program looked for.
        program: &'static str,
    },
}

impl EnvironmentError {
    /// What the user can do, if anything.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Tool(error) => return error.hint(),
            Self::Install { requirement: Some(requirement), .. } => {
                format!("correct `{requirement}` in the app's requirements, then run again")
            }
            Self::Install { reason, .. } if reason.contains("No interpreter found") => {
                "install that Python, or correct `requires-python` in `pyproject.toml`, then run again".into()
            }
            Self::Install { what: build::UV_LOCK, .. } => {
                "correct `pyproject.toml`, run `uv lock` in the app's folder, then run again".into()
            }
            Self::Install { .. } => "correct the app's requirements, then run again".into(),
            Self::Network { .. } => {
                "connect to the network once: what was fetched stays in the cache and works offline afterwards".into()
            }
            Self::StaleLock { .. } => "run `uv lock` in the app's folder".into(),
            Self::NoNode { .. } => "install Node 22, or delete `package.json` if the app does not need it".into(),
            Self::Damaged { path } => format!("delete `{}`, then run again", path.display()),
            Self::Unreadable { .. } => {
                "the app's requirements lead there: correct the line that does, or bring the file".into()
            }
            Self::NoRoom { .. } | Self::Unwritable { .. } => {
                "make room, or name a folder you may write with `--cache-directory`".into()
            }
        })
    }
}
