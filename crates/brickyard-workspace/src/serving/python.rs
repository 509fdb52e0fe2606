use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Json;
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use http::StatusCode;
use http::header::CONTENT_TYPE;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdin, Command};
use tokio::sync::mpsc;

use super::invoke::Question;
use super::shape::{self, DONE, Door, event};
use crate::error::ApiError;
use crate::workspace::Workspace;

const PROGRAM: &str = include_str!("worker.py");

/// How long a model may take to load.
const LOADING: Duration = Duration::from_mins(5);

/// How long it may take to end: longer than its warden takes to end the family, which nobody does once the warden is gone.
const GRACE: Duration = Duration::from_secs(10);

/// Most pieces of an answer that wait for a slow reader; a slower one loses its answer and holds up nobody else.
const PIECES: usize = 4096;

/// File that says what an `MLflow` model is.
const MLMODEL: &str = "MLmodel";

/// Requirements of an `MLflow` model: its own, and the client it was saved with where they name none.
pub(super) fn model_requirements(model: &Path, more: &[String]) -> Result<Vec<String>, ApiError> {
    let unreadable = |error: std::io::Error| {
        ApiError::invalid(format!("`{}` is not an MLflow model: {error}", model.join(MLMODEL).display()))
    };
    let described = std::fs::read_to_string(model.join(MLMODEL)).map_err(unreadable)?;
    let own = std::fs::read_to_string(model.join("requirements.txt")).unwrap_or_default();
    let own = own.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    let mut requirements: Vec<String> = own.map(str::to_owned).chain(more.iter().cloned()).collect();
    if !requirements.iter().any(|line| line.starts_with("mlflow")) {
        let version = described.lines().find_map(|line| line.strip_prefix("mlflow_version:"));
        let version = version.map(|version| version.trim().trim_matches(['\'', '"'])).unwrap_or_default();
        requirements.push(if version.is_empty() {
            "mlflow-skinny".to_owned()
        } else {
            format!("mlflow-skinny=={version}")
        });
    }
    if !requirements.iter().any(|line| line.starts_with("pandas")) {
        requirements.push("pandas".to_owned());
    }
    requirements.sort_unstable();
    requirements.dedup();
    Ok(requirements)
}

/// A warm process that answers for one Python file.
pub(super) struct Worker {
    stdin: tokio::sync::Mutex<ChildStdin>,
    waiting: Arc<Mutex<HashMap<u64, mpsc::Sender<Said>>>>,
    next: AtomicU64,
    dead: Arc<AtomicBool>,
    file: PathBuf,
    modified: Option<std::time::SystemTime>,
}

/// A line of the worker.
#[derive(Debug, Deserialize)]
struct Said {
    id: u64,
    kind: Kind,
    value: Value,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Ready,
    Answer,
    Piece,
    End,
    Error,
}

/// Asks the function of a warm process.
pub(super) async fn ask(
    workspace: &Workspace,
    worker: &Worker,
    question: Question,
) -> Result<Response, ApiError> {
    let id = worker.next.fetch_add(1, Ordering::Relaxed);
    let (sender, mut said) = mpsc::channel(PIECES);
    worker.waiting.lock().unwrap_or_else(PoisonError::into_inner).insert(id, sender);
    let mut line = json!({ "id": id, "body": question.body }).to_string();
    line.push('\n');
    let sent = worker.stdin.lock().await.write_all(line.as_bytes()).await;
    if sent.is_err() {
        worker.dead.store(true, Ordering::Relaxed);
        return Err(died(&question.endpoint));
    }
    let first = said.recv().await.ok_or_else(|| died(&question.endpoint))?;
    let (name, now) = (question.endpoint.clone(), workspace.clock().unix_seconds());
    let answer_id = uuid::Uuid::new_v4().to_string();
    match first.kind {
        Kind::Error => Err(raised(&name, &first.value)),
        Kind::Answer | Kind::Ready if !question.stream => {
            Ok(Json(shape::answer(first.value, question.door, &name, &answer_id, now)).into_response())
        }
        _ if question.stream => Ok(streamed(first, said, question, answer_id, now)),
        _ => {
            // Pieces for somebody who did not ask for pieces: they are put together.
            let mut whole = String::new();
            let mut next = Some(first);
            while let Some(one) = next {
                match (one.kind, one.value) {
                    (Kind::Piece, Value::String(text)) => whole.push_str(&text),
                    (Kind::Error, value) => return Err(raised(&name, &value)),
                    (Kind::Piece, _) => {
                        let message =
                            "The function gives an answer in pieces that are not text; ask with `stream`";
                        return Err(ApiError::new(StatusCode::BAD_REQUEST, "BAD_REQUEST", message));
                    }
                    _ => {
                        let answer = shape::answer(json!(whole), question.door, &name, &answer_id, now);
                        return Ok(Json(answer).into_response());
                    }
                }
                next = said.recv().await;
            }
            Err(died(&name))
        }
    }
}

