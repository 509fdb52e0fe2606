use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use brickyard_api::{App, Client};
use brickyard_project::Project;
use brickyard_runner::ingress::{Port, SignIn};
use brickyard_runner::warden::Limits;
use brickyard_workspace::RegisteredApp;

use super::apps::{Claims, Door, LocalApp, Plan, PortPolicy};
use super::local::{LocalWorkspace, Options};
use super::provision::Report;
use super::resources::{self, Defaults};
use crate::failure::Failure;
use crate::settings::Settings;

/// One app of the disk in a local workspace: what `run`, `exec` and `env` work with.
pub(crate) struct AppSession {
    pub(crate) project: Project,
    pub(crate) workspace: LocalWorkspace,
    pub(crate) app: Arc<LocalApp>,
    pub(crate) plan: Plan,
    /// Resources that were made up because no file says what they are: key and reason.
    pub(crate) assumed: Vec<String>,
}

/// How an app's session is opened.
pub(crate) struct SessionOptions {
    /// Folder of the app.
    pub(crate) directory: PathBuf,
    pub(crate) door: Door,
    pub(crate) named_port: Option<Port>,
    pub(crate) port: PortPolicy,
    /// See [`Plan::development`].
    pub(crate) development: bool,
    pub(crate) reload: bool,
    pub(crate) report: Report,
}

impl AppSession {
    /// Reads the app, starts the workspace, and makes the app and what it needs known there.
    pub(crate) async fn open(settings: &Settings, options: SessionOptions) -> Result<Self, Failure> {
        let project = load(&options.directory)?;
        let state_directory = settings.state_directory(&project.dir);
        keep_out_of_git(&state_directory)?;
        let workspace = LocalWorkspace::start(
            settings,
            Options {
                project: Some(&project),
                state_directory: state_directory.clone(),
                report: Arc::clone(&options.report),
                named_port: options.named_port,
            },
        )
        .await?;
        match Self::register(settings, &options, &project, &workspace).await {
            Ok((app, plan, assumed)) => Ok(Self { project, workspace, app, plan, assumed }),
            Err(failure) => {
                workspace.stop().await;
                Err(failure)
            }
        }
    }

    async fn register(
        settings: &Settings,
        options: &SessionOptions,
        project: &Project,
        workspace: &LocalWorkspace,
    ) -> Result<(Arc<LocalApp>, Plan, Vec<String>), Failure> {
        let client = workspace.client(&workspace.developer)?;
        let mut door = options.door.clone();
        if let SignIn::As(user) = &mut door.sign_in {
            if user.is_empty() {
                user.clone_from(&workspace.developer);
            }
            workspace.client(user)?; // refuses a user who is not there, before anything starts
        }
        super::seed::secrets(&client, project, settings).await?;
        super::serving::configure(&workspace.handle, project)?;
        let made = super::stand_ins::before_the_app(&client, workspace, project, settings).await?;
        // What the seed makes is there before the app is bound to it.
        super::warehouse_seed::plant(&client, project, &workspace.state_directory).await?;
        super::stand_ins::after_the_seed(&client, project).await?;
        let (registered, assumed) = register(&client, workspace, project, &made).await?;
        super::seed::lakebase(workspace, project, &registered.app).await?;
        super::warehouse_seed::grant(&client, workspace, project, &registered.app).await?;
        super::lab::prepare(&workspace.handle, project)?;
        let app = workspace.apps.open(&project.name, door).await?;
        let secret = |key: &str| {
            registered.app.resources.iter().any(|resource| resource.name == key && resource.secret.is_some())
        };
        let plan = Plan {
            settings: settings.clone(),
            tools: Arc::clone(&workspace.tools),
            logs: app.logs.clone(),
            source: project.dir.clone(),
            home: workspace.state_directory.join("homes").join(&project.name),
            platform: registered.environment.clone(),
            address: app.address(),
            values: registered
                .values
                .iter()
                .map(|(key, value)| (key.clone(), value.clone(), secret(key)))
                .collect(),
            variables: Vec::new(),
            command: None,
            port: options.port,
            claims: Claims::new(settings.ports_directory(), &project.name),
            apart: false,
            limits: match project.compute_size() {
                Some(size) if size.eq_ignore_ascii_case("large") => Limits::LARGE,
                _ => Limits::MEDIUM,
            },
            development: options.development,
            reload: options.reload,
            report: Arc::clone(&options.report),
        };
        Ok((app, plan, assumed))
    }
}

