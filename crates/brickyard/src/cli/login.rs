use super::Context;
use crate::failure::{Exit, Failure};
use crate::ops::login;
use crate::ops::target::TargetArgs;

/// Sign in to a workspace with a browser
///
/// The sign-in is kept where the official command line keeps it, so either program finds the other's.
#[derive(Debug, clap::Args)]
pub(crate) struct LoginArgs {
    /// Address of the workspace, written into the profile when that is new [default: what the profile says]
    #[arg(long, value_name = "URL")]
    host: Option<String>,
    /// Show the address to sign in at and open no browser
    #[arg(long)]
    no_browser: bool,
    #[command(flatten)]
    target: TargetArgs,
}

pub(crate) async fn run(args: LoginArgs, context: &Context) -> Result<Exit, Failure> {
    let printer = context.printer;
    let waiting = login::begin(&context.settings, args.target.name(), args.host.as_deref()).await?;
    printer.note(format!("Sign in at {}", waiting.url()));
    if !args.no_browser {
        // Not waited for: some browsers end when the user closes them.
        let (settings, url) = (context.settings.clone(), waiting.url().to_owned());
        tokio::spawn(async move {
            if !login::open_browser(&settings, &url).await {
                printer.note("No browser could be opened here: open the address yourself");
            }
        });
    }
    let signed_in = tokio::select! {
        signed_in = waiting.finish() => signed_in?,
        () = context.lifecycle.soft.cancelled() => return Err(Failure::user("Interrupted")),
    };
    printer.document(&signed_in, |signed_in| {
        format!("{} is signed in to {} as profile {}", signed_in.user, signed_in.host, signed_in.profile)
    });
    Ok(Exit::Success)
}
