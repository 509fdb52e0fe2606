//! Changes of rows: one at a time for a table, with the columns it needs before and the counts after.

use brickyard_sql::Column;

use super::{Planned, Scene};
use crate::catalog::{ChangedRows, TableRecord};
use crate::warehouse::change::Changed;
use crate::warehouse::fault::Fault;
use crate::warehouse::name::full_name;
use crate::warehouse::outcome::Outcome;

impl Scene<'_> {
    /// Changes rows: one change of a table at a time, and the counts from its log.
    pub(super) async fn change(
        &self,
        planned: &Planned,
        changed: Changed,
        target: Option<TableRecord>,
        replaced: Option<&str>,
    ) -> Result<Outcome, Fault> {
        let Some(target) = target else {
            self.drain(planned).await?;
            return Ok(Outcome::nothing());
        };
        let lock = self.workspace.warehouses().writer(&target.full_name());
        let _writing = lock.lock().await;
        let checks = if changed == Changed::Inserted { Vec::new() } else { self.checks(&target)? };
        self.add_columns(&target, &planned.statement.new_columns)?;
        let before = self.catalog().version(&target).ok();
        self.drain(planned).await?;
        if let Some(before) = before {
            self.hold(&checks, &target, before).await?;
        }
        let mut counts = before.and_then(|before| {
            self.catalog().sign_commits(&self.identity, &target, before).ok()?;
            self.catalog().changed_rows(&target, before).ok()
        });
        if let Some(condition) = replaced {
            // The engine counts rows that it only copied; those under the condition are the new ones.
            let full = full_name(&[&target.catalog, &target.schema, &target.name]);
            counts = self
                .count(&full, condition)
                .await?
                .map(|inserted| ChangedRows { inserted, ..ChangedRows::default() });
        }
        changed.outcome(counts)
    }

    async fn count(&self, full: &str, condition: &str) -> Result<Option<i64>, Fault> {
        let rows = self.collect(&format!("SELECT count(*) AS n FROM {full} WHERE {condition}")).await?;
        Ok(rows.first().and_then(|batch| {
            use arrow_array::cast::AsArray;
            batch.column(0).as_primitive_opt::<arrow_array::types::Int64Type>()?.iter().next().flatten()
        }))
    }

    /// Names and expressions of a table's `CHECK` constraints.
    fn checks(&self, target: &TableRecord) -> Result<Vec<(String, String)>, Fault> {
        let properties = self.catalog().properties(target)?.into_iter();
        let checks: Vec<_> = properties
            .filter_map(|(key, value)| Some((key.strip_prefix("delta.constraints.")?.to_owned(), value)))
            .collect();
        if !checks.is_empty() && !target.column_masks.is_empty() {
            return Err(Fault::unsupported(
                "UPDATE, DELETE and MERGE of a table with column masks and CHECK constraints",
                "Drop the constraints, or INSERT OVERWRITE",
            ));
        }
        Ok(checks)
    }

    /// The engine holds checks when it inserts, not when it updates or merges: a change that breaks one is taken back.
    async fn hold(
        &self,
        checks: &[(String, String)],
        target: &TableRecord,
        before: i64,
    ) -> Result<(), Fault> {
        let full = full_name(&[&target.catalog, &target.schema, &target.name]);
        for (name, expression) in checks {
            let broken = self.count(&full, &format!("NOT ({expression})")).await;
            if !matches!(broken, Ok(Some(0))) {
                self.catalog().restore(&self.identity, &full, before)?;
                let text = format!("CHECK constraint {name} ({expression}) violated.");
                return Err(broken
                    .err()
                    .unwrap_or_else(|| Fault::new("DELTA_VIOLATE_CONSTRAINT_WITH_VALUES", "23001", text)));
            }
        }
        Ok(())
    }

    /// Gives a table the columns that `MERGE WITH SCHEMA EVOLUTION` brings.
    fn add_columns(&self, target: &TableRecord, columns: &[Column]) -> Result<(), Fault> {
        if columns.is_empty() {
            return Ok(());
        }
        let mut added = Vec::new();
        for column in columns {
            let data_type = crate::catalog::DataType::parse(&column.data_type.to_string())?;
            added.push((crate::catalog::Column::new(column.name.clone(), data_type), None));
        }
        let full = full_name(&[&target.catalog, &target.schema, &target.name]);
        let change = crate::catalog::TableChange::AddColumns(added);
        self.catalog().alter_table(&self.identity, &full, change)?;
        Ok(())
    }

    async fn drain(&self, planned: &Planned) -> Result<(), Fault> {
        let mut outcome = self.engine(planned).await?;
        while outcome.next().await?.is_some() {}
        Ok(())
    }
}
