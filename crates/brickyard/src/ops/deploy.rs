//! `deploy`: from a folder to a running app, in any workspace, through its public API alone.

mod files;
mod plan;
mod upload;
mod verify;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use brickyard_api::{App, Client, Deployment};
use brickyard_project::Project;
use serde_json::{Map, json};

use super::resources::{self, Defaults};
use super::session::load;
use super::target::Target;
use crate::failure::{Failure, Kind};
use files::LocalFile;
pub(crate) use files::digest;
pub(crate) use plan::DeployPlan;

/// How often the workspace is asked while something is on its way.
const POLL: Duration = Duration::from_millis(500);

/// How long an app may take to go away before a new one of its name is made.
const DELETING: Duration = Duration::from_secs(25 * 60);

/// How long a deployment may take.
const DEPLOYING: Duration = Duration::from_secs(20 * 60);

/// Tells somebody what is going on.
pub(crate) type Tell = Arc<dyn Fn(&str) + Send + Sync>;

/// What is deployed and how.
pub(crate) struct DeployOptions {
    pub(crate) directory: PathBuf,
    /// Name of the app, in place of the project's.
    pub(crate) name: Option<String>,
    /// Folder of the workspace the source goes to, in place of the usual one.
    pub(crate) source_code_path: Option<String>,
}

/// A deployment worked out, before anything was changed.
pub(crate) struct Prepared {
    pub(crate) plan: DeployPlan,
    name: String,
    path: String,
    wanted: App,
    files: Vec<LocalFile>,
    existing: Option<App>,
}

/// What came of a deployment.
#[derive(Debug, serde::Serialize)]
pub(crate) struct Deployed {
    pub(crate) app: App,
    pub(crate) deployment: Deployment,
    pub(crate) url: Option<String>,
    pub(crate) uploaded: usize,
    pub(crate) removed: usize,
}

/// Reads the folder and asks the workspace what is there; changes nothing.
pub(crate) async fn prepare(target: &Target, options: &DeployOptions) -> Result<Prepared, Failure> {
    let project = load(&options.directory)?;
    let client = &target.client;
    let name = options.name.clone().unwrap_or_else(|| project.name.clone());
    let files = files::collect(&project.dir)?;
    let me = client.me().await?;
    let path = options
        .source_code_path
        .clone()
        .unwrap_or_else(|| format!("/Workspace/Users/{}/apps/{name}", me.user_name));
    let wanted = wanted(client, &project, &name).await?;
    let existing = client.app(&name).await?;
    let before = upload::manifest(client, &path).await?;
    let plan = plan::compare(&files, &before, existing.as_ref(), &wanted, &path);
    Ok(Prepared { plan, name, path, wanted, files, existing })
}

/// Does what was prepared: the app, its resources, the files, the deployment, and a look at the result.
pub(crate) async fn apply(target: &Target, prepared: Prepared, tell: &Tell) -> Result<Deployed, Failure> {
    let client = &target.client;
    let Prepared { plan, name, path, wanted, files, existing } = prepared;
    let app = ready_app(client, &name, &wanted, existing, &plan, tell).await?;
    tell(&format!("Uploading {} of {} files to {path}", plan.added.len() + plan.changed.len(), files.len()));
    let (uploaded, removed) = upload::bring_in_line(client, &path, &files, &plan).await?;
    if app.compute_status.as_ref().is_some_and(|status| status.state == "STOPPED") {
        tell("Starting the app's compute");
        client.start_app(&name).await?;
        wait_for_compute(client, &name, "ACTIVE").await?;
    }
    tell("Deploying");
    let request = Deployment {
        source_code_path: Some(path),
        mode: Some("SNAPSHOT".to_owned()),
        ..Deployment::default()
    };
    let deployment = run_told(client, &name, &request, tell).await?;
    let state = deployment.status.clone().unwrap_or_default();
    if state.state != "SUCCEEDED" {
        return Err(Failure::app(format!("The deployment did not succeed: {}", state.message))
            .hint(format!("read `brickyard logs {name}`, mend the app, and deploy again")));
    }
    let app = client
        .app(&name)
        .await?
        .ok_or_else(|| Failure::new(Kind::Workspace, format!("App `{name}` vanished")))?;
    verify::running(&app)?;
    let url = target.app_url(&app);
    if target.local.is_some()
        && let Some(url) = &url
    {
        verify::answers(url).await?;
    }
    Ok(Deployed { app, deployment, url, uploaded, removed })
}

/// Deploys a folder of the workspace and waits for the outcome, whatever it is.
pub(crate) async fn run(client: &Client, name: &str, request: &Deployment) -> Result<Deployment, Failure> {
    let tell: Tell = Arc::new(|_| {});
    run_told(client, name, request, &tell).await
}

