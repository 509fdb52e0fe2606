//! Changes of rows: one at a time for a table, with the columns it needs before and the counts after.

use brickyard_sql::statement::{DmlKind, Insert, TargetName};
use brickyard_sql::{Body, Column, Statement, quote_name};

use super::{Planned, Scene};
use crate::catalog::{ChangedRows, TableRecord};
use crate::warehouse::change::Changed;
use crate::warehouse::fault::Fault;
use crate::warehouse::literal;
use crate::warehouse::name::full_name;
use crate::warehouse::outcome::Outcome;

/// Keys that `REPLACE USING` may have.
const MOST_KEYS: usize = 1000;

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
        self.add_columns(&target, &planned.statement.new_columns)?;
        let before = self.catalog().version(&target).ok();
        self.drain(planned).await?;
        let mut counts = before.and_then(|before| {
            self.catalog().sign_commits(&self.identity, &target, before).ok()?;
            self.catalog().changed_rows(&target, before).ok()
        });
        if let Some(condition) = replaced {
            // The engine counts rows that it only copied; those under the condition are the new ones.
            let full = full_name(&[&target.catalog, &target.schema, &target.name]);
            let rows = self.collect(&format!("SELECT count(*) AS n FROM {full} WHERE {condition}")).await?;
            let inserted = rows.first().and_then(|batch| {
                use arrow_array::cast::AsArray;
                batch.column(0).as_primitive_opt::<arrow_array::types::Int64Type>()?.iter().next().flatten()
            });
            counts = inserted.map(|inserted| ChangedRows { inserted, ..ChangedRows::default() });
        }
        changed.outcome(counts)
    }

    /// `INSERT … REPLACE USING (keys)`: the keys of the new rows become a condition, as `REPLACE WHERE` takes it.
    pub(super) async fn without_replace_using(
        &self,
        sql: &str,
        statement: &Statement,
    ) -> Result<Option<String>, Fault> {
        let Body::Dml(dml) = &statement.body else { return Ok(None) };
        let DmlKind::Insert(Insert { replace_using, replace_span: Some(span), source, .. }) = &dml.kind
        else {
            return Ok(None);
        };
        let names: Vec<String> = replace_using.iter().map(|column| quote_name(&column.value)).collect();
        let target = match &dml.target.name {
            TargetName::Name(name) => self.table(&name.values())?,
            TargetName::Identifier(..) => {
                return Err(Fault::unsupported("REPLACE USING with IDENTIFIER", "Write the table's name"));
            }
        };
        // The rows have the names of the table's columns, by their place.
        let columns = self.catalog().columns(&target)?;
        let list: Vec<String> = columns.iter().map(|column| quote_name(&column.name)).collect();
        let keys = format!(
            "SELECT DISTINCT {} FROM ({}) AS `__rows`({})",
            names.join(", "),
            source.span.of(sql),
            list.join(", ")
        );
        let batches = self.collect(&keys).await?;
        let mut conditions = Vec::new();
        for batch in &batches {
            for row in 0..batch.num_rows() {
                let mut parts = Vec::new();
                for (at, name) in names.iter().enumerate() {
                    let (_, literal) = literal::of(batch, at, row, None)?;
                    parts.push(format!("{name} <=> {literal}"));
                }
                conditions.push(format!("({})", parts.join(" AND ")));
            }
        }
        if conditions.len() > MOST_KEYS {
            return Err(Fault::unsupported(
                format_args!("REPLACE USING of more than {MOST_KEYS} keys"),
                "Use MERGE INTO",
            ));
        }
        let clause = if conditions.is_empty() {
            "REPLACE WHERE false".to_owned()
        } else {
            format!("REPLACE WHERE {}", conditions.join(" OR "))
        };
        Ok(Some(format!("{}{clause}{}", &sql[..span.start], &sql[span.end..])))
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
