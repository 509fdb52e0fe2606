//! Schedules of dashboards: kept, and checked as the platform checks them.

use axum::Json;
use axum::extract::{Path, State};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::dashboards::{changed_meanwhile, may, time};
use crate::caller::Caller;
use crate::error::{ApiError, ApiResult};
use crate::quartz;
use crate::request::{JsonBody, Parameters};
use crate::workspace::Workspace;

const SCHEDULE: &str = "lakeview_schedule";

/// Most schedules of one dashboard, as on the platform.
const MOST: usize = 10;

/// When a dashboard is to be refreshed.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Schedule {
    id: String,
    dashboard: String,
    name: Option<String>,
    cron: Cron,
    paused: bool,
    warehouse_id: Option<String>,
    created_at: i64,
    updated_at: i64,
    /// Changes so far.
    edits: u64,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Cron {
    quartz_cron_expression: String,
    timezone_id: String,
}

#[derive(Deserialize)]
pub(super) struct Write {
    cron_schedule: Option<Cron>,
    display_name: Option<String>,
    pause_status: Option<String>,
    warehouse_id: Option<String>,
    etag: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct Known {
    pub(super) etag: Option<String>,
}

impl Workspace {
    fn schedules(&self, dashboard: &str) -> Result<Vec<Schedule>, ApiError> {
        let all = self.store().list(SCHEDULE, &format!("{dashboard}/"));
        let all = all.map_err(|error| ApiError::internal(&error))?;
        Ok(all.into_iter().map(|(_, schedule)| schedule).collect())
    }

    /// A schedule of a dashboard, or a 404.
    pub(super) fn schedule(&self, dashboard: &str, id: &str) -> Result<Schedule, ApiError> {
        let found = self.store().get(SCHEDULE, &key(dashboard, id));
        found.map_err(|error| ApiError::internal(&error))?.ok_or_else(|| ApiError::not_found("Schedule", id))
    }

