//! The local workspace as a background service: `up`, `down`, `status`.

use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use brickyard_runner::ingress::Port;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::local::{LocalWorkspace, Options};
use super::provision::Report;
use super::running::Running;
use crate::environment;
use crate::failure::Failure;
use crate::lifecycle::Lifecycle;
use crate::settings::Settings;

/// First port tried for all apps under their names.
const NAMED_PORT: u16 = 8100;

/// How long a workspace may take to start.
const START: Duration = Duration::from_secs(60);

/// How long apps and programs may take to stop before the service is killed.
const STOP: Duration = Duration::from_secs(25);

/// Starts the service unless it runs; returns what runs, and whether it was there before.
pub(crate) async fn up(settings: &Settings, project: Option<&Path>) -> Result<(Running, bool), Failure> {
    let directory = settings.service_directory();
    if let Some(running) = Running::find(&directory).await {
        return Ok((running, true));
    }
    std::fs::create_dir_all(&directory)
        .map_err(|error| Failure::machine(format!("Cannot use `{}`", directory.display())).because(error))?;
    let log = directory.join("service.log");
    let output = std::fs::File::create(&log)
        .map_err(|error| Failure::machine(format!("Cannot write `{}`", log.display())).because(error))?;
    let errors =
        output.try_clone().map_err(|error| Failure::machine("Cannot share the log file").because(error))?;
    let mut command = std::process::Command::new(&settings.executable);
    command.args(foreground(settings, project));
    if let Some(engine) = &settings.engine {
        command.env(environment::ENGINE, engine);
    }
    // A group of its own: Ctrl-C in this terminal is not meant for it.
    let mut child = command
        .current_dir(&settings.working_directory)
        .stdin(Stdio::null())
        .stdout(output)
        .stderr(errors)
        .process_group(0)
        .spawn()
        .map_err(|error| Failure::machine("Cannot start the workspace").because(error))?;
    let wait = async {
        loop {
            if let Some(running) = Running::find(&directory).await {
                return Ok((running, false));
            }
            if let Ok(Some(status)) = child.try_wait() {
                let text = std::fs::read_to_string(&log).unwrap_or_default();
                let lines: Vec<&str> = text.lines().rev().take(8).collect();
                let lines: Vec<&str> = lines.into_iter().rev().collect();
                if lines.is_empty() {
                    let message = format!("The workspace ended at once ({status}) and could not say why");
                    let hint = format!("look whether the disk of `{}` has room", directory.display());
                    return Err(Failure::machine(message).hint(hint));
                }
                return Err(Failure::machine(format!(
                    "The workspace ended at once ({status})\n  | {}",
                    lines.join("\n  | ")
                )));
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(START, wait).await.unwrap_or_else(|_| {
        Err(Failure::machine("The workspace did not start within a minute")
            .hint(format!("read `{}`", log.display())))
    })
}

/// The arguments with which the service is started: nothing of them depends on the place it is started in.
pub(crate) fn foreground(settings: &Settings, project: Option<&Path>) -> Vec<OsString> {
    let mut words: Vec<OsString> = ["up", "--foreground", "--verbose"].map(OsString::from).into();
    words.extend(project.map(|path| path.as_os_str().to_owned()));
    words.extend(["--state-directory".into(), settings.service_directory().into_os_string()]);
    words.extend(["--cache-directory".into(), settings.cache_directory.clone().into_os_string()]);
    if settings.offline {
        words.push("--offline".into());
    }
    words
}

/// Serves until it is told to stop: what `up` starts in the background.
pub(crate) async fn serve(
    settings: &Settings,
    project: Option<&Path>,
    report: Report,
    lifecycle: &Lifecycle,
) -> Result<(), Failure> {
    let state_directory = settings.service_directory();
    let project = project.map(super::session::load).transpose()?;
    let options = Options {
        project: project.as_ref(),
        state_directory: state_directory.clone(),
        report: Arc::clone(&report),
        named_port: Some(Port::From(NAMED_PORT)),
    };
    let workspace = LocalWorkspace::start(settings, options).await?;
    let token = workspace.handle.create_personal_access_token(&workspace.developer).map_err(Failure::from)?;
    let mut running = Running::new(&workspace.handle, token, workspace.developer.clone(), None);
    running.named_port = workspace.apps.named_port();
    let announcement = running.announce(&state_directory)?;
    lifecycle.soft.cancelled().await;
    drop(announcement);
    tokio::select! {
        () = workspace.stop() => {}
        () = lifecycle.hard.cancelled() => {}
    }
    Ok(())
}

/// Stops the service; `false` when none ran.
pub(crate) async fn down(settings: &Settings) -> Result<bool, Failure> {
    let directory = settings.service_directory();
    let Some(running) = Running::find(&directory).await else { return Ok(false) };
    let pid = Pid::from_raw(
        i32::try_from(running.pid)
            .map_err(|error| Failure::machine("The process id is not valid").because(error))?,
    );
    kill(pid, Signal::SIGTERM)
        .map_err(|error| Failure::machine("Cannot stop the workspace").because(error))?;
    let gone = async {
        while kill(pid, None).is_ok() && !is_zombie(running.pid) {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    if tokio::time::timeout(STOP, gone).await.is_err() {
        kill(pid, Signal::SIGKILL)
            .map_err(|error| Failure::machine("Cannot stop the workspace").because(error))?;
    }
    Ok(true)
}

/// A process that ended and that its parent has not looked at yet.
fn is_zombie(pid: u32) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/stat"))
        .is_ok_and(|text| text.rsplit(") ").next().is_some_and(|rest| rest.starts_with('Z')))
}
