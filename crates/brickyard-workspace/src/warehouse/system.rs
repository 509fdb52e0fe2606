//! Tables that the workspace keeps itself: every `information_schema`, and `system.query.history`. They are made when a
//! statement reads them, with what its caller may see.

use arrow_array::RecordBatch;
use arrow_schema::DataType;
use arrow_schema::DataType::{Int64, Utf8};
use brickyard_sql::{Column, Relation};
use jiff::Timestamp;
use serde_json::Value;

use super::fault::Fault;
use super::grid::{Cell, Grid, moment, record};
use super::result::sql_type::SqlType;
use crate::catalog::{Catalog, CatalogError, Identity, Kind, Privilege};
use crate::workspace::Workspace;

const INFORMATION_SCHEMA: &str = "information_schema";

/// The name of a table that is kept here, whole and in lower case.
pub(crate) fn whole(parts: &[String], current_catalog: &str) -> Option<[String; 3]> {
    let (catalog, schema, table) = match parts {
        [catalog, schema, table] => (catalog.as_str(), schema, table),
        [schema, table] => (current_catalog, schema, table),
        _ => return None,
    };
    let name = [catalog.to_lowercase(), schema.to_lowercase(), table.to_lowercase()];
    (name[1] == INFORMATION_SCHEMA || (name[0] == "system" && name[1] == "query")).then_some(name)
}

/// Refuses who may not read it.
pub(crate) fn authorize(catalog: &Catalog, identity: &Identity, name: &[String; 3]) -> Result<(), Fault> {
    let schema = super::name::full_name(&name[..2]);
    Ok(catalog.check(identity, Kind::Schema, &schema, Privilege::SELECT)?)
}

/// What the planner is told of it; `None` when there is no such table.
pub(crate) fn relation(catalog: &Catalog, name: &[String; 3]) -> Result<Option<Relation>, Fault> {
    let Some(columns) = columns(catalog, name)? else { return Ok(None) };
    let columns = columns.into_iter().map(|(name, data_type)| {
        let field = arrow_schema::Field::new(&name, data_type, true);
        Column {
            data_type: brickyard_sql::DataType::from(SqlType::of(&field).to_string().as_str()),
            name,
            mask: None,
            generated: false,
            default: None,
        }
    });
    Ok(Some(Relation {
        columns: columns.collect(),
        engine_name: Some(view_name(name)),
        ..Relation::default()
    }))
}

/// The temporary view in the engine that holds a table for one session.
pub(crate) fn view_name(name: &[String; 3]) -> String {
    format!("__system_{}", uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_OID, name.join(".").as_bytes()).simple())
}

/// The rows that this identity may see; `None` when there is no such table.
pub(crate) fn rows(
    workspace: &Workspace,
    identity: &Identity,
    name: &[String; 3],
) -> Result<Option<RecordBatch>, Fault> {
    let catalog = workspace.catalog();
    let Some(columns) = columns(catalog, name)? else { return Ok(None) };
    let mut grid = Grid::new(columns.clone());
    if name[1] == INFORMATION_SCHEMA {
        for row in catalog.information_rows(identity, &name[0], &name[2])? {
            grid.row(columns.iter().map(|(column, data_type)| cell(&row[column.as_str()], data_type)));
        }
    } else {
        let account = workspace.account_id();
        let number = workspace.config().workspace_id.to_string();
        for entry in workspace.warehouses().history().all(workspace) {
            let ended = entry.ended.map(|time| time * 1000);
            let compute = vec!["WAREHOUSE".into(), Cell::Null, entry.warehouse.clone().into()];
            grid.row([
                account.clone().into(),
                number.clone().into(),
                entry.id.to_string().into(),
                Cell::Null,
                entry.status.clone().into(),
                Cell::Struct(compute),
                entry.user_id.to_string().into(),
                entry.user.clone().into(),
                entry.text.clone().into(),
                entry.kind().into(),
                entry.error.clone().into(),
                entry.ended.map(|time| time - entry.started).into(),
                (entry.started * 1000).into(),
                ended.into(),
                ended.into(),
                i64::try_from(entry.rows).unwrap_or(i64::MAX).into(),
            ]);
        }
    }
    grid.batch().map(Some)
}

/// The columns of a table; `None` when there is no such table.
fn columns(catalog: &Catalog, name: &[String; 3]) -> Result<Option<Vec<(String, DataType)>>, Fault> {
    if name[1] == INFORMATION_SCHEMA {
        let record = match catalog.information_record(&name[0], &name[2]) {
            Ok(record) => record,
            Err(CatalogError::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let arrow = |column: crate::catalog::Column| {
            let data_type = match column.data_type.text().as_str() {
                "int" => DataType::Int32,
                "bigint" => Int64,
                "timestamp" => moment(),
                _ => Utf8,
            };
            (column.name, data_type)
        };
        return Ok(Some(record.columns.into_iter().map(arrow).collect()));
    }
    if name[2] != "history" {
        return Ok(None);
    }
    let compute = record(&[("type", Utf8), ("cluster_id", Utf8), ("warehouse_id", Utf8)]);
    let columns = [
        ("account_id", Utf8),
        ("workspace_id", Utf8),
        ("statement_id", Utf8),
        ("session_id", Utf8),
        ("execution_status", Utf8),
        ("compute", compute),
        ("executed_by_user_id", Utf8),
        ("executed_by", Utf8),
        ("statement_text", Utf8),
        ("statement_type", Utf8),
        ("error_message", Utf8),
        ("total_duration_ms", Int64),
        ("start_time", moment()),
        ("end_time", moment()),
        ("update_time", moment()),
        ("produced_rows", Int64),
    ];
    Ok(Some(columns.map(|(name, data_type)| (name.to_owned(), data_type)).to_vec()))
}

fn cell(value: &Value, data_type: &DataType) -> Cell {
    match value {
        Value::Null => Cell::Null,
        Value::Bool(flag) => Cell::Flag(*flag),
        Value::Number(number) => number.as_i64().into(),
        Value::String(text) if matches!(data_type, DataType::Timestamp(..)) => {
            text.parse::<Timestamp>().ok().map(Timestamp::as_microsecond).into()
        }
        Value::String(text) => text.as_str().into(),
        other => other.to_string().into(),
    }
}
