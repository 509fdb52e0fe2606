use axum::Json;
use axum::extract::{Path, State};
use brickyard_api::App;
use http::StatusCode;

use crate::caller::Caller;
use crate::error::{ApiError, ApiResult};
use crate::workspace::Workspace;

/// Start an app: its machine, and the version it served last.
pub(crate) async fn start(
    State(workspace): State<Workspace>,
    caller: Caller,
    Path(name): Path<String>,
) -> ApiResult<App> {
    let mut record = workspace.app_for(&caller, &name, "CAN_MANAGE")?;
    refuse_deleting(&record.compute, &name)?;
    if record.compute == "ACTIVE" {
        return Err(ApiError::invalid(format!("App {name} is already started: compute is ACTIVE")));
    }
    "ACTIVE".clone_into(&mut record.compute);
    workspace.save_app(&record)?;
    if let Some(id) = record.active.clone() {
        workspace.relaunch(&name, &id)?;
    }
    Ok(Json(workspace.show_app(&record)?))
}

/// Stop an app: SIGTERM, 15 seconds, SIGKILL.
pub(crate) async fn stop(
    State(workspace): State<Workspace>,
    caller: Caller,
    Path(name): Path<String>,
) -> ApiResult<App> {
    let mut record = workspace.app_for(&caller, &name, "CAN_MANAGE")?;
    refuse_deleting(&record.compute, &name)?;
    "STOPPED".clone_into(&mut record.compute);
    record.pending = None;
    workspace.save_app(&record)?;
    if let Some(host) = &workspace.config().app_host {
        host.stop(&name).await;
    }
    Ok(Json(workspace.show_app(&record)?))
}

/// Delete an app: it stays visible as DELETING for a moment, then its name is free.
pub(crate) async fn delete(
    State(workspace): State<Workspace>,
    caller: Caller,
    Path(name): Path<String>,
) -> ApiResult<App> {
    let mut record = workspace.app_for(&caller, &name, "CAN_MANAGE")?;
    if record.compute == "DELETING" {
        return Err(ApiError::new(
            StatusCode::BAD_REQUEST,
            "BAD_REQUEST",
            format!(
                "Cannot delete app {name} as it is not terminal with state DELETING, and was updated less than 20 minutes \
                 ago. Please wait before trying again."
            ),
        ));
    }
    workspace.delete_app(&mut record)?;
    if let Some(host) = &workspace.config().app_host {
        host.stop(&name).await;
    }
    Ok(Json(workspace.show_app(&record)?))
}

/// The platform refuses everything but waiting while an app goes away.
pub(super) fn refuse_deleting(compute: &str, name: &str) -> Result<(), ApiError> {
    if compute == "DELETING" {
        return Err(ApiError::new(
            StatusCode::BAD_REQUEST,
            "INVALID_STATE",
            format!("App {name} is being deleted: compute is in state DELETING"),
        ));
    }
    Ok(())
}
