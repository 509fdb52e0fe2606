use serde_json::{Value, json};

use super::Rows;
use crate::catalog::access::Identity;
use crate::catalog::fault::CatalogError;
use crate::catalog::kind::Kind;
use crate::catalog::record::{CatalogRecord, FunctionRecord, SchemaRecord, TableRecord, VolumeRecord};
use crate::catalog::{Catalog, name};

pub(super) fn of_catalogs(
    catalog: &Catalog,
    identity: &Identity,
    records: &[CatalogRecord],
) -> Result<Rows, CatalogError> {
    let mut rows = Rows::new();
    for record in records {
        let place = [("catalog_name", record.name.as_str())];
        rows.extend(of(catalog, identity, Kind::Catalog, &name::quote(&record.name), &place)?);
    }
    Ok(rows)
}

pub(super) fn of_schema(
    catalog: &Catalog,
    identity: &Identity,
    record: &SchemaRecord,
) -> Result<Rows, CatalogError> {
    let full = format!("{}.{}", name::quote(&record.catalog), name::quote(&record.name));
    let place = [("catalog_name", record.catalog.as_str()), ("schema_name", record.name.as_str())];
    of(catalog, identity, Kind::Schema, &full, &place)
}

pub(super) fn of_table(
    catalog: &Catalog,
    identity: &Identity,
    record: &TableRecord,
) -> Result<Rows, CatalogError> {
    let place = [
        ("table_catalog", record.catalog.as_str()),
        ("table_schema", record.schema.as_str()),
        ("table_name", record.name.as_str()),
    ];
    of(catalog, identity, Kind::Table, &record.full_name(), &place)
}

pub(super) fn of_volume(
    catalog: &Catalog,
    identity: &Identity,
    record: &VolumeRecord,
) -> Result<Rows, CatalogError> {
    let place = [
        ("volume_catalog", record.catalog.as_str()),
        ("volume_schema", record.schema.as_str()),
        ("volume_name", record.name.as_str()),
    ];
    of(catalog, identity, Kind::Volume, &record.full_name(), &place)
}

pub(super) fn of_routine(
    catalog: &Catalog,
    identity: &Identity,
    record: &FunctionRecord,
) -> Result<Rows, CatalogError> {
    let (own, schema, name) = (record.catalog.as_str(), record.schema.as_str(), record.name.as_str());
    let place = [
        ("specific_catalog", own),
        ("specific_schema", schema),
        ("specific_name", name),
        ("routine_catalog", own),
        ("routine_schema", schema),
        ("routine_name", name),
    ];
    of(catalog, identity, Kind::Function, &record.full_name(), &place)
}

fn of(
    catalog: &Catalog,
    identity: &Identity,
    kind: Kind,
    full: &str,
    place: &[(&str, &str)],
) -> Result<Rows, CatalogError> {
    let mut rows = Rows::new();
    for (assignment, from, _) in catalog.effective_grants(identity, kind, full)? {
        for privilege in &assignment.privileges {
            let mut row: Value = json!({
                "grantor": "System user",
                "grantee": assignment.principal,
                "privilege_type": privilege.code(),
                "is_grantable": "NO",
                "inherited_from": if from == kind { "NONE" } else { from.code() },
            });
            for (column, part) in place {
                row[*column] = (*part).into();
            }
            rows.push(row);
        }
    }
    Ok(rows)
}
