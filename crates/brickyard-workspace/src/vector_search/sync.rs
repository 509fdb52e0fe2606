use std::collections::BTreeMap;
use std::time::Duration;

use axum::Json;
use axum::extract::{Path, State};
use serde_json::{Map, Value, json};

use super::embed;
use super::record::IndexRecord;
use super::rows::{Key, Row, Rows};
use crate::caller::Caller;
use crate::catalog::quote;
use crate::error::{ApiError, ApiResult};
use crate::workspace::Workspace;

/// Rows an index may have.
const MOST_ROWS: usize = 2_000_000;

/// Time for which the answer to a creation waits for the first rows.
const PATIENCE: Duration = Duration::from_secs(20);

/// `POST …/sync`: reads the table again in the background.
pub(super) async fn request(
    State(workspace): State<Workspace>,
    caller: Caller,
    Path(name): Path<String>,
) -> ApiResult<Value> {
    super::indexes::may_write(&workspace, &caller, &name)?;
    let record = workspace.index_record(&name)?;
    if record.delta.is_none() {
        return Err(ApiError::invalid(format!(
            "Index {name} is not a Delta Sync index and cannot be synced"
        )));
    }
    begin(&workspace, &record.name).await;
    Ok(Json(json!({})))
}

/// Starts reading the table and waits a little for it: small ones are there with the answer.
pub(super) async fn begin(workspace: &Workspace, name: &str) {
    let (owned, name) = (workspace.clone(), name.to_owned());
    let running = workspace.tracker().spawn(async move {
        let stopped = owned.cancellation().clone();
        tokio::select! {
            () = stopped.cancelled() => {}
            result = follow(&owned, &name) => if let Err(error) = result {
                tracing::warn!(index = name, "The index `{name}` was not synchronised: {error}");
            }
        }
    });
    let _ = tokio::time::timeout(PATIENCE, running).await;
}

/// Brings an index that follows continuously to its table's present version.
pub(super) async fn catch_up(workspace: &Workspace, record: &IndexRecord) -> Result<(), ApiError> {
    let Some(delta) = &record.delta else { return Ok(()) };
    if delta.pipeline_type != "CONTINUOUS" {
        return Ok(());
    }
    let table = workspace.catalog().table_record(&quote(&delta.table))?;
    if workspace.catalog().version(&table).ok() == delta.synced_version {
        return Ok(());
    }
    follow(workspace, &record.name).await
}

/// Reads the whole table as the owner of the index; a failure is remembered and the old rows stay.
async fn follow(workspace: &Workspace, name: &str) -> Result<(), ApiError> {
    let record = workspace.index_record(name)?;
    let index = {
        let (workspace, record) = (workspace.clone(), record.clone());
        let opened = tokio::task::spawn_blocking(move || workspace.open_index(&record)).await;
        opened.map_err(|error| ApiError::internal(&error))??
    };
    let _changing = index.changing.lock().await;
    let mut record = workspace.index_record(name)?;
    let read = read(workspace, &record).await;
    let Some(delta) = &mut record.delta else { return Ok(()) };
    let (rows, version) = match read {
        Ok(read) => read,
        Err(error) => {
            delta.failure = Some(error.message.clone());
            workspace.put_index(&record)?;
            return Err(error);
        }
    };
    delta.failure = None;
    delta.synced_version = version;
    let dimension = rows.first().map_or(0, |row| row.vector.len());
    let fixed = record.source.as_ref().is_none_or(|source| source.name.is_empty());
    if let Some(vector) = &mut record.vector
        && !fixed
    {
        vector.dimension = dimension;
    }
    let dimension = record.vector.as_ref().map_or(0, |vector| vector.dimension);
    let writing = std::sync::Arc::clone(&index);
    let written = tokio::task::spawn_blocking(move || {
        writing.file.change(&rows, &[], true)?;
        let mut fresh = Rows::new(dimension);
        for row in rows {
            fresh.put(row);
        }
        *writing.write() = fresh;
        Ok::<_, crate::store::StoreError>(())
    });
    let written = written.await.map_err(|error| ApiError::internal(&error))?;
    written.map_err(|error| ApiError::internal(&error))?;
    workspace.put_index(&record)
}

/// The rows of the table as the index keeps them, and the version they are of.
async fn read(workspace: &Workspace, record: &IndexRecord) -> Result<(Vec<Row>, Option<i64>), ApiError> {
    let Some(delta) = &record.delta else { return Ok((Vec::new(), None)) };
    let owner = Caller::acting(workspace, &record.creator)?;
    let table = workspace.catalog().table_record(&quote(&delta.table))?;
    let version = workspace.catalog().version(&table).ok();
    let names: Vec<String> =
        record.columns.keys().map(|name| format!("`{}`", name.replace('`', "``"))).collect();
    let sql = format!("SELECT {} FROM {}", names.join(", "), quote(&delta.table));
    let found = crate::warehouse::rows_of(workspace, owner, &sql, MOST_ROWS).await?;
    let mut documents = Vec::new();
    for batch in &found.batches {
        documents.extend(crate::warehouse::json_rows(batch)?);
    }
    drop(found);
    let texts = match &record.source {
        Some(source) if !source.name.is_empty() => {
            let text = |document: &Map<String, Value>| {
                document.get(&source.name).and_then(Value::as_str).unwrap_or_default().to_owned()
            };
            let texts: Vec<String> = documents.iter().map(text).collect();
            Some(embed::vectors(workspace, &record.creator, &source.model, &texts).await?)
        }
        _ => None,
    };
    let mut texts = texts.map(Vec::into_iter);
    let mut rows = BTreeMap::new();
    for mut document in documents {
        let made = texts.as_mut().and_then(Iterator::next);
        let row = shape(record, &mut document, made)?;
        rows.insert(row.key.clone(), row);
    }
    let rows: Vec<Row> = rows.into_values().collect();
    if let Some(row) = rows.iter().find(|row| row.vector.len() != rows[0].vector.len()) {
        return Err(ApiError::invalid(format!("The vector of row '{}' has another length", row.key.shown())));
    }
    Ok((rows, version))
}

/// A document as a row: its key and its vector taken out.
pub(super) fn shape(
    record: &IndexRecord,
    document: &mut Map<String, Value>,
    made: Option<Vec<f32>>,
) -> Result<Row, ApiError> {
    let key = document.get(&record.primary_key).and_then(Key::of);
    let key = key.ok_or_else(|| {
        ApiError::invalid(format!("A row has no text or whole number as its key '{}'", record.primary_key))
    })?;
    let vector = match (&record.vector, made) {
        (None, _) => Vec::new(),
        (Some(_), Some(made)) => made,
        (Some(column), None) => {
            let vector = document.remove(&column.name).and_then(|value| embed::numbers(&value));
            vector.filter(|vector| vector.len() == column.dimension).ok_or_else(|| {
                ApiError::invalid(format!(
                    "Row '{}' has no vector of {} finite numbers in '{}'",
                    key.shown(),
                    column.dimension,
                    column.name
                ))
            })?
        }
    };
    Ok(Row { key, document: std::mem::take(document), vector })
}
