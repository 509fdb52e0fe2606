use std::path::PathBuf;

use serde_json::json;

use super::Context;
use crate::failure::{Exit, Failure};
use crate::ops::bundle;

/// Bundles (`databricks.yml`)
#[derive(Debug, clap::Args)]
pub(crate) struct BundleArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Write a `databricks.yml` for an app, with targets `dev`, `staging` and `prod`
    Init {
        /// Folder of the app
        #[arg(default_value = ".")]
        path: PathBuf,
    },
}

pub(crate) fn run(args: &BundleArgs, context: &Context) -> Result<Exit, Failure> {
    let Action::Init { path } = &args.action;
    let written = bundle::write(&context.settings.absolute(path))?;
    context.printer.document(&json!({ "path": written }), |_| {
        format!(
            "Wrote {}: give its variables values, then `brickyard deploy --bundle-target dev`",
            written.display()
        )
    });
    Ok(Exit::Success)
}
