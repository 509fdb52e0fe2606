use axum::Json;
use axum::extract::{Path, State};
use serde::Deserialize;
use serde_json::{Value, json};

use super::instances::{find, manage};
use crate::caller::Caller;
use crate::error::{ApiError, ApiResult};
use crate::lakebase::{NATIVE, OAUTH, RoleRecord, RoleWish};
use crate::request::{JsonBody, Parameters};
use crate::workspace::Workspace;

/// A role as `databricks-sdk` sends it.
#[derive(Debug, Deserialize)]
pub(super) struct RoleRequest {
    name: String,
    identity_type: Option<String>,
    membership_role: Option<String>,
    #[serde(default)]
    attributes: Attributes,
}

#[derive(Debug, Default, Deserialize)]
struct Attributes {
    #[serde(default)]
    bypassrls: bool,
    #[serde(default)]
    createdb: bool,
    #[serde(default)]
    createrole: bool,
}

/// How a role is deleted.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Options {
    #[serde(default)]
    allow_missing: bool,
    reassign_owned_to: Option<String>,
}

/// Makes a role for a user, service principal or group, or a native one.
pub(super) async fn create(
    State(workspace): State<Workspace>,
    caller: Caller,
    Path(name): Path<String>,
    JsonBody(request): JsonBody<RoleRequest>,
) -> ApiResult<Value> {
    let instance = find(&workspace, &name)?;
    manage(&workspace, &caller, &instance)?;
    let roles = workspace.lakebase().roles(&workspace, &instance.uid).await?;
    if roles.iter().any(|role| role.name == request.name) {
        return Err(ApiError::already_exists(format!(
            "Role '{}' already exists on database instance '{name}'",
            request.name
        )));
    }
    let native = request.identity_type.as_deref() == Some("PG_ONLY");
    let base =
        if native { RoleWish::native(&request.name) } else { RoleWish::identity(&workspace, &request.name)? };
    if request.identity_type.as_ref().is_some_and(|wanted| *wanted != base.identity_type) {
        return Err(ApiError::invalid(format!(
            "'{}' is a {}, not a {}",
            request.name,
            base.identity_type,
            request.identity_type.unwrap_or_default()
        )));
    }
    let wish = RoleWish {
        superuser: request.membership_role.as_deref() == Some("DATABRICKS_SUPERUSER"),
        createdb: request.attributes.createdb,
        createrole: request.attributes.createrole,
        bypassrls: request.attributes.bypassrls,
        auth_method: if native { NATIVE } else { OAUTH }.to_owned(),
        ..base
    };
    let record = workspace.lakebase().put_role(&workspace, &instance.uid, &wish).await?;
    Ok(Json(show(&record, &name)))
}

/// Lists an instance's roles.
pub(super) async fn list(
    State(workspace): State<Workspace>,
    _caller: Caller,
    Path(name): Path<String>,
) -> ApiResult<Value> {
    let instance = find(&workspace, &name)?;
    let roles = workspace.lakebase().roles(&workspace, &instance.uid).await?;
    let shown: Vec<Value> = roles.iter().map(|role| show(role, &name)).collect();
    Ok(Json(json!({ "database_instance_roles": shown })))
}

/// Gets one role.
pub(super) async fn get(
    State(workspace): State<Workspace>,
    _caller: Caller,
    Path((name, role)): Path<(String, String)>,
) -> ApiResult<Value> {
    let instance = find(&workspace, &name)?;
    let roles = workspace.lakebase().roles(&workspace, &instance.uid).await?;
    let found = roles.into_iter().find(|known| known.name == role);
    Ok(Json(show(&found.ok_or_else(|| ApiError::not_found("Role", &role))?, &name)))
}

/// Deletes one role, handing on what it owns where `reassign_owned_to` says to whom.
pub(super) async fn remove(
    State(workspace): State<Workspace>,
    caller: Caller,
    Path((name, role)): Path<(String, String)>,
    Parameters(options): Parameters<Options>,
) -> ApiResult<Value> {
    let instance = find(&workspace, &name)?;
    manage(&workspace, &caller, &instance)?;
    let roles = workspace.lakebase().roles(&workspace, &instance.uid).await?;
    if !roles.iter().any(|known| known.name == role) {
        if options.allow_missing {
            return Ok(Json(json!({})));
        }
        return Err(ApiError::not_found("Role", &role));
    }
    let heir = options.reassign_owned_to.as_deref();
    workspace.lakebase().drop_role(&workspace, &instance.uid, &role, heir).await?;
    Ok(Json(json!({})))
}

fn show(role: &RoleRecord, instance: &str) -> Value {
    let attributes =
        json!({ "bypassrls": role.bypassrls, "createdb": role.createdb, "createrole": role.createrole });
    let mut shown = json!({
        "name": role.name,
        "identity_type": role.identity_type,
        "attributes": attributes,
        "effective_attributes": attributes,
        "instance_name": instance,
    });
    if role.superuser {
        shown["membership_role"] = json!("DATABRICKS_SUPERUSER");
    }
    shown
}
