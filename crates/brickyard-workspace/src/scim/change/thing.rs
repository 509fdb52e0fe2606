//! A user, group or service principal that a request makes or changes.

use http::StatusCode;
use serde_json::{Map, Value};

use super::super::{Kind, failed, resources};
use super::{Refusal, internal, invalid, refused};
use crate::directory::{ADMINS, EVERYBODY, Group, Principal, ServicePrincipal, User};
use crate::workspace::Workspace;

/// What is changed; a group with the name it had.
pub(super) enum Thing {
    User(User),
    Group(Group, String),
    ServicePrincipal(ServicePrincipal),
}

impl Thing {
    /// A new one, where its name is free.
    pub(super) fn new(workspace: &Workspace, kind: Kind, body: &Map<String, Value>) -> Result<Self, Refusal> {
        let text = |field: &str| body.get(field).and_then(Value::as_str).unwrap_or_default().to_owned();
        let directory = workspace.directory();
        let id = fresh_id(workspace)?;
        let taken = |what: &str, name: &str| {
            (StatusCode::CONFLICT, Some("uniqueness"), format!("{what} with name {name} already exists."))
        };
        match kind {
            Kind::Users => {
                let name = text("userName");
                if !name.contains('@') || name.len() > 254 || name.contains(char::is_whitespace) {
                    return Err(invalid("userName must be an e-mail address"));
                }
                if directory.principal(&name).map_err(internal)?.is_some() {
                    return Err(taken("User", &name));
                }
                let shown = name.split('@').next().unwrap_or_default().to_owned();
                Ok(Self::User(User { id, user_name: name, display_name: shown, entitlements: Vec::new() }))
            }
            Kind::Groups => {
                let name = text("displayName");
                check_group_name(&name)?;
                if directory.groups().map_err(internal)?.iter().any(|known| known.display_name == name) {
                    return Err(taken("Group", &name));
                }
                let group = Group { id, display_name: name.clone(), members: Vec::new() };
                Ok(Self::Group(group, name))
            }
            Kind::ServicePrincipals => {
                let given = text("applicationId");
                let application_id =
                    if given.is_empty() { uuid::Uuid::new_v4().to_string() } else { given.to_lowercase() };
                if uuid::Uuid::parse_str(&application_id).is_err() {
                    return Err(invalid("applicationId must be a UUID"));
                }
                if directory.principal(&application_id).map_err(internal)?.is_some() {
                    return Err(taken("Service principal", &application_id));
                }
                let display_name = application_id.clone();
                Ok(Self::ServicePrincipal(ServicePrincipal { id, application_id, display_name }))
            }
        }
    }

    pub(super) fn find(workspace: &Workspace, kind: Kind, id: &str) -> Result<Self, Refusal> {
        let directory = workspace.directory();
        let number = id.parse::<u64>().ok();
        let missing = |noun: &str| refused(StatusCode::NOT_FOUND, format!("{noun} with id {id} not found."));
        match kind {
            Kind::Users => {
                let users = directory.users().map_err(internal)?;
                let found = users.into_iter().find(|user| Some(user.id) == number);
                found.map(Self::User).ok_or_else(|| missing("User"))
            }
            Kind::Groups => {
                let groups = directory.groups().map_err(internal)?;
                let found = groups.into_iter().find(|group| Some(group.id) == number);
                let found = found.ok_or_else(|| missing("Group"))?;
                let name = found.display_name.clone();
                Ok(Self::Group(found, name))
            }
            Kind::ServicePrincipals => {
                let principals = directory.service_principals().map_err(internal)?;
                let found = principals.into_iter().find(|principal| Some(principal.id) == number);
                found.map(Self::ServicePrincipal).ok_or_else(|| missing("ServicePrincipal"))
            }
        }
    }

    pub(super) fn operate(
        &mut self,
        workspace: &Workspace,
        verb: &str,
        path: &str,
        value: &Value,
    ) -> Result<(), Refusal> {
        // `members[value eq "12"]` names one of a list.
        let (attribute, chosen) = match path.split_once('[') {
            Some((attribute, rest)) => {
                let chosen =
                    rest.split('"').nth(1).ok_or_else(|| invalid(format!("The path {path} is not read")))?;
                (attribute, Some(chosen.to_owned()))
            }
            None => (path, None),
        };
        match verb {
            "add" | "replace" if attribute.is_empty() => {
                let fields =
                    value.as_object().ok_or_else(|| invalid("A change without path has an object"))?;
                for (attribute, value) in fields {
                    self.set(workspace, verb == "replace", attribute, value)?;
                }
                Ok(())
            }
            "add" | "replace" => self.set(workspace, verb == "replace", attribute, value),
            "remove" => {
                let chosen: Option<Vec<String>> = match (chosen, value) {
                    (Some(chosen), _) => Some(vec![chosen]),
                    (None, Value::Null) => None,
                    (None, value) => Some(values(value)),
                };
                self.take(workspace, attribute, chosen.as_deref())
            }
            other => Err(invalid(format!("op {other} is none of add, replace and remove"))),
        }
    }

    /// Sets what a body names.
    pub(super) fn apply(&mut self, workspace: &Workspace, body: &Value) -> Result<(), Refusal> {
        for (attribute, value) in body.as_object().into_iter().flatten() {
            // Memberships are changed at the group, and passed over here (RFC 7644 §3.5.1).
            if !["schemas", "id", "meta", "emails", "name", "externalId", "applicationId", "groups"]
                .contains(&attribute.as_str())
            {
                self.set(workspace, true, attribute, value)?;
            }
        }
        Ok(())
    }

