//! What only a local workspace has: a clock to move and faults to order, for tests and for `brickyard clock` and
//! `brickyard fault`. Workspace admins alone may.

mod app_tokens;
mod denials;
mod fault;
mod requests;
mod user_tokens;

use axum::Json;
use axum::extract::State;
use axum::routing::{delete, get, post};
use jiff::SignedDuration;
use serde::Deserialize;
use serde_json::{Value, json};

pub(crate) use denials::{Denials, note_denials};
pub use fault::Fault;
pub(crate) use fault::{Faults, apply_faults};
pub(crate) use requests::{RequestLog, note_requests};

use crate::caller::Caller;
use crate::endpoint::{Family, Fidelity};
use crate::error::{ApiError, ApiResult};
use crate::handle::WorkspaceHandle;
use crate::request::JsonBody;
use crate::workspace::Workspace;

/// Farthest the clock is moved at once: ten years.
const FARTHEST: i64 = 10 * 366 * 24 * 3600;

/// The clock and the faults.
pub(crate) fn family() -> Family {
    let ours = Fidelity::Partial("Not part of the platform: a tool for tests.");
    let (clock, faults) = (Some("lab::the_clock_moves"), Some("lab::faults_happen_as_ordered"));
    Family::new("Clock and faults")
        .endpoint(
            "GET",
            "/api/brickyard/denials",
            get(denials::list),
            ours,
            Some("denials::what_was_denied_is_explained"),
        )
        .endpoint(
            "POST",
            "/api/brickyard/user-tokens",
            post(user_tokens::make),
            ours,
            Some("attacks::tokens_for_tests_are_as_narrow_as_the_app"),
        )
        .endpoint(
            "POST",
            "/api/brickyard/tokens",
            post(user_tokens::sign_in),
            ours,
            Some("attacks::admins_alone_get_tokens_of_users"),
        )
        .endpoint(
            "POST",
            "/api/brickyard/app-tokens",
            post(app_tokens::make),
            ours,
            Some("attacks::tokens_of_apps_are_for_admins"),
        )
        .endpoint("GET", "/api/brickyard/clock", get(show_clock), ours, clock)
        .endpoint("POST", "/api/brickyard/clock", post(move_clock), ours, clock)
        .endpoint("GET", "/api/brickyard/faults", get(list_faults), ours, faults)
        .endpoint("POST", "/api/brickyard/faults", post(add_fault), ours, faults)
        .endpoint("DELETE", "/api/brickyard/faults", delete(clear_faults), ours, faults)
}

#[derive(Deserialize)]
struct Move {
    advance_seconds: i64,
}

async fn show_clock(State(workspace): State<Workspace>, _caller: Caller) -> ApiResult<Value> {
    Ok(Json(clock(&workspace)))
}

async fn move_clock(
    State(workspace): State<Workspace>,
    caller: Caller,
    JsonBody(by): JsonBody<Move>,
) -> ApiResult<Value> {
    only_admins(&workspace, &caller)?;
    if by.advance_seconds.abs() > FARTHEST {
        return Err(ApiError::invalid(format!("The clock moves at most {FARTHEST} seconds at once")));
    }
    workspace.clock().advance(SignedDuration::from_secs(by.advance_seconds));
    Ok(Json(clock(&workspace)))
}

fn clock(workspace: &Workspace) -> Value {
    let clock = workspace.clock();
    json!({ "now": clock.now().to_string(), "offset_seconds": clock.offset().as_secs() })
}

async fn list_faults(State(workspace): State<Workspace>, caller: Caller) -> ApiResult<Value> {
    only_admins(&workspace, &caller)?;
    Ok(Json(json!({ "faults": workspace.faults().all() })))
}

async fn add_fault(
    State(workspace): State<Workspace>,
    caller: Caller,
    JsonBody(fault): JsonBody<Fault>,
) -> ApiResult<Value> {
    only_admins(&workspace, &caller)?;
    workspace.faults().add(fault)?;
    Ok(Json(json!({ "faults": workspace.faults().all() })))
}

async fn clear_faults(State(workspace): State<Workspace>, caller: Caller) -> ApiResult<Value> {
    only_admins(&workspace, &caller)?;
    workspace.faults().clear();
    Ok(Json(json!({ "faults": [] })))
}

fn only_admins(workspace: &Workspace, caller: &Caller) -> Result<(), ApiError> {
    if workspace.is_admin(caller)? {
        return Ok(());
    }
    Err(ApiError::denied(format!("{} is not a workspace admin", caller.name())))
}

impl WorkspaceHandle {
    /// Moves the workspace's clock by so many seconds; back where they are negative.
    pub fn advance_clock(&self, seconds: i64) {
        let seconds = seconds.clamp(-FARTHEST, FARTHEST);
        self.workspace().clock().advance(SignedDuration::from_secs(seconds));
    }

    /// Orders a fault. 400 where it says nothing to do.
    pub fn add_fault(&self, fault: Fault) -> Result<(), ApiError> {
        self.workspace().faults().add(fault)
    }
}
