use std::path::PathBuf;
use std::sync::Arc;

use futures_util::future::join_all;
use serde_json::{Map, Value};
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;

use super::process::{self, Ended, Launch};
use super::record::{Output, Phase, Run, TaskRun};
use crate::caller::Caller;
use crate::error::ApiError;
use crate::files::FilePath;
use crate::scope::ALL_APIS;
use crate::workspace::Workspace;
use crate::workspace_files::ObjectPath;

/// Fields of a task that do not say what it does.
const COMMON: [&str; 18] = [
    "task_key",
    "description",
    "depends_on",
    "run_if",
    "libraries",
    "environment_key",
    "timeout_seconds",
    "max_retries",
    "min_retry_interval_millis",
    "retry_on_timeout",
    "new_cluster",
    "existing_cluster_id",
    "job_cluster_key",
    "email_notifications",
    "notification_settings",
    "webhook_notifications",
    "health",
    "disable_auto_optimization",
];

/// Refuses a kind of task that cannot run here, by its name.
pub(super) fn check(task: &Map<String, Value>) -> Result<(), ApiError> {
    let other = task.keys().find(|key| *key != "spark_python_task" && !COMMON.contains(&key.as_str()));
    match other {
        Some(kind) => Err(ApiError::not_implemented(format_args!("job tasks of kind {kind}"))),
        None if !task.contains_key("spark_python_task") => {
            Err(ApiError::invalid("A task says what to run, as with spark_python_task"))
        }
        None => Ok(()),
    }
}

/// Puts values in place of `{{references}}` in every text; an unknown one stays as it is.
pub(super) fn fill_in(value: &mut Value, find: &dyn Fn(&str) -> Option<String>) {
    match value {
        Value::String(text) => {
            let mut filled = String::new();
            let mut rest = text.as_str();
            while let Some((before, inside)) = rest.split_once("{{") {
                filled.push_str(before);
                if let Some((reference, after)) = inside.split_once("}}") {
                    match find(reference.trim()) {
                        Some(value) => filled.push_str(&value),
                        None => filled.push_str(&format!("{{{{{reference}}}}}")),
                    }
                    rest = after;
                } else {
                    filled.push_str("{{");
                    rest = inside;
                }
            }
            filled.push_str(rest);
            *text = filled;
        }
        Value::Array(items) => items.iter_mut().for_each(|item| fill_in(item, find)),
        Value::Object(fields) => fields.values_mut().for_each(|field| fill_in(field, find)),
        _ => {}
    }
}

/// Runs the tasks in their order, those that may side by side, until all are over.
pub(super) fn start(workspace: &Workspace, run: Run, environments: Vec<Value>) {
    let cancellation = workspace.cancellation().child_token();
    workspace.jobs().begin(run.run_id, cancellation.clone());
    let inside = workspace.clone();
    workspace.tracker().spawn(async move {
        let run_id = run.run_id;
        if let Err(error) = execute(&inside, run, environments, cancellation).await {
            tracing::error!(run_id, %error, "Run {run_id} could not be recorded: {error}");
        }
        inside.jobs().end(run_id);
    });
}

async fn execute(
    workspace: &Workspace,
    mut run: Run,
    environments: Vec<Value>,
    cancellation: CancellationToken,
) -> Result<(), ApiError> {
    run.phase = Phase::Running;
    workspace.put_job_run(&run)?;
    let shared = Arc::new(Mutex::new(run));
    loop {
        let wave: Vec<TaskRun> = {
            let mut run = shared.lock().await;
            let phases: Vec<(String, Phase)> =
                run.tasks.iter().map(|task| (task.task_key.clone(), task.phase)).collect();
            let phase = |key: &str| phases.iter().find(|(known, _)| known == key).map(|(_, phase)| *phase);
            let now = workspace.clock().unix_milliseconds();
            let mut blocked = false;
            for task in run.tasks.iter_mut().filter(|task| task.phase == Phase::Pending) {
                let failed = task
                    .predecessors()
                    .any(|key| phase(key).is_none_or(|phase| phase.is_over() && phase != Phase::Succeeded));
                if failed {
                    (task.phase, task.start_time, task.end_time) = (Phase::UpstreamFailed, now, now);
                    "A task it depends on did not succeed".clone_into(&mut task.message);
                    blocked = true;
                }
            }
            if blocked {
                workspace.put_job_run(&run)?;
                continue;
            }
            let ready = |task: &&TaskRun| {
                task.phase == Phase::Pending
                    && task.predecessors().all(|key| phase(key) == Some(Phase::Succeeded))
            };
            run.tasks.iter().filter(ready).cloned().collect()
        };
        if wave.is_empty() || cancellation.is_cancelled() {
            break;
        }
        let tasks = wave.into_iter().map(|task| one(workspace, &shared, task, &environments, &cancellation));
        join_all(tasks).await.into_iter().collect::<Result<Vec<()>, ApiError>>()?;
    }
    let mut run = shared.lock().await;
    let now = workspace.clock().unix_milliseconds();
    for task in run.tasks.iter_mut().filter(|task| !task.phase.is_over()) {
        (task.phase, task.end_time) = (Phase::Canceled, now);
    }
    run.end_time = now;
    let failed = run.tasks.iter().find(|task| matches!(task.phase, Phase::Failed | Phase::UpstreamFailed));
    (run.phase, run.message) = match failed {
        _ if cancellation.is_cancelled() => (Phase::Canceled, "Run cancelled.".to_owned()),
        Some(task) => {
            (Phase::Failed, format!("Task {} failed with message: {}.", task.task_key, task.message))
        }
        None => (Phase::Succeeded, String::new()),
    };
    workspace.put_job_run(&run)
}

