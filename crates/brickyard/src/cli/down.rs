use super::Context;
use crate::failure::{Exit, Failure};
use crate::ops::service;

/// Stop the local workspace that runs in the background
#[derive(Debug, clap::Args)]
pub(crate) struct DownArgs {}

pub(crate) async fn run(_args: DownArgs, context: &Context) -> Result<Exit, Failure> {
    let stopped = service::down(&context.settings).await?;
    context.printer.note(if stopped {
        "The local workspace has stopped"
    } else {
        "The local workspace does not run"
    });
    Ok(Exit::Success)
}
