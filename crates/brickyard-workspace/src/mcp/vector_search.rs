use serde_json::{Map, Value, json};

use super::functions::quoted;
use super::{Called, word};
use crate::caller::Caller;
use crate::error::ApiError;
use crate::vector_search::{Ask, search};
use crate::workspace::Workspace;

/// Rows of an answer where nobody says otherwise.
const USUAL: u64 = 5;

/// A tool for every index of a schema that the caller may read and that makes texts vectors itself.
pub(super) fn tools(
    workspace: &Workspace,
    caller: &Caller,
    catalog: &str,
    schema: &str,
    only: Option<&str>,
) -> Result<Vec<Value>, ApiError> {
    let identity = workspace.catalog().identity(caller.name())?;
    workspace.catalog().get_schema(&identity, &quoted(&[catalog, schema]))?;
    let start = format!("{}.{}.", catalog.to_lowercase(), schema.to_lowercase());
    let indexes = workspace.readable_indexes(caller)?;
    let tools = indexes
        .into_iter()
        .filter(|(name, _)| name.starts_with(&start))
        .filter(|(name, _)| only.is_none_or(|only| name[start.len()..].eq_ignore_ascii_case(only)))
        .map(|(name, _)| {
            json!({
                "name": name.replace('.', "__"),
                "description": format!("Searches the vector search index {name} for texts like the query."),
                "inputSchema": {
                    "type": "object",
                    "properties": { "query": { "type": "string", "description": "What to search for." } },
                    "required": ["query"],
                },
            })
        });
    Ok(tools.collect())
}

/// Searches an index as the caller; `_meta` may hold `num_results`, `columns`, `filters` and `query_type`.
pub(super) async fn call(
    workspace: &Workspace,
    caller: &Caller,
    name: &str,
    arguments: &Map<String, Value>,
    meta: &Value,
) -> Called {
    let name = name.splitn(3, "__").collect::<Vec<_>>().join(".");
    let indexes = workspace.readable_indexes(caller)?;
    let columns = indexes.into_iter().find(|(index, _)| *index == name).map(|(_, columns)| columns);
    let columns = columns.ok_or_else(|| ApiError::not_found("Index", &name))?;
    let chosen = match &meta["columns"] {
        Value::String(text) => text.split(',').map(|column| column.trim().to_owned()).collect(),
        Value::Array(names) => names.iter().filter_map(|name| name.as_str().map(str::to_owned)).collect(),
        _ => columns,
    };
    let ask = Ask {
        columns: chosen,
        num_results: usize::try_from(meta["num_results"].as_u64().unwrap_or(USUAL)).ok(),
        query_text: Some(word(arguments, "query")?.to_owned()),
        query_type: meta["query_type"].as_str().map(str::to_owned),
        filters_json: match &meta["filters"] {
            Value::String(text) => Some(text.clone()),
            Value::Object(filters) => Some(Value::Object(filters.clone()).to_string()),
            _ => None,
        },
        ..Ask::default()
    };
    let answer = search(workspace, caller, &name, ask).await?;
    let names = answer["manifest"]["columns"].as_array().cloned().unwrap_or_default();
    let row = |row: &Value| -> Value {
        let cells = names
            .iter()
            .enumerate()
            .map(|(at, column)| (column["name"].as_str().unwrap_or_default().to_owned(), row[at].clone()));
        Value::Object(cells.collect())
    };
    let rows = answer["result"]["data_array"].as_array().into_iter().flatten().map(row);
    Ok(rows.collect::<Value>().to_string())
}
