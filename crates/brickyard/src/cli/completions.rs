use clap::CommandFactory;

use crate::failure::{Exit, Failure};
use crate::printer::Printer;

/// Print the completion script for a shell
#[derive(Debug, clap::Args)]
pub(crate) struct CompletionsArgs {
    /// Shell to complete in
    #[arg(value_enum)]
    shell: clap_complete::Shell,
}

#[expect(clippy::unnecessary_wraps, reason = "every command has this shape")]
pub(crate) fn run(args: &CompletionsArgs, printer: Printer) -> Result<Exit, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut super::Cli::command(), "brickyard", &mut script);
    printer.data(String::from_utf8_lossy(&script).trim_end());
    Ok(Exit::Success)
}
