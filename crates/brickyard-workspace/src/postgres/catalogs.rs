use axum::Json;
use axum::extract::{Path, State};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{names, operations};
use crate::caller::Caller;
use crate::error::{ApiError, ApiResult};
use crate::lakebase::{Registered, Registration, registered_catalog};
use crate::request::{JsonBody, Parameters};
use crate::workspace::Workspace;

/// The name of a new one.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Options {
    #[serde(default)]
    catalog_id: String,
}

/// Registers a catalog for a branch's database, which it makes where asked to.
pub(super) async fn create(
    State(workspace): State<Workspace>,
    caller: Caller,
    Parameters(options): Parameters<Options>,
    JsonBody(body): JsonBody<Value>,
) -> ApiResult<Value> {
    let spec = &body["spec"];
    let Some((project, branch, "")) = names::split(spec["branch"].as_str().unwrap_or_default()) else {
        return Err(names::not_found("branch"));
    };
    names::manage(&workspace, &caller, &names::project(&workspace, project)?)?;
    let branch = names::branch(&workspace, project, branch)?;
    let wanted = Registration {
        name: &options.catalog_id,
        server: &branch.uid,
        title: &branch.name(),
        database: spec["postgres_database"].as_str().unwrap_or_default(),
        create_database: spec["create_database_if_missing"].as_bool().unwrap_or(false),
    };
    let registered = workspace.lakebase().register(&workspace, &caller, wanted).await?;
    operations::done(&workspace, project, "Catalog", &show(&registered))
}

/// Gets one.
pub(super) async fn get(
    State(workspace): State<Workspace>,
    _caller: Caller,
    Path(name): Path<String>,
) -> ApiResult<Value> {
    Ok(Json(show(&known(&workspace, &name)?)))
}

/// Forgets one; its database stays.
pub(super) async fn remove(
    State(workspace): State<Workspace>,
    caller: Caller,
    Path(name): Path<String>,
) -> ApiResult<Value> {
    let catalog = known(&workspace, &name)?;
    let project = names::split(&catalog.title).map_or("", |(project, _, _)| project);
    names::manage(&workspace, &caller, &names::project(&workspace, project)?)?;
    workspace.lakebase().unregister(&workspace, &caller, &catalog.name)?;
    operations::done(&workspace, project, "Catalog", &json!({ "name": format!("catalogs/{}", catalog.name) }))
}

fn known(workspace: &Workspace, name: &str) -> Result<Registered, ApiError> {
    let found = registered_catalog(workspace, &name.to_lowercase())?;
    let found = found.filter(|catalog| catalog.title.starts_with("projects/"));
    found.ok_or_else(|| names::not_found("catalog"))
}

fn show(catalog: &Registered) -> Value {
    let project = names::split(&catalog.title).map_or("", |(project, _, _)| project);
    json!({
        "name": format!("catalogs/{}", catalog.name),
        "catalog_id": catalog.name,
        "uid": catalog.uid,
        "create_time": catalog.created,
        "update_time": catalog.created,
        "status": {
            "branch": catalog.title,
            "postgres_database": catalog.database,
            "project": format!("projects/{project}"),
        },
    })
}
