use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::record::{Job, KIND, fresh_id, id};
use crate::caller::Caller;
use crate::error::{ApiError, ApiResult};
use crate::handle::WorkspaceHandle;
use crate::request::{JsonBody, Parameters};
use crate::workspace::Workspace;

/// Most tasks of one job.
const MOST_TASKS: usize = 100;

pub(super) async fn create(
    State(workspace): State<Workspace>,
    caller: Caller,
    JsonBody(mut settings): JsonBody<Map<String, Value>>,
) -> ApiResult<Value> {
    let job = make(&workspace, &caller, &mut settings, false)?;
    Ok(Json(json!({ "job_id": job.job_id })))
}

/// Makes a job that belongs to the caller, with the access list its settings bring.
pub(super) fn make(
    workspace: &Workspace,
    caller: &Caller,
    settings: &mut Map<String, Value>,
    hidden: bool,
) -> Result<Job, ApiError> {
    let access = settings.remove("access_control_list");
    check(settings)?;
    check_run_as(workspace, caller, settings)?;
    let access: Vec<(String, String)> = access
        .as_ref()
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .map(|entry| {
            let names = ["user_name", "group_name", "service_principal_name"];
            let name = names.into_iter().find_map(|name| entry.get(name).and_then(Value::as_str));
            let level = entry.get("permission_level").and_then(Value::as_str);
            let (Some(name), Some(level)) = (name, level) else {
                return Err(ApiError::invalid(
                    "An entry of access_control_list names who and a permission_level",
                ));
            };
            workspace.holder(name)?;
            Ok((name.to_owned(), level.to_owned()))
        })
        .collect::<Result<_, ApiError>>()?;
    let job = new_job(workspace, caller.name(), std::mem::take(settings), hidden)?;
    let id = job.job_id.to_string();
    workspace.own_object(caller, KIND, &id)?;
    for (name, level) in access.iter().filter(|(_, level)| level != "IS_OWNER") {
        workspace.grant_object(name, KIND, &id, level, None)?;
    }
    Ok(job)
}

/// Only admins let a job run as somebody else.
fn check_run_as(
    workspace: &Workspace,
    caller: &Caller,
    settings: &Map<String, Value>,
) -> Result<(), ApiError> {
    let Some(run_as) = settings.get("run_as") else { return Ok(()) };
    let names = ["user_name", "service_principal_name"];
    let name = names.into_iter().find_map(|name| run_as.get(name).and_then(Value::as_str));
    let name = name.ok_or_else(|| ApiError::invalid("run_as names a user or a service principal"))?;
    if name != caller.name() && !workspace.is_admin(caller)? {
        return Err(ApiError::denied(format!("{} may not let a job run as '{name}'", caller.name())));
    }
    let known = workspace.directory().principal(name).map_err(|error| ApiError::internal(&error))?;
    known.map(drop).ok_or_else(|| ApiError::not_found("Principal", name))
}

fn new_job(
    workspace: &Workspace,
    creator: &str,
    settings: Map<String, Value>,
    hidden: bool,
) -> Result<Job, ApiError> {
    let job = Job {
        job_id: fresh_id(),
        creator_user_name: creator.to_owned(),
        created_time: workspace.clock().unix_milliseconds(),
        settings: with_defaults(settings),
        hidden,
    };
    workspace.put_job(&job)?;
    Ok(job)
}

/// Settings with what the platform adds to them.
fn with_defaults(mut settings: Map<String, Value>) -> Map<String, Value> {
    settings.entry("name").or_insert_with(|| json!("Untitled"));
    settings.entry("max_concurrent_runs").or_insert_with(|| json!(1));
    settings.insert("format".to_owned(), json!("MULTI_TASK"));
    settings
}

