use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::Uri;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::record::IndexRecord;
use super::rows::{Key, Row};
use super::{Index, embed, indexes, query, sync};
use crate::caller::Caller;
use crate::error::{ApiError, ApiResult};
use crate::request::JsonBody;
use crate::workspace::Workspace;

#[derive(Deserialize)]
pub(super) struct Upsert {
    inputs_json: String,
}

#[derive(Deserialize)]
pub(super) struct Remove {
    #[serde(default)]
    primary_keys: Vec<Value>,
}

#[derive(Deserialize)]
pub(super) struct Scan {
    num_results: Option<usize>,
    last_primary_key: Option<Value>,
}

/// `POST …/upsert-data`: all rows of a request, or none.
pub(super) async fn upsert(
    State(workspace): State<Workspace>,
    caller: Caller,
    Path(name): Path<String>,
    JsonBody(upsert): JsonBody<Upsert>,
) -> ApiResult<Value> {
    indexes::may_write(&workspace, &caller, &name)?;
    let (record, index) = direct(&workspace, &name).await?;
    let _changing = index.changing.lock().await;
    let mut record = workspace.index_record(&record.name)?;
    let mut documents: Vec<Map<String, Value>> = serde_json::from_str(&upsert.inputs_json)
        .map_err(|error| ApiError::invalid(format!("inputs_json is not a list of objects: {error}")))?;
    let vector = record.vector.as_ref().map(|vector| vector.name.clone());
    for document in &documents {
        let known = |name: &String| record.columns.contains_key(name) || vector.as_ref() == Some(name);
        if let Some(unknown) = document.keys().find(|name| !known(name)) {
            return Err(ApiError::invalid(format!("The schema of the index has no column '{unknown}'")));
        }
    }
    let made = match &record.source {
        Some(source) if !source.name.is_empty() => {
            let text = |document: &Map<String, Value>| {
                document.get(&source.name).and_then(Value::as_str).unwrap_or_default().to_owned()
            };
            let texts: Vec<String> = documents.iter().map(text).collect();
            Some(embed::vectors(&workspace, &record.creator, &source.model, &texts).await?)
        }
        _ => None,
    };
    let mut made = made.map(Vec::into_iter);
    let mut rows: Vec<Row> = Vec::with_capacity(documents.len());
    for document in &mut documents {
        rows.push(sync::shape(&record, document, made.as_mut().and_then(Iterator::next))?);
    }
    if let (Some(vector), Some(first)) = (&mut record.vector, rows.first())
        && vector.dimension == 0
    {
        vector.dimension = first.vector.len();
        *index.write() = super::rows::Rows::new(vector.dimension);
        workspace.put_index(&record)?;
    }
    let dimension = record.vector.as_ref().map_or(0, |vector| vector.dimension);
    if rows.iter().any(|row| row.vector.len() != dimension) {
        return Err(ApiError::invalid(format!("Every vector of the index has {dimension} numbers")));
    }
    let count = rows.len();
    let writing = Arc::clone(&index);
    blocking(move || {
        writing.file.change(&rows, &[], false).map_err(|error| ApiError::internal(&error))?;
        let mut memory = writing.write();
        for row in rows {
            memory.put(row);
        }
        Ok(())
    })
    .await?;
    Ok(Json(json!({
        "status": "SUCCESS", "result": { "success_row_count": count, "failed_primary_keys": [] },
    })))
}

