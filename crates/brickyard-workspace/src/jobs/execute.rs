use std::time::Duration;

use futures_util::future::join_all;
use serde_json::{Map, Value, json};
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;

use super::control;
use super::process::{self, Ended};
use super::readiness::{self, Readiness};
use super::record::{Output, Phase, Run, TaskRun};
use super::reference::{self, fill_in};
use super::work::{KINDS, Work, timeout, work};
use crate::caller::Caller;
use crate::error::ApiError;
use crate::scope::ALL_APIS;
use crate::warehouse;
use crate::workspace::Workspace;

/// Fields of a task that do not say what it does.
const COMMON: [&str; 20] = [
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
    "disabled",
    "compute",
];

/// Most attempts of one task.
const MOST_RETRIES: i64 = 100;

/// What a run's tasks see of the whole.
pub(super) struct Context<'a> {
    pub(super) workspace: &'a Workspace,
    /// Environments of the job.
    pub(super) environments: &'a [Value],
    /// The run as it is recorded.
    run: &'a Mutex<Run>,
    /// In whose name the tasks run.
    run_as: String,
    /// How many jobs are above this one.
    pub(super) depth: u32,
}

impl Context<'_> {
    /// Changes the run and records it.
    pub(super) async fn record(&self, change: impl FnOnce(&mut Run)) -> Result<(), ApiError> {
        let mut run = self.run.lock().await;
        change(&mut run);
        self.workspace.put_job_run(&run)
    }

    /// Values that tasks have set, by task and name.
    pub(super) async fn values(&self) -> Map<String, Value> {
        reference::values(&self.run.lock().await.tasks)
    }
}

