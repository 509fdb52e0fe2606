use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::caller::Caller;
use crate::error::ApiError;
use crate::handle::WorkspaceHandle;
use crate::store::StoreError;
use crate::workspace::Workspace;

/// Kind of experiments in access lists.
pub(super) const KIND: &str = "experiments";

const EXPERIMENT: &str = "mlflow_experiment";
const RUN: &str = "mlflow_run";
const RUN_PLACE: &str = "mlflow_run_place";
const METRIC: &str = "mlflow_metric";

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Tag {
    pub(super) key: String,
    pub(super) value: String,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Experiment {
    pub(super) experiment_id: String,
    pub(super) name: String,
    pub(super) artifact_location: String,
    pub(super) lifecycle_stage: String,
    pub(super) creation_time: i64,
    pub(super) last_update_time: i64,
    pub(super) tags: Vec<Tag>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Metric {
    pub(super) key: String,
    /// A number, or `NaN`, `Infinity`, `-Infinity` as text.
    pub(super) value: Value,
    pub(super) timestamp: i64,
    #[serde(default)]
    pub(super) step: i64,
    /// Logged model it is of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) model_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) dataset_name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) dataset_digest: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) run_id: Option<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Run {
    pub(super) run_id: String,
    pub(super) experiment_id: String,
    pub(super) run_name: String,
    pub(super) user_id: String,
    pub(super) status: String,
    pub(super) start_time: i64,
    pub(super) end_time: Option<i64>,
    pub(super) lifecycle_stage: String,
    pub(super) artifact_uri: String,
    pub(super) params: Vec<Tag>,
    pub(super) tags: Vec<Tag>,
    /// The last value of each metric.
    pub(super) metrics: Vec<Metric>,
    /// Data sets that were read, with their tags, as clients sent them.
    #[serde(default)]
    pub(super) dataset_inputs: Vec<Value>,
    /// Logged models that were used: `{"model_id"}`.
    #[serde(default)]
    pub(super) model_inputs: Vec<Value>,
    /// Logged models that came out: `{"model_id", "step"}`.
    #[serde(default)]
    pub(super) model_outputs: Vec<Value>,
}

impl Run {
    /// The run as the API shows it.
    pub(super) fn shown(&self) -> Value {
        let mut info = json!({
            "run_id": self.run_id,
            "run_uuid": self.run_id,
            "run_name": self.run_name,
            "experiment_id": self.experiment_id,
            "user_id": self.user_id,
            "status": self.status,
            "start_time": self.start_time,
            "artifact_uri": self.artifact_uri,
            "lifecycle_stage": self.lifecycle_stage,
        });
        if let Some(end) = self.end_time {
            info["end_time"] = json!(end);
        }
        json!({
            "info": info,
            "data": { "params": self.params, "tags": self.tags, "metrics": self.metrics },
            "inputs": { "dataset_inputs": self.dataset_inputs, "model_inputs": self.model_inputs },
            "outputs": { "model_outputs": self.model_outputs },
        })
    }

    /// Sets or replaces a tag.
    pub(super) fn set_tag(&mut self, tag: Tag) {
        set(&mut self.tags, tag);
    }

    /// Takes a metric in; the latest by step and time stays.
    pub(super) fn take(&mut self, metric: Metric) {
        let same = |known: &&mut Metric| known.key == metric.key && known.model_id == metric.model_id;
        match self.metrics.iter_mut().find(same) {
            Some(known) if (metric.step, metric.timestamp) >= (known.step, known.timestamp) => {
                *known = metric;
            }
            Some(_) => {}
            None => self.metrics.push(metric),
        }
    }
}

/// Sets or replaces a tag in a list.
pub(super) fn set(tags: &mut Vec<Tag>, tag: Tag) {
    match tags.iter_mut().find(|known| known.key == tag.key) {
        Some(known) => *known = tag,
        None => tags.push(tag),
    }
}

pub(super) fn failed(error: StoreError) -> ApiError {
    let error: Box<dyn std::error::Error> = Box::new(error);
    ApiError::internal(&*error)
}

impl Workspace {
    pub(super) fn experiments(&self) -> Result<Vec<Experiment>, ApiError> {
        let all = self.store().list(EXPERIMENT, "").map_err(failed)?;
        Ok(all.into_iter().map(|(_, experiment)| experiment).collect())
    }

    pub(super) fn put_experiment(&self, experiment: &Experiment) -> Result<(), ApiError> {
        self.store().put(EXPERIMENT, &experiment.experiment_id, experiment).map_err(failed)
    }

    /// The experiment, when the caller may use it to this level.
    pub(super) fn experiment_for(
        &self,
        caller: &Caller,
        id: &str,
        level: &'static str,
    ) -> Result<Experiment, ApiError> {
        let found = self.experiment(id)?;
        self.authorize_object(caller, KIND, id, level)?;
        Ok(found)
    }

    /// Refuses an experiment that is not there.
    pub(crate) fn check_experiment(&self, id: &str) -> Result<(), ApiError> {
        self.experiment(id).map(drop)
    }

    fn experiment(&self, id: &str) -> Result<Experiment, ApiError> {
        let found: Option<Experiment> = self.store().get(EXPERIMENT, id).map_err(failed)?;
        found.ok_or_else(|| {
            let mut error = ApiError::not_found("Experiment", id);
            error.message = format!("Node ID {id} does not exist: no experiment with this id was found");
            error
        })
    }

    /// Refuses who may not use the experiment to this level, and an experiment that is not there.
    pub(crate) fn authorize_experiment(
        &self,
        caller: &Caller,
        id: &str,
        level: &'static str,
    ) -> Result<(), ApiError> {
        self.experiment_for(caller, id, level).map(drop)
    }

    /// Makes an experiment owned by nobody in particular; the name is free.
    pub(super) fn new_experiment(&self, name: &str, tags: Vec<Tag>) -> Result<Experiment, ApiError> {
        let now = self.clock().unix_milliseconds();
        let number = uuid::Uuid::new_v4().as_u64_pair().0 % 9_000_000_000_000_000 + 1_000_000_000_000_000;
        let experiment_id = number.to_string();
        let experiment = Experiment {
            artifact_location: format!("dbfs:/databricks/mlflow-tracking/{experiment_id}"),
            experiment_id,
            name: name.to_owned(),
            lifecycle_stage: "active".to_owned(),
            creation_time: now,
            last_update_time: now,
            tags,
        };
        self.put_experiment(&experiment)?;
        Ok(experiment)
    }

    pub(super) fn put_run(&self, run: &Run) -> Result<(), ApiError> {
        self.store().put(RUN_PLACE, &run.run_id, &run.experiment_id).map_err(failed)?;
        self.store().put(RUN, &format!("{}/{}", run.experiment_id, run.run_id), run).map_err(failed)
    }

    pub(super) fn runs_of(&self, experiment_id: &str) -> Result<Vec<Run>, ApiError> {
        let all = self.store().list(RUN, &format!("{experiment_id}/")).map_err(failed)?;
        Ok(all.into_iter().map(|(_, run)| run).collect())
    }

    /// The run, when the caller may use its experiment to this level.
    pub(super) fn run_for(&self, caller: &Caller, id: &str, level: &'static str) -> Result<Run, ApiError> {
        let missing = || {
            let mut error = ApiError::not_found("Run", id);
            error.message = format!("Run '{id}' not found.");
            error
        };
        let place: Option<String> = self.store().get(RUN_PLACE, id).map_err(failed)?;
        let place = place.ok_or_else(missing)?;
        self.experiment_for(caller, &place, level)?;
        let run: Option<Run> = self.store().get(RUN, &format!("{place}/{id}")).map_err(failed)?;
        run.ok_or_else(missing)
    }

    pub(super) fn keep_metric(&self, run_id: &str, metric: &Metric) -> Result<(), ApiError> {
        let unique = uuid::Uuid::new_v4().simple();
        let key = format!("{run_id}/{}/{:020}/{unique}", escaped(&metric.key), metric.timestamp.max(0));
        self.store().put(METRIC, &key, metric).map_err(failed)
    }

    pub(super) fn metric_history(&self, run_id: &str, key: &str) -> Result<Vec<Metric>, ApiError> {
        let all = self.store().list(METRIC, &format!("{run_id}/{}/", escaped(key))).map_err(failed)?;
        Ok(all.into_iter().map(|(_, metric)| metric).collect())
    }
}

/// Names of metrics may hold slashes, keys of the store use them.
fn escaped(key: &str) -> String {
    key.replace('%', "%25").replace('/', "%2F")
}

impl WorkspaceHandle {
    /// Id of the experiment of this name, made where it is not there.
    pub fn ensure_experiment(&self, name: &str) -> Result<String, ApiError> {
        let known = self.workspace().experiments()?.into_iter().find(|known| known.name == name);
        match known {
            Some(known) => Ok(known.experiment_id),
            None => Ok(self.workspace().new_experiment(name, Vec::new())?.experiment_id),
        }
    }
}

/// The answer of a search: a page of what was found, under `field`, and the token of the next page where there is one.
pub(super) fn page_of<T>(
    field: &str,
    found: Vec<T>,
    token: Option<&str>,
    size: usize,
    show: impl FnMut(T) -> Result<Value, ApiError>,
) -> Result<Value, ApiError> {
    let start: usize = token.and_then(|token| token.parse().ok()).unwrap_or(0);
    let next = (found.len() > start + size).then(|| (start + size).to_string());
    let page: Vec<Value> = found.into_iter().skip(start).take(size).map(show).collect::<Result<_, _>>()?;
    let mut answer = json!({ field: page });
    if let Some(next) = next {
        answer["next_page_token"] = json!(next);
    }
    Ok(answer)
}
