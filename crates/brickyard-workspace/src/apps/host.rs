use std::path::PathBuf;
use std::sync::Arc;

use brickyard_api::{AppResource, HealthCheck};
use futures_util::future::BoxFuture;
use serde::Serialize;

/// Told in one sentence how far a version is.
pub type Progress = Arc<dyn Fn(&str) + Send + Sync>;

/// Everything needed to run one version of an app.
#[derive(Clone)]
pub struct AppLaunch {
    /// Name of the app.
    pub name: String,
    /// Deployment this is.
    pub deployment_id: String,
    /// Folder with the source, the app's own: the host may write below it.
    pub source: PathBuf,
    /// Where the source came from, as the log says it.
    pub source_code_path: String,
    /// Command in place of that of `app.yaml`.
    pub command: Option<Vec<String>>,
    /// Variables of the deployment, over those of `app.yaml`: name, value or key of a resource.
    pub variables: Vec<brickyard_api::EnvironmentVariable>,
    /// What the app may use.
    pub resources: Vec<AppResource>,
    /// Variables the platform sets: host, credentials, certificates, name (platform §3.1).
    pub environment: Vec<(String, String)>,
    /// Values of the resources by key, secrets decrypted: what `valueFrom` gives.
    pub values: Vec<(String, String)>,
    /// `MEDIUM`, `LARGE`, …
    pub compute_size: String,
    /// What has to answer before the version counts as up, beside its port.
    pub health_check: Option<HealthCheck>,
    /// Told how far the version is.
    pub progress: Progress,
}

/// Why a version of an app does not serve.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{message}")]
pub struct AppFailure {
    /// The platform's sentence, such as `Error: app crashed unexpectedly. Please check /logz for more details`.
    pub message: String,
}

/// State of the process behind an app.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AppState {
    /// No process.
    Absent,
    /// A version is being built or started; an older one may serve meanwhile.
    Deploying,
    /// The process listens.
    Running,
    /// The process ended by itself.
    Crashed {
        /// How, such as `exit code 1`.
        reason: String,
    },
}

/// A line of an app's log.
#[derive(Debug, Clone, Serialize)]
pub struct AppLog {
    /// `APP`, `SYSTEM` or `BUILD`.
    pub source: String,
    /// Seconds since the epoch.
    pub timestamp: f64,
    /// The line.
    pub message: String,
}

/// Runs apps: builds environments, starts and stops processes, serves them.
pub trait AppHost: Send + Sync {
    /// Makes the app's address answer, before any version of it runs.
    fn prepare<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<(), AppFailure>>;
    /// Builds and starts a version, and returns when it listens. A version that serves already goes on until then, and
    /// stays when the new one fails.
    fn launch(&self, launch: AppLaunch) -> BoxFuture<'_, Result<(), AppFailure>>;
    /// Ends the app's process: SIGTERM, 15 seconds, SIGKILL.
    fn stop<'a>(&'a self, name: &'a str) -> BoxFuture<'a, ()>;
    /// State of the app's process.
    fn state(&self, name: &str) -> AppState;
    /// The last lines of the app's log.
    fn logs(&self, name: &str, lines: usize) -> Vec<AppLog>;
    /// Forgets a deleted app: routes, logs.
    fn forget(&self, name: &str);
}
