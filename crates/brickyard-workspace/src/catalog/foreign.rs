//! Tables whose rows are in Lakebase: those of a registered database's catalog, and synced tables.

use std::collections::{BTreeMap, BTreeSet};

use super::Catalog;
use super::access::Identity;
use super::column::Column;
use super::fault::CatalogError;
use super::kind::Kind;
use super::name;
use super::privilege::Privilege;
use super::record::{CatalogRecord, SchemaRecord, TableRecord, TableType};

/// Type of a catalog that is a Postgres database.
const ONLINE: &str = "MANAGED_ONLINE_CATALOG";
/// Format of its tables as the API names it.
const FORMAT: &str = "POSTGRESQL_FORMAT";

/// Where in Lakebase the rows of a table are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ForeignTable {
    /// Uid of the server.
    pub(crate) server: String,
    pub(crate) database: String,
    pub(crate) schema: String,
    pub(crate) table: String,
}

impl ForeignTable {
    fn options(&self) -> BTreeMap<String, String> {
        [
            ("server", &self.server),
            ("database", &self.database),
            ("schema", &self.schema),
            ("table", &self.table),
        ]
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value.clone()))
        .collect()
    }
}

impl TableRecord {
    /// Where in Lakebase the rows are, when they are there.
    pub(crate) fn foreign(&self) -> Option<ForeignTable> {
        let option = |name: &str| self.options.get(name).cloned();
        (self.table_type == TableType::Foreign).then_some(())?;
        Some(ForeignTable {
            server: option("server")?,
            database: option("database")?,
            schema: option("schema")?,
            table: option("table")?,
        })
    }
}

impl Catalog {
    /// Makes a catalog that stands for a Postgres database; the caller owns it. It shows what [`Catalog::mirror`] tells.
    pub(crate) fn create_online_catalog(
        &self,
        identity: &Identity,
        name: &str,
    ) -> Result<CatalogRecord, CatalogError> {
        self.new_catalog(identity, name, None, BTreeMap::new(), ONLINE)
    }

    /// Removes a catalog that stands for a Postgres database, with all in it, since the database is gone.
    pub(crate) fn forget_catalog(&self, name: &str) -> Result<(), CatalogError> {
        for schema in self.schema_records(name)? {
            self.remove_schema(name, &schema.name)?;
        }
        self.forget_grants(Kind::Catalog, &[name.to_owned()])?;
        self.store().delete(super::catalogs::CATALOG, name)?;
        Ok(())
    }

    /// Whether a catalog stands for a Postgres database.
    pub(crate) fn is_online(&self, name: &str) -> bool {
        self.catalog_record(&name.to_lowercase()).is_ok_and(|record| record.catalog_type == ONLINE)
    }

    /// Refuses changes by SQL or REST of a catalog that stands for a Postgres database.
    pub(super) fn check_writable(&self, catalog: &str) -> Result<(), CatalogError> {
        if self.is_online(catalog) {
            return Err(CatalogError::invalid(format!(
                "Catalog '{catalog}' is a Lakebase database, which is read only here: change it through Postgres"
            )));
        }
        Ok(())
    }

    /// Refuses changes by SQL or REST of a table whose rows are in Lakebase.
    #[expect(clippy::unused_self, reason = "stands beside the other checks")]
    pub(crate) fn check_not_foreign(&self, table: &TableRecord) -> Result<(), CatalogError> {
        if table.table_type == TableType::Foreign {
            return Err(CatalogError::invalid(format!(
                "'{}' is a table of Lakebase, which is read only here: change it through Postgres",
                table.full_name()
            )));
        }
        Ok(())
    }

    /// Makes a table whose rows are in Lakebase; the caller owns it.
    pub(crate) fn create_foreign_table(
        &self,
        identity: &Identity,
        full: &str,
        place: &ForeignTable,
        columns: Vec<Column>,
    ) -> Result<TableRecord, CatalogError> {
        let parts = name::parts(Kind::Table, full)?;
        name::new(Kind::Table, &parts[2])?;
        self.check_foreign_table(identity, full)?;
        let record = self.foreign_record(&parts, &identity.name, place, columns);
        if !self.store().insert(super::tables::TABLE, &record.full_name(), &record)? {
            return Err(CatalogError::already_exists(Kind::Table, record.full_name()));
        }
        Ok(record)
    }

