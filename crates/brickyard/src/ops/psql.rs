use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;

use brickyard_api::{Client, Credentials};
use serde_json::{Value, json};
use tokio::process::Command;

use super::app_environment::Variable;
use super::apps::{Door, PortPolicy};
use super::environment::of_running;
use super::provision::Report;
use super::running::Running;
use super::session::{AppSession, SessionOptions, load};
use crate::failure::Failure;
use crate::lifecycle::Lifecycle;
use crate::settings::Settings;

/// As whom a session is opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Who {
    /// The developer, who owns the database.
    Developer,
    /// The app's own principal.
    App,
    /// A user, by e-mail address.
    User(String),
}

/// Where the app's database is, and as whom to enter it.
struct Session {
    variables: Vec<(String, String)>,
}

/// Opens `psql` on the app's database and gives its exit code. The workspace of a `run` is joined; else one is started
/// and stopped again.
pub(crate) async fn run(
    settings: &Settings,
    directory: &Path,
    who: &Who,
    arguments: &[OsString],
    report: Report,
    lifecycle: &Lifecycle,
) -> Result<u8, Failure> {
    let program = find(settings)?;
    let project = load(directory)?;
    let state_directory = settings.state_directory(&project.dir);
    if let Some(running) = Running::find(&state_directory).await {
        let variables = of_running(&state_directory).await.unwrap_or_default();
        let lookup = |name: &str| lookup(&variables, name);
        let (client, user) = match who {
            Who::App => {
                (app_client(&running.http_url, lookup)?, lookup("DATABRICKS_CLIENT_ID").unwrap_or_default())
            }
            Who::Developer => (running.client()?, running.developer.clone()),
            Who::User(user) => (running.client_as(user).await?, user.clone()),
        };
        let session = Session::open(&client, &user, lookup).await?;
        return session.spawn(&program, arguments, lifecycle).await;
    }
    let options = SessionOptions {
        directory: directory.to_path_buf(),
        door: Door::closed(),
        named_port: None,
        port: PortPolicy::Auto,
        development: false,
        reload: false,
        report,
    };
    let app = AppSession::open(settings, options).await?;
    let outcome = own(&app, who, &program, arguments, lifecycle).await;
    app.workspace.stop().await;
    outcome
}

/// The same in a workspace of this command's own.
async fn own(
    app: &AppSession,
    who: &Who,
    program: &Path,
    arguments: &[OsString],
    lifecycle: &Lifecycle,
) -> Result<u8, Failure> {
    let platform = &app.plan.platform;
    let lookup =
        |name: &str| platform.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone());
    let workspace = &app.workspace;
    let (client, user) = match who {
        Who::App => (
            app_client(&workspace.handle.http_url(), lookup)?,
            lookup("DATABRICKS_CLIENT_ID").unwrap_or_default(),
        ),
        Who::Developer => (workspace.client(&workspace.developer)?, workspace.developer.clone()),
        Who::User(user) => (workspace.client(user)?, user.clone()),
    };
    Session::open(&client, &user, lookup).await?.spawn(program, arguments, lifecycle).await
}

