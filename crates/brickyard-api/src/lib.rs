//! The workspace contract: wire types and a typed client, one file per API family.
//!
//! A local workspace and a real one differ by address and [`Credentials`] alone.

mod apps;
mod client;
mod credentials;
mod error;
mod identity;
mod profile;
mod statements;
mod warehouses;
mod workspace_files;

pub use apps::{
    App, AppResource, ApplicationStatus, ComputeStatus, DatabaseResource, Deployment, DeploymentStatus,
    EnvironmentVariable, ExperimentResource, GenieSpaceResource, JobResource, NamedResource,
    PostgresResource, SecretResource, SecurableResource, ServingEndpointResource, WarehouseResource,
};
pub use client::{Client, http_client};
pub use credentials::Credentials;
pub use error::ApiFailure;
pub use identity::Me;
pub use profile::{ProfileError, Target, resolve as resolve_target};
pub use statements::{Column, Statement, StatementResult};
pub use warehouses::Warehouse;
pub use workspace_files::{ObjectStatus, ObjectType};
