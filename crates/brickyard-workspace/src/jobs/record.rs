use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value, json};

use crate::caller::Caller;
use crate::error::ApiError;
use crate::store::StoreError;
use crate::workspace::Workspace;

/// Kind of jobs in access lists.
pub(super) const KIND: &str = "jobs";

const JOB: &str = "job";
const RUN: &str = "job_run";
const TASK_PLACE: &str = "job_task_place";
const OUTPUT: &str = "job_output";

/// A job as it was defined.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Job {
    pub(super) job_id: u64,
    pub(super) creator_user_name: String,
    pub(super) created_time: i64,
    /// Settings as the client sent them, but for what the platform fills in.
    pub(super) settings: Map<String, Value>,
    /// Made for one run that was submitted: no list shows it.
    #[serde(default)]
    pub(super) hidden: bool,
}

impl Job {
    pub(super) fn name(&self) -> &str {
        self.settings.get("name").and_then(Value::as_str).unwrap_or("Untitled")
    }

    /// In whose name it runs: its maker, or who its `run_as` names.
    pub(super) fn run_as(&self) -> &str {
        let run_as = self.settings.get("run_as");
        let named = |field: &str| run_as.and_then(|run_as| run_as.get(field)).and_then(Value::as_str);
        named("user_name").or_else(|| named("service_principal_name")).unwrap_or(&self.creator_user_name)
    }

    pub(super) fn shown(&self) -> Value {
        json!({
            "job_id": self.job_id,
            "creator_user_name": self.creator_user_name,
            "run_as_user_name": self.run_as(),
            "created_time": self.created_time,
            "settings": self.settings,
        })
    }
}

/// How far a run or a task of it is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Phase {
    #[default]
    Pending,
    Running,
    Succeeded,
    Failed,
    Canceled,
    /// It took longer than it may.
    TimedOut,
    /// A task whose predecessor failed.
    UpstreamFailed,
    /// A task that was not to run, which is no failure.
    Excluded,
    /// A run that was one too many.
    Skipped,
}

impl Phase {
    pub(super) fn is_over(self) -> bool {
        !matches!(self, Self::Pending | Self::Running)
    }

    /// How it ended, in the platform's word.
    pub(super) fn result(self) -> Option<&'static str> {
        match self {
            Self::Pending | Self::Running => None,
            Self::Succeeded => Some("SUCCESS"),
            Self::Failed => Some("FAILED"),
            Self::Canceled => Some("CANCELED"),
            Self::TimedOut => Some("TIMEDOUT"),
            Self::UpstreamFailed => Some("UPSTREAM_FAILED"),
            Self::Excluded => Some("EXCLUDED"),
            Self::Skipped => Some("MAXIMUM_CONCURRENT_RUNS_REACHED"),
        }
    }

    fn state(self, message: &str) -> Value {
        let life = match self {
            Self::Pending => "PENDING",
            Self::Running => "RUNNING",
            Self::Skipped | Self::Excluded => "SKIPPED",
            _ => "TERMINATED",
        };
        let mut state = json!({ "life_cycle_state": life, "state_message": message, "user_cancelled_or_timedout": matches!(self, Self::Canceled | Self::TimedOut) });
        if let Some(result) = self.result() {
            state["result_state"] = json!(result);
        }
        state
    }

    fn status(self, message: &str) -> Value {
        let over = |code: &str, kind: &str| {
            let details = json!({ "code": code, "type": kind, "message": message });
            json!({ "state": "TERMINATED", "termination_details": details })
        };
        match self {
            Self::Pending => json!({ "state": "PENDING" }),
            Self::Running => json!({ "state": "RUNNING" }),
            Self::Succeeded | Self::Excluded => over("SUCCESS", "SUCCESS"),
            Self::Failed | Self::UpstreamFailed | Self::TimedOut => {
                over("RUN_EXECUTION_ERROR", "CLIENT_ERROR")
            }
            Self::Canceled => over("USER_CANCELED", "SUCCESS"),
            Self::Skipped => over("MAX_CONCURRENT_RUNS_EXCEEDED", "SUCCESS"),
        }
    }
}

/// One task of a run.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct TaskRun {
    pub(super) run_id: u64,
    pub(super) task_key: String,
    /// The task's settings, parameters filled in.
    pub(super) settings: Map<String, Value>,
    pub(super) phase: Phase,
    pub(super) message: String,
    pub(super) start_time: i64,
    pub(super) end_time: i64,
    pub(super) attempt: u32,
    /// Values it set for later tasks.
    #[serde(default)]
    pub(super) values: Map<String, Value>,
    /// `true` or `false`, of a condition.
    #[serde(default)]
    pub(super) outcome: Option<String>,
    /// Runs for single inputs, of a `for_each_task`.
    #[serde(default)]
    pub(super) iterations: Vec<TaskRun>,
}

