use std::net::SocketAddr;
use std::path::PathBuf;

use brickyard_postgres::Outside;
use futures_util::future::BoxFuture;

use crate::Clock;
use crate::apps::AppHost;
use crate::directory::{Group, ServicePrincipal, User};

/// Everything a workspace needs to start, as plain values.
pub struct WorkspaceConfig {
    /// Where state is kept; one workspace at a time may use it.
    pub state_directory: PathBuf,
    /// Where what can be made again is kept, such as a fresh database to copy from; several workspaces may share it.
    pub cache_directory: PathBuf,
    /// Name under which clients see the workspace on port 443, such as `dbc-1f2e3d4c.cloud.brickyard.test`; it must not
    /// end in `localhost`, which clients exempt from the proxy (wire §0.3).
    pub host: String,
    /// Numeric workspace id (`X-Databricks-Org-Id`, audience of tokens).
    pub workspace_id: u64,
    /// Where the plain HTTP listener binds; port 0 picks a free one.
    pub http_address: SocketAddr,
    /// Where the CONNECT proxy binds; port 0 picks a free one.
    pub proxy_address: SocketAddr,
    /// People who exist from the start; the first one is the developer and workspace admin.
    pub users: Vec<User>,
    /// Groups that exist from the start.
    pub groups: Vec<Group>,
    /// Service principals that exist from the start, with their client secrets.
    pub service_principals: Vec<(ServicePrincipal, String)>,
    /// Domain of the apps' own names, such as `aws.brickyardapps.test`: the workspace's certificate covers every name
    /// directly below it.
    pub app_domain: String,
    /// File of root certificates (PEM) that apps trust beside ours; `None` takes the system's.
    pub trust_bundle: Option<PathBuf>,
    /// Proxy of the user's own network for all other names, `[http://][USER:PASSWORD@]HOST:PORT`.
    pub upstream_proxy: Option<String>,
    /// SQL engine in place of the one that is started, `sc://host:port[/;token=…]`.
    pub engine: Option<String>,
    /// Time as the workspace sees it.
    pub clock: Clock,
    /// Whether user tokens are passed on to apps (platform §4.1); an admin's choice, off in some workspaces.
    pub user_authorization: bool,
    /// A PostgreSQL that somebody else runs, behind the one instance or branch there then is; `None` runs one of ours for
    /// each.
    pub outside_postgres: Option<Outside>,
    /// Collector for the telemetry of apps that have a destination for it; `None` names the platform's address, where
    /// nobody listens.
    pub telemetry: Option<TelemetryCollector>,
    /// File that gets a line for each endpoint that is asked: method, path, status and client between tabs.
    pub request_log: Option<PathBuf>,
    /// Runs deployed apps; without one the Apps API answers 501 to what needs a process.
    pub app_host: Option<std::sync::Arc<dyn AppHost>>,
    /// Brings the programs behind the workspace when they are first needed.
    pub provision: std::sync::Arc<dyn Provision>,
}

impl WorkspaceConfig {
    /// A workspace of one developer, listening on free ports of loopback; change the fields that differ.
    pub fn new(state_directory: PathBuf, provision: std::sync::Arc<dyn Provision>) -> Self {
        let loopback = SocketAddr::from(([127, 0, 0, 1], 0));
        Self {
            cache_directory: state_directory.join("cache"),
            state_directory,
            host: "dbc-1f2e3d4c.cloud.brickyard.test".to_owned(),
            workspace_id: 1_234_567_890_123_456,
            http_address: loopback,
            proxy_address: loopback,
            users: vec![User::developer()],
            groups: Vec::new(),
            service_principals: Vec::new(),
            app_domain: "aws.brickyardapps.test".to_owned(),
            trust_bundle: None,
            upstream_proxy: None,
            engine: None,
            clock: Clock::default(),
            user_authorization: true,
            outside_postgres: None,
            telemetry: None,
            request_log: None,
            app_host: None,
            provision,
        }
    }
}

/// An OTLP collector, as the variables of OpenTelemetry name it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TelemetryCollector {
    /// `OTEL_EXPORTER_OTLP_ENDPOINT`.
    pub endpoint: String,
    /// `OTEL_EXPORTER_OTLP_PROTOCOL`.
    pub protocol: String,
}

impl TelemetryCollector {
    /// The platform's, beside every app that has a destination (platform §3.5).
    pub(crate) fn of_the_platform() -> Self {
        Self { endpoint: "http://localhost:4314".to_owned(), protocol: "grpc".to_owned() }
    }
}

/// Brings the programs that run behind the workspace: found on the machine, or fetched into the cache.
///
/// The workspace asks at first use, so an app that never queries never waits for the SQL engine.
pub trait Provision: Send + Sync {
    /// The `sail` executable.
    fn engine(&self) -> BoxFuture<'_, Result<PathBuf, ProvisionError>>;
    /// The directory that holds `postgres` and `initdb`: of this major version where there is data of it, if it can be had.
    fn postgres(&self, major: Option<u32>) -> BoxFuture<'_, Result<PathBuf, ProvisionError>>;
    /// A Python interpreter of an environment with these requirements (lines of a `requirements.txt`).
    fn python(&self, requirements: Vec<String>) -> BoxFuture<'_, Result<PathBuf, ProvisionError>>;
    /// Words put before a child's command so that the child dies with us, such as `brickyard warden --`; may be empty.
    fn warden(&self) -> Vec<String>;
}

/// Why a program could not be had.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct ProvisionError {
    /// What is missing and why.
    pub message: String,
    /// What the user can type or change.
    pub hint: Option<String>,
}
