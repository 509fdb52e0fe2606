use axum::Json;
use axum::extract::{Path, State};
use brickyard_postgres::identifier;
use serde_json::{Value, json};

use super::names::{self, Options, exists, manage};
use super::operations;
use super::record::Branch;
use crate::caller::Caller;
use crate::error::{ApiError, ApiResult};
use crate::lakebase::LakebaseError;
use crate::request::{JsonBody, Parameters};
use crate::workspace::Workspace;

const KIND: &str = "postgres_database";

type Names = Path<(String, String, String)>;

/// Makes a database that belongs to the role `spec.role`.
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
    let named = spec["postgres_database"].as_str().or(options.database_id.as_deref());
    let name = checked_name(named.unwrap_or_default())?;
    let id = match options.database_id.as_deref() {
        Some(id) => names::checked_id("database", Some(id))?,
        None => id_of(&name),
    };
    let owner = role_named(&workspace, &branch, spec["role"].as_str().unwrap_or_default()).await?;
    let compute = workspace.lakebase().ready(&workspace, &branch.uid).await?;
    if compute.databases().await?.iter().any(|(known, _)| *known == name) {
        if !options.replace_existing {
            return Err(exists("database", "branch"));
        }
    } else {
        compute.create_database(&name, &owner).await?;
    }
    workspace.store().put(KIND, &key(&branch.uid, &id), &name).map_err(LakebaseError::from)?;
    operations::done(&workspace, &project, "Database", &show(&workspace, &branch, &id, &name, &owner)?)
}

/// Lists a branch's databases, those made by SQL too.
pub(super) async fn list(
    State(workspace): State<Workspace>,
    _caller: Caller,
    Path((project, branch)): Path<(String, String)>,
) -> ApiResult<Value> {
    let branch = names::branch(&workspace, &project, &branch)?;
    let compute = workspace.lakebase().ready(&workspace, &branch.uid).await?;
    let mut shown = Vec::new();
    for (name, owner) in compute.databases().await? {
        shown.push(show(&workspace, &branch, &known_id(&workspace, &branch, &name)?, &name, &owner)?);
    }
    Ok(Json(json!({ "databases": shown })))
}

/// Gets one.
pub(super) async fn get(
    State(workspace): State<Workspace>,
    _caller: Caller,
    Path((project, branch, id)): Names,
) -> ApiResult<Value> {
    let branch = names::branch(&workspace, &project, &branch)?;
    let (name, owner) = find(&workspace, &branch, &id).await?;
    Ok(Json(show(&workspace, &branch, &id, &name, &owner)?))
}

/// Changes its owner or its name.
pub(super) async fn update(
    State(workspace): State<Workspace>,
    caller: Caller,
    Path((project, branch, id)): Names,
    Parameters(options): Parameters<Options>,
    JsonBody(body): JsonBody<Value>,
) -> ApiResult<Value> {
    manage(&workspace, &caller, &names::project(&workspace, &project)?)?;
    let branch = names::branch(&workspace, &project, &branch)?;
    let (mut name, mut owner) = find(&workspace, &branch, &id).await?;
    let compute = workspace.lakebase().ready(&workspace, &branch.uid).await?;
    let mut client = compute.client("postgres").await?;
    let spec = &body["spec"];
    if let Some(role) = spec["role"].as_str().filter(|_| options.changes("role")) {
        owner = role_named(&workspace, &branch, role).await?;
        let sql = format!("ALTER DATABASE {} OWNER TO {}", identifier(&name), identifier(&owner));
        client.query(&sql).await.map_err(LakebaseError::from)?;
    }
    if let Some(new) = spec["postgres_database"].as_str().filter(|_| options.changes("postgres_database")) {
        let new = checked_name(new)?;
        let sql = format!("ALTER DATABASE {} RENAME TO {}", identifier(&name), identifier(&new));
        client.query(&sql).await.map_err(LakebaseError::from)?;
        name = new;
        workspace.store().put(KIND, &key(&branch.uid, &id), &name).map_err(LakebaseError::from)?;
    }
    operations::done(&workspace, &project, "Database", &show(&workspace, &branch, &id, &name, &owner)?)
}

