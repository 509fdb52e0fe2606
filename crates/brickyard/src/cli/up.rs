use std::path::PathBuf;

use super::Context;
use crate::failure::{Exit, Failure};
use crate::ops::service;

/// Start the local workspace in the background, for several apps
///
/// It keeps running when the terminal closes; apps that were deployed start again with it. Once it runs, `deploy`, `list`,
/// `logs` and the others talk to it.
#[derive(Debug, clap::Args)]
pub(crate) struct UpArgs {
    /// Folder whose `brickyard.toml` says who is in the workspace
    path: Option<PathBuf>,
    /// Stay in the foreground
    #[arg(long)]
    foreground: bool,
}

pub(crate) async fn run(args: UpArgs, context: &Context) -> Result<Exit, Failure> {
    let project = args.path.map(|path| context.settings.absolute(&path));
    if args.foreground {
        service::serve(
            &context.settings,
            project.as_deref(),
            super::run::report(context.printer),
            &context.lifecycle,
        )
        .await?;
        return Ok(Exit::Success);
    }
    let (running, before) = service::up(&context.settings, project.as_deref()).await?;
    context.printer.document(&super::status::Shown::of(&running), |shown| {
        let words = if before { "runs already" } else { "runs" };
        format!(
            "The local workspace {words}: https://{} ({}), developer {}",
            shown.host, shown.http_url, shown.developer
        )
    });
    Ok(Exit::Success)
}
