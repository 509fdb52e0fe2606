//! The log of an app: of the local workspace as its file tells it, also when the app or the workspace has stopped; of a
//! real workspace over the WebSocket of the app's own address.

mod file;
mod stream;

use std::path::{Path, PathBuf};
use std::time::Duration;

use brickyard_api::Client;
use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::target::{Target, TargetArgs, no_app};
use crate::failure::{Failure, Kind};
use crate::settings::Settings;

/// How long a log that is followed may take to be at its end before the work it tells of begins.
const CATCHING_UP: Duration = Duration::from_secs(5);

/// How long what was written before the end of that work may take to come.
const LAST_WORDS: Duration = Duration::from_millis(300);

/// One line of a log.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct LogLine {
    /// `APP`, `SYSTEM` or `BUILD`.
    pub(crate) source: String,
    /// Seconds since the epoch.
    pub(crate) timestamp: f64,
    pub(crate) message: String,
}

/// Which lines are wanted.
#[derive(Debug, Clone, Default)]
pub(crate) struct Filter {
    /// Only lines that contain this, in any case.
    pub(crate) search: Option<String>,
    /// Only lines of these sources; all when empty.
    pub(crate) sources: Vec<String>,
}

impl Filter {
    fn takes(&self, line: &LogLine) -> bool {
        let source = self.sources.is_empty()
            || self.sources.iter().any(|source| source.eq_ignore_ascii_case(&line.source));
        let search = self
            .search
            .as_ref()
            .is_none_or(|search| line.message.to_lowercase().contains(&search.to_lowercase()));
        source && search
    }
}

/// Where a log comes from.
#[derive(Debug, Clone)]
pub(crate) enum Origin {
    /// The file a local workspace writes.
    File(PathBuf),
    /// The stream of an app's address.
    Stream { client: Client, name: String, url: String },
}

/// The log of an app of the target.
pub(crate) async fn find(settings: &Settings, args: &TargetArgs, name: &str) -> Result<Origin, Failure> {
    if args.name() == "local" {
        return file::find(settings, name).map(Origin::File);
    }
    let client = Target::connect(settings, args).await?.client;
    if !client.is_oauth() {
        return Err(Failure::user("A personal access token opens no logs")
            .hint(format!("sign in with `brickyard login --target {}`", args.name())));
    }
    let app = client.app(name).await?.ok_or_else(|| no_app(name))?;
    let url = app.url.ok_or_else(|| Failure::new(Kind::Workspace, format!("App `{name}` has no address")))?;
    Ok(Origin::Stream { client, name: name.to_owned(), url })
}

/// The last lines that the filter takes, then every later one if they are followed, until the caller drops the future.
pub(crate) async fn read(
    origin: &Origin,
    lines: usize,
    follow: bool,
    filter: &Filter,
    mut each: impl FnMut(&LogLine),
) -> Result<(), Failure> {
    match origin {
        Origin::File(path) => file::read(path, lines, follow, filter, each).await,
        Origin::Stream { client, name, url } => {
            stream::read(client, name, url, lines, follow, filter, &mut each).await
        }
    }
}

/// The last lines of a log file that the filter takes.
pub(crate) fn tail(path: &Path, lines: usize, filter: &Filter) -> Result<Vec<LogLine>, Failure> {
    Ok(file::last(path, lines, filter)?.0)
}

/// A log that is followed beside other work; dropped, it ends.
pub(crate) struct Following {
    task: JoinHandle<()>,
    end: CancellationToken,
}

impl Following {
    /// Ends it once what is written by now has been told.
    pub(crate) async fn finish(mut self) {
        self.end.cancel();
        let _ = tokio::time::timeout(LAST_WORDS * 2, &mut self.task).await;
    }
}

impl Drop for Following {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Follows a log from now on: whatever is written after this returns is told.
pub(crate) async fn follow_in_background(
    origin: Origin,
    filter: Filter,
    each: impl FnMut(&LogLine) + Send + 'static,
) -> Following {
    let (caught_up, live) = oneshot::channel();
    let end = CancellationToken::new();
    let ending = end.clone();
    let task = tokio::spawn(async move {
        let mut each = each;
        let ended = match &origin {
            Origin::File(path) => file::follow(path, &filter, caught_up, &ending, each).await,
            Origin::Stream { client, name, url } => tokio::select! {
                ended = stream::follow(client, name, url, &filter, caught_up, &mut each) => ended,
                // Nothing tells that the last line has come.
                () = async { ending.cancelled().await; tokio::time::sleep(LAST_WORDS).await } => Ok(()),
            },
        };
        if let Err(failure) = ended {
            tracing::debug!("The log is not followed: {failure}");
        }
    });
    let following = Following { task, end };
    // A log that cannot be followed holds nobody up.
    let _ = tokio::time::timeout(CATCHING_UP, live).await;
    following
}
