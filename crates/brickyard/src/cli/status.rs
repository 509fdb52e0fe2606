use serde::Serialize;

use super::Context;
use crate::failure::{Exit, Failure};
use crate::ops::at_login;
use crate::ops::running::Running;
use crate::settings::Settings;

/// Show whether the local workspace runs in the background, and where
#[derive(Debug, clap::Args)]
pub(crate) struct StatusArgs {}

/// What is shown of a running workspace: everything but its token.
#[derive(Serialize)]
pub(crate) struct Shown {
    pub(crate) running: bool,
    pub(crate) pid: u32,
    pub(crate) host: String,
    pub(crate) http_url: String,
    pub(crate) developer: String,
    /// `HTTPS_PROXY` for clients that speak to `https://HOST`.
    pub(crate) proxy_url: String,
    /// `SSL_CERT_FILE` and `REQUESTS_CA_BUNDLE` for them.
    pub(crate) ca_bundle: std::path::PathBuf,
    pub(crate) apps: Vec<String>,
    /// The unit or agent that starts it at login.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) at_login: Option<std::path::PathBuf>,
}

impl Shown {
    pub(crate) fn of(settings: &Settings, running: &Running) -> Self {
        let at_login = at_login::find(settings)
            .filter(|found| found.enabled && found.state_directory == settings.service_directory());
        Self {
            running: true,
            pid: running.pid,
            host: running.host.clone(),
            http_url: running.http_url.clone(),
            developer: running.developer.clone(),
            proxy_url: running.proxy_url.clone(),
            ca_bundle: running.ca_bundle.clone(),
            apps: Vec::new(),
            at_login: at_login.map(|found| found.file),
        }
    }
}

pub(crate) async fn run(_args: StatusArgs, context: &Context) -> Result<Exit, Failure> {
    let Some(running) = Running::find(&context.settings.service_directory()).await else {
        return Err(Failure::user("The local workspace does not run").hint("start it with `brickyard up`"));
    };
    let mut shown = Shown::of(&context.settings, &running);
    shown.apps = running.client()?.apps().await?.into_iter().map(|app| app.name).collect();
    context.printer.document(&shown, |shown| {
        let apps = if shown.apps.is_empty() { "none".to_owned() } else { shown.apps.join(", ") };
        let at_login = shown.at_login.as_ref().map_or_else(
            || "does not start (`brickyard up --at-login`)".to_owned(),
            |file| format!("starts by itself ({})", file.display()),
        );
        format!(
            "Workspace  https://{}\nREST       {}\nProxy      {}\nTrust      {}\nDeveloper  {}\nProcess    {}\nAt login   {at_login}\nApps       {apps}",
            shown.host,
            shown.http_url,
            shown.proxy_url,
            shown.ca_bundle.display(),
            shown.developer,
            shown.pid
        )
    });
    Ok(Exit::Success)
}
