//! Who is to hear of a schedule's refreshes.

use axum::Json;
use axum::extract::{Path, State};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::dashboards::{changed_meanwhile, may, time};
use super::schedules::Known;
use crate::caller::Caller;
use crate::error::{ApiError, ApiResult};
use crate::request::{JsonBody, Parameters};
use crate::workspace::Workspace;

const SUBSCRIPTION: &str = "lakeview_subscription";

/// Most subscriptions of one schedule, as on the platform.
const MOST: usize = 100;

/// The only etag there is: a subscription is made and removed, never changed.
const ETAG: &str = "1";

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Subscription {
    id: String,
    dashboard: String,
    schedule: String,
    user_id: u64,
    skip_notify: bool,
    created_by: u64,
    created_at: i64,
}

#[derive(Deserialize)]
pub(super) struct New {
    #[serde(default)]
    subscriber: Subscriber,
    #[serde(default)]
    skip_notify: bool,
    etag: Option<String>,
}

#[derive(Default, Deserialize)]
struct Subscriber {
    user_subscriber: Option<UserSubscriber>,
    destination_subscriber: Option<Value>,
}

#[derive(Deserialize)]
struct UserSubscriber {
    user_id: u64,
}

impl Workspace {
    fn subscriptions(&self, dashboard: &str, schedule: &str) -> Result<Vec<Subscription>, ApiError> {
        let all = self.store().list(SUBSCRIPTION, &format!("{dashboard}/{schedule}/"));
        let all = all.map_err(|error| ApiError::internal(&error))?;
        Ok(all.into_iter().map(|(_, subscription)| subscription).collect())
    }

    fn subscription(&self, dashboard: &str, schedule: &str, id: &str) -> Result<Subscription, ApiError> {
        let found = self.store().get(SUBSCRIPTION, &format!("{dashboard}/{schedule}/{id}"));
        let found = found.map_err(|error| ApiError::internal(&error))?;
        found.ok_or_else(|| ApiError::not_found("Subscription", id))
    }

    fn forget_subscription(&self, one: &Subscription) -> Result<(), ApiError> {
        let key = format!("{}/{}/{}", one.dashboard, one.schedule, one.id);
        self.store().delete(SUBSCRIPTION, &key).map(drop).map_err(|error| ApiError::internal(&error))
    }

    /// Removes every subscription of a schedule.
    pub(super) fn forget_subscriptions(&self, dashboard: &str, schedule: &str) -> Result<(), ApiError> {
        self.subscriptions(dashboard, schedule)?.iter().try_for_each(|one| self.forget_subscription(one))
    }
}

/// Whoever reads a dashboard subscribes to it; who edits it subscribes others.
pub(super) async fn create(
    State(workspace): State<Workspace>,
    caller: Caller,
    Path((dashboard, schedule)): Path<(String, String)>,
    JsonBody(new): JsonBody<New>,
) -> ApiResult<Value> {
    may(&workspace, &caller, &dashboard, "CAN_READ")?;
    workspace.schedule(&dashboard, &schedule)?;
    if new.etag.is_some_and(|etag| !etag.is_empty()) {
        return Err(ApiError::invalid("etag must be left empty when a subscription is created"));
    }
    let user_id = match new.subscriber {
        Subscriber { user_subscriber: Some(user), destination_subscriber: None } => user.user_id,
        Subscriber { user_subscriber: None, destination_subscriber: Some(_) } => {
            return Err(ApiError::not_implemented("notification destinations. hint: name a user_subscriber"));
        }
        _ => {
            let message = "subscriber names one of user_subscriber and destination_subscriber";
            return Err(ApiError::invalid(message));
        }
    };
    if user_id != caller.principal.id() {
        may(&workspace, &caller, &dashboard, "CAN_EDIT")?;
    }
    let users = workspace.directory().users().map_err(|error| ApiError::internal(&error))?;
    if !users.iter().any(|user| user.id == user_id) {
        return Err(ApiError::not_found("User", user_id));
    }
    let known = workspace.subscriptions(&dashboard, &schedule)?;
    if known.iter().any(|known| known.user_id == user_id) {
        return Err(ApiError::already_exists(format!(
            "User {user_id} is already a subscriber of the schedule"
        )));
    }
    if known.len() >= MOST {
        return Err(ApiError::invalid(format!("A schedule has at most {MOST} subscriptions")));
    }
    let made = Subscription {
        id: uuid::Uuid::new_v4().simple().to_string(),
        dashboard,
        schedule,
        user_id,
        skip_notify: new.skip_notify,
        created_by: caller.principal.id(),
        created_at: workspace.clock().unix_milliseconds(),
    };
    let key = format!("{}/{}/{}", made.dashboard, made.schedule, made.id);
    workspace.store().put(SUBSCRIPTION, &key, &made).map_err(|error| ApiError::internal(&error))?;
    Ok(Json(made.shown()))
}

pub(super) async fn list(
    State(workspace): State<Workspace>,
    caller: Caller,
    Path((dashboard, schedule)): Path<(String, String)>,
) -> ApiResult<Value> {
    may(&workspace, &caller, &dashboard, "CAN_READ")?;
    workspace.schedule(&dashboard, &schedule)?;
    let found = workspace.subscriptions(&dashboard, &schedule)?;
    Ok(Json(json!({ "subscriptions": found.iter().map(Subscription::shown).collect::<Vec<_>>() })))
}

pub(super) async fn show(
    State(workspace): State<Workspace>,
    caller: Caller,
    Path((dashboard, schedule, id)): Path<(String, String, String)>,
) -> ApiResult<Value> {
    may(&workspace, &caller, &dashboard, "CAN_READ")?;
    Ok(Json(workspace.subscription(&dashboard, &schedule, &id)?.shown()))
}

pub(super) async fn remove(
    State(workspace): State<Workspace>,
    caller: Caller,
    Path((dashboard, schedule, id)): Path<(String, String, String)>,
    Parameters(known): Parameters<Known>,
) -> ApiResult<Value> {
    may(&workspace, &caller, &dashboard, "CAN_READ")?;
    let found = workspace.subscription(&dashboard, &schedule, &id)?;
    if found.user_id != caller.principal.id() {
        may(&workspace, &caller, &dashboard, "CAN_EDIT")?;
    }
    if known.etag.is_some_and(|etag| etag != ETAG) {
        return Err(changed_meanwhile("subscription"));
    }
    workspace.forget_subscription(&found)?;
    Ok(Json(json!({})))
}

impl Subscription {
    fn shown(&self) -> Value {
        json!({
            "subscription_id": self.id,
            "schedule_id": self.schedule,
            "dashboard_id": self.dashboard,
            "subscriber": { "user_subscriber": { "user_id": self.user_id } },
            "skip_notify": self.skip_notify,
            "created_by_user_id": self.created_by,
            "create_time": time(self.created_at),
            "update_time": time(self.created_at),
            "etag": ETAG,
        })
    }
}
