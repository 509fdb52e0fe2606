use std::sync::Arc;
use std::time::Duration;

use brickyard_api::{HealthCheck, http_client};
use brickyard_runner::ingress::{Ingress, REQUEST_TIMEOUT};
use brickyard_runner::logs::Source;
use brickyard_runner::network::Network;
use brickyard_runner::supervisor::{Crash, State};
use brickyard_runner::warden::Limits;
use brickyard_workspace::{AppFailure, AppHost, AppLaunch, AppLog, AppState};
use futures_util::future::BoxFuture;

use super::{Claims, Door, LocalApp, LocalApps, Plan, PortPolicy, Version};

/// How long a health check may take where nobody says.
const HEALTH: Duration = Duration::from_secs(60);

impl AppHost for LocalApps {
    fn prepare<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<(), AppFailure>> {
        Box::pin(
            async move { self.open(name, Door::default()).await.map(drop).map_err(|failure| told(&failure)) },
        )
    }

    fn launch(&self, launch: AppLaunch) -> BoxFuture<'_, Result<(), AppFailure>> {
        Box::pin(async move {
            let app = self.open(&launch.name, Door::default()).await.map_err(|failure| told(&failure))?;
            let logs = app.logs.clone();
            logs.append(Source::System, "Starting Databricks Apps runtime...");
            logs.append(Source::System, &format!("Starting deployment {}", launch.deployment_id));
            logs.append(Source::System, &format!("Downloading source code from {}", launch.source_code_path));
            (launch.progress)("Building the app");
            let mut plan = self.plan(&launch, &app);
            let mut current = app.current.lock().await;
            // A fixed port belongs to one version at a time: the old one has to go first, and comes back if need be.
            let mut before = None;
            plan.apart =
                current.as_ref().is_some_and(|version| version.ready.fixed) && self.gives_networks().await;
            if !plan.apart
                && current.as_ref().is_some_and(|version| version.ready.fixed)
                && let Some(old) = current.take()
            {
                // The port is the version's as long as anybody holds its claims.
                before = Some(Plan { claims: old.plan.claims.fresh(), ..old.plan.clone() });
                old.replace().await;
            }
            // While an old version serves, a new one that fails must not show in its status.
            let status = if current.is_some() {
                tokio::sync::watch::channel(app.status.borrow().clone()).0
            } else {
                app.status.clone()
            };
            let mut started = begin(&plan, status.clone(), &launch).await;
            if !plan.apart && matches!(&started, Err(failed) if failed.port) && self.gives_networks().await {
                plan.apart = true;
                plan.claims = plan.claims.fresh();
                started = begin(&plan, status, &launch).await;
            }
            let mut version = match started {
                Ok(version) => version,
                Err(failure) => {
                    // Gives its port back first.
                    drop(plan);
                    if let Some(before) = before {
                        *current = self.again(&app, &before).await;
                    }
                    logs.append(Source::System, &failure.told.message);
                    return Err(failure.told);
                }
            };
            let old = current.take();
            version.publish(app.status.clone()).await;
            *current = Some(version);
            drop(current);
            if let Some(old) = old {
                app.retire(&self.ingress, &launch.name, old);
            }
            logs.append(Source::System, "App started successfully");
            Ok(())
        })
    }

    fn stop<'a>(&'a self, name: &'a str) -> BoxFuture<'a, ()> {
        Box::pin(async move {
            if let Some(app) = self.find(name) {
                app.stop().await;
            }
        })
    }

    fn state(&self, name: &str) -> AppState {
        let Some(app) = self.find(name) else { return AppState::Absent };
        let status = app.status.borrow();
        match &status.state {
            State::Starting => AppState::Deploying,
            State::Running { .. } => AppState::Running,
            State::Crashed(crash) => AppState::Crashed { reason: crash.reason.clone() },
            State::Stopping | State::Stopped => AppState::Absent,
        }
    }

    fn logs(&self, name: &str, lines: usize) -> Vec<AppLog> {
        let Some(app) = self.find(name) else { return Vec::new() };
        let tail = app.logs.tail(lines, "");
        tail.iter()
            .map(|line| AppLog {
                source: line.source.to_string(),
                timestamp: line.timestamp,
                message: line.message.to_string(),
            })
            .collect()
    }

    fn forget(&self, name: &str) {
        self.ingress.remove(name);
        if let (Some(workspace), Some(app)) = (self.workspace(), self.find(name))
            && let Some(host_name) = &app.host_name
        {
            workspace.unroute_name(host_name);
        }
        self.apps.lock().unwrap_or_else(std::sync::PoisonError::into_inner).remove(name);
    }
}

impl LocalApps {
    fn plan(&self, launch: &AppLaunch, app: &LocalApp) -> Plan {
        let secret = |key: &str| {
            launch.resources.iter().any(|resource| resource.name == key && resource.secret.is_some())
        };
        let values = launch.values.iter().map(|(key, value)| (key.clone(), value.clone(), secret(key)));
        Plan {
            settings: self.settings.clone(),
            tools: Arc::clone(&self.tools),
            logs: app.logs.clone(),
            source: launch.source.clone(),
            home: self.state_directory.join("homes").join(&launch.name),
            platform: launch.environment.clone(),
            address: app.address(),
            values: values.collect(),
            variables: launch.variables.clone(),
            command: launch.command.clone(),
            port: PortPolicy::Shared,
            claims: Claims::new(self.settings.ports_directory(), &launch.name),
            apart: false,
            limits: match launch.compute_size.as_str() {
                "LARGE" | "XLARGE" | "LIQUID" => Limits::LARGE,
                _ => Limits::MEDIUM,
            },
            development: false,
            reload: false,
            report: Arc::new(|_| {}),
        }
    }

