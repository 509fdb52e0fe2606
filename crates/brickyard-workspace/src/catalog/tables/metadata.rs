//! Changes of a table's metadata in its log: properties, columns, constraints.

use serde_json::{Value, json};

use super::change::TableChange;
use super::delta_log;
use crate::catalog::Catalog;
use crate::catalog::access::Identity;
use crate::catalog::column::Column;
use crate::catalog::delta::{self, DeltaError, Metadata};
use crate::catalog::fault::CatalogError;
use crate::catalog::record::TableRecord;

impl Catalog {
    pub(super) fn drop_constraint(
        &self,
        identity: &Identity,
        full: &str,
        name: &str,
        if_exists: bool,
    ) -> Result<TableRecord, CatalogError> {
        let record = self.table_record(full)?;
        if record.constraints.iter().any(|known| known.name.eq_ignore_ascii_case(name)) {
            return self.change(identity, full, |record| {
                record.constraints.retain(|known| !known.name.eq_ignore_ascii_case(name));
                Ok(())
            });
        }
        let key = format!("delta.constraints.{}", name.to_lowercase());
        let known =
            record.is_delta() && delta_log(&record)?.snapshot()?.metadata.configuration.contains_key(&key);
        if !known && !if_exists {
            return Err(CatalogError::invalid(format!("Cannot drop nonexistent constraint {name}")));
        }
        if known {
            self.change_metadata(
                identity,
                &record,
                "DROP CONSTRAINT",
                &json!({ "name": name }),
                |metadata| {
                    metadata.configuration.remove(&key);
                    Ok(())
                },
            )?;
        }
        Ok(record)
    }

    pub(in crate::catalog) fn change_log(
        &self,
        identity: &Identity,
        record: &TableRecord,
        change: &TableChange,
    ) -> Result<(), CatalogError> {
        let (operation, parameters) = match change {
            TableChange::SetProperties(properties) => {
                let text = Value::from_iter(properties.clone()).to_string();
                ("SET TBLPROPERTIES", json!({ "properties": text }))
            }
            TableChange::UnsetProperties(names) => {
                ("UNSET TBLPROPERTIES", json!({ "properties": Value::from(names.clone()).to_string() }))
            }
            TableChange::AddColumns(columns) => {
                let columns: Vec<Value> = columns.iter().map(|(column, _)| column.delta()).collect();
                ("ADD COLUMNS", json!({ "columns": Value::from(columns).to_string() }))
            }
            TableChange::AddCheck { name, expression } => {
                ("ADD CONSTRAINT", json!({ "name": name, "expr": expression }))
            }
            _ => ("CHANGE COLUMN", json!({})),
        };
        self.change_metadata(identity, record, operation, &parameters, |metadata| match change {
            TableChange::SetProperties(properties) => {
                if let Some(name) = properties.keys().find(|name| !is_settable(name)) {
                    return Err(DeltaError::Refused(format!("The property `{name}` cannot be set")));
                }
                for (name, value) in properties {
                    let Some(greatest) = greatest_version(name) else { continue };
                    if !value.parse().is_ok_and(|version: u32| (1..=greatest).contains(&version)) {
                        let text = format!("{name} needs to be one of 1 to {greatest}, it is '{value}'");
                        return Err(DeltaError::Refused(text));
                    }
                }
                let mapped = delta::is_on(metadata);
                // The log has what a protocol needs in a place of its own, and a table's is never lowered.
                let own = properties.iter().filter(|(name, _)| greatest_version(name).is_none());
                metadata.configuration.extend(own.map(|(name, value)| (name.clone(), value.clone())));
                match metadata.configuration.get(delta::MODE).map(|mode| mode.to_lowercase()).as_deref() {
                    None | Some("none") if !mapped => Ok(()),
                    Some("name") if mapped => Ok(()),
                    Some("name") => delta::assign(metadata, false),
                    mode => Err(DeltaError::Classed(
                        "DELTA_UNSUPPORTED_COLUMN_MAPPING_MODE_CHANGE",
                        "0AKDC",
                        format!(
                            "Changing column mapping mode to '{}' is not supported.",
                            mode.unwrap_or("none")
                        ),
                    )),
                }
            }
            TableChange::UnsetProperties(names) => {
                if let Some(name) = names.iter().find(|name| is_clustering(name)) {
                    return Err(DeltaError::Refused(format!("The property `{name}` cannot be unset")));
                }
                metadata.configuration.retain(|name, _| !names.contains(name));
                Ok(())
            }
            TableChange::AddCheck { name, expression } => {
                let key = format!("delta.constraints.{}", name.to_lowercase());
                if metadata.configuration.insert(key, expression.clone()).is_some() {
                    return Err(DeltaError::Refused(format!("Constraint '{name}' already exists")));
                }
                Ok(())
            }
            change => {
                let mut columns = metadata.columns().ok_or_else(|| {
                    DeltaError::Refused("The table has a column of a type that is not known here".to_owned())
                })?;
                change_columns(&mut columns, change).map_err(|error| match error {
                    CatalogError::Classed(class, state, text) => DeltaError::Classed(class, state, text),
                    error => DeltaError::Refused(error.to_string()),
                })?;
                metadata.set_columns(&columns);
                if delta::is_on(metadata) { delta::assign(metadata, true) } else { Ok(()) }
            }
        })
    }

