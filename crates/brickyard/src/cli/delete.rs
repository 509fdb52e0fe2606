use std::io::BufRead;

use super::Context;
use crate::failure::{Exit, Failure};
use crate::ops::target::{Target, TargetArgs, refused};

/// Delete an app, its service principal and what was granted to it
#[derive(Debug, clap::Args)]
pub(crate) struct DeleteArgs {
    /// Name of the app
    name: String,
    /// Do not ask
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    target: TargetArgs,
}

pub(crate) async fn run(args: DeleteArgs, context: &Context) -> Result<Exit, Failure> {
    let target = Target::connect(&context.settings, &args.target).await?;
    if !args.yes {
        if !context.printer.is_interactive() {
            return Err(Failure::user(format!("Deleting `{}` needs a yes", args.name)).hint("add `--yes`"));
        }
        context.printer.note(format!(
            "Delete the app `{}`, its service principal and its grants? Type its name to go on:",
            args.name
        ));
        let mut answer = String::new();
        std::io::stdin()
            .lock()
            .read_line(&mut answer)
            .map_err(|error| Failure::machine("Cannot read the answer").because(error))?;
        if answer.trim() != args.name {
            return Err(Failure::user("Nothing was deleted"));
        }
    }
    let app = target.client.delete_app(&args.name).await.map_err(|failure| refused(&args.name, failure))?;
    context.printer.document(&app, |app| format!("{} is being deleted", app.name));
    Ok(Exit::Success)
}
