use axum::Json;
use axum::extract::{Path, State};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::KIND;
use super::record::SpaceRecord;
use crate::caller::Caller;
use crate::error::{ApiError, ApiResult};
use crate::handle::WorkspaceHandle;
use crate::request::{JsonBody, Parameters};
use crate::workspace::Workspace;

/// A Genie space as somebody configures it.
#[derive(Debug, Clone, Default)]
pub struct GenieSpace {
    /// Id in URLs and permissions; letters, digits, `-` and `_`.
    pub id: String,
    /// Name shown to people.
    pub title: String,
    /// What it is about.
    pub description: Option<String>,
    /// Full names of the tables it knows.
    pub tables: Vec<String>,
    /// Questions with the SQL that answers them.
    pub questions: Vec<(String, String)>,
    /// What the model is told besides.
    pub instructions: Option<String>,
    /// Serving endpoint that writes SQL for other questions.
    pub model: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct Write {
    title: Option<String>,
    description: Option<String>,
    warehouse_id: Option<String>,
    serialized_space: Option<String>,
    parent_path: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct Which {
    include_serialized_space: Option<String>,
}

impl WorkspaceHandle {
    /// Makes a Genie space or brings the one of this id in line; the developer owns it.
    ///
    /// 400 where the id cannot be one.
    pub fn put_genie_space(&self, space: GenieSpace) -> Result<(), ApiError> {
        let workspace = self.workspace();
        let good = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        if space.id.is_empty() || space.id.len() > 64 || !space.id.bytes().all(good) {
            return Err(ApiError::invalid(format!("`{}` cannot be the id of a Genie space", space.id)));
        }
        let owner = workspace.config().users.first().map_or("admins", |user| user.user_name.as_str());
        let now = workspace.clock().unix_milliseconds();
        let tables: Vec<Value> = space.tables.iter().map(|name| json!({ "identifier": name })).collect();
        let pairs: Vec<Value> = space
            .questions
            .iter()
            .map(|(question, sql)| json!({ "question": [question], "sql": [sql] }))
            .collect();
        let mut knowledge = json!({
            "version": 1,
            "data_sources": { "tables": tables },
            "instructions": { "example_question_sqls": pairs },
        });
        if let Some(text) = &space.instructions {
            knowledge["instructions"]["text_instructions"] = json!([{ "content": [text] }]);
        }
        let record = SpaceRecord {
            title: space.title,
            description: space.description,
            warehouse_id: self.starter_warehouse_id(),
            serialized: Some(knowledge.to_string()),
            parent_path: None,
            owner: owner.to_owned(),
            model: space.model,
            created_at: workspace.genie_space(&space.id).map_or(now, |known| known.created_at),
            updated_at: now,
            id: space.id,
        };
        workspace.put_space(&record)
    }
}

pub(super) async fn list(State(workspace): State<Workspace>, caller: Caller) -> ApiResult<Value> {
    let seen = workspace.genie_spaces()?.into_iter();
    let seen = seen.filter(|space| workspace.authorize_object(&caller, KIND, &space.id, "CAN_VIEW").is_ok());
    Ok(Json(json!({ "spaces": seen.map(|space| shown(&space, false)).collect::<Vec<_>>() })))
}

pub(super) async fn create(
    State(workspace): State<Workspace>,
    caller: Caller,
    JsonBody(new): JsonBody<Write>,
) -> ApiResult<Value> {
    let warehouse_id = new.warehouse_id.ok_or_else(|| ApiError::invalid("warehouse_id is required"))?;
    workspace.may_use_warehouse(&caller, &warehouse_id)?;
    check(new.serialized_space.as_deref())?;
    let now = workspace.clock().unix_milliseconds();
    let record = SpaceRecord {
        id: uuid::Uuid::new_v4().simple().to_string(),
        title: new.title.unwrap_or_else(|| "New Space".to_owned()),
        description: new.description,
        warehouse_id,
        serialized: new.serialized_space,
        parent_path: new.parent_path,
        owner: caller.name().to_owned(),
        model: None,
        created_at: now,
        updated_at: now,
    };
    workspace.put_space(&record)?;
    workspace.own_object(&caller, KIND, &record.id)?;
    Ok(Json(shown(&record, true)))
}

pub(super) async fn show(
    State(workspace): State<Workspace>,
    caller: Caller,
    Path(id): Path<String>,
    Parameters(which): Parameters<Which>,
) -> ApiResult<Value> {
    workspace.authorize_object(&caller, KIND, &id, "CAN_VIEW")?;
    let whole = which.include_serialized_space.as_deref() == Some("true");
    if whole {
        workspace.authorize_object(&caller, KIND, &id, "CAN_EDIT")?;
    }
    Ok(Json(shown(&workspace.genie_space(&id)?, whole)))
}

pub(super) async fn update(
    State(workspace): State<Workspace>,
    caller: Caller,
    Path(id): Path<String>,
    JsonBody(change): JsonBody<Write>,
) -> ApiResult<Value> {
    workspace.authorize_object(&caller, KIND, &id, "CAN_EDIT")?;
    let mut record = workspace.genie_space(&id)?;
    check(change.serialized_space.as_deref())?;
    if let Some(warehouse) = change.warehouse_id {
        workspace.may_use_warehouse(&caller, &warehouse)?;
        record.warehouse_id = warehouse;
    }
    record.title = change.title.unwrap_or(record.title);
    record.description = change.description.or(record.description);
    record.serialized = change.serialized_space.or(record.serialized);
    record.parent_path = change.parent_path.or(record.parent_path);
    record.updated_at = workspace.clock().unix_milliseconds();
    workspace.put_space(&record)?;
    Ok(Json(shown(&record, true)))
}

pub(super) async fn remove(
    State(workspace): State<Workspace>,
    caller: Caller,
    Path(id): Path<String>,
) -> ApiResult<Value> {
    workspace.authorize_object(&caller, KIND, &id, "CAN_MANAGE")?;
    workspace.genie_space(&id)?;
    workspace.forget_space(&id)?;
    workspace.forget_object(KIND, &id)?;
    Ok(Json(json!({})))
}

fn check(serialized: Option<&str>) -> Result<(), ApiError> {
    let Some(text) = serialized else { return Ok(()) };
    let parsed: Result<serde_json::Map<String, Value>, _> = serde_json::from_str(text);
    parsed.map(drop).map_err(|error| ApiError::invalid(format!("serialized_space is not an object: {error}")))
}

fn shown(record: &SpaceRecord, whole: bool) -> Value {
    let time = |at: i64| Timestamp::from_millisecond(at).unwrap_or_default().to_string();
    let mut shown = json!({
        "space_id": record.id,
        "title": record.title,
        "warehouse_id": record.warehouse_id,
        "create_time": time(record.created_at),
        "update_time": time(record.updated_at),
    });
    let optional = [("description", &record.description), ("parent_path", &record.parent_path)];
    for (name, value) in optional {
        if let Some(value) = value {
            shown[name] = json!(value);
        }
    }
    if whole && let Some(serialized) = &record.serialized {
        shown["serialized_space"] = json!(serialized);
    }
    shown
}
