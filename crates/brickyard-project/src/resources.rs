//! Which resources an app has: declared by its bundle, its manifest or `brickyard.toml`, or meant by a well-known key.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::app_yaml::EnvSource;
use crate::project::Project;
use crate::source::Span;
use crate::yaml::Node;

/// The types a resource of an app can have (platform §5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ResourceKind {
    /// SQL warehouse; `valueFrom` gives its id.
    SqlWarehouse,
    /// Model serving endpoint; its name.
    ServingEndpoint,
    /// Secret; its value.
    Secret,
    /// Volume; its path `/Volumes/…`.
    Volume,
    /// Table; its full name.
    Table,
    /// Vector search index; its full name.
    VectorSearchIndex,
    /// Connection; its name.
    Connection,
    /// Function; its full name.
    Function,
    /// Job; its id.
    Job,
    /// Genie space; its id.
    GenieSpace,
    /// `MLflow` experiment; its id.
    Experiment,
    /// Provisioned Lakebase; its host.
    Database,
    /// Autoscaling Lakebase; the path of its endpoint.
    Postgres,
    /// Another app; its name.
    App,
}

impl ResourceKind {
    /// Every type with the key the platform gives it by default.
    pub const ALL: [(Self, &'static str); 14] = [
        (Self::SqlWarehouse, "sql-warehouse"),
        (Self::ServingEndpoint, "serving-endpoint"),
        (Self::Secret, "secret"),
        (Self::Volume, "volume"),
        (Self::Table, "table"),
        (Self::VectorSearchIndex, "vector-search-index"),
        (Self::Connection, "connection"),
        (Self::Function, "function"),
        (Self::Job, "job"),
        (Self::GenieSpace, "genie-space"),
        (Self::Experiment, "experiment"),
        (Self::Database, "database"),
        (Self::Postgres, "postgres"),
        (Self::App, "app"),
    ];

    /// The platform's default key, which is also the name of the type in `brickyard.toml`.
    pub fn key(self) -> &'static str {
        Self::ALL.iter().find(|(kind, _)| *kind == self).map_or("", |(_, key)| key)
    }

    /// The type a key means by itself: a default key, with `_` for `-` and numbers or words around it allowed.
    pub fn from_key(key: &str) -> Option<Self> {
        let key = key.to_ascii_lowercase().replace('_', "-");
        if let Some((kind, _)) = Self::ALL.iter().find(|(_, name)| *name == key) {
            return Some(*kind);
        }
        let words: Vec<&str> = key.split('-').collect();
        let has = |word: &str| words.contains(&word);
        // Order matters: `vector-search-endpoint` is no serving endpoint, `app-secret` is no app.
        Some(match () {
            () if has("warehouse") => Self::SqlWarehouse,
            () if has("vector") || has("index") => Self::VectorSearchIndex,
            () if has("secret") => Self::Secret,
            () if has("genie") => Self::GenieSpace,
            () if has("serving") || has("endpoint") || has("llm") || has("model") => Self::ServingEndpoint,
            () if has("volume") => Self::Volume,
            () if has("experiment") => Self::Experiment,
            () if has("postgres") => Self::Postgres,
            () if has("database") || has("lakebase") => Self::Database,
            () if has("connection") => Self::Connection,
            () if has("function") => Self::Function,
            () if has("table") => Self::Table,
            () if has("job") => Self::Job,
            () => return None,
        })
    }

