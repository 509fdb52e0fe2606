//! Writing: users, groups and service principals made, changed and removed by workspace admins.

mod thing;

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use http::StatusCode;
use serde_json::{Map, Value};

use thing::Thing;

use super::{Kind, scim_error};
use crate::caller::Caller;
use crate::directory::{ADMINS, EVERYBODY};
use crate::error::ApiError;
use crate::request::JsonBody;
use crate::store::StoreError;
use crate::workspace::Workspace;

/// Most changes of one request.
const MOST_CHANGES: usize = 1000;

/// Why a change is refused: status, `scimType` and sentence.
type Refusal = (StatusCode, Option<&'static str>, String);

fn refused(status: StatusCode, why: impl Into<String>) -> Refusal {
    (status, None, why.into())
}

fn invalid(why: impl Into<String>) -> Refusal {
    (StatusCode::BAD_REQUEST, Some("invalidValue"), why.into())
}

#[expect(clippy::needless_pass_by_value, reason = "fits `map_err`")]
fn internal(error: StoreError) -> Refusal {
    refused(StatusCode::INTERNAL_SERVER_ERROR, ApiError::internal(&error).message)
}

fn answer(done: Result<Response, Refusal>) -> Response {
    done.unwrap_or_else(|(status, kind, why)| scim_error(status, kind, &why))
}

fn only_admins(workspace: &Workspace, caller: &Caller) -> Result<(), Refusal> {
    match workspace.is_admin(caller) {
        Ok(true) => Ok(()),
        Ok(false) => {
            Err(refused(StatusCode::FORBIDDEN, format!("{} is not a workspace admin", caller.name())))
        }
        Err(error) => Err(refused(error.status, error.message)),
    }
}

pub(super) async fn create(
    State(workspace): State<Workspace>,
    Extension(kind): Extension<Kind>,
    caller: Caller,
    JsonBody(body): JsonBody<Map<String, Value>>,
) -> Response {
    let made = || {
        only_admins(&workspace, &caller)?;
        let mut thing = Thing::new(&workspace, kind, &body)?;
        thing.apply(&workspace, &Value::Object(body))?;
        thing.keep(&workspace)?;
        Ok((StatusCode::CREATED, Json(thing.shown(&workspace)?)).into_response())
    };
    answer(made())
}

pub(super) async fn replace(
    State(workspace): State<Workspace>,
    Extension(kind): Extension<Kind>,
    caller: Caller,
    Path(id): Path<String>,
    JsonBody(body): JsonBody<Value>,
) -> Response {
    changed(&workspace, &caller, kind, &id, |thing| {
        match thing {
            Thing::User(user) => user.entitlements.clear(),
            Thing::Group(group, _) => group.members.clear(),
            Thing::ServicePrincipal(_) => {}
        }
        thing.apply(&workspace, &body)
    })
}

/// RFC 7644 §3.5.2: `add`, `replace` and `remove`, with or without a path.
pub(super) async fn change(
    State(workspace): State<Workspace>,
    Extension(kind): Extension<Kind>,
    caller: Caller,
    Path(id): Path<String>,
    JsonBody(body): JsonBody<Value>,
) -> Response {
    changed(&workspace, &caller, kind, &id, |thing| {
        let operations = body.get("Operations").and_then(Value::as_array).cloned().unwrap_or_default();
        if operations.is_empty() || operations.len() > MOST_CHANGES {
            return Err(invalid(format!("A change has 1 to {MOST_CHANGES} Operations")));
        }
        for operation in &operations {
            let verb = operation.get("op").and_then(Value::as_str).unwrap_or_default().to_lowercase();
            let path = operation.get("path").and_then(Value::as_str).unwrap_or_default();
            let value = operation.get("value").cloned().unwrap_or_default();
            thing.operate(&workspace, &verb, path, &value)?;
        }
        Ok(())
    })
}

/// Changes what is there as an admin, keeps it, and shows it.
fn changed(
    workspace: &Workspace,
    caller: &Caller,
    kind: Kind,
    id: &str,
    change: impl FnOnce(&mut Thing) -> Result<(), Refusal>,
) -> Response {
    let changed = || {
        only_admins(workspace, caller)?;
        let mut thing = Thing::find(workspace, kind, id)?;
        change(&mut thing)?;
        thing.keep(workspace)?;
        Ok(Json(thing.shown(workspace)?).into_response())
    };
    answer(changed())
}

pub(super) async fn remove(
    State(workspace): State<Workspace>,
    Extension(kind): Extension<Kind>,
    caller: Caller,
    Path(id): Path<String>,
) -> Response {
    let removed = || {
        only_admins(&workspace, &caller)?;
        let directory = workspace.directory();
        match Thing::find(&workspace, kind, &id)? {
            Thing::User(user) if user.user_name.eq_ignore_ascii_case(caller.name()) => {
                return Err(invalid("Nobody removes themselves"));
            }
            Thing::User(user) => directory.remove_user(&user.user_name).map_err(internal)?,
            Thing::Group(group, _) if group.display_name == ADMINS || group.display_name == EVERYBODY[0] => {
                return Err(invalid(format!("The group {} belongs to the workspace", group.display_name)));
            }
            Thing::Group(group, _) => directory.remove_group(&group.display_name).map_err(internal)?,
            Thing::ServicePrincipal(principal) => {
                directory.remove_service_principal(&principal.application_id).map_err(internal)?;
            }
        }
        Ok(StatusCode::NO_CONTENT.into_response())
    };
    answer(removed())
}
