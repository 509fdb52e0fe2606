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
    } else {
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
    let field = column.delta();
    let mut told = json!({
        "name": column.name, "type": { "name": column.data_type.code().to_lowercase() },
        "nullable": column.nullable,
    });
    if let Some(parts) = field["type"].as_object() {
        told["type"] = Value::Object(parts.clone());
        told["type"]["name"] = parts.get("type").cloned().unwrap_or_default();
    }
    if let Some(comment) = column.comment {
        told["comment"] = comment.into();
    }
    if let Some(default) = column.metadata.get("CURRENT_DEFAULT") {
        told["default"] = default.clone();
    }
    told
}

fn answer(told: &Value) -> Result<Outcome, Fault> {
    let mut grid = Grid::texts(&["json_metadata"]);
    grid.row([told.to_string().into()]);
    grid.outcome()
}
