use std::collections::BTreeMap;

use axum::Json;
use axum::extract::{Path, State};
use serde::Deserialize;
use serde_json::{Value, json};

use super::catalogs::{Force, Update, put_stamp};
use super::metastore::metastore_id;
use super::page::Paging;
use crate::caller::Caller;
use crate::catalog::name;
use crate::catalog::record::SchemaRecord;
use crate::error::ApiResult;
use crate::request::{JsonBody, Parameters};
use crate::workspace::Workspace;

#[derive(Deserialize)]
pub(super) struct ListQuery {
    catalog_name: String,
    #[serde(flatten)]
    paging: Paging,
}

#[derive(Deserialize)]
pub(super) struct NewSchema {
    name: String,
    catalog_name: String,
    comment: Option<String>,
    #[serde(default)]
    properties: BTreeMap<String, String>,
}

pub(super) async fn list(
    State(workspace): State<Workspace>,
    caller: Caller,
    Parameters(query): Parameters<ListQuery>,
) -> ApiResult<Value> {
    workspace.lakebase().refresh(&workspace, &query.catalog_name).await?;
    let catalog = workspace.catalog();
    let identity = catalog.identity(caller.name())?;
    let records = catalog.list_schemas(&identity, &name::quote(&query.catalog_name))?;
    let items = records.into_iter().map(|record| {
        let workspace = workspace.clone();
        (record.name.clone(), move || Ok(shown(&workspace, &record)))
    });
    Ok(Json(query.paging.cut("schemas", items.collect())?))
}

pub(super) async fn create(
    State(workspace): State<Workspace>,
    caller: Caller,
    JsonBody(new): JsonBody<NewSchema>,
) -> ApiResult<Value> {
    let catalog = workspace.catalog();
    let identity = catalog.identity(caller.name())?;
    let full = format!("{}.{}", tick(&new.catalog_name), tick(&new.name));
    let record = catalog.create_schema(&identity, &full, new.comment, new.properties)?;
    Ok(Json(shown(&workspace, &record)))
}

pub(super) async fn read(
    State(workspace): State<Workspace>,
    caller: Caller,
    Path(full_name): Path<String>,
) -> ApiResult<Value> {
    let catalog = workspace.catalog();
    let identity = catalog.identity(caller.name())?;
    Ok(Json(shown(&workspace, &catalog.get_schema(&identity, &full_name)?)))
}

pub(super) async fn update(
    State(workspace): State<Workspace>,
    caller: Caller,
    Path(full_name): Path<String>,
    JsonBody(update): JsonBody<Update>,
) -> ApiResult<Value> {
    let catalog = workspace.catalog();
    let identity = catalog.identity(caller.name())?;
    let record = catalog.update_schema(&identity, &full_name, update.into())?;
    Ok(Json(shown(&workspace, &record)))
}

pub(super) async fn remove(
    State(workspace): State<Workspace>,
    caller: Caller,
    Path(full_name): Path<String>,
    Parameters(force): Parameters<Force>,
) -> ApiResult<Value> {
    let catalog = workspace.catalog();
    let identity = catalog.identity(caller.name())?;
    catalog.drop_schema(&identity, &full_name, force.is_set())?;
    Ok(Json(json!({})))
}

fn shown(workspace: &Workspace, record: &SchemaRecord) -> Value {
    let full_name = format!("{}.{}", record.catalog, record.name);
    let mut value = json!({
        "name": record.name,
        "catalog_name": record.catalog,
        "full_name": full_name,
        "schema_id": record.id,
        "metastore_id": metastore_id(workspace),
        "catalog_type": "MANAGED_CATALOG",
        "browse_only": false,
        "properties": record.properties,
        "effective_predictive_optimization_flag": { "value": "DISABLE", "inherited_from_type": "METASTORE",
            "inherited_from_name": "brickyard" },
    });
    put_stamp(&mut value, &record.stamp);
    value
}

/// One part of a name as it was sent: any character counts as itself.
pub(super) fn tick(part: &str) -> String {
    format!("`{}`", part.replace('`', "``"))
}
