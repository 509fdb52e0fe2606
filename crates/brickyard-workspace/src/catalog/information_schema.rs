//! `information_schema`: the catalog as tables, rendered for who asks at the moment they ask.
//!
//! The warehouse gives the engine the rows as a view, so that any query over them works. `system.information_schema` shows
//! all catalogs, every other one its own.

mod constraints;
mod objects;
mod privileges;
mod routines;
mod shape;

use serde_json::Value;

use super::access::Identity;
use super::fault::CatalogError;
use super::kind::Kind;
use super::record::{TableRecord, TableType};
use super::{Catalog, name};

pub(super) use shape::NAME;
use shape::{SHAPES, Shape};

/// Rows as JSON objects.
type Rows = Vec<Value>;

impl Catalog {
    /// The tables of an `information_schema`, as the catalog lists them.
    pub(super) fn information_records(&self, catalog: &str) -> Result<Vec<TableRecord>, CatalogError> {
        SHAPES.iter().map(|shape| self.information_record(catalog, shape.name)).collect()
    }

    /// One table of an `information_schema`.
    pub(crate) fn information_record(&self, catalog: &str, table: &str) -> Result<TableRecord, CatalogError> {
        let shape = Shape::of(table)
            .ok_or_else(|| CatalogError::not_found(Kind::Table, format!("{catalog}.{NAME}.{table}")))?;
        let schema = self.schema_record(catalog, NAME)?;
        let id =
            uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_OID, format!("{catalog}.{NAME}.{table}").as_bytes());
        Ok(TableRecord {
            catalog: catalog.to_owned(),
            schema: NAME.to_owned(),
            name: shape.name.to_owned(),
            id: id.to_string(),
            table_type: TableType::View,
            format: String::new(),
            location: None,
            columns: shape.columns()?,
            partition_columns: Vec::new(),
            options: std::collections::BTreeMap::new(),
            properties: std::collections::BTreeMap::new(),
            view_definition: None,
            view_context: None,
            constraints: Vec::new(),
            row_filter: None,
            column_masks: std::collections::BTreeMap::new(),
            column_tags: std::collections::BTreeMap::new(),
            upkeep: None,
            stamp: schema.stamp,
        })
    }

    /// The rows as this identity sees them.
    pub(crate) fn information_rows(
        &self,
        identity: &Identity,
        catalog: &str,
        table: &str,
    ) -> Result<Rows, CatalogError> {
        let mut catalogs = self.list_catalogs(identity)?;
        if catalog != "system" {
            catalogs.retain(|record| record.name == catalog);
        }
        match table {
            "information_schema_catalog_name" => Ok(vec![serde_json::json!({ "catalog_name": catalog })]),
            "catalogs" => Ok(catalogs.iter().map(objects::catalog).collect()),
            "catalog_privileges" => privileges::of_catalogs(self, identity, &catalogs),
            "catalog_tags" => Ok(catalogs
                .iter()
                .flat_map(|record| {
                    objects::tags(&record.stamp.tags, &[("catalog_name", record.name.as_str())])
                })
                .collect()),
            _ => {
                let mut rows = Rows::new();
                for record in &catalogs {
                    for schema in self.list_schemas(identity, &name::quote(&record.name))? {
                        self.schema_rows(identity, table, &schema, &mut rows)?;
                    }
                }
                Ok(rows)
            }
        }
    }

    fn schema_rows(
        &self,
        identity: &Identity,
        table: &str,
        schema: &super::SchemaRecord,
        rows: &mut Rows,
    ) -> Result<(), CatalogError> {
        let full = format!("{}.{}", name::quote(&schema.catalog), name::quote(&schema.name));
        match table {
            "schemata" => rows.push(objects::schema(schema)),
            "schema_privileges" => rows.extend(privileges::of_schema(self, identity, schema)?),
            "schema_tags" => rows.extend(objects::tags(
                &schema.stamp.tags,
                &[("catalog_name", &schema.catalog), ("schema_name", &schema.name)],
            )),
            "volumes" | "volume_tags" | "volume_privileges" => {
                for volume in self.list_volumes(identity, &full)? {
                    match table {
                        "volumes" => rows.push(objects::volume(&volume)),
                        "volume_tags" => rows.extend(objects::volume_tags(&volume)),
                        _ => rows.extend(privileges::of_volume(self, identity, &volume)?),
                    }
                }
            }
            "routines" | "parameters" | "routine_columns" | "routine_privileges" => {
                for function in self.list_routines(identity, &full)? {
                    match table {
                        "routines" => rows.push(routines::routine(identity, &function)),
                        "parameters" => rows.extend(routines::parameters(&function)),
                        "routine_columns" => rows.extend(routines::columns(&function)),
                        _ => rows.extend(privileges::of_routine(self, identity, &function)?),
                    }
                }
            }
            // Reserved: checks of values stand among the properties of a table.
            "check_constraints" => {}
            _ => {
                for record in self.list_tables(identity, &full)? {
                    match table {
                        "tables" => rows.push(objects::table(&record)),
                        "views" => rows.extend(objects::view(identity, &record)),
                        "columns" => rows.extend(objects::columns(self, &record)?),
                        "table_tags" | "column_tags" => rows.extend(objects::table_tags(&record, table)),
                        "table_privileges" => rows.extend(privileges::of_table(self, identity, &record)?),
                        "row_filters" => rows.extend(objects::row_filter(&record)),
                        "column_masks" => rows.extend(objects::column_masks(&record)),
                        "table_constraints" => rows.extend(constraints::constraints(&record)),
                        "key_column_usage" => rows.extend(constraints::keys(self, &record)),
                        "referential_constraints" => rows.extend(constraints::references(self, &record)),
                        "constraint_table_usage" => rows.extend(constraints::tables(self, &record)),
                        "constraint_column_usage" => rows.extend(constraints::columns(self, &record)),
                        _ => return Err(CatalogError::not_found(Kind::Table, format!("{NAME}.{table}"))),
                    }
                }
            }
        }
        Ok(())
    }
}
