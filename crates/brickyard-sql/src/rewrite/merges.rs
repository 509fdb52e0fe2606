//! `MERGE`, and changes that are made by one.

use crate::data_type::DataType;
use crate::error::SqlError;
use crate::parser::Name;
use crate::plan;
use crate::query::Expr;
use crate::rewrite::edits::pieces;
use crate::rewrite::evolution::brought;
use crate::rewrite::planner::{Env, Planner};
use crate::rewrite::scope::{Relation, Scope};
use crate::statement::{Merge, MergeAction};
use crate::token::{Span, quote_name};

impl Planner<'_> {
    /// The engine deletes by a subquery only through MERGE, joined on the whole row.
    pub(super) fn delete_by_merge(
        &mut self,
        filter: &Expr,
        own: &Relation,
        relation: &plan::Relation,
        target: &str,
    ) -> Result<Option<String>, SqlError> {
        let comparable = |data_type: &DataType| {
            !matches!(data_type, DataType::Map(..) | DataType::Variant | DataType::Unknown)
        };
        let keys: Vec<&plan::Column> = relation.columns.iter().collect();
        if keys.is_empty() || keys.iter().any(|column| !comparable(&column.data_type)) {
            return Err(SqlError::unsupported(
                "DELETE with a subquery on this table",
                "Use MERGE INTO … WHEN MATCHED THEN DELETE",
            ));
        }
        let alias = own.qualifier.last().cloned().unwrap_or_default();
        let list: Vec<String> = keys.iter().map(|column| quote_name(&column.name)).collect();
        let list = list.join(", ");
        let on: Vec<String> =
            keys.iter().map(|column| format!("`__t`.{0} <=> `__s`.{0}", quote_name(&column.name))).collect();
        Ok(Some(format!(
            "MERGE INTO {target} AS `__t` USING (SELECT DISTINCT {list} FROM {target} AS {} WHERE {}) AS `__s` ON {} WHEN MATCHED THEN DELETE",
            quote_name(&alias),
            self.render(filter.span)?,
            on.join(" AND ")
        )))
    }

    /// The engine updates by a subquery only through MERGE, joined on the whole row.
    pub(super) fn update_by_merge(
        &mut self,
        assignments: &[(Name, Expr)],
        filter: &Expr,
        own: &Relation,
        relation: &plan::Relation,
        target: &str,
    ) -> Result<String, SqlError> {
        let comparable = |data_type: &DataType| {
            !matches!(data_type, DataType::Map(..) | DataType::Variant | DataType::Unknown)
        };
        if relation.columns.is_empty() || relation.columns.iter().any(|column| !comparable(&column.data_type))
        {
            return Err(SqlError::unsupported(
                "UPDATE with a subquery in WHERE on this table",
                "Use MERGE INTO … WHEN MATCHED THEN UPDATE",
            ));
        }
        let alias = quote_name(&own.qualifier.last().cloned().unwrap_or_default());
        let (mut keys, mut on) = (Vec::new(), Vec::new());
        for (index, column) in relation.columns.iter().enumerate() {
            let name = quote_name(&column.name);
            keys.push(format!("{name} AS `__k{index}`"));
            on.push(format!("{alias}.{name} <=> `__s`.`__k{index}`"));
        }
        let mut set = Vec::new();
        for (column, value) in assignments {
            let name = column.parts.last().map(|part| quote_name(&part.value)).unwrap_or_default();
            set.push(format!("{name} = {}", self.render(value.span)?));
        }
        Ok(format!(
            "MERGE INTO {target} AS {alias} USING (SELECT DISTINCT {} FROM {target} AS {alias} WHERE {}) AS `__s` ON {} WHEN MATCHED THEN UPDATE SET {}",
            keys.join(", "),
            self.render(filter.span)?,
            on.join(" AND "),
            set.join(", ")
        ))
    }

    pub(super) fn merge(
        &mut self,
        merge: &Merge,
        relation: &plan::Relation,
        mut scope: Scope,
        env: &Env,
        whole: Span,
    ) -> Result<Option<String>, SqlError> {
        let _ = whole;
        let target_scope = scope.clone();
        let source = self.factor(&merge.source, &scope, env)?;
        let source_scope =
            Scope { relations: vec![source.clone()], ctes: env.ctes.clone(), ..Scope::default() };
        if merge.schema_evolution.is_some() {
            let stars = merge
                .clauses
                .iter()
                .any(|clause| matches!(clause.action, MergeAction::UpdateAll(_) | MergeAction::InsertAll(_)));
            if stars {
                self.new_columns = brought(&source.columns, relation)?;
            }
            if let Some(span) = merge.schema_evolution {
                self.edits.replace(span, pieces![""]);
            }
        }
        for clause in &merge.clauses {
            if let MergeAction::UpdateAll(star) | MergeAction::InsertAll(star) = &clause.action {
                let inserts = matches!(clause.action, MergeAction::InsertAll(_));
                self.starred_action(*star, inserts, merge, &source, relation)?;
            }
        }
        scope.relations.push(source);
        self.expr(&merge.condition, &scope)?;
        for clause in &merge.clauses {
            let seen = match clause.when.as_str() {
                "NOT MATCHED" => &source_scope,
                "NOT MATCHED BY SOURCE" => &target_scope,
                _ => &scope,
            };
            if let Some(condition) = &clause.condition {
                self.expr(condition, seen)?;
            }
            match &clause.action {
                MergeAction::Update(assignments) => {
                    for (column, value) in assignments {
                        self.assigned(column, relation)?;
                        self.assigned_value(value, column, relation, seen)?;
                    }
                }
                MergeAction::Insert(columns, values) => {
                    for (column, value) in columns.iter().zip(values) {
                        self.assigned(column, relation)?;
                        self.assigned_value(value, column, relation, seen)?;
                    }
                }
                MergeAction::Delete | MergeAction::UpdateAll(_) | MergeAction::InsertAll(_) => {}
            }
        }
        Ok(None)
    }
}
