//! `RENAME COLUMN` and `DROP COLUMN` of tables whose columns are mapped by name.

use serde_json::{Value, json};

use super::delta_log;
use super::metadata::find;
use crate::catalog::access::Identity;
use crate::catalog::delta;
use crate::catalog::fault::CatalogError;
use crate::catalog::record::TableRecord;
use crate::catalog::{Catalog, name};

impl Catalog {
    pub(super) fn rename_column(
        &self,
        identity: &Identity,
        record: &TableRecord,
        path: &[String],
        name: &str,
    ) -> Result<TableRecord, CatalogError> {
        mapped(record, "DELTA_UNSUPPORTED_RENAME_COLUMN", "Column rename")?;
        let old = path.first().cloned().unwrap_or_default().to_lowercase();
        self.is_free(record, &old, "RENAME")?;
        let parameters = json!({ "oldColumnPath": path.join("."), "newColumnPath": name });
        self.change_metadata(identity, record, "RENAME COLUMN", &parameters, |metadata| {
            delta::rename(metadata, path, name)
        })?;
        self.change(identity, &quoted(record), |record| {
            if path.len() == 1 {
                let new = name.to_lowercase();
                if let Some(tags) = record.column_tags.remove(&old) {
                    record.column_tags.insert(new.clone(), tags);
                }
                if let Some(mask) = record.column_masks.remove(&old) {
                    record.column_masks.insert(new, mask);
                }
                for key in &mut record.constraints {
                    for column in key.columns.iter_mut().filter(|column| column.eq_ignore_ascii_case(&old)) {
                        name.clone_into(column);
                    }
                }
            }
            Ok(())
        })
    }

    pub(super) fn drop_columns(
        &self,
        identity: &Identity,
        record: &TableRecord,
        mut paths: Vec<Vec<String>>,
        if_exists: bool,
    ) -> Result<TableRecord, CatalogError> {
        mapped(record, "DELTA_UNSUPPORTED_DROP_COLUMN", "DROP COLUMN")?;
        if if_exists {
            let mut columns = self.columns(record)?;
            paths.retain(|path| path.first().is_some_and(|name| find(&mut columns, name).is_ok()));
        }
        for path in &paths {
            self.is_free(record, &path.first().cloned().unwrap_or_default().to_lowercase(), "DROP")?;
        }
        let names: Vec<String> = paths.iter().map(|path| path.join(".")).collect();
        let parameters = json!({ "columns": Value::from(names).to_string() });
        self.change_metadata(identity, record, "DROP COLUMNS", &parameters, |metadata| {
            paths.iter().try_for_each(|path| delta::drop(metadata, path))
        })?;
        self.change(identity, &quoted(record), |record| {
            for path in paths.iter().filter(|path| path.len() == 1) {
                record.column_tags.remove(&path[0].to_lowercase());
                record.column_masks.remove(&path[0].to_lowercase());
            }
            Ok(())
        })
    }

    /// Refuses to change a column that a check, a row filter, a mask or a generated column refers to.
    fn is_free(&self, record: &TableRecord, column: &str, verb: &str) -> Result<(), CatalogError> {
        let properties = self.properties(record)?;
        let checks = properties.iter().filter(|(name, _)| name.starts_with("delta.constraints."));
        let columns = self.columns(record)?;
        let generated =
            columns.iter().filter_map(|known| known.metadata.get("delta.generationExpression")?.as_str());
        let policies = record.row_filter.iter().chain(record.column_masks.values());
        let texts = checks.map(|(_, text)| text.as_str()).chain(generated);
        let names = policies.flat_map(|policy| policy.columns.iter().map(String::as_str));
        let word = |text: &str| {
            text.split(|letter: char| !(letter.is_alphanumeric() || letter == '_'))
                .any(|word| word.eq_ignore_ascii_case(column))
        };
        if texts.chain(names).any(word) {
            return Err(CatalogError::Classed(
                "DELTA_CONSTRAINT_DEPENDENT_COLUMN_CHANGE",
                "42K09",
                format!(
                    "Cannot {verb} column `{column}` because a constraint, a row filter, a mask or a generated column refers to it."
                ),
            ));
        }
        Ok(())
    }
}

/// Refuses what needs column mapping on a table without.
fn mapped(record: &TableRecord, class: &'static str, what: &str) -> Result<(), CatalogError> {
    if record.is_delta() && delta::is_on(&delta_log(record)?.snapshot()?.metadata) {
        return Ok(());
    }
    let text = format!(
        "{what} is not supported for your Delta table. \
         Please enable column mapping on it: ALTER TABLE … SET TBLPROPERTIES ('{}' = 'name')",
        delta::MODE
    );
    Err(CatalogError::Classed(class, "0AKDC", text))
}

fn quoted(record: &TableRecord) -> String {
    format!("{}.{}.{}", name::quote(&record.catalog), name::quote(&record.schema), name::quote(&record.name))
}
