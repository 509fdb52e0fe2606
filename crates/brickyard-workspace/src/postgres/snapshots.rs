use axum::Json;
use axum::extract::{Path, State};
use serde_json::{Value, json};

use super::branches::{self, expiry};
use super::names::{self, Options, checked_id, exists, manage};
use super::operations;
use super::record::{SNAPSHOT, Snapshot};
use crate::caller::Caller;
use crate::error::{ApiError, ApiResult};
use crate::lakebase::{LakebaseError, ServerRecord};
use crate::request::{JsonBody, Parameters};
use crate::workspace::Workspace;

/// Seconds after which the server of a snapshot stops: it runs only while it is copied.
const REST: i64 = 60;

/// Makes a snapshot: a copy of a branch as it is now, which nobody can log in to.
pub(super) async fn create(
    State(workspace): State<Workspace>,
    caller: Caller,
    Path(project): Path<String>,
    Parameters(options): Parameters<Options>,
    JsonBody(body): JsonBody<Value>,
) -> ApiResult<Value> {
    let of = names::project(&workspace, &project)?;
    manage(&workspace, &caller, &of)?;
    let id = checked_id("snapshot", options.snapshot_id.as_deref())?;
    let spec = &body["spec"];
    let source = spec["source_branch"].as_str().unwrap_or_default();
    let source = match names::split(source) {
        Some((of, branch, "")) if of == project => names::branch(&workspace, &project, branch)?,
        _ => return Err(names::not_found("branch")),
    };
    let point = branches::point(&workspace, &of, spec)?;
    let mut snapshot = Snapshot {
        project: project.clone(),
        id,
        uid: uuid::Uuid::new_v4().to_string(),
        source: source.name(),
        size: None,
        expires: expiry(&workspace, spec)?,
        created: workspace.clock().now().to_string(),
    };
    if all(&workspace, &project).await?.iter().any(|known| known.id == snapshot.id) {
        return Err(exists("snapshot", "project"));
    }
    let server = ServerRecord {
        uid: snapshot.uid.clone(),
        title: snapshot.name(),
        prepared: true,
        suspend_after: Some(REST),
        history: None,
        ..branches::server_record(&of, &source)
    };
    let lakebase = workspace.lakebase();
    snapshot.size = lakebase.ready(&workspace, &source.uid).await?.size().await?;
    lakebase.create_copy(&workspace, &server, &source.uid, point.as_ref()).await?;
    lakebase.stop(&snapshot.uid).await;
    let kept: Result<(), ApiError> = match workspace.store().insert(SNAPSHOT, &snapshot.name(), &snapshot) {
        Ok(true) => Ok(()),
        Ok(false) => Err(exists("snapshot", "project")),
        Err(error) => Err(LakebaseError::from(error).into()),
    };
    if let Err(error) = kept {
        lakebase.destroy(&workspace, &snapshot.uid).await?;
        return Err(error);
    }
    operations::done(&workspace, &project, "Snapshot", &show(&snapshot))
}

/// Lists a project's snapshots.
pub(super) async fn list(
    State(workspace): State<Workspace>,
    _caller: Caller,
    Path(project): Path<String>,
) -> ApiResult<Value> {
    names::project(&workspace, &project)?;
    let snapshots = all(&workspace, &project).await?;
    Ok(Json(json!({ "snapshots": snapshots.iter().map(show).collect::<Vec<_>>() })))
}

/// Gets one.
pub(super) async fn get(
    State(workspace): State<Workspace>,
    _caller: Caller,
    Path((project, id)): Path<(String, String)>,
) -> ApiResult<Value> {
    Ok(Json(show(&find(&workspace, &project, &id).await?)))
}

/// Deletes one; branches made from it stay.
pub(super) async fn remove(
    State(workspace): State<Workspace>,
    caller: Caller,
    Path((project, id)): Path<(String, String)>,
) -> ApiResult<Value> {
    manage(&workspace, &caller, &names::project(&workspace, &project)?)?;
    let snapshot = find(&workspace, &project, &id).await?;
    delete(&workspace, &snapshot).await?;
    operations::done(&workspace, &project, "Snapshot", &json!({ "name": snapshot.name() }))
}

/// The schedule of a branch, which is empty: snapshots are made on request.
pub(super) async fn schedule(
    State(workspace): State<Workspace>,
    _caller: Caller,
    Path((project, branch)): Path<(String, String)>,
) -> ApiResult<Value> {
    let branch = names::branch(&workspace, &project, &branch)?;
    Ok(Json(json!({ "name": format!("{}/snapshot-schedule", branch.name()), "schedule": [] })))
}

/// The snapshot of this name, where the project has one.
pub(super) async fn named(workspace: &Workspace, project: &str, name: &str) -> Result<Snapshot, ApiError> {
    let id = name.strip_prefix(&format!("projects/{project}/snapshots/"));
    find(workspace, project, id.ok_or_else(|| names::not_found("snapshot"))?).await
}

/// The snapshots of a project; those whose time is over, by the workspace's clock, go.
pub(super) async fn all(workspace: &Workspace, project: &str) -> Result<Vec<Snapshot>, LakebaseError> {
    let now = workspace.clock().unix_seconds();
    let mut kept = Vec::new();
    let prefix = format!("projects/{project}/snapshots/");
    for (_, snapshot) in workspace.store().list::<Snapshot>(SNAPSHOT, &prefix)? {
        if snapshot.expires.is_some_and(|end| end <= now) {
            delete(workspace, &snapshot).await?;
        } else {
            kept.push(snapshot);
        }
    }
    Ok(kept)
}

/// Deletes one with its data.
pub(super) async fn delete(workspace: &Workspace, snapshot: &Snapshot) -> Result<(), LakebaseError> {
    workspace.lakebase().destroy(workspace, &snapshot.uid).await?;
    workspace.store().delete(SNAPSHOT, &snapshot.name())?;
    Ok(())
}

async fn find(workspace: &Workspace, project: &str, id: &str) -> Result<Snapshot, ApiError> {
    names::project(workspace, project)?;
    let found = all(workspace, project).await?.into_iter().find(|snapshot| snapshot.id == id);
    found.ok_or_else(|| names::not_found("snapshot"))
}

fn show(snapshot: &Snapshot) -> Value {
    let mut status = json!({ "source_branch": snapshot.source, "no_expiry": snapshot.expires.is_none() });
    if let Some(size) = snapshot.size {
        status["full_size_bytes"] = json!(size);
    }
    if let Some(end) = snapshot.expires {
        status["expire_time"] = json!(jiff::Timestamp::from_second(end).unwrap_or_default().to_string());
    }
    json!({
        "name": snapshot.name(),
        "snapshot_id": snapshot.id,
        "uid": snapshot.uid,
        "create_time": snapshot.created,
        "status": status,
    })
}
