use std::collections::BTreeMap;

use axum::Json;
use axum::extract::{Path, State};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::record::{DeltaSource, IndexRecord, SourceColumn, VectorColumn};
use super::{describe, endpoints, sync};
use crate::authorize::Wish;
use crate::caller::Caller;
use crate::catalog::{Column, DataType, NewTable, quote, split};
use crate::error::{ApiError, ApiResult};
use crate::request::{JsonBody, Parameters};
use crate::workspace::Workspace;

/// Store kind, by full name.
const INDEX: &str = "vector_index";

/// Longest vectors, in numbers.
const LONGEST: usize = 4096;

/// Format under which Unity Catalog shows an index among its tables.
pub(crate) const FORMAT: &str = "VECTOR_INDEX_FORMAT";

#[derive(Deserialize)]
pub(super) struct Create {
    name: String,
    endpoint_name: Option<String>,
    primary_key: String,
    index_type: String,
    index_subtype: Option<String>,
    delta_sync_index_spec: Option<Spec>,
    direct_access_index_spec: Option<Spec>,
}

#[derive(Deserialize)]
struct Spec {
    #[serde(default)]
    embedding_vector_columns: Vec<VectorSpec>,
    #[serde(default)]
    embedding_source_columns: Vec<SourceSpec>,
    schema_json: Option<String>,
    source_table: Option<String>,
    pipeline_type: Option<String>,
    #[serde(default)]
    columns_to_sync: Vec<String>,
    embedding_writeback_table: Option<String>,
}

#[derive(Deserialize)]
struct VectorSpec {
    name: String,
    embedding_dimension: Option<usize>,
}

