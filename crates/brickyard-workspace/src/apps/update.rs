use axum::Json;
use axum::extract::{Path, State};
use brickyard_api::App;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::life::refuse_deleting;
use super::record::{AppRecord, missing};
use crate::caller::Caller;
use crate::error::{ApiError, ApiResult};
use crate::request::JsonBody;
use crate::workspace::Workspace;

/// Fields a user may change.
const MUTABLE: &[&str] = &[
    "description",
    "resources",
    "user_api_scopes",
    "compute_size",
    "compute_min_instances",
    "compute_max_instances",
    "budget_policy_id",
    "usage_policy_id",
    "forward_user_access_token",
    "git_repository",
    "telemetry_export_destinations",
];

#[derive(Deserialize)]
pub(crate) struct UpdateBody {
    #[serde(default)]
    app: Map<String, Value>,
    #[serde(default)]
    update_mask: String,
}

/// Change an app at once: fields that are given replace the app's, arrays as a whole.
pub(crate) async fn patch(
    State(workspace): State<Workspace>,
    caller: Caller,
    Path(name): Path<String>,
    JsonBody(changes): JsonBody<Map<String, Value>>,
) -> ApiResult<App> {
    let before = workspace.app_for(&caller, &name, "CAN_MANAGE")?.app.compute_size;
    let fields: Vec<String> =
        changes.keys().filter(|field| MUTABLE.contains(&field.as_str())).cloned().collect();
    let record = Change { caller, values: changes, fields }.apply(&workspace, &name)?;
    let record = workspace.resize(record, before.as_deref())?;
    let heir = record.app.updater.clone().unwrap_or_default();
    workspace.withdraw_app_databases(&record.app, &heir).await?;
    Ok(Json(workspace.show_app(&record)?))
}

/// Change the masked fields of an app; the state of the change is read with GET.
pub(crate) async fn create(
    State(workspace): State<Workspace>,
    caller: Caller,
    Path(name): Path<String>,
    JsonBody(body): JsonBody<UpdateBody>,
) -> ApiResult<Value> {
    workspace.app_for(&caller, &name, "CAN_MANAGE")?;
    let fields: Vec<String> = body
        .update_mask
        .split(',')
        .map(|field| field.trim().to_owned())
        .filter(|field| !field.is_empty())
        .collect();
    if fields.is_empty() {
        return Err(ApiError::invalid("The update_mask names no field"));
    }
    if let Some(field) = fields.iter().find(|field| *field != "*" && !MUTABLE.contains(&field.as_str())) {
        return Err(ApiError::invalid(format!("Field {field} of the update mask cannot be updated")));
    }
    let fields = if fields.iter().any(|field| field == "*") {
        MUTABLE.iter().map(|&field| field.to_owned()).collect()
    } else {
        fields
    };
    let change = Change { caller, values: body.app, fields };
    let mut answer = Value::Null;
    workspace.try_change_app(&name, |record| {
        if record.update.as_ref().is_some_and(|update| update["status"]["state"] == "IN_PROGRESS") {
            return Err(ApiError::new(
                http::StatusCode::CONFLICT,
                "RESOURCE_CONFLICT",
                format!("Cannot update app {name} as there is an update in progress."),
            ));
        }
        // What is not valid is refused now; only what takes time goes on in the background.
        let mut changed = change.made(&workspace, record)?;
        let progress =
            json!({ "status": { "state": "IN_PROGRESS", "message": "The app is being updated." } });
        changed.update = Some(progress.clone());
        record.update = Some(progress);
        answer = shown(&changed)?;
        Ok(true)
    })?;
    let task = workspace.clone();
    workspace.tracker().spawn(async move {
        if let Err(error) = finish(&task, &name, &change).await {
            tracing::error!("The outcome of an update could not be saved: {error}");
        }
    });
    Ok(Json(answer))
}

