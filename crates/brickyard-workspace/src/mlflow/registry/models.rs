#![expect(clippy::needless_pass_by_value, reason = "every act of the registries has the same signature")]

use axum::Json;
use axum::extract::{Path, State};
use serde::Deserialize;
use serde_json::{Value, json};

use super::Realm;
use super::record::{Alias, KIND, Model, missing};
use crate::caller::Caller;
use crate::error::{ApiError, ApiResult};
use crate::mlflow::filter::Filter;
use crate::mlflow::record::{Tag, page_of, set};
use crate::request::{ListOr, NumberOr};
use crate::workspace::Workspace;

#[derive(Deserialize)]
pub(super) struct Create {
    name: String,
    #[serde(default)]
    tags: Vec<Tag>,
    description: Option<String>,
}

pub(super) fn create(realm: Realm, workspace: &Workspace, caller: &Caller, new: Create) -> ApiResult<Value> {
    let (name, id) = match realm {
        Realm::Workspace => {
            if new.name.is_empty() || new.name.len() > 255 || new.name.contains(['/', ':', '.']) {
                return Err(ApiError::invalid(format!(
                    "'{}' is not a name of a model here: it has no `/`, `:` and `.`; models in Unity Catalog are made \
                     with mlflow.set_registry_uri('databricks-uc')",
                    new.name
                )));
            }
            if workspace.kept_model(realm, &new.name)?.is_some() {
                return Err(ApiError::new(
                    http::StatusCode::BAD_REQUEST,
                    "RESOURCE_ALREADY_EXISTS",
                    format!("Registered Model (name={}) already exists.", new.name),
                ));
            }
            let id = uuid::Uuid::new_v4().simple().to_string();
            workspace.own_object(caller, KIND, &id)?;
            (new.name, id)
        }
        Realm::Unity => {
            let identity = workspace.catalog().identity(caller.name())?;
            let made = workspace.catalog().create_model(&identity, &new.name, new.description.clone());
            let made = made.map_err(|error| {
                let error = ApiError::from(error);
                if error.status == http::StatusCode::CONFLICT || error.code.contains("ALREADY_EXISTS") {
                    // Clients look for this code alone.
                    return ApiError::new(
                        http::StatusCode::BAD_REQUEST,
                        "RESOURCE_ALREADY_EXISTS",
                        error.message,
                    );
                }
                error
            })?;
            (made.full_name(), made.id)
        }
    };
    let now = workspace.clock().unix_milliseconds();
    let model = Model {
        name,
        id,
        creation_timestamp: now,
        last_updated_timestamp: now,
        user_id: caller.name().to_owned(),
        description: new.description.unwrap_or_default(),
        tags: new.tags,
        aliases: Vec::new(),
        last_version: 0,
    };
    workspace.put_model(realm, &model)?;
    Ok(Json(json!({ "registered_model": model.shown(realm) })))
}

#[derive(Deserialize)]
pub(super) struct Named {
    name: String,
}

fn full(realm: Realm, workspace: &Workspace, model: &Model) -> Result<Value, ApiError> {
    let mut shown = model.shown(realm);
    if realm == Realm::Workspace {
        let latest = super::versions::latest_of(workspace, realm, &model.name, &[])?;
        shown["latest_versions"] = latest.iter().map(|version| version.shown(realm, model)).collect();
    }
    Ok(json!({ "registered_model": shown }))
}

pub(super) fn get(realm: Realm, workspace: &Workspace, caller: &Caller, wanted: Named) -> ApiResult<Value> {
    let model = workspace.model_for(realm, caller, &wanted.name, false)?;
    Ok(Json(full(realm, workspace, &model)?))
}

/// As the platform's own clients read it: with the id that the permissions API wants.
pub(super) fn get_databricks(
    realm: Realm,
    workspace: &Workspace,
    caller: &Caller,
    wanted: Named,
) -> ApiResult<Value> {
    let model = workspace.model_for(realm, caller, &wanted.name, false)?;
    let mut shown = full(realm, workspace, &model)?["registered_model"].take();
    shown["id"] = json!(model.id);
    let may = |level: &&str| workspace.authorize_object(caller, KIND, &model.id, level).is_ok();
    let levels = [
        "CAN_MANAGE",
        "CAN_MANAGE_PRODUCTION_VERSIONS",
        "CAN_MANAGE_STAGING_VERSIONS",
        "CAN_EDIT",
        "CAN_READ",
    ];
    shown["permission_level"] = json!(levels.into_iter().find(may));
    Ok(Json(json!({ "registered_model_databricks": shown })))
}

#[derive(Deserialize)]
pub(super) struct Update {
    name: String,
    description: Option<String>,
}

