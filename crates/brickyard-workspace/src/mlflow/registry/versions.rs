#![expect(clippy::needless_pass_by_value, reason = "every act of the registries has the same signature")]

use axum::Json;
use axum::extract::{Path, State};
use serde::Deserialize;
use serde_json::{Value, json};

use super::Realm;
use super::record::{STAGES, Version};
use crate::caller::Caller;
use crate::error::{ApiError, ApiResult};
use crate::mlflow::filter::Filter;
use crate::mlflow::record::{Tag, page_of, set};
use crate::request::{ListOr, NumberOr};
use crate::workspace::Workspace;

#[derive(Deserialize)]
pub(super) struct Create {
    name: String,
    source: Option<String>,
    run_id: Option<String>,
    run_link: Option<String>,
    description: Option<String>,
    #[serde(default)]
    tags: Vec<Tag>,
    model_id: Option<String>,
}

pub(super) fn create(realm: Realm, workspace: &Workspace, caller: &Caller, new: Create) -> ApiResult<Value> {
    let mut model = workspace.model_for(realm, caller, &new.name, true)?;
    let source = new.source.unwrap_or_default();
    let model_id = new.model_id.filter(|id| !id.is_empty());
    if realm == Realm::Workspace {
        // The version's files are those of its source, so whoever registers them must be able to read them.
        super::files::source_folder(workspace, caller, &source)?;
    }
    model.last_version += 1;
    let now = workspace.clock().unix_milliseconds();
    model.last_updated_timestamp = now;
    let version = Version {
        name: model.name.clone(),
        version: model.last_version,
        creation_timestamp: now,
        last_updated_timestamp: now,
        user_id: caller.name().to_owned(),
        description: new.description.unwrap_or_default(),
        source,
        run_id: new.run_id.unwrap_or_default(),
        run_link: new.run_link.unwrap_or_default(),
        model_id: model_id.clone().unwrap_or_default(),
        status: if realm == Realm::Unity { "PENDING_REGISTRATION" } else { "READY" }.to_owned(),
        current_stage: "None".to_owned(),
        tags: new.tags,
    };
    workspace.put_model(realm, &model)?;
    workspace.put_version(realm, &version)?;
    if let Some(id) = model_id {
        workspace.note_registration(caller, &id, &version.name, &version.version.to_string())?;
    }
    Ok(Json(json!({ "model_version": version.shown(realm, &model) })))
}

#[derive(Deserialize)]
pub(super) struct Numbered {
    pub(super) name: String,
    pub(super) version: String,
}

pub(super) fn get(
    realm: Realm,
    workspace: &Workspace,
    caller: &Caller,
    wanted: Numbered,
) -> ApiResult<Value> {
    let (model, version) = workspace.version_for(realm, caller, &wanted.name, &wanted.version, false)?;
    Ok(Json(json!({ "model_version": version.shown(realm, &model) })))
}

#[derive(Deserialize)]
pub(super) struct Aliased {
    name: String,
    alias: String,
}

pub(super) fn by_alias(
    realm: Realm,
    workspace: &Workspace,
    caller: &Caller,
    wanted: Aliased,
) -> ApiResult<Value> {
    let model = workspace.model_for(realm, caller, &wanted.name, false)?;
    let alias = model.aliases.iter().find(|known| known.alias == wanted.alias).ok_or_else(|| {
        let mut error = ApiError::not_found("Alias", &wanted.alias);
        error.message = format!("Registered model alias {} not found.", wanted.alias);
        error
    })?;
    let numbered = Numbered { name: wanted.name, version: alias.version.clone() };
    get(realm, workspace, caller, numbered)
}

fn change(
    realm: Realm,
    workspace: &Workspace,
    caller: &Caller,
    wanted: &Numbered,
    change: impl FnOnce(&mut Version),
) -> ApiResult<Value> {
    let (model, mut version) = workspace.version_for(realm, caller, &wanted.name, &wanted.version, true)?;
    change(&mut version);
    version.last_updated_timestamp = workspace.clock().unix_milliseconds();
    workspace.put_version(realm, &version)?;
    Ok(Json(json!({ "model_version": version.shown(realm, &model) })))
}

#[derive(Deserialize)]
pub(super) struct Update {
    #[serde(flatten)]
    numbered: Numbered,
    description: Option<String>,
}

pub(super) fn update(
    realm: Realm,
    workspace: &Workspace,
    caller: &Caller,
    wanted: Update,
) -> ApiResult<Value> {
    change(realm, workspace, caller, &wanted.numbered, |version| {
        version.description = wanted.description.unwrap_or_default();
    })
}

/// Ends the upload of a version's files.
pub(super) fn finalize(
    realm: Realm,
    workspace: &Workspace,
    caller: &Caller,
    wanted: Numbered,
) -> ApiResult<Value> {
    change(realm, workspace, caller, &wanted, |version| "READY".clone_into(&mut version.status))
}

pub(super) fn delete(
    realm: Realm,
    workspace: &Workspace,
    caller: &Caller,
    wanted: Numbered,
) -> ApiResult<Value> {
    let (mut model, version) = workspace.version_for(realm, caller, &wanted.name, &wanted.version, true)?;
    if matches!(version.current_stage.as_str(), "Staging" | "Production") {
        return Err(ApiError::invalid("A version in Staging or Production is not deleted; archive it first"));
    }
    workspace.forget_version(realm, &version)?;
    let number = version.version.to_string();
    model.aliases.retain(|alias| alias.version != number);
    workspace.put_model(realm, &model)?;
    Ok(Json(json!({})))
}

#[derive(Deserialize)]
pub(super) struct Transition {
    #[serde(flatten)]
    numbered: Numbered,
    stage: String,
    #[serde(default)]
    archive_existing_versions: bool,
}