/// Refuses settings that could never run: no tasks, a name twice, a predecessor that is not there or a circle.
fn check(settings: &Map<String, Value>) -> Result<(), ApiError> {
    let tasks = settings.get("tasks").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    if tasks.len() > MOST_TASKS {
        return Err(ApiError::invalid(format!("A job has at most {MOST_TASKS} tasks")));
    }
    let mut done: Vec<&str> = Vec::new();
    let mut waiting: Vec<(&str, Vec<&str>)> = Vec::new();
    for task in tasks {
        let key = task.get("task_key").and_then(Value::as_str).unwrap_or_default();
        if key.is_empty() || waiting.iter().any(|(known, _)| *known == key) {
            return Err(ApiError::invalid(format!("Each task needs a task_key of its own, not '{key}'")));
        }
        let sources = ["/spark_python_task/source", "/for_each_task/task/spark_python_task/source"];
        if sources.iter().any(|place| task.pointer(place).and_then(Value::as_str) == Some("LOCAL")) {
            return Err(ApiError::invalid("A file of this machine cannot be named through the API"));
        }
        let before = task.get("depends_on").and_then(Value::as_array).into_iter().flatten();
        waiting.push((key, before.filter_map(|one| one.get("task_key").and_then(Value::as_str)).collect()));
    }
    while !waiting.is_empty() {
        let ready = waiting.iter().position(|(_, before)| before.iter().all(|key| done.contains(key)));
        let Some(ready) = ready else {
            let keys: Vec<&str> = waiting.iter().map(|(key, _)| *key).collect();
            return Err(ApiError::invalid(format!(
                "The tasks {} depend on each other or on a task that is not there",
                keys.join(", ")
            )));
        };
        done.push(waiting.swap_remove(ready).0);
    }
    Ok(())
}

#[derive(Deserialize)]
pub(super) struct ListQuery {
    name: Option<String>,
    limit: Option<usize>,
    page_token: Option<String>,
}

pub(super) async fn list(
    State(workspace): State<Workspace>,
    caller: Caller,
    Parameters(query): Parameters<ListQuery>,
) -> ApiResult<Value> {
    let mut jobs = workspace.all_jobs()?;
    jobs.retain(|job| {
        !job.hidden
            && query.name.as_deref().is_none_or(|name| job.name().eq_ignore_ascii_case(name))
            && workspace.authorize_object(&caller, KIND, &job.job_id.to_string(), "CAN_VIEW").is_ok()
    });
    jobs.sort_by_key(|job| std::cmp::Reverse((job.created_time, job.job_id)));
    let start: usize = query.page_token.as_deref().and_then(|token| token.parse().ok()).unwrap_or(0);
    let size = query.limit.unwrap_or(20).clamp(1, 100);
    let more = jobs.len() > start + size;
    let page: Vec<Value> = jobs
        .iter()
        .skip(start)
        .take(size)
        .map(|job| {
            let mut shown = job.shown();
            if let Some(settings) = shown["settings"].as_object_mut() {
                settings.remove("tasks");
            }
            shown
        })
        .collect();
    let mut answer = json!({ "jobs": page, "has_more": more });
    if more {
        answer["next_page_token"] = json!((start + size).to_string());
    }
    Ok(Json(answer))
}

#[derive(Deserialize)]
pub(super) struct ById {
    #[serde(deserialize_with = "id")]
    job_id: u64,
}

pub(super) async fn show(
    State(workspace): State<Workspace>,
    caller: Caller,
    Parameters(wanted): Parameters<ById>,
) -> ApiResult<Value> {
    Ok(Json(workspace.job_for(&caller, wanted.job_id, "CAN_VIEW")?.shown()))
}

#[derive(Deserialize)]
pub(super) struct Change {
    #[serde(deserialize_with = "id")]
    job_id: u64,
    #[serde(default)]
    new_settings: Map<String, Value>,
    #[serde(default)]
    fields_to_remove: Vec<String>,
}

