//! `deploy`: from a folder to a running app, in any workspace, through its public API alone.

mod app;
mod files;
mod follow;
mod journal;
mod place;
mod plan;
mod rollback;
mod start;
mod upload;
mod verify;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use brickyard_api::{App, Client, Deployment, EnvironmentVariable, PermissionEntry};
use brickyard_project::Project;
use brickyard_project::app_yaml::EnvSource;
use brickyard_project::check::Level;
use brickyard_project::new::check_name;
use tokio::time::Instant;

use super::check::{self, Request};
use super::resources::{self, Defaults};
use super::session::load_target;
use super::target::Target;
use crate::failure::{Failure, Kind};
pub(crate) use app::wait_for;
pub(crate) use files::digest;
use files::{Folder, LocalFile};
use journal::{Deployed as Made, Journal};
pub(crate) use place::is_protected;
pub(crate) use plan::DeployPlan;
pub(crate) use rollback::{Rolled, rollback};
pub(crate) use start::start;
pub(crate) use verify::Look;

/// How often the workspace is asked while something is on its way.
const POLL: Duration = Duration::from_millis(500);

/// Tells somebody what is going on.
pub(crate) type Tell = Arc<dyn Fn(&str) + Send + Sync>;

/// What is deployed and how.
#[derive(Debug, Clone, Default)]
pub(crate) struct DeployOptions {
    pub(crate) directory: PathBuf,
    /// Name of the app, in place of the project's.
    pub(crate) name: Option<String>,
    /// Folder of the workspace the source goes to, in place of the usual one.
    pub(crate) source_code_path: Option<String>,
    /// Target of the bundle, in place of the default one.
    pub(crate) bundle_target: Option<String>,
    /// `SNAPSHOT` or `AUTO_SYNC`; the former when absent.
    pub(crate) mode: Option<String>,
    /// Goes on although the checks found errors.
    pub(crate) unchecked: bool,
    /// Removes files of the folder that brickyard did not put there.
    pub(crate) prune: bool,
    /// Deploys also when the version that serves was made of exactly this.
    pub(crate) again: bool,
}

/// A deployment worked out, before anything was changed.
pub(crate) struct Prepared {
    pub(crate) plan: DeployPlan,
    wanted: App,
    request: Deployment,
    files: Vec<LocalFile>,
    existing: Option<App>,
    before: Journal,
    took: Took,
}

/// How long the parts of a deployment took that depend on its files, in milliseconds.
#[derive(Debug, Clone, Copy, Default, serde::Serialize)]
pub(crate) struct Took {
    /// Reading the folder and what the workspace has, and comparing the two.
    pub(crate) compare_milliseconds: f64,
    /// Bringing the workspace's folder in line.
    pub(crate) upload_milliseconds: f64,
}

/// What came of a deployment.
#[derive(Debug, serde::Serialize)]
pub(crate) struct Deployed {
    pub(crate) plan: DeployPlan,
    pub(crate) app: App,
    /// The version that serves now.
    pub(crate) deployment: Option<Deployment>,
    pub(crate) url: Option<String>,
    pub(crate) uploaded: usize,
    pub(crate) removed: usize,
    pub(crate) took: Took,
    /// What was looked at in the end.
    pub(crate) verification: Vec<Look>,
}

impl Deployed {
    /// Whether everything is as it should be.
    pub(crate) fn is_good(&self) -> bool {
        self.verification.iter().all(|look| look.good)
    }
}