/// The update as the API shows it: its state and what the app is then.
fn shown(record: &AppRecord) -> Result<Value, ApiError> {
    let app = serde_json::to_value(&record.app).map_err(|error| ApiError::internal(&error))?;
    let mut update = record.update.clone().unwrap_or_default();
    for field in MUTABLE {
        if let Some(value) = app.get(*field) {
            update[*field] = value.clone();
        }
    }
    Ok(update)
}

/// Brings grants, client and machine in line; an update that fails leaves the app as it was.
async fn finish(workspace: &Workspace, name: &str, change: &Change) -> Result<(), ApiError> {
    let Some(before) = workspace.app_record(name)? else { return Ok(()) };
    let size = before.app.compute_size;
    let settled = change.apply(workspace, name).and_then(|record| workspace.resize(record, size.as_deref()));
    let outcome = match settled {
        Ok(record) => {
            let heir = record.app.updater.as_deref().or(record.app.creator.as_deref()).unwrap_or_default();
            if let Err(error) = workspace.withdraw_app_databases(&record.app, heir).await {
                tracing::warn!(app = name, "Roles on databases were not taken back: {error}");
            }
            workspace.settled(name).await;
            json!({ "status": { "state": "SUCCEEDED", "message": "App updated successfully." } })
        }
        Err(error) => {
            workspace.settle_again(name)?;
            json!({ "status": { "state": "FAILED", "message": error.message } })
        }
    };
    let told = workspace.try_change_app(name, |record| {
        record.update = Some(outcome);
        record.update = Some(shown(record)?);
        Ok(true)
    });
    match told {
        // It was deleted meanwhile.
        Err(error) if error.status == http::StatusCode::NOT_FOUND => Ok(()),
        told => told.map(drop),
    }
}

/// The state of the last change.
pub(crate) async fn get(
    State(workspace): State<Workspace>,
    caller: Caller,
    Path(name): Path<String>,
) -> ApiResult<Value> {
    let record = workspace.app_for(&caller, &name, "CAN_USE")?;
    Ok(Json(record.update.unwrap_or_else(|| json!({ "status": { "state": "NOT_UPDATED", "message": "" } }))))
}

/// What somebody changes of an app.
struct Change {
    caller: Caller,
    values: Map<String, Value>,
    /// Which fields are set; one without a value is taken away.
    fields: Vec<String>,
}

impl Change {
    /// Changes the app as it is now: what a deployment or a stop writes meanwhile is not lost.
    fn apply(&self, workspace: &Workspace, name: &str) -> Result<AppRecord, ApiError> {
        let _one_at_a_time = workspace.apps().changing();
        let record = workspace.app_record(name)?.ok_or_else(|| missing(name))?;
        workspace.settle_app(self.made(workspace, &record)?)
    }

    /// The app with the fields set, checked and not yet saved.
    fn made(&self, workspace: &Workspace, record: &AppRecord) -> Result<AppRecord, ApiError> {
        refuse_deleting(&record.compute, &record.app.name)?;
        let mut app = serde_json::to_value(&record.app).map_err(|error| ApiError::internal(&error))?;
        for field in &self.fields {
            match self.values.get(field).filter(|value| !value.is_null()) {
                Some(value) => app[field] = value.clone(),
                None => {
                    if let Some(app) = app.as_object_mut() {
                        app.remove(field);
                    }
                }
            }
        }
        let mut record = record.clone();
        record.app = serde_json::from_value(app)
            .map_err(|error| ApiError::invalid(format!("The change is not valid: {error}")))?;
        if record.app.compute_size.is_none() {
            record.app.compute_size = Some("MEDIUM".to_owned());
        }
        if self.fields.iter().any(|field| field == "resources") {
            workspace.check_resources(&self.caller, &record.app.resources)?;
        }
        super::create::check_fields(workspace, &record.app)?;
        record.app.updater = Some(self.caller.name().to_owned());
        record.app.update_time = Some(workspace.clock().now().to_string());
        Ok(record)
    }
}
