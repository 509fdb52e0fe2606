use super::Context;
use crate::failure::{Exit, Failure};
use crate::ops::{at_login, service};

/// Stop the local workspace that runs in the background
#[derive(Debug, clap::Args)]
pub(crate) struct DownArgs {
    /// No longer start it at login either
    #[arg(long)]
    at_login: bool,
}

pub(crate) async fn run(args: DownArgs, context: &Context) -> Result<Exit, Failure> {
    let stopped = service::down(&context.settings).await?;
    context.printer.note(if stopped {
        "The local workspace has stopped"
    } else {
        "The local workspace does not run"
    });
    if args.at_login {
        context.printer.note(match at_login::remove(&context.settings).await? {
            Some(file) => format!("It no longer starts at login: {} is removed", file.display()),
            None => "It did not start at login".to_owned(),
        });
    }
    Ok(Exit::Success)
}
