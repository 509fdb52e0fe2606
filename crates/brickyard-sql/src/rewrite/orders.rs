//! `ORDER BY` aggregates: the engine finds those of the select list only by their names, and others not at all.

use crate::error::SqlError;
use crate::query::{Expr, ExprKind, Node, Query, Select, tree};
use crate::rewrite::edits::{Piece, pieces};
use crate::rewrite::grouping::{has_aggregate, has_window};
use crate::rewrite::planner::Planner;
use crate::rewrite::scope::{Columns, Scope};
use crate::token::{Span, quote_name};

impl Planner<'_> {
    /// Aggregates by which the rows are ordered become columns: those of the select list by name, others beside it.
    pub(super) fn order_by_aggregates(
        &mut self,
        query: &Query,
        select: &Select,
        columns: &Columns,
        scope: &Scope,
    ) -> Result<(), SqlError> {
        let ordered: Vec<&Expr> = query.order_by.iter().map(|item| &item.expr).collect();
        if !ordered.iter().any(|expr| has_aggregate(expr)) || ordered.iter().any(|expr| has_window(expr)) {
            return Ok(());
        }
        let mut known = Vec::new();
        for item in &select.items {
            if has_aggregate(&item.expr) && !has_window(&item.expr) {
                let name = match &item.alias {
                    Some(alias) => alias.value.clone(),
                    None => self.own_name(&item.expr, scope)?,
                };
                known.push((self.key(&item.expr), name));
            }
        }
        let mut beside = Vec::new();
        for expr in ordered.into_iter().filter(|expr| has_aggregate(expr)) {
            if asks_for_grouping(expr) {
                continue;
            }
            let mut found = Vec::new();
            if self.named(expr, &known, &mut found) {
                for (span, name) in found {
                    self.edits.replace(span, pieces![quote_name(&name)]);
                }
            } else {
                beside.push(expr);
            }
        }
        if !beside.is_empty() {
            // What is no column of the query around stands beside it too.
            let hidden = |expr: &&Expr| {
                matches!(&expr.kind, ExprKind::Name(name)
                if name.parts.last().is_some_and(|part| columns.find(&part.value).is_none()))
            };
            beside.extend(query.order_by.iter().map(|item| &item.expr).filter(hidden));
        }
        let mut names: Vec<String> = columns.list.iter().map(|column| column.name.to_lowercase()).collect();
        names.sort();
        names.dedup();
        let plain = !select.distinct && !select.from_first && select.qualify.is_none();
        if beside.is_empty() || columns.open || names.len() < columns.list.len() || !plain {
            return Ok(());
        }
        let list: Vec<String> = columns.list.iter().map(|column| quote_name(&column.name)).collect();
        let mut text = pieces![format!("SELECT {} FROM (SELECT ", list.join(", ")), select.items_span];
        for (at, expr) in beside.into_iter().enumerate() {
            text.push(Piece::from(format!(", ({}) AS `__o{at}`", self.render(expr.span)?)));
            self.edits.replace(expr.span, pieces![format!("`__o{at}`")]);
        }
        text.extend(pieces![Span::new(select.items_span.end, select.span.end), ")"]);
        self.edits.replace(select.span, text);
        Ok(())
    }

    /// Whether all aggregates of an expression are among the known ones; their places.
    fn named(&self, expr: &Expr, known: &[(String, String)], found: &mut Vec<(Span, String)>) -> bool {
        if !has_aggregate(expr) {
            return true;
        }
        let key = self.key(expr);
        if let Some((_, name)) = known.iter().find(|(own, _)| *own == key) {
            found.push((expr.span, name.clone()));
            return true;
        }
        if let ExprKind::Call(call) = &expr.kind
            && crate::function::is_aggregate(&call.name.single().unwrap_or_default().to_lowercase())
        {
            return false;
        }
        let mut all = true;
        tree::expr_children(expr, &mut |node| {
            all &= matches!(node, Node::Expr(child) if self.named(child, known, found));
        });
        all
    }
}

/// Whether `grouping` stands in an expression, whose columns are those of the select list.
fn asks_for_grouping(expr: &Expr) -> bool {
    let mut found = false;
    tree::walk(Node::Expr(expr), &mut |node| {
        if let Node::Expr(Expr { kind: ExprKind::Call(call), .. }) = node {
            found |= matches!(call.name.single().as_deref(), Some("GROUPING" | "GROUPING_ID"));
        }
    });
    found
}
