//! The tables of `information_schema`, made when a statement reads them, with what its caller may see.

use arrow_array::RecordBatch;
use arrow_schema::DataType::{Int32, Timestamp, Utf8};
use arrow_schema::{DataType, TimeUnit};
use brickyard_sql::{Column, Relation};

use super::fault::Fault;
use super::grid::{Cell, Grid};
use super::name::full_name;
use super::result::sql_type::SqlType;
use crate::catalog::{Catalog, Identity, SchemaRecord, TableRecord};

/// The catalog whose `information_schema` tells of all catalogs.
const EVERYTHING: &str = "system";

/// The columns of a table; `None` when there is no such table.
fn columns(table: &str) -> Option<Vec<(&'static str, DataType)>> {
    let moment = || Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
    let texts = |names: &[&'static str]| names.iter().map(|&name| (name, Utf8)).collect::<Vec<_>>();
    let stamped = |names: &[&'static str]| {
        let mut columns = texts(names);
        columns.extend([
            ("created", moment()),
            ("created_by", Utf8),
            ("last_altered", moment()),
            ("last_altered_by", Utf8),
        ]);
        columns
    };
    Some(match table {
        "information_schema_catalog_name" => texts(&["catalog_name"]),
        "catalogs" => stamped(&["catalog_name", "catalog_owner", "comment"]),
        "schemata" => stamped(&["catalog_name", "schema_name", "schema_owner", "comment"]),
        "tables" => stamped(&[
            "table_catalog",
            "table_schema",
            "table_name",
            "table_type",
            "is_insertable_into",
            "commit_action",
            "table_owner",
            "comment",
            "data_source_format",
        ]),
        "views" => texts(&[
            "table_catalog",
            "table_schema",
            "table_name",
            "view_definition",
            "check_option",
            "is_updatable",
            "is_insertable_into",
        ]),
        "columns" => {
            let mut columns = texts(&["table_catalog", "table_schema", "table_name", "column_name"]);
            columns.push(("ordinal_position", Int32));
            columns.extend(texts(&["column_default", "is_nullable", "full_data_type", "data_type"]));
            columns.extend([("numeric_precision", Int32), ("numeric_scale", Int32), ("comment", Utf8)]);
            columns
        }
        "routines" => texts(&[
            "specific_catalog",
            "specific_schema",
            "specific_name",
            "routine_catalog",
            "routine_schema",
            "routine_name",
            "routine_type",
            "data_type",
            "routine_body",
            "routine_definition",
            "routine_owner",
            "comment",
        ]),
        "volumes" => texts(&[
            "volume_catalog",
            "volume_schema",
            "volume_name",
            "volume_type",
            "volume_owner",
            "comment",
            "storage_location",
        ]),
        _ => return None,
    })
}

/// What the planner is told of `catalog.information_schema.table`.
pub(crate) fn relation(catalog: &str, table: &str) -> Option<Relation> {
    let columns = columns(&table.to_lowercase())?.into_iter().map(|(name, data_type)| Column {
        name: name.to_owned(),
        data_type: match data_type {
            Int32 => brickyard_sql::DataType::Int,
            Utf8 => brickyard_sql::DataType::String,
            _ => brickyard_sql::DataType::Timestamp,
        },
        mask: None,
        default: None,
    });
    Some(Relation {
        columns: columns.collect(),
        engine_name: Some(view_name(catalog, table)),
        ..Relation::default()
    })
}

/// The temporary view in the engine that holds a table for one session.
pub(crate) fn view_name(catalog: &str, table: &str) -> String {
    let name = format!("{}.{}", catalog.to_lowercase(), table.to_lowercase());
    format!("information_schema_{}", uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_OID, name.as_bytes()).simple())
}

/// The rows of a table that this identity may see.
pub(crate) fn rows(
    catalog: &Catalog,
    identity: &Identity,
    of: &str,
    table: &str,
) -> Result<Option<RecordBatch>, Fault> {
    let table = table.to_lowercase();
    let Some(columns) = columns(&table) else { return Ok(None) };
    let mut grid = Grid::new(columns);
    let wanted = |name: &str| of.eq_ignore_ascii_case(EVERYTHING) || of.eq_ignore_ascii_case(name);
    let seen = catalog.list_catalogs(identity)?.into_iter().filter(|record| wanted(&record.name));
    for record in seen {
        if table == "information_schema_catalog_name" && !record.name.eq_ignore_ascii_case(of) {
            continue;
        }
        match table.as_str() {
            "information_schema_catalog_name" => grid.row([record.name.into()]),
            "catalogs" => {
                let mut row = vec![
                    record.name.into(),
                    record.stamp.owner.clone().into(),
                    record.stamp.comment.clone().into(),
                ];
                row.extend(stamp(&record.stamp));
                grid.row(row);
            }
            _ => {
                for schema in catalog.list_schemas(identity, &full_name(&[&record.name]))? {
                    of_schema(catalog, identity, &schema, &table, &mut grid)?;
                }
            }
        }
    }
    grid.batch().map(Some)
}

