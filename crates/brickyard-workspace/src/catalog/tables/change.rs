use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::delta_log;
use crate::catalog::access::Identity;
use crate::catalog::column::Column;
use crate::catalog::delta::{self, DeltaError, Metadata};
use crate::catalog::fault::CatalogError;
use crate::catalog::kind::Kind;
use crate::catalog::privilege::Privilege;
use crate::catalog::record::{Constraint, Policy, TableRecord};
use crate::catalog::schemas::Change;
use crate::catalog::{Catalog, name};

/// A change of a table or view, as `ALTER TABLE` and `COMMENT ON` make.
#[derive(Debug, Clone)]
pub(crate) enum TableChange {
    /// Name, owner, comment, tags; properties of a view.
    Common(Change),
    /// `SET TBLPROPERTIES`.
    SetProperties(BTreeMap<String, String>),
    /// `UNSET TBLPROPERTIES`; names that are absent are no error.
    UnsetProperties(Vec<String>),
    /// `ADD COLUMNS`; each with the column it comes after (`FIRST` is an empty name), `None` puts it last.
    AddColumns(Vec<(Column, Option<String>)>),
    /// `ALTER COLUMN … COMMENT`.
    ColumnComment { column: String, comment: Option<String> },
    /// `ALTER COLUMN … DROP NOT NULL`.
    DropNotNull(String),
    /// `ALTER COLUMN … SET NOT NULL`; the caller has seen that no row holds NULL.
    SetNotNull(String),
    /// `ALTER COLUMN … FIRST` (an empty name) or `AFTER column`.
    Place { column: String, after: String },
    /// `RENAME COLUMN`.
    RenameColumn { path: Vec<String>, name: String },
    /// `DROP COLUMNS`; with `if_exists` those that are absent are no error.
    DropColumns { paths: Vec<Vec<String>>, if_exists: bool },
    /// `ALTER VIEW … AS`: its text, the names it is resolved in, its columns.
    Query { text: String, context: (String, String), columns: Vec<Column> },
    /// `ALTER COLUMN … SET DEFAULT` with an expression, `DROP DEFAULT` with none.
    Default { column: String, expression: Option<String> },
    /// `ADD CONSTRAINT … CHECK`; the caller has seen that all rows hold it.
    AddCheck { name: String, expression: String },
    /// `ADD CONSTRAINT … PRIMARY KEY` or `FOREIGN KEY`.
    AddKey(Constraint),
    /// `DROP CONSTRAINT`, of either kind.
    DropConstraint { name: String, if_exists: bool },
    /// `CLUSTER BY`; no columns end it.
    ClusterBy(Vec<String>),
    /// `SET ROW FILTER` or `DROP ROW FILTER`.
    RowFilter(Option<Policy>),
    /// `ALTER COLUMN … SET MASK` or `DROP MASK`.
    Mask { column: String, policy: Option<Policy> },
    /// `ALTER COLUMN … SET TAGS` and `UNSET TAGS`.
    ColumnTags { column: String, set: BTreeMap<String, String>, unset: Vec<String> },
}

