use std::path::PathBuf;
use std::sync::Arc;

use super::Context;
use crate::failure::{Exit, Failure};
use crate::ops::deploy::{self, DeployOptions, Tell};
use crate::ops::target::{Target, TargetArgs};

/// Deploy an app: to the local workspace, or to a real one
///
/// Uploads what changed, makes the app or brings its resources and scopes in line, deploys, waits, and looks whether it
/// runs. A deployment that was interrupted is completed by the next one.
#[derive(Debug, clap::Args)]
pub(crate) struct DeployArgs {
    /// Folder of the app
    #[arg(default_value = ".")]
    path: PathBuf,
    /// Name of the app [default: what its files say, else the folder's]
    #[arg(long)]
    name: Option<String>,
    /// Folder of the workspace the source goes to
    #[arg(long, value_name = "PATH")]
    source_code_path: Option<String>,
    /// Show what would change and change nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    target: TargetArgs,
}

pub(crate) async fn run(args: DeployArgs, context: &Context) -> Result<Exit, Failure> {
    let printer = context.printer;
    let target = Target::connect(&context.settings, &args.target).await?;
    let options = DeployOptions {
        directory: context.settings.absolute(&args.path),
        name: args.name,
        source_code_path: args.source_code_path,
    };
    let prepared = deploy::prepare(&target, &options).await?;
    if args.dry_run {
        printer.document(&prepared.plan, deploy::DeployPlan::describe);
        return Ok(Exit::Success);
    }
    printer.note(prepared.plan.describe().trim_end());
    let tell: Tell = Arc::new(move |line: &str| printer.note(line));
    let deployed = tokio::select! {
        deployed = deploy::apply(&target, prepared, &tell) => deployed?,
        () = context.lifecycle.soft.cancelled() => {
            return Err(Failure::user("Interrupted").hint("run `brickyard deploy` again: it completes what is missing"));
        }
    };
    printer.document(&deployed, |deployed| {
        let url = deployed.url.as_deref().unwrap_or("no address");
        format!("{} runs: {url}", deployed.app.name)
    });
    Ok(Exit::Success)
}