pub(super) fn transition(
    realm: Realm,
    workspace: &Workspace,
    caller: &Caller,
    wanted: Transition,
) -> ApiResult<Value> {
    let stage = STAGES.into_iter().find(|stage| stage.eq_ignore_ascii_case(&wanted.stage));
    let stage = stage.ok_or_else(|| {
        ApiError::invalid(format!("Invalid Model Version stage: {}. It is one of {STAGES:?}", wanted.stage))
    })?;
    if wanted.archive_existing_versions && matches!(stage, "Staging" | "Production") {
        let (model, _) =
            workspace.version_for(realm, caller, &wanted.numbered.name, &wanted.numbered.version, true)?;
        for mut other in workspace.versions_of(realm, &model.name)? {
            if other.current_stage == stage {
                "Archived".clone_into(&mut other.current_stage);
                workspace.put_version(realm, &other)?;
            }
        }
    }
    let mut answer = change(realm, workspace, caller, &wanted.numbered, |version| {
        stage.clone_into(&mut version.current_stage);
    })?;
    answer.0["model_version_databricks"] = answer.0["model_version"].clone();
    Ok(answer)
}

#[derive(Deserialize)]
pub(super) struct Latest {
    name: String,
    #[serde(default)]
    stages: ListOr,
}

/// The newest version in each stage, or in those that are asked for.
pub(super) fn latest_of(
    workspace: &Workspace,
    realm: Realm,
    name: &str,
    stages: &[String],
) -> Result<Vec<Version>, ApiError> {
    let mut newest: Vec<Version> = Vec::new();
    for version in workspace.versions_of(realm, name)? {
        let wanted = stages.is_empty()
            || stages.iter().any(|stage| stage.eq_ignore_ascii_case(&version.current_stage));
        if wanted {
            newest.retain(|known| known.current_stage != version.current_stage);
            newest.push(version);
        }
    }
    Ok(newest)
}

pub(super) fn latest(
    realm: Realm,
    workspace: &Workspace,
    caller: &Caller,
    wanted: Latest,
) -> ApiResult<Value> {
    let model = workspace.model_for(realm, caller, &wanted.name, false)?;
    let newest = latest_of(workspace, realm, &model.name, &wanted.stages.0)?;
    let shown: Vec<Value> = newest.iter().map(|version| version.shown(realm, &model)).collect();
    Ok(Json(json!({ "model_versions": shown })))
}

#[derive(Deserialize)]
pub(super) struct Search {
    filter: Option<String>,
    max_results: Option<NumberOr>,
    page_token: Option<String>,
}

pub(super) fn search(
    realm: Realm,
    workspace: &Workspace,
    caller: &Caller,
    search: Search,
) -> ApiResult<Value> {
    let filter = Filter::parse(search.filter.as_deref().unwrap_or_default())?;
    let mut found = Vec::new();
    for model in workspace.kept_models(realm)? {
        let Ok(model) = workspace.model_for(realm, caller, &model.name, false) else { continue };
        for version in workspace.versions_of(realm, &model.name)? {
            let fits = filter.accepts(|kind, key| match (kind, key) {
                ("attributes", "name") => Some(json!(version.name)),
                ("attributes", "run_id") => Some(json!(version.run_id)),
                ("attributes", "version_number") => Some(json!(version.version)),
                ("attributes", "source_path" | "source") => Some(json!(version.source)),
                ("tags", key) => version.tags.iter().find(|tag| tag.key == key).map(|tag| json!(tag.value)),
                _ => None,
            });
            if fits {
                found.push(version.shown(realm, &model));
            }
        }
    }
    found.reverse();
    let size = search.max_results.and_then(|size| size.number()).unwrap_or(10_000).clamp(1, 200_000);
    page_of("model_versions", found, search.page_token.as_deref(), size, Ok).map(Json)
}

#[derive(Deserialize)]
pub(super) struct VersionTag {
    #[serde(flatten)]
    numbered: Numbered,
    key: String,
    #[serde(default)]
    value: String,
}

pub(super) fn set_tag(
    realm: Realm,
    workspace: &Workspace,
    caller: &Caller,
    wanted: VersionTag,
) -> ApiResult<Value> {
    let tag = Tag { key: wanted.key, value: wanted.value };
    change(realm, workspace, caller, &wanted.numbered, |version| set(&mut version.tags, tag)).map(drop)?;
    Ok(Json(json!({})))
}

pub(super) fn delete_tag(
    realm: Realm,
    workspace: &Workspace,
    caller: &Caller,
    wanted: VersionTag,
) -> ApiResult<Value> {
    change(realm, workspace, caller, &wanted.numbered, |version| {
        version.tags.retain(|tag| tag.key != wanted.key);
    })
    .map(drop)?;
    Ok(Json(json!({})))
}

pub(super) async fn list_securables(
    State(workspace): State<Workspace>,
    caller: Caller,
    Path(full_name): Path<String>,
) -> ApiResult<Value> {
    let model = workspace.model_for(Realm::Unity, &caller, &full_name, false)?;
    let parts: Vec<&str> = model.name.split('.').collect();
    let versions = workspace.versions_of(Realm::Unity, &model.name)?;
    let shown = versions.iter().map(|version| {
        json!({
            "catalog_name": parts[0], "schema_name": parts[1], "model_name": parts[2],
            "version": version.version, "status": version.status, "source": version.source,
            "run_id": version.run_id, "comment": version.description,
            "created_at": version.creation_timestamp, "created_by": version.user_id,
            "updated_at": version.last_updated_timestamp,
        })
    });
    Ok(Json(json!({ "model_versions": shown.collect::<Vec<_>>() })))
}