impl TaskRun {
    pub(super) fn shown(&self) -> Value {
        let mut shown = Value::Object(self.settings.clone());
        shown["run_id"] = json!(self.run_id);
        shown["task_key"] = json!(self.task_key);
        shown["state"] = self.phase.state(&self.message);
        shown["status"] = self.phase.status(&self.message);
        shown["start_time"] = json!(self.start_time);
        shown["end_time"] = json!(self.end_time);
        shown["attempt_number"] = json!(self.attempt);
        if let Some(outcome) = &self.outcome {
            shown["condition_task"]["outcome"] = json!(outcome);
        }
        if !self.iterations.is_empty() {
            shown["for_each_task"]["stats"] = super::control::shown(&self.iterations);
        }
        shown
    }

    /// Keys of the tasks before it, and the outcome it waits for where one is a condition.
    pub(super) fn predecessors(&self) -> impl Iterator<Item = (&str, Option<&str>)> {
        let list = self.settings.get("depends_on").and_then(Value::as_array).into_iter().flatten();
        list.filter_map(|one| {
            let outcome = one.get("outcome").and_then(Value::as_str);
            one.get("task_key").and_then(Value::as_str).map(|key| (key, outcome))
        })
    }
}

/// A run of a job.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Run {
    pub(super) run_id: u64,
    pub(super) job_id: u64,
    pub(super) run_name: String,
    pub(super) creator_user_name: String,
    /// In whose name the tasks run: the job's maker.
    pub(super) run_as: String,
    pub(super) start_time: i64,
    pub(super) end_time: i64,
    pub(super) phase: Phase,
    pub(super) message: String,
    pub(super) tasks: Vec<TaskRun>,
    pub(super) parameters: Vec<(String, String)>,
    /// How long all of it may take.
    #[serde(default)]
    pub(super) timeout_seconds: Option<u64>,
    /// How many jobs are above this one.
    #[serde(default)]
    pub(super) depth: u32,
}

impl Run {
    /// Every run of a task: those of tasks, and of their iterations.
    pub(super) fn task_runs(&self) -> impl Iterator<Item = &TaskRun> {
        self.tasks.iter().flat_map(|task| std::iter::once(task).chain(&task.iterations))
    }

    /// Changes a task.
    pub(super) fn task(&mut self, run_id: u64, change: impl FnOnce(&mut TaskRun)) {
        if let Some(task) = self.tasks.iter_mut().find(|task| task.run_id == run_id) {
            change(task);
        }
    }

    /// Puts one iteration of a task.
    pub(super) fn iteration(&mut self, parent: u64, iteration: &TaskRun) {
        let task = self.tasks.iter_mut().find(|task| task.run_id == parent);
        let known = task.into_iter().flat_map(|task| &mut task.iterations);
        for known in known.filter(|known| known.run_id == iteration.run_id) {
            known.clone_from(iteration);
        }
    }

    pub(super) fn shown(&self, with_tasks: bool) -> Value {
        let mut shown = json!({
            "run_id": self.run_id,
            "job_id": self.job_id,
            "number_in_job": self.run_id,
            "original_attempt_run_id": self.run_id,
            "run_name": self.run_name,
            "creator_user_name": self.creator_user_name,
            "run_type": "JOB_RUN",
            "format": "MULTI_TASK",
            "trigger": "ONE_TIME",
            "start_time": self.start_time,
            "end_time": self.end_time,
            "run_duration": (self.end_time - self.start_time).max(0),
            "state": self.phase.state(&self.message),
            "status": self.phase.status(&self.message),
            "job_parameters": self.parameters.iter()
                .map(|(name, value)| json!({ "name": name, "value": value })).collect::<Vec<_>>(),
        });
        if with_tasks {
            shown["tasks"] = self.tasks.iter().map(TaskRun::shown).collect();
        }
        shown
    }
}

/// What a task wrote.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Output {
    pub(super) logs: String,
    pub(super) logs_truncated: bool,
    pub(super) error: Option<String>,
    pub(super) error_trace: Option<String>,
    /// What a notebook gave to `dbutils.notebook.exit`.
    #[serde(default)]
    pub(super) notebook: Option<String>,
    /// `sql_output` of a SQL task.
    #[serde(default)]
    pub(super) sql: Option<Value>,
    /// The run that a `run_job_task` started.
    #[serde(default)]
    pub(super) run_job: Option<u64>,
    /// `true` or `false`, of a condition.
    #[serde(default)]
    pub(super) outcome: Option<String>,
    /// Values for later tasks.
    #[serde(default)]
    pub(super) values: Map<String, Value>,
}

fn failed(error: StoreError) -> ApiError {
    let error: Box<dyn std::error::Error> = Box::new(error);
    ApiError::internal(&*error)
}

impl Workspace {
    pub(super) fn all_jobs(&self) -> Result<Vec<Job>, ApiError> {
        Ok(self.store().list(JOB, "").map_err(failed)?.into_iter().map(|(_, job)| job).collect())
    }

    pub(super) fn put_job(&self, job: &Job) -> Result<(), ApiError> {
        self.store().put(JOB, &key(job.job_id), job).map_err(failed)
    }

