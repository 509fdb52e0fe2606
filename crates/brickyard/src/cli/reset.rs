use std::io::BufRead;
use std::path::PathBuf;

use super::Context;
use crate::failure::{Exit, Failure};
use crate::ops::reset;

/// Throw away a part of the local workspace, to begin afresh
#[derive(Debug, clap::Args)]
pub(crate) struct ResetArgs {
    /// What is thrown away
    #[arg(value_enum)]
    part: Part,
    /// Folder whose workspace is meant
    #[arg(long, default_value = ".", value_name = "PATH")]
    app: PathBuf,
    /// Do not ask
    #[arg(short, long)]
    yes: bool,
}

/// Parts of a workspace that can be thrown away alone.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Part {
    /// Every Lakebase instance and project with all data in it
    Lakebase,
}

pub(crate) async fn run(args: ResetArgs, context: &Context) -> Result<Exit, Failure> {
    let printer = context.printer;
    let Part::Lakebase = args.part;
    if !args.yes {
        if !printer.is_interactive() {
            return Err(Failure::user(
                "This deletes all databases of the workspace, and nobody can be asked",
            )
            .hint("say `--yes`"));
        }
        printer
            .note("This deletes every database of the workspace with all data in it. Type `yes` to go on:");
        let mut answer = String::new();
        std::io::stdin()
            .lock()
            .read_line(&mut answer)
            .map_err(|error| Failure::machine("Cannot read the answer").because(error))?;
        if answer.trim() != "yes" {
            printer.note("Nothing was deleted");
            return Ok(Exit::Success);
        }
    }
    let directory = context.settings.absolute(&args.app);
    let removed =
        reset::lakebase(&context.settings, &directory, super::run::report_first_use(printer)).await?;
    printer.document(&removed, |removed| {
        if removed.is_empty() {
            "There were no databases".to_owned()
        } else {
            removed.iter().map(|name| format!("Deleted {name}")).collect::<Vec<_>>().join("\n")
        }
    });
    Ok(Exit::Success)
}
