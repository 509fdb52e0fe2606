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
use brickyard_runner::network::Network;
use brickyard_runner::supervisor::{
    Crash, Diagnosis, Launch, Prepare, Reload, State, Status, Supervisor, SupervisorConfig,
};
use brickyard_runner::tools::{Tools, Variables};
use brickyard_runner::warden::Limits;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::port::{self, Chosen, Claims, PLATFORM_PORT, PortPolicy};
use crate::failure::Failure;
use crate::ops::app_environment::{self, Parts, Variable};
use crate::settings::Settings;

/// How long an app may listen on another port than it was told before that port is taken for the one it means.
const WRONG_PORT_PATIENCE: Duration = Duration::from_secs(4);

/// How many ports are tried for an app, one after the other, while other programs take them.
const PORTS_TRIED: usize = 5;

/// How the start of a version went.
enum Settled {
    Up,
    /// It listens on this port and not on the one it was told.
    Elsewhere(u16),
    /// Another program has its port.
    Taken,
    Down(Arc<Crash>),
}

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
    /// Where browsers find the app.
    pub(crate) address: String,
    /// Values of resources by key, and whether they are secret.
    pub(crate) values: Vec<(String, String, bool)>,
    /// Variables given with a deployment.
    pub(crate) variables: Vec<EnvironmentVariable>,
    /// Command given with a deployment, in place of that of `app.yaml`.
    pub(crate) command: Option<Vec<String>>,
    pub(crate) port: PortPolicy,
    /// Its port, held as long as the version lives.
    pub(crate) claims: Claims,
    /// Gives the version a network of its own, where it may fix any port.
    pub(crate) apart: bool,
    pub(crate) limits: Limits,
    /// Installs what only the app's developers need: for commands beside the app, never for the app.
    pub(crate) development: bool,
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
    /// The app listens on this port whatever it is told: two versions cannot at once.
    pub(crate) fixed: bool,
    launch: Launch,
    /// Its own network, as long as it runs.
    network: Option<Arc<Network>>,
}

/// A version of an app that runs.
pub(crate) struct Version {
    supervisor: Supervisor,
    /// How it was started, to start it again.
    pub(crate) plan: Plan,
    /// Passes the supervisor's status on to the app's.
    forward: JoinHandle<()>,
    pub(crate) ready: Ready,
}

impl Ready {
    /// Whether it was told another port than the platform's because that one is taken.
    pub(crate) fn moved(&self, policy: PortPolicy) -> bool {
        !matches!(policy, PortPolicy::Fixed(_)) && self.pinned.is_none() && self.port != PLATFORM_PORT
    }
}

impl Plan {
    /// Reads the app's files, builds its environment, and works out command and variables.
    pub(crate) async fn work_out(&self) -> Result<Ready, Failure> {
        let project = Project::load(&self.source)?;
        let command = self.command(&project)?;
        let environment = self.build(&project).await?;
        let network = if self.apart { Some(self.network(&command).await?) } else { None };
        let chosen = match &network {
            Some((port, _)) => Chosen { port: *port, pinned: None, fixed: false },
            None => self.port.choose(&command, &self.claims)?,
        };
        let port = chosen.port;
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
            address: &self.address,
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
        Ok(Ready {
            variables,
            port,
            pinned: chosen.pinned,
            fixed: chosen.fixed,
            launch,
            network: network.map(|(_, network)| network),
        })
    }

    /// Refuses a port that the app insists on and another program has: before the build, so that nobody waits for it.
    fn refuse_taken_port(&self) -> Result<(), Failure> {
        if self.apart {
            return Ok(());
        }
        let chosen = self.port.choose(&self.command(&Project::load(&self.source)?)?, &self.claims)?;
        let insists = matches!(self.port, PortPolicy::Fixed(_)) || chosen.fixed;
        if !insists || port::free(chosen.port).is_some() {
            return Ok(());
        }
        let port = chosen.port;
        Err(Failure::machine(format!("Another program has port {port}, on which the app has to listen"))
            .hint("stop that program, or let the app listen on `DATABRICKS_APP_PORT`"))
    }

    /// What starts the app: the deployment's command before the project's own.
    fn command(&self, project: &Project) -> Result<Vec<String>, Failure> {
        match &self.command {
            Some(command) => Ok(command.clone()),
            None => Ok(project.command()?),
        }
    }

