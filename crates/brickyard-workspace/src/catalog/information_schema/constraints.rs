//! Primary and foreign keys. What a foreign key refers to is the primary key of the other table, if it has one.

use serde_json::Value;

use super::objects::of_table;
use crate::catalog::Catalog;
use crate::catalog::record::{Constraint, TableRecord};

pub(super) fn constraints(record: &TableRecord) -> Vec<Value> {
    let row = |constraint: &Constraint| {
        let mut row = constrained(record, &constraint.name);
        row["constraint_type"] =
            if constraint.references.is_some() { "FOREIGN KEY".into() } else { "PRIMARY KEY".into() };
        row["is_deferrable"] = "NO".into();
        row["initially_deferred"] = "NO".into();
        row["enforced"] = "NO".into();
        row
    };
    record.constraints.iter().map(row).collect()
}

pub(super) fn keys(catalog: &Catalog, record: &TableRecord) -> Vec<Value> {
    let mut rows = Vec::new();
    for constraint in &record.constraints {
        let unique = referred(catalog, constraint);
        for (position, column) in constraint.columns.iter().enumerate() {
            let mut row = constrained(record, &constraint.name);
            row["column_name"] = column.as_str().into();
            row["ordinal_position"] = (position + 1).into();
            if let (Some((_, columns)), Some((_, key))) = (&constraint.references, &unique) {
                let named = columns.get(position);
                let at = key
                    .columns
                    .iter()
                    .position(|column| named.is_some_and(|named| named.eq_ignore_ascii_case(column)));
                row["position_in_unique_constraint"] = at.map(|at| at + 1).into();
            }
            rows.push(row);
        }
    }
    rows
}

pub(super) fn references(catalog: &Catalog, record: &TableRecord) -> Vec<Value> {
    let row = |constraint: &Constraint| {
        let (parent, unique) = referred(catalog, constraint)?;
        let mut row = constrained(record, &constraint.name);
        row["unique_constraint_catalog"] = parent.catalog.into();
        row["unique_constraint_schema"] = parent.schema.into();
        row["unique_constraint_name"] = unique.name.into();
        row["match_option"] = "FULL".into();
        row["update_rule"] = "NO ACTION".into();
        row["delete_rule"] = "NO ACTION".into();
        Some(row)
    };
    record.constraints.iter().filter_map(row).collect()
}

/// Tables that constraints are about: for a foreign key the one that it refers to.
pub(super) fn tables(catalog: &Catalog, record: &TableRecord) -> Vec<Value> {
    let row = |constraint: &Constraint| {
        let mut row = constrained(record, &constraint.name);
        if constraint.references.is_some() {
            merge(&mut row, &of_table(&referred(catalog, constraint)?.0));
        }
        Some(row)
    };
    record.constraints.iter().filter_map(row).collect()
}

/// Columns that constraints are about: for a foreign key those that it refers to.
pub(super) fn columns(catalog: &Catalog, record: &TableRecord) -> Vec<Value> {
    let mut rows = Vec::new();
    for constraint in &record.constraints {
        let mut row = constrained(record, &constraint.name);
        let columns = match &constraint.references {
            None => &constraint.columns,
            Some((_, columns)) => {
                let Some((parent, _)) = referred(catalog, constraint) else { continue };
                merge(&mut row, &of_table(&parent));
                columns
            }
        };
        for column in columns {
            let mut row = row.clone();
            row["column_name"] = column.as_str().into();
            rows.push(row);
        }
    }
    rows
}

/// The table that a foreign key refers to, and its primary key.
fn referred(catalog: &Catalog, constraint: &Constraint) -> Option<(TableRecord, Constraint)> {
    let parent = catalog.table_record(&constraint.references.as_ref()?.0).ok()?;
    let unique = parent.constraints.iter().find(|one| one.references.is_none())?.clone();
    Some((parent, unique))
}

fn constrained(record: &TableRecord, name: &str) -> Value {
    let mut row = of_table(record);
    row["constraint_catalog"] = record.catalog.as_str().into();
    row["constraint_schema"] = record.schema.as_str().into();
    row["constraint_name"] = name.into();
    row
}

fn merge(row: &mut Value, other: &Value) {
    for (name, value) in other.as_object().into_iter().flatten() {
        row[name] = value.clone();
    }
}
