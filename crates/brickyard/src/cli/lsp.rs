use super::Context;
use crate::failure::{Exit, Failure};

/// Serve an editor: findings while you type, fixes, explanations, completion of `app.yaml`
///
/// Speaks the Language Server Protocol on stdin and stdout; an editor starts it.
#[derive(Debug, clap::Args)]
pub(crate) struct LspArgs {
    /// Accepted because some editors pass it; there is no other way of talking
    #[arg(long, hide = true)]
    stdio: bool,
}

pub(crate) async fn run(_args: LspArgs, context: &Context) -> Result<Exit, Failure> {
    let printer = context.printer;
    let served = tokio::task::spawn_blocking(move || {
        crate::lsp::serve(std::io::BufReader::new(std::io::stdin()), printer.stream())
    });
    tokio::select! {
        () = context.lifecycle.soft.cancelled() => Ok(Exit::Success),
        served = served => {
            let stopped = served
                .map_err(|error| Failure::machine("The language server ended early").because(error))?
                .map_err(|error| Failure::machine("Cannot write to the editor").because(error))?;
            Ok(if stopped { Exit::Success } else { Exit::Found })
        }
    }
}