    fn put_schedule(&self, schedule: &Schedule) -> Result<(), ApiError> {
        let put = self.store().put(SCHEDULE, &key(&schedule.dashboard, &schedule.id), schedule);
        put.map_err(|error| ApiError::internal(&error))
    }
}

fn key(dashboard: &str, id: &str) -> String {
    format!("{dashboard}/{id}")
}

pub(super) async fn create(
    State(workspace): State<Workspace>,
    caller: Caller,
    Path(dashboard): Path<String>,
    JsonBody(new): JsonBody<Write>,
) -> ApiResult<Value> {
    may(&workspace, &caller, &dashboard, "CAN_EDIT")?;
    if new.etag.as_ref().is_some_and(|etag| !etag.is_empty()) {
        return Err(ApiError::invalid("etag must be left empty when a schedule is created"));
    }
    if workspace.schedules(&dashboard)?.len() >= MOST {
        return Err(ApiError::invalid(format!("A dashboard has at most {MOST} schedules")));
    }
    let now = workspace.clock().unix_milliseconds();
    let mut schedule = Schedule {
        id: uuid::Uuid::new_v4().simple().to_string(),
        dashboard,
        name: None,
        cron: checked(new.cron_schedule.clone())?,
        paused: false,
        warehouse_id: None,
        created_at: now,
        updated_at: now,
        edits: 0,
    };
    schedule.take(&workspace, &caller, new)?;
    workspace.put_schedule(&schedule)?;
    Ok(Json(schedule.shown()))
}

pub(super) async fn list(
    State(workspace): State<Workspace>,
    caller: Caller,
    Path(dashboard): Path<String>,
) -> ApiResult<Value> {
    may(&workspace, &caller, &dashboard, "CAN_READ")?;
    let schedules = workspace.schedules(&dashboard)?;
    Ok(Json(json!({ "schedules": schedules.iter().map(Schedule::shown).collect::<Vec<_>>() })))
}

pub(super) async fn show(
    State(workspace): State<Workspace>,
    caller: Caller,
    Path((dashboard, id)): Path<(String, String)>,
) -> ApiResult<Value> {
    may(&workspace, &caller, &dashboard, "CAN_READ")?;
    Ok(Json(workspace.schedule(&dashboard, &id)?.shown()))
}

pub(super) async fn update(
    State(workspace): State<Workspace>,
    caller: Caller,
    Path((dashboard, id)): Path<(String, String)>,
    JsonBody(change): JsonBody<Write>,
) -> ApiResult<Value> {
    may(&workspace, &caller, &dashboard, "CAN_EDIT")?;
    let mut schedule = workspace.schedule(&dashboard, &id)?;
    let etag = change.etag.as_deref().filter(|etag| !etag.is_empty());
    let etag = etag.ok_or_else(|| ApiError::invalid("etag is required to change a schedule"))?;
    if etag != schedule.edits.to_string() {
        return Err(changed_meanwhile("schedule"));
    }
    schedule.cron = checked(change.cron_schedule.clone())?;
    schedule.take(&workspace, &caller, change)?;
    schedule.updated_at = workspace.clock().unix_milliseconds();
    workspace.put_schedule(&schedule)?;
    Ok(Json(schedule.shown()))
}

pub(super) async fn remove(
    State(workspace): State<Workspace>,
    caller: Caller,
    Path((dashboard, id)): Path<(String, String)>,
    Parameters(known): Parameters<Known>,
) -> ApiResult<Value> {
    may(&workspace, &caller, &dashboard, "CAN_EDIT")?;
    let schedule = workspace.schedule(&dashboard, &id)?;
    if known.etag.is_some_and(|etag| etag != schedule.edits.to_string()) {
        return Err(changed_meanwhile("schedule"));
    }
    workspace.forget_subscriptions(&dashboard, &id)?;
    let gone = workspace.store().delete(SCHEDULE, &key(&dashboard, &id));
    gone.map_err(|error| ApiError::internal(&error))?;
    Ok(Json(json!({})))
}

fn checked(cron: Option<Cron>) -> Result<Cron, ApiError> {
    let cron = cron.ok_or_else(|| ApiError::invalid("cron_schedule is required"))?;
    quartz::check(&cron.quartz_cron_expression).map_err(|why| {
        let text = cron.quartz_cron_expression.escape_debug();
        ApiError::invalid(format!("`{text}` is not a cron expression in Quartz's notation: {why}"))
    })?;
    jiff::tz::TimeZone::get(&cron.timezone_id).map_err(|_| {
        ApiError::invalid(format!("`{}` is not a time zone", cron.timezone_id.escape_debug()))
    })?;
    Ok(cron)
}

impl Schedule {
    /// Takes over what a request says besides the times.
    fn take(&mut self, workspace: &Workspace, caller: &Caller, wanted: Write) -> Result<(), ApiError> {
        self.paused = match wanted.pause_status.as_deref() {
            None | Some("UNPAUSED") => false,
            Some("PAUSED") => true,
            Some(other) => {
                return Err(ApiError::invalid(format!(
                    "pause_status {other} is neither PAUSED nor UNPAUSED"
                )));
            }
        };
        if let Some(warehouse) = &wanted.warehouse_id {
            workspace.may_use_warehouse(caller, warehouse)?;
        }
        self.warehouse_id = wanted.warehouse_id;
        self.name = wanted.display_name;
        self.edits += 1;
        Ok(())
    }

    fn shown(&self) -> Value {
        let mut shown = json!({
            "schedule_id": self.id,
            "dashboard_id": self.dashboard,
            "cron_schedule": self.cron,
            "pause_status": if self.paused { "PAUSED" } else { "UNPAUSED" },
            "create_time": time(self.created_at),
            "update_time": time(self.updated_at),
            "etag": self.edits.to_string(),
        });
        for (field, value) in [("display_name", &self.name), ("warehouse_id", &self.warehouse_id)] {
            if let Some(value) = value {
                shown[field] = json!(value);
            }
        }
        shown
    }
}
