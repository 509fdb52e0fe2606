use std::collections::BTreeMap;

use axum::Json;
use axum::extract::{Path, State};
use serde::Deserialize;
use serde_json::{Value, json};

use super::metastore::metastore_id;
use super::page::Paging;
use crate::caller::Caller;
use crate::catalog::record::{CatalogRecord, Stamp};
use crate::catalog::{Change, name};
use crate::error::ApiResult;
use crate::request::{JsonBody, Parameters};
use crate::workspace::Workspace;

#[derive(Deserialize)]
pub(super) struct NewCatalog {
    name: String,
    comment: Option<String>,
    #[serde(default)]
    properties: BTreeMap<String, String>,
}

/// What a PATCH of a securable may carry.
#[derive(Deserialize)]
pub(super) struct Update {
    new_name: Option<String>,
    name: Option<String>,
    owner: Option<String>,
    comment: Option<String>,
    properties: Option<BTreeMap<String, String>>,
}

#[derive(Deserialize)]
pub(super) struct Force {
    force: Option<String>,
}

impl Force {
    pub(super) fn is_set(&self) -> bool {
        self.force.as_deref().is_some_and(|force| force.eq_ignore_ascii_case("true"))
    }
}

impl From<Update> for Change {
    fn from(update: Update) -> Self {
        Self {
            name: update.new_name.or(update.name),
            owner: update.owner,
            comment: update.comment,
            properties: update.properties,
            ..Self::default()
        }
    }
}

pub(super) async fn list(
    State(workspace): State<Workspace>,
    caller: Caller,
    Parameters(paging): Parameters<Paging>,
) -> ApiResult<Value> {
    let catalog = workspace.catalog();
    let identity = catalog.identity(caller.name())?;
    let records = catalog.list_catalogs(&identity)?;
    let items = records.into_iter().map(|record| {
        let workspace = workspace.clone();
        (record.name.clone(), move || Ok(shown(&workspace, &record)))
    });
    Ok(Json(paging.cut("catalogs", items.collect())?))
}

pub(super) async fn create(
    State(workspace): State<Workspace>,
    caller: Caller,
    JsonBody(new): JsonBody<NewCatalog>,
) -> ApiResult<Value> {
    let catalog = workspace.catalog();
    let identity = catalog.identity(caller.name())?;
    let record = catalog.create_catalog(&identity, &new.name, new.comment, new.properties)?;
    Ok(Json(shown(&workspace, &record)))
}

pub(super) async fn read(
    State(workspace): State<Workspace>,
    caller: Caller,
    Path(full_name): Path<String>,
) -> ApiResult<Value> {
    let catalog = workspace.catalog();
    let identity = catalog.identity(caller.name())?;
    Ok(Json(shown(&workspace, &catalog.get_catalog(&identity, &name::quote(&full_name))?)))
}

pub(super) async fn update(
    State(workspace): State<Workspace>,
    caller: Caller,
    Path(full_name): Path<String>,
    JsonBody(update): JsonBody<Update>,
) -> ApiResult<Value> {
    let catalog = workspace.catalog();
    let identity = catalog.identity(caller.name())?;
    let record = catalog.update_catalog(&identity, &name::quote(&full_name), update.into())?;
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
    catalog.drop_catalog(&identity, &name::quote(&full_name), force.is_set())?;
    Ok(Json(json!({})))
}

fn shown(workspace: &Workspace, record: &CatalogRecord) -> Value {
    let mut value = json!({
        "name": record.name,
        "full_name": record.name,
        "catalog_type": record.catalog_type,
        "id": record.id,
        "metastore_id": metastore_id(workspace),
        "isolation_mode": "OPEN",
        "accessible_in_current_workspace": true,
        "browse_only": false,
        "securable_type": "CATALOG",
        "properties": record.properties,
        "effective_predictive_optimization_flag": { "value": "DISABLE", "inherited_from_type": "METASTORE",
            "inherited_from_name": "brickyard" },
        "provisioning_info": { "state": "ACTIVE" },
    });
    put_stamp(&mut value, &record.stamp);
    value
}

/// Adds owner, comment and times as every securable shows them.
pub(super) fn put_stamp(value: &mut Value, stamp: &Stamp) {
    value["owner"] = stamp.owner.as_str().into();
    if let Some(comment) = &stamp.comment {
        value["comment"] = comment.as_str().into();
    }
    value["created_at"] = stamp.created_at.into();
    value["created_by"] = stamp.created_by.as_str().into();
    value["updated_at"] = stamp.updated_at.into();
    value["updated_by"] = stamp.updated_by.as_str().into();
}