impl Catalog {
    /// Changes a table or view.
    pub(crate) fn alter_table(
        &self,
        identity: &Identity,
        full: &str,
        change: TableChange,
    ) -> Result<TableRecord, CatalogError> {
        let parts = name::parts(Kind::Table, full)?;
        self.catalog_record(&parts[0])?;
        self.schema_record(&parts[0], &parts[1])?;
        let record = self.table_record(full)?;
        let by_modify = matches!(
            change,
            TableChange::SetProperties(_)
                | TableChange::UnsetProperties(_)
                | TableChange::AddColumns(_)
                | TableChange::ColumnComment { .. }
                | TableChange::ClusterBy(_)
        );
        if !(by_modify && self.check(identity, Kind::Table, full, Privilege::MODIFY).is_ok()) {
            self.check_manage(identity, Kind::Table, full)?;
        }
        let governs = match &change {
            TableChange::Common(change) => change.name.is_none(),
            TableChange::RowFilter(_) | TableChange::Mask { .. } | TableChange::ColumnTags { .. } => true,
            _ => false,
        };
        if !governs {
            self.check_not_foreign(&record)?;
        }
        match change {
            TableChange::Common(change) => self.change_record(identity, &record, &change),
            TableChange::AddKey(key) => self.change(identity, full, |record| {
                if record.constraints.iter().any(|known| known.name.eq_ignore_ascii_case(&key.name)) {
                    return Err(CatalogError::invalid(format!("Constraint '{}' already exists", key.name)));
                }
                record.constraints.push(key);
                Ok(())
            }),
            TableChange::RowFilter(policy) => self.change(identity, full, |record| {
                record.row_filter = policy;
                Ok(())
            }),
            TableChange::Mask { column, policy } => {
                self.check_column(&record, &column)?;
                self.change(identity, full, |record| {
                    match policy {
                        Some(policy) => record.column_masks.insert(column.to_lowercase(), policy),
                        None => record.column_masks.remove(&column.to_lowercase()),
                    };
                    Ok(())
                })
            }
            TableChange::ColumnTags { column, set, unset } => {
                self.check_column(&record, &column)?;
                self.change(identity, full, |record| {
                    let tags = record.column_tags.entry(column.to_lowercase()).or_default();
                    tags.extend(set);
                    tags.retain(|tag, _| !unset.contains(tag));
                    Ok(())
                })
            }
            TableChange::RenameColumn { path, name } => self.rename_column(identity, &record, &path, &name),
            TableChange::DropColumns { paths, if_exists } => {
                self.drop_columns(identity, &record, paths, if_exists)
            }
            TableChange::Query { text, context, columns } if record.is_view() => {
                self.change(identity, full, |record| {
                    record.view_definition = Some(text);
                    record.view_context = Some(context);
                    record.columns = columns;
                    Ok(())
                })
            }
            TableChange::DropConstraint { name, if_exists } => {
                self.drop_constraint(identity, full, &name, if_exists)
            }
            TableChange::ClusterBy(names) if record.is_delta() => {
                self.cluster_by(identity, &record, &names)?;
                self.change(identity, full, |_| Ok(()))
            }
            change if record.is_delta() => {
                self.change_log(identity, &record, &change)?;
                self.change(identity, full, |_| Ok(()))
            }
            TableChange::SetProperties(properties) => self.change(identity, full, |record| {
                record.properties.extend(properties);
                Ok(())
            }),
            TableChange::UnsetProperties(names) => self.change(identity, full, |record| {
                record.properties.retain(|name, _| !names.contains(name));
                Ok(())
            }),
            TableChange::ColumnComment { column, comment } => self.change(identity, full, |record| {
                find(&mut record.columns, &column)?.comment = comment;
                Ok(())
            }),
            _ => Err(CatalogError::invalid(format!("'{}' does not allow this change", record.full_name()))),
        }
    }

    fn change_record(
        &self,
        identity: &Identity,
        record: &TableRecord,
        change: &Change,
    ) -> Result<TableRecord, CatalogError> {
        let before = record.full_name();
        if let Some(comment) = change.comment.as_ref().filter(|_| record.is_delta()) {
            let parameters = json!({ "comment": comment });
            self.change_metadata(identity, record, "SET TBLPROPERTIES", &parameters, |metadata| {
                metadata.description = (!comment.is_empty()).then(|| comment.clone());
                Ok(())
            })?;
        }
        let _changing = self.changing();
        let mut record = self.table_record(&before)?;
        self.apply(identity, change, &mut record.stamp, Some(&mut record.properties))?;
        let Some(new_name) = &change.name else {
            self.put_table(&record)?;
            return Ok(record);
        };
        let target = if new_name.contains('.') {
            name::parts(Kind::Table, new_name)?
        } else {
            vec![record.catalog.clone(), record.schema.clone(), name::new(Kind::Table, new_name)?]
        };
        if target[0] != record.catalog {
            return Err(CatalogError::invalid("A table cannot be renamed into another catalog"));
        }
        let schema = format!("{}.{}", name::quote(&target[0]), name::quote(&target[1]));
        self.check(identity, Kind::Schema, &schema, Privilege::CREATE_TABLE)?;
        let from = [record.catalog.clone(), record.schema.clone(), record.name.clone()];
        record.schema.clone_from(&target[1]);
        record.name.clone_from(&target[2]);
        if record.full_name() == before {
            self.put_table(&record)?;
            return Ok(record);
        }
        if !self.store().insert(super::TABLE, &record.full_name(), &record)? {
            return Err(CatalogError::already_exists(Kind::Table, record.full_name()));
        }
        self.move_grants(Kind::Table, &from, &target)?;
        self.store().delete(super::TABLE, &before)?;
        Ok(record)
    }

    /// Changes the record under the lock.
    pub(super) fn change(
        &self,
        identity: &Identity,
        full: &str,
        change: impl FnOnce(&mut TableRecord) -> Result<(), CatalogError>,
    ) -> Result<TableRecord, CatalogError> {
        let _changing = self.changing();
        let mut record = self.table_record(full)?;
        change(&mut record)?;
        self.touch(identity, &mut record.stamp);
        self.put_table(&record)?;
        Ok(record)
    }

    fn drop_constraint(
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

    fn change_log(
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
                let mapped = delta::is_on(metadata);
                metadata.configuration.extend(properties.clone());
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
                if let Some(name) = names.iter().find(|name| *name == delta::CLUSTERING) {
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

    fn check_column(&self, record: &TableRecord, column: &str) -> Result<(), CatalogError> {
        find(&mut self.columns(record)?, column).map(drop)
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
        || name == delta::CLUSTERING
        || name == "delta.minReaderVersion"
        || name == "delta.minWriterVersion")
}
