use std::path::PathBuf;
use std::sync::Arc;

use brickyard_runner::environment::Progress;
use brickyard_runner::ingress::{Port, SignIn};
use brickyard_runner::logs::{Line, Source};
use brickyard_runner::supervisor::State;
use brickyard_runner::warden::{Limits, LimitsApplied};

use super::Context;
use crate::failure::{Exit, Failure};
use crate::ops::apps::{Door, FIRST_PORT, PLATFORM_PORT, PortPolicy, Told};
use crate::ops::provision::{Report, describe};
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
        told: Told::Port,
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
        development: false,
        reload: args.reload,
        report: report(printer),
    };
    let session = tokio::select! {
        session = AppSession::open(&context.settings, options) => session?,
        () = context.lifecycle.soft.cancelled() => return Ok(Exit::Success),
    };
    if let Some(read) = session.project.app_yaml.as_ref().filter(|app| app.shadowed.is_some()) {
        printer.warning(format!(
            "Both `app.yml` and `app.yaml` are present; `{}` is read and the other is not",
            read.path.file_name().unwrap_or_default().to_string_lossy()
        ));
    }
    for why in &session.assumed {
        printer.note(format!("{why} of the local workspace"));
    }
    if !session.project.telemetry_export_destinations().is_empty()
        && session.project.settings.telemetry.endpoint.is_none()
    {
        printer.note(
            "What the app exports as telemetry goes nowhere: `endpoint` under `[telemetry]` in `brickyard.toml` names an OTLP \
             collector for it",
        );
    }
    let foreground = Foreground::open(session)?;
    if let Some(port) = foreground.port.filter(|port| args.port.is_none() && *port != FIRST_PORT) {
        printer.note(format!("Port {FIRST_PORT} is taken; the app's address has port {port}"));
    }
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
    let show = |line: &Line| {
        // What a build says is progress: in a pipe it is in the log alone, and in the error if there is one.
        if line.source != Source::Build || printer.is_watched() {
            printer.data(format!("[{}] {}", line.source, line.message));
        }
    };
    let printing = async {
        loop {
            match lines.recv().await {
                Ok(line) => show(&line),
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
        if let Some(port) = started.moved {
            printer.note(format!("Port {PLATFORM_PORT} is taken; the app is told to listen on {port}"));
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
        if let Some(how) = limits(&foreground.session().plan.limits, foreground.status.borrow().limits) {
            printer.note(format!("  {}  {how}", printer.bold("Limits   ")));
        }
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
    let outcome = tokio::select! {
        outcome = running => outcome,
        () = printing => Ok(Exit::Success),
        () = context.lifecycle.soft.cancelled() => Ok(Exit::Success),
    };
    // The last words of an app that has just ended.
    while let Ok(line) = lines.try_recv() {
        show(&line);
    }
    outcome
}

/// How the limits of the compute size are set here.
fn limits(limits: &Limits, applied: LimitsApplied) -> Option<String> {
    let cpus = limits.cpus.unwrap_or_default();
    let gigabytes = limits.memory_bytes.unwrap_or_default() / (1024 * 1024 * 1024);
    let how = match applied {
        LimitsApplied::ControlGroup => "for the app as a whole",
        LimitsApplied::PerProcess if cfg!(target_os = "linux") => {
            "the memory for each of its processes, since no control group is to be had"
        }
        LimitsApplied::PerProcess => {
            "the memory for each of its processes; processors cannot be limited here"
        }
        LimitsApplied::None => return None,
    };
    Some(format!("{cpus} processors, {gigabytes} GB ({how})"))
}

/// Tells a person at the terminal how far builds are, one line a step; in a pipe nothing is said, for the log tells it.
pub(crate) fn report(printer: Printer) -> Report {
    if !printer.is_watched() {
        return Arc::new(|_| {});
    }
    Arc::new(move |progress| {
        if let Some(line) = describe(&progress) {
            printer.note(line);
        }
    })
}

/// The same for commands that show no log: in a pipe, what takes its time at first use is told when it begins.
pub(crate) fn report_first_use(printer: Printer) -> Report {
    if printer.is_watched() {
        return report(printer);
    }
    Arc::new(move |progress| {
        if let Progress::Installing(_) = progress
            && let Some(line) = describe(&progress)
        {
            printer.note(format!("{line}; this is kept for the next time"));
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limits_are_told_with_how_they_are_set() {
        let told = |applied| limits(&Limits::MEDIUM, applied);
        let whole = told(LimitsApplied::ControlGroup).unwrap();
        assert_eq!(whole, "2 processors, 6 GB (for the app as a whole)");
        let each = told(LimitsApplied::PerProcess).unwrap();
        assert!(each.starts_with("2 processors, 6 GB (the memory for each of its processes"), "{each}");
        assert_eq!(told(LimitsApplied::None), None);
    }
}
