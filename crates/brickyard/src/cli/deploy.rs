use std::path::PathBuf;
use std::sync::Arc;

use super::Context;
use crate::failure::{Exit, Failure};
use crate::ops::bundle;
use crate::ops::deploy::{self, DeployOptions, Deployed, Look, Tell};
use crate::ops::target::{Target, TargetArgs};

/// Deploy an app: to the local workspace, or to a real one
///
/// Checks the app, uploads what changed, makes the app or brings its resources, scopes and permissions in line, deploys,
/// follows, and looks whether the new version serves. A deployment that was interrupted is completed by the next one.
#[derive(Debug, clap::Args)]
pub(crate) struct DeployArgs {
    /// Folder of the app
    #[arg(default_value = ".")]
    path: PathBuf,
    /// Name of the app [default: what its files say, else the folder's]
    #[arg(long)]
    name: Option<String>,
    /// Folder of the workspace the source goes to
    #[arg(long, value_name = "PATH")]
    source_code_path: Option<String>,
    /// Target of the bundle (`databricks.yml`) whose values hold
    #[arg(long, value_name = "NAME")]
    bundle_target: Option<String>,
    /// `SNAPSHOT`, or `AUTO_SYNC`: later changes of the workspace folder are taken up by themselves
    #[arg(long, ignore_case = true, value_parser = ["SNAPSHOT", "AUTO_SYNC"])]
    mode: Option<String>,
    /// Show what would change and change nothing
    #[arg(long)]
    dry_run: bool,
    /// Deploy although the checks find errors
    #[arg(long)]
    no_check: bool,
    /// Remove files of the workspace folder that brickyard did not put there
    #[arg(long)]
    prune: bool,
    /// Deploy also when nothing changed
    #[arg(long)]
    force: bool,
    /// Deploy through the official command line: `databricks bundle deploy`, then `bundle run`
    #[arg(long, conflicts_with_all = ["name", "source_code_path", "mode", "dry_run", "prune", "force"])]
    bundle: bool,
    #[command(flatten)]
    target: TargetArgs,
}

pub(crate) async fn run(args: DeployArgs, context: &Context) -> Result<Exit, Failure> {
    let printer = context.printer;
    if args.bundle {
        let directory = context.settings.absolute(&args.path);
        let target = args.bundle_target.as_deref();
        let handed = bundle::deploy(&context.settings, &directory, target, &args.target).await?;
        if let Some((name, url)) = handed.runs {
            printer.note(format!("{name} runs: {url}"));
        }
        return Ok(handed.exit);
    }
    let target = Target::connect(&context.settings, &args.target).await?;
    let options = DeployOptions {
        directory: context.settings.absolute(&args.path),
        name: args.name,
        source_code_path: args.source_code_path,
        bundle_target: args.bundle_target,
        mode: args.mode.map(|mode| mode.to_uppercase()),
        unchecked: args.no_check,
        prune: args.prune,
        again: args.force,
    };
    let prepared = deploy::prepare(&target, &options).await?;
    if args.dry_run {
        printer.document(&prepared.plan, deploy::DeployPlan::describe);
        return Ok(Exit::Success);
    }
    printer.note(prepared.plan.describe().trim_end());
    let tell: Tell = Arc::new(move |line: &str| printer.note(line));
    let deployed = tokio::select! {
        deployed = deploy::apply(&target, prepared, &tell) => deployed?,
        () = context.lifecycle.soft.cancelled() => {
            return Err(Failure::user("Interrupted").hint("run `brickyard deploy` again: it completes what is missing"));
        }
    };
    deployed.verification.iter().for_each(|look| printer.note(describe(look)));
    printer.document(&deployed, |deployed: &Deployed| {
        let url = deployed.url.as_deref().unwrap_or("no address");
        let words = match (deployed.is_good(), deployed.plan.is_empty()) {
            (false, _) => "was deployed, and not everything is as it should be",
            (true, true) => "runs already",
            (true, false) => "runs",
        };
        format!("{} {words}: {url}", deployed.app.name)
    });
    Ok(if deployed.is_good() { Exit::Success } else { Exit::Found })
}

/// One look at a deployed app in words.
pub(super) fn describe(look: &Look) -> String {
    let mark = if look.good { "✓" } else { "✗" };
    let hint = look.hint.as_ref().map(|hint| format!("\n  hint: {hint}")).unwrap_or_default();
    format!("{mark} {}: {}{hint}", look.what, look.seen)
}