fn change(
    realm: Realm,
    workspace: &Workspace,
    caller: &Caller,
    name: &str,
    change: impl FnOnce(&mut Model),
) -> Result<Model, ApiError> {
    let mut model = workspace.model_for(realm, caller, name, true)?;
    change(&mut model);
    model.last_updated_timestamp = workspace.clock().unix_milliseconds();
    workspace.put_model(realm, &model)?;
    Ok(model)
}

pub(super) fn update(
    realm: Realm,
    workspace: &Workspace,
    caller: &Caller,
    wanted: Update,
) -> ApiResult<Value> {
    let description = wanted.description.clone();
    let model = change(realm, workspace, caller, &wanted.name, |model| {
        model.description = wanted.description.unwrap_or_default();
    })?;
    if realm == Realm::Unity {
        let identity = workspace.catalog().identity(caller.name())?;
        let mut record = workspace.unity_model(caller, &model.name, true)?;
        workspace.catalog().touch_model(&identity, &mut record, description)?;
    }
    Ok(Json(json!({ "registered_model": model.shown(realm) })))
}

#[derive(Deserialize)]
pub(super) struct Rename {
    name: String,
    new_name: String,
}

pub(super) fn rename(
    realm: Realm,
    workspace: &Workspace,
    caller: &Caller,
    wanted: Rename,
) -> ApiResult<Value> {
    let mut model = workspace.model_for(realm, caller, &wanted.name, true)?;
    if workspace.kept_model(realm, &wanted.new_name)?.is_some() || wanted.new_name.contains(['/', ':', '.']) {
        return Err(ApiError::invalid(format!("The model cannot be named '{}'", wanted.new_name)));
    }
    let versions = workspace.versions_of(realm, &model.name)?;
    let old = std::mem::replace(&mut model.name, wanted.new_name);
    workspace.put_model(realm, &model)?;
    for mut version in versions {
        version.name.clone_from(&model.name);
        workspace.put_version(realm, &version)?;
    }
    workspace.forget_model(realm, &old)?;
    Ok(Json(json!({ "registered_model": model.shown(realm) })))
}

pub(super) fn delete(
    realm: Realm,
    workspace: &Workspace,
    caller: &Caller,
    wanted: Named,
) -> ApiResult<Value> {
    match realm {
        Realm::Workspace => {
            let model = workspace.kept_model(realm, &wanted.name)?.ok_or_else(|| missing(&wanted.name))?;
            workspace.authorize_object(caller, KIND, &model.id, "CAN_MANAGE")?;
            let staged = |stage: &str| matches!(stage, "Staging" | "Production");
            if workspace.versions_of(realm, &model.name)?.iter().any(|one| staged(&one.current_stage)) {
                return Err(ApiError::invalid(
                    "A model with versions in Staging or Production is not deleted; archive them first",
                ));
            }
            workspace.forget_model(realm, &model.name)?;
            workspace.forget_object(KIND, &model.id)?;
        }
        Realm::Unity => {
            let record = workspace.unity_model(caller, &wanted.name, true)?;
            workspace.forget_model(realm, &record.full_name())?;
            workspace.catalog().remove_model(&record)?;
        }
    }
    Ok(Json(json!({})))
}

#[derive(Deserialize)]
pub(super) struct Search {
    filter: Option<String>,
    max_results: Option<NumberOr>,
    #[serde(default)]
    order_by: ListOr,
    page_token: Option<String>,
}

/// Models the caller may read.
fn seen(realm: Realm, workspace: &Workspace, caller: &Caller) -> Result<Vec<Model>, ApiError> {
    let mut models = workspace.kept_models(realm)?;
    match realm {
        Realm::Workspace => {
            models.retain(|model| workspace.authorize_object(caller, KIND, &model.id, "CAN_READ").is_ok());
        }
        Realm::Unity => {
            let identity = workspace.catalog().identity(caller.name())?;
            let visible = workspace.catalog().list_models(&identity)?;
            models.retain(|model| visible.iter().any(|record| record.full_name() == model.name));
        }
    }
    Ok(models)
}

pub(super) fn search(
    realm: Realm,
    workspace: &Workspace,
    caller: &Caller,
    search: Search,
) -> ApiResult<Value> {
    let filter = Filter::parse(search.filter.as_deref().unwrap_or_default())?;
    let mut found = seen(realm, workspace, caller)?;
    found.retain(|model| {
        filter.accepts(|kind, key| match (kind, key) {
            ("attributes", "name") => Some(json!(model.name)),
            ("tags", key) => model.tags.iter().find(|tag| tag.key == key).map(|tag| json!(tag.value)),
            _ => None,
        })
    });
    for order in search.order_by.0.iter().rev() {
        let descending = order.to_lowercase().trim_end().ends_with(" desc");
        let by_time = order.trim_start().starts_with("last_updated_timestamp");
        found.sort_by(|left, right| {
            let ordering = if by_time {
                left.last_updated_timestamp.cmp(&right.last_updated_timestamp)
            } else {
                left.name.cmp(&right.name)
            };
            if descending { ordering.reverse() } else { ordering }
        });
    }
    let size = search.max_results.and_then(|size| size.number()).unwrap_or(100).clamp(1, 1000);
    let show = |model: Model| Ok(full(realm, workspace, &model)?["registered_model"].take());
    page_of("registered_models", found, search.page_token.as_deref(), size, show).map(Json)
}

