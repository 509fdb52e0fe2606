use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use brickyard_runner::ingress::{Port, SignIn};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::Server;
use super::call::Call;
use crate::failure::{Failure, Kind};
use crate::ops::apps::{Door, FIRST_PORT, PortPolicy, Told};
use crate::ops::deploy::Tell;
use crate::ops::logs::{self, Filter};
use crate::ops::provision::describe;
use crate::ops::run::Foreground;
use crate::ops::running::Running;
use crate::ops::session::{AppSession, SessionOptions, load};
use crate::settings::Settings;

/// Lines of a log that are given unasked.
const LINES: u64 = 100;

/// Most lines of a log in one answer.
const MOST: u64 = 2000;

/// Apps that the agent has started on this machine, by folder; they end with the server.
#[derive(Clone, Default)]
pub(super) struct Runs {
    apps: Arc<Mutex<BTreeMap<PathBuf, Foreground>>>,
    /// Starts and ends that are on their way, also those whose call was cancelled.
    tasks: TaskTracker,
}

impl Runs {
    /// What is known of the app that runs in a folder.
    fn shown(&self, folder: &Path) -> Option<Value> {
        self.apps.lock().unwrap_or_else(PoisonError::into_inner).get(folder).map(shown)
    }

    fn take(&self, folder: &Path) -> Option<Foreground> {
        self.apps.lock().unwrap_or_else(PoisonError::into_inner).remove(folder)
    }

    /// Starts an app in its own local workspace. A call that is given up stops what it has started, in order.
    async fn start(&self, settings: Settings, folder: &Path, tell: Tell) -> Result<Value, Failure> {
        let given_up = CancellationToken::new();
        let guard = given_up.clone().drop_guard();
        let (apps, folder) = (Arc::clone(&self.apps), folder.to_path_buf());
        let started = self.tasks.spawn(async move {
            let foreground = Foreground::open(open(&settings, &folder, &tell).await?)?;
            let outcome = tokio::select! {
                outcome = foreground.start() => outcome.map(drop),
                () = given_up.cancelled() => Err(Failure::user("The call was cancelled")),
            };
            let failure = match outcome {
                Ok(()) if !given_up.is_cancelled() => {
                    let answer = shown(&foreground);
                    apps.lock().unwrap_or_else(PoisonError::into_inner).insert(folder, foreground);
                    return Ok(answer);
                }
                Ok(()) => Failure::user("The call was cancelled"),
                Err(failure) => failure,
            };
            foreground.stop().await;
            Err(failure)
        });
        let outcome = started.await.map_err(|error| Failure::new(Kind::Internal, error.to_string()))?;
        let _no_longer = guard.disarm();
        outcome
    }

    /// Ends every app and waits for what is on its way.
    pub(super) async fn stop_all(&self) {
        let apps = std::mem::take(&mut *self.apps.lock().unwrap_or_else(PoisonError::into_inner));
        futures_util::future::join_all(apps.into_values().map(Foreground::stop)).await;
        self.tasks.close();
        self.tasks.wait().await;
    }
}

/// `run_app`.
pub(super) async fn run(server: &Server, call: &Call) -> Result<Value, Failure> {
    let folder = folder(server, call)?;
    let (mut answer, already) = if let Some(answer) = server.runs.shown(&folder) {
        (answer, true)
    } else {
        let settings = server.settings.beside_apps();
        (server.runs.start(settings, &folder, Arc::clone(&call.tell)).await?, false)
    };
    answer["already_running"] = json!(already);
    Ok(answer)
}

fn shown(foreground: &Foreground) -> Value {
    let session = foreground.session();
    let lines = session.app.logs.tail(20, "");
    let lines: Vec<String> = lines.iter().map(|line| format!("[{}] {}", line.source, line.message)).collect();
    json!({ "name": session.project.name, "url": foreground.url, "log": lines })
}

/// `read_app_log`.
pub(super) async fn log(server: &Server, call: &Call) -> Result<Value, Failure> {
    let lines = usize::try_from(call.number("lines", LINES).min(MOST)).unwrap_or_default();
    let filter = Filter {
        search: call.text("search").map(str::to_owned),
        sources: call.texts("sources").into_iter().map(str::to_owned).collect(),
    };
    let lines = if let Some(name) = call.text("name") {
        let origin = logs::find(&server.settings, &server.target, name).await?;
        let mut found = Vec::new();
        logs::read(&origin, lines, false, &filter, |line| found.push(line.clone())).await?;
        found
    } else {
        let folder = folder(server, call)?;
        let name = load(&folder)?.name;
        let state = server.settings.beside_apps().state_directory(&folder);
        logs::tail(&state.join("logs").join(format!("{name}.log")), lines, &filter)?
    };
    let told = |line: &logs::LogLine| json!({ "source": line.source, "timestamp": line.timestamp, "message": line.message });
    Ok(json!({ "lines": lines.iter().map(told).collect::<Vec<_>>() }))
}

/// `stop_app`.
pub(super) async fn stop(server: &Server, call: &Call) -> Result<Value, Failure> {
    let folder = folder(server, call)?;
    let foreground = server.runs.take(&folder).ok_or_else(|| {
        Failure::user(format!("No app of `{}` was started with run_app", folder.display()))
            .hint("what was started with `brickyard run` ends where it was started")
    })?;
    let tasks = &server.runs.tasks;
    // Also when the call is given up, the end is an orderly one.
    let ended = tasks.spawn(async move {
        let name = foreground.session().project.name.clone();
        foreground.stop().await;
        name
    });
    let name = ended.await.map_err(|error| Failure::new(Kind::Internal, error.to_string()))?;
    Ok(json!({ "name": name, "status": "stopped" }))
}

/// The app in a folder that runs on this machine, whoever started it, as its workspace tells other programs.
pub(super) async fn running(server: &Server, folder: &Path) -> Result<Running, Failure> {
    let state = server.settings.beside_apps().state_directory(folder);
    let running = Running::find(&state).await.filter(|running| running.app.is_some());
    running.ok_or_else(|| {
        Failure::user(format!("No app of `{}` runs on this machine", folder.display()))
            .hint("start it with run_app")
    })
}

/// The folder of the app a call is about, as the project is known by.
pub(super) fn folder(server: &Server, call: &Call) -> Result<PathBuf, Failure> {
    Ok(load(&server.settings.absolute(call.needed("path")?.as_ref()))?.dir)
}

async fn open(settings: &Settings, folder: &Path, tell: &Tell) -> Result<AppSession, Failure> {
    let tell = Arc::clone(tell);
    let options = SessionOptions {
        directory: folder.to_path_buf(),
        door: Door { port: Port::From(FIRST_PORT), sign_in: SignIn::As(String::new()), told: Told::Port },
        named_port: None,
        port: PortPolicy::Auto,
        development: false,
        reload: false,
        report: Arc::new(move |progress| {
            if let Some(line) = describe(&progress) {
                tell(&line);
            }
        }),
    };
    AppSession::open(settings, options).await
}
