use brickyard_api::{App, Deployment};
use serde::Serialize;

use super::Context;
use crate::failure::{Exit, Failure};
use crate::ops::target::{Target, TargetArgs};

/// Show an app: its states, its versions, what it may use
#[derive(Debug, clap::Args)]
pub(crate) struct GetArgs {
    /// Name of the app
    name: String,
    #[command(flatten)]
    target: TargetArgs,
}

/// An app with its versions.
#[derive(Serialize)]
struct Shown {
    #[serde(flatten)]
    app: App,
    /// Newest first.
    deployments: Vec<Deployment>,
}

/// How many versions a person is shown.
const VERSIONS: usize = 10;

pub(crate) async fn run(args: GetArgs, context: &Context) -> Result<Exit, Failure> {
    let target = Target::connect(&context.settings, &args.target).await?;
    let app = target.app(&args.name).await?;
    let deployments = target.client.deployments(&args.name).await?;
    context.printer.document(&Shown { app, deployments }, |Shown { app, deployments }| {
        let state = app.app_status.clone().unwrap_or_default();
        let compute = app.compute_status.clone().unwrap_or_default();
        let mut lines = vec![
            format!("Name       {}", app.name),
            format!("Address    {}", target.app_url(app).unwrap_or_default()),
            format!("App        {}: {}", state.state, state.message),
            format!("Compute    {}: {}", compute.state, compute.message),
            format!("Principal  {}", app.service_principal_client_id.as_deref().unwrap_or_default()),
        ];
        let active = app.active_deployment.as_ref().and_then(|active| active.deployment_id.as_ref());
        for deployment in deployments.iter().take(VERSIONS) {
            let serves = active.is_some() && deployment.deployment_id.as_ref() == active;
            lines.push(version(deployment, serves));
        }
        if let Some(more) = deployments.len().checked_sub(VERSIONS).filter(|more| *more > 0) {
            lines.push(format!("           … {more} earlier ones (`-o json` shows them)"));
        }
        for resource in &app.resources {
            lines.push(format!("Resource   {}", resource.name));
        }
        lines.join("\n")
    });
    Ok(Exit::Success)
}

/// One version: its id, when it was made, what came of it.
fn version(deployment: &Deployment, serves: bool) -> String {
    let text = |field: &Option<String>| field.clone().unwrap_or_default();
    let status = deployment.status.clone().unwrap_or_default();
    let time = text(&deployment.create_time);
    let time = time.parse::<jiff::Timestamp>().map_or(time, |time| format!("{time:.0}"));
    let mut line = format!("Version    {}  {time}  {}", text(&deployment.deployment_id), status.state);
    if serves {
        line.push_str(", serves");
    } else if status.state == "FAILED" {
        line.push_str(": ");
        line.push_str(status.message.lines().next().unwrap_or_default());
    }
    line
}
