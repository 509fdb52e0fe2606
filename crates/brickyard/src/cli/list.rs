use super::Context;
use crate::failure::{Exit, Failure};
use crate::ops::target::{Target, TargetArgs};
use crate::printer::table;

/// List the apps of a workspace
#[derive(Debug, clap::Args)]
pub(crate) struct ListArgs {
    #[command(flatten)]
    target: TargetArgs,
}

pub(crate) async fn run(args: ListArgs, context: &Context) -> Result<Exit, Failure> {
    let target = Target::connect(&context.settings, &args.target).await?;
    let apps = target.client.apps().await?;
    context.printer.document(&apps, |apps| {
        let rows: Vec<Vec<String>> = apps
            .iter()
            .map(|app| {
                let state = |state: Option<&str>| state.unwrap_or("-").to_owned();
                vec![
                    app.name.clone(),
                    state(app.app_status.as_ref().map(|status| status.state.as_str())),
                    state(app.compute_status.as_ref().map(|status| status.state.as_str())),
                    target.app_url(app).unwrap_or_default(),
                ]
            })
            .collect();
        table(&["NAME", "APP", "COMPUTE", "ADDRESS"], &rows)
    });
    Ok(Exit::Success)
}
