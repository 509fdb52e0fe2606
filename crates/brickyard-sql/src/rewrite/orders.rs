//! `ORDER BY` of what the select list does not show: the engine finds no aggregates there.

use crate::data_type::DataType;
use crate::error::SqlError;
use crate::query::{Expr, ExprKind, Node, Query, SetBody, tree};
use crate::rewrite::alike::orderable;
use crate::rewrite::edits::{Piece, pieces};
use crate::rewrite::grouping::{has_aggregate, has_window};
use crate::rewrite::naming::column_name;
use crate::rewrite::planner::Planner;
use crate::rewrite::scope::Columns;
use crate::token::{Span, quote_name};

impl Planner<'_> {
    /// `ORDER BY count(*)` of groups: what is ordered by becomes a column of a query within.
    pub(super) fn order_by_aggregates(&mut self, query: &Query, columns: &Columns) -> Result<(), SqlError> {
        let SetBody::Select(select) = &query.body else { return Ok(()) };
        let Some(order) = query.order_span else { return Ok(()) };
        let wanted = query.order_by.iter().any(|item| has_aggregate(&item.expr));
        let plain = !select.distinct
            && !select.from_first
            && select.qualify.is_none()
            && query.spread.is_empty()
            && query.windows.is_empty()
            && query.pipes.is_empty()
            && !query.order_by.iter().any(|item| has_window(&item.expr));
        // What `grouping` is asked about is an entry of the select list where there is one of that name.
        for name in query.order_by.iter().flat_map(|item| grouped(&item.expr)) {
            let other = select.items.iter().find(|item| {
                item.alias.as_ref().is_some_and(|alias| alias.value.eq_ignore_ascii_case(&name))
                    && !matches!(item.expr.kind, ExprKind::Name(_))
            });
            if let Some(other) = other {
                let shown = column_name(&other.expr, self.sql);
                let text =
                    format!("Column of grouping ({shown} AS {name}) can't be found in grouping columns.");
                return Err(SqlError::new("GROUPING_COLUMN_MISMATCH", "42803", text).at(other.span));
            }
        }
        if !wanted || !plain || columns.open || columns.list.is_empty() {
            return Ok(());
        }
        let own = |at: usize| format!("`__{}`", at + 1);
        let mut hidden = Vec::new();
        let mut names: Vec<String> = (0..columns.list.len()).map(own).collect();
        let mut by = Vec::new();
        for (at, item) in query.order_by.iter().enumerate() {
            by.push(Piece::from(if at > 0 { ", " } else { " ORDER BY " }));
            let shown = match &item.expr.kind {
                ExprKind::Number(place) => place
                    .parse::<usize>()
                    .ok()
                    .and_then(|place| place.checked_sub(1))
                    .filter(|at| *at < columns.list.len()),
                ExprKind::Name(name) if name.parts.len() == 1 => columns
                    .list
                    .iter()
                    .position(|column| column.name.eq_ignore_ascii_case(&name.parts[0].value)),
                _ => None,
            };
            if let Some(at) = shown {
                by.push(Piece::from(own(at)));
            } else {
                let name = format!("`__o{at}`");
                hidden.extend(pieces![", (", item.expr.span, format!(") AS {name}")]);
                by.push(Piece::from(name.clone()));
                names.push(name);
            }
            by.push(Piece::from(Span::new(item.expr.span.end, item.span.end)));
        }
        let shown: Vec<String> = columns
            .list
            .iter()
            .enumerate()
            .map(|(at, column)| format!("{} AS {}", own(at), quote_name(&column.name)))
            .collect();
        let mut items = pieces![select.items_span];
        items.extend(hidden);
        self.edits.replace(select.items_span, items);
        let mut text = pieces![
            Span::new(query.span.start, select.span.start),
            format!(" SELECT {} FROM (", shown.join(", ")),
            select.span,
            format!(") AS `__ordered`({})", names.join(", "))
        ];
        text.extend(by);
        text.push(Piece::from(Span::new(order.end, query.span.end)));
        self.edits.replace(query.span, text);
        Ok(())
    }

    /// `ORDER BY ALL`: by every column, from the first to the last.
    pub(super) fn order_by_all(&mut self, query: &Query, columns: &Columns) -> Result<(), SqlError> {
        let item = &query.order_by[0];
        if columns.open {
            return Err(SqlError::unsupported("ORDER BY ALL of unknown columns", "Name the columns"));
        }
        let order = format!(
            "{}{}",
            if item.descending { " DESC" } else { "" },
            match item.nulls.as_deref() {
                Some(nulls) => format!(" NULLS {nulls}"),
                None => String::new(),
            }
        );
        let list: Vec<String> = (1..=columns.list.len()).map(|ordinal| format!("{ordinal}{order}")).collect();
        self.edits.replace(item.span, pieces![list.join(", ")]);
        Ok(())
    }
}

/// The names that `grouping` and `grouping_id` are asked about.
fn grouped(expr: &Expr) -> Vec<String> {
    let mut found = Vec::new();
    tree::walk(Node::Expr(expr), &mut |node| {
        if let Node::Expr(Expr { kind: ExprKind::Call(call), .. }) = node
            && matches!(call.name.single().as_deref(), Some("GROUPING" | "GROUPING_ID"))
        {
            let names = call.arguments.iter().filter_map(|argument| match &argument.value.kind {
                ExprKind::Name(name) if name.parts.len() == 1 => Some(name.parts[0].value.clone()),
                _ => None,
            });
            found.extend(names);
        }
    });
    found
}

/// What rows cannot be ordered by: places before the first, values without an order.
pub(super) fn check_order(sql: &str, expr: &Expr, data_type: &DataType) -> Result<(), SqlError> {
    if let ExprKind::Unary(operator, operand) = &expr.kind
        && operator == "-"
        && matches!(&operand.kind, ExprKind::Number(place) if place.chars().all(|c| c.is_ascii_digit()))
    {
        let text = format!("ORDER BY position {} is not in select list.", expr.span.of(sql));
        return Err(SqlError::new("ORDER_BY_POS_OUT_OF_RANGE", "42805", text).at(expr.span));
    }
    orderable(std::slice::from_ref(data_type))
}
