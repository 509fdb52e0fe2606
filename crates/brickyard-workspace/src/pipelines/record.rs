use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::OBJECTS;
use crate::authorize::Wish;
use crate::caller::Caller;
use crate::catalog::TableRecord;
use crate::error::ApiError;
use crate::lakebase::LakebaseError;
use crate::workspace::Workspace;

const KIND: &str = "pipeline";

/// Updates that are remembered.
const KEPT: usize = 25;

/// What is remembered of a pipeline.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Pipeline {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) creator: String,
    /// Full name of the materialized view or streaming table whose rows it makes, in back-ticks.
    #[serde(default)]
    pub(crate) table: Option<String>,
    /// The latest first.
    pub(crate) updates: Vec<Update>,
}

/// A run of a pipeline.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Update {
    pub(crate) id: String,
    /// `RUNNING`, `COMPLETED`, `FAILED`, `CANCELED`.
    pub(crate) state: String,
    /// `API_CALL`, `USER_ACTION`, …
    pub(crate) cause: String,
    pub(crate) full_refresh: bool,
    /// Full names of the tables that are refreshed; all where empty.
    pub(crate) selection: Vec<String>,
    /// Milliseconds since the epoch.
    pub(crate) created: i64,
    /// Why it failed.
    #[serde(default)]
    pub(crate) failure: Option<String>,
    /// Process that runs it: an update of an earlier life of the workspace is over.
    pub(crate) life: String,
}

impl Pipeline {
    /// The update that goes on now.
    pub(crate) fn active(&self) -> Option<&Update> {
        self.updates.first().filter(|update| update.state == "RUNNING" && update.life == super::run::life())
    }

    pub(super) fn push(&mut self, update: Update) {
        self.updates.insert(0, update);
        self.updates.truncate(KEPT);
    }
}

/// A pipeline by id; one whose table was dropped is forgotten.
pub(super) fn find(workspace: &Workspace, id: &str) -> Result<Pipeline, ApiError> {
    let found: Option<Pipeline> = workspace.store().get(KIND, id).map_err(LakebaseError::from)?;
    let mut pipeline = found.ok_or_else(|| ApiError::not_found("Pipeline", id))?;
    if pipeline.table.is_some() && table_of(workspace, &pipeline).is_none() {
        forget(workspace, id)?;
        return Err(ApiError::not_found("Pipeline", id));
    }
    for update in &mut pipeline.updates {
        if update.state == "RUNNING" && update.life != super::run::life() {
            "CANCELED".clone_into(&mut update.state);
        }
    }
    Ok(pipeline)
}

pub(super) fn all(workspace: &Workspace) -> Result<Vec<Pipeline>, ApiError> {
    let known = workspace.store().list::<Pipeline>(KIND, "").map_err(LakebaseError::from)?;
    Ok(known.into_iter().filter_map(|(id, _)| find(workspace, &id).ok()).collect())
}

/// The materialized view or streaming table whose rows a pipeline makes.
pub(super) fn table_of(workspace: &Workspace, pipeline: &Pipeline) -> Option<TableRecord> {
    let record = workspace.catalog().table_record(pipeline.table.as_deref()?).ok()?;
    record.upkeep.as_ref().is_some_and(|upkeep| upkeep.pipeline == pipeline.id).then_some(record)
}

/// Materialized views and streaming tables that are refreshed by a schedule.
pub(crate) fn scheduled(workspace: &Workspace) -> Result<Vec<TableRecord>, ApiError> {
    let known = workspace.store().list::<Pipeline>(KIND, "").map_err(LakebaseError::from)?;
    let tables = known.into_iter().filter_map(|(_, pipeline)| table_of(workspace, &pipeline));
    Ok(tables.filter(|table| table.upkeep.as_ref().is_some_and(|own| own.schedule.is_some())).collect())
}

/// The pipeline of a new materialized view or streaming table; the table need not be there yet.
pub(crate) fn make(
    workspace: &Workspace,
    caller: &Caller,
    id: &str,
    name: &str,
    table: &str,
) -> Result<(), ApiError> {
    let pipeline = Pipeline {
        id: id.to_owned(),
        name: name.to_owned(),
        creator: caller.name().to_owned(),
        table: Some(table.to_owned()),
        updates: Vec::new(),
    };
    put(workspace, &pipeline)?;
    workspace.own_object(caller, OBJECTS, id)
}

/// Pipelines whose update was broken off by the end of the workspace.
pub(super) fn broken_off(workspace: &Workspace) -> Result<Vec<String>, ApiError> {
    let known = workspace.store().list::<Pipeline>(KIND, "").map_err(LakebaseError::from)?;
    let broken = |pipeline: &Pipeline| {
        let last = pipeline.updates.first();
        last.is_some_and(|update| update.state == "RUNNING" && update.life != super::run::life())
    };
    Ok(known.into_iter().filter(|(_, pipeline)| broken(pipeline)).map(|(id, _)| id).collect())
}

pub(super) fn put(workspace: &Workspace, pipeline: &Pipeline) -> Result<(), ApiError> {
    Ok(workspace.store().put(KIND, &pipeline.id, pipeline).map_err(LakebaseError::from)?)
}

/// How the last update of a pipeline went, as `DESCRIBE EXTENDED` says it.
pub(crate) fn last_state(workspace: &Workspace, id: &str) -> Option<&'static str> {
    let pipeline = find(workspace, id).ok()?;
    Some(match pipeline.updates.first()?.state.as_str() {
        "COMPLETED" => "Succeeded",
        "FAILED" => "Failed",
        "RUNNING" => "Running",
        _ => "Canceled",
    })
}

/// Whether an update goes on.
pub(crate) fn is_active(workspace: &Workspace, id: &str) -> bool {
    find(workspace, id).is_ok_and(|pipeline| pipeline.active().is_some())
}

/// Forgets a pipeline.
pub(crate) fn forget(workspace: &Workspace, id: &str) -> Result<(), ApiError> {
    workspace.forget_object(OBJECTS, id)?;
    workspace.store().delete(KIND, id).map_err(LakebaseError::from)?;
    Ok(())
}

/// The pipeline of a new synced table: the one its `spec` names, or a new one.
pub(crate) fn choose(
    workspace: &Workspace,
    caller: &Caller,
    spec: &Value,
    name: &str,
) -> Result<String, ApiError> {
    if let Some(id) = spec["existing_pipeline_id"].as_str().filter(|id| !id.is_empty()) {
        if spec.get("new_pipeline_spec").is_some_and(|new| !new.is_null()) {
            return Err(ApiError::invalid(
                "At most one of existing_pipeline_id and new_pipeline_spec can be set",
            ));
        }
        let pipeline = find(workspace, id)?;
        allow(workspace, caller, &pipeline, "CAN_RUN")?;
        return Ok(pipeline.id);
    }
    let pipeline = Pipeline {
        id: uuid::Uuid::new_v4().to_string(),
        name: name.to_owned(),
        creator: caller.name().to_owned(),
        table: None,
        updates: Vec::new(),
    };
    put(workspace, &pipeline)?;
    workspace.own_object(caller, OBJECTS, &pipeline.id)?;
    Ok(pipeline.id)
}

/// Refuses whoever neither made the pipeline nor may use it to this level.
pub(super) fn allow(
    workspace: &Workspace,
    caller: &Caller,
    pipeline: &Pipeline,
    level: &'static str,
) -> Result<(), ApiError> {
    if caller.name() == pipeline.creator {
        return Ok(());
    }
    workspace.authorize(caller, Wish::Object { kind: OBJECTS, id: &pipeline.id, level })
}
