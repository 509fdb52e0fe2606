use std::collections::BTreeMap;

use super::Catalog;
use super::access::Identity;
use super::fault::CatalogError;
use super::kind::Kind;
use super::name;
use super::privilege::Privilege;
use super::record::{SchemaRecord, Stamp};
use crate::store::StoreError;

const SCHEMA: &str = "catalog_schema";

/// Changes of what every securable has; what is `None` stays.
#[derive(Debug, Clone, Default)]
pub(crate) struct Change {
    /// New name (its last part).
    pub(crate) name: Option<String>,
    pub(crate) owner: Option<String>,
    /// New comment; an empty one removes it.
    pub(crate) comment: Option<String>,
    /// All properties, replacing what was there.
    pub(crate) properties: Option<BTreeMap<String, String>>,
    /// Tags set.
    pub(crate) set_tags: BTreeMap<String, String>,
    /// Tags taken away.
    pub(crate) unset_tags: Vec<String>,
}

impl Catalog {
    /// Schemas of a catalog that may be shown, by name.
    pub(crate) fn list_schemas(
        &self,
        identity: &Identity,
        catalog: &str,
    ) -> Result<Vec<SchemaRecord>, CatalogError> {
        let parts = name::parts(Kind::Catalog, catalog)?;
        self.get_catalog(identity, catalog)?;
        let mut seen = Vec::new();
        for record in self.schema_records(&parts[0])? {
            if self.is_visible(identity, Kind::Schema, &[record.catalog.clone(), record.name.clone()])? {
                seen.push(record);
            }
        }
        Ok(seen)
    }

    /// One schema.
    pub(crate) fn get_schema(&self, identity: &Identity, full: &str) -> Result<SchemaRecord, CatalogError> {
        let parts = name::parts(Kind::Schema, full)?;
        self.catalog_record(&parts[0])?;
        let record = self.schema_record(&parts[0], &parts[1])?;
        if self.is_visible(identity, Kind::Schema, &parts)? {
            return Ok(record);
        }
        self.check(identity, Kind::Schema, full, Privilege::USE_SCHEMA)?;
        Ok(record)
    }

    /// Makes a schema; the caller owns it.
    pub(crate) fn create_schema(
        &self,
        identity: &Identity,
        full: &str,
        comment: Option<String>,
        properties: BTreeMap<String, String>,
    ) -> Result<SchemaRecord, CatalogError> {
        let parts = name::parts(Kind::Schema, full)?;
        let schema = name::new(Kind::Schema, &parts[1])?;
        self.check(identity, Kind::Catalog, &name::quote(&parts[0]), Privilege::CREATE_SCHEMA)?;
        self.check_writable(&parts[0])?;
        let record = SchemaRecord {
            catalog: parts[0].clone(),
            name: schema,
            id: uuid::Uuid::new_v4().to_string(),
            properties,
            stamp: self.stamp(&identity.name, comment),
        };
        if !self.store().insert(SCHEMA, &key(&record.catalog, &record.name), &record)? {
            return Err(CatalogError::already_exists(Kind::Schema, parts.join(".")));
        }
        Ok(record)
    }

    /// Changes a schema.
    #[expect(clippy::needless_pass_by_value, reason = "made for this call alone")]
    pub(crate) fn update_schema(
        &self,
        identity: &Identity,
        full: &str,
        change: Change,
    ) -> Result<SchemaRecord, CatalogError> {
        let parts = name::parts(Kind::Schema, full)?;
        self.schema_record(&parts[0], &parts[1])?;
        self.check_manage(identity, Kind::Schema, full)?;
        if change.name.as_ref().is_some_and(|new| !new.eq_ignore_ascii_case(&parts[1])) {
            return Err(CatalogError::Unsupported("renaming a schema".to_owned()));
        }
        let _changing = self.changing();
        let mut record = self.schema_record(&parts[0], &parts[1])?;
        self.apply(identity, &change, &mut record.stamp, Some(&mut record.properties))?;
        self.put_schema(&record)?;
        Ok(record)
    }