#[derive(Deserialize)]
struct SourceSpec {
    name: Option<String>,
    embedding_model_endpoint_name: Option<String>,
    model_endpoint_name_for_query: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct Which {
    endpoint_name: Option<String>,
}

pub(super) async fn list(
    State(workspace): State<Workspace>,
    caller: Caller,
    Parameters(which): Parameters<Which>,
) -> ApiResult<Value> {
    let name = which.endpoint_name.ok_or_else(|| ApiError::invalid("endpoint_name is required"))?;
    seen(&workspace, &caller, &name)
}

pub(super) async fn list_of(
    State(workspace): State<Workspace>,
    caller: Caller,
    Path(name): Path<String>,
) -> ApiResult<Value> {
    seen(&workspace, &caller, &name)
}

fn seen(workspace: &Workspace, caller: &Caller, endpoint: &str) -> ApiResult<Value> {
    endpoints::find(workspace, endpoint)?;
    let mut seen = Vec::new();
    for record in workspace.indexes_of(endpoint)? {
        if may_read(workspace, caller, &record.name).is_ok() {
            seen.push(describe::brief(workspace, &record));
        }
    }
    Ok(Json(json!({ "vector_indexes": seen })))
}

pub(super) async fn create_on(
    State(workspace): State<Workspace>,
    caller: Caller,
    Path(name): Path<String>,
    JsonBody(mut new): JsonBody<Create>,
) -> ApiResult<Value> {
    new.endpoint_name = Some(name);
    make(&workspace, &caller, new).await
}

pub(super) async fn create(
    State(workspace): State<Workspace>,
    caller: Caller,
    JsonBody(new): JsonBody<Create>,
) -> ApiResult<Value> {
    make(&workspace, &caller, new).await
}

async fn make(workspace: &Workspace, caller: &Caller, new: Create) -> ApiResult<Value> {
    let endpoint = new.endpoint_name.as_deref();
    let endpoint = endpoint.ok_or_else(|| ApiError::invalid("endpoint_name is required"))?;
    let endpoint = endpoints::find(workspace, endpoint)?;
    workspace.authorize_object(caller, endpoints::KIND, &endpoint.id, "CAN_USE")?;
    let parts = split(&new.name)?;
    if parts.len() != 3 {
        return Err(ApiError::invalid(format!("Index name '{}' must be catalog.schema.index", new.name)));
    }
    let name = parts.join(".").to_lowercase();
    let _ = workspace.index_record(&name); // the rows of one that SQL has dropped go away
    let (spec, delta) = match new.index_type.as_str() {
        "DELTA_SYNC" => (new.delta_sync_index_spec, true),
        "DIRECT_ACCESS" => (new.direct_access_index_spec, false),
        other => return Err(ApiError::invalid(format!("index_type {other} is not known"))),
    };
    let spec = spec.ok_or_else(|| ApiError::invalid("The index has no specification"))?;
    if spec.embedding_writeback_table.is_some() {
        return Err(ApiError::not_implemented("writing computed embeddings back to a table"));
    }
    let full_text = new.index_subtype.as_deref() == Some("FULL_TEXT");
    let source = source(&spec)?;
    let vector = vector(&spec, source.as_ref())?;
    if vector.is_none() && !full_text {
        return Err(ApiError::invalid(
            "An index needs one of embedding_vector_columns and embedding_source_columns",
        ));
    }
    let (columns, delta) = if delta { followed(workspace, caller, &spec)? } else { (written(&spec)?, None) };
    for column in [Some(&new.primary_key), source.as_ref().map(|source| &source.name)].into_iter().flatten() {
        if !column.is_empty() && !columns.contains_key(column) {
            return Err(ApiError::invalid(format!("The index has no column '{column}'")));
        }
    }
    let record = IndexRecord {
        id: uuid::Uuid::new_v4().to_string(),
        name: name.clone(),
        endpoint: endpoint.name,
        primary_key: new.primary_key,
        subtype: new.index_subtype,
        creator: caller.name().to_owned(),
        columns,
        vector,
        source,
        delta,
        schema_json: spec.schema_json,
    };
    let listed = record
        .columns
        .iter()
        .map(|(name, sql_type)| Ok(Column::new(name.clone(), DataType::parse(sql_type)?)));
    let table = NewTable {
        full_name: quote(&name),
        columns: listed.collect::<Result<_, ApiError>>()?,
        format: FORMAT.to_owned(),
        ..NewTable::default()
    };
    workspace.catalog().register_index(&workspace.catalog().identity(caller.name())?, table)?;
    workspace.store().put(INDEX, &name, &record).map_err(|error| ApiError::internal(&error))?;
    if record.delta.is_some() {
        sync::begin(workspace, &name).await;
    }
    let record = workspace.index_record(&name)?;
    Ok(Json(describe::whole(workspace, &record)?))
}

fn source(spec: &Spec) -> Result<Option<SourceColumn>, ApiError> {
    let Some(first) = spec.embedding_source_columns.first() else { return Ok(None) };
    let model = first.embedding_model_endpoint_name.clone();
    let model = model.ok_or_else(|| ApiError::invalid("embedding_model_endpoint_name is required"))?;
    Ok(Some(SourceColumn {
        name: first.name.clone().unwrap_or_default(),
        model,
        model_for_query: first.model_endpoint_name_for_query.clone(),
    }))
}

fn vector(spec: &Spec, source: Option<&SourceColumn>) -> Result<Option<VectorColumn>, ApiError> {
    match spec.embedding_vector_columns.first() {
        Some(column) => match column.embedding_dimension {
            Some(dimension @ 1..=LONGEST) => Ok(Some(VectorColumn { name: column.name.clone(), dimension })),
            _ => Err(ApiError::invalid(format!("embedding_dimension must lie between 1 and {LONGEST}"))),
        },
        None => Ok(source
            .filter(|source| !source.name.is_empty())
            .map(|source| VectorColumn { name: format!("__db_{}_vector", source.name), dimension: 0 })),
    }
}

/// The columns of an index that clients write, from their `schema_json`.
fn written(spec: &Spec) -> Result<BTreeMap<String, String>, ApiError> {
    let malformed = || ApiError::invalid("schema_json must be a JSON object of column names and types");
    let text = spec.schema_json.as_deref().ok_or_else(malformed)?;
    let schema: Map<String, Value> = serde_json::from_str(text).map_err(|_| malformed())?;
    let column = |(name, sql_type): (String, Value)| {
        let sql_type = sql_type.as_str().ok_or_else(malformed)?;
        Ok((name, DataType::parse(sql_type)?.text()))
    };
    schema.into_iter().map(column).collect()
}

/// The columns of an index that follows a table, and how it follows.
fn followed(
    workspace: &Workspace,
    caller: &Caller,
    spec: &Spec,
) -> Result<(BTreeMap<String, String>, Option<DeltaSource>), ApiError> {
    let table = spec.source_table.as_deref().ok_or_else(|| ApiError::invalid("source_table is required"))?;
    workspace.authorize(caller, Wish::Securable { kind: "TABLE", full_name: table, privilege: "SELECT" })?;
    let record = workspace.catalog().table_record(table)?;
    if !record.is_delta() {
        return Err(ApiError::invalid(format!("Source table '{table}' is not a Delta table")));
    }
    let pipeline_type = spec.pipeline_type.clone().unwrap_or_else(|| "TRIGGERED".to_owned());
    if !["TRIGGERED", "CONTINUOUS"].contains(&pipeline_type.as_str()) {
        return Err(ApiError::invalid(format!("pipeline_type {pipeline_type} is not known")));
    }
    let all = workspace.catalog().columns(&record)?;
    let wanted = |name: &str| {
        spec.columns_to_sync.is_empty() || spec.columns_to_sync.iter().any(|column| column == name)
    };
    let needed = |name: &str| {
        spec.embedding_vector_columns.iter().any(|column| column.name == name)
            || spec.embedding_source_columns.iter().any(|column| column.name.as_deref() == Some(name))
    };
    let columns = all
        .iter()
        .filter(|column| wanted(&column.name) || needed(&column.name))
        .map(|column| (column.name.clone(), column.data_type.text()))
        .collect();
    let delta = DeltaSource {
        table: record.full_name(),
        pipeline_type,
        columns_to_sync: spec.columns_to_sync.clone(),
        synced_version: None,
        failure: None,
    };
    Ok((columns, Some(delta)))
}

pub(super) async fn show(
    State(workspace): State<Workspace>,
    caller: Caller,
    Path(name): Path<String>,
) -> ApiResult<Value> {
    may_read(&workspace, &caller, &name)?;
    let record = workspace.index_record(&name)?;
    Ok(Json(describe::whole(&workspace, &record)?))
}

pub(super) async fn show_on(
    state: State<Workspace>,
    caller: Caller,
    Path((endpoint, name)): Path<(String, String)>,
) -> ApiResult<Value> {
    on(&state, &endpoint, &name)?;
    show(state, caller, Path(name)).await
}

pub(super) async fn remove(
    State(workspace): State<Workspace>,
    caller: Caller,
    Path(name): Path<String>,
) -> ApiResult<Value> {
    let record = workspace.index_record(&name)?;
    let identity = workspace.catalog().identity(caller.name())?;
    workspace.catalog().drop_table(&identity, &quote(&record.name))?;
    let _ = workspace.index_record(&record.name); // takes its rows away
    Ok(Json(json!({})))
}

pub(super) async fn remove_on(
    state: State<Workspace>,
    caller: Caller,
    Path((endpoint, name)): Path<(String, String)>,
) -> ApiResult<Value> {
    on(&state, &endpoint, &name)?;
    remove(state, caller, Path(name)).await
}

fn on(workspace: &Workspace, endpoint: &str, name: &str) -> Result<(), ApiError> {
    let record = workspace.index_record(name)?;
    if record.endpoint == endpoint { Ok(()) } else { Err(ApiError::not_found("Index", name)) }
}

/// Refuses who may not read an index.
pub(super) fn may_read(workspace: &Workspace, caller: &Caller, name: &str) -> Result<(), ApiError> {
    workspace.authorize(caller, Wish::Securable { kind: "TABLE", full_name: name, privilege: "SELECT" })
}

/// Refuses who may not write an index.
pub(super) fn may_write(workspace: &Workspace, caller: &Caller, name: &str) -> Result<(), ApiError> {
    workspace.authorize(caller, Wish::Securable { kind: "TABLE", full_name: name, privilege: "MODIFY" })
}

impl Workspace {
    /// The index of this name, or a 404; one whose table was dropped in SQL goes with it.
    pub(super) fn index_record(&self, name: &str) -> Result<IndexRecord, ApiError> {
        let key = split(name)?.join(".").to_lowercase();
        let record: Option<IndexRecord> =
            self.store().get(INDEX, &key).map_err(|error| ApiError::internal(&error))?;
        let record = record.ok_or_else(|| ApiError::not_found("Index", name))?;
        let table = self.catalog().table_record(&quote(&key));
        if table.is_ok_and(|table| table.format == FORMAT) {
            return Ok(record);
        }
        self.store().delete(INDEX, &key).map_err(|error| ApiError::internal(&error))?;
        self.close_index(&record);
        Err(ApiError::not_found("Index", name))
    }

