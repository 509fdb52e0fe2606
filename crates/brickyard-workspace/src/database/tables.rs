use axum::Json;
use axum::extract::{Path, State};
use serde::Deserialize;
use serde_json::{Value, json};

use super::instances::{find, use_instance};
use crate::caller::Caller;
use crate::catalog::{ForeignTable, TableRecord, quote, split};
use crate::error::{ApiError, ApiResult};
use crate::request::JsonBody;
use crate::workspace::Workspace;

/// A table of Postgres that a standard catalog is to show.
#[derive(Debug, Deserialize)]
pub(super) struct Request {
    name: String,
    #[serde(default)]
    database_instance_name: String,
    #[serde(default)]
    logical_database_name: String,
}

/// Shows a table that is in Postgres already, under the same schema and name.
pub(super) async fn create(
    State(workspace): State<Workspace>,
    caller: Caller,
    JsonBody(request): JsonBody<Request>,
) -> ApiResult<Value> {
    let instance = find(&workspace, &request.database_instance_name)?;
    use_instance(&workspace, &caller, &instance)?;
    let parts = split(&request.name)?;
    let [catalog, schema, table] = parts.as_slice() else {
        return Err(ApiError::invalid("name has to have three parts"));
    };
    if workspace.catalog().is_online(catalog) {
        return Err(ApiError::invalid(
            "Tables are registered one by one in standard catalogs only: this one shows all of its database",
        ));
    }
    let place = ForeignTable {
        server: instance.uid,
        database: request.logical_database_name,
        schema: schema.clone(),
        table: table.clone(),
    };
    let absent = || ApiError::not_found("Table", format_args!("{schema}.{table}"));
    let columns = workspace.lakebase().columns(&workspace, &place).await?.ok_or_else(absent)?;
    let identity = workspace.catalog().identity(caller.name())?;
    let full = quote(&request.name);
    let record = workspace.catalog().create_foreign_table(&identity, &full, &place, columns)?;
    show(&workspace, &record)
}

/// Gets one.
pub(super) async fn get(
    State(workspace): State<Workspace>,
    caller: Caller,
    Path(name): Path<String>,
) -> ApiResult<Value> {
    let identity = workspace.catalog().identity(caller.name())?;
    show(&workspace, &workspace.catalog().get_table(&identity, &quote(&name))?)
}

/// Forgets one; the table in Postgres stays.
pub(super) async fn remove(
    State(workspace): State<Workspace>,
    caller: Caller,
    Path(name): Path<String>,
) -> ApiResult<Value> {
    let (catalog, full) = (workspace.catalog(), quote(&name));
    let identity = catalog.identity(caller.name())?;
    let _known = show(&workspace, &catalog.get_table(&identity, &full)?)?;
    catalog.drop_table(&identity, &full)?;
    Ok(Json(json!({})))
}

fn show(workspace: &Workspace, record: &TableRecord) -> ApiResult<Value> {
    let absent = || ApiError::not_found("Database table", record.full_name());
    let place = record.foreign().ok_or_else(absent)?;
    let server = workspace.databases().server(&place.server).map_err(crate::lakebase::LakebaseError::from)?;
    Ok(Json(json!({
        "name": record.full_name(),
        "database_instance_name": server.map(|server| server.title),
        "logical_database_name": place.database,
    })))
}
