use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::Realm;
use crate::caller::Caller;
use crate::catalog::ModelRecord;
use crate::error::ApiError;
use crate::mlflow::record::{Tag, failed};
use crate::workspace::Workspace;

/// Kind of the workspace's models in access lists.
pub(super) const KIND: &str = "registered-models";

/// The stages of a version in the workspace's registry.
pub(super) const STAGES: [&str; 4] = ["None", "Staging", "Production", "Archived"];

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Alias {
    pub(super) alias: String,
    pub(super) version: String,
}

/// A registered model.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Model {
    pub(super) name: String,
    pub(super) id: String,
    pub(super) creation_timestamp: i64,
    pub(super) last_updated_timestamp: i64,
    pub(super) user_id: String,
    pub(super) description: String,
    pub(super) tags: Vec<Tag>,
    pub(super) aliases: Vec<Alias>,
    /// The highest number given out; a number is never given twice.
    pub(super) last_version: u64,
}

/// A version of a registered model.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Version {
    pub(super) name: String,
    pub(super) version: u64,
    pub(super) creation_timestamp: i64,
    pub(super) last_updated_timestamp: i64,
    pub(super) user_id: String,
    pub(super) description: String,
    pub(super) source: String,
    pub(super) run_id: String,
    pub(super) run_link: String,
    pub(super) model_id: String,
    /// `PENDING_REGISTRATION`, `READY`, `FAILED_REGISTRATION`.
    pub(super) status: String,
    pub(super) current_stage: String,
    pub(super) tags: Vec<Tag>,
}

impl Model {
    pub(super) fn shown(&self, realm: Realm) -> Value {
        let mut shown = json!(self);
        if let Some(fields) = shown.as_object_mut() {
            fields.remove("last_version");
            fields.remove("id");
        }
        if realm == Realm::Workspace {
            shown["aliases"] = json!([]);
        }
        shown
    }
}

impl Version {
    pub(super) fn shown(&self, realm: Realm, model: &Model) -> Value {
        let mut shown = json!(self);
        let number = self.version.to_string();
        let aliases = model.aliases.iter().filter(|alias| alias.version == number);
        match realm {
            Realm::Workspace => {
                shown["aliases"] = aliases.map(|alias| json!(alias.alias)).collect();
            }
            Realm::Unity => {
                shown["aliases"] = aliases.map(|alias| json!(alias)).collect();
                let place = self.name.replace('.', "/");
                shown["storage_location"] = json!(format!("/Models/{place}/{number}"));
                if let Some(fields) = shown.as_object_mut() {
                    fields.remove("current_stage");
                    fields.remove("run_link");
                }
            }
        }
        shown["version"] = json!(number);
        shown
    }
}

impl Realm {
    fn models(self) -> &'static str {
        match self {
            Self::Workspace => "registered_model",
            Self::Unity => "unity_registered_model",
        }
    }

    fn versions(self) -> &'static str {
        match self {
            Self::Workspace => "model_version",
            Self::Unity => "unity_model_version",
        }
    }
}

pub(super) fn missing(name: &str) -> ApiError {
    let mut error = ApiError::not_found("Registered model", name);
    error.message = format!("RegisteredModel '{name}' does not exist. It might have been deleted.");
    error
}

impl Workspace {
    pub(super) fn put_model(&self, realm: Realm, model: &Model) -> Result<(), ApiError> {
        self.store().put(realm.models(), &model.name, model).map_err(failed)
    }

    pub(super) fn kept_model(&self, realm: Realm, name: &str) -> Result<Option<Model>, ApiError> {
        self.store().get(realm.models(), name).map_err(failed)
    }

    pub(super) fn kept_models(&self, realm: Realm) -> Result<Vec<Model>, ApiError> {
        Ok(self
            .store()
            .list(realm.models(), "")
            .map_err(failed)?
            .into_iter()
            .map(|(_, model)| model)
            .collect())
    }

