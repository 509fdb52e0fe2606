//! The workspace contract: wire types and a typed client, one file per API family.
//!
//! A local workspace and a real one differ by address and [`Credentials`] alone.

mod app_resources;
mod apps;
mod client;
mod credentials;
mod deployments;
mod error;
mod identity;
mod login;
mod permissions;
mod profile;
mod statements;
mod warehouses;
mod workspace_files;

pub use app_resources::{
    AppResource, DatabaseResource, ExperimentResource, GenieSpaceResource, JobResource, NamedResource,
    PostgresResource, SecretResource, SecurableResource, ServingEndpointResource, WarehouseResource,
};
pub use apps::{App, AppUpdate, ApplicationStatus, ComputeStatus};
pub use client::{Client, http_client, http_client_builder, probe_client, stream_client};
pub use credentials::Credentials;
pub use deployments::{
    Deployment, DeploymentStatus, EnvironmentVariable, GitRepository, GitSource, HealthCheck,
};
pub use error::ApiFailure;
pub use identity::Me;
pub use login::{Login, SignIn};
pub use permissions::{HeldPermission, PermissionEntry};
pub use profile::{ProfileError, Target, profile_host, resolve as resolve_target, workspace_address};
pub use statements::{Column, Statement, StatementResult};
pub use warehouses::Warehouse;
pub use workspace_files::{ObjectStatus, ObjectType};
