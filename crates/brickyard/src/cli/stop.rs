use super::Context;
use crate::failure::{Exit, Failure};
use crate::ops::deploy;
use crate::ops::target::{Target, TargetArgs, refused};

/// Stop an app: SIGTERM, 15 seconds, SIGKILL
#[derive(Debug, clap::Args)]
pub(crate) struct StopArgs {
    /// Name of the app
    name: String,
    /// Do not wait until it is done
    #[arg(long)]
    no_wait: bool,
    #[command(flatten)]
    target: TargetArgs,
}

pub(crate) async fn run(args: StopArgs, context: &Context) -> Result<Exit, Failure> {
    let target = Target::connect(&context.settings, &args.target).await?;
    let mut app = target.client.stop_app(&args.name).await.map_err(|failure| refused(&args.name, failure))?;
    if !args.no_wait {
        app = tokio::select! {
            settled = deploy::wait_for(&target.client, &args.name, "STOPPED") => settled?,
            () = context.lifecycle.soft.cancelled() => {
                return Err(Failure::user("Interrupted").hint("the stop goes on; the same command waits for it again"));
            }
        };
    }
    context.printer.document(&app, |app| {
        let compute = app.compute_status.clone().unwrap_or_default();
        format!("{}: {}", app.name, compute.message)
    });
    Ok(Exit::Success)
}
