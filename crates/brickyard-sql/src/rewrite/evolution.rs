//! `WITH SCHEMA EVOLUTION`: columns that the changed table is given, and those that the rows do not bring.

use crate::error::SqlError;
use crate::plan;
use crate::rewrite::edits::pieces;
use crate::rewrite::lengths::{held, holds_lengths};
use crate::rewrite::numbers::settled;
use crate::rewrite::planner::Planner;
use crate::rewrite::scope::{Columns, Output, Relation};
use crate::statement::{Insert, Merge};
use crate::token::{Span, quote_name};

impl Planner<'_> {
    /// The table with the columns that an `INSERT WITH SCHEMA EVOLUTION` brings; nothing when it is no such statement.
    pub(super) fn evolved(
        &mut self,
        insert: &Insert,
        relation: &plan::Relation,
        columns: &Columns,
    ) -> Result<Option<plan::Relation>, SqlError> {
        if !insert.schema_evolution || relation.columns.is_empty() {
            return Ok(None);
        }
        let mut evolved = relation.clone();
        self.new_columns = if insert.by_name {
            brought(columns, relation)?
        } else if insert.columns.is_empty() && !columns.open && columns.list.len() > relation.columns.len() {
            // By place, what is more than the table has is new.
            let list = columns.list[relation.columns.len()..].to_vec();
            brought(&Columns { list, open: false }, relation)?
        } else {
            Vec::new()
        };
        evolved.columns.extend(self.new_columns.iter().cloned());
        Ok(Some(evolved))
    }

    /// `UPDATE SET *` and `INSERT *` of a source that does not have all columns of the table.
    ///
    /// Errors: without schema evolution, a column that the source does not have (`DELTA_MERGE_UNRESOLVED_EXPRESSION` 42601).
    pub(super) fn starred_action(
        &mut self,
        star: Span,
        inserts: bool,
        merge: &Merge,
        source: &Relation,
        relation: &plan::Relation,
    ) -> Result<(), SqlError> {
        if source.columns.open || relation.columns.is_empty() {
            return Ok(());
        }
        let lacking = relation.columns.iter().find(|own| source.columns.find(&own.name).is_none());
        if lacking.is_none() && !holds_lengths(relation) {
            return Ok(());
        }
        let given: Vec<&Output> = source.columns.list.iter().collect();
        if let Some(lacking) = lacking.filter(|_| merge.schema_evolution.is_none()) {
            let list: Vec<String> = given.iter().map(|column| quote_name(&column.name)).collect();
            let text = format!(
                "Cannot resolve {} in {} clause given columns {}.",
                quote_name(&lacking.name),
                if inserts { "INSERT" } else { "UPDATE" },
                list.join(", ")
            );
            return Err(SqlError::new("DELTA_MERGE_UNRESOLVED_EXPRESSION", "42601", text).at(star));
        }
        let Some(name) = source.qualifier.last() else {
            let hint = "Give the source an alias";
            return Err(SqlError::unsupported("this MERGE of a source without a name", hint));
        };
        // What the table does not have is only taken over when it grows by it.
        let known = |column: &&Output| {
            merge.schema_evolution.is_some()
                || relation.columns.iter().any(|own| own.name.eq_ignore_ascii_case(&column.name))
        };
        let given: Vec<&Output> = given.into_iter().filter(known).collect();
        let names: Vec<String> = given.iter().map(|column| quote_name(&column.name)).collect();
        let values: Vec<String> = given
            .iter()
            .map(|column| {
                let value = format!("{}.{}", quote_name(name), quote_name(&column.name));
                let own = relation.columns.iter().find(|own| own.name.eq_ignore_ascii_case(&column.name));
                own.map_or(value.clone(), |own| held(&value, own))
            })
            .collect();
        let text = if inserts {
            format!("({}) VALUES ({})", names.join(", "), values.join(", "))
        } else {
            let pairs: Vec<String> =
                names.iter().zip(&values).map(|(name, value)| format!("{name} = {value}")).collect();
            pairs.join(", ")
        };
        self.edits.replace(star, pieces![text]);
        Ok(())
    }
}

/// The columns of rows that a table does not have.
///
/// Errors: columns whose names or types are not known (`UNSUPPORTED_FEATURE` 0A000).
pub(super) fn brought(columns: &Columns, relation: &plan::Relation) -> Result<Vec<plan::Column>, SqlError> {
    let unknown =
        || SqlError::unsupported("schema evolution by unknown columns", "Name the columns and cast them");
    if columns.open {
        return Err(unknown());
    }
    let mut list = Vec::new();
    for column in &columns.list {
        if relation.columns.iter().any(|own| own.name.eq_ignore_ascii_case(&column.name)) {
            continue;
        }
        if !settled(&column.data_type) {
            return Err(unknown());
        }
        list.push(plan::Column {
            name: column.name.clone(),
            data_type: column.data_type.clone(),
            mask: None,
            generated: false,
            default: None,
        });
    }
    Ok(list)
}
