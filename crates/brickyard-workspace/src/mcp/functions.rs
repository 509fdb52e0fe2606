use brickyard_sql::string_literal;
use serde_json::{Map, Value, json};

use super::Called;
use crate::caller::Caller;
use crate::catalog::record::{FunctionRecord, Parameter};
use crate::catalog::{Kind, Privilege, quote};
use crate::error::ApiError;
use crate::warehouse::{json_rows, rows_of};
use crate::workspace::Workspace;

/// Rows that a table function's answer holds.
const MOST_ROWS: usize = 1000;

/// A tool for every function of a schema that the caller may execute.
pub(super) fn tools(
    workspace: &Workspace,
    caller: &Caller,
    catalog: &str,
    schema: &str,
    only: Option<&str>,
) -> Result<Vec<Value>, ApiError> {
    let identity = workspace.catalog().identity(caller.name())?;
    let functions = workspace.catalog().list_functions(&identity, &quoted(&[catalog, schema]))?;
    let tools = functions
        .into_iter()
        .filter(|function| only.is_none_or(|only| only.eq_ignore_ascii_case(&function.name)))
        .filter(|function| {
            let full = quote(&function.full_name());
            workspace.catalog().check(&identity, Kind::Function, &full, Privilege::EXECUTE).is_ok()
        });
    Ok(tools.map(|function| tool(&function)).collect())
}

fn tool(function: &FunctionRecord) -> Value {
    let properties: Map<String, Value> =
        function.parameters.iter().map(|parameter| (parameter.name.clone(), property(parameter))).collect();
    let required: Vec<&str> = function
        .parameters
        .iter()
        .filter(|parameter| parameter.default.is_none())
        .map(|parameter| parameter.name.as_str())
        .collect();
    json!({
        "name": tool_name(function),
        "description": function.stamp.comment.clone().unwrap_or_default(),
        "inputSchema": { "type": "object", "properties": properties, "required": required },
    })
}

/// `catalog__schema__name`, as the platform names the tools of functions.
fn tool_name(function: &FunctionRecord) -> String {
    function.full_name().replace('.', "__")
}

fn property(parameter: &Parameter) -> Value {
    let sql_type = parameter.type_text.to_ascii_lowercase();
    let json_type = match sql_type.split(['(', '<']).next().unwrap_or_default() {
        "tinyint" | "smallint" | "int" | "bigint" => "integer",
        "float" | "double" | "decimal" => "number",
        "boolean" => "boolean",
        "array" => "array",
        "map" | "struct" | "variant" => "object",
        _ => "string",
    };
    let mut property = json!({ "type": json_type });
    if let Some(comment) = &parameter.comment {
        property["description"] = json!(comment);
    }
    if json_type == "array" {
        property["items"] = json!({});
    }
    property
}

/// Calls a function through the warehouse, as the caller.
pub(super) async fn call(
    workspace: &Workspace,
    caller: &Caller,
    name: &str,
    arguments: &Map<String, Value>,
) -> Called {
    let identity = workspace.catalog().identity(caller.name())?;
    let full = quoted(&name.splitn(3, "__").collect::<Vec<_>>());
    let function = workspace.catalog().get_function(&identity, &full)?;
    let unknown = |name: &&String| !function.parameters.iter().any(|parameter| parameter.name == **name);
    if let Some(unknown) = arguments.keys().find(unknown) {
        return Err(ApiError::invalid(format!("The function has no parameter '{unknown}'")));
    }
    let mut values = Vec::new();
    for parameter in &function.parameters {
        values.push(match (arguments.get(&parameter.name), &parameter.default) {
            (Some(value), _) => literal(value, &parameter.type_text),
            (None, Some(default)) => default.clone(),
            (None, None) => {
                return Err(ApiError::invalid(format!("The argument '{}' is missing", parameter.name)));
            }
        });
    }
    let values = values.join(", ");
    let is_table = function.return_type == "TABLE_TYPE";
    let sql = if is_table {
        format!("SELECT * FROM {full}({values})")
    } else {
        format!("SELECT {full}({values}) AS output")
    };
    let found = rows_of(workspace, caller.clone(), &sql, MOST_ROWS).await?;
    let columns: Vec<&String> = found.schema.fields().iter().map(|field| field.name()).collect();
    let mut rows = Vec::new();
    for batch in &found.batches {
        for row in json_rows(batch)? {
            rows.push(row.into_iter().map(|(_, value)| value).collect::<Value>());
        }
    }
    Ok(json!({ "is_truncated": found.cut, "columns": columns, "rows": rows }).to_string())
}

/// A value as SQL of the parameter's type.
fn literal(value: &Value, sql_type: &str) -> String {
    match value {
        Value::Null => "NULL".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Number(number) => format!("CAST({} AS {sql_type})", string_literal(&number.to_string())),
        Value::String(text) if sql_type.eq_ignore_ascii_case("string") => string_literal(text),
        Value::String(text) => format!("CAST({} AS {sql_type})", string_literal(text)),
        Value::Array(_) | Value::Object(_) => {
            format!("from_json({}, {})", string_literal(&value.to_string()), string_literal(sql_type))
        }
    }
}

/// Parts as one quoted name.
pub(super) fn quoted(parts: &[&str]) -> String {
    parts.iter().map(|part| brickyard_sql::quote_name(part)).collect::<Vec<_>>().join(".")
}
