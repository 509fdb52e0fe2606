use std::time::Duration;

use brickyard_api::{App, AppResource, Client, PermissionEntry};
use serde_json::{Map, json};

use super::plan::{DeployPlan, holder};
use super::{POLL, Tell};
use crate::failure::{Failure, Kind};

/// How long an app may take to go away before a new one of its name is made.
const DELETING: Duration = Duration::from_secs(25 * 60);

/// How long a machine or a change may take.
pub(super) const SETTLING: Duration = Duration::from_secs(20 * 60);

/// The app as it should be: made, or brought in line without touching what the project does not say.
pub(super) async fn ready(
    client: &Client,
    wanted: &App,
    existing: Option<App>,
    plan: &DeployPlan,
    tell: &Tell,
) -> Result<App, Failure> {
    let name = &wanted.name;
    let app = match existing {
        Some(app) if state(&app) == "DELETING" => {
            tell("Waiting until the deleted app of this name is gone");
            gone(client, name).await?;
            create(client, wanted, tell).await?
        }
        Some(app) => app,
        None => create(client, wanted, tell).await?,
    };
    let app = match state(&app) {
        "STARTING" | "UPDATING" | "STOPPING" => settled(client, name).await?,
        _ => app,
    };
    let mut changes = Map::new();
    if !plan.creates && !plan.resources.is_empty() {
        changes.insert("resources".to_owned(), json!(merged(&app.resources, &wanted.resources)));
    }
    if let (false, Some(scopes)) = (plan.creates, &plan.scopes) {
        changes.insert("user_api_scopes".to_owned(), json!(scopes));
    }
    let fields = if plan.creates { &[][..] } else { &plan.fields };
    for field in fields {
        let value = match field.as_str() {
            "description" => json!(wanted.description),
            "compute_size" => json!(wanted.compute_size),
            "telemetry_export_destinations" => json!(wanted.telemetry_export_destinations),
            _ => continue,
        };
        changes.insert(field.clone(), value);
    }
    if !changes.is_empty() {
        let mask: Vec<&str> = changes.keys().map(String::as_str).collect();
        let mask = mask.join(",");
        tell(&format!("Setting {} of the app", mask.replace(',', ", ")));
        let body = json!(changes);
        client.create_app_update(name, &body, &mask).await?;
        updated(client, name).await?;
    }
    if !plan.permissions.is_empty() {
        tell("Giving permissions on the app");
        client.add_permissions("apps", name, &plan.permissions).await?;
    }
    if matches!(state(&app), "STOPPED" | "ERROR") {
        tell("Starting the app's compute");
        client.start_app(name).await?;
    }
    wait_for(client, name, "ACTIVE").await
}

async fn create(client: &Client, wanted: &App, tell: &Tell) -> Result<App, Failure> {
    tell(&format!("Creating the app {}", wanted.name));
    match client.create_app(wanted).await {
        // The answer of an earlier try was lost on the way: the app is there.
        Err(failure) if failure.code() == "RESOURCE_ALREADY_EXISTS" => {
            client.app(&wanted.name).await?.ok_or_else(|| vanished(&wanted.name))
        }
        other => Ok(other?),
    }
}

/// The permissions asked for that are not held yet.
pub(super) async fn missing_permissions(
    client: &Client,
    name: &str,
    wanted: &[PermissionEntry],
) -> Result<Vec<PermissionEntry>, Failure> {
    if wanted.is_empty() {
        return Ok(Vec::new());
    }
    let held = client.permissions("apps", name).await?;
    let holds = |entry: &&PermissionEntry| {
        !held.iter().any(|known| {
            holder(known).eq_ignore_ascii_case(holder(entry))
                && known.all_permissions.iter().any(|held| {
                    Some(&held.permission_level) == entry.permission_level.as_ref()
                        || held.permission_level == "CAN_MANAGE"
                })
        })
    };
    Ok(wanted.iter().filter(holds).cloned().collect())
}

/// The app's resources with those of the project put over them: others' are kept.
fn merged(held: &[AppResource], wanted: &[AppResource]) -> Vec<AppResource> {
    let mut resources = held.to_vec();
    for resource in wanted {
        match resources.iter_mut().find(|known| known.name == resource.name) {
            Some(known) => known.clone_from(resource),
            None => resources.push(resource.clone()),
        }
    }
    resources
}

pub(super) fn state(app: &App) -> &str {
    app.compute_status.as_ref().map_or("", |status| &status.state)
}

async fn gone(client: &Client, name: &str) -> Result<(), Failure> {
    let gone = async {
        while client.app(name).await?.is_some_and(|app| state(&app) == "DELETING") {
            tokio::time::sleep(POLL).await;
        }
        Ok::<_, Failure>(())
    };
    tokio::time::timeout(DELETING, gone)
        .await
        .map_err(|_| Failure::new(Kind::Workspace, format!("App `{name}` is still being deleted")))?
}

async fn settled(client: &Client, name: &str) -> Result<App, Failure> {
    let wait = async {
        loop {
            let app = client.app(name).await?.ok_or_else(|| vanished(name))?;
            if !matches!(state(&app), "STARTING" | "UPDATING" | "STOPPING") {
                return Ok(app);
            }
            tokio::time::sleep(POLL).await;
        }
    };
    tokio::time::timeout(SETTLING, wait).await.map_err(|_| {
        Failure::new(Kind::Workspace, "The app's compute does not settle after 20 minutes".to_owned())
    })?
}

async fn updated(client: &Client, name: &str) -> Result<(), Failure> {
    let wait = async {
        loop {
            let update = client.app_update(name).await?;
            match update.status.state.as_str() {
                "FAILED" => {
                    let message = format!("The app could not be changed: {}", update.status.message);
                    return Err(Failure::new(Kind::Workspace, message));
                }
                "IN_PROGRESS" => tokio::time::sleep(POLL).await,
                _ => return Ok(()),
            }
        }
    };
    tokio::time::timeout(SETTLING, wait)
        .await
        .map_err(|_| Failure::new(Kind::Workspace, "The app is not changed after 20 minutes".to_owned()))?
}

/// Waits until the app's machine is in a state.
pub(crate) async fn wait_for(client: &Client, name: &str, wanted: &str) -> Result<App, Failure> {
    let wait = async {
        loop {
            let app = client.app(name).await?.ok_or_else(|| vanished(name))?;
            let now = state(&app);
            if now == wanted {
                return Ok(app);
            }
            if now == "ERROR" {
                let message = app.compute_status.as_ref().map_or("", |status| &status.message);
                return Err(Failure::new(Kind::Workspace, format!("The app's compute failed: {message}")));
            }
            tokio::time::sleep(POLL).await;
        }
    };
    tokio::time::timeout(SETTLING, wait).await.map_err(|_| {
        Failure::new(Kind::Workspace, format!("The app's compute is not {wanted} after 20 minutes"))
    })?
}

pub(super) fn vanished(name: &str) -> Failure {
    Failure::new(Kind::Workspace, format!("App `{name}` vanished"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resources_of_others_are_kept() {
        let named = |name: &str, text: &str| AppResource {
            name: name.to_owned(),
            description: Some(text.to_owned()),
            ..AppResource::default()
        };
        let merged =
            merged(&[named("a", "theirs"), named("b", "old")], &[named("b", "new"), named("c", "new")]);
        let told: Vec<_> =
            merged.iter().map(|one| (one.name.as_str(), one.description.as_deref().unwrap())).collect();
        assert_eq!(told, [("a", "theirs"), ("b", "new"), ("c", "new")]);
    }
}
