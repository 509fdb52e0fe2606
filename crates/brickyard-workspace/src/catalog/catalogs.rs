use std::collections::BTreeMap;

use super::Catalog;
use super::access::Identity;
use super::fault::CatalogError;
use super::kind::Kind;
use super::name;
use super::privilege::Privilege;
use super::record::CatalogRecord;
use super::schemas::Change;
use crate::store::StoreError;

pub(super) const CATALOG: &str = "catalog";

impl Catalog {
    /// Catalogs that may be shown, by name.
    pub(crate) fn list_catalogs(&self, identity: &Identity) -> Result<Vec<CatalogRecord>, CatalogError> {
        let mut seen = Vec::new();
        for (_, record) in self.store().list::<CatalogRecord>(CATALOG, "")? {
            if self.is_visible(identity, Kind::Catalog, std::slice::from_ref(&record.name))? {
                seen.push(record);
            }
        }
        Ok(seen)
    }

    /// One catalog.
    pub(crate) fn get_catalog(&self, identity: &Identity, name: &str) -> Result<CatalogRecord, CatalogError> {
        let parts = name::parts(Kind::Catalog, name)?;
        let record = self.catalog_record(&parts[0])?;
        if self.is_visible(identity, Kind::Catalog, &parts)? {
            return Ok(record);
        }
        let privilege = Privilege::USE_CATALOG;
        Err(CatalogError::Denied { privilege, kind: Kind::Catalog, name: record.name })
    }

    /// Makes a catalog with its `default` schema; the caller owns both.
    pub(crate) fn create_catalog(
        &self,
        identity: &Identity,
        name: &str,
        comment: Option<String>,
        properties: BTreeMap<String, String>,
    ) -> Result<CatalogRecord, CatalogError> {
        let record = self.new_catalog(identity, name, comment, properties, "MANAGED_CATALOG")?;
        let default = format!("{}.default", name::quote(&record.name));
        self.create_schema(identity, &default, None, BTreeMap::new())?;
        Ok(record)
    }

    /// Makes a catalog of a type, without schemas but `information_schema`.
    pub(super) fn new_catalog(
        &self,
        identity: &Identity,
        name: &str,
        comment: Option<String>,
        properties: BTreeMap<String, String>,
        catalog_type: &str,
    ) -> Result<CatalogRecord, CatalogError> {
        self.check(identity, Kind::Metastore, "", Privilege::CREATE_CATALOG)?;
        let name = name::new(Kind::Catalog, name)?;
        if matches!(name.as_str(), "hive_metastore" | "global_temp" | "session" | "spark_catalog")
            || name.starts_with("__")
        {
            return Err(CatalogError::invalid(format!("'{name}' is not a name a catalog can have")));
        }
        let record = CatalogRecord {
            name: name.clone(),
            id: uuid::Uuid::new_v4().to_string(),
            catalog_type: catalog_type.to_owned(),
            properties,
            stamp: self.stamp(&identity.name, comment),
        };
        if !self.store().insert(CATALOG, &name, &record)? {
            return Err(CatalogError::already_exists(Kind::Catalog, name));
        }
        self.put_information_schema(&name)?;
        Ok(record)
    }

    /// Changes a catalog.
    #[expect(clippy::needless_pass_by_value, reason = "made for this call alone")]
    pub(crate) fn update_catalog(
        &self,
        identity: &Identity,
        name: &str,
        change: Change,
    ) -> Result<CatalogRecord, CatalogError> {
        let parts = name::parts(Kind::Catalog, name)?;
        self.check_manage(identity, Kind::Catalog, name)?;
        if change.name.as_ref().is_some_and(|new| !new.eq_ignore_ascii_case(&parts[0])) {
            return Err(CatalogError::Unsupported("renaming a catalog".to_owned()));
        }
        let _changing = self.changing();
        let mut record = self.catalog_record(&parts[0])?;
        self.apply(identity, &change, &mut record.stamp, Some(&mut record.properties))?;
        self.put_catalog(&record)?;
        Ok(record)
    }

    /// Drops a catalog; with `force` all that is in it, else only when it holds nothing but `default` without tables.
    pub(crate) fn drop_catalog(
        &self,
        identity: &Identity,
        name: &str,
        force: bool,
    ) -> Result<(), CatalogError> {
        let parts = name::parts(Kind::Catalog, name)?;
        let record = self.catalog_record(&parts[0])?;
        self.check_manage(identity, Kind::Catalog, name)?;
        if record.catalog_type == "SYSTEM_CATALOG" {
            return Err(CatalogError::invalid(format!("Catalog '{}' cannot be dropped", record.name)));
        }
        let schemas = self.schema_records(&record.name)?;
        let others: Vec<_> = schemas
            .iter()
            .filter(|schema| !matches!(schema.name.as_str(), "default" | "information_schema"))
            .collect();
        let default_has_content = self.content(&record.name, "default")?.is_some();
        if !force && (!others.is_empty() || default_has_content) {
            let content = format!("{} schemas", others.len() + usize::from(default_has_content));
            return Err(CatalogError::NotEmpty { kind: Kind::Catalog, name: record.name, content });
        }
        for schema in &schemas {
            self.remove_schema(&schema.catalog, &schema.name)?;
        }
        self.forget_grants(Kind::Catalog, &parts)?;
        self.store().delete(CATALOG, &record.name)?;
        Ok(())
    }

    pub(super) fn catalog_record(&self, name: &str) -> Result<CatalogRecord, CatalogError> {
        self.store().get(CATALOG, name)?.ok_or_else(|| CatalogError::not_found(Kind::Catalog, name))
    }

    pub(super) fn put_catalog(&self, record: &CatalogRecord) -> Result<(), StoreError> {
        self.store().put(CATALOG, &record.name, record)
    }
}