    pub(super) fn change_metadata(
        &self,
        identity: &Identity,
        record: &TableRecord,
        operation: &str,
        parameters: &Value,
        mut change: impl FnMut(&mut Metadata) -> Result<(), DeltaError>,
    ) -> Result<(), CatalogError> {
        let log = delta_log(record)?;
        delta::alter(&log.table, &identity.name, self.now(), operation, parameters, |_, metadata| {
            change(metadata)
        })?;
        Ok(())
    }
}

fn change_columns(columns: &mut Vec<Column>, change: &TableChange) -> Result<(), CatalogError> {
    match change {
        TableChange::AddColumns(new) => {
            for (column, after) in new {
                if columns.iter().any(|known| known.name.eq_ignore_ascii_case(&column.name)) {
                    let text = format!("Cannot add column, because `{}` already exists.", column.name);
                    return Err(CatalogError::Classed("FIELD_ALREADY_EXISTS", "42710", text));
                }
                if !column.nullable {
                    return Err(CatalogError::invalid("A column that is added must be nullable"));
                }
                let place = match after.as_deref() {
                    None => columns.len(),
                    Some("") => 0,
                    Some(after) => {
                        let found = columns.iter().position(|known| known.name.eq_ignore_ascii_case(after));
                        found.ok_or_else(|| no_column(after))? + 1
                    }
                };
                columns.insert(place, column.clone());
            }
        }
        TableChange::ColumnComment { column, comment } => find(columns, column)?.comment.clone_from(comment),
        TableChange::DropNotNull(column) => find(columns, column)?.nullable = true,
        TableChange::SetNotNull(column) => find(columns, column)?.nullable = false,
        TableChange::Length { column, data_type } => find(columns, column)?.data_type = data_type.clone(),
        TableChange::Place { column, after } => {
            find(columns, column)?;
            let at = columns.iter().position(|known| known.name.eq_ignore_ascii_case(column)).unwrap_or(0);
            let moved = columns.remove(at);
            let place = match after.as_str() {
                "" => 0,
                after => {
                    let found = columns.iter().position(|known| known.name.eq_ignore_ascii_case(after));
                    found.ok_or_else(|| no_column(after))? + 1
                }
            };
            columns.insert(place, moved);
        }
        TableChange::Default { column, expression } => {
            let metadata = &mut find(columns, column)?.metadata;
            match expression {
                Some(expression) => metadata.insert("CURRENT_DEFAULT".to_owned(), expression.as_str().into()),
                None => metadata.remove("CURRENT_DEFAULT"),
            };
        }
        _ => return Err(CatalogError::invalid("This change is not one of columns")),
    }
    Ok(())
}

pub(super) fn find<'a>(columns: &'a mut [Column], name: &str) -> Result<&'a mut Column, CatalogError> {
    columns.iter_mut().find(|column| column.name.eq_ignore_ascii_case(name)).ok_or_else(|| no_column(name))
}

fn no_column(name: &str) -> CatalogError {
    let text = format!("A column with name `{name}` cannot be resolved.");
    CatalogError::Classed("UNRESOLVED_COLUMN.WITHOUT_SUGGESTION", "42703", text)
}

/// Properties that would change what the engine must understand, or that have statements of their own.
fn is_settable(name: &str) -> bool {
    !(name.starts_with("delta.constraints.")
        || (name.starts_with("delta.columnMapping") && name != delta::MODE)
        || is_clustering(name))
}

/// The greatest version of the protocol that such a property may ask for; none for other properties.
fn greatest_version(name: &str) -> Option<u32> {
    match name {
        "delta.minReaderVersion" => Some(3),
        "delta.minWriterVersion" => Some(7),
        _ => None,
    }
}

fn is_clustering(name: &str) -> bool {
    name == delta::CLUSTERING || name == delta::CLUSTERING_AUTO
}
