use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::catalog::data_type::DataType;
use crate::catalog::fault::CatalogError;
use crate::catalog::record::{CatalogRecord, SchemaRecord, Stamp, TableRecord, TableType, VolumeRecord};
use crate::catalog::{Catalog, Column, Identity};

pub(super) fn catalog(record: &CatalogRecord) -> Value {
    let row = json!({ "catalog_name": record.name, "catalog_owner": record.stamp.owner });
    stamped(row, &record.stamp)
}

pub(super) fn schema(record: &SchemaRecord) -> Value {
    let row = json!({
        "catalog_name": record.catalog, "schema_name": record.name, "schema_owner": record.stamp.owner,
    });
    stamped(row, &record.stamp)
}

pub(super) fn volume(record: &VolumeRecord) -> Value {
    let row = json!({
        "volume_catalog": record.catalog, "volume_schema": record.schema, "volume_name": record.name,
        "volume_type": if record.managed { "MANAGED" } else { "EXTERNAL" },
        "volume_owner": record.stamp.owner,
        "storage_location": record.location,
    });
    stamped(row, &record.stamp)
}

pub(super) fn table(record: &TableRecord) -> Value {
    let is_table = !record.is_view();
    let mut row = of_table(record);
    row["table_type"] = record.table_type.code().into();
    row["is_insertable_into"] = yes_no(is_table && !record.is_materialized()).into();
    row["commit_action"] = "PRESERVE".into();
    row["table_owner"] = record.stamp.owner.as_str().into();
    row["data_source_format"] =
        if is_table { record.format.as_str().into() } else { "UNKNOWN_DATA_SOURCE_FORMAT".into() };
    if record.table_type == TableType::External {
        row["storage_path"] = record.location.as_deref().map(|path| path.to_string_lossy()).into();
    }
    stamped(row, &record.stamp)
}

/// A view; its text for those who own it.
pub(super) fn view(identity: &Identity, record: &TableRecord) -> Option<Value> {
    let materialized = record.is_materialized();
    if !record.is_view() && !materialized {
        return None;
    }
    let mut row = of_table(record);
    let shown = identity.admin || identity.is(&record.stamp.owner);
    row["view_definition"] = record.view_definition.as_deref().filter(|_| shown).into();
    row["check_option"] = "NONE".into();
    row["is_updatable"] = "NO".into();
    row["is_insertable_into"] = "NO".into();
    // Not YES and NO, as the platform has it in this one column.
    row["is_materialized"] = if materialized { "TRUE" } else { "FALSE" }.into();
    Some(row)
}

pub(super) fn columns(catalog: &Catalog, record: &TableRecord) -> Result<Vec<Value>, CatalogError> {
    let partitions = catalog.partition_columns(record)?;
    let columns = catalog.columns(record)?;
    let rows = columns.iter().enumerate().map(|(position, described)| {
        let mut row = of_table(record);
        row["column_name"] = described.name.as_str().into();
        row["ordinal_position"] = (position + 1).into();
        let partition = partitions.iter().position(|name| name.eq_ignore_ascii_case(&described.name));
        row["partition_index"] = partition.into();
        column(&mut row, described);
        row
    });
    Ok(rows.collect())
}

fn column(row: &mut Value, column: &Column) {
    row["column_default"] = column.metadata.get("CURRENT_DEFAULT").cloned().unwrap_or(Value::Null);
    row["is_nullable"] = yes_no(column.nullable).into();
    row["full_data_type"] = column.data_type.text().into();
    row["data_type"] = column.data_type.code().into();
    numbers(row, &column.data_type);
    row["datetime_precision"] = match column.data_type {
        DataType::Plain("date") => 0.into(),
        DataType::Plain("timestamp" | "timestamp_ntz") => 6.into(),
        _ => Value::Null,
    };
    row["character_maximum_length"] = match column.data_type {
        DataType::Char(length) | DataType::Varchar(length) => length.into(),
        DataType::Plain("string") => 0.into(),
        _ => Value::Null,
    };
    row["is_identity"] = yes_no(column.metadata.contains_key("delta.identity.start")).into();
    let generated = column.metadata.get("delta.generationExpression");
    row["is_generated"] = if generated.is_some() { "ALWAYS".into() } else { "NEVER".into() };
    row["generation_expression"] = generated.cloned().unwrap_or(Value::Null);
    row["is_system_time_period_start"] = "NO".into();
    row["is_system_time_period_end"] = "NO".into();
    row["is_updatable"] = "YES".into();
    row["comment"] = column.comment.as_deref().into();
}

