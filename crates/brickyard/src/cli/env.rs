use std::path::PathBuf;

use super::Context;
use crate::failure::{Exit, Failure};
use crate::ops::environment;
use crate::printer::table;

/// Show every variable an app will see, and where it comes from
///
/// Secrets are shown as stars. A `brickyard run` of the same app is joined; else the workspace is started for the moment.
#[derive(Debug, clap::Args)]
pub(crate) struct EnvArgs {
    /// Folder of the app
    #[arg(default_value = ".")]
    path: PathBuf,
}

pub(crate) async fn run(args: EnvArgs, context: &Context) -> Result<Exit, Failure> {
    let directory = context.settings.absolute(&args.path);
    let variables =
        environment::of_app(&context.settings, &directory, super::run::report_first_use(context.printer))
            .await?;
    context.printer.document(&variables, |variables| {
        let rows: Vec<Vec<String>> = variables
            .iter()
            .map(|variable| vec![variable.name.clone(), variable.value.to_string(), variable.origin.clone()])
            .collect();
        table(&["VARIABLE", "VALUE", "ORIGIN"], &rows)
    });
    Ok(Exit::Success)
}