    /// Permissions the platform allows, the usual one first (platform §5).
    pub fn permissions(self) -> &'static [&'static str] {
        match self {
            Self::SqlWarehouse => &["CAN_USE", "CAN_MANAGE", "IS_OWNER"],
            Self::ServingEndpoint => &["CAN_QUERY", "CAN_MANAGE", "CAN_VIEW"],
            Self::Secret => &["READ", "WRITE", "MANAGE"],
            Self::Volume => &["READ_VOLUME", "WRITE_VOLUME"],
            Self::Table => &["SELECT", "MODIFY"],
            Self::VectorSearchIndex => &["SELECT"],
            Self::Connection => &["USE_CONNECTION"],
            Self::Function => &["EXECUTE"],
            Self::Job => &["CAN_MANAGE_RUN", "CAN_MANAGE", "IS_OWNER", "CAN_VIEW"],
            Self::GenieSpace => &["CAN_RUN", "CAN_MANAGE", "CAN_EDIT", "CAN_VIEW"],
            Self::Experiment => &["CAN_READ", "CAN_EDIT", "CAN_MANAGE"],
            Self::Database | Self::Postgres => &["CAN_CONNECT_AND_CREATE"],
            Self::App => &["CAN_USE"],
        }
    }

    /// The key of the type in an app's JSON and in a bundle, such as `sql_warehouse` or `uc_securable`.
    pub fn field(self) -> &'static str {
        match self {
            Self::SqlWarehouse => "sql_warehouse",
            Self::ServingEndpoint => "serving_endpoint",
            Self::Secret => "secret",
            Self::Volume | Self::Table | Self::VectorSearchIndex | Self::Connection | Self::Function => {
                "uc_securable"
            }
            Self::Job => "job",
            Self::GenieSpace => "genie_space",
            Self::Experiment => "experiment",
            Self::Database => "database",
            Self::Postgres => "postgres",
            Self::App => "app",
        }
    }

    fn from_field(field: &str, securable: Option<&str>, key: &str) -> Option<Self> {
        Some(match field {
            "sql_warehouse" => Self::SqlWarehouse,
            "serving_endpoint" => Self::ServingEndpoint,
            "secret" => Self::Secret,
            "job" => Self::Job,
            "genie_space" => Self::GenieSpace,
            "experiment" => Self::Experiment,
            "database" => Self::Database,
            "postgres" => Self::Postgres,
            "app" => Self::App,
            "uc_securable" => match securable.unwrap_or_default().to_ascii_uppercase().as_str() {
                "VOLUME" => Self::Volume,
                "CONNECTION" => Self::Connection,
                "FUNCTION" => Self::Function,
                // A vector search index is declared as a table; only its key tells them apart (platform §5).
                "TABLE" if Self::from_key(key) == Some(Self::VectorSearchIndex) => Self::VectorSearchIndex,
                "TABLE" => Self::Table,
                _ => return None,
            },
            _ => return None,
        })
    }
}

/// A resource as a file declares it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResourceSpec {
    /// The key, `resources[].name`.
    pub key: String,
    /// Type; `None` where the file names one we do not know.
    pub kind: Option<ResourceKind>,
    /// Permission for the app.
    pub permission: Option<String>,
    /// Fields under the platform's names; `${…}` is kept as written.
    pub fields: BTreeMap<String, String>,
    /// Bytes in the file.
    pub span: Span,
}

impl ResourceSpec {
    /// Reads one item of `resources` (bundle, API) or `resource_specs` (manifest, where types end in `_spec`).
    pub(crate) fn read(node: &Node) -> Option<Self> {
        let key = node.get("name")?.text()?.to_owned();
        let mut spec = Self { key, kind: None, permission: None, fields: BTreeMap::new(), span: node.span };
        for (name, value) in node.pairs() {
            let Some(field) = name.text() else { continue };
            let field = field.strip_suffix("_spec").unwrap_or(field);
            let securable = value.get("securable_type").and_then(Node::text);
            let Some(kind) = ResourceKind::from_field(field, securable, &spec.key) else { continue };
            spec.kind = Some(kind);
            for (name, value) in value.pairs() {
                if let (Some(name), Some(value)) = (name.text(), value.text()) {
                    if name == "permission" {
                        spec.permission = Some(value.to_owned());
                    } else {
                        spec.fields.insert(name.to_owned(), value.to_owned());
                    }
                }
            }
        }
        Some(spec)
    }
}

/// Where a resource comes from, in the order in which places are asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// `databricks.yml`, `resources.apps.*.resources`.
    Bundle,
    /// `manifest.yaml`, `resource_specs`.
    Manifest,
    /// `brickyard.toml`, `[resources.KEY]`.
    Settings,
    /// The key itself says what it is.
    WellKnownKey,
}

impl Origin {
    /// The file, or words for the last case.
    pub fn name(self) -> &'static str {
        match self {
            Self::Bundle => "databricks.yml",
            Self::Manifest => "manifest.yaml",
            Self::Settings => "brickyard.toml",
            Self::WellKnownKey => "well-known key",
        }
    }
}

/// A resource of the app.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resource {
    /// The key `valueFrom` uses.
    pub key: String,
    /// Type.
    pub kind: ResourceKind,
    /// Where it was declared.
    pub origin: Origin,
    /// One sentence for the user: why this resource is there.
    pub why: String,
    /// Permission given to the app's service principal.
    pub permission: String,
    /// What is known of it under the platform's field names (`id`, `scope`, `securable_full_name`, …); values may
    /// still hold `${…}` of a bundle. `brickyard.toml` wins over the declaring file.
    pub fields: BTreeMap<String, String>,
}