    fn set(
        &mut self,
        workspace: &Workspace,
        replaces: bool,
        attribute: &str,
        value: &Value,
    ) -> Result<(), Refusal> {
        let text =
            || value.as_str().map(str::to_owned).ok_or_else(|| invalid(format!("{attribute} is a text")));
        match (self, attribute) {
            (Self::User(user), "displayName") => user.display_name = text()?,
            (Self::User(user), "userName") if value.as_str() == Some(user.user_name.as_str()) => {}
            (Self::User(user), "entitlements") => {
                if replaces {
                    user.entitlements.clear();
                }
                for entitlement in values(value) {
                    if !user.entitlements.contains(&entitlement) {
                        user.entitlements.push(entitlement);
                    }
                }
            }
            (Self::ServicePrincipal(principal), "displayName") => principal.display_name = text()?,
            (Self::ServicePrincipal(_), "entitlements")
                if values(value).iter().all(|one| one == "workspace-access") => {}
            (Self::Group(group, _), "displayName") => {
                let name = text()?;
                check_group_name(&name)?;
                group.display_name = name;
            }
            (Self::Group(group, _), "members") => {
                if replaces {
                    group.members.clear();
                }
                for id in values(value) {
                    let member = name_of(workspace, &id)?;
                    if !group.members.iter().any(|known| known.eq_ignore_ascii_case(&member)) {
                        group.members.push(member);
                    }
                }
            }
            (_, "active") if value.as_bool() == Some(true) || value.as_str() == Some("true") => {}
            (_, "groups" | "roles") if values(value).is_empty() => {}
            (_, other) => {
                return Err(refused(
                    StatusCode::NOT_IMPLEMENTED,
                    format!("The local workspace does not implement setting {other} to {value} here"),
                ));
            }
        }
        Ok(())
    }

    fn take(
        &mut self,
        workspace: &Workspace,
        attribute: &str,
        chosen: Option<&[String]>,
    ) -> Result<(), Refusal> {
        match (self, attribute) {
            (Self::User(user), "entitlements") => {
                user.entitlements.retain(|one| chosen.is_some_and(|chosen| !chosen.contains(one)));
            }
            (Self::Group(group, _), "members") => {
                let names = match chosen {
                    None => None,
                    Some(ids) => {
                        Some(ids.iter().map(|id| name_of(workspace, id)).collect::<Result<Vec<_>, _>>()?)
                    }
                };
                group.members.retain(|member| {
                    names
                        .as_ref()
                        .is_some_and(|names| !names.iter().any(|name| name.eq_ignore_ascii_case(member)))
                });
            }
            (_, other) => return Err(invalid(format!("{other} cannot be removed"))),
        }
        Ok(())
    }

    pub(super) fn keep(&self, workspace: &Workspace) -> Result<(), Refusal> {
        let directory = workspace.directory();
        match self {
            Self::User(user) => directory.put_user(user).map_err(internal),
            Self::ServicePrincipal(principal) => directory.put_service_principal(principal).map_err(internal),
            Self::Group(group, before) => {
                let system = |name: &str| name == ADMINS || name == EVERYBODY[0];
                if group.display_name != *before {
                    if system(before) || system(&group.display_name) {
                        return Err(invalid(format!("The group {before} belongs to the workspace")));
                    }
                    directory.remove_group(before).map_err(internal)?;
                }
                directory.put_group(group).map_err(internal)
            }
        }
    }

    pub(super) fn shown(&self, workspace: &Workspace) -> Result<Value, Refusal> {
        let shown = match self {
            Self::User(user) => resources::principal(workspace, &Principal::User(user.clone())),
            Self::ServicePrincipal(principal) => resources::service_principal(workspace, principal),
            Self::Group(group, _) => {
                let all = workspace.directory().groups().map_err(internal)?;
                resources::group(workspace, group, &all)
            }
        };
        shown.map_err(|error| refused(StatusCode::INTERNAL_SERVER_ERROR, failed(error).message))
    }
}

fn check_group_name(name: &str) -> Result<(), Refusal> {
    if name.is_empty() || name.len() > 255 || name.chars().any(char::is_control) || EVERYBODY.contains(&name)
    {
        return Err(invalid(format!("'{name}' is not a name of a group")));
    }
    Ok(())
}

/// What a list holds, `[{"value": "x"}]` or `["x"]` or one of them alone.
fn values(value: &Value) -> Vec<String> {
    let one = |value: &Value| {
        let text = value.get("value").unwrap_or(value);
        text.as_str().map(str::to_owned)
    };
    match value {
        Value::Array(list) => list.iter().filter_map(one).collect(),
        Value::Null => Vec::new(),
        other => one(other).into_iter().collect(),
    }
}

/// The name in groups of whoever has this id.
fn name_of(workspace: &Workspace, id: &str) -> Result<String, Refusal> {
    let number = id.parse::<u64>().ok();
    let directory = workspace.directory();
    let users = directory.users().map_err(internal)?;
    let principals = directory.service_principals().map_err(internal)?;
    let groups = directory.groups().map_err(internal)?;
    let found = users
        .into_iter()
        .map(|user| (user.id, user.user_name))
        .chain(principals.into_iter().map(|principal| (principal.id, principal.application_id)))
        .chain(groups.into_iter().map(|group| (group.id, group.display_name)))
        .find(|(known, _)| Some(*known) == number);
    found.map(|(_, name)| name).ok_or_else(|| invalid(format!("Nobody has the id {id}")))
}

/// An id that nobody has.
fn fresh_id(workspace: &Workspace) -> Result<u64, Refusal> {
    loop {
        let id = uuid::Uuid::new_v4().as_u64_pair().0 % 90_000_000_000_000 + 10_000_000_000_000;
        if name_of(workspace, &id.to_string()).is_err() {
            return Ok(id);
        }
    }
}
