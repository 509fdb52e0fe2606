use axum::Json;
use axum::extract::{Path, State};
use serde_json::{Value, json};

use super::instances::{find, manage};
use super::record::Catalog;
use crate::caller::Caller;
use crate::error::{ApiError, ApiResult};
use crate::lakebase::{Registered, Registration, registered_catalog, registered_catalogs};
use crate::request::JsonBody;
use crate::workspace::Workspace;

/// Registers a catalog for a database, which it makes where asked to.
pub(super) async fn create(
    State(workspace): State<Workspace>,
    caller: Caller,
    JsonBody(catalog): JsonBody<Catalog>,
) -> ApiResult<Value> {
    let instance = find(&workspace, &catalog.database_instance_name)?;
    manage(&workspace, &caller, &instance)?;
    let wanted = Registration {
        name: &catalog.name,
        server: &instance.uid,
        title: &instance.name,
        database: &catalog.database_name,
        create_database: catalog.create_database_if_not_exists,
    };
    let registered = workspace.lakebase().register(&workspace, &caller, wanted).await?;
    Ok(Json(show(&registered)))
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
    manage(&workspace, &caller, &find(&workspace, &catalog.title)?)?;
    workspace.lakebase().unregister(&workspace, &caller, &catalog.name)?;
    Ok(Json(json!({})))
}

/// Lists an instance's catalogs.
pub(super) async fn list(
    State(workspace): State<Workspace>,
    _caller: Caller,
    Path(instance): Path<String>,
) -> ApiResult<Value> {
    find(&workspace, &instance)?;
    let catalogs: Vec<Value> = registered_catalogs(&workspace)?
        .iter()
        .filter(|catalog| catalog.title == instance)
        .map(show)
        .collect();
    Ok(Json(json!({ "database_catalogs": catalogs })))
}

fn known(workspace: &Workspace, name: &str) -> Result<Registered, ApiError> {
    let found = registered_catalog(workspace, &name.to_lowercase())?;
    let found = found.filter(|catalog| !catalog.title.starts_with("projects/"));
    found.ok_or_else(|| ApiError::not_found("Catalog", name))
}

fn show(catalog: &Registered) -> Value {
    json!({
        "name": catalog.name,
        "uid": catalog.uid,
        "database_instance_name": catalog.title,
        "database_name": catalog.database,
        "create_database_if_not_exists": catalog.create_database,
    })
}