fn streamed(first: Said, said: mpsc::Receiver<Said>, question: Question, id: String, now: i64) -> Response {
    let (name, door) = (question.endpoint, question.door);
    let begun = shape::first_piece(door, &name, &id, now).map(|piece| event(&piece)).unwrap_or_default();
    let state = (Some(first), said, false, begun, String::new());
    let pieces = stream::unfold(state, move |(first, mut said, over, begun, mut whole)| {
        let (name, id) = (name.clone(), id.clone());
        async move {
            if over {
                return None;
            }
            let one = match first {
                Some(first) => Some(first),
                None => said.recv().await,
            };
            let ending = |whole: &str| {
                let last = shape::last_pieces(door, whole, &name, &id, now);
                last.iter().map(event).collect::<String>() + DONE
            };
            let mut keep = |value: &Value| {
                if door == Some(Door::Responses) {
                    whole.push_str(value.as_str().unwrap_or_default());
                }
            };
            let (text, over) = match one.map(|one| (one.kind, one.value)) {
                Some((Kind::Piece, value)) => {
                    keep(&value);
                    (event(&shape::piece(value, door, &name, &id, now)), false)
                }
                Some((Kind::Answer, value @ Value::String(_))) => {
                    keep(&value);
                    (event(&shape::piece(value, door, &name, &id, now)) + &ending(&whole), true)
                }
                Some((Kind::Answer, value)) => (event(&value) + DONE, true),
                Some((Kind::End | Kind::Ready, _)) => (ending(&whole), true),
                Some((Kind::Error, value)) => {
                    (event(&json!({ "error": raised(&name, &value).message })), true)
                }
                None => (event(&json!({ "error": died(&name).message })), true),
            };
            Some((Ok::<_, std::convert::Infallible>(begun + &text), (None, said, over, String::new(), whole)))
        }
    });
    ([(CONTENT_TYPE, "text/event-stream")], Body::from_stream(pieces)).into_response()
}

/// The warm process of an endpoint; it is started at the first question, and again when the file changed.
pub(super) async fn worker(
    workspace: &Workspace,
    endpoint: &str,
    file: &Path,
    requirements: &[String],
) -> Result<Arc<Worker>, ApiError> {
    // Held while a model loads: a second question waits for it and does not load it again.
    let mut workers = workspace.serving().workers.lock().await;
    let watched = if file.is_dir() { file.join(MLMODEL) } else { file.to_path_buf() };
    let modified = std::fs::metadata(watched).and_then(|metadata| metadata.modified()).ok();
    if let Some(worker) = workers.get(endpoint) {
        let same = worker.file == file && worker.modified == modified;
        if same && !worker.dead.load(Ordering::Relaxed) {
            return Ok(Arc::clone(worker));
        }
    }
    workers.remove(endpoint);
    let provision = Arc::clone(&workspace.config().provision);
    let python = provision.python(requirements.to_vec()).await.map_err(|error| {
        let hint = error.hint.as_ref().map(|hint| format!(" ({hint})")).unwrap_or_default();
        let message = format!("The environment of the endpoint '{endpoint}' cannot be made: {error}{hint}");
        ApiError::new(StatusCode::BAD_REQUEST, "BAD_REQUEST", message)
    })?;
    let started = start(workspace, &python, file, modified).map_err(|error| ApiError::internal(&error))?;
    let (worker, mut said) = started;
    let ready = tokio::time::timeout(LOADING, said.recv()).await;
    match ready {
        Ok(Some(Said { kind: Kind::Ready, .. })) => {}
        Ok(Some(Said { value, .. })) => {
            let why = value.as_str().unwrap_or("it says nothing");
            let message = format!("The model of the endpoint '{endpoint}' does not load: {why}");
            return Err(ApiError::new(StatusCode::BAD_REQUEST, "BAD_REQUEST", message));
        }
        _ => return Err(died(endpoint)),
    }
    let worker = Arc::new(worker);
    workers.insert(endpoint.to_owned(), Arc::clone(&worker));
    Ok(worker)
}

