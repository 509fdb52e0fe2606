use brickyard_runner::supervisor::{Crash, Status};
use std::sync::Arc;
use tokio::sync::watch;

use super::app_environment::{Value, Variable};
use super::apps::Version;
use super::running::{Announcement, Running, RunningApp, RunningVariable};
use super::session::AppSession;
use crate::failure::Failure;

/// An app that runs in the foreground.
pub(crate) struct Foreground {
    session: AppSession,
    /// Told to other terminals while it runs.
    announcement: Announcement,
    pub(crate) url: String,
    /// Port of its address.
    pub(crate) port: Option<u16>,
    pub(crate) named_url: Option<String>,
    pub(crate) status: watch::Receiver<Status>,
}

/// What the faces tell when the app has started.
pub(crate) struct Started {
    /// A port the command pins against the platform's rule.
    pub(crate) pinned: Option<u16>,
    /// The port it was told, where somebody else has the platform's.
    pub(crate) moved: Option<u16>,
}

impl Foreground {
    /// Serves the app's address at once (with a page that waits), then builds and starts the app.
    pub(crate) fn open(session: AppSession) -> Result<Self, Failure> {
        let served =
            session.app.served().cloned().ok_or_else(|| Failure::machine("The app has no address"))?;
        let running = announcement(&session, &served.url, &[])?;
        let announcement = running.announce(&session.workspace.state_directory)?;
        let status = session.app.status();
        let port = Some(served.port);
        Ok(Self { session, announcement, url: served.url, port, named_url: served.named_url, status })
    }

    pub(crate) fn session(&self) -> &AppSession {
        &self.session
    }

    /// Builds the environment, starts the app and waits until it listens.
    pub(crate) async fn start(&self) -> Result<Started, Failure> {
        let mut version = self.session.app.start(&self.session.plan).await?;
        self.tell(&version)?;
        let told = version.ready.port;
        let outcome = version.listening(&self.session.plan).await;
        if version.ready.port != told {
            self.tell(&version)?;
        }
        let started = Started {
            pinned: version.ready.pinned,
            moved: version.ready.moved(self.session.plan.port).then_some(version.ready.port),
        };
        self.session.app.keep(version).await;
        match outcome {
            Ok(()) => Ok(started),
            // With `--reload` the next change of a file starts it again.
            Err(_) if self.session.plan.reload => Ok(started),
            Err(crash) => Err(crashed(&crash)),
        }
    }

    /// The same file as before, now with the app's variables: other terminals may join.
    fn tell(&self, version: &Version) -> Result<(), Failure> {
        let running = announcement(&self.session, &self.url, &version.ready.variables)?;
        self.announcement.update(&running)
    }

    /// Stops the app, then the workspace.
    pub(crate) async fn stop(self) {
        self.session.workspace.stop().await;
    }
}

/// A crash as a failure of the app, with its last lines.
pub(crate) fn crashed(crash: &Arc<Crash>) -> Failure {
    let mut message = format!("The app crashed: {}", crash.reason);
    for line in crash.last_lines.iter().rev().take(15).rev() {
        message.push_str("\n  | ");
        message.push_str(line);
    }
    Failure::app(message).hint(what_helps(crash))
}

/// What to do about a crash, by what the app said last.
fn what_helps(crash: &Crash) -> String {
    let last = crash.last_lines.iter().rev();
    for line in last {
        if let Some(explained) = super::lakebase_errors::explain(line) {
            return explained.hint.to_owned();
        }
        let module = line.split_once("ModuleNotFoundError: No module named '").map(|(_, rest)| rest);
        if let Some(module) = module.and_then(|rest| rest.split(['.', '\'']).next()) {
            return format!(
                "add the package that brings `{module}` to the app's requirements, then run again"
            );
        }
    }
    match crash.code {
        Some(127) => {
            "add the program's package to the app's requirements, or correct `command` in `app.yaml`"
        }
        _ => "correct the app, then run again; `brickyard check` finds what usually fails",
    }
    .to_owned()
}

fn announcement(session: &AppSession, url: &str, variables: &[Variable]) -> Result<Running, Failure> {
    let handle = &session.workspace.handle;
    let token = handle.create_personal_access_token(&session.workspace.developer).map_err(Failure::from)?;
    let variables = variables
        .iter()
        .map(|variable| RunningVariable {
            name: variable.name.clone(),
            value: variable.value.reveal().to_owned(),
            secret: matches!(variable.value, Value::Secret(_)),
            origin: variable.origin.clone(),
        })
        .collect();
    let app = RunningApp { name: session.project.name.clone(), url: url.to_owned(), variables };
    Ok(Running::new(handle, token, session.workspace.developer.clone(), Some(app)))
}

impl super::apps::LocalApp {
    /// Starts a version whose status is the app's.
    pub(crate) async fn start(&self, plan: &super::apps::Plan) -> Result<Version, Failure> {
        Version::start(plan, self.status_sender()).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crash_says_what_helps() {
        let helps = |code: i32, line: &str| {
            let last_lines = vec![line.to_owned(), "the end".to_owned()];
            what_helps(&Crash { reason: String::new(), code: Some(code), signal: None, last_lines })
        };
        assert!(helps(127, "").contains("correct `command` in `app.yaml`"));
        assert!(
            helps(1, "ModuleNotFoundError: No module named 'plotly.express'").contains("brings `plotly`")
        );
        assert!(helps(1, "fe_sendauth: no password supplied").contains("oauth_token"));
        assert!(helps(1, "ValueError").contains("`brickyard check`"));
    }
}
