//! The catalog as the engine asks for it: Unity REST over loopback, with slot tokens (engine §1).
//!
//! This is the second lock behind the front layer's own checks: a table that a statement names without the front layer
//! having seen it is refused here. Everything is told as an external table without columns, which the engine then takes
//! from the Delta log.

use axum::extract::{Path, State};
use axum::routing::get;
use axum::{Json, Router};
use http::HeaderMap;
use http::header::AUTHORIZATION;
use serde_json::{Value, json};

use super::fault::CatalogError;
use super::kind::Kind;
use super::privilege::Privilege;
use super::record::TableRecord;
use super::{Catalog, Identity, name};
use crate::error::{ApiError, ApiResult};
use crate::workspace::Workspace;

/// The routes the engine uses.
pub(crate) fn engine_router(workspace: Workspace) -> Router {
    Router::new()
        .route("/api/2.1/unity-catalog/schemas/{full_name}", get(schema))
        .route("/api/2.1/unity-catalog/tables/{full_name}", get(table))
        .with_state(workspace)
}

async fn schema(
    State(workspace): State<Workspace>,
    headers: HeaderMap,
    Path(full_name): Path<String>,
) -> ApiResult<Value> {
    let (identity, _) = asker(&workspace, &headers)?;
    let parts = name::parts(Kind::Schema, &full_name)?;
    let full_name = parts.join(".");
    workspace.catalog().check(&identity, Kind::Schema, &full_name, Privilege::USE_SCHEMA)?;
    Ok(Json(json!({ "catalog_name": parts[0], "name": parts[1], "full_name": full_name })))
}

async fn table(
    State(workspace): State<Workspace>,
    headers: HeaderMap,
    Path(full_name): Path<String>,
) -> ApiResult<Value> {
    let (identity, token) = asker(&workspace, &headers)?;
    let table = readable(workspace.catalog(), &identity, token, &full_name)?;
    workspace.make_sample(&table).await?;
    Ok(Json(told(workspace.catalog(), &table)?))
}

/// The table, if who asks may read or change it.
fn readable(
    catalog: &Catalog,
    identity: &Identity,
    token: &str,
    full_name: &str,
) -> Result<TableRecord, CatalogError> {
    let full_name = name::parts(Kind::Table, full_name)?.join(".");
    let absent = || CatalogError::not_found(Kind::Table, full_name.clone());
    if let Some(branch) = catalog.slots().branch(&full_name) {
        return if catalog.slots().is_delegated(token, &full_name) { Ok(branch) } else { Err(absent()) };
    }
    let record = catalog.table_record(&full_name)?;
    if catalog.slots().is_delegated(token, &full_name) {
        return Ok(record);
    }
    if record.is_guarded() {
        // Rows that a filter hides must not be had by a name that nobody rewrote, not even by the owner.
        let name = full_name;
        return Err(CatalogError::Denied { privilege: Privilege::SELECT, kind: Kind::Table, name });
    }
    if let Err(refusal) = catalog.check(identity, Kind::Table, &full_name, Privilege::SELECT)
        && catalog.check(identity, Kind::Table, &full_name, Privilege::MODIFY).is_err()
    {
        return Err(refusal);
    }
    if record.location.is_none() { Err(absent()) } else { Ok(record) }
}

fn told(catalog: &Catalog, table: &TableRecord) -> Result<Value, CatalogError> {
    let location = catalog.engine_path(&table.location.clone().unwrap_or_default())?;
    let url = url::Url::from_file_path(&location)
        .map_err(|()| CatalogError::invalid(format!("`{}` is not an absolute path", location.display())))?;
    let columns: Vec<Value> = if table.is_delta() {
        Vec::new()
    } else {
        table
            .columns
            .iter()
            .enumerate()
            .map(|(position, column)| super::rest::column(column, position))
            .collect()
    };
    let mut properties = table.properties.clone();
    properties.extend(table.options.iter().map(|(name, value)| (format!("option.{name}"), value.clone())));
    Ok(json!({
        "catalog_name": table.catalog,
        "schema_name": table.schema,
        "name": table.name,
        "table_type": "EXTERNAL",
        "data_source_format": table.format,
        "storage_location": url.as_str(),
        "columns": columns,
        "properties": properties,
    }))
}

fn asker<'a>(workspace: &Workspace, headers: &'a HeaderMap) -> Result<(Identity, &'a str), ApiError> {
    let header = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let token = header.and_then(|value| value.strip_prefix("Bearer ")).unwrap_or_default();
    let principal = workspace
        .catalog()
        .slots()
        .principal(token)
        .ok_or_else(|| ApiError::unauthenticated("This is no token of a slot in use"))?;
    Ok((workspace.catalog().identity(&principal)?, token))
}
