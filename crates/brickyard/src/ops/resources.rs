use std::collections::BTreeMap;

use brickyard_api::{
    AppResource, Client, DatabaseResource, ExperimentResource, GenieSpaceResource, JobResource,
    NamedResource, PostgresResource, SecretResource, SecurableResource, ServingEndpointResource,
    WarehouseResource,
};
use brickyard_project::{Project, Resource, ResourceKind};

use crate::failure::{Failure, Kind};

/// What stands for a resource whose files do not say so.
pub(crate) struct Defaults<'a> {
    /// Id of the workspace's warehouse.
    pub(crate) warehouse_id: &'a str,
    /// Ids of another workspace mean nothing in the local one: every declared warehouse is its own.
    pub(crate) local: bool,
    /// Ids of what was made for a key, such as a job or an experiment.
    pub(crate) made: &'a BTreeMap<String, String>,
}

/// Id of the workspace's first warehouse, asked for only where the app has a use for one.
pub(crate) async fn warehouse(client: &Client, project: &Project) -> Result<String, Failure> {
    let resources = brickyard_project::resources::resolve(project);
    if !resources.iter().any(|resource| resource.kind == ResourceKind::SqlWarehouse) {
        return Ok(String::new());
    }
    let first = client.warehouses().await?.into_iter().next();
    let first = first.ok_or_else(|| {
        Failure::new(Kind::Workspace, "The workspace has no SQL warehouse for the app to use")
    })?;
    Ok(first.id)
}

/// Keys of the resources that no file says more about than the key.
pub(crate) fn assumed(project: &Project) -> Vec<String> {
    brickyard_project::resources::resolve(project)
        .into_iter()
        .filter(|resource| resource.origin == brickyard_project::resources::Origin::WellKnownKey)
        .map(|resource| resource.key)
        .collect()
}

/// The app's resources as the Apps API takes them; what no file says gets a sensible local default.
pub(crate) fn declared(project: &Project, defaults: &Defaults<'_>) -> Result<Vec<AppResource>, Failure> {
    let resources = brickyard_project::resources::resolve(project);
    let unknown = brickyard_project::resources::unresolved(project, &resources);
    if let Some((key, variable)) = unknown.first() {
        let known =
            brickyard_project::resources::there_are(resources.iter().map(|resource| resource.key.as_str()));
        let hint = if project.bundle_app().is_some() {
            format!("add a resource with `name: {key}` to the app in `databricks.yml`, or correct the key")
        } else {
            format!(
                "declare it in `brickyard.toml`: `[resources.{key}]` with `type = \"sql-warehouse\"` or another type"
            )
        };
        return Err(Failure::app(format!(
            "`{variable}` takes its value from the resource `{key}`, which the app does not have; {known}"
        ))
        .hint(hint));
    }
    resources.iter().map(|resource| convert(project, resource, defaults)).collect()
}

fn convert(project: &Project, resource: &Resource, defaults: &Defaults<'_>) -> Result<AppResource, Failure> {
    let permission = resource.permission.clone();
    // A value that a bundle still holds as `${…}` is none that the local workspace could use.
    let field = |name: &str| resource.fields.get(name).filter(|value| !value.contains("${")).cloned();
    let made = || defaults.made.get(&resource.key).cloned();
    let needed = |name: &str| {
        field(name).ok_or_else(|| {
            Failure::app(format!("Resource `{}` ({}) needs `{name}`", resource.key, resource.kind.key()))
                .hint(format!(
                    "write `{} = \"…\"` under `[resources.{}]` in `brickyard.toml`",
                    name.replace('_', "-"),
                    resource.key
                ))
        })
    };
    let mut converted = AppResource { name: resource.key.clone(), ..AppResource::default() };
    match resource.kind {
        ResourceKind::SqlWarehouse => {
            let declared = field("id").filter(|_| !defaults.local);
            let id = declared.unwrap_or_else(|| defaults.warehouse_id.to_owned());
            converted.sql_warehouse = Some(WarehouseResource { id, permission });
        }
        ResourceKind::ServingEndpoint => {
            let name = match (field("name"), project.settings.serving.keys().next()) {
                (Some(name), _) => name,
                (None, Some(name)) if project.settings.serving.len() == 1 => name.clone(),
                _ => needed("name")?,
            };
            converted.serving_endpoint = Some(ServingEndpointResource { name, permission });
        }
        ResourceKind::Secret => {
            let only = || {
                let mut all = project
                    .settings
                    .secrets
                    .iter()
                    .flat_map(|(scope, keys)| keys.keys().map(move |key| (scope, key)));
                let first = all.next()?;
                all.next().is_none().then(|| (first.0.clone(), first.1.clone()))
            };
            let (scope, key) = match (field("scope"), field("key")) {
                (Some(scope), Some(key)) => (scope, key),
                (None, None) => match only() {
                    Some(pair) => pair,
                    None => (needed("scope")?, needed("key")?),
                },
                _ => (needed("scope")?, needed("key")?),
            };
            converted.secret = Some(SecretResource { scope, key, permission });
        }
        ResourceKind::Volume => {
            let name = volume(resource);
            converted.uc_securable = Some(securable(name, "VOLUME", permission));
        }
        ResourceKind::VectorSearchIndex => {
            let only = only(&project.settings.vector_indexes);
            let name = field("securable_full_name").or(only);
            let name = name.map_or_else(|| needed("securable_full_name"), Ok)?;
            converted.uc_securable = Some(securable(name, "TABLE", permission));
        }
        ResourceKind::Table => {
            converted.uc_securable = Some(securable(needed("securable_full_name")?, "TABLE", permission));
        }
        ResourceKind::Function => {
            converted.uc_securable = Some(securable(needed("securable_full_name")?, "FUNCTION", permission));
        }
        ResourceKind::Connection => {
            let name = field("securable_full_name").or_else(|| field("name"));
            let name = name.or_else(|| only(&project.settings.connections));
            let name = name.map_or_else(|| needed("securable_full_name"), Ok)?;
            converted.uc_securable = Some(securable(name, "CONNECTION", permission));
        }
        ResourceKind::Job => {
            converted.job = Some(JobResource { id: made().map_or_else(|| needed("id"), Ok)?, permission });
        }
        ResourceKind::GenieSpace => {
            let space_id = field("space_id").or_else(|| only(&project.settings.genie));
            let space_id = space_id.map_or_else(|| needed("space_id"), Ok)?;
            let name = field("name").unwrap_or_else(|| resource.key.clone());
            converted.genie_space = Some(GenieSpaceResource { name, space_id, permission });
        }
        ResourceKind::Experiment => {
            let experiment_id = made().map_or_else(|| needed("experiment_id"), Ok)?;
            converted.experiment = Some(ExperimentResource { experiment_id, permission });
        }
        ResourceKind::Database => {
            let instance_name = field("instance_name").unwrap_or_else(|| "brickyard".to_owned());
            let database_name = field("database_name").unwrap_or_else(|| "databricks_postgres".to_owned());
            converted.database = Some(DatabaseResource { instance_name, database_name, permission });
        }
        ResourceKind::Postgres => {
            let branch =
                field("branch").unwrap_or_else(|| "projects/brickyard/branches/production".to_owned());
            let database = field("database").unwrap_or_else(|| "databricks_postgres".to_owned());
            converted.postgres = Some(PostgresResource { branch, database, permission });
        }
        ResourceKind::App => converted.app = Some(NamedResource { name: needed("name")?, permission }),
    }
    Ok(converted)
}