    pub(super) fn forget_model(&self, realm: Realm, name: &str) -> Result<(), ApiError> {
        for version in self.versions_of(realm, name)? {
            self.forget_version(realm, &version)?;
        }
        self.store().delete(realm.models(), name).map_err(failed)?;
        Ok(())
    }

    pub(super) fn put_version(&self, realm: Realm, version: &Version) -> Result<(), ApiError> {
        self.store().put(realm.versions(), &key(&version.name, version.version), version).map_err(failed)
    }

    pub(super) fn versions_of(&self, realm: Realm, name: &str) -> Result<Vec<Version>, ApiError> {
        let all = self.store().list(realm.versions(), &format!("{name}/")).map_err(failed)?;
        Ok(all.into_iter().map(|(_, version)| version).collect())
    }

    pub(super) fn forget_version(&self, realm: Realm, version: &Version) -> Result<(), ApiError> {
        self.store().delete(realm.versions(), &key(&version.name, version.version)).map_err(failed)?;
        if realm == Realm::Unity {
            let state = self.config().state_directory.join("mlflow").join("models");
            let _ = std::fs::remove_dir_all(state.join(&version.name).join(version.version.to_string()));
        }
        Ok(())
    }

    /// The model, when the caller may read it, or with `write` change it.
    pub(super) fn model_for(
        &self,
        realm: Realm,
        caller: &Caller,
        name: &str,
        write: bool,
    ) -> Result<Model, ApiError> {
        match realm {
            Realm::Workspace => {
                let model = self.kept_model(realm, name)?.ok_or_else(|| missing(name))?;
                let level = if write { "CAN_EDIT" } else { "CAN_READ" };
                self.authorize_object(caller, KIND, &model.id, level)?;
                Ok(model)
            }
            Realm::Unity => {
                let record = self.unity_model(caller, name, write)?;
                let name = record.full_name();
                self.kept_model(realm, &name)?.ok_or_else(|| missing(&name))
            }
        }
    }

    pub(super) fn unity_model(
        &self,
        caller: &Caller,
        name: &str,
        write: bool,
    ) -> Result<ModelRecord, ApiError> {
        let identity = self.catalog().identity(caller.name())?;
        let found = if write {
            self.catalog().managed_model(&identity, name)
        } else {
            self.catalog().get_model(&identity, name)
        };
        found.map_err(|error| match error {
            crate::catalog::CatalogError::NotFound { kind: crate::catalog::Kind::Function, .. } => {
                missing(name)
            }
            error => error.into(),
        })
    }

    /// A version by its number, with its model.
    pub(super) fn version_for(
        &self,
        realm: Realm,
        caller: &Caller,
        name: &str,
        version: &str,
        write: bool,
    ) -> Result<(Model, Version), ApiError> {
        let model = self.model_for(realm, caller, name, write)?;
        let number = version.parse::<u64>().ok();
        let found = match number {
            Some(number) => self.store().get(realm.versions(), &key(&model.name, number)).map_err(failed)?,
            None => None,
        };
        let found: Version = found.ok_or_else(|| {
            let mut error = ApiError::not_found("Model version", version);
            error.message = format!("Model Version (name={name}, version={version}) not found");
            error
        })?;
        Ok((model, found))
    }

    /// Refuses who may not read, or with `write` fill, the files of a version in Unity Catalog; a version that is
    /// complete takes no more.
    pub(crate) fn authorize_model_files(
        &self,
        caller: &Caller,
        name: &str,
        version: &str,
        write: bool,
    ) -> Result<(), ApiError> {
        let (_, version) = self.version_for(Realm::Unity, caller, name, version, write)?;
        if write && version.status != "PENDING_REGISTRATION" {
            return Err(ApiError::denied(format!(
                "Version {} of model '{name}' is complete: its files cannot change",
                version.version
            )));
        }
        Ok(())
    }
}

fn key(name: &str, version: u64) -> String {
    format!("{name}/{version:010}")
}
