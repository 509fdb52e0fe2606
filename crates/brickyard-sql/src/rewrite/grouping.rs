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
            self.edits.replace(item.span, pieces![Piece::Bare(chosen.expr.span)]);
        }
    }

    /// The `GROUP BY` of a `SELECT` whose entries give so many columns each.
    pub(super) fn group_by(
        &mut self,
        select: &Select,
        widths: &[usize],
        columns: &Columns,
        scope: &Scope,
    ) -> Result<(), SqlError> {
        let Some(group) = &select.group_by else { return Ok(()) };
        let named = scope.relations.iter().any(|relation| relation.columns.find("all").is_some());
        if group.all && named {
            // A column of that name goes before the word.
            self.edits.replace(group.span, pieces!["GROUP BY `all`"]);
        } else if group.all {
            self.group_by_all(select, widths, columns, scope)?;
        }
        if !columns.open {
            self.group_places(select, widths, group)?;
        }
        for item in &group.items {
            self.expr(item, scope)?;
            self.group_by_place(select, widths, item);
        }
        self.written_sets(select, group)
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
        scope: &Scope,
    ) -> Result<(), SqlError> {
        let Some(group) = &select.group_by else { return Ok(()) };
        if columns.open {
            return Err(SqlError::unsupported("GROUP BY ALL of unknown columns", "Name the columns"));
        }
        let mut ordinals = Vec::new();
        let mut at = 1;
        let windows = select.items.iter().any(|item| has_window(&item.expr));
        let stars = select.items.iter().any(|item| matches!(item.expr.kind, ExprKind::Star { .. }));
        for (item, width) in select.items.iter().zip(widths) {
            if has_aggregate(&item.expr) {
                if !has_window(&item.expr) && bare_column(&item.expr, scope) {
                    let text = "Cannot infer grouping columns for GROUP BY ALL based on the select clause. Please explicitly specify the grouping columns.";
                    return Err(SqlError::new("UNRESOLVED_ALL_IN_GROUP_BY", "42803", text).at(item.span));
                }
            } else if let ExprKind::Star { .. } = item.expr.kind {
                // The engine finds no place behind a star.
                let own = columns.list[at - 1..at - 1 + width].iter();
                ordinals.extend(own.map(|column| Piece::from(quote_name(&column.name))));
            } else {
                // The engine finds no place in the keys of a window.
                let literal = matches!(item.expr.kind, ExprKind::Number(_));
                let named = (windows || select.having.is_some())
                    && *width == 1
                    && !has_window(&item.expr)
                    && !literal;
                if stars {
                    match &item.alias {
                        Some(alias) => ordinals.push(Piece::from(quote_name(&alias.value))),
                        None if literal => {}
                        None => ordinals.push(Piece::Bare(item.expr.span)),
                    }
                } else if named {
                    ordinals.push(Piece::Bare(item.expr.span));
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

/// Whether a column stands in the expression outside of aggregates and queries.
pub(super) fn bare_column(expr: &Expr, scope: &Scope) -> bool {
    match &expr.kind {
        ExprKind::Call(call)
            if call.over.is_none()
                && crate::function::is_aggregate(&call.name.single().unwrap_or_default().to_lowercase()) =>
        {
            return false;
        }
        ExprKind::Name(name) => return matches!(scope.find(&name.values()), Found::Column { .. }),
        ExprKind::Lambda(..) => return false,
        _ => {}
    }
    let mut found = false;
    tree::expr_children(expr, &mut |node| {
        if let Node::Expr(child) = node {
            found |= bare_column(child, scope);
        }
    });
    found
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
pub(crate) fn has_window(expr: &Expr) -> bool {
    let own = matches!(&expr.kind, ExprKind::Call(call) if call.over.is_some());
    let mut found = own;
    tree::expr_children(expr, &mut |node| {
        if let Node::Expr(child) = node {
            found |= has_window(child);
        }
    });
    found
}
