use axum::Json;
use axum::extract::{Path, State};
use serde_json::{Value, json};

use super::instances::{find, manage};
use super::record::Catalog;
use crate::caller::Caller;
use crate::error::{ApiError, ApiResult};
use crate::lakebase::LakebaseError;
use crate::workspace::Workspace;

const KIND: &str = "database_catalog";

/// Registers a catalog for a database, which it makes where asked to.
pub(super) async fn create(
    State(workspace): State<Workspace>,
    caller: Caller,
    Json(mut catalog): Json<Catalog>,
) -> ApiResult<Value> {
    let instance = find(&workspace, &catalog.database_instance_name)?;
    manage(&workspace, &caller, &instance)?;
    if load(&workspace, &catalog.name)?.is_some() {
        return Err(ApiError::already_exists(format!("Catalog '{}' already exists", catalog.name)));
    }
    let lakebase = workspace.lakebase();
    let compute = lakebase.ready(&workspace, &instance.uid).await?;
    let known = compute.databases().await?.iter().any(|(name, _)| *name == catalog.database_name);
    if !known {
        if !catalog.create_database_if_not_exists {
            return Err(ApiError::not_found("Database", &catalog.database_name));
        }
        let owner = lakebase.ensure_role(&workspace, &instance.uid, caller.name()).await?;
        compute.create_database(&catalog.database_name, &owner.name).await?;
    }
    catalog.uid = uuid::Uuid::new_v4().to_string();
    workspace.store().put(KIND, &catalog.name, &catalog).map_err(LakebaseError::from)?;
    Ok(Json(json!(catalog)))
}

/// Gets one.
pub(super) async fn get(
    State(workspace): State<Workspace>,
    _caller: Caller,
    Path(name): Path<String>,
) -> ApiResult<Value> {
    let catalog = load(&workspace, &name)?.ok_or_else(|| ApiError::not_found("Catalog", &name))?;
    Ok(Json(json!(catalog)))
}

/// Forgets one; its database stays.
pub(super) async fn remove(
    State(workspace): State<Workspace>,
    caller: Caller,
    Path(name): Path<String>,
) -> ApiResult<Value> {
    let catalog = load(&workspace, &name)?.ok_or_else(|| ApiError::not_found("Catalog", &name))?;
    manage(&workspace, &caller, &find(&workspace, &catalog.database_instance_name)?)?;
    workspace.store().delete(KIND, &name).map_err(LakebaseError::from)?;
    Ok(Json(json!({})))
}

/// Lists an instance's catalogs.
pub(super) async fn list(
    State(workspace): State<Workspace>,
    _caller: Caller,
    Path(instance): Path<String>,
) -> ApiResult<Value> {
    find(&workspace, &instance)?;
    let catalogs: Vec<Catalog> =
        all(&workspace)?.into_iter().filter(|catalog| catalog.database_instance_name == instance).collect();
    Ok(Json(json!({ "database_catalogs": catalogs })))
}

/// Forgets the catalogs of an instance that is deleted.
pub(super) fn forget_instance(workspace: &Workspace, instance: &str) -> Result<(), LakebaseError> {
    for catalog in all(workspace)?.iter().filter(|catalog| catalog.database_instance_name == instance) {
        workspace.store().delete(KIND, &catalog.name)?;
    }
    Ok(())
}

fn load(workspace: &Workspace, name: &str) -> Result<Option<Catalog>, LakebaseError> {
    Ok(workspace.store().get(KIND, name)?)
}

fn all(workspace: &Workspace) -> Result<Vec<Catalog>, LakebaseError> {
    Ok(workspace.store().list(KIND, "")?.into_iter().map(|(_, catalog)| catalog).collect())
}
