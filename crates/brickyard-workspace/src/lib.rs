//! The local workspace: identity and OAuth, REST families, SQL warehouse front, Lakebase front, state.
//!
//! [`Workspace::start`] binds its listeners and returns a [`WorkspaceHandle`]; `brickyard run` and the tests start it
//! the same way. The parts below never know which command started them.

mod absent;
mod apps;
mod authorize;
mod caller;
mod catalog;
mod clock;
mod config;
mod connections;
mod credential;
mod database;
mod directory;
mod endpoint;
mod engine;
mod error;
mod files;
mod functions;
#[doc(hidden)]
pub mod fuzzing;
mod gateway;
mod genie;
mod handle;
mod jobs;
mod lab;
mod lakebase;
mod lakeview;
mod lock;
mod mcp;
mod mlflow;
mod oauth;
mod permissions;
mod pipelines;
mod postgres;
mod quartz;
mod request;
mod router;
mod scim;
mod scope;
mod scratch;
mod secrets;
mod serving;
mod spark;
mod start_error;
mod store;
mod synced_tables;
mod token;
mod vector_search;
mod warehouse;
mod workspace;
mod workspace_files;

pub use apps::{
    AppClient, AppFailure, AppHost, AppLaunch, AppLog, AppState, AppVisitor, Progress, RegisteredApp,
};
pub use brickyard_postgres::{Outside as OutsidePostgres, OutsideError as OutsidePostgresError};
pub use catalog::CatalogOpenError;
pub use clock::Clock;
pub use config::{Provision, ProvisionError, TelemetryCollector, WorkspaceConfig};
pub use directory::{Group, Principal, ServicePrincipal, User};
pub use endpoint::{Endpoint, Fidelity};
pub use error::ApiError;
pub use gateway::AuthorityError;
pub use genie::GenieSpace;
pub use handle::WorkspaceHandle;
pub use lab::Fault;
pub use lakebase::{
    DatabaseBinding, DatabaseTarget, LakebaseError, Script, postgres_at_hand, postgres_version,
};
pub use lock::LockError;
pub use oauth::OAuthClient;
pub use router::endpoints;
pub use secrets::VaultError;
pub use serving::{ServingBackend, ServingEndpoint, ServingOptions};
pub use start_error::StartError;
pub use workspace::Workspace;