    /// Refuses whoever may not make a table of this name, or a name that is taken.
    pub(crate) fn check_foreign_table(&self, identity: &Identity, full: &str) -> Result<(), CatalogError> {
        let parts = name::parts(Kind::Table, full)?;
        let (schema, catalog) = (name::quote(&parts[..2].join(".")), name::quote(&parts[0]));
        match self.schema_record(&parts[0], &parts[1]) {
            Err(CatalogError::NotFound { .. }) if self.is_online(&parts[0]) => {
                self.check(identity, Kind::Catalog, &catalog, Privilege::CREATE_SCHEMA)?;
            }
            _ => self.check(identity, Kind::Schema, &schema, Privilege::CREATE_TABLE)?,
        }
        match self.table_record(full) {
            Ok(record) => Err(CatalogError::already_exists(Kind::Table, record.full_name())),
            Err(CatalogError::NotFound { .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Tells the columns that a table in Lakebase has now.
    pub(crate) fn set_foreign_columns(&self, full: &str, columns: Vec<Column>) -> Result<(), CatalogError> {
        let _changing = self.changing();
        let record = self.table_record(full)?;
        Ok(self.put_table(&TableRecord { columns, ..record })?)
    }

    /// Removes a table whose rows are in Lakebase, where it is still there; the rows stay.
    pub(crate) fn remove_foreign_table(&self, full: &str) -> Result<(), CatalogError> {
        match self.table_record(full) {
            Ok(record) if record.table_type == TableType::Foreign => self.remove_table(&record),
            _ => Ok(()),
        }
    }

    /// Brings an online catalog in line with the schemas and tables that its database has now. Grants on what stays
    /// stay; names the catalog cannot have are passed over.
    pub(crate) fn mirror(
        &self,
        catalog: &str,
        schemas: &[String],
        tables: Vec<(ForeignTable, Vec<Column>)>,
    ) -> Result<(), CatalogError> {
        let _changing = self.changing();
        let record = self.catalog_record(catalog)?;
        let owner = record.stamp.owner.as_str();
        let mut wanted = BTreeSet::from([super::information_schema::NAME.to_owned()]);
        for schema in schemas {
            let Ok(schema) = name::new(Kind::Schema, schema) else { continue };
            if wanted.insert(schema.clone()) && self.schema_record(catalog, &schema).is_err() {
                self.put_schema(&SchemaRecord {
                    catalog: catalog.to_owned(),
                    name: schema,
                    id: uuid::Uuid::new_v4().to_string(),
                    properties: BTreeMap::new(),
                    stamp: self.stamp(owner, None),
                })?;
            }
        }
        for schema in self.schema_records(catalog)? {
            if !wanted.contains(&schema.name) {
                self.remove_schema(catalog, &schema.name)?;
            }
        }
        let mut kept = BTreeSet::new();
        for (place, columns) in tables {
            let names = (name::new(Kind::Schema, &place.schema), name::new(Kind::Table, &place.table));
            let (Ok(schema), Ok(table)) = names else { continue };
            let parts = [catalog.to_owned(), schema, table];
            let full = parts.join(".");
            if !kept.insert(full.clone()) {
                continue; // differs in case alone from another one
            }
            match self.table_record(&full) {
                Ok(mut known) => {
                    if known.columns != columns || known.foreign().as_ref() != Some(&place) {
                        known.columns = columns;
                        known.options = place.options();
                        self.put_table(&known)?;
                    }
                }
                Err(CatalogError::NotFound { .. }) => {
                    self.put_table(&self.foreign_record(&parts, owner, &place, columns))?;
                }
                Err(error) => return Err(error),
            }
        }
        for schema in wanted.iter().filter(|schema| *schema != super::information_schema::NAME) {
            for table in self.table_records(catalog, schema)? {
                if !kept.contains(&table.full_name()) {
                    self.remove_table(&table)?;
                }
            }
        }
        Ok(())
    }

    fn foreign_record(
        &self,
        parts: &[String],
        owner: &str,
        place: &ForeignTable,
        columns: Vec<Column>,
    ) -> TableRecord {
        TableRecord {
            catalog: parts[0].clone(),
            schema: parts[1].clone(),
            name: parts[2].clone(),
            id: uuid::Uuid::new_v4().to_string(),
            table_type: TableType::Foreign,
            format: FORMAT.to_owned(),
            location: None,
            columns,
            partition_columns: Vec::new(),
            options: place.options(),
            properties: BTreeMap::new(),
            view_definition: None,
            view_context: None,
            constraints: Vec::new(),
            row_filter: None,
            column_masks: BTreeMap::new(),
            column_tags: BTreeMap::new(),
            upkeep: None,
            stamp: self.stamp(owner, None),
        }
    }
}
