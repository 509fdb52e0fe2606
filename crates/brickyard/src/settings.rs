use std::path::{Path, PathBuf};

use crate::environment::{self, Environment};
use crate::failure::Failure;

/// What every command knows, resolved once: arguments over environment over default.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    /// The process environment.
    pub(crate) environment: Environment,
    /// Where relative paths of arguments start.
    pub(crate) working_directory: PathBuf,
    /// Where fetched programs and environments are kept, shared by all apps of the user.
    pub(crate) cache_directory: PathBuf,
    /// State directory named by the user, in place of `.brickyard/` beside the app.
    state_directory: Option<PathBuf>,
    /// Fetch nothing.
    pub(crate) offline: bool,
    /// SQL engine in place of the one that is started.
    pub(crate) engine: Option<String>,
    /// This program, for the children that need a warden.
    pub(crate) executable: PathBuf,
}

impl Settings {
    /// Resolves the settings from the global arguments and the environment.
    pub(crate) fn resolve(environment: Environment, arguments: &Arguments) -> Result<Self, Failure> {
        #[expect(clippy::disallowed_methods, reason = "this is where the working directory comes in")]
        let working_directory = std::env::current_dir()
            .map_err(|error| Failure::machine("Cannot tell the working directory").because(error))?;
        let executable = std::env::current_exe()
            .map_err(|error| Failure::machine("Cannot tell where this program is").because(error))?;
        let default_cache = || {
            let base =
                environment.path("XDG_CACHE_HOME").or_else(|| Some(environment.path("HOME")?.join(".cache")));
            base.unwrap_or_else(std::env::temp_dir).join("brickyard")
        };
        let absolute = |path: PathBuf| working_directory.join(path);
        let cache_directory = arguments
            .cache_directory
            .clone()
            .or_else(|| environment.path(environment::CACHE_DIRECTORY))
            .map_or_else(default_cache, absolute);
        let state_directory = arguments
            .state_directory
            .clone()
            .or_else(|| environment.path(environment::STATE_DIRECTORY))
            .map(absolute);
        let offline = arguments.offline || environment.text(environment::OFFLINE).is_some();
        let engine =
            arguments.engine.clone().or_else(|| environment.text(environment::ENGINE).map(str::to_owned));
        Ok(Self {
            environment,
            working_directory,
            cache_directory,
            state_directory,
            offline,
            engine,
            executable,
        })
    }

    /// The state directory for the app in `project_directory`.
    pub(crate) fn state_directory(&self, project_directory: &Path) -> PathBuf {
        self.state_directory.clone().unwrap_or_else(|| project_directory.join(".brickyard"))
    }

    /// The same settings with each app's state beside the app, whatever was named for the workspace in the background.
    pub(crate) fn beside_apps(&self) -> Self {
        Self { state_directory: None, ..self.clone() }
    }

    /// Where ports of apps are claimed.
    pub(crate) fn ports_directory(&self) -> PathBuf {
        self.cache_directory.join("ports")
    }

    /// Where the background service keeps its state: the user's, not one app's.
    pub(crate) fn service_directory(&self) -> PathBuf {
        let home = || self.environment.path("HOME").map(|home| home.join(".local/state"));
        self.state_directory.clone().unwrap_or_else(|| {
            let base = self.environment.path("XDG_STATE_HOME").or_else(home);
            base.unwrap_or_else(std::env::temp_dir).join("brickyard")
        })
    }

    /// An argument's path, made absolute.
    pub(crate) fn absolute(&self, path: &Path) -> PathBuf {
        // Collecting the components drops every `.`.
        self.working_directory.join(path).components().collect()
    }
}

/// Global arguments that settings come from.
#[derive(Debug, Clone, Default, clap::Args)]
pub(crate) struct Arguments {
    /// Where fetched programs and environments are kept
    #[arg(long, global = true, value_name = "DIRECTORY", help_heading = "Global options")]
    pub(crate) cache_directory: Option<PathBuf>,
    /// Where the local workspace keeps its state [default: .brickyard beside the app]
    #[arg(long, global = true, value_name = "DIRECTORY", help_heading = "Global options")]
    pub(crate) state_directory: Option<PathBuf>,
    /// Fetch nothing: use what the cache holds
    #[arg(long, global = true, help_heading = "Global options")]
    pub(crate) offline: bool,
    /// SQL engine in place of the one that is started: a Spark Connect server
    ///
    /// It must see the same files as the workspace and read Delta tables. A token is better given in the environment
    /// (`BRICKYARD_ENGINE`), where other users do not see it. `;use_ssl=true` asks for TLS, which a token should never go
    /// without on a network; `;ssl_ca=FILE` names the authority (PEM) where the machine does not know it.
    #[arg(long, global = true, value_name = "sc://HOST:PORT[/;token=…]", help_heading = "Global options")]
    pub(crate) engine: Option<String>,
}
