use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use brickyard_api::{Client, Credentials};
use brickyard_project::Project;
use brickyard_runner::ingress::{IngressConfig, Port};
use brickyard_runner::tools::Tools;
use brickyard_workspace::{
    AppHost, Clock, Group, OutsidePostgres, TelemetryCollector, User, Workspace, WorkspaceConfig,
    WorkspaceHandle,
};

use super::apps::LocalApps;
use super::provision::{Programs, Report, tools};
use crate::environment;
use crate::failure::{Failure, Kind};
use crate::settings::Settings;

/// Scopes of a token with which brickyard's own commands act for the developer.
const DEVELOPER_SCOPES: &str = "all-apis";

/// The local workspace, running in this process, and the apps it runs.
pub(crate) struct LocalWorkspace {
    pub(crate) handle: Arc<WorkspaceHandle>,
    pub(crate) apps: Arc<LocalApps>,
    pub(crate) tools: Arc<Tools>,
    /// E-mail address of the developer.
    pub(crate) developer: String,
    pub(crate) state_directory: PathBuf,
}

/// How a local workspace is started.
pub(crate) struct Options<'a> {
    /// The app whose `brickyard.toml` says who is in the workspace; none for a workspace of its own.
    pub(crate) project: Option<&'a Project>,
    pub(crate) state_directory: PathBuf,
    /// Told how far fetching and building is.
    pub(crate) report: Report,
    /// Port of all apps under their names.
    pub(crate) named_port: Option<Port>,
}

impl LocalWorkspace {
    /// Starts the workspace with what the project's `brickyard.toml` says.
    pub(crate) async fn start(settings: &Settings, options: Options<'_>) -> Result<Self, Failure> {
        let tools = tools(settings);
        let state_directory = options.state_directory;
        let clock = Clock::default();
        let apps = Arc::new(
            LocalApps::start(
                settings,
                Arc::clone(&tools),
                &state_directory,
                clock.clone(),
                ingress(options.named_port, options.project),
            )
            .await?,
        );
        let programs = Programs::new(settings, Arc::clone(&tools), options.report);
        let mut config = WorkspaceConfig::new(state_directory.clone(), Arc::new(programs));
        let (host, workspace_id) = identity(&state_directory);
        config.cache_directory.clone_from(&settings.cache_directory);
        config.host = host;
        config.workspace_id = workspace_id;
        config.clock = clock;
        config.outside_postgres = outside_postgres(settings, options.project)?;
        config.app_host = Some(Arc::clone(&apps) as Arc<dyn AppHost>);
        config.trust_bundle = trust_bundle(settings);
        config.upstream_proxy = settings
            .environment
            .text("HTTPS_PROXY")
            .or(settings.environment.text("https_proxy"))
            .map(str::to_owned);
        config.request_log =
            settings.environment.path(environment::REQUEST_LOG).map(|path| settings.absolute(&path));
        config.engine.clone_from(&settings.engine);
        let named = settings.environment.text(environment::ENGINE);
        let mut engine_place = if named.is_some() && named == settings.engine.as_deref() {
            environment::ENGINE
        } else {
            "--engine"
        };
        if let Some(project) = options.project {
            people(&mut config, project);
            if config.engine.is_none() {
                config.engine.clone_from(&project.settings.warehouse.engine);
                engine_place = "[warehouse] engine";
            }
            config.telemetry = collector(project);
            config.user_authorization = project.settings.app.user_authorization.unwrap_or(true);
        }
        let developer = config.users.first().map(|user| user.user_name.clone()).unwrap_or_default();
        let handle = Workspace::start(config).await.map_err(|error| refuse(error, engine_place))?;
        let handle = Arc::new(handle);
        apps.attach(&handle);
        handle.resume_apps().map_err(Failure::from)?;
        Ok(Self { handle, apps, tools, developer, state_directory })
    }

    /// A client of the workspace's REST API for a user.
    pub(crate) fn client(&self, user: &str) -> Result<Client, Failure> {
        let token = self
            .handle
            .issue_user_token(user, "databricks-cli", &[DEVELOPER_SCOPES.to_owned()])
            .map_err(|error| {
                let users = self.handle.users().unwrap_or_default();
                let users: Vec<String> = users.iter().map(|user| format!("`{}`", user.user_name)).collect();
                Failure::user(format!("There is no user `{user}` in the local workspace"))
                    .because(error)
                    .hint(format!(
                        "the users are {}; add more as `[[users]]` in `brickyard.toml`",
                        users.join(", ")
                    ))
            })?;
        Client::new(&self.handle.http_url(), Credentials::Token(token)).map_err(Failure::from)
    }

