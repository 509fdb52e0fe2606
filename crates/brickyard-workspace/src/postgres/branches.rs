use axum::Json;
use axum::extract::{Path, State};
use brickyard_postgres::{Point, read_lsn};
use serde_json::{Value, json};

use super::names::{self, Options, bad, checked_id, exists, manage, seconds};
use super::operations;
use super::projects::forget_endpoints;
use super::record::{BRANCH, Branch, Project};
use super::snapshots;
use crate::caller::Caller;
use crate::error::{ApiError, ApiResult};
use crate::lakebase::{LakebaseError, ServerRecord, autoscaling_connections};
use crate::request::{JsonBody, Parameters};
use crate::workspace::Workspace;

/// Makes a branch: a copy of its source as it is now.
pub(super) async fn create(
    State(workspace): State<Workspace>,
    caller: Caller,
    Path(project): Path<String>,
    Parameters(options): Parameters<Options>,
    JsonBody(body): JsonBody<Value>,
) -> ApiResult<Value> {
    manage(&workspace, &caller, &names::project(&workspace, &project)?)?;
    let id = checked_id("branch", options.branch_id.as_deref())?;
    let branch = match names::branch(&workspace, &project, &id) {
        Ok(branch) if options.replace_existing => change(&workspace, branch, &options, &body)?,
        Ok(_) => return Err(exists("branch", "project")),
        Err(_) => make(&workspace, &project, &id, &body).await?,
    };
    operations::done(&workspace, &project, "Branch", &show(&workspace, &branch)?)
}

/// Lists a project's branches.
pub(super) async fn list(
    State(workspace): State<Workspace>,
    _caller: Caller,
    Path(project): Path<String>,
) -> ApiResult<Value> {
    names::project(&workspace, &project)?;
    sweep(&workspace, &project).await?;
    let branches = all(&workspace, &project)?;
    let shown = branches.iter().map(|branch| show(&workspace, branch)).collect::<Result<Vec<_>, _>>()?;
    Ok(Json(json!({ "branches": shown })))
}

/// Gets one.
pub(super) async fn get(
    State(workspace): State<Workspace>,
    _caller: Caller,
    Path((project, id)): Path<(String, String)>,
) -> ApiResult<Value> {
    sweep(&workspace, &project).await?;
    Ok(Json(show(&workspace, &names::branch(&workspace, &project, &id)?)?))
}

/// Changes protection and expiry.
pub(super) async fn update(
    State(workspace): State<Workspace>,
    caller: Caller,
    Path((project, id)): Path<(String, String)>,
    Parameters(options): Parameters<Options>,
    JsonBody(body): JsonBody<Value>,
) -> ApiResult<Value> {
    manage(&workspace, &caller, &names::project(&workspace, &project)?)?;
    let branch = change(&workspace, names::branch(&workspace, &project, &id)?, &options, &body)?;
    operations::done(&workspace, &project, "Branch", &show(&workspace, &branch)?)
}

/// Deletes one with its data.
pub(super) async fn remove(
    State(workspace): State<Workspace>,
    caller: Caller,
    Path((project, id)): Path<(String, String)>,
) -> ApiResult<Value> {
    let of = names::project(&workspace, &project)?;
    manage(&workspace, &caller, &of)?;
    let branch = names::branch(&workspace, &project, &id)?;
    if branch.name() == of.default_branch {
        return Err(bad("The default branch is managed by its project: delete the project instead"));
    }
    if branch.protected {
        return Err(bad(format!("Branch '{id}' is protected")));
    }
    let name = branch.name();
    let children = all(&workspace, &project)?;
    if let Some(child) = children.iter().find(|child| child.source.as_ref() == Some(&name)) {
        return Err(bad(format!("Branch '{id}' has the child branch '{}'", child.id)));
    }
    delete(&workspace, &branch).await?;
    operations::done(&workspace, &project, "Branch", &json!({ "name": name }))
}

/// The branches of a project.
pub(super) fn all(workspace: &Workspace, project: &str) -> Result<Vec<Branch>, LakebaseError> {
    let found = workspace.store().list(BRANCH, &format!("projects/{project}/branches/"))?;
    Ok(found.into_iter().map(|(_, branch)| branch).collect())
}

