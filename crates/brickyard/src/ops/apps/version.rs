use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use brickyard_api::EnvironmentVariable;
use brickyard_project::app_yaml::substitute_port;
use brickyard_project::{Dependencies, Project};
use brickyard_runner::environment::{
    self, Environment, EnvironmentError, EnvironmentKind, EnvironmentSpec, PLATFORM_PYTHON, Progress,
};
use brickyard_runner::logs::{Logs, Source};
use brickyard_runner::supervisor::{
    Crash, Diagnosis, Launch, Prepare, Reload, State, Status, Supervisor, SupervisorConfig,
};
use brickyard_runner::tools::{Tools, Variables};
use brickyard_runner::warden::Limits;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::port::{Claims, PortPolicy};
use crate::failure::Failure;
use crate::ops::app_environment::{self, Parts, Variable};
use crate::settings::Settings;

/// How long an app may listen on another port than it was told before that port is taken for the one it means.
const WRONG_PORT_PATIENCE: Duration = Duration::from_secs(4);

/// How a version of an app is built and started; can be worked out again when its files change.
#[derive(Clone)]
pub(crate) struct Plan {
    pub(crate) settings: Settings,
    pub(crate) tools: Arc<Tools>,
    pub(crate) logs: Logs,
    /// Folder with the source, which is also the working directory.
    pub(crate) source: PathBuf,
    /// Home of the process: not the developer's.
    pub(crate) home: PathBuf,
    /// Variables the platform sets.
    pub(crate) platform: Vec<(String, String)>,
    /// Values of resources by key, and whether they are secret.
    pub(crate) values: Vec<(String, String, bool)>,
    /// Variables given with a deployment.
    pub(crate) variables: Vec<EnvironmentVariable>,
    /// Command given with a deployment, in place of that of `app.yaml`.
    pub(crate) command: Option<Vec<String>>,
    pub(crate) port: PortPolicy,
    /// Its port, held as long as the version lives.
    pub(crate) claims: Claims,
    pub(crate) limits: Limits,
    /// Restarts when files change.
    pub(crate) reload: bool,
    /// Told how far the build is, beside the log.
    pub(crate) report: super::super::provision::Report,
}

/// A plan worked out: what runs, with what.
pub(crate) struct Ready {
    pub(crate) variables: Vec<Variable>,
    pub(crate) port: u16,
    /// The port the command pins, where the platform would not serve it.
    pub(crate) pinned: Option<u16>,
    launch: Launch,
}

/// A version of an app that runs.
pub(crate) struct Version {
    supervisor: Supervisor,
    /// Given back when the version has stopped.
    _claims: Claims,
    /// Passes the supervisor's status on to the app's.
    forward: JoinHandle<()>,
    pub(crate) ready: Ready,
}

impl Plan {
    /// Reads the app's files, builds its environment, and works out command and variables.
    pub(crate) async fn work_out(&self) -> Result<Ready, Failure> {
        let project = Project::load(&self.source)?;
        let command = match &self.command {
            Some(command) => command.clone(),
            None => project.command()?,
        };
        let environment = self.build(&project).await?;
        let (port, pinned) = self.port.choose(&command, &self.claims);
        std::fs::create_dir_all(&self.home)
            .map_err(|error| Failure::machine("Cannot make the app's home directory").because(error))?;
        let mut interpreter: Vec<(String, String)> = environment
            .variables
            .iter()
            .map(|(name, value)| (name.to_string_lossy().into_owned(), value.to_string_lossy().into_owned()))
            .collect();
        interpreter.push(("HOME".to_owned(), self.home.to_string_lossy().into_owned()));
        interpreter.push(("LANG".to_owned(), "C.UTF-8".to_owned()));
        let variables = app_environment::compute(&Parts {
            platform: &self.platform,
            interpreter: &interpreter,
            port,
            entries: &project.env(),
            deployment: &self.variables,
            local: &project.settings.app.env,
            values: &self.values,
        })?;
        let command = substitute_port(&command, port);
        let launch = Launch {
            command: command.iter().map(OsString::from).collect(),
            variables: process_variables(&variables),
            directory: self.source.clone(),
            port,
        };
        Ok(Ready { variables, port, pinned, launch })
    }

    async fn build(&self, project: &Project) -> Result<Environment, Failure> {
        let (kind, preinstalled) = match &project.dependencies {
            Dependencies::Pip(requirements) => {
                (EnvironmentKind::Pip { requirements: Some(requirements.clone()) }, true)
            }
            Dependencies::Uv { .. } => (EnvironmentKind::Uv, false),
            Dependencies::None => (EnvironmentKind::None, true),
        };
        let spec = EnvironmentSpec {
            project: project.dir.clone(),
            kind,
            node: project.node.is_some(),
            preinstalled,
            python: PLATFORM_PYTHON.to_owned(),
        };
        self.logs.append(Source::System, "Installing dependencies...");
        let (logs, report) = (self.logs.clone(), Arc::clone(&self.report));
        let built = environment::build(&spec, &self.tools, move |progress| {
            if let Progress::Line(line) = &progress {
                logs.append(Source::Build, line);
            }
            report(progress);
        })
        .await;
        match built {
            Ok(environment) => {
                self.logs.append(Source::System, "Dependencies installed successfully.");
                Ok(environment)
            }
            Err(error) => {
                self.logs.append(Source::Build, &error.to_string());
                Err(build_failure(error))
            }
        }
    }
}

