use std::sync::Arc;

use brickyard_runner::logs::Source;
use brickyard_runner::supervisor::{Crash, State};
use brickyard_runner::warden::Limits;
use brickyard_workspace::{AppFailure, AppHost, AppLaunch, AppLog, AppState};
use futures_util::future::BoxFuture;

use super::{Claims, Door, LocalApps, Plan, PortPolicy, Version};

impl AppHost for LocalApps {
    fn launch(&self, launch: AppLaunch) -> BoxFuture<'_, Result<(), AppFailure>> {
        Box::pin(async move {
            let app = self
                .open(&launch.name, Door::default())
                .await
                .map_err(|failure| AppFailure { message: failure.to_string() })?;
            let logs = app.logs.clone();
            logs.append(Source::System, "Starting Databricks Apps runtime...");
            logs.append(Source::System, &format!("Starting deployment {}", launch.deployment_id));
            logs.append(Source::System, &format!("Downloading source code from {}", launch.source_code_path));
            let secret = |key: &str| {
                launch.resources.iter().any(|resource| resource.name == key && resource.secret.is_some())
            };
            let plan = Plan {
                settings: self.settings.clone(),
                tools: Arc::clone(&self.tools),
                logs: logs.clone(),
                source: launch.source.clone(),
                home: self.state_directory.join("homes").join(&launch.name),
                platform: launch.environment.clone(),
                address: app.address(),
                values: launch
                    .values
                    .iter()
                    .map(|(key, value)| (key.clone(), value.clone(), secret(key)))
                    .collect(),
                variables: launch.variables.clone(),
                command: launch.command.clone(),
                port: PortPolicy::Auto,
                claims: Claims::new(self.settings.ports_directory()),
                limits: if launch.compute_size == "LARGE" { Limits::LARGE } else { Limits::MEDIUM },
                reload: false,
                report: Arc::new(|_| {}),
            };
            let mut current = app.current.lock().await;
            // A pinned port belongs to one version at a time: the old one has to go first.
            let pinned = current.as_ref().is_some_and(|version| version.ready.pinned.is_some());
            if pinned && let Some(old) = current.take() {
                old.stop().await;
            }
            // While an old version serves, a new one that fails must not show in its status.
            let status = if current.is_some() {
                tokio::sync::watch::channel(app.status.borrow().clone()).0
            } else {
                app.status.clone()
            };
            let mut version = Version::start(&plan, status).await.map_err(|failure| {
                let failure = told(&failure);
                logs.append(Source::System, &failure.message);
                failure
            })?;
            if let Err(crash) = version.listening(&plan).await {
                logs.append(
                    Source::System,
                    &format!("Could not start app. app crashed unexpectedly ({})", crash.reason),
                );
                version.replace().await;
                return Err(crashed(&crash));
            }
            let old = current.take();
            version.publish(app.status.clone());
            *current = Some(version);
            drop(current);
            if let Some(old) = old {
                old.replace().await;
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
        self.apps.lock().unwrap_or_else(std::sync::PoisonError::into_inner).remove(name);
    }
}

/// The platform's sentence for an app that ended by itself.
fn crashed(crash: &Crash) -> AppFailure {
    AppFailure {
        message: format!(
            "Error: app crashed unexpectedly. Please check /logz for more details ({})",
            crash.reason
        ),
    }
}

fn told(failure: &crate::failure::Failure) -> AppFailure {
    let mut message = format!("Error: {failure}");
    for cause in failure.causes() {
        message.push_str(". ");
        message.push_str(&cause);
    }
    AppFailure { message }
}
