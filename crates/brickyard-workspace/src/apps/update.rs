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
const MUTABLE: &[&str] =
    &["description", "resources", "user_api_scopes", "compute_size", "budget_policy_id", "usage_policy_id"];

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
    let record = apply(&workspace, &caller, record, &changes, &fields)?;
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
    let mut record = apply(&workspace, &caller, record, &body.app, &fields)?;
    let shown = workspace.show_app(&record)?;
    let mut update = json!({ "status": { "state": "SUCCEEDED", "message": "App updated successfully." } });
    for field in ["description", "resources", "user_api_scopes", "compute_size"] {
        let value = serde_json::to_value(&shown).map_err(|error| ApiError::internal(&error))?;
        if let Some(value) = value.get(field) {
            update[field] = value.clone();
        }
    }
    record.update = Some(update.clone());
    workspace.save_app(&record)?;
    Ok(Json(update))
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
    mut record: AppRecord,
    changes: &Map<String, Value>,
    fields: &[String],
) -> Result<AppRecord, ApiError> {
    refuse_deleting(&record.compute, &record.app.name)?;
    let mut app = serde_json::to_value(&record.app).map_err(|error| ApiError::internal(&error))?;
    for field in fields {
        match changes.get(field) {
            Some(value) => app[field] = value.clone(),
            None => {
                if let Some(app) = app.as_object_mut() {
                    app.remove(field);
                }
            }
        }
    }
    record.app = serde_json::from_value(app)
        .map_err(|error| ApiError::invalid(format!("The change is not valid: {error}")))?;
    workspace.check_resources(caller, &record.app.resources)?;
    record.app.updater = Some(caller.name().to_owned());
    record.app.update_time = Some(workspace.clock().now().to_string());
    workspace.settle_app(record)
}