    /// Lets every user use an object, such as `warehouses/ID`. The group `users` holds apps too, and those have what is
    /// bound to them or granted, so each user is named.
    pub(crate) fn let_users_use(&self, kind: &str, id: &str) -> Result<(), Failure> {
        for user in self.handle.users().map_err(Failure::from)? {
            let name = &user.user_name;
            if !self.handle.may(name, kind, id, "CAN_USE").map_err(Failure::from)? {
                self.handle.grant_object(name, kind, id, "CAN_USE").map_err(Failure::from)?;
            }
        }
        Ok(())
    }

    /// Stops apps and workspace; returns when nothing of them is left.
    pub(crate) async fn stop(self) {
        self.apps.stop_all().await;
        self.handle.stop().await;
    }
}

/// The front door of apps, with the limits of `brickyard.toml`.
fn ingress(named_port: Option<Port>, project: Option<&Project>) -> IngressConfig {
    let mut config = IngressConfig { named_port, ..IngressConfig::default() };
    if let Some(settings) = project.map(|project| &project.settings.ingress) {
        let seconds = |limit: std::num::NonZeroU32| Duration::from_secs(limit.get().into());
        config.request_timeout = settings.request_timeout.map_or(config.request_timeout, seconds);
        config.stream_timeout = settings.stream_timeout.map(seconds);
        config.body_limit = settings.body_limit;
    }
    config
}

/// The PostgreSQL that somebody else runs: named by the environment, which can hold a password, else by `brickyard.toml`.
pub(crate) fn outside_postgres(
    settings: &Settings,
    project: Option<&Project>,
) -> Result<Option<OutsidePostgres>, Failure> {
    let named = settings.environment.text(environment::POSTGRES).map(|url| (environment::POSTGRES, url));
    let written = project.and_then(|project| project.settings.lakebase.url.as_deref());
    let Some((place, url)) = named.or(written.map(|url| ("[lakebase] url", url))) else { return Ok(None) };
    let outside = OutsidePostgres::parse(url).map_err(|error| {
        Failure::user(format!("`{place}` names no PostgreSQL server")).because(error).hint(
            "write `postgres://USER:PASSWORD@HOST:PORT/`, with `?sslmode=require` for a server beyond this machine",
        )
    })?;
    Ok(Some(outside))
}

/// The collector that `brickyard.toml` names for the telemetry of apps.
fn collector(project: &Project) -> Option<TelemetryCollector> {
    let telemetry = &project.settings.telemetry;
    let endpoint = telemetry.endpoint.clone()?;
    Some(TelemetryCollector { endpoint, protocol: telemetry.protocol.unwrap_or_default().name().to_owned() })
}

/// Host name and id of the workspace in a state directory: always the same there, and not those of another directory.
fn identity(state_directory: &Path) -> (String, u64) {
    let digest = ring::digest::digest(&ring::digest::SHA256, state_directory.as_os_str().as_encoded_bytes());
    let number = u64::from_be_bytes(digest.as_ref()[..8].try_into().expect("eight bytes"));
    let name = |from: usize, to: usize| {
        digest.as_ref()[from..to].iter().fold(0_u64, |all, byte| all << 8 | u64::from(*byte))
    };
    let workspace_id = 1_000_000_000_000_000 + number % 9_000_000_000_000_000;
    (format!("dbc-{:08x}-{:04x}.cloud.brickyard.test", name(8, 12), name(12, 14)), workspace_id)
}

