use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::process::ExitStatus;

use brickyard_project::Project;
use brickyard_runner::warden::{self, Family, Lifeline, Limits};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::process::Command;

use super::app_environment::{Value, Variable};
use super::apps::{Door, PortPolicy, build, build_failure};
use super::environment::of_running;
use super::provision::{Report, tools};
use super::running::Running;
use super::session::{AppSession, SessionOptions, load};
use crate::failure::{Failure, INTERRUPTED};
use crate::lifecycle::Lifecycle;
use crate::settings::Settings;

/// Runs a command in the environment of the app in a folder and gives its exit code (128 and the signal's number where a
/// signal ended it).
pub(crate) async fn run(
    settings: &Settings,
    directory: &Path,
    command: &[OsString],
    report: Report,
    lifecycle: &Lifecycle,
) -> Result<u8, Failure> {
    let project = load(directory)?;
    let state_directory = settings.state_directory(&project.dir);
    if let Some(mut variables) = of_running(&state_directory).await
        && let Some(running) = Running::find(&state_directory).await
    {
        if project.development_requirements().is_some() {
            for_developers(settings, &project, &mut variables, &report).await?;
        }
        let tests = running.for_tests(&project.name);
        return spawn(settings, command, &variables, tests, lifecycle).await;
    }
    let options = SessionOptions {
        directory: directory.to_path_buf(),
        door: Door::closed(),
        named_port: None,
        port: PortPolicy::Auto,
        development: true,
        reload: false,
        report,
    };
    let session = tokio::select! {
        session = AppSession::open(settings, options) => session?,
        () = lifecycle.soft.cancelled() => return Ok(INTERRUPTED),
    };
    let ready = tokio::select! {
        ready = session.plan.work_out() => ready,
        () = lifecycle.soft.cancelled() => {
            session.workspace.stop().await;
            return Ok(INTERRUPTED);
        }
    };
    let outcome = match ready {
        Ok(ready) => match for_tests(&session) {
            Ok(tests) => spawn(settings, command, &ready.variables, tests, lifecycle).await,
            Err(failure) => Err(failure),
        },
        Err(failure) => Err(failure),
    };
    session.workspace.stop().await;
    outcome
}

/// What tests need to reach a workspace of our own.
fn for_tests(session: &AppSession) -> Result<super::pytest::Workspace, Failure> {
    let workspace = &session.workspace;
    let token = workspace.handle.create_personal_access_token(&workspace.developer);
    Ok(super::pytest::Workspace {
        url: workspace.handle.http_url(),
        token: token.map_err(Failure::from)?,
        app: session.project.name.clone(),
    })
}

/// Puts the packages of `requirements-dev.txt` beside those of an app that runs without them.
async fn for_developers(
    settings: &Settings,
    project: &Project,
    variables: &mut [Variable],
    report: &Report,
) -> Result<(), Failure> {
    let tools = tools(settings);
    let environment =
        build(project, &tools, true, |progress| report(progress)).await.map_err(build_failure)?;
    for variable in variables {
        if let Some(value) = environment.variables.get(OsStr::new(&variable.name)) {
            variable.value = Value::Plain(value.to_string_lossy().into_owned());
        }
    }
    Ok(())
}

async fn spawn(
    settings: &Settings,
    command: &[OsString],
    variables: &[Variable],
    tests: super::pytest::Workspace,
    lifecycle: &Lifecycle,
) -> Result<u8, Failure> {
    let Some((program, arguments)) = command.split_first() else {
        return Err(Failure::user("There is no command to run"));
    };
    let path = variables
        .iter()
        .find(|variable| variable.name == "PATH")
        .map(|variable| variable.value.reveal().to_owned());
    let found =
        find(program, &settings.working_directory, path.as_deref().unwrap_or_default()).ok_or_else(|| {
            Failure::user(format!(
                "There is no command `{}` in the app's environment",
                program.to_string_lossy()
            ))
            .hint("add its package to the app's requirements, or give the path of the program")
        })?;
    let python_path = variables.iter().find(|variable| variable.name == "PYTHONPATH");
    let python_path = python_path.map(|variable| variable.value.reveal().to_owned());
    let tests = super::pytest::variables(settings, tests, python_path.as_deref())?;
    let machine = |error| Failure::machine("Cannot tie the command to this program").because(error);
    // The command keeps our terminal and our standard input, and still ends when we are killed.
    let lifeline = Lifeline::new().map_err(machine)?;
    let child = Command::new(&settings.executable)
        .arg("warden")
        .args(warden::arguments(warden::GRACE, Limits::default()))
        .arg("--attached")
        .arg(lifeline.path())
        .arg("--")
        .arg(found)
        .args(arguments)
        .env_clear()
        .envs(variables.iter().map(|variable| (&variable.name, variable.value.reveal())))
        .envs(tests)
        .envs(["TERM", "TMPDIR"].iter().filter_map(|name| Some((*name, settings.environment.text(name)?))))
        .current_dir(&settings.working_directory)
        .spawn()
        .map_err(|error| {
            Failure::user(format!("Cannot run `{}`", program.to_string_lossy())).because(error)
        })?;
    // Whoever presses Ctrl-C twice wants the end of all of them.
    let mut family = Family(child);
    let child = &mut family.0;
    let failed = |error| Failure::machine("Cannot wait for the command").because(error);
    let _terminal = lifecycle.give_terminal();
    let ended = tokio::select! {
        ended = child.wait() => Some(ended.map_err(failed)?),
        () = lifecycle.soft.cancelled() => None,
        () = lifecycle.hard.cancelled() => return Ok(INTERRUPTED),
    };
    if let Some(ended) = ended {
        return Ok(code(ended));
    }
    if let Some(pid) = child.id().and_then(|pid| i32::try_from(pid).ok()) {
        let _ = kill(Pid::from_raw(pid), Signal::SIGTERM);
    }
    tokio::select! {
        ended = child.wait() => Ok(code(ended.map_err(failed)?)),
        () = lifecycle.hard.cancelled() => Ok(INTERRUPTED),
    }
}

fn find(program: &OsStr, working_directory: &Path, path: &str) -> Option<std::path::PathBuf> {
    if program.to_string_lossy().contains('/') {
        return Some(working_directory.join(program));
    }
    std::env::split_paths(path).map(|folder| folder.join(program)).find(|file| file.is_file())
}

fn code(status: ExitStatus) -> u8 {
    use std::os::unix::process::ExitStatusExt;
    let code = status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0));
    u8::try_from(code & 0xff).unwrap_or(1)
}
