use std::path::PathBuf;

use serde_json::json;

use super::Context;
use crate::failure::{Exit, Failure};
use crate::ops::parity;
use crate::ops::target::TargetArgs;

/// Compare the local workspace with a real one
///
/// Plays the same scenario in both (an app that is made without compute, files in a folder of their own; everything is
/// removed in the end) and shows what came out differently. Neither output nor report holds names, addresses or ids.
#[derive(Debug, clap::Args)]
pub(crate) struct ParityArgs {
    /// Write the whole report there, as JSON
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    #[command(flatten)]
    target: TargetArgs,
}

pub(crate) async fn run(args: ParityArgs, context: &Context) -> Result<Exit, Failure> {
    let printer = context.printer;
    let compared = parity::compare(&context.settings, &args.target).await?;
    let differences = parity::differences(&compared.local, &compared.target);
    if let Some(path) = &args.report {
        let path = context.settings.absolute(path);
        let text = serde_json::to_vec_pretty(&compared)
            .map_err(|error| Failure::machine("Cannot write the report").because(error))?;
        std::fs::write(&path, text)
            .map_err(|error| Failure::machine(format!("Cannot write `{}`", path.display())).because(error))?;
        printer.note(format!("The report is in {}", path.display()));
    }
    let shown: Vec<_> =
        differences.iter().map(|(local, target)| json!({ "local": local, "target": target })).collect();
    printer.document(&shown, |_| {
        let count = compared.local.len();
        if differences.is_empty() {
            return format!("All {count} steps came out the same");
        }
        let mut lines = vec![format!("{} of {count} steps came out differently", differences.len())];
        for (local, target) in &differences {
            lines.push(format!("{}\n  local   {} {}", local.step, local.result, local.shape));
            lines.push(format!("  target  {} {}", target.result, target.shape));
        }
        lines.join("\n")
    });
    Ok(if differences.is_empty() { Exit::Success } else { Exit::Found })
}
