use axum::Json;
use axum::extract::{Path, State};
use serde::Deserialize;
use serde_json::{Value, json};

use super::catalogs::{Update, put_stamp};
use super::metastore::metastore_id;
use super::schemas::tick;
use super::tables::ListQuery;
use crate::caller::Caller;
use crate::catalog::record::{FunctionRecord, Parameter};
use crate::catalog::{Column, DataType, NewFunction};
use crate::error::{ApiError, ApiResult};
use crate::request::{JsonBody, Parameters};
use crate::workspace::Workspace;

#[derive(Deserialize)]
pub(super) struct NewFunctionBody {
    function_info: NewFunctionInfo,
}

#[derive(Deserialize)]
struct NewFunctionInfo {
    name: String,
    catalog_name: String,
    schema_name: String,
    input_params: Option<ParameterList>,
    full_data_type: Option<String>,
    data_type: Option<String>,
    return_params: Option<ParameterList>,
    routine_body: Option<String>,
    routine_definition: String,
    external_language: Option<String>,
    #[serde(default)]
    is_deterministic: bool,
    comment: Option<String>,
    properties: Option<String>,
}

#[derive(Deserialize)]
struct ParameterList {
    #[serde(default)]
    parameters: Vec<ParameterInfo>,
}

#[derive(Deserialize)]
struct ParameterInfo {
    name: String,
    type_text: String,
    parameter_default: Option<String>,
    comment: Option<String>,
}

pub(super) async fn list(
    State(workspace): State<Workspace>,
    caller: Caller,
    Parameters(query): Parameters<ListQuery>,
) -> ApiResult<Value> {
    let catalog = workspace.catalog();
    let identity = catalog.identity(caller.name())?;
    let schema = format!("{}.{}", tick(&query.catalog_name), tick(&query.schema_name));
    let records = catalog.list_functions(&identity, &schema)?;
    let items = records.into_iter().map(|record| {
        let workspace = workspace.clone();
        (record.name.clone(), move || Ok(shown(&workspace, &record)))
    });
    Ok(Json(query.paging.cut("functions", items.collect())?))
}

pub(super) async fn create(
    State(workspace): State<Workspace>,
    caller: Caller,
    JsonBody(body): JsonBody<NewFunctionBody>,
) -> ApiResult<Value> {
    let catalog = workspace.catalog();
    let identity = catalog.identity(caller.name())?;
    let new = body.function_info;
    let full_name = [&new.catalog_name, &new.schema_name, &new.name].map(|part| tick(part)).join(".");
    let is_table = new.data_type.as_deref() == Some("TABLE_TYPE");
    let return_type = match (new.full_data_type, new.data_type) {
        _ if is_table => "TABLE_TYPE".to_owned(),
        (Some(text), _) | (None, Some(text)) => DataType::parse(&text)?.text(),
        (None, None) => return Err(ApiError::invalid("full_data_type is missing")),
    };
    let language = match new.routine_body.as_deref() {
        Some("EXTERNAL") => new.external_language.unwrap_or_else(|| "PYTHON".to_owned()),
        _ => "SQL".to_owned(),
    };
    let record = catalog.create_function(
        &identity,
        NewFunction {
            full_name,
            parameters: read_parameters(new.input_params),
            return_type,
            return_columns: read_parameters(new.return_params),
            language,
            body: new.routine_definition,
            deterministic: new.is_deterministic,
            context: Some((new.catalog_name, new.schema_name)),
            comment: new.comment,
            properties: new.properties,
            ..NewFunction::default()
        },
    )?;
    Ok(Json(shown(&workspace, &record)))
}

pub(super) async fn read(
    State(workspace): State<Workspace>,
    caller: Caller,
    Path(full_name): Path<String>,
) -> ApiResult<Value> {
    let catalog = workspace.catalog();
    let identity = catalog.identity(caller.name())?;
    Ok(Json(shown(&workspace, &catalog.get_function(&identity, &full_name)?)))
}

pub(super) async fn update(
    State(workspace): State<Workspace>,
    caller: Caller,
    Path(full_name): Path<String>,
    JsonBody(update): JsonBody<Update>,
) -> ApiResult<Value> {
    let catalog = workspace.catalog();
    let identity = catalog.identity(caller.name())?;
    let record = catalog.update_function(&identity, &full_name, &update.into())?;
    Ok(Json(shown(&workspace, &record)))
}

pub(super) async fn remove(
    State(workspace): State<Workspace>,
    caller: Caller,
    Path(full_name): Path<String>,
) -> ApiResult<Value> {
    let catalog = workspace.catalog();
    let identity = catalog.identity(caller.name())?;
    catalog.drop_function(&identity, &full_name)?;
    Ok(Json(json!({})))
}

fn read_parameters(list: Option<ParameterList>) -> Vec<Parameter> {
    let list = list.map(|list| list.parameters).unwrap_or_default();
    let parameter = |info: ParameterInfo| Parameter {
        name: info.name,
        type_text: info.type_text,
        default: info.parameter_default,
        comment: info.comment,
    };
    list.into_iter().map(parameter).collect()
}

fn shown(workspace: &Workspace, record: &FunctionRecord) -> Value {
    let is_table = record.return_type == "TABLE_TYPE";
    let code = |text: &str| DataType::parse(text).map_or("STRING", |data_type| data_type.code());
    let shown_parameters = |list: &[Parameter]| {
        let parameters = list.iter().enumerate().map(|(position, parameter)| {
            let data_type = DataType::parse(&parameter.type_text).unwrap_or(DataType::Plain("string"));
            let field = Column { comment: parameter.comment.clone(), ..Column::new(&parameter.name, data_type) };
            let mut value = json!({
                "name": parameter.name, "type_text": parameter.type_text, "type_name": code(&parameter.type_text),
                "type_json": field.delta().to_string(),
                "position": position, "parameter_mode": "IN", "parameter_type": "PARAM",
            });
            if let Some(default) = &parameter.default {
                value["parameter_default"] = default.as_str().into();
            }
            if let Some(comment) = &parameter.comment {
                value["comment"] = comment.as_str().into();
            }
            value
        });
        json!({ "parameters": parameters.collect::<Vec<_>>() })
    };
    let mut value = json!({
        "name": record.name,
        "catalog_name": record.catalog,
        "schema_name": record.schema,
        "full_name": record.full_name(),
        "function_id": record.id,
        "metastore_id": metastore_id(workspace),
        "input_params": shown_parameters(&record.parameters),
        "data_type": if is_table { "TABLE_TYPE" } else { code(&record.return_type) },
        "full_data_type": if is_table { "TABLE_TYPE" } else { record.return_type.as_str() },
        "routine_body": if record.language == "SQL" { "SQL" } else { "EXTERNAL" },
        "routine_definition": record.body,
        "is_deterministic": record.deterministic,
        "is_null_call": true,
        "parameter_style": "S",
        "security_type": "DEFINER",
        "specific_name": record.name,
        "sql_data_access": "CONTAINS_SQL",
    });
    if record.language != "SQL" {
        value["external_language"] = record.language.as_str().into();
    }
    if is_table {
        value["return_params"] = shown_parameters(&record.return_columns);
    }
    if let Some(properties) = &record.properties {
        value["properties"] = properties.as_str().into();
    }
    put_stamp(&mut value, &record.stamp);
    value
}
