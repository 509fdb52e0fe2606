//! Functions of Unity Catalog written in Python: a warm process each, without network, credentials or files of others, and
//! bounded in time and memory.

mod kind;

use std::collections::HashMap;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use brickyard_sql::DataType;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::sync::Mutex;

use crate::catalog::record::FunctionRecord;
use crate::error::ApiError;
use crate::workspace::Workspace;

const PROGRAM: &str = include_str!("functions/program.py");

/// How long one call may take, and how long the process may take to begin.
const LONGEST: Duration = Duration::from_secs(60);

/// Bytes of memory a process may address.
const MEMORY: u64 = 2 << 30;

/// Most bytes of one answer.
const LARGEST: u64 = 16 << 20;

/// Functions that are kept warm.
const MOST: usize = 8;

/// The processes that are warm.
#[derive(Default)]
pub(crate) struct Functions {
    warm: Mutex<HashMap<String, Warm>>,
}

/// A process, and the version of the function it runs.
struct Warm {
    id: String,
    process: Arc<Mutex<Process>>,
}

/// One function's process; killed when it is dropped.
struct Process {
    _child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
    /// Where it may write.
    _scratch: tempfile::TempDir,
    broken: bool,
}

/// Calls a function with values in JSON; the answer is SQL of its declared type.
pub(crate) async fn call(
    workspace: &Workspace,
    function: &FunctionRecord,
    arguments: &[Value],
) -> Result<String, ApiError> {
    let returns = DataType::from(function.return_type.as_str());
    let process = warm(workspace, function, &returns).await?;
    let mut process = process.lock().await;
    let answer = process.ask(&function.full_name(), &json!(arguments)).await?;
    kind::literal(&answer, &returns)
}

/// The process of a function as it is now, begun where there is none.
async fn warm(
    workspace: &Workspace,
    function: &FunctionRecord,
    returns: &DataType,
) -> Result<Arc<Mutex<Process>>, ApiError> {
    // Held while a process begins: a second call waits for it.
    let mut warm = workspace.functions().warm.lock().await;
    let name = function.full_name();
    if let Some(known) = warm.get(&name)
        && known.id == function.id
        && known.process.try_lock().map_or(true, |process| !process.broken)
    {
        return Ok(Arc::clone(&known.process));
    }
    warm.remove(&name);
    let process = Arc::new(Mutex::new(begin(workspace, function, returns).await?));
    if warm.len() >= MOST
        && let Some(idle) = warm.iter().find(|(_, one)| Arc::strong_count(&one.process) == 1)
    {
        let idle = idle.0.clone();
        warm.remove(&idle);
    }
    warm.insert(name, Warm { id: function.id.clone(), process: Arc::clone(&process) });
    Ok(process)
}

async fn begin(
    workspace: &Workspace,
    function: &FunctionRecord,
    returns: &DataType,
) -> Result<Process, ApiError> {
    let name = function.full_name();
    let kinds = function.parameters.iter().map(|one| kind::of(&DataType::from(one.type_text.as_str())));
    let order = json!({
        "name": name,
        "source": function.body,
        "parameters": function.parameters.iter().map(|one| &one.name).collect::<Vec<_>>(),
        "kinds": kinds.collect::<Result<Vec<Value>, ApiError>>()?,
        "returns": kind::of(returns)?,
        "memory": MEMORY,
    });
    let provision = Arc::clone(&workspace.config().provision);
    let python = provision.python(function.dependencies.clone()).await.map_err(|error| {
        ApiError::invalid(format!("The environment of the function {name} cannot be made: {error}"))
    })?;
    let internal = |error: std::io::Error| ApiError::internal(&error);
    let scratch = workspace.scratch().map_err(internal)?;
    let mut words = provision.warden();
    let alone = words.is_empty();
    if let Some(end) = words.len().checked_sub(1) {
        // It is spoken to on its standard input, through the warden.
        words.splice(end..end, ["--relay".to_owned(), "1".to_owned()]);
    }
    words.push(python.display().to_string());
    let mut child = Command::new(&words[0])
        .args(&words[1..])
        .args(["-I", "-c", PROGRAM])
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .env("LANG", "C.UTF-8")
        .env("TZ", "UTC")
        // A pool of threads a core would take the memory that the function has.
        .env("OPENBLAS_NUM_THREADS", "1")
        .env("HOME", scratch.path())
        .env("TMPDIR", scratch.path())
        .current_dir(scratch.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        // A warden whose input ends stops the process and whatever that started; one that is killed does not.
        .kill_on_drop(alone)
        .spawn()
        .map_err(internal)?;
    let missing = || internal(std::io::Error::other("a pipe to the function is missing"));
    let stdin = child.stdin.take().ok_or_else(missing)?;
    let stdout = BufReader::new(child.stdout.take().ok_or_else(missing)?);
    let mut process = Process { _child: child, stdin, stdout, _scratch: scratch, broken: false };
    process.ask(&name, &order).await?;
    Ok(process)
}

impl Process {
    /// Sends a line and reads one; a process that does neither in time is not asked again.
    async fn ask(&mut self, name: &str, question: &Value) -> Result<Value, ApiError> {
        // Until the answer is there, whoever gives up leaves a process out of step.
        self.broken = true;
        let exchange = async {
            self.stdin.write_all(format!("{question}\n").as_bytes()).await?;
            let mut line = String::new();
            (&mut self.stdout).take(LARGEST).read_line(&mut line).await?;
            Ok::<String, std::io::Error>(line)
        };
        let line = tokio::time::timeout(LONGEST, exchange).await.map_err(|_| {
            ApiError::invalid(format!("The function {name} took longer than {} seconds", LONGEST.as_secs()))
        })?;
        let answer: Option<Value> = line.ok().and_then(|line| serde_json::from_str(&line).ok());
        let answer = answer.ok_or_else(|| {
            ApiError::invalid(format!(
                "The process of the function {name} ended, or answered more than {LARGEST} bytes"
            ))
        })?;
        self.broken = false;
        match answer.get("error").and_then(Value::as_str) {
            Some(error) => Err(ApiError::invalid(format!("The function {name} failed: {error}"))),
            None => Ok(answer.get("value").cloned().unwrap_or_default()),
        }
    }
}