    /// A network in which the version has the port it fixes, else the platform's, and reaches the workspace.
    async fn network(&self, command: &[String]) -> Result<(u16, Arc<Network>), Failure> {
        let value = |wanted: &str| {
            self.platform.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.as_str())
        };
        let proxy = value("HTTPS_PROXY").and_then(|url| url.strip_prefix("http://")?.parse().ok());
        let database = value("PGHOST").and_then(|host| {
            let port = value("PGPORT").and_then(|port| port.parse().ok()).unwrap_or(5432);
            Some(std::net::SocketAddr::new(host.parse().ok()?, port))
        });
        let port = port::pinned(command).unwrap_or(PLATFORM_PORT);
        let collector = value("OTEL_EXPORTER_OTLP_ENDPOINT").and_then(loopback);
        let reach = proxy.into_iter().chain(database).chain(collector).collect();
        let network = Network::open(port, reach)
            .await
            .map_err(|error| Failure::machine("Cannot make a network for the app").because(error))?;
        let words = format!(
            "The app fixes port {port}, so it runs in a network of its own: beyond this machine it reaches what it asks for \
             through HTTPS_PROXY"
        );
        self.logs.append(Source::System, &words);
        Ok((port, Arc::new(network)))
    }

    async fn build(&self, project: &Project) -> Result<Environment, Failure> {
        self.logs.append(Source::System, "Installing dependencies...");
        let (logs, report) = (self.logs.clone(), Arc::clone(&self.report));
        let built = build(project, &self.tools, self.development, move |progress| {
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

/// Port of this machine that an address such as `http://localhost:4317` names.
fn loopback(url: &str) -> Option<std::net::SocketAddr> {
    let place = url.split_once("://").map_or(url, |(_, place)| place);
    let place = place.split('/').next()?.replace("localhost:", "127.0.0.1:");
    place.parse().ok().filter(|address: &std::net::SocketAddr| address.ip().is_loopback())
}

/// Builds the environment of an app; with `development`, what `requirements-dev.txt` names is in it too.
pub(crate) async fn build(
    project: &Project,
    tools: &Tools,
    development: bool,
    progress: impl Fn(Progress) + Send + Sync,
) -> Result<Environment, EnvironmentError> {
    let own = match &project.dependencies {
        Dependencies::Pip(requirements) => Some(requirements.clone()),
        Dependencies::Uv { .. } | Dependencies::None => None,
    };
    let uv = matches!(project.dependencies, Dependencies::Uv { .. });
    let more = project.development_requirements().filter(|_| development && !uv);
    let requirements: Vec<PathBuf> = own.into_iter().chain(more).collect();
    let kind = match requirements.is_empty() {
        _ if uv => EnvironmentKind::Uv,
        true => EnvironmentKind::None,
        false => EnvironmentKind::Pip { requirements },
    };
    let spec = EnvironmentSpec {
        project: project.dir.clone(),
        kind,
        node: project.node.is_some(),
        preinstalled: !uv,
        python: PLATFORM_PYTHON.to_owned(),
    };
    environment::build(&spec, tools, progress).await
}

impl Version {
    /// Starts a version; its status goes to `status` as long as it runs.
    pub(crate) async fn start(plan: &Plan, status: watch::Sender<Status>) -> Result<Self, Failure> {
        plan.refuse_taken_port()?;
        let ready = plan.work_out().await?;
        plan.refuse_taken_port()?;
        let warden = vec![plan.settings.executable.clone().into_os_string(), OsString::from("warden")];
        let mut config = SupervisorConfig::new(ready.launch.clone(), warden, plan.logs.clone());
        config.limits = plan.limits;
        config.network.clone_from(&ready.network);
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
        let forward = forward(&supervisor, status, ready.outside());
        Ok(Self { supervisor, plan: plan.clone(), forward, ready })
    }

    /// Passes its status on from now on: it is the version that serves.
    pub(crate) fn publish(&mut self, status: watch::Sender<Status>) {
        self.forward.abort();
        self.forward = forward(&self.supervisor, status, self.ready.outside());
    }

    /// Waits until it listens. With the automatic port, an app that insists on another one gets it; a port that another
    /// program took meanwhile is changed for a free one where the app listens to `DATABRICKS_APP_PORT`.
    pub(crate) async fn listening(&mut self, plan: &Plan) -> Result<(), Arc<Crash>> {
        for _ in 0..PORTS_TRIED {
            let taken = match self.settled().await {
                Settled::Elsewhere(port) if self.ready.network.is_some() => {
                    self.supervisor.stop().await;
                    return Err(Arc::new(Crash {
                        reason: format!("it listens on port {port}, and not on {}", self.ready.port),
                        code: None,
                        signal: None,
                        last_lines: Vec::new(),
                    }));
                }
                Settled::Elsewhere(port) if plan.port.follows() => {
                    self.follow(plan, port).await;
                    continue;
                }
                // Elsewhere as on the platform: it runs, and its address says "App Not Available".
                Settled::Up | Settled::Elsewhere(_) => return Ok(()),
                Settled::Taken => Crash {
                    reason: format!("another program already listens on port {}", self.ready.port),
                    code: None,
                    signal: None,
                    last_lines: Vec::new(),
                },
                Settled::Down(crash)
                    if self.ready.network.is_some() || port::free(self.ready.port).is_some() =>
                {
                    return Err(crash);
                }
                Settled::Down(crash) => Crash::clone(&crash),
            };
            if self.ready.fixed || self.ready.pinned.is_some() || matches!(plan.port, PortPolicy::Fixed(_)) {
                self.supervisor.stop().await;
                return Err(Arc::new(taken));
            }
            plan.logs.append(
                Source::System,
                &format!("Another program has taken port {}; trying another one", self.ready.port),
            );
            plan.claims.lost(self.ready.port);
            match plan.work_out().await {
                Ok(ready) => self.ready = ready,
                Err(failure) => return Err(Arc::new(Crash { reason: explain(&failure), ..taken })),
            }
            self.supervisor.restart(Some(self.ready.launch.clone())).await;
        }
        self.supervisor.ready().await.map(drop)
    }

    /// Waits until it is known how the start went.
    async fn settled(&self) -> Settled {
        let mut status = self.supervisor.status();
        loop {
            let now = status.borrow_and_update().clone();
            let wrong = match (now.state, now.diagnosis) {
                (State::Starting, Some(Diagnosis::PortTaken { .. })) => Some(Settled::Taken),
                (State::Starting, Some(Diagnosis::WrongPort { found, .. })) => {
                    found.first().map(|address| Settled::Elsewhere(address.port()))
                }
                (State::Starting | State::Stopping, _) => None,
                (State::Running { .. }, _) => return Settled::Up,
                (State::Crashed(crash), _) => return Settled::Down(crash),
                (State::Stopped, _) => {
                    return match self.supervisor.ready().await {
                        Ok(_) => Settled::Up,
                        Err(crash) => Settled::Down(crash),
                    };
                }
            };
            let changed = match wrong {
                None => status.changed().await,
                // It may be on its way: many servers listen on several ports, one after the other.
                Some(wrong) => match tokio::time::timeout(WRONG_PORT_PATIENCE, status.changed()).await {
                    Ok(changed) => changed,
                    Err(_) => return wrong,
                },
            };
            if changed.is_err() {
                return match self.supervisor.ready().await {
                    Ok(_) => Settled::Up,
                    Err(crash) => Settled::Down(crash),
                };
            }
        }
    }

    /// Serves it where it listens.
    async fn follow(&mut self, plan: &Plan, port: u16) {
        let message = if port == PLATFORM_PORT {
            format!(
                "The app listens on port {port} whatever DATABRICKS_APP_PORT says, which is the platform's port"
            )
        } else {
            format!(
                "The app listens on port {port} whatever DATABRICKS_APP_PORT says; the platform would answer \"App Not \
                 Available\". Here it is served all the same"
            )
        };
        plan.logs.append(Source::System, &message);
        self.ready.pinned = Some(port).filter(|port| *port != PLATFORM_PORT);
        self.ready.fixed = true;
        // It listens there already; from now on other apps of ours are told who has it.
        let _ = plan.claims.fix_held(port);
        self.ready.port = port;
        self.ready.launch.port = port;
        self.supervisor.restart(Some(self.ready.launch.clone())).await;
    }

    /// Where it listens, if it does.
    pub(crate) fn address(&self) -> Option<std::net::SocketAddr> {
        match self.supervisor.status().borrow().state {
            State::Running { address } => Some(self.ready.outside().unwrap_or(address)),
            _ => None,
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

impl Ready {
    /// Where it is reached, when that is not where it listens.
    fn outside(&self) -> Option<std::net::SocketAddr> {
        self.network.as_ref().map(|network| network.outside())
    }
}

/// Passes a supervisor's status on; `outside` is where a version with a network of its own is reached.
fn forward(
    supervisor: &Supervisor,
    to: watch::Sender<Status>,
    outside: Option<std::net::SocketAddr>,
) -> JoinHandle<()> {
    let mut from = supervisor.status();
    tokio::spawn(async move {
        loop {
            let mut now = from.borrow_and_update().clone();
            if let (State::Running { address }, Some(outside)) = (&mut now.state, outside) {
                *address = outside;
            }
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

pub(crate) fn build_failure(error: EnvironmentError) -> Failure {
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