/// Full name of the volume that stands for a resource.
pub(crate) fn volume(resource: &Resource) -> String {
    let declared = resource.fields.get("securable_full_name").filter(|name| !name.contains("${"));
    declared.cloned().unwrap_or_else(|| format!("main.default.{}", plain(&resource.key)))
}

/// The one name of a table of `brickyard.toml`; none where there are several.
fn only<T>(settings: &BTreeMap<String, T>) -> Option<String> {
    let mut names = settings.keys();
    let first = names.next()?;
    names.next().is_none().then(|| first.clone())
}

fn securable(name: String, kind: &str, permission: String) -> SecurableResource {
    SecurableResource { securable_full_name: name, securable_type: kind.to_owned(), permission }
}

/// A key as a part of a securable's name: letters, digits and underscores.
fn plain(key: &str) -> String {
    key.chars()
        .map(|letter| if letter.is_ascii_alphanumeric() { letter.to_ascii_lowercase() } else { '_' })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn project(files: &[(&str, &str)]) -> (tempfile::TempDir, Project) {
        let directory = tempfile::tempdir().unwrap();
        for (name, text) in files {
            std::fs::write(directory.path().join(name), text).unwrap();
        }
        let project = Project::load(directory.path()).unwrap();
        (directory, project)
    }

    const DEFAULTS: Defaults<'_> = Defaults { warehouse_id: "abc", local: true, made: &BTreeMap::new() };

    #[test]
    fn well_known_keys_need_no_file() {
        let yaml = "command: [python, app.py]\nenv:\n- {name: W, valueFrom: sql-warehouse}\n- {name: V, valueFrom: my-volume}\n";
        let (_directory, project) = project(&[("app.yaml", yaml), ("app.py", "")]);
        let resources = declared(&project, &DEFAULTS).unwrap();
        assert_eq!(resources[0].sql_warehouse.as_ref().unwrap().id, "abc");
        assert_eq!(resources[1].uc_securable.as_ref().unwrap().securable_full_name, "main.default.my_volume");
    }

    #[test]
    fn an_unknown_key_names_those_there_are() {
        let yaml = "env:\n- {name: A, valueFrom: sql-warehouse}\n- {name: B, valueFrom: zzz}\n";
        let (_directory, project) = project(&[("app.yaml", yaml), ("app.py", "")]);
        let failure = declared(&project, &DEFAULTS).unwrap_err();
        assert_eq!(
            failure.to_string(),
            "`B` takes its value from the resource `zzz`, which the app does not have; there is `sql-warehouse`"
        );
    }

    #[test]
    fn a_field_that_is_missing_is_asked_for() {
        let (_directory, project) =
            project(&[("app.yaml", "env:\n- {name: A, valueFrom: job}\n"), ("app.py", "")]);
        let failure = declared(&project, &DEFAULTS).unwrap_err();
        assert_eq!(failure.to_string(), "Resource `job` (job) needs `id`");
    }
}
