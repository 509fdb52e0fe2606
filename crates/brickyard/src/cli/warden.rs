use std::ffi::OsString;
use std::process::ExitCode;

/// Run a command that ends when this program's parent does
///
/// Put before the children of the workspace and the app, so that none outlives brickyard, `kill -9` included.
#[derive(Debug, clap::Args)]
pub(crate) struct WardenArgs {
    /// The command and its arguments
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, required = true)]
    command: Vec<OsString>,
}

pub(crate) fn run(args: WardenArgs) -> ExitCode {
    let _ = args;
    ExitCode::from(2)
}
