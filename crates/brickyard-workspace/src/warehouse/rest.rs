//! The warehouses API: list, make, change, start, stop and delete.

use axum::Json;
use axum::extract::{Path, State};
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use super::definition::Definition;
use crate::authorize::Wish;
use crate::caller::Caller;
use crate::error::{ApiError, ApiResult};
use crate::request::JsonBody;
use crate::workspace::Workspace;

const KIND: &str = "warehouses";

/// Sizes, smallest first.
const SIZES: [&str; 10] = [
    "2X-Small", "X-Small", "Small", "Medium", "Large", "X-Large", "2X-Large", "3X-Large", "4X-Large",
    "5X-Large",
];

/// What a client may say of a warehouse; what it leaves out keeps its value, or gets the platform's default.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Wanted {
    name: Option<String>,
    cluster_size: Option<String>,
    min_num_clusters: Option<u32>,
    max_num_clusters: Option<u32>,
    auto_stop_mins: Option<u32>,
    warehouse_type: Option<String>,
    enable_serverless_compute: Option<bool>,
    enable_photon: Option<bool>,
    spot_instance_policy: Option<String>,
    channel: Option<Value>,
    tags: Option<Value>,
}

pub(super) async fn list(State(workspace): State<Workspace>, caller: Caller) -> ApiResult<Value> {
    let all = workspace.warehouses().list(&workspace)?;
    let seen =
        all.iter().filter(|definition| allowed(&workspace, &caller, &definition.id, "CAN_VIEW").is_ok());
    let shown: Result<Vec<Value>, ApiError> = seen.map(|definition| show(&workspace, definition)).collect();
    Ok(Json(json!({ "warehouses": shown? })))
}

pub(super) async fn get(
    State(workspace): State<Workspace>,
    caller: Caller,
    Path(id): Path<String>,
) -> ApiResult<Value> {
    let definition = workspace.warehouses().get(&workspace, &id)?;
    allowed(&workspace, &caller, &id, "CAN_VIEW")?;
    Ok(Json(show(&workspace, &definition)?))
}

pub(super) async fn create(
    State(workspace): State<Workspace>,
    caller: Caller,
    JsonBody(wanted): JsonBody<Wanted>,
) -> ApiResult<Value> {
    if !workspace.is_admin(&caller)? {
        return Err(ApiError::denied("You do not have permission to create SQL warehouses"));
    }
    let id = uuid::Uuid::new_v4().simple().to_string()[..16].to_owned();
    let named = wanted.name.clone().ok_or_else(|| ApiError::invalid("Endpoint name is required"))?;
    let mut definition =
        Definition { id, creator_name: caller.name().to_owned(), ..Definition::named(&named) };
    wanted.apply(&workspace, &mut definition)?;
    workspace.warehouses().put(&workspace, &definition)?;
    workspace.own_object(&caller, KIND, &definition.id)?;
    Ok(Json(json!({ "id": definition.id })))
}

pub(super) async fn edit(
    State(workspace): State<Workspace>,
    caller: Caller,
    Path(id): Path<String>,
    JsonBody(wanted): JsonBody<Wanted>,
) -> ApiResult<Value> {
    let mut definition = workspace.warehouses().get(&workspace, &id)?;
    allowed(&workspace, &caller, &id, "CAN_MANAGE")?;
    wanted.apply(&workspace, &mut definition)?;
    workspace.warehouses().put(&workspace, &definition)?;
    Ok(Json(json!({})))
}

pub(super) async fn delete(
    State(workspace): State<Workspace>,
    caller: Caller,
    Path(id): Path<String>,
) -> ApiResult<Value> {
    workspace.warehouses().get(&workspace, &id)?;
    allowed(&workspace, &caller, &id, "CAN_MANAGE")?;
    workspace.warehouses().delete(&workspace, &id)?;
    workspace.forget_object(KIND, &id)?;
    Ok(Json(json!({})))
}

pub(super) async fn start(
    State(workspace): State<Workspace>,
    caller: Caller,
    Path(id): Path<String>,
) -> ApiResult<Value> {
    run(&workspace, &caller, &id, true, "CAN_USE")
}

pub(super) async fn stop(
    State(workspace): State<Workspace>,
    caller: Caller,
    Path(id): Path<String>,
) -> ApiResult<Value> {
    run(&workspace, &caller, &id, false, "CAN_MANAGE")
}