/// `DELETE …/delete-data`: keys in the body, or in `primary_keys` behind `?`.
pub(super) async fn remove(
    State(workspace): State<Workspace>,
    caller: Caller,
    Path(name): Path<String>,
    uri: Uri,
    JsonBody(remove): JsonBody<Remove>,
) -> ApiResult<Value> {
    indexes::may_write(&workspace, &caller, &name)?;
    let (_, index) = direct(&workspace, &name).await?;
    let _changing = index.changing.lock().await;
    let numbers = index.read().has_number_keys();
    let asked = url::form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes());
    let mut keys: Vec<Value> = asked
        .filter(|(name, _)| name == "primary_keys")
        .map(|(_, key)| Value::from(key.into_owned()))
        .collect();
    keys.extend(remove.primary_keys);
    let key = |value: &Value| match value {
        Value::String(text) => Key::parse(text, numbers),
        value => Key::of(value),
    };
    let keys: Vec<(String, Option<Key>)> = keys
        .iter()
        .map(|value| (value.as_str().map_or_else(|| value.to_string(), str::to_owned), key(value)))
        .collect();
    let writing = Arc::clone(&index);
    let (count, failed) = blocking(move || {
        let known: Vec<Key> = keys.iter().filter_map(|(_, key)| key.clone()).collect();
        writing.file.change(&[], &known, false).map_err(|error| ApiError::internal(&error))?;
        let mut memory = writing.write();
        let count = known.iter().filter(|key| memory.remove(key)).count();
        let failed: Vec<String> =
            keys.into_iter().filter(|(_, key)| key.is_none()).map(|(text, _)| text).collect();
        Ok((count, failed))
    })
    .await?;
    let status = match (count, failed.len()) {
        (_, 0) => "SUCCESS",
        (0, _) => "FAILURE",
        _ => "PARTIAL_SUCCESS",
    };
    Ok(Json(json!({
        "status": status, "result": { "success_row_count": count, "failed_primary_keys": failed },
    })))
}

/// `…/scan`: rows in the order of their keys.
pub(super) async fn scan(
    State(workspace): State<Workspace>,
    caller: Caller,
    Path(name): Path<String>,
    JsonBody(scan): JsonBody<Scan>,
) -> ApiResult<Value> {
    indexes::may_read(&workspace, &caller, &name)?;
    let record = workspace.index_record(&name)?;
    let index = opened(&workspace, &record).await?;
    let rows = index.read();
    let after = scan.last_primary_key.as_ref().and_then(|value| match value {
        Value::String(text) => Key::parse(text, rows.has_number_keys()),
        value => Key::of(value),
    });
    let count = scan.num_results.unwrap_or(10).clamp(1, 10_000);
    let mut data = Vec::new();
    let mut last = Value::Null;
    for (key, position) in rows.after(after.as_ref()).take(count) {
        let fields = record.columns.keys().chain(record.vector.as_ref().map(|vector| &vector.name));
        let mut seen: Vec<&String> = Vec::new();
        let mut shown = Vec::new();
        for column in fields {
            if !seen.contains(&column) {
                seen.push(column);
                let value = query::value(&record, &rows, position, column);
                shown.push(json!({ "key": column, "value": typed(&value) }));
            }
        }
        data.push(json!({ "fields": shown }));
        last = json!(key.shown());
    }
    Ok(Json(json!({ "data": data, "last_primary_key": last })))
}

/// A value as a scan shows it: with its type's name.
fn typed(value: &Value) -> Value {
    match value {
        Value::Null => json!({}),
        Value::Bool(value) => json!({ "bool_value": value }),
        Value::Number(number) => json!({ "number_value": number.as_f64() }),
        Value::String(text) => json!({ "string_value": text }),
        Value::Array(values) => {
            json!({ "list_value": { "values": values.iter().map(typed).collect::<Vec<_>>() } })
        }
        Value::Object(fields) => {
            let fields = fields.iter().map(|(key, value)| json!({ "key": key, "value": typed(value) }));
            json!({ "struct_value": { "fields": fields.collect::<Vec<_>>() } })
        }
    }
}

/// An index that clients write; one that follows a table is refused.
async fn direct(workspace: &Workspace, name: &str) -> Result<(IndexRecord, Arc<Index>), ApiError> {
    let record = workspace.index_record(name)?;
    if record.delta.is_some() {
        return Err(ApiError::invalid(format!(
            "Index {name} is a Delta Sync index: its data is changed in its source table"
        )));
    }
    let index = opened(workspace, &record).await?;
    Ok((record, index))
}

/// The open index of a record.
pub(super) async fn opened(workspace: &Workspace, record: &IndexRecord) -> Result<Arc<Index>, ApiError> {
    let (workspace, record) = (workspace.clone(), record.clone());
    blocking(move || workspace.open_index(&record)).await
}

/// Runs what takes the processor or the disk where it holds nobody up.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ApiError> + Send + 'static,
) -> Result<T, ApiError> {
    tokio::task::spawn_blocking(work).await.map_err(|error| ApiError::internal(&error))?
}