fn of_schema(
    catalog: &Catalog,
    identity: &Identity,
    schema: &SchemaRecord,
    table: &str,
    grid: &mut Grid,
) -> Result<(), Fault> {
    let full = full_name(&[&schema.catalog, &schema.name]);
    match table {
        "schemata" => {
            let mut row = vec![
                schema.catalog.clone().into(),
                schema.name.clone().into(),
                schema.stamp.owner.clone().into(),
                schema.stamp.comment.clone().into(),
            ];
            row.extend(stamp(&schema.stamp));
            grid.row(row);
        }
        "routines" => {
            for record in catalog.list_functions(identity, &full)? {
                let names = [record.catalog.clone(), record.schema.clone(), record.name.clone()];
                let mut row: Vec<Cell> = names.iter().chain(&names).map(|name| name.clone().into()).collect();
                let shown = identity.admin || identity.is(&record.stamp.owner);
                row.extend([
                    "FUNCTION".into(),
                    record.return_type.into(),
                    record.language.into(),
                    shown.then_some(record.body).into(),
                    record.stamp.owner.into(),
                    record.stamp.comment.into(),
                ]);
                grid.row(row);
            }
        }
        "volumes" => {
            for record in catalog.list_volumes(identity, &full)? {
                grid.row([
                    record.catalog.into(),
                    record.schema.into(),
                    record.name.into(),
                    if record.managed { "MANAGED" } else { "EXTERNAL" }.into(),
                    record.stamp.owner.into(),
                    record.stamp.comment.into(),
                    record.location.to_string_lossy().into_owned().into(),
                ]);
            }
        }
        _ => {
            for record in catalog.list_tables(identity, &full)? {
                of_table(catalog, identity, &record, table, grid)?;
            }
        }
    }
    Ok(())
}

fn of_table(
    catalog: &Catalog,
    identity: &Identity,
    record: &TableRecord,
    table: &str,
    grid: &mut Grid,
) -> Result<(), Fault> {
    let names = || -> Vec<Cell> {
        vec![record.catalog.clone().into(), record.schema.clone().into(), record.name.clone().into()]
    };
    match table {
        "tables" => {
            let mut row = names();
            row.extend([
                record.table_type.code().into(),
                if record.is_view() { "NO" } else { "YES" }.into(),
                "PRESERVE".into(),
                record.stamp.owner.clone().into(),
                record.stamp.comment.clone().into(),
                if record.is_view() { Cell::Null } else { record.format.clone().into() },
            ]);
            row.extend(stamp(&record.stamp));
            grid.row(row);
        }
        "views" if record.is_view() => {
            let mut row = names();
            let shown = identity.admin || identity.is(&record.stamp.owner);
            let text = record.view_definition.clone().filter(|_| shown);
            row.extend([text.into(), "NONE".into(), "NO".into(), "NO".into()]);
            grid.row(row);
        }
        "columns" => {
            for (position, column) in (1_i32..).zip(catalog.columns(record)?) {
                let sql_type = SqlType::parse(&column.data_type.text());
                let (precision, scale) = match &sql_type {
                    SqlType::Decimal(precision, scale) => {
                        (Some(i32::from(*precision)), Some(i32::from(*scale)))
                    }
                    _ => (None, None),
                };
                let name = sql_type.to_string();
                let short = name.split(['<', '(']).next().unwrap_or_default().to_owned();
                let mut row = names();
                let default =
                    column.metadata.get("CURRENT_DEFAULT").and_then(|text| text.as_str()).map(str::to_owned);
                row.extend([
                    column.name.into(),
                    position.into(),
                    default.into(),
                    if column.nullable { "YES" } else { "NO" }.into(),
                    column.data_type.text().into(),
                    short.into(),
                    precision.into(),
                    scale.into(),
                    column.comment.into(),
                ]);
                grid.row(row);
            }
        }
        _ => {}
    }
    Ok(())
}

fn stamp(stamp: &crate::catalog::Stamp) -> [Cell; 4] {
    [
        (stamp.created_at * 1000).into(),
        stamp.created_by.clone().into(),
        (stamp.updated_at * 1000).into(),
        stamp.updated_by.clone().into(),
    ]
}
