use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::execute;
use super::record::{Job, KIND, Phase, Run, TaskRun, fresh_id, id, id_or_none};
use super::reference::fill_in;
use crate::caller::Caller;
use crate::error::{ApiError, ApiResult};
use crate::request::{JsonBody, Parameters};
use crate::workspace::Workspace;

/// Store kind: runs by the token that makes a repeated request start no second one.
const TOKEN: &str = "job_run_token";

#[derive(Default, Deserialize)]
pub(super) struct RunNow {
    #[serde(deserialize_with = "id")]
    job_id: u64,
    #[serde(flatten)]
    given: Given,
    idempotency_token: Option<String>,
    /// Keys of the tasks that are to run; all when nothing is said.
    only: Option<Vec<String>>,
}

/// Parameters of one run, in today's form and in those of single kinds of task.
#[derive(Default, Deserialize)]
pub(super) struct Given {
    #[serde(default)]
    job_parameters: Map<String, Value>,
    python_params: Option<Vec<String>>,
    python_named_params: Option<Map<String, Value>>,
    notebook_params: Option<Map<String, Value>>,
    sql_params: Option<Map<String, Value>>,
}

impl Given {
    /// Puts what was given for a kind of task into a task of that kind.
    fn put_into(&self, settings: &mut Map<String, Value>) {
        let mut merge = |kind: &str, field: &str, more: &Option<Map<String, Value>>| {
            let Some(more) = more else { return };
            if let Some(task) = settings.get_mut(kind).and_then(Value::as_object_mut) {
                let known = task.entry(field).or_insert_with(|| json!({}));
                if let Some(known) = known.as_object_mut() {
                    known.extend(more.clone());
                }
            }
        };
        merge("notebook_task", "base_parameters", &self.notebook_params);
        merge("sql_task", "parameters", &self.sql_params);
        merge("python_wheel_task", "named_parameters", &self.python_named_params);
        for kind in ["spark_python_task", "python_wheel_task"] {
            if let (Some(params), Some(task)) =
                (&self.python_params, settings.get_mut(kind).and_then(Value::as_object_mut))
            {
                task.insert("parameters".to_owned(), json!(params));
            }
        }
    }
}

pub(super) async fn run_now(
    State(workspace): State<Workspace>,
    caller: Caller,
    JsonBody(wanted): JsonBody<RunNow>,
) -> ApiResult<Value> {
    let job = workspace.job_for(&caller, wanted.job_id, "CAN_MANAGE_RUN")?;
    let token = wanted.idempotency_token.map(|token| format!("{}/{token}", job.job_id));
    if let Some(known) = earlier(&workspace, token.as_deref())? {
        return Ok(known);
    }
    let run_id = begin(&workspace, &caller, &job, &wanted.given, wanted.only.as_deref(), token, 0)?;
    Ok(started(run_id))
}

/// The run an earlier request with the same token started.
fn earlier(workspace: &Workspace, token: Option<&str>) -> Result<Option<Json<Value>>, ApiError> {
    let Some(token) = token else { return Ok(None) };
    let run_id = workspace.store().get::<u64>(TOKEN, token).map_err(|error| ApiError::internal(&error))?;
    Ok(run_id.map(started))
}

fn started(run_id: u64) -> Json<Value> {
    Json(json!({ "run_id": run_id, "number_in_job": run_id }))
}