pub(super) async fn update(
    State(workspace): State<Workspace>,
    caller: Caller,
    JsonBody(change): JsonBody<Change>,
) -> ApiResult<Value> {
    let mut job = workspace.job_for(&caller, change.job_id, "CAN_MANAGE")?;
    merge(&mut job.settings, change.new_settings);
    for field in &change.fields_to_remove {
        remove(&mut job.settings, field)?;
    }
    check(&job.settings)?;
    check_run_as(&workspace, &caller, &job.settings)?;
    workspace.put_job(&job)?;
    Ok(Json(json!({})))
}

pub(super) async fn reset(
    State(workspace): State<Workspace>,
    caller: Caller,
    JsonBody(change): JsonBody<Change>,
) -> ApiResult<Value> {
    let mut job = workspace.job_for(&caller, change.job_id, "CAN_MANAGE")?;
    check(&change.new_settings)?;
    check_run_as(&workspace, &caller, &change.new_settings)?;
    job.settings = with_defaults(change.new_settings);
    workspace.put_job(&job)?;
    Ok(Json(json!({})))
}

/// Lists whose entries have keys: an update replaces the entries it names and keeps the others.
const KEYED: [(&str, &str); 3] =
    [("tasks", "task_key"), ("job_clusters", "job_cluster_key"), ("environments", "environment_key")];

fn key_of(list: &str) -> Option<&'static str> {
    KEYED.iter().find(|(name, _)| *name == list).map(|(_, key)| *key)
}

/// Replaces top-level fields; keyed lists are merged.
fn merge(settings: &mut Map<String, Value>, change: Map<String, Value>) {
    for (name, value) in change {
        let key = key_of(&name);
        match (key, settings.get_mut(&name), value) {
            (Some(key), Some(Value::Array(known)), Value::Array(new)) => {
                for entry in new {
                    match known.iter_mut().find(|one| one[key] == entry[key]) {
                        Some(one) => *one = entry,
                        None => known.push(entry),
                    }
                }
            }
            (_, _, value) => drop(settings.insert(name, value)),
        }
    }
}

/// Removes a top-level field, or one entry of a keyed list, `tasks/NAME`.
fn remove(settings: &mut Map<String, Value>, field: &str) -> Result<(), ApiError> {
    let Some((list, name)) = field.split_once('/') else {
        settings.remove(field);
        return Ok(());
    };
    let key = key_of(list).ok_or_else(|| {
        ApiError::invalid(format!(
            "fields_to_remove names a field or an entry of a list (tasks/NAME), not '{field}'"
        ))
    })?;
    if let Some(Value::Array(entries)) = settings.get_mut(list) {
        entries.retain(|entry| entry[key] != name);
    }
    Ok(())
}

pub(super) async fn delete(
    State(workspace): State<Workspace>,
    caller: Caller,
    JsonBody(wanted): JsonBody<ById>,
) -> ApiResult<Value> {
    workspace.job_for(&caller, wanted.job_id, "CAN_MANAGE")?;
    workspace.delete_job(wanted.job_id)?;
    Ok(Json(json!({})))
}

impl WorkspaceHandle {
    /// Id of the job of this name, made with these settings (as in the jobs API) where it is not there; an earlier
    /// one's settings are replaced. `spark_python_task` may name a file of this machine with `"source": "LOCAL"`.
    pub fn ensure_job(&self, name: &str, creator: &str, settings: &Value) -> Result<u64, ApiError> {
        let workspace = self.workspace();
        let mut settings = settings.as_object().cloned().unwrap_or_default();
        settings.insert("name".to_owned(), json!(name));
        let known = workspace.all_jobs()?.into_iter().find(|job| job.name() == name);
        if let Some(mut job) = known {
            job.settings.extend(settings);
            workspace.put_job(&job)?;
            return Ok(job.job_id);
        }
        let job = new_job(workspace, creator, settings, false)?;
        workspace.grant_object(creator, KIND, &job.job_id.to_string(), "IS_OWNER", None)?;
        Ok(job.job_id)
    }
}
