use axum::Json;
use axum::extract::{Path, State};
use serde_json::{Value, json};

use super::names::{self, Options, bad, exists, manage};
use super::operations;
use super::record::Branch;
use crate::caller::Caller;
use crate::error::{ApiError, ApiResult};
use crate::lakebase::{LakebaseError, NATIVE, NO_LOGIN, OAUTH, RoleRecord, RoleWish};
use crate::request::{JsonBody, Parameters};
use crate::workspace::Workspace;

type Names = Path<(String, String, String)>;

/// Makes a role for an identity of the workspace, or a native one.
pub(super) async fn create(
    State(workspace): State<Workspace>,
    caller: Caller,
    Path((project, branch)): Path<(String, String)>,
    Parameters(options): Parameters<Options>,
    JsonBody(body): JsonBody<Value>,
) -> ApiResult<Value> {
    manage(&workspace, &caller, &names::project(&workspace, &project)?)?;
    let branch = names::branch(&workspace, &project, &branch)?;
    let spec = &body["spec"];
    let id = options.role_id.as_deref().map(|id| names::checked_id("role", Some(id))).transpose()?;
    let name = spec["postgres_role"].as_str().or(id.as_deref()).unwrap_or_default();
    let known = all(&workspace, &branch)
        .await?
        .into_iter()
        .find(|role| role.name == name || Some(&role.id) == id.as_ref());
    if let Some(known) = known {
        if !(options.replace_existing && id.is_some()) {
            return Err(exists("role", "branch"));
        }
        let record = change(&workspace, &branch, &known, &options, spec).await?;
        return operations::done(&workspace, &project, "Role", &show(&branch, &record));
    }
    let base = match spec["identity_type"].as_str() {
        None | Some("") if spec["auth_method"].as_str() != Some(OAUTH) => RoleWish::native(name),
        _ => RoleWish::identity(&workspace, name)?,
    };
    if let Some(wanted) = spec["identity_type"].as_str().filter(|wanted| *wanted != base.identity_type) {
        return Err(ApiError::invalid(format!("'{name}' is a {}, not a {wanted}", base.identity_type)));
    }
    let auth_method = match spec["auth_method"].as_str() {
        None => base.auth_method.clone(),
        Some(method @ (OAUTH | NATIVE | NO_LOGIN)) => method.to_owned(),
        Some(other) => return Err(ApiError::invalid(format!("auth_method '{other}' is unknown"))),
    };
    let wish = RoleWish { id: id.unwrap_or_default(), auth_method, ..base };
    let wish = with_spec(wish, spec, &options);
    let record = workspace.lakebase().put_role(&workspace, &branch.uid, &wish).await?;
    operations::done(&workspace, &project, "Role", &show(&branch, &record))
}

/// Lists a branch's roles.
pub(super) async fn list(
    State(workspace): State<Workspace>,
    _caller: Caller,
    Path((project, branch)): Path<(String, String)>,
) -> ApiResult<Value> {
    let branch = names::branch(&workspace, &project, &branch)?;
    let shown: Vec<Value> = all(&workspace, &branch).await?.iter().map(|role| show(&branch, role)).collect();
    Ok(Json(json!({ "roles": shown })))
}

/// Gets one.
pub(super) async fn get(
    State(workspace): State<Workspace>,
    _caller: Caller,
    Path((project, branch, id)): Names,
) -> ApiResult<Value> {
    let branch = names::branch(&workspace, &project, &branch)?;
    Ok(Json(show(&branch, &find(&workspace, &branch, &id).await?)))
}

/// Changes memberships and attributes.
pub(super) async fn update(
    State(workspace): State<Workspace>,
    caller: Caller,
    Path((project, branch, id)): Names,
    Parameters(options): Parameters<Options>,
    JsonBody(body): JsonBody<Value>,
) -> ApiResult<Value> {
    manage(&workspace, &caller, &names::project(&workspace, &project)?)?;
    let branch = names::branch(&workspace, &project, &branch)?;
    let known = find(&workspace, &branch, &id).await?;
    let record = change(&workspace, &branch, &known, &options, &body["spec"]).await?;
    operations::done(&workspace, &project, "Role", &show(&branch, &record))
}

