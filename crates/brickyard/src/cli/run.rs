use std::path::PathBuf;
use std::sync::Arc;

use brickyard_runner::environment::{Installing, Progress};
use brickyard_runner::ingress::{Port, SignIn};
use brickyard_runner::supervisor::State;

use super::Context;
use crate::failure::{Exit, Failure};
use crate::ops::apps::{Door, FIRST_PORT, PortPolicy};
use crate::ops::provision::Report;
use crate::ops::run::{Foreground, crashed};
use crate::ops::session::{AppSession, SessionOptions};
use crate::printer::Printer;

/// Run an app in its local workspace, as the platform would
///
/// Builds the app's environment, starts the workspace, serves the app at the printed address and shows its log until
/// Ctrl-C. A second Ctrl-C stops at once.
#[derive(Debug, clap::Args)]
pub(crate) struct RunArgs {
    /// Folder of the app
    #[arg(default_value = ".")]
    path: PathBuf,
    /// Port of the app's address [default: 8001 or the next free one]
    #[arg(long)]
    port: Option<u16>,
    /// Sign this user in without asking; `none` shows the sign-in page [default: the developer]
    #[arg(long = "as", value_name = "USER")]
    user: Option<String>,
    /// Port the app is told to listen on (`DATABRICKS_APP_PORT`) [default: 8000, or what its command pins]
    #[arg(long, value_name = "PORT")]
    app_port: Option<u16>,
    /// Behave as production does where `run` would be lenient: a wrong port makes the app unavailable
    #[arg(long, conflicts_with = "app_port")]
    strict: bool,
    /// Restart the app when its files change
    #[arg(long)]
    reload: bool,
}

pub(crate) async fn run(args: RunArgs, context: &Context) -> Result<Exit, Failure> {
    let printer = context.printer;
    let door = Door {
        port: args.port.map_or(Port::From(FIRST_PORT), Port::Exactly),
        sign_in: match args.user.as_deref() {
            Some("none") => SignIn::Browser,
            Some(user) => SignIn::As(user.to_owned()),
            None => SignIn::As(String::new()),
        },
    };
    let port = match (args.app_port, args.strict) {
        (Some(port), _) => PortPolicy::Fixed(port),
        (None, true) => PortPolicy::Strict,
        (None, false) => PortPolicy::Auto,
    };
    let options = SessionOptions {
        directory: context.settings.absolute(&args.path),
        door,
        named_port: Some(Port::From(FIRST_PORT + 1000)),
        port,
        reload: args.reload,
        report: report(printer),
    };
    let session = tokio::select! {
        session = AppSession::open(&context.settings, options) => session?,
        () = context.lifecycle.soft.cancelled() => return Ok(Exit::Success),
    };
    for why in &session.assumed {
        printer.note(format!("{why} of the local workspace"));
    }
    let foreground = Foreground::open(session)?;
    let outcome = watch(&foreground, context).await;
    tokio::select! {
        () = foreground.stop() => {}
        () = context.lifecycle.hard.cancelled() => {}
    }
    outcome
}

/// Shows the log and what changes, until the app ends or the user stops it.
async fn watch(foreground: &Foreground, context: &Context) -> Result<Exit, Failure> {
    let printer = context.printer;
    let logs = foreground.session().app.logs.clone();
    let (_, mut lines) = logs.follow();
    let printing = async {
        loop {
            match lines.recv().await {
                Ok(line) => printer.data(format!("[{}] {}", line.source, line.message)),
                Err(tokio::sync::broadcast::error::RecvError::Lagged(lost)) => {
                    printer.warning(format!(
                        "{lost} lines of the log were too fast to be shown; `brickyard logs` has them"
                    ));
                }
                Err(tokio::sync::broadcast::error::RecvError::Closed) => std::future::pending().await,
            }
        }
    };
    let running = async {
        let started = foreground.start().await?;
        if let Some(port) = started.pinned {
            printer.warning(format!(
                "The app insists on port {port}; the platform's is DATABRICKS_APP_PORT (8000), where it would answer \"App Not Available\""
            ));
        }
        printer.note("");
        printer.note(format!("  {}  {}", printer.bold("App      "), foreground.url));
        if let Some(url) = &foreground.named_url {
            printer.note(format!("             {url}"));
        }
        let workspace = &foreground.session().workspace;
        printer.note(format!(
            "  {}  https://{} ({})",
            printer.bold("Workspace"),
            workspace.handle.host(),
            workspace.handle.http_url()
        ));
        printer.note(format!("  {}  {}", printer.bold("Developer"), workspace.developer));
        printer.note("");
        printer.note("Press Ctrl-C to stop");
        let mut status = foreground.status.clone();
        let mut told = None;
        loop {
            let now = status.borrow_and_update().clone();
            if let Some(diagnosis) = now.diagnosis.filter(|diagnosis| told.as_ref() != Some(diagnosis)) {
                printer.warning(diagnosis.to_string());
                told = Some(diagnosis);
            }
            if let State::Crashed(crash) = now.state {
                let failure = crashed(&crash);
                if !foreground.session().plan.reload {
                    return Err(failure);
                }
                printer.failure(&failure);
                printer.note("The next change of a file starts it again");
            }
            if status.changed().await.is_err() {
                return Ok(Exit::Success);
            }
        }
    };
    tokio::select! {
        outcome = running => outcome,
        () = printing => Ok(Exit::Success),
        () = context.lifecycle.soft.cancelled() => Ok(Exit::Success),
    }
}

/// Tells how far builds are, one line a step.
pub(crate) fn report(printer: Printer) -> Report {
    Arc::new(move |progress| match progress {
        Progress::Tool(name) => printer.note(format!("Looking for {name}")),
        Progress::Creating { python } => printer.note(format!("Making an environment with Python {python}")),
        Progress::Installing(what) => printer.note(match what {
            Installing::Preinstalled => "Installing the platform's packages",
            Installing::Requirements => "Installing the app's requirements",
            Installing::UvLock => "Installing what `uv.lock` names",
            Installing::NodePackages => "Installing the app's Node packages",
            Installing::NodeBuild => "Running the app's build script",
            Installing::Tool => "Fetching a program of the local workspace",
        }),
        Progress::Ready { reused: false, elapsed } => {
            printer.note(format!("Ready after {:.1} s", elapsed.as_secs_f64()));
        }
        Progress::Ready { reused: true, .. } | Progress::Line(_) => {}
    })
}
