use std::ffi::OsString;
use std::path::PathBuf;

use super::Context;
use crate::failure::{Exit, Failure};
use crate::ops::exec;

/// Run a command in an app's environment, with its local workspace up
///
/// The command sees the variables, the packages and the identity the app would have: this is how tests and CI use
/// brickyard. The exit code is the command's. A `brickyard run` of the same app is joined.
#[derive(Debug, clap::Args)]
pub(crate) struct ExecArgs {
    /// Folder of the app
    #[arg(long, default_value = ".", value_name = "PATH")]
    app: PathBuf,
    /// The command and its arguments
    #[arg(last = true, required = true)]
    command: Vec<OsString>,
}

pub(crate) async fn run(args: ExecArgs, context: &Context) -> Result<Exit, Failure> {
    let directory = context.settings.absolute(&args.app);
    let report = super::run::report_first_use(context.printer);
    let code = exec::run(&context.settings, &directory, &args.command, report, &context.lifecycle).await?;
    Ok(Exit::Child(code))
}
