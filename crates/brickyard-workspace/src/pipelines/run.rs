use std::sync::{Arc, OnceLock};
use std::time::Duration;

use futures_util::future::BoxFuture;
use http::StatusCode;
use tokio::sync::Mutex;

use super::record::{Pipeline, Update, find, put, table_of};
use crate::error::ApiError;
use crate::synced_tables;
use crate::workspace::Workspace;

/// How often a continuous pipeline looks at the versions of its sources.
const LOOK: Duration = Duration::from_millis(500);

/// A name of this process's life, by which an update that was broken off is told from one that goes on.
pub(super) fn life() -> &'static str {
    static LIFE: OnceLock<String> = OnceLock::new();
    LIFE.get_or_init(|| uuid::Uuid::new_v4().to_string())
}

/// What an update does.
type Work = BoxFuture<'static, Result<(), ApiError>>;

/// The lock of a pipeline: who holds it has the next update.
pub(crate) fn turn(workspace: &Workspace, id: &str) -> Arc<Mutex<()>> {
    workspace.warehouses().writer(&format!("pipeline {id}"))
}

/// Starts an update of some or all tables of a pipeline and returns its id; one at a time.
pub(crate) fn start(
    workspace: &Workspace,
    id: &str,
    cause: &str,
    full_refresh: bool,
    selection: &[String],
) -> Result<String, ApiError> {
    if let Some(active) = find(workspace, id)?.active() {
        return Err(ApiError::new(
            StatusCode::CONFLICT,
            "RESOURCE_CONFLICT",
            format!("An active update {} already exists.", active.id),
        ));
    }
    let (task, own, turn) = (workspace.clone(), id.to_owned(), turn(workspace, id));
    let wanted = (full_refresh, selection.to_vec());
    let work = Box::pin(async move {
        // One that was stopped lets go in a moment.
        let _turn = turn.lock_owned().await;
        run(&task, &own, wanted.0, &wanted.1).await
    });
    launch(workspace, id, cause, full_refresh, selection, work)
}

/// Runs `work`, which has the pipeline's turn or waits for it, as an update and returns the update's id.
pub(crate) fn launch(
    workspace: &Workspace,
    id: &str,
    cause: &str,
    full_refresh: bool,
    selection: &[String],
    work: Work,
) -> Result<String, ApiError> {
    let mut pipeline = find(workspace, id)?;
    let update = Update {
        id: uuid::Uuid::new_v4().to_string(),
        state: "RUNNING".to_owned(),
        cause: cause.to_owned(),
        full_refresh,
        selection: selection.to_vec(),
        created: workspace.clock().unix_milliseconds(),
        failure: None,
        life: life().to_owned(),
    };
    let update_id = update.id.clone();
    pipeline.push(update);
    put(workspace, &pipeline)?;
    let (task, id, update) = (workspace.clone(), id.to_owned(), update_id.clone());
    workspace.tracker().spawn(async move {
        let outcome = tokio::select! {
            outcome = work => outcome,
            () = task.cancellation().cancelled() => return,
            () = stopped(&task, &id, &update) => return,
        };
        if let Err(error) = &outcome {
            tracing::warn!(pipeline = id, "Pipeline `{id}` failed: {}", error.message);
        }
        let failure = outcome.err().map(|error| error.message);
        let state = if failure.is_none() { "COMPLETED" } else { "FAILED" };
        if let Err(error) = end(&task, &id, &update, state, failure) {
            tracing::error!(
                pipeline = id,
                "The outcome of pipeline `{id}` could not be kept: {}",
                error.message
            );
        }
    });
    Ok(update_id)
}

/// Marks an update as over; one that is over already stays as it is.
pub(super) fn end(
    workspace: &Workspace,
    id: &str,
    update: &str,
    state: &str,
    failure: Option<String>,
) -> Result<(), ApiError> {
    let Ok(mut pipeline) = find(workspace, id) else { return Ok(()) }; // went with its last table
    let running = |known: &&mut Update| known.id == update && known.state == "RUNNING";
    if let Some(found) = pipeline.updates.iter_mut().find(running) {
        state.clone_into(&mut found.state);
        found.failure = failure;
        put(workspace, &pipeline)?;
    }
    Ok(())
}

async fn run(
    workspace: &Workspace,
    id: &str,
    full_refresh: bool,
    selection: &[String],
) -> Result<(), ApiError> {
    if let Some(table) = table_of(workspace, &find(workspace, id)?) {
        return crate::warehouse::refresh_table(workspace, &table, full_refresh).await;
    }
    let mut outcome = Ok(());
    for table in synced_tables::of_pipeline(workspace, id)? {
        let wanted = selection.is_empty() || selection.contains(&table.name);
        if wanted && (full_refresh || !table.is_continuous() || table.is_behind(workspace)) {
            outcome = outcome.and(synced_tables::sync(workspace, &table.name).await);
        }
    }
    outcome?;
    follow(workspace, id).await
}

/// Copies the tables of a continuous pipeline whenever their sources have another version; at once over where the
/// pipeline has none. A copy that fails ends it.
async fn follow(workspace: &Workspace, id: &str) -> Result<(), ApiError> {
    loop {
        let mut tables = synced_tables::of_pipeline(workspace, id)?;
        tables.retain(synced_tables::SyncedTable::is_continuous);
        if tables.is_empty() {
            return Ok(());
        }
        for table in tables.into_iter().filter(|table| table.is_behind(workspace)) {
            synced_tables::sync(workspace, &table.name).await?;
        }
        tokio::time::sleep(LOOK).await; // for the next version, which another program may write
    }
}

/// Goes on with the continuous pipelines that ran when the workspace ended.
pub(crate) fn resume(workspace: &Workspace) {
    for id in super::record::broken_off(workspace).unwrap_or_default() {
        let continuous = synced_tables::of_pipeline(workspace, &id)
            .is_ok_and(|tables| tables.iter().any(synced_tables::SyncedTable::is_continuous));
        if continuous && let Err(error) = start(workspace, &id, "RETRY_ON_FAILURE", false, &[]) {
            tracing::warn!(pipeline = id, "Pipeline `{id}` does not go on: {}", error.message);
        }
    }
}

/// Waits until somebody has stopped the update.
async fn stopped(workspace: &Workspace, id: &str, update: &str) {
    let runs = |pipeline: &Pipeline| pipeline.active().is_some_and(|active| active.id == update);
    while find(workspace, id).is_ok_and(|pipeline| runs(&pipeline)) {
        tokio::time::sleep(LOOK).await;
    }
}