/// Adds how exact a number of this type is.
pub(super) fn numbers(row: &mut Value, data_type: &DataType) {
    let (precision, radix, scale) = match data_type {
        DataType::Decimal(precision, scale) => {
            (Some(u32::from(*precision)), Some(10), Some(u32::from(*scale)))
        }
        DataType::Plain("tinyint") => (Some(3), Some(10), Some(0)),
        DataType::Plain("smallint") => (Some(5), Some(10), Some(0)),
        DataType::Plain("int") => (Some(10), Some(10), Some(0)),
        DataType::Plain("bigint") => (Some(19), Some(10), Some(0)),
        DataType::Plain("float") => (Some(24), Some(2), None),
        DataType::Plain("double") => (Some(53), Some(2), None),
        _ => (None, None, None),
    };
    row["numeric_precision"] = precision.into();
    row["numeric_precision_radix"] = radix.into();
    row["numeric_scale"] = scale.into();
}

pub(super) fn row_filter(record: &TableRecord) -> Option<Value> {
    let policy = record.row_filter.as_ref()?;
    let mut row = of_table(record);
    row["filter_name"] = policy.function.as_str().into();
    row["target_columns"] = policy.columns.join(",").into();
    Some(row)
}

pub(super) fn column_masks(record: &TableRecord) -> Vec<Value> {
    let row = |(column, policy): (&String, &crate::catalog::Policy)| {
        let mut row = of_table(record);
        row["column_name"] = column.as_str().into();
        row["mask_name"] = policy.function.as_str().into();
        row["using_columns"] = policy.columns.join(",").into();
        row
    };
    record.column_masks.iter().map(row).collect()
}

pub(super) fn table_tags(record: &TableRecord, table: &str) -> Vec<Value> {
    let place = [
        ("catalog_name", record.catalog.as_str()),
        ("schema_name", record.schema.as_str()),
        ("table_name", record.name.as_str()),
    ];
    if table == "table_tags" {
        return tags(&record.stamp.tags, &place);
    }
    let of_column = |(column, tagged): (&String, &BTreeMap<String, String>)| {
        let mut rows = tags(tagged, &place);
        for row in &mut rows {
            row["column_name"] = column.as_str().into();
        }
        rows
    };
    record.column_tags.iter().flat_map(of_column).collect()
}

pub(super) fn volume_tags(record: &VolumeRecord) -> Vec<Value> {
    let place = [
        ("catalog_name", record.catalog.as_str()),
        ("schema_name", record.schema.as_str()),
        ("volume_name", record.name.as_str()),
    ];
    tags(&record.stamp.tags, &place)
}

pub(super) fn tags(tags: &BTreeMap<String, String>, place: &[(&str, &str)]) -> Vec<Value> {
    let row = |(name, value): (&String, &String)| {
        let mut row = json!({ "tag_name": name, "tag_value": value });
        for (column, part) in place {
            row[*column] = (*part).into();
        }
        row
    };
    tags.iter().map(row).collect()
}

pub(super) fn of_table(record: &TableRecord) -> Value {
    json!({ "table_catalog": record.catalog, "table_schema": record.schema, "table_name": record.name })
}

/// Adds comment and times.
pub(super) fn stamped(mut row: Value, stamp: &Stamp) -> Value {
    let time = |milliseconds: i64| {
        Timestamp::from_millisecond(milliseconds).map_or(Value::Null, |time| time.to_string().into())
    };
    row["comment"] = stamp.comment.as_deref().into();
    row["created"] = time(stamp.created_at);
    row["created_by"] = stamp.created_by.as_str().into();
    row["last_altered"] = time(stamp.updated_at);
    row["last_altered_by"] = stamp.updated_by.as_str().into();
    row
}

pub(super) fn yes_no(yes: bool) -> &'static str {
    if yes { "YES" } else { "NO" }
}
