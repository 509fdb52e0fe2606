use super::Context;
use crate::failure::{Exit, Failure};
use crate::ops::target::{Target, TargetArgs};

/// Start an app that was stopped
#[derive(Debug, clap::Args)]
pub(crate) struct StartArgs {
    /// Name of the app
    name: String,
    #[command(flatten)]
    target: TargetArgs,
}

pub(crate) async fn run(args: StartArgs, context: &Context) -> Result<Exit, Failure> {
    let target = Target::connect(&context.settings, &args.target).await?;
    let app = target.client.start_app(&args.name).await?;
    context.printer.document(&app, |app| {
        let compute = app.compute_status.clone().unwrap_or_default();
        format!("{}: {}", app.name, compute.message)
    });
    Ok(Exit::Success)
}