/// Reads the app in a folder.
pub(crate) fn load(directory: &Path) -> Result<Project, Failure> {
    load_target(directory, None)
}

/// The same, with the target of its bundle chosen.
pub(crate) fn load_target(directory: &Path, target: Option<&str>) -> Result<Project, Failure> {
    if directory.is_file() {
        let folder = directory.parent().unwrap_or(directory);
        return Err(Failure::user(format!("`{}` is a file, and an app is a folder", directory.display()))
            .hint(format!("name the folder: `{}`", folder.display())));
    }
    if !directory.is_dir() {
        return Err(Failure::user(format!("There is no folder `{}`", directory.display()))
            .hint("name the folder of an app, or run `brickyard new NAME` to make one"));
    }
    let project = Project::load_target(directory, target)?;
    match (&project.bundle, target) {
        (None, Some(target)) => {
            Err(Failure::user(format!("There is no bundle that could have a target `{target}`"))
                .hint("`brickyard bundle init` writes a `databricks.yml`"))
        }
        (Some(bundle), Some(target)) if !bundle.targets.iter().any(|known| known == target) => {
            let known = match bundle.targets.as_slice() {
                [] => "it has none".to_owned(),
                targets => format!("it has `{}`", targets.join("`, `")),
            };
            Err(Failure::user(format!("The bundle has no target `{target}`")).hint(known))
        }
        _ => Ok(project),
    }
}

async fn register(
    client: &Client,
    workspace: &LocalWorkspace,
    project: &Project,
    made: &BTreeMap<String, String>,
) -> Result<(RegisteredApp, Vec<String>), Failure> {
    let resources = brickyard_project::resources::resolve(project);
    let warehouse = resources::warehouse(client, project).await?;
    let assumed = resources
        .iter()
        .filter(|resource| resource.origin == brickyard_project::resources::Origin::WellKnownKey)
        .map(|resource| resource.why.clone())
        .collect();
    let app = App {
        name: project.name.clone(),
        resources: resources::declared(project, &Defaults { warehouse_id: &warehouse, local: true, made })?,
        user_api_scopes: project.user_api_scopes(),
        telemetry_export_destinations: project.telemetry_export_destinations(),
        ..App::default()
    };
    let secrets: Vec<_> = app.resources.iter().filter_map(|resource| resource.secret.clone()).collect();
    let registered = workspace.handle.register_app(app, &workspace.developer).await.map_err(|error| {
        let told = |secret: &&brickyard_api::SecretResource| {
            error.message.contains(&format!("scope: {} and key: {};", secret.scope, secret.key))
        };
        match secrets.iter().find(told) {
            Some(secret) => Failure::app(error.message.clone()).hint(format!(
                "write `{} = \"…\"` under `[secrets.{}]` in `brickyard.toml`",
                secret.key, secret.scope
            )),
            None => Failure::from(error),
        }
    })?;
    // Whoever is in `brickyard.toml` may open the app: to see it as another user is what they are there for.
    workspace.let_users_use("apps", &project.name)?;
    Ok((registered, assumed))
}

/// The state directory is never committed by accident.
fn keep_out_of_git(state_directory: &Path) -> Result<(), Failure> {
    let ignore = state_directory.join(".gitignore");
    if ignore.exists() {
        return Ok(());
    }
    std::fs::create_dir_all(state_directory).and_then(|()| std::fs::write(&ignore, "*\n")).map_err(|error| {
        Failure::machine(format!("Cannot use the state directory `{}`", state_directory.display()))
            .because(error)
            .hint("name a directory you may write with `--state-directory`")
    })
}
