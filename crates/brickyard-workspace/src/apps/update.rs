use axum::Json;
use axum::extract::{Path, State};
use brickyard_api::App;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::life::refuse_deleting;
use super::record::AppRecord;
use crate::caller::Caller;
use crate::error::{ApiError, ApiResult};
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
    Json(changes): Json<Map<String, Value>>,
) -> ApiResult<App> {
    let record = workspace.app_for(&caller, &name, "CAN_MANAGE")?;
    let fields: Vec<String> =
        changes.keys().filter(|field| MUTABLE.contains(&field.as_str())).cloned().collect();
    let before = record.app.compute_size.clone();
    let record = apply(&workspace, &caller, record, &changes, &fields)?;
    let record = workspace.resize(record, before.as_deref())?;
    workspace.withdraw_app_databases(&record.app, caller.name()).await?;
    Ok(Json(workspace.show_app(&record)?))
}

/// Change the masked fields of an app; the state of the change is read with GET.
pub(crate) async fn create(
    State(workspace): State<Workspace>,
    caller: Caller,
    Path(name): Path<String>,
    Json(body): Json<UpdateBody>,
) -> ApiResult<Value> {
    let record = workspace.app_for(&caller, &name, "CAN_MANAGE")?;
    let fields: Vec<String> = body
        .update_mask
        .split(',')
        .map(|field| field.trim().to_owned())
        .filter(|field| !field.is_empty())
        .collect();
    if let Some(field) = fields.iter().find(|field| *field != "*" && !MUTABLE.contains(&field.as_str())) {
        return Err(ApiError::invalid(format!("Field {field} of the update mask cannot be updated")));
    }
    let fields = if fields.iter().any(|field| field == "*") {
        MUTABLE.iter().map(|&field| field.to_owned()).collect()
    } else {
        fields
    };
    if record.update.as_ref().is_some_and(|update| update["status"]["state"] == "IN_PROGRESS") {
        return Err(ApiError::new(
            http::StatusCode::CONFLICT,
            "RESOURCE_CONFLICT",
            format!("Cannot update app {name} as there is an update in progress."),
        ));
    }
    // What is not valid is refused now; only what takes time goes on in the background.
    let mut changed = changed(&workspace, &caller, &record, &body.app, &fields)?;
    let progress = json!({ "status": { "state": "IN_PROGRESS", "message": "The app is being updated." } });
    changed.update = Some(progress.clone());
    let before = AppRecord { update: Some(progress), ..record };
    workspace.save_app(&before)?;
    let answer = shown(&changed)?;
    let task = workspace.clone();
    workspace.tracker().spawn(async move {
        if let Err(error) = finish(&task, before, changed).await {
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
async fn finish(workspace: &Workspace, before: AppRecord, changed: AppRecord) -> Result<(), ApiError> {
    let size = before.app.compute_size.clone();
    let name = before.app.name.clone();
    let settled = workspace.settle_app(changed).and_then(|record| workspace.resize(record, size.as_deref()));
    let outcome = match settled {
        Ok(record) => {
            let heir = record.app.updater.as_deref().or(record.app.creator.as_deref()).unwrap_or_default();
            if let Err(error) = workspace.withdraw_app_databases(&record.app, heir).await {
                tracing::warn!(app = name, "Roles on databases were not taken back: {error}");
            }
            workspace.settled(&name).await;
            json!({ "status": { "state": "SUCCEEDED", "message": "App updated successfully." } })
        }
        Err(error) => {
            workspace.settle_app(before)?;
            json!({ "status": { "state": "FAILED", "message": error.message } })
        }
    };
    let Some(mut record) = workspace.app_record(&name)? else { return Ok(()) };
    record.update = Some(outcome);
    let update = shown(&record)?;
    record.update = Some(update);
    workspace.save_app(&record)
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

fn apply(
    workspace: &Workspace,
    caller: &Caller,
    record: AppRecord,
    changes: &Map<String, Value>,
    fields: &[String],
) -> Result<AppRecord, ApiError> {
    let changed = changed(workspace, caller, &record, changes, fields)?;
    workspace.settle_app(changed)
}

/// The app with the fields set, checked and not yet saved.
fn changed(
    workspace: &Workspace,
    caller: &Caller,
    record: &AppRecord,
    changes: &Map<String, Value>,
    fields: &[String],
) -> Result<AppRecord, ApiError> {
    refuse_deleting(&record.compute, &record.app.name)?;
    let mut app = serde_json::to_value(&record.app).map_err(|error| ApiError::internal(&error))?;
    for field in fields {
        match changes.get(field).filter(|value| !value.is_null()) {
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
    if fields.iter().any(|field| field == "resources") {
        workspace.check_resources(caller, &record.app.resources)?;
    }
    super::create::check_fields(workspace, &record.app)?;
    if record.app.user_api_scopes.iter().any(|scope| scope == "all-apis") {
        return Err(ApiError::invalid("Scope all-apis is not allowed for an app"));
    }
    record.app.updater = Some(caller.name().to_owned());
    record.app.update_time = Some(workspace.clock().now().to_string());
    Ok(record)
}