/// Deletes one, handing on what it owns where `reassign_owned_to` says to whom.
pub(super) async fn remove(
    State(workspace): State<Workspace>,
    caller: Caller,
    Path((project, branch, id)): Names,
    Parameters(options): Parameters<Options>,
) -> ApiResult<Value> {
    manage(&workspace, &caller, &names::project(&workspace, &project)?)?;
    let branch = names::branch(&workspace, &project, &branch)?;
    let role = find(&workspace, &branch, &id).await?;
    let heir = match options.reassign_owned_to.as_deref() {
        None => None,
        Some(name) => {
            let id = name.rsplit('/').next().unwrap_or_default();
            let known =
                all(&workspace, &branch).await?.into_iter().find(|role| role.id == id || role.name == name);
            Some(known.ok_or_else(|| names::not_found("role"))?.name)
        }
    };
    workspace.lakebase().drop_role(&workspace, &branch.uid, &role.name, heir.as_deref()).await?;
    let gone = json!({ "name": format!("{}/roles/{id}", branch.name()) });
    operations::done(&workspace, &project, "Role", &gone)
}

/// Gives a native role a password and tells it.
pub(super) async fn reveal_password(
    State(workspace): State<Workspace>,
    caller: Caller,
    Path((project, branch, id)): Names,
) -> ApiResult<Value> {
    manage(&workspace, &caller, &names::project(&workspace, &project)?)?;
    let branch = names::branch(&workspace, &project, &branch)?;
    let role = find(&workspace, &branch, &id).await?;
    if role.auth_method != NATIVE {
        return Err(bad(format!("Role '{id}' logs in with {}, so it has no password", role.auth_method)));
    }
    let password = workspace.lakebase().new_password(&workspace, &branch.uid, &role.name).await?;
    Ok(Json(json!({ "password": password })))
}

async fn change(
    workspace: &Workspace,
    branch: &Branch,
    known: &RoleRecord,
    options: &Options,
    spec: &Value,
) -> Result<RoleRecord, LakebaseError> {
    let wish = RoleWish {
        name: known.name.clone(),
        id: known.id.clone(),
        identity_type: known.identity_type.clone(),
        auth_method: known.auth_method.clone(),
        superuser: known.superuser,
        createdb: known.createdb,
        createrole: known.createrole,
        bypassrls: known.bypassrls,
    };
    workspace.lakebase().put_role(workspace, &branch.uid, &with_spec(wish, spec, options)).await
}

fn with_spec(mut wish: RoleWish, spec: &Value, options: &Options) -> RoleWish {
    if options.changes("attributes") {
        let attribute = |name: &str, before: bool| spec["attributes"][name].as_bool().unwrap_or(before);
        wish.createdb = attribute("createdb", wish.createdb);
        wish.createrole = attribute("createrole", wish.createrole);
        wish.bypassrls = attribute("bypassrls", wish.bypassrls);
    }
    if let Some(memberships) =
        spec["membership_roles"].as_array().filter(|_| options.changes("membership_roles"))
    {
        wish.superuser = memberships.iter().any(|role| role == "DATABRICKS_SUPERUSER");
    }
    wish
}

async fn all(workspace: &Workspace, branch: &Branch) -> Result<Vec<RoleRecord>, LakebaseError> {
    workspace.lakebase().roles(workspace, &branch.uid).await
}

async fn find(workspace: &Workspace, branch: &Branch, id: &str) -> Result<RoleRecord, ApiError> {
    let found = all(workspace, branch).await?.into_iter().find(|role| role.id == id);
    found.ok_or_else(|| names::not_found("role"))
}

fn show(branch: &Branch, role: &RoleRecord) -> Value {
    let memberships: &[&str] = if role.superuser { &["DATABRICKS_SUPERUSER"] } else { &[] };
    let mut status = json!({
        "role_id": role.id,
        "postgres_role": role.name,
        "auth_method": role.auth_method,
        "membership_roles": memberships,
        "attributes": {
            "bypassrls": role.bypassrls, "createdb": role.createdb, "createrole": role.createrole,
        },
    });
    if role.identity_type != "PG_ONLY" {
        status["identity_type"] = json!(role.identity_type);
    }
    json!({
        "name": format!("{}/roles/{}", branch.name(), role.id),
        "role_id": role.id,
        "parent": branch.name(),
        "create_time": role.created,
        "update_time": role.updated,
        "status": status,
    })
}
