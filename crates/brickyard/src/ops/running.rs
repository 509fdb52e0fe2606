use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use brickyard_api::{Client, Credentials};
use nix::sys::signal::kill;
use nix::unistd::Pid;
use serde::{Deserialize, Serialize};

use crate::failure::Failure;
use crate::settings::Settings;

/// What a running workspace leaves in its state directory, so that a second terminal finds it; readable by its owner alone.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Running {
    /// Process that serves.
    pub(crate) pid: u32,
    /// REST API over plain HTTP.
    pub(crate) http_url: String,
    /// Name of the workspace as apps see it.
    pub(crate) host: String,
    /// Token of the developer.
    token: String,
    /// E-mail address of the developer.
    pub(crate) developer: String,
    /// Port of all apps under their names, for the background service.
    #[serde(default)]
    pub(crate) named_port: Option<u16>,
    /// CONNECT proxy that leads other clients to the workspace's name.
    #[serde(default)]
    pub(crate) proxy_url: String,
    /// Certificates those clients trust.
    #[serde(default)]
    pub(crate) ca_bundle: PathBuf,
    /// The app in the foreground, for `run`.
    #[serde(default)]
    pub(crate) app: Option<RunningApp>,
}

/// The app a `run` has in the foreground.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct RunningApp {
    pub(crate) name: String,
    pub(crate) url: String,
    pub(crate) variables: Vec<RunningVariable>,
}

/// One variable of the app in the foreground.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct RunningVariable {
    pub(crate) name: String,
    pub(crate) value: String,
    pub(crate) secret: bool,
    pub(crate) origin: String,
}

/// How long a workspace whose process lives may take to answer: the machine may be busy with other things.
const BUSY: Duration = Duration::from_secs(30);

/// How long whatever listens in place of a workspace that is gone is waited for.
const SILENT: Duration = Duration::from_secs(2);

/// The file while the workspace runs; removed when this is dropped.
pub(crate) struct Announcement {
    path: PathBuf,
}

impl Running {
    pub(crate) fn new(
        handle: &brickyard_workspace::WorkspaceHandle,
        token: String,
        developer: String,
        app: Option<RunningApp>,
    ) -> Self {
        Self {
            pid: std::process::id(),
            http_url: handle.http_url(),
            host: handle.host().to_owned(),
            token,
            developer,
            named_port: None,
            proxy_url: handle.proxy_url(),
            ca_bundle: handle.ca_bundle().to_path_buf(),
            app,
        }
    }

    /// The workspace that runs in this state directory, if one answers.
    pub(crate) async fn find(state_directory: &Path) -> Option<Self> {
        let text = std::fs::read(path(state_directory)).ok()?;
        let running: Self = serde_json::from_slice(&text).ok()?;
        // A file left by a program that was killed names a port that is silent, or another program's.
        let client = running.client().ok()?;
        let patience = if lives(running.pid) { BUSY } else { SILENT };
        let me = tokio::time::timeout(patience, client.me()).await.ok()?.ok()?;
        (me.user_name == running.developer).then_some(running)
    }

    /// The workspace of the folder we are in, else the one in the background.
    pub(crate) async fn nearest(settings: &Settings) -> Result<Self, Failure> {
        if let Some(running) = Self::find(&settings.state_directory(&settings.working_directory)).await {
            return Ok(running);
        }
        Self::find(&settings.service_directory()).await.ok_or_else(|| {
            Failure::user("No local workspace runs for this folder, nor in the background")
                .hint("start one with `brickyard run` or `brickyard up`")
        })
    }

    /// What tests of this app need to reach it.
    pub(crate) fn for_tests(&self, app: &str) -> super::pytest::Workspace {
        let (url, token) = (self.http_url.clone(), self.token.clone());
        super::pytest::Workspace { url, token, app: app.to_owned() }
    }

    /// A client of it as the developer.
    pub(crate) fn client(&self) -> Result<Client, Failure> {
        Client::new(&self.http_url, Credentials::Token(self.token.clone())).map_err(Failure::from)
    }

    /// A client of it as another user, by e-mail address, with the token the user's own tools would have; the developer
    /// has to be a workspace admin.
    pub(crate) async fn client_as(&self, user: &str) -> Result<Client, Failure> {
        let client = self.client()?;
        if user.eq_ignore_ascii_case(&self.developer) {
            return Ok(client);
        }
        let answer: serde_json::Value = client
            .post("/api/brickyard/tokens", &serde_json::json!({ "user": user }))
            .await
            .map_err(|error| {
                Failure::user(format!("There is no session as `{user}` in the workspace that runs"))
                    .because(error)
                    .hint("add the user as `[[users]]` in `brickyard.toml` and start again")
            })?;
        let token = answer["access_token"].as_str().unwrap_or_default().to_owned();
        Client::new(&self.http_url, Credentials::Token(token)).map_err(Failure::from)
    }

    /// Leaves the file for other terminals.
    pub(crate) fn announce(&self, state_directory: &Path) -> Result<Announcement, Failure> {
        let announcement = Announcement { path: path(state_directory) };
        announcement.update(self)?;
        Ok(announcement)
    }
}

impl Announcement {
    /// Replaces what the file says.
    pub(crate) fn update(&self, running: &Running) -> Result<(), Failure> {
        let path = &self.path;
        let write = || -> std::io::Result<()> {
            let part = path.with_extension("part");
            let _ = std::fs::remove_file(&part);
            let mut file =
                std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&part)?;
            file.write_all(&serde_json::to_vec(running)?)?;
            std::fs::rename(&part, path)
        };
        write().map_err(|error| Failure::machine(format!("Cannot write `{}`", path.display())).because(error))
    }
}

impl Drop for Announcement {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

fn path(state_directory: &Path) -> PathBuf {
    state_directory.join("running.json")
}

/// Whether there is a process of this id, ours or another's.
fn lives(pid: u32) -> bool {
    i32::try_from(pid).is_ok_and(|pid| pid > 0 && kill(Pid::from_raw(pid), None).is_ok())
}
