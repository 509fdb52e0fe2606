use std::collections::BTreeMap;

use serde_json::json;

use super::metadata::find;
use crate::catalog::access::Identity;
use crate::catalog::column::Column;
use crate::catalog::data_type::DataType;
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
    /// `ALTER COLUMN … TYPE` of a `VARCHAR` or `CHAR` to one whose values every present one is, too.
    Length { column: String, data_type: DataType },
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
    /// `CLUSTER BY AUTO`; the columns stay as they are.
    ClusterByAuto,
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
                | TableChange::ClusterByAuto
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
        if record.is_kept() {
            self.check_change_of_kept(identity, &record, &change)?;
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
            TableChange::ClusterByAuto if record.is_delta() => {
                self.cluster_auto(identity, &record)?;
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

    /// A pipeline makes a table's rows, and its owner's rights are what they are made with.
    fn check_change_of_kept(
        &self,
        identity: &Identity,
        record: &TableRecord,
        change: &TableChange,
    ) -> Result<(), CatalogError> {
        match change {
            // Whoever is given it would from then on read for those who may read it.
            TableChange::Common(change) if change.owner.is_some() && !identity.admin => {
                let text = format!("Changing the owner of {} is not allowed.", record.full_name());
                let class = if record.is_materialized() {
                    ("MATERIALIZED_VIEW_OPERATION_NOT_ALLOWED.CHANGE_OWNER", "56038")
                } else {
                    ("STREAMING_TABLE_OPERATION_NOT_ALLOWED.CHANGE_OWNER", "42601")
                };
                Err(CatalogError::Classed(class.0, class.1, text))
            }
            TableChange::Common(change) if change.name.is_none() => Ok(()),
            TableChange::RowFilter(_)
            | TableChange::Mask { .. }
            | TableChange::ColumnTags { .. }
            | TableChange::ColumnComment { .. } => Ok(()),
            _ if record.is_materialized() => Err(CatalogError::Classed(
                "MATERIALIZED_VIEW_OPERATION_NOT_ALLOWED.INVALID_ALTER",
                "56038",
                "To alter the schema or properties of materialized views, please use the CREATE OR REPLACE MATERIALIZED VIEW command.".to_owned(),
            )),
            _ => Err(CatalogError::Classed(
                "STREAMING_TABLE_OPERATION_NOT_ALLOWED.INVALID_ALTER",
                "42601",
                "To alter the schema or properties of Streaming Tables, please use the CREATE OR REFRESH command.".to_owned(),
            )),
        }
    }

    fn check_column(&self, record: &TableRecord, column: &str) -> Result<(), CatalogError> {
        find(&mut self.columns(record)?, column).map(drop)
    }
}