    /// Drops a schema; with `force` (`CASCADE`) all that is in it.
    pub(crate) fn drop_schema(
        &self,
        identity: &Identity,
        full: &str,
        force: bool,
    ) -> Result<(), CatalogError> {
        let parts = name::parts(Kind::Schema, full)?;
        self.catalog_record(&parts[0])?;
        let record = self.schema_record(&parts[0], &parts[1])?;
        self.check_manage(identity, Kind::Schema, full)?;
        self.check_writable(&parts[0])?;
        if record.name == "information_schema" {
            return Err(CatalogError::invalid(format!("Schema '{}' cannot be dropped", parts.join("."))));
        }
        if !force && let Some(content) = self.content(&record.catalog, &record.name)? {
            return Err(CatalogError::NotEmpty { kind: Kind::Schema, name: parts.join("."), content });
        }
        self.remove_schema(&record.catalog, &record.name)
    }

    /// What a schema holds, such as `2 tables`; `None` when it is empty.
    pub(super) fn content(&self, catalog: &str, schema: &str) -> Result<Option<String>, CatalogError> {
        let counts = [
            (self.table_records(catalog, schema)?.len(), "tables"),
            (self.volume_records(catalog, schema)?.len(), "volumes"),
            (self.function_records(catalog, schema)?.len(), "functions"),
            (self.model_records(catalog, schema)?.len(), "models"),
        ];
        let held: Vec<String> = counts
            .iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, what)| format!("{count} {what}"))
            .collect();
        Ok((!held.is_empty()).then(|| held.join(", ")))
    }

    /// Removes a schema and all in it, unasked.
    pub(super) fn remove_schema(&self, catalog: &str, schema: &str) -> Result<(), CatalogError> {
        for table in self.table_records(catalog, schema)? {
            self.remove_table(&table)?;
        }
        for volume in self.volume_records(catalog, schema)? {
            self.remove_volume(&volume)?;
        }
        for function in self.function_records(catalog, schema)? {
            self.remove_function(&function)?;
        }
        for model in self.model_records(catalog, schema)? {
            self.remove_model(&model)?;
        }
        self.forget_grants(Kind::Schema, &[catalog.to_owned(), schema.to_owned()])?;
        self.store().delete(SCHEMA, &key(catalog, schema))?;
        Ok(())
    }

    pub(super) fn schema_record(&self, catalog: &str, schema: &str) -> Result<SchemaRecord, CatalogError> {
        let record = self.store().get(SCHEMA, &key(catalog, schema))?;
        record.ok_or_else(|| CatalogError::not_found(Kind::Schema, format!("{catalog}.{schema}")))
    }

    pub(super) fn schema_records(&self, catalog: &str) -> Result<Vec<SchemaRecord>, StoreError> {
        let records = self.store().list(SCHEMA, &format!("{catalog}."))?;
        Ok(records.into_iter().map(|(_, record)| record).collect())
    }

    pub(super) fn put_schema(&self, record: &SchemaRecord) -> Result<(), StoreError> {
        self.store().put(SCHEMA, &key(&record.catalog, &record.name), record)
    }

    /// Applies a change to what every securable has.
    pub(super) fn apply(
        &self,
        identity: &Identity,
        change: &Change,
        stamp: &mut Stamp,
        properties: Option<&mut BTreeMap<String, String>>,
    ) -> Result<(), CatalogError> {
        if let Some(owner) = &change.owner {
            self.check_principal(owner)?;
            stamp.owner.clone_from(owner);
        }
        if let Some(comment) = &change.comment {
            stamp.comment = (!comment.is_empty()).then(|| comment.clone());
        }
        if let (Some(new), Some(properties)) = (&change.properties, properties) {
            properties.clone_from(new);
        }
        stamp.tags.extend(change.set_tags.clone());
        stamp.tags.retain(|tag, _| !change.unset_tags.contains(tag));
        self.touch(identity, stamp);
        Ok(())
    }

    /// Notes who changed a thing and when.
    pub(super) fn touch(&self, identity: &Identity, stamp: &mut Stamp) {
        stamp.updated_at = self.now();
        stamp.updated_by.clone_from(&identity.name);
    }
}

fn key(catalog: &str, schema: &str) -> String {
    format!("{catalog}.{schema}")
}
