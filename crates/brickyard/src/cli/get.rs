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

pub(crate) async fn run(args: GetArgs, context: &Context) -> Result<Exit, Failure> {
    let target = Target::connect(&context.settings, &args.target).await?;
    let app = target.app(&args.name).await?;
    context.printer.document(&app, |app| {
        let state = app.app_status.clone().unwrap_or_default();
        let compute = app.compute_status.clone().unwrap_or_default();
        let mut lines = vec![
            format!("Name       {}", app.name),
            format!("Address    {}", target.app_url(app).unwrap_or_default()),
            format!("App        {}: {}", state.state, state.message),
            format!("Compute    {}: {}", compute.state, compute.message),
            format!("Principal  {}", app.service_principal_client_id.as_deref().unwrap_or_default()),
        ];
        if let Some(deployment) = &app.active_deployment {
            lines.push(format!("Version    {}", deployment.deployment_id.as_deref().unwrap_or_default()));
        }
        for resource in &app.resources {
            lines.push(format!("Resource   {}", resource.name));
        }
        lines.join("\n")
    });
    Ok(Exit::Success)
}