impl Version {
    /// Starts a version; its status goes to `status` as long as it runs.
    pub(crate) async fn start(plan: &Plan, status: watch::Sender<Status>) -> Result<Self, Failure> {
        let ready = plan.work_out().await?;
        let warden = vec![plan.settings.executable.clone().into_os_string(), OsString::from("warden")];
        let mut config = SupervisorConfig::new(ready.launch.clone(), warden, plan.logs.clone());
        config.limits = plan.limits;
        if plan.reload {
            let again = plan.clone();
            let prepare: Prepare = Arc::new(move || {
                let plan = again.clone();
                Box::pin(async move {
                    plan.work_out().await.map(|ready| ready.launch).map_err(|failure| explain(&failure))
                })
            });
            config.reload = Some(Reload { directory: plan.source.clone(), prepare: Some(prepare) });
        }
        let supervisor = Supervisor::start(config);
        let forward = forward(&supervisor, status);
        Ok(Self { supervisor, _claims: plan.claims.clone(), forward, ready })
    }

    /// Passes its status on from now on: it is the version that serves.
    pub(crate) fn publish(&mut self, status: watch::Sender<Status>) {
        self.forward.abort();
        self.forward = forward(&self.supervisor, status);
    }

    /// Waits until it listens; with the automatic port, an app that insists on another one gets it.
    pub(crate) async fn listening(&mut self, plan: &Plan) -> Result<(), Arc<Crash>> {
        if plan.port != PortPolicy::Auto {
            return self.supervisor.ready().await.map(drop);
        }
        let mut status = self.supervisor.status();
        loop {
            let now = status.borrow_and_update().clone();
            let wrong = match &now {
                Status {
                    state: State::Starting,
                    diagnosis: Some(Diagnosis::WrongPort { found, .. }),
                    ..
                } => found.first().map(std::net::SocketAddr::port),
                Status { state: State::Starting, .. } => None,
                _ => return self.supervisor.ready().await.map(drop),
            };
            let Some(port) = wrong else {
                if status.changed().await.is_err() {
                    return self.supervisor.ready().await.map(drop);
                }
                continue;
            };
            if let Ok(changed) = tokio::time::timeout(WRONG_PORT_PATIENCE, status.changed()).await {
                if changed.is_err() {
                    return self.supervisor.ready().await.map(drop);
                }
                continue;
            }
            let message = format!(
                "The app listens on port {port} whatever DATABRICKS_APP_PORT says; the platform would answer \"App Not \
                 Available\". Here it is served all the same"
            );
            plan.logs.append(Source::System, &message);
            self.ready.pinned = Some(port);
            self.ready.port = port;
            self.ready.launch.port = port;
            self.supervisor.restart(Some(self.ready.launch.clone())).await;
            return self.supervisor.ready().await.map(drop);
        }
    }

    /// Ends it: SIGTERM, 15 seconds, SIGKILL.
    pub(crate) async fn stop(self) {
        self.supervisor.stop().await;
        self.supervisor.close().await;
        self.forward.abort();
    }

    /// Ends it without telling the app's status: another version has taken over.
    pub(crate) async fn replace(self) {
        self.forward.abort();
        self.supervisor.stop().await;
        self.supervisor.close().await;
    }
}

fn forward(supervisor: &Supervisor, to: watch::Sender<Status>) -> JoinHandle<()> {
    let mut from = supervisor.status();
    tokio::spawn(async move {
        loop {
            let now = from.borrow_and_update().clone();
            to.send_replace(now);
            if from.changed().await.is_err() {
                return;
            }
        }
    })
}

/// The variables as a process takes them, secrets revealed.
pub(crate) fn process_variables(variables: &[Variable]) -> Variables {
    let pairs: BTreeMap<OsString, OsString> = variables
        .iter()
        .map(|variable| (OsString::from(&variable.name), OsString::from(variable.value.reveal())))
        .collect();
    pairs
}

fn build_failure(error: EnvironmentError) -> Failure {
    let hint = error.hint();
    let kind = match &error {
        EnvironmentError::Install { .. }
        | EnvironmentError::StaleLock { .. }
        | EnvironmentError::NoNode { .. } => crate::failure::Kind::App,
        _ => crate::failure::Kind::Machine,
    };
    let failure = Failure::new(kind, "The app's environment could not be built").because(error);
    match hint {
        Some(hint) => failure.hint(hint),
        None => failure,
    }
}

fn explain(failure: &Failure) -> String {
    let mut text = failure.to_string();
    for cause in failure.causes() {
        text.push_str(": ");
        text.push_str(&cause);
    }
    text
}
