use serde_json::json;

use super::Context;
use crate::failure::{Exit, Failure};
use crate::ops::target::{Target, TargetArgs};

/// Open an app in the browser
#[derive(Debug, clap::Args)]
pub(crate) struct OpenArgs {
    /// Name of the app
    name: String,
    #[command(flatten)]
    target: TargetArgs,
}

pub(crate) async fn run(args: OpenArgs, context: &Context) -> Result<Exit, Failure> {
    let target = Target::connect(&context.settings, &args.target).await?;
    let app = target.app(&args.name).await?;
    let url =
        target.app_url(&app).ok_or_else(|| Failure::app(format!("`{}` has no address yet", args.name)))?;
    context.printer.document(&json!({ "url": url }), |_| url.clone());
    if !crate::ops::login::open_browser(&context.settings, &url).await {
        context.printer.note("No browser could be opened here: open the address yourself");
    }
    Ok(Exit::Success)
}