/// Drops one, ending its sessions.
pub(super) async fn remove(
    State(workspace): State<Workspace>,
    caller: Caller,
    Path((project, branch, id)): Names,
) -> ApiResult<Value> {
    manage(&workspace, &caller, &names::project(&workspace, &project)?)?;
    let branch = names::branch(&workspace, &project, &branch)?;
    let (name, _) = find(&workspace, &branch, &id).await?;
    let compute = workspace.lakebase().ready(&workspace, &branch.uid).await?;
    let mut client = compute.client("postgres").await?;
    let sql = format!("DROP DATABASE {} WITH (FORCE)", identifier(&name));
    client.query(&sql).await.map_err(LakebaseError::from)?;
    workspace.store().delete(KIND, &key(&branch.uid, &id)).map_err(LakebaseError::from)?;
    let gone = json!({ "name": format!("{}/databases/{id}", branch.name()) });
    operations::done(&workspace, &project, "Database", &gone)
}

/// The name in Postgres of the database with this id; an id nobody noted stands for the name it was made from.
pub(crate) fn database_of_id(workspace: &Workspace, server: &str, id: &str) -> Result<String, LakebaseError> {
    if let Some(name) = workspace.store().get::<String>(KIND, &key(server, id))? {
        return Ok(name);
    }
    Ok(if id == id_of(crate::lakebase::FIRST_DATABASE) {
        crate::lakebase::FIRST_DATABASE.to_owned()
    } else {
        id.to_owned()
    })
}

async fn find(workspace: &Workspace, branch: &Branch, id: &str) -> Result<(String, String), ApiError> {
    let compute = workspace.lakebase().ready(workspace, &branch.uid).await?;
    for (name, owner) in compute.databases().await? {
        if known_id(workspace, branch, &name)? == id {
            return Ok((name, owner));
        }
    }
    Err(names::not_found("database"))
}

fn known_id(workspace: &Workspace, branch: &Branch, name: &str) -> Result<String, LakebaseError> {
    let noted = workspace.store().list::<String>(KIND, &key(&branch.uid, ""))?;
    let found = noted.into_iter().find(|(_, noted)| noted == name);
    Ok(found.map_or_else(|| id_of(name), |(key, _)| key.rsplit('/').next().unwrap_or_default().to_owned()))
}

fn key(server: &str, id: &str) -> String {
    format!("{server}/{id}")
}

/// An id for a database that was not given one: `databricks_postgres` becomes `databricks-postgres`.
fn id_of(name: &str) -> String {
    let plain = name.to_lowercase();
    plain.chars().map(|letter| if letter.is_ascii_alphanumeric() { letter } else { '-' }).collect()
}

fn checked_name(name: &str) -> Result<String, ApiError> {
    if name.is_empty() || name.len() > 63 || name.contains('\0') || name == "postgres" {
        return Err(ApiError::invalid(format!("Database name '{name}' is not valid: it has 1 to 63 bytes")));
    }
    Ok(name.to_owned())
}

/// The Postgres name of the role with this resource name.
async fn role_named(workspace: &Workspace, branch: &Branch, name: &str) -> Result<String, ApiError> {
    let id = name.rsplit('/').next().unwrap_or_default();
    let roles = workspace.lakebase().roles(workspace, &branch.uid).await?;
    let found = roles.into_iter().find(|role| role.id == id);
    found.map(|role| role.name).ok_or_else(|| names::not_found("role"))
}

fn show(
    workspace: &Workspace,
    branch: &Branch,
    id: &str,
    name: &str,
    owner: &str,
) -> Result<Value, LakebaseError> {
    let mut status = json!({ "database_id": id, "postgres_database": name });
    if let Some(role) = workspace.databases().role(&branch.uid, owner)? {
        status["role"] = json!(format!("{}/roles/{}", branch.name(), role.id));
    }
    Ok(json!({
        "name": format!("{}/databases/{id}", branch.name()),
        "database_id": id,
        "parent": branch.name(),
        "create_time": branch.created,
        "status": status,
    }))
}