/// Makes a run of a job and starts it; `depth` is how many jobs are above it.
pub(super) fn begin(
    workspace: &Workspace,
    caller: &Caller,
    job: &Job,
    given: &Given,
    only: Option<&[String]>,
    token: Option<String>,
    depth: u32,
) -> Result<u64, ApiError> {
    let list = |field: &str| job.settings.get(field).and_then(Value::as_array).cloned().unwrap_or_default();
    let mut parameters: Vec<(String, String)> = Vec::new();
    for parameter in list("parameters") {
        let name = parameter["name"].as_str().unwrap_or_default().to_owned();
        let value = given.job_parameters.get(&name).unwrap_or(&parameter["default"]);
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        parameters.push((name, value));
    }
    let known = |name: &str| parameters.iter().any(|(known, _)| known == name);
    if let Some(name) = given.job_parameters.keys().find(|name| !known(name)) {
        return Err(ApiError::invalid(format!("The job has no parameter '{name}'")));
    }
    let run_id = fresh_id();
    let mut tasks = Vec::new();
    for task in list("tasks") {
        let mut settings = task.as_object().cloned().unwrap_or_default();
        execute::check(&settings)?;
        let task_key =
            settings.remove("task_key").and_then(|key| key.as_str().map(str::to_owned)).unwrap_or_default();
        if only.is_some_and(|only| !only.contains(&task_key)) {
            continue;
        }
        given.put_into(&mut settings);
        // Parameters of the job are handed to notebooks by their names.
        let notebook = match settings.get_mut("for_each_task") {
            Some(iterations) => iterations.pointer_mut("/task/notebook_task"),
            None => settings.get_mut("notebook_task"),
        };
        if let Some(notebook) = notebook.and_then(Value::as_object_mut) {
            let base = notebook.entry("base_parameters").or_insert_with(|| json!({}));
            if let Some(base) = base.as_object_mut() {
                base.extend(parameters.iter().map(|(name, value)| (name.clone(), json!(value))));
            }
        }
        let mut settings = Value::Object(settings);
        fill_in(&mut settings, &|reference| match reference.strip_prefix("job.parameters.") {
            Some(name) => parameters.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone()),
            None => match reference {
                "job.id" => Some(job.job_id.to_string()),
                "job.name" => Some(job.name().to_owned()),
                "job.run_id" => Some(run_id.to_string()),
                "task.name" => Some(task_key.clone()),
                _ => None,
            },
        });
        let settings = settings.as_object().cloned().unwrap_or_default();
        tasks.push(TaskRun { run_id: fresh_id(), task_key, settings, ..TaskRun::default() });
    }
    let mut run = Run {
        run_id,
        job_id: job.job_id,
        run_name: job.name().to_owned(),
        creator_user_name: caller.name().to_owned(),
        run_as: job.run_as().to_owned(),
        start_time: workspace.clock().unix_milliseconds(),
        end_time: 0,
        phase: Phase::Pending,
        message: String::new(),
        tasks,
        parameters,
        timeout_seconds: job.settings.get("timeout_seconds").and_then(Value::as_u64),
        depth,
    };
    let allowed = job.settings.get("max_concurrent_runs").and_then(Value::as_u64).unwrap_or(1).max(1);
    let running = workspace.job_runs()?;
    let running = running.iter().filter(|other| other.job_id == job.job_id && !other.phase.is_over()).count();
    if running as u64 >= allowed {
        run.phase = Phase::Skipped;
        run.end_time = run.start_time;
        run.message =
            format!("Skipped: the job has {running} runs already and max_concurrent_runs is {allowed}");
        run.tasks.clear();
    }
    workspace.put_job_run(&run)?;
    if let Some(token) = &token {
        workspace.store().put(TOKEN, token, &run_id).map_err(|error| ApiError::internal(&error))?;
    }
    if run.phase == Phase::Pending {
        execute::start(workspace, run, list("environments"));
    }
    Ok(run_id)
}

/// Runs tasks once, without a job that stays.
pub(super) async fn submit(
    State(workspace): State<Workspace>,
    caller: Caller,
    JsonBody(mut settings): JsonBody<Map<String, Value>>,
) -> ApiResult<Value> {
    let token = settings.remove("idempotency_token");
    let token = token.as_ref().and_then(Value::as_str).map(|token| format!("{}/{token}", caller.name()));
    if let Some(known) = earlier(&workspace, token.as_deref())? {
        return Ok(known);
    }
    if let Some(name) = settings.remove("run_name") {
        settings.insert("name".to_owned(), name);
    }
    let job = super::definitions::make(&workspace, &caller, &mut settings, true)?;
    Ok(started(begin(&workspace, &caller, &job, &Given::default(), None, token, 0)?))
}

/// Forgets a run that is over.
pub(super) async fn delete(
    State(workspace): State<Workspace>,
    caller: Caller,
    JsonBody(wanted): JsonBody<ById>,
) -> ApiResult<Value> {
    let run = workspace.job_run_for(&caller, wanted.run_id, "CAN_MANAGE")?;
    if !run.phase.is_over() {
        return Err(ApiError::invalid(format!("Run {} is under way; cancel it first", run.run_id)));
    }
    workspace.delete_job_run(&run)?;
    Ok(Json(json!({})))
}

#[derive(Deserialize)]
pub(super) struct OfJob {
    #[serde(default, deserialize_with = "id_or_none")]
    job_id: Option<u64>,
    #[serde(default)]
    all_queued_runs: bool,
}

/// Cancels every run of a job; or those that wait in a queue, of which there are none here: a run starts or is skipped.
pub(super) async fn cancel_all(
    State(workspace): State<Workspace>,
    caller: Caller,
    JsonBody(wanted): JsonBody<OfJob>,
) -> ApiResult<Value> {
    if let Some(job_id) = wanted.job_id {
        workspace.job_for(&caller, job_id, "CAN_MANAGE_RUN")?;
    } else if !wanted.all_queued_runs {
        return Err(ApiError::invalid("job_id is missing; all_queued_runs alone may go without it"));
    }
    let stopped = |run: &Run| !wanted.all_queued_runs && Some(run.job_id) == wanted.job_id;
    for run in workspace.job_runs()?.iter().filter(|run| stopped(run)) {
        workspace.jobs().cancel(run.run_id);
    }
    Ok(Json(json!({})))
}