async fn one(
    workspace: &Workspace,
    shared: &Mutex<Run>,
    mut task: TaskRun,
    environments: &[Value],
    cancellation: &CancellationToken,
) -> Result<(), ApiError> {
    let retries = task.settings.get("max_retries").and_then(Value::as_i64).unwrap_or(0).clamp(0, 100);
    let run_as = {
        task.phase = Phase::Running;
        task.start_time = workspace.clock().unix_milliseconds();
        let mut run = shared.lock().await;
        replace(&mut run, &task);
        workspace.put_job_run(&run)?;
        run.run_as.clone()
    };
    loop {
        let ended = match launch(workspace, &run_as, &task, environments).await {
            Ok(launch) => process::run(workspace, launch, cancellation).await,
            Err(error) => Ended { phase: Phase::Failed, output: refused(&error) },
        };
        let Ended { phase, output } = ended;
        workspace.put_output(task.run_id, &output)?;
        if phase == Phase::Failed && i64::from(task.attempt) < retries && !cancellation.is_cancelled() {
            task.attempt += 1;
            continue;
        }
        task.phase = phase;
        task.message = output.error.unwrap_or_default();
        task.end_time = workspace.clock().unix_milliseconds();
        let mut run = shared.lock().await;
        replace(&mut run, &task);
        return workspace.put_job_run(&run);
    }
}

fn replace(run: &mut Run, task: &TaskRun) {
    if let Some(known) = run.tasks.iter_mut().find(|known| known.run_id == task.run_id) {
        known.clone_from(task);
    }
}

fn refused(error: &ApiError) -> Output {
    Output { error: Some(error.message.clone()), ..Output::default() }
}

async fn launch(
    workspace: &Workspace,
    run_as: &str,
    task: &TaskRun,
    environments: &[Value],
) -> Result<Launch, ApiError> {
    let python = task.settings.get("spark_python_task").cloned().unwrap_or_default();
    let principal = workspace.directory().principal(run_as).map_err(|error| ApiError::internal(&error))?;
    let principal = principal.ok_or_else(|| ApiError::not_found("Principal", run_as))?;
    let caller = Caller { principal, scopes: vec![ALL_APIS.to_owned()] };
    let file = file(workspace, &caller, &python)?;
    let mut requirements: Vec<String> = Vec::new();
    for library in task.settings.get("libraries").and_then(Value::as_array).into_iter().flatten() {
        match library.pointer("/pypi/package").and_then(Value::as_str) {
            Some(package) => requirements.push(package.to_owned()),
            None => return Err(ApiError::not_implemented("job libraries other than pypi")),
        }
    }
    if let Some(key) = task.settings.get("environment_key").and_then(Value::as_str) {
        let found = environments.iter().find(|one| one["environment_key"] == key);
        let found = found.ok_or_else(|| ApiError::invalid(format!("The job has no environment '{key}'")))?;
        let dependencies =
            found.pointer("/spec/dependencies").and_then(Value::as_array).into_iter().flatten();
        requirements.extend(dependencies.filter_map(Value::as_str).map(str::to_owned));
    }
    let interpreter = workspace.config().provision.python(requirements).await.map_err(|error| {
        let message = format!("The environment of task {} cannot be made: {error}", task.task_key);
        ApiError::new(http::StatusCode::BAD_REQUEST, "INVALID_PARAMETER_VALUE", message)
    })?;
    let parameters = python.get("parameters").and_then(Value::as_array).into_iter().flatten();
    let seconds = task.settings.get("timeout_seconds").and_then(Value::as_u64).filter(|&seconds| seconds > 0);
    Ok(Launch {
        interpreter,
        file,
        parameters: parameters.filter_map(Value::as_str).map(str::to_owned).collect(),
        token: workspace.token_for(run_as, "jobs", &[ALL_APIS.to_owned()]),
        timeout: seconds.map(std::time::Duration::from_secs),
    })
}

/// The file a task names: of the workspace, of a volume, or of this machine where the one who started us said so.
fn file(workspace: &Workspace, caller: &Caller, python: &Value) -> Result<PathBuf, ApiError> {
    let name = python.get("python_file").and_then(Value::as_str).unwrap_or_default();
    let source = python.get("source").and_then(Value::as_str).unwrap_or("WORKSPACE");
    let place = match source {
        "LOCAL" => PathBuf::from(name),
        "GIT" => return Err(ApiError::not_implemented("job tasks from a git repository")),
        _ if name.starts_with("/Volumes/") || name.starts_with("dbfs:/Volumes/") => {
            workspace.file_place(caller, &FilePath::parse(name)?, "READ_VOLUME")?
        }
        _ => {
            let path = ObjectPath::parse(name)?;
            workspace.authorize_path(caller, &path)?;
            workspace.file_tree().get(&path)?;
            workspace.file_tree().on_disk(&path)
        }
    };
    if place.is_file() { Ok(place) } else { Err(ApiError::not_found("Python file", name)) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn references_are_filled_in_and_unknown_ones_stay() {
        let mut value = json!({ "parameters": ["--day={{ job.parameters.day }}", "{{x}}", "{{", "a}}b"] });
        fill_in(&mut value, &|name| (name == "job.parameters.day").then(|| "monday".to_owned()));
        assert_eq!(value["parameters"], json!(["--day=monday", "{{x}}", "{{", "a}}b"]));
    }

    #[test]
    fn tasks_of_other_kinds_name_themselves() {
        let task = json!({ "task_key": "a", "notebook_task": {} });
        let error = check(task.as_object().unwrap()).unwrap_err();
        assert!(error.message.ends_with("job tasks of kind notebook_task"), "{error}");
    }
}
