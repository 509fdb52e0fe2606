use http::StatusCode;
use serde::Deserialize;
use serde_json::Value;

use super::projects::OBJECTS;
use super::record::{BRANCH, Branch, ENDPOINT, Endpoint, PROJECT, Project, Sizes};
use crate::authorize::Wish;
use crate::caller::Caller;
use crate::error::ApiError;
use crate::lakebase::LakebaseError;
use crate::workspace::Workspace;

/// What queries of this family may say.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Options {
    pub(super) project_id: Option<String>,
    pub(super) branch_id: Option<String>,
    pub(super) snapshot_id: Option<String>,
    pub(super) endpoint_id: Option<String>,
    pub(super) database_id: Option<String>,
    pub(super) role_id: Option<String>,
    pub(super) reassign_owned_to: Option<String>,
    pub(super) update_mask: Option<String>,
    #[serde(default)]
    pub(super) replace_existing: bool,
}

impl Options {
    /// Whether a change names this field of `spec`, in either way of writing it.
    pub(super) fn changes(&self, field: &str) -> bool {
        let Some(mask) = self.update_mask.as_deref().filter(|mask| !mask.is_empty()) else { return true };
        mask.split(',').map(snake).any(|path| {
            let path = path.strip_prefix("spec.").unwrap_or(&path).to_owned();
            path == "*" || path == "spec" || path == field || path.starts_with(&format!("{field}."))
        })
    }
}

fn snake(path: &str) -> String {
    let mut text = String::new();
    for letter in path.trim().chars() {
        if letter.is_ascii_uppercase() {
            text.push('_');
        }
        text.push(letter.to_ascii_lowercase());
    }
    text
}

/// A missing resource, in the platform's words.
pub(super) fn not_found(kind: &str) -> ApiError {
    let trace = uuid::Uuid::new_v4().simple().to_string();
    ApiError::new(StatusCode::NOT_FOUND, "NOT_FOUND", format!("{kind} id not found [TraceId: {trace}]"))
}

/// A resource that is there already, in the platform's words.
pub(super) fn exists(kind: &str, place: &str) -> ApiError {
    ApiError::new(
        StatusCode::CONFLICT,
        "ALREADY_EXISTS",
        format!("{kind} with such id already exists in the {place}"),
    )
}

/// A change that the resource's state forbids.
pub(super) fn bad(message: impl Into<String>) -> ApiError {
    ApiError::new(StatusCode::BAD_REQUEST, "BAD_REQUEST", message)
}

/// An id as RFC 1123 has it, of 1 to 63 characters.
pub(super) fn checked_id(kind: &str, id: Option<&str>) -> Result<String, ApiError> {
    let id = id.unwrap_or_default();
    let letters =
        id.chars().all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '-');
    let first = id.starts_with(|letter: char| letter.is_ascii_lowercase());
    if first && letters && id.len() <= 63 && !id.ends_with('-') {
        return Ok(id.to_owned());
    }
    Err(ApiError::invalid(format!(
        "{kind}_id '{id}' is not valid: 1 to 63 lower-case letters, digits and hyphens, beginning with a letter"
    )))
}

pub(super) fn project(workspace: &Workspace, id: &str) -> Result<Project, ApiError> {
    let found = workspace.store().get(PROJECT, id).map_err(LakebaseError::from)?;
    found.ok_or_else(|| not_found("project"))
}

pub(super) fn branch(workspace: &Workspace, project: &str, id: &str) -> Result<Branch, ApiError> {
    self::project(workspace, project)?;
    let key = format!("projects/{project}/branches/{id}");
    let found = workspace.store().get(BRANCH, &key).map_err(LakebaseError::from)?;
    found.ok_or_else(|| not_found("branch"))
}

/// Uid of the server of a branch, when there is one of this name.
pub(crate) fn uid_of(workspace: &Workspace, name: &str) -> Result<Option<String>, LakebaseError> {
    Ok(workspace.store().get::<Branch>(BRANCH, name)?.map(|branch| branch.uid))
}

pub(super) fn endpoint(workspace: &Workspace, branch: &Branch, id: &str) -> Result<Endpoint, ApiError> {
    let key = format!("{}/endpoints/{id}", branch.name());
    let found = workspace.store().get(ENDPOINT, &key).map_err(LakebaseError::from)?;
    found.ok_or_else(|| not_found("endpoint"))
}

/// Project, branch and the rest out of `projects/P/branches/B[/…]`.
pub(super) fn split(name: &str) -> Option<(&str, &str, &str)> {
    let rest = name.strip_prefix("projects/")?;
    let (project, rest) = rest.split_once("/branches/")?;
    let (branch, rest) = rest.split_once('/').unwrap_or((rest, ""));
    (!project.is_empty() && !branch.is_empty()).then_some((project, branch, rest))
}

