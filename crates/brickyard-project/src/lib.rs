//! The app on disk: `app.yaml`, `brickyard.toml`, `databricks.yml`, requirements, templates and lint rules.
//!
//! Nothing here touches the network, the clock or the environment: files in, values and findings out.

pub mod app_yaml;
pub mod bundle;
pub mod check;
pub mod framework;
#[doc(hidden)]
pub mod fuzzing;
pub mod manifest;
pub mod new;
pub mod project;
pub mod python;
pub mod requirements;
pub mod resources;
pub mod settings;
pub mod source;
pub mod yaml;

pub use app_yaml::{AppYaml, EnvEntry, EnvSource};
pub use framework::Framework;
pub use project::{Dependencies, Project};
pub use resources::{Resource, ResourceKind};
pub use settings::Settings;
pub use source::{ProjectError, Source, Span};