    /// Remembers what is known of an index.
    pub(super) fn put_index(&self, record: &IndexRecord) -> Result<(), ApiError> {
        self.store().put(INDEX, &record.name, record).map_err(|error| ApiError::internal(&error))
    }

    /// The indexes on an endpoint.
    pub(super) fn indexes_of(&self, endpoint: &str) -> Result<Vec<IndexRecord>, ApiError> {
        let all: Vec<(String, IndexRecord)> =
            self.store().list(INDEX, "").map_err(|error| ApiError::internal(&error))?;
        let there =
            |name: &str| self.catalog().table_record(&quote(name)).is_ok_and(|table| table.format == FORMAT);
        Ok(all
            .into_iter()
            .map(|(_, record)| record)
            .filter(|record| record.endpoint == endpoint && there(&record.name))
            .collect())
    }

    /// Indexes that the caller may read and that make texts vectors themselves: full name and columns to show.
    pub(crate) fn readable_indexes(&self, caller: &Caller) -> Result<Vec<(String, Vec<String>)>, ApiError> {
        let all: Vec<(String, IndexRecord)> =
            self.store().list(INDEX, "").map_err(|error| ApiError::internal(&error))?;
        let seen = all.into_iter().filter(|(name, record)| {
            record.query_model().is_some() && may_read(self, caller, &quote(name)).is_ok()
        });
        Ok(seen.map(|(name, record)| (name, record.columns.into_keys().collect())).collect())
    }
}
