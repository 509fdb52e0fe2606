use super::access::Identity;
use super::fault::CatalogError;
use super::kind::Kind;
use super::privilege::Privilege;
use super::record::ModelRecord;
use super::{Catalog, name};
use crate::store::StoreError;

const MODEL: &str = "catalog_model";

/// Registered models: in grants they are functions, as on the platform (`GRANT EXECUTE ON FUNCTION model`).
impl Catalog {
    /// Models of every schema that may be shown, by name.
    pub(crate) fn list_models(&self, identity: &Identity) -> Result<Vec<ModelRecord>, CatalogError> {
        let mut seen = Vec::new();
        let records: Vec<(String, ModelRecord)> = self.store().list(MODEL, "")?;
        for (_, record) in records {
            if self.is_visible(identity, Kind::Function, &record.parts())? {
                seen.push(record);
            }
        }
        Ok(seen)
    }

    /// A model that may be used.
    pub(crate) fn get_model(&self, identity: &Identity, full: &str) -> Result<ModelRecord, CatalogError> {
        self.model_record(full)?;
        self.check(identity, Kind::Function, full, Privilege::EXECUTE)?;
        self.model_record(full)
    }

    /// A model that the identity may change, drop and add versions to.
    pub(crate) fn managed_model(&self, identity: &Identity, full: &str) -> Result<ModelRecord, CatalogError> {
        self.get_model(identity, full)?;
        self.check_manage(identity, Kind::Function, full)?;
        self.model_record(full)
    }

    /// Makes a model; the caller owns it.
    pub(crate) fn create_model(
        &self,
        identity: &Identity,
        full: &str,
        comment: Option<String>,
    ) -> Result<ModelRecord, CatalogError> {
        let parts = name::parts(Kind::Function, full)?;
        let name = name::new(Kind::Function, &parts[2])?;
        let schema = format!("{}.{}", name::quote(&parts[0]), name::quote(&parts[1]));
        self.check(identity, Kind::Schema, &schema, Privilege::CREATE_MODEL)?;
        let record = ModelRecord {
            catalog: parts[0].clone(),
            schema: parts[1].clone(),
            name,
            id: uuid::Uuid::new_v4().to_string(),
            stamp: self.stamp(&identity.name, comment),
        };
        if self.function_record(full).is_ok() || !self.store().insert(MODEL, &record.full_name(), &record)? {
            return Err(CatalogError::already_exists(Kind::Function, record.full_name()));
        }
        Ok(record)
    }

    /// Notes a change of a model, and its new comment where one is given.
    pub(crate) fn touch_model(
        &self,
        identity: &Identity,
        record: &mut ModelRecord,
        comment: Option<String>,
    ) -> Result<(), CatalogError> {
        if comment.is_some() {
            record.stamp.comment = comment;
        }
        self.touch(identity, &mut record.stamp);
        Ok(self.store().put(MODEL, &record.full_name(), record)?)
    }

    /// Removes a model and what was granted on it.
    pub(crate) fn remove_model(&self, record: &ModelRecord) -> Result<(), CatalogError> {
        self.store().delete(MODEL, &record.full_name())?;
        self.forget_grants(Kind::Function, &record.parts())?;
        Ok(())
    }

    pub(super) fn model_record(&self, full: &str) -> Result<ModelRecord, CatalogError> {
        let key = name::parts(Kind::Function, full)?.join(".");
        self.store().get(MODEL, &key)?.ok_or_else(|| CatalogError::not_found(Kind::Function, key))
    }

    pub(super) fn model_records(&self, catalog: &str, schema: &str) -> Result<Vec<ModelRecord>, StoreError> {
        let records = self.store().list(MODEL, &format!("{catalog}.{schema}."))?;
        Ok(records.into_iter().map(|(_, record)| record).collect())
    }
}
