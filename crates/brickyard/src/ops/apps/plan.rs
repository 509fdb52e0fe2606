use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;

use brickyard_api::EnvironmentVariable;
use brickyard_project::app_yaml::substitute_port;
use brickyard_project::{Dependencies, Project};
use brickyard_runner::environment::{
    self, Environment, EnvironmentError, EnvironmentKind, EnvironmentSpec, PLATFORM_PYTHON, Progress,
};
use brickyard_runner::logs::{Logs, Source};
use brickyard_runner::network::Network;
use brickyard_runner::supervisor::Launch;
use brickyard_runner::tools::{Tools, Variables};
use brickyard_runner::warden::Limits;

use super::port::{self, Chosen, Claims, PLATFORM_PORT, PortPolicy};
use super::version::Ready;
use crate::failure::Failure;
use crate::ops::app_environment::{self, Parts, Variable};
use crate::settings::Settings;

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
    pub(super) fn refuse_taken_port(&self) -> Result<(), Failure> {
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
        let why = match port::pinned(command) {
            Some(port) => format!("The app fixes port {port}"),
            None => "The port that the app fixes is taken".to_owned(),
        };
        let words = format!(
            "{why}, so it runs in a network of its own, where it has port {port}: beyond this machine it reaches what it asks \
             for through HTTPS_PROXY"
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

/// The variables as a process takes them, secrets revealed.
fn process_variables(variables: &[Variable]) -> Variables {
    let pairs: BTreeMap<OsString, OsString> = variables
        .iter()
        .map(|variable| (OsString::from(&variable.name), OsString::from(variable.value.reveal())))
        .collect();
    pairs
}

/// Whose fault it is that an environment could not be built, and what to do.
pub(crate) fn build_failure(error: EnvironmentError) -> Failure {
    let hint = error.hint();
    let kind = match &error {
        EnvironmentError::Install { .. }
        | EnvironmentError::StaleLock { .. }
        | EnvironmentError::Unreadable { .. }
        | EnvironmentError::NoNode { .. } => crate::failure::Kind::App,
        _ => crate::failure::Kind::Machine,
    };
    let failure = Failure::new(kind, "The app's environment could not be built").because(error);
    match hint {
        Some(hint) => failure.hint(hint),
        None => failure,
    }
}
