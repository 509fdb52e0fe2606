use serde::{Deserialize, Serialize};

use super::TABLE;
use crate::catalog::access::Identity;
use crate::catalog::fault::CatalogError;
use crate::catalog::kind::Kind;
use crate::catalog::privilege::Privilege;
use crate::catalog::record::TableRecord;
use crate::catalog::{Catalog, name};

const DROPPED: &str = "catalog_dropped";

/// Milliseconds for which a managed table that was dropped can come back.
const KEPT: i64 = 7 * 24 * 3600 * 1000;

/// A managed table that was dropped.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Dropped {
    pub(crate) record: TableRecord,
    /// When, in milliseconds since the epoch.
    pub(crate) at: i64,
}

impl Catalog {
    /// Takes a table away but keeps its files for a while; what has been kept long enough goes.
    pub(super) fn set_aside(&self, record: &TableRecord) -> Result<(), CatalogError> {
        let now = self.now();
        for (key, dropped) in self.store().list::<Dropped>(DROPPED, "")? {
            if now - dropped.at > KEPT {
                self.remove_files(&dropped.record)?;
                self.store().delete(DROPPED, &key)?;
            }
        }
        let key = format!("{} {}", record.full_name(), record.id);
        self.store().put(DROPPED, &key, &Dropped { record: record.clone(), at: now })?;
        self.store().delete(TABLE, &record.full_name())?;
        self.forget_grants(
            Kind::Table,
            &[record.catalog.clone(), record.schema.clone(), record.name.clone()],
        )?;
        Ok(())
    }

    /// Tables of a schema that were dropped and can come back, the latest first; owners and admins see them.
    pub(crate) fn dropped_tables(
        &self,
        identity: &Identity,
        schema: &str,
    ) -> Result<Vec<Dropped>, CatalogError> {
        let parts = name::parts(Kind::Schema, schema)?;
        self.get_schema(identity, schema)?;
        let now = self.now();
        let dropped = self.store().list::<Dropped>(DROPPED, &format!("{}.{}.", parts[0], parts[1]))?;
        let mut dropped: Vec<Dropped> = dropped.into_iter().map(|(_, dropped)| dropped).collect();
        dropped.retain(|dropped| {
            let owned = identity.admin || identity.is(&dropped.record.stamp.owner);
            now - dropped.at <= KEPT && owned
        });
        dropped.sort_by_key(|dropped| std::cmp::Reverse(dropped.at));
        Ok(dropped)
    }

    /// `UNDROP TABLE`: the last table of that name that was dropped.
    pub(crate) fn undrop_table(&self, identity: &Identity, full: &str) -> Result<TableRecord, CatalogError> {
        let parts = name::parts(Kind::Table, full)?;
        let schema = format!("{}.{}", name::quote(&parts[0]), name::quote(&parts[1]));
        let found = self.dropped_tables(identity, &schema)?.into_iter();
        let dropped = found.into_iter().find(|dropped| dropped.record.name == parts[2]);
        let dropped = dropped.ok_or_else(|| CatalogError::not_found(Kind::Table, parts.join(".")))?;
        self.check(identity, Kind::Schema, &schema, Privilege::CREATE_TABLE)?;
        let record = dropped.record;
        if !self.store().insert(TABLE, &record.full_name(), &record)? {
            return Err(CatalogError::already_exists(Kind::Table, record.full_name()));
        }
        self.store().delete(DROPPED, &format!("{} {}", record.full_name(), record.id))?;
        Ok(record)
    }
}
