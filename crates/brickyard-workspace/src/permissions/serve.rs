use axum::Json;
use axum::extract::{Path, State};
use http::Uri;
use serde::Deserialize;
use serde_json::{Value, json};

use super::access_list::{Entry, Holder};
use super::kind::ObjectKind;
use crate::caller::Caller;
use crate::directory::ADMINS;
use crate::error::{ApiError, ApiResult};
use crate::request::JsonBody;
use crate::workspace::Workspace;

/// Most entries of one list.
const MOST_ENTRIES: usize = 1000;

#[derive(Deserialize)]
pub(super) struct AccessControl {
    #[serde(default)]
    access_control_list: Vec<AccessRequest>,
}

#[derive(Deserialize)]
struct AccessRequest {
    user_name: Option<String>,
    group_name: Option<String>,
    service_principal_name: Option<String>,
    permission_level: String,
}

/// What a person may know about an object's list is open to whoever has any level on it.
pub(super) async fn show(
    State(workspace): State<Workspace>,
    caller: Caller,
    Path((kind, id)): Path<(String, String)>,
) -> ApiResult<Value> {
    let (object, id) = workspace.object(&kind, id)?;
    let lowest = object.levels().first().copied().unwrap_or_default();
    workspace.authorize_list(&caller, &kind, &id, lowest)?;
    Ok(Json(shown(&workspace, &kind, &id, object)))
}

/// Replaces every direct entry.
pub(super) async fn replace(
    State(workspace): State<Workspace>,
    caller: Caller,
    Path((kind, id)): Path<(String, String)>,
    JsonBody(request): JsonBody<AccessControl>,
) -> ApiResult<Value> {
    let (object, id) = workspace.object(&kind, id)?;
    workspace.authorize_list(&caller, &kind, &id, object.managing())?;
    let entries = workspace.entries(object, request)?;
    let replaced = workspace.access_lists().replace(&kind, &id, entries);
    replaced.map_err(|error| ApiError::internal(&error))?;
    Ok(Json(shown(&workspace, &kind, &id, object)))
}

/// Adds entries; a holder's earlier level is replaced.
pub(super) async fn add(
    State(workspace): State<Workspace>,
    caller: Caller,
    Path((kind, id)): Path<(String, String)>,
    JsonBody(request): JsonBody<AccessControl>,
) -> ApiResult<Value> {
    let (object, id) = workspace.object(&kind, id)?;
    workspace.authorize_list(&caller, &kind, &id, object.managing())?;
    let mut entries = workspace.access_lists().entries(&kind, &id);
    for entry in workspace.entries(object, request)? {
        entries.retain(|other| other.holder != entry.holder);
        entries.push(entry);
    }
    let replaced = workspace.access_lists().replace(&kind, &id, entries);
    replaced.map_err(|error| ApiError::internal(&error))?;
    Ok(Json(shown(&workspace, &kind, &id, object)))
}

/// The levels an object of this kind has.
pub(super) async fn levels(
    State(workspace): State<Workspace>,
    _caller: Caller,
    _uri: Uri,
    Path((kind, id)): Path<(String, String)>,
) -> ApiResult<Value> {
    let (object, _) = workspace.object(&kind, id)?;
    let noun = object.noun();
    let levels = object.levels().iter().map(|level| {
        let words = level.to_lowercase().replace('_', " ");
        json!({ "permission_level": level, "description": format!("{words} the {noun}") })
    });
    Ok(Json(json!({ "permission_levels": levels.collect::<Vec<_>>() })))
}

impl Workspace {
    /// The kind, and the id under which the list is kept; an object that is not there is a 404.
    fn object(&self, kind: &str, id: String) -> Result<(ObjectKind, String), ApiError> {
        let object = ObjectKind::named(kind)?;
        if kind == "secret-scopes" {
            return Err(ApiError::invalid("Permissions of secret scopes are set by the secrets API"));
        }
        let id = self.object_id(kind, id)?;
        Ok((object, id))
    }

    /// Refuses who has not this level on the object whose list it is; workspace objects inherit from their folders.
    fn authorize_list(
        &self,
        caller: &Caller,
        kind: &str,
        id: &str,
        level: &'static str,
    ) -> Result<(), ApiError> {
        match self.listed_path(kind, id)? {
            Some(path) => self.authorize_path(caller, &path, level),
            None => self.authorize_object(caller, kind, id, level),
        }
    }

    fn entries(&self, object: ObjectKind, request: AccessControl) -> Result<Vec<Entry>, ApiError> {
        if request.access_control_list.len() > MOST_ENTRIES {
            return Err(ApiError::invalid(format!("A list has at most {MOST_ENTRIES} entries")));
        }
        let mut entries: Vec<Entry> = Vec::new();
        for wanted in request.access_control_list {
            let names = [&wanted.user_name, &wanted.group_name, &wanted.service_principal_name];
            let mut given = names.into_iter().flatten();
            let (Some(name), None) = (given.next(), given.next()) else {
                return Err(ApiError::invalid(
                    "Each entry names one of user_name, group_name and service_principal_name",
                ));
            };
            let holder = self.holder(name)?;
            let fits = match &holder {
                Holder::User(_) => wanted.user_name.is_some(),
                Holder::Group(_) => wanted.group_name.is_some(),
                Holder::ServicePrincipal(_) => wanted.service_principal_name.is_some(),
            };
            if !fits {
                return Err(ApiError::not_found("Principal", name));
            }
            let level = object.level(&wanted.permission_level)?.to_owned();
            entries.retain(|other| other.holder != holder);
            entries.push(Entry { holder, level, origin: None });
        }
        Ok(entries)
    }
}

fn shown(workspace: &Workspace, kind: &str, id: &str, object: ObjectKind) -> Value {
    let mut lines: Vec<(Holder, Vec<Value>)> = Vec::new();
    for entry in workspace.access_lists().entries(kind, id) {
        let permission = json!({ "permission_level": entry.level, "inherited": false });
        match lines.iter_mut().find(|(holder, _)| *holder == entry.holder) {
            Some((_, permissions)) => permissions.push(permission),
            None => lines.push((entry.holder, vec![permission])),
        }
    }
    let inherited = json!({
        "permission_level": object.managing(),
        "inherited": true,
        "inherited_from_object": [format!("/{kind}/")],
    });
    match lines.iter_mut().find(|(holder, _)| *holder == Holder::Group(ADMINS.to_owned())) {
        Some((_, permissions)) => permissions.push(inherited),
        None => lines.push((Holder::Group(ADMINS.to_owned()), vec![inherited])),
    }
    let list = lines.into_iter().map(|(holder, permissions)| {
        let (field, name) = match &holder {
            Holder::User(name) => ("user_name", name),
            Holder::Group(name) => ("group_name", name),
            Holder::ServicePrincipal(name) => ("service_principal_name", name),
        };
        let known = workspace.directory().principal(name).ok().flatten();
        let display_name = known.map_or_else(|| name.clone(), |known| known.display_name().to_owned());
        json!({ field: name, "display_name": display_name, "all_permissions": permissions })
    });
    let (path, object_type) = match kind {
        "warehouses" => (format!("/sql/warehouses/{id}"), "warehouses"),
        "jobs" => (format!("/jobs/{id}"), "job"),
        "serving-endpoints" => (format!("/serving-endpoints/{id}"), "serving-endpoint"),
        "experiments" => (format!("/experiments/{id}"), "mlflowExperiment"),
        other => (format!("/{other}/{id}"), other),
    };
    json!({ "object_id": path, "object_type": object_type, "access_control_list": list.collect::<Vec<_>>() })
}
