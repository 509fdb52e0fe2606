use brickyard_api::{App, Client};

use super::app::{SETTLING, state, vanished, wait_for};
use super::{POLL, Tell};
use crate::failure::{Failure, Kind};
use crate::ops::target::{Target, no_app, refused};

/// Starts an app; with `wait` it comes back when the version that served last serves again. An app that is started already,
/// or on its way, is only waited for.
pub(crate) async fn start(target: &Target, name: &str, wait: bool, tell: &Tell) -> Result<App, Failure> {
    let client = &target.client;
    let mut app = client.app(name).await?.ok_or_else(|| no_app(name))?;
    if wait && state(&app) == "STOPPING" {
        tell("Waiting until the app has stopped");
        app = wait_for(client, name, "STOPPED").await?;
    }
    if matches!(state(&app), "STARTING" | "ACTIVE" | "UPDATING") {
        tell(&format!("{name} is started already"));
    } else {
        app = client.start_app(name).await.map_err(|failure| refused(name, failure))?;
    }
    if !wait {
        return Ok(app);
    }
    wait_for(client, name, "ACTIVE").await?;
    let app = tokio::time::timeout(SETTLING, deployed(client, name)).await.map_err(|_| {
        Failure::new(Kind::Workspace, format!("The app `{name}` is still being deployed after 20 minutes"))
    })??;
    let status = app.app_status.clone().unwrap_or_default();
    // A real workspace may take a while to tell; the local one knows.
    let down = target.local.is_some() && status.state != "RUNNING" && app.active_deployment.is_some();
    if down || status.state == "CRASHED" {
        return Err(Failure::app(format!("The app `{name}` does not run: {}", status.message))
            .hint(format!("read `brickyard logs {name}`")));
    }
    Ok(app)
}

/// The app once no version of it is on its way.
async fn deployed(client: &Client, name: &str) -> Result<App, Failure> {
    loop {
        let app = client.app(name).await?.ok_or_else(|| vanished(name))?;
        if app.app_status.as_ref().is_none_or(|status| status.state != "DEPLOYING") {
            return Ok(app);
        }
        tokio::time::sleep(POLL).await;
    }
}
