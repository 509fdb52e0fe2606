//! `GROUP BY`: places, all columns, windows of time; what is an aggregate or a window function.

use crate::data_type::DataType;
use crate::error::SqlError;
use crate::query::{Expr, ExprKind, Node, Select, tree};
use crate::rewrite::edits::{Piece, pieces};
use crate::rewrite::planner::Planner;
use crate::rewrite::scope::{Columns, Found, Scope, plain_name};
use crate::token::quote_name;

impl Planner<'_> {
    /// After `GROUP BY window(…)` the name `window` is that window.
    pub(super) fn grouped_window(&mut self, select: &Select, scope: &mut Scope) -> Result<(), SqlError> {
        let items = select.group_by.iter().flat_map(|group| &group.items);
        for item in items {
            let ExprKind::Call(call) = &item.kind else { continue };
            if call.name.single().as_deref() == Some("WINDOW") {
                let field = |name: &str| crate::data_type::Field {
                    name: name.to_owned(),
                    data_type: DataType::Timestamp,
                    ..Default::default()
                };
                let data_type = DataType::Struct(vec![field("start"), field("end")]);
                scope.aliases.push(("window".to_owned(), item.span, data_type));
            }
        }
        Ok(())
    }

    /// The engine does not find the expression behind `GROUP BY 1` in the keys of a window: it is given the expression.
    pub(super) fn group_by_place(&mut self, select: &Select, widths: &[usize], item: &Expr) {
        let ExprKind::Number(place) = &item.kind else { return };
        let Some(at) = place.parse::<usize>().ok().and_then(|place| place.checked_sub(1)) else { return };
        if let (Some(chosen), true) =
            (select.items.get(at), widths.iter().take(at + 1).all(|width| *width == 1))
            && matches!(
                chosen.expr.kind,
                ExprKind::Call(_) | ExprKind::Cast { .. } | ExprKind::Binary(..) | ExprKind::Case { .. }
            )
            && select.items.iter().any(|item| has_window(&item.expr))
        {
            self.edits.replace(item.span, pieces![chosen.expr.span]);
        }
    }

    /// In `HAVING` the name of a column by which rows are grouped is that column, whatever else the select list calls so.
    pub(super) fn keys_first(&mut self, select: &Select, having: &Expr, scope: &Scope) {
        let Some(group) = &select.group_by else { return };
        let items = select.items.iter().map(|item| &item.expr).filter(|_| group.all);
        let keys: Vec<String> =
            group.items.iter().chain(items).filter_map(plain_name).map(str::to_lowercase).collect();
        let mut edits = Vec::new();
        tree::walk(Node::Expr(having), &mut |node| {
            let Node::Expr(Expr { kind: ExprKind::Name(name), .. }) = node else { return };
            let [part] = name.parts.as_slice() else { return };
            let other = select.items.iter().any(|item| {
                item.alias.as_ref().is_some_and(|alias| alias.value.eq_ignore_ascii_case(&part.value))
            });
            if other
                && keys.contains(&part.value.to_lowercase())
                && let Found::Column { owner: Some(owner), meaning: None, up: 0, .. } =
                    scope.find(&name.values())
            {
                edits.push((part.span, format!("{}.{}", quote_name(&owner), quote_name(&part.value))));
            }
        });
        edits.into_iter().for_each(|(span, text)| self.edits.replace(span, pieces![text]));
    }

    pub(super) fn group_by_all(
        &mut self,
        select: &Select,
        widths: &[usize],
        columns: &Columns,
    ) -> Result<(), SqlError> {
        let Some(group) = &select.group_by else { return Ok(()) };
        if columns.open {
            return Err(SqlError::unsupported("GROUP BY ALL of unknown columns", "Name the columns"));
        }
        let mut ordinals = Vec::new();
        let mut at = 1;
        let windows = select.items.iter().any(|item| has_window(&item.expr));
        for (item, width) in select.items.iter().zip(widths) {
            if !has_aggregate(&item.expr) {
                // The engine finds no place in the keys of a window.
                let named = (windows || select.having.is_some())
                    && *width == 1
                    && !has_window(&item.expr)
                    && !matches!(item.expr.kind, ExprKind::Number(_) | ExprKind::Star { .. });
                if named {
                    ordinals.push(Piece::from(item.expr.span));
                } else {
                    ordinals.extend((at..at + width).map(|ordinal| Piece::from(ordinal.to_string())));
                }
            }
            at += width;
        }
        let mut text = Vec::new();
        for (index, ordinal) in ordinals.into_iter().enumerate() {
            text.push(Piece::from(if index > 0 { ", " } else { "GROUP BY " }));
            text.push(ordinal);
        }
        self.edits.replace(group.span, text);
        Ok(())
    }
}

/// Whether an aggregate stands in the expression, outside of windows and subqueries.
pub(crate) fn has_aggregate(expr: &Expr) -> bool {
    if let ExprKind::Call(call) = &expr.kind {
        let name = call.name.single().unwrap_or_default().to_lowercase();
        if call.over.is_none() && crate::function::is_aggregate(&name) {
            return true;
        }
    }
    let mut found = false;
    tree::expr_children(expr, &mut |node| {
        if let Node::Expr(child) = node {
            found |= has_aggregate(child);
        }
    });
    found
}

/// Whether an expression has a window function in it.
pub(super) fn has_window(expr: &Expr) -> bool {
    let own = matches!(&expr.kind, ExprKind::Call(call) if call.over.is_some());
    let mut found = own;
    tree::expr_children(expr, &mut |node| {
        if let Node::Expr(child) = node {
            found |= has_window(child);
        }
    });
    found
}