#[derive(Deserialize)]
pub(super) struct ById {
    #[serde(deserialize_with = "id")]
    run_id: u64,
}

pub(super) async fn show(
    State(workspace): State<Workspace>,
    caller: Caller,
    Parameters(wanted): Parameters<ById>,
) -> ApiResult<Value> {
    let run = workspace.job_run_for(&caller, wanted.run_id, "CAN_VIEW")?;
    let mut shown = run.shown(true);
    // Asked by its own id, a task with iterations shows them.
    let asked = run.tasks.iter().find(|task| task.run_id == wanted.run_id && !task.iterations.is_empty());
    if let Some(task) = asked {
        shown["run_id"] = json!(task.run_id);
        shown["iterations"] = task.iterations.iter().map(TaskRun::shown).collect();
    }
    Ok(Json(shown))
}

/// What one task wrote; a run of several tasks must be asked task by task.
pub(super) async fn output(
    State(workspace): State<Workspace>,
    caller: Caller,
    Parameters(wanted): Parameters<ById>,
) -> ApiResult<Value> {
    let run = workspace.job_run_for(&caller, wanted.run_id, "CAN_VIEW")?;
    let task = match run.task_runs().find(|task| task.run_id == wanted.run_id) {
        Some(task) => task,
        None if run.tasks.len() == 1 => &run.tasks[0],
        None => {
            return Err(ApiError::invalid(
                "Retrieving the output of runs with multiple tasks is not supported. Please retrieve the output of \
                 each individual task run instead.",
            ));
        }
    };
    let output = workspace.output_of(task.run_id)?;
    let mut metadata = run.shown(false);
    let shown = task.shown();
    for field in ["run_id", "task_key", "state", "status", "start_time", "end_time"] {
        metadata[field] = shown[field].clone();
    }
    let mut answer =
        json!({ "metadata": metadata, "logs": output.logs, "logs_truncated": output.logs_truncated });
    if let Some(result) = output.notebook {
        answer["notebook_output"] = json!({ "result": result, "truncated": false });
    }
    if let Some(sql) = output.sql {
        answer["sql_output"] = sql;
    }
    if let Some(run_id) = output.run_job {
        answer["run_job_output"] = json!({ "run_id": run_id });
    }
    for (field, value) in [("error", output.error), ("error_trace", output.error_trace)] {
        if let Some(value) = value {
            answer[field] = json!(value);
        }
    }
    Ok(Json(answer))
}

#[derive(Deserialize)]
pub(super) struct ListQuery {
    job_id: Option<u64>,
    run_type: Option<String>,
    active_only: Option<bool>,
    completed_only: Option<bool>,
    expand_tasks: Option<bool>,
    limit: Option<usize>,
    page_token: Option<String>,
}

pub(super) async fn list(
    State(workspace): State<Workspace>,
    caller: Caller,
    Parameters(query): Parameters<ListQuery>,
) -> ApiResult<Value> {
    let mut runs = workspace.job_runs()?;
    runs.retain(|run| {
        query.job_id.is_none_or(|job_id| run.job_id == job_id)
            && query.run_type.as_deref().is_none_or(|kind| kind == "JOB_RUN" || kind == "SUBMIT_RUN")
            && !(query.active_only == Some(true) && run.phase.is_over())
            && (query.completed_only != Some(true) || run.phase.is_over())
            && workspace.authorize_object(&caller, KIND, &run.job_id.to_string(), "CAN_VIEW").is_ok()
    });
    runs.sort_by_key(|run| std::cmp::Reverse((run.start_time, run.run_id)));
    let start: usize = query.page_token.as_deref().and_then(|token| token.parse().ok()).unwrap_or(0);
    let size = query.limit.unwrap_or(20).clamp(1, 25);
    let more = runs.len() > start + size;
    let expand = query.expand_tasks.unwrap_or(false);
    let page: Vec<Value> = runs.iter().skip(start).take(size).map(|run| run.shown(expand)).collect();
    let mut answer = json!({ "runs": page, "has_more": more });
    if more {
        answer["next_page_token"] = json!((start + size).to_string());
    }
    Ok(Json(answer))
}

pub(super) async fn cancel(
    State(workspace): State<Workspace>,
    caller: Caller,
    JsonBody(wanted): JsonBody<ById>,
) -> ApiResult<Value> {
    let run = workspace.job_run_for(&caller, wanted.run_id, "CAN_MANAGE_RUN")?;
    workspace.jobs().cancel(run.run_id);
    Ok(Json(json!({})))
}
