use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use brickyard_runner::environment::{self, EnvironmentError, Installing, Progress};
use brickyard_runner::tools::{Cache, Tools};
use brickyard_runner::warden::Limits;
use brickyard_workspace::{Provision, ProvisionError};
use futures_util::future::BoxFuture;

use crate::settings::Settings;

/// Programs of the workspace have no compute size.
const NO_LIMITS: Limits = Limits { cpus: None, memory_bytes: None };

/// Tells somebody how far a build is.
pub(crate) type Report = Arc<dyn Fn(Progress) + Send + Sync>;

/// A step of a build in words; nothing for what it prints, and for a build there was nothing to do for.
pub(crate) fn describe(progress: &Progress) -> Option<String> {
    Some(match progress {
        Progress::Tool(name) => format!("Looking for {name}"),
        Progress::Creating { python } => format!("Making an environment with Python {python}"),
        Progress::Installing(what) => match what {
            Installing::Preinstalled => "Installing the platform's packages",
            Installing::Requirements => "Installing the app's requirements",
            Installing::UvLock => "Installing what `uv.lock` names",
            Installing::NodePackages => "Installing the app's Node packages",
            Installing::NodeBuild => "Running the app's build script",
            Installing::Tool => "Fetching a program of the local workspace",
        }
        .to_owned(),
        Progress::Ready { reused: false, elapsed } => format!("Ready after {:.1} s", elapsed.as_secs_f64()),
        Progress::Ready { reused: true, .. } | Progress::Line(_) => return None,
    })
}

/// Brings the programs behind the workspace through the runner's tools and cache.
pub(crate) struct Programs {
    tools: Arc<Tools>,
    warden: Vec<String>,
    search_path: Vec<PathBuf>,
    report: Report,
}

/// The tools of the runner, started with what they need of the user's environment.
pub(crate) fn tools(settings: &Settings) -> Arc<Tools> {
    let mut variables: brickyard_runner::tools::Variables = settings
        .environment
        .iter()
        .map(|(name, value)| (OsString::from(name), OsString::from(value)))
        .collect();
    if settings.offline {
        variables.insert("UV_OFFLINE".into(), "1".into());
    }
    let warden =
        brickyard_runner::warden::command(settings.executable.as_os_str(), Duration::from_secs(2), NO_LIMITS);
    Arc::new(Tools::new(Cache::new(&settings.cache_directory), variables).with_warden(warden))
}

impl Programs {
    pub(crate) fn new(settings: &Settings, tools: Arc<Tools>, report: Report) -> Self {
        let warden = brickyard_runner::warden::command(
            settings.executable.as_os_str(),
            Duration::from_secs(5),
            NO_LIMITS,
        );
        let words = warden.into_iter().map(|word| word.to_string_lossy().into_owned());
        let warden = words.chain(["--".to_owned()]).collect();
        Self { tools, warden, search_path: settings.environment.search_path(), report }
    }

    async fn tool(&self, name: &str, requirements: &str) -> Result<environment::Environment, ProvisionError> {
        let report = Arc::clone(&self.report);
        environment::tool_environment(name, requirements, &self.tools, move |progress| report(progress))
            .await
            .map_err(|error| refuse(&error))
    }
}

impl Provision for Programs {
    fn engine(&self) -> BoxFuture<'_, Result<PathBuf, ProvisionError>> {
        Box::pin(async {
            if let Some(found) = self.tools.find("sail") {
                return Ok(found);
            }
            Ok(self.tool("engine", environment::ENGINE_LOCK).await?.bin_directory.join("sail"))
        })
    }

    fn postgres(&self) -> BoxFuture<'_, Result<PathBuf, ProvisionError>> {
        Box::pin(async {
            if let Some((_, found)) = brickyard_workspace::postgres_at_hand(self.search_path.clone()).await {
                return Ok(found);
            }
            let environment = self.tool("postgres", environment::POSTGRES_LOCK).await?;
            let found = walkdir::WalkDir::new(&environment.site_packages)
                .into_iter()
                .filter_map(Result::ok)
                .find(|entry| entry.file_name() == "initdb" && entry.file_type().is_file())
                .and_then(|entry| entry.path().parent().map(PathBuf::from));
            found.ok_or_else(|| ProvisionError {
                message: "The package that carries PostgreSQL has no `initdb` for this system".to_owned(),
                hint: Some("install PostgreSQL 14 or newer with the system's package manager".to_owned()),
            })
        })
    }

    fn python(&self, requirements: Vec<String>) -> BoxFuture<'_, Result<PathBuf, ProvisionError>> {
        Box::pin(async move { Ok(self.tool("python", &requirements.join("\n")).await?.python) })
    }

    fn warden(&self) -> Vec<String> {
        self.warden.clone()
    }
}

fn refuse(error: &EnvironmentError) -> ProvisionError {
    let mut message = error.to_string();
    let mut next = std::error::Error::source(error);
    while let Some(cause) = next {
        message = format!("{message}: {cause}");
        next = cause.source();
    }
    ProvisionError { message, hint: error.hint() }
}