/// The app's resources: those of the bundle, then of the manifest, then of `brickyard.toml`, then, where no bundle and no
/// manifest says which there are, one for each `valueFrom` key that says by itself what it is.
pub fn resolve(project: &Project) -> Vec<Resource> {
    let mut found: Vec<Resource> = Vec::new();
    let mut declare = |specs: &[ResourceSpec], origin: Origin| {
        for spec in specs {
            let local = project.settings.resources.get(&spec.key);
            let kind = local
                .and_then(|local| local.kind)
                .or(spec.kind)
                .or_else(|| ResourceKind::from_key(&spec.key));
            let Some(kind) = kind else { continue };
            if found.iter().any(|known| known.key == spec.key) {
                continue;
            }
            let mut fields = spec.fields.clone();
            let mut permission = spec.permission.clone();
            if let Some(local) = local {
                fields.extend(local.fields());
                permission = local.permission.clone().or(permission);
            }
            found.push(Resource {
                why: format!("`{}` is declared in `{}`", spec.key, origin.name()),
                permission: permission.unwrap_or_else(|| kind.permissions()[0].to_owned()),
                key: spec.key.clone(),
                kind,
                origin,
                fields,
            });
        }
    };
    if let Some(app) = project.bundle_app() {
        declare(&app.resources, Origin::Bundle);
    }
    if let Some(manifest) = &project.manifest {
        declare(&manifest.resources, Origin::Manifest);
    }
    let local: Vec<ResourceSpec> =
        project.settings.resources.iter().map(|(key, local)| spec(key, local.kind)).collect();
    declare(&local, Origin::Settings);
    let told = project.bundle_app().is_some()
        || project.manifest.as_ref().is_some_and(|manifest| !manifest.resources.is_empty());
    if !told {
        let meant: Vec<ResourceSpec> = keys(project).into_iter().map(|(key, _)| spec(&key, None)).collect();
        declare(&meant, Origin::WellKnownKey);
    }
    for resource in &mut found {
        if resource.origin == Origin::WellKnownKey {
            resource.why = format!(
                "`valueFrom: {}` asks for it, and no file declares that key: it is taken as a {}",
                resource.key,
                resource.kind.key()
            );
        }
    }
    found
}

/// `valueFrom` keys that stand for nothing, each with the variable that wants it.
pub fn unresolved(project: &Project, resources: &[Resource]) -> Vec<(String, String)> {
    let known = |key: &str| resources.iter().any(|resource| resource.key == key);
    keys(project).into_iter().filter(|(key, _)| !known(key)).collect()
}

/// Which keys there are, in words.
pub fn there_are<'a>(keys: impl IntoIterator<Item = &'a str>) -> String {
    let mut keys: Vec<String> = keys.into_iter().map(|key| format!("`{key}`")).collect();
    keys.sort_unstable();
    keys.dedup();
    match keys.as_slice() {
        [] => "there are none".to_owned(),
        [only] => format!("there is {only}"),
        several => format!("there are {}", several.join(", ")),
    }
}

fn spec(key: &str, kind: Option<ResourceKind>) -> ResourceSpec {
    ResourceSpec {
        key: key.to_owned(),
        kind,
        permission: None,
        fields: BTreeMap::new(),
        span: Span::default(),
    }
}

/// The `valueFrom` keys with the variable that wants each.
fn keys(project: &Project) -> Vec<(String, String)> {
    project
        .env()
        .into_iter()
        .filter_map(|entry| match entry.source {
            EnvSource::Resource(key) => Some((key, entry.name)),
            EnvSource::Value(_) => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn well_known_keys_are_understood_in_their_usual_spellings() {
        for (kind, key) in ResourceKind::ALL {
            assert_eq!(ResourceKind::from_key(key), Some(kind));
            assert_eq!(ResourceKind::from_key(&key.replace('-', "_")), Some(kind));
        }
        assert_eq!(ResourceKind::from_key("sql-warehouse-2"), Some(ResourceKind::SqlWarehouse));
        assert_eq!(ResourceKind::from_key("my_app_secret"), Some(ResourceKind::Secret));
        assert_eq!(ResourceKind::from_key("vector-search-endpoint"), Some(ResourceKind::VectorSearchIndex));
        assert_eq!(ResourceKind::from_key("banana"), None);
    }
}