/// Refuses a kind of task that cannot run here, by its name.
pub(super) fn check(task: &Map<String, Value>) -> Result<(), ApiError> {
    let known = |key: &str| KINDS.contains(&key) || COMMON.contains(&key);
    if let Some(iterations) = task.get("for_each_task") {
        super::control::check_iterations(iterations)?;
    }
    if let Some(settings) = task.get("dbt_task") {
        super::dbt::check(settings)?;
    }
    if task.get("disabled") == Some(&Value::Bool(true)) {
        return Err(ApiError::not_implemented("disabled job tasks. hint: leave the task out"));
    }
    match task.keys().find(|key| !known(key)) {
        Some(kind) => {
            let kinds = KINDS.join(", ");
            Err(ApiError::not_implemented(format_args!("job tasks of kind {kind}. hint: use one of {kinds}")))
        }
        None if !KINDS.iter().any(|kind| task.contains_key(*kind)) => {
            Err(ApiError::invalid(format!("A task says what to run, with one of {}", KINDS.join(", "))))
        }
        None => Ok(()),
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
    let shared = Mutex::new(run);
    // A run whose time is over ends its tasks as a cancelled one does.
    let ending = cancellation.child_token();
    let timed_out = {
        let (run_as, depth) = {
            let run = shared.lock().await;
            (run.run_as.clone(), run.depth)
        };
        let context = Context { workspace, environments: &environments, run: &shared, run_as, depth };
        let tasks = run_tasks(&context, &ending);
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

async fn run_tasks(context: &Context<'_>, cancellation: &CancellationToken) -> Result<(), ApiError> {
    loop {
        let wave: Vec<TaskRun> = {
            let mut run = context.run.lock().await;
            let known = run.tasks.clone();
            let now = context.workspace.clock().unix_milliseconds();
            let (mut blocked, mut ready) = (false, Vec::new());
            for task in run.tasks.iter_mut().filter(|task| task.phase == Phase::Pending) {
                let never = match readiness::of(task, &known) {
                    Readiness::Waits => continue,
                    Readiness::Begins => {
                        ready.push(task.clone());
                        continue;
                    }
                    Readiness::Failed => Phase::UpstreamFailed,
                    Readiness::Excluded => Phase::Excluded,
                };
                (task.phase, task.start_time, task.end_time) = (never, now, now);
                "What it depends on did not end as it asks".clone_into(&mut task.message);
                blocked = true;
            }
            if blocked {
                context.workspace.put_job_run(&run)?;
                continue;
            }
            ready
        };
        if wave.is_empty() || cancellation.is_cancelled() {
            return Ok(());
        }
        let tasks = wave.into_iter().map(|task| one(context, task, cancellation));
        join_all(tasks).await.into_iter().collect::<Result<Vec<()>, ApiError>>()?;
    }
}

async fn one(
    context: &Context<'_>,
    mut task: TaskRun,
    cancellation: &CancellationToken,
) -> Result<(), ApiError> {
    task.phase = Phase::Running;
    task.start_time = context.workspace.clock().unix_milliseconds();
    let mut settings = Value::Object(task.settings.clone());
    context
        .record(|run| {
            replace(run, &task);
            fill_in(&mut settings, &|reference| reference::of_tasks(&run.tasks, reference));
        })
        .await?;
    task.settings = settings.as_object().cloned().unwrap_or_default();
    attempts(context, &mut task, cancellation).await?;
    context.record(|run| replace(run, &task)).await
}

/// Runs a task until it succeeds or may not be tried again.
pub(super) async fn attempts(
    context: &Context<'_>,
    task: &mut TaskRun,
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
    loop {
        let Ended { phase, output } = attempt(context, task, cancellation).await;
        task.values.extend(output.values.clone());
        task.outcome.clone_from(&output.outcome);
        context.workspace.put_output(task.run_id, &output)?;
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
        task.end_time = context.workspace.clock().unix_milliseconds();
        return Ok(());
    }
}

fn replace(run: &mut Run, task: &TaskRun) {
    if let Some(known) = run.tasks.iter_mut().find(|known| known.run_id == task.run_id) {
        // Iterations record themselves.
        let iterations = std::mem::take(&mut known.iterations);
        known.clone_from(task);
        known.iterations = iterations;
    }
}

/// One attempt at a task, to its end.
async fn attempt(context: &Context<'_>, task: &TaskRun, cancellation: &CancellationToken) -> Ended {
    let workspace = context.workspace;
    // What is waited for ends within the task's time, or is cancelled and then waited for.
    let ending = cancellation.child_token();
    let working = async {
        let principal =
            workspace.directory().principal(&context.run_as).map_err(|error| ApiError::internal(&error))?;
        let principal = principal.ok_or_else(|| ApiError::not_found("Principal", &context.run_as))?;
        let caller = Caller { principal, scopes: vec![ALL_APIS.to_owned()] };
        if let Some(settings) = task.settings.get("condition_task") {
            let outcome = Some(control::condition(settings)?.to_string());
            return Ok(Ended { phase: Phase::Succeeded, output: Output { outcome, ..Output::default() } });
        }
        if let Some(settings) = task.settings.get("for_each_task") {
            return control::for_each(context, task, settings, &ending).await;
        }
        if let Some(settings) = task.settings.get("run_job_task") {
            return control::run_job(context, &caller, settings, &ending).await;
        }
        match work(workspace, &caller, task, context).await? {
            Work::Process(launch) => Ok(process::run(workspace, launch, &ending).await),
            Work::Sql { warehouse, statements, parameters } => {
                let run = query(workspace, &caller, &warehouse, &statements, &parameters);
                Ok(tokio::select! {
                    output = run => Ended { phase: Phase::Succeeded, output: output? },
                    () = ending.cancelled() => Ended { phase: Phase::Canceled, output: Output::default() },
                })
            }
        }
    };
    let limit = async {
        match timeout(&task.settings) {
            Some(timeout) => tokio::time::sleep(timeout).await,
            None => std::future::pending().await,
        }
    };
    tokio::pin!(working);
    let (ended, is_late) = tokio::select! {
        ended = &mut working => (ended, false),
        () = limit => {
            ending.cancel();
            (working.await, true)
        }
    };
    match ended {
        Ok(Ended { phase: Phase::Canceled, output }) if is_late => process::timed_out(output),
        Ok(ended) => ended,
        Err(error) => {
            let output = Output { error: Some(error.message), ..Output::default() };
            Ended { phase: Phase::Failed, output }
        }
    }
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
    fn tasks_of_other_kinds_name_themselves() {
        let task = json!({ "task_key": "a", "spark_jar_task": {} });
        let error = check(task.as_object().unwrap()).unwrap_err();
        assert!(error.message.contains("job tasks of kind spark_jar_task. hint: use one of "), "{error}");
    }
}
