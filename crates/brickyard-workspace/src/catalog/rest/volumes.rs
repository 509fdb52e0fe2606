use axum::Json;
use axum::extract::{Path, State};
use serde::Deserialize;
use serde_json::{Value, json};

use super::catalogs::{Update, put_stamp};
use super::metastore::metastore_id;
use super::schemas::tick;
use super::tables::ListQuery;
use crate::caller::Caller;
use crate::catalog::NewVolume;
use crate::catalog::record::VolumeRecord;
use crate::error::{ApiError, ApiResult};
use crate::request::{JsonBody, Parameters};
use crate::workspace::Workspace;

#[derive(Deserialize)]
pub(super) struct NewVolumeBody {
    catalog_name: String,
    schema_name: String,
    name: String,
    volume_type: String,
    storage_location: Option<String>,
    comment: Option<String>,
}

pub(super) async fn list(
    State(workspace): State<Workspace>,
    caller: Caller,
    Parameters(query): Parameters<ListQuery>,
) -> ApiResult<Value> {
    let catalog = workspace.catalog();
    let identity = catalog.identity(caller.name())?;
    let schema = format!("{}.{}", tick(&query.catalog_name), tick(&query.schema_name));
    let records = catalog.list_volumes(&identity, &schema)?;
    let items = records.into_iter().map(|record| {
        let workspace = workspace.clone();
        (record.name.clone(), move || Ok(shown(&workspace, &record)))
    });
    Ok(Json(query.paging.cut("volumes", items.collect())?))
}

pub(super) async fn create(
    State(workspace): State<Workspace>,
    caller: Caller,
    JsonBody(new): JsonBody<NewVolumeBody>,
) -> ApiResult<Value> {
    let catalog = workspace.catalog();
    let identity = catalog.identity(caller.name())?;
    let location = match (new.volume_type.as_str(), new.storage_location) {
        ("MANAGED", None) => None,
        ("EXTERNAL", Some(location)) => Some(location),
        ("MANAGED", Some(_)) => return Err(ApiError::invalid("A managed volume has no storage_location")),
        ("EXTERNAL", None) => return Err(ApiError::invalid("An external volume needs a storage_location")),
        _ => return Err(ApiError::invalid("volume_type is MANAGED or EXTERNAL")),
    };
    let full_name = [&new.catalog_name, &new.schema_name, &new.name].map(|part| tick(part)).join(".");
    let record =
        catalog.create_volume(&identity, &NewVolume { full_name, location, comment: new.comment })?;
    Ok(Json(shown(&workspace, &record)))
}

pub(super) async fn read(
    State(workspace): State<Workspace>,
    caller: Caller,
    Path(full_name): Path<String>,
) -> ApiResult<Value> {
    let catalog = workspace.catalog();
    let identity = catalog.identity(caller.name())?;
    Ok(Json(shown(&workspace, &catalog.get_volume(&identity, &full_name)?)))
}

pub(super) async fn update(
    State(workspace): State<Workspace>,
    caller: Caller,
    Path(full_name): Path<String>,
    JsonBody(update): JsonBody<Update>,
) -> ApiResult<Value> {
    let catalog = workspace.catalog();
    let identity = catalog.identity(caller.name())?;
    let record = catalog.update_volume(&identity, &full_name, &update.into())?;
    Ok(Json(shown(&workspace, &record)))
}

pub(super) async fn remove(
    State(workspace): State<Workspace>,
    caller: Caller,
    Path(full_name): Path<String>,
) -> ApiResult<Value> {
    let catalog = workspace.catalog();
    let identity = catalog.identity(caller.name())?;
    catalog.drop_volume(&identity, &full_name)?;
    Ok(Json(json!({})))
}

fn shown(workspace: &Workspace, record: &VolumeRecord) -> Value {
    let location = url::Url::from_file_path(&record.location).map_or_else(|()| String::new(), String::from);
    let mut value = json!({
        "name": record.name,
        "catalog_name": record.catalog,
        "schema_name": record.schema,
        "full_name": record.full_name(),
        "volume_id": record.id,
        "volume_type": if record.managed { "MANAGED" } else { "EXTERNAL" },
        "storage_location": location,
        "metastore_id": metastore_id(workspace),
        "browse_only": false,
    });
    put_stamp(&mut value, &record.stamp);
    value
}
