use std::collections::BTreeMap;

use axum::Json;
use axum::extract::{Path, State};
use serde::Deserialize;
use serde_json::{Value, json};

use super::catalogs::{Update, put_stamp};
use super::metastore::metastore_id;
use super::page::Paging;
use super::schemas::tick;
use crate::caller::Caller;
use crate::catalog::record::TableRecord;
use crate::catalog::{CatalogError, Column, DataType, NewTable, TableChange};
use crate::error::{ApiError, ApiResult};
use crate::request::{JsonBody, Parameters};
use crate::workspace::Workspace;

#[derive(Deserialize)]
pub(super) struct ListQuery {
    pub(super) catalog_name: String,
    pub(super) schema_name: String,
    omit_columns: Option<String>,
    omit_properties: Option<String>,
    #[serde(flatten)]
    pub(super) paging: Paging,
}

#[derive(Deserialize)]
pub(super) struct SummaryQuery {
    catalog_name: String,
    schema_name_pattern: Option<String>,
    table_name_pattern: Option<String>,
    #[serde(flatten)]
    paging: Paging,
}

#[derive(Deserialize)]
pub(super) struct NewTableBody {
    name: String,
    catalog_name: String,
    schema_name: String,
    table_type: String,
    data_source_format: String,
    storage_location: Option<String>,
    #[serde(default)]
    columns: Vec<NewColumn>,
    #[serde(default)]
    properties: BTreeMap<String, String>,
    comment: Option<String>,
}

#[derive(Deserialize)]
struct NewColumn {
    name: String,
    type_text: Option<String>,
    type_name: Option<String>,
    nullable: Option<bool>,
    comment: Option<String>,
}

pub(super) async fn list(
    State(workspace): State<Workspace>,
    caller: Caller,
    Parameters(query): Parameters<ListQuery>,
) -> ApiResult<Value> {
    workspace.lakebase().refresh(&workspace, &query.catalog_name).await?;
    let catalog = workspace.catalog();
    let identity = catalog.identity(caller.name())?;
    let schema = format!("{}.{}", tick(&query.catalog_name), tick(&query.schema_name));
    let records = catalog.list_tables(&identity, &schema)?;
    let is_set =
        |flag: &Option<String>| flag.as_deref().is_some_and(|flag| flag.eq_ignore_ascii_case("true"));
    let (omit_columns, omit_properties) = (is_set(&query.omit_columns), is_set(&query.omit_properties));
    let items = records.into_iter().map(|record| {
        let workspace = workspace.clone();
        let name = record.name.clone();
        let show = move || {
            let mut value = shown(&workspace, &record, !omit_columns)?;
            if omit_properties && let Some(value) = value.as_object_mut() {
                value.remove("properties");
            }
            Ok(value)
        };
        (name, show)
    });
    Ok(Json(query.paging.cut("tables", items.collect())?))
}

pub(super) async fn summaries(
    State(workspace): State<Workspace>,
    caller: Caller,
    Parameters(query): Parameters<SummaryQuery>,
) -> ApiResult<Value> {
    let catalog = workspace.catalog();
    let identity = catalog.identity(caller.name())?;
    let fits = |pattern: &Option<String>, name: &str| {
        pattern.as_deref().is_none_or(|pattern| crate::catalog::like(pattern, name))
    };
    let mut items = Vec::new();
    for schema in catalog.list_schemas(&identity, &tick(&query.catalog_name))? {
        if !fits(&query.schema_name_pattern, &schema.name) {
            continue;
        }
        let full = format!("{}.{}", tick(&schema.catalog), tick(&schema.name));
        for table in catalog.list_tables(&identity, &full)? {
            if fits(&query.table_name_pattern, &table.name) {
                let name = table.full_name();
                let summary = json!({ "full_name": name, "table_type": table.table_type.code() });
                items.push((name, move || Ok(summary)));
            }
        }
    }
    Ok(Json(query.paging.cut("tables", items)?))
}

pub(super) async fn create(
    State(workspace): State<Workspace>,
    caller: Caller,
    JsonBody(new): JsonBody<NewTableBody>,
) -> ApiResult<Value> {
    if new.table_type != "EXTERNAL" {
        return Err(ApiError::not_implemented("managed tables made over REST. hint: use CREATE TABLE"));
    }
    let catalog = workspace.catalog();
    let identity = catalog.identity(caller.name())?;
    let columns = new.columns.iter().map(|column| {
        let text = column.type_text.as_ref().or(column.type_name.as_ref());
        let data_type = DataType::parse(text.map_or("", String::as_str))?;
        let nullable = column.nullable.unwrap_or(true);
        Ok(Column { nullable, comment: column.comment.clone(), ..Column::new(&column.name, data_type) })
    });
    let record = catalog.create_table(
        &identity,
        NewTable {
            full_name: [&new.catalog_name, &new.schema_name, &new.name].map(|part| tick(part)).join("."),
            columns: columns.collect::<Result<_, CatalogError>>()?,
            format: new.data_source_format,
            location: Some(
                new.storage_location.ok_or_else(|| ApiError::invalid("storage_location is missing"))?,
            ),
            properties: new.properties,
            comment: new.comment,
            ..NewTable::default()
        },
    )?;
    Ok(Json(shown(&workspace, &record, true)?))
}

