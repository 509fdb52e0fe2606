use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;

/// Variables that brickyard itself reads; `docs/reference/env.md` is made from this list.
pub(crate) const VARIABLES: &[(&str, &str)] = &[
    (CACHE_DIRECTORY, "Where environments, uv, the SQL engine and other fetched programs are kept"),
    (STATE_DIRECTORY, "Where the local workspace keeps its state; `.brickyard/` beside the app by default"),
    (ENGINE, "Spark Connect server to use as the SQL engine, `sc://HOST:PORT[/;token=…]`"),
    (OFFLINE, "Set to anything: fetch nothing, use what the cache holds"),
    (LOG, "What to log on stderr, such as `debug` or `brickyard_workspace=trace`"),
    (
        NO_NAMESPACES,
        "Set to anything: give no app a network of its own, which lets several apps fix the same port",
    ),
    (NO_COLOR, "Set to anything: no colour"),
    ("DATABRICKS_HOST", "Workspace of a remote target"),
    ("DATABRICKS_TOKEN", "Personal access token for a remote target"),
    ("DATABRICKS_CLIENT_ID", "Client id of a service principal for a remote target"),
    ("DATABRICKS_CLIENT_SECRET", "Client secret of a service principal for a remote target"),
    ("DATABRICKS_CONFIG_PROFILE", "Profile of the configuration file for a remote target"),
    ("DATABRICKS_CONFIG_FILE", "Configuration file with profiles; `~/.databrickscfg` by default"),
];

pub(crate) const CACHE_DIRECTORY: &str = "BRICKYARD_CACHE_DIR";
pub(crate) const STATE_DIRECTORY: &str = "BRICKYARD_STATE_DIR";
pub(crate) const ENGINE: &str = "BRICKYARD_ENGINE";
pub(crate) const OFFLINE: &str = "BRICKYARD_OFFLINE";
pub(crate) const LOG: &str = "BRICKYARD_LOG";
pub(crate) const NO_NAMESPACES: &str = "BRICKYARD_NO_NAMESPACES";
pub(crate) const NO_COLOR: &str = "NO_COLOR";

/// The process environment, read once at the start; nothing below reads a variable by itself.
#[derive(Debug, Clone, Default)]
pub(crate) struct Environment {
    variables: BTreeMap<OsString, OsString>,
}

impl Environment {
    /// The environment of this process.
    pub(crate) fn of_process() -> Self {
        Self { variables: std::env::vars_os().collect() }
    }

    /// A variable that is set, not empty, and text.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.variables.get(std::ffi::OsStr::new(name))?.to_str().filter(|value| !value.is_empty())
    }

    /// A variable that is set and not empty, as a path.
    pub(crate) fn path(&self, name: &str) -> Option<PathBuf> {
        self.variables.get(std::ffi::OsStr::new(name)).filter(|value| !value.is_empty()).map(PathBuf::from)
    }

    /// The directories of `PATH`.
    pub(crate) fn search_path(&self) -> Vec<PathBuf> {
        self.variables
            .get(std::ffi::OsStr::new("PATH"))
            .map(|value| std::env::split_paths(value).collect())
            .unwrap_or_default()
    }

    /// All variables that are text.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.variables.iter().filter_map(|(name, value)| Some((name.to_str()?, value.to_str()?)))
    }
}