fn run(workspace: &Workspace, caller: &Caller, id: &str, run: bool, level: &'static str) -> ApiResult<Value> {
    let definition = workspace.warehouses().get(workspace, id)?;
    allowed(workspace, caller, id, level)?;
    workspace.warehouses().set_running(workspace, &definition, run);
    Ok(Json(json!({})))
}

fn allowed(workspace: &Workspace, caller: &Caller, id: &str, level: &'static str) -> Result<(), ApiError> {
    workspace.authorize(caller, Wish::Object { kind: KIND, id, level })
}

/// A warehouse in the platform's shape.
fn show(workspace: &Workspace, definition: &Definition) -> Result<Value, ApiError> {
    let (warehouses, host, id) = (workspace.warehouses(), &workspace.config().host, &definition.id);
    let state = warehouses.state_of(workspace, definition);
    let path = format!("/sql/1.0/warehouses/{id}");
    let mut shown = serde_json::to_value(definition).map_err(|error| ApiError::internal(&error))?;
    let more = json!({
        "size": definition.cluster_size.to_uppercase().replace('-', "_"),
        "auto_resume": true,
        "state": state,
        "num_clusters": u32::from(state == "RUNNING"),
        "num_active_sessions": warehouses.session_count(id),
        "jdbc_url": format!("jdbc:spark://{host}:443/default;transportMode=http;ssl=1;AuthMech=3;httpPath={path};"),
        "odbc_params": { "hostname": host, "path": path, "protocol": "https", "port": 443 },
        "health": { "status": "HEALTHY" },
    });
    if let (Value::Object(shown), Value::Object(more)) = (&mut shown, more) {
        shown.extend(more);
    }
    Ok(shown)
}

impl Wanted {
    fn apply(self, workspace: &Workspace, definition: &mut Definition) -> Result<(), ApiError> {
        if let Some(name) = self.name {
            if name.trim().is_empty() || name.chars().count() > 100 {
                return Err(ApiError::invalid("The name of a warehouse has 1 to 100 characters"));
            }
            let all = workspace.warehouses().list(workspace)?;
            if all.iter().any(|other| other.name == name && other.id != definition.id) {
                return Err(ApiError::new(
                    StatusCode::BAD_REQUEST,
                    "INVALID_PARAMETER_VALUE",
                    format!("SQL warehouse with name `{name}` already exists"),
                ));
            }
            definition.name = name;
        }
        if let Some(size) = self.cluster_size {
            let known = SIZES.iter().find(|known| known.eq_ignore_ascii_case(&size));
            let known = known.ok_or_else(|| ApiError::invalid(format!("{size} is not a cluster size")))?;
            (*known).clone_into(&mut definition.cluster_size);
        }
        let keep = |value: Option<u32>, old: u32| value.filter(|&value| value > 0).unwrap_or(old);
        definition.min_num_clusters = keep(self.min_num_clusters, definition.min_num_clusters);
        definition.max_num_clusters = keep(self.max_num_clusters, definition.max_num_clusters);
        if definition.max_num_clusters > 40 || definition.min_num_clusters > definition.max_num_clusters {
            return Err(ApiError::invalid(
                "min_num_clusters must be between 1 and max_num_clusters, and that at most 40",
            ));
        }
        definition.auto_stop_mins = self.auto_stop_mins.unwrap_or(definition.auto_stop_mins);
        if let Some(kind) = self.warehouse_type.filter(|kind| kind != "TYPE_UNSPECIFIED") {
            if !["CLASSIC", "PRO"].contains(&kind.as_str()) {
                return Err(ApiError::invalid(format!("{kind} is not a warehouse type")));
            }
            definition.warehouse_type = kind;
        }
        let serverless = self.enable_serverless_compute;
        definition.enable_serverless_compute = serverless.unwrap_or(definition.enable_serverless_compute);
        definition.enable_photon = self.enable_photon.unwrap_or(definition.enable_photon);
        if let Some(policy) = self.spot_instance_policy {
            definition.spot_instance_policy = policy;
        }
        definition.channel = self.channel.unwrap_or_else(|| definition.channel.clone());
        definition.tags = self.tags.unwrap_or_else(|| definition.tags.clone());
        Ok(())
    }
}
