//! What stands here for things that a real workspace has already: jobs, experiments, Genie spaces, connections and vector
//! search indexes of `brickyard.toml`.

use std::collections::BTreeMap;

use brickyard_api::{ApiFailure, Client};
use brickyard_project::settings::{ConnectionSettings, VectorIndexSettings};
use brickyard_project::{Project, ResourceKind};
use brickyard_workspace::GenieSpace;
use serde_json::{Map, Value, json};

use super::local::LocalWorkspace;
use super::seed::reveal;
use crate::failure::Failure;
use crate::settings::Settings;

/// Vector search endpoint of indexes that name none.
const ENDPOINT: &str = "brickyard";

/// Makes what needs no table, before the app binds it; the ids of jobs and experiments by resource key.
pub(crate) async fn before_the_app(
    client: &Client,
    workspace: &LocalWorkspace,
    project: &Project,
    settings: &Settings,
) -> Result<BTreeMap<String, String>, Failure> {
    for (name, connection) in &project.settings.connections {
        put_connection(client, project, settings, name, connection).await?;
    }
    for (id, space) in &project.settings.genie {
        let space = GenieSpace {
            id: id.clone(),
            title: space.title.clone().unwrap_or_else(|| id.clone()),
            description: space.description.clone(),
            tables: space.tables.clone(),
            questions: space.questions.iter().map(|pair| (pair.question.clone(), pair.sql.clone())).collect(),
            instructions: space.instructions.clone(),
            model: space.model.clone(),
        };
        workspace.handle.put_genie_space(space).map_err(Failure::from)?;
    }
    let mut made = BTreeMap::new();
    for resource in brickyard_project::resources::resolve(project) {
        let local = project.settings.resources.get(&resource.key);
        match resource.kind {
            ResourceKind::Experiment => {
                if let Some(id) = local.and_then(|local| local.experiment_id.clone()) {
                    made.insert(resource.key, id);
                    continue;
                }
                // An id of another workspace means nothing here: the key has an experiment of its own.
                let name = resource.fields.get("name").filter(|name| !name.contains("${"));
                let name =
                    name.cloned().unwrap_or_else(|| format!("/Shared/{}/{}", project.name, resource.key));
                let id = workspace.handle.ensure_experiment(&name).map_err(Failure::from)?;
                made.insert(resource.key, id);
            }
            ResourceKind::Volume => {
                let declared = super::resources::volume(&resource);
                let parts: Vec<&str> = declared.split('.').collect();
                if let [catalog, schema, name] = parts[..] {
                    let body = json!({
                        "catalog_name": catalog, "schema_name": schema, "name": name, "volume_type": "MANAGED",
                    });
                    // One that is there stays; of a catalog that is not there the app is told when it is bound.
                    match client.post::<Value>("/api/2.1/unity-catalog/volumes", &body).await {
                        Ok(_) | Err(ApiFailure::Refused { .. }) => {}
                        Err(error) => return Err(error.into()),
                    }
                }
            }
            ResourceKind::Job => {
                let Some(python) = local.and_then(|local| local.python.as_ref()) else {
                    let id =
                        resource.fields.get("id").filter(|id| id.bytes().all(|byte| byte.is_ascii_digit()));
                    made.extend(id.map(|id| (resource.key.clone(), id.clone())));
                    continue;
                };
                let file = project.dir.join(python);
                if !file.is_file() {
                    return Err(Failure::user(format!(
                        "`[resources.{}] python` names `{}`, which is no file",
                        resource.key,
                        python.display()
                    )));
                }
                let mut task = json!({
                    "task_key": "main",
                    "spark_python_task": { "python_file": file, "source": "LOCAL" },
                });
                let requirements = local.map(|local| local.requirements.clone()).unwrap_or_default();
                let mut job = json!({});
                if !requirements.is_empty() {
                    task["environment_key"] = json!("main");
                    job["environments"] =
                        json!([{ "environment_key": "main", "spec": { "dependencies": requirements } }]);
                }
                job["tasks"] = json!([task]);
                let name = format!("{} {}", project.name, resource.key);
                let id =
                    workspace.handle.ensure_job(&name, &workspace.developer, &job).map_err(Failure::from)?;
                made.insert(resource.key, id.to_string());
            }
            _ => {}
        }
    }
    Ok(made)
}