#[derive(Deserialize)]
pub(super) struct ModelTag {
    name: String,
    key: String,
    #[serde(default)]
    value: String,
}

pub(super) fn set_tag(
    realm: Realm,
    workspace: &Workspace,
    caller: &Caller,
    wanted: ModelTag,
) -> ApiResult<Value> {
    let tag = Tag { key: wanted.key, value: wanted.value };
    change(realm, workspace, caller, &wanted.name, |model| set(&mut model.tags, tag))?;
    Ok(Json(json!({})))
}

pub(super) fn delete_tag(
    realm: Realm,
    workspace: &Workspace,
    caller: &Caller,
    wanted: ModelTag,
) -> ApiResult<Value> {
    change(realm, workspace, caller, &wanted.name, |model| model.tags.retain(|tag| tag.key != wanted.key))?;
    Ok(Json(json!({})))
}

#[derive(Deserialize)]
pub(super) struct ModelAlias {
    name: String,
    alias: String,
    version: Option<String>,
}

pub(super) fn set_alias(
    realm: Realm,
    workspace: &Workspace,
    caller: &Caller,
    wanted: ModelAlias,
) -> ApiResult<Value> {
    let version = wanted.version.unwrap_or_default();
    workspace.version_for(realm, caller, &wanted.name, &version, true)?;
    if wanted.alias.is_empty() || wanted.alias.len() > 255 || wanted.alias == "latest" {
        return Err(ApiError::invalid(format!("'{}' is not a name of an alias", wanted.alias)));
    }
    change(realm, workspace, caller, &wanted.name, |model| {
        model.aliases.retain(|known| known.alias != wanted.alias);
        model.aliases.push(Alias { alias: wanted.alias, version });
    })?;
    Ok(Json(json!({})))
}

pub(super) fn delete_alias(
    realm: Realm,
    workspace: &Workspace,
    caller: &Caller,
    wanted: ModelAlias,
) -> ApiResult<Value> {
    change(realm, workspace, caller, &wanted.name, |model| {
        model.aliases.retain(|known| known.alias != wanted.alias);
    })?;
    Ok(Json(json!({})))
}

fn securable(workspace: &Workspace, caller: &Caller, model: &Model) -> Result<Value, ApiError> {
    let record = workspace.unity_model(caller, &model.name, false)?;
    let aliases = model.aliases.iter().map(|alias| {
        json!({ "alias_name": alias.alias, "version_num": alias.version.parse::<u64>().unwrap_or_default() })
    });
    Ok(json!({
        "full_name": record.full_name(), "catalog_name": record.catalog, "schema_name": record.schema,
        "name": record.name, "id": record.id, "owner": record.stamp.owner, "comment": model.description,
        "created_at": record.stamp.created_at, "created_by": record.stamp.created_by,
        "updated_at": record.stamp.updated_at, "updated_by": record.stamp.updated_by,
        "storage_location": format!("/Models/{}", model.name.replace('.', "/")),
        "aliases": aliases.collect::<Vec<_>>(),
    }))
}

#[derive(Deserialize)]
pub(super) struct ListQuery {
    catalog_name: Option<String>,
    schema_name: Option<String>,
}

pub(super) fn list_securables(
    realm: Realm,
    workspace: &Workspace,
    caller: &Caller,
    query: ListQuery,
) -> ApiResult<Value> {
    let prefix = match (query.catalog_name, query.schema_name) {
        (Some(catalog), Some(schema)) => format!("{catalog}.{schema}.").to_lowercase(),
        _ => String::new(),
    };
    let models = seen(realm, workspace, caller)?;
    let models = models.iter().filter(|model| model.name.starts_with(&prefix));
    let shown = models.filter_map(|model| securable(workspace, caller, model).ok());
    Ok(Json(json!({ "registered_models": shown.collect::<Vec<_>>() })))
}

pub(super) async fn get_securable(
    State(workspace): State<Workspace>,
    caller: Caller,
    Path(full_name): Path<String>,
) -> ApiResult<Value> {
    let model = workspace.model_for(Realm::Unity, &caller, &full_name, false)?;
    Ok(Json(securable(&workspace, &caller, &model)?))
}