    /// Whether this system lets apps have networks of their own, and the user too.
    async fn gives_networks(&self) -> bool {
        let program = self.settings.executable.as_os_str();
        let refused = self.settings.environment.text(crate::environment::NO_NAMESPACES).is_some();
        !refused && *self.networks.get_or_init(|| Network::is_allowed(program)).await
    }

    /// Starts the version again that had to make room for one that failed.
    async fn again(&self, app: &LocalApp, plan: &Plan) -> Option<Version> {
        app.logs.append(Source::System, "The version before is started again");
        match Version::start(plan, app.status.clone()).await {
            Ok(mut version) => {
                if let Err(crash) = version.listening(plan).await {
                    app.logs.append(Source::System, &format!("It does not start: {}", crash.reason));
                }
                Some(version)
            }
            Err(failure) => {
                app.logs.append(Source::System, &format!("It does not start: {failure}"));
                None
            }
        }
    }
}

impl LocalApp {
    /// Ends a version once the requests it has begun are answered, at the latest when the platform would cut them off.
    fn retire(&self, ingress: &Arc<Ingress>, name: &str, old: Version) {
        let (ingress, name) = (Arc::clone(ingress), name.to_owned());
        let hurry = self.hurry.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone();
        self.retiring.spawn(async move {
            if let Some(address) = old.address() {
                let drained = tokio::time::timeout(REQUEST_TIMEOUT, ingress.drained(&name, address));
                // An app that is stopped waits for nothing.
                let _ = hurry.run_until_cancelled(drained).await;
            }
            old.replace().await;
        });
    }
}

/// Why a version does not serve.
struct Unstarted {
    told: AppFailure,
    /// It wants a port that another program has.
    port: bool,
}

/// Builds and starts a version and waits until it is up.
async fn begin(
    plan: &Plan,
    status: tokio::sync::watch::Sender<brickyard_runner::supervisor::Status>,
    launch: &AppLaunch,
) -> Result<Version, Unstarted> {
    let mut version = Version::start(plan, status).await.map_err(|failure| Unstarted {
        told: AppFailure {
            // The user knows the folder it came from, not the copy that was to run.
            message: told(&failure)
                .message
                .replace(&launch.source.display().to_string(), &launch.source_code_path),
        },
        port: failure.message.contains("fixes port"),
    })?;
    (launch.progress)("Starting the app");
    if let Err(crash) = version.listening(plan).await {
        plan.logs.append(
            Source::System,
            &format!("Could not start app. app crashed unexpectedly ({})", crash.reason),
        );
        version.fail(Arc::clone(&crash)).await;
        let said = |line: &String| line.to_lowercase().contains("address already in use");
        let port = crash.reason.contains("already listens on port") || crash.last_lines.iter().any(said);
        return Err(Unstarted { told: crashed(&crash, plan, port), port });
    }
    if let Some(check) = &launch.health_check
        && let Err(failure) = healthy(&version, check).await
    {
        let crash =
            Crash { reason: failure.message.clone(), code: None, signal: None, last_lines: Vec::new() };
        version.fail(Arc::new(crash)).await;
        return Err(Unstarted { told: failure, port: false });
    }
    Ok(version)
}

/// The path of the health check answers 2xx in time.
async fn healthy(version: &Version, check: &HealthCheck) -> Result<(), AppFailure> {
    let failed = |why: String| AppFailure { message: format!("Error: the health check failed: {why}") };
    let path = check.path.clone().unwrap_or_else(|| "/".to_owned());
    if !path.starts_with('/') {
        return Err(failed(format!("`{path}` is no path")));
    }
    let seconds = check.timeout.as_deref().and_then(|text| text.strip_suffix('s')?.parse::<f64>().ok());
    let patience = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()).unwrap_or(HEALTH);
    let client = http_client(false).map_err(|error| failed(error.to_string()))?;
    let port = version.address().map_or(version.ready.port, |address| address.port());
    let url = format!("http://127.0.0.1:{port}{path}");
    let mut last = "nobody answers".to_owned();
    let asking = async {
        loop {
            match client.get(&url).send().await {
                Ok(answer) if answer.status().is_success() => return,
                Ok(answer) => last = format!("{path} answers {}", answer.status()),
                Err(error) => last = error.to_string(),
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    };
    let outcome = tokio::time::timeout(patience, asking).await;
    outcome.map_err(|_| failed(format!("{last} after {} s", patience.as_secs())))
}

/// The platform's sentence for an app that ended by itself; and who has the port that it wanted.
fn crashed(crash: &Crash, plan: &Plan, port: bool) -> AppFailure {
    let mut message =
        format!("Error: app crashed unexpectedly. Please check /logz for more details ({})", crash.reason);
    if port && let Some(holder) = plan.claims.holder(super::port::PLATFORM_PORT) {
        message.push_str(". The app fixes its port; port 8000 belongs to the app `");
        message.push_str(&holder);
        message.push('`');
    }
    AppFailure { message }
}

fn told(failure: &crate::failure::Failure) -> AppFailure {
    let mut message = format!("Error: {failure}");
    for cause in failure.causes() {
        message.push_str(". ");
        message.push_str(&cause);
    }
    AppFailure { message }
}
