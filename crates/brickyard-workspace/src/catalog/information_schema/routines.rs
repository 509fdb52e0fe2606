use serde_json::{Value, json};

use super::objects::{numbers, stamped, yes_no};
use crate::catalog::Identity;
use crate::catalog::data_type::DataType;
use crate::catalog::record::{FunctionRecord, Parameter};

/// A function; its text for those who own it.
pub(super) fn routine(identity: &Identity, record: &FunctionRecord) -> Value {
    let shown = identity.admin || identity.is(&record.stamp.owner);
    let is_sql = record.language == "SQL";
    let is_procedure = record.modes.is_some();
    let row = json!({
        "specific_catalog": record.catalog, "specific_schema": record.schema, "specific_name": record.name,
        "routine_catalog": record.catalog, "routine_schema": record.schema, "routine_name": record.name,
        "routine_owner": record.stamp.owner,
        "routine_type": if is_procedure { "PROCEDURE" } else { "FUNCTION" },
        "data_type": (!is_procedure).then(|| code(&record.return_type)),
        "full_data_type": (!is_procedure).then_some(record.return_type.as_str()),
        "routine_body": if is_sql { "SQL" } else { "EXTERNAL" },
        "routine_definition": shown.then_some(record.body.as_str()),
        "external_language": if is_sql { Value::Null } else { record.language.as_str().into() },
        "parameter_style": "STANDARD",
        "is_deterministic": yes_no(record.deterministic),
        "sql_data_access": if is_procedure { "MODIFIES_SQL_DATA" } else { "CONTAINS_SQL" },
        "is_null_call": "YES",
        "security_type": if is_procedure { "INVOKER" } else { "DEFINER" },
    });
    stamped(row, &record.stamp)
}

pub(super) fn parameters(record: &FunctionRecord) -> Vec<Value> {
    let row = |(position, parameter): (usize, &Parameter)| {
        let mut row = described(record, position, parameter);
        let mode = record.modes.as_ref().and_then(|modes| modes.get(position));
        row["parameter_mode"] = mode.map_or("IN", String::as_str).into();
        row["is_result"] = "NO".into();
        row["as_locator"] = "NO".into();
        row["parameter_name"] = parameter.name.as_str().into();
        row["parameter_default"] = parameter.default.as_deref().into();
        row
    };
    record.parameters.iter().enumerate().map(row).collect()
}

/// Columns of what a table function gives.
pub(super) fn columns(record: &FunctionRecord) -> Vec<Value> {
    let row = |(position, column): (usize, &Parameter)| {
        let mut row = described(record, position, column);
        row["column_name"] = column.name.as_str().into();
        row
    };
    record.return_columns.iter().enumerate().map(row).collect()
}

fn described(record: &FunctionRecord, position: usize, parameter: &Parameter) -> Value {
    let mut row = json!({
        "specific_catalog": record.catalog, "specific_schema": record.schema, "specific_name": record.name,
        "ordinal_position": position + 1, "data_type": code(&parameter.type_text),
        "full_data_type": parameter.type_text, "comment": parameter.comment,
    });
    if let Ok(data_type) = DataType::parse(&parameter.type_text) {
        numbers(&mut row, &data_type);
    }
    row
}

fn code(text: &str) -> &'static str {
    if text == "TABLE_TYPE" {
        return "TABLE_TYPE";
    }
    DataType::parse(text).map_or("STRING", |data_type| data_type.code())
}
