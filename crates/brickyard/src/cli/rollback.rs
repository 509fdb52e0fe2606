use std::sync::Arc;

use super::Context;
use super::deploy::describe;
use crate::failure::{Exit, Failure};
use crate::ops::deploy::{self, Rolled, Tell};
use crate::ops::target::{Target, TargetArgs};

/// Go back to an earlier version of an app
///
/// Deploys the source of an earlier deployment again, and looks whether it serves.
#[derive(Debug, clap::Args)]
pub(crate) struct RollbackArgs {
    /// Name of the app
    name: String,
    /// Deployment to go back to [default: the last good one before the one that serves]
    deployment: Option<String>,
    #[command(flatten)]
    target: TargetArgs,
}

pub(crate) async fn run(args: RollbackArgs, context: &Context) -> Result<Exit, Failure> {
    let printer = context.printer;
    let target = Target::connect(&context.settings, &args.target).await?;
    let tell: Tell = Arc::new(move |line: &str| printer.note(line));
    let rolled = tokio::select! {
        rolled = deploy::rollback(&target, &args.name, args.deployment.as_deref(), &tell) => rolled?,
        () = context.lifecycle.soft.cancelled() => {
            let hint = format!("what was begun goes on: `brickyard get {}` shows it", args.name);
            return Err(Failure::user("Interrupted").hint(hint));
        }
    };
    rolled.verification.iter().for_each(|look| printer.note(describe(look)));
    printer.document(&rolled, |rolled: &Rolled| {
        let url = rolled.url.as_deref().unwrap_or("no address");
        let (name, to) = (&rolled.app.name, &rolled.to);
        if rolled.is_good() {
            format!("{name} runs the source of {to}: {url}")
        } else {
            format!(
                "{name} was deployed from the source of {to}, and not everything is as it should be: {url}"
            )
        }
    });
    Ok(if rolled.is_good() { Exit::Success } else { Exit::Found })
}
