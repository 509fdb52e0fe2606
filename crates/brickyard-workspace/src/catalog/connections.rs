use std::collections::BTreeMap;

use super::access::Identity;
use super::fault::CatalogError;
use super::kind::Kind;
use super::privilege::Privilege;
use super::record::ConnectionRecord;
use super::schemas::Change;
use super::{Catalog, name};

const CONNECTION: &str = "catalog_connection";

/// A connection that is to be made; its secrets are kept elsewhere.
#[derive(Debug, Clone, Default)]
pub(crate) struct NewConnection {
    pub(crate) name: String,
    pub(crate) connection_type: String,
    pub(crate) options: BTreeMap<String, String>,
    pub(crate) properties: BTreeMap<String, String>,
    pub(crate) credential_type: String,
    pub(crate) comment: Option<String>,
    pub(crate) read_only: bool,
}

impl Catalog {
    /// Connections that may be shown, by name.
    pub(crate) fn list_connections(
        &self,
        identity: &Identity,
    ) -> Result<Vec<ConnectionRecord>, CatalogError> {
        let mut seen = Vec::new();
        for (name, record) in self.store().list::<ConnectionRecord>(CONNECTION, "")? {
            if self.is_visible(identity, Kind::Connection, &[name])? {
                seen.push(record);
            }
        }
        Ok(seen)
    }

    /// A connection that may be used.
    pub(crate) fn get_connection(
        &self,
        identity: &Identity,
        full: &str,
    ) -> Result<ConnectionRecord, CatalogError> {
        self.check(identity, Kind::Connection, full, Privilege::USE_CONNECTION)?;
        self.connection_record(full)
    }

    /// Makes a connection; the caller owns it.
    pub(crate) fn create_connection(
        &self,
        identity: &Identity,
        connection: NewConnection,
    ) -> Result<ConnectionRecord, CatalogError> {
        let new_name = name::new(Kind::Connection, &connection.name)?;
        self.check(identity, Kind::Metastore, "", Privilege::CREATE_CONNECTION)?;
        let record = ConnectionRecord {
            name: new_name,
            id: uuid::Uuid::new_v4().to_string(),
            connection_type: connection.connection_type,
            options: connection.options,
            properties: connection.properties,
            credential_type: connection.credential_type,
            read_only: connection.read_only,
            stamp: self.stamp(&identity.name, connection.comment),
        };
        if self.store().insert(CONNECTION, &record.name, &record)? {
            return Ok(record);
        }
        Err(CatalogError::already_exists(Kind::Connection, record.name))
    }

    /// Changes name, owner, comment or options.
    pub(crate) fn update_connection(
        &self,
        identity: &Identity,
        full: &str,
        change: &Change,
        options: Option<BTreeMap<String, String>>,
    ) -> Result<ConnectionRecord, CatalogError> {
        self.connection_record(full)?;
        self.check_manage(identity, Kind::Connection, full)?;
        let _changing = self.changing();
        let mut record = self.connection_record(full)?;
        let before = record.name.clone();
        self.apply(identity, change, &mut record.stamp, Some(&mut record.properties))?;
        if let Some(options) = options {
            record.options = options;
        }
        if let Some(new_name) = &change.name {
            record.name = name::new(Kind::Connection, new_name)?;
        }
        if record.name == before {
            self.store().put(CONNECTION, &before, &record)?;
            return Ok(record);
        }
        if !self.store().insert(CONNECTION, &record.name, &record)? {
            return Err(CatalogError::already_exists(Kind::Connection, record.name));
        }
        self.move_grants(
            Kind::Connection,
            std::slice::from_ref(&before),
            std::slice::from_ref(&record.name),
        )?;
        self.store().delete(CONNECTION, &before)?;
        Ok(record)
    }

    /// Drops a connection.
    pub(crate) fn drop_connection(
        &self,
        identity: &Identity,
        full: &str,
    ) -> Result<ConnectionRecord, CatalogError> {
        let record = self.connection_record(full)?;
        self.check_manage(identity, Kind::Connection, full)?;
        self.store().delete(CONNECTION, &record.name)?;
        self.forget_grants(Kind::Connection, std::slice::from_ref(&record.name))?;
        Ok(record)
    }

    /// The record of a connection by its name in any case, unasked.
    pub(crate) fn connection_record(&self, full: &str) -> Result<ConnectionRecord, CatalogError> {
        let key = name::parts(Kind::Connection, full)?.join(".");
        self.store().get(CONNECTION, &key)?.ok_or_else(|| CatalogError::not_found(Kind::Connection, key))
    }
}