impl Session {
    /// Gets a credential of the client's own for the database the app's variables name.
    async fn open(
        client: &Client,
        user: &str,
        lookup: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, Failure> {
        let host = lookup("PGHOST").ok_or_else(|| {
            Failure::app("The app has no database").hint(
                "declare one in `brickyard.toml`: `[resources.database]` with `type = \"database\"` or `\"postgres\"`",
            )
        })?;
        let password = credential(client, &host).await?;
        let mut variables = vec![
            ("PGHOST".to_owned(), host),
            ("PGUSER".to_owned(), user.to_owned()),
            ("PGPASSWORD".to_owned(), password),
            ("PGSSLMODE".to_owned(), "require".to_owned()),
            ("PGAPPNAME".to_owned(), "brickyard psql".to_owned()),
        ];
        for name in ["PGPORT", "PGDATABASE"] {
            variables.extend(lookup(name).map(|value| (name.to_owned(), value)));
        }
        Ok(Self { variables })
    }

    async fn spawn(
        &self,
        program: &Path,
        arguments: &[OsString],
        lifecycle: &Lifecycle,
    ) -> Result<u8, Failure> {
        let failed = |error| Failure::machine(format!("Cannot run `{}`", program.display())).because(error);
        let mut child = Command::new(program)
            .args(arguments)
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .kill_on_drop(true)
            .spawn()
            .map_err(failed)?;
        // Ctrl-C ends a query of psql, not psql: it has the same terminal and is told by it.
        let _terminal = lifecycle.give_terminal();
        tokio::select! {
            ended = child.wait() => Ok(code(ended.map_err(failed)?)),
            () = lifecycle.hard.cancelled() => Ok(130),
        }
    }
}

/// A credential for the instance or branch that listens on this host.
pub(crate) async fn credential(client: &Client, host: &str) -> Result<String, Failure> {
    let instances: Value = client.get("/api/2.0/database/instances", &[]).await?;
    for instance in list(&instances, "database_instances") {
        if instance["read_write_dns"] == host {
            let body = json!({ "instance_names": [instance["name"]] });
            return token(&client.post("/api/2.0/database/credentials", &body).await?);
        }
    }
    let projects: Value = client.get("/api/2.0/postgres/projects", &[]).await?;
    for project in list(&projects, "projects") {
        let path = |parent: &Value, kind: &str| {
            format!("/api/2.0/postgres/{}/{kind}", parent["name"].as_str().unwrap_or_default())
        };
        let branches: Value = client.get(&path(project, "branches"), &[]).await?;
        for branch in list(&branches, "branches") {
            let endpoints: Value = client.get(&path(branch, "endpoints"), &[]).await?;
            for endpoint in list(&endpoints, "endpoints") {
                if endpoint["status"]["hosts"]["host"] == host {
                    let body = json!({ "endpoint": endpoint["name"] });
                    return token(&client.post("/api/2.0/postgres/credentials", &body).await?);
                }
            }
        }
    }
    Err(Failure::app(format!("No database of the workspace listens on `{host}`"))
        .hint("start the app again: its variables name a database that is gone"))
}

fn list<'a>(answer: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    answer[name].as_array().into_iter().flatten()
}

fn token(answer: &Value) -> Result<String, Failure> {
    let token = answer["token"].as_str().map(str::to_owned);
    token.ok_or_else(|| Failure::new(crate::failure::Kind::Workspace, "The workspace gave no credential"))
}

fn app_client(http_url: &str, lookup: impl Fn(&str) -> Option<String>) -> Result<Client, Failure> {
    let (Some(client_id), Some(client_secret)) =
        (lookup("DATABRICKS_CLIENT_ID"), lookup("DATABRICKS_CLIENT_SECRET"))
    else {
        return Err(Failure::app("The app is not running yet, so its identity is not known"));
    };
    Client::new(http_url, Credentials::ServicePrincipal { client_id, client_secret }).map_err(Failure::from)
}

fn lookup(variables: &[Variable], name: &str) -> Option<String> {
    variables.iter().find(|variable| variable.name == name).map(|variable| variable.value.reveal().to_owned())
}

fn find(settings: &Settings) -> Result<PathBuf, Failure> {
    let places = settings.environment.search_path();
    places.iter().map(|place| place.join("psql")).find(|program| program.is_file()).ok_or_else(|| {
        Failure::machine("There is no `psql` on this machine")
            .hint("install PostgreSQL's client, or use `brickyard exec -- python` with psycopg")
    })
}

fn code(status: ExitStatus) -> u8 {
    use std::os::unix::process::ExitStatusExt;
    let code = status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0));
    u8::try_from(code & 0xff).unwrap_or(1)
}