/// The files of a folder that belong to an app, with their names below it.
pub(crate) fn collect_files(directory: &std::path::Path) -> Result<Vec<(PathBuf, String)>, Failure> {
    Ok(files::collect(directory)?.into_iter().map(|file| (file.path, file.name)).collect())
}

async fn run_told(
    client: &Client,
    name: &str,
    request: &Deployment,
    tell: &Tell,
) -> Result<Deployment, Failure> {
    let deployment = create_deployment(client, name, request).await?;
    let id = deployment.deployment_id.clone().unwrap_or_default();
    follow(client, name, &id, tell).await
}

async fn wanted(client: &Client, project: &Project, name: &str) -> Result<App, Failure> {
    let warehouse = resources::warehouse(client, project).await?;
    Ok(App {
        name: name.to_owned(),
        resources: resources::declared(project, &Defaults { warehouse_id: &warehouse })?,
        user_api_scopes: project.user_api_scopes(),
        ..App::default()
    })
}

/// The app as it should be: made, or brought in line without touching what the project does not say.
async fn ready_app(
    client: &Client,
    name: &str,
    wanted: &App,
    existing: Option<App>,
    plan: &DeployPlan,
    tell: &Tell,
) -> Result<App, Failure> {
    let deleting = |app: &App| app.compute_status.as_ref().is_some_and(|status| status.state == "DELETING");
    let existing = match existing {
        Some(app) if deleting(&app) => {
            tell("Waiting until the deleted app of this name is gone");
            let gone = async {
                while client.app(name).await?.is_some() {
                    tokio::time::sleep(POLL).await;
                }
                Ok::<_, Failure>(())
            };
            tokio::time::timeout(DELETING, gone).await.map_err(|_| {
                Failure::new(Kind::Workspace, format!("App `{name}` is still being deleted"))
            })??;
            None
        }
        other => other,
    };
    let Some(app) = existing else {
        tell(&format!("Creating the app {name}"));
        client.create_app(wanted).await?;
        return wait_for_compute(client, name, "ACTIVE").await;
    };
    let mut changes = Map::new();
    if plan.resources {
        changes.insert("resources".to_owned(), json!(merged(&app, wanted)));
    }
    if plan.scopes {
        changes.insert("user_api_scopes".to_owned(), json!(wanted.user_api_scopes));
    }
    if changes.is_empty() {
        return Ok(app);
    }
    tell("Updating the app's resources and scopes");
    Ok(client.update_app(name, &changes.into()).await?)
}

/// The app's resources with those of the project put over them: others' are kept.
fn merged(app: &App, wanted: &App) -> Vec<brickyard_api::AppResource> {
    let mut resources = app.resources.clone();
    for resource in &wanted.resources {
        match resources.iter_mut().find(|known| known.name == resource.name) {
            Some(known) => known.clone_from(resource),
            None => resources.push(resource.clone()),
        }
    }
    resources
}

async fn wait_for_compute(client: &Client, name: &str, state: &str) -> Result<App, Failure> {
    let wait = async {
        loop {
            let app = client
                .app(name)
                .await?
                .ok_or_else(|| Failure::new(Kind::Workspace, format!("App `{name}` vanished")))?;
            let now = app.compute_status.clone().unwrap_or_default();
            if now.state == state {
                return Ok(app);
            }
            if now.state == "ERROR" {
                return Err(Failure::new(
                    Kind::Workspace,
                    format!("The app's compute failed: {}", now.message),
                ));
            }
            tokio::time::sleep(POLL).await;
        }
    };
    tokio::time::timeout(DEPLOYING, wait).await.map_err(|_| {
        Failure::new(Kind::Workspace, format!("The app's compute is not {state} after 20 minutes"))
    })?
}

/// Asks for the deployment; while another one is on its way, waits for that.
async fn create_deployment(client: &Client, name: &str, request: &Deployment) -> Result<Deployment, Failure> {
    match client.create_deployment(name, request).await {
        Err(failure) if failure.to_string().contains("active deployment in progress") => {
            Err(Failure::new(Kind::Workspace, failure.to_string())
                .hint("wait until the other deployment is done, then deploy again"))
        }
        other => Ok(other?),
    }
}

async fn follow(client: &Client, name: &str, id: &str, tell: &Tell) -> Result<Deployment, Failure> {
    let wait = async {
        let mut last = String::new();
        loop {
            let deployment = client.deployment(name, id).await?;
            let status = deployment.status.clone().unwrap_or_default();
            if status.message != last {
                tell(&status.message);
                last.clone_from(&status.message);
            }
            if status.state != "IN_PROGRESS" {
                return Ok(deployment);
            }
            tokio::time::sleep(POLL).await;
        }
    };
    tokio::time::timeout(DEPLOYING, wait).await.map_err(|_| {
        Failure::new(Kind::Workspace, "The deployment is not done after 20 minutes".to_owned())
    })?
}