/// Refuses whoever neither owns the project nor may manage it.
pub(super) fn manage(workspace: &Workspace, caller: &Caller, project: &Project) -> Result<(), ApiError> {
    if caller.name() == project.owner {
        return Ok(());
    }
    workspace.authorize(caller, Wish::Object { kind: OBJECTS, id: &project.id, level: "CAN_MANAGE" })
}

/// Refuses whoever neither owns the project nor may use it.
pub(super) fn use_project(workspace: &Workspace, caller: &Caller, project: &Project) -> Result<(), ApiError> {
    if caller.name() == project.owner {
        return Ok(());
    }
    workspace.authorize(caller, Wish::Object { kind: OBJECTS, id: &project.id, level: "CAN_USE" })
}

/// Seconds of a duration such as `3600s` or `1.5s`.
pub(super) fn seconds(value: &Value) -> Result<i64, ApiError> {
    let text = value.as_str().unwrap_or_default();
    let whole = text.strip_suffix('s').and_then(|number| number.split('.').next()?.parse().ok());
    whole.ok_or_else(|| ApiError::invalid(format!("'{text}' is not a duration such as '3600s'")))
}

/// Takes sizes and suspension out of a `spec` over what was there.
pub(super) fn sizes(spec: &Value, before: &Sizes) -> Result<Sizes, ApiError> {
    let number = |name: &str, before: f64| spec.get(name).and_then(Value::as_f64).unwrap_or(before);
    let smallest = number("autoscaling_limit_min_cu", before.smallest);
    let named = spec.get("autoscaling_limit_max_cu").is_some();
    let largest =
        number("autoscaling_limit_max_cu", if named { before.largest } else { before.largest.max(smallest) });
    if !(0.5..=64.0).contains(&smallest) || !(smallest..=64.0).contains(&largest) || largest - smallest > 16.0
    {
        return Err(ApiError::invalid(format!(
            "Sizes are 0.5 to 64 CU with max - min of at most 16, not {smallest} to {largest}"
        )));
    }
    let suspend = if spec.get("no_suspension").and_then(Value::as_bool) == Some(true) {
        None
    } else if let Some(duration) = spec.get("suspend_timeout_duration") {
        let seconds = seconds(duration)?;
        if !(60..=604_800).contains(&seconds) {
            return Err(ApiError::invalid(format!(
                "suspend_timeout_duration is 60s to 604800s, not {seconds}s"
            )));
        }
        Some(seconds)
    } else {
        before.suspend
    };
    let settings = spec.get("pg_settings").or_else(|| spec.get("settings")?.get("pg_settings"));
    Ok(Sizes {
        smallest,
        largest,
        suspend,
        pg_settings: settings.cloned().or_else(|| before.pg_settings.clone()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_name_fields_in_both_spellings() {
        let options = |mask: &str| Options { update_mask: Some(mask.to_owned()), ..Options::default() };
        assert!(options("spec.display_name").changes("display_name"));
        assert!(options("spec.displayName,x").changes("display_name"));
        assert!(options("spec").changes("anything"));
        assert!(!options("spec.other").changes("display_name"));
        assert!(Options::default().changes("display_name"));
    }

    #[test]
    fn names_are_split() {
        assert_eq!(split("projects/a/branches/b"), Some(("a", "b", "")));
        assert_eq!(split("projects/a/branches/b/endpoints/c"), Some(("a", "b", "endpoints/c")));
        assert_eq!(split("projects/a"), None);
        assert!(checked_id("project", Some("my-app")).is_ok());
        for id in ["", "My", "1a", "a-", "a_b"] {
            assert!(checked_id("project", Some(id)).is_err(), "{id}");
        }
    }

    #[test]
    fn sizes_keep_to_the_limits() {
        let spec = serde_json::json!({ "autoscaling_limit_min_cu": 2, "suspend_timeout_duration": "300s" });
        let found = sizes(&spec, &Sizes::default()).unwrap();
        assert!((found.smallest, found.largest, found.suspend) == (2.0, 2.0, Some(300)));
        for spec in [
            serde_json::json!({ "autoscaling_limit_max_cu": 65 }),
            serde_json::json!({ "autoscaling_limit_max_cu": 40 }),
            serde_json::json!({ "suspend_timeout_duration": "1s" }),
            serde_json::json!({ "suspend_timeout_duration": "soon" }),
        ] {
            assert!(sizes(&spec, &Sizes::default()).is_err(), "{spec}");
        }
    }
}
