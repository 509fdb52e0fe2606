use serde_json::{Value, json};

use super::endpoints;
use super::record::IndexRecord;
use crate::error::ApiError;
use crate::workspace::Workspace;

/// An index in a list.
pub(super) fn brief(workspace: &Workspace, record: &IndexRecord) -> Value {
    let mut shown = json!({
        "name": record.name,
        "endpoint_name": record.endpoint,
        "primary_key": record.primary_key,
        "index_type": if record.delta.is_some() { "DELTA_SYNC" } else { "DIRECT_ACCESS" },
        "creator": record.creator,
    });
    if let Ok(endpoint) = endpoints::find(workspace, &record.endpoint) {
        shown["endpoint_id"] = json!(endpoint.id);
    }
    if let Some(subtype) = &record.subtype {
        shown["index_subtype"] = json!(subtype);
    }
    shown
}

/// An index with its specification and its state.
pub(super) fn whole(workspace: &Workspace, record: &IndexRecord) -> Result<Value, ApiError> {
    let mut shown = brief(workspace, record);
    shown["id"] = json!(record.id);
    let mut spec = serde_json::Map::new();
    let vector = record.vector.as_ref().filter(|_| {
        // A vector that a model makes is the index's own affair.
        record.source.as_ref().is_none_or(|source| source.name.is_empty())
    });
    if let Some(vector) = vector {
        let column = json!({ "name": vector.name, "embedding_dimension": vector.dimension });
        spec.insert("embedding_vector_columns".to_owned(), json!([column]));
    }
    if let Some(source) = &record.source {
        let mut column = json!({ "embedding_model_endpoint_name": source.model });
        if !source.name.is_empty() {
            column["name"] = json!(source.name);
        }
        if let Some(model) = &source.model_for_query {
            column["model_endpoint_name_for_query"] = json!(model);
        }
        spec.insert("embedding_source_columns".to_owned(), json!([column]));
    }
    if let Some(delta) = &record.delta {
        spec.insert("source_table".to_owned(), json!(delta.table));
        spec.insert("pipeline_type".to_owned(), json!(delta.pipeline_type));
        spec.insert("pipeline_id".to_owned(), json!(record.id));
        if !delta.columns_to_sync.is_empty() {
            spec.insert("columns_to_sync".to_owned(), json!(delta.columns_to_sync));
        }
    } else if let Some(schema) = &record.schema_json {
        spec.insert("schema_json".to_owned(), json!(schema));
    }
    let name = if record.delta.is_some() { "delta_sync_index_spec" } else { "direct_access_index_spec" };
    shown[name] = Value::Object(spec);
    shown["status"] = status(workspace, record)?;
    Ok(shown)
}

fn status(workspace: &Workspace, record: &IndexRecord) -> Result<Value, ApiError> {
    let rows = workspace.open_index(record)?.read().len();
    let stopped = endpoints::find(workspace, &record.endpoint).is_ok_and(|endpoint| endpoint.stopped);
    let (state, ready, message) = match &record.delta {
        _ if stopped => ("OFFLINE", false, format!("The endpoint {} is stopped", record.endpoint)),
        None => ("ONLINE_DIRECT_ACCESS", true, "Index is ready to serve direct access queries".to_owned()),
        Some(delta) => match (&delta.failure, delta.synced_version) {
            (Some(why), None) => ("OFFLINE_FAILED", false, format!("The source table cannot be read: {why}")),
            (Some(why), Some(_)) => ("ONLINE_PIPELINE_FAILED", true, format!("The last sync failed: {why}")),
            (None, None) => {
                ("PROVISIONING_INITIAL_SNAPSHOT", false, "The source table is being read".to_owned())
            }
            (None, Some(version)) => (
                "ONLINE_NO_PENDING_UPDATE",
                true,
                format!("Index holds version {version} of {} and is ready to serve queries", delta.table),
            ),
        },
    };
    Ok(json!({
        "detailed_state": state,
        "message": message,
        "indexed_row_count": rows,
        "ready": ready,
        "index_url": format!("{}/api/2.0/vector-search/indexes/{}", workspace.config().host, record.name),
    }))
}