async fn put_connection(
    client: &Client,
    project: &Project,
    settings: &Settings,
    name: &str,
    connection: &ConnectionSettings,
) -> Result<(), Failure> {
    let mut options = Map::new();
    options.insert("host".to_owned(), json!(connection.host));
    if let Some(port) = connection.port {
        options.insert("port".to_owned(), json!(port.to_string()));
    }
    for (option, value) in [
        ("base_path", &connection.base_path),
        ("client_id", &connection.client_id),
        ("token_endpoint", &connection.token_endpoint),
        ("authorization_endpoint", &connection.authorization_endpoint),
        ("oauth_scope", &connection.oauth_scope),
    ] {
        options.extend(value.as_ref().map(|value| (option.to_owned(), json!(value))));
    }
    for (option, value) in
        [("bearer_token", &connection.bearer_token), ("client_secret", &connection.client_secret)]
    {
        if let Some(value) = value {
            let value = reveal(value, &format!("connections.{name}.{option}"), project, settings)?;
            options.insert(option.to_owned(), json!(value.trim_end()));
        }
    }
    let body = json!({ "name": name, "connection_type": "HTTP", "options": options });
    match client.post::<Value>("/api/2.1/unity-catalog/connections", &body).await {
        Err(ApiFailure::Refused { code, .. }) if code == "RESOURCE_ALREADY_EXISTS" => {
            let path = format!("/api/2.1/unity-catalog/connections/{name}");
            client.patch::<Value>(&path, &json!({ "options": options })).await?;
            Ok(())
        }
        other => Ok(other.map(drop)?),
    }
}

/// Makes the indexes, whose tables are there now; one that is there is brought up to date.
pub(crate) async fn after_the_seed(client: &Client, project: &Project) -> Result<(), Failure> {
    for (name, index) in &project.settings.vector_indexes {
        let endpoint = index.endpoint.as_deref().unwrap_or(ENDPOINT);
        let body = json!({ "name": endpoint, "endpoint_type": "STANDARD" });
        present(client.post::<Value>("/api/2.0/vector-search/endpoints", &body).await)?;
        let body = index_body(name, endpoint, index);
        let there = present(client.post::<Value>("/api/2.0/vector-search/indexes", &body).await)?;
        if there && index.source_table.is_some() {
            let path = format!("/api/2.0/vector-search/indexes/{name}/sync");
            client.post::<Value>(&path, &json!({})).await?;
        }
    }
    Ok(())
}

/// Whether the thing was there already.
fn present(made: Result<Value, ApiFailure>) -> Result<bool, Failure> {
    match made {
        Err(ApiFailure::Refused { code, .. }) if code == "RESOURCE_ALREADY_EXISTS" => Ok(true),
        Err(error) => Err(error.into()),
        Ok(_) => Ok(false),
    }
}

fn index_body(name: &str, endpoint: &str, index: &VectorIndexSettings) -> Value {
    let mut spec = json!({});
    if let Some(column) = &index.vector_column {
        spec["embedding_vector_columns"] =
            json!([{ "name": column, "embedding_dimension": index.dimension }]);
    }
    if let Some(model) = &index.model {
        let mut column = json!({ "embedding_model_endpoint_name": model });
        if let Some(text) = &index.text_column {
            column["name"] = json!(text);
        }
        spec["embedding_source_columns"] = json!([column]);
    }
    let follows = index.source_table.is_some();
    if let Some(table) = &index.source_table {
        spec["source_table"] = json!(table);
        // Locally nobody has to wait for a pipeline: every search sees the table as it is.
        spec["pipeline_type"] = json!("CONTINUOUS");
    } else {
        let schema = serde_json::to_string(&index.schema).unwrap_or_default();
        spec["schema_json"] = json!(schema);
    }
    let kind = if follows { "DELTA_SYNC" } else { "DIRECT_ACCESS" };
    let spec_name = if follows { "delta_sync_index_spec" } else { "direct_access_index_spec" };
    json!({
        "name": name,
        "endpoint_name": endpoint,
        "primary_key": index.primary_key.as_deref().unwrap_or("id"),
        "index_type": kind,
        spec_name: spec,
    })
}
