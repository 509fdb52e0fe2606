use serde_json::{Value, json};

use super::objects::{stamped, yes_no};
use crate::catalog::Identity;
use crate::catalog::data_type::DataType;
use crate::catalog::record::FunctionRecord;

/// A function; its text for those who own it.
pub(super) fn routine(identity: &Identity, record: &FunctionRecord) -> Value {
    let shown = identity.admin || identity.is(&record.stamp.owner);
    let is_sql = record.language == "SQL";
    let row = json!({
        "specific_catalog": record.catalog, "specific_schema": record.schema, "specific_name": record.name,
        "routine_catalog": record.catalog, "routine_schema": record.schema, "routine_name": record.name,
        "routine_owner": record.stamp.owner,
        "routine_type": "FUNCTION",
        "data_type": code(&record.return_type),
        "full_data_type": record.return_type,
        "routine_body": if is_sql { "SQL" } else { "EXTERNAL" },
        "routine_definition": shown.then_some(record.body.as_str()),
        "external_language": if is_sql { Value::Null } else { record.language.as_str().into() },
        "parameter_style": "STANDARD",
        "is_deterministic": yes_no(record.deterministic),
        "sql_data_access": "CONTAINS_SQL",
        "is_null_call": "YES",
        "security_type": "DEFINER",
    });
    stamped(row, &record.stamp)
}

pub(super) fn parameters(record: &FunctionRecord) -> Vec<Value> {
    let row = |(position, parameter): (usize, &crate::catalog::record::Parameter)| {
        json!({
            "specific_catalog": record.catalog, "specific_schema": record.schema, "specific_name": record.name,
            "ordinal_position": position + 1, "parameter_mode": "IN", "is_result": "NO",
            "parameter_name": parameter.name, "data_type": code(&parameter.type_text),
            "full_data_type": parameter.type_text, "parameter_default": parameter.default,
            "comment": parameter.comment,
        })
    };
    record.parameters.iter().enumerate().map(row).collect()
}

fn code(text: &str) -> &'static str {
    if text == "TABLE_TYPE" {
        return "TABLE_TYPE";
    }
    DataType::parse(text).map_or("STRING", |data_type| data_type.code())
}
