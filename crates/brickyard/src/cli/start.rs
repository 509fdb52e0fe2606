use super::Context;
use crate::failure::{Exit, Failure};
use crate::ops::deploy;
use crate::ops::target::{Target, TargetArgs, refused};

/// Start an app that was stopped
#[derive(Debug, clap::Args)]
pub(crate) struct StartArgs {
    /// Name of the app
    name: String,
    /// Do not wait until it is done
    #[arg(long)]
    no_wait: bool,
    #[command(flatten)]
    target: TargetArgs,
}

pub(crate) async fn run(args: StartArgs, context: &Context) -> Result<Exit, Failure> {
    let target = Target::connect(&context.settings, &args.target).await?;
    let mut app =
        target.client.start_app(&args.name).await.map_err(|failure| refused(&args.name, failure))?;
    if !args.no_wait {
        app = tokio::select! {
            settled = deploy::wait_for(&target.client, &args.name, "ACTIVE") => settled?,
            () = context.lifecycle.soft.cancelled() => return Err(Failure::user("Interrupted")),
        };
    }
    context.printer.document(&app, |app| {
        let compute = app.compute_status.clone().unwrap_or_default();
        format!("{}: {}", app.name, compute.message)
    });
    Ok(Exit::Success)
}
