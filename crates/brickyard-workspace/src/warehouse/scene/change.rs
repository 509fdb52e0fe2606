//! Changes of rows: one at a time for a table, with the columns it needs before and the counts after.

use brickyard_sql::Column;

use super::{Planned, Scene};
use crate::catalog::{ChangedRows, TableRecord};
use crate::warehouse::change::Changed;
use crate::warehouse::fault::Fault;
use crate::warehouse::name::full_name;
use crate::warehouse::outcome::Outcome;

impl Scene<'_> {
    /// Changes rows: one change of a table at a time, and the counts from its log. In a transaction the target is its branch.
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
        let transaction = self.transaction();
        let _writing = match &transaction {
            // In a branch nobody else writes.
            Some(_) => None,
            None => Some(self.workspace.warehouses().writer(&target.full_name()).lock_owned().await),
        };
        let checks = if changed == Changed::Inserted { Vec::new() } else { self.checks(&target)? };
        let before = self.catalog().version(&target).ok();
        self.add_columns(&target, &planned.statement.new_columns)?;
        let done = match self.drain(planned).await {
            Ok(()) => self.hold(&checks, &target).await,
            failed => failed,
        };
        if let Err(fault) = done {
            if let (Some(_), Some(before)) = (&transaction, before)
                && self.catalog().version(&target)? > before
            {
                // A handler of a script may go on with the transaction.
                self.catalog().restore_branch(&self.identity, &target, before)?;
            }
            return Err(fault);
        }
        let mut counts = before.and_then(|before| {
            if transaction.is_none() {
                self.catalog().sign_commits(&self.identity, &target, before).ok()?;
            }
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
    pub(super) fn checks(&self, target: &TableRecord) -> Result<Vec<(String, String)>, Fault> {
        let properties = self.catalog().properties(target)?.into_iter();
        Ok(properties
            .filter_map(|(key, value)| Some((key.strip_prefix("delta.constraints.")?.to_owned(), value)))
            .collect())
    }

    /// The engine holds checks when it inserts, not when it updates or merges; so such a change is made in a branch, which goes
    /// no further when a row there breaks one, whoever may see the row.
    async fn hold(&self, checks: &[(String, String)], target: &TableRecord) -> Result<(), Fault> {
        let full = full_name(&[&target.catalog, &target.schema, &target.name]);
        for (name, expression) in checks {
            self.seen().bare = true;
            let broken = self.count(&full, &format!("NOT ({expression})")).await;
            self.seen().bare = false;
            if broken? != Some(0) {
                let text = format!("CHECK constraint {name} ({expression}) violated.");
                return Err(Fault::new("DELTA_VIOLATE_CONSTRAINT_WITH_VALUES", "23001", text));
            }
        }
        Ok(())
    }

    /// Gives a table the columns that `MERGE WITH SCHEMA EVOLUTION` brings.
    pub(super) fn add_columns(&self, target: &TableRecord, columns: &[Column]) -> Result<(), Fault> {
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
        if self.transaction().is_some() {
            self.catalog().alter_branch(&self.identity, target, &change)?;
        } else {
            self.catalog().alter_table(&self.identity, &full, change)?;
        }
        Ok(())
    }

    pub(super) async fn drain(&self, planned: &Planned) -> Result<(), Fault> {
        let mut outcome = self.engine(planned).await?;
        while outcome.next().await?.is_some() {}
        Ok(())
    }
}
