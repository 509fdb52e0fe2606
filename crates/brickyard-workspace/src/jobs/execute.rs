use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use serde_json::{Map, Value, json};
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;

use super::process::{self, Ended};
use super::record::{Output, Phase, Run, TaskRun};
use super::work::{KINDS, Work, timeout, work};
use crate::caller::Caller;
use crate::error::ApiError;
use crate::scope::ALL_APIS;
use crate::warehouse;
use crate::workspace::Workspace;

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

/// Most attempts of one task.
const MOST_RETRIES: i64 = 100;

/// What a run's tasks see of the whole.
pub(super) struct Context<'a> {
    /// Environments of the job.
    pub(super) environments: &'a [Value],
    /// Values that tasks have set, by task and name.
    pub(super) values: Map<String, Value>,
}

/// Refuses a kind of task that cannot run here, by its name.
pub(super) fn check(task: &Map<String, Value>) -> Result<(), ApiError> {
    let known = |key: &str| KINDS.contains(&key) || COMMON.contains(&key);
    match task.keys().find(|key| !known(key)) {
        Some(kind) => Err(ApiError::not_implemented(format_args!("job tasks of kind {kind}"))),
        None if !KINDS.iter().any(|kind| task.contains_key(*kind)) => {
            Err(ApiError::invalid(format!("A task says what to run, with one of {}", KINDS.join(", "))))
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
    let limit = run.timeout_seconds.filter(|&seconds| seconds > 0).map(Duration::from_secs);
    let shared = Arc::new(Mutex::new(run));
    // A run whose time is over ends its tasks as a cancelled one does.
    let ending = cancellation.child_token();
    let timed_out = {
        let tasks = run_tasks(workspace, &shared, &environments, &ending);
        tokio::pin!(tasks);
        let over = async {
            match limit {
                Some(limit) => tokio::time::sleep(limit).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            result = &mut tasks => { result?; false }
            () = over => { ending.cancel(); tasks.await?; true }
        }
    };
    let mut run = shared.lock().await;
    let now = workspace.clock().unix_milliseconds();
    for task in run.tasks.iter_mut().filter(|task| !task.phase.is_over()) {
        (task.phase, task.end_time) = (Phase::Canceled, now);
    }
    run.end_time = now;
    let failed = run
        .tasks
        .iter()
        .find(|task| matches!(task.phase, Phase::Failed | Phase::TimedOut))
        .or_else(|| run.tasks.iter().find(|task| task.phase == Phase::UpstreamFailed));
    (run.phase, run.message) = match failed {
        _ if timed_out => (Phase::TimedOut, "The run took longer than timeout_seconds".to_owned()),
        _ if cancellation.is_cancelled() => (Phase::Canceled, "Run cancelled.".to_owned()),
        Some(task) => {
            (Phase::Failed, format!("Task {} failed with message: {}.", task.task_key, task.message))
        }
        None => (Phase::Succeeded, String::new()),
    };
    workspace.put_job_run(&run)
}

/// Whether a task may begin, waits, or never will, by its `run_if` and those it depends on.
fn readiness(task: &TaskRun, before: &[Phase]) -> Option<Result<(), &'static str>> {
    if !before.iter().all(|phase| phase.is_over()) {
        return None;
    }
    let succeeded = before.iter().filter(|phase| **phase == Phase::Succeeded).count();
    let failed = before
        .iter()
        .filter(|phase| matches!(phase, Phase::Failed | Phase::TimedOut | Phase::UpstreamFailed))
        .count();
    let may = match task.settings.get("run_if").and_then(Value::as_str).unwrap_or("ALL_SUCCESS") {
        "ALL_DONE" => true,
        "AT_LEAST_ONE_SUCCESS" => succeeded > 0 || before.is_empty(),
        "NONE_FAILED" => failed == 0,
        "ALL_FAILED" => failed == before.len(),
        "AT_LEAST_ONE_FAILED" => failed > 0,
        _ => succeeded == before.len(),
    };
    Some(may.then_some(()).ok_or("What it depends on did not end as its run_if asks"))
}

async fn run_tasks(
    workspace: &Workspace,
    shared: &Mutex<Run>,
    environments: &[Value],
    cancellation: &CancellationToken,
) -> Result<(), ApiError> {
    loop {
        let wave: Vec<TaskRun> = {
            let mut run = shared.lock().await;
            let phases: Vec<(String, Phase)> =
                run.tasks.iter().map(|task| (task.task_key.clone(), task.phase)).collect();
            let phase = |key: &str| {
                phases.iter().find(|(known, _)| known == key).map_or(Phase::Failed, |(_, phase)| *phase)
            };
            let now = workspace.clock().unix_milliseconds();
            let (mut blocked, mut ready) = (false, Vec::new());
            for task in run.tasks.iter_mut().filter(|task| task.phase == Phase::Pending) {
                let before: Vec<Phase> = task.predecessors().map(phase).collect();
                match readiness(task, &before) {
                    None => {}
                    Some(Ok(())) => ready.push(task.clone()),
                    Some(Err(why)) => {
                        (task.phase, task.start_time, task.end_time) = (Phase::UpstreamFailed, now, now);
                        why.clone_into(&mut task.message);
                        blocked = true;
                    }
                }
            }
            if blocked {
                workspace.put_job_run(&run)?;
                continue;
            }
            ready
        };
        if wave.is_empty() || cancellation.is_cancelled() {
            return Ok(());
        }
        let tasks = wave.into_iter().map(|task| one(workspace, shared, task, environments, cancellation));
        join_all(tasks).await.into_iter().collect::<Result<Vec<()>, ApiError>>()?;
    }
}

async fn one(
    workspace: &Workspace,
    shared: &Mutex<Run>,
    mut task: TaskRun,
    environments: &[Value],
    cancellation: &CancellationToken,
) -> Result<(), ApiError> {
    let setting = |name: &str| task.settings.get(name).and_then(Value::as_i64);
    let retries = match setting("max_retries").unwrap_or(0) {
        -1 => MOST_RETRIES,
        retries => retries.clamp(0, MOST_RETRIES),
    };
    let pause = Duration::from_millis(
        setting("min_retry_interval_millis").unwrap_or(0).clamp(0, 3_600_000).unsigned_abs(),
    );
    let on_timeout = task.settings.get("retry_on_timeout").and_then(Value::as_bool).unwrap_or(false);
    let (run_as, values) = {
        task.phase = Phase::Running;
        task.start_time = workspace.clock().unix_milliseconds();
        let mut run = shared.lock().await;
        replace(&mut run, &task);
        workspace.put_job_run(&run)?;
        let values = run.tasks.iter().map(|task| (task.task_key.clone(), Value::Object(task.values.clone())));
        (run.run_as.clone(), values.collect::<Map<String, Value>>())
    };
    let mut settings = Value::Object(task.settings.clone());
    fill_in(&mut settings, &|reference| {
        let (key, name) = reference.strip_prefix("tasks.")?.split_once(".values.")?;
        let value = values.get(key)?.get(name)?;
        Some(value.as_str().map_or_else(|| value.to_string(), str::to_owned))
    });
    task.settings = settings.as_object().cloned().unwrap_or_default();
    let context = Context { environments, values };
    loop {
        let Ended { phase, output } = attempt(workspace, &run_as, &task, &context, cancellation).await;
        task.values.extend(output.values.clone());
        workspace.put_output(task.run_id, &output)?;
        let again = phase == Phase::Failed || (phase == Phase::TimedOut && on_timeout);
        if again && i64::from(task.attempt) < retries && !cancellation.is_cancelled() {
            task.attempt += 1;
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = cancellation.cancelled() => {}
            }
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

/// One attempt at a task, to its end.
async fn attempt(
    workspace: &Workspace,
    run_as: &str,
    task: &TaskRun,
    context: &Context<'_>,
    cancellation: &CancellationToken,
) -> Ended {
    let working = async {
        let principal =
            workspace.directory().principal(run_as).map_err(|error| ApiError::internal(&error))?;
        let principal = principal.ok_or_else(|| ApiError::not_found("Principal", run_as))?;
        let caller = Caller { principal, scopes: vec![ALL_APIS.to_owned()] };
        match work(workspace, &caller, task, context).await? {
            Work::Process(launch) => {
                Ok(process::run(workspace, launch, timeout(&task.settings), cancellation).await)
            }
            Work::Sql { warehouse, statements, parameters } => {
                let run = query(workspace, &caller, &warehouse, &statements, &parameters);
                let limit = async {
                    match timeout(&task.settings) {
                        Some(timeout) => tokio::time::sleep(timeout).await,
                        None => std::future::pending().await,
                    }
                };
                Ok(tokio::select! {
                    output = run => Ended { phase: Phase::Succeeded, output: output? },
                    () = cancellation.cancelled() => Ended { phase: Phase::Canceled, output: Output::default() },
                    () = limit => process::timed_out(Output::default()),
                })
            }
        }
    };
    working.await.unwrap_or_else(|error: ApiError| {
        let output = Output { error: Some(error.message), ..Output::default() };
        Ended { phase: Phase::Failed, output }
    })
}

/// Runs the statements of a SQL task one after the other; the last answer is the task's.
async fn query(
    workspace: &Workspace,
    caller: &Caller,
    warehouse: &str,
    statements: &[String],
    parameters: &[(String, String)],
) -> Result<Output, ApiError> {
    let mut last = Value::Null;
    for text in statements {
        let run = warehouse::Run {
            text: text.clone(),
            warehouse: Some(warehouse.to_owned()),
            parameters: parameters.to_vec(),
            row_limit: Some(1000),
            ..warehouse::Run::default()
        };
        last = warehouse::run(workspace, caller, &run).await?;
    }
    let keys = statements.iter().map(|text| json!({ "lookup_key": text })).collect::<Vec<_>>();
    let query = json!({
        "query_text": statements.join(";\n"),
        "warehouse_id": warehouse,
        "endpoint_id": warehouse,
        "sql_statements": keys,
    });
    let rows = last.pointer("/result/data_array").cloned().unwrap_or_default();
    Ok(Output { sql: Some(json!({ "query_output": query })), logs: rows.to_string(), ..Output::default() })
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
        let task = json!({ "task_key": "a", "dbt_task": {} });
        let error = check(task.as_object().unwrap()).unwrap_err();
        assert!(error.message.ends_with("job tasks of kind dbt_task"), "{error}");
    }

    #[test]
    fn run_if_decides_by_what_came_before() {
        let task = |run_if: &str| {
            let settings = json!({ "run_if": run_if }).as_object().cloned().unwrap_or_default();
            TaskRun { settings, ..TaskRun::default() }
        };
        let (good, bad, open) = (Phase::Succeeded, Phase::Failed, Phase::Running);
        for (run_if, before, may) in [
            ("ALL_SUCCESS", vec![good, good], Some(true)),
            ("ALL_SUCCESS", vec![good, bad], Some(false)),
            ("ALL_SUCCESS", vec![good, open], None),
            ("ALL_DONE", vec![good, bad], Some(true)),
            ("AT_LEAST_ONE_SUCCESS", vec![bad, good], Some(true)),
            ("AT_LEAST_ONE_SUCCESS", vec![bad], Some(false)),
            ("NONE_FAILED", vec![good, Phase::Canceled], Some(true)),
            ("ALL_FAILED", vec![bad, bad], Some(true)),
            ("AT_LEAST_ONE_FAILED", vec![good, bad], Some(true)),
            ("AT_LEAST_ONE_FAILED", vec![good], Some(false)),
        ] {
            assert_eq!(readiness(&task(run_if), &before).map(|ready| ready.is_ok()), may, "{run_if}");
        }
    }
}
