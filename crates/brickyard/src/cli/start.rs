use std::sync::Arc;

use super::Context;
use crate::failure::{Exit, Failure};
use crate::ops::deploy::{self, Tell};
use crate::ops::target::{Target, TargetArgs};

/// Start an app that was stopped, and wait until it serves
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
    let printer = context.printer;
    let tell: Tell = Arc::new(move |line: &str| printer.note(line));
    let app = tokio::select! {
        started = deploy::start(&target, &args.name, !args.no_wait, &tell) => started?,
        () = context.lifecycle.soft.cancelled() => {
            return Err(Failure::user("Interrupted").hint("the start goes on; the same command waits for it again"));
        }
    };
    context.printer.document(&app, |app| {
        let compute = app.compute_status.clone().unwrap_or_default();
        let status = app.app_status.clone().unwrap_or_default();
        match target.app_url(app) {
            Some(url) if status.state == "RUNNING" => format!("{} runs: {url}", app.name),
            _ if args.no_wait || status.message.is_empty() => format!("{}: {}", app.name, compute.message),
            _ => format!("{}: {}", app.name, status.message),
        }
    });
    Ok(Exit::Success)
}
