use std::path::PathBuf;

use super::Context;
use crate::failure::{Exit, Failure};
use crate::ops::{at_login, service};

/// Start the local workspace in the background, for several apps
///
/// It keeps running when the terminal closes; apps that were deployed start again with it, also after a restart of the
/// machine with `--at-login`. Once it runs, `deploy`, `list`, `logs` and the others talk to it.
#[derive(Debug, clap::Args)]
pub(crate) struct UpArgs {
    /// Folder whose `brickyard.toml` says who is in the workspace
    path: Option<PathBuf>,
    /// Stay in the foreground
    #[arg(long)]
    foreground: bool,
    /// Start it at every login too, with this `PATH`: as a unit of the user's systemd, or a launchd agent
    #[arg(long, conflicts_with = "foreground")]
    at_login: bool,
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
    if let (true, Some(project)) = (before, &project) {
        let project = project.display();
        context.printer.note(format!(
            "It runs already: what `{project}` says holds after `brickyard down` and `brickyard up {project}`"
        ));
    }
    if args.at_login {
        let installed = at_login::install(&context.settings, project.as_deref()).await?;
        context.printer.note(format!("It starts at every login: {}", installed.file.display()));
        for command in &installed.remaining {
            context.printer.note(format!("What is left for you to run: {command}"));
        }
        if cfg!(target_os = "linux") {
            context
                .printer
                .note("`loginctl enable-linger` starts it with the machine, before anybody logs in");
        }
    }
    context.printer.document(&super::status::Shown::of(&context.settings, &running), |shown| {
        let words = if before { "runs already" } else { "runs" };
        format!(
            "The local workspace {words}: https://{} ({}), developer {}",
            shown.host, shown.http_url, shown.developer
        )
    });
    Ok(Exit::Success)
}