    pub(super) fn delete_job(&self, job_id: u64) -> Result<(), ApiError> {
        self.store().delete(JOB, &key(job_id)).map_err(failed)?;
        self.forget_object(KIND, &job_id.to_string())
    }

    /// The job, when the caller may use it to this level.
    pub(super) fn job_for(&self, caller: &Caller, job_id: u64, level: &'static str) -> Result<Job, ApiError> {
        let job: Option<Job> = self.store().get(JOB, &key(job_id)).map_err(failed)?;
        let job = job.ok_or_else(|| missing("Job", job_id))?;
        self.authorize_object(caller, KIND, &job_id.to_string(), level)?;
        Ok(job)
    }

    /// Refuses a job that is not there.
    pub(crate) fn check_job(&self, id: &str) -> Result<(), ApiError> {
        let known = match id.parse() {
            Ok(number) => self.store().get::<Job>(JOB, &key(number)).map_err(failed)?,
            Err(_) => None,
        };
        known.map(drop).ok_or_else(|| ApiError::not_found("Job", id))
    }

    pub(super) fn put_job_run(&self, run: &Run) -> Result<(), ApiError> {
        for task in run.task_runs() {
            self.store().insert(TASK_PLACE, &key(task.run_id), &run.run_id).map_err(failed)?;
        }
        self.store().put(RUN, &key(run.run_id), run).map_err(failed)
    }

    pub(super) fn job_runs(&self) -> Result<Vec<Run>, ApiError> {
        Ok(self.store().list(RUN, "").map_err(failed)?.into_iter().map(|(_, run)| run).collect())
    }

    /// The run of this id, or the run one of whose tasks has this id.
    pub(super) fn job_run_for(
        &self,
        caller: &Caller,
        run_id: u64,
        level: &'static str,
    ) -> Result<Run, ApiError> {
        let place: Option<u64> = self.store().get(TASK_PLACE, &key(run_id)).map_err(failed)?;
        let run: Option<Run> = self.store().get(RUN, &key(place.unwrap_or(run_id))).map_err(failed)?;
        let run = run.ok_or_else(|| missing("Run", run_id))?;
        self.authorize_object(caller, KIND, &run.job_id.to_string(), level)?;
        Ok(run)
    }

    pub(super) fn delete_job_run(&self, run: &Run) -> Result<(), ApiError> {
        for task in run.task_runs() {
            self.store().delete(TASK_PLACE, &key(task.run_id)).map_err(failed)?;
            self.store().delete(OUTPUT, &key(task.run_id)).map_err(failed)?;
        }
        self.store().delete(RUN, &key(run.run_id)).map_err(failed)?;
        Ok(())
    }

    pub(super) fn put_output(&self, task_run_id: u64, output: &Output) -> Result<(), ApiError> {
        self.store().put(OUTPUT, &key(task_run_id), output).map_err(failed)
    }

    pub(super) fn output_of(&self, task_run_id: u64) -> Result<Output, ApiError> {
        Ok(self.store().get(OUTPUT, &key(task_run_id)).map_err(failed)?.unwrap_or_default())
    }

    /// Ends in the books what ended with an earlier process.
    pub(crate) fn close_broken_runs(&self) -> Result<(), ApiError> {
        let now = self.clock().unix_milliseconds();
        for mut run in self.job_runs()?.into_iter().filter(|run| !run.phase.is_over()) {
            let message = "The workspace stopped while the run was under way";
            let tasks = run.tasks.iter_mut().flat_map(|task| {
                let TaskRun { phase, message, end_time, iterations, .. } = task;
                let inner =
                    iterations.iter_mut().map(|one| (&mut one.phase, &mut one.message, &mut one.end_time));
                std::iter::once((phase, message, end_time)).chain(inner)
            });
            for (phase, told, end_time) in tasks.filter(|(phase, ..)| !phase.is_over()) {
                (*phase, *told, *end_time) = (Phase::Failed, message.to_owned(), now);
            }
            (run.phase, run.message, run.end_time) = (Phase::Failed, message.to_owned(), now);
            self.put_job_run(&run)?;
        }
        Ok(())
    }
}

fn key(id: u64) -> String {
    format!("{id:020}")
}

fn missing(kind: &str, id: u64) -> ApiError {
    let message = format!("{kind} {id} does not exist; it was not found");
    ApiError::new(http::StatusCode::BAD_REQUEST, "INVALID_PARAMETER_VALUE", message)
}

/// A fresh id of 15 digits, which JavaScript's numbers hold.
pub(super) fn fresh_id() -> u64 {
    uuid::Uuid::new_v4().as_u64_pair().0 % 900_000_000_000_000 + 100_000_000_000_000
}

/// Reads an id that clients send as a number or as text.
pub(super) fn id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    let value = Value::deserialize(deserializer)?;
    let number = value.as_u64().or_else(|| value.as_str().and_then(|text| text.parse().ok()));
    number.ok_or_else(|| serde::de::Error::custom("an id must be a number"))
}

/// The same where it may be left out.
pub(super) fn id_or_none<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    id(deserializer).map(Some)
}
