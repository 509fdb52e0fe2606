//! `ORDER BY` of grouped rows: the engine orders by what the select list gives, so an aggregate beside it becomes a hidden column.

use crate::data_type::DataType;
use crate::error::SqlError;
use crate::query::{Expr, ExprKind, Node, OrderItem, Query, Select, SetBody, tree};
use crate::rewrite::alike::orderable;
use crate::rewrite::edits::{Piece, pieces};
use crate::rewrite::grouping::{has_aggregate, has_window};
use crate::rewrite::naming::column_name;
use crate::rewrite::planner::Planner;
use crate::rewrite::scope::Columns;
use crate::token::{Span, TokenKind, quote_name, tokenize};

/// How an entry of `ORDER BY` is written for the engine.
enum Order {
    /// As it is: a place, or the name of a column that the query gives.
    Own(Option<usize>),
    /// By the place of an equal entry of the select list.
    Place(usize),
    /// As a column of its own.
    Hidden,
}

impl Planner<'_> {
    /// Writes the order of grouped rows so that the engine finds it; its entries have been planned.
    pub(super) fn order_of_groups(&mut self, query: &Query, columns: &Columns) -> Result<(), SqlError> {
        let SetBody::Select(select) = &query.body else { return Ok(()) };
        let plain = !select.distinct && select.qualify.is_none() && query.spread.is_empty();
        if query.order_by.is_empty() || !plain || columns.open || !is_grouped(query, select) {
            return Ok(());
        }
        self.check_groupings(query, select)?;
        let single = select.items.len() == columns.list.len();
        let orders: Vec<Order> =
            query.order_by.iter().map(|item| self.order(item, select, columns, single)).collect();
        if !orders.iter().any(|order| matches!(order, Order::Hidden)) {
            for (item, order) in query.order_by.iter().zip(&orders) {
                if let Order::Place(place) = order {
                    self.edits.replace(item.expr.span, pieces![place.to_string()]);
                }
            }
            return Ok(());
        }
        let names: Vec<String> = (1..=columns.list.len()).map(|at| format!("`__column_{at}`")).collect();
        let mut inner: Vec<String> = names.clone();
        let mut hidden = pieces![select.items_span];
        for (item, order) in query.order_by.iter().zip(&orders) {
            let text = match order {
                Order::Own(None) => continue,
                Order::Own(Some(at)) => names[*at].clone(),
                Order::Place(place) => place.to_string(),
                Order::Hidden => {
                    let name = format!("`__order_{}`", inner.len() + 1);
                    hidden.push(Piece::from(format!(", {}", self.render(item.expr.span)?)));
                    inner.push(name.clone());
                    name
                }
            };
            self.edits.replace(item.expr.span, pieces![text]);
        }
        self.edits.replace(select.items_span, hidden);
        let list: Vec<String> = names
            .iter()
            .zip(&columns.list)
            .map(|(name, column)| format!("{name} AS {}", quote_name(&column.name)))
            .collect();
        self.edits.replace(
            select.span,
            pieces![
                format!("SELECT {} FROM (", list.join(", ")),
                select.span,
                format!(") AS `__grouped`({})", inner.join(", ")),
            ],
        );
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

    /// What `grouping` is asked about is an entry of the select list where there is one of that name.
    fn check_groupings(&self, query: &Query, select: &Select) -> Result<(), SqlError> {
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
        Ok(())
    }

    fn order(&self, item: &OrderItem, select: &Select, columns: &Columns, single: bool) -> Order {
        match &item.expr.kind {
            ExprKind::Number(_) | ExprKind::Null | ExprKind::String(_) | ExprKind::Boolean(_) => {
                return Order::Own(None);
            }
            ExprKind::Name(name) => {
                let name = name.single();
                let found = name.and_then(|name| {
                    columns.list.iter().position(|column| column.name.eq_ignore_ascii_case(&name))
                });
                if found.is_some() {
                    return Order::Own(found);
                }
            }
            _ => {}
        }
        let equal =
            single.then(|| select.items.iter().position(|own| self.is_equal(own.expr.span, item.expr.span)));
        match equal.flatten() {
            Some(at) => Order::Place(at + 1),
            None if self.names_output(&item.expr, select) => Order::Own(None),
            None => Order::Hidden,
        }
    }

    /// Whether an alias of the select list stands in the expression, which means what the list gives, not a column of the groups.
    fn names_output(&self, expr: &Expr, select: &Select) -> bool {
        let mut found = false;
        tree::walk(Node::Expr(expr), &mut |node| {
            let Node::Expr(Expr { kind: ExprKind::Name(name), .. }) = node else { return };
            let Some(name) = name.single() else { return };
            found |= select.items.iter().any(|item| {
                let alias = item.alias.as_ref().is_some_and(|alias| alias.value.eq_ignore_ascii_case(&name));
                let same = matches!(&item.expr.kind, ExprKind::Name(own)
                    if own.parts.last().is_some_and(|part| part.value.eq_ignore_ascii_case(&name)));
                alias && !same
            });
        });
        found
    }

    /// Whether two expressions are written alike.
    fn is_equal(&self, one: Span, other: Span) -> bool {
        let words = |span: Span| {
            let text = span.of(self.sql);
            let tokens = tokenize(text).unwrap_or_default();
            let words = tokens.into_iter().filter_map(|token| match token.kind {
                TokenKind::Space | TokenKind::Comment | TokenKind::Hint => None,
                TokenKind::String => Some(token.span.of(text).to_owned()),
                _ => Some(token.span.of(text).to_lowercase()),
            });
            words.collect::<Vec<_>>()
        };
        words(one) == words(other)
    }
}

/// Whether the rows of a query are groups.
fn is_grouped(query: &Query, select: &Select) -> bool {
    let mut exprs =
        select.items.iter().map(|item| &item.expr).chain(query.order_by.iter().map(|item| &item.expr));
    select.group_by.is_some() || select.having.is_some() || exprs.any(aggregates)
}

fn aggregates(expr: &Expr) -> bool {
    has_aggregate(expr) && !has_window(expr)
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
