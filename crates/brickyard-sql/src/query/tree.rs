//! Walking the tree: the direct children of a node, so that no walker can forget a place where a table may hide.

use crate::query::call::Over;
use crate::query::expression::{Argument, Call, Expr, ExprKind};
use crate::query::pipe::PipeKind;
use crate::query::pivot::Pivot;
use crate::query::relation::{Factor, FactorKind, From, JoinRule};
use crate::query::select::{Item, LateralView, OrderItem, Query, Select, SetBody};

/// A child.
#[derive(Debug, Clone, Copy)]
pub enum Node<'a> {
    /// An expression.
    Expr(&'a Expr),
    /// A query with a scope of its own.
    Query(&'a Query),
    /// A source of rows.
    Factor(&'a Factor),
}

/// Calls `visit` for each direct child of an expression.
pub fn expr_children<'a>(expr: &'a Expr, visit: &mut dyn FnMut(Node<'a>)) {
    match &expr.kind {
        ExprKind::Number(_)
        | ExprKind::String(_)
        | ExprKind::Boolean(_)
        | ExprKind::Null
        | ExprKind::Typed(..)
        | ExprKind::Name(_)
        | ExprKind::Star { set: None, .. }
        | ExprKind::Named(_)
        | ExprKind::Positional
        | ExprKind::Default => {}
        ExprKind::Star { set: Some(set), .. } => visit(Node::Expr(&set.1)),
        ExprKind::Interval(parts) => parts.iter().for_each(|(value, _)| visit(Node::Expr(value))),
        ExprKind::Call(call) => call_children(call, visit),
        ExprKind::Unary(_, operand) => visit(Node::Expr(operand)),
        ExprKind::Binary(left, _, right) | ExprKind::Subscript(left, right) => {
            visit(Node::Expr(left));
            visit(Node::Expr(right));
        }
        ExprKind::Chain(_, operands) | ExprKind::Tuple(operands) => {
            operands.iter().for_each(|operand| visit(Node::Expr(operand)));
        }
        ExprKind::Between { value, low, high, .. } => {
            [value, low, high].into_iter().for_each(|part| visit(Node::Expr(part)));
        }
        ExprKind::InList { value, list, .. } => {
            visit(Node::Expr(value));
            list.iter().for_each(|item| visit(Node::Expr(item)));
        }
        ExprKind::InQuery { value, query, .. } => {
            visit(Node::Expr(value));
            visit(Node::Query(query));
        }
        ExprKind::Like { value, patterns, escape, .. } => {
            visit(Node::Expr(value));
            patterns.iter().for_each(|pattern| visit(Node::Expr(pattern)));
            if let Some(escape) = escape {
                visit(Node::Expr(escape));
            }
        }
        ExprKind::Is { value, .. } | ExprKind::Cast { value, .. } => visit(Node::Expr(value)),
        ExprKind::Case { operand, whens, otherwise } => {
            if let Some(operand) = operand {
                visit(Node::Expr(operand));
            }
            for when in whens {
                visit(Node::Expr(&when.condition));
                visit(Node::Expr(&when.result));
            }
            if let Some(otherwise) = otherwise {
                visit(Node::Expr(otherwise));
            }
        }
        ExprKind::Field(base, _)
        | ExprKind::FieldStar(base)
        | ExprKind::Path(base, _)
        | ExprKind::Lambda(_, base)
        | ExprKind::Collate(base, _) => visit(Node::Expr(base)),
        ExprKind::Subquery(query) | ExprKind::Exists(query) => visit(Node::Query(query)),
        ExprKind::Table(factor) => visit(Node::Factor(factor)),
    }
}

fn call_children<'a>(call: &'a Call, visit: &mut dyn FnMut(Node<'a>)) {
    let Call { arguments, order_by, within_group, filter, over, .. } = call;
    for Argument { value, .. } in arguments {
        visit(Node::Expr(value));
    }
    order_children(order_by, visit);
    order_children(within_group, visit);
    if let Some(filter) = filter {
        visit(Node::Expr(filter));
    }
    if let Some(over) = over {
        over_children(over, visit);
    }
}

fn over_children<'a>(over: &'a Over, visit: &mut dyn FnMut(Node<'a>)) {
    over.partition_by.iter().for_each(|expr| visit(Node::Expr(expr)));
    order_children(&over.order_by, visit);
    over.bounds.iter().for_each(|expr| visit(Node::Expr(expr)));
}

fn order_children<'a>(items: &'a [OrderItem], visit: &mut dyn FnMut(Node<'a>)) {
    items.iter().for_each(|item| visit(Node::Expr(&item.expr)));
}

fn item_children<'a>(items: &'a [Item], visit: &mut dyn FnMut(Node<'a>)) {
    items.iter().for_each(|item| visit(Node::Expr(&item.expr)));
}

/// Calls `visit` for each direct child of a query, the queries of its `WITH` first.
pub fn query_children<'a>(query: &'a Query, visit: &mut dyn FnMut(Node<'a>)) {
    if let Some(with) = &query.with {
        with.ctes.iter().for_each(|cte| visit(Node::Query(&cte.query)));
    }
    body_children(&query.body, visit);
    order_children(&query.order_by, visit);
    order_children(&query.spread, visit);
    query.windows.iter().for_each(|(_, over)| over_children(over, visit));
    query.limit.iter().chain(&query.offset).for_each(|expr| visit(Node::Expr(expr)));
    query.pipes.iter().for_each(|pipe| pipe_children(&pipe.kind, visit));
}

fn pipe_children<'a>(pipe: &'a PipeKind, visit: &mut dyn FnMut(Node<'a>)) {
    match pipe {
        PipeKind::Select(_, items) | PipeKind::Extend(items) => item_children(items, visit),
        PipeKind::Set(changes) => changes.iter().for_each(|(_, expr)| visit(Node::Expr(expr))),
        PipeKind::Drop(_) | PipeKind::As(_) | PipeKind::Sample(_) | PipeKind::Unpivot(_) => {}
        PipeKind::Where(expr) => visit(Node::Expr(expr)),
        PipeKind::Aggregate(items, groups) => {
            item_children(items, visit);
            item_children(groups, visit);
        }
        PipeKind::Join(join) => {
            visit(Node::Factor(&join.right));
            if let JoinRule::On(condition) = &join.rule {
                visit(Node::Expr(condition));
            }
        }
        PipeKind::Set2(_, body) => body_children(body, visit),
        PipeKind::Order(items) => order_children(items, visit),
        PipeKind::Limit(limit, offset) => limit.iter().chain(offset).for_each(|expr| visit(Node::Expr(expr))),
        PipeKind::Pivot(pivot) => pivot_children(pivot, visit),
        PipeKind::View(view) => visit(Node::Expr(&view.call)),
    }
}

fn pivot_children<'a>(pivot: &'a Pivot, visit: &mut dyn FnMut(Node<'a>)) {
    pivot.aggregates.iter().chain(&pivot.values).for_each(|(expr, _)| visit(Node::Expr(expr)));
}

/// Calls `visit` for each child of a body; the parts of a set operation are part of the body.
pub fn body_children<'a>(body: &'a SetBody, visit: &mut dyn FnMut(Node<'a>)) {
    match body {
        SetBody::Select(select) => select_children(select, visit),
        SetBody::Values(_, rows) => rows.iter().for_each(|row| visit(Node::Expr(row))),
        SetBody::Table(factor) => visit(Node::Factor(factor)),
        SetBody::From(_, from) => from.iter().for_each(|from| from_children(from, visit)),
        SetBody::Query(_, query) => visit(Node::Query(query)),
        SetBody::Set(first, rest) => {
            body_children(first, visit);
            rest.iter().for_each(|(_, body)| body_children(body, visit));
        }
        SetBody::Command(_) => {}
    }
}

fn select_children<'a>(select: &'a Select, visit: &mut dyn FnMut(Node<'a>)) {
    item_children(&select.items, visit);
    select.from.iter().for_each(|from| from_children(from, visit));
    select.views.iter().for_each(|LateralView { call, .. }| visit(Node::Expr(call)));
    select.filter.iter().for_each(|expr| visit(Node::Expr(expr)));
    if let Some(group) = &select.group_by {
        group.items.iter().for_each(|expr| visit(Node::Expr(expr)));
    }
    select.having.iter().for_each(|expr| visit(Node::Expr(expr)));
    select.qualify.iter().for_each(|(_, expr)| visit(Node::Expr(expr)));
    select.windows.iter().for_each(|(_, over)| over_children(over, visit));
}

/// Calls `visit` for each child of an entry of `FROM`.
pub fn from_children<'a>(from: &'a From, visit: &mut dyn FnMut(Node<'a>)) {
    visit(Node::Factor(&from.first));
    for join in &from.joins {
        visit(Node::Factor(&join.right));
        if let JoinRule::On(condition) = &join.rule {
            visit(Node::Expr(condition));
        }
    }
}

/// Calls `visit` for each direct child of a source of rows.
pub fn factor_children<'a>(factor: &'a Factor, visit: &mut dyn FnMut(Node<'a>)) {
    match &factor.kind {
        FactorKind::Table { travel, .. } => travel.iter().for_each(|travel| visit(Node::Expr(&travel.value))),
        FactorKind::Identifier { expr, travel } => {
            visit(Node::Expr(expr));
            travel.iter().for_each(|travel| visit(Node::Expr(&travel.value)));
        }
        FactorKind::Function(call) => call_children(call, visit),
        FactorKind::Subquery(query) => visit(Node::Query(query)),
        FactorKind::Values(rows) => rows.iter().for_each(|row| visit(Node::Expr(row))),
        FactorKind::Nested(from) => from_children(from, visit),
    }
    if let Some(pivot) = &factor.pivot {
        pivot_children(pivot, visit);
    }
}

/// Calls `visit` for each direct child of any node.
pub fn children<'a>(node: Node<'a>, visit: &mut dyn FnMut(Node<'a>)) {
    match node {
        Node::Expr(expr) => expr_children(expr, visit),
        Node::Query(query) => query_children(query, visit),
        Node::Factor(factor) => factor_children(factor, visit),
    }
}

/// Calls `visit` for the node and everything below it, parents first.
pub fn walk<'a>(node: Node<'a>, visit: &mut dyn FnMut(Node<'a>)) {
    visit(node);
    children(node, &mut |child| walk(child, visit));
}
