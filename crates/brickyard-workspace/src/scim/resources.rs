use serde_json::{Value, json};

use super::Kind;
use crate::directory::{EVERYBODY, Group, Principal, ServicePrincipal, User};
use crate::store::StoreError;
use crate::workspace::Workspace;

/// Every resource of a kind, ordered by id.
pub(super) fn all(workspace: &Workspace, kind: Kind) -> Result<Vec<Value>, StoreError> {
    let directory = workspace.directory();
    let mut found = match kind {
        Kind::Users => {
            let all = directory.users()?;
            all.iter().map(|one| user(workspace, one)).collect::<Result<Vec<_>, _>>()?
        }
        Kind::ServicePrincipals => {
            let all = directory.service_principals()?;
            all.iter().map(|one| service_principal(workspace, one)).collect::<Result<Vec<_>, _>>()?
        }
        Kind::Groups => {
            let all = directory.groups()?;
            all.iter().map(|one| group(workspace, one, &all)).collect::<Result<Vec<_>, _>>()?
        }
    };
    found.sort_by_key(|resource| resource["id"].as_str().and_then(|id| id.parse::<u64>().ok()));
    Ok(found)
}

/// A user or service principal as `Me` shows it.
pub(super) fn principal(workspace: &Workspace, principal: &Principal) -> Result<Value, StoreError> {
    match principal {
        Principal::User(one) => user(workspace, one),
        Principal::ServicePrincipal(one) => {
            // The platform shows a service principal's `Me` as a user whose name is the client id.
            let mut shown = service_principal(workspace, one)?;
            shown["userName"] = json!(one.application_id);
            shown["schemas"] = json!(["urn:ietf:params:scim:schemas:core:2.0:User"]);
            Ok(shown)
        }
    }
}

fn user(workspace: &Workspace, user: &User) -> Result<Value, StoreError> {
    let (given, family) = user.display_name.split_once(' ').unwrap_or((&user.display_name, ""));
    Ok(json!({
        "schemas": [
            "urn:ietf:params:scim:schemas:core:2.0:User",
            "urn:ietf:params:scim:schemas:extension:workspace:2.0:User",
        ],
        "id": user.id.to_string(),
        "userName": user.user_name,
        "displayName": user.display_name,
        "name": { "givenName": given, "familyName": family },
        "active": true,
        "emails": [{ "value": user.user_name, "type": "work", "primary": true }],
        "entitlements": values(&user.entitlements),
        "groups": memberships(workspace, &user.user_name)?,
    }))
}

pub(super) fn service_principal(
    workspace: &Workspace,
    principal: &ServicePrincipal,
) -> Result<Value, StoreError> {
    Ok(json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ServicePrincipal"],
        "id": principal.id.to_string(),
        "applicationId": principal.application_id,
        "displayName": principal.display_name,
        "active": true,
        "entitlements": [{ "value": "workspace-access" }],
        "groups": memberships(workspace, &principal.application_id)?,
    }))
}

pub(super) fn group(workspace: &Workspace, group: &Group, all: &[Group]) -> Result<Value, StoreError> {
    let mut members = Vec::new();
    if group.display_name == EVERYBODY[0] {
        members.extend(
            workspace.directory().users()?.iter().map(|one| member(one.id, &one.display_name, "Users")),
        );
    }
    for name in &group.members {
        if let Some(found) = workspace.directory().principal(name)? {
            let place = match found {
                Principal::User(_) => "Users",
                Principal::ServicePrincipal(_) => "ServicePrincipals",
            };
            members.push(member(found.id(), found.display_name(), place));
        } else if let Some(inner) = all.iter().find(|other| other.display_name.eq_ignore_ascii_case(name)) {
            members.push(member(inner.id, &inner.display_name, "Groups"));
        }
    }
    Ok(json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"],
        "id": group.id.to_string(),
        "displayName": group.display_name,
        "meta": { "resourceType": "WorkspaceGroup" },
        "members": members,
        "groups": memberships(workspace, &group.display_name)?,
    }))
}

fn member(id: u64, shown: &str, place: &str) -> Value {
    json!({ "value": id.to_string(), "display": shown, "$ref": format!("{place}/{id}") })
}

/// Groups a principal is in: those that name it are direct, the others hold it through a group.
fn memberships(workspace: &Workspace, name: &str) -> Result<Vec<Value>, StoreError> {
    let inside = workspace.directory().groups_of(name)?;
    let groups = workspace.directory().groups()?;
    let shown = groups.iter().filter(|group| inside.contains(&group.display_name)).map(|group| {
        let direct = group.members.iter().any(|member| member.eq_ignore_ascii_case(name));
        json!({
            "value": group.id.to_string(),
            "display": group.display_name,
            "type": if direct { "direct" } else { "indirect" },
            "$ref": format!("Groups/{}", group.id),
        })
    });
    Ok(shown.collect())
}

fn values(texts: &[String]) -> Vec<Value> {
    texts.iter().map(|text| json!({ "value": text })).collect()
}
