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

/// Major version of PostgreSQL that the platform makes unless told otherwise.
const PLATFORM: u32 = 16;

/// Major versions that the package of [`environment::POSTGRES_LOCK`] carries.
const CARRIED: [u32; 2] = [16, 18];

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

    fn postgres(&self, major: Option<u32>) -> BoxFuture<'_, Result<PathBuf, ProvisionError>> {
        Box::pin(async move {
            let at_hand = |major| brickyard_workspace::postgres_at_hand(self.search_path.clone(), major);
            let passed_over = match at_hand(major).await {
                Ok((_, found)) => return Ok(found),
                Err(passed_over) => passed_over,
            };
            if major.is_some_and(|major| !CARRIED.contains(&major)) {
                // Nobody has it, so what is said of it is that the data is of another version.
                if let Ok((_, found)) = at_hand(None).await {
                    return Ok(found);
                }
            }
            let environment =
                self.tool("postgres", environment::POSTGRES_LOCK).await.map_err(|mut error| {
                    for told in passed_over {
                        error.message = format!("{}; {told}", error.message);
                    }
                    error
                })?;
            let carried = walkdir::WalkDir::new(&environment.site_packages)
                .into_iter()
                .filter_map(Result::ok)
                .filter(|entry| entry.file_name() == "initdb" && entry.file_type().is_file())
                .filter_map(|entry| entry.path().parent().map(PathBuf::from));
            let mut found: Option<(u32, PathBuf)> = None;
            for place in carried {
                let Some((carried, _)) = brickyard_workspace::postgres_version(&place).await else {
                    continue;
                };
                let distance = |carried: u32| carried.abs_diff(major.unwrap_or(PLATFORM));
                if found.as_ref().is_none_or(|(best, _)| distance(carried) < distance(*best)) {
                    found = Some((carried, place));
                }
            }
            found.map(|(_, place)| place).ok_or_else(|| ProvisionError {
                message: "The package that carries PostgreSQL has none for this system".to_owned(),
                hint: Some("install PostgreSQL 14 to 18 with the system's package manager".to_owned()),
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
