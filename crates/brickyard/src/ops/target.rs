use std::path::PathBuf;
use std::sync::Arc;

use brickyard_api::{ApiFailure, App, Client, Login, ProfileError, profile_host, resolve_target};

use super::deploy::Tell;
use super::logs::{self, Filter, Following, Origin};
use super::running::Running;
use crate::failure::{Failure, Kind};
use crate::settings::Settings;

/// Which workspace a command talks to.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct TargetArgs {
    /// `local`, or a profile of `~/.databrickscfg` (`DATABRICKS_CONFIG_FILE`) for a real workspace; `DEFAULT` also reads
    /// `DATABRICKS_HOST` with `DATABRICKS_TOKEN`, or with `DATABRICKS_CLIENT_ID` and `DATABRICKS_CLIENT_SECRET`
    #[arg(long, default_value = "local", value_name = "TARGET")]
    target: String,
}

impl TargetArgs {
    /// The local workspace.
    pub(crate) fn local() -> Self {
        Self { target: "local".to_owned() }
    }

    /// Name of the target.
    pub(crate) fn name(&self) -> &str {
        &self.target
    }
}

/// A workspace that answers, and what is known of it beyond its API.
pub(crate) struct Target {
    pub(crate) client: Client,
    /// The local workspace's own facts; none for a real one.
    pub(crate) local: Option<Running>,
    /// Where the local workspace writes the logs of apps.
    logs: Option<PathBuf>,
}

impl Target {
    /// Connects to the workspace that the arguments name.
    pub(crate) async fn connect(settings: &Settings, args: &TargetArgs) -> Result<Self, Failure> {
        if args.target == "local" {
            let directory = settings.service_directory();
            let running = Running::find(&directory).await.ok_or_else(|| {
                Failure::user("The local workspace does not run").hint("start it with `brickyard up`")
            })?;
            let logs = Some(directory.join("logs"));
            return Ok(Self { client: running.client()?, local: Some(running), logs });
        }
        let target = profile(settings, &args.target)?;
        Ok(Self { client: Client::new(&target.host, target.credentials)?, local: None, logs: None })
    }

    /// The app of this name.
    pub(crate) async fn app(&self, name: &str) -> Result<App, Failure> {
        self.client.app(name).await?.ok_or_else(|| no_app(name))
    }

    /// Address of an app for a person: by name on this machine, else what the workspace says.
    pub(crate) fn app_url(&self, app: &brickyard_api::App) -> Option<String> {
        match &self.local {
            Some(running) => running.named_port.map(|port| format!("http://{}.localhost:{port}", app.name)),
            None => app.url.clone(),
        }
    }

    /// Where an app's log is read, if it can be.
    pub(crate) fn log(&self, app: &App) -> Option<Origin> {
        match &self.logs {
            Some(directory) => Some(Origin::File(directory.join(format!("{}.log", app.name)))),
            None if self.client.is_oauth() => {
                let url = app.url.clone()?;
                Some(Origin::Stream { client: self.client.clone(), name: app.name.clone(), url })
            }
            None => None,
        }
    }

    /// Tells what an app's log says from now on, until the answer is dropped; a log that cannot be read is none.
    pub(crate) async fn follow_log(&self, name: &str, tell: &Tell) -> Option<Following> {
        let app = if self.logs.is_some() {
            App { name: name.to_owned(), ..App::default() }
        } else {
            self.client.app(name).await.ok()??
        };
        let origin = self.log(&app)?;
        let tell = Arc::clone(tell);
        let each = move |line: &logs::LogLine| tell(&format!("[{}] {}", line.source, line.message));
        Some(logs::follow_in_background(origin, Filter::default(), each).await)
    }
}

/// Refuses a target that cannot be connected to, without asking it anything.
pub(crate) fn check(settings: &Settings, args: &TargetArgs) -> Result<(), Failure> {
    if args.target == "local" { Ok(()) } else { profile(settings, &args.target).map(drop) }
}

/// The workspace a profile stands for, and who we are there.
fn profile(settings: &Settings, name: &str) -> Result<brickyard_api::Target, Failure> {
    let variable = |name: &str| settings.environment.text(name).map(str::to_owned);
    resolve_target(name, &configuration(settings)?, variable, &login(settings, name)).map_err(|error| {
        let hint = match &error {
            ProfileError::NoCredentials { .. } => {
                format!("sign in with `brickyard login --target {name}`")
            }
            ProfileError::Several { .. } => {
                "say which one with `auth_type` in the profile: `pat`, `oauth-m2m` or `databricks-cli`"
                    .to_owned()
            }
            ProfileError::NoHost { name } if name == "DEFAULT" => {
                "set `DATABRICKS_HOST`; where it or credentials are set the file's `DEFAULT` is not read"
                    .to_owned()
            }
            ProfileError::Unsupported { .. } => {
                "use `auth_type = databricks-cli`, `oauth-m2m` or `pat`".to_owned()
            }
            _ => "name a profile of `~/.databrickscfg` with `--target`, or use `--target local`".to_owned(),
        };
        Failure::user(error.to_string()).hint(hint)
    })
}

/// There is no app of this name.
pub(crate) fn no_app(name: &str) -> Failure {
    Failure::new(Kind::Workspace, format!("There is no app `{name}` in the workspace"))
        .hint("`brickyard list` shows those there are")
}

/// Why a call about an app failed.
pub(crate) fn refused(name: &str, failure: ApiFailure) -> Failure {
    if failure.is_not_found() { no_app(name) } else { failure.into() }
}

/// The sign-ins of users, kept where the official command line keeps them.
pub(crate) fn login(settings: &Settings, profile: &str) -> Login {
    let home = settings.environment.path("HOME").unwrap_or_else(std::env::temp_dir);
    let cache = home.join(".databricks/token-cache.json");
    Login::new(cache, Arc::new(|| jiff::Timestamp::now().as_second())).of_profile(profile)
}

/// Address of the workspace a profile names.
pub(crate) fn host_of(settings: &Settings, profile: &str) -> Result<String, Failure> {
    let variable = |name: &str| settings.environment.text(name).map(str::to_owned);
    profile_host(profile, &configuration(settings)?, variable).map_err(|error| {
        Failure::user(error.to_string())
            .hint("name the workspace with `--host https://…`: the profile is written then")
    })
}

/// The configuration file with profiles.
pub(crate) fn configuration_path(settings: &Settings) -> Option<PathBuf> {
    let environment = &settings.environment;
    environment
        .path("DATABRICKS_CONFIG_FILE")
        .or_else(|| Some(environment.path("HOME")?.join(".databrickscfg")))
}

/// Its text; empty when it is not there.
pub(crate) fn configuration(settings: &Settings) -> Result<String, Failure> {
    let Some(path) = configuration_path(settings) else { return Ok(String::new()) };
    match std::fs::read_to_string(&path) {
        Ok(text) => Ok(text),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(String::new()),
        Err(error) => Err(Failure::machine(format!("Cannot read `{}`", path.display())).because(error)),
    }
}