/// Users and groups of `brickyard.toml`, the first user being the developer.
fn people(config: &mut WorkspaceConfig, project: &Project) {
    let settings = &project.settings;
    let mut users = Vec::new();
    let mut groups: Vec<Group> = Vec::new();
    let mut member =
        |group: &str, name: &str| match groups.iter_mut().find(|known| known.display_name == group) {
            Some(known) if known.members.iter().any(|known| known == name) => {}
            Some(known) => known.members.push(name.to_owned()),
            None => groups.push(Group {
                id: numeric_id("group", group),
                display_name: group.to_owned(),
                members: vec![name.to_owned()],
            }),
        };
    for user in &settings.users {
        for group in &user.groups {
            member(group, &user.email);
        }
        if user.admin == Some(true) {
            member("admins", &user.email);
        }
        users.push(User {
            id: numeric_id("user", &user.email),
            user_name: user.email.clone(),
            display_name: user.name.clone().unwrap_or_else(|| name_of(&user.email)),
            entitlements: user
                .entitlements
                .clone()
                .unwrap_or_else(|| vec!["workspace-access".to_owned(), "databricks-sql-access".to_owned()]),
        });
    }
    for group in &settings.groups {
        for name in &group.members {
            member(&group.name, name);
        }
    }
    if !users.is_empty() {
        config.users = users;
    }
    config.groups = groups;
}

/// Ids are numbers that stay the same in every start.
fn numeric_id(kind: &str, name: &str) -> u64 {
    let digest =
        ring::digest::digest(&ring::digest::SHA256, format!("{kind}/{}", name.to_lowercase()).as_bytes());
    1_000_000_000
        + u64::from_be_bytes(digest.as_ref()[..8].try_into().expect("eight bytes")) % 9_000_000_000_000
}

/// `ada.lovelace@example.com` is shown as `Ada Lovelace`.
fn name_of(email: &str) -> String {
    let local = email.split('@').next().unwrap_or(email);
    let words = local.split(['.', '_', '-']).filter(|word| !word.is_empty()).map(|word| {
        let mut letters = word.chars();
        letters
            .next()
            .map(|first| first.to_uppercase().chain(letters).collect::<String>())
            .unwrap_or_default()
    });
    words.collect::<Vec<_>>().join(" ")
}

/// Certificates the machine trusts, which an app trusts beside the workspace's own authority.
fn trust_bundle(settings: &Settings) -> Option<PathBuf> {
    let named = ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"]
        .iter()
        .find_map(|name| settings.environment.path(name));
    let usual = [
        "/etc/ssl/certs/ca-certificates.crt",
        "/etc/pki/tls/certs/ca-bundle.crt",
        "/etc/ssl/ca-bundle.pem",
        "/etc/ssl/cert.pem",
        "/opt/homebrew/etc/ca-certificates/cert.pem",
    ];
    named.into_iter().chain(usual.iter().map(PathBuf::from)).find(|path| path.is_file())
}

fn refuse(error: brickyard_workspace::StartError, engine_place: &str) -> Failure {
    use brickyard_workspace::StartError;
    if matches!(error, StartError::Engine(_)) {
        return Failure::user(format!("`{engine_place}` names no SQL engine")).because(error).hint(
            "write `sc://HOST:PORT`, with `/;use_ssl=true;token=TOKEN` for a server beyond this machine",
        );
    }
    let hint = match &error {
        StartError::Lock(_) => {
            Some("stop the other `brickyard`, or name another directory with `--state-directory`")
        }
        other if is_full(other) => {
            Some("make room on the disk, or name another directory with `--state-directory`")
        }
        StartError::Directory { .. } => Some("name a directory you may write with `--state-directory`"),
        StartError::RequestLog { .. } => Some("name a file you may write in `BRICKYARD_REQUEST_LOG`"),
        _ => None,
    };
    let failure = Failure::new(Kind::Machine, "The local workspace does not start").because(error);
    match hint {
        Some(hint) => failure.hint(hint),
        None => failure,
    }
}

/// Whether an error, or one below it, is that the disk has no room.
fn is_full(error: &dyn std::error::Error) -> bool {
    let mut next = Some(error);
    while let Some(error) = next {
        let said = error.to_string();
        if said.contains("No space left on device") || said.contains("disk is full") {
            return true;
        }
        next = error.source();
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_has_one_identity() {
        let (host, id) = identity(Path::new("/a/.brickyard"));
        assert_eq!((host.clone(), id), identity(Path::new("/a/.brickyard")));
        assert_ne!(host, identity(Path::new("/b/.brickyard")).0);
        assert_eq!(id.to_string().len(), 16);
        assert!(host.starts_with("dbc-") && host.ends_with(".cloud.brickyard.test"));
    }

    #[test]
    fn names_are_made_of_addresses() {
        assert_eq!(name_of("ada.lovelace@example.com"), "Ada Lovelace");
        assert_eq!(name_of("ada"), "Ada");
    }
}
