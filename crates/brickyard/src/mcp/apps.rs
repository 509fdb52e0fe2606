use brickyard_api::{App, Client, Deployment};
use serde_json::{Value, json};

use super::Server;
use super::call::Call;
use crate::failure::Failure;
use crate::ops::deploy::{self, DeployOptions};

/// Most apps a list gives; how many more there are is told.
const MOST: usize = 100;

/// `manage_app`.
pub(super) async fn manage(server: &Server, call: &Call) -> Result<Value, Failure> {
    let client = server.target().await?.client;
    match call.needed("action")?.to_ascii_lowercase().as_str() {
        "create_or_update" => create_or_update(&client, call).await,
        "get" => get(&client, call).await,
        "list" => {
            let part = call.text("name_contains").unwrap_or_default().to_lowercase();
            let apps = client.apps().await?;
            let apps: Vec<&App> = apps.iter().filter(|app| app.name.contains(&part)).collect();
            let mut answer =
                json!({ "apps": apps.iter().copied().take(MOST).map(shown).collect::<Vec<_>>() });
            if apps.len() > MOST {
                answer["more"] = json!(apps.len() - MOST);
            }
            Ok(answer)
        }
        "delete" => {
            let name = call.needed("name")?;
            let app = client.delete_app(name).await?;
            Ok(
                json!({ "name": name, "status": "deleted", "compute": app.compute_status.map(|status| status.state) }),
            )
        }
        other => {
            Err(Failure::user(format!("Unknown action `{other}`: use create_or_update, get, list or delete")))
        }
    }
}

/// `deploy_app`.
pub(super) async fn deploy(server: &Server, call: &Call) -> Result<Value, Failure> {
    let target = server.target().await?;
    let options = DeployOptions {
        directory: server.settings.absolute(call.needed("path")?.as_ref()),
        name: call.text("name").map(str::to_owned),
        ..DeployOptions::default()
    };
    let prepared = deploy::prepare(&target, &options).await?;
    if call.flag("dry_run", false) {
        return Ok(json!({ "plan": prepared.plan }));
    }
    let deployed = deploy::apply(&target, prepared, &call.tell).await?;
    Ok(
        json!({ "app": shown(&deployed.app), "url": deployed.url, "uploaded": deployed.uploaded, "removed": deployed.removed, "verification": deployed.verification }),
    )
}

async fn create_or_update(client: &Client, call: &Call) -> Result<Value, Failure> {
    let name = call.needed("name")?;
    let existing = client.app(name).await?;
    let created = existing.is_none();
    let description = call.text("description").map(str::to_owned);
    let app = match (existing, description) {
        (None, description) => {
            client.create_app(&App { name: name.to_owned(), description, ..App::default() }).await?
        }
        (Some(_), Some(description)) => {
            client.update_app(name, &json!({ "description": description })).await?
        }
        (Some(app), None) => app,
    };
    let mut answer = shown(&app);
    answer["created"] = json!(created);
    if let Some(path) = call.text("source_code_path") {
        match put_live(client, &app, path, call).await {
            Ok(deployment) => answer["deployment"] = version(&deployment),
            Err(failure) => answer["deployment_error"] = json!(failure.to_string()),
        }
    }
    Ok(answer)
}

/// Deploys a folder of the workspace. An app that is stopped is started: the platform deploys to a machine that runs.
async fn put_live(client: &Client, app: &App, path: &str, call: &Call) -> Result<Deployment, Failure> {
    let name = &app.name;
    let mode = call.text("mode").unwrap_or("SNAPSHOT").to_uppercase();
    let state = app.compute_status.as_ref().map_or("", |status| &status.state);
    if state == "STOPPING" {
        deploy::wait_for(client, name, "STOPPED").await?;
    }
    if matches!(state, "STOPPING" | "STOPPED" | "ERROR") {
        (call.tell)("Starting the app's compute");
        client.start_app(name).await?;
    }
    // The machine of an app that was just made takes a moment.
    deploy::wait_for(client, name, "ACTIVE").await?;
    let request =
        Deployment { source_code_path: Some(path.to_owned()), mode: Some(mode), ..Deployment::default() };
    deploy::run(client, name, &request, &call.tell).await
}

async fn get(client: &Client, call: &Call) -> Result<Value, Failure> {
    let name = call.needed("name")?;
    let app = client.app(name).await?.ok_or_else(|| Failure::user(format!("App `{name}` was not found")))?;
    let mut answer = shown(&app);
    if call.flag("include_logs", false) {
        let mut wanted = call.text("deployment_id").map(str::to_owned);
        if wanted.is_none() {
            // Where no version serves, what the last one said before it failed is what tells why.
            let serves = app.active_deployment.clone();
            let shown = match serves {
                Some(deployment) => Some(deployment),
                None => client.deployments(name).await?.into_iter().next(),
            };
            wanted = shown.and_then(|deployment| deployment.deployment_id);
        }
        match wanted {
            None => answer["logs_error"] = json!("The app has no deployment yet"),
            Some(id) => {
                match client.get::<Value>(&format!("/api/2.0/apps/{name}/deployments/{id}/logs"), &[]).await {
                    Ok(logs) => {
                        answer["logs"] = logs["logs"].clone();
                        answer["logs_deployment_id"] = json!(id);
                    }
                    Err(failure) => answer["logs_error"] = json!(failure.to_string()),
                }
            }
        }
    }
    Ok(answer)
}

/// An app as agents know it.
fn shown(app: &App) -> Value {
    json!({
        "name": app.name,
        "description": app.description,
        "url": app.url,
        "status": app.compute_status.as_ref().map(|status| format!("ComputeState.{}", status.state)),
        "app_status": app.app_status.as_ref().map(|status| status.state.clone()),
        "create_time": app.create_time,
        "update_time": app.update_time,
        "active_deployment": app.active_deployment.as_ref().map(version),
    })
}

fn version(deployment: &Deployment) -> Value {
    let status = deployment.status.clone().unwrap_or_default();
    json!({
        "deployment_id": deployment.deployment_id,
        "source_code_path": deployment.source_code_path,
        "mode": deployment.mode,
        "create_time": deployment.create_time,
        "state": status.state,
        "message": status.message,
    })
}
