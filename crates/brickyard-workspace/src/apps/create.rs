use axum::Json;
use axum::extract::{Path, State};
use brickyard_api::App;
use serde::Deserialize;
use serde_json::{Value, json};

use super::record::{APP, AppRecord, MOST_APPS};
use crate::authorize::Wish;
use crate::caller::Caller;
use crate::error::{ApiError, ApiResult};
use crate::request::{JsonBody, Parameters};
use crate::workspace::Workspace;

#[derive(Deserialize)]
pub(crate) struct CreateQuery {
    #[serde(default)]
    no_compute: bool,
}

#[derive(Deserialize)]
pub(crate) struct Page {
    #[serde(default)]
    page_size: Option<usize>,
    #[serde(default)]
    page_token: Option<String>,
    /// Only apps of this space.
    #[serde(default)]
    space: Option<String>,
}

/// Create an app: its service principal, its OAuth client, its address.
pub(crate) async fn create(
    State(workspace): State<Workspace>,
    caller: Caller,
    Parameters(query): Parameters<CreateQuery>,
    JsonBody(app): JsonBody<App>,
) -> ApiResult<App> {
    check_name("App", &app.name)?;
    let record = make(&workspace, &caller, app, !query.no_compute)?;
    if !query.no_compute {
        workspace.power_on(&record.app.name);
    }
    Ok(Json(workspace.show_app(&record)?))
}

/// Makes an app where its name is free and there is room; of two that ask for one name at once, the second is refused.
fn make(workspace: &Workspace, caller: &Caller, app: App, compute: bool) -> Result<AppRecord, ApiError> {
    let _one_at_a_time = workspace.apps().changing();
    if workspace.app_record(&app.name)?.is_some() {
        return Err(ApiError::already_exists(format!(
            "An app with the same name already exists: {}",
            app.name
        )));
    }
    let records: Vec<(String, AppRecord)> =
        workspace.store().list(APP, "").map_err(|error| ApiError::internal(&error))?;
    let mut count = 0;
    for (name, _) in records {
        // One that was deleted counts until it is gone.
        count += usize::from(workspace.app_record(&name)?.is_some());
    }
    if count >= MOST_APPS {
        return Err(ApiError::new(
            http::StatusCode::BAD_REQUEST,
            "RESOURCE_EXHAUSTED",
            format!("The workspace has {MOST_APPS} apps, which is the limit"),
        ));
    }
    workspace.check_resources(caller, &app.resources)?;
    check_fields(workspace, &app)?;
    let mut record = workspace.new_app(app, caller.name())?;
    let state = if compute { "STARTING" } else { "STOPPED" };
    state.clone_into(&mut record.compute);
    workspace.save_app(&record)?;
    Ok(record)
}

/// Get an app by its name.
pub(crate) async fn get(
    State(workspace): State<Workspace>,
    caller: Caller,
    Path(name): Path<String>,
) -> ApiResult<App> {
    let record = workspace.app_for(&caller, &name, "CAN_USE")?;
    Ok(Json(workspace.show_app(&record)?))
}

/// List the apps the caller may see, by name.
pub(crate) async fn list(
    State(workspace): State<Workspace>,
    caller: Caller,
    Parameters(page): Parameters<Page>,
) -> ApiResult<Value> {
    let records: Vec<(String, AppRecord)> =
        workspace.store().list(APP, "").map_err(|error| ApiError::internal(&error))?;
    let mut apps = Vec::new();
    for (name, _) in records {
        let Some(record) = workspace.app_record(&name)? else { continue };
        if page.space.as_ref().is_some_and(|space| record.app.space.as_ref() != Some(space)) {
            continue;
        }
        let own = record.app.creator.as_deref() == Some(caller.name());
        if own
            || workspace
                .authorize(&caller, Wish::Object { kind: "apps", id: &name, level: "CAN_USE" })
                .is_ok()
        {
            apps.push(workspace.show_app(&record)?);
        }
    }
    let start = match &page.page_token {
        Some(token) => apps.partition_point(|app| app.name.as_str() < token.as_str()),
        None => 0,
    };
    let end = apps.len().min(start + page.page_size.filter(|size| *size > 0).unwrap_or(100).min(100));
    let next = apps.get(end).map(|app| app.name.clone());
    let mut answer = json!({ "apps": apps[start..end] });
    if let Some(next) = next {
        answer["next_page_token"] = json!(next);
    }
    Ok(Json(answer))
}

/// Fields with a closed set of values, the same at creation and change.
pub(super) fn check_fields(workspace: &Workspace, app: &App) -> Result<(), ApiError> {
    const SIZES: [&str; 4] = ["MEDIUM", "LARGE", "XLARGE", "LIQUID"];
    if let Some(size) = app.compute_size.as_deref().filter(|size| !SIZES.contains(size)) {
        return Err(ApiError::invalid(format!("Compute size {size} is not one of {}", SIZES.join(", "))));
    }
    if let (Some(least), Some(most)) = (app.compute_min_instances, app.compute_max_instances)
        && least > most
    {
        return Err(ApiError::invalid("compute_min_instances is larger than compute_max_instances"));
    }
    if let Some(repository) = &app.git_repository {
        super::git::check_repository(repository)?;
    }
    if let Some(space) = &app.space {
        workspace.space(space)?;
    }
    check_scopes(app)
}

/// An app never asks for everything its visitors may do.
pub(super) fn check_scopes(app: &App) -> Result<(), ApiError> {
    if app.user_api_scopes.iter().any(|scope| scope == "all-apis") {
        return Err(ApiError::invalid("Scope all-apis is not allowed for an app"));
    }
    Ok(())
}

/// The platform's rule: lower case letters, digits and hyphens, a letter first, at most 30.
pub(super) fn check_name(noun: &str, name: &str) -> Result<(), ApiError> {
    let fits = name.len() <= 30
        && name.starts_with(|first: char| first.is_ascii_lowercase())
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    if fits && name.len() >= 2 {
        return Ok(());
    }
    Err(ApiError::invalid(format!(
        "{noun} name `{name}` is invalid: it must be 2 to 30 lower case letters, digits and hyphens, and begin with a letter"
    )))
}

#[cfg(test)]
mod tests {
    use super::check_name;

    #[test]
    fn names_are_checked_as_the_platform_does() {
        for good in ["ab", "my-app-1", "abcdefghijklmnopqrstuvwxyz1234"] {
            assert!(check_name("App", good).is_ok(), "{good}");
        }
        for bad in ["", "a", "My-app", "my_app", "1app", "abcdefghijklmnopqrstuvwxyz12345", "a b", "../x"] {
            assert!(check_name("App", bad).is_err(), "{bad}");
        }
    }
}
