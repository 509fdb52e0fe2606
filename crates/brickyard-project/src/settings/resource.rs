use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;

use crate::resources::ResourceKind;

/// `[resources.KEY]`: what a key stands for here.
///
/// `type` is needed where nothing else declares the key. Every other key is a field of the resource as the platform
/// names it (platform §5): `id`, `name`, `scope`, `key`, `securable-full-name`, `instance-name`, `database-name`,
/// `branch`, `database`, `space-id`, `experiment-id`, `permission`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct ResourceSettings {
    /// Type of the resource.
    #[serde(rename = "type")]
    pub kind: Option<ResourceKind>,
    /// Permission given to the app, such as `CAN_USE`.
    pub permission: Option<String>,
    /// Id of a warehouse or job.
    pub id: Option<String>,
    /// Name of an endpoint, app or Genie space.
    pub name: Option<String>,
    /// Scope of a secret.
    pub scope: Option<String>,
    /// Key of a secret.
    pub key: Option<String>,
    /// Three-level name of a table, volume, function or index, or the name of a connection.
    pub securable_full_name: Option<String>,
    /// Name of a provisioned Lakebase instance.
    pub instance_name: Option<String>,
    /// Database of a provisioned instance.
    pub database_name: Option<String>,
    /// Branch of an autoscaling project.
    pub branch: Option<String>,
    /// Database of an autoscaling project.
    pub database: Option<String>,
    /// Id of a Genie space.
    pub space_id: Option<String>,
    /// Id of an experiment.
    pub experiment_id: Option<String>,
    /// A Python file that is a job here, relative to `brickyard.toml`.
    pub python: Option<PathBuf>,
    /// Requirements of the job's Python file, one per item.
    pub requirements: Vec<String>,
}

impl ResourceSettings {
    /// The fields that are set, under the platform's names.
    pub(crate) fn fields(&self) -> BTreeMap<String, String> {
        [
            ("id", &self.id),
            ("name", &self.name),
            ("scope", &self.scope),
            ("key", &self.key),
            ("securable_full_name", &self.securable_full_name),
            ("instance_name", &self.instance_name),
            ("database_name", &self.database_name),
            ("branch", &self.branch),
            ("database", &self.database),
            ("space_id", &self.space_id),
            ("experiment_id", &self.experiment_id),
        ]
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), value.clone()?)))
        .collect()
    }
}