/// Makes a branch as a copy.
pub(super) async fn make(
    workspace: &Workspace,
    project: &str,
    id: &str,
    body: &Value,
) -> Result<Branch, ApiError> {
    let of = names::project(workspace, project)?;
    let spec = &body["spec"];
    if let Some(name) = spec["source_snapshot"].as_str() {
        let with = ["source_branch", "source_branch_lsn", "source_branch_time"];
        if let Some(field) = with.into_iter().find(|field| is_given(spec, field)) {
            return Err(ApiError::invalid(format!("{field} must be empty when source_snapshot is set")));
        }
        let snapshot = snapshots::named(workspace, project, name).await?;
        let begun = Begun { snapshot: Some(snapshot.name()), ..Begun::default() };
        let branch = branch(workspace, &of, id, spec, begun)?;
        copy(workspace, &of, &branch, &snapshot.uid, None).await?;
        workspace.lakebase().stop(&snapshot.uid).await;
        return Ok(branch);
    }
    let source = spec["source_branch"].as_str().unwrap_or(&of.default_branch);
    let source = match names::split(source) {
        Some((of, branch, "")) if of == project => names::branch(workspace, project, branch)?,
        _ => return Err(names::not_found("branch")),
    };
    let point = point(workspace, &of, spec)?;
    let time = match spec["source_branch_time"].as_str() {
        Some(text) => text.to_owned(),
        None => workspace.clock().now().to_string(),
    };
    let begun = Begun { source: Some(source.name()), time: Some(time), snapshot: None };
    let branch = branch(workspace, &of, id, spec, begun)?;
    copy(workspace, &of, &branch, &source.uid, point.as_ref()).await?;
    Ok(branch)
}

/// What a branch began as.
#[derive(Default)]
struct Begun {
    source: Option<String>,
    time: Option<String>,
    snapshot: Option<String>,
}

/// A new branch as it will be remembered.
fn branch(
    workspace: &Workspace,
    of: &Project,
    id: &str,
    spec: &Value,
    begun: Begun,
) -> Result<Branch, ApiError> {
    let now = workspace.clock().now();
    Ok(Branch {
        project: of.id.clone(),
        id: id.to_owned(),
        uid: uuid::Uuid::new_v4().to_string(),
        source: begun.source,
        source_time: begun.time,
        snapshot: begun.snapshot,
        protected: spec["is_protected"].as_bool().unwrap_or(false),
        expires: expiry(workspace, spec)?,
        created: now.to_string(),
        updated: now.to_string(),
    })
}

/// Copies the data of another server into a branch's own, and remembers the branch once it is there.
async fn copy(
    workspace: &Workspace,
    of: &Project,
    branch: &Branch,
    source: &str,
    point: Option<&Point>,
) -> Result<(), ApiError> {
    let server = ServerRecord { prepared: true, ..server_record(of, branch) };
    workspace.lakebase().create_copy(workspace, &server, source, point).await?;
    if !workspace.store().insert(BRANCH, &branch.name(), branch).map_err(LakebaseError::from)? {
        workspace.lakebase().destroy(workspace, &branch.uid).await?;
        return Err(exists("branch", "project"));
    }
    Ok(())
}

fn is_given(spec: &Value, field: &str) -> bool {
    spec.get(field).is_some_and(|value| !value.is_null())
}

/// The point of its source that a branch or snapshot is to begin with: by the workspace's clock, or a place of the log.
pub(super) fn point(workspace: &Workspace, of: &Project, spec: &Value) -> Result<Option<Point>, ApiError> {
    let given = |field: &str| spec.get(field).filter(|value| !value.is_null());
    let (time, lsn) = (given("source_branch_time"), given("source_branch_lsn"));
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    match (time.map(text), lsn.map(text)) {
        (None, None) => Ok(None),
        (Some(_), Some(_)) => {
            Err(ApiError::invalid("Only one of source_branch_time and source_branch_lsn can be set"))
        }
        (None, Some(lsn)) => match read_lsn(&lsn) {
            Some(lsn) => Ok(Some(Point::Lsn(lsn))),
            None => {
                Err(ApiError::invalid(format!("source_branch_lsn '{lsn}' is no place such as 0/3000148")))
            }
        },
        (Some(text), None) => {
            let invalid = |told: &str| ApiError::invalid(format!("source_branch_time '{text}' {told}"));
            let time: jiff::Timestamp = text.parse().map_err(|_| invalid("is not a time"))?;
            let (clock, now) = (workspace.clock(), workspace.clock().now());
            if time > now {
                return Err(invalid("is in the future"));
            }
            let kept = of.kept().filter(|kept| now.as_second() - time.as_second() > *kept);
            if let Some(kept) = kept {
                return Err(invalid(&format!("is older than the project's history of {kept} seconds")));
            }
            Ok(Some(Point::Time(clock.on_the_machine(time).as_microsecond())))
        }
    }
}