pub(super) async fn read(
    State(workspace): State<Workspace>,
    caller: Caller,
    Path(full_name): Path<String>,
) -> ApiResult<Value> {
    workspace.lakebase().refresh(&workspace, full_name.split('.').next().unwrap_or_default()).await?;
    let catalog = workspace.catalog();
    let identity = catalog.identity(caller.name())?;
    Ok(Json(shown(&workspace, &catalog.get_table(&identity, &full_name)?, true)?))
}

pub(super) async fn exists(
    State(workspace): State<Workspace>,
    caller: Caller,
    Path(full_name): Path<String>,
) -> ApiResult<Value> {
    let catalog = workspace.catalog();
    let identity = catalog.identity(caller.name())?;
    match catalog.get_table(&identity, &full_name) {
        Ok(_) => Ok(Json(json!({ "table_exists": true }))),
        Err(CatalogError::NotFound { .. }) => Ok(Json(json!({ "table_exists": false }))),
        Err(error) => Err(error.into()),
    }
}

pub(super) async fn update(
    State(workspace): State<Workspace>,
    caller: Caller,
    Path(full_name): Path<String>,
    JsonBody(update): JsonBody<Update>,
) -> ApiResult<Value> {
    let catalog = workspace.catalog();
    let identity = catalog.identity(caller.name())?;
    let record = catalog.alter_table(&identity, &full_name, TableChange::Common(update.into()))?;
    Ok(Json(shown(&workspace, &record, true)?))
}

pub(super) async fn remove(
    State(workspace): State<Workspace>,
    caller: Caller,
    Path(full_name): Path<String>,
) -> ApiResult<Value> {
    let catalog = workspace.catalog();
    let identity = catalog.identity(caller.name())?;
    catalog.drop_table(&identity, &full_name)?;
    Ok(Json(json!({})))
}

fn shown(workspace: &Workspace, record: &TableRecord, with_columns: bool) -> Result<Value, ApiError> {
    let catalog = workspace.catalog();
    let mut value = json!({
        "name": record.name,
        "catalog_name": record.catalog,
        "schema_name": record.schema,
        "full_name": record.full_name(),
        "table_type": record.table_type.code(),
        "table_id": record.id,
        "metastore_id": metastore_id(workspace),
        "properties": catalog.properties(record)?,
    });
    if !record.is_view() {
        value["data_source_format"] = record.format.as_str().into();
    }
    if let Some(location) = &record.location {
        value["storage_location"] =
            url::Url::from_file_path(location).map_or_else(|()| String::new(), String::from).into();
    }
    if let Some(definition) = &record.view_definition {
        value["view_definition"] = definition.as_str().into();
    }
    if let Some(upkeep) = &record.upkeep {
        value["pipeline_id"] = upkeep.pipeline.as_str().into();
    }
    if let Some(filter) = &record.row_filter {
        value["row_filter"] =
            json!({ "function_name": filter.function, "input_column_names": filter.columns });
    }
    if with_columns {
        let partitions = catalog.partition_columns(record)?;
        let columns = catalog.columns(record)?;
        let columns = columns.iter().enumerate().map(|(position, described)| {
            let mut value = column(described, position);
            let partition = partitions.iter().position(|name| name.eq_ignore_ascii_case(&described.name));
            if let Some(index) = partition {
                value["partition_index"] = index.into();
            }
            if let Some(mask) = record.column_masks.get(&described.name.to_lowercase()) {
                value["mask"] = json!({ "function_name": mask.function, "using_column_names": mask.columns });
            }
            value
        });
        value["columns"] = columns.collect();
        if !record.constraints.is_empty() {
            value["table_constraints"] = record.constraints.iter().map(constraint).collect();
        }
    }
    put_stamp(&mut value, &record.stamp);
    Ok(value)
}

fn constraint(constraint: &crate::catalog::record::Constraint) -> Value {
    match &constraint.references {
        None => json!({ "primary_key_constraint": {
            "name": constraint.name, "child_columns": constraint.columns, "rely": constraint.rely,
        }}),
        Some((table, columns)) => json!({ "foreign_key_constraint": {
            "name": constraint.name, "child_columns": constraint.columns, "parent_table": table,
            "parent_columns": columns, "rely": constraint.rely,
        }}),
    }
}

/// A column as the API shows it.
pub(in crate::catalog) fn column(column: &Column, position: usize) -> Value {
    let mut value = json!({
        "name": column.name,
        "type_text": column.data_type.text(),
        "type_name": column.data_type.code(),
        "type_json": column.delta().to_string(),
        "position": position,
        "nullable": column.nullable,
    });
    if let DataType::Decimal(precision, scale) = column.data_type {
        value["type_precision"] = precision.into();
        value["type_scale"] = scale.into();
    }
    if let Some(comment) = &column.comment {
        value["comment"] = comment.as_str().into();
    }
    value
}