/// Checks the app, reads the folder and asks the workspace what is there; changes nothing.
pub(crate) async fn prepare(target: &Target, options: &DeployOptions) -> Result<Prepared, Failure> {
    let project = load_target(&options.directory, options.bundle_target.as_deref())?;
    if !options.unchecked {
        refuse_errors(&project)?;
    }
    let client = &target.client;
    let name = options.name.clone().unwrap_or_else(|| project.name.clone());
    check_name(&name).map_err(|error| Failure::user(error.to_string()).hint("`--name` gives another one"))?;
    let directory = project.dir.clone();
    let begun = Instant::now();
    let Folder { files, links } = tokio::task::spawn_blocking(move || files::collect(&directory))
        .await
        .map_err(|error| Failure::machine("Cannot read the app's folder").because(error))??;
    let path = match &options.source_code_path {
        Some(path) => place::of(path)?,
        None => format!("/Workspace/Users/{}/apps/{name}", client.me().await?.user_name),
    };
    let (existing, before, remote) = tokio::try_join!(
        async { Ok::<_, Failure>(client.app(&name).await?) },
        Journal::read(client, &path),
        journal::listing(client, &path)
    )?;
    let mut plan = DeployPlan { app: name.clone(), path, links, ..DeployPlan::default() };
    plan::compare(&mut plan, &files, &before, &remote, options.prune);
    let took = Took { compare_milliseconds: milliseconds(begun), ..Took::default() };
    let wanted = wanted(target, &project, &name, existing.as_ref()).await?;
    let request = request(&project, &plan.path, options.mode.as_deref());
    let deleting = |app: &App| app.compute_status.as_ref().is_some_and(|status| status.state == "DELETING");
    let adopted = existing.as_ref().filter(|app| !deleting(app));
    plan.creates = adopted.is_none();
    let entries = permissions(&project);
    if let Some(app) = adopted {
        plan::compare_app(&mut plan, app, &wanted);
        plan.permissions = app::missing_permissions(client, &name, &entries).await?;
    } else {
        plan.resources = wanted.resources.iter().map(|resource| resource.name.clone()).collect();
        plan.scopes = Some(wanted.user_api_scopes.clone()).filter(|scopes| !scopes.is_empty());
        plan.permissions = entries;
    }
    plan.deploys =
        options.again || plan.changes_files() || plan.changes_app() || !serves(adopted, &before, &request);
    Ok(Prepared { plan, wanted, request, files, existing, before, took })
}

/// Does what was prepared: the app, its resources, the files, the deployment, and a look at the result.
pub(crate) async fn apply(target: &Target, prepared: Prepared, tell: &Tell) -> Result<Deployed, Failure> {
    let client = &target.client;
    let Prepared { plan, wanted, request, files, existing, before, mut took } = prepared;
    let name = wanted.name.clone();
    let underway = existing
        .as_ref()
        .and_then(|app| app.pending_deployment.as_ref())
        .and_then(|pending| pending.deployment_id.clone());
    app::ready(client, &wanted, existing, &plan, tell).await?;
    if plan.changes_files() {
        let count = plan.added.len() + plan.changed.len();
        tell(&format!("Uploading {count} of {} files to {}", files.len(), plan.path));
    }
    let begun = Instant::now();
    let (uploaded, removed) = upload::bring_in_line(client, &files, &plan, &before, tell).await?;
    took.upload_milliseconds = milliseconds(begun);
    let mut made = before.deployment.as_ref().map(|made| made.id.clone()).unwrap_or_default();
    if plan.deploys {
        tell("Deploying");
        let following = target.follow_log(&name, tell).await;
        let deployment = follow::run(client, &name, &request, underway.as_deref(), tell).await;
        if let Some(following) = following {
            following.finish().await;
        }
        let deployment = deployment?;
        let state = deployment.status.clone().unwrap_or_default();
        if state.state != "SUCCEEDED" {
            let hint = if state.state == "CANCELLED" {
                "deploy again: what was done is kept".to_owned()
            } else {
                format!("read `brickyard logs {name}`, mend the app, and deploy again")
            };
            return Err(Failure::app(format!("The deployment did not succeed: {}", state.message)).hint(hint));
        }
        made = deployment.deployment_id.clone().unwrap_or_default();
        let deployed = Made { id: made.clone(), configuration: configuration(&request) };
        Journal::complete(&files, Some(deployed)).write(client, &plan.path).await?;
    }
    let app = client.app(&name).await?.ok_or_else(|| app::vanished(&name))?;
    let deployment = app.active_deployment.clone();
    let verification = verify::look(target, &app, &made, plan.deploys).await;
    let url = target.app_url(&app);
    Ok(Deployed { plan, app, deployment, url, uploaded, removed, took, verification })
}

fn milliseconds(begun: Instant) -> f64 {
    begun.elapsed().as_secs_f64() * 1e3
}

/// Deploys a folder of the workspace and waits for the outcome, whatever it is.
pub(crate) async fn run(
    client: &Client,
    name: &str,
    request: &Deployment,
    tell: &Tell,
) -> Result<Deployment, Failure> {
    follow::run(client, name, request, None, tell).await
}

/// The files of a folder that belong to an app, with their names below it.
pub(crate) fn collect_files(directory: &std::path::Path) -> Result<Vec<(PathBuf, String)>, Failure> {
    Ok(files::collect(directory)?.files.into_iter().map(|file| (file.path, file.name)).collect())
}

