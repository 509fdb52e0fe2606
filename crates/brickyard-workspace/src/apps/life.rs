use axum::Json;
use axum::extract::{Path, State};
use brickyard_api::App;
use http::StatusCode;

use super::record::{APP, AppRecord, DELETING_SECONDS, missing};
use crate::caller::Caller;
use crate::error::{ApiError, ApiResult};
use crate::workspace::Workspace;

/// Start an app: its machine, then the version it served last.
pub(crate) async fn start(
    State(workspace): State<Workspace>,
    caller: Caller,
    Path(name): Path<String>,
) -> ApiResult<App> {
    workspace.app_for(&caller, &name, "CAN_MANAGE")?;
    let record = workspace.try_change_app(&name, |record| {
        refuse_deleting(&record.compute, &name)?;
        if !matches!(record.compute.as_str(), "STOPPED" | "ERROR") {
            return Err(ApiError::invalid(format!(
                "App {name} is already started: compute is {}",
                record.compute
            )));
        }
        "STARTING".clone_into(&mut record.compute);
        Ok(true)
    })?;
    workspace.power_on(&name);
    Ok(Json(workspace.show_app(&record)?))
}

/// Stop an app: SIGTERM, 15 seconds, SIGKILL.
pub(crate) async fn stop(
    State(workspace): State<Workspace>,
    caller: Caller,
    Path(name): Path<String>,
) -> ApiResult<App> {
    workspace.app_for(&caller, &name, "CAN_MANAGE")?;
    let mut stops = false;
    let record = workspace.try_change_app(&name, |record| {
        refuse_deleting(&record.compute, &name)?;
        stops = !matches!(record.compute.as_str(), "STOPPED" | "STOPPING");
        if stops {
            "STOPPING".clone_into(&mut record.compute);
        }
        Ok(stops)
    })?;
    if stops {
        workspace.power_off(&name);
    }
    Ok(Json(workspace.show_app(&record)?))
}

/// Delete an app: it stays visible as DELETING until nothing of it runs and a moment longer, then its name is free.
pub(crate) async fn delete(
    State(workspace): State<Workspace>,
    caller: Caller,
    Path(name): Path<String>,
) -> ApiResult<App> {
    workspace.app_for(&caller, &name, "CAN_MANAGE")?;
    let record = workspace.try_change_app(&name, |record| {
        if record.compute == "DELETING" {
            return Err(ApiError::new(
                StatusCode::BAD_REQUEST,
                "BAD_REQUEST",
                format!(
                    "Cannot delete app {name} as it is not terminal with state DELETING, and was updated less than 20 \
                     minutes ago. Please wait before trying again."
                ),
            ));
        }
        "DELETING".clone_into(&mut record.compute);
        Ok(true)
    })?;
    workspace.power_off(&name);
    let unbound = App { resources: Vec::new(), ..record.app.clone() };
    workspace.withdraw_app_databases(&unbound, caller.name()).await?;
    Ok(Json(workspace.show_app(&record)?))
}

impl Workspace {
    /// Brings an app's machine up in the background, and on it the version it served last.
    pub(super) fn power_on(&self, name: &str) {
        let (task, name) = (self.clone(), name.to_owned());
        self.tracker().spawn(async move {
            let prepared = match &task.config().app_host {
                Some(host) => host.prepare(&name).await,
                None => Ok(()),
            };
            // From before the machine shows as active: nobody sees it without its version on the way.
            let _returning = task.apps().returning(&name);
            let launch = task.change_app(&name, |record| {
                if record.compute != "STARTING" {
                    return false;
                }
                match &prepared {
                    Ok(()) => "ACTIVE".clone_into(&mut record.compute),
                    Err(failure) => {
                        "ERROR".clone_into(&mut record.compute);
                        record.compute_error = Some(failure.message.clone());
                    }
                }
                true
            });
            match launch {
                Ok(Some(record)) if record.compute == "ACTIVE" => {
                    if let Some(id) = record.active {
                        task.relaunch(&name, &id).await;
                    }
                }
                Ok(_) => {}
                Err(error) => tracing::error!(app = name, "An app could not be started: {error}"),
            }
        });
    }

    /// Ends what runs of an app in the background; then its machine is stopped, or the app gone.
    pub(super) fn power_off(&self, name: &str) {
        self.apps().cancel(name);
        let (task, name) = (self.clone(), name.to_owned());
        self.tracker().spawn(async move {
            if let Some(host) = &task.config().app_host {
                host.stop(&name).await;
            }
            let changed = task.change_app(&name, |record| match record.compute.as_str() {
                "STOPPING" => {
                    "STOPPED".clone_into(&mut record.compute);
                    true
                }
                "DELETING" => {
                    record.gone_at = Some(task.clock().unix_seconds() + DELETING_SECONDS);
                    true
                }
                _ => false,
            });
            if let Err(error) = changed {
                tracing::error!(app = name, "The end of an app could not be saved: {error}");
            }
        });
    }

    /// Takes up what an earlier process left in the middle, and starts every app again that was active.
    pub(crate) fn resume_apps(&self) -> Result<(), ApiError> {
        self.resume_spaces()?;
        let records: Vec<(String, AppRecord)> =
            self.store().list(APP, "").map_err(|error| ApiError::internal(&error))?;
        for (name, mut record) in records {
            if let Some(id) = record.pending.take() {
                self.break_off(&name, &id)?;
            }
            if record.update.as_ref().is_some_and(|update| update["status"]["state"] == "IN_PROGRESS") {
                record.update = Some(serde_json::json!({
                    "status": { "state": "FAILED", "message": "The workspace stopped during the update" }
                }));
            }
            if record.foreground {
                self.save_app(&record)?;
                continue;
            }
            match record.compute.as_str() {
                "ACTIVE" | "UPDATING" | "STARTING" => "STARTING".clone_into(&mut record.compute),
                "STOPPING" => "STOPPED".clone_into(&mut record.compute),
                _ => {}
            }
            self.save_app(&record)?;
            match record.compute.as_str() {
                "STARTING" => self.power_on(&name),
                "DELETING" if record.gone_at.is_none() => self.power_off(&name),
                _ => {}
            }
        }
        self.tracker().spawn(super::auto_sync::keep(self.downgrade(), self.file_tree().changes()));
        Ok(())
    }

    /// Changes an app's record as it is now, or refuses to; a 404 when the app is gone.
    pub(super) fn try_change_app(
        &self,
        name: &str,
        change: impl FnOnce(&mut AppRecord) -> Result<bool, ApiError>,
    ) -> Result<AppRecord, ApiError> {
        let _one_at_a_time = self.apps().changing();
        let mut record = self.app_record(name)?.ok_or_else(|| missing(name))?;
        if change(&mut record)? {
            self.save_app(&record)?;
        }
        Ok(record)
    }

    /// Changes an app's record as it is now; `None` when the app is gone, the record otherwise.
    pub(super) fn change_app(
        &self,
        name: &str,
        change: impl FnOnce(&mut AppRecord) -> bool,
    ) -> Result<Option<AppRecord>, ApiError> {
        let _one_at_a_time = self.apps().changing();
        let Some(mut record) = self.app_record(name)? else { return Ok(None) };
        if change(&mut record) {
            self.save_app(&record)?;
        }
        Ok(Some(record))
    }
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
