use super::access::Identity;
use super::fault::CatalogError;
use super::kind::Kind;
use super::privilege::Privilege;
use super::record::VolumeRecord;
use super::schemas::Change;
use super::tables::remove_directory;
use super::{Catalog, name};
use crate::store::StoreError;

const VOLUME: &str = "catalog_volume";

/// A volume that is to be made.
#[derive(Debug, Clone, Default)]
pub(crate) struct NewVolume {
    pub(crate) full_name: String,
    /// Directory of an external volume.
    pub(crate) location: Option<String>,
    pub(crate) comment: Option<String>,
}

impl Catalog {
    /// Volumes of a schema that may be shown, by name.
    pub(crate) fn list_volumes(
        &self,
        identity: &Identity,
        schema: &str,
    ) -> Result<Vec<VolumeRecord>, CatalogError> {
        let parts = name::parts(Kind::Schema, schema)?;
        self.get_schema(identity, schema)?;
        let mut seen = Vec::new();
        for record in self.volume_records(&parts[0], &parts[1])? {
            let volume = [record.catalog.clone(), record.schema.clone(), record.name.clone()];
            if self.is_visible(identity, Kind::Volume, &volume)? {
                seen.push(record);
            }
        }
        Ok(seen)
    }

    /// A volume that may be read.
    pub(crate) fn get_volume(&self, identity: &Identity, full: &str) -> Result<VolumeRecord, CatalogError> {
        let parts = name::parts(Kind::Volume, full)?;
        let record = self.volume_record(full);
        if let Ok(record) = record
            && self.is_visible(identity, Kind::Volume, &parts)?
        {
            return Ok(record);
        }
        self.check(identity, Kind::Volume, full, Privilege::READ_VOLUME)?;
        self.volume_record(full)
    }

    /// Makes a volume with its directory; the caller owns it.
    pub(crate) fn create_volume(
        &self,
        identity: &Identity,
        volume: &NewVolume,
    ) -> Result<VolumeRecord, CatalogError> {
        let parts = name::parts(Kind::Volume, &volume.full_name)?;
        let new_name = name::new(Kind::Volume, &parts[2])?;
        let schema = format!("{}.{}", name::quote(&parts[0]), name::quote(&parts[1]));
        self.check(identity, Kind::Schema, &schema, Privilege::CREATE_VOLUME)?;
        let id = uuid::Uuid::new_v4().to_string();
        let location = match &volume.location {
            None => self.inner.state.join("volumes").join(&id),
            Some(location) if identity.admin => super::tables::local_path(location)?,
            Some(location) => {
                return Err(CatalogError::invalid(format!(
                    "User does not have CREATE EXTERNAL VOLUME on External Location '{location}'."
                )));
            }
        };
        let record = VolumeRecord {
            catalog: parts[0].clone(),
            schema: parts[1].clone(),
            name: new_name,
            id,
            managed: volume.location.is_none(),
            location,
            stamp: self.stamp(&identity.name, volume.comment.clone()),
        };
        std::fs::create_dir_all(&record.location)
            .map_err(|source| CatalogError::Directory { path: record.location.clone(), source })?;
        if !self.store().insert(VOLUME, &record.full_name(), &record)? {
            if record.managed {
                remove_directory(&record.location)?;
            }
            return Err(CatalogError::already_exists(Kind::Volume, record.full_name()));
        }
        Ok(record)
    }

    /// Changes name, owner, comment or tags.
    pub(crate) fn update_volume(
        &self,
        identity: &Identity,
        full: &str,
        change: &Change,
    ) -> Result<VolumeRecord, CatalogError> {
        self.volume_record(full)?;
        self.check_manage(identity, Kind::Volume, full)?;
        let _changing = self.changing();
        let mut record = self.volume_record(full)?;
        let before = record.full_name();
        let from = [record.catalog.clone(), record.schema.clone(), record.name.clone()];
        self.apply(identity, change, &mut record.stamp, None)?;
        if let Some(new_name) = &change.name {
            record.name = name::new(Kind::Volume, new_name)?;
        }
        if record.full_name() == before {
            self.store().put(VOLUME, &before, &record)?;
            return Ok(record);
        }
        if !self.store().insert(VOLUME, &record.full_name(), &record)? {
            return Err(CatalogError::already_exists(Kind::Volume, record.full_name()));
        }
        let to = [record.catalog.clone(), record.schema.clone(), record.name.clone()];
        self.move_grants(Kind::Volume, &from, &to)?;
        self.store().delete(VOLUME, &before)?;
        Ok(record)
    }

    /// Drops a volume, and the files of a managed one.
    pub(crate) fn drop_volume(&self, identity: &Identity, full: &str) -> Result<(), CatalogError> {
        let record = self.volume_record(full)?;
        self.check_manage(identity, Kind::Volume, full)?;
        self.remove_volume(&record)
    }

    /// The record of a volume by its full name in any case, unasked.
    pub(crate) fn volume_record(&self, full: &str) -> Result<VolumeRecord, CatalogError> {
        let key = name::parts(Kind::Volume, full)?.join(".");
        self.store().get(VOLUME, &key)?.ok_or_else(|| CatalogError::not_found(Kind::Volume, key))
    }

    pub(super) fn volume_records(
        &self,
        catalog: &str,
        schema: &str,
    ) -> Result<Vec<VolumeRecord>, StoreError> {
        let records = self.store().list(VOLUME, &format!("{catalog}.{schema}."))?;
        Ok(records.into_iter().map(|(_, record)| record).collect())
    }

    pub(super) fn remove_volume(&self, record: &VolumeRecord) -> Result<(), CatalogError> {
        let parts = [record.catalog.clone(), record.schema.clone(), record.name.clone()];
        self.store().delete(VOLUME, &record.full_name())?;
        self.forget_grants(Kind::Volume, &parts)?;
        if record.managed { remove_directory(&record.location) } else { Ok(()) }
    }
}
