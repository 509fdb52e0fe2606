//! Tables and views as their readers may see them.

use crate::data_type::DataType;
use crate::error::SqlError;
use crate::plan::{self, Past};
use crate::query::{ExprKind, Factor, Node, Query, SetBody, tree};
use crate::rewrite::edits::pieces;
use crate::rewrite::planner::Planner;
use crate::rewrite::relations::outputs;
use crate::rewrite::scope::{Relation, Scope};
use crate::rewrite::zones::in_session_zone;
use crate::statement::Dml;
use crate::token::{Span, quote_name};
use std::rc::Rc;

/// No row is left out by it, but the engine moves no condition past it: one that fails on a row which is hidden would tell the
/// row's values in its error.
pub(super) const BARRIER: &str = " LIMIT 9223372036854775807";

impl Planner<'_> {
    /// Puts the text for a relation in its place.
    pub(super) fn resolved(
        &mut self,
        factor: &Factor,
        whole: &[String],
        relation: &plan::Relation,
        travel: &str,
    ) -> Result<Relation, SqlError> {
        let own = whole.iter().map(|part| quote_name(part)).collect::<Vec<_>>().join(".");
        let source = match relation.past {
            Past::Refused if !travel.is_empty() => {
                let text = format!(
                    "Failed to execute the statement. Time travel queries are not supported in a multi-statement transaction. Please remove the temporal specification when referring to table {own} and then retry the transaction."
                );
                return Err(SqlError::new("TRANSACTION_NOT_SUPPORTED.TIME_TRAVEL_QUERY", "0A000", text));
            }
            Past::Named if !travel.is_empty() => own,
            _ => relation.engine_name.clone().unwrap_or(own),
        };
        let alias = whole.last().cloned().unwrap_or_default();
        let mut columns = outputs(&relation.columns);
        let mut subquery = None;
        if relation.materialized && !travel.is_empty() {
            return Err(SqlError::new(
                "MATERIALIZED_VIEW_UNSUPPORTED_OPERATION",
                "0A000",
                "Operation TIME TRAVEL is currently not supported on Materialized Views.",
            ));
        }
        if let Some(view) = &relation.view {
            if !travel.is_empty() {
                return Err(SqlError::unsupported(
                    "time travel of a view",
                    "Use time travel in the view's text",
                ));
            }
            let (text, inner) =
                self.nested(&view.text, (&view.catalog, &view.schema, &view.owner), Rc::default())?;
            if columns.list.is_empty() {
                columns = inner;
                let barrier = if text.contains("->") { BARRIER } else { self.barrier(&view.owner) };
                subquery = Some(format!("(SELECT * FROM ({text}){barrier})"));
            } else if inner.list.len() == columns.list.len() || inner.open {
                let names: Vec<String> = columns.list.iter().map(|column| quote_name(&column.name)).collect();
                for (column, from) in columns.list.iter_mut().zip(&inner.list) {
                    if column.data_type == DataType::Unknown {
                        column.data_type.clone_from(&from.data_type);
                    }
                }
                let names = names.join(", ");
                let barrier = if text.contains("->") { BARRIER } else { self.barrier(&view.owner) };
                subquery = Some(format!("(SELECT {names} FROM ({text}) AS `__view`({names}){barrier})"));
            } else {
                let text = format!(
                    "The columns of view {} do not fit its query any more.",
                    crate::token::quote_name(&alias)
                );
                return Err(SqlError::new("INCOMPATIBLE_VIEW_SCHEMA_CHANGE", "51024", text));
            }
        }
        if subquery.is_none() && self.context.local_time {
            subquery = in_session_zone(&columns, &format!("{source}{travel}"));
        }
        let masked = relation.columns.iter().any(|column| column.mask.is_some());
        if masked || relation.row_filter.is_some() {
            let inner = subquery.take().map_or(format!("{source}{travel}"), |text| text);
            subquery = Some(self.guarded(relation, &inner, &alias)?);
        }
        // A table too, which the engine otherwise knows by its whole name alone: `t.*` would be nothing.
        let unnamed = factor.alias.is_none()
            && factor.inner_alias.is_none()
            && factor.pivot.is_none()
            && factor.unpivot.is_none();
        let text = subquery.unwrap_or_else(|| format!("{source}{travel}"));
        let own_alias = if unnamed { format!(" AS {}", quote_name(&alias)) } else { String::new() };
        match factor.sample {
            // The alias comes after TABLESAMPLE.
            Some(sample) if unnamed => {
                self.edits.replace(factor.source, pieces![text]);
                self.edits.replace(sample, pieces![sample, own_alias]);
            }
            _ => self.edits.replace(factor.source, pieces![format!("{text}{own_alias}")]),
        }
        Ok(Relation { qualifier: whole.to_vec(), columns, ..Relation::default() })
    }

    /// The limit that keeps conditions of who asks out of a view or function of somebody else.
    pub(super) fn barrier(&self, owner: &str) -> &'static str {
        if owner.eq_ignore_ascii_case(&self.context.user) { "" } else { BARRIER }
    }

    /// The rows and values that who asks may see.
    pub(super) fn guarded(
        &mut self,
        relation: &plan::Relation,
        source: &str,
        alias: &str,
    ) -> Result<String, SqlError> {
        let mut list = Vec::new();
        for column in &relation.columns {
            let name = quote_name(&column.name);
            list.push(match &column.mask {
                Some(mask) => format!("{} AS {name}", self.guard_text(mask, relation)?),
                None => name,
            });
        }
        let filter = match &relation.row_filter {
            Some(filter) => {
                let text = self.guard_text(filter, relation)?;
                // The engine finds no lambda's columns in the scan of a table.
                let text = if text.contains("->") { format!("coalesce({text}, rand() < 0)") } else { text };
                format!(" WHERE {text}{BARRIER}")
            }
            None if list.iter().any(|column| column.contains("->")) => BARRIER.to_owned(),
            None => String::new(),
        };
        Ok(format!("(SELECT {} FROM {source} AS {}{filter})", list.join(", "), quote_name(alias)))
    }

    /// The text of a filter or mask, with its functions put in their place.
    pub(super) fn guard_text(&mut self, text: &str, relation: &plan::Relation) -> Result<String, SqlError> {
        let sql = format!("SELECT {text}");
        let statement = crate::statement::parse(&sql)?;
        let Some(Query { body: SetBody::Select(select), .. }) = statement.query() else {
            return Err(SqlError::syntax(&sql, Span::new(0, sql.len())));
        };
        let expr = &select.items[0].expr;
        let context = self.context.clone();
        let mut inner = Planner::new(&sql, &context, self.schemas, self.depth + 1);
        let scope = Scope {
            relations: vec![Relation { columns: outputs(&relation.columns), ..Relation::default() }],
            ..Scope::default()
        };
        inner.expr(expr, &scope)?;
        let rendered = inner.render(expr.span)?;
        self.take_over(&mut inner);
        Ok(format!("({rendered})"))
    }
}

/// Whether a condition or a new value reads a column that is masked. What only writes it, or takes whole rows of another relation,
/// does not.
pub(super) fn reads_masked(dml: &Dml, relation: &plan::Relation) -> bool {
    let masked = |name: &str| {
        let own = relation.columns.iter().find(|own| own.name.eq_ignore_ascii_case(name));
        own.is_some_and(|own| own.mask.is_some())
    };
    let mut found = false;
    dml.children(&mut |child| {
        if let Node::Expr(expr) = child {
            tree::walk(Node::Expr(expr), &mut |node| {
                let Node::Expr(expr) = node else { return };
                found |= match &expr.kind {
                    ExprKind::Name(name) => name.parts.iter().any(|part| masked(&part.value)),
                    ExprKind::Star { .. } | ExprKind::FieldStar(_) => {
                        relation.columns.iter().any(|own| own.mask.is_some())
                    }
                    _ => false,
                };
            });
        }
    });
    found
}