type Started = (Worker, mpsc::Receiver<Said>);

fn start(
    workspace: &Workspace,
    python: &Path,
    file: &Path,
    modified: Option<std::time::SystemTime>,
) -> Result<Started, std::io::Error> {
    let mut words = workspace.config().provision.warden();
    let alone = words.is_empty();
    if let Some(end) = words.len().checked_sub(1) {
        // The model is spoken to on its standard input, through the warden.
        words.splice(end..end, ["--relay".to_owned(), "1".to_owned()]);
    }
    words.push(python.display().to_string());
    let mut command = Command::new(&words[0]);
    command
        .args(&words[1..])
        .args(["-c", PROGRAM])
        .arg(file)
        .envs(workspace.client_environment())
        .env("PYTHONUNBUFFERED", "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        // A warden whose input ends stops the model and whatever that started; one that is killed does not.
        .kill_on_drop(alone);
    let mut child = command.spawn()?;
    let missing = || std::io::Error::other("a pipe to the model is missing");
    let stdin = child.stdin.take().ok_or_else(missing)?;
    let waiting: Arc<Mutex<HashMap<u64, mpsc::Sender<Said>>>> = Arc::default();
    let dead = Arc::new(AtomicBool::new(false));
    let (sender, ready) = mpsc::channel(1);
    waiting.lock().unwrap_or_else(PoisonError::into_inner).insert(0, sender);
    let cancellation = workspace.cancellation().clone();
    let (waiters, ended) = (Arc::clone(&waiting), Arc::clone(&dead));
    workspace.tracker().spawn(async move {
        tokio::select! {
            () = cancellation.cancelled() => {}
            () = listen(&mut child, &waiters) => {}
        }
        ended.store(true, Ordering::Relaxed);
        end(&mut child).await;
        // Those who still wait learn that nobody answers.
        waiters.lock().unwrap_or_else(PoisonError::into_inner).clear();
    });
    let worker = Worker {
        stdin: tokio::sync::Mutex::new(stdin),
        waiting,
        next: AtomicU64::new(1),
        dead,
        file: file.to_path_buf(),
        modified,
    };
    Ok((worker, ready))
}

/// Asks the process, and by its warden whatever that started, to end; then makes it.
async fn end(child: &mut Child) {
    if let Some(id) = child.id().and_then(|id| i32::try_from(id).ok()) {
        let _gone = kill(Pid::from_raw(id), Signal::SIGTERM);
        if tokio::time::timeout(GRACE, child.wait()).await.is_ok() {
            return;
        }
    }
    let _gone = child.kill().await;
}

/// Hands every line to whoever waits for it, until the process closes its output.
async fn listen(child: &mut Child, waiting: &Mutex<HashMap<u64, mpsc::Sender<Said>>>) {
    let (Some(stdout), Some(stderr)) = (child.stdout.take(), child.stderr.take()) else { return };
    let answers = async {
        let mut lines = BufReader::new(stdout).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            let Ok(said) = serde_json::from_str::<Said>(&line) else { continue };
            let waiter = {
                let mut waiting = waiting.lock().unwrap_or_else(PoisonError::into_inner);
                match said.kind {
                    Kind::Piece => waiting.get(&said.id).cloned(),
                    _ => waiting.remove(&said.id),
                }
            };
            if let Some(waiter) = waiter {
                let id = said.id;
                if waiter.try_send(said).is_err() {
                    waiting.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
                }
            }
        }
    };
    let complaints = async {
        let mut lines = BufReader::new(stderr).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            tracing::info!(target: "brickyard::serving", "{line}");
        }
    };
    tokio::join!(answers, complaints);
}

fn died(endpoint: &str) -> ApiError {
    let message =
        format!("The process of the endpoint '{endpoint}' ended before it answered; its log says why");
    ApiError::new(StatusCode::BAD_GATEWAY, "BAD_GATEWAY", message)
}

fn raised(endpoint: &str, value: &Value) -> ApiError {
    let message =
        format!("The function of the endpoint '{endpoint}' failed: {}", value.as_str().unwrap_or_default());
    ApiError::new(StatusCode::BAD_REQUEST, "BAD_REQUEST", message)
}
