use serde_json::{Value, json};

use crate::catalog::{CatalogError, Column, DataType};
use crate::warehouse::fault::Fault;
use crate::warehouse::grid::Grid;
use crate::warehouse::outcome::Outcome;
use crate::warehouse::scene::Scene;

/// `DESCRIBE TABLE EXTENDED … AS JSON`: one text with everything.
pub(super) fn table(scene: &Scene<'_>, parts: &[String]) -> Result<Outcome, Fault> {
    if let [name] = parts
        && let Some(relation) = scene.settings().temporary(name)
    {
        let columns = relation.columns.iter().map(|column| {
            let data_type = DataType::parse(&column.data_type.to_string().to_lowercase())?;
            Ok(described(Column::new(column.name.clone(), data_type)))
        });
        let columns = columns.collect::<Result<Vec<Value>, CatalogError>>()?;
        return answer(&json!({ "table_name": name, "columns": columns, "type": "VIEW" }));
    }
    let record = scene.table(parts)?;
    let catalog = scene.catalog();
    let columns: Vec<Value> = catalog.columns(&record)?.into_iter().map(described).collect();
    let mut told = json!({
        "table_name": record.name, "catalog_name": record.catalog,
        "namespace": [record.schema], "schema_name": record.schema,
        "columns": columns,
        "owner": record.stamp.owner, "created_by": record.stamp.created_by,
        "created_time": jiff::Timestamp::from_millisecond(record.stamp.created_at).map(|time| time.to_string()).ok(),
        "type": record.table_type.code(),
        "table_properties": catalog.properties(&record)?,
    });
    if let Some(comment) = &record.stamp.comment {
        told["comment"] = comment.as_str().into();
    }
    if let Some(text) = &record.view_definition {
        told["view_text"] = text.as_str().into();
    }
    if let Some(upkeep) = &record.upkeep {
        let schedule = upkeep.schedule.as_ref().map_or_else(|| "MANUAL".to_owned(), ToString::to_string);
        told["pipeline_id"] = upkeep.pipeline.as_str().into();
        told["refresh_schedule"] = schedule.into();
    }
    if !record.is_view() {
        told["provider"] = record.format.to_lowercase().into();
        told["location"] = record.location.as_ref().map(|place| place.to_string_lossy().into_owned()).into();
        let partitions = catalog.partition_columns(&record)?;
        if !partitions.is_empty() {
            told["partition_columns"] = partitions.into();
        }
    }
    answer(&told)
}

fn described(column: Column) -> Value {
    let mut told =
        json!({ "name": column.name, "type": typed(&column.data_type), "nullable": column.nullable });
    if let Some(comment) = column.comment {
        told["comment"] = comment.into();
    }
    if let Some(default) = column.metadata.get("CURRENT_DEFAULT") {
        told["default"] = default.clone();
    }
    told
}

/// A type, its parts by names of their own.
fn typed(data_type: &DataType) -> Value {
    match data_type {
        DataType::Plain("timestamp") => json!({ "name": "timestamp_ltz" }),
        DataType::Plain("string") => json!({ "name": "string", "collation": "UTF8_BINARY" }),
        DataType::Plain(name) => json!({ "name": name }),
        DataType::Decimal(precision, scale) => {
            json!({ "name": "decimal", "precision": precision, "scale": scale })
        }
        DataType::Char(length) => json!({ "name": "char", "length": length }),
        DataType::Varchar(length) => json!({ "name": "varchar", "length": length }),
        DataType::Interval(units) => {
            let units = units.trim_start_matches("interval ");
            let (start, end) = units.split_once(" to ").unwrap_or((units, units));
            json!({ "name": "interval", "start_unit": start, "end_unit": end })
        }
        DataType::Array(element, nullable) => {
            json!({ "name": "array", "element_type": typed(element), "element_nullable": nullable })
        }
        DataType::Map(key, value, nullable) => json!({
            "name": "map", "key_type": typed(key), "value_type": typed(value), "value_nullable": nullable,
        }),
        DataType::Struct(fields) => {
            let fields = fields.iter().map(|field| {
                let mut told = json!({
                    "name": field.name, "type": typed(&field.data_type), "nullable": field.nullable,
                });
                if let Some(comment) = &field.comment {
                    told["comment"] = comment.as_str().into();
                }
                told
            });
            json!({ "name": "struct", "fields": fields.collect::<Vec<Value>>() })
        }
    }
}

fn answer(told: &Value) -> Result<Outcome, Fault> {
    let mut grid = Grid::texts(&["json_metadata"]);
    grid.row([told.to_string().into()]);
    grid.outcome()
}