/// What would fail on the platform is refused here, before anything is sent.
fn refuse_errors(project: &Project) -> Result<(), Failure> {
    let request = Request { path: &project.dir, select: Vec::new(), ignore: Vec::new(), checklist: false };
    let report = check::check(&request)?;
    let errors: Vec<String> = report
        .findings
        .iter()
        .filter(|finding| finding.level == Level::Error)
        .map(|finding| {
            let file = finding.source.path.strip_prefix(&project.dir).unwrap_or(&finding.source.path);
            format!("{}:{}: {} {}", file.display(), finding.start().line, finding.rule.code, finding.message)
        })
        .collect();
    if errors.is_empty() {
        return Ok(());
    }
    Err(Failure::app(format!("The app would not work on the platform:\n  {}", errors.join("\n  ")))
        .hint("`brickyard check` says more and mends some; `--no-check` deploys all the same"))
}

async fn wanted(
    target: &Target,
    project: &Project,
    name: &str,
    existing: Option<&App>,
) -> Result<App, Failure> {
    let client = &target.client;
    let warehouse = resources::warehouse(client, project).await?;
    let made = BTreeMap::new();
    let defaults = Defaults { warehouse_id: &warehouse, local: target.local.is_some(), made: &made };
    let mut resources = resources::declared(project, &defaults)?;
    // What a file does not say and the app already has is somebody's choice: it stays.
    let assumed = resources::assumed(project);
    for resource in resources.iter_mut().filter(|resource| assumed.contains(&resource.name)) {
        let known = existing.and_then(|app| app.resources.iter().find(|known| known.name == resource.name));
        if let Some(known) = known {
            resource.clone_from(known);
        }
    }
    let bundle = project.bundle_app();
    Ok(App {
        name: name.to_owned(),
        description: bundle.and_then(|app| app.description.clone()),
        resources,
        user_api_scopes: project.user_api_scopes(),
        compute_size: bundle
            .and_then(|app| app.compute_size.clone())
            .or_else(|| project.settings.app.compute_size.as_ref().map(|size| size.to_uppercase())),
        telemetry_export_destinations: project.telemetry_export_destinations(),
        ..App::default()
    })
}

/// What is asked for: the bundle's `config` goes with the deployment, as `bundle run` does it (platform §9.2).
fn request(project: &Project, path: &str, mode: Option<&str>) -> Deployment {
    let bundle = project.bundle_app();
    let variables = bundle.map(|app| app.env.as_slice()).unwrap_or_default().iter().map(|entry| {
        let (value, value_from) = match &entry.source {
            EnvSource::Value(value) => (Some(value.clone()), None),
            EnvSource::Resource(key) => (None, Some(key.clone())),
        };
        EnvironmentVariable { name: entry.name.clone(), value, value_from }
    });
    Deployment {
        source_code_path: Some(path.to_owned()),
        mode: Some(mode.unwrap_or("SNAPSHOT").to_owned()),
        command: bundle.and_then(|app| app.command.clone()).unwrap_or_default(),
        env_vars: variables.collect(),
        ..Deployment::default()
    }
}

/// The bundle's permissions as entries of an access list.
fn permissions(project: &Project) -> Vec<PermissionEntry> {
    let all = project.bundle_app().map(|app| app.permissions.as_slice()).unwrap_or_default();
    all.iter()
        .filter(|(_, principal)| !principal.contains("${"))
        .map(|(level, principal)| {
            let mut entry =
                PermissionEntry { permission_level: Some(level.clone()), ..PermissionEntry::default() };
            if principal.contains('@') {
                entry.user_name = Some(principal.clone());
            } else if uuid::Uuid::parse_str(principal).is_ok() {
                entry.service_principal_name = Some(principal.clone());
            } else {
                entry.group_name = Some(principal.clone());
            }
            entry
        })
        .collect()
}

/// Whether the version that serves was made of exactly this.
fn serves(app: Option<&App>, before: &Journal, request: &Deployment) -> bool {
    let (Some(app), Some(made)) = (app, &before.deployment) else { return false };
    let running = app.app_status.as_ref().is_some_and(|status| status.state == "RUNNING");
    let active = app.active_deployment.as_ref();
    let same_mode = active.is_some_and(|active| active.mode == request.mode);
    running
        && same_mode
        && app.pending_deployment.is_none()
        && active.and_then(|active| active.deployment_id.as_ref()) == Some(&made.id)
        && made.configuration == configuration(request)
}

fn configuration(request: &Deployment) -> String {
    let parts = serde_json::json!([request.command, request.env_vars]);
    digest(parts.to_string().as_bytes())
}

/// What there is no deployment for.
pub(super) fn no_deployment(name: &str, what: &str) -> Failure {
    Failure::new(Kind::Workspace, format!("App `{name}` has no {what}"))
        .hint(format!("`brickyard get {name}` shows its versions"))
}