/// Removes a branch with its endpoints and its data.
pub(super) async fn delete(workspace: &Workspace, branch: &Branch) -> Result<(), LakebaseError> {
    forget_endpoints(workspace, branch)?;
    workspace.lakebase().destroy(workspace, &branch.uid).await?;
    workspace.store().delete(BRANCH, &branch.name())?;
    Ok(())
}

/// What the server of a new branch is to be.
pub(super) fn server_record(project: &Project, branch: &Branch) -> ServerRecord {
    ServerRecord {
        uid: branch.uid.clone(),
        title: branch.name(),
        creator: project.owner.clone(),
        prepared: false,
        stopped: false,
        native_login: project.native_login,
        connections: autoscaling_connections(64.0),
        suspend_after: None,
        history: project.kept(),
        sql_roles: false,
        scripts: Vec::new(),
    }
}

/// Deletes branches whose time is over, by the workspace's clock.
async fn sweep(workspace: &Workspace, project: &str) -> Result<(), LakebaseError> {
    let now = workspace.clock().unix_seconds();
    for branch in all(workspace, project)? {
        if branch.expires.is_some_and(|end| end <= now) {
            tracing::info!("Branch `{}` has expired", branch.name());
            delete(workspace, &branch).await?;
        }
    }
    Ok(())
}

fn change(
    workspace: &Workspace,
    mut branch: Branch,
    options: &Options,
    body: &Value,
) -> Result<Branch, ApiError> {
    let spec = &body["spec"];
    if let Some(protected) = spec["is_protected"].as_bool().filter(|_| options.changes("is_protected")) {
        branch.protected = protected;
    }
    let expiring = ["ttl", "expire_time", "no_expiry"]
        .iter()
        .any(|field| spec.get(field).is_some() && options.changes(field));
    if expiring {
        branch.expires = expiry(workspace, spec)?;
    }
    branch.updated = workspace.clock().now().to_string();
    workspace.store().put(BRANCH, &branch.name(), &branch).map_err(LakebaseError::from)?;
    Ok(branch)
}

/// The second at which a branch goes away: from `ttl` or `expire_time`; never with `no_expiry`.
pub(super) fn expiry(workspace: &Workspace, spec: &Value) -> Result<Option<i64>, ApiError> {
    let given =
        ["ttl", "expire_time", "no_expiry"].iter().filter(|field| spec.get(**field).is_some()).count();
    if given > 1 {
        return Err(ApiError::invalid("Only one of ttl, expire_time and no_expiry can be set"));
    }
    if given == 0 || spec["no_expiry"].as_bool() == Some(true) {
        return Ok(None);
    }
    if let Some(ttl) = spec.get("ttl") {
        return Ok(Some(workspace.clock().unix_seconds() + seconds(ttl)?));
    }
    let text = spec["expire_time"].as_str().unwrap_or_default();
    let time: jiff::Timestamp = text.parse().map_err(|_| {
        ApiError::invalid(format!("expire_time '{text}' is not a time, or no_expiry is false"))
    })?;
    Ok(Some(time.as_second()))
}

fn show(workspace: &Workspace, branch: &Branch) -> Result<Value, LakebaseError> {
    let project = workspace.store().get::<Project>(super::record::PROJECT, &branch.project)?;
    let mut status = json!({
        "branch_id": branch.id,
        "current_state": "READY",
        "default": project.is_some_and(|project| project.default_branch == branch.name()),
        "is_protected": branch.protected,
        "state_change_time": branch.created,
    });
    if let Some(source) = &branch.source {
        status["source_branch"] = json!(source);
        status["source_branch_time"] = json!(branch.source_time);
    }
    if let Some(snapshot) = &branch.snapshot {
        status["source_snapshot"] = json!(snapshot);
    }
    if let Some(end) = branch.expires {
        status["expire_time"] = json!(jiff::Timestamp::from_second(end).unwrap_or_default().to_string());
    }
    Ok(json!({
        "name": branch.name(),
        "branch_id": branch.id,
        "uid": branch.uid,
        "parent": format!("projects/{}", branch.project),
        "create_time": branch.created,
        "update_time": branch.updated,
        "status": status,
    }))
}
