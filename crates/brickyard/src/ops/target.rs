use std::path::PathBuf;

use brickyard_api::{Client, resolve_target};

use super::running::Running;
use crate::failure::Failure;
use crate::settings::Settings;

/// Which workspace a command talks to.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct TargetArgs {
    /// `local`, or a profile of the configuration file of a real workspace
    #[arg(long, default_value = "local", value_name = "TARGET")]
    target: String,
}

/// A workspace that answers, and what is known of it beyond its API.
pub(crate) struct Target {
    pub(crate) client: Client,
    /// The local workspace's own facts; none for a real one.
    pub(crate) local: Option<Running>,
}

impl Target {
    /// Connects to the workspace that the arguments name.
    pub(crate) async fn connect(settings: &Settings, args: &TargetArgs) -> Result<Self, Failure> {
        if args.target == "local" {
            let directory = settings.service_directory();
            let running = Running::find(&directory).await.ok_or_else(|| {
                Failure::user("The local workspace does not run").hint("start it with `brickyard up`")
            })?;
            return Ok(Self { client: running.client()?, local: Some(running) });
        }
        let file = settings
            .environment
            .path("DATABRICKS_CONFIG_FILE")
            .or_else(|| Some(settings.environment.path("HOME")?.join(".databrickscfg")));
        let text = file.map(read).transpose()?.unwrap_or_default();
        let variable = |name: &str| settings.environment.text(name).map(str::to_owned);
        let target = resolve_target(&args.target, &text, variable).map_err(|error| {
            Failure::user(error.to_string())
                .hint("name a profile of `~/.databrickscfg` with `--target`, or use `--target local`")
        })?;
        Ok(Self { client: Client::new(&target.host, target.credentials)?, local: None })
    }

    /// Address of an app for a person: by name on this machine, else what the workspace says.
    pub(crate) fn app_url(&self, app: &brickyard_api::App) -> Option<String> {
        match &self.local {
            Some(running) => running.named_port.map(|port| format!("http://{}.localhost:{port}", app.name)),
            None => app.url.clone(),
        }
    }
}

fn read(path: PathBuf) -> Result<String, Failure> {
    match std::fs::read_to_string(&path) {
        Ok(text) => Ok(text),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(String::new()),
        Err(error) => Err(Failure::machine(format!("Cannot read `{}`", path.display())).because(error)),
    }
}
